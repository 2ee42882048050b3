import numpy as np
import pytest

from comparisons.neural_collapse import STUDY
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
