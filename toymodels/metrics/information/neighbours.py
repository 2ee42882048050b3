"""Information between two continuous vectors from their nearest neighbours.

References
----------
.. [1] Kraskov, Stögbauer and Grassberger (2004). Estimating mutual information. arXiv:cond-mat/0305641.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import vectors
from toymodels.metrics.information._counts import codes, multiplicities, within
from toymodels.validation import positive_int

_DOUBTFUL = 1e-10  # of centred samples of deviation 1: nearer than this, two distances may differ by rounding only
_ROUNDING = 4 * np.finfo(float).eps  # of a number: nearer than this, two differ by rounding only
_JITTER = 1e-8  # of the deviation: below the spacing of float32 numbers, far above that of float64
_SHARE = 0.01  # of the way to the next value, which the jitter leaves where it is
_EXPONENT = 900  # of the samples, of which only the ratios matter: the far smaller ones are floats too
_REPEATED_SHARE = 0.01  # of the samples; fewer repeated ones shift the estimate by less than 0.02 bits
BLOCK = 2**12  # samples whose neighbours are held at once


def ksg(x: ArrayLike, y: ArrayLike, k: int = 3) -> float:
    r"""Nearest-neighbour estimate of the information between two continuous vectors (the first estimator of [1]_).

    :math:`\psi(k)+\psi(n)-\langle\psi(n_x+1)+\psi(n_y+1)\rangle` with maximum norms, after scaling `x` and `y` as
    wholes to unit root-mean-square deviation, so that the unit of either does not matter.

    Rounded values tie: the k-th neighbour shares its distance with others, and the formula reads the ties as
    information. Where two distances are equal but for rounding, every value is moved by a uniform number of at most
    1e-8 of the deviation and a hundredth of the way to the next value, from a fixed seed. What is estimated is then the
    information between the rounded values, and the bias is as small as without rounding.

    Parameters
    ----------
    x : (n, d_x) or (n,) array
        Samples of the one vector.
    y : (n, d_y) or (n,) array
        Samples of the other, row by row.
    k : int
        Neighbours, 1..n-1: few for little bias, many for little variance.

    Returns
    -------
    float
        Bits; scatters about 0 for independent vectors. Where ties had to be broken the order of the samples and of the
        arguments moves it, by less than its scatter over samples.

    Raises
    ------
    ValueError
        If lengths differ, `k` >= n, a vector is constant, or more than one sample in a hundred repeats another while
        `x` or `y` has no repeated value elsewhere: either samples were repeated, which are no independent samples, or
        one vector is a function of the other, whose information is an entropy (:func:`quantised`).

    Notes
    -----
    Samples repeated in data so coarse that values tie anyway are not recognised, and are read as information.
    Distances are compared as they are rounded: beside a value sixteen decades larger, others are all equally far.

    Memory grows as n. Time grows as n log n for two numbers, and nearly as :math:`n^2` from ten columns each on, where
    nearly every sample has to be compared with every other.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2000, 2))
    >>> y = x[:, 0] + np.sqrt(3) * x[:, 1]  # correlation 1/2: 0.2075 bits
    >>> round(ksg(x[:, 0], y), 1)
    0.2
    >>> round(ksg(np.round(x[:, 0], 1), np.round(y, 1)), 1)
    0.2
    """
    from scipy.special import digamma

    x, y = vectors("x", x), vectors("y", y)
    if len(x) != len(y):
        raise ValueError(f"y must have one row per row of x, got {len(y)} and {len(x)}")
    k = positive_int("k", k)
    if k >= len(x):
        raise ValueError(f"k must be < the number of samples {len(x)}, got {k}")
    parts = [_centred("x", x), _centred("y", y)]
    radius, tied = _distances(parts, k, lambda rows, nearest: np.array(_DOUBTFUL))
    if tied:
        parts = [_scaled(x), _scaled(y)]
        radius, tied = _distances(
            parts, k, lambda rows, nearest: _ROUNDING * (np.abs(rows).max(axis=1) + nearest[:, 1])
        )
    if tied:
        _refuse_repeated(*parts)
        rng = np.random.default_rng(0)
        parts = [rows + _room(rows) * rng.uniform(-1, 1, rows.shape) for rows in parts]
        radius, _ = _distances(parts, k)
    radius = np.nextafter(radius, 0)  # neighbours strictly nearer
    counts = [within(part, radius) for part in parts]
    nats = digamma(k) + digamma(len(x)) - sum(digamma(count).mean() for count in counts)  # each counts itself
    return float(nats / np.log(2))


def _distances(parts: list[np.ndarray], k: int, rounding: Callable | None = None) -> tuple[np.ndarray, bool]:
    """Distance of each row to its k-th neighbour (n,), unless two of the next ranks differ by the `rounding` only."""
    from scipy.spatial import KDTree

    rows = np.hstack(parts)
    tree = KDTree(rows, leafsize=10 + rows.shape[1])
    ranks = np.arange(k, min(k + 2, len(rows)) + 1)  # the first is the row itself
    distances = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        block = tree.indices[start : start + BLOCK]  # rows that stand together are found faster
        nearest = tree.query(rows[block], k=ranks, p=np.inf)[0]  # pyright: ignore[reportArgumentType]
        distances[block] = nearest[:, 1]
        if rounding is not None and (np.diff(nearest, axis=1).min(axis=1) <= rounding(rows[block], nearest)).any():
            return distances, True
    return distances, False


def _room(rows: np.ndarray) -> np.ndarray:
    """The most by which each entry of scaled `rows` (n, d) may be moved."""
    room = np.empty_like(rows)
    for column, own in zip(rows.T, room.T, strict=True):
        order = np.argsort(column)
        ordered = column[order]
        steps = np.diff(ordered)
        apart = steps > _ROUNDING * np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
        ways = np.concatenate([[np.inf], steps[apart], [np.inf]])
        own[order] = np.minimum(ways[:-1], ways[1:])[np.concatenate([[0], np.cumsum(apart)])]
    return np.minimum(np.ldexp(_JITTER, _EXPONENT), _SHARE * room)


def _refuse_repeated(x: np.ndarray, y: np.ndarray) -> None:
    """`ValueError` if samples repeat, and one vector repeats with whole samples only."""
    counts_of = [multiplicities(codes(columns, len(x))) for columns in ([*x.T, *y.T], x.T, y.T)]
    pairs, *pairs_of_parts = (int((counts * (counts - 1)).sum()) for counts in counts_of)
    repeated = int(counts_of[0][counts_of[0] > 1].sum())
    if repeated > _REPEATED_SHARE * len(x) and pairs in pairs_of_parts:
        raise ValueError(
            f"x and y must be continuous, got {repeated} of {len(x)} samples that coincide with another "
            "(drop repeated samples; `quantised` takes discrete values)"
        )


def _centred(name: str, rows: np.ndarray) -> np.ndarray:
    """Columns of mean 0, of unit root-mean-square deviation as a whole."""
    if (rows == rows[0]).all():
        raise ValueError(f"{name} must vary, got the same value in every row")
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max())[1])  # by a power of two, exactly: squares stay finite
    rows = rows - rows.mean(axis=0)
    return rows / np.sqrt((rows**2).mean())


def _scaled(rows: np.ndarray) -> np.ndarray:
    """All digits of the rows, in 2^-900 of the root-mean-square deviation.

    Columns of values within a factor of two are shifted to begin at 0: no other shift is exact.
    """
    low, high = rows.min(axis=0), rows.max(axis=0)
    near, far = np.where(low > 0, (low, high), (high, low))
    rows = rows - np.where((low > 0) | (high < 0), np.where(np.abs(far) / 2 <= np.abs(near), near, 0), 0)
    exponent = np.frexp(np.abs(rows).max())[1]
    ordinary = np.ldexp(rows, -exponent)
    return np.ldexp(rows, _EXPONENT - exponent) / np.sqrt(((ordinary - ordinary.mean(axis=0)) ** 2).mean())
