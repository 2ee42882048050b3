"""New orientations at angles of our choice, and forecasts that miss them by so many radians.

A miss by pi less some angle is the other side of a kink that is met but for that angle.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED, REPRODUCED

ANGLES = np.array([0.4, -2.9, 3.1, 1.7, -1.2, 2.5, -0.3, -3.0])


def missed(basis: str, by: list[float], kind: str = "random") -> dict[str, np.ndarray]:
    """Forecasts of so many orientations, and these."""
    seen = ANGLES[: len(by)]
    return {f"{kind}_{basis}": seen + by, f"{kind}_angle": seen}


def waits(ratio: list[float]) -> dict[str, np.ndarray]:
    """Expected epochs over those from the plateau to the orientation."""
    plateau, seen = np.array([300, 900, 1500, 2000, 4000, 7000, 20_000]), np.array([40, 80, 100, 400, 500, 900, 8000])
    return {"random_plateau": plateau, "random_epoch": plateau + seen, "random_wait": seen * ratio}


def born(kind: str, more: list[int]) -> dict[str, np.ndarray]:
    """So many orientations more than plateaus after the first, in eight runs."""
    left = np.array([2, 1, 3, 2, 1, 4, 2, 3])
    return {f"{kind}_left": left, f"{kind}_born": left - 1 + more}


MET = [-0.05, np.pi - 0.1, 0.15 - 2 * np.pi, np.pi + 0.18, 0.3, np.pi - 0.9, 1.2]  # the fourth of seven lines: .18
UNMET = [-0.05, np.pi - 0.1, 0.15 - 2 * np.pi, np.pi + 0.22, 0.3, np.pi - 0.9, 1.2]  # .22
RIGHT_SIDE = [-0.05, 0.1, 0.15 - 2 * np.pi, -0.18, 0.3, np.pi - 0.02, np.pi]  # the fourth of seven directions: .18
WRONG_SIDE = [-0.05, 0.1, 0.15 - 2 * np.pi, -0.22, 0.3, np.pi - 0.02, np.pi]  # .22, with lines mostly met

CASES = {
    "kink": Case(missed("fastest", MET), missed("fastest", UNMET), (0.18, 0.22)),
    "kink-from-targets": Case(missed("from_targets", UNMET), missed("from_targets", MET), (0.22, 0.18)),
    "kink-from-others": Case(missed("from_other", UNMET), missed("from_other", MET), (0.22, 0.18)),
    # six of eight directions are met, then five, and one more line each time; the middle ones .12, .15 and .13, .17
    "side": Case(
        missed("fastest", [0.02, -0.05, 0.1, -0.12, 0.15, 0.19, np.pi - 0.1, 1.5]),
        missed("fastest", [0.02, -0.05, 0.1, -0.13, 0.17, 0.21, np.pi - 0.1, 1.5]),
        (0.135, 0.15),
    ),
    "direction": Case(missed("forecast", RIGHT_SIDE), missed("forecast", WRONG_SIDE), (0.18, 0.22)),
    "figure-one": Case(
        missed("forecast", RIGHT_SIDE, "figure_one"), missed("forecast", WRONG_SIDE, "figure_one"), (0.18, 0.22)
    ),
    "wait": Case(
        waits([1.2, 0.3, 2.5, 0.55, 0.4, 0.9, 0.52]),
        waits([1.2, 0.3, 2.5, 0.45, 0.4, 3.0, 0.1]),
        (0.55, 0.45),
        also=[  # the upper bound: medians of 1.8 and 2.2
            (waits([1.7, 1.9, 0.3, 1.8, 1.6, 9, 1.85]), REPRODUCED),
            (waits([2.4, 2.5, 0.3, 2.2, 1.2, 9, 2.1]), CONTRADICTED),
        ],
    ),
    # six of eight runs without a difference, then five
    "plateau-each": Case(born("random", [0, 0, 1, 0, 0, -2, 0, 0]), born("random", [0, 0, 1, 0, 0, -2, 1, 0]), (0, 0)),
    "plateau-each-figure-one": Case(
        born("figure_one", [0, 1, 0, 0, 0, 0, -1, 0]), born("figure_one", [0, 1, 0, 0, 0, 1, -1, 0]), (0, 0)
    ),
}
