r"""The eigenvalues of a sample covariance: the law of Marchenko and Pastur as a quadrature.

For n samples of d independent inputs of variance 1 and :math:`q = d/n` the eigenvalues of :math:`X^\top X/n` have, for
large d, the density :math:`\sqrt{(l_+ - l)(l - l_-)} / 2\pi q l` between :math:`l_\pm = (1 \pm \sqrt q)^2`, and a share
:math:`1 - 1/q` of them is 0 when q > 1 (Marchenko, Pastur 1967, Mathematics of the USSR-Sbornik 1, 457).

With :math:`l = l_- + 4 \sqrt q \sin^2(\psi/2)` the roots at the ends become
:math:`\frac2\pi \sin^2\psi / l\, d\psi`. The trapezoid rule in the logit of :math:`\psi/\pi` then converges
exponentially and resolves the lowest eigenvalues on their own scale, also at q = 1 where the density has a pole at 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from toymodels.layerwise.held import held_number
from toymodels.validation import positive

# in the logit of psi / pi; the error is exp(-pi^2 / 2 _STEP), and psi reaches down to 1e-147
_LOWEST, _HIGHEST, _STEP = -3400, 150, 0.1


class SpectralLaw(NamedTuple):
    """Eigenvalues > 0 (m,), the mass at each (m,), and the mass `null` at 0; the masses sum to 1."""

    eigenvalues: np.ndarray
    masses: np.ndarray
    null: float


def marchenko_pastur(ratio: float) -> SpectralLaw:
    """The law of Marchenko and Pastur as nodes and masses: means over it are sums over them.

    Parameters
    ----------
    ratio : float
        q = d/n > 0.

    Returns
    -------
    SpectralLaw
        `eigenvalues` and `masses` (3550,), `null`. Means of smooth functions and of exp(-l t), at any t, are right to
        rounding.

    Raises
    ------
    ValueError
        If `ratio` is not a positive number.

    Examples
    --------
    >>> eigenvalues, masses, null = marchenko_pastur(2.0)
    >>> null, round(float(masses.sum()) + null, 12), round(float(masses @ eigenvalues), 12)
    (0.5, 1.0, 1.0)
    """
    ratio = float(positive("ratio", held_number("ratio", ratio)))
    logit = _STEP * np.arange(_LOWEST, _HIGHEST)
    below, above = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit))
    root, psi = np.sqrt(ratio), np.pi * below
    eigenvalues = (1 - root) ** 2 + 4 * root * np.sin(psi / 2) ** 2
    masses = 2 * np.sin(psi) ** 2 / eigenvalues * (_STEP * below * above)
    return SpectralLaw(eigenvalues, masses, max(0.0, 1 - 1 / ratio))
