"""Scores over a few starts, ratios and draws, and stages by rank; the study calls .6 absent and 1 shown.

Ranks of 6 starts in a made-up order have Spearman's rho 1 - S / 35, with S the sum of squared distances from 1, 2, ...
"""

import numpy as np

from tests.figures.claims import Case

EXPONENTIAL = np.log10(np.log(10) / np.log(10 / 9))  # decades from 10 to 90 % of 1 - exp(-t)
PREDICTED = np.array([[0.5, 2, 4], [1, 3, 0.2]])  # (2 starts, 3 ratios)
BY_SUM = {
    2: np.array([2.0, 1, 3, 4, 5, 6]),
    4: np.array([2.0, 1, 4, 3, 5, 6]),
    10: np.array([3.0, 2, 1, 5, 4, 6]),  # 4 + 4 + 1 + 1: rho 25 / 35 = .714
    12: np.array([2.0, 3, 4, 1, 5, 6]),  # 1 + 1 + 1 + 9: rho 23 / 35 = .657
}


def off_the_closed_form(family: str, *distances: float) -> dict[str, np.ndarray]:
    """Scores (2 starts, 3 ratios, 3 draws) off by these shares of the prediction, or of 1 where that is larger.

    Only medians over draws are: means of scores and predictions are far off.
    """
    middle = PREDICTED + np.maximum(PREDICTED, 1) * np.reshape(distances, (2, 3))
    return {
        f"{family}_predicted": PREDICTED[..., None] + [0.7, 0, -0.1],
        f"{family}_score": middle[..., None] + [0, 0.9, -0.2],
    }


def sides(below: float) -> dict[str, np.ndarray]:
    """Of 24 runs of two families 4 are predicted between .6 and 1; of the others one is at .99 and one `below`."""
    layerwise = np.array([[1, 1, 2, 5, 9, 0.6], [0.5, 0.1, 0.99, 3, 4, 7]])
    neurashed = np.array([[0.7, 0.8, 0.59, 0.3, 0.2, 0.4], [1, 2, 3, 4, 5, 6]])
    arrays = {}
    for family, predicted in (("layerwise", layerwise), ("neurashed", neurashed)):
        score = np.where(predicted >= 1, 1.0, 0.5)
        score[(predicted >= 0.6) & (predicted < 1)] = 3
        arrays |= {f"{family}_predicted": predicted.reshape(2, 2, 3), f"{family}_score": score.reshape(2, 2, 3)}
    arrays["layerwise_score"][0, 1, 1] = 0.99  # predicted 9
    arrays["neurashed_score"][0, 1, 2] = below  # predicted .4
    return arrays


def by_start(*sums: int) -> dict[str, np.ndarray]:
    """Scores (6 starts, 3 ratios, 3 draws) whose middle draw falls with the start in these orders; the others rise."""
    middle = np.stack([BY_SUM[total][::-1] for total in sums], axis=1)
    rising = np.arange(6.0)[:, None] * np.ones(3)
    return {
        "condensation_starts": np.array([0.003, 0.01, 0.03, 0.1, 0.25, 0.5]),
        "condensation_score": np.stack([100 + 100 * rising, middle, -10 + rising], axis=2),
    }


def lazy(last: float) -> dict[str, np.ndarray]:
    """Scores (4 starts, 2 ratios, 3 draws): .5 from a start of .25 and .55 from .5, but for .59 and `last`; else 2."""
    score = np.full((4, 2, 3), 2.0)
    score[2], score[3] = 0.5, 0.55
    score[3, 0, 1], score[2, 1, 2] = 0.59, last
    return {"condensation_starts": np.array([0.003, 0.24, 0.25, 0.5]), "condensation_score": score}


def rises(first: float) -> dict[str, np.ndarray]:
    """Rises (3 draws, 4 skills) as shares of that of an exponential."""
    shares = np.array([[first, 0.12, 0.16, 0.19], [0.11, 0.13, 0.15, 0.17], [0.1, 0.12, 0.14, 0.18]])
    return {"stages_rise": shares * EXPONENTIAL}


def areas(last: float) -> dict[str, np.ndarray]:
    """Areas (3 draws, 3 pairs)."""
    return {"stages_area": np.array([[0.96, 0.97, 0.99], [0.98, 0.97, 0.99], [0.96, 0.98, last]])}


def one_layer(last: float) -> dict[str, np.ndarray]:
    """Scores (4 ratios, 3 draws) up to a ratio of 12; at 20 and 30 they are 2."""
    score = np.array([[0.1, 0.2, 0.3], [0.7, 0.95, last], [2, 2, 2], [2, 2, 2]])
    return {"layerwise_ratios": np.array([1.2, 12, 20, 30]), "stages_one_layer": score}


def by_rank(first: tuple[float, ...], last: float) -> dict[str, np.ndarray]:
    """Stages (3 draws, 23 pairs): of the first pair; .6 up to rank 14; .4, .5 and .55 by draw, once `last`."""
    stage = np.full((3, 23), 0.6)
    stage[:, 0] = first
    stage[:, 14:] = [[0.4], [0.5], [0.55]]
    stage[1, 14] = last
    return {"stages_by_rank": stage}


CASES = {
    "diagonal-as-predicted": Case(
        off_the_closed_form("layerwise", 0.19, -0.1, 0.05, 0.15, -0.18, 0),  # 0 .05 .1 | .15 .18 .19
        off_the_closed_form("layerwise", 0.19, -0.1, 0.05, 0.15, -0.18, -0.21),  # .05 .1 .15 | .18 .19 .21
        (0.125, 0.165),
    ),
    "chains-as-predicted": Case(
        off_the_closed_form("neurashed", -0.19, 0.1, 0.02, -0.13, 0.18, 0),  # 0 .02 .1 | .13 .18 .19
        off_the_closed_form("neurashed", -0.19, 0.1, 0.02, -0.21, 0.18, 0),  # 0 .02 .1 | .18 .19 .21
        (0.115, 0.14),
    ),
    "one-line": Case(sides(0.59), sides(0.6), (19 / 20, 18 / 20)),
    "smaller-start": Case(by_start(10, 2, 4), by_start(10, 12, 4), (31 / 35, 25 / 35)),
    "lazy-at-once": Case(
        lazy(0.5),  # six of .5, five of .55, .59
        lazy(0.61),  # five of .5, five of .55, .59, .61
        (0.525, 0.55),
    ),
    "sudden": Case(
        rises(0.1),  # .1 .1 .11 .12 .12 .13 | .14 .15 .16 .17 .18 .19
        rises(0.21),  # .1 .11 .12 .12 .13 .14 | .15 .16 .17 .18 .19 .21
        (0.135, 0.145),
    ),
    "one-after-the-other": Case(
        areas(0.99),  # .96 .96 .97 .97 | .98 | .98 .99 .99 .99
        areas(0.94),  # .94 .96 .96 .97 | .97 | .98 .98 .99 .99
        (0.98, 0.97),
    ),
    "one-layer": Case(one_layer(0.9), one_layer(1.0), (0.5, 0.5)),  # between .3 and .7
    "power-law-begins-in-stages": Case(by_rank((1, 1.2, 3), 0.5), by_rank((1.1, 0.98, 3), 0.5), (1.2, 1.1)),
    "power-law-merges": Case(by_rank((2, 3, 4), 0.59), by_rank((2, 3, 4), 0.6), (0.5, 0.5)),  # nine of each draw
}
