from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.emergence import STUDY
from comparisons.emergence.models import MODELS
from comparisons.harness.settings import visible
from toymodels.metrics.emergence import passing_times, stage_score

SHORT = {
    "layerwise": {},
    "layerwise one layer": {},
    "neurashed": {},
    "condensation": {},
    "dnn": {"steps": 3, "samples": 60, "hidden": (5, 5)},
}


def run(name, off=False, seed=0, **changes):
    model = MODELS[name]
    return model.run(replace(model.settings_off if off else model.settings, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if not model.control])
def test_the_control_turns_a_single_knob(name):
    on, off = visible(MODELS[name].settings), visible(MODELS[name].settings_off)
    assert sum(on[key] != off[key] for key in on) == 1


@pytest.mark.parametrize("name", MODELS)
def test_every_family_has_skills(name):
    trajectory = run(name, **SHORT[name])
    assert trajectory["skills"].shape == (trajectory.t.size, 3 if name in ("condensation", "dnn") else 4)


@pytest.mark.parametrize(("name", "off"), [("layerwise", False), ("layerwise", True), ("layerwise one layer", False)])
@pytest.mark.parametrize("ratio", [2.0, 5.0])
def test_layerwise_scores_are_predicted(name, off, ratio, monkeypatch):
    monkeypatch.setattr("comparisons.emergence.models.JITTER", (1.0, 1.0))
    start = 1e-12 if name.endswith("layer") or off else 1e-6
    trajectory = run(name, off, ratio=ratio, start=start)
    found = stage_score(passing_times(trajectory.t, trajectory["skills"]))
    assert_allclose(found, trajectory.meta["predicted_stage"], rtol=0.01)


@pytest.mark.parametrize("name", ["layerwise", "neurashed", "condensation"])
def test_shown_with_the_knob_and_absent_without(name):
    verdicts = [STUDY.judge([run(name, off)], STUDY.question).outcome for off in (False, True)]
    assert verdicts == ["shown", "absent"]


def test_digit_modes_start_unlearned_and_predict_gaps():
    trajectory = run("dnn", **SHORT["dnn"])
    assert np.abs(trajectory["skills"][0]).max() < 0.01
    assert min(trajectory.meta["predicted_gaps"]) > 0
