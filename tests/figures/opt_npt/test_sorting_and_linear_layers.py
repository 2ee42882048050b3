"""Delay, bump of the loss and linear tails by depth."""

import numpy as np
import pytest

from figures.opt_npt.sorting_and_linear_layers_claims import (
    generalises,
    gradient_where_effective,
    head_start,
    lag_is_clear,
    larger_bump,
    longer_lag,
)


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
    assert (longer_lag(data, "plain") > 0).all() == longer
    assert lag_is_clear(data, "plain") == clear


def test_a_shallow_network_that_never_catches_up_decides_nothing():
    data = lagging(12.0)
    data["plain_lag_test"] = data["plain_lag_test"][::-1] * np.array([0.4, 1.0])[:, None, None]
    assert longer_lag(data, "plain").tolist() == [-np.inf] * 3
    assert not lag_is_clear(data, "plain")


def test_a_test_loss_that_only_falls_has_no_bump():
    falling, bump = np.linspace(2.3, 1, 5), np.array([2.3, 2.5, 2.9, 1, 1])
    loss = np.stack([np.stack([falling] * 3), np.stack([falling, bump, bump])])
    assert larger_bump({"plain_lag_loss": loss}, "plain") == pytest.approx([0, 0.6, 0.6])


def test_a_test_loss_that_rises_and_does_not_fall_is_no_double_descent():
    rising = np.array([2.3, 2.5, 2.9, 2.4, 2.4])
    loss = np.stack([np.stack([np.linspace(2.3, 1, 5)] * 2), np.stack([rising, rising - [0, 0, 0, 0, 0.2]])])
    assert larger_bump({"plain_lag_loss": loss}, "plain").tolist() == pytest.approx([np.inf, 0.6])


def test_the_perceptron_starts_as_many_layers_earlier_as_it_is_good_earlier():
    data = {"plain_map": np.array([[0.1, 0.5, 0.895, 0.9]]), "plain_perceptron": np.array([[0.9, 0.9, 0.9, 0.9]])}
    assert head_start(data, "plain").tolist() == [2]


def test_the_gradient_is_taken_at_the_first_layer_with_an_effective_map():
    accuracy, gradient = np.array([[0.1, 0.9, 0.9, 0.9]]), np.array([[1.0, 3.0, 4.0]])
    never = np.array([[0.1, 0.2, 0.3, 0.9]])
    data = {"plain_map": accuracy, "residual_map": never, "plain_gradient": gradient, "residual_gradient": gradient}
    assert gradient_where_effective(data) == pytest.approx([0.75, 1])


def test_losses_that_rise_at_no_depth_tell_nothing_of_how_bumps_grow():
    loss = np.tile(np.linspace(2.3, 1, 5), (2, 3, 1))
    assert larger_bump({"plain_lag_loss": loss}, "plain").tolist() == [np.inf] * 3


def test_only_the_deepest_networks_must_generalise_and_all_of_them():
    data = lagging(20.0)
    deep = np.array([0.5, 0.9, 0.7])[:, None]
    batch = np.stack([0.4 * (data["plain_lag_batch"][0] > 0), deep * (data["plain_lag_batch"][1] > 0)])
    running = np.stack([0.4 * (data["plain_lag_test"][0] > 0), deep * (data["plain_lag_test"][1] > 0)])
    data |= {"plain_lag_batch": batch, "plain_lag_test": running}
    assert generalises(data, "plain").tolist() == [True] * 3
    assert lag_is_clear(data, "plain")
    one_less = batch.copy()
    one_less[1, 0] *= 0.98
    assert generalises(data | {"plain_lag_batch": one_less}, "plain").tolist() == [False, True, True]
    assert not lag_is_clear(data | {"plain_lag_batch": one_less}, "plain")


def test_a_loss_has_fallen_if_its_last_value_is_below_the_first():
    flat = np.full(4, 2.25)
    deepest = np.array([[2.25, 3, 2.5, 2.0], [2.25, 3, 2.0, 2.25], [2.25, 3, 2.0, 2.5]])
    data = {"plain_lag_loss": np.stack([np.stack([flat] * 3), deepest])}
    assert larger_bump(data, "plain").tolist() == [0.75, np.inf, np.inf]
