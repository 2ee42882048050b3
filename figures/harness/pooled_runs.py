"""Quantities of all runs together, such as the distance of their median from a model, that no single run has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data


def each_left_out(measure: Callable[[Data], float], *names: str, axis: int = 0) -> Callable[[Data], np.ndarray]:
    """What is measured when each run in turn is left out, one value a run: how much it hangs on which were drawn.

    Values of three runs lie nearer to each other than runs do, and a single run has its own value alone.

    Parameters
    ----------
    measure : callable (data) -> float
        Of all runs together.
    *names : str
        The arrays that have runs, all the same.
    axis : int
        Of the runs in them.

    Examples
    --------
    >>> spread_of_means = each_left_out(lambda data: data["loss"].mean(), "loss")
    >>> spread_of_means({"loss": np.array([1.0, 2, 6]), "t": np.arange(2)}).tolist()
    [4.0, 3.5, 1.5]
    """

    def measured(data: Data) -> np.ndarray:
        runs = range(np.shape(data[names[0]])[axis])
        if len(runs) == 1:
            return np.array([measure(data)])
        rest = ({name: np.delete(data[name], run, axis) for name in names} for run in runs)
        return np.array([measure({**data, **kept}) for kept in rest])

    return measured
