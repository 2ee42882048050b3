import pytest

from comparisons.neural_collapse import STUDY
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]


def run(train, ratio):
    return Trajectory([1.0, 2.0, 3.0], {"train": train, "within_between": ratio}, clock="step")


def test_the_fall_is_measured_from_zero_training_error_on():
    verdict = STUDY.judge([run([0.5, 1.0, 1.0], [100.0, 1.0, 0.1])], QUICK)
    assert verdict.score == pytest.approx(1.0)


def test_a_run_that_never_fits_is_unclear():
    verdict = STUDY.judge([run([0.5, 0.9, 0.9], [1.0, 0.1, 0.01])], QUICK)
    assert verdict.outcome == "unclear"
    assert "training error 0 was not reached in 1 of 1 runs" in verdict.note
