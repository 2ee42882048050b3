"""A size for every row of every study at which it takes a moment; its numbers mean nothing there.

Settings differ from their defaults where that costs nothing, so that one that is not passed on changes what is
computed. Controls have the same sizes, and their own knob.
"""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from comparisons.harness.model import OFF, Model
from comparisons.studies import ALL, studies
from dnn.tasks.modular_addition import quick
from tests.double_precision import first_digits, in_double_precision
from tests.kept_numbers import changes
from toymodels.run.engine import one_thread

NUMBERS = Path(__file__).with_name("numbers.json")
TOLERANCE = 1e-5  # over ten times what other instruction sets move where nothing is said

SIZES = {
    "grokking": {
        "layerwise": {"scale": 2.0, "decay": 0.05, "samples": 30},
        "linear estimator": {"dim": 60, "ratio": 1.2, "level": 0.9},
        "neurashed": {"epsilon": 1e-2, "growth": 1.05, "steps": 300},
        "condensation": {"scale": 3.0, "decay": 0.1},
        "condensation even": {"scale": 3.0, "samples": 60, "level": 0.8},
        "dnn": {"scale": 4.0, "steps": 8, "batch": 50, "decay": 1e-2, "records": 6, "level": 0.7},
        "statistics lag": {"momentum": 0.2, "level": 0.4},
        "modular addition": {"fraction": 0.3},
    },
    "local_elasticity": {
        "linear": {"classes": 4, "dim": 10},
        "layerwise": {"classes": 4, "dim": 10},
        "neurashed": {"rounds": 12, "classes": 3, "types": 4, "depth": 2, "initial": 0.05, "growth": 0.1},
        "neurashed disjoint": {"rounds": 12, "shared": 3, "own": 2, "initial": 0.05, "shrink": 0.01},
        "condensation": {"horizon": 0.05, "dim": 8, "samples": 60},
        "dnn cross-entropy": {"steps": 6, "scale": 1.5, "batch": 60},
        "dnn cross-entropy momentum": {"steps": 6, "lr": 0.05, "batch": 60},
        "dnn": {"steps": 6, "scale": 1.5, "batch": 60, "lr": 2e-3},
    },
    "information_bottleneck": {
        "frozen": {"samples": 40, "noise": 0.3},
        "layerwise": {"rank": 3, "dim": 12, "dominant": 5.0, "start": 0.1, "noise": 0.3, "horizon": 30.0},
        "layerwise fixed noise": {"rank": 3, "dim": 12, "start": 0.02, "noise": 0.2, "horizon": 300.0},
        "neurashed": {"steps": 100, "batch": 2, "noise": 0.3},
        "neurashed fixed noise": {"steps": 100, "batch": 2, "noise": 2.0},
        "condensation tanh": {"steps": 300, "noise": 0.3},
        "condensation": {"decay": 0.05, "horizon": 0.05, "noise": 0.3},
        "dnn": {"steps": 6, "decay": 1e-3, "widths": (784, 20, 12, 10), "samples": 40, "noise": 0.3},
        "dnn quantised": {"steps": 6, "decay": 1e-3, "widths": (784, 20, 4, 10), "samples": 40},
    },
    "neural_collapse": {
        "layerwise": {"scale": 0.1, "classes": 4, "examples": 6, "width": 10},
        "neurashed": {"epochs": 20, "grow": 1.1, "fade": 0.95, "classes": 4},
        "condensation": {"decay": 0.05, "horizon": 0.02, "samples": 60, "dim": 12, "width": 40},
        "dnn": {"hidden": (20, 12), "steps": 6, "decay": 1e-2, "lr": 3e-3},
    },
    "emergence": {
        "layerwise": {"skills": 3, "ratio": 2.0, "start": 1e-4},
        "layerwise one layer": {"skills": 3, "ratio": 2.0, "start": 0.05},
        "neurashed": {"classes": 3, "ratio": 2, "initial": 0.05, "grow": 1.1, "steps": 300},
        "condensation": {"skills": 2, "width": 20, "ratio": 2.0, "start": 0.05, "steps": 200, "lr": 0.1},
        "dnn": {"samples": 60, "steps": 20, "lr": 0.5, "modes": (1, 2, 4), "hidden": (12, 8)},
    },
    "double_descent": {
        "layerwise": {"dim": 12, "noise": 0.4, "sets": 4, "ratios": (0.25, 0.75, 1.5, 3.0)},
        "layerwise two layers": {
            "dim": 6,
            "outputs": 3,
            "noise": 0.4,
            "start": 0.05,
            "steps": 700,
            "lr": 0.05,
            "sets": 4,
            "samples": (4, 8, 16),
        },
        "neurashed": {"steps": 100, "sets": 4, "votes": (10, 40)},
        "condensation": {"samples": 12, "dim": 4, "noise": 0.4, "sets": 4, "widths": (4, 16, 40)},
        "condensation trained": {"samples": 12, "dim": 4, "noise": 0.4, "steps": 30, "lr": 0.03, "widths": (2, 5)},
        "condensation trained lazily": {"samples": 12, "dim": 4, "sets": 4, "steps": 30, "widths": (2, 5)},
        "dnn": {"samples": 24, "wrong": 0.3, "widths": (6, 16, 40)},
        "dnn trained": {"samples": 24, "wrong": 0.3, "steps": 3, "lr": 3e-3, "widths": (4, 9)},
    },
    "edge_of_stability": {
        "layerwise": {"depth": 3, "large": 2.0, "small": 0.2, "target": 1.2, "lr": 0.1, "time": 6.0, "records": 13},
        "layerwise catapult": {"lr": 0.25, "time": 10.0, "records": 13},
        "condensation": {
            "width": 8,
            "samples": 12,
            "start": 0.3,
            "second": 0.4,
            "lr": 0.3,
            "flow_lr": 0.06,
            "time": 30.0,
            "records": 13,
        },
        "condensation catapult": {"width": 8, "samples": 12, "lr": 0.15, "flow_lr": 0.03, "time": 12.0, "records": 13},
        "dnn": {"hidden": (6, 5), "samples": 30, "lr": 0.3, "flow_lr": 0.1, "time": 3.0, "records": 4},
    },
    "implicit_regularisation": {
        "layerwise": {"dim": 12, "samples": 6, "active": 2, "start": 0.2, "lr": 0.02, "batch": 2, "steps": 300},
        "layerwise sampling noise": {"dim": 12, "samples": 6, "active": 2, "steps": 300},
        "neurashed": {"shared": 2, "own": 4, "types": 5, "batch": 2, "initial": 0.2, "steps": 60, "models": 4},
        "neurashed additive": {"shared": 2, "own": 4, "types": 5, "batch": 2, "steps": 60, "models": 4},
        "condensation": {"dim": 4, "samples": 12, "width": 12, "lr": 0.03, "batch": 2, "steps": 120, "loss": 0.02},
        "condensation sampling noise": {"dim": 4, "samples": 12, "width": 12, "steps": 120, "loss": 1e-3},
        "dnn": {"samples": 110, "hidden": 5, "batch": 20, "lr": 0.05, "stop": 0.3, "draws": 2},
    },
    "order_parameters": {
        "layerwise": {"scale": 2.0, "decay": 0.05, "samples": 30},
        "neurashed": {"steps": 60, "epsilon": 1e-2, "growth": 1.05},
        "condensation": {"horizon": 0.05, "records": 3},
        "dnn": {"scale": 2.0, "steps": 16, "records": 2, "lr": 1e-3},
    },
    "forerunners": {
        "emergence layerwise": {"start": 1e-4, "ratio": 4.0, "records": 12},
        "emergence condensation": {"width": 12, "ratio": 3.0, "steps": 100, "records": 10},
        "edge layerwise": {"depth": 3, "time": 60.0, "records": 30},
        "edge condensation": {"width": 8, "samples": 12, "time": 30.0, "records": 10},
        "regularisation layerwise": {"dim": 20, "samples": 10, "active": 2, "batch": 2, "steps": 300, "records": 8},
        "regularisation condensation": {"dim": 4, "samples": 12, "width": 12, "steps": 120, "loss": 0.02, "records": 5},
    },
}
LONG = {
    "effective_rank": 3e-4,
    "kernel_distance": 2e-2,
    "kernel_predictor": 0.2,
    "n_clusters": 3e-3,
    "path_norm": 3e-4,
    "test": 5e-3,
    "weight_norm": 3e-4,
}  # of a long training in single precision
LOOSE = {  # by row and curve: ten times what instruction sets have moved it, in sizes of its values
    "grokking: condensation even": LONG,
    "grokking: condensation even (off)": LONG,
    "order_parameters: condensation": {"kernel_distance": 5e-4},
}
FEW = (220, 80)  # training and test digits
NAMES = [
    f"{name}: {row}{off}"
    for name, rows in SIZES.items()
    for row in rows
    for off in ("", OFF)
    if not off or studies([name])[0].models[row].off is not None
]


