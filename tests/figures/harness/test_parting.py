"""Where theory and measurement part: what stands, what is told of each row, and which seed's reason is given."""

from dataclasses import replace

import pytest

from figures.harness import ledger, parting
from figures.harness.parting import Parting, parting_page, standing
from tests.figures.harness import toy
from toymodels.claims import CONTROL, PAPER, READING

NAME = "toys/figure"
CLAIMS = (("a", PAPER), ("b", READING), ("c", CONTROL), ("d", PAPER), ("e", PAPER))


def judged(value, letter, source=PAPER, **more):
    claim = toy.claim(f"figure.{letter}", measure=lambda data: value, source=source)
    return replace(claim.judge({}), place=f"Figure {letter}", **more)


def content(large=False, **values):
    """Claims a to e, of which each has its value at two seeds: a, b contradicted, the others reproduced."""
    usual = {"a": (0.5, 0.5), "b": (0.25, 0.25), "c": (2.0, 2.0), "d": (3.0, 3.0), "e": (4.0, 4.0)} | values

    def entries(shift=0.0):
        return {
            seed: {
                "made_by": "code",
                "settings": "n 1",
                "claims": [
                    judged(
                        usual[letter][i] + shift, letter, source, why=f"why {letter}", defence=f"answer {letter} {seed}"
                    ).to_dict()
                    for letter, source in CLAIMS
                ],
            }
            for i, seed in enumerate(("0", "11"))
        }

    listed = {"preset": "quick", "figures": {NAME: entries()}}
    return listed | ({"large": {NAME: entries(-0.125)}} if large else {})


@pytest.fixture(autouse=True)
def _two_partings(monkeypatch):
    partings = (Parting("First", "figure.a", "figure.c"), Parting("Second", "figure.b", "figure.d"))
    monkeypatch.setattr(parting, "PARTINGS", partings)
    monkeypatch.setattr(parting, "FELL", {"figure.d": "it holds"})
    monkeypatch.setattr(parting, "SURVIVED", {"figure.a": "tried twice"})


def test_what_stands_is_contradicted_and_of_a_paper():
    keys = [row.claim.key for row in standing(ledger.rows(content(e=(0.5, 0.5), d=(0.5, 2.0))))]
    assert keys == ["figure.a", "figure.e"]


def test_each_row_is_told_beside_its_control():
    page = parting_page(content())
    told = (
        "Figure a, said by the paper: *It is large.* **contradicted**: 0.5 (seed 0); 0.5 (seed 11) at `quick`; asked:"
    )
    assert told in page
    assert page.index("## 1. First") < page.index(told) < page.index("## 2. Second")
    assert "- Beside it. Figure c, a control of ours: *It is large.* **reproduced**: 2 (seed 0)" in page
    assert "- Beside it. Figure d, said by the paper" in page
    assert page.count(f"![{NAME}](../figures/gallery/{NAME}.png)") == 2
    assert "- Why: why a.\n- The authors could answer: answer a 0.\n" in page
    assert "1 is said by the paper, 1 is a reading of ours." in page


def test_the_picture_is_that_of_the_size_that_decides():
    page = parting_page(content(large=True))
    assert page.count(f"![{NAME}-large](../figures/gallery/{NAME}-large.png)") == 2
    assert "0.375 (seed 0); 0.375 (seed 11) at `large`" in page


def test_the_reason_is_of_a_seed_that_contradicts():
    page = parting_page(content(a=(2.0, 0.5)))
    assert "- The authors could answer: answer a 11." in page
    assert "**open**: 2 (seed 0); 0.5 (seed 11)" in page
    with pytest.raises(StopIteration):
        parting_page(content(a=(2.0, 2.0)))


def test_rows_that_stand_have_their_test_and_those_that_fell_their_reason():
    page = parting_page(content(e=(0.5, 0.5)))
    assert "1 rows fell; 2 contradicted rows of the papers stand." in page
    assert "| `figure.d` | it holds |" in page
    assert "| `figure.a` | tried twice |" in page
    assert "| `figure.e` | not tried yet |" in page
    assert "`figure.b` |" not in page  # a reading, which no paper says


def test_kinds_are_counted_in_the_plural_from_two_on(monkeypatch):
    three = tuple(Parting(f"Part {letter}", f"figure.{letter}", "figure.c") for letter in "aeb")
    monkeypatch.setattr(parting, "PARTINGS", three)
    assert "2 are said by the paper, 1 is a reading of ours." in parting_page(content(e=(0.5, 0.5)))
