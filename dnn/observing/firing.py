"""How much the sets of units that fire overlap within classes and between them, from sums over the samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dnn.observing.products import product
from toymodels.metrics._samples import integer_labels
from toymodels.validation import finite


class Firing:
    """Mean cosine of firing patterns over pairs of one class minus that over pairs of two, added up over batches.

    The number of :func:`toymodels.metrics.separation.activation_overlap`: sums of unit vectors by class have all the
    inner products in their squared lengths, so that no pair is ever looked at.

    Examples
    --------
    >>> firing = Firing()
    >>> firing.update([[1, 0], [1, 0]], [0, 0])
    >>> firing.update([[0, 1]], [1])
    >>> round(firing.compute(), 12)
    1.0
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._sums: np.ndarray | None = None
        self._counts = np.zeros(0, int)
        self._firing = 0

    def update(self, firing: ArrayLike, labels: ArrayLike) -> None:
        """Add a batch.

        Parameters
        ----------
        firing : (n, N) bool array or tensor
            Which units fire for which sample.
        labels : (n,) integers >= 0
            Classes may be absent.

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        patterns = finite("firing", firing, ndim=2)
        labels = integer_labels(labels, len(patterns))
        counts = np.bincount(labels, minlength=len(self._counts))
        if self._sums is not None and self._sums.shape[1] != patterns.shape[1]:
            raise ValueError(f"firing must have {self._sums.shape[1]} columns, got {patterns.shape[1]}")
        total = patterns.sum(axis=1)
        shares = (labels == np.arange(len(counts))[:, None]) / np.sqrt(np.maximum(total, 1))
        sums = product(shares, patterns)
        if self._sums is not None:
            sums[: len(self._sums)] += self._sums
        counts[: len(self._counts)] += self._counts
        self._sums, self._counts, self._firing = sums, counts, self._firing + int((total > 0).sum())

    def compute(self) -> float:
        """The overlap of all batches together.

        Raises
        ------
        ValueError
            If there are not two samples of a class and another class.
        """
        n, same = int(self._counts.sum()), int((self._counts**2).sum())
        if self._sums is None or same in (n, n**2):
            few = np.flatnonzero(self._counts).tolist()[:8]
            raise ValueError(f"labels must hold two samples of a class and another class, got {n} of classes {few}")
        within = float((self._sums**2).sum())
        between = float((self._sums.sum(axis=0) ** 2).sum()) - within
        return (within - self._firing) / (same - n) - between / (n**2 - same)
