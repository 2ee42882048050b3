"""Three runs with a record at every power of ten up to 100,000 steps, whose curves cross levels at given times.

Where values before generalisation are asked for, the runs fit at the records 0, 1 and 2 and generalise at 4, 3 and 4:
the record halfway in between, by the logarithm of time, is 2, 2 and 3.
"""

import numpy as np

from tests.figures.claims import Case
from tests.figures.claims.opt_npt.made_up_clouds import CLASSES, groups, placed

DECADES = np.arange(6)
STEPS = 10.0**DECADES
RUNS, BEFORE = np.arange(3), np.array([2, 2, 3])
TRANSITION = {
    "steps": STEPS,
    "train": np.where(np.array([[0], [1], [2]]) <= DECADES, 0.96, 0.94),
    "test": np.where(np.array([[4], [3], [4]]) <= DECADES, 0.52, 0.48),
}
NEAR_PEAK = np.array([1, 10, 1000, 1200, 1500, 100_000.0])


def crossing(level: float, *exponents: float) -> np.ndarray:
    """Curves (3, 6), lines in the logarithm of time, that reach `level` at these powers of ten."""
    return np.clip(level + 0.05 * (DECADES - np.array(exponents)[:, None]), 0, 1)


def delays(*powers: float) -> dict[str, np.ndarray]:
    """Fits at step 10^1.5, and generalises later by these powers of ten."""
    return {
        "steps": STEPS,
        "train": crossing(0.95, 1.5, 1.5, 1.5),
        "test": crossing(0.5, *(1.5 + np.array(powers))),
    }


def noisy(
    *, weakest: tuple[float, float, float] = (0.5, 0.5, 0.5), lost: tuple[float, float, float] = (0, 0, 0)
) -> dict[str, np.ndarray]:
    """Accuracies (3, 6, 4): at the end of this size under the weakest noise; under the strongest they lose so much."""
    accuracy = np.full((3, 6, 4), 0.9)
    accuracy[:, :, 0] = 0.97, 0.98, 1, 0.94, 0.94, 0
    accuracy[:, :, -1] = 0.1, 0.3, 0.6, 0.8, 0.75, 0.8
    accuracy[:, -1, 0] = weakest
    accuracy[:, -1, -1] -= lost
    return {"steps": STEPS, "noisy": accuracy}


def grown(space: str, before: tuple[float, float, float], after: tuple[float, float, float]) -> dict[str, np.ndarray]:
    """Radii of .5, but before generalisation and at the end."""
    radius = np.full((3, 6), 0.5)
    radius[RUNS, BEFORE], radius[:, -1] = before, after
    return TRANSITION | {f"basin_{space}": radius}


def falls(*late: float) -> dict[str, np.ndarray]:
    """Weight basins that fall by half before accuracy has reached .8, and by such shares from the next record on."""
    basin = np.tile([1, 0.5, 0.8, 0.8, 0.9, 0.9], (3, 1))
    basin[:, 4] = 0.8 * (1 - np.array(late))
    return {"steps": STEPS, "test": np.tile([0.1, 0.5, 0.8, 0.7, 0.9, 0.9], (3, 1)), "basin_weight": basin}


def in_place(when: int, *right: int) -> dict[str, np.ndarray]:
    """So many of sixty test digits of each run at their place at one of two moments; at the other sixty or none are."""
    test = np.stack([groups()] * 2)[None] * np.ones((3, 1, 1, 1))
    test[:, 1 - when] = placed(60 * (1 - when))
    test[:, when] = [placed(count) for count in right]
    return {"test_cloud": test, "train_cloud": np.zeros((3, 2, 60, 2)) + groups(), "labels": CLASSES}


def gradients(before: list[tuple[float, float]], after: tuple[float, float] = (0.7, 0.8)) -> dict[str, np.ndarray]:
    """Gradients (3, 6, 2) of both layers of 1.5, but before generalisation and at the end."""
    gradient = np.full((3, 6, 2), 1.5)
    gradient[RUNS, BEFORE], gradient[:, -1] = before, after
    return TRANSITION | {"gradient": gradient}


