r"""Rank gradients from counts that batches can be added to, with a bound on what the counts leave open.

Every neuron has :math:`2^{11}` equal intervals (fewer, if a layer would need more than 64 MiB) between :math:`-2^e` and
:math:`2^e`, where :math:`2^e` is the next power of two above its largest size so far. When a larger field comes,
neighbouring intervals are merged. Their borders are binary fractions, so the counts are those that the final intervals
would have had from the start, whatever the batches and their order.

Samples of one interval share its mid-rank. Had those of class :math:`k` all been above or below the others in their
interval, the gradient would differ by at most

.. math:: \frac{6}{P n_k}\sum_b t_{kb}(s_b - t_{kb}),

with :math:`t_{kb}` samples of the class in interval `b`, :math:`s_b` of all, and P in total; they are mixed, and the
actual error is far smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import integer_labels
from toymodels.validation import finite, positive_int

FINEST, COARSEST = 2**11, 2**6  # intervals of a neuron
COUNTS = 2**24  # of 4 bytes, of one layer
LEAST = -100  # binary exponent of fields that count as 0


class RankHistogram:
    """Counts of one layer's fields by neuron, class and interval.

    Parameters
    ----------
    n_classes : int
    n_neurons : int

    Raises
    ------
    ValueError
        If even 64 intervals a neuron would be more than 2^24 counts.

    Examples
    --------
    >>> histogram = RankHistogram(n_classes=2, n_neurons=1)
    >>> histogram.update([[-1.0], [3.0]], [0, 1])
    >>> histogram.update([[2.0], [-2.0]], [1, 0])
    >>> gradient, error = histogram.compute([[-1.0], [1.0]])
    >>> gradient.tolist(), error.tolist()
    ([[3.0], [3.0]], [[0.0], [0.0]])
    """

    def __init__(self, n_classes: int, n_neurons: int):
        self.n_classes, self.n_neurons = positive_int("n_classes", n_classes), positive_int("n_neurons", n_neurons)
        room = COUNTS // (self.n_classes * self.n_neurons)
        if room < COARSEST:
            raise ValueError(
                f"n_classes and n_neurons must leave {COARSEST} intervals in {COUNTS} counts, "
                f"got {n_classes} and {n_neurons}"
            )
        self.n_intervals = min(FINEST, 2 ** (room.bit_length() - 1))
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._table = np.zeros((self.n_neurons, self.n_classes, self.n_intervals), dtype=np.int32)
        self._exponent = np.full(self.n_neurons, LEAST)

    def update(self, fields: ArrayLike, labels: ArrayLike) -> None:
        """Add a batch.

        Parameters
        ----------
        fields : (n, N) array
        labels : (n,) integers in 0..K-1
            Classes may be absent.

        Raises
        ------
        ValueError
            For fields that are not finite or of another width, or labels that do not fit.
        """
        single: type = np.float32 if getattr(fields, "dtype", None) == np.float32 else float
        fields = finite("fields", fields, ndim=2, dtype=single)
        labels = integer_labels(labels, len(fields))
        if fields.shape[1] != self.n_neurons:
            raise ValueError(f"fields must have {self.n_neurons} columns, got {fields.shape[1]}")
        if labels.max() >= self.n_classes:
            raise ValueError(f"labels must be in 0..{self.n_classes - 1}, got {labels.max()}")
        exponent = np.frexp(np.abs(fields).max(axis=0))[1]
        self._widen(np.maximum(self._exponent, exponent))
        half = self.n_intervals // 2
        scaled = fields * np.exp2(half.bit_length() - 1.0 - self._exponent).astype(fields.dtype)
        interval = np.floor(scaled, out=scaled).astype(np.int64) + half
        first = (np.arange(self.n_neurons) * self.n_classes + labels[:, None]) * self.n_intervals
        np.add.at(self._table.reshape(-1), (interval + first).reshape(-1), 1)

    def _widen(self, exponent: np.ndarray) -> None:
        """Merge intervals of the neurons whose largest field has grown."""
        shifts = np.minimum(exponent - self._exponent, (self.n_intervals // 2).bit_length() - 1)
        for shift in np.unique(shifts[shifts > 0]):
            grown = np.flatnonzero(shifts == shift)
            merged = self._table[grown].reshape(len(grown), self.n_classes, -1, 2**shift).sum(axis=-1)
            start = (self.n_intervals - merged.shape[-1]) // 2
            self._table[grown] = 0
            self._table[grown, :, start : start + merged.shape[-1]] = merged
        self._exponent = exponent

    def compute(self, sign: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Gradients of the rank probability of all batches together, as :func:`dnn.rank_gradient`, and their error.

        Parameters
        ----------
        sign : (K, N) array
            Linearised readout of the layer, or its sign.

        Returns
        -------
        gradient, error : (K, N) arrays
            `error` is the largest possible difference from the gradient of ranks that are all told apart.

        Raises
        ------
        ValueError
            For a sign of another shape, or a class without samples.
        """
        sign = np.sign(finite("sign", sign, ndim=2))
        if sign.shape != (self.n_classes, self.n_neurons):
            raise ValueError(f"sign must have shape ({self.n_classes}, {self.n_neurons}), got {sign.shape}")
        counts = self._table[0].sum(axis=1, dtype=np.int64)
        if not counts.all():
            raise ValueError(f"labels must hold every class, got no sample of class {int(counts.argmin())}")
        gradient, error = np.empty(sign.shape), np.empty(sign.shape)
        for i, table in enumerate(self._table):  # one at a time, for the memory
            table = table.astype(float)
            sizes = table.sum(axis=0)
            middle = np.cumsum(sizes) - sizes / 2
            gradient[:, i] = table @ middle / (counts.sum() * counts) - 0.5
            error[:, i] = (table * (sizes - table)).sum(axis=1) / (counts.sum() * counts)
        return 12 * sign * gradient, 6 * np.abs(sign) * error
