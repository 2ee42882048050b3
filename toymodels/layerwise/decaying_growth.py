r"""How far the sums and differences of weights have grown under decay: one quantity, five ways to evaluate it.

For a target S >= 0 the ratio y = A / B of :mod:`toymodels.layerwise.decay` is wanted at z anywhere between 0 and
infinity and at orders from -1/2 to infinity. Where :math:`\sqrt{\nu^2 + z^2} \ge 20` it comes from Debye's expansion;
below from Bessel functions, or, at times so short that they would cancel, from the Taylor series; and once z is below
1e-8 from exponentials, as for balanced weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from toymodels.layerwise.bessel import LARGE, Large, Ratios, moderate, phase_between

_SMALL = 1e-8  # z below which the flow is that of balanced weights, to rounding
_SHORT, _INSTANT = 2.5, 1e-3  # in the flow's own time: the Taylor series is summed in place of Bessel functions, of all
_FACTORIALS = np.cumprod(np.append(1.0, 1 / np.arange(1, 36)))  # 1 / k!


class Growth(NamedTuple):
    """The factors of all sums a + b and of all differences a - b.

    `surplus` is w - 1 for the ratio w = sqrt(P) rising / (sqrt(Q) falling), where it is known better than from w, and
    NaN elsewhere.
    """

    rising: np.ndarray
    falling: np.ndarray
    surplus: np.ndarray


class Entries(NamedTuple):
    """What is asked for: for each entry the flow, the time t, exp(-x) and 1 - exp(-2x) with x = 2 mu t."""

    index: np.ndarray
    t: np.ndarray
    faded: np.ndarray
    spent: np.ndarray

    @staticmethod
    def outer(t: np.ndarray, size: int, unit: float) -> Entries:
        """Every time for every one of `size` flows, time slow."""
        x = unit * t
        per_time = (np.repeat(part, size) for part in (t, np.exp(-x), -np.expm1(-2 * x)))
        return Entries(np.tile(np.arange(size), t.size), *per_time)

    @staticmethod
    def pairs(index: np.ndarray, t: np.ndarray, unit: float) -> Entries:
        """One time for each flow of `index`."""
        x = unit * t
        return Entries(index, t, np.exp(-x), -np.expm1(-2 * x))

    def where(self, chosen: np.ndarray) -> Entries:
        """Those of them."""
        return Entries(*(part[chosen] for part in self))


@dataclass(frozen=True, eq=False)
class DecayingGrowth:
    """Flows with targets >= 0; the arguments are (d,) arrays as in :class:`toymodels.layerwise.decay.DecayingFlow`.

    `unit` is 2 mu: rates that grow without bound relative to it, as the decay vanishes, are kept as they are.
    """

    aligned: np.ndarray
    opposed: np.ndarray
    start: np.ndarray
    target: np.ndarray
    rate: np.ndarray
    unit: float

    def at(self, entries: Entries) -> Growth:
        """Both factors for every entry."""
        unit, index = self.unit, entries.index
        start, n = self._z[index], self._n[index]
        z = start * entries.faded
        radius = np.hypot(n, z)
        own_time = self._pace[index] * entries.t
        ways = (
            (self._short, own_time < _INSTANT),
            (self._elementary, start < _SMALL * unit),
            (self._expanded, radius >= 3 * LARGE * unit),  # far fewer terms than
            (self._expanded, radius >= LARGE * unit),
            (self._short, own_time < np.where(self._pace < 1.2 * LARGE * unit, _SHORT, 0)[index]),
            (self._late, z < _SMALL * unit),
            (self._by_bessel, np.ones(z.size, bool)),
        )
        whole, left = np.empty((3, z.size)), np.ones(z.size, bool)
        for way, suited in ways:
            chosen = left & suited
            if chosen.all():
                return way(entries)
            if chosen.any():
                whole[:, chosen] = way(entries.where(chosen))
                left &= ~chosen
        return Growth(*whole)

    @cached_property
    def roots(self) -> tuple[np.ndarray, np.ndarray]:
        """sqrt(P) and sqrt(Q)."""
        return np.sqrt(self.aligned), np.sqrt(self.opposed)

    @cached_property
    def order(self) -> np.ndarray:
        """nu: half the rate at which a small f grows at last, in units."""
        return self._drive - self.unit / 2

    @cached_property
    def _drive(self) -> np.ndarray:
        return self.rate * self.target / 2

    @cached_property
    def _above(self) -> np.ndarray:
        return self._drive + self.unit / 2  # nu + 1

    @cached_property
    def _n(self) -> np.ndarray:
        return np.abs(self.order)

    @cached_property
    def _z(self) -> np.ndarray:
        return self.rate * self.roots[0] * self.roots[1]

    @cached_property
    def _up(self) -> np.ndarray:
        return self.rate * self.aligned

    @cached_property
    def _down(self) -> np.ndarray:
        return self.rate * self.opposed

    @cached_property
    def _pace(self) -> np.ndarray:
        """The rate of everything that is not slower than 20 units."""
        return np.maximum(np.hypot(self._n, self._z), LARGE * self.unit)

    def _elementary(self, entries: Entries) -> Growth:
        """As for balanced weights, but for what grows out of the smaller of P and Q."""
        index = entries.index
        return self._without_z(entries, self._up[index], self._down[index], self._z[index])

    def _without_z(self, entries: Entries, up, down, start) -> Growth:
        index, t, unit = entries.index, entries.t, self.unit
        n, above, negative = self._n[index], self._above[index], self.order[index] < 0
        own, other, two = (_passed(rate, t) for rate in (2 * n, 2 * above, 2 * unit))
        with np.errstate(all="ignore"):  # powers that leave the range of numbers where the other branch is taken
            gone, faded = np.exp(-2 * n * t), entries.faded**2
            # the part of second order in z, which a small P times a large Q still makes felt
            steep = np.where(2 * n > unit, (other - gone * two) / (2 * n), 0.0)
            flat = own * np.where(negative, two, other)
            flat = flat - (gone * two - np.where(negative, faded, gone * faded) * own) / (2 * above)
            second = np.where(negative | (2 * n <= unit), flat, steep)
            second = np.where(start > 0, start * (start * second), 0.0)
            root = np.sqrt((1 + down * other) / (np.where(negative, 1.0, gone) + up * own + second))
            rising = np.where(negative, np.exp(-n * t), 1.0) * root
            falling = np.where(negative, np.exp((n - unit) * t), entries.faded) / root
        return Growth(rising, falling, np.full(t.size, np.nan))

    def _late(self, entries: Entries) -> Growth:
        """Weights that decay has balanced: go on from where z has fallen below the limit."""
        flows, place = _flows(entries.index)
        z = _SMALL * self.unit
        reached = np.log(self._z[flows] / z) / self.unit
        first = self._by_bessel(Entries.pairs(flows, reached, self.unit))
        up, down = self._up[flows] * first.rising**2, self._down[flows] * first.falling**2
        rest = Entries.pairs(entries.index, np.maximum(entries.t - reached[place], 0), self.unit)
        then = self._without_z(rest, up[place], down[place], np.full(place.size, z))
        return Growth(first.rising[place] * then.rising, first.falling[place] * then.falling, then.surplus)

    def _short(self, entries: Entries) -> Growth:
        """Taylor series in time."""
        flows, place = _flows(entries.index)
        own_time, sums = self._pace[entries.index] * entries.t, np.zeros((4, place.size))
        # the first power may carry a large factor, so all others are judged beside it
        n_terms = 2 + int(np.argmax(own_time.max() ** np.arange(_FACTORIALS.size) * _FACTORIALS < 1e-18))
        for row in self._taylor(flows, n_terms)[::-1]:
            sums *= own_time
            sums += row[:, place]
        a, b, gap, total = sums
        root = np.sqrt(a / b)
        with np.errstate(divide="ignore", invalid="ignore"):
            return Growth(root, entries.faded / root, 2 * gap / (total - gap))

    def _taylor(self, flows: np.ndarray, n_terms: int) -> np.ndarray:
        """Coefficients (power, 4, flows) of A, of B, and of sqrt(P) rising -+ sqrt(Q) falling in a common measure."""
        parts = (self.order, self._drive, self._z, self._up, self._down, np.full_like(self._z, self.unit))
        order, drive, z, up, down, unit = (part[flows] / self._pace[flows] for part in parts)
        total = self.roots[0][flows] + self.roots[1][flows]
        series = np.zeros((n_terms, 4, flows.size))
        series[0, :2], series[0, 3] = 1, total
        series[0, 2] = np.divide(self.start[flows], total, out=np.zeros_like(total), where=total > 0)
        powers = _FACTORIALS[:n_terms, None] * (-unit) ** np.arange(n_terms)[:, None]  # of exp(-x)
        twice = powers * 2.0 ** np.arange(n_terms)[:, None]  # of exp(-2x)
        for k in range(n_terms - 1):
            a, b, gap, total = series[k]
            fading = np.einsum("kf,kf->f", twice[: k + 1], series[k::-1, 1])
            fading_gap, fading_total = np.einsum("kf,kif->if", powers[: k + 1], series[k::-1, 2:])
            series[k + 1, 0] = order * a + down * fading
            series[k + 1, 1] = up * a - order * b
            series[k + 1, 2] = drive * total - z * fading_gap
            series[k + 1, 3] = drive * gap + z * fading_total
            series[k + 1] /= k + 1
        return series

    def _expanded(self, entries: Entries) -> Growth:
        index, unit = entries.index, self.unit
        z = self._z[index] * entries.faded
        own, other = (Large(order[index], z, unit) for order in (self._n, self._above))
        phases = (
            phase_between(first.taken(index), last, entries.t, entries.spent)
            for first, last in zip(self._large, (own, other), strict=True)
        )
        return self._joined(entries, z, own.ratios(self._drive[index]), *phases)

    def _by_bessel(self, entries: Entries) -> Growth:
        index = entries.index
        z = self._z[index] * entries.faded
        last, *logs = moderate(self._drive[index], z, self.unit)
        phases = (start[index] - log for start, log in zip(self._first[1:], logs, strict=True))
        return self._joined(entries, z, last, *phases)

    def _joined(self, entries: Entries, z, last: Ratios, phase, next_phase) -> Growth:
        """The two solutions joined to the start, over their common growth."""
        index = entries.index
        first, up, left = Ratios(*(part[index] for part in self._first[0])), self._up[index], np.exp(-phase)
        grown = last.growing * (1 - self._down[index] * first.neighbour * np.expm1(-next_phase))
        bottom = first.shrinking + first.growing * left - up * np.expm1(-phase)
        root = np.sqrt((grown + last.shrinking * left) / bottom)
        offset = self._offset[index] - first.excess
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # far from w = 1, or z = 0
            surplus = last.excess * (up + first.shrinking) + left * (z + last.shrinking) * offset
            surplus = surplus / (z * bottom)
        return Growth(root, entries.faded / root, surplus)

    @cached_property
    def _offset(self) -> np.ndarray:
        """r sqrt(P) (sqrt(P) - sqrt(Q)) without cancellation."""
        p, q = self.roots
        return self.rate * p * np.divide(self.start, p + q, out=np.zeros_like(p), where=p + q > 0)

    @cached_property
    def _large(self) -> tuple[Large, Large]:
        """The expansions at t = 0 of both orders, where they hold."""
        z = np.where(self._expandable, self._z, LARGE * self.unit)
        return Large(self._n, z, self.unit), Large(self._above, z, self.unit)

    @cached_property
    def _expandable(self) -> np.ndarray:
        return (np.hypot(self._n, self._z) >= LARGE * self.unit) & (self._z >= _SMALL * self.unit)

    @cached_property
    def _first(self) -> tuple[Ratios, np.ndarray, np.ndarray]:
        """Ratios and, for both orders, ln (I / K) at t = 0, NaN where z is too small."""
        ratios, logs = np.full((4, self._z.size), np.nan), np.full((2, self._z.size), np.nan)
        expandable = self._expandable
        ratios[:, expandable] = np.array(self._large[0].ratios(self._drive))[:, expandable]
        for log, large in zip(logs, self._large, strict=True):
            log[expandable] = large.log_ratio()[expandable]
        inner = ~expandable & (self._z >= _SMALL * self.unit)
        ratios[:, inner], *logs[:, inner] = moderate(self._drive[inner], self._z[inner], self.unit)
        return Ratios(*ratios), logs[0], logs[1]


def _passed(rate: np.ndarray | float, t: np.ndarray) -> np.ndarray:
    """The integral of exp(-rate t): (1 - exp(-rate t)) / rate, and t at rate 0."""
    rate = np.broadcast_to(rate, t.shape)
    with np.errstate(over="ignore"):
        return np.divide(-np.expm1(-rate * t), rate, out=t.copy(), where=rate > 0)


def _flows(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The flows that occur in `index`, and the place of each entry among them."""
    occurs = np.bincount(index) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[index]
