"""The lag of evaluation mode, its stretch by the momentum, and the order of the layers before it ends."""

import numpy as np
import pytest

from figures.opt_npt.batch_norm_lag_claims import (
    CLAIMS,
    caught_up,
    gap,
    lag,
    least_order,
    lowest_when_fitted,
    stretch,
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
    assert caught_up(data) != open_claims
    assert CLAIM["phase-sets-time"].judge(data).verdict == ("open" if open_claims else "contradicted")


def test_the_lag_starts_where_the_statistics_of_the_batch_generalise():
    assert lag(STEPS, rising_at(10)[0], rising_at(4)[0]) == 6
    assert lag(STEPS, rising_at(np.inf)[0], rising_at(4)[0]) == np.inf


def test_the_gap_is_the_largest_over_the_records():
    assert gap(lagging(10, 24), "usual").tolist() == [1]
    assert gap(lagging(4, 24), "usual").tolist() == [0]


def test_only_records_with_a_fit_count():
    data = {"usual_train_batch": np.array([[0.1, 0.8, 0.9]]), "usual_test_accuracy": np.array([[0.0, 0.3, 0.2]])}
    assert lowest_when_fitted(data).tolist() == [0.2]


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
