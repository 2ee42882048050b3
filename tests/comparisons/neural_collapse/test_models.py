from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.harness.settings import visible
from comparisons.neural_collapse.models import MODELS, Condensation, Digits, Layerwise, Neurashed
from toymodels.neurashed.collapse import train_to_collapse
from toymodels.neurashed.rules import Additive, Multiplicative

SHORT = {
    "layerwise": {},
    "neurashed": {"epochs": 20},
    "condensation": {"horizon": 0.01},
    "dnn": {"steps": 2, "hidden": (20,)},
}


def run(name, off=False, seed=0, **changes):
    model = MODELS[name]
    return model.run(replace(model.settings_off if off else model.settings, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("name", MODELS)
def test_the_control_turns_a_single_knob(name):
    on, off = visible(MODELS[name].settings), visible(MODELS[name].settings_off)
    assert sum(on[key] != off[key] for key in on) == 1


@pytest.mark.parametrize("name", MODELS)
def test_every_family_has_three_classes_or_more(name):
    trajectory = run(name, **SHORT[name])
    assert trajectory.meta["classes"] >= 3
    assert {"train", "within_between", "nc2_angle"} <= trajectory.data.keys()


@pytest.mark.parametrize("settings", [Layerwise, Neurashed])
def test_two_classes_are_refused(settings):
    with pytest.raises(ValueError, match="classes must be >= 3"):
        settings(classes=2)


@pytest.mark.parametrize("name", ["layerwise", "condensation", "dnn"])
def test_a_control_starts_where_its_model_does_and_not_at_the_answer(name):
    on, off = run(name, **SHORT[name]), run(name, off=True, **SHORT[name])
    assert_allclose(off["within_between"][0], on["within_between"][0], rtol=0.05)
    assert_allclose(off["nc2_angle"][0], on["nc2_angle"][0], rtol=0.05)
    assert on["within_between"][0] > 1
    assert on["nc2_angle"][0] > 0.1


def test_the_neurashed_control_starts_where_its_model_does_with_types_that_differ():
    on, off = run("neurashed", epochs=2), run("neurashed", off=True, epochs=2)
    start = 0.5  # all amplification factors 1
    assert_allclose(off["within_between"], start, rtol=1e-9)
    assert_allclose(on["within_between"][0], start / (1 + (1 - 0.98**2 / 1.05**2) / 2), rtol=0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [5, 10])
def test_what_layerwise_leaves_within_classes_is_predicted(seed, classes):
    trajectory = run("layerwise", seed=seed, classes=classes)
    s = MODELS["layerwise"].settings
    deviation = np.sqrt(2 / ((s.width - classes + 1) * classes * (s.examples - 1)))  # of one start, relative
    rest = s.scale**2 * s.width / np.sqrt(s.examples)  # next order in the start
    assert_allclose(trajectory["within_between"][-1], trajectory["predicted"][-1], rtol=3 * deviation + rest)
    assert trajectory["train"][-1] == 1


@pytest.mark.parametrize("classes", [5, 10])
def test_a_large_layerwise_start_fits_and_stays_and_is_not_predicted(classes):
    trajectory = run("layerwise", off=True, classes=classes)
    assert trajectory["train"][-1] == 1
    assert trajectory["within_between"][-1] > 1
    assert "predicted" not in trajectory.data


@pytest.mark.parametrize("off", [False, True])
@pytest.mark.parametrize("classes", [3, 10])
def test_neurashed_follows_its_closed_form(off, classes):
    trajectory = run("neurashed", off=off, epochs=60, classes=classes)
    assert_allclose(trajectory["within_between"], trajectory["predicted"], rtol=1e-6)


def test_other_knobs_of_neurashed_change_the_pace_alone():
    unfaded = run("neurashed", fade=1.0)
    assert unfaded["within_between"][-1] < 1e-8
    additive = train_to_collapse(Additive(0.05), 200, np.random.default_rng(0))["within_between"]
    assert 0.3 < np.log10(additive[0] / additive[-1]) < np.log10(3)  # from ratio 1 to 1/2, at most
    independent = train_to_collapse(Multiplicative(1.05, 0.98), 200, np.random.default_rng(0), sampling="iid")
    assert independent["equiangular"][-1] > 0.1


def test_condensation_keeps_its_fit_and_collapses_to_a_simplex_with_decay_alone():
    on, off = run("condensation"), run("condensation", off=True)
    first = int((on["train"] >= 1).argmax())
    assert (on["train"][first:] == 1).all()
    assert on["within_between"][-1] < 0.01
    assert on["nc2_angle"][-1] < 0.05
    assert off["train"][-1] == 1
    assert off["within_between"][-1] > 5


def test_settings_are_passed_on():
    assert run("condensation", task="parities", horizon=0.01)["within_between"][-1] > 1
    assert Condensation().task == "signs"
    assert "frozen" not in visible(Digits())
