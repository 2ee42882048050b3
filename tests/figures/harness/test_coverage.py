"""Which parts of a paper a place names, which rows judge a part, and what the table says where none does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.harness import coverage
from figures.harness.coverage import Part, coverage_page, covering, named_in
from tests.figures.harness import toy


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("Abstract, last sentence", {"Abstract"}),
        ("Figure 3", {"Figure 3"}),
        ("Figure 3i and 3j", {"Figure 3"}),
        ("Figures 8a, 8c and 11a", {"Figure 8", "Figure 11"}),
        ("Section 4.1", {"Section 4.1"}),
        ("Sections 4.2 and 5.1", {"Section 4.2", "Section 5.1"}),
        ("Section II.B, Figure 1", {"Section II.B", "Figure 1"}),
        ("Section IV", {"Section IV"}),
        ("Appendix G.3 and Theorem G.2", {"Appendix G.3", "Theorem G.2"}),
        ("Appendix, experimental details", {"Appendix"}),
        ("Definition G.1", {"Definition G.1"}),
        ("Equation 9, Remark I.2", {"Equation 9", "Remark I.2"}),
        ("First version, Figure 5a, 5b", {"First version, Figure 5"}),
        ("First version, point 4", {"First version, point 4"}),
        ("First version, Abstract", {"First version, Abstract"}),
        ("ours", set()),
    ],
)
def test_the_parts_that_a_place_names(place, names):
    assert named_in(place) == names


NUMBERS = st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True)


@given(NUMBERS, st.sampled_from(["Figure", "Section", "Theorem", "Remark", "Equation", "Definition"]))
def test_every_number_of_a_list_is_a_part(numbers, kind):
    words = [str(number) for number in numbers]
    listed = " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
    assert named_in(f"{kind}{'s' * (len(words) > 1)} {listed}") == {f"{kind} {number}" for number in numbers}


def row(key, place):
    from dataclasses import replace

    from figures.harness.ledger import Row

    return Row("toys/figure", {"quick": {"0": replace(judged(key), place=place)}})


def judged(key):
    return toy.claim(key, measure=lambda data: 2.0).judge({})


def test_a_part_is_judged_under_its_name_and_its_other_names():
    rows = [row("a", "Figure 3b"), row("b", "Figure 33"), row("c", "Section 4.1, Figure 3"), row("d", "Equation 9")]

    def keys(part):
        return [one.claim.key for one in covering(part, rows)]

    assert keys(Part("Figure 3", "")) == ["a", "c"]
    assert keys(Part("Section 4.1", "", also=("Equation 9", "Figure 1"))) == ["c", "d"]
    assert keys(Part("Section 4", "")) == []


def test_the_table_counts_the_parts_with_rows_and_gives_the_reasons_of_the_others(monkeypatch):
    parts = (Part("Figure 3", "modes"), Part("Figure 4", "skills"), Part("Section 1", "opening", "announces"))
    monkeypatch.setattr(coverage, "PARTS", {"layerwise": parts, "neurashed": parts[2:]})
    entries = {"0": {"made_by": "code", "settings": "", "claims": []}}
    for key, place in (("figure.a", "Figure 3a"), ("figure.b", "Figures 3b and 4")):
        entries["0"]["claims"].append(row(key, place).claim.to_dict())
    page = coverage_page({"preset": "quick", "figures": {"layerwise/figure": entries}})
    assert "| Figure 3 | modes | `figure.a`, `figure.b` |" in page
    assert "| Figure 4 | skills | `figure.b` |" in page
    assert page.count("| Section 1 | opening | none: announces |") == 2
    assert "2 of 3 parts are judged." in page
    assert "0 of 1 parts are judged." in page
    assert page.index("Solve layerwise") < page.index("2 of 3") < page.index("Envisioning") < page.index("0 of 1")
