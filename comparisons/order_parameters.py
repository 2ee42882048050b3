"""On one trained run, every theory's own order parameter on one axis: which moves before the test score, which after?

python -m comparisons.order_parameters --preset quick
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from comparisons import grokking, grokking_models, order
from comparisons.order_probes import THEORY, order_parameters
from comparisons.study import Runs, Study, Verdict
from toymodels.trajectory import Trajectory

UNSPECIFIC = ("weight_norm",)  # decay lowers it whether or not anything generalises


@dataclass(frozen=True)
class Params(grokking.Params):
    """The grokking runs, with thresholds for the lead of the earliest order parameter, in decades."""

    absent_below: float = 0.05
    shown_from: float = 0.1
    condensation_records: int = 60
    dnn_steps: int = 14_000


def condensation(p: Params, rng: np.random.Generator) -> Trajectory:
    """The two-layer net on 2-parity, wrapped as a torch network so that every probe can read it."""
    from toymodels.condensation.delayed import DelayedTask

    model = DelayedTask(init_scale=p.condensation_scale, weight_decay=p.condensation_decay)
    run = model.simulate([rng], n_records=p.condensation_records, observe=_parity_probe())[0]
    return _with_theories(run, p.full_level)


def _parity_probe():
    import torch
    from torch import nn

    from dnn.data import Split

    first: list[nn.Module] = []

    def wrapped(a, w) -> nn.Module:
        hidden, readout = nn.Linear(w.shape[1], len(w), bias=False), nn.Linear(len(w), 2, bias=False)
        with torch.no_grad():
            hidden.weight.copy_(torch.from_numpy(w))
            readout.weight.copy_(torch.from_numpy(np.stack([-a, a])))  # class 1 where the output is positive
        return nn.Sequential(hidden, nn.ReLU(), readout)

    def observe(x, y, x_test, y_test, a, w) -> dict[str, float]:
        network = wrapped(a, w)
        if not first:
            first.append(network)
        inputs = (torch.from_numpy(values.astype(np.float32)) for values in (x, x_test))
        labels = (torch.from_numpy((values > 0).astype(np.int64)) for values in (y, y_test))
        x_train, x_late = inputs
        y_train, y_late = labels
        return order_parameters(network, Split(x_train, y_train, x_late, y_late), first[0])

    return observe


def dnn(p: Params, rng: np.random.Generator) -> Trajectory:
    """The digits network of the grokking study with every probe."""
    run = grokking_models.train_digits(p, rng, p.dnn_scale, p.dnn_steps, _digits_probes)
    data = {name.removeprefix("order."): values for name, values in run.data.items()}
    return _with_theories(Trajectory(run.t, data, clock=run.clock), p.digits_level)


def _digits_probes(network) -> dict:
    from copy import deepcopy
    from functools import partial

    return {"order": partial(order_parameters, reference=deepcopy(network))}


def _with_theories(run: Trajectory, test_level: float) -> Trajectory:
    meta = {**run.meta, "test_level": test_level, "order": [name for name in THEORY if name in run.data]}
    return Trajectory(run.t, run.data, clock=run.clock, meta=meta)


def run_leads(run: Trajectory, p: Params) -> dict[str, float]:
    """Decades by which each order parameter of a run is half-way before (-) or after (+) the test score."""
    return order.leads(run, run.meta["order"], *grokking.crossings(run, p))


def judge(runs: Sequence[Trajectory], p: Params) -> Verdict:
    """By how many decades the earliest specific order parameter leads the test score."""
    late = [run for run in runs if not np.less(*grokking.crossings(run, p))]
    if late:
        return Verdict("unclear", note=f"no delay to look into in {len(late)} of {len(runs)} runs")
    found = [run_leads(run, p) for run in runs]
    specific = [name for name in order.common(found) if name not in UNSPECIFIC]
    medians = {name: np.median([one[name] for one in found]) for name in specific}
    earliest = min(medians, key=lambda name: medians[name])
    scores = [-one[earliest] for one in found]
    return Verdict.from_scores(scores, p.absent_below, p.shown_from, note=f"earliest: {earliest}")


def plot(runs: Runs, verdicts: Mapping[str, Verdict], p: Params):
    """Curves above, half-way times below, all relative to the half-way time of the test score."""
    from comparisons.order_plot import draw

    return draw(runs, p)


STUDY = Study(
    name="order_parameters",
    question=(
        "Which theory's order parameter is half-way before the test score is? Score: decades by which the earliest one "
        "leads (the weight norm aside, which decay lowers anyway); shown from 0.1, absent below 0.05."
    ),
    presets={
        "quick": Params(),
        "paper": replace(Params(), dnn_optimiser="adamw", dnn_decay=0.01, dnn_steps=100_000, dnn_records=120),
    },
    models={
        "layerwise": grokking_models.layerwise,
        "neurashed": grokking_models.neurashed,
        "condensation": condensation,
        "dnn": dnn,
    },
    judge=judge,
    plot=plot,
    details=grokking.details,
)

if __name__ == "__main__":
    from comparisons.runner import main

    raise SystemExit(main("order_parameters"))
