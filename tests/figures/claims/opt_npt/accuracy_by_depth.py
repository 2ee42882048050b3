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


def by_width(name: str, *gain: float) -> dict[str, np.ndarray]:
    """At each depth the widest has so much more than the narrowest, whose medians are .06 further apart."""
    values = np.full((6, 4, 3), 0.99)
    sign = np.sign(gain[0])
    values[:, 0] = 0.5 - sign * 0.03 * HIGH
    values[:, -1] = 0.5 + np.array(gain)[:, None] + sign * 0.03 * HIGH
    return SIZES | {name: values}


def lost(*of_runs: list[int]) -> dict[str, np.ndarray]:
    """At each width so many sixteenths from the best depth, 7 layers, to 20, which are the better the wider."""
    deepest = 0.25 + np.arange(4.0)[:, None] / 16
    accuracy = np.full((6, 4, 5), 0.125)
    accuracy[-1] = deepest
    accuracy[2] = deepest + np.array(of_runs).T / 16
    return SIZES | {"accuracy": accuracy}


def least_at(*depths: int) -> dict[str, np.ndarray]:
    """At each width a mean gradient of .8 at one depth, 1 at others; two runs in three are least at 20 layers."""
    gradient = np.ones((6, 4, 3))
    gradient[-1] += 0.3 * LOW
    for width, depth in enumerate(depths):
        gradient[depth == DEPTHS, width] = 0.8
    return SIZES | {"gradient": gradient}


CASES = {
    # the second smallest of four, the lower quartile, is 2.4 and -2.4; the median of the latter lies in between
    "best-depth": Case(best_depths(1.6, 2.4, 3.2, 4), best_depths(-2.8, -2.4, 1, 3), (2.8, -0.7)),
    "wider-is-better": Case(
        by_width("accuracy", 0.01, 0.02, 0.03, 0.04, 0.05, 0.06),
        by_width("accuracy", 0.01, 0.02, 0.03, 0.04, 0.05, -0.01),
        (0.035, 0.025),
    ),
    # of six pairs of widths: all fall, -1; all but one, (1 - 5) / 6; four fall, one rises, one is even, (1 - 4) / 6; or
    # three fall and three rise, 0: a run of either data is on the other side of the bound
    "narrow-lose-more": Case(
        lost([5, 4, 3, 2], [4, 3, 1, 2], [3, 4, 2, 1], [2, 4, 1, 3], [4, 3, 2, 1]),
        lost([4, 2, 3, 2], [4, 3, 2, 1], [5, 3, 4, 3], [3, 1, 2, 1], [2, 4, 1, 3]),
        (-2 / 3, -0.5),
    ),
    "wider-is-flatter": Case(
        by_width("gradient", -0.01, -0.02, -0.03, -0.04, -0.05, -0.06),
        by_width("gradient", -0.01, -0.02, -0.03, -0.04, -0.05, 0.01),
        (-0.035, -0.025),
    ),
    # three or two of four widths between 5 and 8 layers; the median of 5, 7, 9 and 9 is no depth, and in between
    "least-gradient": Case(least_at(7, 5, 9, 7), least_at(9, 5, 9, 7), (7, 8)),
    # |7 - 8| = |9 - 8| = 1, |10 - 8| = 2, |5 - 8| = 3
    "least-gradient-old": Case(least_at(7, 9, 9, 5), least_at(7, 10, 9, 5), (1, 1.5)),
}
