"""Four values of what is swept and three networks of each: radii fall as curvature grows but for a pair or two.

A rank correlation of twelve networks is 1 - sum d^2 / 286; two that are `n` ranks apart and are exchanged add 2 n^2 to
the sum, and for radii that fall the sign is the other one. Where the median of runs decides, there are five networks,
one of them on the other side of the bound.
"""

import numpy as np

from tests.figures.claims import Case

ENOUGH = {"samples": np.array(10_000)}


def falling(sweep: str, curvature: str, *pairs: tuple[int, int]) -> dict[str, np.ndarray]:
    """Curvatures of twelve networks that double from rank to rank; the radii of pairs of ranks are exchanged."""
    ranks = np.arange(1, 13)
    radius = 1 - 0.05 * ranks
    for low, high in pairs:
        radius[[low - 1, high - 1]] = radius[[high - 1, low - 1]]
    return ENOUGH | {f"{sweep}_{curvature}": 2.0 ** ranks.reshape(4, 3), f"{sweep}_weight_radius": radius.reshape(4, 3)}


def widened(sweep: str, space: str, *radii: float) -> dict[str, np.ndarray]:
    """Radii of five networks at the third value; at the first, which is without, their median is .3.

    The third costs a point of the median of test accuracies, and more of the mean; the second none, and is narrow but
    in one network, and the last, which is wide, costs two.
    """
    accuracy = np.tile([[0.88], [0.9], [0.87], [0.86]], 5) + 0.01 * np.array([-2, -1, 0, 1, 2])
    accuracy[2] -= [0.1, 0.1, 0, 0, 0]
    radius = np.array([[0.3, 0.2, 0.7, 0.1, 0.9], [0.1, 0.1, 0.1, 0.1, 9], radii, [2] * 5])
    return ENOUGH | {f"{sweep}_accuracy": accuracy, f"{sweep}_{space}_radius": radius}


# ranks 7 and 8 apart: 1 - 98 / 286 = 188 / 286, and 1 - 128 / 286 = 158 / 286
TRACE, NOISE_TRACE, CLOSE = "trace", "noise_trace", (-188 / 286, -158 / 286)
WIDER = (0.36, 0.345, 0.39, 0.3, 0.9)  # 1.2, 1.15, 1.3, 1 and 3 times .3
NOT_WIDER = (0.3, 0.27, 0.321, 0.6, 0.15)  # 1, .9, 1.07, 2 and .5 times
CASES = {
    "batch": Case(falling("batch", TRACE, (1, 8)), falling("batch", TRACE, (1, 9)), CLOSE),
    "rate": Case(falling("rate", TRACE, (2, 9)), falling("rate", TRACE, (2, 10)), CLOSE),
    "batch-in-units-of-noise": Case(
        falling("batch", NOISE_TRACE, (3, 10)), falling("batch", NOISE_TRACE, (3, 11)), CLOSE
    ),
    "rate-in-units-of-noise": Case(falling("rate", NOISE_TRACE, (4, 11)), falling("rate", NOISE_TRACE, (4, 12)), CLOSE),
    # ranks 10 and 3 apart, and 10 alone: 1 - 218 / 286 and 1 - 200 / 286, the latter just below -.3
    "dropout-without-flatness": Case(
        falling("dropout", TRACE, (1, 11), (4, 7)), falling("dropout", TRACE, (1, 11)), (-68 / 286, -86 / 286)
    ),
    "decay-widens-weights": Case(widened("decay", "weight", *WIDER), widened("decay", "weight", *NOT_WIDER), (1.2, 1)),
    "decay-widens-samples": Case(widened("decay", "sample", *WIDER), widened("decay", "sample", *NOT_WIDER), (1.2, 1)),
    "dropout-widens-weights": Case(
        widened("dropout", "weight", *WIDER), widened("dropout", "weight", *NOT_WIDER), (1.2, 1)
    ),
    "dropout-widens-samples": Case(
        widened("dropout", "sample", *WIDER), widened("dropout", "sample", *NOT_WIDER), (1.2, 1)
    ),
}
