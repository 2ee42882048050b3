"""What counts as foretelling an event whose score has any height."""

import numpy as np
import pytest

from comparisons.forerunners.question import NOTHING, judge
from comparisons.order_parameters.question import Question
from comparisons.order_parameters.question import judge as judge_jumps
from toymodels.trajectory import Trajectory

T = np.geomspace(1, 1e4, 201)
EVENTS = np.geomspace(100, 1000, 10)


def ensemble(height=40.0, n=10, **decades):
    """Runs whose score rises to `height` in eight steps, and quantities that step so many decades before its half."""
    runs = []
    for event in EVENTS[:n]:
        place = np.log10(T / event)
        curves = {name: 1.0 * (place >= -ahead) for name, ahead in decades.items()}
        data = {"train": np.ones(T.size), "test": height * np.round(8 / (1 + np.exp(-place / 0.01))) / 8, **curves}
        meta = {"order": list(curves), "train_level": 1.0, "test_level": height / 2}
        runs.append(Trajectory(T, data, clock="step", meta=meta))
    return runs


@pytest.mark.parametrize("height", [0.01, 1.0, 40.0])
def test_the_score_of_a_forerunner_is_its_lead_beyond_the_nulls_whatever_the_height_of_the_score(height):
    verdict = judge(ensemble(height, early=0.5, earlier=0.8), Question())
    assert (verdict.outcome, verdict.note) == ("shown", "best: earlier")
    # the score takes its first step 0.01 log 15 = 0.027 decades ahead of its half, and there is a record every 0.02
    assert verdict.score == pytest.approx(0.8, abs=0.05)
    assert len(verdict.scores) == Question().halvings


def test_no_quantity_is_set_aside():
    runs = ensemble(1.0, weight_norm=0.6, other=0.3)
    assert judge(runs, Question()).note == "best: weight_norm"
    assert judge_jumps(runs, Question()).note == "best: other"


def test_what_comes_with_the_event_or_after_it_foretells_nothing():
    verdict = judge(ensemble(with_it=0.0, after=-0.5), Question())
    assert (verdict.outcome, verdict.note, set(verdict.scores)) == ("absent", NOTHING, {0.0})


def test_too_few_runs_or_no_event_decide_nothing():
    assert judge(ensemble(n=7, early=0.5), Question()).outcome == "unclear"
    assert judge(ensemble(n=8, early=0.5), Question()).outcome == "shown"
    late = [Trajectory(run.t, run.data, clock="step", meta=run.meta | {"test_level": 99.0}) for run in ensemble(x=0.5)]
    verdict = judge(late, Question())
    assert (verdict.outcome, verdict.note) == ("unclear", "no delay to look into in 10 of 10 runs")


def test_quantities_that_one_run_lacks_are_not_asked_and_series_are_needed():
    runs = ensemble(early=0.5, x=0.1)
    first = Trajectory(T, runs[0].data, clock="step", meta=runs[0].meta | {"order": ["x"]})
    assert judge([first, *runs[1:]], Question()).note != "best: early"
    broken = Trajectory(T, {"train": np.ones(T.size)}, clock="step", meta=runs[0].meta)
    with pytest.raises(ValueError, match="no quantity 'test'"):
        judge([broken], Question())
