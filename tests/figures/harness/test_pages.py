"""Pages of the gallery: where a row stands, what of it is folded, and that nothing is written that cannot be whole."""

import json
from dataclasses import replace

import numpy as np
import pytest

from figures.harness import exports, ledger, pages, stored
from figures.harness.running import FigureResult
from tests.figures.harness import toy
from toymodels.claims import AFTER, READING

NAME = "toys/figure"
EMPTY = {"preset": "quick", "figures": {}}


def judged(value, key="figure.a", **more):
    return replace(toy.claim(key, measure=lambda data: value).judge({}), **more)


def content(name=NAME, settings="n 1", large=None, **seeds):
    def entries(of):
        return {
            name: {
                seed[1:]: {"made_by": "code", "settings": settings, "claims": [one.to_dict() for one in claims]}
                for seed, claims in of.items()
            }
        }

    return {"preset": "quick", "figures": entries(seeds)} | ({"large": entries(large)} if large else {})


@pytest.mark.parametrize(
    ("place", "section"),
    [
        ("Abstract", "Abstract"),
        ("Section 4", "Section 4"),
        ("Section 4.1, second sentence", "Section 4"),
        ("Section II.B", "Section II"),
        ("Figure 10c", "Figure 10"),
        ("Theorem G.2", "Theorem G"),
        ("Equation 9", "Equations"),
        ("Equations 69 and 70", "Equations"),
        ("Remark I.3", "Remark I"),
        ("Appendix, experimental details", "Appendix"),
        ("First version, Section 2", "First version, Section 2"),
        ("First version, point 4", "First version"),
        ("Su (2024), Section 3", "Su (2024)"),
        ("ours", "ours"),
    ],
)
def test_a_section_is_a_place_without_panel_and_subsection(place, section):
    assert pages.section_of(place) == section


