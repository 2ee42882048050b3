"""Five networks of each of three arms: with dropout, without it, and from a small start."""

import numpy as np

from tests.figures.claims import Case

STEPS = np.array([20_000, 25_000, 30_000, 40_000, 48_000])  # to the ideal loss, of the arm that is compared with
THIRD = np.array([59_000, 9_000, 55_000, 12_000, 7_000])  # of the arm that a claim does not speak of


def against_dropout(ratio: list[float]) -> dict[str, np.ndarray]:
    """Steps from the small start over those with dropout."""
    return {"reached": np.stack([STEPS, THIRD, STEPS * ratio])}


def against_plain(ratio: list[float]) -> dict[str, np.ndarray]:
    """Steps from the small start over those from std 0.1."""
    return {"reached": np.stack([THIRD, STEPS, STEPS * ratio])}


def directions(dropout: list[int]) -> dict[str, np.ndarray]:
    """Directions with dropout, where the small start has up to five, and std 0.1 up to nine."""
    return {"directions": np.array([dropout, [7, 9, 8, 8, 7], [2, 3, 5, 4, 2]])}


CASES = {
    "faster": Case(
        against_dropout([1.2, 2.4, 1.1, 0.9, 1.25]), against_dropout([0.9, 0.96, 0.99, 2.0, 0.6]), (1.2, 0.96)
    ),
    "small-start-is-slow": Case(
        against_plain([1.15, 0.8, 2.9, 1.05, 1.2]), against_plain([0.8, 1.9, 0.95, 0.98, 0.5]), (1.15, 0.95)
    ),
    # less five: -1, 0, 0, -2, 4 against 1, 2, 0, 1, 3
    "as-condensed": Case(directions([4, 5, 5, 3, 9]), directions([6, 7, 5, 6, 8]), (0, 1)),
}
