"""What is read on the terminal and in a table's file, word by word."""

from pathlib import Path

import numpy as np
import pytest

from comparisons import Result, Verdict
from comparisons.harness import report
from comparisons.harness.panels import over_controls, rows_shown, title
from toymodels.trajectory import Trajectory

SHOWN = Verdict("shown", (0.5, 2.0, 3.0), (0.3, 0.5), "late", predicted=1.5, measured=1.75)
ABSENT = Verdict("absent", (0.123456, 0.2), (0.3, 0.5))
SILENT = Verdict("silent", note="no clock")
RUN = Trajectory([1.0, 2.0], {"x": [0.0, 1.0]}, clock="step")


def result(**more):
    verdicts = {"model": SHOWN, "model (off)": ABSENT, "mute": SILENT}
    runs = {"model": [RUN, RUN], "model (off)": [RUN], "alone": [RUN], "empty": []}
    return Result("toy", "Is it?", None, verdicts, runs, knobs={"model (off)": "lag 2 -> 0"}, **more)


def test_the_table_has_a_line_a_row():
    assert str(result(controls=("model", "model (off)", "gone"), criterion="shown from 1 -> 2")).splitlines() == [
        "Is it?",
        "criterion changed: shown from 1 -> 2",
        "",
        "model        verdict     score  spread (runs)         note",
        "model        shown           2  0.5 to 3 (3)          predicted 1.5, measured 1.75; late",
        "model (off)  absent      0.162  0.123 to 0.2 (2)      lag 2 -> 0",
        "mute         silent          -                        no clock",
        "negative control not absent in every replicate: model",
    ]
    tail = str(result(details="more", folder=Path("here"), seconds=12.4)).splitlines()[-4:]
    assert tail == ["", "more", "", "here  (12 s)"]
    empty = Result("toy", "Is it?", None, {}, {})
    assert str(empty).splitlines()[-1] == "model  verdict     score  spread (runs)         note"


def test_the_file_of_a_table_has_every_score_and_nothing_where_there_is_none():
    assert result().csv().splitlines() == [
        "model,outcome,score,low,high,replicates,predicted,measured,note,absent_below,shown_from,score_1,score_2,score_3",
        "model,shown,2.0,0.5,3.0,3,1.5,1.75,late,0.3,0.5,0.5,2.0,3.0",
        "model (off),absent,0.161728,0.123456,0.2,2,,,lag 2 -> 0,0.3,0.5,0.123456,0.2,",
        "mute,silent,,,,0,,,no clock,nan,nan,,,",
    ]


def test_a_prediction_is_told_beside_a_measurement_alone():
    assert report.note(Verdict("shown", predicted=1.0)) == report.note(Verdict("shown", measured=1.0)) == ""
    assert report.note(SHOWN, "knob", numbers=False) == "knob; late"


def test_numbers_have_three_digits_and_committed_ones_four():
    assert (report.number(1.23456), report.number(float("inf"))) == ("1.23", "inf")
    assert report.to_commit(Verdict("absent", (1.23456,))) == {"outcome": "absent", "score": 1.235}
    assert report.to_commit(SILENT) == {"outcome": "silent"}
    assert report.COMMITTED.exists()


def test_names_on_the_command_line():
    assert report.plain_name("dnn cross-entropy") == "dnn_cross_entropy"
    assert report.plain_name("dnn cross-entropy (off)") == "dnn_cross_entropy-off"


@pytest.fixture
def committed(monkeypatch):
    """Rows as if they were committed."""

    def put(**rows):
        monkeypatch.setattr(report, "committed", lambda study, preset: rows)

    return put


def test_a_score_may_lie_a_hundredth_and_a_tenth_of_itself_beside_the_committed_one(committed):
    assert report.tolerance(-2.0) == pytest.approx(0.21)
    committed(a={"outcome": "shown", "score": 2.0})
    for score, differs in ((2.2, False), (1.8, False), (2.22, True), (1.78, True), (float("nan"), True)):
        assert bool(report.differences("toy", {"a": Verdict("shown", (score,))}, "quick")) == differs
        assert report.differences("toy", {"a": Verdict("shown", (score,))}, "quick", scores=False) == []
    assert report.differences("toy", {"b": SHOWN}, "quick") == []


