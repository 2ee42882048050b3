import numpy as np
import pytest

from figures.harness import exports, judging, ledger, stored
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
    assert (mended["made_by"], mended["claims"]) == ("code", claims)


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
    assert row([2.0, 2.0], [2.0]).verdict == (REPRODUCED, "")


def test_commands_say_what_must_come_out_and_how_near():
    content = {"preset": "quick", "figures": {"toys/figure": {"0": entry(2.0), "11": entry(2.5)}}}
    first, second = exports.commands(content)
    assert first["command"] == "python -m figures toys/figure --preset quick --seed 0 --check figure.large"
    assert first["expected"] == {"verdict": REPRODUCED, "median": 2.0}
    assert first["tolerance"] == second["tolerance"] == 0.5

    def missed(value, **more):
        return exports.failures(content, "toys/figure", "quick", 0, [judged(value)], more.get("keys", []))

    assert missed(2.4) == []
    assert "median 3, expected 2 within 0.5" in missed(3.0)[0]
    assert missed(0.9)[-1] == "figure.large: contradicted, expected reproduced"


def test_a_median_without_end_comes_out_or_does_not():
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


def test_settings_are_told_shortly():
    assert settings_in_words({"n_steps": 1000, "rates": (0.1, 0.5, 1.0)}) == "n steps 1,000, rates 0.1, 0.5 and 1"
    assert isinstance(judged(1.0), Judged)
