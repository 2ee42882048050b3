"""What a changed setting becomes, and in which order runs wait."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from comparisons.harness.running import _ordered
from comparisons.harness.settings import Settings, StudySettings, Text, changed, difference, parse, visible, with_data


@dataclass(frozen=True)
class Many(Settings):
    """A setting of every kind."""

    rate: float = 0.5
    steps: int = 3
    name: str = "relu"
    hidden: tuple = (8, 8)
    flag: bool = True
    limit: float | None = None
    either: int | str | None = None
    place: Path = Path("here")


@pytest.mark.parametrize(
    ("key", "value", "becomes"),
    [
        ("rate", 2, 2.0),
        ("rate", np.float64(0.25), 0.25),
        ("steps", np.int64(7), 7),
        ("rate", np.array(3), 3.0),
        ("hidden", np.array([4, 5]), (4, 5)),
        ("hidden", [4, 5], (4, 5)),
        ("hidden", 4, (4,)),
        ("limit", 2, 2.0),
        ("limit", None, None),
        ("either", "x", "x"),
        ("either", 3, 3),
        ("place", "there", Path("there")),
        ("rate", Text("inf"), np.inf),
        ("rate", Text(" -inf "), -np.inf),
        ("name", Text("3"), "3"),
        ("place", Text("3"), Path("3")),
        ("hidden", Text("(4, 5)"), (4, 5)),
        ("flag", Text("False"), False),
    ],
)
def test_a_value_takes_the_type_of_its_setting(key, value, becomes):
    found = getattr(changed(Many(), {key: value}), key)
    assert found == becomes
    assert type(found) is type(becomes)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("rate", True, "m.rate must be of type float"),
        ("rate", "0.5", "m.rate must be of type float"),
        ("rate", float("nan"), "m.rate must be a number, got nan"),
        ("steps", 2.0, "m.steps must be of type int"),
        ("steps", np.array([[1]]), "m.steps must be of type int"),
        ("limit", "x", "m.limit must be of type float"),
        ("name", 3, "m.name must be of type str"),
        ("flag", 1, "m.flag must be of type bool"),
        ("stepz", 1, r"no 'm.stepz'; did you mean m.steps\?"),
        ("xyz", 1, "no 'm.xyz'; known: m.rate, m.steps, m.name, m.hidden, m.flag, m.limit, m.either, m.place$"),
    ],
)
def test_a_value_of_another_type_is_refused(key, value, message):
    with pytest.raises(ValueError, match=message):
        changed(Many(), {key: value}, "m.")


@pytest.mark.parametrize("settings", [Many, {"rate": 1.0}])
def test_settings_are_an_instance(settings):
    with pytest.raises(ValueError, match="settings must be a dataclass"):
        changed(settings, {})


@dataclass(frozen=True)
class Near:
    """Settings of like names."""

    absent_below: int = 0
    absent_above: int = 0
    absent_beyond: int = 0


def test_two_near_names_are_offered():
    with pytest.raises(ValueError, match=r"did you mean absent_below or absent_\w+\?"):
        changed(Near(), {"absent_belov": 1})


@pytest.mark.parametrize("word", ["rate", "=3", " =3"])
def test_an_assignment_has_a_key_and_a_value(word):
    with pytest.raises(ValueError, match="--set takes KEY=VALUE"):
        parse([word])
    assert parse([" rate=0.5", "name=a=b"]) == {"rate": "0.5", "name": "a=b"}


def test_where_a_run_is_computed_is_no_setting_of_it_and_its_scratch_no_part_of_its_identity():
    assert list(visible(Many())) == ["rate", "steps", "name", "hidden", "flag", "limit", "either", "place"]
    field = next(each for each in Settings.__dataclass_fields__.values() if each.name == "scratch")
    assert field.metadata["identity"] is False


def test_differences_are_short():
    assert difference(Many(), {"hidden": (4, 0.25), "rate": 1e-9}) == "hidden 8x8 -> 4x0.25, rate 0.5 -> 1e-09"


def test_settings_of_a_study_read_its_question_and_nothing_private():
    asked = StudySettings(Many(rate=0.75), {"a": Many(), "b": replace(Many(), data="old"), "c": 3}, {"a": Many()})
    assert asked.rate == 0.75
    for name in ("_rate", "nothing"):
        with pytest.raises(AttributeError):
            getattr(asked, name)
    with pytest.raises(AttributeError):
        StudySettings.__getattr__(asked, "question")
    placed = with_data(asked, "folder")
    assert (placed.models["a"].data, placed.models["b"].data, placed.models["c"]) == ("folder", "folder", 3)
    assert placed.off["a"].data == "folder"
    assert with_data(asked, None).models["b"].data == "old"


@pytest.mark.parametrize(
    ("jobs", "order"),
    [(0, "abcde"), (1, "abcde"), (2, "eabcd"), (3, "edabc"), (6, "edcba"), (9, "edcba")],
)
def test_all_workers_but_one_begin_with_the_last(jobs, order):
    assert _ordered(list("abcde"), jobs) == list(order)
