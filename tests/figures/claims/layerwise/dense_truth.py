"""Three kinds of tasks, five runs, five records: what is explained at the fit and at the end is written down.

The fit is at the third record in some runs and at the fourth in others; records before it are higher or lower than any.
"""

import numpy as np

from tests.figures.claims import Case

DENSE, SPARSE, LAZY = range(3)
FITS = np.array([2, 3, 2, 2, 3])  # first record with .95 or more
AT_FIT = np.array([0.5, 0.6, 0.4, 0.55, 0.45])


def series(name: str, kind: int, *changes: float, others: float) -> dict[str, np.ndarray]:
    """A series that changes so from the fit to the end, and by `others` for the other kinds."""
    changed = np.full((3, 5), others)
    changed[kind] = changes
    train = np.full((3, 5, 5), 0.94)
    values = np.zeros((3, 5, 5))
    values[..., 1] = 0.99
    for run, fit in enumerate(FITS):
        train[:, run, fit:] = 0.951
        values[:, run, fit:] = AT_FIT[run] + 0.3
        values[:, run, fit], values[:, run, 4] = AT_FIT[run], AT_FIT[run] + changed[:, run]
    return {"train": train, name: values}


CASES = {
    # medians -.12 and -.08, means -.08 and -.12
    "degrades": Case(
        series("test", DENSE, -0.12, 0.1, -0.13, -0.2, -0.05, others=0.4),
        series("test", DENSE, -0.08, -0.3, -0.07, -0.1, -0.05, others=-0.4),
        (-0.12, -0.08),
    ),
    "turns-rich": Case(
        series("kernel_distance", DENSE, 0.2, 0.06, 0.3, 0.1, 0.07, others=0.0),
        series("kernel_distance", DENSE, 0.2, 0.04, 0.3, 0.1, 0.07, others=0.9),
        (0.1, 0.1),
    ),
    # medians .32 and .28, means .26 and .36
    "sparse-gains": Case(
        series("test", SPARSE, 0.32, 0.1, 0.35, 0.2, 0.33, others=-0.4),
        series("test", SPARSE, 0.28, 0.5, 0.25, 0.2, 0.57, others=0.5),
        (0.32, 0.28),
    ),
    "stays-lazy": Case(
        series("test", LAZY, 0.02, -0.04, 0.1, 0.03, -0.03, others=-0.4),
        series("test", LAZY, 0.02, -0.06, 0.1, 0.03, 0.3, others=0.4),
        (0.02, 0.03),
    ),
}
