"""The ledger: whose verdict counts, what is kept when figures are written again, and what is counted."""

import json

import pytest

from figures.harness import ledger
from figures.harness.running import FigureResult
from tests.figures.harness import toy
from toymodels.claims import CONTRADICTED, CONTROL, OPEN, PAPER, READING, REPRODUCED, every_run

EMPTY = {"preset": "quick", "figures": {}}


def judged(value, key="figure.a", **more):
    return toy.claim(key, measure=lambda data: value, **more).judge({})


def entry(made_by="code", settings="n 1", **values):
    claims = [judged(value, f"figure.{key}").to_dict() for key, value in values.items()]
    return {"made_by": made_by, "settings": settings, "claims": claims}


def made(tmp_path, name="toys/figure", error="", made_by="code", **values):
    claims = tuple(judged(value, f"figure.{key}") for key, value in values.items())
    return FigureResult(name, tmp_path, claims, 1.0, error, made_by=made_by, settings="n 1")


def medians(listed, where="figures", figure="toys/figure"):
    return [[one.median for one in seeds] for seeds in ledger.claims_of(listed, figure, where)]


def test_claims_are_those_of_the_lowest_seed_in_its_order():
    seeds = {"11": entry(c=1, a=2, old=3), "2": entry(a=4, b=5), "100": entry(b=6, a=7)}
    assert medians({"preset": "quick", "figures": {"toys/figure": seeds}}) == [[4, 2, 7], [5, 6]]
    assert medians(EMPTY) == []
    assert medians({**EMPTY, "large": {"toys/figure": seeds}}, "large") == [[4, 2, 7], [5, 6]]


def test_writing_a_seed_again_replaces_it_alone(tmp_path):
    first = ledger.merged(EMPTY, [made(tmp_path, "toys/b", a=1.0), made(tmp_path, "toys/a", a=2.0)], "quick", 0)
    assert list(first["figures"]) == ["toys/a", "toys/b"]
    second = ledger.merged(first, [made(tmp_path, "toys/b", a=3.0)], "quick", 7)
    third = ledger.merged(second, [made(tmp_path, "toys/b", a=5.0, made_by="other")], "quick", 0)
    assert medians(third, figure="toys/b") == [[5, 3]]
    assert medians(third, figure="toys/a") == [[2]]
    assert third["figures"]["toys/b"]["0"]["made_by"] == "other"
    assert medians(first, figure="toys/b") == [[1]]  # nothing that was given is changed


def test_the_larger_size_stands_beside_the_quick_one_and_only_there(tmp_path):
    quick = ledger.merged(EMPTY, [made(tmp_path, a=1.0)], "quick", 0)
    both = ledger.merged(quick, [made(tmp_path, a=2.0)], "large", 3)
    assert both["preset"] == "quick"
    assert both["figures"] == quick["figures"]
    assert list(both["large"]["toys/figure"]) == ["3"]
    assert ledger.place_of(both, "large") == "large"
    assert ledger.place_of(both, "quick") == "figures"
    alone = ledger.merged({"preset": "large", "figures": {}}, [made(tmp_path, a=2.0)], "large", 3)
    assert alone["preset"] == "large"
    assert ledger.place_of(alone, "large") == "figures"
    for listed, preset in ((both, "paper"), (alone, "quick"), (alone, "paper")):
        words = f"preset must be that of the gallery, {listed['preset']}, or large, got {preset}"
        with pytest.raises(ValueError, match=words):
            ledger.merged(listed, [made(tmp_path, a=2.0)], preset, 0)
    assert ledger.merged(EMPTY, [made(tmp_path, a=2.0)], "paper", 0)["preset"] == "paper"


def test_a_figure_that_failed_leaves_no_entry(tmp_path):
    assert ledger.merged(EMPTY, [made(tmp_path, error="no data", a=1.0)], "quick", 0) == EMPTY


def test_rows_join_both_sizes_of_the_claims_of_today():
    listed = {
        "preset": "quick",
        "figures": {"toys/b": {"0": entry(x=0.0)}, "toys/figure": {"5": entry(a=0.5, b=2.0), "0": entry(a=3.0, b=4.0)}},
        "large": {"toys/figure": {"0": entry(settings="n 9", b=5.0, gone=6.0)}},
    }
    first, a, b = ledger.rows(listed)
    assert [row.figure for row in (first, a, b)] == ["toys/b", "toys/figure", "toys/figure"]
    assert {preset: list(seeds) for preset, seeds in a.sizes.items()} == {"quick": ["0", "5"]}
    assert {preset: list(seeds) for preset, seeds in b.sizes.items()} == {"quick": ["0", "5"], "large": ["0"]}
    assert (a.preset, b.preset) == ("quick", "large")
    assert (a.claim.median, b.claim.median) == (3, 5)  # the first seed of the largest size
    assert b.settings == {"quick": "n 1", "large": "n 9"}
    assert [one.median for one in b.deciding] == [4, 2, 5]
    assert [one.median for one in a.deciding] == [3, 0.5]
    assert [row.claim.key for row in ledger.rows(listed, ["toys/b"])] == ["figure.x"]
    assert ledger.rows(listed, []) == []


