"""Shares of two features, and moves that are powers of the width with exponents that are written down."""

import numpy as np

from tests.figures.claims import Case

WIDTHS = np.array([16.0, 32, 64, 128])
# has neither mean nor slope over equal steps, so that a straight line through all widths does not see it
BEND = 0.05 * np.array([1, -3, 3, -1])
SMALL, LARGE = range(2)


def away(start: int, *shares: float, other: float) -> dict[str, np.ndarray]:
    """Shares of the feature that points away from one of the two starts, and one for all networks from the other."""
    array = np.full((2, len(shares)), other)
    array[start] = shares
    return {"away": array}


def moves(name: str, other: str, *exponents: float) -> dict[str, np.ndarray]:
    """Moves (widths, networks) with an exponent and a factor of each network; what is not judged goes as width^.3."""
    factor = np.array([0.5, 1, 2, 3, 5])

    def powers(exponents):
        return factor * WIDTHS[:, None] ** np.array(exponents) * np.exp(BEND)[:, None]

    return {"widths": WIDTHS, f"moved_{name}": powers(exponents), f"moved_{other}": powers([0.3] * 5)}


CASES = {
    # .01, .02, .04, .09, .14 with mean .06, and .01, .02, .055, .06, .07 with mean .043
    "greedy": Case(
        away(SMALL, 0.01, 0.09, 0.04, 0.02, 0.14, other=0.9),
        away(SMALL, 0.01, 0.06, 0.055, 0.02, 0.07, other=0.9),
        (0.04, 0.055),
    ),
    # .01, .02, .11, .12, .2 with mean .092, and .01, .02, .09, .12, .3 with mean .108
    "both": Case(
        away(LARGE, 0.11, 0.02, 0.2, 0.12, 0.01, other=0.001),
        away(LARGE, 0.09, 0.02, 0.3, 0.12, 0.01, other=0.001),
        (0.11, 0.09),
    ),
    # means -1.19 and -.96
    "small-moves": Case(
        moves("feature", "function", -1.6, -1.08, -1.05, -1.3, -0.95),
        moves("feature", "function", -1.15, -1.12, -0.9, -1.13, -0.5),
        (-1.08, -1.12),
    ),
    "large-sum": Case(
        moves("function", "feature", 0.005, -0.018, 0.012, 0.001, -0.01),
        moves("function", "feature", 0.005, -0.018, -0.024, 0.001, -0.01),
        (0.001, -0.01),
    ),
}
