"""Six depths, four widths and three runs, whose means are given and whose medians are elsewhere; or five runs.

Offsets of -1, -1 and 2 deviations have a mean of 0, a median of -1, and a variance of 6 / 2 = 3, which leaves the mean
of three runs an error of 1 deviation.
"""

import numpy as np

from tests.figures.claims import Case

DEPTHS = np.array([4, 5, 7, 9, 10, 20])
WIDTHS = np.array([128, 256, 512, 1280])
SIZES = {"depths": DEPTHS, "widths": WIDTHS, "samples": np.array(10_000)}
LOW, HIGH = np.array([-1.0, -1, 2]), np.array([-2.0, 1, 1])  # offsets of mean 0 with a low and with a high median


def best_depths(*excess: float) -> dict[str, np.ndarray]:
    """At each width 4 or 10 layers reach .9, and 5 or 9 layers so many errors of .005 = hypot(.003, .004) more."""
    accuracy = 0.8 + 0.01 * LOW * np.ones((6, 4, 1))
    for width, (inside, other) in enumerate([(1, 0), (3, 0), (1, 4), (3, 4)]):
        accuracy[inside, width] = 0.9 + 0.005 * excess[width] + 0.003 * LOW
        accuracy[other, width] = 0.9 + 0.004 * LOW
    return SIZES | {"accuracy": accuracy}


def by_width(name: str, *errors: float) -> dict[str, np.ndarray]:
    """At each depth the widest has so many errors of .05 = hypot(.03, .04) more than the narrowest.

    Their medians are further apart by .07, which is more than an error, and a network of width 64 is beyond both.
    """
    values = np.full((6, 5, 3), 0.99)
    sign = np.sign(errors[0])
    values[:, 0] = 0.5 + sign
    values[:, 1] = 0.5 - sign * 0.03 * HIGH
    values[:, -1] = 0.5 + 0.05 * np.array(errors)[:, None] + sign * 0.04 * HIGH
    return SIZES | {"widths": np.array([64, *WIDTHS]), name: values}


def lost(*of_runs: list[int]) -> dict[str, np.ndarray]:
    """At each width so many sixteenths from the best depth, 7 layers, to 20, which are the better the wider."""
    deepest = 0.25 + np.arange(4.0)[:, None] / 16
    accuracy = np.full((6, 4, 5), 0.125)
    accuracy[-1] = deepest
    accuracy[2] = deepest + np.array(of_runs).T / 16
    return SIZES | {"accuracy": accuracy}


def least_by(depth: int, *errors: float) -> dict[str, np.ndarray]:
    """At each width the gradient at a depth is so many errors of .05 below that at 20, the least of the others."""
    gradient = 1 + 0.2 * LOW * np.ones((6, 4, 1))
    gradient[-1] = 0.8 + 0.03 * LOW
    for width, excess in enumerate(errors):
        gradient[depth == DEPTHS, width] = 0.8 - 0.05 * excess + 0.04 * LOW
    return SIZES | {"gradient": gradient}


CASES = {
    # the second smallest of four, the lower quartile, is 2.4 and -2.4; the median of the latter lies in between
    "best-depth": Case(best_depths(1.6, 2.4, 3.2, 4), best_depths(-2.8, -2.4, 1, 3), (2.8, -0.7)),
    "wider-is-better": Case(
        by_width("accuracy", 3, 4, -1.8, 1, 2.4, 9),
        by_width("accuracy", 3, 4, -2.2, 1, 2.4, 9),
        (2.7, 2.7),
    ),
    # of six pairs of widths: all fall, -1; all but one, (1 - 5) / 6; four fall, one rises, one is even, (1 - 4) / 6; or
    # three fall and three rise, 0: a run of either data is on the other side of the bound
    "narrow-lose-more": Case(
        lost([5, 4, 3, 2], [4, 3, 1, 2], [3, 4, 2, 1], [2, 4, 1, 3], [4, 3, 2, 1]),
        lost([4, 2, 3, 2], [4, 3, 2, 1], [5, 3, 4, 3], [3, 1, 2, 1], [2, 4, 1, 3]),
        (-2 / 3, -0.5),
    ),
    "wider-is-flatter": Case(
        by_width("gradient", -3, -4, 1.8, 1, -2.4, -9),
        by_width("gradient", -3, -4, 2.2, 1, -2.4, -9),
        (2.7, 2.7),
    ),
    # the second smallest of four, the lower quartile, is 2.4 and -2.4
    "least-gradient": Case(least_by(5, 1.6, 2.4, 3.2, 4), least_by(7, -2.8, -2.4, 1, 3), (2.8, -0.7)),
    # the narrowest alone
    "least-gradient-old": Case(least_by(9, 2.4, -9, -9, -9), least_by(7, -2.4, 9, 9, 9), (2.4, -2.4)),
}
