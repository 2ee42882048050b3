"""The lag of evaluation mode, its stretch by the momentum, and the order of the layers before it ends."""

import numpy as np
import pytest

from figures.opt_npt.batch_norm_lag_claims import (
    CLAIMS,
    ends,
    gap,
    lag,
    least_order,
    lowest_when_fitted,
    shown_in_lag,
    stretch,
    stretch_is_known,
    train_accuracy_before,
)

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}
STEPS = np.arange(0, 40, 2.0)


def rising_at(*when):
    """Curves (replicates, n) of 0 before a step and 1 from it on."""
    return (np.array(when)[:, None] <= STEPS).astype(float)


def lagging(usual: float, slow: float):
    """Test accuracy at step 4 with batch statistics, later in evaluation mode."""
    data = {f"{control}_steps": STEPS for control in ("usual", "slow")}
    data |= {f"{control}_test_batch": rising_at(4) for control in ("usual", "slow")}
    return data | {"usual_test_accuracy": rising_at(usual), "slow_test_accuracy": rising_at(slow)}


@pytest.mark.parametrize(
    ("usual", "slow", "ratio", "open_claims"),
    [(10, 24, 20 / 6, False), (10, np.inf, np.inf, False), (np.inf, 24, 0, True), (np.inf, np.inf, 0, True)],
)
def test_the_stretch_of_the_lag_is_a_number_also_where_it_does_not_end(usual, slow, ratio, open_claims):
    data = lagging(usual, slow)
    assert stretch(data).tolist() == [ratio]
    assert ends(data).all() != open_claims
    assert CLAIM["phase-sets-time"].judge(data).verdict == ("open" if open_claims else "contradicted")


@pytest.mark.parametrize(
    ("usual", "last", "phase", "forgetting"),
    [
        (14, 38, "contradicted", "open"),  # 34 / 10 times 1 or .3
        (11, 38, "contradicted", "contradicted"),  # 34 / 7
        (12, 38, "contradicted", "open"),  # 34 / 8
        (24, 30, "open", "open"),  # 26 / 20
        (24, 31, "contradicted", "open"),  # 27 / 20
        (4, 38, "open", "open"),  # no lag at momentum .1
        (3, 38, "open", "open"),
    ],
)
def test_a_lag_that_outlasts_its_run_refutes_only_from_the_bound_on(usual, last, phase, forgetting):
    steps = np.arange(0, last + 1.0)
    both = {f"{control}_steps": steps for control in ("usual", "slow")}
    both |= {f"{control}_test_batch": (steps >= 4)[None] * 1.0 for control in ("usual", "slow")}
    data = both | {"usual_test_accuracy": (steps >= usual)[None] * 1.0, "slow_test_accuracy": 0.0 * steps[None]}
    assert CLAIM["phase-sets-time"].judge(data).verdict == phase
    assert CLAIM["forgetting-sets-time"].judge(data).verdict == forgetting


@pytest.mark.parametrize("usual", [4, np.inf])
def test_no_lag_at_all_or_one_that_does_not_end_is_of_no_phase(usual):
    data = lagging(usual, 24) | {
        "samples": np.array(10_000),
        "usual_gradient": np.tile([1.0, 2, 3], (1, len(STEPS), 1)),
    }
    assert CLAIM["needs-phase-one"].judge(data).verdict == "open"
    assert CLAIM["needs-phase-one"].judge(data | {"usual_test_accuracy": rising_at(10)}).verdict == "contradicted"


def test_the_lag_starts_where_the_statistics_of_the_batch_generalise():
    assert lag(STEPS, rising_at(10)[0], rising_at(4)[0]) == 6
    assert lag(STEPS, rising_at(np.inf)[0], rising_at(4)[0]) == np.inf
    assert lag(STEPS, rising_at(10)[0], rising_at(np.inf)[0]) == np.inf
    assert lag(STEPS, rising_at(np.inf)[0], rising_at(np.inf)[0]) == np.inf


