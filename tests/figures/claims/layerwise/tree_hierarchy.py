"""A tree of depth 3: sigmoids with chosen half-times, ranks, and blocks of similar items, five runs of each.

Three kinds of start; those that a claim does not judge learn all levels at once, and no mode, and no blocks.
"""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case

ALIGNED, GAUSSIAN, IMBALANCED = range(3)
TARGETS = np.array([3.0, 2, 1.2, 0.8])  # of the levels
STARTS = np.array([0.3, -0.2, 0.1, 0.0])  # their strengths at first
COUNTS = np.array([1.0, 1, 2, 4])  # modes of the levels of a binary tree: 1, 2, 4, 8 up to each
T = np.array([0, 1, 2.1, 3.3, 5, 6.4, 8, 11, 15, 17])
TOLD = np.array([2.0, 4.5, 7, 12])  # predicted half-times
IN_ORDER = np.tile([1, 2, 4, 8], (5, 1))
NOT_IN_ORDER = np.array([[1, 2, 4, 8], [1, 3, 4, 8], [1, 2, 4, 7], [1, 4, 4, 8], [1, 2, 4, 8]])  # off by 0 1 1 2 0


def levels(start: int, half: np.ndarray, others: float) -> dict[str, np.ndarray]:
    """Strengths (starts, runs, times, levels): of one start half the way at `half` (runs, levels), else at `others`."""
    at = np.full((3, *half.shape), others)
    at[start] = half
    way = 1 / (1 + np.exp(-(T[:, None] - at[:, :, None, :]) / 0.7))
    way[:, :, 0] = 0
    return {
        "t": T,
        "strength": STARTS + way * (TARGETS - STARTS),
        "singular_values": TARGETS,
        "predicted": TOLD,
    }


def in_turn(smallest: Sequence[float]) -> np.ndarray:
    """Half-times (5 runs, 4 levels): 1.6 times that of the level above, at one level of every run `smallest` times."""
    ratios = np.full((5, 4), 1.6)
    ratios[:, 0] = [2, 2.5, 2.2, 3, 2]
    ratios[np.arange(5), [1, 3, 2, 1, 3]] = smallest
    return np.cumprod(ratios, axis=1)


def late(errors: Sequence[float]) -> np.ndarray:
    """Half-times (5 runs, 4 levels) that miss the predicted by these at one level, and by half of it at the next."""
    return TOLD * (1 + np.outer(errors, [0, 0.3, -1, 0.5]))


def spread_out(late: Sequence[float], early: Sequence[float]) -> np.ndarray:
    """Half-times (5 runs, 4 levels): over that of the root, of one level `late`, of another `early`, of the last 1.01.

    Which levels these are changes from run to run; the one that is neither is as late as the root.
    """
    levels = np.ones((5, 4))
    levels[:, 3] = 1.01
    for which, values in (([1, 2, 3, 1, 2], late), ([2, 1, 1, 3, 3], early)):
        levels[np.arange(5), which] = values
    return np.array([2, 2.5, 2.2, 3, 4])[:, None] * levels


def ranks(learned: np.ndarray) -> dict[str, np.ndarray]:
    """Spectra (starts, runs, 4 times, 8 modes): the learned at 55 % of their target, the others at 45 %; at 0 else."""
    targets = np.array([3, 2, 1.2, 1.2, 0.8, 0.8, 0.8, 0.8])
    spectrum = np.zeros((3, 5, 4, 8))
    spectrum[GAUSSIAN] = np.where(np.arange(8) < learned[:, :, None], 0.55, 0.45) * targets
    return {"spectrum": spectrum, "singular_values": TARGETS, "multiplicities": COUNTS}


def similar(width: int, contrast: float) -> np.ndarray:
    """Cosines of 27 items: 0.9 in a block and 0.1 outside; one pair inside at 0.5, one outside `contrast` below it."""
    block = np.arange(27) // width
    cosines = np.where(block[:, None] == block, 0.9, 0.1)
    cosines[0, 1] = cosines[1, 0] = 0.5
    cosines[3, 20] = cosines[20, 3] = 0.5 - contrast
    return cosines + 0.1 * np.eye(27)


def blocks(contrasts: Sequence[tuple[float, float]]) -> dict[str, np.ndarray]:
    """Cosines (starts, runs, 4 levels, 27, 27) of a ternary tree; after the root and in the end there are no blocks."""
    cosines = np.zeros((3, len(contrasts), 4, 27, 27))
    for run, (first, second) in enumerate(contrasts):
        cosines[GAUSSIAN, run, 1:3] = similar(9, first), similar(3, second)
    return {"cosines": cosines}


CASES = {
    "order": Case(
        levels(GAUSSIAN, in_turn([1.3, 1.25, 1.5, 1.55, 1.4]), others=5.0),  # 1.25 1.3 1.4 1.5 1.55
        levels(GAUSSIAN, in_turn([1.3, 1.25, 1.5, 1.55, 1.15]), others=5.0),  # 1.15 1.25 1.3 1.5 1.55
        (1.4, 1.3),
    ),
    "rank": Case(ranks(IN_ORDER), ranks(NOT_IN_ORDER), (0, 1)),
    "times": Case(
        levels(ALIGNED, late([9e-4, -5e-4, 8e-4, -2e-4, 7e-4]), others=5.0),  # 2 5 7 8 9
        levels(ALIGNED, late([9e-4, -5e-4, 8e-4, -11e-4, 7e-4]), others=5.0),  # 5 7 8 9 11
        (7e-4, 8e-4),
    ),
    "times-from-gaussian-weights": Case(
        levels(GAUSSIAN, late([0.14, -0.1, 0.05, -0.12, 0.02]), others=5.0),  # 0.02 0.05 0.1 0.12 0.14
        levels(GAUSSIAN, late([0.14, -0.1, 0.05, -0.12, 0.16]), others=5.0),  # 0.05 0.1 0.12 0.14 0.16
        (0.1, 0.12),
    ),
    "blocks": Case(
        blocks([(0.05, 0.1), (0.3, 0.2), (0.15, 0.25)]),  # 0.05 0.1 0.15 0.2 0.25 0.3
        blocks([(0.05, 0.1), (0.3, -0.05), (0.15, 0.25)]),  # -0.05 0.05 0.1 0.15 0.25 0.3
        (0.175, 0.125),
    ),
    # 1.02 1.05 1.05 1.08 1.08, and with an inner level at 1.13, or with the last at .88: 1.05 1.05 1.08 1.13 1.15
    "imbalanced": Case(
        levels(IMBALANCED, spread_out([1.05, 1.02, 1.08, 1.05, 1.08], [1, 1, 1, 1, 1]), others=5.0),
        levels(IMBALANCED, spread_out([1.05, 1.13, 1.08, 1.05, 1.012], [1, 1, 1, 1, 0.88]), others=5.0),
        (1.05, 1.08),
    ),
}
