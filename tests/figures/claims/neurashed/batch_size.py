"""Five runs whose mean and median lie on different sides of the bound, at batch sizes 1, 2, 8 and 16.

The claims on a mean are met by a mean that the median misses, and the other way round; those on every run fail by a
single run. Records before the last one are below and above all that is at the end.
"""

import numpy as np

from tests.figures.claims import Case

SIZES = np.array([1, 2, 8, 16])  # batches of 8 are not the last
LAW = np.array([-16.0, -8, -0.125, -1 / 2048])  # -T 2^-B ln(a/b) for T ln(a/b) = 32
STARTS = np.array([2.0, 1, 4, 0.5, 1.25])
THREE = np.array([0.1, 0.2, 0.4, 0.05, 0.5])


def nodes(rule: str, one: list[float], eight: list[float]) -> dict[str, np.ndarray]:
    """Nodes at the end of five runs at every batch size; 6 at batches of 2, and 5 at those of 16."""
    return {"batch_sizes": SIZES, f"end_{rule}": np.array([one, [6.0] * 5, eight, [5.0] * 5])}


def ratios(errors: list[float]) -> dict[str, np.ndarray]:
    """ln(own / shared) that is off the law by these parts of it at the end, and by half of it midway."""
    times = np.array([0.0, 0.5, 1])
    measured = np.stack([0 * LAW, 0.75 * LAW, LAW * (1 + np.array(errors))], axis=1)
    return {"law": LAW[:, None] * times, "log_ratio_multiplicative": measured}


def variability(name: str, end: list[float] | np.ndarray, start: list[float] | np.ndarray = STARTS, records: int = 4):
    """Five runs along training: from `start` above and below everything, to `end`."""
    between = [np.resize([9.0, 1e-9], 5)] * (records - 2)
    return {f"within_{name}": np.stack([np.asarray(start), *between, np.asarray(end)], axis=1)}


def one_and_three(ratio: list[float]) -> dict[str, np.ndarray]:
    """Batches of one end at these multiples of the median of the batches of three, which have more records."""
    return variability("iid", np.median(THREE) * np.array(ratio)) | variability("three", THREE, records=6)


FULL = [9.0] * 5
CASES = {
    "sparse-when-small": Case(
        nodes("multiplicative", [3.06, 3, 3.06, 3, 3.06], FULL),  # mean 3 + 3 * .06 / 5 = 3.036
        nodes("multiplicative", [3, 3.2, 3, 3.2, 3], FULL),  # mean 3 + 2 * .2 / 5 = 3.08
        (3.06, 3),
    ),
    "dense-when-large": Case(
        nodes("multiplicative", [3.0] * 5, [8.85, 9, 8.85, 9, 8.85]),  # mean 9 - 3 * .15 / 5 = 8.91
        nodes("multiplicative", [3.0] * 5, [9, 8.7, 9, 8.7, 9]),  # mean 9 - 2 * .3 / 5 = 8.88
        (8.85, 9),
    ),
    "law": Case(
        ratios([0.1, -0.14, 0.12, 0.05]),  # the middle two are .1 and .12
        ratios([0.1, -0.16, 0.14, 0.05]),  # .1 and .14
        (0.11, 0.12),
    ),
    "sparse-when-additive": Case(
        nodes("additive", [8, 3.5, 3.9, 8, 3.6], FULL),  # mean 5.4
        nodes("additive", [1, 4.3, 4.2, 1, 4.4], FULL),  # mean 2.98
        (3.9, 4.2),
    ),
    "collapse": Case(
        variability("small", [9e-4, 1e-5, 8e-4, 2e-4, 5e-4]),
        variability("small", [9e-4, 1.1e-3, 8e-4, 2e-4, 5e-4]),
        (5e-4, 8e-4),
    ),
    "no-collapse-with-full-batch": Case(
        variability("full", STARTS * [0.95, 1.2, 0.92, 1, 1.1]),
        variability("full", STARTS * [0.95, 0.88, 0.92, 1, 1.1]),
        (1, 0.95),
    ),
    "smallest-sparsest": Case(
        one_and_three([3, 0.95, 0.5, 1.5, 0.9]),  # mean 1.37
        one_and_three([0.1, 1.05, 1.2, 1.1, 0.2]),  # mean .73
        (0.95, 1.05),
    ),
    "collapse-when-additive": Case(
        variability("additive", [0.2, 1e-3, 9e-3, 0.3, 2e-3]),
        variability("additive", [1e-4, 0.012, 0.011, 2e-4, 0.013]),  # mean .0073
        (9e-3, 0.011),
    ),
    "simplex": Case(
        {"angle_iid": np.array([0.3, 0.01, 0.4, 0.045, 0.02])},  # mean .155
        {"angle_iid": np.array([0.06, 0.001, 0.07, 0.055, 0.002])},  # mean .0376
        (0.045, 0.055),
    ),
    "simplex-in-epochs": Case(
        {"angle_small": np.array([0.2, 0.001, 0.3, 0.009, 0.002])},  # mean .1024
        {"angle_small": np.array([0.012, 0, 0.013, 0.011, 0])},  # mean .0072
        (0.991, 0.989),
    ),
}
