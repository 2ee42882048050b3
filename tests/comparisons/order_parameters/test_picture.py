"""The picture of leads: rows in their order, dots at median leads, grey up to what the score says itself."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgba

from comparisons import Verdict
from comparisons.harness import style
from comparisons.order_parameters import picture
from comparisons.order_parameters.picture import BAND, HEADING, draw
from comparisons.order_parameters.question import CLOCK, TEST, Lead, Question
from tests.comparisons.drawn import curves, legend
from toymodels.trajectory import Trajectory

RUN = Trajectory([1.0, 2.0], {"train": [1.0, 1.0]}, clock="step")


def lead(middle, spread=0.05, null=0.2):
    """Of three halvings whose median leads and spreads are these."""
    return Lead(
        middle + np.array([-0.3, 0.0, 0.1]), spread + np.array([-0.01, 0.0, 0.02]), null + np.array([-0.1, 0, 0])
    )


NONE = lead(np.nan, np.nan)
NULLS = {TEST: lead(0.2), CLOCK: NONE}
TABLES = {
    "layerwise": {"weight_norm": lead(0.6, 0.1), "own_thing": lead(0.9), "kernel_distance": NONE, **NULLS},
    "dnn": {"effective_rank": lead(1.5), **NULLS},
    "other": {"mystery": lead(0.4), "x": NONE, "clusters": lead(0.1), **NULLS},
}


@pytest.fixture
def figure(monkeypatch):
    """Of rows with these tables, or a flaw instead."""

    def made(rows, flaws=(), **more):
        runs = {row: [RUN] * 9 for row in rows} | {"did not run": []}
        flaws = dict(flaws)
        names = {id(each): row for row, each in runs.items()}
        monkeypatch.setattr(picture, "flaw", lambda runs, asked: flaws.get(names[id(runs)], ""))
        monkeypatch.setattr(picture, "foretellings", lambda runs, asked: TABLES[names[id(runs)]])
        verdicts = {"layerwise": Verdict("shown", (0.7, 0.7)), "dnn": Verdict("absent", (0.0,))}
        verdicts |= {"other": Verdict("unclear", note="a flaw")}
        return draw(SimpleNamespace(runs=runs, verdicts=verdicts, question=Question()), **more)

    return made


def dots(axes, filled=True):
    """Height -> place of every dot, of those with a critical value or of the empty ones."""
    found = [line for line in axes.lines if line.get_marker() == "o"]
    found = [line for line in found if (line.get_markerfacecolor() != "white") == filled]
    return {int(line.get_ydata()[0]): line.get_xdata()[0] for line in found}


def words(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_quantities_stand_from_the_largest_lead_down_to_none_below_the_nulls(figure):
    axes = figure(["layerwise"]).axes[0]
    assert words(axes) == ["kernel distance", "weight norm", "own thing", "clock", "test score itself"]
    assert dots(axes) == {1: pytest.approx(0.6), 2: pytest.approx(0.9), 4: pytest.approx(0.2)}
    assert dots(axes, filled=False) == {0: 0, 3: 0}
    bars = {line.get_ydata()[0]: line.get_xdata() for line in axes.lines if line.get_linewidth() == 2.5}
    assert bars == {1: pytest.approx([0.5, 0.7]), 2: pytest.approx([0.85, 0.95]), 4: pytest.approx([0.15, 0.25])}
    assert axes.get_xlabel() == "decades before the jump"


def test_what_is_grey_is_no_better_than_the_null(figure):
    axes = figure(["layerwise"]).axes[0]
    (band,) = [patch for patch in axes.patches if same_color(patch.get_facecolor(), BAND)]
    assert band.get_x() + band.get_width() == pytest.approx(0.2)  # the median over halvings
    assert band.get_x() < axes.get_xlim()[0]


def test_all_panels_reach_a_fifth_beyond_the_longest_bar_of_any(figure):
    drawn = figure(["layerwise", "dnn"])
    reach = 1.2 * (1.5 + 0.05)
    for axes in drawn.axes[:2]:
        assert axes.get_xlim() == pytest.approx((-0.06 * reach, reach))
    alone = figure(["layerwise"], flaws={"layerwise": "too few"})
    assert not alone.axes[0].axison


def test_a_panel_of_short_leads_reaches_a_third_of_a_decade(figure, monkeypatch):
    monkeypatch.setitem(TABLES, "dnn", {TEST: lead(0.0, 0.02, 0.0), CLOCK: NONE})
    assert figure(["dnn"]).axes[0].get_xlim()[1] == pytest.approx(1.2 * 0.3)


def test_a_decaying_quantity_is_marked_unless_nothing_is_set_aside(figure):
    texts = {text.get_text(): text.get_position() for text in figure(["layerwise"]).axes[0].texts}
    assert texts["decays anyway"] == (pytest.approx(0.7 + 0.02 * 1.2 * 0.95), 1)
    assert texts["none"][1] in (0, 3)
    bare = figure(["layerwise"], aside=(), score="score", event="event").axes[0]
    assert {text.get_text() for text in bare.texts} == {"none"}
    assert words(bare)[-1] == "score itself"
    assert bare.get_xlabel() == "decades before the event"


def test_colours_are_those_of_the_theory_a_quantity_belongs_to(figure):
    axes = figure(["other"]).axes[0]
    colours = {label.get_text(): label.get_color() for label in axes.get_yticklabels()}
    assert colours == {
        "test score itself": "black",
        "clock": "black",
        "mystery": style.OTHER,
        "x": style.OTHER,
        "clusters": style.FAMILY["condensation"],
    }
    own = figure(["layerwise"]).axes[0]
    colours = {label.get_text(): label.get_color() for label in own.get_yticklabels()}
    assert colours["own thing"] == colours["kernel distance"] == style.FAMILY["layerwise"]
    assert colours["weight norm"] == style.OTHER
    marks = {line.get_ydata()[0]: line.get_color() for line in own.lines if line.get_marker() == "o"}
    assert marks[2] == style.FAMILY["layerwise"]


def test_titles_have_the_number_of_runs_the_verdict_and_what_lies_beyond_the_grey(figure):
    titles = [axes.get_title() for axes in figure(["layerwise", "dnn", "other"]).axes]
    assert titles == [
        "layerwise, 9 runs: shown\nbest: 0.70 beyond the grey",
        "dnn, digits, 9 runs: absent\nnone beyond the grey",
        "other, 9 runs: unclear",
        "",
    ]


def test_a_row_that_was_interrupted_has_no_verdict_and_can_be_drawn(figure):
    axes = figure(["interrupted"], flaws={"interrupted": "an ensemble of 9 runs cannot tell"}).axes[0]
    assert axes.get_title() == "interrupted, 9 runs"


def test_panels_stand_in_two_columns_as_high_as_their_tables(figure):
    drawn = figure(["layerwise", "dnn", "other"])
    first, second, *_ = drawn.axes
    assert [axes.axison for axes in drawn.axes] == [True, True, True, False]
    rows = (first.get_gridspec().get_height_ratios(), first.get_gridspec().ncols)
    assert rows == ([3 + 5, 3 + 5], 2)  # of the longer table of each row
    assert drawn.get_figheight() == pytest.approx(1.4 + 0.27 * 16)
    assert first.get_ylim() == pytest.approx((-0.7, 4.7))
    assert second.get_ylim() == pytest.approx((-0.7, 2.7))
    assert len(figure(["dnn"]).axes) == 1


def test_an_ensemble_that_cannot_tell_says_why_in_the_middle_of_its_panel(figure):
    axes = figure(["layerwise", "dnn"], flaws={"dnn": "an ensemble of 9 runs cannot tell"}).axes[1]
    assert not axes.axison
    ((text),) = axes.texts
    assert (text.get_text(), text.get_position()) == ("an ensemble of 9 runs cannot tell", (0.5, 0.5))
    assert len(axes.lines) == 0


def test_a_line_parts_the_nulls_from_the_quantities(figure):
    axes = figure(["layerwise"]).axes[0]
    assert [y for _, y in curves(axes, color="white")] == [pytest.approx([2.5, 2.5])]  # between three rows and two


def test_the_legend_names_families_and_marks(figure):
    drawn = figure(["dnn"])
    assert legend(drawn) == [
        "layerwise's",
        "neurashed's",
        "condensation's",
        "OPT/NPT's",
        "no theory's own",
        "spread over held-out runs",
        "no critical value",
        "no better than the test score",
    ]
    assert drawn.get_suptitle() == HEADING
    handles = drawn.legends[0].legend_handles
    assert [to_rgba(each.get_color()) for each in handles[:5]] == [
        to_rgba(colour) for colour in (*style.FAMILY.values(), style.OTHER)
    ]
    assert figure([]).legends == []
    assert len(figure([]).axes) == 1
