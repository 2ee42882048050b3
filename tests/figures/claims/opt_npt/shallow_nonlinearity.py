"""Two sizes of the training set, three runs, five records; the place that a claim is about, and others all over.

Arrays are of (size, run, record, network); networks are tanh, linear and the linear map.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED, REPRODUCED

STEPS = np.array([0.0, 10, 50, 51, 105])
SMALL, LARGE, LAST = 0, 1, -1
TIMES = {"step": STEPS, "early": np.array(50)}


def accuracies(size: int, record: int, behind: np.ndarray, elsewhere: float) -> dict[str, np.ndarray]:
    """How far linear network and linear map, (run, 2), are behind a tanh network at .8 at one record of one size."""
    gaps = np.full((2, 3, 5, 2), elsewhere)
    gaps[size, :, record] = behind
    return TIMES | {"accuracy": np.concatenate([np.full((2, 3, 5, 1), 0.8), 0.8 - gaps], axis=3)}


def overlap(largest: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Where `largest` parts the linear map of the largest set from the tanh network at step 50, and .3 from step 51."""
    gaps = np.zeros((3, 5, 2))
    gaps[:, 1] = 0.001
    gaps[:, 2, 1] = largest
    gaps[:, 3:] = 0.3
    gaps = np.stack([np.full((3, 5, 2), 0.3), gaps])
    return TIMES | {"accuracy": np.concatenate([np.full((2, 3, 5, 1), 0.6), 0.6 - gaps], axis=3)}


def splits(*runs: tuple[float, float]) -> dict[str, np.ndarray]:
    """Steps from which on linear network and map are .012 behind for good; .008 before, but .02 at step 10."""
    steps = np.array([0.0, 10, 30, 50, 95, 105, 300])
    behind = np.where(steps[:, None] >= np.array(runs)[:, None], 0.012, 0.008)  # (run, record, 2)
    behind[:, 1] = 0.02
    gaps = np.stack([np.zeros((3, 7, 2)), behind])
    return {"step": steps, "accuracy": np.concatenate([np.full((2, 3, 7, 1), 0.7), 0.7 - gaps], axis=3)}


def densities(*differences: float) -> dict[str, np.ndarray]:
    """Densities of 4 bins that differ by so much in the mean, up and down, at the end of the small set."""
    density = np.full((2, 3, 2, 4), 1.0)
    density[..., 1, :] += 0.5 * np.array([1, -1, 1, -1])
    tanh = np.array([1.4, 1.2, 0.8, 0.6])
    density[SMALL, :, 0] = tanh
    density[SMALL, :, 1] = tanh + np.array(differences)[:, None] * [0.5, -1.5, 1.5, -0.5]
    return TIMES | {"last_density": density, "accuracy": np.full((2, 3, 5, 3), 0.5)}


def steepness(size: int, tanh: tuple[float, ...], linear: tuple[float, ...], elsewhere: float) -> dict[str, np.ndarray]:
    """Last gradients of both networks at one size; in all other places the linear one exceeds 2 by `elsewhere`."""
    gradient = np.full((2, 3, 5, 2), 2.0)
    gradient[..., 1] += elsewhere
    gradient[size, :, LAST] = np.stack([tanh, linear], axis=1)
    return TIMES | {"gradient": gradient, "accuracy": np.full((2, 3, 5, 3), 0.5)}


def courses(first: tuple[float, ...], last: tuple[float, ...], other: tuple[float, float]) -> dict[str, np.ndarray]:
    """Gradients of the tanh network on the largest set over peaks of 2, 3 and 1.5; `other` ends of all other curves."""
    gradient = np.full((2, 3, 5, 2), 1.0)
    gradient[:, :, 0], gradient[:, :, LAST] = other
    course = np.stack([first, [0.3] * 3, [1.0] * 3, [0.8] * 3, last], axis=1)
    gradient[LARGE, :, :, 0] = course * np.array([[2], [3], [1.5]])
    return TIMES | {"gradient": gradient}


CASES = {
    "few-samples": Case(  # from the lowest to the highest, the tanh network in between in two runs
        accuracies(SMALL, LAST, np.array([[-0.004, 0.005], [0.002, 0.001], [-0.0055, 0.004]]), elsewhere=0.1),
        accuracies(SMALL, LAST, np.array([[-0.005, 0.006], [0.04, 0.01], [-0.0055, 0.005]]), elsewhere=0.1),
        (0.009, 0.011),
    ),
    "many-samples": Case(  # the nearer of both: .016 .04 .0155, and .014 .001 .0145
        accuracies(LARGE, LAST, np.array([[0.016, 0.05], [0.07, 0.04], [0.0155, 0.05]]), elsewhere=-0.01),
        accuracies(LARGE, LAST, np.array([[0.014, 0.05], [0.07, 0.001], [0.0145, 0.05]]), elsewhere=-0.01),
        (0.016, 0.014),
    ),
    "early-overlap": Case(overlap((0.009, -0.002, -0.0095)), overlap((0.011, -0.05, -0.0105)), (0.009, 0.011)),
    "late-split": Case(
        accuracies(LARGE, LAST, np.array([[0.021, 0.05], [0.07, 0.04], [0.0205, 0.05]]), elsewhere=-0.01),
        accuracies(LARGE, LAST, np.array([[0.019, 0.05], [0.07, 0.001], [0.0195, 0.05]]), elsewhere=-0.01),
        (0.021, 0.019),
    ),
    "split-together": Case(  # 95/50 50/50 95/50, and 105/50 300/50 105/50
        splits((50, 95), (50, 50), (95, 50)), splits((50, 105), (300, 50), (105, 50)), (1.9, 2.1)
    ),
    "same-density": Case(densities(0.045, 0.01, -0.048), densities(0.055, 0.2, -0.052), (0.045, 0.055)),
    "same-steepness": Case(  # .09/2, -.01/1 and .144/3; -.11/2, -.2/1 and -.156/3
        steepness(SMALL, (2, 1, 3), (2.09, 0.99, 3.144), elsewhere=0.4),
        steepness(SMALL, (2, 1, 3), (1.89, 0.8, 2.844), elsewhere=0.4),
        (0.045, -0.055),
        also=[  # the bounds from the other sides: -.09/2, .01/1 and -.144/3; .11/2, .06/1 and .156/3
            (steepness(SMALL, (2, 1, 3), (1.91, 1.01, 2.856), elsewhere=0.4), REPRODUCED),
            (steepness(SMALL, (2, 1, 3), (2.11, 1.06, 3.156), elsewhere=0.4), CONTRADICTED),
        ],
    ),
    "steeper-linear": Case(
        steepness(LARGE, (2, 1, 3), (2.22, 1.5, 3.21), elsewhere=-0.3),
        steepness(LARGE, (2, 1, 3), (2.18, 1.01, 3.19), elsewhere=-0.3),
        (0.22, 0.18),
    ),
    "density-rises": Case(
        courses((-0.09, 0.01, 0.095), (0.9, 0.5, 0.8), other=(1.5, 1.5)),
        courses((-0.11, 0.3, 0.105), (0.9, 0.5, 0.8), other=(1.5, 1.5)),
        (0.09, 0.11),
    ),
    "density-declines": Case(
        courses((0.1, 0.2, -0.1), (0.85, 0.3, 0.88), other=(0.5, 2.0)),
        courses((0.1, 0.2, -0.1), (0.92, 0.99, 0.91), other=(0.5, 2.0)),
        (0.85, 0.92),
    ),
}
