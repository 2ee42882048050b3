"""What a question asks of the runs it judges, said clearly where they lack it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

from toymodels.metrics.curves import DENSE
from toymodels.trajectory import Trajectory
from toymodels.validation import fraction

CHANCE = 5.0  # scatters of a curve that pure noise spans from its highest to its lowest record


def require_scores(runs: Sequence[Trajectory], *names: str) -> None:
    """Refuse runs without these quantities, of another shape than (n_t,), or with percentages for fractions.

    Parameters
    ----------
    runs : sequence of Trajectory
        At least one.
    *names : str
        Scores that are at most 1: accuracies, shares, coefficients of determination.

    Raises
    ------
    ValueError
        Naming quantity, constraint and value.
    """
    require_series(runs, *names)
    for run in runs:
        for name in names:
            if run[name].max() > 1 + 1e-6:
                hint = " (a percentage?)" if run[name].max() <= 100 else ""
                raise ValueError(f"{name} must be at most 1, a fraction, got {run[name].max():g}{hint}")


def require_shares(question: Any, *names: str) -> None:
    """Refuse a question of which one of these numbers is no share.

    Parameters
    ----------
    question : dataclass instance
    *names : str
        Fields in [0, 1]: levels of scores that are at most 1, and parts of a rise.

    Raises
    ------
    ValueError
        Naming field, constraint and value.
    """
    for name in names:
        fraction(name, getattr(question, name), closed=True)


def require_not_negative(runs: Sequence[Trajectory], *names: str) -> None:
    """Refuse runs in which one of these quantities falls below zero.

    Parameters
    ----------
    runs : sequence of Trajectory
    *names : str

    Raises
    ------
    ValueError
        Naming quantity, constraint and value.
    """
    for run in runs:
        for name in names:
            if run[name].min() < 0:
                raise ValueError(f"{name} must be >= 0, got {run[name].min():g}")


def require_series(runs: Sequence[Trajectory], *names: str) -> None:
    """Refuse runs without these quantities, or in which one is not a number a time.

    Parameters
    ----------
    runs : sequence of Trajectory
        At least one.
    *names : str
    """
    if isinstance(runs, Trajectory):
        raise ValueError("runs must be a list of Trajectories, got a single one")
    if not len(runs):
        raise ValueError("runs must hold at least one run, got none")
    for run in runs:
        if not isinstance(run, Trajectory):
            raise ValueError(f"runs must be Trajectories, got {type(run).__name__}")
        for name in names:
            if name not in run.data:
                raise ValueError(f"no quantity {name!r}; this run has {', '.join(sorted(run.data))}")
            if run[name].ndim != 1:
                raise ValueError(f"{name} must be one number a time, got shape {run[name].shape}")


def told(run: Trajectory, name: str, default: float) -> float:
    """A number that a run's `meta` says, the default where it says none.

    Parameters
    ----------
    run : Trajectory
    name : str
        Key of `meta`.
    default : float

    Raises
    ------
    ValueError
        If it is not a finite number.
    """
    value = run.meta.get(name)
    if value is None:
        return default
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"meta[{name!r}] must be a finite number, got {value!r}")
    return float(value)


def too_few(run: Trajectory) -> str:
    """Why a run has too few records to tell a change from noise; empty if it has enough."""
    return "" if len(run.t) >= DENSE else f"{len(run.t)} records are too few to tell a change from noise, {DENSE} do"


def commonest(flaws: Sequence[str]) -> str:
    """The commonest of the conditions that runs failed, one a run and empty where none, with how many failed it.

    Parameters
    ----------
    flaws : sequence of str
        At least one that is not empty.
    """
    named = [flaw for flaw in flaws if flaw]
    conditions = [re.sub(r"[-+.\de]*\d", "#", flaw) for flaw in named]  # whatever the numbers
    commonest = max(dict.fromkeys(conditions), key=conditions.count)
    worst = named[conditions.index(commonest)]
    return worst if len(flaws) == 1 else f"{worst} ({conditions.count(commonest)} of {len(flaws)} runs)"
