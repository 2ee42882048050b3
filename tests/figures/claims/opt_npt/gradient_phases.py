"""Layers in made-up orders, of 8 hidden layers, three runs and seven records; accuracies with a best record in between.

Ranks of 8 layers whose squared distances from 1..8 sum to S have Spearman's rho = 1 - 6 S / (8 * 63) = 1 - S / 84. The
bounds 0.5, 0 and -0.5 lie at S = 42, 84 and 126; a reversed order has 168 - S.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

STEPS = np.array([0.0, 1, 2, 3, 5, 9, 20])
SORTED = np.arange(1.0, 9.0)
BY_SUM = {
    32: np.array([5.0, 2, 3, 4, 1, 6, 7, 8]),  # 16 + 16
    40: np.array([5.0, 2, 3, 4, 1, 8, 7, 6]),  # 16 + 16 + 4 + 4: rho 44 / 84
    44: np.array([4.0, 5, 3, 1, 2, 8, 7, 6]),  # 9 + 9 + 9 + 9 + 4 + 4: rho 40 / 84
    50: np.array([6.0, 2, 3, 4, 5, 1, 7, 8]),  # 25 + 25
}
ENOUGH = {"samples": np.array(60_000)}
SCALES = 0.7, 1.1, 1.6  # of the gradients, by run
LATER = 40, 32, 40  # two of three runs just above rho 0.5, so that neither mean nor extremes are the median
NOT_LATER = 44, 50, 44  # just below
OPENING = -44 / 84, -40 / 84
NEVER = OPENING[::-1]  # reversed, just above -0.5, and just below


def layers(*records: np.ndarray) -> np.ndarray:
    """Gradients (run, record, layer) from the layers' ranks at every record, alike in all runs or one row a run."""
    rows = [np.broadcast_to(record, (3, 8)) for record in records]
    return np.stack(rows, axis=1) * np.array(SCALES)[:, None, None]


def orders(sums: tuple[int, ...], *, downwards: bool = False) -> np.ndarray:
    """Ranks of the layers, one row a run."""
    ranks = np.stack([BY_SUM[total] for total in sums])
    return ranks[:, ::-1] if downwards else ranks


def opening(panel: str, earliest: np.ndarray) -> dict[str, np.ndarray]:
    """`earliest` at the first trained record; reversed before step 2, when accuracy falls back, and later on."""
    down = SORTED[::-1]
    return ENOUGH | {
        f"{panel}_step": np.stack([STEPS] * 3),
        f"{panel}_train": np.array([[0.1, 0.2, 0.4, 0.79, 0.8, 0.7, 0.95]] * 3),
        f"{panel}_gradient": layers(down, down, SORTED, SORTED, earliest, down, down),
    }


def throughout(panel: str, least: np.ndarray) -> dict[str, np.ndarray]:
    """`least` at step 2, sorted later on, reversed before."""
    down = SORTED[::-1]
    gradient = layers(down, down, least, SORTED, SORTED, SORTED, SORTED)
    return ENOUGH | {f"{panel}_step": np.stack([STEPS] * 3), f"{panel}_gradient": gradient}


def ending(panel: str, last: np.ndarray) -> dict[str, np.ndarray]:
    """`last` at the last record, reversed at all others."""
    return ENOUGH | {f"{panel}_gradient": layers(*[SORTED[::-1]] * 6, last)}


BEST = {"a": (1, 3, 2), "c": (3, 2, 1), "d": (2, 2, 3), "b": (3, 1, 1), "e": (1, 2, 3), "f": (2, 3, 2)}  # by run


