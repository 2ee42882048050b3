"""What is asked and how it is judged: by how many decades a critical value foretells the jump of the test score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from comparisons.grokking.question import crossings
from comparisons.harness.checks import require_scores, require_series, require_shares
from comparisons.harness.verdict import Verdict
from toymodels.metrics.foretelling import Foretelling, halvings, passages
from toymodels.trajectory import Trajectory

UNSPECIFIC = ("weight_norm",)  # decay lowers it whether or not anything generalises
TEST, CLOCK = "test score", "clock"
NULLS = (TEST, CLOCK)
NOTHING = "nothing foretells it better than the test score"
SEED = 0  # of the halvings, the same for every quantity


@dataclass(frozen=True)
class Question:
    """Levels, thresholds and conditions, fixed beforehand.

    Parameters
    ----------
    train_level, full_level : float
        What training and test score must reach, where a run's `meta` says nothing else.
    most_spread : float
        Largest standard deviation of the leads of a critical value over the runs on which it is chosen, in decades.
    leeway : float
        The held-out runs may spread so many times as much.
    halvings : int
        Random halves of the ensemble on which values are chosen, the others being held out.
    fewest_runs : int
        An ensemble of fewer cannot tell.
    resolution : float
        Share of its range by which a quantity must change to be seen: of a smooth curve any value, however close to
        the start, would foretell the jump. A lead must stand on the recorded values and on those so rounded.
    absent_below, shown_from : float
        Decades beyond the test score and the clock.
    """

    train_level: float = 0.95
    full_level: float = 0.95
    most_spread: float = 0.05
    leeway: float = 1.5
    halvings: int = 20
    fewest_runs: int = 8
    resolution: float = 0.05
    absent_below: float = 0.05
    shown_from: float = 0.1

    def __post_init__(self):
        require_shares(self, "train_level", "full_level")


@dataclass(frozen=True, eq=False)
class Lead:
    """What one quantity foretells, one number a halving, from held-out runs; NaN where nothing was confirmed.

    Parameters
    ----------
    leads, spreads : (halvings,) arrays
        Decades.
    null : (halvings,) array
        What the test score or the clock foretells in the same halving, the larger of the two, confirmed or not; >= 0.
    """

    leads: np.ndarray
    spreads: np.ndarray
    null: np.ndarray

    @property
    def beyond(self) -> np.ndarray:
        """The lead beyond the null, in decades."""
        return self.leads - self.null

    @property
    def is_critical(self) -> bool:
        """Whether a value was confirmed in at least half of the halvings."""
        return bool(np.isfinite(self.leads).mean() >= 0.5)

    @property
    def medians(self) -> tuple[float, float, float]:
        """Lead, spread and what lies beyond the nulls, over the halvings with a confirmed value."""
        return tuple(float(np.nanmedian(numbers)) for numbers in (self.leads, self.spreads, self.beyond))  # pyright: ignore[reportReturnType]

    @property
    def scores(self) -> np.ndarray:
        """Decades beyond the nulls, 0 where nothing was confirmed."""
        return np.nan_to_num(self.beyond, nan=0.0)


def flaw(runs: Sequence[Trajectory], asked: Any) -> str:
    """Why these runs cannot answer; empty if they can."""
    if len(runs) < asked.fewest_runs:
        return f"an ensemble of {len(runs)} run{'s' * (len(runs) > 1)} cannot tell"
    times = np.array([crossings(run, asked) for run in runs])
    early = int((~((times[:, 0] < times[:, 1]) & np.isfinite(times[:, 1]))).sum())
    return f"no delay to look into in {early} of {len(runs)} runs" if early else ""


def foretellings(runs: Sequence[Trajectory], asked: Any) -> dict[str, Lead]:
    """What every quantity, the test score and the clock foretell; of runs without a flaw."""
    names = ("train_level", "full_level", "most_spread", "leeway", "halvings", "resolution")
    return _foretellings(tuple(runs), Question(**{name: getattr(asked, name) for name in names}))


@lru_cache(maxsize=8)
def _foretellings(runs: tuple[Trajectory, ...], asked: Question) -> dict[str, Lead]:
    t = [run.t for run in runs]
    fits, events = np.array([crossings(run, asked) for run in runs]).T
    halves = halvings(len(runs), asked.halvings, np.random.default_rng(SEED))

    def answers(curves: Sequence[np.ndarray]) -> list[tuple[Foretelling, Foretelling]]:
        """On the values as they are, and as seen; one pair a halving."""
        tables = [passages(t, q, fits, events) for q in (curves, _seen(t, curves, fits, asked.resolution))]
        return [tuple(table.foretell(half, asked.most_spread, asked.leeway) for table in tables) for half in halves]  # pyright: ignore[reportReturnType]

    rows = {TEST: answers([run["test"] for run in runs]), CLOCK: answers(t)}
    # an unconfirmed lead of a null counts against the quantities, and the level itself leads by nothing
    nulls = np.array([[one.held_out_lead for one in pair] for name in NULLS for pair in rows[name]])
    null = np.fmax(0, np.fmax.reduce(nulls.reshape(len(NULLS), len(halves), 2), axis=(0, 2)))
    rows = {name: answers([run[name] for run in runs]) for name in common(runs)} | rows
    table = {}
    for name, row in rows.items():
        confirmed = np.array([one.is_confirmed and other.is_confirmed for one, other in row])
        smaller = [min(pair, key=lambda one: np.nan_to_num(one.held_out_lead, nan=np.inf)) for pair in row]
        lead, spread = (
            np.where(confirmed, numbers, np.nan)
            for numbers in np.array([(one.held_out_lead, one.held_out_spread) for one in smaller]).T
        )
        table[name] = Lead(lead, spread, null)
    return table


def _seen(t: Sequence[np.ndarray], curves: Sequence[np.ndarray], fits: np.ndarray, resolution: float) -> list:
    """Every curve rounded to `resolution` of the range that the quantity has after the fit in all runs."""
    late = np.concatenate([q[time >= fit] for time, q, fit in zip(t, curves, fits, strict=True)])
    low, step = late.min(), resolution * np.ptp(late)
    return [np.round((q - low) / step) if step > 0 else q for q in curves]


def common(runs: Sequence[Trajectory]) -> list[str]:
    """Order parameters that every run has."""
    return [name for name in runs[0].meta["order"] if all(name in run.meta["order"] for run in runs)]


def best(table: dict[str, Lead], aside: Sequence[str] = UNSPECIFIC) -> str | None:
    """The quantity, none of those `aside`, whose critical value leads most beyond the nulls; None where none does."""
    critical = [name for name, row in table.items() if row.is_critical and name not in (*NULLS, *aside)]
    ahead = [name for name in critical if np.median(table[name].scores) > 0]
    return max(ahead, key=lambda name: np.median(table[name].scores), default=None)


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Decades by which the best quantity's critical value foretells the jump beyond the test score and the clock."""
    require_scores(runs, "train", "test")
    return judge_ensemble(runs, asked)


