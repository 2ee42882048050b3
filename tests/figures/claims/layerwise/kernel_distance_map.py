"""Maps of five draws, four imbalances and six scales (a), and of four draws, six imbalances and five divisors (b).

Only the cells that a claim reads have the values that are written down; the others would fail it.
"""

import numpy as np

from tests.figures.claims import Case

DIVISORS = np.array([0.1, 4.6, 10, 25, 50])
# a pattern over imbalances that a reversal leaves as it is and one that it turns round, both times a sign of the scale:
# mean 0, mean square 1, and the mean of their product 0
SIGN = np.array([1, 1, 1, -1, -1, -1])
EVEN, ODD = np.outer([-1, 1, 1, -1], SIGN), np.outer([-1, -1, 1, 1], SIGN)
ONE, OTHER = np.array([2.0, 1, 4, 5]), np.array([1.0, 9, 3, 6])  # the larger ones: 2, 9, 4, 6 with median 5
ONE_MORE = np.array([11.0, 1, 4, 5])  # 11, 9, 4, 6: median 7.5


def imbalanced(negative: tuple[float, ...], positive: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Map (a) with these distances at one scale of the first and one of the last imbalance, 1e-6 at their others."""
    cells = np.full((5, 4, 6), 0.3)
    cells[:, [0, -1]] = 1e-6
    cells[:, 0, 2], cells[:, -1, 4] = negative, positive
    return {"a": cells}


def mirrored(*correlations: float) -> dict[str, np.ndarray]:
    """Maps (a) whose logarithms correlate so with their mirror images.

    EVEN + e ODD and its mirror image EVEN - e ODD correlate by (1 - e^2) / (1 + e^2).
    """
    r = np.array(correlations)[:, None, None]
    return {"a": 10 ** (-3 + EVEN + np.sqrt((1 - r) / (1 + r)) * ODD) - 1e-6}


def balanced(*smallest: float) -> dict[str, np.ndarray]:
    """The smallest distance of each draw, at one scale or another; .2 at the two others."""
    distances = np.full((5, 3), 0.2)
    distances[range(5), [0, 1, 2, 0, 1]] = smallest
    return {"balanced": distances}


def targets(*marks: tuple[int, int, np.ndarray], read: tuple[slice | list, slice], elsewhere: float):
    """Map (b): 1e-6 in what is read of imbalances and divisors, but for `marks` in it; `elsewhere` beyond."""
    cells = np.full((4, 6, len(DIVISORS)), elsewhere)
    cells[:, read[0], read[1]] = 1e-6
    for imbalance, divisor, values in marks:
        cells[:, imbalance, divisor] = values
    return {"b": cells, "divisors": DIVISORS}


def middle(*values: float) -> dict[str, np.ndarray]:
    """Map (b) with the largest target at the smallest imbalance above 0, the fourth of six."""
    return targets((3, 0, np.array(values)), read=(slice(0), slice(0)), elsewhere=0.01)


def small_targets(one: np.ndarray) -> dict[str, np.ndarray]:
    """Divisors 25 and 50, and one distance in each."""
    return targets((1, 3, 1e-4 * one), (3, 4, 1e-4 * OTHER), read=(slice(None), slice(3, None)), elsewhere=0.1)


def outer_imbalances(one: np.ndarray) -> dict[str, np.ndarray]:
    """Divisors from 4.6 on at the first and the last imbalance, and one distance in each."""
    return targets((0, 1, 1e-4 * one), (-1, 2, 1e-4 * OTHER), read=([0, -1], slice(1, None)), elsewhere=0.1)


def outer_and_large(one: np.ndarray) -> dict[str, np.ndarray]:
    """The first divisor at the first and the last imbalance."""
    return targets((0, 0, 1e-4 * one), (-1, 0, 1e-4 * OTHER), read=(slice(0), slice(0)), elsewhere=0.1)


CASES = {
    # .001, .003, .021, .022, .024 with mean .014, and .001, .003, .018, .024, .09 with mean .027
    "rich": Case(
        {"corner": np.array([0.021, 0.003, 0.022, 0.024, 0.001])},
        {"corner": np.array([0.018, 0.003, 0.09, 0.024, 0.001])},
        (0.021, 0.018),
    ),
    # the larger ones: 2, 9, 4, 6, 3 and 11, 9, 4, 6, 3
    "lazy": Case(
        imbalanced((2e-5, 1e-5, 4e-5, 5e-5, 3e-5), (1e-5, 9e-5, 2e-5, 6e-5, 1e-5)),
        imbalanced((11e-5, 1e-5, 4e-5, 5e-5, 3e-5), (1e-5, 9e-5, 2e-5, 6e-5, 1e-5)),
        (4e-5, 6e-5),
    ),
    "symmetric": Case(mirrored(0.96, 0.98, 0.975, 0.99, 1), mirrored(0.96, 0.94, 0.975, 0.99, 1), (0.98, 0.975)),
    # .001, .002, .011, .013, .014 with mean .008, and .001, .002, .009, .013, .05 with mean .015
    "balanced": Case(
        balanced(0.011, 0.002, 0.014, 0.013, 0.001), balanced(0.009, 0.002, 0.05, 0.013, 0.001), (0.011, 0.009)
    ),
    "closed-form": Case(
        {"closed_form": np.array([2e-4, 9e-4, 4e-4, 6e-4, 3e-4])},
        {"closed_form": np.array([11e-4, 9e-4, 4e-4, 6e-4, 3e-4])},
        (4e-4, 6e-4),
    ),
    # .02, .11, .12, .13 with mean .095, and .02, .08, .09, .3 with mean .123
    "large-target": Case(middle(0.12, 0.02, 0.13, 0.11), middle(0.08, 0.02, 0.3, 0.09), (0.115, 0.085)),
    "small-target": Case(small_targets(ONE), small_targets(ONE_MORE), (5e-4, 7.5e-4)),
    "imbalance": Case(outer_imbalances(ONE), outer_imbalances(ONE_MORE), (5e-4, 7.5e-4)),
    "imbalance-and-large-target": Case(outer_and_large(ONE), outer_and_large(ONE_MORE), (5e-4, 7.5e-4)),
}
