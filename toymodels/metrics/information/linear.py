"""Information between the parts of a linear Gaussian channel: determinants.

References
----------
.. [1] Saxe et al. (2018). On the information bottleneck theory of deep learning. ICLR.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, positive, positive_int


def gaussian(covariance: ArrayLike, w: ArrayLike, noise: float) -> float:
    r"""Exact information between a Gaussian input and a noisy linear representation of it.

    :math:`I(X;T)=\frac12\log_2\det(I+W\Sigma W^\top/s^2)` for :math:`T=WX+s\,\xi`, :math:`X\sim N(0,\Sigma)` [1]_.

    Parameters
    ----------
    covariance : (d, d) array
        Covariance of the input, symmetric and positive semi-definite.
    w : (h, d) array
        The linear map.
    noise : float
        Standard deviation s > 0 of the noise on each unit.

    Returns
    -------
    float
        Bits >= 0; 0 for a zero map.

    Raises
    ------
    ValueError
        If `covariance` is not symmetric and positive semi-definite, shapes do not fit, or `noise` is not > 0.

    Examples
    --------
    >>> gaussian([[3.0]], [[1.0]], noise=1.0)
    1.0
    """
    values, vectors = _eigen(covariance)
    w = finite("w", w, ndim=2)
    if w.shape[1] != len(values):
        raise ValueError(f"w must have {len(values)} columns, one per input, got shape {w.shape}")
    noise = float(positive("noise", finite("noise", noise, ndim=0)))
    # singular values of W Sigma^(1/2) keep the digits that the determinant would lose; eigenvalues below zero are
    # rounding errors here, since larger ones were refused
    signal = np.linalg.svd((w @ vectors) * np.sqrt(np.maximum(values, 0)), compute_uv=False)
    signal = signal[signal > 0]
    with np.errstate(over="ignore"):
        ratio = signal / noise
    ratio = ratio[ratio > 0]
    logs = np.log(ratio) if np.isfinite(ratio).all() else np.log(signal) - np.log(noise)
    return float(np.logaddexp(0, 2 * logs).sum() / (2 * np.log(2)))


def gaussian_joint(covariance: ArrayLike, n_first: int) -> float:
    r"""Exact information between the first `n_first` entries of a Gaussian vector and the others.

    :math:`\frac12\log_2\big(|\Sigma_1|\,|\Sigma_2|/|\Sigma|\big)`; for a linear network with Gaussian input and
    output, I(T;Y) from the covariance of (T, Y) [1]_.

    Parameters
    ----------
    covariance : (d, d) array
        Covariance of the whole vector, symmetric and positive definite.
    n_first : int
        Length of the first part, 1..d-1.

    Returns
    -------
    float
        Bits >= 0 up to rounding; 0 for uncorrelated parts.

    Raises
    ------
    ValueError
        If `covariance` is not symmetric and positive definite, or a part is empty.

    Examples
    --------
    >>> round(gaussian_joint([[1.0, 0.6], [0.6, 1.0]], 1), 6)
    0.321928
    """
    values, _ = _eigen(covariance)
    if not values.min() > 0:
        raise ValueError(f"covariance must be positive definite, got smallest eigenvalue {values.min():g}")
    n_first = positive_int("n_first", n_first)
    if n_first >= len(values):
        raise ValueError(f"n_first must be < {len(values)}, the length of the vector, got {n_first}")
    covariance = finite("covariance", covariance, ndim=2)
    scale = 1 / np.sqrt(np.diag(covariance))
    correlation = scale[:, None] * covariance * scale
    parts = correlation[:n_first, :n_first], correlation[n_first:, n_first:], correlation
    first, second, joint = (float(np.linalg.slogdet(part)[1]) for part in parts)
    return float((first + second - joint) / (2 * np.log(2)))


def _eigen(covariance: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    covariance = finite("covariance", covariance, ndim=2)
    if covariance.shape[0] != covariance.shape[1] or not np.allclose(covariance, covariance.T, rtol=1e-10, atol=0):
        raise ValueError(f"covariance must be square and symmetric, got shape {covariance.shape}")
    values, vectors = np.linalg.eigh(covariance)
    if values.min() < -len(values) * np.finfo(float).eps * 4 * abs(values).max():
        raise ValueError(f"covariance must be positive semi-definite, got eigenvalue {values.min():g}")
    return values, vectors
