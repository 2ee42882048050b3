"""Order parameters of different theories on one scale: the share of their own change since the lazy plateau."""

from __future__ import annotations

import numpy as np

from toymodels.metrics.grokking import crossing_time
from toymodels.trajectory import Trajectory


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

    Quantities that end where the plateau was (within 1e-12 of their scale) have no change to share and are left out.
    """
    start = int(np.searchsorted(run.t, plateau_time(t_train, t_test)))
    start = min(start, len(run.t) - 1)
    shares = {}
    for name in names:
        values = np.asarray(run[name], dtype=float)
        span = values[-1] - values[start]
        if abs(span) <= 1e-12 * np.abs(values).max():
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


def leads(run: Trajectory, names: list[str], t_train: float, t_test: float) -> dict[str, float]:
    """Decades by which each quantity is half-way before (negative) or after (positive) the test score is."""
    times = half_times(run, changes(run, ["test", *names], t_train, t_test))
    return {name: float(np.log10(time / times["test"])) for name, time in times.items() if name != "test"}
