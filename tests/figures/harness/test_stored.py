import numpy as np
import pytest

from figures.harness import exports, judging, ledger, registry, running, stored
from figures.harness.sizes import settings_in_words
from tests.figures.harness import toy
from toymodels.claims import CONTRADICTED, OPEN, REPRODUCED, Judged, at_least

DATA = {"values": np.array([2.0, 3.0, 4.0, 5.0]), "unread": np.zeros(9)}


def judged(value, key="figure.large"):
    return toy.claim(key, measure=lambda data: value).judge({})


def entry(*values):
    return {"made_by": "code", "settings": "n 1", "claims": [judged(value).to_dict() for value in values]}


def test_only_what_the_claims_read_is_kept():
    assert list(stored.read_by_claims(toy.FIGURE, DATA)) == ["values"]
    everything = toy.figure(claims=(toy.claim(measure=lambda data: sum(v.sum() for v in data.values())),))
    assert list(stored.read_by_claims(everything, DATA)) == ["unread", "values"]


def test_what_would_decide_is_kept_where_the_claim_holds_too():
    figure = toy.figure(claims=(toy.claim(decisive=at_least(unread=1)),))
    assert figure.judge(DATA)[0].verdict == REPRODUCED
    assert list(stored.read_by_claims(figure, DATA)) == ["unread", "values"]


def test_stored_data_without_what_a_claim_reads_now_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "load", lambda name: toy.figure(claims=(toy.claim(measure=lambda data: data["new"]),)))
    stored.write(tmp_path, "toys/figure", "quick", 0, DATA)
    content = {"preset": "quick", "figures": {"toys/figure": {"0": entry(0.5)}}}
    with pytest.raises(ValueError, match="stored data of toys/figure, quick, seed 0, lack 'new'"):
        list(judging.judge_again(content, ["toys/figure"], tmp_path))


def test_sizes_and_seeds_lie_side_by_side_and_a_second_writing_replaces_its_own(tmp_path):
    for seed, factor in ((0, 1.0), (11, 2.0), (0, 3.0)):
        stored.write(tmp_path, "toys/figure", "quick", seed, {"values": factor * DATA["values"]})
    stored.write(tmp_path, "toys/figure", "large", 0, {"values": DATA["values"]})
    read = stored.read(tmp_path, "toys/figure")
    assert set(read) == {("quick", 0), ("quick", 11), ("large", 0)}
    assert np.array_equal(read["quick", 0]["values"], 3.0 * DATA["values"])
    assert np.array_equal(read["quick", 11]["values"], 2.0 * DATA["values"])


def test_data_that_are_too_large_leave_the_file_as_it_is(tmp_path):
    path = stored.write(tmp_path, "toys/figure", "quick", 0, DATA)
    assert path is not None
    before = path.read_bytes()
    assert list(stored.read(tmp_path, "toys/figure")) == [("quick", 0)]
    noise = np.random.default_rng(0).random(stored.LIMIT // 7)
    assert stored.write(tmp_path, "toys/figure", "quick", 11, {"values": noise}) is None
    assert len(path.read_bytes()) == len(before)
    assert np.array_equal(stored.read(tmp_path, "toys/figure")["quick", 0]["values"], DATA["values"])
    assert stored.write(tmp_path, "toys/figure", "quick", 0, {"values": noise}) is None
    assert not path.exists()  # of data that the ledger no longer says nothing is left
    assert stored.write(tmp_path, "toys/none", "quick", 0, {}) is None
    assert stored.read(tmp_path, "toys/none") == {}


def test_stored_data_are_judged_again_and_differences_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "load", lambda name: toy.FIGURE)
    stored.write(tmp_path, "toys/figure", "quick", 0, DATA)
    claims = [claim.to_dict() for claim in toy.FIGURE.judge(DATA)]
    content = {"preset": "quick", "figures": {"toys/figure": {"0": {"made_by": "code", "claims": claims}}}}
    (again,) = judging.judge_again(content, ["toys/figure"], tmp_path)
    assert again.differs == []
    wrong = {"preset": "quick", "figures": {"toys/figure": {"0": entry(0.5)}}}
    again = list(judging.judge_again(wrong, ["toys/figure"], tmp_path))
    assert "figure.large is reproduced" in again[0].differs[0]
    mended = judging.rejudged(wrong, again)["figures"]["toys/figure"]["0"]
    assert (mended["made_by"], mended["settings"], mended["claims"]) == ("code", "n 1", claims)


def test_data_that_the_ledger_does_not_have_get_an_entry_with_their_own_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "load", lambda name: toy.FIGURE)
    stored.write(tmp_path, "toys/figure", "quick", 0, DATA, {"settings": "n 2", "made_by": "maker"})
    stored.write(tmp_path, "toys/figure", "quick", 11, DATA)
    empty = {"preset": "quick", "figures": {}}
    entries = judging.rejudged(empty, judging.judge_again(empty, ["toys/figure"], tmp_path))["figures"]["toys/figure"]
    assert (entries["0"]["settings"], entries["0"]["made_by"]) == ("n 2", "maker")
    assert (entries["11"]["settings"], entries["11"]["made_by"]) == ("", "")


