r"""Where a class sits among all samples when a neuron sorts them: rank probability and its gradient.

A neuron with local field :math:`h_i` and linearised readout :math:`M_{ki}` votes for class :math:`k` with
:math:`s = h_i\,\mathrm{sign}(M_{ki})`. Sort `s` in descending order and let :math:`u \in (0, 1)` be the normalised
rank, 0 for the largest. The rank probability density is the density of `u` over the samples of class `k`: flat if the
neuron's order says nothing about the class, falling if it is kept by an order-preserving transformation [1]_.
Its gradient is minus the least-squares slope of the density,

.. math:: g_{ki} = 12\,(1/2 - E[u \mid k, i]) = 12\,(1 - \pi_k)\,(\mathrm{AUC}_{ki} - 1/2),

0 for random ranks, at most :math:`6 (1 - \pi_k)`, and free of bins (:math:`\pi_k` is the share of class `k`).

Ranks of more than :math:`2^{12}` samples come from counting rather than sorting: :math:`2^{11}` equal buckets between
a neuron's extremes, with mid-ranks inside a bucket. Small samples, and neurons whose samples crowd into few buckets
(ties, outliers), are ranked exactly. Neurons are shared out among as many threads as torch uses.

In a bucket that holds a share :math:`s_b` of all samples, a normalised rank is off by at most :math:`s_b / 2`, so that
a gradient is off by at most :math:`6 \max_b s_b`: 0.003 where samples spread evenly, and never more than 0.06, since a
bucket of more than 1 % is too crowded. That takes classes that are sorted inside every bucket. With 20,000 samples of
four classes that overlap, the largest error of a normal neuron was 1.3e-4, and 3e-4 where it had 500 to 4,000 levels.

References
----------
.. [1] Order-preserving and non-order-preserving transformations in deep networks, 2025, Eqs. 4-6.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnn.checks import tensor_of
from toymodels.validation import described, finite, positive_int, unmasked

_BUCKETS = 2**11  # classes x buckets counts of one neuron stay within a processor's cache
_CROWDED = 0.01  # share of the samples in one bucket beyond which bucket ranks are too coarse
_NEURONS, _ROWS = 64, 512  # size of the blocks in which fields are transposed
_FEW = 2**12  # samples up to which sorting is as fast as counting
_SORTED = 2**16  # numbers sorted at once
_CODES = 2**21  # classes x buckets that a single-precision number can count
_TABLES = 16  # neurons whose counts are held at once
MOST_BINS = 2**16  # of a density; more are finer than any number of samples tells
_FAR = 16.0  # ranges from 0 beyond which a scaled field would lose the digits that buckets need


def rank_gradient(fields, sign, labels) -> np.ndarray:
    """Gradient of the rank probability density, by class and neuron.

    Parameters
    ----------
    fields : (P, N) array or tensor
        Local fields of one layer. Only their order within a neuron matters.
    sign : (K, N) array or tensor
        Linearised readout of the layer, or its sign; where it is 0 the gradient is 0.
    labels : (P,) integers in 0..K-1
        Every class needs at least one sample.

    Returns
    -------
    (K, N) array
        0 for ranks that ignore the class, `6 (1 - share of the class)` for perfect separation, negative
        when the class is voted down. The mean over all entries is the layer's gradient.

    Raises
    ------
    ValueError
        For shapes that disagree, labels outside 0..K-1, an empty class, or fields that are not finite.

    Examples
    --------
    A neuron that puts the two samples of class 1 above those of class 0, and votes for it, reaches the 6 (1 - 1/2) of
    perfect separation; one that sorts them alternately says less:

    >>> labels, sign = [0, 0, 1, 1], [[-1, -1], [1, 1]]
    >>> rank_gradient([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [4.0, 4.0]], sign, labels).tolist()
    [[3.0, 1.5], [3.0, 1.5]]
    """
    fields, sign, labels, counts = _checked(fields, sign, labels)
    total = _rank_sums(fields, labels, len(counts))
    return 12 * sign * (total / (len(fields) * counts[:, None]) - 0.5)


def rank_probability(fields, sign, labels, bins: int = 50, *, per_neuron: bool = False) -> np.ndarray:
    """Rank probability density in `bins` equal intervals of the normalised rank, largest signed field first.

    Tied samples share the ranks they occupy evenly, so no number of bins needs to divide `P`.

    Parameters
    ----------
    fields, sign, labels
        As in :func:`rank_gradient`; where `sign` is 0 the two orientations are averaged.
    bins : int
        Number of intervals.
    per_neuron : bool
        Keep the neurons apart instead of averaging over them.

    Returns
    -------
    (K, bins) array, or (K, N, bins) with `per_neuron`
        Densities with mean 1; all ones when ranks ignore the class. The mean over classes is the layer's
        density, the mean over classes of one neuron is that neuron's.

    Raises
    ------
    ValueError
        As in :func:`rank_gradient`, or if `bins` is not a positive integer.

    Examples
    --------
    Of perfectly separated classes all samples lie in the first half of the ranks for which a neuron votes:

    >>> rank_probability([[1.0], [2.0], [3.0], [4.0]], [[-1], [1]], [0, 0, 1, 1], bins=2).tolist()
    [[2.0, 0.0], [2.0, 0.0]]
    """
    fields, sign, labels, counts = _checked(fields, sign, labels)
    bins = positive_int("bins", bins)
    if bins > MOST_BINS:
        raise ValueError(f"bins must be <= {MOST_BINS}, got {bins}")

    def ascending(table, sizes):
        return _histogram(table, sizes, bins) * (bins / counts[:, None])

    rising = _per_neuron(ascending, fields, labels, len(counts))
    up = (1 + sign[..., None]) / 2
    density = up * rising[..., ::-1] + (1 - up) * rising
    return density if per_neuron else density.mean(axis=1)


def top_density(fields, sign, labels, share: float = 0.1) -> np.ndarray:
    """Density (K,) of each class among the `share` of samples with the largest signed field; 1 if ranks ignore it.

    `share` is rounded to one over an integer. Arguments and errors as in :func:`rank_gradient`.
    """
    share = float(finite("share", share, ndim=0))
    if not 1 / MOST_BINS <= share <= 1:
        raise ValueError(f"share must be in [1/{MOST_BINS}, 1], got {share:g}")
    return rank_probability(fields, sign, labels, bins=round(1 / share))[:, 0]


def weighted_gradient(gradient: ArrayLike, matrix: ArrayLike) -> float:
    """Mean of a (K, N) `gradient` weighted by the size of the (K, N) readout: neurons hardly read count little."""
    gradient, weight = finite("gradient", gradient), np.abs(finite("matrix", matrix))
    if gradient.shape != weight.shape:
        raise ValueError(f"matrix must have the shape of gradient {gradient.shape}, got {weight.shape}")
    if not weight.sum() > 0:
        raise ValueError("matrix must have a non-zero entry, got none")
    return float((gradient * weight).sum() / weight.sum())


def _checked(fields, sign, labels):
    fields, sign = _array("fields", fields), _array("sign", sign)
    for name, array in (("fields", fields), ("sign", sign)):
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} must be real numbers, got {described(array)}")
    if fields.ndim != 2 or 0 in fields.shape:
        raise ValueError(f"fields must have shape (P, N), got {fields.shape}")
    if sign.ndim != 2 or sign.shape[1] != fields.shape[1]:
        raise ValueError(f"sign must have shape (K, {fields.shape[1]}), got {sign.shape}")
    if not np.isfinite(sign).all():
        raise ValueError("sign must be finite, got NaN or infinity among its entries")
    labels, counts = check_labels(labels, len(fields), len(sign))
    check_every_class(counts)
    return _floats(fields), np.sign(sign).astype(float), labels, counts


def _floats(fields: np.ndarray) -> np.ndarray:
    """Fields in single or double precision, or numbers in their order where double precision would merge some."""
    if fields.dtype in (np.float32, np.float64):
        return fields
    if fields.dtype == np.float16:
        return fields.astype(np.float32)
    if fields.dtype.kind == "f":
        with np.errstate(over="ignore"):
            merges = bool((fields.astype(float) != fields).any())
    else:
        merges = max(int(fields.max()), -int(fields.min())) > 2**53
    if not merges or not np.isfinite(fields).all():
        return fields.astype(float)
    return np.stack([np.unique(column, return_inverse=True)[1] for column in fields.T], axis=1).astype(float)


def check_labels(labels, n_samples: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """`labels` as (n_samples,) integers in 0..n_classes-1, and how many samples each class has."""
    labels = _array("labels", labels)
    if n_samples == 0:
        raise ValueError("labels must be those of at least one sample, got none")
    if labels.shape != (n_samples,) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be {n_samples} integers, got shape {labels.shape} of {labels.dtype}")
    if labels.min() < 0 or labels.max() >= n_classes:
        outside = labels[(labels < 0) | (labels >= n_classes)][0]
        raise ValueError(f"labels must be in 0..{n_classes - 1}, got {outside}")
    labels = labels.astype(np.int64, copy=False)
    return labels, np.bincount(labels, minlength=n_classes)


def check_every_class(counts, name: str = "labels") -> None:
    """`ValueError` naming the first class without samples; `counts` (K,) are those of the labels called `name`."""
    if not counts.all():
        raise ValueError(f"{name} must contain every class, got no sample of class {int(counts.argmin())}")


def _array(name: str, value) -> np.ndarray:
    if not isinstance(value, torch.Tensor):
        return np.asarray(unmasked(name, value))
    value = tensor_of(name, value)
    return (value.float() if value.dtype == torch.bfloat16 else value).detach().cpu().numpy()


def _rank_sums(fields: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Sums over the samples of a class of their ascending mid-ranks 1/2..P - 1/2, (K, N)."""
    few = len(fields) <= _FEW or n_classes * _BUCKETS > _CODES
    size = min(_NEURONS, max(1, _SORTED // len(fields))) if few else _NEURONS
    offsets = None if few else torch.from_numpy((labels * _BUCKETS).astype(fields.dtype)).add_(_middle(fields.dtype))

    def block(start: int, rows: np.ndarray) -> np.ndarray:
        if offsets is None:
            _check_rows(np.asarray(np.isfinite(rows).all(axis=1)), start)
            return _sorted_sums(rows, labels, n_classes)
        low, high = rows.min(axis=1), rows.max(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            spans = high - low
        _check_rows(np.asarray(np.isfinite(spans)), start)
        sums = _counted_sums(rows, low, spans, offsets, n_classes)
        for i in np.flatnonzero(np.isnan(sums[:, 0])):
            sums[i] = _sorted_sums(rows[i : i + 1], labels, n_classes)
        return sums

    return np.concatenate(_shared_out(block, fields, size)).T


def _check_rows(fine: np.ndarray, start: int) -> None:
    if not fine.all():
        worst = start + int(fine.argmin())
        raise ValueError(f"fields must be finite and of finite range, got otherwise in neuron {worst}")


def _counted_sums(rows: np.ndarray, low, spans, offsets: torch.Tensor, n_classes: int) -> np.ndarray:
    """Rank sums (neurons, K) by counts in equal intervals; NaN where an interval is too crowded for it.

    Added to a large number, a scaled field is rounded to an integer that stands in the last bits of the sum.
    """
    n_rows, n_samples = rows.shape
    sums = np.full((n_rows, n_classes), np.nan)
    with np.errstate(over="ignore", divide="ignore"):
        scales = (_BUCKETS - 2) / spans
    usable = np.isfinite(scales) & (np.abs(low) <= _FAR * spans)
    code = torch.empty_like(offsets)
    bits = code.view(torch.int32 if rows.dtype == np.float32 else torch.int64)
    zero = torch.tensor(_middle(rows.dtype), dtype=code.dtype)
    tables = torch.empty(_TABLES, n_classes * _BUCKETS, dtype=torch.float64)
    chosen = np.flatnonzero(usable)
    factors, each, lowest = scales.tolist(), torch.from_numpy(rows).unbind(), torch.from_numpy(low).unbind()
    for start in range(0, len(chosen), _TABLES):
        part = chosen[start : start + _TABLES]
        for table, i in zip(tables.unbind(), part.tolist(), strict=False):
            torch.add(offsets, each[i], alpha=factors[i], out=code)
            bits -= torch.add(zero, lowest[i], alpha=factors[i]).view(bits.dtype)
            table.copy_(torch.bincount(bits, minlength=len(table)))
        counts = tables[: len(part)].view(len(part), n_classes, _BUCKETS)
        sizes = counts.sum(1)
        middle = sizes.cumsum(1).sub_(sizes, alpha=0.5)
        fine = (sizes.amax(1) <= _CROWDED * n_samples).numpy()
        sums[part[fine]] = torch.bmm(counts, middle[:, :, None])[:, :, 0].numpy()[fine]
    return sums


def _middle(dtype: np.dtype) -> float:
    """A float from which steps of 1 either way are steps of the last bit."""
    return 1.5 * 2.0 ** np.finfo(dtype).nmant


def _sorted_sums(rows: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Rank sums (neurons, K), exact, of the rows (neurons, P)."""
    n_rows, n_samples = rows.shape
    if rows.dtype == np.float32:
        keys = _ordered(rows)
        keys <<= 32
        keys |= labels
        keys.sort(axis=1)
        codes = keys & 0xFFFFFFFF
        tied = (keys[:, 1:] ^ keys[:, :-1]) >> 32 == 0  # keys of one field differ by their labels
    else:
        order = np.argsort(rows, axis=1)
        codes, keys = labels[order], np.take_along_axis(rows, order, axis=1)
        tied = keys[:, 1:] == keys[:, :-1]
    codes += n_classes * np.arange(n_rows)[:, None]
    ranks = np.tile(np.arange(n_samples) + 0.5, n_rows).reshape(n_rows, n_samples)
    for i in np.flatnonzero(tied.any(axis=1)):
        group = np.concatenate([[0], np.cumsum(~tied[i])])
        sizes = np.bincount(group)
        ranks[i] = (np.cumsum(sizes) - sizes / 2)[group]
    sums = np.bincount(codes.ravel(), weights=ranks.ravel(), minlength=n_rows * n_classes)
    return sums.reshape(n_rows, n_classes)


def _ordered(rows: np.ndarray) -> np.ndarray:
    """Integers (int64, of 32 bits) in the order of single-precision numbers; equal for 0 and -0."""
    bits = (rows + np.float32(0)).view(np.int32)
    turned = bits >> 31
    turned &= 0x7FFFFFFF
    turned ^= bits
    return turned.astype(np.int64)


def _per_neuron(reduce: Callable, fields: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """`reduce(table, sizes)` of every neuron, stacked along axis 1, for the tables of :func:`_table`."""
    offsets = (labels * _BUCKETS).astype(np.int32)

    def block(start: int, rows: np.ndarray) -> list:
        densities = []
        for i, field in enumerate(rows, start):
            low, span = field.min(), float(field.max()) - float(field.min())
            if not np.isfinite(span):
                raise ValueError(f"fields must be finite and of finite range, got otherwise in neuron {i}")
            densities.append(reduce(*_table(field, low, span, labels, offsets, n_classes)))
        return densities

    densities = [values for block_of_values in _shared_out(block, fields, _NEURONS) for values in block_of_values]
    return np.stack(densities, axis=1)


def _shared_out(function: Callable, fields: np.ndarray, size: int) -> list:
    """`function(start, rows)` of every block of `size` neurons, rows (neurons, P), by as many threads as torch uses.

    Every thread has one array for all of its blocks: fresh memory costs as much as what is written into it.
    """
    n_samples, n_neurons = fields.shape
    starts = range(0, n_neurons, size)
    n_threads = min(torch.get_num_threads(), len(starts))

    def stretch(thread: int) -> list:
        room = np.empty((min(size, n_neurons), n_samples), dtype=fields.dtype)
        results = []
        for start in starts[thread * len(starts) // n_threads : (thread + 1) * len(starts) // n_threads]:
            block = fields[:, start : start + size]
            results.append(function(start, _transposed(block, room[: block.shape[1]])))
        return results

    if n_threads == 1:
        return stretch(0)
    with ThreadPoolExecutor(n_threads) as pool:
        return [result for results in pool.map(stretch, range(n_threads)) for result in results]


def _table(field, low, span, labels, offsets, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts (K, codes) of one neuron and their sum over classes: by buckets, or exact where one is crowded."""
    if len(field) > _BUCKETS and _BUCKETS * np.finfo(field.dtype).tiny < span < np.finfo(field.dtype).max:
        table = _bucket_table(field, low, span, offsets, n_classes)
        sizes = table.sum(axis=0)
        if sizes.max() <= _CROWDED * len(field):
            return table, sizes
    table = _exact_table(field, labels, n_classes)
    return table, table.sum(axis=0)


def _bucket_table(field: np.ndarray, low, span, offsets: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts (K, buckets) in equal intervals of the field."""
    scaled = field - low
    scaled *= (_BUCKETS - 0.5) / span
    bucket = scaled.astype(np.int32)
    bucket += offsets
    return _count(bucket, n_classes, _BUCKETS)


def _exact_table(field: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts (K, distinct values)."""
    values, code = np.unique(field, return_inverse=True)
    return _count(code + labels * len(values), n_classes, len(values))


def _count(code: np.ndarray, n_classes: int, n_codes: int) -> np.ndarray:
    counts = torch.bincount(torch.from_numpy(code), minlength=n_classes * n_codes)  # numpy's would convert to int64
    return counts.numpy().reshape(n_classes, n_codes).astype(float)


def _transposed(fields: np.ndarray, result: np.ndarray) -> np.ndarray:
    """`result`, filled with `fields.T` block by block, several times faster than at once."""
    n_neurons = fields.shape[1]
    # padded: rows a power of two apart would evict one another from the cache
    block = np.empty((_ROWS, n_neurons + 16), dtype=fields.dtype)[:, :n_neurons]
    for start in range(0, len(fields), _ROWS):
        rows = fields[start : start + _ROWS]
        block[: len(rows)] = rows
        result[:, start : start + _ROWS] = block[: len(rows)].T
    return result


def _histogram(table: np.ndarray, sizes: np.ndarray, bins: int) -> np.ndarray:
    """Samples of each class in `bins` equal intervals of the ascending rank, ties spread evenly: (K, bins)."""
    end = np.cumsum(sizes)
    edges = np.linspace(0, end[-1], bins + 1)[1:-1]
    code = np.searchsorted(end, edges)
    above = (end[code] - edges) / sizes[code]  # part of the code's samples that lies above the edge
    below = np.cumsum(table, axis=1)[:, code] - above * table[:, code]
    return np.diff(below, axis=1, prepend=0, append=table.sum(axis=1, keepdims=True))
