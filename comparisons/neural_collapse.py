"""Do class features collapse to a simplex after the training error is zero?

Score: decades by which tr(within)/tr(between) falls from then on. Papyan's NC1 is printed beside it: its pseudo-inverse
sees the subspace of the class means only, so it overstates collapse where features vary outside.

python -m comparisons.neural_collapse --preset quick
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comparisons.study import BaseParams, Knob, Runs, Study, Verdict
from toymodels.metrics import collapse
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from toymodels.layerwise import UnconstrainedFeatures

MEASURES = ("nc1", "within_between", "nc2_norm", "nc2_angle", "nc3", "nc4")


@dataclass(frozen=True)
class Params(BaseParams):
    """Thresholds in decades, those of the grokking study, and each model's settings."""

    absent_below: float = 0.3
    shown_from: float = 0.5
    floor: float = 1e-12  # NC1 below this is rounding
    layerwise_scale: float = 0.03
    layerwise_scale_off: float = 3.0
    layerwise_classes: int = 5
    neurashed_epochs: int = 200
    condensation_decay: float = 0.02
    condensation_decay_off: float = 1e-6
    condensation_horizon: float = 8.0  # flow time in units of 1/condensation_decay, the same with and without decay
    dnn_width: int = 200
    dnn_depth: int = 5  # hidden layers
    dnn_steps: int = 2500
    dnn_decay: float = 1e-4


def layerwise(p: Params, rng: np.random.Generator) -> Trajectory:
    """Unconstrained features and readout, trained together from a small start; what is left of the spread is known."""
    model = _unconstrained(p, p.layerwise_scale)
    run = _collapsed(model, rng)
    predicted = np.full(run.t.size, model.final_within_between())
    return Trajectory(run.t, {**run.data, "predicted": predicted}, clock=run.clock)


def layerwise_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """From a large start features hardly move."""
    return _collapsed(_unconstrained(p, p.layerwise_scale_off), rng)


def _unconstrained(p: Params, scale: float) -> UnconstrainedFeatures:
    from toymodels.layerwise import UnconstrainedFeatures

    return UnconstrainedFeatures(p.layerwise_classes, 10, 32, scale)


def _collapsed(model: UnconstrainedFeatures, rng: np.random.Generator) -> Trajectory:
    rate = np.sqrt(model.n_per_class) + model.init_scale**2 * model.width  # of the slowest and fastest modes
    run = model.solve(np.geomspace(1e-2, 500, 60) / rate, rng)
    rows = [_measure(h.T, model.labels, w) for h, w in zip(run["features"], run["weights"], strict=True)]
    return _run(run.t, rows, run.clock)


def neurashed(p: Params, rng: np.random.Generator) -> Trajectory:
    """Disjoint classes under a multiplicative rule in balanced epochs; the closed form is recorded beside it."""
    from toymodels.neurashed import Multiplicative
    from toymodels.neurashed.collapse import multiplicative_ratio, predicted_within_between, train_to_collapse

    up, down, n_classes = 1.05, 0.98, 3
    run = train_to_collapse(Multiplicative(up, down), p.neurashed_epochs, rng, n_classes=n_classes)
    predicted = predicted_within_between(multiplicative_ratio(run.t * 2 * n_classes, up, down, n_classes))
    return _neurashed(run, predicted)


def neurashed_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """An additive rule: the plateau at one half of the shared amplification."""
    from toymodels.neurashed import Additive
    from toymodels.neurashed.collapse import predicted_within_between, train_to_collapse

    run = train_to_collapse(Additive(0.1), p.neurashed_epochs, rng, initial=1e-6)
    return _neurashed(run, predicted_within_between(np.full(run.t.size, 0.5)))


def _neurashed(run: Trajectory, predicted: np.ndarray) -> Trajectory:
    data = {
        "train": np.ones(run.t.size),  # the class node fires with its pathway from the first step
        "within_between": run["within_between"],
        "nc2_angle": run["equiangular"],
        "predicted": predicted,
    }
    return Trajectory(run.t, data, clock=run.clock)


def condensation(p: Params, rng: np.random.Generator) -> Trajectory:
    """Hidden features of the two-layer ReLU net on 2-parity, condensing under weight decay."""
    return _parity(p, rng, p.condensation_decay)


