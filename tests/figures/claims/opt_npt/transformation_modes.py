"""Numbers by unit, pair, neuron and digit, of three or five runs, by hand; those that a claim is not about lie far off.

Ranks of 8 neurons in made-up orders have Spearman's rho 1 - S / 84 as those of 8 layers; within classes of 5, 4 and 3
digits it is 1 - S / 20, 1 - S / 10 and 1 - S / 4, with S the sum of squared distances of the ranks from 1, 2, ...
"""

import numpy as np

from tests.figures.claims import Case
from tests.figures.claims.opt_npt.gradient_phases import LATER, NOT_LATER, OPENING, orders

UNITS = ["one tanh", "one Gaussian", "two tanh", "two ReLU"]
PAIRS = ["two tanh", "two ReLU", "one tanh"]
LINEAR, TANH, GAUSSIAN = range(3)


def reordered(unit: str, runs: tuple[float, ...], others: float = 0.0) -> dict[str, np.ndarray]:
    """How far every trained unit reorders: (4 units, 3 runs)."""
    values = np.full((4, 3), others)
    values[UNITS.index(unit)] = runs
    return {"unit_reordered": values}


def reorders(unit: str) -> Case:
    """On both sides of a half; the other units keep the order."""
    above, below = (0.52, 0.9, 0.51), (0.48, 0.1, 0.49)
    return Case(reordered(unit, above), reordered(unit, below), (0.52, 0.48))


def misplaced(pair: str, missed: tuple[int, ...], ranks: int = 1, others: int = 2) -> dict[str, np.ndarray]:
    """Ranks beside the wanted place, (3 pairs, 3 sequences, 50 places): so many places of a sequence are missed."""
    values = np.full((3, 3, 50), others)
    values[PAIRS.index(pair)] = np.where(np.arange(50)[::-1] < np.array(missed)[:, None], ranks, 0)
    return {"pair_misplaced": values}


def neurons(activation: int, name: str, gradients: np.ndarray, ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Rank gradients and another measure of 8 neurons, (3 activations, 3 runs, 8); the others in the opposite order."""
    gradient, measure = np.empty((2, 3, 3, 8))
    gradient[:], measure[:] = np.arange(8.0), -ranks
    gradient[activation], measure[activation] = gradients, ranks
    return {"network_gradient": gradient, f"network_{name}": measure}


def steep(gaussian: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Four neurons of mean size 2, 1 and 4 (linear: median 2), and of `gaussian`; their signs cancel."""
    size = np.array([[2.0, 1, 4], [9, 9, 9], gaussian])
    shares = np.array([[-2, 0.5, 0.5, 1], [1, -1, 1, -1], [-1.5, -0.5, 0.8, 1.2]])
    return {"network_gradient": size[..., None] * shares[:, None]}


def aligned(gaussian: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Alignments of every network; of linear ones the median is 10, and the mean 14."""
    return {"network_alignment": np.array([[10.0, 2, 30], [20] * 3, gaussian])}


FIVE = {
    0: [1, 2, 3, 4, 5],
    2: [2, 1, 3, 4, 5],  # rho .9
    6: [2, 3, 1, 4, 5],  # 1 + 1 + 4: rho .7
    40: [5, 4, 3, 2, 1],
}
FOUR = [2, 1, 4, 3]  # S = 4: rho .6
THREE = [2, 3, 1]  # S = 1 + 1 + 4: rho -.5
CLASSES = [4] * 5 + [7] * 4 + [0] * 3 + [2] * 3  # the three digits of class 2 have one and the same basin


def basins(*sums: int) -> dict[str, np.ndarray]:
    """Digits of four classes in each of five runs; over all digits wide basins go with low gradients."""
    gradient = np.array([1, 2, 3, 4, 5, 11, 12, 13, 14, 21, 22, 23, 31, 32, 33]) / 20
    by_class = -np.repeat([0, 1, 2, 3], [5, 4, 3, 3])
    radius = np.array([[*FIVE[total], *FOUR, *THREE, 1, 1, 1] for total in sums]) / 10 + by_class + 5
    mixed = np.r_[0:15:2, 1:15:2]  # every second digit, then those between
    return {
        "network_sample_gradient": tanh_only(gradient[mixed]),
        "network_sample_radius": tanh_only(radius[:, mixed]),
        "network_sample_class": tanh_only(np.array(CLASSES)[mixed]),
    }


def tanh_only(values: np.ndarray) -> np.ndarray:
    """Values (5 runs, 15 digits) of the tanh networks, equal ones of the others: (3 activations, 5 runs, 15 digits)."""
    arrays = np.ones((3, 5, 15), values.dtype)
    arrays[TANH] = values
    return arrays


SIZES = np.arange(1.0, 9.0)
SIGNS = np.array([1, -1, -1, 1, 1, -1, 1, -1])

CASES = {
    "monotone-keeps": Case(reordered("one tanh", (0, 0, 0), 0.7), reordered("one tanh", (0, 0.002, 0), 0.7), (0, 0)),
    "gaussian-reorders": reorders("one Gaussian"),
    "two-tanh-reorder": reorders("two tanh"),
    "two-relu-reorder": reorders("two ReLU"),
    "two-tanh-anywhere": Case(misplaced("two tanh", (0, 0, 0)), misplaced("two tanh", (0, 1, 0)), (0, 0)),
    "two-relu-anywhere": Case(misplaced("two ReLU", (0, 0, 0)), misplaced("two ReLU", (0, 0, 1)), (0, 0)),
    "one-tanh-at-the-end": Case(  # found at 2, 0 and 2 of 50 places, and at 3, 20 and 3
        misplaced("one tanh", (48, 50, 48), ranks=7, others=0),
        misplaced("one tanh", (47, 30, 47), ranks=7, others=0),
        (0.04, 0.06),
    ),
    "flat-when-reordered": Case(
        neurons(GAUSSIAN, "folded", SIZES * SIGNS, orders(LATER, downwards=True)),
        neurons(GAUSSIAN, "folded", SIZES * SIGNS, orders(NOT_LATER, downwards=True)),
        OPENING,
    ),
    "flatter-than-linear": Case(steep((0.98, 0.4, 0.99)), steep((1.02, 3, 1.01)), (0.49, 0.51)),
    "aligned-when-kept": Case(aligned((7.8, 3, 7.9)), aligned((8.2, 50, 8.1)), (0.78, 0.82)),
    "neurons": Case(
        neurons(TANH, "reversed", SIZES - 4.2, orders(LATER, downwards=True)),
        neurons(TANH, "reversed", SIZES - 4.2, orders(NOT_LATER, downwards=True)),
        OPENING,
    ),
    "samples": Case(basins(0, 0, 2, 2, 2), basins(40, 40, 6, 6, 6), ((0.9 + 0.6 - 0.5) / 3, (0.7 + 0.6 - 0.5) / 3)),
}
