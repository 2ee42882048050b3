"""What is asked and how it is judged: by how many decades within-class variability falls after zero error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.harness.checks import (
    CHANCE,
    commonest,
    require_not_negative,
    require_scores,
    require_series,
    told,
    too_few,
)
from comparisons.harness.verdict import Verdict
from toymodels.metrics.collapse import fall
from toymodels.metrics.curves import despiked, scatter, setback, settled_from
from toymodels.trajectory import Trajectory

ROUNDING = 1e-6  # of an accuracy in single precision
FLAT = 1e-9  # of angles that are 0 but for rounding
MEASURES = ("nc1", "within_between", "nc2_norm", "nc2_angle", "nc3", "nc4")


@dataclass(frozen=True)
class Question:
    """Thresholds in decades, those of the grokking study, and conditions, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
    floor : float
        Variability below this is rounding, and a fall down to it a lower bound.
    most_variability : float
        What within/between must end below.
    most_angle, angle_share : float
        What the angles' deviation from a simplex must end below, or at which share of what it was at the fit.
    most_setback : float
        Share of its fall, in decades, by which the variability may come back.
    """

    absent_below: float = 0.3
    shown_from: float = 0.5
    floor: float = 1e-12
    most_variability: float = 0.1
    most_angle: float = 0.1
    angle_share: float = 0.5
    most_setback: float = 0.2


def first_perfect(run: Trajectory) -> int | None:
    """Record from which on the training error is 0 to the end, None if there is none; lone records do not count."""
    return settled_from(despiked(run["train"]), 1.0 - ROUNDING)


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Decades of the within/between ratio after zero error, when what is left is small and a simplex."""
    require_scores(runs, "train")
    require_series(runs, "within_between", "nc2_angle")
    require_not_negative(runs, "within_between", "nc2_angle")
    if few := [too_few(run) for run in runs if too_few(run)]:
        return Verdict.unclear(commonest(few))
    starts = [first_perfect(run) for run in runs]
    if None in starts:
        unfitted = starts.count(None)
        return Verdict.unclear(f"training error 0 was not reached, or not kept, in {unfitted} of {len(runs)} runs")
    placed = [(run, int(start or 0)) for run, start in zip(runs, starts, strict=True)]
    scores = [fall(run["within_between"], start, asked.floor) for run, start in placed]
    verdict = Verdict.from_scores(scores, asked.absent_below, asked.shown_from, **_beside(placed, asked))
    flaws = [_no_collapse(run, start, asked) for run, start in placed]
    if verdict.outcome != "shown" or not any(flaws):
        return verdict
    return replace(verdict, outcome="unclear", note=f"{commonest(flaws)}; {verdict.note}".removesuffix("; "))


def _no_collapse(run: Trajectory, start: int, asked: Any) -> str:
    """Why a fall of the variability is no collapse to a simplex; empty if it is."""
    if told(run, "classes", 3) < 3:
        return "the angles of two classes say nothing"
    ratio, angles = despiked(run["within_between"]), run["nc2_angle"]
    if "classes" not in run.meta and angles.max() < FLAT:
        return "the angles are 0 throughout, as of two classes; more of them in meta['classes'] would tell"
    before, after = _at_fit_and_end(angles[start:])
    small = ratio[-1] < asked.most_variability
    simplex = after < asked.most_angle or after <= asked.angle_share * before
    if small and not simplex:
        return f"variability, no simplex: angles {before:.2f} -> {after:.2f}"
    if small and setback(-angles[start:]) > max(asked.most_angle, asked.angle_share * before):
        return f"the angles wander by {setback(-angles[start:]):.2f} rather than close"
    if not small:
        also = "" if simplex else ", and no simplex"
        return f"variability stops at {ratio[-1]:.2g} of that between classes{also}"
    logs = np.log10(np.maximum(ratio[start:], asked.floor))
    if logs[0] - logs[-1] <= CHANCE * scatter(np.log10(np.maximum(run["within_between"], asked.floor))):
        return f"the fall is within {CHANCE:g} scatters of the curve"
    if len(logs) > 3 and logs[-3] > (logs[0] + logs[-1]) / 2:
        return "the fall is seen in the last two records only"
    before = np.log10(np.maximum(ratio[max(start - 1, 0)], asked.floor))
    if logs.size > 3 and logs[2] - logs[-1] < asked.absent_below and before < (logs[0] + logs[-1]) / 2:
        return "the fall is from a rise of two records at the fit"
    if setback(-logs) > asked.most_setback * (logs[0] - logs[-1]):
        return "variability wanders rather than falls"
    return ""


def _at_fit_and_end(values: np.ndarray) -> tuple[float, float]:
    """Medians of the first and of the last records, a tenth of them and at least three."""
    some = min(max(3, len(values) // 10), len(values))
    return float(np.median(values[:some])), float(np.median(values[-some:]))


def _beside(placed: Sequence[tuple[Trajectory, int]], asked: Any) -> dict[str, Any]:
    """Papyan's NC1, the angles and the floor in words; the prediction where there is a closed form."""
    runs = [run for run, _ in placed]
    angles = np.median([despiked(run["nc2_angle"])[[start, -1]] for run, start in placed], axis=0)
    words = [f"angles off a simplex by {angles[0]:.2g} -> {angles[1]:.2g}"]
    if any(run["within_between"][-1] <= asked.floor for run in runs):
        words.append(f"score >=: variability ends at the floor {asked.floor:g}")
    papyan = [fall(run["nc1"], start, asked.floor) for run, start in placed if "nc1" in run.data]
    words += [f"Papyan's NC1 falls {np.median(papyan):.2f} decades"] if papyan else []
    predictions = [run["predicted"][-1] for run in runs if "predicted" in run.data]
    if len(predictions) < len(runs):
        return {"note": "; ".join(words)}
    measured = float(np.median([run["within_between"][-1] for run in runs]))
    return {"note": "; ".join(words), "predicted": float(np.median(predictions)), "measured": measured}


def details(result: Any) -> str:
    """The other measures at the end, median over replicates."""
    lines = ["at the end, median over replicates:"]
    for row, replicates in result.runs.items():
        names = [name for name in MEASURES if all(name in run.data for run in replicates)]
        if not replicates:
            continue
        values = (f"{name} {np.median([run[name][-1] for run in replicates]):.2g}" for name in names)
        lines.append(f"  {row}: {', '.join(values)}")
    return "\n".join(lines)
