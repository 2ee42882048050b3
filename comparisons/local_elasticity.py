"""Does learning one sample move its own class more than others? One update, eq. (3.1) of Su (2024).

Score: decades by which the prediction changes more on other samples of the same class than on other classes, in excess
of what the inputs' own inner products give (a linear model on the same inputs): similar inputs alone count nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comparisons import elasticity_models as models
from comparisons.study import BaseParams, Knob, Runs, Study, Verdict
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Params(BaseParams):
    """Thresholds in decades, fixed beforehand, and each model's settings."""

    absent_below: float = 0.1
    shown_from: float = 0.2
    layerwise_imbalance: float = 0.0
    layerwise_imbalance_off: float = 20.0
    layerwise_classes: int = 6
    layerwise_dim: int = 24
    neurashed_own: tuple = (2, 4)  # shared and own nodes per level
    neurashed_classes: int = 3
    neurashed_rounds: int = 20
    neurashed_depth: int = 100
    neurashed_depth_off: int = 3
    condensation_dim: int = 10
    condensation_samples: int = 100
    condensation_decay: float = 0.02
    condensation_decay_off: float = 1e-6
    dnn_steps: int = 800
    dnn_scale: float = 1.0
    dnn_scale_off: float = 8.0
    dnn_loss: str = "mse"


def score(run: Trajectory) -> float:
    """Decades at the end of training in excess of the linear model's."""
    return float(run["contrast"][-1] - run.meta["baseline"])


def judge(runs: Sequence[Trajectory], p: Params) -> Verdict:
    """Excess of the contrast over the linear model's, at the end of training."""
    known = [run.meta["predicted"] for run in runs if "predicted" in run.meta]
    baseline = np.median([run.meta["baseline"] for run in runs])
    return Verdict.from_scores(
        [score(run) for run in runs],
        p.absent_below,
        p.shown_from,
        note=f"inputs alone give {baseline:.2f}" if baseline else "",
        predicted=float(np.median(known)) if known else None,
        measured=float(np.median([run["contrast"][-1] for run in runs])) if known else None,
    )


def details(runs: Runs, p: Params) -> str:
    """How much a step on a 4 moves other 4s, 9s and 0s, relative to itself."""
    lines = []
    for row, replicates in runs.items():
        if replicates and "four_to_4" in replicates[0].meta:
            means = {k: np.median([np.mean(run.meta[f"four_to_{k}"]) for run in replicates]) for k in (4, 9, 0)}
            moved = ", ".join(f"{k}s {value:.2f}" for k, value in means.items())
            layers = np.median([run.meta["fuzziness"] for run in replicates], axis=0)
            separation = " -> ".join(f"{value:.2g}" for value in layers)
            lines.append(f"  {row}: step on a 4 moves {moved}; separation fuzziness by layer {separation}")
    return "\n".join(["similar and dissimilar digits, median over replicates:", *lines]) if lines else ""


def plot(runs: Runs, verdicts: Mapping[str, Verdict], p: Params):
    """Contrast along training, and the histograms for a step on a 4."""
    from comparisons.elasticity_plot import draw

    return draw(runs, verdicts, p)


STUDY = Study(
    name="local_elasticity",
    question=(
        "Does learning one sample move its own class more than others? Score: decades in excess of what the inputs' "
        "inner products give; shown from 0.2, absent below 0.1."
    ),
    presets={"quick": Params(), "paper": Params(dnn_steps=5000)},
    models={
        "linear": models.linear,
        "layerwise": Knob(models.layerwise, models.layerwise_off, "imbalance 0 -> 20"),
        "neurashed": Knob(models.neurashed, models.neurashed_off, "depth over updates 100/20 -> 3/20"),
        "condensation": Knob(models.condensation, models.condensation_off, "weight decay 0.02 -> 1e-6"),
        "dnn cross-entropy": models.dnn_cross_entropy,
        "dnn": Knob(models.dnn, models.dnn_off, "initial scale 1 -> 8"),
    },
    controls=("linear",),
    judge=judge,
    plot=plot,
    details=details,
)

if __name__ == "__main__":
    from comparisons.runner import main

    raise SystemExit(main("local_elasticity"))
