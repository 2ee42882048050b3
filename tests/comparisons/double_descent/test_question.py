import numpy as np
import pytest

from comparisons.double_descent import STUDY
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"].question
SIZES = np.array([10.0, 20, 30, 40, 50, 70, 100, 150, 200, 300])
LOG_TEST = np.array([0.0, -0.1, -0.2, 0.3, 1.0, 0.8, 0.2, -0.1, -0.3, -0.4])
LOG_TRAIN = np.array([0.0, -0.2, -0.4, -0.8, -2, -9, -9, -9, -9, -9])


def judged(test=LOG_TEST, train=LOG_TRAIN, scatter=0.01, **meta):
    noise = scatter * np.random.default_rng(0).standard_normal((2, len(SIZES), 4))
    noise -= noise.mean(axis=2, keepdims=True)
    data = {"test": 10 ** (test[:, None] + noise[0]), "train": 10 ** (train[:, None] + 0 * noise[1])}
    return STUDY.judge([Trajectory(SIZES, data, clock="neurons", meta=meta)], QUICK)


def test_the_score_is_the_peak_above_the_higher_valley():
    verdict = judged(threshold=60.0)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(1.2)
    assert (verdict.predicted, verdict.measured) == (60.0, 50.0)
    assert verdict.note == "peak at 50 neurons, just fits at about 44.7"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scatter": 2.0}, "standard errors of its mean"),
        ({"test": np.where(SIZES == 50, 1.0, -0.2)}, "the peak is seen at one size only"),
        ({"test": np.array([0, -0.2, 0.7, 0.7, 0.0, 0.0, 1, 1, 0, -0.2])}, "the error wanders by 0.70 on its way"),
        ({"test": np.r_[-0.1, 0.9, -0.3, LOG_TEST[3:]]}, "another peak of 1.00 stands elsewhere"),
        ({"train": np.zeros(10)}, "the model fits its training data at all sizes, or at none"),
        ({"train": np.array([0.0, -9, -9, -9, -9, -9, -9, -9, -9, -9])}, "is not where the data begin to be fitted"),
    ],
)
def test_conditions_are_named_when_they_decide(changes, reason):
    verdict = judged(**changes)
    assert verdict.outcome == "unclear"
    assert reason in verdict.note


def test_no_peak_is_absent_whatever_the_fit():
    verdict = judged(test=-np.log10(SIZES), scatter=0.0)
    assert (verdict.outcome, verdict.score, verdict.measured) == ("absent", 0.0, None)


def test_trained_networks_may_say_their_own_thresholds():
    low = 0.35 * LOG_TEST / 1.2
    assert judged(test=low).outcome == "unclear"
    verdict = judged(test=low, absent_below=0.2, shown_from=0.3)
    assert verdict.outcome == "shown"
    assert verdict.thresholds == (0.2, 0.3)
    assert verdict.note.endswith("thresholds of trained networks")


def test_runs_that_lack_errors_are_refused():
    with pytest.raises(ValueError, match="runs must hold at least one"):
        STUDY.judge([], QUICK)
    with pytest.raises(ValueError, match="no quantity 'test'; this run has loss"):
        STUDY.judge([Trajectory(SIZES, {"loss": SIZES}, clock="neurons")], QUICK)
    few = {"test": np.ones((10, 3)), "train": np.ones((10, 3))}
    with pytest.raises(ValueError, match=r"test must be \(n_sizes, n_sets\) of 4 sets or more, got shape \(10, 3\)"):
        STUDY.judge([Trajectory(SIZES, few, clock="neurons")], QUICK)
    negative = {"test": np.ones((10, 4)), "train": -np.ones((10, 4))}
    with pytest.raises(ValueError, match="train must be >= 0, got -1"):
        STUDY.judge([Trajectory(SIZES, negative, clock="neurons")], QUICK)
