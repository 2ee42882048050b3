"""Sums over the parents of every node, plain and of exponentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def apply_rows(matrix: csr_array, values: np.ndarray) -> np.ndarray:
    """`matrix` (m, k) times `values` (..., k) along the last axis, (..., m); sums run in column order."""
    flat = matrix @ values.reshape(-1, values.shape[-1]).T
    return flat.T.reshape(*values.shape[:-1], len(flat))


def log_sums(values: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """ln sum exp of `values` (n, k) over groups of columns that start at `indptr[:-1]`, (n, n_groups)."""
    top = np.maximum.reduceat(values, indptr[:-1], axis=1)
    shift = np.where(np.isneginf(top), 0.0, top)
    spread = np.repeat(shift, np.diff(indptr), axis=1)
    with np.errstate(divide="ignore", under="ignore"):
        return shift + np.log(np.add.reduceat(np.exp(values - spread), indptr[:-1], axis=1))
