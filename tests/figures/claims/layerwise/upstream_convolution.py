"""Four runs, each with its own record of the fit; everywhere else the features and the accuracies are those of nobody.

The last run never fits from the balanced start, where its last record counts. Means over the runs lie on the other side
of every bound on the median.
"""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case

STARTS = ("upstream", "balanced", "downstream")
FIT = np.array(
    [[1, 2, 3], [2, 3, 1], [0, 1, 2], [3, 4, 1]]
)  # record (runs, starts) of the first training accuracy of 0.9
BALANCED = np.array([0.01, 0.02, 0.05, 0.04])  # how far the features have turned from that start at the fit
TEST = np.array([0.7, 0.8, 0.6, 0.75])  # test accuracy there


def training() -> np.ndarray:
    """Accuracies (runs, starts, 5 records): 0.89 before the fit, 0.9 at it, then 0.8 and once more 0.95."""
    train = np.full((4, 3, 5), 0.89)
    for run in range(4):
        for start in range(3):
            at = FIT[run, start]
            train[run, start, at:] = [0.9, 0.8, 0.95, 0.95, 0.95][: 5 - at]
    train[3, 1] = 0.89
    return train


def at_fit(name: str, elsewhere: float, **of: Sequence[float]) -> dict[str, np.ndarray]:
    """A series (runs, starts, records) with these values at the fit, and another one elsewhere."""
    series = np.full((4, 3, 5), elsewhere)
    for start, values in of.items():
        k = STARTS.index(start)
        series[np.arange(4), k, FIT[:, k]] = values
    return {"train": training(), name: series}


def upstream(ratios: Sequence[float]) -> dict[str, np.ndarray]:
    """Features that turn so many times as far as from the balanced start; elsewhere they have hardly turned."""
    return at_fit("turned", 1e-4, upstream=BALANCED * ratios, balanced=BALANCED)


def downstream(ratios: Sequence[float]) -> dict[str, np.ndarray]:
    """The same from the other start; elsewhere they have turned by all they can."""
    return at_fit("turned", 1.0, downstream=BALANCED * ratios, balanced=BALANCED)


def better(gains: Sequence[float]) -> dict[str, np.ndarray]:
    """Test accuracies that are so much above those from the balanced start; elsewhere at chance."""
    return at_fit("test", 0.1, upstream=TEST + gains, balanced=TEST)


CASES = {
    # in the second case one run turns less far, though median and mean are above 1
    "upstream": Case(upstream([1.1, 2.2, 3.2, 1.4]), upstream([1.1, 2.2, 0.9, 1.5]), (1.8, 1.3)),
    # medians 0.435, 0.545; means 0.795, 0.425
    "downstream": Case(downstream([0.4, 0.45, 1.91, 0.42]), downstream([0.53, 0.56, 0.05, 0.56]), (0.435, 0.545)),
    # medians 0.015, -0.015; means -0.06, 0.06
    "better": Case(better([0.01, 0.02, -0.3, 0.03]), better([-0.01, -0.02, 0.3, -0.03]), (0.015, -0.015)),
}