def peaking(at: list[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Gradients with the peak of each layer at a record; test accuracies reach .8 at 1000 * 1.2^p, p = 1/2, 1/4, 3/4.

    Records are at the steps 1000, 1200 and 1500 where the others have one at every power of ten.
    """
    gradient = np.tile([0.1, 0.2, 0.8, 0.9, 0.7, 0.6], (3, 1))[:, :, None] * [0.5, 1]
    for run, layers in enumerate(at):
        gradient[run, layers, [0, 1]] = 2
    part = np.array([1 / 2, 1 / 4, 3 / 4])
    test = np.tile([0.1, 0.2, 0.8, 0.8, 0.95, 0.95], (3, 1))
    test[:, 2], test[:, 3] = 0.8 - 0.1 * part, 0.8 + 0.1 * (1 - part)
    return {"steps": NEAR_PEAK, "gradient": gradient, "test": test}


def norms(*runs: tuple[float, float]) -> dict[str, np.ndarray]:
    """Norms that lose this share of the first one in every power of ten, and the power at which accuracy reaches .5."""
    lost, exponents = np.array(runs).T
    left = np.maximum(1 - lost[:, None] * DECADES, 0.05)
    return {"steps": STEPS, "test": crossing(0.5, *exponents), "norm": left * np.array([[50], [80], [120]])}


def declines(*lost: float) -> dict[str, np.ndarray]:
    """Test accuracies that end so much below their best, which is at the fourth record."""
    test = np.tile([0.1, 0.2, 0.4, 0.9, 0.8, 0], (3, 1))
    test[:, -1] = 0.9 - np.array(lost)
    return {"steps": STEPS, "test": test}


CHANGED = [(0.3 - 0.12, -0.2), (0.32, -0.2 + 0.2), (0.3, -0.2 - 0.15)]  # largest changes of (.3, -.2) of each run
UNCHANGED = [(0.3 - 0.08, -0.2), (0.32, -0.2 + 0.05), (0.3, -0.2 - 0.09)]
FIRST = {"first": np.tile([0.3, -0.2], (3, 1))}
CASES = {
    "delay": Case(delays(0.5, 1, 0.6), delays(0.4, 0.3, 0.45), (10**0.6, 10**0.4)),
    "noisy-memory": Case(noisy(weakest=(0.995, 0.992, 1)), noisy(weakest=(0.985, 0.97, 0.98)), (0.995, 0.98)),
    "noisy-decline": Case(noisy(lost=(0.06, 0.1, 0.08)), noisy(lost=(0.04, 0.02, 0.03)), (0.08, 0.03)),
    # .06/.01, .11/.02, .008/.001, where .001 stands for a network that has not fitted; .045/.01, .08/.02, .003/.001
    "sample-basin": Case(
        grown("sample", (0.01, 0.02, 0), (0.06, 0.11, 0.008)),
        grown("sample", (0.01, 0.02, 0), (0.045, 0.08, 0.003)),
        (6, 4),
    ),
    "weight-basin": Case(
        grown("weight", (0.01, 0.02, 0), (0.06, 0.11, 0.008)),
        grown("weight", (0.01, 0.02, 0), (0.045, 0.08, 0.003)),
        (6, 4),
    ),
    "fluctuation": Case(falls(0.12, 0.2, 0.15), falls(0.08, 0.05, 0.09), (0.15, 0.08)),
    "scattered-before": Case(in_place(0, 21, 15, 18), in_place(0, 27, 36, 30), (18 / 60, 30 / 60)),
    "aligned-after": Case(in_place(1, 45, 51, 48), in_place(1, 39, 33, 36), (48 / 60, 36 / 60)),
    # all sizes, in order: .02, .04, .05, .06, .08, .09; of them .06 and .09 become .07 and .12
    "small-gradients": Case(
        gradients([(0.02, -0.08), (0.04, -0.09), (-0.05, 0.06)]),
        gradients([(0.02, -0.08), (0.04, -0.12), (-0.05, 0.07)]),
        (0.055, 0.06),
    ),
    # to .7 and .8: rises of .12, .2, .3, .4, .15, .5; of .08, .38 and .14 in the place of .12, .4 and .15
    "gradients-rise": Case(
        gradients([(0.58, 0.6), (0.4, 0.4), (0.55, 0.3)]),
        gradients([(0.62, 0.6), (0.4, 0.42), (0.56, 0.3)]),
        (0.25, 0.25),
    ),
    # records 2 and 3 over the transition are 1.2^-p and 1.2^(1 - p); record 4, in one layer, 1.5 * 1.2^-.5 = 1.37
    "peak-at-transition": Case(
        peaking([(2, 3), (3, 2), (2, 3)]),
        peaking([(2, 4), (3, 2), (2, 3)]),
        ((1.2**-0.25 + 1.2**0.25) / 2, (1.2**-0.25 + 1.2**0.25) / 2),
    ),
    # 1 - .24 * 3, 1 - .2 * 3.7, 1 - .3 * 2.5; 1 - .24 * 2.75, 1 - .2 * 3.4, 1 - .3 * 2.25
    "norm-shrinks": Case(
        norms((0.24, 3), (0.2, 3.7), (0.3, 2.5)), norms((0.24, 2.75), (0.2, 3.4), (0.3, 2.25)), (0.26, 0.325)
    ),
    "gradients-by-training": Case(FIRST | gradients(CHANGED), FIRST | gradients(UNCHANGED), (0.15, 0.08)),
    # one layer of one run refutes
    "random-features": Case(
        {"control": np.array([[0.55, 0.9], [0.6, 1.2], [0.7, 0.8]])},
        {"control": np.array([[0.45, 0.9], [0.6, 1.2], [0.6, 0.8]])},
        (0.75, 0.7),
    ),
    "late-decline": Case(declines(0.006, 0.02, 0.01), declines(0.004, 0, 0.002), (0.01, 0.002)),
}
