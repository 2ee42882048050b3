"""Stored data judged again: what counts as the same, what is told where it is not, and what is put into the ledger."""

from dataclasses import replace

import numpy as np
import pytest

from figures.harness import judging, stored
from tests.figures.harness import toy

NAME = "toys/figure"


def judged(value, key="figure.large"):
    return toy.claim(key, measure=lambda data: value).judge({})


def again(claims, committed, **more):
    return judging.Again(NAME, "quick", 7, list(claims), list(committed), **more)


@pytest.mark.parametrize("name", ["median", "low", "high", "lower_quartile", "upper_quartile"])
def test_rounding_of_any_number_is_no_difference_and_more_is_one(name):
    claim = judged([2.0, 3.0, 5.0])
    number = getattr(claim, name)
    assert again([claim], [replace(claim, **{name: number * (1 + 5e-10)})]).differs == []
    (line,) = again([claim], [replace(claim, **{name: number * (1 + 2e-9)})]).differs
    assert line.startswith(
        "toys/figure, quick, seed 7: figure.large is reproduced (3 [2, 5], 3 values), the ledger says"
    )


def test_numbers_near_zero_are_held_to_an_absolute_bound_and_those_without_end_to_themselves():
    zero, endless = judged(0.0), judged(np.inf)
    assert again([zero], [replace(zero, median=5e-13, low=-5e-13)]).differs == []
    assert len(again([zero], [replace(zero, median=2e-12)]).differs) == 1
    assert again([endless], [judged(np.inf)]).differs == []
    assert len(again([endless], [replace(endless, median=1e300)]).differs) == 1
    assert len(again([endless], [judged(-np.inf)]).differs) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", "open"),
        ("criterion", "value: median > 2"),
        ("replicates", 4),
        ("statement", "Other."),
        ("place", "x"),
    ],
)
def test_any_other_word_or_count_is_a_difference(name, value):
    claim = judged([2.0, 3.0, 5.0])
    assert len(again([claim], [replace(claim, **{name: value})]).differs) == 1


def test_new_and_lost_claims_and_other_origins_are_told_in_this_order():
    one = again(
        [judged(2.0), judged(3.0, "figure.new")],
        [judged(2.0), judged(4.0, "figure.z"), judged(4.0, "figure.b")],
        origin={"settings": "n 2", "made_by": "code", "unknown": "x"},
        entry={"settings": "n 1", "made_by": "code"},
    )
    place = "toys/figure, quick, seed 7"
    assert one.place == judging.place_in_words(NAME, "quick", "7") == place
    assert one.differs == [
        f"{place}: the data have settings n 2, the ledger says n 1",
        f"{place}: figure.new is reproduced (3), the ledger says nothing",
        f"{place}: figure.b is no claim any more",
        f"{place}: figure.z is no claim any more",
    ]


def entry(*values, made_by="code", settings="n 1"):
    return {"made_by": made_by, "settings": settings, "claims": [judged(value).to_dict() for value in values]}


def test_each_size_and_seed_is_held_against_its_own_entry(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "load", lambda name: toy.figure(name))
    for preset, seed, value in (("quick", 0, 2.0), ("quick", 11, 3.0), ("large", 0, 4.0)):
        stored.write(tmp_path, NAME, preset, seed, {"values": np.array([value])})
    content = {
        "preset": "quick",
        "figures": {NAME: {"0": entry(2.0), "11": entry(2.0)}},
        "large": {NAME: {"0": entry(4.0)}},
    }
    found = {(one.preset, one.seed): one.differs for one in judging.judge_again(content, [NAME, "toys/none"], tmp_path)}
    assert found.pop(("quick", 11)) == [
        f"{NAME}, quick, seed 11: figure.large is reproduced (3), the ledger says reproduced (2)"
    ]
    assert found == {("quick", 0): [], ("large", 0): []}


def test_only_what_was_judged_again_changes_and_the_rest_of_the_ledger_stays():
    content = {"preset": "quick", "figures": {NAME: {"7": entry(2.0), "8": entry(3.0)}, "toys/z": {"0": entry(1.0)}}}
    one = again([judged(9.0)], [judged(2.0)], origin={"settings": "n 2", "made_by": "newer"})
    mended = judging.rejudged(content, [one])
    assert mended["figures"][NAME]["7"] == entry(9.0)  # how it was computed stays as the ledger says
    assert mended["figures"][NAME]["8"] == entry(3.0)
    assert mended["figures"]["toys/z"] == content["figures"]["toys/z"]
    assert "large" not in mended
    assert content["figures"][NAME]["7"] == entry(2.0)


def test_what_the_ledger_did_not_have_is_put_in_its_place():
    content = {"preset": "quick", "figures": {"toys/z": {"0": entry(1.0)}}}
    origin = {"settings": "n 2", "made_by": "newer"}
    quick = again([judged(9.0)], [], origin=origin)
    large = judging.Again(NAME, "large", 3, [judged(8.0)], [], origin)
    mended = judging.rejudged(content, [quick, large])
    assert list(mended["figures"]) == [NAME, "toys/z"]  # in the order in which figures are listed
    assert mended["figures"][NAME] == {"7": entry(9.0, **origin)}
    assert mended["large"] == {NAME: {"3": entry(8.0, **origin)}}


def test_entries_are_held_against_their_own_preset(monkeypatch):
    presets = {"quick": toy.Toy(), "large": toy.Toy(n_times=2000), "paper": toy.Toy(50)}
    monkeypatch.setattr(judging, "load", lambda name: toy.figure(name, presets=presets))
    monkeypatch.setattr(judging, "maker_of", lambda figure, preset: f"{figure.name} {preset}")
    quick, large = "n times 5, level 1", "n times 2,000, level 1"
    content = {
        "preset": "quick",
        "figures": {NAME: {"0": entry(made_by=f"{NAME} quick", settings=quick), "2": {"made_by": "?", "claims": []}}},
        "large": {NAME: {"0": entry(made_by=f"{NAME} quick", settings=quick), "1": entry(settings=large)}},
    }
    place = f"{NAME}, large, seed"
    assert judging.other_settings(content, [NAME]) == [
        f"{NAME}, quick, seed 2: computed with settings that are not kept; the preset is {quick}",
        f"{place} 0: computed with {quick}; the preset is {large}",
    ]
    assert judging.other_code(content, [NAME]) == [f"{NAME}, quick, seed 2", f"{place} 0", f"{place} 1"]
    assert judging.other_settings(content, ["toys/other"]) == []