def judge_ensemble(
    runs: Sequence[Trajectory], asked: Any, aside: Sequence[str] = UNSPECIFIC, nothing: str = NOTHING
) -> Verdict:
    """The verdict of runs whose `test` may be any score, with the quantities `aside` left out of it."""
    require_series(runs, "train", "test", *common(runs))
    why = flaw(runs, asked)
    if why:
        return Verdict.unclear(why)
    table = foretellings(runs, asked)
    name = best(table, aside)
    scores = [0.0] * asked.halvings if name is None else table[name].scores.tolist()
    verdict = Verdict.from_scores(scores, asked.absent_below, asked.shown_from, note=f"best: {name}")
    if verdict.outcome != "absent":
        return verdict
    return Verdict.from_scores(scores, asked.absent_below, asked.shown_from, note=nothing)


def details(result: Any) -> str:
    """Lead, spread and what lies beyond the nulls of every quantity of every ensemble."""
    lines = ["decades before the jump, held-out medians over halvings: lead, spread, beyond test score and clock:"]
    for row, runs in result.runs.items():
        if not runs or flaw(runs, result.question):
            continue
        table = foretellings(runs, result.question)
        events = [crossings(run, result.question)[1] for run in runs]
        lines.append(f"  {row}: {len(runs)} runs, jumps {np.log10(max(events) / min(events)):.2f} decades apart")
        lines += [f"    {name.replace('_', ' '):20} {_numbers(name, table[name])}" for name in ordered(table)]
    return "\n".join(lines) if len(lines) > 1 else ""


def ordered(table: dict[str, Lead]) -> list[str]:
    """The nulls, then the quantities from the largest lead to the smallest, then those without a critical value."""
    names = [name for name in table if name not in NULLS]
    return [*NULLS, *sorted(names, key=lambda name: -table[name].medians[0] if table[name].is_critical else np.inf)]


def _numbers(name: str, row: Lead) -> str:
    share = np.isfinite(row.leads).mean()
    if not row.is_critical:
        return "none" + (f" (confirmed in {share:.0%} of the halvings)" if share else "")
    lead, spread, beyond = row.medians
    return f"{lead:5.2f} {spread:5.3f}" + (f" {beyond:+5.2f}" if name not in NULLS else "")
