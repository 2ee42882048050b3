"""Claims about trained networks that a run which has not fitted its data cannot judge."""

from __future__ import annotations

import numpy as np

from toymodels.claims import Criterion, some_run

NOT_FITTED = -1.0


def when_fitted(values: np.ndarray, accuracy: np.ndarray, level: float) -> np.ndarray:
    """`values` of the runs whose accuracy has reached `level`, -1 for the others, which are too short to judge."""
    return np.where(accuracy >= level, values, NOT_FITTED)


def unless_unfitted(criterion: Criterion) -> Criterion:
    """The criterion, left open as long as a run is marked as not fitted."""
    return criterion.open_if(some_run.equals(NOT_FITTED), "a run has not fitted")
