from dataclasses import replace

import numpy as np
import pytest

from comparisons.grokking import STUDY
from comparisons.grokking.models import Condensation, condensation
from comparisons.grokking.question import _bounds, _within_ends
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]
T = np.geomspace(1, 1e4, 60)


def rising(half, low=0.1, high=1.0):
    return low + (high - low) / (1 + (half / T) ** 4)


def run(train, test, t=T, **meta):
    return Trajectory(t, {"train": train, "test": test}, clock="step", meta=meta)


def judged(train, test, **meta):
    return STUDY.judge([run(train, test, **meta)], QUICK)


def test_the_score_is_the_lag_and_the_delay_between_levels_the_second_number():
    verdict = judged(rising(10), rising(1000), predicted_train_time=20.0, predicted_test_time=2000.0)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(2, abs=0.01)
    assert verdict.note == "levels 2.00 decades apart, predicted 2.00"
    assert verdict.predicted == 2000.0
    assert verdict.measured == pytest.approx(2040, rel=0.05)


def test_a_late_rise_below_the_level_is_seen_and_said():
    verdict = judged(rising(10), rising(1000, 0.5, 0.88))
    assert verdict.outcome == "shown"
    assert verdict.note == "test level not reached in 1 of 1 runs"


@pytest.mark.parametrize(
    ("train", "test", "reason"),
    [
        (rising(10, high=0.9), rising(1000), "the training score never reaches 0.95"),
        (np.ones(60), rising(1000), "flat training curve"),
        (rising(10) - rising(1000, 0, 0.5), rising(100), "the training score does not keep 0.95"),
        (rising(10), np.full(60, 0.2), "flat test curve: never generalises"),
        (rising(10), rising(10, 0, 0.78) + rising(6e3, 0, 0.22), "of the test score's rise by 0.97 only 0."),
        (rising(10), rising(200) - rising(1500, 0, 0.4), "the test score falls back by 0."),
        (np.minimum(np.log(T) / np.log(6e3), 1.0), rising(6e3), "the run ends too soon after the fit"),
    ],
)
def test_conditions_are_named_when_they_decide(train, test, reason):
    verdict = judged(train, test)
    assert verdict.outcome == "unclear"
    assert verdict.note.startswith(reason)


def test_a_share_of_the_training_score_does_not_lag():
    assert judged(rising(10), 0.2 * rising(10)).outcome == "absent"


def test_a_flaw_of_one_run_is_counted():
    runs = [run(rising(10), rising(1000)), run(np.ones(60), rising(1000))]
    assert STUDY.judge(runs, QUICK).note == "flat training curve (1 of 2 runs)"


def test_a_level_of_the_run_itself_counts():
    assert judged(rising(10, high=0.6), rising(1000), train_level=0.5).outcome == "shown"


def test_no_time_is_predicted_with_constants_fitted_at_the_same_setting():
    meta = condensation(Condensation(), np.random.default_rng(0)).meta
    assert meta["predicted_test_time"] is None


def test_percentages_are_refused():
    with pytest.raises(ValueError, match=r"train must be at most 1, a fraction, got 100 \(a percentage\?\)"):
        judged(100 * rising(10, high=1.0) / rising(10)[-1], rising(1000))


def test_vectors_missing_quantities_and_no_runs_are_refused():
    with pytest.raises(ValueError, match=r"train must be one number a time, got shape \(2, 1\)"):
        STUDY.judge([run([[0.1], [1.0]], [0.1, 1.0], (1.0, 2.0))], QUICK)
    with pytest.raises(ValueError, match="no quantity 'train'; this run has loss"):
        STUDY.judge([Trajectory([1.0], {"loss": [1.0]}, clock="step")], QUICK)
    with pytest.raises(ValueError, match="runs must hold at least one run"):
        STUDY.judge([], QUICK)


def test_the_headline_says_what_was_asked_and_the_table_what_was_changed(tmp_path):
    result = STUDY.run(models=["neurashed"], settings={"shown_from": 2.5}, replicates=1, out=tmp_path)
    assert result.verdicts["neurashed"].outcome == "unclear"
    assert "criterion changed: shown from 0.5 -> 2.5" in str(result)


def test_a_first_record_far_below_changes_nothing():
    far = np.concatenate([[-1000.0], np.ones(59)])
    verdict = judged(np.minimum(rising(10), far.clip(max=1)), np.minimum(rising(1000), far.clip(max=1)))
    assert verdict.score == pytest.approx(1.8, abs=0.01)  # of 2: the rise from 0 to .1 comes at once in both


