"""What is asked and how it is judged: by how many decades within-class variability falls after zero error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import require_scores, require_series
from comparisons.harness.verdict import Verdict
from toymodels.trajectory import Trajectory

MEASURES = ("nc1", "within_between", "nc2_norm", "nc2_angle", "nc3", "nc4")


@dataclass(frozen=True)
class Question:
    """Thresholds in decades, those of the grokking study, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
    floor : float
        Variability below this is rounding.
    """

    absent_below: float = 0.3
    shown_from: float = 0.5
    floor: float = 1e-12


def first_perfect(run: Trajectory) -> int | None:
    """Index of the first record with training error 0, None if there is none."""
    perfect = run["train"] >= 1
    return int(perfect.argmax()) if perfect.any() else None


def fall(run: Trajectory, name: str, floor: float) -> float:
    """Decades by which a measure falls from the first record with training error 0 to the last."""
    start = first_perfect(run)
    values = np.maximum(run[name], floor)
    return float(np.log10(values[start] / values[-1]))


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Decades of the within/between ratio after zero error, and Papyan's NC1 beside it."""
    require_scores(runs, "train")
    require_series(runs, "within_between")
    unfitted = sum(first_perfect(run) is None for run in runs)
    if unfitted:
        return Verdict.unclear(f"training error 0 was not reached in {unfitted} of {len(runs)} runs")
    papyan = [fall(run, "nc1", asked.floor) for run in runs if "nc1" in run.data]
    predictions = [run["predicted"][-1] for run in runs if "predicted" in run.data]
    return Verdict.from_scores(
        [fall(run, "within_between", asked.floor) for run in runs],
        asked.absent_below,
        asked.shown_from,
        note=f"Papyan's NC1 falls {np.median(papyan):.2f} decades" if papyan else "",
        predicted=float(np.median(predictions)) if predictions else None,
        measured=float(np.median([run["within_between"][-1] for run in runs])) if predictions else None,
    )


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
