r"""One mode of a deep linear network with balanced layers.

With all L factors of equal size the product u obeys :math:`\dot u = L \sigma^2 u^{2 - 2/L} (S - u)`, which integrates
to

.. math:: L \sigma^2 t = \int_{u_0}^{u} \frac{dv}{v^{2 - 2/L} (S - v)} .

Depth 1 is exponential, depth 2 the sigmoid of Saxe et al. (2014), arXiv:1312.6120; for deeper networks a small start
waits :math:`u_0^{2/L - 1} / ((L - 2) S \sigma^2)`. At infinite depth t counts flow time times L. Unbalanced deep
networks need quadrature and are not covered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.riccati import TwoFactorFlow
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import finite, non_negative, plain_fields, positive, positive_int, times

_TERMS = np.arange(1, 101)


@dataclass(frozen=True)
class DeepMode(GradientDescent):
    r"""Product of L balanced weights under gradient flow.

    Parameters
    ----------
    depth : int or inf
        Number of factors L >= 1; `inf` with time in units of 1/L.
    target : float
        S > 0.
    u0 : float
        Initial product > 0; every factor starts at :math:`u_0^{1/L}`. Above S it comes down.
    variance : float
        Input variance :math:`\sigma^2 \ge 0`.

    Raises
    ------
    ValueError
        If `depth` is not an integer >= 1 or `inf`, or a value is of the wrong sign.

    Notes
    -----
    :meth:`simulate` descends the common factor and needs a finite depth.

    Examples
    --------
    >>> DeepMode(depth=3, target=1.0, u0=0.001).solve([0, 10, 15, np.inf])["product"].round(3).tolist()
    [0.001, 0.909, 1.0, 1.0]
    """

    depth: int | float
    target: float
    u0: float
    variance: float = 1.0

    def __post_init__(self):
        plain_fields(self)
        if self.depth != np.inf:
            positive_int("depth", self.depth)
        positive("target", finite("target", self.target, ndim=0))
        positive("u0", finite("u0", self.u0, ndim=0))
        non_negative("variance", finite("variance", self.variance, ndim=0))

    def solve(self, t: ArrayLike) -> Trajectory:
        """Exact flow at the times `t`: `product` u, `residual` S - u and `loss`, all (n_t,)."""
        t = times(t)
        product, residual = self._state(self.variance * np.minimum(t, 1e280))  # 1e280 stands for inf
        return Trajectory(t, self._data(product, residual), clock="flow time")

    def _state(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distance = self.target - self.u0
        if self.depth == 1:
            return self.u0 * np.exp(-t) - self.target * np.expm1(-t), distance * np.exp(-t)
        if self.depth == 2:
            state = TwoFactorFlow.from_product(self.u0, 0.0, self.target).at(t)
            return state.function, distance * state.remaining
        if distance == 0:
            return np.full_like(t, self.u0), np.zeros_like(t)
        clock = _Clock(2 / self.depth - 1, falling=distance < 0)
        scale = 1 if self.depth == np.inf else self.depth
        elapsed = scale * self.target ** (1 - clock.power) * t
        part, rest = clock.invert(self.u0 / self.target, abs(distance) / self.target, elapsed)
        return self.target * part, np.copysign(self.target * rest, distance)

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        if self.depth == np.inf:
            raise ValueError("depth must be finite to simulate, got inf")
        a = np.empty(n_steps + 1)
        a[0] = self.u0 ** (1 / self.depth)
        for k in range(n_steps):
            a[k + 1] = a[k] + lr * self.variance * a[k] ** (self.depth - 1) * (self.target - a[k] ** self.depth)
        return self._data(a**self.depth, self.target - a**self.depth)

    def _data(self, product, residual) -> dict[str, np.ndarray]:
        return {"product": product, "residual": residual, "loss": 0.5 * self.variance * residual**2}


@dataclass(frozen=True)
class _Clock:
    r"""Time as a function of v = u / S, for :math:`\dot v = \pm v^{1 - b} (1 - v)`, b = 2/L - 1 in [-1, 0).

    The position is written as w, with v = 1 / (1 + e^{-w}) when rising and v = 1 + e^{-w} when falling, so that both
    ends are resolved; each power series is used within half its radius of convergence.
    """

    power: float
    falling: bool

    def invert(self, start: float, distance: float, elapsed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """v and abs(1 - v) at the times `elapsed` after `start`, which is `distance` away from 1."""
        w0 = -np.log(distance) if self.falling else np.log(start) - np.log(distance)
        target = self.time(np.array(w0)) + elapsed
        # rising, dw/dt <= 1; falling, time(w) + offset >= w once v < 1.5
        highest = np.maximum(max(w0, np.log(2)), target + self._offset) if self.falling else w0 + elapsed
        w = _increasing_root(self.time, self.slope, target, self.guess(target), w0, highest)
        return self._position(w)

    def _position(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        small = np.exp(-np.abs(w))
        if self.falling:
            return 1 + np.exp(-w), np.exp(-w)
        return np.where(w > 0, 1, small) / (1 + small), np.where(w > 0, small, 1) / (1 + small)

    def slope(self, w: np.ndarray) -> np.ndarray:
        v, _ = self._position(w)
        return v ** (self.power - 1) if self.falling else v**self.power

    def time(self, w: np.ndarray) -> np.ndarray:
        v, rest = self._position(w)
        log_rest = -w if self.falling else -np.logaddexp(0, w)
        return np.where(rest < 0.5, self._near(rest, log_rest) - self._offset, self._far(v))

    @property
    def _offset(self) -> float:
        """What makes the two series agree where they meet, half the target away from it."""
        edge = np.array(1.5 if self.falling else 0.5)
        return float(self._near(np.array(0.5), np.log(0.5)) - self._far(edge))

    def _near(self, rest: np.ndarray, log_rest: np.ndarray) -> np.ndarray:
        """-log|1 - v| - sum of (1 - b)_n / n! (1 - v)^n / n."""
        shift = np.minimum(rest, 0.5) * (-1 if self.falling else 1)
        coefficients = np.cumprod((_TERMS - self.power) / _TERMS) / _TERMS
        return -log_rest - shift * np.polynomial.polynomial.polyval(shift, coefficients)

    def _far(self, v: np.ndarray) -> np.ndarray:
        b = self.power
        if self.falling:
            s = 1 / np.maximum(v, 1.5)
            m = 1 - b
            return s**m * np.polynomial.polynomial.polyval(s, 1 / (m + np.append(0, _TERMS)))
        v = np.minimum(v, 0.5)
        # v^{1+b}/(1+b) up to a constant, for b = -1 too
        second = np.log(v) if b == -1 else np.expm1((1 + b) * np.log(v)) / (1 + b)
        return v**b / b + second + v ** (2 + b) * np.polynomial.polynomial.polyval(v, 1 / (b + 1 + _TERMS))

    def guess(self, target: np.ndarray) -> np.ndarray:
        """w from the leading term far from 1, or from the logarithm near it."""
        order = 1 - self.power if self.falling else self.power
        lead = order * target
        with np.errstate(divide="ignore", invalid="ignore"):  # outside its range the guess is the logarithm
            v = lead ** (-1 / order) if self.falling else lead ** (1 / order)
            w = -np.log(v - 1) if self.falling else np.log(v / (1 - v))
        return np.where(np.isfinite(w), w, target + self._offset)


def _increasing_root(function, slope, target, w, low, high) -> np.ndarray:
    """Solve function(w) = target by Newton's method kept inside a bracket that bisection shrinks."""
    low, high = np.full_like(target, low), np.array(high, dtype=float)
    w = np.clip(w, low, high)
    settled = np.zeros_like(target, dtype=bool)
    for _ in range(200):
        error = function(w) - target
        low, high = np.where(error <= 0, w, low), np.where(error >= 0, w, high)
        newton = w - error / slope(w)
        following = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        settled = np.abs(following - w) <= 1e-13 * (1 + np.abs(w))
        w = following
        if settled.all():
            return w
    raise SimulationError(f"product was not found to rounding at {np.sum(~settled)} times")
