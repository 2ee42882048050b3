"""What is asked and how it is judged: how much training adds to what an update moves of its own class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.harness.checks import CHANCE, commonest, require_scores, require_series, require_shares, told, too_few
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import despiked, scatter, setback, settled_from
from toymodels.metrics.elasticity import learned_contrast
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Question:
    """Thresholds in decades and conditions, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
    train_level : float
        What the training score must reach and keep at the fit; a run's `meta` may say another one for its task.
    most_change : float
        Share of what training added by which the contrast may vary between fit and end.
    """

    absent_below: float = 0.1
    shown_from: float = 0.2
    train_level: float = 0.95
    most_change: float = 0.5

    def __post_init__(self):
        require_shares(self, "train_level")


def pooled_contrast(change: np.ndarray, labels: np.ndarray) -> float:
    """Decades between the mean relative change over the base's class and over other classes.

    Unlike :func:`toymodels.metrics.elasticity.contrast`, which takes one update, both means are over all bases.

    Parameters
    ----------
    change : (n_base, n) array
        Relative change of the prediction at each of n samples after an update on each of the first n_base of them.
    labels : (n,) integer array

    Returns
    -------
    float
        0 without elasticity; the base itself is left out.
    """
    same = labels[: len(change), None] == labels[None, :]
    other = ~same
    same[np.arange(len(change)), np.arange(len(change))] = False
    return float(np.log10(change[same].mean() / change[other].mean()))


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """What training added to the contrast, at the fit and at the end: the smaller of the two."""
    require_series(runs, "contrast", "start_contrast")
    scored = [run for run in runs if "train" in run.data]
    if scored:
        require_scores(scored, "train")
    if few := [too_few(run) for run in runs if too_few(run)]:
        return Verdict.unclear(commonest(few))
    places = [_at_fit(run, asked) for run in runs]
    if None in places:
        count = f"{places.count(None)} of {len(runs)} runs"
        return Verdict.unclear(f"the training score never reaches and keeps its level in {count}")
    added = [
        learned_contrast(run["contrast"], run["start_contrast"], int(place or 0))
        for run, place in zip(runs, places, strict=True)
    ]
    numbers = _beside(runs, added)
    scores = [min(pair) for pair in added]
    verdict = Verdict.from_scores(scores, asked.absent_below, asked.shown_from, **numbers)
    if verdict.outcome != "shown":
        return verdict
    flaws = [_not_learned(run, int(place or 0), asked) for run, place in zip(runs, places, strict=True)]
    if not any(flaws):
        return verdict
    return replace(verdict, outcome="unclear", note=f"{commonest(flaws)}; {verdict.note}")


def _at_fit(run: Trajectory, asked: Any) -> int | None:
    """The record of the fit; the middle one of a run without a training score, which is judged over its second half."""
    if "train" not in run.data:
        return len(run.t) // 2
    return fitted_from(run, asked.train_level)


def fitted_from(run: Trajectory, level: float) -> int | None:
    """The record from which on the training score has its level, this one unless the run tells its own, and keeps it.

    Lone records and noise do not count; None if there is none.
    """
    tolerance = min(3 * scatter(run["train"]), 0.1)
    return settled_from(despiked(run["train"]), told(run, "train_level", level), tolerance)


def _not_learned(run: Trajectory, fit: int, asked: Any) -> str:
    """Why a larger contrast was not learned; empty if it was."""
    added = despiked(run["contrast"] - run["start_contrast"])
    if min(added[fit], added[-1]) < asked.absent_below:
        return f"training added less than {asked.absent_below:g} decades"
    if added[0] > min(added[fit], added[-1]) / 2:
        return f"most of it, {added[0]:.2f} decades, is there at the first record"
    if added[-1] <= CHANCE * scatter(run["contrast"]):
        return f"what training added is within {CHANCE:g} scatters of the curve"
    changed = np.ptp(despiked(run["start_contrast"]))
    if changed > asked.absent_below:
        return f"the untrained contrast is no constant, it changes by {changed:.2f} decades"
    late = added[fit:]
    if max(setback(late), setback(-late)) > asked.most_change * added[-1]:
        return "the contrast wanders after the fit"
    return ""


def _beside(runs: Sequence[Trajectory], added: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The whole contrast, that of the centred inputs, and the prediction where there is a closed form."""
    at_fit, at_end = np.median(added, axis=0)
    whole = np.median([despiked(run["contrast"])[-1] for run in runs])
    start = np.median([run["start_contrast"][0] for run in runs])
    note = f"contrast {start:.2f} untrained, {whole:.2f} trained"
    where = "at the fit" if all("train" in run.data for run in runs) else "half-way"
    note += f"; added {at_fit:.2f} {where}, {at_end:.2f} at the end"
    if all("inputs" in run.meta for run in runs):
        note += f"; centred inputs alone {np.median([told(run, 'inputs', np.nan) for run in runs]):.2f}"
    if all("ceiling" in run.meta for run in runs):
        note += f"; ceiling {np.median([told(run, 'ceiling', np.nan) for run in runs]):.2f}"
    known = [told(run, "predicted", np.nan) for run in runs]
    if np.isnan(known).any():
        return {"note": note}
    return {"note": note, "predicted": float(np.median(known)), "measured": float(at_end)}


def details(result: Any) -> str:
    """How much a step on a 4 moves other 4s, 9s and 0s, relative to itself."""
    lines = []
    for row, replicates in result.runs.items():
        if replicates and "four_to_4" in replicates[0].meta:
            means = {k: np.median([np.mean(run.meta[f"four_to_{k}"]) for run in replicates]) for k in (4, 9, 0)}
            moved = ", ".join(f"{k}s {value:.2f}" for k, value in means.items())
            layers = np.median([run.meta["fuzziness"] for run in replicates], axis=0)
            separation = " -> ".join(f"{value:.2g}" for value in layers)
            lines.append(f"  {row}: step on a 4 moves {moved}; separation fuzziness by layer {separation}")
    return "\n".join(["similar and dissimilar digits, median over replicates:", *lines]) if lines else ""
