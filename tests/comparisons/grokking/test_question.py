import pytest

from comparisons.grokking import STUDY
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]


def run(train, test, t=(1.0, 2.0, 9.0), **meta):
    return Trajectory(t, {"train": train, "test": test}, clock="step", meta=meta)


def test_a_fitted_prediction_says_so_and_only_beside_one():
    curves = [0.1, 1.0, 1.0], [0.1, 0.2, 1.0]
    said = {"prediction": "constants fitted"}
    assert STUDY.judge([run(*curves, **said, predicted_test_time=8.0)], QUICK).note == "constants fitted"
    assert STUDY.judge([run(*curves, **said, predicted_test_time=None)], QUICK).note == ""


def test_a_run_that_never_fits_is_unclear_and_says_so():
    verdict = STUDY.judge([run([0.1, 0.2], [0.1, 0.2], (1.0, 10.0))], QUICK)
    assert verdict.outcome == "unclear"
    assert "training level was not reached in 1 of 1 runs" in verdict.note


def test_a_run_that_starts_at_its_level_is_unclear_and_says_so():
    verdict = STUDY.judge([run([1.0, 1.0, 1.0], [0.1, 0.2, 1.0], (0.0, 1.0, 10.0))], QUICK)
    assert verdict.outcome == "unclear"
    assert "at the first record, t = 0, in 1 runs" in verdict.note


def test_percentages_are_refused():
    with pytest.raises(ValueError, match=r"train must be at most 1, a fraction, got 95 \(a percentage\?\)"):
        STUDY.judge([run([10.0, 50.0, 95.0], [10.0, 20.0, 90.0])], QUICK)


def test_vectors_missing_quantities_and_no_runs_are_refused():
    with pytest.raises(ValueError, match=r"train must be one number a time, got shape \(2, 1\)"):
        STUDY.judge([run([[0.1], [1.0]], [0.1, 1.0], (1.0, 2.0))], QUICK)
    with pytest.raises(ValueError, match="no quantity 'train'; this run has loss"):
        STUDY.judge([Trajectory([1.0], {"loss": [1.0]}, clock="step")], QUICK)
    with pytest.raises(ValueError, match="runs must hold at least one run"):
        STUDY.judge([], QUICK)


def test_the_headline_says_what_was_asked_and_the_table_what_was_changed(tmp_path):
    result = STUDY.run(models=["neurashed"], settings={"shown_from": 2.0}, replicates=1, out=tmp_path)
    assert result.verdicts["neurashed"].outcome == "unclear"
    assert "criterion changed: shown from 0.5 -> 2" in str(result)
