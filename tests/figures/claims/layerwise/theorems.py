"""Errors of a few draws written down by hand, at the imbalances that are judged; the others say the contrary."""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

IMBALANCES = np.array([-100.0, -0.1, 0.0, 1.0, 100.0])
SMALL, LARGE = [1, 2], [0, 4]  # positions of |lambda| <= 0.1 and of |lambda| = 100


def half(
    at: Sequence[int], middle: Sequence[Sequence[float]], last: Sequence[Sequence[float]], elsewhere: float
) -> dict[str, np.ndarray]:
    """Half-times (imbalances, 3 draws, 3 modes): the others over the first are as said at the imbalances `at`.

    Elsewhere each is `elsewhere` times the one before. The first is another one in every draw.
    """
    modes = np.tile([1, elsewhere, elsewhere**2], (5, 3, 1))
    modes[at, :, 1], modes[at, :, 2] = middle, last
    return {"imbalances": IMBALANCES, "aligned_half": np.array([2.0, 0.5, 7])[:, None] * modes}


def limits(name: str, row: int, of: Sequence[float], elsewhere: float) -> dict[str, np.ndarray]:
    """Distances (4 limits, 3 draws) in units of 1e-4: one row as said."""
    distances = np.full((4, 3), elsewhere)
    distances[row] = of
    return {f"limit_{name}": 1e-4 * distances}


def drift(kind: int, largest: Sequence[float]) -> dict[str, np.ndarray]:
    """Drifts (2 kinds, 4 draws, 3 times) in units of 1e-7, the largest at the second time; ten million of the other."""
    drifts = np.full((2, 4, 3), 1e7)
    drifts[kind] = np.outer(largest, [0.0, 1.0, 0.5])
    return {"conserved_drift": 1e-7 * drifts}


def factor(solution: Sequence[float], limit: Sequence[float]) -> dict[str, np.ndarray]:
    """Errors of three starts (3 ratios, 1 draw), in units of 1e-7."""
    return {f"scalar_{name}": 1e-7 * np.array(of)[:, None] for name, of in (("solution", solution), ("limit", limit))}


def skills(farthest: Sequence[float]) -> dict[str, np.ndarray]:
    """Half-time times frequency (1, draws, 4 skills), of the third skill as far from 1 as said, of the last half so."""
    return {"skills_product": 1 + np.outer(farthest, [0, 0.1, 1, -0.5])[None]}


def moved(heavy: list[list[float]]) -> dict[str, np.ndarray]:
    """What the heavier layer moves, at lambda = -100 and 100 as told, and much at another."""
    return {"imbalances": np.array([-100.0, 1, 100]), "aligned_heavy": np.array([heavy[0], [0.9, 0.9], heavy[1]])}


def by_start(small=(1, 1, 1), near=(1, 1, 1), above=((1, 1, 1), (1, 1, 1))) -> dict[str, np.ndarray]:
    """Distances from the exponential of three draws, by start; from a tenth of the target all."""
    rows = np.array([small, [1, 1, 1], near, *above], dtype=float)
    return {"starts": np.array([0.001, 0.1, 0.9, 10, 100]), "balanced_exponential": rows}


