"""Numbers taken from rows of values: trends along a row, the first step of a stay, values at the best record."""

from __future__ import annotations

import numpy as np


def rank_correlation(values: np.ndarray) -> np.ndarray:
    """Spearman's correlation of the last axis (at least two different values) with its index: (..., n) -> (...)."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=-1)
    index = np.arange(ranks.shape[-1])
    return np.corrcoef(np.vstack([index, ranks.reshape(-1, len(index))]))[0, 1:].reshape(ranks.shape[:-1])


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
