r"""The mean error of ridge regression on noisy labels, over samples, inputs and ridge: double descent, and its end.

A teacher :math:`w^*` of norm 1 in a random direction labels n Gaussian inputs of d dimensions, :math:`y = w^* \cdot x +
\sigma \epsilon`. The minimum :math:`w = (X^\top X + \mu)^{-1} X^\top y` of :math:`|Xw - y|^2 + \mu |w|^2` has, with the
law m of the eigenvalues of :math:`X^\top X/n`,

.. math:: \langle |w - w^*|^2 \rangle = \int m(l) \frac{\mu^2 + \sigma^2 d\, n l}{(n l + \mu)^2} + m_0 ,

where :math:`m_0` is its mass at 0. The ridge :math:`\mu = \sigma^2 d` is best at every n; without any the error
diverges at n = d. For large d at fixed d/n, m is the law of Marchenko and Pastur.

Hastie, Montanari, Rosset, Tibshirani (2022), Surprises in high-dimensional ridgeless least squares interpolation,
arXiv:1903.08560; Advani, Saxe, Sompolinsky (2020), arXiv:1710.03667.
"""

from __future__ import annotations

import math

from toymodels.layerwise.spectrum import marchenko_pastur
from toymodels.validation import finite, non_negative, positive_int

_LARGEST = 1e100


def ridge_error(dim: int, n_samples: int, noise: float, ridge: float = 0.0) -> float:
    """Mean squared distance of the ridge regression from its teacher: the test error on labels without noise.

    Parameters
    ----------
    dim, n_samples : int
        Inputs d and training samples n, both large.
    noise : float
        Standard deviation of the labels' noise, >= 0; the teacher has norm 1.
    ridge : float
        Of the sum of squares, >= 0.

    Returns
    -------
    float
        Of white inputs.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the error is infinite: with noise, without ridge, as many samples as inputs;
        or beyond all numbers, with much noise and hardly any ridge.

    Examples
    --------
    >>> round(ridge_error(200, 100, 0.5), 3), round(ridge_error(200, 100, 0.5, ridge=50.0), 3)
    (0.75, 0.64)
    """
    d, n = positive_int("dim", dim), positive_int("n_samples", n_samples)
    noise, ridge = (
        float(non_negative(name, finite(name, value, ndim=0))) for name, value in (("noise", noise), ("ridge", ridge))
    )
    if max(noise, ridge) > _LARGEST:
        raise ValueError(f"noise and ridge must be <= {_LARGEST:g}, got {noise:g} and {ridge:g}")
    if n == d and noise > 0 and ridge == 0:
        raise ValueError(
            f"ridge must be > 0 where there are as many samples as inputs and noise, got 0 and {n} of both"
        )
    law = marchenko_pastur(d / n)
    strength = n * law.eigenvalues
    whole = strength + ridge  # as small as 1e-293: its square is no number
    bias, variance = law.masses @ (ridge / whole) ** 2, (law.masses * (strength / whole) / whole).sum()
    error = float(bias) + noise**2 * d * float(variance) + law.null
    if not math.isfinite(error):
        raise ValueError(
            f"noise and ridge must give a finite error, got {noise:g} and {ridge:g} for {n} samples of {d} inputs"
        )
    return error