def test_the_gap_is_the_largest_over_the_records():
    assert gap(lagging(10, 24), "usual").tolist() == [1]
    assert gap(lagging(4, 24), "usual").tolist() == [0]


@pytest.mark.parametrize(("key", "control"), [("momentum-one", "last"), ("warm-start", "warm")])
@pytest.mark.parametrize(("best", "decided"), [(0.5, True), (0.49, False)])
def test_a_run_that_never_learns_has_no_gap_to_judge(key, control, best, decided):
    data = {f"{control}_test_{name}": np.array([[0.1, best, 0.1]]) for name in ("batch", "accuracy")}
    verdict = {"momentum-one": "reproduced", "warm-start": "contradicted"}[key] if decided else "open"
    phase_one = {"usual_gradient": np.array([[[1.0, 2, 3], [3, 2, 1]]]), "usual_test_accuracy": np.array([[0.1, 0.9]])}
    assert CLAIM[key].judge(data | phase_one | {"samples": np.array(10_000)}).verdict == verdict


@pytest.mark.parametrize(("second", "verdict"), [([3.0, 2, 1], "contradicted"), ([1.0, 2, 3], "open")])
def test_only_networks_that_pass_through_phase_one_tell_of_a_warm_start(second, verdict):
    data = {f"warm_test_{name}": np.array([[0.1, 0.9]]) for name in ("batch", "accuracy")}
    data |= {"usual_gradient": np.array([[[1.0, 2, 3], second]]), "usual_test_accuracy": np.array([[0.1, 0.9]])}
    assert CLAIM["warm-start"].judge(data | {"samples": np.array(10_000)}).verdict == verdict


def test_one_run_that_never_learns_leaves_open_whether_new_statistics_remove_the_lag():
    batch = np.array([[0.1, 0.9], [0.1, 0.5], [0.1, 0.5], [0.1, 0.5]])
    data = {"usual_test_batch": batch, "usual_test_reestimated": batch}
    assert CLAIM["estimated-anew"].judge(data).verdict == "reproduced"
    batch[0] = 0.4
    assert CLAIM["estimated-anew"].judge(data).verdict == "open"


def test_only_records_with_a_fit_count():
    data = {
        "usual_train_batch": np.array([[0.1, 0.8, 0.9, 1]]),
        "usual_test_accuracy": np.array([[0.0, 0.3, 0.2, 0.5]]),
    }
    assert lowest_when_fitted(data).tolist() == [0.2]
    assert CLAIM["late-jump"].judge(data).verdict == "contradicted"
    late = data | {"usual_test_accuracy": np.array([[0.0, 0.3, 0.1, 0.5]])}
    assert CLAIM["late-jump"].judge(late).verdict == "reproduced"


@pytest.mark.parametrize(("train", "test"), [(0.79, 0.9), (0.8, 0.49)])
def test_a_run_that_does_not_fit_or_jump_leaves_the_late_jump_open(train, test):
    data = {"usual_train_batch": np.array([[0.1, train, 0.1]]), "usual_test_accuracy": np.array([[0.0, 0.1, test]])}
    assert lowest_when_fitted(data).tolist() == [1]
    assert CLAIM["late-jump"].judge(data).verdict == "open"


@pytest.mark.parametrize(("before", "shown"), [(2, False), (4, True), (8, True), (10, False)])
def test_what_is_shown_as_before_the_jump_counts_only_within_the_lag(before, shown):
    data = lagging(10, 24) | {"before": np.array(before), "usual_train_accuracy": np.full((1, len(STEPS)), 0.7)}
    assert shown_in_lag(data).tolist() == [shown]
    assert CLAIM["test-only"].judge(data).verdict == ("contradicted" if shown else "open")
    high = data | {"usual_train_accuracy": np.full((1, len(STEPS)), 0.9)}
    assert CLAIM["test-only"].judge(high).verdict == ("reproduced" if shown else "open")
    assert not shown_in_lag(data | {"usual_test_accuracy": rising_at(np.inf)}).any()


