r"""Sums over infinitely many skills of power-law frequency.

:math:`\sum_k P_k\, h(P_k)` with :math:`P_k = k^{-(\alpha+1)}/\zeta(\alpha+1)`: the first terms one by one, the others
as an integral over log k, in which both the power law and h vary slowly, with the end corrections of Euler and
Maclaurin in the differences of Gregory; beyond the k where h has become h(0), in closed form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_HEAD = 2000  # terms summed one by one
_GREGORY = (1 / 2, -1 / 12, 1 / 24, -19 / 720, 3 / 160, -863 / 60480)  # of the forward differences at the cut
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NEGLIGIBLE = 1e-18


def power_law_sum(alpha: float, weight: Callable[[np.ndarray], np.ndarray], rate: float) -> float:
    r"""The sum over k >= 1 of :math:`P_k` times its weight.

    Parameters
    ----------
    alpha : float
        Exponent > 0.
    weight : callable
        h, of an array of frequencies in [0, 1].
    rate : float
        How fast h changes at small frequencies p: :math:`|h(p) - h(0)| \le` `rate` p h(0) or so.

    Returns
    -------
    float
        Right to about 1e-14 of itself.
    """
    from scipy.special import zeta

    total, order = float(zeta(alpha + 1)), alpha + 1
    first = np.arange(1.0, _HEAD + len(_GREGORY))
    shares = first**-order / total
    terms = shares * weight(shares)
    head, rest = terms[: _HEAD - 1], terms[_HEAD - 1 :]
    corrections = sum(factor * np.diff(rest, k)[0] for k, factor in enumerate(_GREGORY))
    low = np.log(_HEAD)
    high = max(low, (np.log(rate / _NEGLIGIBLE) - np.log(total)) / order) if rate > 0 else low
    settled = np.exp(-alpha * high) / (alpha * total) * float(weight(np.zeros(1))[0])
    return float(head[::-1].sum() + corrections + _integral(alpha, total, weight, low, high) + settled)


def _integral(alpha, total, weight, low, high) -> float:
    """The integral of P h over k from exp(low) to exp(high), in pieces of log k over which P falls by e."""
    edges = np.linspace(low, high, 2 + int((high - low) * (alpha + 1)))
    middles, halves = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    log_k = middles[:, None] + halves[:, None] * _NODES
    values = np.exp(-alpha * log_k) * weight(np.exp(-(alpha + 1) * log_k) / total)
    return float(halves @ (values @ _WEIGHTS)) / total
