"""Four runs of five skills, built from the ratio or the error that each run is to have, one of them an outlier.

Means over the runs lie on the other side of every bound on a median.
"""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case

PUBLISHED = {"skills": np.array(5), "units": np.array(1000), "data_units": np.array(1000)}
SHARES = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
FIRST = np.array([70.0, 90.0, 120.0, 200.0])  # half-time of skill 1 in four runs
WORST = np.array([[0, 0.3, 1, -0.5, 0.2], [0, -1, 0.4, 0.1, 0.6], [0, 0.5, 0.2, -0.1, 1], [0, 0.1, 0.3, -1, 0.9]])
CURVES = np.linspace(0.1, 0.8, 30).reshape(6, 5)  # of the model at six times or sizes, five skills


def in_turn(smallest: Sequence[float]) -> np.ndarray:
    """Half-times (runs, skills) that grow fivefold from skill to skill, and at one skill of every run by `smallest`."""
    ratios = np.full((4, 5), 5.0)
    ratios[:, 0] = FIRST
    ratios[np.arange(4), [1, 4, 1, 3]] = smallest
    return np.cumprod(ratios, axis=1)


def off(predicted: np.ndarray, errors: Sequence[float]) -> np.ndarray:
    """Half-times (runs, skills) whose ratio to the first misses the predicted by at most these relative errors."""
    return FIRST[:, None] * predicted / predicted[0] * (1 + np.array(errors)[:, None] * WORST)


def beside(distances: Sequence[float]) -> np.ndarray:
    """Strengths (runs, 6, skills) of this root mean square from the curves at skill 4, and of half of it at skill 2.

    Three of the six points miss it by root 2 times as much, and the others by nothing.
    """
    missed = np.zeros((len(distances), 6, 5))
    missed[:, [0, 3, 5], 3] = np.sqrt(2) * np.outer(distances, [1, -1, 1])
    missed[:, 1::2, 1] = missed[:, [0, 3, 5], 3] / 2
    return CURVES + missed


def seen(rarest: float) -> dict[str, np.ndarray]:
    """Three sets and what is learned of them: all that was seen, but for the rarest skill; once a bit of the unseen."""
    counts = np.array([[9, 4, 2, 1, 0], [8, 5, 0, 2, 0], [7, 3, 1, 0, 1]])
    learned = (counts > 0).astype(float)
    learned[0, 4], learned[2, 4] = 0.0009, rarest
    return {"counts": counts, "learned": learned}


def half_widths(fourth: float) -> dict[str, np.ndarray]:
    """Five runs whose medians are 4 times 1, 3, 5, 7, 9, but for 10 % less at skill 2 and (1 + fourth) at skill 4.

    As in all that follow three runs are the median, which hence stays whichever run is left out.
    """
    middle = 4 * np.array([1, 3, 5, 7, 9]) * [1, 0.9, 1, 1 + fourth, 1]
    outer = np.add(middle, [9, 1, 30, 2, 50]), middle * [0.4, 0.9, 0.6, 0.8, 0.5]
    return {"half_width": np.stack([*outer, middle, middle, middle])}


def examples(fourth: float) -> dict[str, np.ndarray]:
    """Five sets whose medians are as the shares say, but for 10 % less at skill 2 and (1 + fourth) at skill 4."""
    middle = 80 * SHARES[0] / SHARES * [1, 0.9, 1, 1 + fourth, 1]
    sets = [middle * [1.3, 4, 1.1, 2, 1.5], middle * [0.4, 0.9, 0.6, 0.8, 0.5], middle, middle, middle]
    return {"half_data": np.stack(sets), "shares": SHARES} | PUBLISHED


def by(size: str, distance: float) -> dict[str, np.ndarray]:
    """Five runs, the median of which is `distance` from the model, by "data" or "width"."""
    middle = beside([distance])[0]
    runs = np.stack([middle + 0.9, middle, middle, middle, middle - 0.3])
    return {f"strength_by_{size}": runs, f"predicted_by_{size}": CURVES} | PUBLISHED


def sigmoids_beside(distances: Sequence[float]) -> dict[str, np.ndarray]:
    """Runs at half their strength, but for skill 4, which is off by so much: up, down, down, up, twice.

    What grows with time, and what does not, is as often above as below, so that no sigmoid is nearer than 1/2.
    """
    runs = np.full((len(distances), 8, 5), 0.5)
    runs[:, :, 3] += np.outer(distances, [1, -1, -1, 1, 1, -1, -1, 1])
    half = np.full((len(distances), 5), 4.0)
    return {"skill": runs, "t": np.arange(8.0), "half": half, "shares": SHARES} | PUBLISHED


