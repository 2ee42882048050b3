"""What is asked and how it is judged: gaps between skills, against the time that each takes to be learned.

Times enter as ratios of one run's own clock t, and only as ratios of their logs: the score is the same on c t^q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from comparisons.harness.checks import CHANCE, commonest, told, too_few
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import FEWEST, despiked, scatter, setback
from toymodels.metrics.emergence import area_between, gaps_and_rises, passing_times, stage_score
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Question:
    """Levels, thresholds and conditions, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
        Gaps over rises.
    begins_below, learned_from : float
        Progress that every skill must have at most at the first record, and must reach.
    most_setback : float
        Progress by which a skill may fall back.
    most_at_once : float
        Progress that two skills which follow each other may both make between two records: beyond it the records do not
        say which came first.
    """

    absent_below: float = 0.6
    shown_from: float = 1.0
    begins_below: float = 0.1
    learned_from: float = 0.9
    most_setback: float = 0.2
    most_at_once: float = 0.2


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Stage score of skills that are all learned, for good, and told apart by the records."""
    _require_skills(runs)
    flaws = [_undefined(run, asked) for run in runs]
    if any(flaws):
        return Verdict.unclear(commonest(flaws))
    scores = [stage_score(_passing(run)) for run in runs]
    numbers = _numbers(runs, scores)
    verdict = Verdict.from_scores(scores, asked.absent_below, asked.shown_from, **numbers)
    flaws = [_not_resolved(run, asked) if verdict.outcome == "shown" else too_few(run) for run in runs]
    if verdict.outcome != "unclear" and any(flaws):
        numbers.pop("note")
        return Verdict.unclear(commonest(flaws), scores, thresholds=verdict.thresholds, **numbers)
    return verdict


def curves(run: Trajectory) -> np.ndarray:
    """Progress of every skill without lone records, (n_t, n_skills)."""
    return np.column_stack([despiked(skill) for skill in run["skills"].T])


def _require_skills(runs: Sequence[Trajectory]) -> None:
    if not len(runs):
        raise ValueError("runs must hold at least one run, got none")
    for run in runs:
        if "skills" not in run.data:
            raise ValueError(f"no quantity 'skills'; this run has {', '.join(sorted(run.data))}")
        if run["skills"].ndim != 2 or run["skills"].shape[1] < 2:
            raise ValueError(f"skills must be (n_t, n_skills) of 2 skills or more, got shape {run['skills'].shape}")


def _passing(run: Trajectory) -> np.ndarray:
    return passing_times(run.t, curves(run))


def _undefined(run: Trajectory, asked: Any) -> str:
    """Why no stage can be read off a run; empty if it can."""
    skills = curves(run)
    if skills[0].max() >= asked.begins_below:
        return f"a skill begins at {skills[0].max():.2f} of its progress"
    if skills.max(axis=0).min() < asked.learned_from:
        return f"a skill is not learned by the end: {skills.max(axis=0).min():.2f} of its progress"
    fallen = max(setback(skill) for skill in skills.T)
    if fallen > asked.most_setback:
        return f"a skill falls back by {fallen:.2f} of its progress"
    if len(skills) >= FEWEST and skills[-3].min() < 0.5:
        return "a skill rises in the last two records only"
    if max(scatter(skill) for skill in run["skills"].T) * CHANCE > 1:
        return f"a skill's rise is within {CHANCE:g} scatters of its curve"
    if run.t[0] == 0 and skills[1].max() >= asked.begins_below:
        return "a skill rises between t = 0 and the first record that has a logarithm"
    if not (gaps_and_rises(_passing(run))[1] > 0).all():
        return "a skill takes no time between two records"
    return ""


def _not_resolved(run: Trajectory, asked: Any) -> str:
    """Why the records do not tell stages; empty if they do."""
    steps = np.diff(curves(run), axis=0)
    at_once = float(np.minimum(steps[:, 1:], steps[:, :-1]).max())
    if at_once > asked.most_at_once:
        return f"records are too far apart: two skills rise by {at_once:.2f} from one to the next"
    least = _least_stage(run)
    if least < asked.absent_below:
        return f"records are too far apart: a stage of {least:.2f} would look the same"
    return too_few(run)


def _least_stage(run: Trajectory) -> float:
    """The smallest stage that the records allow: a skill half learned at the end of a gap, the next at its start."""
    halves = [int(np.argmax(skill >= 0.5)) for skill in curves(run).T]
    logs = np.log10(np.maximum(run.t, run.t[run.t > 0][0]))
    gaps = np.array([logs[after - 1] - logs[before] for before, after in pairwise(halves)])
    _, rises = gaps_and_rises(_passing(run))
    return float(np.median(2 * gaps / (rises[1:] + rises[:-1])))


def _numbers(runs: Sequence[Trajectory], scores: Sequence[float]) -> dict[str, Any]:
    """Beside the score: its prediction where a theory has one, the gaps and rises behind it, the clock-free area."""
    found = [gaps_and_rises(_passing(run)) for run in runs]
    gaps, rises = (np.median([part[k] for part in found], axis=0) for k in range(2))
    areas = [area_between(a, b) for run in runs for a, b in pairwise(curves(run).T)]
    note = f"gaps {_listed(gaps)}, rises {_listed(rises)} decades; area between {np.median(areas):.2f}"
    if "predicted_gaps" in runs[0].meta:
        note += f"; predicted gaps {_listed(runs[0].meta['predicted_gaps'])}"
    numbers: dict[str, Any] = {"note": note}
    predicted = [told(run, "predicted_stage", 0) for run in runs]
    if all(predicted):
        numbers |= {"predicted": float(np.median(predicted)), "measured": float(np.median(scores))}
    return numbers


def _listed(values: Any) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
