"""Which rows have a panel, in which order, and what stands above and below."""

import numpy as np
import pytest

from comparisons import Result, Verdict
from comparisons.harness.panels import over_controls, rows_shown, title
from toymodels.trajectory import Trajectory

RUN = Trajectory([1.0, 2.0], {"x": [0.0, 1.0]}, clock="step")


def result(verdicts=None, **runs):
    rows = {row.replace("_off", " (off)"): [RUN] * n for row, n in runs.items()}
    knobs = {row: f"knob of {row}" for row in rows if row.endswith(" (off)")}
    return Result("toy", "?", None, verdicts or {}, rows, knobs)


def test_every_row_with_runs_has_a_panel_but_controls_even_of_models_that_did_not_run():
    assert rows_shown(result(b=2, b_off=1, a=1, c=0, c_off=3)) == ["b", "a"]
    assert rows_shown(result(c=0)) == rows_shown(result()) == []


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (None, "a"),
        (Verdict("silent", note="no clock"), "a\nsilent"),
        (Verdict("absent", (0.126, 0.126), (0.3, 0.5)), "a\nabsent, 0.13 decades"),
        (Verdict("unclear", (1.0, 2.0, np.inf)), "a\nunclear, 2.00 decades"),
        (Verdict("unclear", (np.inf,)), "a\nunclear, inf decades"),
        (Verdict("shown", (0.0,)), "a\nshown, 0.00 decades"),
    ],
)
def test_a_title_has_the_median_score_if_there_is_one(verdict, said):
    assert title(result({"a": verdict} if verdict else {}), "a", "decades") == said


def drawn(found):
    """The figure of a result, and what was drawn on which of its axes: row and number of runs."""
    places = []

    def draw(axes, row, runs):
        places.append((axes, row, len(runs)))
        axes.plot([0, 1], [0, len(row)])

    figure = over_controls(found, draw, "above", "below")
    return figure, {figure.axes.index(axes): (row, n) for axes, row, n in places}


def test_models_stand_in_their_order_each_above_its_control():
    found = result({"a (off)": Verdict("absent", (0.25,))}, b=2, a=3, a_off=2, c=1, c_off=0)
    figure, places = drawn(found)
    assert places == {0: ("b", 2), 1: ("a", 3), 2: ("c", 1), 4: ("a", 2)}  # a control is drawn in its model's colour
    assert [ax.axison for ax in figure.axes] == [True, True, True, False, True, False]
    assert figure.axes[4].get_title() == "control: knob of a (off)\nabsent, 0.25 "
    assert [ax.get_ylabel() for ax in figure.axes] == ["above", "", "", "below", "", ""]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1


def test_a_control_without_a_verdict_says_what_it_turns():
    figure, _ = drawn(result(a=1, a_off=1))
    assert figure.axes[1].get_title() == "control: knob of a (off)\n"


def test_nothing_to_show_is_a_pair_of_empty_axes():
    figure, places = drawn(result(a=0, a_off=2))
    assert (len(figure.axes), places) == (2, {})
