"""Figures are found by a word that means one of them, own ones before the papers', and never by one that means two."""

import pytest

from figures.harness import registry
from figures.harness.figure import PAPERS
from tests.figures.harness import toy


def own(*names, **more):
    figures = [toy.figure(name, **more) for name in names]
    return {figure.name: figure for figure in figures}


def test_the_names_are_the_modules_that_define_a_figure_paper_by_paper():
    names = registry.names()
    assert len(set(names)) == len(names)
    papers = [name.partition("/")[0] for name in names]
    assert list(dict.fromkeys(papers)) == [paper for paper in PAPERS if paper in papers]
    for paper in PAPERS:
        mine = [name for name in names if name.startswith(f"{paper}/")]
        assert mine == sorted(mine)
    for helper in ("layerwise/theorems_runs", "layerwise/theorems_claims", "layerwise/__init__", "harness/figure"):
        assert helper not in names


def test_a_module_without_a_figure_cannot_be_loaded():
    with pytest.raises(
        ValueError, match=r"name must be one of layerwise/aligned_modes, .*, got 'layerwise/theorems_runs'"
    ):
        registry.load("layerwise/theorems_runs")


def test_case_hyphens_spaces_and_the_ending_of_a_file_do_not_matter():
    for word in ("Sigmoidal-Modes", " sigmoidal_modes ", "sigmoidal_modes.py", "LAYERWISE/sigmoidal_modes.py"):
        assert registry.find(word) == "layerwise/sigmoidal_modes"


def test_a_word_of_two_own_figures_is_not_the_paper_s():
    two = own("mine/sigmoidal_modes", "yours/sigmoidal_modes")
    with pytest.raises(ValueError, match="'sigmoidal_modes' is not the name of one figure") as refused:
        registry.find("sigmoidal_modes", two)
    for name in ("mine", "yours", "layerwise"):
        assert f"{name}/sigmoidal_modes" in str(refused.value)
    assert registry.find("mine/sigmoidal_modes", two) == "mine/sigmoidal_modes"
    assert registry.find("layerwise/sigmoidal_modes", two) == "layerwise/sigmoidal_modes"
    assert registry.find("sigmoidal_modes", own("mine/sigmoidal_modes")) == "mine/sigmoidal_modes"


def test_a_word_within_a_paper_is_of_that_paper_alone():
    figures = own("mine/first", aliases=("fig-1",)) | own("mine/second", aliases=("fig-2",))
    figures |= own("minefield/third", aliases=("fig-1",))
    assert registry.find("mine/fig-1", figures) == "mine/first"
    assert registry.find("minefield/fig_1", figures) == "minefield/third"
    with pytest.raises(ValueError, match=r"it may mean mine/first \(fig-1\); minefield/third \(fig-1\)"):
        registry.find("fig-1", figures)


def test_words_that_hold_it_come_before_words_that_are_spelt_alike():
    figures = own("zz/quokka_lag", "zz/quokka_log", "zz/quoll")
    with pytest.raises(
        ValueError, match=r"it may mean zz/quokka_lag \(no other name\); zz/quokka_log \(no other name\)$"
    ):
        registry.find("quokka", figures)
    with pytest.raises(ValueError, match=r"it may mean zz/quoll \(no other name\)$"):
        registry.find("quoli", figures)
    with pytest.raises(ValueError, match="'zyxwvut' is not the name of one figure; see the list"):
        registry.find("zyxwvut", figures)


@pytest.mark.parametrize("word", [3, None, ["sigmoidal_modes"]])
def test_what_is_no_text_is_refused(word):
    with pytest.raises(ValueError, match="word must be"):
        registry.find(word)