def test_what_was_never_committed_is_said(committed):
    committed(a={"outcome": "shown"}, b={"outcome": "shown", "score": 2.0}, c={"outcome": "silent"})
    verdicts = {"a": SHOWN, "b": SHOWN, "c": SILENT, "d": ABSENT}
    assert report.unknown("toy", verdicts, "quick") == [
        "a: no committed score, now 2",
        "d: no committed verdict, now absent",
    ]
    assert report.unknown("toy", verdicts, "quick", scores=False) == ["d: no committed verdict, now absent"]


def test_a_picture_has_a_column_a_model_with_its_control_below():
    drawn = []

    def draw(axes, row, runs):
        drawn.append((row, len(runs)))
        axes.plot([0, 1])

    shown = result()
    assert rows_shown(shown) == ["model", "alone"]
    assert title(shown, "model", "decades") == "model\nshown, 2.00 decades"
    assert (title(shown, "alone", "decades"), title(shown, "mute", "")) == ("alone", "mute\nsilent")
    figure = over_controls(shown, draw, "above", "below")
    first, second, third, fourth = figure.axes
    assert drawn == [("model", 2), ("model", 1), ("alone", 1)]
    assert [ax.get_title() for ax in figure.axes][:2] == ["model\nshown, 2.00 ", "alone"]
    assert third.get_title() == "control: lag 2 -> 0\nabsent, 0.16 "
    assert [ax.get_ylabel() for ax in (first, second, third)] == ["above", "", "below"]
    assert third.axison
    assert not fourth.axison
    assert first.get_ylim() == third.get_ylim()
    assert len(over_controls(Result("toy", "", None, {}, {}), draw, "above", "below").axes) == 2
    assert tuple(figure.get_size_inches()) == pytest.approx((7.8, 6.4))


def test_a_verdict_lies_on_the_side_that_its_words_say():
    outcomes = [Verdict.from_scores([score], 0.25, 0.5).outcome for score in (0.5, 0.49, 0.25, 0.24)]
    assert outcomes == ["shown", "unclear", "unclear", "absent"]
    assert Verdict.from_scores([0.5], 0.5, 0.5).outcome == "shown"
    assert Verdict.from_scores([0.0, 0.0, 0.9], 0.3, 0.4).outcome == "absent"
    assert not Verdict.from_scores([0.25], 0.25, 0.5).absent_in_every_replicate
    assert Verdict.from_scores([0.2, 0.24], 0.25, 0.5).absent_in_every_replicate
    assert not Verdict("silent").absent_in_every_replicate
    assert np.isnan(Verdict("silent").score)


def test_scores_are_a_row_and_thresholds_two():
    with pytest.raises(ValueError, match=r"scores must have 1 dimension\(s\), got shape \(1, 1\)"):
        Verdict("shown", ((1.0,),))
    for wrong in ((0.1,), (0.1, 0.2, 0.3)):
        with pytest.raises(ValueError, match="thresholds must be two numbers"):
            Verdict("shown", (1.0,), wrong)
    with pytest.raises(ValueError, match="outcome must be one of"):
        Verdict(["shown"])


@pytest.mark.parametrize("scores", [(np.nan, 0.1, 0.2), (0.1, np.nan, 0.2), (0.1, 0.2, np.nan)])
def test_a_run_without_a_score_counts_in_whatever_place_it_stands(scores):
    verdict = Verdict.from_scores(scores, 0.25, 0.5)
    assert verdict.outcome == "unclear"
    assert not verdict.absent_in_every_replicate
    assert np.isnan([verdict.score, *verdict.spread]).all()
    assert np.isnan(Verdict("silent").spread).all()
    assert Verdict.from_scores((0.3, -2.0, 1.5), 0.25, 0.5).spread == (-2.0, 1.5)