def test_a_dip_before_the_rise_adds_no_lag():
    dip = 0.5 - rising(5, 0, 0.5) + rising(1000, 0, 0.9)
    assert judged(rising(10), np.clip(dip, 0, 1)).score < 3


def test_records_too_far_apart_to_tell_a_lag_are_said():
    t = np.concatenate([[1.0], np.arange(100.0, 6001, 100)])
    coarse = run((t >= 90).astype(float), (t >= 110).astype(float), t)
    assert STUDY.judge([coarse], QUICK).note.startswith("records are too far apart: a lag of")
    t = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 60)])
    early = run((t > 0).astype(float), np.where(t > 0, 0.5 + 0.5 * (t > 100), 0.0), t)
    assert STUDY.judge([early], QUICK).note.startswith("the fit lies between t = 0 and the first record")


def test_a_rise_in_the_last_two_records_is_not_enough():
    late = np.where(np.arange(60) >= 58, 1.0, 0.1)
    assert judged(rising(10), late).note == "the test score's late rise is seen in the last two records only"


def test_a_score_below_the_mean_never_generalises():
    assert judged(rising(10), rising(1000, -100, -50)).note == "flat test curve: never generalises"


def test_a_condition_is_counted_whatever_its_numbers():
    back = [run(rising(10), rising(200) - rising(1500, 0, 0.4 + 0.01 * k)) for k in range(3)]
    assert STUDY.judge(back, QUICK).note.endswith("(3 of 3 runs)")


TURNS = (-1.0) ** np.arange(
    60
)  # records that lie above and below in turn by a: they scatter by 1.4826 x 4 a / sqrt(6) = 2.42 a


def fitted(end, noise):
    """Fits at record 10 and ends with four records around `end`."""
    curve = np.where(np.arange(60) < 10, 0.1, 0.98 - noise)
    curve[-4:] = end
    return curve + noise * TURNS


@pytest.mark.parametrize(
    ("train", "kept"),
    [
        (fitted(0.90, 0.01), True),  # three scatters are 0.073
        (fitted(0.865, 0.01), False),
        (fitted(0.89, 0.03), True),  # and would be 0.22
        (fitted(0.84, 0.03), False),
    ],
)
def test_a_fit_is_kept_within_three_scatters_and_a_tenth(train, kept):
    note = judged(train, rising(1000)).note
    assert (note == "the training score does not keep 0.95") == (not kept)


def test_a_curve_is_held_between_its_ends():
    np.testing.assert_array_equal(_within_ends(np.array([0.2, 0.1, 0.9, 1.0, 0.8])), [0.2, 0.2, 0.8, 0.8, 0.8])
    np.testing.assert_array_equal(_within_ends(np.array([0.8, 0.9, 0.1, 0.3, 0.2])), [0.8, 0.8, 0.2, 0.3, 0.2])


def test_bounds_of_a_lag_put_every_rise_at_one_end_of_its_gap():
    """Shares 1/4, 1/2, 1, 1 and 0, 0, 1/2, 1 at t = 1, 100, 1000, 100000: gaps of 2, 1 and 2 decades."""
    coarse = run([0.2, 0.35, 0.5, 0.8, 0.8], [0.1, 0.1, 0.1, 0.4, 0.7], np.array([0.0, 1, 100, 1000, 1e5]))
    least, most = _bounds(coarse)
    assert least == pytest.approx(0.25 * 2 + 0 * 1 + 0 * 2)
    assert most == pytest.approx(0.5 * 2 + 1 * 1 + 0.5 * 2)


def test_rising_at_once_is_not_told_by_a_first_record_after_zero():
    early = np.r_[0.1, np.maximum(0.64, rising(100))]  # three fifths of the rise
    reason = "a score rises between t = 0 and the first record that has a logarithm"
    assert STUDY.judge([run(early, early, np.r_[0.0, T])], QUICK).note == reason
    assert STUDY.judge([run(early, early, np.r_[0.5, T])], QUICK).outcome == "absent"
    later = np.r_[0.1, np.maximum(0.5, rising(100))]
    assert STUDY.judge([run(later, later, np.r_[0.0, T])], QUICK).outcome == "absent"