CASES = {
    "separate-modes": Case(
        {"aligned_error": 1e-7 * np.array([[9, 2], [3, 8], [5, 6]])},  # 2 3 5 6 8 9
        {"aligned_error": 1e-7 * np.array([[9, 2], [3, 8], [11, 6]])},  # 2 3 6 8 9 11
        (5.5e-7, 7e-7),
    ),
    "monotone-modes": Case(
        {"aligned_missed": 1e-5 * np.array([[4, 1], [7, 9], [-3, 2]])},  # -3 1 2 4 7 9
        {"aligned_missed": 1e-5 * np.array([[4, 1], [7, 9], [-3, 11]])},  # -3 1 4 7 9 11
        (3e-5, 5.5e-5),
    ),
    "sigmoid-limit": Case(limits("sigmoid", 0, [9, 3, 5], 50.0), limits("sigmoid", 0, [9, 11, 5], 50.0), (5e-4, 9e-4)),
    "exponential-limit": Case(
        limits("exponential", 3, [2, 9, 4], 50.0), limits("exponential", 3, [11, 9, 4], 50.0), (4e-4, 9e-4)
    ),
    # smaller one of middle over first and last over middle: 1.6 1.7 1.8 2 2 2.2; and one that waits for its turn, .8,
    # though the last is three times as late as the first
    "salient-first": Case(
        half(SMALL, [[1.6, 2, 3], [2.5, 1.8, 2.2]], [[4, 4.2, 5.1], [5, 6, 5.5]], elsewhere=1.2),
        half(SMALL, [[1.6, 2, 3], [0.8, 1.8, 2.2]], [[4, 4.2, 5.1], [3, 6, 4.84]], elsewhere=1.2),
        (1.9, 1.75),
        also=[
            (half(SMALL, [[1.6, 2, 3], [1.4, 1.8, 2.2]], [[4, 4.2, 5.1], [5, 6, 5.5]], elsewhere=1.6), CONTRADICTED),
        ],
    ),
    # latest over earliest: 1.01 1.02 1.03 1.03 1.04 1.045; and an early last one 1 / .94, or a late middle one 1.07
    "linear-when-imbalanced": Case(
        half(LARGE, [[1.04, 1.01, 1], [1.01, 1.01, 1.045]], [[1, 1, 1.03], [1.03, 1.02, 1]], elsewhere=2.0),
        half(LARGE, [[1.04, 1.01, 1], [1.07, 1.01, 1]], [[1, 1, 1.03], [1.03, 1.02, 0.94]], elsewhere=2.0),
        (1.03, 1.035),
    ),
    # at |lambda| = 100 alone
    "lighter-layer-alone": Case(
        moved([[0.04, 0.01], [0.02, 0.03]]), moved([[0.04, 0.01], [0.06, 0.03]]), (0.025, 0.035)
    ),
    "balanced-by-scale": Case(
        by_start(small=[0.3, 0.2, 0.4], near=[0.027, 0.01, 0.032]),
        by_start(small=[0.3, 0.2, 0.4], near=[0.027, 0.022, 0.032]),
        (0.08, 0.09),
    ),
    "balanced-above-target": Case(
        by_start(above=[[0.01, 0.04, 0.02], [0.03, 0.03, 0.045]]),
        by_start(above=[[0.01, 0.04, 0.02], [0.06, 0.04, 0.045]]),
        (0.03, 0.04),
    ),
    "conserved-diagonal": Case(drift(0, [9, 3, 1, 5]), drift(0, [9, 3, 11, 5]), (4e-7, 7e-7)),  # 1 3 5 9; 3 5 9 11
    "conserved-matrix": Case(drift(1, [2, 9, 4, 7]), drift(1, [11, 9, 4, 7]), (5.5e-7, 8e-7)),  # 2 4 7 9; 4 7 9 11
    "one-factor": Case(
        factor([8, 1, 2], [3, 5, 9]),  # 8 5 9
        factor([8, 11, 2], [3, 5, 9]),  # 8 11 9
        (8e-7, 9e-7),
    ),
    "monotone-factor": Case(
        {"scalar_backward": np.zeros((3, 2))}, {"scalar_backward": np.array([[0, 0], [2, 1], [0, 3]])}, (0, 0.5)
    ),
    "inflection": Case(
        {"scalar_unexpected": np.zeros((3, 2))}, {"scalar_unexpected": np.array([[0, 1], [1, 0], [0, 1]])}, (0, 0.5)
    ),
    "skill-half-times": Case(skills([0.009, -0.004, 0.006]), skills([0.009, -0.011, 0.006]), (0.006, 0.009)),
}
