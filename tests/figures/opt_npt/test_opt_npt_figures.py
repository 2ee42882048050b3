"""Numbers that the figures about order-preserving neurons take from curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from comparisons.study import BaseParams
from figures.opt_npt import basin_trends as _basins
from figures.opt_npt import accuracy_by_depth as dnn_n3_depth
from figures.opt_npt import sorting_and_linear_layers as dnn_o3
from figures.opt_npt.digit_networks import (
    EMBEDDED,
    ENOUGH,
    at_best,
    digits,
    enough_digits,
    first_step,
    kendall,
    layer_densities,
    perceptron,
    rank_correlation,
)
from figures.opt_npt.gradient_phase_runs import LONG, delayed, followed, lowest_order, panel_of, trained_long

ROWS = st.lists(st.integers(-50, 50), min_size=3, max_size=12, unique=True)


@given(ROWS)
def test_correlations_with_the_index_are_those_of_the_ranks(row):
    values, index = np.array(row, dtype=float), np.arange(len(row))
    assert rank_correlation(values[None])[0] == pytest.approx(np.corrcoef(index, np.argsort(np.argsort(values)))[0, 1])
    assert kendall(values) == pytest.approx(kendalltau(index, values)[0])


def test_correlations_keep_the_leading_axes():
    values = np.random.default_rng(0).standard_normal((2, 3, 6))
    assert rank_correlation(values)[1, 2] == pytest.approx(rank_correlation(values[1, 2:])[0])
    assert rank_correlation(values).shape == kendall(values).shape == (2, 3)


def test_ties_count_as_neither_rise_nor_fall():
    assert kendall(np.array([1.0, 1.0, 1.0])) == 0
    assert kendall(np.array([1.0, 1.0, 2.0])) == pytest.approx(2 / 3)


def test_the_first_step_is_the_last_one_where_nothing_is_reached():
    steps = np.array([0, 1, 4, 9])
    reached = np.array([[False, False, True, False], [False] * 4])
    assert first_step(steps, reached).tolist() == [4, 9]


def test_values_are_taken_at_the_record_of_the_best_accuracy():
    accuracy = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.3]])
    assert at_best(accuracy, np.arange(6).reshape(2, 3)).tolist() == [1, 3]


def test_few_digits_cannot_contradict_the_papers_accuracies():
    assert not enough_digits({"samples": np.array(ENOUGH - 1)})
    assert enough_digits({"samples": np.array(ENOUGH)})


def test_delay_and_order_look_only_where_they_should():
    run = {
        "step": np.array([[0, 2, 4, 6]]),
        "train": np.array([[0.1, 0.5, 0.9, 1.0]]),
        "test": np.array([[0.0, 0.1, 0.2, 0.9]]),
        "gradient": np.array([[[3, 2, 1], [1, 3, 2], [1, 2, 3], [3, 2, 1]]], dtype=float),
    }
    assert delayed(run) == pytest.approx(0.2)
    assert lowest_order(run, fitting=True) == pytest.approx(0.5)
    assert lowest_order(run) == pytest.approx(-1.0)


def test_a_panel_is_found_by_its_letter():
    data = {"a_test_batch": np.ones(1), "ab_step": np.zeros(1), "step": np.zeros(1)}
    assert list(panel_of(data, "a")) == ["test_batch"]


def test_a_followed_network_is_measured_layer_by_layer_at_its_best_weights():
    rng = np.random.default_rng(0)
    split = digits(BaseParams(device="cpu"), 200, 100)
    network = perceptron(5, 12, rng)
    run = followed(network, split, rng, n_steps=12, records=4, batch_size=50, device="cpu")
    assert run["gradient"].shape == (len(run["step"]), 3)
    assert run["pruned"][-1] == pytest.approx(run["test"].max())
    assert layer_densities(network, split, bins=5).mean(1) == pytest.approx(np.ones(3))


def test_the_embedded_digits_are_enough_for_small_training_sets():
    split = digits(BaseParams(device="cpu"), EMBEDDED, 300)
    assert split.x_train.shape == (EMBEDDED, 784)
    assert len(split.x_test) == 300
    assert abs(split.x_train.mean().item()) < 0.05
    assert split.x_train.std().item() == pytest.approx(1, abs=0.05)


def test_gradients_have_settled_only_after_many_steps():
    assert not trained_long({"step": np.array([[0, LONG - 1]])})
    assert trained_long({"step": np.array([[0, LONG]])})


def lagging(late: float, best: float = 0.9):
    """Two depths, three runs: batch statistics generalise at step 4, running ones at 8 or `late`."""
    steps = np.arange(0, 40, 2.0)
    at = np.array([8.0, late])[:, None, None]
    running = best * np.broadcast_to(steps >= at, (2, 3, len(steps)))
    batch = np.broadcast_to(best * (steps >= 4), running.shape)
    return {
        "plain_lag_step": np.broadcast_to(steps, running.shape),
        "plain_lag_test": running,
        "plain_lag_batch": batch,
    }


@pytest.mark.parametrize(
    ("late", "best", "longer", "clear"),
    [(20, 0.9, True, True), (8, 0.9, False, True), (np.inf, 0.9, True, False), (20, 0.3, True, False)],
)
def test_the_lag_is_measured_at_half_of_what_a_network_reaches(late, best, longer, clear):
    data = lagging(late, best)
    assert (dnn_o3.longer_lag(data, "plain") > 0).all() == longer
    assert dnn_o3.lag_is_clear(data, "plain") == clear


def test_a_test_loss_that_only_falls_has_no_bump():
    falling, bump = np.linspace(2.3, 1, 5), np.array([2.3, 2.5, 2.9, 1, 1])
    loss = np.stack([np.stack([falling] * 3), np.stack([falling, bump, bump])])
    assert dnn_o3.larger_bump({"plain_lag_loss": loss}, "plain") == pytest.approx([0, 0.6, 0.6])


def test_accuracy_that_falls_with_the_weight_basin_is_told_from_one_that_does_not():
    radius = np.array([[1.0, 0.9, 0.3, 0.29]]).T
    together, apart = (np.array([row]).T for row in ([0.9, 0.89, 0.7, 0.69], [0.9, 0.89, 0.88, 0.7]))
    measured = [
        _basins.fall_with_basin({"batch_weight_radius": radius, "batch_accuracy": accuracy})[0]
        for accuracy in (together, apart)
    ]
    assert measured == pytest.approx([18, -17])


def test_narrow_networks_that_lose_more_with_depth_give_a_falling_trend():
    accuracy = np.array([[0.8, 0.8, 0.8], [0.9, 0.9, 0.9], [0.3, 0.6, 0.8]])[..., None]
    assert dnn_n3_depth.lost_with_depth({"accuracy": accuracy}) == pytest.approx([-1])
    assert dnn_n3_depth.least_between(5, 8)(np.array([6, 6, 8, 20]))
    assert not dnn_n3_depth.least_between(5, 8)(np.array([6, 6, 20, 20]))
