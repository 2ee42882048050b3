"""What is asked and how it is judged: how far the test error peaks above its valleys, where the model begins to fit.

The clock of a run is the size of the model, or of the data; only the order of the sizes enters the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import commonest, told
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import FEWEST, despiked, setback
from toymodels.metrics.double_descent import Peak, fit_boundary, highest_peak, mean_log_error
from toymodels.trajectory import Trajectory

LEAST_SETS = 4  # data sets behind the mean of a size
SIGNIFICANT = 3.0  # standard errors of the difference between peak and valley


@dataclass(frozen=True)
class Question:
    """Thresholds and conditions, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
        Decades. A run of trained networks may say lower ones in its `meta`.
    fitted_below : float
        Share of the largest training error, below which the data count as fitted.
    most_setback : float
        Share of the peak by which the error may fall on its way up, or rise on its way down.
    most_other : float
        Share of the peak that another one outside of its valleys may reach.
    """

    absent_below: float = 0.3
    shown_from: float = 0.5
    fitted_below: float = 0.05
    most_setback: float = 0.25
    most_other: float = 0.5


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Height of the peak, of one peak that is more than chance and stands where the data begin to be fitted."""
    _require_errors(runs)
    peaks = [highest_peak(curve(run)) for run in runs]
    scores = [peak.height for peak in peaks]
    bounds = [told(runs[0], name, getattr(asked, name)) for name in ("absent_below", "shown_from")]
    numbers = _numbers(runs, peaks, bounds[0])
    verdict = Verdict.from_scores(scores, bounds[0], bounds[1], **numbers)
    flaws = [_no_double_descent(run, peak, asked, bounds[0]) for run, peak in zip(runs, peaks, strict=True)]
    if verdict.outcome == "shown" and any(flaws):
        numbers.pop("note")
        return Verdict.unclear(commonest(flaws), scores, thresholds=verdict.thresholds, **numbers)
    return verdict


def curve(run: Trajectory) -> np.ndarray:
    """Mean over data sets of the log of the test error, (n_sizes,), in decades."""
    return mean_log_error(run["test"])[0]


def _require_errors(runs: Sequence[Trajectory]) -> None:
    if not len(runs):
        raise ValueError("runs must hold at least one run, got none")
    for run in runs:
        for name in ("test", "train"):
            if name not in run.data:
                raise ValueError(f"no quantity {name!r}; this run has {', '.join(sorted(run.data))}")
            if run[name].ndim != 2 or run[name].shape[1] < LEAST_SETS:
                raise ValueError(
                    f"{name} must be (n_sizes, n_sets) of {LEAST_SETS} sets or more, got shape {run[name].shape}"
                )
        if run["train"].min() < 0:
            raise ValueError(f"train must be >= 0, got {run['train'].min():g}")


def _no_double_descent(run: Trajectory, peak: Peak, asked: Any, least: float) -> str:
    """Why a peak is no double descent; empty if it is one."""
    values, error = mean_log_error(run["test"])
    valley = peak.left if values[peak.left] > values[peak.right] else peak.right
    chance = SIGNIFICANT * float(np.hypot(error[peak.place], error[valley]))
    if peak.height <= chance:
        return f"the peak of {peak.height:.2f} is within {SIGNIFICANT:g} standard errors of its mean"
    if len(values) < FEWEST:
        return f"{len(values)} sizes are too few to tell a peak from a spike, {FEWEST} do"
    if highest_peak(despiked(values)).height < least:
        return "the peak is seen at one size only"
    way = max(setback(values[peak.left : peak.place + 1]), setback(values[peak.place : peak.right + 1][::-1]))
    if way > asked.most_setback * peak.height:
        return f"the error wanders by {way:.2f} on its way to the peak"
    other = max(highest_peak(part).height for part in (values[: peak.left + 1], values[peak.right :]))
    if other > asked.most_other * peak.height:
        return f"another peak of {other:.2f} stands elsewhere"
    boundary = fit_boundary(run["train"].mean(axis=1), asked.fitted_below)
    if boundary is None:
        return "the model fits its training data at all sizes, or at none"
    low, high = _half_height(values, peak)
    if not low - 1 <= boundary <= high:
        between = f"{run.t[boundary]:g} and {run.t[boundary + 1]:g}"
        return f"the peak at {run.t[peak.place]:g} is not where the data begin to be fitted, between {between}"
    return ""


def _half_height(values: np.ndarray, peak: Peak) -> tuple[int, int]:
    """First and last index around the peak at which its upper half is not left."""
    above = values >= values[peak.place] - peak.height / 2
    low, high = peak.place, peak.place
    while low > 0 and above[low - 1]:
        low -= 1
    while high < len(values) - 1 and above[high + 1]:
        high += 1
    return low, high


def _numbers(runs: Sequence[Trajectory], peaks: Sequence[Peak], least: float) -> dict[str, Any]:
    """Beside the score: the place of the peak and of the threshold, the predicted height, the errors around it."""
    numbers: dict[str, Any] = {}
    parts = []
    found = [(run, peak) for run, peak in zip(runs, peaks, strict=True) if peak.height >= least]
    if found:
        numbers["measured"] = float(np.median([run.t[peak.place] for run, peak in found]))
        places = sorted({float(run.t[peak.place]) for run, peak in found})
        parts.append(f"peak at {' or '.join(f'{place:g}' for place in places)} {runs[0].clock}")
    else:
        parts.append(f"no peak of {least:g}")
    thresholds = [told(run, "threshold", 0) for run in runs]
    if all(thresholds) and found:
        numbers["predicted"] = float(np.median(thresholds))
    heights = [highest_peak(np.log10(run["predicted"])).height for run in runs if "predicted" in run.data]
    if heights:
        parts.append(f"predicted height {np.median(heights):.2f}")
    boundaries = [fit_boundary(run["train"].mean(axis=1)) for run in runs]
    known = [float(np.sqrt(run.t[k] * run.t[k + 1])) for run, k in zip(runs, boundaries, strict=True) if k is not None]
    parts.append(f"just fits at about {np.median(known):.3g}" if known else "fits nowhere, or everywhere")
    if any("absent_below" in run.meta for run in runs):
        parts.append("thresholds of trained networks")
    return numbers | {"note": ", ".join(parts)}
