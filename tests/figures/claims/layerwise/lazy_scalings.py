"""Accuracies of five runs: the fit is at a record that is told, where test accuracy has the value that is told.

Before it test accuracy is .05, after it that of the end; training accuracy goes from .98 to .99.
"""

import numpy as np

from tests.figures.claims import Case

PANELS = ("weights", "target", "input", "output")  # besides the default
EPOCHS, OTHERS_EPOCHS = np.array([1, 5, 20, 100, 400, 1000, 2000]), np.array([1, 4, 15, 60, 150, 2000])
RUNS = 5
NEVER = len(OTHERS_EPOCHS)  # the last record counts instead
AT_FIT = np.array([0.2, 0.15, 0.25, 0.1, 0.3])  # by default


def curves(
    epochs: np.ndarray, fits: tuple[int, ...], at_fit: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Training and test accuracy (runs, records) with the fits at these records."""
    records, fits = np.arange(len(epochs)), np.array(fits)
    train = np.where(records >= fits[:, None], 0.99, 0.98)
    test = np.where(records > fits[:, None], end[:, None], 0.05)
    test[range(RUNS), np.minimum(fits, len(epochs) - 1)] = at_fit
    return train, test


def default(*rises: float) -> dict[str, np.ndarray]:
    """Runs with large weights whose test accuracy rises by so much after the fit."""
    train, test = curves(EPOCHS, (2, 3, 1, 5, 4), AT_FIT, AT_FIT + rises)
    return {"epochs": EPOCHS, "train": train, "test": test}


def scaled(panel: str, *shares: float) -> dict[str, np.ndarray]:
    """One panel whose test accuracy at the fit is this share of that at the end, in the second run all of it.

    In the others it is half of it.
    """
    shape = (len(PANELS), RUNS, len(OTHERS_EPOCHS))
    others_train, others_test = np.full(shape, 0.99), np.full(shape, 0.4)
    others_test[..., -1] = 0.8
    k, ends = PANELS.index(panel), np.array([0.9, 0.85, 0.8, 0.95, 0.7])
    others_train[k], others_test[k] = curves(OTHERS_EPOCHS, (1, NEVER, 2, 3, 0), ends * shares, ends)
    others = {"others_epochs": OTHERS_EPOCHS, "others_train": others_train, "others_test": others_test}
    return default(0.7, 0.75, 0.65, 0.8, 0.6) | others


def rising(panel: str, *records: tuple[int, int]) -> dict[str, np.ndarray]:
    """One panel in which training and test accuracy jump past their halves at these records; all others lag."""
    epochs, at = np.array([1, 2, 3, 4, 5, 2000]), np.arange(6)
    shape = (len(PANELS), RUNS, len(epochs))
    others_train, others_test = np.full(shape, 0.9), np.full(shape, 0.05)
    others_test[..., -1] = 0.8
    k, (trained, tested) = PANELS.index(panel), np.array(records).T[..., None]
    others_train[k] = np.where(at < trained, 0.44, 0.9)
    others_test[k] = np.where(at < tested, 0.39, np.where(at < 5, 0.41, 0.8))
    return {"others_epochs": epochs, "others_train": others_train, "others_test": others_test}


CASES = {
    # factors of 3/2, 4/3, 5/4, 1 and 3/2, and of 2, 4/3, 5/4, 1 and 1
    **{
        panel: Case(
            rising(panel, (1, 2), (2, 3), (3, 4), (0, 0), (1, 2)),
            rising(panel, (0, 1), (2, 3), (3, 4), (0, 0), (1, 1)),
            (np.log10(4 / 3), np.log10(5 / 4)),
        )
        for panel in PANELS
    },
    # the second run never fits and is at its end
    **{
        f"{panel}-at-fit": Case(
            scaled(panel, 0.91, 1, 0.95, 0.92, 0.97), scaled(panel, 0.91, 1, 0.89, 0.92, 0.93), (0.95, 0.92)
        )
        for panel in PANELS
    },
    # .01, .05, .22, .25, .3 with mean .17, and .01, .05, .18, .25, .69 with mean .24
    "late": Case(default(0.22, 0.05, 0.3, 0.25, 0.01), default(0.18, 0.05, 0.69, 0.25, 0.01), (0.22, 0.18)),
}
