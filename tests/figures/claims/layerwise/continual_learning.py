"""Four lambdas, three sequences, five runs: the values of the sequence and lambda that a claim is of are written down.

All others would, read in its place, fail it.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

LAMBDAS, RUNS = 4, 5
FORGETTING, TRANSFER, REVERSAL = range(3)
RICH, LAZY = 0, 3
ALONE = np.array([4.0, 5, 8, 10, 2])  # time from the start
COUNTED = np.arange(1, 21).reshape(LAMBDAS, RUNS)  # median 10.5
ONE_LARGE = np.where(COUNTED == 1, 30, COUNTED)  # 2 ... 20 and 30: median 11.5
SMALL, ONE_MORE = (2, 9, 4, 6, 3), (11, 9, 4, 6, 3)  # medians 4 and 6
LARGE, ONE_LESS = (0.06, 0.2, 0.08, 0.3, 0.055), (0.06, 0.2, 0.08, 0.3, 0.045)


def sequences(imbalance: int, kind: int, values, elsewhere: float) -> np.ndarray:
    """Runs of one lambda and sequence, and one value for all others."""
    array = np.full((LAMBDAS, 3, RUNS), float(elsewhere))
    array[imbalance, kind] = values
    return array


def loss_on_first(steps: np.ndarray) -> dict[str, np.ndarray]:
    """Loss over half the distance of the tasks is 1 plus so many times .0008; in the other sequences it is 1/2."""
    apart = np.tile(np.outer([1, 2, 3], [0.5, 0.8, 1, 1.25, 2]), (LAMBDAS, 1, 1))
    share = np.full(apart.shape, 0.5)
    share[:, FORGETTING] = 1 + 8e-4 * steps
    return {"kept": share * apart, "apart": apart}


def kernels(rich, lazy) -> dict[str, np.ndarray]:
    """Kernel distances over task B of both extremes in the first sequence; .01 elsewhere."""
    turned = sequences(RICH, FORGETTING, rich, 0.01)
    turned[LAZY, FORGETTING] = lazy
    return {"turned": turned}


def speeds(imbalance: int, kind: int, *ratios: float, elsewhere: float) -> dict[str, np.ndarray]:
    """Time to learn the second task over that from the start."""
    alone = sequences(imbalance, kind, ALONE, 3)
    return {"learned_alone": alone, "learned": sequences(imbalance, kind, ratios, elsewhere) * alone}


STEPS = np.arange(-10, 10).reshape(LAMBDAS, RUNS)  # median -1/2
ONE_HIGH = np.where(STEPS == -10, 15, STEPS)  # -9 ... 9 and 15: median 1/2
ONE_LOW = np.where(STEPS == -10, -15, STEPS)
CASES = {
    "conserved": Case({"raw_drift": 4e-8 * COUNTED}, {"raw_drift": 4e-8 * ONE_LARGE}, (4.2e-7, 4.6e-7)),
    "closed-form": Case({"raw_error": 4e-8 * COUNTED}, {"raw_error": 4e-8 * ONE_LARGE}, (4.2e-7, 4.6e-7)),
    "forgotten-in-the-end": Case(
        loss_on_first(STEPS),
        loss_on_first(ONE_HIGH),
        (0.9996, 1.0004),
        also=[(loss_on_first(ONE_LOW), CONTRADICTED)],
    ),
    "lazy-is-exponential": Case(
        {"exponential": sequences(LAZY, FORGETTING, (0.01, 0.045, 0.02, 0.03, 0.015), 0.4)},
        {"exponential": sequences(LAZY, FORGETTING, (0.055, 0.045, 0.02, 0.03, 0.015), 0.4)},
        (0.02, 0.03),
    ),
    "lazy-kernel": Case(
        kernels(LARGE, 1e-4 * np.array(SMALL)), kernels(LARGE, 1e-4 * np.array(ONE_MORE)), (4e-4, 6e-4)
    ),
    # of .055, .06, .08, .2, .3 and .045, .06, .08, .2, .3
    "rich-kernel": Case(kernels(LARGE, 1e-4), kernels(ONE_LESS, 1e-4), (0.08, 0.08)),
    # smallest .055 and .045 over largest .0005
    "rich-against-lazy": Case(
        kernels(LARGE, (2e-4, 5e-4, 1e-4, 3e-4, 4e-4)), kernels(ONE_LESS, (2e-4, 5e-4, 1e-4, 3e-4, 4e-4)), (110, 90)
    ),
    "rich-transfer": Case(
        speeds(RICH, TRANSFER, 0.2, 0.45, 0.3, 0.4, 0.1, elsewhere=5),
        speeds(RICH, TRANSFER, 0.2, 0.45, 0.3, 0.4, 0.55, elsewhere=5),
        (0.3, 0.4),
    ),
    "lazy-transfer": Case(
        speeds(LAZY, TRANSFER, 0.55, 0.95, 0.7, 0.8, 0.6, elsewhere=0.1),
        speeds(LAZY, TRANSFER, 0.55, 0.45, 0.7, 0.8, 0.6, elsewhere=0.1),
        (0.7, 0.6),
        also=[(speeds(LAZY, TRANSFER, 0.55, 1.2, 0.7, 0.8, 0.6, elsewhere=0.7), CONTRADICTED)],
    ),
    "rich-reversal": Case(
        speeds(RICH, REVERSAL, 3.5, 10, np.inf, 4, 6, elsewhere=1),
        speeds(RICH, REVERSAL, 3.5, 2.5, np.inf, 4, 6, elsewhere=1),
        (6, 4),
    ),
    "lazy-reversal": Case(
        speeds(LAZY, REVERSAL, 1.1, 1.9, 1.4, 1.6, 1.2, elsewhere=8),
        speeds(LAZY, REVERSAL, 2.2, 1.9, 1.4, 1.6, 1.2, elsewhere=8),
        (1.4, 1.6),
    ),
}
