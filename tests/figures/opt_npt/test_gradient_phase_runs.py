"""Deep networks followed while they train: delay, order of the gradients, and what is kept of a run."""

import numpy as np
import pytest

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits, perceptron
from figures.opt_npt.gradient_phase_runs import LONG, delayed, followed, lowest_order, order, panel_of, trained_long


@pytest.fixture
def run():
    return {
        "step": np.array([[0, 2, 4, 6]]),
        "train": np.array([[0.1, 0.5, 0.84, 1.0]]),
        "test": np.array([[0.0, 0.1, 0.2, 0.9]]),
        "gradient": np.array([[[3, 2, 1], [1, 3, 2], [1, 2, 3], [3, 2, 1]]], dtype=float),
    }


def test_delay_and_order_look_only_where_they_should(run):
    assert delayed(run) == pytest.approx(0.2)
    assert lowest_order(run, fitting=True) == pytest.approx(0.5)
    assert lowest_order(run) == pytest.approx(-1.0)


def test_a_run_that_never_learns_has_no_delay(run):
    run["train"][:] = 0.5
    assert delayed(run) == [-1]


def test_a_run_whose_records_skip_the_moment_of_learning_cannot_rule_a_delay_out(run):
    run["train"][0, 2] = 0.86
    assert delayed(run) == [-1]
    run["test"][0, 2] = 0.19  # at chance all the same
    assert delayed(run) == [0.19]


def test_layers_in_order_have_a_rank_correlation_of_one(run):
    assert order(run)[0] == pytest.approx([-1, 0.5, 1, -1])


def test_a_panel_is_found_by_its_letter():
    data = {"a_test_batch": np.ones(1), "ab_step": np.zeros(1), "step": np.zeros(1)}
    assert list(panel_of(data, "a")) == ["test_batch"]


def test_gradients_have_settled_only_after_many_steps():
    assert not trained_long({"step": np.array([[0, LONG - 1]])})
    assert trained_long({"step": np.array([[0, LONG]])})


def test_a_followed_network_is_measured_layer_by_layer_at_its_best_weights():
    rng = np.random.default_rng(0)
    split = digits(Settings(device="cpu"), 200, 100)
    network = perceptron(5, 12, rng)
    run = followed(network, split, rng, n_steps=12, records=4, batch_size=50, device="cpu")
    assert run["gradient"].shape == (len(run["step"]), 3)
    assert run["pruned"][-1] == pytest.approx(run["test"].max())
