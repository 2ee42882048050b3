"""Accuracies of five runs: the fit is at a record that is told, where test accuracy has the value that is told.

Before it test accuracy is .05, after it that of the end; training accuracy goes from .98 to .99.
"""

import numpy as np

from tests.figures.claims import Case

PANELS = ("weights", "target", "input", "output")  # besides the default
EPOCHS, OTHERS_EPOCHS = np.array([1, 5, 20, 100, 400, 1000, 2000]), np.array([1, 4, 15, 60, 150, 500])
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


def scaled(panel: str, *gains: float) -> dict[str, np.ndarray]:
    """One panel whose test accuracy at the fit, or at the end of the second run, is so much above the default's.

    In the others it is 0, and in the end all are at .9.
    """
    shape = (len(PANELS), RUNS, len(OTHERS_EPOCHS))
    others_train, others_test = np.full(shape, 0.99), np.zeros(shape)
    k = PANELS.index(panel)
    others_train[k], others_test[k] = curves(OTHERS_EPOCHS, (1, NEVER, 2, 3, 0), AT_FIT + gains, np.full(RUNS, 0.9))
    others = {"others_epochs": OTHERS_EPOCHS, "others_train": others_train, "others_test": others_test}
    return default(0.7, 0.75, 0.65, 0.8, 0.6) | others


CASES = {
    # .32, .35, .4, .5, .6 and .28, .32, .35, .4, .5
    **{
        panel: Case(scaled(panel, 0.32, 0.6, 0.4, 0.35, 0.5), scaled(panel, 0.32, 0.28, 0.4, 0.35, 0.5), (0.4, 0.35))
        for panel in PANELS
    },
    # .01, .05, .22, .25, .3 with mean .17, and .01, .05, .18, .25, .69 with mean .24
    "late": Case(default(0.22, 0.05, 0.3, 0.25, 0.01), default(0.18, 0.05, 0.69, 0.25, 0.01), (0.22, 0.18)),
}