@pytest.mark.parametrize(("gap", "outcome"), [(0.45, "absent"), (0.6, "unclear")])
def test_rising_at_once_is_told_by_gaps_below_the_threshold(gap, outcome):
    step = np.r_[np.full(30, 0.1), np.ones(30)]
    t = 10 ** np.r_[np.linspace(0, 1, 30), 1 + gap + np.linspace(0, 1, 30)]
    verdict = STUDY.judge([run(step, step, t)], QUICK)
    assert verdict.outcome == outcome
    if outcome == "unclear":
        assert verdict.note == "records are too far apart: a lag of 0.60 would look the same"


def steps(*parts):
    """A curve of levels, each from a record on."""
    curve = np.empty(60)
    for value, since in parts:
        curve[since:] = value
    return curve


STEP = steps((0.1, 0), (1.0, 5))  # fitted 3.4 decades before record 56


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (steps((0.1, 0), (0.85, 5), (1.0, 56)), "of the test score's rise by 0.90 only 0.15 comes after the fit"),
        (steps((0.1, 0), (0.7, 5), (1.0, 40)), ""),  # a third is more than three tenths
        (steps((0.1, 0), (1.0, 30), (0.9, 50)), ""),  # back by a ninth
        (steps((0.1, 0), (1.0, 30), (0.8, 50)), "the test score falls back by 0.20 after the fit"),
        (steps((0.1, 0), (0.5, 57), (1.0, 58)), "the test score's late rise is seen in the last two records only"),
        (steps((0.1, 0), (0.6, 57), (1.0, 58)), ""),
        (steps((0.1, 0), (1.0, 30)) * (1 - 0.09 * (1 + TURNS)), "the test score's late rise is within 5 scatters"),
    ],
)
def test_what_comes_after_the_fit_is_weighed(test, reason):
    verdict = judged(STEP, test)
    assert verdict.note.startswith(reason) if reason else verdict.outcome == "shown", verdict.note


def test_a_level_that_is_just_reached_is_reached():
    train = steps((0.125, 0), (0.75, 15))
    assert judged(train, rising(1000), train_level=0.75).outcome == "shown"
    assert judged(train, rising(1000), train_level=0.7501).note == "the training score never reaches 0.7501"


def test_a_rise_that_is_just_large_enough_is_one():
    train = steps((0.5, 0), (1.0, 15))
    asked = replace(QUICK.question, least_rise=0.5)
    assert STUDY.judge([run(train, steps((0.25, 0), (0.75, 40)))], asked).outcome == "shown"
    assert STUDY.judge([run(train, steps((0.26, 0), (0.75, 40)))], asked).note == "flat test curve: never generalises"
    assert STUDY.judge([run(0.01 + 0.98 * train, rising(1000))], asked).note == "flat training curve"


def test_times_are_medians_over_runs():
    halves = ((10, 100), (10, 1000), (10, 4000))
    runs = [
        run(rising(a), rising(b), predicted_train_time=1.0, predicted_test_time=told)
        for (a, b), told in zip(halves, (10.0, 100.0, 1e6), strict=True)
    ]
    verdict = STUDY.judge(runs, QUICK)
    middle = STUDY.judge(runs[1:2], QUICK)
    assert (verdict.predicted, verdict.measured) == (100.0, middle.measured)
    assert verdict.note == "levels 2.00 decades apart, predicted 2.00"
    runs[0] = run(rising(10), rising(100), predicted_test_time=10.0)
    assert STUDY.judge(runs, QUICK).note == "levels 2.00 decades apart"
    runs[0] = run(rising(10), rising(100), predicted_train_time=1.0)
    assert STUDY.judge(runs, QUICK).predicted is None


@pytest.mark.parametrize(
    ("name", "test", "at", "beyond", "reason"),
    [
        ("late_share", steps((0.0, 0), (0.75, 5), (1.0, 35)), 0.25, 0.26, "of the test score's rise by 1.00 only 0.25"),
        ("least_rise", steps((0.0, 0), (0.5, 5), (1.0, 35)), 0.5, 0.51, "of the test score's rise by 1.00 only 0.50"),
        ("most_setback", steps((0.0, 0), (1.0, 30), (0.875, 50)), 0.125 / 0.875, 0.14, "the test score falls back by"),
    ],
)
def test_what_lies_just_at_a_condition_passes_it(name, test, at, beyond, reason):
    found = [
        STUDY.judge([run(STEP, test)], replace(QUICK.question, shown_from=0.3, **{name: value}))
        for value in (at, beyond)
    ]
    assert found[0].outcome == "shown", found[0].note
    assert found[1].note.startswith(reason)
