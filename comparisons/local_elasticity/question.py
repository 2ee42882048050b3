"""What is asked and how it is judged: how much more an update moves its own class, beyond what the inputs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import require_series
from comparisons.harness.verdict import Verdict
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Question:
    """Thresholds in decades, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
    """

    absent_below: float = 0.1
    shown_from: float = 0.2


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


def excess(run: Trajectory) -> float:
    """Decades at the end of training in excess of the linear model's."""
    return float(run["contrast"][-1] - run.meta["baseline"])


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Excess of the contrast over the linear model's, at the end of training."""
    require_series(runs, "contrast")
    for run in runs:
        if "baseline" not in run.meta:
            raise ValueError(f"no meta['baseline'], the contrast of the inputs alone; meta has {', '.join(run.meta)}")
    known = [run.meta["predicted"] for run in runs if "predicted" in run.meta]
    baseline = np.median([run.meta["baseline"] for run in runs])
    return Verdict.from_scores(
        [excess(run) for run in runs],
        asked.absent_below,
        asked.shown_from,
        note=f"inputs alone give {baseline:.2f}" if baseline else "",
        predicted=float(np.median(known)) if known else None,
        measured=float(np.median([run["contrast"][-1] for run in runs])) if known else None,
    )


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