def test_sections_come_by_kind_and_then_by_number():
    in_order = ["Abstract", "Section 2", "Section 10", "Figure 1", "Figure 10", "Theorem 1", "Equations", "Remark I"]
    in_order += ["Appendix D", "Appendix G", "First version", "First version, Figure 2", "First version, Figure 10"]
    in_order += ["Belkin et al. (2019)", "ours"]
    claims = [judged(2.0, f"figure.{i}", place=place) for i, place in enumerate(in_order)]
    rng = np.random.default_rng(0)
    for _ in range(3):
        page = pages.ledger_page(content(s0=[claims[i] for i in rng.permutation(len(claims))]))
        headings = [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")]
        assert headings == in_order


def folded(*claims, **more):
    """The line of the one row of a ledger."""
    page = pages.ledger_page(content(**more) if more else content(s0=list(claims)))
    (line,) = (line for line in page.splitlines() if line.startswith("<details>"))
    summary, _, inside = line.removeprefix("<details><summary>").partition("</summary>")
    return summary, inside.removesuffix("</details>").split("<br>")


def test_a_line_says_the_verdict_and_what_is_behind_it():
    claim = judged([2.0, 3.0, 4.0], source=READING, fixed=AFTER)
    summary, inside = folded(claim)
    assert summary == "<b>reproduced</b> at <code>quick</code> (one seed). Figure 0 (reading): It is large."
    assert inside == [
        "<code>figure.a</code>. Criterion: value: median > 1 *",
        "Measured at <code>quick</code>: 3 [2, 4], 3 values (seed 0)",
    ]


def test_a_row_that_is_missed_says_size_why_and_what_could_be_answered():
    missed = judged(0.5, why="too\nsmall", defence="a larger one")
    _, inside = folded(s0=[missed], s11=[missed])
    assert inside[2:] == ["Size: n 1", "Why: too small", "The authors could answer: a larger one"]
    _, inside = folded(settings="", s0=[replace(missed, why="", defence="")])
    assert len(inside) == 2
    _, inside = folded(s0=[judged(2.0)], s11=[missed])  # open: what is told is of the seed that misses
    assert "Why: too small" in inside


@pytest.mark.parametrize(("quick", "large", "size"), [(0.5, 2.0, "n 1"), (2.0, 0.5, "n 9"), (0.5, 0.25, "n 1")])
def test_the_size_is_told_of_the_run_that_is_the_reason(quick, large, size):
    listed = content(s0=[judged(quick, why="at quick")], large={"s0": [judged(large, why="at large")]})
    listed["large"][NAME]["0"]["settings"] = "n 9"
    (line,) = (line for line in pages.ledger_page(listed).splitlines() if line.startswith("<details>"))
    told = line.removesuffix("</details>").split("<br>")
    assert told[-2:] == [f"Size: {size}", f"Why: at {'quick' if size == 'n 1' else 'large'}"]


def test_the_size_that_is_told_is_the_one_that_decides():
    summary, inside = folded(s0=[judged(2.0)], large={"s0": [judged(0.5)], "s3": [judged(0.25)]})
    assert summary.startswith("<b>contradicted</b> at <code>large</code>. ")
    assert inside[1:3] == [
        "Measured at <code>quick</code>: 2 (seed 0)",
        "Measured at <code>large</code>: 0.5 (seed 0); 0.25 (seed 3)",
    ]


def test_signs_that_a_page_would_take_for_tags_are_escaped():
    summary, inside = folded(judged(2.0, statement="a < b", criterion="value: **median** < `x`"))
    assert summary.endswith("a &lt; b")
    assert inside[0] == "<code>figure.a</code>. Criterion: value: <b>median</b> &lt; <code>x</code>"


def test_what_is_judged_at_each_size_is_counted_apart():
    at_quick = content(s0=[judged(2.0), judged(0.0, "figure.b")])
    assert "- Judged at" not in pages.ledger_page(at_quick)
    page = pages.ledger_page(content(s0=[judged(2.0), judged(0.0, "figure.b")], large={"s0": [judged(3.0)]}))
    assert "\n2 claims of the papers: 1 reproduced, 1 contradicted, 0 open.\n" in page
    assert "- Judged at `large`: 1 claims of the papers: 1 reproduced, 0 contradicted, 0 open." in page
    assert "- Judged at `quick`: 1 claims of the papers: 0 reproduced, 1 contradicted, 0 open." in page


def test_rows_of_which_seeds_differ_are_counted_where_open_is_explained():
    split = [judged(2.0), judged(0.0, "figure.b"), judged([0.0, 2.0], "figure.c")]
    page = pages.ledger_page(content(s0=split, s11=[judged(0.0), judged(0.0, "figure.b"), judged(2.0, "figure.c")]))
    assert "(`depends on the seed`, 1 rows)" in page


def test_a_figure_is_shown_at_both_sizes_with_what_was_asked(tmp_path, monkeypatch):
    presets = {"quick": toy.Toy(), "large": toy.Toy(9), "paper": toy.Toy(50)}
    figure = toy.figure(presets=presets, seconds=2.5, large_seconds=90.0, cost="an hour, estimated.")
    monkeypatch.setattr(pages, "load", lambda name: figure)
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "figure.png").touch()
    (tmp_path / "toys" / "figure-large.svg").touch()
    listed = content(s0=[judged(2.0)], s11=[judged(3.0)], large={"s0": [judged(0.5, source=READING)]})
    lines = pages.gallery_page(listed, tmp_path).splitlines()
    shown = [line for line in lines if line.startswith("!")]
    assert shown == ["![toys/figure](toys/figure.png)", "![toys/figure-large](toys/figure-large.svg)"]
    (told,) = (line for line in lines if line.startswith("- "))
    assert told == (
        "- Figure 0 (reading): It is large. **open** (one seed at the larger size): "
        "2 (seed 0); 3 (seed 11) at `quick`; 0.5 (seed 0) at `large`"
    )
    assert "  - asked: value: median > 1" in lines
    assert lines[-1] == "Quick preset: 2.5 s on one core. Large preset: 90 s. Paper preset: an hour, estimated."


def test_a_larger_size_that_ran_is_never_called_one_that_did_not(tmp_path, monkeypatch):
    presets = {"quick": toy.Toy(), "large": toy.Toy(9)}
    listed = content(s0=[judged(2.0)])
    for took, ran, said in ((90.0, False, "not run yet"), (0.0, False, "not run yet"), (0.0, True, "not timed")):
        monkeypatch.setattr(pages, "load", lambda name, s=took: toy.figure(presets=presets, large_seconds=s))
        page = pages.gallery_page(content(s0=[judged(2.0)], large={"s0": [judged(2.0)]}) if ran else listed, tmp_path)
        assert f"Large preset: {said}." in page


