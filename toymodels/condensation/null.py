r"""Cosines of neurons that have nothing to do with one another: what condensation must exceed.

Gaussian neurons point in uniformly random directions. For two of them in d dimensions :math:`c = \cos` has
:math:`c^2\sim\mathrm{Beta}(\frac12, \frac{d-1}2)` and either sign is as likely. The cosines of different pairs are
independent two by two, so the chance that none of the m (m - 1) / 2 passes a high threshold is, but for terms of second
order in it, the product of the chances of the pairs. In one dimension the cosine is 1 or -1 and says nothing; in two
the angle is uniform, and the threshold for many neurons is 1 but for rounding.
"""

from __future__ import annotations

from math import exp, expm1, lgamma, log1p, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.similarity import as_rows, cosine_similarity
from toymodels.validation import fraction, positive_int


def null_cosine(count: int, dimension: int, probability: float = 1e-3, *, signed: bool = True) -> float:
    r"""Cosine that some pair of unrelated Gaussian neurons exceeds with this probability.

    Each of the :math:`N = m(m-1)/2` pairs exceeds it with probability p, where :math:`1-(1-p)^N` is `probability`.

    Parameters
    ----------
    count : int
        Neurons m, at least 2.
    dimension : int
        Weights of each, d.
    probability : float
        In (0, 1).
    signed : bool
        If False, |cos| of the pairs is meant.

    Returns
    -------
    float
        Near :math:`\sqrt{4\ln m/d}` when that is small, 1 in one dimension. Below 0 only if a single pair is asked to
        exceed it more often than not.

    Raises
    ------
    ValueError
        If a number is not an integer in its range, or `probability` is outside (0, 1).

    Examples
    --------
    >>> round(null_cosine(90, 576), 3), round(null_cosine(90, 5), 3), null_cosine(90, 1)
    (0.207, 0.999, 1.0)
    """
    from scipy.special import betaincinv

    count, dimension = positive_int("count", count, minimum=2), positive_int("dimension", dimension)
    pairs = count * (count - 1) / 2
    tail = -expm1(log1p(-fraction("probability", probability)) / pairs)  # of one pair
    sides = 2 * min(tail, 1 - tail) if signed else tail
    sign = -1.0 if signed and tail > 0.5 else 1.0
    if dimension == 1:
        return sign
    return sign * sqrt(1 - float(betaincinv((dimension - 1) / 2, 0.5, sides)))  # sides = P(1 - c^2 < 1 - t^2)


def cosine_excess(w: ArrayLike) -> float:
    r"""How much more alike neurons are than unrelated Gaussian ones: mean :math:`|\cos|` over its null mean, minus 1.

    The null mean is :math:`\Gamma(d/2) / (\sqrt\pi\,\Gamma((d+1)/2))`, near :math:`\sqrt{2/(\pi d)}`.

    Parameters
    ----------
    w : (m, d) array
        One neuron per row. Zero vectors are left out.

    Returns
    -------
    float
        0 on average for unrelated neurons; when all are parallel or opposite the inverse null mean, minus 1, which is 0
        in one dimension. Below 0 when they avoid one another: -1 when orthogonal.

    Raises
    ------
    ValueError
        If `w` is not a finite matrix, or fewer than two of its rows are not zero.

    Examples
    --------
    >>> cosine_excess([[1.0, 0.0], [0.0, 1.0]]), round(cosine_excess([[1.0, 0.0], [-2.0, 0.0]]), 4)
    (-1.0, 0.5708)
    """
    w = as_rows("w", w)
    w = w[w.any(axis=1)]
    if len(w) < 2:
        raise ValueError(f"w must have at least two rows that are not zero, got {len(w)}")
    similarity = np.abs(cosine_similarity(w))
    np.fill_diagonal(similarity, 0)
    mean = float(similarity.sum(dtype=float)) / (len(w) * (len(w) - 1))
    half = w.shape[1] / 2
    return mean * sqrt(pi) * exp(lgamma(half + 0.5) - lgamma(half)) - 1
