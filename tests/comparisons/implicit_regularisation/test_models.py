from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.harness.settings import visible
from comparisons.implicit_regularisation import STUDY
from comparisons.implicit_regularisation.models import MODELS, record_steps
from comparisons.implicit_regularisation.question import lead
from toymodels.metrics.curves import DENSE

SHORT = {
    "layerwise": {"steps": 200, "dim": 12, "samples": 6, "active": 2},
    "layerwise sampling noise": {"steps": 200, "dim": 12, "samples": 6, "active": 2},
    "neurashed": {},
    "neurashed additive": {},
    "condensation": {"steps": 100, "width": 10, "samples": 10, "loss": 0.05},
    "condensation sampling noise": {"steps": 100, "width": 10, "samples": 10, "loss": 0.05},
    "dnn": {"samples": 60, "hidden": 5, "batch": 20, "stop": 0.3, "draws": 2},
}


def run(name, off=False, seed=0, **changes):
    model = MODELS[name]
    return model.run(replace(model.settings_off if off else model.settings, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if not model.control])
def test_the_control_turns_a_single_knob_the_batch(name):
    on, off = visible(MODELS[name].settings), visible(MODELS[name].settings_off)
    assert [key for key in on if on[key] != off[key]] == ["batch"]


@pytest.mark.parametrize("name", MODELS)
def test_both_trainings_start_alike_and_are_compared_at_one_loss(name):
    trajectory = run(name, **SHORT[name])
    assert len(trajectory.t) >= DENSE
    assert_allclose(trajectory["small"][0], trajectory["full"][0], rtol=1e-6)
    assert trajectory.meta["complexity"]
    assert trajectory.meta["noise"]
    if "small_loss" in trajectory.data:
        start = max(trajectory["small_loss"][0], trajectory.meta.get("start_loss", 0))
        small, full = (np.maximum(trajectory[f"{side}_loss"] / start, 1e-6) for side in ("small", "full"))
        assert np.abs(np.log10(small / full)).max() < 0.3
    assert STUDY.judge([trajectory], STUDY.question).thresholds == (0.1, 0.3)


def test_neurashed_is_predicted_and_its_control_is_absent():
    on, off = run("neurashed"), run("neurashed", off=True)
    assert STUDY.judge([on], STUDY.question).outcome == "shown"
    assert STUDY.judge([off], STUDY.question).outcome == "absent"
    assert_allclose(lead(on)[-1], on.meta["predicted"], atol=1e-3)
    additive = run("neurashed additive")
    assert_allclose(additive["predicted"], lead(additive), atol=0.05)
    assert STUDY.judge([additive], STUDY.question).outcome == "unclear"


def test_layerwise_follows_its_prediction_on_the_way():
    trajectory = run("layerwise", steps=30_000, lr=0.005, noise=1.0)
    assert trajectory.meta["predicted"] > 0.2
    assert_allclose(lead(trajectory), trajectory["predicted"], atol=0.15)


def test_steps_to_record_begin_with_the_start_and_end_at_the_end():
    steps = record_steps(6000)
    assert (steps[0], steps[-1]) == (0, 6000)
    assert (np.diff(steps) > 0).all()
    assert len(steps) >= 20


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("layerwise", {"samples": 100}, "samples must be < dim = 100, got 100"),
        ("layerwise", {"steps": 5}, "steps must be >= 100"),
        ("neurashed", {"rule": "other"}, "rule must be one of multiplicative, additive"),
        ("condensation", {"loss": 0.0}, "loss must be > 0"),
        ("dnn", {"batch": 500}, "batch must be < samples = 500, got 500"),
    ],
)
def test_bad_settings_are_named(name, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(MODELS[name].settings, **changes)


def test_the_full_batch_of_layerwise_stays_the_solution_of_the_start():
    trajectory = run("layerwise", **SHORT["layerwise"])
    for name in ("full", "full_error", "full_loss"):
        assert (trajectory[name] == trajectory[name][0]).all()
    for part in ("error", "loss"):
        assert trajectory[f"full_{part}"][0] == trajectory[f"small_{part}"][0]
    assert trajectory["small_error"][-1] != trajectory["small_error"][0]
