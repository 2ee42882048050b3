"""Four kinds of labels, five runs, six records: first and last values are written down, those between lead astray."""

import numpy as np

from tests.figures.claims import Case

TRUE, HALF, ALL, LAZY = range(4)
RUNS, RECORDS = 5, 6
FIRST = np.array([3.0, 5, 2, 8, 4])  # variability within classes over that between them


def falls(kind: int, *decades: float, others: float) -> dict[str, np.ndarray]:
    """Variability of one kind that falls by these decades, after it was lower still; that of the others by `others`."""
    fallen = np.full((4, RUNS), others)
    fallen[kind] = decades
    within = np.full((4, RUNS, RECORDS), 1e-6)
    within[:, :, 0], within[:, :, -1] = FIRST, FIRST / 10**fallen
    return {"within": within}


def ends(part: str, kind: int, *accuracies: float, others: float) -> dict[str, np.ndarray]:
    """Training or test accuracy of one kind that ends so; all else, and the other part, is `others`."""
    told = np.full((4, RUNS, RECORDS), others)
    told[kind, :, -1] = accuracies
    return {"train": np.full(told.shape, others), "test": np.full(told.shape, others), part: told}


CASES = {
    # .1, .2, 1.1, 1.3, 2 with mean .94, and .1, .2, .9, 1.3, 4 with mean 1.3
    "collapses": Case(
        falls(ALL, 1.1, 0.2, 2, 1.3, 0.1, others=0.0), falls(ALL, 0.9, 0.2, 4, 1.3, 0.1, others=0.0), (1.1, 0.9)
    ),
    "half": Case(
        falls(HALF, 1.1, 0.2, 2, 1.3, 0.1, others=0.0), falls(HALF, 0.9, 0.2, 4, 1.3, 0.1, others=0.0), (1.1, 0.9)
    ),
    # .1, .12, .18, .45, .5 with mean .27, and .03, .05, .22, .24, .25 with mean .16
    "nothing-learnt": Case(
        ends("test", ALL, 0.18, 0.5, 0.1, 0.12, 0.45, others=0.9),
        ends("test", ALL, 0.22, 0.25, 0.05, 0.24, 0.03, others=0.9),
        (0.18, 0.22),
    ),
    # .3, .5, .82, .85, .9 with mean .67, and .6, .77, .78, .98, .99 with mean .82
    "true-labels": Case(
        ends("test", TRUE, 0.82, 0.3, 0.9, 0.85, 0.5, others=0.1),
        ends("test", TRUE, 0.78, 0.77, 0.99, 0.98, 0.6, others=0.1),
        (0.82, 0.78),
    ),
    # .1, .4, .45, .9, 2 with mean .77, and .1, .2, .55, .6, .6 with mean .41
    "lazy": Case(
        falls(LAZY, 0.4, 0.9, 0.1, 0.45, 2, others=3.0), falls(LAZY, 0.6, 0.1, 0.55, 0.2, 0.6, others=3.0), (0.45, 0.55)
    ),
    # .5, .6, .96, .99, 1 with mean .81, and .93, .94, .94, 1, 1 with mean .962
    "lazy-fits": Case(
        ends("train", LAZY, 0.96, 0.5, 0.99, 1, 0.6, others=0.2),
        ends("train", LAZY, 0.94, 0.94, 1, 1, 0.93, others=0.2),
        (0.96, 0.94),
    ),
}
