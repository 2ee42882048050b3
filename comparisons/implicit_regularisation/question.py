"""What is asked and how it is judged: how much simpler the small batch's solution is, where both fit equally well.

A run holds two trainings from one start on the same data: the complexities `small` and `full` along them, and where the
family has one the training losses `small_loss` and `full_loss` and the test errors `small_error` and `full_error`. Only
the order of the records enters, and only ratios of complexities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import CHANCE, commonest, require_series, told, too_few
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import despiked, scatter, setback
from toymodels.metrics.implicit_regularisation import decades_simpler
from toymodels.trajectory import Trajectory

PAIRS = ("loss", "error")
FITTED = 1e-6  # share of the start's training loss, below which one loss is as good as another


@dataclass(frozen=True)
class Question:
    """Thresholds and conditions, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
        Decades.
    most_apart : float
        Decades between the training losses of both solutions.
    fitted_below : float
        Share of the start's training loss that both must reach.
    start_apart : float
        Decades between the complexities at the first record.
    most_setback : float
        Share of the score by which the lead may fall back on the way.
    """

    absent_below: float = 0.1
    shown_from: float = 0.3
    most_apart: float = 0.3
    fitted_below: float = 0.1
    start_apart: float = 0.1
    most_setback: float = 0.3


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Decades between the complexities at the end, of two trainings from one start that fit their data equally well."""
    _require_pairs(runs)
    leads = [lead(run) for run in runs]
    scores = [float(curve[-1]) for curve in leads]
    numbers = _numbers(runs, scores)
    flaws = [_not_comparable(run, asked) for run in runs]
    if any(flaws):
        return Verdict.unclear(commonest(flaws), scores, thresholds=(asked.absent_below, asked.shown_from))
    verdict = Verdict.from_scores(scores, asked.absent_below, asked.shown_from, **numbers)
    flaws = [_by_chance(run, curve, asked) for run, curve in zip(runs, leads, strict=True)]
    if verdict.outcome == "shown" and any(flaws):
        numbers.pop("note")
        return Verdict.unclear(commonest(flaws), scores, thresholds=verdict.thresholds, **numbers)
    return verdict


def lead(run: Trajectory) -> np.ndarray:
    """Decades by which the small batch's solution is simpler, at every record, without lone records, (n_t,)."""
    return despiked(decades_simpler(run["full"], run["small"]))


def _require_pairs(runs: Sequence[Trajectory]) -> None:
    require_series(runs, "small", "full")
    for run in runs:
        for name in ("small", "full"):
            if run[name].min() <= 0:
                raise ValueError(f"{name} must be > 0, a complexity, got {run[name].min():g}")
        for kind in PAIRS:
            names = [f"{side}_{kind}" for side in ("small", "full")]
            if any(name in run.data for name in names):
                require_series([run], *names)
                lowest = min(run[name].min() for name in names)
                if lowest < 0:
                    raise ValueError(f"{names[0]} and {names[1]} must be >= 0, got {lowest:g}")


def _not_comparable(run: Trajectory, asked: Any) -> str:
    """Why the two solutions cannot be compared; empty if they can."""
    apart = abs(float(decades_simpler(run["full"], run["small"])[0]))
    if apart > asked.start_apart:
        return f"the two do not start alike: {apart:.2f} decades apart"
    if "small_loss" not in run.data:
        return ""
    start = float(max(run["small_loss"][0], run["full_loss"][0], told(run, "start_loss", 0.0)))
    if start == 0:
        return "the start already fits its data"
    shares = [np.maximum(despiked(run[name])[-1] / start, FITTED) for name in ("small_loss", "full_loss")]
    if max(shares) > asked.fitted_below:
        return f"a training loss ends at {max(shares):.2f} of the start's"
    apart = abs(float(np.log10(shares[0] / shares[1])))
    if apart > asked.most_apart:
        return f"training losses end {apart:.2f} decades apart"
    return ""


def _by_chance(run: Trajectory, curve: np.ndarray, asked: Any) -> str:
    """Why a lead at the end may be chance; empty if it is none."""
    if too_few(run):
        return too_few(run)
    noise = CHANCE * scatter(decades_simpler(run["full"], run["small"]))
    if curve[-1] <= noise:
        return f"the lead is within {CHANCE:g} scatters of its curve, {noise:.2f}"
    fallen = max(setback(curve), float(-curve.min()))
    if fallen > asked.most_setback * curve[-1]:
        return f"the lead wanders: it falls back by {fallen:.2f} on the way"
    if np.median(curve[-3:]) < asked.absent_below:
        return "the lead is seen in the last record only"
    return ""


def _numbers(runs: Sequence[Trajectory], scores: Sequence[float]) -> dict[str, Any]:
    """Beside the score: its prediction where a theory has one, the complexities, and how the test errors compare."""
    small, full = (np.median([despiked(run[name])[-1] for run in runs]) for name in ("small", "full"))
    complexity = runs[0].meta.get("complexity", "complexity")
    parts = [f"{complexity} {full:.3g} -> {small:.3g}"]
    if "noise" in runs[0].meta:
        parts.append(f"{runs[0].meta['noise']}")
    if "small_loss" not in runs[0].data:
        parts.append("at equal updates, as it has no loss")
    if "small_error" in runs[0].data and all(min(run["small_error"][-1], run["full_error"][-1]) > 0 for run in runs):
        errors = [np.log10(run["full_error"][-1] / run["small_error"][-1]) for run in runs]
        parts.append(f"test error {np.median(errors):.2f} decades lower")
    tops = [(told(run, "top_eigenvalue", 0), told(run, "edge", 0)) for run in runs]
    if all(min(pair) > 0 for pair in tops):
        top, edge = np.median(tops, axis=0)
        parts.append(f"top eigenvalue of the full batch {top:.1f}, 2/lr = {edge:g}")
    numbers: dict[str, Any] = {"note": ", ".join(parts)}
    predicted = [run.meta.get("predicted") for run in runs]
    if all(value is not None for value in predicted):
        numbers |= {
            "predicted": float(np.median([told(run, "predicted", 0) for run in runs])),
            "measured": float(np.median(scores)),
        }
    return numbers
