"""What is asked and how it is judged: by how many decades of a model's own time the test score is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons import half_times
from comparisons.harness.checks import require_scores
from comparisons.harness.model import OFF
from comparisons.harness.verdict import Verdict
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Question:
    """Levels and thresholds, fixed beforehand.

    Parameters
    ----------
    train_level, full_level : float
        What training and test score must reach, where a run's `meta` says nothing else; the test level is that of a
        task which can be learnt fully.
    absent_below, shown_from : float
        Decades.
    """

    train_level: float = 0.95
    full_level: float = 0.95
    absent_below: float = 0.3
    shown_from: float = 0.5


def crossings(run: Trajectory, asked: Any) -> tuple[float, float]:
    """When train and test first reach their levels; `inf` when they never do."""
    from toymodels.metrics.grokking import crossing_time

    return (
        crossing_time(run.t, run["train"], run.meta.get("train_level", asked.train_level)),
        crossing_time(run.t, run["test"], run.meta.get("test_level", asked.full_level)),
    )


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Decades between train and test reaching their levels."""
    require_scores(runs, "train", "test")
    times = np.array([crossings(run, asked) for run in runs])  # (replicates, 2)
    unfitted = int(np.isinf(times[:, 0]).sum())
    if unfitted:
        return Verdict.unclear(f"the training level was not reached in {unfitted} of {len(runs)} runs")
    early = int((times[:, 0] <= 0).sum())
    if early:
        return Verdict.unclear(f"the training level holds at the first record, t = 0, in {early} runs")
    never = int(np.isinf(times[:, 1]).sum())
    predictions = [run.meta.get("predicted_test_time") for run in runs]
    known = [time for time in predictions if time is not None and 0 < time < np.inf]
    predicted = len(known) == len(runs)
    remark = runs[0].meta.get("prediction", "") if predicted else ""
    return Verdict.from_scores(
        np.log10(times[:, 1] / times[:, 0]).tolist(),
        asked.absent_below,
        asked.shown_from,
        note=f"test level not reached in {never} of {len(runs)} runs" if never else remark,
        predicted=float(np.median(known)) if predicted else None,
        measured=float(np.median(times[:, 1])),
    )


def details(result: Any) -> str:
    """Which order parameter is half-way before the test score, and which after: decades, median over replicates."""
    lines = ["half-way before (-) or after (+) the test score, decades, median [min, max] over replicates:"]
    asked = result.question
    for row, replicates in result.runs.items():
        if row.endswith(OFF) or not replicates or not all(run.meta.get("order") for run in replicates):
            continue
        delayed = [run for run in replicates if _is_delayed(run, asked)]
        leads = [half_times.leads(run, run.meta["order"], *crossings(run, asked)) for run in delayed]
        lines += [f"  {row}: {_spread(leads)}{_remarks(delayed, leads, asked)}"] if leads else []
    return "\n".join(lines) if len(lines) > 1 else ""


def _remarks(delayed: Sequence[Trajectory], leads: Sequence[dict[str, float]], asked: Any) -> str:
    """Which quantities have no half-way time, and which pass one half more than once in some replicate."""
    still = half_times.left_out(delayed[0].meta["order"], leads)
    back = {name for run in delayed for name in half_times.comes_back(run, run.meta["order"], *crossings(run, asked))}
    remarks = f"; does not move in every run: {', '.join(still)}" if still else ""
    several = sorted(back - set(still))
    return remarks + (f"; passes one half more than once: {', '.join(several)}" if several else "")


def _is_delayed(run: Trajectory, asked: Any) -> bool:
    t_train, t_test = crossings(run, asked)
    return 0 < t_train < t_test < np.inf


def _spread(leads: Sequence[Mapping[str, float]]) -> str:
    values = {name: [run[name] for run in leads] for name in half_times.common(leads)}
    ordered = sorted(values, key=lambda name: np.median(values[name]))
    return ", ".join(
        f"{name} {np.median(values[name]):+.2f} [{min(values[name]):+.2f}, {max(values[name]):+.2f}]"
        for name in ordered
    )
