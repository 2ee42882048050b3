"""What is run for the criteria of the family: functions of a generator that return what the claims measure."""

from __future__ import annotations

from typing import Any

import numpy as np

from toymodels.metrics.grokking import crossing_time, delay
from toymodels.neurashed.bottleneck import train_bottleneck
from toymodels.neurashed.collapse import multiplicative_ratio, predicted_within_between, train_to_collapse
from toymodels.neurashed.delayed import DelayedGeneralisation
from toymodels.neurashed.elasticity import (
    READINGS,
    deep_limit,
    elasticity_limit,
    elasticity_ratio,
    local_elasticity,
    printed_changes,
    simulate_elasticity,
)
from toymodels.neurashed.graphs import Task, three_class
from toymodels.neurashed.graphs import worked_example as worked_example_graph
from toymodels.neurashed.rules import Additive, Multiplicative
from toymodels.neurashed.sparsity import train_with_batch_size
from toymodels.neurashed.worked_example import differences, printed_logits, symbols

SIZES = {"b1": 3, "b2": 2, "n_classes": 3}
RULE = Multiplicative(1.05, 0.98)


def theorem_1(rng: np.random.Generator) -> dict[str, Any]:
    """Relative errors of the ratio against its limit by reading, and of the increments, for L = 1, 2, 5 at t = 2000."""
    t, values = 2000, {name: [] for name in ("increments", *READINGS)}
    for depth in (1, 2, 5):
        for reading in READINGS:
            run = simulate_elasticity(t, **SIZES, depth=depth, rng=rng, reading=reading)
            values[reading].append(abs(run.ratio / elasticity_limit(**SIZES, depth=depth, reading=reading) - 1))
            if reading == "own_input":
                values["increments"].append(run.error(*printed_changes(t, **SIZES, depth=depth, c=2)))
    return values


def theorem_2(_: np.random.Generator) -> dict[str, Any]:
    """Relative errors of the closed form at t = 1000 against its limit for L = s t, and its steps from L to L + 1."""
    speeds = np.array([0.5, 1.0, 5.0, 12.5])
    ratio = elasticity_ratio(1000, **SIZES, depth=1000 * speeds)
    deeper = elasticity_ratio(1000, **SIZES, depth=np.arange(1, 5000))
    return {"limit": np.abs(ratio / deep_limit(speeds, **SIZES) - 1), "step": np.diff(deeper).min()}


def worked_example(rng: np.random.Generator) -> dict[str, Any]:
    """Which of six polynomials differ from the print, and logits simulated in whole numbers less the printed ones."""
    a, counts = 3, (5, 4, 2)
    task = worked_example_graph()
    order = [[label] for label, count in enumerate(counts) for _ in range(count)]
    run = task.model.train(
        task.inputs,
        task.labels,
        Additive(a),
        n_steps=len(order),
        rng=rng,
        initial=0,
        edge_training=False,
        order=order,
    )
    logits = task.model.logits(run["amplification"][-1], run["edge_weights"][-1], task.model.fire(task.inputs))
    values = dict(zip(symbols(), (a, *counts), strict=True))
    printed = [int(polynomial.subs(values)) for polynomial in printed_logits()]
    return {
        "differs": [float(difference != 0) for difference in differences()],
        "simulated": np.diagonal(logits) - printed,
    }


def similarity(rng: np.random.Generator) -> dict[str, Any]:
    """Local elasticity from type 1a of figure 2 to the others, and which pathways are consistent with the rules."""
    task, rule = three_class(), Additive(0.1)
    run = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=120,
        rng=rng,
        initial=0,
        edge_training=False,
        order=[[step % 4] for step in range(120)],
        every=120,
    )
    state = run["amplification"][-1], run["edge_weights"][-1]
    near, next_class, far = local_elasticity(task.model, state, task.inputs[:1], task.inputs[1:], rule=rule)[0]
    return {"near": near, "next_class": next_class, "far": far, "consistent": _consistent(task)}


def _consistent(task: Task) -> list[float]:
    """For every type of input whether its pathway obeys the firing rules and leads to its class."""
    differences = []
    for x, label in zip(task.inputs, task.labels, strict=True):
        try:
            task.model.check([*task.model.fire(x[None]), label == np.arange(task.model.n_classes)[None]])
            differences.append(1.0)
        except ValueError:
            differences.append(0.0)
    return differences


def batches(rng: np.random.Generator) -> dict[str, Any]:
    """Error of the mean of ln(own / shared) by batch size, and effective numbers of nodes at B = 1 and 8."""
    replicates = 500  # at B = 8 a type is absent in about two of 300 batches, so a few runs would decide nothing
    runs = {size: train_with_batch_size(size, RULE, rng, replicates=replicates) for size in (1, 2, 4, 8)}
    return {
        "law": [abs(run["log_ratio"][-1].mean() / run["predicted"][-1] - 1) for run in runs.values()],
        "nodes_of_1": runs[1]["effective_number"][-1],
        "nodes_of_8": runs[8]["effective_number"][-1],
    }


def information(rng: np.random.Generator) -> dict[str, Any]:
    """Bits that the second level holds at the start, at the peak of the mean and at the end; and two controls."""
    run = train_bottleneck(rng, every=40, n_draws=150)
    bits = run["level2_input"]
    return {
        "start": bits[0],
        "peak": bits.mean(axis=1).max(),
        "end": bits[-1],
        "label": run["level2_label"][-1],
        "constant_noise": train_bottleneck(rng, relative_noise=0, replicates=3, every=600)["level2_input"][-1],
        "large_batch": train_bottleneck(rng, batch_size=32, replicates=3, every=600)["level2_input"][-1],
    }


def delayed_generalisation(rng: np.random.Generator) -> dict[str, Any]:
    """Times of fitting and generalising by the handicap epsilon of the class route, against the formula."""
    replicates, handicaps = 3, np.array([1e-2, 1e-3, 1e-4, 1e-5])
    fit, general = np.empty((2, len(handicaps), replicates))
    for row, epsilon in enumerate(handicaps):
        for k in range(replicates):
            run = DelayedGeneralisation(epsilon=epsilon).simulate(8000, rng)
            fit[row, k], general[row, k] = (crossing_time(run.t, run[name], 0.95) for name in ("train", "test"))
    default = DelayedGeneralisation()
    slope = np.polyfit(np.log(1 / handicaps), general.mean(axis=1), 1)[0]
    equal = [DelayedGeneralisation(epsilon=1).simulate(8000, rng) for _ in range(replicates)]
    return {
        "late": general[2] / fit[2],
        "time": np.abs(general[2] / default.predicted_test_time - 1),
        "slope": abs(slope * default.rate - 1),
        "control": [delay(run.t, run["train"], run["test"]) for run in equal],
    }


def neural_collapse(rng: np.random.Generator) -> dict[str, Any]:
    """Worst error of the law of collapse and worst angle over 100 balanced epochs, and where additive rules end."""
    run = train_to_collapse(RULE, 100, rng)
    law = predicted_within_between(multiplicative_ratio(6 * run.t, 1.05, 0.98))
    additive = train_to_collapse(Additive(1.0), 300, rng, initial=0.1)
    return {
        "law": np.abs(run["within_between"] / law - 1).max(),
        "angle": run["equiangular"].max(),
        "additive": additive["within_between"][-1],
    }