def every_row():
    """All rows that are run, of all studies, with their controls."""
    return [
        f"{study.name}: {row}"
        for study in studies(ALL)
        for row, each in study.rows(list(study.models)).items()
        if isinstance(study.models[row.removesuffix(OFF)], Model)
    ]


def small_addition():
    """Stands in for the task of :mod:`dnn.tasks.modular_addition`: pairs mod 7, and a few steps."""
    config = replace(quick().config, n_steps=12, records=4)
    return replace(quick(), modulus=7, d_model=12, d_hidden=20, n_heads=2, config=config)


@contextmanager
def _in_place():
    """While this lasts, there are few digits, and what has no setting for its size is small."""
    with pytest.MonkeyPatch.context() as patch, in_double_precision(patch), one_thread():
        patch.setattr("dnn.data.load", first_digits(*FEW))
        patch.setattr("comparisons.implicit_regularisation.models.FITTED", 5e-3)  # losses below are as good as it
        patch.setattr("dnn.tasks.modular_addition.quick", small_addition)
        yield


def run_of(name):
    """The row `STUDY: ROW` at its small size."""
    study, _, row = name.partition(": ")
    model = row.removesuffix(OFF)
    asked = studies([study])[0].models[model]
    settings = replace(asked.settings, device="cpu", **SIZES[study][model])
    if row.endswith(OFF):
        settings = replace(settings, **asked.off)
    with _in_place():
        return asked.run(settings, np.random.default_rng(0))


def data_of(run):
    """Times, curves, and what a run says besides; words as the bytes of their letters."""
    said = {f"meta {key}": _as_numbers(value) for key, value in run.meta.items() if value is not None}
    return {"t": run.t, **run.data, **{key: values for key, values in said.items() if values.size}}


def _as_numbers(value):
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def changed(name, before, data):
    """What differs between the numbers kept of a row and its `data`, in words."""
    return changes(before, data, TOLERANCE, LOOSE.get(name, {}))
