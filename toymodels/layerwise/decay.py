r"""The master solution with weight decay: Bessel functions in place of exponentials.

For :math:`f = \frac1Z \sum_i a_i b_i` under :math:`\dot a_i = \frac r2 b_i (S - f) - \mu a_i` and
:math:`\dot b_i = \frac r2 a_i (S - f) - \mu b_i` all sums a + b still share one factor :math:`\sqrt y`, and all
differences a - b the factor :math:`e^{-2\mu t} / \sqrt y`, so

.. math:: f = P y - Q e^{-4\mu t} / y, \qquad \dot y = r (S y - P y^2 + Q e^{-4\mu t}) - 2\mu y, \qquad y(0) = 1,

with P and Q as in :mod:`toymodels.layerwise.riccati`. In :math:`x = 2\mu t`, with :math:`z = z_0 e^{-x}` and
:math:`z_0 = r \sqrt{PQ} / 2\mu`, y is the ratio A / B of two solutions of the linear equations

.. math:: A' = \nu A + (rQ/2\mu) e^{-2x} B, \quad B' = -\nu B + (rP/2\mu) A, \quad \nu = (rS - 2\mu) / 4\mu,

and B obeys Bessel's modified equation :math:`B'' = (\nu^2 + z^2) B`. Written in ratios of neighbouring orders and in
the phases of :mod:`toymodels.layerwise.bessel` both are sums of non-negative terms. A negative target is turned into a
positive one by exchanging the sums and the differences.

What the decay does: every imbalance :math:`a_i^2 - b_i^2` dies as :math:`e^{-2\mu t}`, so that a lazy start becomes
rich at a time of order :math:`1/\mu`, and f ends at S shrunk by :math:`2\mu/r`, or at 0 where nothing is left of it.
On the way it may rise above that end, since a large imbalance holds it near S. The structure without decay is Theorem
I.1 of Nam et al. (2025), arXiv:2502.21009; the decaying form is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from toymodels.layerwise.decaying_growth import DecayingGrowth, Entries, Growth
from toymodels.validation import fraction

_FOREVER = 1e280  # stands for t = inf

NEGLIGIBLE = 1e-150  # weight decay below it counts as none: its square is no number


class DecayState(NamedTuple):
    """The flow at given times; `rising` and `falling` are the factors of all sums a + b and differences a - b."""

    function: np.ndarray
    rising: np.ndarray
    falling: np.ndarray


@dataclass(frozen=True, eq=False)
class DecayingFlow:
    r"""The decaying flow of f = P y - Q exp(-4 mu t) / y, one for each entry of the arrays.

    Parameters
    ----------
    aligned, opposed : (d,) arrays
        P and Q, both >= 0.
    start : (d,) array
        f(0) = P - Q, given apart since the difference cancels.
    target : (d,) array
        S, of any sign.
    rate : (d,) array
        r >= 0, twice the input variance over the normaliser.
    decay : float
        mu > 0.
    """

    aligned: np.ndarray
    opposed: np.ndarray
    start: np.ndarray
    target: np.ndarray
    rate: np.ndarray
    decay: float

    def at(self, t: np.ndarray) -> DecayState:
        """The state at times `t` (n_t,) >= 0, `inf` included: three arrays (n_t, d)."""
        size = self.target.size
        state = self._at(Entries.outer(np.minimum(t, _FOREVER), size, 2 * self.decay))
        return DecayState(*(part.reshape(t.size, size) for part in state))

    def limit(self) -> np.ndarray:
        """f at infinite time."""
        growth = self._turned
        with np.errstate(divide="ignore", invalid="ignore"):
            end = np.where((growth.order > 0) & (growth.aligned > 0), 2 * growth.order / self.rate, 0.0)
        return np.copysign(end, self.target)

    def time_to(self, part: float) -> np.ndarray:
        """When f is first `part` of the way from f(0) to S, (d,); `inf` where it never is.

        Raises
        ------
        ValueError
            If `part` is not in (0, 1).
        """
        part = fraction("fraction", part)
        level = np.abs(self.target) * part + self._turned.start * (1 - part)
        early, late = np.full(level.size, -700.0), np.full(level.size, np.log(_FOREVER))
        for _ in range(64):
            middle = (early + late) / 2
            before, _ = self._approach(np.exp(middle), level)
            early, late = np.where(before, middle, early), np.where(before, late, middle)
        passage = np.exp(late)
        _, there = self._approach(passage, level)
        passage = np.where(there, passage, np.inf)
        return np.where(self.start == self.target, 0.0, passage)

    def _approach(self, t: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r"""Whether at time `t` (d,) f is still on its first way to `level` between f(0) and S, and whether it is there.

        For S >= 0, f' has the sign of r (S - f) - 2 mu f / (P y + Q exp(-4 mu t) / y). Below S it changes that sign
        at most once, from rising to falling, and above S f only falls: so the first way is one stretch of time.
        """
        growth = self._turned
        index = np.arange(level.size)
        sums, differences, function = self._modes(index, growth.at(Entries.pairs(index, t, growth.unit)))
        share = np.divide(function, sums + differences, out=np.ones_like(sums), where=sums + differences > 0)
        pull, drag = growth.rate * (growth.target - function), growth.unit * share
        # at the end of a fall to the rest the two differ by rounding only
        rising = pull - drag > 1e-12 * (growth.rate * (growth.target + np.abs(function)) + growth.unit)
        upwards = growth.start < growth.target
        there = np.where(upwards, function >= level, function <= level)
        return ~there & (rising | ~upwards), there

    @cached_property
    def _turned(self) -> DecayingGrowth:
        """The flow with sums and differences exchanged where the target is negative."""
        turned = self.target < 0
        return DecayingGrowth(
            np.where(turned, self.opposed, self.aligned),
            np.where(turned, self.aligned, self.opposed),
            np.where(turned, -self.start, self.start),
            np.abs(self.target),
            self.rate,
            2 * self.decay,
        )

    def _at(self, entries: Entries) -> DecayState:
        growth, turned = self._turned.at(entries), (self.target < 0)[entries.index]
        rising = np.where(turned, growth.falling, growth.rising)
        falling = np.where(turned, growth.rising, growth.falling)
        *_, function = self._modes(entries.index, growth)
        return DecayState(np.where(turned, -function, function), rising, falling)

    def _modes(self, index: np.ndarray, growth: Growth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """P y, Q exp(-4 mu t) / y and their difference f, from the surplus where the two nearly cancel."""
        sums, differences = (
            grown(root[index], factor) for root, factor in zip(self._turned.roots, growth[:2], strict=True)
        )
        surplus = growth.surplus
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            close = sums * differences * (surplus * (2 + surplus) / (1 + surplus))
            function = np.where(np.abs(surplus) < 0.5, close, (sums - differences) * (sums + differences))
        return sums**2, differences**2, function


def grown(start: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """start * factor; what is 0 stays 0 even if the factor is infinite."""
    return start * np.where(start == 0, 0.0, factor)


def decayed_weights(a0, b0, state: DecayState) -> tuple[np.ndarray, np.ndarray]:
    """The weights a and b in `state`."""
    sums, differences = grown((a0 + b0) / 2, state.rising), grown((a0 - b0) / 2, state.falling)
    return sums + differences, sums - differences
