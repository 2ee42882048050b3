"""A figure has a name in two parts, a quick preset and claims of its own, and judges them in their order."""

import re

import numpy as np
import pytest

from figures.harness.figure import PAPERS, PRESETS
from tests.figures.harness import toy
from toymodels.claims import CONTRADICTED, REPRODUCED, median


@pytest.mark.parametrize("name", ["mine/first", "a/b", "opt_npt/figure_3", "2025/x"])
def test_a_name_is_a_paper_and_a_subject(name):
    figure = toy.figure(name)
    assert figure.name == name
    assert figure.paper == name[: name.index("/")]


@pytest.mark.parametrize(
    "name",
    ["", "/", "mine", "mine/", "/first", "mine/first/second", "mine//first", "Mine/first", "mine/fig-3", "a/b c"],
)
def test_any_other_name_is_refused(name):
    words = f"name must be PAPER/SUBJECT in lower-case letters, digits and _, got {name!r}"
    with pytest.raises(ValueError, match=re.escape(words)):
        toy.figure(name)


def test_there_is_a_quick_preset_and_no_claim_twice():
    with pytest.raises(ValueError, match="presets must contain 'quick', got large, paper"):
        toy.figure(presets={"large": toy.Toy(), "paper": toy.Toy()})
    twice = (toy.claim("figure.a"), toy.claim("figure.b"), toy.claim("figure.a"))
    with pytest.raises(ValueError, match=r"claims must have keys of their own, got figure\.a, figure\.b, figure\.a"):
        toy.figure(claims=twice)
    assert toy.figure(claims=()).judge({}) == []


def test_every_claim_is_judged_of_the_same_data_in_its_order():
    claims = (
        toy.claim("figure.second", criterion=median > 2, measure=lambda data: data["b"]),
        toy.claim("figure.first", criterion=median > 2, measure=lambda data: data["a"]),
    )
    judged = toy.figure(claims=claims).judge({"a": np.array([0.0, 1.5, 1.9]), "b": np.array([9.0, 3, 2.5])})
    assert [(one.key, one.median, one.verdict) for one in judged] == [
        ("figure.second", 3, REPRODUCED),
        ("figure.first", 1.5, CONTRADICTED),
    ]


def test_presets_go_from_the_smallest_to_the_published_size():
    assert PRESETS == ("quick", "large", "paper")
    assert list(PAPERS) == ["layerwise", "neurashed", "condensation", "opt_npt", "phase_diagrams"]
