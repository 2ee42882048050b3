"""Does test performance rise long after training performance? The same score, decades of delay, for every family.

python -m comparisons.grokking --preset quick
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comparisons import grokking_extra as extra
from comparisons import grokking_models as models
from comparisons import order
from comparisons.study import OFF, BaseParams, Knob, Runs, Study, Verdict
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Params(BaseParams):
    """Levels and thresholds, fixed beforehand, and each model's settings."""

    train_level: float = 0.95
    full_level: float = 0.95  # test level where the task can be learnt fully
    digits_level: float = 0.80  # test accuracy on MNIST digits after 1,000 samples
    absent_below: float = 0.3  # decades
    shown_from: float = 0.5
    layerwise_scale: float = 3.0
    layerwise_scale_off: float = 0.03
    layerwise_decay: float = 0.02
    layerwise_samples: int = 50
    neurashed_epsilon: float = 1e-4
    neurashed_epsilon_off: float = 2.0  # from 1 the test score still dips after its first record
    neurashed_steps: int = 6000
    condensation_scale: float = 4.0
    condensation_scale_off: float = 0.1
    condensation_decay: float = 0.02
    dnn_scale: float = 8.0
    dnn_scale_off: float = 1.0
    dnn_steps: int = 12_500
    dnn_steps_off: int = 600
    dnn_optimiser: str = "adam"
    dnn_decay: float = 1e-3
    dnn_records: int = 40
    estimator_dim: int = 1000
    estimator_ratio: float = 1.05  # samples per dimension
    estimator_ratio_off: float = 4.0
    estimator_level: float = 0.99  # share of the initial loss that is gone
    even_level: float = 0.90
    modular_fraction: float = 0.55
    modular_fraction_off: float = 0.9
    batch_norm_momentum: float = 0.1
    batch_norm_level: float = 0.5  # of both accuracies, since the whole lag is over within some thirty steps


def crossings(run: Trajectory, p: Params) -> tuple[float, float]:
    """When train and test first reach their levels; `inf` when they never do."""
    from toymodels.metrics.grokking import crossing_time

    return (
        crossing_time(run.t, run["train"], run.meta.get("train_level", p.train_level)),
        crossing_time(run.t, run["test"], run.meta.get("test_level", p.full_level)),
    )


def judge(runs: Sequence[Trajectory], p: Params) -> Verdict:
    """Decades between train and test reaching their levels."""
    times = np.array([crossings(run, p) for run in runs])  # (replicates, 2)
    unfitted = int(np.isinf(times[:, 0]).sum())
    if unfitted:
        return Verdict("unclear", note=f"the training level was not reached in {unfitted} of {len(runs)} runs")
    early = int((times[:, 0] <= 0).sum())
    if early:
        return Verdict("unclear", note=f"the training level holds at the first record, t = 0, in {early} runs")
    never = int(np.isinf(times[:, 1]).sum())
    predictions = [run.meta.get("predicted_test_time") for run in runs]
    known = [time for time in predictions if time is not None and 0 < time < np.inf]
    predicted = len(known) == len(runs)
    remark = runs[0].meta.get("prediction", "") if predicted else ""
    return Verdict.from_scores(
        np.log10(times[:, 1] / times[:, 0]).tolist(),
        p.absent_below,
        p.shown_from,
        note=f"test level not reached in {never} of {len(runs)} runs" if never else remark,
        predicted=float(np.median(known)) if predicted else None,
        measured=float(np.median(times[:, 1])),
    )


def details(runs: Runs, p: Params) -> str:
    """Which order parameter is half-way before the test score, and which after: decades, median over replicates."""
    lines = ["half-way before (-) or after (+) the test score, decades, median [min, max] over replicates:"]
    for row, replicates in runs.items():
        if row.endswith(OFF) or not all(run.meta.get("order") for run in replicates):
            continue
        delayed = [run for run in replicates if _delayed(run, p)]
        found = [order.leads(run, run.meta["order"], *crossings(run, p)) for run in delayed]
        lines += [f"  {row}: {_spread(found)}{_remarks(delayed, found, p)}"] if found else []
    return "\n".join(lines) if len(lines) > 1 else ""


def _remarks(delayed: Sequence[Trajectory], found: Sequence[dict[str, float]], p: Params) -> str:
    """Which quantities have no half-way time, and which pass one half more than once in some replicate."""
    still = order.left_out(delayed[0].meta["order"], found)
    back = {name for run in delayed for name in order.comes_back(run, run.meta["order"], *crossings(run, p))}
    remarks = f"; does not move in every run: {', '.join(still)}" if still else ""
    several = sorted(back - set(still))
    return remarks + (f"; passes one half more than once: {', '.join(several)}" if several else "")


def _delayed(run: Trajectory, p: Params) -> bool:
    t_train, t_test = crossings(run, p)
    return 0 < t_train < t_test < np.inf


def _spread(found: Sequence[dict[str, float]]) -> str:
    values = {name: [one[name] for one in found] for name in order.common(found)}
    ordered = sorted(values, key=lambda name: np.median(values[name]))
    return ", ".join(
        f"{name} {np.median(values[name]):+.2f} [{min(values[name]):+.2f}, {max(values[name]):+.2f}]"
        for name in ordered
    )


def plot(runs: Runs, verdicts: Mapping[str, Verdict], p: Params):
    """Top: train and test on each model's own clock. Bottom: its order parameters as shares of their own change."""
    from comparisons.grokking_plot import draw

    return draw(runs, verdicts, p)


STUDY = Study(
    name="grokking",
    question=(
        "Does test performance rise long after training performance? Score: decades of each model's own time between "
        "reaching the two levels; shown from 0.5, absent below 0.3."
    ),
    presets={
        "quick": Params(),
        "paper": Params(dnn_optimiser="adamw", dnn_decay=0.01, dnn_steps=100_000, dnn_steps_off=20_000, dnn_records=60),
    },
    models={
        "linear estimator": Knob(extra.linear_estimator, extra.linear_estimator_off, "samples per dimension 1.05 -> 4"),
        "condensation even": Knob(extra.even_teacher, extra.even_teacher_off, "initial scale 6 -> 0.1, samples x 4"),
        "dnn batch norm": Knob(extra.batch_norm, extra.batch_norm_off, "statistics' momentum 0.1 -> 1"),
        "modular addition": Knob(extra.modular_addition, extra.modular_addition_off, "share of pairs 0.55 -> 0.9"),
        "layerwise": Knob(models.layerwise, models.layerwise_off, "initial scale 3 -> 0.03"),
        "neurashed": Knob(models.neurashed, models.neurashed_off, "start of the class route 1e-4 -> 2"),
        "condensation": Knob(models.condensation, models.condensation_off, "initial scale 4 -> 0.1"),
        "dnn": Knob(models.dnn, models.dnn_off, "initial scale 8 -> 1"),
    },
    judge=judge,
    plot=plot,
    details=details,
    on_request=("linear estimator", "condensation even", "dnn batch norm", "modular addition"),
)

__all__ = ["OFF", "STUDY", "Params", "crossings", "judge", "plot"]

if __name__ == "__main__":
    from comparisons.runner import main

    raise SystemExit(main("grokking"))
