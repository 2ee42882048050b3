"""Every figure computes, is judged and is drawn with labels, here at a size at which its numbers mean nothing."""

from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest

from toymodels.run.sweep import sweep

SMALL = {
    "shallow_nonlinearity": {"samples": (60, 120), "width": 16, "n_steps": 8, "batch_size": 30, "records": 4},
    "gradient_phases": {"samples": 100, "width": 12, "n_steps": 4, "records": 3},
    "gradient_phases_23_layers": {
        "samples": 200,
        "width": 24,
        "n_steps": 20,
        "deep_samples": 200,
        "deep_width": 24,
        "deep_batches": 2,
        "deep_steps": 30,
        "records": 4,
    },
    "accuracy_by_depth": {"depths": (3, 6), "widths": (8, 12), "samples": 100, "n_steps": 8, "records": 3},
    "basins_by_setting": {
        "depths": (4, 5),
        "widths": (16, 24),
        "curve_width": 24,
        "fixed_depth": 4,
        "rates": (0.1, 0.3),
        "batches": (50, 100),
        "tuned_depth": 4,
        "tuned_width": 24,
        "samples": 100,
        "batch_size": 50,
        "epochs": 30,
        "tuned_epochs": 30,
        "basin_samples": 50,
    },
    "basins_by_class": {"n_hidden": 2, "width": 24, "n_steps": 20, "draws": 1, "copies": 4},
    "batch_norm_lag": {"n_hidden": 3, "width": 12, "n_steps": 6, "slow_steps": 6, "before": 3},
    "delayed_generalisation": {"scale": 4.0, "n_steps": 30, "records": 6},
    "sorting_and_linear_layers": {
        "hidden": 4,
        "width": 12,
        "samples": 100,
        "batch_size": 50,
        "n_steps": 4,
        "lag_hidden": (3, 4),
        "lag_steps": 4,
        "lag_records": 3,
        "lag_replicates": 2,
    },
    "very_deep_structure": {
        "depths": (6, 5, 7, 7, 7, 8),
        "widths": (12,) * 6,
        "samples": 100,
        "batch_size": 50,
        "n_steps": 4,
    },
    "transformation_modes": {
        "fields": 12,
        "sequences": 2,
        "unit_steps": 20,
        "starts": 2,
        "units": 2,
        "samples": 100,
        "width": 10,
        "n_steps": 20,
        "compared": 60,
        "draws": 3,
    },
    "flat_minima": {
        "batches": (50, 100),
        "rates": (0.1, 0.3),
        "decays": (0.0, 1e-3),
        "dropouts": (0.0, 0.2),
        "depth": 4,
        "width": 16,
        "samples": 100,
        "batch_size": 50,
        "epochs": 10,
        "looked_at": 50,
        "draws": 2,
    },
    "linear_perceptron": {"samples": (60, 120), "width": 16, "n_steps": 8, "batch_size": 30, "records": 3},
    "linearised_tail": {"samples": 200, "n_hidden": 12, "width": 12, "batch_size": 200, "n_steps": 8},
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_run_is_computed_judged_and_drawn_with_labels(name):
    figure = import_module(f"figures.opt_npt.{name}").FIGURE
    settings = replace(figure.presets["quick"], device="cpu", replicates=2, **SMALL[name])
    data = figure.compute(settings, np.random.default_rng(0), partial(sweep, jobs=1))
    assert [claim.key for claim in figure.judge(data)] == [claim.key for claim in figure.claims]
    axes = [ax for ax in figure.draw(data, settings).axes if ax.has_data()]
    assert axes
    assert [ax.get_title() for ax in axes if not (ax.get_xlabel() or ax.get_ylabel())] == []
