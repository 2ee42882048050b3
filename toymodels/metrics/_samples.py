"""Samples, labels, class means and scatter, shared by the metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, of_ordinary_size

FAR = 1e6  # times their spread, from where on features lose digits to their distance from 0
LARGEST_INTEGER = 2**53  # from here on float64 merges neighbours


def vectors(name: str, values: ArrayLike) -> np.ndarray:
    """Samples (n, d), one per row; (n,) is taken as d = 1."""
    array = finite(name, values)
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have 1 or 2 dimensions, got shape {array.shape}")
    return array.reshape(len(array), -1)


def labelled(features: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, d) and labels (n,) of 0..K-1, each class present, K >= 2."""
    features = finite("features", features, ndim=2)
    labels = integer_labels(labels, len(features))
    if labels.max() > len(labels):  # a count of every class could be larger than the memory
        missing = np.setdiff1d(np.arange(len(labels) + 1), labels)[0]
        raise ValueError(f"labels must hold every class 0..{labels.max()}, got none of class {missing}")
    counts = np.bincount(labels)
    if len(counts) < 2:
        raise ValueError(f"labels must hold at least 2 classes, got {len(counts)}")
    if not counts.all():
        raise ValueError(f"labels must hold every class 0..{len(counts) - 1}, got none of class {counts.argmin()}")
    return features, labels


def integer_labels(labels: ArrayLike, n: int) -> np.ndarray:
    """Labels (n,) as non-negative integers."""
    labels = finite("labels", labels, ndim=1)
    if len(labels) != n:
        raise ValueError(f"labels must have one entry per row, got {len(labels)} for {n} rows")
    if (labels < 0).any() or (labels != np.floor(labels)).any():
        raise ValueError(f"labels must be integers >= 0, got {labels[(labels < 0) | (labels % 1 != 0)][0]:g}")
    if labels.max() >= LARGEST_INTEGER:
        raise ValueError(f"labels must be < 2^53, beyond which neighbours are merged, got {labels.max():g}")
    return labels.astype(int)


def near_origin(features: np.ndarray) -> np.ndarray:
    """`features` (n, d), for results that no shift changes: from the first row if all lie far away in one place."""
    largest = float(np.abs(features).max())
    if largest > 1e300:  # or differences overflow
        features, largest = features / 2**20, largest / 2**20
    shifted = features - features[0]
    return shifted if float(np.abs(shifted).max()) < largest / FAR else features


def class_means(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of each class, (K, d)."""
    from scipy.sparse import csr_array

    share = 1 / np.bincount(labels)[labels]
    return csr_array((share, (labels, np.arange(len(labels))))) @ features


def scatter_trace(features: np.ndarray, labels: np.ndarray, class_weights: np.ndarray) -> float:
    r"""Trace of the within-class scatter times the pseudo-inverse of the between-class scatter.

    `class_weights` (K,) sum to one and weigh the classes in both scatters and in the common centre. The between-class
    scatter of K means about their centre has rank K - 1 at most: the further singular values are rounding errors of
    the size of the uncentred means, and are left out of the pseudo-inverse.
    """
    features = of_ordinary_size(near_origin(features))
    means = class_means(features, labels)
    centred = means - class_weights @ means
    _, singular, directions = np.linalg.svd(np.sqrt(class_weights)[:, None] * centred, full_matrices=False)
    rounding = max(means.shape) * np.finfo(float).eps * np.linalg.norm(means)
    rank = min(len(means) - 1, int((singular > rounding).sum()))
    if rank == 0:
        raise ValueError("features must have class means that differ, got the same mean for every class")
    projection = directions[:rank].T / singular[:rank]  # (d, rank)
    coordinates = features @ projection - (means @ projection)[labels]
    sample_weights = (class_weights / np.bincount(labels))[labels]
    return float(sample_weights @ (coordinates**2).sum(axis=1))
