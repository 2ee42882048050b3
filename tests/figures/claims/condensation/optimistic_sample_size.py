"""Five batches of targets, four numbers of samples, three arms: width 10, width 40, and width 40 from std 1.

Where a claim speaks of one arm and one number, the other entries say the opposite.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

SIZES = np.array([2, 3, 4, 8])
NARROW = np.array([0.4, 0.5, 0.6, 0.5])[:, None]  # recovered at width 10, for each number of samples
FITTED = {"fitted": np.full((3, 4, 5), 0.125)}  # one network of eight is enough
ESTIMATE = np.array([3, 8, 5])  # 1 * (1 + 2), 2 * (2 + 2), 1 * (3 + 2)


def wide(size: int, recovered: list[float], elsewhere: float) -> dict[str, np.ndarray]:
    """Shares recovered at width 40 from so many samples."""
    shares = np.full((3, 4, 5), elsewhere)
    shares[1, list(SIZES).index(size)] = recovered
    return FITTED | {"n": SIZES, "recovered": shares}


def wider(more: list[float]) -> dict[str, np.ndarray]:
    """Width 40 recovers so much more than width 10 in every batch, less from few samples than from many."""
    by_size = np.array([-0.1, -0.05, 0, 0.15])[:, None]  # 0 on average
    return FITTED | {"recovered": np.stack([NARROW + np.zeros(5), NARROW + by_size + more, np.full((4, 5), 0.9)])}


def from_eight(name: str, large: list[float], less: list[float]) -> dict[str, np.ndarray]:
    """A measure of width 40 from 8 samples, which is so much less from the small start than from the large one."""
    values = np.linspace(1, 0, 60).reshape(3, 4, 5)
    values[2, 3] = large
    values[1, 3] = np.subtract(large, less)
    return FITTED | {"n": SIZES, name: values}


def ranks(worst: int) -> dict[str, np.ndarray]:
    """Tangent ranks of three targets, four draws and five surpluses, equal to the estimate but for one."""
    condensed = np.tile(ESTIMATE[:, None, None], (1, 4, 5))
    condensed[1, 2, 3] += worst
    return {"estimate": ESTIMATE, "condensed": condensed}


def merged(relu: np.ndarray, tanh: np.ndarray) -> dict[str, np.ndarray]:
    """Errors of six pairs in four draws."""
    return {"merge": np.stack([relu, tanh])}


SQUARES = np.arange(24.0).reshape(4, 6) ** 2  # 121 and 144 in the middle, and 180 on average
LARGE = [0.5, 0.4, 0.6, 0.3, 0.45]  # recovered from the large start
TURNED = [1.8, 1.7, 1.9, 1.6, 1.75]  # effective rank from the large start

CASES = {
    "rank": Case(ranks(0), ranks(-1), (0, 0)),
    "formula": Case(wide(3, [0.55, 0.51, 0.9, 0.3, 0.6], 0.1), wide(3, [0.45, 0.49, 0.9, 0.2, 0.6], 0.9), (0.55, 0.49)),
    "fewer": Case(wide(2, [0.05, 0.09, 0, 0.4, 0.08], 0.8), wide(2, [0.11, 0.05, 0, 0.12, 0.125], 0.0), (0.08, 0.11)),
    "far-fewer-than-parameters": Case(
        wide(8, [0.9, 0.52, 0.3, 0.45, 0.6], 0.1), wide(8, [0.9, 0.48, 0.3, 0.45, 0.6], 0.9), (0.52, 0.48)
    ),
    "width": Case(wider([-0.09, -0.08, 0.02, -0.3, -0.04]), wider([-0.12, -0.11, 0.3, -0.3, 0.1]), (-0.08, -0.11)),
    "small-start": Case(
        from_eight("recovered", LARGE, [-0.3, -0.05, -0.1, 0.3, -0.02]),
        from_eight("recovered", LARGE, [0.05, 0.02, -0.3, -0.1, 0.1]),
        (0.05, -0.02),
    ),
    "aligned": Case(
        from_eight("rank", TURNED, [0.6, 0.05, 0.1, -0.2, 0.02]),
        from_eight("rank", TURNED, [-0.05, -0.02, 0.3, 0.1, -0.1]),
        (-0.05, 0.02),
    ),
    # every draw has a largest error of 9e-13, then one has one of 1.1e-12, which leaves the median of four
    "merge-relu": Case(
        merged(np.full((4, 6), 9e-13), 1e-3 * SQUARES),
        merged(np.where(SQUARES == 64, 1.1e-12, 9e-13), 1e-3 * SQUARES),
        (9e-13, 9e-13),
    ),
    # 132.5 times 6e-4, though the mean is beyond .1; then times 6e-9, though the mean is beyond 1e-6
    "merge-tanh": Case(
        merged(np.full((4, 6), 1e-13), 6e-4 * SQUARES),
        merged(np.full((4, 6), 1e-13), 6e-9 * SQUARES),
        (0.0795, 7.95e-7),
        # the upper bound: 132.5 times 9e-4, and 13 of 24 errors are .1089 or larger
        also=[(merged(np.full((4, 6), 1e-13), 9e-4 * SQUARES), CONTRADICTED)],
    ),
}
