"""Numbers taken from rows of values: trends along a row, the first step of a stay, values at the best record."""

from __future__ import annotations

import numpy as np

from toymodels.claims import Criterion, some_run

UNTOLD = np.inf  # of a run in which what is asked for cannot be seen


def unless_untold(criterion: Criterion, words: str) -> Criterion:
    """The criterion, left open as long as a run is UNTOLD; `words` say why it is."""
    return criterion.open_if(some_run.equals(UNTOLD), words)


def rank_correlation(values: np.ndarray) -> np.ndarray:
    """Spearman's correlation of the last axis with its index: (..., n) -> (...); 0 where all values are equal."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=-1)
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    index = np.arange(ranks.shape[-1]) - (ranks.shape[-1] - 1) / 2
    size = np.linalg.norm(centred, axis=-1) * np.linalg.norm(index)
    return np.divide(centred @ index, size, out=np.zeros(ranks.shape[:-1]), where=size > 0)


def kendall(values: np.ndarray) -> np.ndarray:
    """Kendall's tau of the last axis with its index, ties counted as neither: (..., n) -> (...)."""
    i, j = np.triu_indices(values.shape[-1], 1)
    return np.sign(values[..., j] - values[..., i]).mean(-1)


def first_step(steps: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """First of `steps` (n,) at which `reached` (..., n) holds; the last one, a lower bound, where it never does."""
    return np.where(reached.any(-1), steps[reached.argmax(-1)], steps[-1])


def at_best(accuracy: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` (r, n, ...) of each replicate at the record of its highest `accuracy` (r, n)."""
    return values[np.arange(len(accuracy)), accuracy.argmax(-1)]
