"""Five networks of each of three arms: with dropout, without it, and from a small start; run for 60,000 steps.

Of the arm that a claim compares with the median is 30,000, and the mean another number.
"""

import numpy as np

from tests.figures.claims import Case

LAST = {"step": np.array([1, 200, 60_000])}
STEPS = np.array([48_000, 25_000, 30_000, 20_000, 60_000])  # to the ideal loss, of the arm that is compared with
THIRD = np.array([59_000, 9_000, 55_000, 12_000, 7_000])  # of the arm that a claim does not speak of


def against_dropout(ratio: list[float]) -> dict[str, np.ndarray]:
    """Steps from the small start over the median of those with dropout."""
    return LAST | {"reached": np.stack([STEPS, THIRD, 30_000 * np.array(ratio)])}


def against_plain(ratio: list[float]) -> dict[str, np.ndarray]:
    """Steps from the small start over the median of those from std 0.1."""
    return LAST | {"reached": np.stack([THIRD, STEPS, 30_000 * np.array(ratio)])}


def directions(dropout: list[int]) -> dict[str, np.ndarray]:
    """Directions with dropout, where the small start has up to five, and std 0.1 up to nine."""
    return {"directions": np.array([dropout, [7, 9, 8, 8, 7], [2, 3, 5, 4, 2]])}


CASES = {
    "faster": Case(
        against_dropout([0.9, 2.0, 1.1, 0.5, 1.25]), against_dropout([0.9, 0.96, 0.99, 2.0, 2.0]), (1.1, 0.99)
    ),
    "small-start-is-slow": Case(
        against_plain([1.15, 0.8, 2.0, 1.05, 0.6]), against_plain([0.8, 1.9, 0.95, 0.98, 2.0]), (1.05, 0.98)
    ),
    # less five: -1, 0, 0, -2, 4 against 1, 2, 0, 1, 3
    "as-condensed": Case(directions([4, 5, 5, 3, 9]), directions([6, 7, 5, 6, 8]), (0, 1)),
}
