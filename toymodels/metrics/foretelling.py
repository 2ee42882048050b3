r"""Which value of a quantity foretells an event, over an ensemble of runs, and by how many decades.

A quantity foretells the jump of a test score if there is one value `c` of it such that every run passes `c` the same
number of decades before its own jump, though the jumps lie far apart in time. With :math:`t_i(c)` the first time after
the training fit at which run i passes `c`, rising or falling, and
:math:`\ell_i(c)=\log_{10}(t_i^\mathrm{test}/t_i(c))`,

.. math:: L(c) = \mathrm{median}_i\, \ell_i(c), \qquad S(c) = \mathrm{std}_i\, \ell_i(c) \quad (n - 1),

are the *lead* and the *spread* of `c`. Only a value that every run passes has any. The one with the largest lead among
those of small spread is chosen on one half of the runs and confirmed on the other; of values whose leads are alike, the
one that is passed last, since the earliest lies at the edge of the noise before it, where the next run fails. The
spread is a standard deviation, not a robust one: a value that fails in one run of ten is no critical value.

Only the order of values enters, so nothing changes when the quantity is replaced by a strictly monotone function of it:
values are compared with observed values alone, and a passage lies midway, in log time, between the records around it.
What lies far from any jump counts for little by itself: hold a lead against that of the test score's own values and of
the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import array_of, finite, positive, positive_int, times

DIRECTIONS = ("rising", "falling")
MOST_SPREAD = 0.05  # decades, of the half on which a value is chosen
LEEWAY = 1.5  # on the held-out half: of ten runs a standard deviation is known to a quarter, and this allows two
ALIKE = 0.5  # leads that differ by less than this part of the spread allowed are alike
FEWEST = 3  # runs of a half


@dataclass(frozen=True)
class Foretelling:
    """The value of a quantity that foretells an event earliest, or none: then `value` and all leads are NaN.

    Parameters
    ----------
    value : float
        The critical value, in the quantity's units.
    direction : str
        "rising" or "falling" through it; empty where no value was chosen.
    lead, spread : float
        Decades, of the half on which the value was chosen.
    held_out_lead, held_out_spread : float
        Decades, of the other half.
    is_confirmed : bool
        Whether the spread of the other half is small as well.

    Examples
    --------
    >>> Foretelling().is_confirmed
    False
    """

    value: float = float("nan")
    direction: str = ""
    lead: float = float("nan")
    spread: float = float("nan")
    held_out_lead: float = float("nan")
    held_out_spread: float = float("nan")
    is_confirmed: bool = False


@dataclass(frozen=True, eq=False)
class Passages:
    """When each run passes each value of a quantity, in decades before its event.

    Parameters
    ----------
    values : (m,) array
        Every value that some run takes after its fit, increasing.
    rising, falling : (n, m) arrays
        Decades from the first passage after the fit to the event, positive when the passage is first; NaN where the run
        does not pass the value in that direction.
    """

    values: np.ndarray = field(repr=False)
    rising: np.ndarray = field(repr=False)
    falling: np.ndarray = field(repr=False)

    def foretell(self, chosen_on: ArrayLike, most_spread: float = MOST_SPREAD, leeway: float = LEEWAY) -> Foretelling:
        """The value that leads most on one half of the runs with a small spread, with its lead on the other half.

        Parameters
        ----------
        chosen_on : (n,) bool array
            The runs on which the value is chosen; the others are held out. At least three of each.
        most_spread : float
            Decades > 0; of the runs it is chosen on.
        leeway : float
            > 0; the held-out spread may be so many times `most_spread`.

        Returns
        -------
        Foretelling

        Raises
        ------
        ValueError
            If a half is too small, or a number is not positive.
        """
        chosen = _half(chosen_on, len(self.rising))
        most_spread, leeway = float(positive("most_spread", most_spread)), float(positive("leeway", leeway))
        # in the order in which each direction passes them, so that ties fall alike when the quantity is negated
        tables = {"rising": (self.values, self.rising), "falling": (self.values[::-1], self.falling[:, ::-1])}
        answers = {}
        for direction, (values, leads) in tables.items():
            passed = ~np.isnan(leads).any(axis=0)
            values, leads = values[passed], leads[:, passed]
            k = _earliest(leads[chosen], most_spread)
            if k is not None:
                lead, spread = _summary(leads[chosen, k])
                order = (lead, -spread, tuple(leads[chosen, k]))  # no two directions pass at all the same times
                answers[order] = (float(values[k]), direction, lead, spread, *_summary(leads[~chosen, k]))
        if not answers:
            return Foretelling()
        numbers = answers[max(answers)]
        return Foretelling(*numbers, is_confirmed=numbers[-1] <= leeway * most_spread)


def foretell(
    t: Sequence[ArrayLike],
    values: Sequence[ArrayLike],
    t_fit: ArrayLike,
    t_event: ArrayLike,
    chosen_on: ArrayLike,
    *,
    most_spread: float = MOST_SPREAD,
    leeway: float = LEEWAY,
) -> Foretelling:
    """The value of a quantity that foretells an event earliest: chosen on one half of the runs, held out on the other.

    Parameters
    ----------
    t : sequence of (n_t,) arrays
        Increasing finite times >= 0 of each run; runs may have records of their own, and units of their own.
    values : sequence of (n_t,) arrays
        The quantity in each run, finite.
    t_fit, t_event : (n,) arrays
        When each run has fitted its training set and when its event comes, finite, 0 <= `t_fit` < `t_event`.
    chosen_on : (n,) bool array
        The runs on which the value is chosen; the others are held out. At least three of each.
    most_spread : float
        Decades > 0: the largest standard deviation of the leads of the runs on which the value is chosen.
    leeway : float
        > 0; the held-out spread may be so many times `most_spread`.

    Returns
    -------
    Foretelling
        Invariant under a strictly monotone change of the quantity, but for `value`, and for `direction` where it falls,
        and under a change of the unit of time.

    Raises
    ------
    ValueError
        If arrays do not agree in length, times are not increasing, finite and >= 0, `t_fit` is not in [0, `t_event`), a
        value is not finite, or a half has fewer than three runs.

    Examples
    --------
    Six runs, whose events come at 100, 200, ... 600, pass 1 a decade before: between the records around it.

    >>> event = 100 * np.arange(1, 7)
    >>> t = [time * np.array([1e-3, 1e-2, 0.05, 0.2, 1]) for time in event]
    >>> q = [[0, 0, 0, 1, 1]] * 6
    >>> answer = foretell(t, q, event / 100, event, np.arange(6) < 3)
    >>> answer.value, answer.direction, round(answer.held_out_lead, 6), answer.is_confirmed
    (1.0, 'rising', 1.0, True)
    """
    return passages(t, values, t_fit, t_event).foretell(chosen_on, most_spread, leeway)


def passages(t: Sequence[ArrayLike], values: Sequence[ArrayLike], t_fit: ArrayLike, t_event: ArrayLike) -> Passages:
    """When each run passes each value of a quantity; several halvings of the same runs share it.

    A run passes `c` rising between a record below `c` and the next one at or above it, falling the other way round; the
    first such pair of records after the fit counts, and its time is their geometric mean (the later of the two, where
    the earlier one is at 0).

    Parameters
    ----------
    t, values, t_fit, t_event
        As in :func:`foretell`.

    Returns
    -------
    Passages

    Raises
    ------
    ValueError
        As :func:`foretell`.

    Examples
    --------
    >>> once = passages([[1, 10, 100, 1000]], [[5, 0, 2, 0]], [1], [1000])
    >>> once.values.tolist(), once.rising.round(6).tolist(), once.falling.round(6).tolist()
    ([0.0, 2.0, 5.0], [[nan, 1.5, nan]], [[2.5, 2.5, nan]])
    """
    curves = _curves(t, values)
    fits, events = (finite(name, array, ndim=1) for name, array in (("t_fit", t_fit), ("t_event", t_event)))
    for name, array in (("t_fit", fits), ("t_event", events)):
        if len(array) != len(curves):
            raise ValueError(f"{name} must have one time per run, got {len(array)} for {len(curves)} runs")
    if not ((fits >= 0) & (fits < events)).all():
        k = int(np.argmin((fits >= 0) & (fits < events)))
        raise ValueError(f"t_fit must be in [0, t_event), got {fits[k]:g} and t_event {events[k]:g} in run {k}")
    late = [
        (times[(start := np.searchsorted(times, fit)) :], q[start:])
        for (times, q), fit in zip(curves, fits, strict=True)
    ]
    observed = np.unique(np.concatenate([q for _, q in late]))
    tables = np.full((len(DIRECTIONS), len(late), len(observed)), np.nan)
    for run, ((time, q), event) in enumerate(zip(late, events, strict=True)):
        if len(time) < 2:
            continue
        before = np.where(time[:-1] > 0, time[:-1], time[1:])
        leads = np.log10(event) - (np.log10(before) + np.log10(time[1:])) / 2
        rank = np.searchsorted(observed, q)
        for k in range(len(leads))[::-1]:  # from the last: the first passage of a value is written last
            low, high = rank[k], rank[k + 1]
            if high > low:
                tables[0, run, low + 1 : high + 1] = leads[k]
            else:
                tables[1, run, high:low] = leads[k]
    return Passages(observed, *tables)


def halvings(n_runs: int, n_halvings: int, rng: np.random.Generator) -> np.ndarray:
    """Random halves of an ensemble; of an odd number of runs the smaller part is that on which values are chosen.

    Parameters
    ----------
    n_runs : int
        At least six: three a half.
    n_halvings : int
        How many, >= 1.
    rng : numpy Generator

    Returns
    -------
    (n_halvings, n_runs) bool array

    Raises
    ------
    ValueError
        For fewer runs or no halving.

    Examples
    --------
    >>> halvings(7, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [3, 3]
    """
    n_runs, n_halvings = positive_int("n_runs", n_runs, minimum=2 * FEWEST), positive_int("n_halvings", n_halvings)
    return rng.permuted(np.tile(np.arange(n_runs) < n_runs // 2, (n_halvings, 1)), axis=1)


def _curves(t: Sequence[ArrayLike], values: Sequence[ArrayLike]) -> list[tuple[np.ndarray, np.ndarray]]:
    if len(t) == 0 or len(t) != len(values):
        raise ValueError(f"values must hold one curve per run and at least one, got {len(values)} for {len(t)} runs")
    curves = []
    for run, (time, curve) in enumerate(zip(t, values, strict=True)):
        time, curve = finite("t", times(time)), finite("values", curve, ndim=1)
        if time.shape != curve.shape:
            raise ValueError(f"values must have one value per time, got {len(curve)} for {len(time)} in run {run}")
        curves.append((time, curve))
    return curves


def _half(chosen_on: ArrayLike, n_runs: int) -> np.ndarray:
    chosen = array_of("chosen_on", chosen_on)
    if chosen.dtype != bool or chosen.shape != (n_runs,):
        raise ValueError(f"chosen_on must be {n_runs} bools, one per run, got {chosen.dtype} of shape {chosen.shape}")
    fewest = min(chosen.sum(), n_runs - chosen.sum())
    if fewest < FEWEST:
        raise ValueError(f"chosen_on must leave at least {FEWEST} runs in either half, got {fewest}")
    return chosen


def _earliest(leads: np.ndarray, most_spread: float) -> int | None:
    """Of the columns that hardly spread and lead by about as much as any of them, the last."""
    spread = leads.std(axis=0, ddof=1)
    narrow = np.flatnonzero(spread <= most_spread)
    if not narrow.size:
        return None
    lead = np.median(leads[:, narrow], axis=0)
    alike = narrow[lead >= lead.max() - ALIKE * most_spread]
    return int(alike[-1])


def _summary(leads: np.ndarray) -> tuple[float, float]:
    return float(np.median(leads)), float(leads.std(ddof=1))