def condensation_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same without decay: lazy for ever."""
    return _parity(p, rng, p.condensation_decay_off)


def _parity(p: Params, rng: np.random.Generator, decay: float) -> Trajectory:
    from toymodels.condensation.delayed import DelayedTask

    def observe(x, y, x_test, y_test, a, w):
        return _measure(np.maximum(x @ w.T, 0).astype(float), (y > 0).astype(int), np.stack([-a, a]).astype(float))

    horizon = p.condensation_horizon * decay / p.condensation_decay
    run = DelayedTask(weight_decay=decay, horizon=horizon).simulate([rng], n_records=50, observe=observe)[0]
    return run


def dnn(p: Params, rng: np.random.Generator) -> Trajectory:
    """Deep ReLU net on 1,000 digits with squared loss, trained far beyond zero error."""
    return _digits(p, rng, frozen=False)


def dnn_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """Frozen features: only the readout of 1,500 random ones is trained, enough of them to fit every digit."""
    return _digits(p, rng, frozen=True)


def _digits(p: Params, rng: np.random.Generator, frozen: bool) -> Trajectory:
    from comparisons.digits import train_mlp

    def probes(network):
        from dnn import probes

        return {"collapse": probes.collapse}

    settings = {"batch_size": 200, "weight_decay": 0.0 if frozen else p.dnn_decay, "loss": "mse", "schedule": "cosine"}
    settings |= {"lr": 1e-2} if frozen else {}
    widths = (784, 1500, 10) if frozen else (784, *[p.dnn_width] * p.dnn_depth, 10)
    run = train_mlp(
        p, rng, n_steps=p.dnn_steps, records=30, widths=widths, frozen=frozen, make_probes=probes, **settings
    )
    data = {name.removeprefix("collapse."): values for name, values in run.data.items()}
    return Trajectory(run.t, data, clock=run.clock)


def _measure(features: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """The six measures of neural collapse, and training accuracy."""
    equinorm, equiangular = collapse.nc2(features, labels)
    return {
        "train": float(((features @ weight.T).argmax(axis=1) == labels).mean()),
        "nc1": collapse.nc1(features, labels),
        "within_between": collapse.within_between(features, labels),
        "nc2_norm": equinorm,
        "nc2_angle": equiangular,
        "nc3": collapse.nc3(features, labels, weight),
        "nc4": collapse.nc4(features, labels, weight),
    }


def _run(t: np.ndarray, rows: list[dict[str, float]], clock: str) -> Trajectory:
    return Trajectory(t, {name: np.array([row[name] for row in rows]) for name in rows[0]}, clock=clock)


def first_perfect(run: Trajectory) -> int | None:
    """Index of the first record with training error 0, None if there is none."""
    perfect = run["train"] >= 1
    return int(perfect.argmax()) if perfect.any() else None


def fall(run: Trajectory, name: str, floor: float) -> float:
    """Decades by which a measure falls from the first record with training error 0 to the last."""
    start = first_perfect(run)
    values = np.maximum(run[name], floor)
    return float(np.log10(values[start] / values[-1]))


def judge(runs: Sequence[Trajectory], p: Params) -> Verdict:
    """Decades of the within/between ratio after zero error, and Papyan's NC1 beside it."""
    unfitted = sum(first_perfect(run) is None for run in runs)
    if unfitted:
        return Verdict("unclear", note=f"training error 0 was not reached in {unfitted} of {len(runs)} runs")
    papyan = [fall(run, "nc1", p.floor) for run in runs if "nc1" in run.data]
    predictions = [run["predicted"][-1] for run in runs if "predicted" in run.data]
    return Verdict.from_scores(
        [fall(run, "within_between", p.floor) for run in runs],
        p.absent_below,
        p.shown_from,
        note=f"Papyan's NC1 falls {np.median(papyan):.2f} decades" if papyan else "",
        predicted=float(np.median(predictions)) if predictions else None,
        measured=float(np.median([run["within_between"][-1] for run in runs])) if predictions else None,
    )


def details(runs: Runs, p: Params) -> str:
    """The other measures at the end, median over replicates."""
    lines = ["at the end, median over replicates:"]
    for row, replicates in runs.items():
        names = [name for name in MEASURES if all(name in run.data for run in replicates)]
        if not replicates:
            continue
        values = (f"{name} {np.median([run[name][-1] for run in replicates]):.2g}" for name in names)
        lines.append(f"  {row}: {', '.join(values)}")
    return "\n".join(lines)


def plot(runs: Runs, verdicts: Mapping[str, Verdict], p: Params):
    """NC1 and within/between above, NC2-NC4 below, with the moment of zero error."""
    from comparisons.collapse_plot import draw

    return draw(runs, verdicts, p)


STUDY = Study(
    name="neural_collapse",
    question=(
        "Do class features collapse to a simplex after the training error is zero? Score: decades by which the "
        "within/between ratio falls from then to the end; shown from 0.5, absent below 0.3."
    ),
    presets={
        "quick": Params(),
        "paper": Params(dnn_width=512, dnn_steps=30_000, neurashed_epochs=400, layerwise_classes=10),
    },
    models={
        "layerwise": Knob(layerwise, layerwise_off, "initial scale 0.03 -> 3"),
        "neurashed": Knob(neurashed, neurashed_off, "multiplicative -> additive rule"),
        "condensation": Knob(condensation, condensation_off, "weight decay 0.02 -> 1e-6"),
        "dnn": Knob(dnn, dnn_off, "trained -> frozen features"),
    },
    judge=judge,
    plot=plot,
    details=details,
)

if __name__ == "__main__":
    from comparisons.runner import main

    raise SystemExit(main("neural_collapse"))
