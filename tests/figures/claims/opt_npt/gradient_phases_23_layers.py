"""Orders of 8 hidden layers as in the phases of 10-layer networks; pruned accuracies and curves that rise by hand.

Of the shallower network (d) 6 start layers are pruned, of the deeper one (g) 8: Spearman's rho = 1 - S / 35 and
1 - S / 84, with S the sum of squared distances of the ranks from 1, 2, ...
"""

import numpy as np

from tests.figures.claims import Case
from tests.figures.claims.opt_npt.gradient_phases import (
    ENOUGH,
    LATER,
    NOT_LATER,
    OPENING,
    SORTED,
    after_learning,
    layers,
    opening,
    orders,
)
from toymodels.claims import CONTRADICTED, REPRODUCED

RISING_6 = np.arange(6.0)
NEIGHBOURS = np.array([1.0, 0, 2, 3, 4, 5])  # S = 2
TWO_NEIGHBOURS = np.array([1.0, 0, 3, 2, 4, 5])  # S = 4: rho 31 / 35 = .886
RISING_8 = np.array([1.0, 0, 2, 3, 4, 5, 6, 7])  # S = 2
TURNED = np.array([2.0, 1, 0, 3, 4, 5, 6, 7])  # S = 8: rho 76 / 84 = .905


def highest(ranks: np.ndarray) -> dict[str, np.ndarray]:
    """`ranks` at the third of five records, reversed at all others."""
    down = SORTED[::-1]
    return ENOUGH | {"g_gradient": layers(down, down, ranks, down, down)}


def ends(shares: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Last gradients of four layers that lie `share` of their mean above and below it, and three far larger ones."""
    mean = np.array([0.5, 0.8, 1.3])[:, None]
    early = mean * (1 + np.array(shares)[:, None] * [1, -1, -1, 1])
    last = np.concatenate([early, mean * [2, 4, 9]], axis=1)
    first = mean * [1, 3, 5, 7, 2, 2, 2]
    return {"g_step": np.array([[0.0, 10, 1000]] * 3), "g_gradient": np.stack([first, first, last], axis=1)}


def pruned(shallow: list[np.ndarray], deep: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Accuracies that are ordered by start layer as these ranks are, a row a run."""
    return ENOUGH | {"d_pruned": 0.4 + np.array(shallow) / 20, "g_pruned": 0.3 + np.array(deep) / 20}


def losses(entry: int, shallow: tuple[float, ...], deep: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Whole networks at .8 and .9, which lose these points from one start layer on and 20 from all others on."""
    arrays = dict(ENOUGH)
    for panel, whole, starts, lost in (("d", 0.8, 6, shallow), ("g", 0.9, 8, deep)):
        arrays[f"{panel}_pruned"] = np.full((3, starts), whole - 0.2)
        arrays[f"{panel}_pruned"][:, -1] = whole
        arrays[f"{panel}_pruned"][:, entry] = whole - np.array(lost) / 100
    return arrays


STEPS = np.array([0.0, 4, 16, 22, 24, 40])  # intervals in the middle of 2, 10, 19, 23 and 32
MIDDLES = [2, 10, 19, 23, 32]


def rise(middle: int, first: float = 0.5) -> np.ndarray:
    """A curve that rises by 1 a step in the interval around `middle`, by `first` in the first and .5 in all others."""
    slopes = np.array([first, 0.5, 0.5, 0.5, 0.5])
    slopes[MIDDLES.index(middle)] = 1
    return np.cumsum(np.append(0, slopes * np.diff(STEPS)))


def rises(loss: tuple[int, ...], gradient: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Where loss and mean late gradient rise fastest, by run.

    The loss falls in the first interval, in which two early layers, and one late layer alone, rise fastest.
    """
    late = np.stack([rise(middle) for middle in gradient])[..., None] + rise(2)[:, None] * [2, -1, -1]
    early = np.broadcast_to(rise(2)[:, None] * [9, 9], (3, 6, 2))
    return ENOUGH | {
        "g_step": np.stack([STEPS] * 3),
        "g_loss": np.stack([rise(middle, first=-3) for middle in loss]),
        "g_gradient": np.concatenate([early, late], axis=2),
    }


CASES = {
    "delay": Case(after_learning(g=(0.19, 0.1, 0.195)), after_learning(g=(0.21, 0.3, 0.205)), (0.19, 0.21)),
    "phase-one": Case(
        opening("g", orders(LATER, downwards=True)), opening("g", orders(NOT_LATER, downwards=True)), OPENING
    ),
    "phase-two": Case(highest(orders(LATER)), highest(orders(NOT_LATER)), (44 / 84, 40 / 84)),
    "phase-three": Case(ends((0.24, 0.1, 0.245)), ends((0.26, 0.4, 0.255)), (0.24, 0.26)),
    "later-is-better": Case(
        # 76/84 76/84 33/35 | 33/35 82/84 1
        pruned([RISING_6, NEIGHBOURS, NEIGHBOURS], [TURNED, RISING_8, TURNED]),
        # one network at 31/35: 31/35 31/35 31/35 | 76/84 76/84 82/84
        pruned([TWO_NEIGHBOURS] * 3, [TURNED, RISING_8, TURNED]),
        (33 / 35, (31 / 35 + 76 / 84) / 2),
    ),
    "early-costs": Case(
        losses(0, (6, 5.5, 9), (5.2, 7, 5.4)),  # 5.2 5.4 5.5 | 6 7 9
        losses(0, (6, 5.5, 9), (4.8, 3, 4.6)),  # 3 4.6 4.8 | 5.5 6 9, but (g) alone is at 4.6
        (5.75, 5.15),
    ),
    "late-is-free": Case(
        losses(-3, (0.9, 0.5, 0.8), (-0.3, 0.7, 0.95)),  # -.3 .5 .7 | .8 .9 .95
        losses(-3, (1.3, 1.1, 1.2), (-0.3, 0.7, 0.95)),  # -.3 .7 .95 | 1.1 1.2 1.3
        (0.75, 1.025),
    ),
    "loss-with-gradients": Case(
        rises((10, 10, 10), (19, 10, 19)),  # .526 1 .526
        rises((23, 32, 23), (10, 10, 10)),  # 2.3 3.2 2.3
        (10 / 19, 2.3),
        also=[
            (rises((19, 19, 19), (10, 10, 10)), REPRODUCED),  # the upper bound: 1.9
            (rises((10, 10, 10), (23, 23, 23)), CONTRADICTED),  # the lower one: .435
        ],
    ),
}
