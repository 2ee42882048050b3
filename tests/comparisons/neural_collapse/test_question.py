from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.neural_collapse import STUDY
from comparisons.neural_collapse.question import _at_fit_and_end, details
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]
T = np.geomspace(1, 1e4, 60)
FITTED = np.minimum(1.01 / (1 + (10 / T) ** 4), 1.0)
CLOSING = 0.5 / (1 + (T / 300) ** 2)


def judged(train=FITTED, ratio=1 / (1 + T / 30) ** 0.5, angle=CLOSING, t=T, **meta):
    data = {"train": train, "within_between": ratio, "nc2_angle": angle}
    return STUDY.judge([Trajectory(t, data, clock="step", meta=meta)], QUICK)


def test_the_fall_is_measured_from_zero_training_error_on():
    after = np.linspace(0, 1, 12)
    train, ratio = np.append([0.5, 0.5], np.ones(12)), np.append([100.0, 10.0], 0.5 * 10**-after)
    angle = np.append([0.5, 0.5], 0.5 - 0.49 * after)
    verdict = judged(train, ratio, angle, t=np.arange(1.0, 15))
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(1.0)
    assert verdict.note == "angles off a simplex by 0.5 -> 0.01"


def test_a_fit_at_the_first_record_counts_from_there():
    after = np.linspace(0, 1, 12)
    verdict = judged(np.ones(12), 0.5 * 10**-after, 0.5 - 0.49 * after, t=np.arange(1.0, 13))
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(1.0)  # from the second record on it would be 11 / 12


def test_a_fit_that_is_lost_again_is_none():
    dying = np.where(T > 1000, 0.5, FITTED)
    assert "was not reached, or not kept, in 1 of 1 runs" in judged(dying).note
    assert "was not reached, or not kept, in 1 of 1 runs" in judged(0.99 * FITTED).note


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"angle": np.full(60, 0.385)}, "variability, no simplex: angles 0.39 -> 0.39"),
        ({"ratio": 1000 / (1 + T / 30) ** 0.5}, "variability stops at 55 of that between classes"),
        ({"ratio": 1000 / (1 + T / 30) ** 0.5, "angle": np.full(60, 0.4)}, "variability stops at 55 of that"),
        ({"classes": 2}, "the angles of two classes say nothing"),
        ({"ratio": 10 ** (-1.5 + np.where(T > 3000, 0, 1.5 * np.sin(np.log(T) * 3) ** 2))}, "variability wanders"),
    ],
)
def test_conditions_are_named_when_they_decide(changes, reason):
    verdict = judged(**changes)
    assert verdict.outcome == "unclear"
    assert verdict.note.startswith(reason)


def test_half_of_the_deviation_is_enough_of_a_simplex():
    assert judged(angle=0.9 - 0.6 / (1 + (300 / T) ** 2)).outcome == "shown"


def test_a_fall_to_the_floor_is_a_lower_bound():
    verdict = judged(ratio=np.maximum(1e-14, 10 ** (2 - 5 * np.log10(T))))
    assert "score >=: variability ends at the floor 1e-12" in verdict.note


def test_papyans_measure_stands_beside():
    data = {"train": FITTED, "within_between": 1 / (1 + T), "nc2_angle": CLOSING, "nc1": 1 / (1 + T) ** 2}
    verdict = STUDY.judge([Trajectory(T, data, clock="step")], QUICK)
    assert "Papyan's NC1 falls 4.86" in verdict.note


def test_measures_below_zero_are_refused_and_rounding_is_not():
    with pytest.raises(ValueError, match=r"within_between must be >= 0, got -1"):
        judged(ratio=np.full(60, -1.0))
    assert judged(train=np.minimum(FITTED, np.float32(0.99999994))).outcome == "shown"


def test_a_fall_in_the_last_two_records_is_not_enough():
    late = np.where(np.arange(60) >= 58, 1e-3, 1.0)
    assert judged(ratio=late).note.startswith("the fall is seen in the last two records only")


def test_what_is_predicted_and_measured_is_of_the_end():
    data = {"train": FITTED, "within_between": 1 / (1 + T / 30) ** 0.5, "nc2_angle": CLOSING}
    runs = [
        Trajectory(T, data | {"predicted": np.linspace(1.0, end, 60)}, clock="step", meta={"classes": 10})
        for end in (0.05, 0.06, 0.1)
    ]
    verdict = STUDY.judge(runs, QUICK)
    assert verdict.predicted == pytest.approx(0.06)
    assert verdict.measured == pytest.approx((1 + 1e4 / 30) ** -0.5)


TURNS = (-1.0) ** np.arange(60)  # records that lie above and below in turn by a: they scatter by 2.42 a
RECORD = np.arange(60)
STEP = np.where(RECORD < 10, 0.5, 1.0)  # the error is 0 from record 10 on


def falling(*logs):
    """A ratio whose log goes on straight lines through these values at evenly spaced records from the fit on."""
    return 10 ** np.interp(RECORD, np.linspace(10, 59, len(logs)), logs)