def test_how_data_were_computed_is_kept_beside_them_and_compared_with_the_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "load", lambda name: toy.FIGURE)
    path = stored.write(tmp_path, "toys/figure", "quick", 0, DATA, {"settings": "n 2", "made_by": "code"})
    assert stored.read(tmp_path, "toys/figure")["quick", 0].keys() == DATA.keys()
    claims = [claim.to_dict() for claim in toy.FIGURE.judge(DATA)]
    content = {
        "preset": "quick",
        "figures": {"toys/figure": {"0": {"made_by": "code", "settings": "n 1", "claims": claims}}},
    }
    (again,) = judging.judge_again(content, ["toys/figure"], tmp_path)
    assert again.differs == ["toys/figure, quick, seed 0: the data have settings n 2, the ledger says n 1"]
    assert path is not None
    with np.load(path, allow_pickle=False) as file:
        assert {"quick/0/@settings", "quick/0/@made_by"} <= set(file.files)


def test_entries_of_other_settings_and_of_other_code_are_told_apart(monkeypatch):
    monkeypatch.setattr(judging, "load", lambda name: toy.FIGURE)
    now, maker = "n times 5, level 1", running.maker_of(toy.FIGURE, "quick", "cpu")
    monkeypatch.setattr(judging, "maker_of", lambda figure, preset: maker)
    good = {"made_by": maker, "settings": now, "claims": []}
    content = {
        "preset": "quick",
        "figures": {"toys/figure": {"0": good, "5": good | {"made_by": "old"}, "11": good | {"settings": "level 2"}}},
    }
    (line,) = judging.other_settings(content, ["toys/figure"])
    assert line == f"toys/figure, quick, seed 11: computed with level 2; the preset is {now}"
    assert judging.other_code(content, ["toys/figure"]) == ["toys/figure, quick, seed 5"]
    assert judging.other_code(content, []) == []
    assert maker != running.maker_of(toy.figure(compute=toy.missing), "quick", "cpu")


def test_the_largest_size_with_two_seeds_decides():
    def row(quick, large):
        sizes = {"quick": {str(i): judged(v) for i, v in enumerate(quick)}}
        if large:
            sizes["large"] = {str(i): judged(v) for i, v in enumerate(large)}
        return ledger.Row("toys/figure", sizes)

    assert row([0.0, 0.0], []).verdict == (CONTRADICTED, "")
    assert row([0.0, 0.0], [2.0, 2.0]).verdict == (REPRODUCED, "")
    assert row([0.0, 0.0], [0.0, 2.0]).verdict == (OPEN, "depends on the seed")
    assert row([0.0, 0.0], [2.0]).verdict == (OPEN, ledger.ONE_LARGER_SEED)
    assert row([0.0, 0.0], [[0.0, 2.0]]).verdict == (OPEN, ledger.ONE_LARGER_SEED)
    split = "the bound lies within the spread of 2 values"
    assert row([2.0, [0.0, 2.0]], []).verdict == (OPEN, f"at seed 1 {split}")
    assert row([[0.0, 2.0], [0.0, 2.0]], []).verdict == (OPEN, split)
    assert row([0.0, 0.0], [[0.0, 2.0], 0.0]).verdict == (OPEN, f"at seed 0 {split}")
    assert row([2.0, 2.0], [2.0]).verdict == (REPRODUCED, "")
    assert row([2.0, 3.0], []).measured == "2 (seed 0); 3 (seed 1) at `quick`"
    assert row([0.0, 0.0], [2.0, 3.0]).measured == "2 (seed 0); 3 (seed 1) at `large`"
    assert row([2.0, 3.0], [4.0]).measured == "2 (seed 0); 3 (seed 1) at `quick`; 4 (seed 0) at `large`"


def test_commands_say_what_must_come_out_and_how_near(monkeypatch):
    monkeypatch.setattr(exports, "load", lambda name: toy.figure(seconds=3.0))
    exports._cost.cache_clear()
    content = {"preset": "quick", "figures": {"toys/figure": {"0": entry(2.0), "11": entry(2.5)}}}
    first, second = exports.commands(content)
    assert first["command"] == "python -m figures toys/figure --preset quick --seed 0 --check figure.large"
    assert first["expected"] == {"verdict": REPRODUCED, "median": 2.0}
    assert first["tolerance"] == second["tolerance"] == 0.5
    assert (first["seconds"], first["needs"]) == (3.0, ["checkout"])

    def missed(value, **more):
        return exports.failures(content, "toys/figure", "quick", 0, [judged(value)], more.get("keys", []))

    assert missed(2.4) == []
    assert "median 3, expected 2 within 0.5" in missed(3.0)[0]
    assert missed(0.9)[-1] == "figure.large: contradicted, expected reproduced"