def row(quick, large=()):
    sizes = {"quick": {str(i): judged(value) for i, value in enumerate(quick)}}
    return ledger.Row(
        "toys/figure", sizes | ({"large": {str(i): judged(v) for i, v in enumerate(large)}} if large else {})
    )


def test_two_larger_seeds_outvote_the_smaller_size_and_one_does_not():
    assert row([0, 0], [2, 2]).verdict == (REPRODUCED, "")
    assert list(row([0, 0], [2, 2]).deciding_sizes) == ["large"]
    assert row([0, 2], [2]).verdict == (OPEN, ledger.ONE_LARGER_SEED)
    assert list(row([0, 2], [2]).deciding_sizes) == ["quick", "large"]
    assert row([0, 2]).verdict == (OPEN, "depends on the seed")
    assert row([2]).verdict == (REPRODUCED, "one seed")
    assert row([0], [0]).verdict == (CONTRADICTED, "")


def test_remarks_name_the_size_of_a_seed_where_two_sizes_decide():
    split = "the bound lies within the spread of 2 values"
    assert row([[0, 2], [0, 2]], [[0, 2]]).verdict == (OPEN, split)
    left_open = judged(0.0, criterion=toy.claim().criterion.open_if(every_run < 1, "it is small"))
    mixed = ledger.Row("toys/figure", {"quick": {"4": judged([0, 2])}, "large": {"9": left_open}})
    assert mixed.verdict == (
        OPEN,
        f"at seed 4 of `quick` {split}; at seed 9 of `large` its criterion leaves it open",
    )


def test_what_was_measured_is_told_seed_by_seed():
    assert (
        ledger.at_seeds({"0": judged([1.0, 2, 4]), "11": judged(0.25)}) == "2 [1, 4], 3 values (seed 0); 0.25 (seed 11)"
    )
    assert row([1], [2, 3]).measured == "2 (seed 0); 3 (seed 1) at `large`"


def test_claims_readings_and_controls_are_counted_apart_and_in_this_order():
    verdicts = [
        (CONTROL, OPEN),
        (READING, CONTRADICTED),
        (READING, CONTRADICTED),
        (PAPER, REPRODUCED),
        (PAPER, REPRODUCED),
        (PAPER, REPRODUCED),
        (PAPER, OPEN),
    ]
    assert ledger.counted(verdicts) == (
        "4 claims of the papers: 3 reproduced, 0 contradicted, 1 open; "
        "2 readings of ours: 0 reproduced, 2 contradicted, 0 open; "
        "1 controls of ours: 0 reproduced, 0 contradicted, 1 open"
    )
    assert ledger.counted([]) == "no claims"
    seeds = [[judged(2.0), judged(3.0)], [judged(2.0, "figure.b", source=READING), judged(0.0, "figure.b")]]
    assert ledger.summary(seeds).startswith("1 claims of the papers: 1 reproduced, 0 contradicted, 0 open; 1 readings")
    assert ledger.summary(seeds).endswith("0 reproduced, 0 contradicted, 1 open")
    rows = [row([0], [2, 2]), row([0])]
    assert ledger.summary_of(rows) == "2 claims of the papers: 1 reproduced, 1 contradicted, 0 open"


@pytest.mark.parametrize(
    ("quick", "large", "expected"),
    [
        (("a", "a"), (), False),
        (("a", "b"), (), True),
        (("a", "a"), ("b",), False),  # another size is other settings, which are code
        (("a", "a"), ("b", "c"), True),
        ((), (), False),
    ],
)
def test_seeds_of_one_size_are_stale_when_other_code_made_one(quick, large, expected):
    def entries(makers):
        return {"toys/figure": {str(i): entry(made_by=maker, a=1.0) for i, maker in enumerate(makers)}}

    listed = {"preset": "quick", "figures": entries(quick), "large": entries(large)}
    assert ledger.stale(listed, "toys/figure") is expected
    assert not ledger.stale(listed, "toys/other")


def test_what_follows_from_a_ledger_is_not_read_back(tmp_path):
    assert ledger.read_ledger(tmp_path) == EMPTY
    (tmp_path / "claims.json").write_text('{"preset": "paper"}')
    assert ledger.read_ledger(tmp_path) == EMPTY
    listed = {"preset": "quick", "figures": {"mine/figure": {"0": entry(a=2.0)}}}
    written = ledger.with_rows(listed)
    assert written["papers"] == {"mine": "mine"}
    assert [(one["key"], one["remark"]) for one in written["rows"]] == [("figure.a", "one seed")]
    (tmp_path / "claims.json").write_text(json.dumps(written))
    assert ledger.read_ledger(tmp_path) == listed


def test_a_verdict_with_changed_settings_says_what_its_criterion_was_set_for():
    assert ledger.verdict_in_words(judged(2.0), {}) == REPRODUCED
    assert ledger.verdict_in_words(judged(0.0), {"n": 3}) == "contradicted (criterion set for the preset)"
