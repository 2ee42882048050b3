from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.double_descent import STUDY
from comparisons.double_descent.models import MODELS
from comparisons.harness.settings import visible
from toymodels.metrics.double_descent import fit_boundary

SHORT = {
    "layerwise": {"dim": 20},
    "layerwise two layers": {"steps": 50},
    "neurashed": {"steps": 50, "votes": (10, 40, 160)},
    "condensation": {"widths": (5, 57, 63, 200)},
    "condensation trained": {"steps": 5, "widths": (3, 6)},
    "condensation trained lazily": {"steps": 5, "widths": (3, 6)},
    "dnn": {"samples": 30, "widths": (10, 28, 32, 100)},
    "dnn trained": {"steps": 3, "widths": (4, 8)},
}


def run(name, off=False, seed=0, **changes):
    model = MODELS[name]
    return model.run(replace(model.settings_off if off else model.settings, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.off])
def test_the_control_turns_a_single_knob(name):
    on, off = visible(MODELS[name].settings), visible(MODELS[name].settings_off)
    assert sum(on[key] != off[key] for key in on) == 1


@pytest.mark.parametrize("name", MODELS)
def test_every_family_has_errors_over_sizes_and_sets(name):
    trajectory = run(name, **SHORT[name])
    sets = MODELS[name].settings.sets
    assert trajectory["test"].shape == trajectory["train"].shape == (trajectory.t.size, sets)
    assert trajectory["test"].min() > 0
    assert trajectory.meta.get("threshold", -1.0) not in trajectory.t


@pytest.mark.parametrize(("name", "threshold"), [("layerwise", 1.0), ("condensation", 60.0), ("dnn", 30.0)])
def test_data_are_just_fitted_at_the_threshold(name, threshold):
    trajectory = run(name, **SHORT[name])
    train = trajectory["train"].mean(axis=1)
    fitted = trajectory.t < threshold if name == "layerwise" else trajectory.t > threshold
    assert train[fitted].max() < 1e-15
    assert train[~fitted].min() > 1e-5
    assert trajectory.meta["threshold"] == threshold
    assert fit_boundary(train) is not None


def test_layerwise_errors_are_predicted():
    trajectory = run("layerwise", dim=400, ratios=(0.3, 0.7, 1.5, 4.0))
    assert_allclose(trajectory["test"].mean(axis=1), trajectory["predicted"], rtol=0.1)


def test_two_layers_converge_to_the_map_of_least_norm():
    trajectory = run("layerwise two layers", dim=10, samples=(5, 20, 40), steps=20_000)
    mean = 10 ** np.log10(trajectory["test"]).mean(axis=1)
    assert_allclose(mean, trajectory["predicted"], rtol=0.02)
    stopped = run("layerwise two layers", off=True, dim=10, samples=(5, 20, 40), steps=20_000)
    assert (stopped["test"] <= trajectory["test"]).all()


@pytest.mark.parametrize("name", ["layerwise", "condensation"])
def test_shown_with_the_knob_and_absent_without(name):
    verdicts = [STUDY.judge([run(name, off)], STUDY.question).outcome for off in (False, True)]
    assert verdicts == ["shown", "absent"]


def test_too_few_sets_are_refused():
    for name in MODELS:
        with pytest.raises(ValueError, match="sets must be >= 4"):
            replace(MODELS[name].settings, sets=3)
