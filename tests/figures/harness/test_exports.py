"""Commands of the ledger: what each needs, how long it takes, how near its median must come, and what is missed."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.harness import exports, ledger
from tests.figures.harness import toy
from toymodels.claims import CONTRADICTED, REPRODUCED

NAME = "toys/figure"


def judged(value, key="figure.large"):
    return toy.claim(key, measure=lambda data: value).judge({})


def entry(**values):
    claims = [judged(value, f"figure.{key}").to_dict() for key, value in values.items()]
    return {"made_by": "code", "settings": "n 1", "claims": claims}


def content(large=None, **seeds):
    """A ledger of one figure, of which each seed `sN` has values by claim."""
    listed = {"preset": "quick", "figures": {NAME: {name[1:]: entry(**values) for name, values in seeds.items()}}}
    return listed | ({"large": {NAME: {name[1:]: entry(**values) for name, values in large.items()}}} if large else {})


def tolerances(listed):
    (row,) = ledger.rows(listed)
    return {
        (preset, seed): exports.tolerance(row, one)
        for preset, seeds in row.sizes.items()
        for seed, one in seeds.items()
    }


def test_a_size_that_measured_the_same_at_one_seed_lends_no_tolerance_to_another():
    listed = content(s0={"a": 2.0}, s11={"a": 2.5}, large={"s0": {"a": 2.0}, "s11": {"a": 9.0}})
    assert tolerances(listed) == {("quick", "0"): 0.5, ("quick", "11"): 0.5, ("large", "0"): 7, ("large", "11"): 7}


@given(st.lists(st.lists(st.floats(-100, 100), min_size=1, max_size=4), min_size=1, max_size=3))
def test_of_few_values_the_tolerance_is_their_whole_range_at_every_seed(runs):
    found = tolerances(content(**{f"s{i}": {"a": values} for i, values in enumerate(runs)}))
    every = [value for values in runs for value in values]
    for i, values in enumerate(runs):
        rounding = max(1e-12, 1e-6 * abs(float(np.median(values))))
        assert found["quick", str(i)] == pytest.approx(max(max(every) - min(every), rounding), rel=1e-12)


def test_values_without_end_do_not_widen_what_is_allowed():
    assert tolerances(content(s0={"a": [1.0, 2.0, 4.0]}, s1={"a": [3.0, 3.5, np.inf]})) == {
        ("quick", "0"): 3,
        ("quick", "1"): 3,
    }
    assert tolerances(content(s0={"a": [-np.inf, -np.inf]})) == {("quick", "0"): 0}


@dataclass(frozen=True)
class Sizes(toy.Toy):
    samples: int | tuple = 1000
    n_test: int = 2000
    data_set: str = "mnist-mini"


def needed(monkeypatch, reached, **values):
    monkeypatch.setattr("toymodels.run.sources.sources", lambda *functions: dict.fromkeys(reached))
    return exports.needs(toy.figure(presets={"quick": Sizes(**values)}), "quick")


DIGITS = ("dnn.data", "figures.opt_npt.digit_networks")


@pytest.mark.parametrize(
    ("reached", "values", "expected"),
    [
        (("toymodels.layerwise",), {"samples": 5000, "data_set": "mnist"}, []),
        (("dnnetworks", "toymodels.dnn"), {}, []),
        (("dnn",), {}, ["torch"]),
        (("dnn.data",), {"samples": 5000}, ["torch"]),
        (("dnn.data",), {"data_set": "mnist"}, ["torch", "full MNIST"]),
        (DIGITS, {}, ["torch"]),
        (DIGITS, {"samples": 1001}, ["torch", "full MNIST"]),
        (DIGITS, {"samples": (100, 1001)}, ["torch", "full MNIST"]),
        (DIGITS, {"samples": (100, 1000)}, ["torch"]),
        (DIGITS, {"n_test": 2001}, ["torch", "full MNIST"]),
    ],
)
def test_torch_is_needed_where_a_network_is_reached_and_mnist_beyond_what_is_packaged(
    reached, values, expected, monkeypatch
):
    assert needed(monkeypatch, reached, **values) == ["checkout", *expected]


def test_a_number_of_samples_under_a_longer_name_counts(monkeypatch):
    @dataclass(frozen=True)
    class Named(toy.Toy):
        followed_samples: int = 3000
        samples_shown: int = 9000

    monkeypatch.setattr("toymodels.run.sources.sources", lambda *functions: dict.fromkeys(DIGITS))
    figure = toy.figure(presets={"quick": Named(), "small": Named(followed_samples=300)})
    assert exports.needs(figure, "quick") == ["checkout", "torch", "full MNIST"]
    assert exports.needs(figure, "small") == ["checkout", "torch"]


def test_only_what_was_measured_takes_a_time():
    figure = toy.figure(seconds=2.5, large_seconds=70.0)
    assert [exports.seconds(figure, preset) for preset in ("quick", "large", "paper")] == [2.5, 70, None]
    assert exports.seconds(toy.figure(), "quick") is None


def test_there_is_a_command_for_every_claim_size_and_seed_with_the_cost_of_its_size(monkeypatch):
    presets = {"quick": toy.Toy(), "large": toy.Toy(9)}
    monkeypatch.setattr(exports, "load", lambda name: toy.figure(presets=presets, seconds=3.0, large_seconds=80.0))
    exports._cost.cache_clear()
    listed = content(s0={"a": 2.0, "b": -np.inf}, s11={"a": 0.5, "b": 3.0}, large={"s4": {"a": 2.0, "b": 2.0}})
    found = json.loads(exports.commands_text(listed))
    exports._cost.cache_clear()
    flags = [(one["command"].split(" --", 1)[1], one["seconds"], one["expected"]["verdict"]) for one in found]
    assert flags == [
        ("preset quick --seed 0 --check figure.a", 3, REPRODUCED),
        ("preset quick --seed 11 --check figure.a", 3, CONTRADICTED),
        ("preset large --seed 4 --check figure.a", 80, REPRODUCED),
        ("preset quick --seed 0 --check figure.b", 3, CONTRADICTED),
        ("preset quick --seed 11 --check figure.b", 3, REPRODUCED),
        ("preset large --seed 4 --check figure.b", 80, REPRODUCED),
    ]
    assert [one["expected"]["median"] for one in found] == [2.0, 0.5, 2.0, "-inf", 3.0, 2.0]
    assert [one["claim"] for one in found] == ["figure.a"] * 3 + ["figure.b"] * 3


def test_a_median_at_the_end_of_what_is_allowed_comes_out_and_one_beyond_does_not():
    listed = content(s0={"large": [2.0, 3.0]}, s5={"large": 4.0})  # 2 to 4 is allowed around 2.5, and around 4
    for seed, middle in ((0, 2.5), (5, 4.0)):
        for off in (-2, 2):
            found = exports.failures(listed, NAME, "quick", seed, [judged(middle + off)], [])
            assert all("median" not in line for line in found)
            lines = exports.failures(listed, NAME, "quick", seed, [judged(middle + 1.01 * off)], [])
            assert lines[0].startswith(f"figure.large: median {middle + 1.01 * off:.6g}, expected {middle:g} within 2")


def test_only_the_claims_named_are_compared_and_others_may_be_new():
    listed = content(s0={"a": 2.0, "b": 2.0})
    made = [judged(0.0, "figure.a"), judged(2.0, "figure.b"), judged(5.0, "figure.new")]
    assert exports.failures(listed, NAME, "quick", 0, made, ["figure.b"]) == []
    both = exports.failures(listed, NAME, "quick", 0, made, ["figure.b", "figure.a"])
    assert [line.partition(":")[0] for line in both] == ["figure.a"] * 2
    every = exports.failures(listed, NAME, "quick", 0, made, [])
    assert every[0] == "figure.new: the ledger does not have it"
    assert len(every) == 3
    assert exports.failures(listed, NAME, "quick", 0, made[:1], ["figure.b"]) == ["figure.b: no claim any more"]


def test_what_the_ledger_has_is_told_where_a_size_or_a_seed_is_not_among_it():
    listed = content(s0={"a": 2.0, "b": 1.0}, s11={"a": 2.0}, large={"s4": {"a": 2.0}})
    words = "preset and seed must be of the ledger, quick 0, quick 11, large 4, got large 0"
    with pytest.raises(ValueError, match=words):
        exports.require_checkable(listed, [NAME], "large", 0, ["figure.a"])
    exports.require_checkable(listed, [NAME], "large", 4, ["figure.a"])
    with pytest.raises(ValueError, match="preset and seed must be of the ledger, quick 0, got large 4"):
        exports.require_checkable(listed, [NAME], "large", 4, [])  # of all claims, b has no larger size
    with pytest.raises(ValueError, match="got paper 0"):
        exports.require_checkable(listed, [NAME], "paper", 0, [])


def test_every_claim_of_every_figure_is_looked_up_when_none_is_named():
    listed = content(s0={"a": 2.0})
    other = {"toys/other": {"11": entry(c=2.0)}}
    two = listed | {"figures": listed["figures"] | other}
    exports.require_checkable(two, [NAME], "quick", 0, [])
    with pytest.raises(ValueError, match="preset and seed must be of the ledger, quick 11, got quick 0"):
        exports.require_checkable(two, [NAME, "toys/other"], "quick", 0, [])
