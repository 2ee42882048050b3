"""Information between two continuous vectors from their nearest neighbours.

References
----------
.. [1] Kraskov, Stögbauer and Grassberger (2004). Estimating mutual information. arXiv:cond-mat/0305641.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import vectors
from toymodels.metrics.information._counts import codes, multiplicities, within
from toymodels.validation import positive_int

_SAME_DISTANCE = 1e-10  # of standardised samples: nearer than this, two distances differ by rounding only
_JITTER = 1e-8  # of standardised samples: below the spacing of float32 numbers, far above that of float64
_REPEATED_SHARE = 0.01  # of the samples; fewer repeated ones shift the estimate by less than 0.02 bits
BLOCK = 2**16  # samples whose neighbours are held at once


def ksg(x: ArrayLike, y: ArrayLike, k: int = 3) -> float:
    r"""Nearest-neighbour estimate of the information between two continuous vectors (the first estimator of [1]_).

    :math:`\psi(k)+\psi(n)-\langle\psi(n_x+1)+\psi(n_y+1)\rangle` with maximum norms, after scaling `x` and `y` as
    wholes to unit root-mean-square deviation, so that the unit of either does not matter.

    Rounded values tie: the k-th neighbour shares its distance with others, and the formula reads the ties as
    information. Where that happens, every value is moved by a uniform number of at most 1e-8 of the deviation, from a
    fixed seed. What is estimated is then the information between the rounded values, and the bias is as small as
    without rounding.

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
    x, y = _standardised("x", x), _standardised("y", y)
    radius, tied = _distances(np.hstack([x, y]), k)
    if tied:
        _refuse_repeated(x, y)
        rng = np.random.default_rng(0)
        x, y = (rows + rng.uniform(-_JITTER, _JITTER, rows.shape) for rows in (x, y))
        radius, _ = _distances(np.hstack([x, y]), k)
    radius = np.nextafter(radius, 0)  # neighbours strictly nearer
    counts = [within(part, radius) for part in (x, y)]
    nats = digamma(k) + digamma(len(x)) - sum(digamma(count).mean() for count in counts)  # each counts itself
    return float(nats / np.log(2))


def _distances(rows: np.ndarray, k: int) -> tuple[np.ndarray, bool]:
    """Distance of each row to its k-th neighbour (n,), and whether any has two of the next ranks at one distance."""
    from scipy.spatial import KDTree

    tree = KDTree(rows, leafsize=10 + rows.shape[1])
    ranks = np.arange(k, min(k + 2, len(rows)) + 1)  # the first is the row itself
    distances, tied = np.empty(len(rows)), False
    for start in range(0, len(rows), BLOCK):
        block = tree.indices[start : start + BLOCK]  # rows that stand together are found faster
        nearest = tree.query(rows[block], k=ranks, p=np.inf)[0]  # pyright: ignore[reportArgumentType]
        distances[block] = nearest[:, 1]
        tied = tied or bool((np.diff(nearest, axis=1) < _SAME_DISTANCE).any())
    return distances, tied


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


def _standardised(name: str, rows: np.ndarray) -> np.ndarray:
    if (rows == rows[0]).all():
        raise ValueError(f"{name} must vary, got the same value in every row")
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max())[1])  # by a power of two, exactly: squares stay finite
    rows = rows - rows.mean(axis=0)
    return rows / np.sqrt((rows**2).mean())
