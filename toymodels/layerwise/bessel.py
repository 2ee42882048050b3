r"""Modified Bessel functions as the decaying flow needs them: ratios and phases that neither overflow nor cancel.

With :math:`z = z_0 e^{-x}` the functions :math:`I_n(z)` and :math:`K_n(z)` are the two solutions of
:math:`D'' = (n^2 + z^2) D` in :math:`x`. Both are :math:`G^{-1/2} e^{\mp\int G}` with the slope
:math:`G = 1 / (2 I_n K_n)`, and for :math:`R = \sqrt{n^2 + z^2}` of 20 or more

.. math:: G = R \sum_i g_i(\tau) R^{-2i}, \qquad \tau = n^2 / R^2,

with polynomials :math:`g_i`: Debye's uniform expansion (Olver 1974, chapter 10), here for the product of the two and
with its phase integrated term by term. Below 20 the functions of SciPy are in range.

Orders and arguments carry a `unit` that stands for 1, so that they stay finite while a weight decay vanishes. The order
is :math:`\nu = \delta - 1/2` with the `drive` :math:`\delta \ge 0`, and n = :math:`|\nu|`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import factorial
from typing import NamedTuple

import numpy as np

LARGE = 20.0  # R from which the expansion holds to rounding

_TERMS = 11
_HALF = Fraction(1, 2)


class Ratios(NamedTuple):
    r"""Ratios of neighbouring orders at one argument z.

    `growing` is :math:`z K_{\nu+1} / K_n`, `shrinking` :math:`z I_{\nu+1} / I_n` (at negative orders
    :math:`z I_{n-1} / I_n`, its partner in the same recurrence), `excess` is `growing` - z to full relative accuracy,
    and `neighbour` is :math:`I_{\nu+1} / (z I_n)`.
    """

    growing: np.ndarray
    shrinking: np.ndarray
    excess: np.ndarray
    neighbour: np.ndarray


class _Series(NamedTuple):
    r"""Coefficients in powers of tau, one array for each power of :math:`R^{-2}`.

    `slope` is :math:`g_i / (1 - \tau)`, from i = 1; `bend` is :math:`R^{-1} dG/dx / (1 - \tau)`, from i = 0; `phase` is
    the integral of G - R over x, times R, from i = 1. `size` bounds each term of G at R = 1.
    """

    slope: list[np.ndarray]
    bend: list[np.ndarray]
    phase: list[np.ndarray]
    size: np.ndarray


@cache
def _series() -> _Series:
    slope = _inverse(_product())
    reduced = [list(np.cumsum(np.array(g, dtype=object)))[:-1] for g in slope[1:]]  # divided by 1 - tau
    bend = [[(2 * j + 2 * i - 1) * c for j, c in enumerate(g)] for i, g in enumerate(slope)]
    phase = [[c / (2 * j + 2 * i - 1) for j, c in enumerate(g)] for i, g in enumerate(reduced, 1)]
    tau = np.linspace(0, 1, 501)
    size = [np.abs((1 - tau) * np.polynomial.Polynomial(_floats(g))(tau)).max() for g in reduced]
    slope, bend, phase = ([_floats(g) for g in part] for part in (reduced, bend, phase))
    return _Series(slope, bend, phase, np.array(size))


def _product() -> list[list[Fraction]]:
    """2 R I K in powers of tau and 1 / R^2: it obeys the linear f''' = 4 R^2 f' + 2 (R^2)' f."""
    product = [[Fraction(1)]]
    for i in range(1, _TERMS + 1):
        m = product[-1]
        for factor in (True, True, False):
            m = [(j + i - _HALF) * c for j, c in enumerate(m)]
            if factor:  # 1 - tau
                m = [a - b for a, b in zip([*m, Fraction(0)], [Fraction(0), *m], strict=True)]
        product.append([c / (j + i) for j, c in enumerate(m)])
    return product


def _inverse(product: list[list[Fraction]]) -> list[list[Fraction]]:
    """1 over the series `product`."""
    inverse = [[Fraction(1)]]
    for i in range(1, len(product)):
        total = np.zeros(2 * i + 1, dtype=object) + Fraction(0)
        for k in range(1, i + 1):
            total -= np.convolve(np.array(product[k], dtype=object), np.array(inverse[i - k], dtype=object))
        inverse.append(list(total))
    return inverse


def _floats(coefficients: list[Fraction]) -> np.ndarray:
    return np.array([float(c) for c in coefficients])


@dataclass(frozen=True, eq=False)
class Large:
    """The expansion at order `n` and argument `z`, arrays of one shape, where R >= 20 units."""

    n: np.ndarray
    z: np.ndarray
    unit: float

    def taken(self, index: np.ndarray) -> Large:
        """The entries of `index`, with what is already known of them."""
        part = Large(self.n[index], self.z[index], self.unit)
        part.__dict__.update(radius=self.radius[index], phase=self.phase[index])
        return part

    @cached_property
    def radius(self) -> np.ndarray:
        """R."""
        return np.sqrt(self.n**2 + self.z**2)

    @cached_property
    def slope(self) -> np.ndarray:
        """(G - R) R / z^2."""
        return self._small * self._sum(_series().slope)

    @cached_property
    def phase(self) -> np.ndarray:
        """The integral of G - R over x."""
        return np.sqrt(self._small) * self._sum(_series().phase)

    @cached_property
    def _small(self) -> np.ndarray:
        return (self.unit / self.radius) ** 2

    @cached_property
    def _tau(self) -> np.ndarray:
        return (self.n / self.radius) ** 2

    def _sum(self, coefficients: list[np.ndarray], extra: int = 0) -> np.ndarray:
        """The double series in tau and (unit / R)^2, as far as rounding shows."""
        total = np.zeros_like(self.radius)
        inner = np.empty_like(total)
        for row in reversed(coefficients[: self._terms + extra]):
            inner.fill(row[-1])
            for c in row[-2::-1]:
                inner *= self._tau
                inner += c
            total *= self._small
            total += inner
        return total

    @cached_property
    def _terms(self) -> int:
        size = _series().size
        smallest = max(self.radius.min() / self.unit, LARGE)
        negligible = size * smallest ** (1 - 2.0 * np.arange(1, size.size + 1)) < 1e-18  # beside 1, not only beside R
        return int(np.argmax(negligible)) if negligible.any() else size.size

    def ratios(self, drive: np.ndarray) -> Ratios:
        """The ratios, `drive` being nu + 1/2."""
        n, z, radius, half = self.n, self.z, self.radius, self.unit / 2
        part = (z / radius) ** 2
        correction, relative = self.slope * radius, 1 + part * self.slope  # G = R * relative
        bend = half * self._sum(_series().bend, extra=1) / relative
        positive = drive >= half
        neighbour = (radius / (radius + n) + (correction + bend) / radius) / radius
        slope = radius * relative
        excess = np.where(positive, n, -n) + n * (n / (radius + z)) + part * (correction - bend)
        if not positive.all():
            lower = (slope + part * bend + n) / np.where(positive, 1, z) / np.where(positive, 1, z)
            neighbour = np.where(positive, neighbour, lower)
        weak = (drive < 0.1 * half) & (z >= self.unit)
        if weak.any():
            excess[weak] = _weak_excess(drive[weak], z[weak], self.unit)
        return Ratios(excess + z, z * (z * neighbour), excess, neighbour)

    def log_ratio(self) -> np.ndarray:
        """ln (I_n / K_n)."""
        lead = self.radius + self.n * np.log(self.z / (self.n + self.radius))
        return 2 * (lead / self.unit - self.phase) - np.log(np.pi)


def phase_between(first: Large, last: Large, t: np.ndarray, spent: np.ndarray) -> np.ndarray:
    r"""ln (I_n / K_n) at `first` less that at `last`, where z has fallen by exp(-unit t), in units R >= 20 at both.

    `spent` is 1 - exp(-2 unit t).
    """
    unit = first.unit
    step = first.z * (first.z / (first.radius + last.radius)) * spent  # R0 - R
    lead = step / unit + first.n * (t + np.log1p(-step / (first.n + first.radius)) / unit)
    return 2 * (lead + last.phase - first.phase)


def _weak_excess(drive: np.ndarray, z: np.ndarray, unit: float) -> np.ndarray:
    """The excess at orders near -1/2, where it is proportional to the drive: Steed's continued fraction, z >= 1."""
    order, z = drive / unit, z / unit
    a, b = -(1 - order) * order, 2 * (1 + z)
    d = 1 / b
    step = total = d
    for i in range(2, 500):
        a, b = a - 2 * (i - 1), b + 2
        d = 1 / (b + a * d)
        step = (b * d - 1) * step
        total = total + step
        if np.all(np.abs(step) < 1e-17 * total):
            break
    return drive * (1 - (1 - order) * total)


def _weak_excess_below_1(order: np.ndarray, z: np.ndarray, k: np.ndarray) -> np.ndarray:
    r"""The same at z < 1 from the power series of I, for :math:`\delta` < 1e-3; `k` is the scaled K_n."""
    from scipy.special import gamma, polygamma

    half, total = z / 2, np.zeros_like(z)
    for m in range(12):
        for a, power in ((m + 0.5, 2 * m - 0.5), (m + 1.5, 2 * m + 0.5)):
            # half of ln gamma(a + order) / gamma(a - order)
            log_gammas = sum(order**j / factorial(j) * polygamma(j - 1, a) for j in (1, 3, 5))
            scale = gamma(m + 1) * np.sqrt(gamma(a + order) * gamma(a - order))
            total += half**power * 2 * np.sinh(log_gammas - order * np.log(half)) / scale
    return z * np.pi / 2 * total / np.cos(np.pi * order) / (k * np.exp(-z))


def moderate(drive: np.ndarray, z: np.ndarray, unit: float) -> tuple[Ratios, np.ndarray, np.ndarray]:
    """Ratios at z with R < 20 units, and ln (I / K) at the orders n and nu + 1."""
    from scipy.special import ive, kve

    drive, z = drive / unit, z / unit
    order = drive - 0.5
    n, above = np.abs(order), drive + 0.5
    i, k, i_above = ive(n, z), kve(n, z), ive(above, z)
    shrinking = z * i_above / i
    growing = 1 / (i * k) - shrinking
    negative = order < 0
    if negative.any():
        m, zn = n[negative], z[negative]
        shrinking[negative] = zn * ive(m - 1, zn) / i[negative]
        growing[negative] = zn * kve(1 - m, zn) / k[negative]
    excess = growing - z
    weak = drive < 0.05
    if weak.any():
        near = weak & (z >= 1)
        excess[near] = _weak_excess(drive[near], z[near], 1.0)
        near = (z < 1) & (drive < 1e-3)
        excess[near] = _weak_excess_below_1(drive[near], z[near], k[near])
    ratios = Ratios(growing * unit, shrinking * unit, excess * unit, i_above / (z * i) / unit)
    return ratios, np.log(i) - np.log(k) + 2 * z, np.log(i_above) - np.log(growing / z * k) + 2 * z
