"""Information between two continuous vectors from their nearest neighbours.

References
----------
.. [1] Kraskov, Stögbauer and Grassberger (2004). Estimating mutual information. arXiv:cond-mat/0305641.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import vectors
from toymodels.validation import positive_int


def ksg(x: ArrayLike, y: ArrayLike, k: int = 3) -> float:
    r"""Nearest-neighbour estimate of the information between two continuous vectors (the first estimator of [1]_).

    :math:`\psi(k)+\psi(n)-\langle\psi(n_x+1)+\psi(n_y+1)\rangle` with maximum norms, after scaling `x` and `y` as
    wholes to unit root-mean-square deviation, so that the unit of either does not matter.

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
        Bits; scatters about 0 for independent vectors.

    Raises
    ------
    ValueError
        If lengths differ, `k` >= n, a vector is constant, or k + 1 samples coincide (not a continuous variable).

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2000, 2))
    >>> y = x[:, 0] + np.sqrt(3) * x[:, 1]  # correlation 1/2: 0.2075 bits
    >>> round(ksg(x[:, 0], y), 1)
    0.2
    """
    from scipy.spatial import KDTree
    from scipy.special import digamma

    x, y = vectors("x", x), vectors("y", y)
    if len(x) != len(y):
        raise ValueError(f"y must have one row per row of x, got {len(y)} and {len(x)}")
    k = positive_int("k", k)
    if k >= len(x):
        raise ValueError(f"k must be < the number of samples {len(x)}, got {k}")
    x, y = _standardised("x", x), _standardised("y", y)
    joint = np.hstack([x, y])
    distance = KDTree(joint).query(joint, k=k + 1, p=np.inf)[0][:, -1]
    if (distance == 0).any():
        raise ValueError(f"x and y must be continuous, got {k + 1} or more samples that coincide")
    radius = np.nextafter(distance, 0)  # neighbours strictly nearer
    counts = [KDTree(part).query_ball_point(part, radius, p=np.inf, return_length=True) for part in (x, y)]
    nats = digamma(k) + digamma(len(x)) - sum(digamma(count).mean() for count in counts)  # each counts itself
    return float(nats / np.log(2))


def _standardised(name: str, rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=0)
    scale = np.sqrt((rows**2).mean())
    if scale == 0:
        raise ValueError(f"{name} must vary, got the same value in every row")
    return rows / scale