def steps(*parts):
    """A curve of levels, each from a record on."""
    curve = np.empty(60)
    for value, since in parts:
        curve[since:] = value
    return curve


CLOSED = steps((0.5, 0), (0.05, 25))


@pytest.mark.parametrize(
    ("ratio", "angle", "reason"),
    [
        (falling(-1.0, -3.0), CLOSED, ""),
        (falling(-1.0, -3.0), 0 * T, "the angles are 0 throughout, as of two classes"),
        (falling(-1.0, -3.0), steps((0.5, 0), (0.3, 25)), "variability, no simplex: angles 0.50 -> 0.30"),
        (falling(-1.0, -3.0), steps((0.5, 0), (0.05, 20), (0.45, 30), (0.05, 40)), "the angles wander by 0.40 rather"),
        (falling(-1.0, -3.0), steps((0.5, 0), (0.05, 20), (0.25, 30), (0.05, 40)), ""),  # less than half of 0.5
        (falling(-1.0, -2.0, -1.7, -3.0), CLOSED, ""),  # back by 0.3 of 2 decades
        (falling(-1.0, -2.0, -1.5, -3.0), CLOSED, "variability wanders rather than falls"),
        (falling(-1.5, -2.1) * 10 ** (0.045 * TURNS), CLOSED, ""),  # five scatters are 0.55
        (falling(-1.5, -2.1) * 10 ** (0.06 * TURNS), CLOSED, "the fall is within 5 scatters of the curve"),  # 0.73
        (10 ** steps((-2.0, 0), (0.0, 10), (-2.0, 12)), CLOSED, "the fall is from a rise of two records at the fit"),
        (10 ** steps((0.0, 0), (-2.0, 12)), CLOSED, ""),
        (10 ** steps((0.0, 0), (-0.9, 57), (-2.0, 58)), CLOSED, "the fall is seen in the last two records only"),
        (10 ** steps((0.0, 0), (-1.1, 57), (-2.0, 58)), CLOSED, ""),
    ],
)
def test_a_fall_is_a_collapse_or_not(ratio, angle, reason):
    verdict = judged(STEP, ratio, angle)
    assert (verdict.outcome, verdict.note[: len(reason)]) == ("unclear" if reason else "shown", reason), verdict.note


def test_angles_that_are_0_throughout_are_those_of_more_classes_where_these_are_told():
    assert judged(STEP, falling(-1.0, -3.0), 0 * T, classes=3).outcome == "shown"
    assert judged(STEP, falling(-1.0, -3.0), 0 * T, classes=2).note.startswith("the angles of two classes")


def test_both_ends_are_medians_of_a_tenth_of_the_records_and_at_least_three():
    squares = np.arange(40.0) ** 2
    assert _at_fit_and_end(squares) == (2.5, (37.0**2 + 38.0**2) / 2)
    assert _at_fit_and_end(squares[:10]) == (1.0, 64.0)
    assert _at_fit_and_end(squares[:2]) == (0.5, 0.5)


def runs_of_three():
    runs = []
    for end, closed, papyan, predicted in ((-2.0, 0.01, 2.0, 0.2), (-3.0, 0.02, 3.0, 0.3), (-6.0, 0.2, 7.0, 0.9)):
        data = {"train": STEP, "within_between": 10 ** steps((0.0, 0), (end, 30))}
        data |= {"nc1": 10 ** steps((1.0, 0), (1.0 - papyan, 30)), "predicted": steps((9.0, 0), (predicted, 59))}
        data["nc2_angle"] = steps((0.9, 0), (5 * closed, 10), (closed, 30))
        runs.append(Trajectory(T, data, clock="step", meta={"classes": 4}))
    return runs


def test_numbers_are_medians_over_runs():
    verdict = STUDY.judge(runs_of_three(), QUICK)
    assert verdict.note.endswith("angles off a simplex by 0.1 -> 0.02; Papyan's NC1 falls 3.00 decades")
    assert (verdict.predicted, verdict.measured) == (0.3, pytest.approx(1e-3))
    one = runs_of_three()[1]
    without = Trajectory(T, {name: one[name] for name in one.data if name != "predicted"}, clock="step", meta=one.meta)
    assert STUDY.judge([*runs_of_three()[:2], without], QUICK).predicted is None


def test_details_are_medians_over_runs_at_the_end():
    lines = details(SimpleNamespace(runs={"mine": runs_of_three(), "none": []})).splitlines()
    assert lines == [
        "at the end, median over replicates:",
        "  mine: nc1 0.01, within_between 0.001, nc2_angle 0.02",
    ]


def test_a_ratio_that_ends_just_at_the_floor_is_there():
    asked = replace(QUICK.question, floor=2.0**-40)
    data = {"train": STEP, "within_between": steps((1.0, 0), (2.0**-40, 30)), "nc2_angle": CLOSED}
    note = STUDY.judge([Trajectory(T, data, clock="step", meta={"classes": 4})], asked).note
    assert note.endswith("score >=: variability ends at the floor 9.09495e-13")
