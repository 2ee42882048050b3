"""Order parameters of different theories on one scale: the share of their own change since the lazy plateau."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from toymodels.metrics.grokking import crossing_time
from toymodels.trajectory import Trajectory

MOVES = 4.0  # see changes()


def plateau_time(t_train: float, t_test: float) -> float:
    """Where to read the baseline: after the fit has settled and before generalisation.

    It is t_train * min(30, sqrt(t_test / t_train)); at the fit itself the fit's tail would count as an early onset.
    """
    if not 0 < t_train < np.inf or not t_train < t_test:
        raise ValueError(f"need 0 < t_train < t_test, got {t_train} and {t_test}")
    ratio = t_test / t_train if np.isfinite(t_test) else np.inf
    return t_train * min(30.0, np.sqrt(ratio))


def changes(run: Trajectory, names: list[str], t_train: float, t_test: float) -> dict[str, np.ndarray]:
    """Each named quantity as (value - plateau) / (end - plateau), from the plateau on; NaN before it.

    A quantity that hardly moves is left out: its whole change must be MOVES times the typical (median) jump between two
    records, else its half-way time would be that of noise. One that comes back is not: its half-way time is the first.
    """
    start = min(int(np.searchsorted(run.t, plateau_time(t_train, t_test))), len(run.t) - 2)
    shares = {}
    for name in names:
        values = np.asarray(run[name], dtype=float)
        span = values[-1] - values[start]
        if abs(span) <= max(MOVES * np.median(np.abs(np.diff(values[start:]))), 1e-12 * np.abs(values).max()):
            continue
        share = np.full(len(values), np.nan)
        share[start:] = (values[start:] - values[start]) / span
        shares[name] = share
    return shares


def half_times(run: Trajectory, shares: dict[str, np.ndarray]) -> dict[str, float]:
    """When each share first reaches one half, log-interpolated between records."""
    times = {}
    for name, share in shares.items():
        seen = np.isfinite(share)
        times[name] = crossing_time(run.t[seen], share[seen], 0.5)
    return times


def left_out(names: Sequence[str], leads: Sequence[Mapping[str, float]]) -> list[str]:
    """Those of `names` that did not move in some replicate, and so have no lead or lag."""
    kept = common(leads)
    return [name for name in names if name not in kept]


def comes_back(run: Trajectory, names: list[str], t_train: float, t_test: float) -> list[str]:
    """Those of `names` that pass one half more than once, so that the first time is not the whole story."""
    shares = changes(run, names, t_train, t_test)
    above = {name: share[np.isfinite(share)] >= 0.5 for name, share in shares.items()}
    return [name for name, high in above.items() if np.count_nonzero(high[1:] != high[:-1]) > 1]


def common(leads: Sequence[Mapping[str, float]]) -> list[str]:
    """Names that every replicate has, in the order of the first; the others did not move in some replicate."""
    return [name for name in leads[0] if all(name in run for run in leads)]


def leads(run: Trajectory, names: list[str], t_train: float, t_test: float) -> dict[str, float]:
    """Decades by which each quantity is half-way before (negative) or after (positive) the test score is."""
    times = half_times(run, changes(run, ["test", *names], t_train, t_test))
    if "test" not in times:
        raise ValueError("the test score must move after the plateau, but its change is that of its fluctuations")
    return {name: float(np.log10(time / times["test"])) for name, time in times.items() if name != "test"}
