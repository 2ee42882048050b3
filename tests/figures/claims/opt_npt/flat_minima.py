"""Four values of what is swept and three networks of each: radii fall as curvature grows but for a pair or two.

Of twelve networks in three runs the eight of two runs are left, whose rank correlation is 1 - sum d^2 / 84; two of one
run that are 3, 6 or 9 of the twelve ranks apart are 2, 4 or 6 of the eight apart, and exchanged add 8, 32 or 72 to the
sum; for radii that fall the sign is the other one. Where the median of runs decides, there are five networks, one of
them on the other side of the bound.
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


TRACE, NOISE_TRACE = "trace", "noise_trace"
RELATED = ((1, 7),)  # 52 / 84 if the first run is there, else 1
UNRELATED = ((1, 7), (4, 10), (2, 8), (5, 11))  # 20 / 84 if one of the first two runs is there, -44 / 84 if both are
WEAKLY = ((1, 7), (2, 5), (8, 11))  # 68, 52 and 36 / 84
MEDIANS = (-52 / 84, -20 / 84)
WIDER = (0.36, 0.345, 0.39, 0.3, 0.9)  # 1.2, 1.15, 1.3, 1 and 3 times .3
NOT_WIDER = (0.3, 0.27, 0.321, 0.6, 0.15)  # 1, .9, 1.07, 2 and .5 times
CASES = {
    "batch": Case(falling("batch", TRACE, *RELATED), falling("batch", TRACE, *UNRELATED), MEDIANS),
    "rate": Case(falling("rate", TRACE, *RELATED), falling("rate", TRACE, *UNRELATED), MEDIANS),
    "batch-in-units-of-noise": Case(
        falling("batch", NOISE_TRACE, *RELATED), falling("batch", NOISE_TRACE, *UNRELATED), MEDIANS
    ),
    "rate-in-units-of-noise": Case(
        falling("rate", NOISE_TRACE, *RELATED), falling("rate", NOISE_TRACE, *UNRELATED), MEDIANS
    ),
    "dropout-without-flatness": Case(
        falling("dropout", TRACE, *UNRELATED), falling("dropout", TRACE, *WEAKLY), (-20 / 84, -52 / 84)
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
