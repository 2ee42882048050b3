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


def exact(test=LOG_TEST, train=LOG_TRAIN, spread=0.0, **meta):
    """Four sets that lie `spread` decades above and below their mean, whose standard error is spread / sqrt(3)."""
    sets = spread * np.array([-1, -1, 1, 1])
    n = len(test)
    data = {"test": 10 ** (np.asarray(test)[:, None] + sets), "train": np.tile(10 ** np.asarray(train)[:n, None], 4)}
    return Trajectory(SIZES[:n], data, clock="neurons", meta=meta)


def verdict_of(*runs):
    return STUDY.judge(list(runs), QUICK)


def test_a_peak_stands_three_standard_errors_above_its_valley():
    """Of the difference: sqrt(2 / 3) times the spread, so that a peak of 1.2 stands 3.7 or 2.9 of them high."""
    assert verdict_of(exact(spread=0.4)).outcome == "shown"
    assert verdict_of(exact(spread=0.5)).note == "the peak of 1.20 is within 3 standard errors of its mean"


def test_a_peak_between_the_thresholds_is_told_where_it_stands():
    verdict = verdict_of(exact(LOG_TEST / 3))
    assert verdict.outcome == "unclear"
    assert verdict.note.startswith("peak at 50 neurons")
    assert verdict.predicted is None


def test_eight_sizes_tell_a_peak_from_a_spike():
    eight = np.array([-0.1, -0.2, 0.3, 1.0, 0.8, 0.2, -0.1, -0.3])
    assert verdict_of(exact(eight, LOG_TRAIN[1:])).outcome == "shown"
    assert verdict_of(exact(eight[:7], LOG_TRAIN[1:])).note == "7 sizes are too few to tell a peak from a spike, 8 do"


@pytest.mark.parametrize(
    ("test", "way"),
    [
        ([0, -0.1, -0.2, 0.7, 0.3, 1, 0.8, 0.2, -0.3, -0.4], "0.40"),
        ([0.1, -0.1, -0.3, 0.2, 0.8, 1, 0.3, 0.7, -0.2, -0.25], "0.40"),
        ([0, -0.1, -0.2, 0.55, 0.3, 1, 0.8, 0.2, -0.3, -0.4], ""),  # .25 back is less than a quarter of 1.2
        ([0, -0.1, -0.2, 0.3, 1, 0.6, 0.2, -0.1, -0.3, -0.4], ""),  # down from the peak is no way back
        ([0, -0.1, -0.2, 0.3, 1, 0.8, 0.2, -0.1, -0.3, 0.4], ""),  # nor is up from the valley behind it
    ],
)
def test_setbacks_count_from_the_valleys_to_the_peak(test, way):
    note = verdict_of(exact(test)).note
    assert note.startswith(f"the error wanders by {way} on its way") if way else "wanders" not in note


def test_another_peak_of_less_than_half_is_let_be():
    assert verdict_of(exact(np.r_[-0.1, 0.4, -0.3, LOG_TEST[3:]])).outcome == "shown"


@pytest.mark.parametrize(("before", "fits_in_it"), [(0.3, (3, 4, 5)), (0.5, (2, 3, 4, 5))])
def test_the_upper_half_of_the_peak_holds_the_size_from_which_on_the_data_are_fitted(before, fits_in_it):
    """The upper half, from 0.4 up, is of 50 and 70 neurons, or of 40 too; a gap that ends there is in it."""
    test = np.r_[LOG_TEST[:3], before, LOG_TEST[4:]]
    shown = [last for last in range(1, 8) if verdict_of(exact(test, -9.0 * (np.arange(10) > last))).outcome == "shown"]
    assert shown == [*fits_in_it]


def test_places_are_medians_over_runs():
    first = np.array([0, -0.1, -0.2, 1, 0.8, 0.2, -0.1, -0.3, -0.35, -0.4])
    last = np.array([0, -0.1, -0.2, -0.2, 0.3, 0.8, 1, 0.2, -0.3, -0.4])
    runs = [exact(test, threshold=at) for test, at in ((first, 50.0), (LOG_TEST, 60.0), (last, 100.0))]
    verdict = verdict_of(*runs)
    assert (verdict.measured, verdict.predicted) == (50.0, 60.0)


def test_an_error_of_zero_is_one_and_a_single_one_below_is_refused():
    run = exact(train=np.r_[LOG_TRAIN[:9], -np.inf])
    assert verdict_of(run).outcome == "shown"
    below = run["train"].copy()
    below[2, 1] = -1.0
    with pytest.raises(ValueError, match="train must be >= 0, got -1"):
        verdict_of(Trajectory(SIZES, {"test": run["test"], "train": below}, clock="neurons"))