def sizes_beside(distance: float) -> dict[str, np.ndarray]:
    """Five sets whose median is the curve of D_c = 60, but half of six sizes of skill 1, full, are above by root 2."""
    sizes = np.array([20, 110, 130, 500, 900, 4000])
    middle = 1 - np.sqrt(np.maximum(1 - sizes[:, None] * SHARES / 60, 0))
    middle[3:, 0] += np.sqrt(2) * distance
    half = np.array([[45.0], [90], [900]])  # examples at half strength: D_c = 60 by the median
    sets = np.stack([middle + 0.9, middle, middle, middle, middle - 0.3])
    return {"strength_by_data": sets, "sizes": sizes, "half_data": half, "shares": SHARES} | PUBLISHED


def widths_beside(distance: float) -> dict[str, np.ndarray]:
    """Five runs whose median is a staircase of 4 units a skill, but for three of six widths at which all are full."""
    widths = np.array([2, 7, 13, 20, 25, 30])
    middle = np.clip(widths[:, None] / 4 - np.arange(5), 0, 1)
    middle[3:, 1] += np.sqrt(2) * distance
    runs = np.stack([middle + 0.9, middle, middle, middle, middle - 0.3])
    half = np.array([[1.0], [2], [9]])  # 4 units, as twice the median
    return {"strength_by_width": runs, "widths": widths, "half_width": half, "shares": SHARES} | PUBLISHED


ORDER = in_turn([1.1, 1.2, 0.2, 1.3])  # median 1.15, mean 0.95
DISORDER = in_turn([0.9, 0.95, 3, 0.8])  # median 0.925, mean 1.41
NEAR, FAR = [0.2, 0.24, 0.6, 0.1], [0.27, 0.26, 0.05, 0.3]  # medians 0.22, 0.265, means 0.285, 0.22
CLOSE, APART = [0.08, 0.09, 0.3, 0.05], [0.11, 0.12, 0.01, 0.13]  # medians 0.085, 0.115, means 0.13, 0.0925
LATER = np.array([3.0, 6, 10, 22, 50])  # half-times of the model
MODELS = LATER * np.array([[1.0], [2], [0.5], [3]])  # each run has its own clock

CASES = {
    "order-in-time": Case({"half": ORDER} | PUBLISHED, {"half": DISORDER} | PUBLISHED, (1.15, 0.925)),
    "half-times": Case(
        {"half": off(LATER, NEAR), "predicted": MODELS} | PUBLISHED,
        {"half": off(LATER, FAR), "predicted": MODELS} | PUBLISHED,
        (0.22, 0.265),
    ),
    "fitted-in-time": Case(sigmoids_beside(CLOSE), sigmoids_beside(APART), (0.085, 0.115)),
    "fitted-in-data": Case(sizes_beside(0.09), sizes_beside(0.11), (0.09, 0.11)),
    "fitted-in-width": Case(widths_beside(0.09), widths_beside(0.11), (0.09, 0.11)),
    "curves-in-time": Case(
        {"skill": beside(CLOSE), "model": np.stack([CURVES] * 4)} | PUBLISHED,
        {"skill": beside(APART), "model": np.stack([CURVES] * 4)} | PUBLISHED,
        (0.085, 0.115),
    ),
    "seen-skills-only": Case(seen(0.9995), seen(0.9988), (0.0009, 0.0012)),
    "order-in-data": Case({"half_data": ORDER} | PUBLISHED, {"half_data": DISORDER} | PUBLISHED, (1.15, 0.925)),
    "examples": Case(examples(0.24), examples(0.27), (0.24, 0.27)),
    "curves-in-data": Case(by("data", 0.09), by("data", 0.11), (0.09, 0.11)),
    "order-in-width": Case({"half_width": ORDER} | PUBLISHED, {"half_width": DISORDER} | PUBLISHED, (1.15, 0.925)),
    "units": Case(half_widths(0.24), half_widths(0.27), (0.24, 0.27)),
    "curves-in-width": Case(by("width", 0.09), by("width", 0.11), (0.09, 0.11)),
}
