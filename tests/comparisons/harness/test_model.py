"""What answers a question for a family, and what is refused for it."""

from dataclasses import dataclass

import pytest

from comparisons import Model, Silent
from comparisons.harness.model import as_model
from comparisons.harness.settings import Settings


@dataclass(frozen=True)
class Wait:
    """A model's settings."""

    decades: float = 2.0
    records: int = 50


def waiting(s, rng):
    return s, rng


def test_the_knob_is_what_the_control_changes_and_the_rest_stays():
    model = Model(waiting, Wait(3.0, 60), off={"decades": 0.5})
    assert model.knob == "decades 3 -> 0.5"
    assert model.settings_off == Wait(0.5, 60)
    assert model.settings == Wait(3.0, 60)


@pytest.mark.parametrize("off", [None, {}])
def test_without_a_control_nothing_is_turned(off):
    model = Model(waiting, Wait(3.0), off=off)
    assert model.knob == ""
    assert model.settings_off == Wait(3.0)


def test_a_model_has_the_settings_of_every_model_one_run_a_replicate_and_is_asked_unless_it_is_said_otherwise():
    model = Model(waiting)
    assert model.settings == Settings()
    assert (model.off, model.control, model.on_request, model.stream, model.members) == (None, False, False, "", 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run": "waiting"}, r"run must be a callable \(settings, rng\) -> Trajectory, got 'waiting'"),
        ({"members": 0}, "members must be"),
        ({"members": 1.5}, "members must be"),
        ({"settings": {"decades": 1.0}}, "settings must be a dataclass"),
        ({"settings": Wait}, "settings must be a dataclass"),
        ({"off": {"decade": 1.0}}, r"no 'decade'; did you mean decades\?"),
        ({"off": {"records": 2.5}}, "records must be of type int"),
        ({"off": ["decades"]}, "settings must map names to values"),
        ({"off": 0}, "settings must map names to values"),
    ],
)
def test_what_is_no_model_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        Model(**{"run": waiting, "settings": Wait()} | changes)


def test_a_callable_becomes_a_model_and_models_stay_as_they_are():
    model, silent = Model(waiting, Wait()), Silent("no clock")
    assert as_model(model) is model
    assert as_model(silent) is silent
    assert as_model(waiting) == Model(waiting)
    for nothing in (None, 3, "waiting", [model]):
        with pytest.raises(ValueError, match="a model must be a Model, a Silent or a callable"):
            as_model(nothing)
