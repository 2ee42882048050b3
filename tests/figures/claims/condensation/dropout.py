"""Five networks trained without dropout, and the same starts with it; where the median falls, the mean rises."""

import numpy as np

from tests.figures.claims import Case

WITHOUT = np.array([8, 9, 7, 8, 10])  # directions
PENALTY = np.array([2e-3, 4e-3, 1e-3, 5e-3, 8e-3])


def directions(more: list[int]) -> dict[str, np.ndarray]:
    """So many directions more with dropout than without."""
    return {"directions": np.stack([WITHOUT, WITHOUT + more])}


def penalty(ratio: list[float]) -> dict[str, np.ndarray]:
    """The penalty with dropout, over that without."""
    return {"penalty": np.stack([PENALTY, PENALTY * ratio])}


CASES = {
    "fewer": Case(directions([-1, -1, -2, -1, 6]), directions([0, 1, 0, -1, 2]), (-1, 0)),
    "similar": Case(penalty([0.45, 0.3, 0.48, 0.6, 0.9]), penalty([0.55, 0.52, 0.9, 0.3, 0.8]), (0.48, 0.55)),
}