def test_the_tolerance_is_of_the_middle_half_and_never_below_rounding():
    def tolerances(*values):
        seeds = {str(i): entry(each) for i, each in enumerate(values)}
        (row,) = ledger.rows({"preset": "quick", "figures": {"toys/figure": seeds}})
        return [exports.tolerance(row, judged) for judged in row.sizes["quick"].values()]

    assert tolerances([2.0, 3.0, 9.0]) == [7.0]  # three say no more than their extremes
    assert tolerances([-90.0, 2.0, 3.0, 4.0, 90.0]) == [2.0]
    assert tolerances([-90.0, 2.0, 3.0, 4.0, 90.0], [0.0, 5.0, 5.0, 5.0, 6.0]) == [3.0, 3.0]
    assert tolerances(5.0) == [pytest.approx(5e-6)]
    assert tolerances(1e-70) == [1e-12]


def test_what_a_command_needs_and_how_long_it_takes():
    needs = {name: exports.needs(registry.load(name), "quick") for name in registry.names()}
    full = {name.partition("/")[2] for name, needed in needs.items() if "full MNIST" in needed}
    assert full == {"linear_perceptron", "shallow_nonlinearity", "gradient_phases_23_layers"}
    data = (ledger.GALLERY.parents[1] / "README.md").read_text().partition("## Data")[2].partition("##")[0]
    assert all(f"`{name}`" in data for name in full)
    assert needs["layerwise/sigmoidal_modes"] == ["checkout"]
    assert needs["layerwise/random_labels"] == ["checkout", "torch"]
    for name in ("accuracy_by_depth", "basins_by_class", "linear_perceptron"):
        assert "full MNIST" in exports.needs(registry.load(f"opt_npt/{name}"), "large")
    assert exports.needs(registry.load("opt_npt/delayed_generalisation"), "large") == ["checkout", "torch"]
    figure = toy.figure(seconds=3.0)
    assert [exports.seconds(figure, preset) for preset in ("quick", "large", "paper")] == [3.0, None, None]


def test_a_median_without_end_comes_out_or_does_not(monkeypatch):
    monkeypatch.setattr(exports, "load", lambda name: toy.FIGURE)
    content = {"preset": "quick", "figures": {"toys/figure": {"0": entry(np.inf), "11": entry(3.0)}}}
    (first, _) = exports.commands(content)
    assert first["expected"]["median"] == "inf"
    assert first["tolerance"] == 0
    assert exports.failures(content, "toys/figure", "quick", 0, [judged(np.inf)], []) == []
    assert "median 3, expected inf" in exports.failures(content, "toys/figure", "quick", 0, [judged(3.0)], [])[0]
    assert "median inf, expected 3" in exports.failures(content, "toys/figure", "quick", 11, [judged(np.inf)], [])[0]


def test_what_cannot_be_checked_is_refused():
    content = {"preset": "quick", "figures": {"toys/figure": {"0": entry(2.0)}}}
    with pytest.raises(ValueError, match=r"claims to check must be of toys/figure, got figure\.none"):
        exports.failures(content, "toys/figure", "quick", 0, [judged(2.0)], ["figure.none"])
    with pytest.raises(ValueError, match="preset and seed must be of the ledger, quick 0, got quick 5"):
        exports.failures(content, "toys/figure", "quick", 5, [judged(2.0)], [])
    with pytest.raises(ValueError, match="--check needs the ledger that the gallery"):
        exports.require_checkable({"preset": "quick", "figures": {}}, ["toys/figure"], "quick", 0, [])
    with pytest.raises(ValueError, match="figures to check must be of the ledger, got mine/own"):
        exports.require_checkable(content, ["toys/figure", "mine/own"], "quick", 0, [])
    two = content | {"figures": content["figures"] | {"toys/other": {"0": {**entry(), "claims": other("other.a")}}}}
    exports.require_checkable(two, ["toys/figure", "toys/other"], "quick", 0, ["figure.large", "other.a"])
    with pytest.raises(ValueError, match="claims to check must be of every figure that is named, got none of toys/oth"):
        exports.require_checkable(two, ["toys/figure", "toys/other"], "quick", 0, ["figure.large"])
    with pytest.raises(ValueError, match=r"must be of toys/figure, toys/other, got other\.b"):
        exports.require_checkable(two, ["toys/figure", "toys/other"], "quick", 0, ["figure.large", "other.b"])


def other(key):
    return [judged(2.0, key).to_dict()]


def test_claims_that_the_ledger_or_the_figure_has_alone_are_no_match():
    content = {"preset": "quick", "figures": {"toys/figure": {"0": entry(2.0)}}}
    lines = exports.failures(content, "toys/figure", "quick", 0, [judged(2.0, "figure.new")], [])
    assert lines == ["figure.new: the ledger does not have it", "figure.large: no claim any more"]


def test_settings_are_told_shortly():
    assert settings_in_words({"n_steps": 1000, "rates": (0.1, 0.5, 1.0)}) == "n steps 1,000, rates 0.1, 0.5 and 1"
    assert isinstance(judged(1.0), Judged)
