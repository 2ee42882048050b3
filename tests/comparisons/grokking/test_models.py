"""What the settings of the study's models are turned into."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons import digits as shared
from comparisons.grokking import models
from comparisons.grokking.models import MODELS, Digits
from toymodels.trajectory import Trajectory


@pytest.fixture
def asked(monkeypatch):
    """What the torch network on digits is asked for."""
    calls = {}

    def train_mlp(s, rng, **given):
        calls.update(given)
        curve = np.linspace(0.1, 1.0, 3)
        return Trajectory([1.0, 2.0, 3.0], {"train": curve, "test": curve}, clock="step")

    monkeypatch.setattr(shared, "train_mlp", train_mlp)
    return calls


def test_every_setting_of_the_digits_reaches_the_training(asked):
    settings = Digits(scale=3.0, steps=7, records=5, decay=0.3, batch=11, optimiser="sgd")
    models.train_digits(settings, np.random.default_rng(0))
    assert asked == {
        "scale": 3.0,
        "n_steps": 7,
        "records": 5,
        "make_probes": None,
        "optimiser": "sgd",
        "weight_decay": 0.3,
        "loss": "mse",
        "batch_size": 11,
    }


def test_the_control_of_the_digits_starts_small(asked):
    models.train_digits(MODELS["dnn"].settings_off, np.random.default_rng(0))
    assert asked["scale"] == 1.0
    models.train_digits(MODELS["dnn"].settings, np.random.default_rng(0))
    assert asked["scale"] == 8.0


@pytest.mark.parametrize("knob", [{"growth": 5.0}, {"epsilon": 1e-2}, {"steps": 3000}])
def test_a_knob_of_neurashed_moves_its_curves(knob):
    model = MODELS["neurashed"]
    usual, turned = (model.run(s, np.random.default_rng(0)) for s in (model.settings, replace(model.settings, **knob)))
    assert usual["test"].shape != turned["test"].shape or not np.array_equal(usual["test"], turned["test"])


@pytest.mark.parametrize("knob", [{"scale": 1.0}, {"decay": 0.1}, {"samples": 60}])
def test_a_knob_of_layerwise_moves_its_curves(knob):
    model = MODELS["layerwise"]
    usual, turned = (model.run(s, np.random.default_rng(0)) for s in (model.settings, replace(model.settings, **knob)))
    assert usual["test"].shape != turned["test"].shape or not np.array_equal(usual["test"], turned["test"])
