"""Three data sets at four times, with chosen ratios of losses; the other layer and the other cuts say the contrary."""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case

TOLD = np.array([0.9, 0.5, 0.4, 0.8])
BEST = np.array([[0.4, 0.5, 0.2], [0.3, 0.6, 0.25]])  # (layers, data sets)
RATIOS = np.array([0.4, 0.625, 1, 1.6, 2.5])  # 0.5 and 2 lie midway between their neighbours in the logarithm


def around(second: float) -> dict[str, np.ndarray]:
    """Data sets at 0.5, 0.7 and 1.8 times a mean that is off by 5 %, `second`, 10 % and 0; of two layers far off."""
    mean = TOLD * (1 + np.array([0.05, second, 0.1, 0]))
    sets = np.array([[0.5], [0.7], [1.8]]) * mean
    return {"test": np.stack([sets, 3 * sets]), "told_test": TOLD}


def in_the_end(layers: int, ratios: Sequence[float]) -> dict[str, np.ndarray]:
    """Test losses that end at these multiples of the best, of the other layers at the best itself."""
    last = BEST.copy()
    last[layers] *= ratios
    before = np.stack([9 * BEST, 1.1 * BEST, 1.2 * BEST], axis=2)
    return {"test": np.concatenate([before, last[:, :, None]], axis=2), "best": BEST}


def stopped(ratios: Sequence[float]) -> dict[str, np.ndarray]:
    """Losses that are these multiples of the best where one layer stops; two layers stop at twice the best."""
    return {"stopped": BEST * np.array([ratios, [2, 2, 2]]), "best": BEST}


def late_cut(*late: float) -> dict[str, np.ndarray]:
    """The last cut; the loss at 0.5 and at 2 is the root of the product of those beside it."""
    return {"ratios": RATIOS, "cut_loss": np.stack([np.ones(5), [1, 1, 2, 1, 1], late], axis=1)}


CASES = {
    "average": Case(around(-0.14), around(-0.16), (0.14, 0.16)),
    "overfits": Case(in_the_end(0, [1.6, 1.7, 2.5]), in_the_end(0, [1.6, 1.7, 1.4]), (1.7, 1.6)),
    "no-noise": Case(
        {"clean_test": np.array([1, 0.7, 0.7, 0.4, 0.1])}, {"clean_test": np.array([1, 0.7, 0.71, 0.4, 0.1])}, (0, 0.01)
    ),
    "greedy-overfits": Case(in_the_end(1, [1.9, 1.6, 2.5]), in_the_end(1, [1.4, 1.6, 2.5]), (1.9, 1.6)),
    "stopping": Case(stopped([1.01, 1.04, 1.02]), stopped([1.01, 1.04, 1.06]), (1.02, 1.04)),
    "double-descent": Case(  # 4 at half as many samples and 3 at twice as many; then 3 and 4
        late_cut(2, 8, 8.8, 9, 1), late_cut(1, 9, 7.6, 8, 2), (8.8 / 4, 7.6 / 4)
    ),
    # 0.8, 0.975, 0.64 and 0.8, 1.025, 0.61
    "stopping-removes-it": Case(
        {"stopped_loss": np.array([1, 0.8, 0.78, 0.5])}, {"stopped_loss": np.array([1, 0.8, 0.82, 0.5])}, (0.975, 1.025)
    ),
}
