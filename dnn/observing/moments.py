"""Counts, means and scatter of the classes, and how collapsed they are.

Batches are merged as by Chan et al. (1983), so that neither their size nor their order matters beyond rounding. The
measures are those of :mod:`toymodels.metrics.collapse`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnn.observing.products import product
from toymodels.metrics import collapse
from toymodels.metrics._samples import integer_labels
from toymodels.validation import finite


class Moments(NamedTuple):
    """What :class:`ClassMoments` has seen.

    Parameters
    ----------
    counts : (K,) array
        Samples of every class; 0 for one that was absent.
    means : (K, d) array
        0 for a class that was absent.
    spreads : (K,) array
        Sum of squared distances from the mean of the class.
    scatter : (K, d, d) array or None
        Sum of outer products of the deviations from the mean of the class.
    """

    counts: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    scatter: np.ndarray | None

    def within(self) -> np.ndarray:
        """Covariance within classes (d, d), every class weighing the same.

        Raises
        ------
        ValueError
            If a class is absent, or no scatter was kept.
        """
        self._check_complete()
        if self.scatter is None:
            raise ValueError("needs the scatter of every class, which was not kept; use within_between")
        return np.einsum("kij,k->ij", self.scatter, 1 / self.counts) / len(self.counts)

    def between(self) -> np.ndarray:
        """Covariance of the class means (d, d), every class weighing the same; `ValueError` if one is absent."""
        self._check_complete()
        centred = self.means - self.means.mean(axis=0)
        return product(centred.T, centred) / len(centred)

    def within_between(self) -> float:
        """As :func:`toymodels.metrics.collapse.within_between`; `ValueError` also for an absent class."""
        self._check_complete()
        around = np.sqrt(self.spreads / self.counts)[:, None] * np.eye(1, self.means.shape[1])
        pairs = np.concatenate([self.means + around, self.means - around])  # of the same spread
        return collapse.within_between(pairs, np.tile(np.arange(len(self.means)), 2))

    def nc1(self) -> float:
        """As :func:`toymodels.metrics.collapse.nc1`; `ValueError` also for an absent class or without scatter."""
        within = self.within()
        return nc1_of(self.means, lambda directions: float((product(within, directions) * directions).sum()))

    def nc2(self) -> tuple[float, float]:
        """As :func:`toymodels.metrics.collapse.nc2`; `ValueError` also for an absent class."""
        self._check_complete()
        return collapse.nc2(self.means, np.arange(len(self.means)))

    def nc3(self, weight: ArrayLike) -> float:
        """As :func:`toymodels.metrics.collapse.nc3` of the (K, d) `weight`; `ValueError` also for an absent class."""
        self._check_complete()
        return collapse.nc3(self.means, np.arange(len(self.means)), weight)

    def _check_complete(self) -> None:
        if len(self.counts) < 2 or not self.counts.all():
            raise ValueError(f"needs classes 0..K-1 that all have samples, got {np.flatnonzero(self.counts).tolist()}")


def nc1_of(means: np.ndarray, variance: Callable[[np.ndarray], float]) -> float:
    """The first measure of collapse from the class means; the cut of small singular values is that of its original.

    Parameters
    ----------
    means : (K, d) array
    variance : callable
        From (d, r) vectors to the variance within classes along them, summed over the vectors; classes weigh the same.

    Raises
    ------
    ValueError
        For class means that all coincide.
    """
    centred = means - means.mean(axis=0)
    _, singular, directions = (
        part.numpy() for part in torch.linalg.svd(torch.from_numpy(centred), full_matrices=False)
    )
    rounding = max(means.shape) * np.finfo(float).eps * np.linalg.norm(means)
    rank = min(len(means) - 1, int((singular / np.sqrt(len(means)) > rounding).sum()))
    if rank == 0:
        raise ValueError("features must have class means that differ, got the same mean for every class")
    return float(variance(directions[:rank].T / singular[:rank]))


class ClassMoments:
    """Counts, means and scatter of the features of every class, added up over batches in double precision.

    Parameters
    ----------
    scatter : bool
        Keep the K matrices (d, d), which the covariance within classes and the first measure of collapse need.

    Examples
    --------
    >>> moments = ClassMoments()
    >>> moments.update([[0.0], [10.0]], [0, 1])
    >>> moments.update([[2.0]], [0])
    >>> moments.compute().means.tolist(), moments.compute().counts.tolist()
    ([[1.0], [10.0]], [2, 1])
    """

    def __init__(self, scatter: bool = True):
        self.scatter = scatter
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._moments: Moments | None = None

    def update(self, features: ArrayLike, labels: ArrayLike) -> None:
        """Add a batch.

        Parameters
        ----------
        features : (n, d) array
        labels : (n,) integers >= 0
            Classes may be absent.

        Raises
        ------
        ValueError
            For features that are not finite or of another width, or labels that do not fit.
        """
        features = finite("features", features, ndim=2)
        labels = integer_labels(labels, len(features))
        before = self._moments
        if before is not None and before.means.shape[1] != features.shape[1]:
            raise ValueError(f"features must have {before.means.shape[1]} columns, got {features.shape[1]}")
        present, code, counts = np.unique(labels, return_inverse=True, return_counts=True)
        n_classes = max(int(present[-1]) + 1, 0 if before is None else len(before.counts))
        total = self._grown(n_classes, features.shape[1])
        for position, label in enumerate(present):
            rows = features[code == position]
            mean = rows.mean(axis=0)
            step = mean - total.means[label]
            weight = total.counts[label] * counts[position] / (total.counts[label] + counts[position])
            centred = rows - mean
            total.spreads[label] += (centred**2).sum() + weight * (step**2).sum()
            if total.scatter is not None:
                total.scatter[label] += product(centred.T, centred) + np.outer(weight * step, step)
            total.counts[label] += counts[position]
            total.means[label] += step * (counts[position] / total.counts[label])
        self._moments = total

    def drop_scatter(self) -> None:
        """Keep no scatter from now on, where K matrices (d, d) would be too many numbers."""
        self.scatter = False
        self._moments = None if self._moments is None else self._moments._replace(scatter=None)

    def compute(self) -> Moments:
        """What all batches together have.

        Raises
        ------
        ValueError
            If there were none.
        """
        if self._moments is None:
            raise ValueError("the accumulator must have been given a batch, got none")
        counts, means, spreads, scatter = self._moments
        return Moments(counts.copy(), means.copy(), spreads.copy(), None if scatter is None else scatter.copy())

    def _grown(self, n_classes: int, d: int) -> Moments:
        before = self._moments
        if before is not None and len(before.counts) == n_classes:
            return before
        scatter = np.zeros((n_classes, d, d)) if self.scatter else None
        after = Moments(np.zeros(n_classes, int), np.zeros((n_classes, d)), np.zeros(n_classes), scatter)
        for old, new in zip(before or (), after, strict=False):
            if old is not None and new is not None:
                new[: len(old)] = old
        return after
