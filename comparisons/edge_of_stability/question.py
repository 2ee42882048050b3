"""What is asked and how it is judged: the sharpness that descent ends with, against its flow's and 2 / learning rate.

Descent and flow are compared record by record at the same flow times, evenly spaced; the last fifth is the end. All
sharpness is told in units of the edge, 2 / learning rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import CHANCE, commonest, require_not_negative, require_series, told, too_few
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import despiked, scatter, setback
from toymodels.metrics.edge_of_stability import LATE, edge_ratio, excess_removed, late_median
from toymodels.trajectory import Trajectory

OVERSHOOT = 1.3  # scores above it: descent lost more than the excess


@dataclass(frozen=True)
class Question:
    """Thresholds and conditions, fixed beforehand; all but the first two and the last in units of the edge.

    Parameters
    ----------
    absent_below, shown_from : float
        Share of the flow's excess, in the log, that descent does not have.
    starts_below : float
        Sharpness that the start must not have reached: what starts above the edge is thrown off it.
    flow_from : float
        Sharpness that the flow must end with.
    tolerance : float
        Distance from the edge at which descent may be, in the last fifth of its records and in the one before.
    most_wander : float
        Distance from the edge that no record of these two fifths may have, lone ones aside; and by how much the flow
        may fall back.
    most_loss : float
        Share of the loss at the start that may be left.
    """

    absent_below: float = 0.2
    shown_from: float = 0.6
    starts_below: float = 0.8
    flow_from: float = 1.3
    tolerance: float = 0.15
    most_wander: float = 0.3
    most_loss: float = 0.1


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Share of the flow's excess that is gone, of descent that rose to the edge, stays there, and has learned."""
    require_series(runs, "sharpness", "flow_sharpness", "loss")
    require_not_negative(runs, "loss")
    flaws = [too_few(run) or _undefined(run) for run in runs]
    if any(flaws):
        return Verdict.unclear(commonest(flaws))
    scores = [_score(run) for run in runs]
    numbers = _numbers(runs, scores)
    verdict = Verdict.from_scores(scores, asked.absent_below, asked.shown_from, **numbers)
    flaws = [_not_at_the_edge(run, asked) for run in runs]
    if verdict.outcome != "absent" and any(flaws):
        numbers.pop("note")
        return Verdict.unclear(commonest(flaws), scores, thresholds=verdict.thresholds, **numbers)
    return verdict


def in_units_of_the_edge(run: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Sharpness of descent and of flow times half the learning rate, both (n_t,)."""
    lr = _lr(run)
    return edge_ratio(run["sharpness"], lr), edge_ratio(run["flow_sharpness"], lr)


def _lr(run: Trajectory) -> float:
    lr = told(run, "lr", 0.0)
    if lr <= 0:
        raise ValueError(f"meta['lr'] must be the learning rate, > 0, got {run.meta.get('lr')!r}")
    return lr


def _undefined(run: Trajectory) -> str:
    """Why there is no score; empty if there is one."""
    for name, words in (("sharpness", "descent"), ("flow_sharpness", "flow")):
        end = late_median(run[name])
        if end <= 0:
            return f"{words} ends where the loss curves down, at a top eigenvalue of {end:.2g}"
    return ""


def _score(run: Trajectory) -> float:
    return excess_removed(late_median(run["sharpness"]), late_median(run["flow_sharpness"]), _lr(run))


def _not_at_the_edge(run: Trajectory, asked: Any) -> str:
    """Why descent is not at the edge of stability for good, or not because of it; empty if it is."""
    edge, flow = in_units_of_the_edge(run)
    start, end, flow_end = edge[0], late_median(edge), late_median(flow)
    if start >= asked.starts_below:
        peak = told(run, "peak_loss", 1.0)
        rising = f", while the loss rises {peak:.1f}-fold" if peak > 1 else ""
        return f"starts at {start:.2f} of the edge, and is thrown off to {end:.2f}{rising}"
    if flow_end < asked.flow_from:
        return f"the flow itself ends at {flow_end:.2f} of the edge"
    if setback(flow) > asked.most_wander:
        return f"the flow falls back by {setback(flow):.2f} of the edge"
    for place, value in (("ends", end), ("is late", late_median(edge, skipped=LATE))):
        if abs(value - 1) > asked.tolerance:
            return f"descent {place} at {value:.2f} of the edge"
    away = np.abs(despiked(edge)[-round(2 * LATE * len(edge)) :] - 1).max()
    if away > asked.most_wander:
        return f"descent wanders late, {away:.2f} from the edge"
    left = late_median(run["loss"])
    if left > asked.most_loss * run["loss"][0]:
        return f"the loss only falls to {left / run['loss'][0]:.2f} of its start"
    if scatter(flow) * CHANCE > flow_end - start:
        return f"the rise of the flow is within {CHANCE:g} scatters of its curve"
    return ""


def _numbers(runs: Sequence[Trajectory], scores: Sequence[float]) -> dict[str, Any]:
    """Beside the score: where descent ends in units of the edge, predicted and measured; start, flow and loss."""
    both = [in_units_of_the_edge(run) for run in runs]
    start = float(np.median([edge[0] for edge, _ in both]))
    flow = float(np.median([late_median(curve) for _, curve in both]))
    left = float(np.median([late_median(run["loss"]) / run["loss"][0] for run in runs]))
    parts = [f"starts at {start:.2f} of the edge, flow ends at {flow:.2f}", f"loss falls to {left:.1e} of its start"]
    numbers: dict[str, Any] = {"measured": float(np.median([late_median(edge) for edge, _ in both]))}
    known = [told(run, "predicted_flow", 0.0) for run in runs]
    if all(known):
        flow = float(np.median([edge_ratio(end, _lr(run)) for end, run in zip(known, runs, strict=True)]))
        parts.append(f"flow predicted {flow:.2f}")
    if start < 1:
        numbers["predicted"] = min(flow, 1.0)
    if np.median(scores) > OVERSHOOT:
        parts.append("overshoots")
    return numbers | {"note": ", ".join(parts)}
