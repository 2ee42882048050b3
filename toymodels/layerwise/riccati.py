r"""The master solution: every model with two scalar factors is one Riccati equation.

For :math:`f = \frac1Z \sum_i a_i b_i` driven by the residual, :math:`\dot a_i = \frac{r}{2} b_i (S - f)` and
:math:`\dot b_i = \frac{r}{2} a_i (S - f)`, the sums :math:`a_i + b_i` all grow by one common factor :math:`\sqrt y`
and the differences :math:`a_i - b_i` all shrink by it, so

.. math:: f = P y - Q / y, \qquad \dot y = r (-P y^2 + S y + Q), \qquad y(0) = 1,

with :math:`P = \frac1{4Z}\sum (a_i + b_i)^2` and :math:`Q = \frac1{4Z}\sum (a_i - b_i)^2` at the start. Its solution,
in terms of :math:`\Delta = \sqrt{S^2 + 4PQ}`, is written here in sums of non-negative terms, so that both the
progress :math:`(f - f_0)/(S - f_0)` and what remains of it, 1 - progress, keep their relative accuracy.

The structure is Theorem I.1 with Eq. 15, 19 and 71-98 of Nam et al. (2025), Position: solve layerwise linear models
first, arXiv:2502.21009; the stable form is ours. Not covered: more than two factors, or factors with different
targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, fraction, numeric

# stands for t = inf: every decay with a rate above 1e-277 is over, and products with it stay finite
_FOREVER = 1e280
_LEAST = 1e-290  # numbers below it lose digits in products
MODERATE = 1e100  # size up to which, and down to whose inverse, three numbers and a square root may be multiplied


class FlowState(NamedTuple):
    r"""The flow at given times; `growth` is :math:`\sqrt y`, infinite or 0 in the limit of a saddle."""

    function: np.ndarray
    progress: np.ndarray
    remaining: np.ndarray
    growth: np.ndarray


@dataclass(frozen=True, eq=False)
class TwoFactorFlow:
    r"""The flow of f = P y - Q / y, elementwise for arrays that broadcast.

    Parameters
    ----------
    aligned, opposed : arrays
        P and Q, both >= 0.
    start : array
        f(0) = P - Q, given apart since the difference cancels.
    target : array
        S, of any sign.
    rate : array
        r >= 0, twice the input variance over the normaliser.
    """

    aligned: np.ndarray
    opposed: np.ndarray
    start: np.ndarray
    target: np.ndarray
    rate: np.ndarray

    @staticmethod
    def from_weights(a, b, target, variance: ArrayLike = 1.0) -> TwoFactorFlow:
        """One flow per entry of `a` and `b`: one unit each."""
        a, b, target = np.asarray(a, float), np.asarray(b, float), np.asarray(target, float)
        return TwoFactorFlow(
            (a + b) ** 2 / 4,
            (a - b) ** 2 / 4,
            a * b,
            target,
            2 * np.asarray(variance, float),
        )

    @staticmethod
    def from_product(product, imbalance, target) -> TwoFactorFlow:
        r"""The flow of one unit given by a b and :math:`a^2 - b^2`."""
        product, half = np.asarray(product, float), np.abs(imbalance) / 2
        total = np.hypot(product, half)
        large = (total + np.abs(product)) / 2
        small = np.divide(half, 4 * large, out=np.zeros_like(total + half), where=large > 0) * half
        aligned, opposed = np.where(product >= 0, large, small), np.where(product >= 0, small, large)
        return TwoFactorFlow(aligned, opposed, product, np.asarray(target, float), np.asarray(2.0))

    @cached_property
    def total(self) -> np.ndarray:
        r"""P + Q, the paper's :math:`\Sigma_0`."""
        return self.aligned + self.opposed

    @cached_property
    def gap(self) -> np.ndarray:
        r""":math:`\Delta = \sqrt{S^2 + 4PQ}`; r times it is the final rate of convergence."""
        return np.hypot(self.target, self.overlap)

    @cached_property
    def overlap(self) -> np.ndarray:
        r""":math:`2\sqrt{PQ}`, conserved; half the imbalance for a single unit."""
        return 2 * np.sqrt(self.aligned) * np.sqrt(self.opposed)

    @cached_property
    def _factors(self) -> tuple[np.ndarray, np.ndarray]:
        """(Delta + S) / 2 + Q and (Delta - S) / 2 + P, both without cancellation."""
        gap, overlap = self.gap, self.overlap
        large = gap + np.abs(self.target)
        small = overlap * np.divide(overlap, large, out=np.zeros_like(large), where=large > 0)
        rising = self.target >= 0
        return np.where(rising, large, small) / 2 + self.opposed, np.where(rising, small, large) / 2 + self.aligned

    def at(self, t: ArrayLike) -> FlowState:
        """The state at times `t` >= 0, `inf` included, that broadcast with the parameters."""
        up, down = self._factors
        exponent, share = self._clock(t)
        decay = np.exp(exponent)
        with np.errstate(all="ignore"):  # where one is 0 a saddle has been reached, which is seen to at the end
            rise, fall = share * up, share * down
            top, bottom = decay + rise, decay + fall  # y = top / bottom
            per_top, per_bottom = 1 / top, 1 / bottom
            remaining = (decay * per_top) * per_bottom
            progress = (rise * per_top) * (fall * per_bottom) + (self.total * share) * remaining
            growth = np.sqrt(top * per_bottom)
            function = self.start * remaining + self.target * progress
            lost = ((rise < _LEAST) & (up > 0)) | ((fall < _LEAST) & (down > 0))
            extreme = np.isinf([per_top, per_bottom, top, bottom]).any(axis=0) | (lost & (share > 0))
            if extreme.any():
                state = self._in_logs(exponent, share)
                parts = zip(state, (function, progress, remaining, growth), strict=True)
                function, progress, remaining, growth = (np.where(extreme, exact, quick) for exact, quick in parts)
        if np.all(up > 0) and np.all(down > 0):
            return FlowState(function, progress, remaining, growth)
        return self._at_saddles(FlowState(function, progress, remaining, growth), top, bottom, share)

    def _in_logs(self, exponent: np.ndarray, share: np.ndarray) -> FlowState:
        """The state where numbers below 1e-308 or beyond 1e308 occur on the way."""
        (up, down), log_share = map(np.log, self._factors), np.log(share)
        log_rise, log_fall = log_share + up, log_share + down
        log_top, log_bottom = np.logaddexp(exponent, log_rise), np.logaddexp(exponent, log_fall)
        log_remaining = exponent - log_top - log_bottom
        late = (log_rise - log_top) + (log_fall - log_bottom)
        log_progress = np.logaddexp(late, np.log(self.total) + log_share + log_remaining)
        parts = (self.start, log_remaining), (self.target, log_progress)
        function = sum(np.sign(part) * np.exp(np.log(np.abs(part)) + log) for part, log in parts)
        remaining, progress, growth = np.exp(log_remaining), np.exp(log_progress), np.exp((log_top - log_bottom) / 2)
        return FlowState(np.asarray(function), progress, remaining, growth)

    def _clock(self, t: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """-x and (1 - exp(-x)) / Delta at x = r Delta t."""
        t = np.minimum(np.asarray(t, float), _FOREVER)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # x may be inf; Delta = 0 is seen to below
            exponent = t * (-self.rate * self.gap)
            share = np.expm1(exponent) / -self.gap
        # there x has lost its digits, and the limit r t is exact
        short = exponent > -1e-200
        if short.any():
            share = np.where(short, np.minimum(t * self.rate, _FOREVER), share)
        return exponent, share

    def _at_saddles(self, state: FlowState, top, bottom, share) -> FlowState:
        """The state where P = 0 or Q = 0: there `top` or `bottom` is exp(-x), and may have underflowed."""
        up, down = self._factors
        stuck = (up == 0) | (down == 0)
        sums = np.where(up == 0, bottom, top)  # the one that lasts
        remaining = np.where(stuck, 1 / sums, state.remaining)
        progress = np.where(stuck, self.total * share * remaining, state.progress)
        # towards a saddle f decays to 0, which the general sum resolves only up to rounding of f(0)
        falling = stuck & (self.start * self.target < 0)
        faded = self.start * np.where(up == 0, top, bottom) / sums
        function = np.where(falling, faded, self.start * remaining + self.target * progress)
        return FlowState(function, progress, remaining, state.growth)

    def modes(self, growth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P y and Q / y; their difference is f and their sum is proportional to the tangent kernel."""
        rising, falling = _grown(np.sqrt(self.aligned), np.sqrt(self.opposed), growth)
        return rising**2, falling**2

    def limit(self) -> np.ndarray:
        r"""y at infinite time, the paper's :math:`\gamma_+` (Eq. 19); `inf` or 0 at a saddle, 1 if nothing moves."""
        top = np.where(self.target >= 0, self.gap + self.target, 2 * self.opposed)
        bottom = np.where(self.target >= 0, 2 * self.aligned, self.gap - self.target)
        ratio = np.divide(top, bottom, out=np.full_like(top, np.inf), where=bottom > 0)
        return np.where(self.total == 0, 1.0, ratio)

    def time_to(self, part: float) -> np.ndarray:
        """When the progress reaches `part` in (0, 1); `inf` where a saddle is in the way.

        Raises
        ------
        ValueError
            If `part` is not in (0, 1).
        """
        part = fraction("fraction", part)
        up, down = self._factors
        low, high = 2 * np.minimum(up, down), 2 * np.maximum(up, down)
        rest, gap = 1 - part, self.gap
        # z = expm1(r Delta t) / Delta solves rest AB z^2 + 2 half z - 4 part = 0
        half = 2 * (rest * self.total - part * gap)
        root = np.hypot(half, 2 * np.sqrt(rest * part) * np.sqrt(low) * np.sqrt(high))
        top = np.where(half >= 0, 4 * part, (root - half) / rest)
        bottom = np.where(half >= 0, root + half, low * high)
        with np.errstate(divide="ignore", invalid="ignore"):  # inf: never; the branch for gap = 0 is chosen after
            z = top / bottom
            elapsed = np.where(gap > 0, np.log1p(gap * z) / gap, z)
            return np.where(self.rate > 0, elapsed / self.rate, np.inf)


def is_moderate(flow: TwoFactorFlow) -> bool:
    """Whether the numbers of a flow, with parameters (d,), allow :class:`ModerateWeights`."""
    scales = np.abs([flow.target, flow.start, flow.aligned, flow.opposed])
    if not (scales < MODERATE).all() or not (flow.gap > 1 / MODERATE).all():
        return False
    shares = np.array(flow._factors) / flow.gap
    return bool(((shares > 1 / MODERATE) & (shares < MODERATE)).all())


class ModerateWeights:
    r"""Weights, products and residuals of a flow, by half of the passes through memory of :meth:`TwoFactorFlow.at`.

    With :math:`E = e^{-x}`, :math:`M = 1 - E` and :math:`A, B = (\Delta \pm S)/2\Delta + (Q, P)/\Delta` the sums
    :math:`E + MA` and :math:`E + MB` lie between 1 and A or B, so that nothing overflows or vanishes where all
    parameters are moderate.

    Parameters
    ----------
    flow : TwoFactorFlow
        For which :func:`is_moderate` holds.
    a0, b0 : (d,) arrays
        The weights that it was made of.
    most : int
        Times at once, for which there is room to compute in.
    """

    def __init__(self, flow: TwoFactorFlow, a0: ArrayLike, b0: ArrayLike, most: int):
        a0, b0 = np.asarray(a0), np.asarray(b0)
        self._spare = np.empty((4, most, *flow.target.shape))
        self._up, self._down = (factor / flow.gap for factor in flow._factors)
        self._rate, self._start, self._way = -flow.rate * flow.gap, flow.start, flow.target - flow.start
        self._late, self._early = flow.target * (self._up * self._down), flow.target * (flow.total / flow.gap)
        self._rising, self._falling = (a0 + b0) / 2, (a0 - b0) / 2

    def fill(self, t: np.ndarray, out: Sequence[np.ndarray]) -> np.ndarray:
        """Compute at times `t` >= 0, `inf` included, no more of them than there is room for.

        Parameters
        ----------
        t : (n, 1) array
        out : three (n, d) arrays
            Are given a, b and a b.

        Returns
        -------
        (n, d) array
            The residual S - a b, until the next call.
        """
        a, b, product = out
        decay, risen, top, bottom = (part[: len(t)] for part in self._spare)
        np.multiply(np.minimum(t, _FOREVER), self._rate, out=top)
        np.exp(top, out=decay)
        np.negative(np.expm1(top, out=risen), out=risen)
        np.multiply(risen, self._late, out=product)
        product += np.multiply(decay, self._early, out=top)
        product *= risen
        product += np.multiply(decay, self._start, out=top)
        np.multiply(risen, self._up, out=top)
        top += decay
        np.multiply(risen, self._down, out=bottom)
        bottom += decay
        scale = np.multiply(top, bottom, out=risen)
        np.divide(1, scale, out=scale)
        product *= scale
        decay *= scale
        np.sqrt(scale, out=scale)
        top *= scale
        top *= self._rising
        bottom *= scale
        bottom *= self._falling
        np.add(top, bottom, out=a)
        np.subtract(top, bottom, out=b)
        decay *= self._way
        return decay


def grown_weights(a0, b0, growth, out=(None, None)) -> tuple[np.ndarray, np.ndarray]:
    """The weights a and b once their sums have grown by `growth`, written to the two arrays `out` if given."""
    rising, falling = _grown(np.asarray(a0 + b0) / 2, np.asarray(a0 - b0) / 2, growth)
    first = np.add(rising, falling, out=out[0])
    spare = rising if isinstance(rising, np.ndarray) else None
    return first, np.subtract(rising, falling, out=spare if out[1] is None else out[1])


def _grown(rising: np.ndarray, falling: np.ndarray, growth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rising * growth and falling / growth; what is 0 stays 0 even if growth is infinite or 0."""
    if rising.all() and falling.all():
        return rising * growth, falling / growth
    return rising * np.where(rising == 0, 0.0, growth), falling / np.where(falling == 0, 1.0, growth)


def transition(t: ArrayLike, *, target: ArrayLike, initial: ArrayLike, imbalance: ArrayLike) -> np.ndarray:
    r"""The mode :math:`s = w_1 w_2` of a two-layer linear network with :math:`w_2^2 - w_1^2 = \lambda`, at time t.

    This is :math:`S_\lambda(t)` of Theorem G.2 (Eq. 69-70) of arXiv:2502.21009: the sigmoid of Saxe et al. at
    :math:`\lambda = 0`, and :math:`1 - e^{-|\lambda| t}` of the way from start to target for large :math:`|\lambda|`.

    Parameters
    ----------
    t : array
        Flow times >= 0, `inf` allowed, in any order.
    target, initial, imbalance : arrays
        The mode's target, its start s(0) and lambda, each of any sign.

    Returns
    -------
    array
        s(t), of the shape all four broadcast to.

    Raises
    ------
    ValueError
        If a time is negative or NaN, a parameter is not finite, or the shapes do not broadcast.

    Examples
    --------
    >>> transition([0, 2, np.inf], target=1.0, initial=0.01, imbalance=0.0).round(3).tolist()
    [0.01, 0.355, 1.0]
    """
    t = numeric("t", t)
    if not (t >= 0).all():
        raise ValueError(f"t must be >= 0 and not NaN, got {t[~(t >= 0)].flat[0]}")
    parts = finite("initial", initial), finite("imbalance", imbalance), finite("target", target)
    for name, part in zip(("initial", "imbalance", "target"), parts, strict=True):
        if np.abs(part).max() > _FOREVER:
            raise ValueError(f"{name} must be at most {_FOREVER:g} in size, got {np.abs(part).max():g}")
    try:
        np.broadcast(t, *parts)
    except ValueError:
        shapes = ", ".join(str(part.shape) for part in (t, *parts))
        raise ValueError(f"t, initial, imbalance and target must broadcast, got shapes {shapes}") from None
    return TwoFactorFlow.from_product(*np.broadcast_arrays(*parts)).at(t).function
