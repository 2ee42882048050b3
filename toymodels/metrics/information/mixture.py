"""Information about which of finitely many inputs made a noisy representation: mixtures of Gaussians.

References
----------
.. [1] Kolchinsky and Tracey (2017). Estimating mixture entropy with pairwise distances. arXiv:1706.02419.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import FAR, integer_labels, vectors
from toymodels.validation import LARGEST_FACTOR, finite, generator, positive, positive_int

BLOCK = 2**22  # numbers held at once by the Monte Carlo estimate
BLOCK_OF_PAIRS = 2**18  # numbers held at once by the bounds: what a cache holds


def gaussian_mixture(
    centers: ArrayLike, noise: float, rng: np.random.Generator, n: int, labels: ArrayLike | None = None
) -> float:
    r"""Monte Carlo information between a finite set of inputs and their noisy representation.

    The inputs are equally likely, :math:`T=\mu_X+s\,\xi` with :math:`\xi\sim N(0,I)`, and
    :math:`I(X;T)=\log_2 m+\mathbb E\log_2\big(p(T|X)/\sum_{x'}p(T|x')\big)`. With `labels`, I(Y;T) instead.
    Generators in the same state draw the same noise, which makes the estimate smooth along a run.

    The noise takes the place of the bins of :func:`binned`: two inputs are told apart as far as their distance exceeds
    the noise, in any direction and with no edges, and a unit that hardly moves adds hardly anything. It costs
    :math:`m^2 n d` operations and a sampling error, while :func:`binned` counts the samples once and is exact for them.

    Parameters
    ----------
    centers : (m, d) or (m,) array
        Representation of each input without noise.
    noise : float
        Standard deviation s > 0 of the noise on each unit.
    rng : numpy.random.Generator
        Source of the noise.
    n : int
        Draws of the noise per input, >= 1; the standard error falls as (m n)^(-1/2).
    labels : (m,) array, optional
        Integers >= 0, the class of each input.

    Returns
    -------
    float
        Bits, unbiased; at most log2 m (the entropy of the labels), and below 0 by chance only.

    Raises
    ------
    ValueError
        For non-finite centres, labels that do not fit, `noise` not > 0 or `n` < 1.

    Examples
    --------
    >>> gaussian_mixture([-50.0, 50.0], noise=1.0, rng=np.random.default_rng(0), n=10)
    1.0
    """
    from scipy.special import logsumexp

    centers = _in_units(centers, noise)
    generator("rng", rng)
    labels = np.arange(len(centers)) if labels is None else integer_labels(labels, len(centers))
    n = positive_int("n", n)
    total = 0.0
    size = max(1, BLOCK // (n * max(centers.shape)))
    for start in range(0, len(centers), size):
        rows = slice(start, start + size)
        densities = _log_densities(centers[rows], centers, rng, n)  # (rows, n, m)
        same = np.where(labels[rows, None] == labels, 0.0, -np.inf)[:, None]
        total += np.subtract(logsumexp(densities + same, axis=-1), logsumexp(densities, axis=-1)).sum()
    prior = np.log(len(centers)) - np.log(np.bincount(labels)[labels]).mean()
    return float((total / (len(centers) * n) + prior) / np.log(2))


def mixture_bounds(centers: ArrayLike, noise: float) -> tuple[float, float]:
    r"""Lower and upper bound of what :func:`gaussian_mixture` estimates, from pairwise distances alone [1]_.

    :math:`-\frac1m\sum_i\log_2\frac1m\sum_je^{-D_{ij}}` with :math:`D_{ij}=\|\mu_i-\mu_j\|^2/(8s^2)` (Bhattacharyya,
    lower) and :math:`\|\mu_i-\mu_j\|^2/(2s^2)` (Kullback-Leibler, upper). The sums go block by block: :math:`m^2 d`
    operations in memory that grows as m.

    Parameters
    ----------
    centers : (m, d) or (m,) array
        Representation of each equally likely input without noise.
    noise : float
        Standard deviation s > 0 of the noise on each unit.

    Returns
    -------
    lower, upper : float
        Bits, from 0 to log2 m.

    Raises
    ------
    ValueError
        For non-finite centres or `noise` not > 0.

    Examples
    --------
    >>> mixture_bounds([-500.0, 500.0], noise=1.0)
    (1.0, 1.0)
    """
    from scipy.spatial.distance import cdist

    centers = _in_units(centers, noise)
    overlaps = np.zeros((2, len(centers)))  # sums over j; at least 1, what a centre has with itself
    size = max(1, BLOCK_OF_PAIRS // len(centers))
    for start in range(0, len(centers), size):
        stop = start + size
        lower = np.exp(cdist(centers[start:stop], centers[start:], "sqeuclidean") / -8)
        for sums, pairs in zip(overlaps, (lower, np.square(lower * lower)), strict=True):
            sums[start:stop] += pairs.sum(axis=1)
            sums[stop:] += pairs[:, size:].sum(axis=0)  # each pair counts for both
    lower, upper = np.log2(len(centers)) - np.log2(overlaps).mean(axis=1)
    return float(lower), float(upper)


def _in_units(centers: ArrayLike, noise: float) -> np.ndarray:
    """Centres (m, d) in units of the noise."""
    rows, unit = vectors("centers", centers), float(positive("noise", finite("noise", noise, ndim=0)))
    least = float(np.abs(rows).max()) / LARGEST_FACTOR
    if unit < least:
        raise ValueError(f"noise must be at least {least:g} for centers of this size, got {unit:g}")
    return rows / unit


def _log_densities(own: np.ndarray, centers: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """Log density under every centre of n noisy copies of each `own`, less that under its own: (own, n, centers)."""
    from scipy.spatial.distance import cdist

    noise = rng.standard_normal((len(own), n, centers.shape[1]))
    if np.abs(centers).max() > FAR:  # or differences lose their digits
        overlap = np.stack([copies @ (row - centers).T for copies, row in zip(noise, own, strict=True)])
        return -cdist(own, centers, "sqeuclidean")[:, None] / 2 - overlap
    overlap = (noise * own[:, None]).sum(axis=-1, keepdims=True) - noise @ centers.T
    return -cdist(own, centers, "sqeuclidean")[:, None] / 2 - overlap