def test_a_figure_without_pictures_or_a_large_preset_has_neither(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "load", lambda name: toy.figure(name, seconds=1.0))
    lines = pages.gallery_page(content(s0=[judged(2.0)]), tmp_path).splitlines()
    assert not [line for line in lines if line.startswith("!")]
    assert lines[-1] == "Quick preset: 1 s on one core. Paper preset: not stated."


def result(tmp_path, name, error="", text="picture", **kept):
    picture = tmp_path / f"{name.replace('/', '-')}.svg"
    picture.write_text(text)
    key = f"{name.partition('/')[2]}.a"
    return FigureResult(name, picture, (judged(2.0, key),), 1.0, error, made_by="code", kept=kept, settings="n 1")


@pytest.fixture
def any_figure(monkeypatch):
    presets = {"quick": toy.Toy(), "large": toy.Toy(9)}
    for module in (pages, exports):
        monkeypatch.setattr(module, "load", lambda name: toy.figure(name, presets=presets))
    exports._cost.cache_clear()
    yield
    exports._cost.cache_clear()


@pytest.mark.usefixtures("any_figure")
def test_pictures_are_those_of_the_first_seed_and_data_those_of_every_one(tmp_path):
    gallery = tmp_path / "gallery"
    made = [result(tmp_path, "toys/one", values=np.ones(2)), result(tmp_path, "toys/two", error="no data")]
    pages.write_gallery(made, "quick", 5, gallery)
    assert not list(gallery.rglob("*.svg"))
    pages.write_gallery(made, "quick", 0, gallery)
    pages.write_gallery([result(tmp_path, "toys/one", text="larger", values=np.ones(2))], "large", 0, gallery)
    shown = {path.name: path.read_text() for path in gallery.rglob("*.svg")}
    assert shown == {"one.svg": "picture", "one-large.svg": "larger"}
    assert set(stored.read(gallery, "toys/one")) == {("quick", 5), ("quick", 0), ("large", 0)}
    assert stored.read(gallery, "toys/two") == {}
    listed = ledger.read_ledger(gallery)
    assert listed == json.loads(json.dumps(listed))
    assert list(listed["figures"]["toys/one"]) == ["5", "0"]
    assert "toys/two" not in listed["figures"]
    commands = json.loads((gallery / "commands.json").read_text())
    assert [one["command"].split()[5:8:2] for one in commands] == [["quick", "0"], ["quick", "5"], ["large", "0"]]
    assert (gallery / "CLAIMS.md").read_text() == pages.ledger_page(listed)


@pytest.mark.usefixtures("any_figure")
def test_data_that_are_too_large_are_named_and_those_of_no_claim_are_not(tmp_path):
    noise = np.random.default_rng(0).random(stored.LIMIT // 7)
    made = [
        result(tmp_path, "toys/one", values=noise),
        result(tmp_path, "toys/two"),
        result(tmp_path, "toys/three", x=noise[:9]),
    ]
    assert pages.write_gallery(made, "quick", 0, tmp_path / "gallery") == ["toys/one"]


@pytest.mark.usefixtures("any_figure")
def test_pages_of_the_documentation_are_made_only_of_the_gallery_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "documents", lambda listed: {"page.md": "text"})
    monkeypatch.setattr(pages, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(pages, "GALLERY", tmp_path / "gallery")
    ours, other = (pages.rendered(EMPTY, tmp_path / name) for name in ("gallery", "elsewhere"))
    assert {path.name for path in ours} - {path.name for path in other} == {"page.md"}
    assert ours[tmp_path / "docs" / "page.md"] == "text"


def test_a_ledger_of_one_call_is_two_files(tmp_path):
    pages.write_ledger(content(s0=[judged(2.0)]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CLAIMS.md", "claims.json"]
    assert ledger.read_ledger(tmp_path) == content(s0=[judged(2.0)])


def test_numbers_without_end_are_words_in_the_file_and_what_is_no_number_is_refused(tmp_path):
    pages.write_ledger(content(s0=[judged([np.inf, 3.0, np.inf])]), tmp_path)
    (claim,) = ledger.read_ledger(tmp_path)["figures"][NAME]["0"]["claims"]
    assert (claim["median"], claim["low"]) == ("inf", 3)
    before = (tmp_path / "claims.json").read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        pages.write_ledger(content(s0=[judged(2.0, median=np.nan)]), tmp_path)
    assert (tmp_path / "claims.json").read_bytes() == before