def accuracies(**of: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Test accuracies (run, 5 records) with the best of every run, in points, somewhere and .5 at all others."""
    arrays = dict(ENOUGH)
    for panel, points in of.items():
        arrays[f"{panel}_test"] = np.full((3, 5), 0.5)
        arrays[f"{panel}_test"][range(3), BEST[panel]] = np.array(points) / 100
    return arrays


def first_layers(panel: str, first: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The first layer's gradient at the best record of every run in `panel` and in (a); elsewhere it is .2 larger."""
    arrays = accuracies(**{"a": (90, 80, 85), panel: (70, 95, 75)})
    arrays |= {"a_gradient": np.full((3, 5, 8), 1.0), f"{panel}_gradient": np.full((3, 5, 8), 1.2)}
    arrays["a_gradient"][range(3), BEST["a"], 0] = 0.5, 0.6, 0.4
    arrays[f"{panel}_gradient"][range(3), BEST[panel], 0] = first
    return arrays


def ends(shares: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Layers of (c) end `share` of the mean of (a) away in the mean, three up and one down; they are far off before."""
    relu = np.array(SCALES)[:, None] * [1.0, 2, 3, 4]  # mean 2.5 times the scale
    away = np.array(shares)[:, None] * relu.mean(1, keepdims=True) * [0.5, 1.5, 1.2, -0.8]
    return ENOUGH | {
        "a_step": np.array([[10.0, 100, 1000]] * 3),
        "a_gradient": np.stack([relu / 3, relu / 2, relu], axis=1),
        "c_gradient": np.stack([relu, relu, relu + away], axis=1),
    }


def after_learning(**of: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Lowest test accuracy of every run at the second record that is trained, lower ones before training is at .8.

    The first one, at .8, is near enough to tell that there is no delay.
    """
    arrays = dict(ENOUGH)
    for panel, lowest in of.items():
        arrays[f"{panel}_train"] = np.array([[0.1, 0.79, 0.8, 0.95, 1]] * 3)
        arrays[f"{panel}_test"] = np.array([[0.05, 0.06, low + 0.1, low, 0.9] for low in lowest])
    return arrays


BE, CF = {"b": (0.21, 0.25, 0.22), "e": (0.23, 0.27, 0.24)}, {"c": (0.21, 0.25, 0.22), "f": (0.23, 0.27, 0.24)}
AD = {"a": (0.19, 0.15, 0.17), "d": (0.18, 0.12, 0.16)}

CASES = {
    "sgd-phase-one": Case(
        opening("a", orders(LATER, downwards=True)),
        opening("a", orders(NOT_LATER, downwards=True)),
        OPENING,
    ),
    "adam-phase-one": Case(
        opening("d", orders(LATER, downwards=True)),
        opening("d", orders(NOT_LATER, downwards=True)),
        OPENING,
    ),
    "sgd-phase-two": Case(ending("a", orders(LATER)), ending("a", orders(NOT_LATER)), (44 / 84, 40 / 84)),
    "adam-phase-two": Case(ending("d", orders(LATER)), ending("d", orders(NOT_LATER)), (44 / 84, 40 / 84)),
    "fast-sgd-phase-two": Case(
        throughout("b", orders(NOT_LATER, downwards=True)), throughout("b", orders(LATER, downwards=True)), NEVER
    ),
    "linear-phase-two": Case(
        throughout("c", orders(NOT_LATER, downwards=True)), throughout("c", orders(LATER, downwards=True)), NEVER
    ),
    "small-batch-phase-two": Case(
        throughout("e", orders(NOT_LATER, downwards=True)), throughout("e", orders(LATER, downwards=True)), NEVER
    ),
    "linear-adam-phase-two": Case(
        throughout("f", orders(NOT_LATER, downwards=True)), throughout("f", orders(LATER, downwards=True)), NEVER
    ),
    "fast-sgd-first-layer": Case(  # less .5, .6, .4: -.03, -.05, -.01 and the opposite
        first_layers("b", (0.47, 0.55, 0.39)),
        first_layers("b", (0.53, 0.65, 0.41)),
        (-0.03, 0.03),
    ),
    "adam-first-layer": Case(
        first_layers("d", (0.48, 0.53, 0.39)),  # -.02, -.07, -.01
        first_layers("d", (0.52, 0.67, 0.41)),
        (-0.02, 0.02),
    ),
    "same-as-linear": Case(ends((0.09, 0.06, 0.095)), ends((0.11, 0.14, 0.105)), (0.09, 0.11)),
    "sgd-accuracy": Case(
        # less what is printed: .4 .1 .3, -.4 -.1 -.45, .2 .45 .05: the fifth of nine is .1
        accuracies(a=(97.54, 97.24, 97.44), b=(97.49, 97.79, 97.44), c=(92.57, 92.82, 92.42)),
        # (c) at .6 .75 .55 instead: -.45 -.4 -.1 .1 .3 | .4 .55 .6 .75
        accuracies(a=(97.54, 97.24, 97.44), b=(97.49, 97.79, 97.44), c=(92.97, 93.12, 92.92)),
        (0.1, 0.3),
        # the lower bound, by (b) at -.6 -.55 -.7 alone, whose first two with (a) have a median of .1
        also=[
            (
                accuracies(a=(97.54, 97.24, 97.44), b=(97.29, 97.34, 97.19), c=(92.57, 92.82, 92.42)),
                CONTRADICTED,
            )
        ],
    ),
    "adam-accuracy": Case(
        # .4 .1 .3, -.4 -.1 -.45, .2 .45 .05 as above
        accuracies(d=(98.66, 98.36, 98.56), e=(97.89, 98.19, 97.84), f=(92.66, 92.91, 92.51)),
        # (d) at -.6 -.75 -.55 instead: -.75 -.6 -.55 -.45 -.4 | -.1 .05 .2 .45
        accuracies(d=(97.66, 97.51, 97.71), e=(97.89, 98.19, 97.84), f=(92.66, 92.91, 92.51)),
        (0.1, -0.4),
        # the upper bound, by (e) at .6 .55 .7 alone, whose first two with (d) have a median of .4
        also=[
            (
                accuracies(d=(98.66, 98.36, 98.56), e=(98.89, 98.84, 98.99), f=(92.66, 92.91, 92.51)),
                CONTRADICTED,
            )
        ],
    ),
    "nonlinear-gain": Case(  # 3.2 4 3.1 and 2.8 2 2.9
        accuracies(a=(95, 97, 96), c=(91.8, 93, 92.9)), accuracies(a=(95, 97, 96), c=(92.2, 95, 93.1)), (3.2, 2.8)
    ),
    "adam-gain": Case(  # .6 .9 .55 and .4 .1 .45
        accuracies(a=(95, 97, 96), d=(95.6, 97.9, 96.55)), accuracies(a=(95, 97, 96), d=(95.4, 97.1, 96.45)), (0.6, 0.4)
    ),
    "delay": Case(
        after_learning(**AD),  # .12 .15 .16 | .17 .18 .19
        after_learning(**AD | {"d": (0.205, 0.27, 0.208)}),  # .15 .17 .19 | .205 .208 .27, but (d) alone is above .2
        (0.165, 0.1975),
    ),
    "no-delay": Case(
        after_learning(**BE),  # .21 .22 .23 | .24 .25 .27
        after_learning(**BE | {"b": (0.199, 0.15, 0.19)}),  # .15 .19 .199 | .23 .24 .27, but (b) alone is below .2
        (0.235, 0.2145),
    ),
    "linear-no-delay": Case(
        after_learning(**CF),  # .21 .22 .23 | .24 .25 .27
        after_learning(**CF | {"f": (0.18, 0.12, 0.195)}),  # .12 .18 .195 | .21 .22 .25, but (f) alone is below .2
        (0.235, 0.2025),
    ),
}
