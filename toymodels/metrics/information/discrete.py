"""Information carried by discrete, or cut up, representations: sums over the data set.

References
----------
.. [1] Shwartz-Ziv and Tishby (2017). Opening the black box of deep neural networks via information. arXiv:1703.00810.
.. [2] Lorenzen, Igel and Nielsen (2022). Information bottleneck: exact analysis of (quantized) neural networks.
   arXiv:2106.12912.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import LARGEST_INTEGER, integer_labels, vectors
from toymodels.metrics.information._counts import codes as codes_of
from toymodels.metrics.information._counts import multiplicities
from toymodels.validation import detached, numeric


def quantised(codes: ArrayLike, labels: ArrayLike) -> float:
    r"""Exact information between the rows of a discrete representation and the labels, over the given data set.

    Two samples share a symbol when their whole rows are equal. With `labels = arange(n)` this is the entropy of the
    representation, its information about the input [2]_.

    Parameters
    ----------
    codes : (n, d) or (n,) array
        Discrete values: integer codes, or activations of finite precision.
    labels : (n,) array
        Integers >= 0.

    Returns
    -------
    float
        Bits, from 0 to the smaller of the entropies of rows and labels.

    Raises
    ------
    ValueError
        If shapes differ, a code is not finite, or labels are not integers >= 0.

    Examples
    --------
    >>> quantised([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 1, 1])
    1.0
    """
    rows = _exact_rows(codes)
    return _information(rows.T, integer_labels(labels, len(rows)))


def binned(x: ArrayLike, labels: ArrayLike, edges: ArrayLike) -> float:
    r"""Information between a representation, each unit cut into bins, and the labels [1]_.

    A count over the given samples, without noise: what lies in one cell is not told apart, what lies in two is told
    apart for certain, however near, so the number depends on where the edges are. With many units nearly every sample
    has a cell of its own, and the result is the entropy of the labels whatever the representation.
    :func:`gaussian_mixture` blurs each sample by Gaussian noise instead: what it estimates changes
    smoothly with the distances between samples, is the same after a shift or rotation of the representation as far as
    floats hold it, and leaves the size of the noise as the only choice.

    Parameters
    ----------
    x : (n, d) or (n,) array
        Activations, one sample per row; the cells are the products of the units' bins.
    labels : (n,) array
        Integers >= 0; `arange(n)` gives the information about the input.
    edges : (n_bins + 1,) array
        Increasing bin edges, the same for all units, as in `numpy.histogram`: a bin holds its left edge, the last bin
        both. The outermost may be infinite.

    Returns
    -------
    float
        Bits, from 0 to the smaller of the entropies of cells and labels.

    Raises
    ------
    ValueError
        If `edges` are not increasing, a value of `x` lies outside of them, an integer has no float of its own, or as
        :func:`quantised`.

    Examples
    --------
    >>> binned([-0.9, -0.1, 0.2, 1.0], [0, 0, 1, 1], edges=[-1, 0, 1])
    1.0
    """
    _in_floats("x", x)
    rows = vectors("x", x)
    edges = _in_floats("edges", edges)
    if edges.ndim != 1 or edges.size < 2:
        raise ValueError(f"edges must be an increasing 1-D array of at least 2 numbers, got shape {edges.shape}")
    if not (edges[1:] > edges[:-1]).all():
        late = int((~(edges[1:] > edges[:-1])).argmax())
        got = f"{edges[late + 1]:g} after {edges[late]:g}"
        raise ValueError(f"edges must be an increasing 1-D array of at least 2 numbers, got {got}")
    if rows.min() < edges[0] or rows.max() > edges[-1]:
        first = rows[(rows < edges[0]) | (rows > edges[-1])][0]
        raise ValueError(f"x must lie between the edges {edges[0]:g} and {edges[-1]:g}, got {first:g}")
    labels = integer_labels(labels, len(rows))
    # counting the inner edges up to a value leaves the last edge in the last bin
    return _information((np.searchsorted(edges[1:-1], column, side="right") for column in rows.T), labels)


def _in_floats(name: str, values: ArrayLike) -> np.ndarray:
    """The values as floats, unless an integer among them has none of its own: it could come to the wrong side."""
    array = numeric(name, values)
    if np.abs(array).max(initial=0) >= LARGEST_INTEGER:
        exact = np.asarray(detached(values), dtype=object).reshape(array.shape)
        merged = exact != array.astype(object)
        if merged.any():
            raise ValueError(f"{name} must be numbers that floats hold, got {exact[merged][0]}")
    return array


def _exact_rows(codes: ArrayLike) -> np.ndarray:
    """Codes (n, d) as floats, or integers that are equal where the codes are, where floats would merge some."""
    rows, given = vectors("codes", codes), detached(codes)
    array = np.asarray(given)
    large = max(rows.max(), -rows.min()) >= LARGEST_INTEGER
    if array.dtype.kind in "iu" and large:
        return array.reshape(rows.shape)
    if array.dtype.kind == "O" or array.dtype == np.longdouble or (large and array is not given):
        exact = np.asarray(given, dtype=object).reshape(
            rows.shape
        )  # numpy reads large integers beside others as floats
        return np.column_stack([_numbered(column.tolist()) for column in exact.T])
    return rows


def _numbered(values: list) -> list[int]:
    """The same integer for equal values, another one for others."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return [numbers[value] for value in values]


def _information(columns: Iterable[np.ndarray], labels: np.ndarray) -> float:
    """Bits between the rows of the `columns` (n,) and the labels (n,)."""
    symbols = codes_of(columns, len(labels))
    return _entropy(symbols) + _entropy(labels) - _entropy(codes_of([symbols, labels], len(labels)))


def _entropy(symbols: np.ndarray) -> float:
    p = multiplicities(symbols) / len(symbols)
    return float(-(p * np.log2(p)).sum())