def test_training_digits_are_looked_at_in_the_record_before_the_jump():
    data = {"usual_steps": STEPS, "before": np.array(6), "usual_train_accuracy": np.arange(20.0)[None]}
    assert train_accuracy_before(data).tolist() == [3]


def test_the_order_of_the_layers_is_looked_at_between_the_first_record_and_the_jump():
    gradient = np.array([[[3.0, 2, 1], [1, 2, 3], [1, 3, 2], [3, 2, 1]]])
    data = {"usual_gradient": gradient, "usual_test_accuracy": np.array([[0.1, 0.1, 0.1, 0.9]])}
    assert least_order(data) == pytest.approx([0.5])
    assert least_order(data | {"usual_test_accuracy": np.full((1, 4), 0.1)}) == pytest.approx([-1])  # never a jump


def test_equal_weights_must_be_exactly_equal():
    claim = CLAIM["same-weights"]
    assert claim.judge({"apart": np.zeros(3)}).verdict == "reproduced"
    assert claim.judge({"apart": np.array([0, 0, 1e-12])}).verdict == "contradicted"


def fractional(usual, slow, last, batch=0.5):
    """Records at halves of steps, at which test accuracy jumps to one half, with batch statistics at step 1."""
    steps = np.append(np.arange(0, 8.5, 0.5), last)
    data = {f"{control}_steps": steps for control in ("usual", "slow")}
    data |= {f"{control}_test_batch": np.where(steps >= 1, batch, 0.49)[None] for control in ("usual", "slow")}
    for control, when in (("usual", usual), ("slow", slow)):
        data[f"{control}_test_accuracy"] = np.where(steps >= 1 + when, 0.5, 0.49)[None]
    return data


def test_a_lag_shorter_than_a_step_counts_as_one():
    assert stretch(fractional(0.5, 3, 20)).tolist() == [3]
    assert stretch(fractional(2, 3, 20), 0.5).tolist() == [0.75]
    assert stretch_is_known(fractional(0.5, np.inf, 2.34), 1.0)  # 1.34 steps without an end, of 1
    assert not stretch_is_known(fractional(0.5, np.inf, 2.32), 1.0)
    assert stretch_is_known(fractional(0.5, np.inf, 2.32), 1.01)


def test_a_slow_run_that_never_generalises_has_no_lag_however_long_it_is():
    data = fractional(2, np.inf, 1000)
    assert stretch_is_known(data, 1.0)
    assert not stretch_is_known(data | {"slow_test_batch": 0.9 * data["slow_test_batch"]}, 1.0)


def test_one_run_whose_stretch_is_unknown_is_enough_not_to_know():
    known, unknown = fractional(2, 3, 20), fractional(np.inf, 3, 20)
    both = {name: np.concatenate([known[name], unknown[name]]) for name in known if not name.endswith("steps")}
    steps = {name: known[name] for name in known if name.endswith("steps")}
    assert stretch_is_known(known, 1.0)
    assert not stretch_is_known(both | steps, 1.0)


def test_a_moment_is_within_the_lag_up_to_the_record_before_an_accuracy_of_one_half():
    data = fractional(2, 3, 20) | {"before": np.array(2.5)}
    assert shown_in_lag(data).tolist() == [True]
    assert shown_in_lag(data | {"before": np.array(3.0)}).tolist() == [False]  # it has jumped
    assert shown_in_lag(data | {"before": np.array(1.0)}).tolist() == [True]
    assert shown_in_lag(data | {"before": np.array(0.5)}).tolist() == [False]  # it has not begun
    earlier = data["usual_test_accuracy"].copy()
    earlier[0, 1] = 0.6  # a jump that was taken back
    assert shown_in_lag(data | {"usual_test_accuracy": earlier}).tolist() == [False]


def test_layers_without_any_order_have_none():
    gradient = np.array([[[3.0, 2, 1], [0.2, 0.2, 0.2], [1, 2, 3], [3, 2, 1]]])
    data = {"usual_gradient": gradient, "usual_test_accuracy": np.array([[0.1, 0.1, 0.1, 0.9]])}
    assert least_order(data).tolist() == [0]
