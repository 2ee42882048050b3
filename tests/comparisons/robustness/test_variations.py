"""What is varied of a row, and by how much."""

import importlib
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import Model
from comparisons.robustness import variations
from comparisons.robustness.variations import cases, nuisance, turned
from tests.comparisons.harness import toy
from tests.comparisons.robustness.frail import STUDY, Frail, asked, frail

USES_TORCH = variations.uses_torch


@pytest.mark.parametrize(
    ("value", "doubled", "halved"),
    [
        (50, 100, 25),
        (5, 10, 2),
        (1, 2, None),
        (-3, -6, -2),
        (0.02, 0.04, 0.01),
        (0, None, None),
        (0.0, None, None),
        (True, None, None),
        ("relu", None, None),
        (float("inf"), None, None),
        (None, None, None),
        ((784, 200), (1568, 400), (392, 100)),
        ((1, 0.0), (2, 0.0), None),
        ((), None, None),
        (("a", 1), None, None),
    ],
)
def test_numbers_are_doubled_and_halved_and_nothing_else_is(value, doubled, halved):
    assert turned(value, 2) == doubled
    assert turned(value, 0.5) == halved
    assert type(turned(value, 2)) in (type(value), type(None))


def test_nuisance_parameters_are_the_numbers_without_the_knob():
    late = STUDY.models["late"]
    assert nuisance(late, late.settings) == {"n_times": [40, 10], "sizes": [(2, 4), (1, 1)]}
    assert list(nuisance(STUDY.models["frail"], Frail())) == ["units", "parts", "limit"]
    knobless = replace(late, off=None)
    assert "lag" in nuisance(knobless, late.settings)


def test_model_and_control_are_varied_alike_and_keep_their_knob():
    both = [case for case in asked(models=["late"]) if case.what == "n times 20 -> 40"]
    assert [case.row for case in both] == ["late", "late (off)"]
    assert [(case.run.settings.lag, case.run.settings.n_times) for case in both] == [(2.0, 40), (0.0, 40)]
    seeds = [(case.row, case.seed) for case in asked(models=["late"]) if case.what in ("base", "seed 1", "seed 2")]
    assert seeds == [(row, seed) for seed in range(3) for row in ("late", "late (off)")]


def test_networks_in_torch_are_told_by_their_code():
    study = importlib.import_module("comparisons.neural_collapse").STUDY
    assert {name: USES_TORCH(study, name) for name in ("layerwise", "condensation", "dnn")} == {
        "layerwise": False,
        "condensation": False,
        "dnn": True,
    }


def test_networks_and_models_on_request_are_asked_by_flag_or_by_name(monkeypatch):
    monkeypatch.setattr(variations, "uses_torch", lambda study, name: name == "late")
    assert variations.chosen(STUDY, None, with_dnn=False) == ["frail"]
    assert variations.chosen(STUDY, None, with_dnn=True) == ["late", "frail"]
    assert variations.chosen(STUDY, ["rare", "late", "mute", "of another study"], with_dnn=False) == ["late", "rare"]


@given(st.integers(1, 10**6), st.floats(1e-6, 1e6), st.sampled_from([1, -1]))
def test_a_number_is_half_or_twice_as_large(whole, real, sign):
    assert turned(sign * real, 2) == 2 * sign * real
    assert turned(sign * real, 0.5) == sign * real / 2
    assert turned(sign * whole, 2) == 2 * sign * whole
    half = turned(whole, 0.5)
    assert half is None if whole == 1 else abs(half - whole / 2) <= 0.5 and 1 <= half < whole
    assert turned((whole, sign * real), 2) == (2 * whole, 2 * sign * real)


def test_what_has_no_half_stays_in_a_tuple():
    assert turned((1, 4), 0.5) == (1, 2)
    assert turned((4, float("inf")), 2) == (8, float("inf"))
    assert turned((1, 0), 0.5) is None
    assert turned((2, True), 2) is None
    assert turned((2, (3,)), 2) is None
    assert turned(float("nan"), 2) is None
    assert turned([2, 4], 2) is None


def test_cases_say_what_they_change():
    whats = [case.what for case in asked(seeds=2) if case.row == "frail"]
    assert whats == [
        "base",
        "seed 1",
        "units 5 -> 10",
        "units 5 -> 2",
        "parts 4 -> 8",
        "parts 4 -> 2",
        "limit 10 -> 20",
        "limit 10 -> 5",
    ]
    assert [case.row for case in asked(seeds=1)] == ["frail", "frail (off)"] * 7
    case = next(case for case in asked() if case.what == "units 5 -> 2")
    assert str(case) == "toy frail units 5 -> 2"
    assert (case.model, case.seed, case.refused, case.run.settings.units) == ("frail", 0, "", 2)
    assert {case.what: case.seed for case in asked(seeds=3) if case.seed} == {"seed 1": 1, "seed 2": 2}


@dataclass(frozen=True)
class Strict(Frail):
    """It refuses more units in words of its own, and other parts by an error of its own."""

    def __post_init__(self):
        if self.units > 5:
            raise ValueError("units must be few")
        if self.parts != 4:
            raise KeyError("parts")


@pytest.mark.parametrize("off", [None, {"lag": 0.0}])
def test_settings_that_are_refused_say_why_for_the_control_too(off):
    study = toy.STUDY.adding(strict=Model(frail, Strict(), off=off))
    found = [case for case in cases(study, "strict", 1) if case.run is None]
    rows = ["strict"] if off is None else ["strict", "strict (off)"]
    refused = ["units 5 -> 10", "parts 4 -> 8", "parts 4 -> 2"]
    assert [(case.row, case.what) for case in found] == [(row, what) for what in refused for row in rows]
    assert {case.refused for case in found if "units" in case.what} == {"units must be few"}
    assert all("KeyError" in case.refused and "parts" in case.refused for case in found if "parts" in case.what)
    assert not any(case.refused for case in cases(study, "strict", 1) if case.run is not None)


def test_silent_models_and_those_of_other_studies_are_not_varied():
    assert variations.chosen(STUDY, ["mute"], with_dnn=True) == []
    assert variations.chosen(STUDY, [], with_dnn=True) == []
    assert variations.chosen(STUDY, ["nobody"], with_dnn=True) == []
    assert variations.chosen(STUDY, ["frail", "late", "frail"], with_dnn=False) == ["late", "frail"]
