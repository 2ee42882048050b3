"""Numbers of the shallow network: gaps, splits and densities."""

import numpy as np
import pytest

from figures.opt_npt.shallow_nonlinearity_claims import (
    density_difference,
    early_gap,
    final_gap,
    gradient_difference,
    late_over_peak,
    split_ratio,
    start_over_peak,
)


@pytest.fixture
def data():
    """One run of two sets: the linear network leaves the tanh network at step 10, the linear map at step 20."""
    accuracy = np.full((2, 1, 5, 3), 0.5)
    accuracy[-1, 0, 2:, 1] -= 0.02
    accuracy[-1, 0, 3:, 2] -= 0.03
    gradient = np.zeros((2, 1, 5, 2))
    gradient[-1, 0, :, 0] = [-0.1, 1, 2, 1.5, 1]
    gradient[-1, 0, :, 1] = 1.5
    density = np.ones((2, 1, 2, 4))
    density[0, 0, 1] = [1.2, 1, 1, 0.8]
    return {
        "step": np.array([0, 5, 10, 20, 40]),
        "early": np.array(9),
        "accuracy": accuracy,
        "gradient": gradient,
        "last_density": density,
    }


def test_networks_at_chance_are_alike_and_tell_nothing(data):
    assert np.isfinite(density_difference(data)).all()
    data["accuracy"][0, 0, -1, 2] = 0.49
    assert np.isinf(density_difference(data)).all()


def test_gaps_are_looked_for_only_while_the_curves_should_overlap(data):
    assert early_gap(data) == pytest.approx([0])
    assert early_gap(data | {"early": np.array(10)}) == pytest.approx([0.02])


def test_the_smaller_of_both_gaps_is_the_final_one(data):
    assert final_gap(data) == pytest.approx([0.02])


def test_the_split_is_where_a_gap_stays(data):
    assert split_ratio(data) == pytest.approx([2])
    data["accuracy"][-1, 0, 1, 1] = 0.4  # a gap that closes again once the linear network catches up
    data["accuracy"][-1, 0, 2, 1] = 0.5
    assert split_ratio(data) == pytest.approx([1])


def test_a_linear_version_that_keeps_up_leaves_the_split_open(data):
    data["accuracy"][-1, 0, :, 2] = 0.5
    assert split_ratio(data) == [-1]
    data["accuracy"][-1, 0, :, 1:] = 0.4  # both behind from the start
    assert split_ratio(data) == [1]


def test_gradients_are_compared_with_their_peak_and_with_each_other(data):
    assert late_over_peak(data) == pytest.approx([0.5])
    assert start_over_peak(data) == pytest.approx([0.05])
    assert gradient_difference(data, -1) == pytest.approx([0.5])


def test_densities_are_compared_at_the_smallest_set(data):
    assert density_difference(data) == pytest.approx([0.1])


def test_a_gap_before_the_first_step_is_one_from_it_on(data):
    data["accuracy"][-1, 0, :, 1] = 0.4  # the linear network from step 0, the linear map from step 20
    assert split_ratio(data) == [20]
