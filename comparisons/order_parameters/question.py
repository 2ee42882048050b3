"""What is asked and how it is judged: by how many decades the earliest order parameter leads the test score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons import half_times
from comparisons.grokking.question import Question as Grokking
from comparisons.grokking.question import crossings
from comparisons.harness.checks import require_scores
from comparisons.harness.verdict import Verdict
from toymodels.trajectory import Trajectory

UNSPECIFIC = ("weight_norm",)  # decay lowers it whether or not anything generalises


@dataclass(frozen=True)
class Question(Grokking):
    """The levels of the grokking study, with thresholds for the lead in decades.

    Parameters
    ----------
    absent_below, shown_from : float
    """

    absent_below: float = 0.05
    shown_from: float = 0.1


def run_leads(run: Trajectory, asked: Any) -> dict[str, float]:
    """Decades by which each order parameter of a run is half-way before (-) or after (+) the test score."""
    return half_times.leads(run, run.meta["order"], *crossings(run, asked))


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """By how many decades the earliest specific order parameter leads the test score."""
    require_scores(runs, "train", "test")
    late = [run for run in runs if not np.less(*crossings(run, asked))]
    if late:
        return Verdict.unclear(f"no delay to look into in {len(late)} of {len(runs)} runs")
    leads = [run_leads(run, asked) for run in runs]
    specific = [name for name in half_times.common(leads) if name not in UNSPECIFIC]
    medians = {name: np.median([run[name] for run in leads]) for name in specific}
    if not medians:
        return Verdict.unclear("no order parameter moves in every run")
    earliest = min(medians, key=lambda name: medians[name])
    scores = [-run[earliest] for run in leads]
    return Verdict.from_scores(scores, asked.absent_below, asked.shown_from, note=f"earliest: {earliest}")
