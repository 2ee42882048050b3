import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from figures.condensation.optimistic_sample_size_runs import (
    ARMS,
    OptimisticSampleSize,
    merged,
    one_neuron_error,
    ranks,
    recovery,
    share_recovered,
)


@given(seed=st.integers(0, 1000), copies=st.integers(1, 4))
def test_neurons_of_one_direction_are_one_for_relu_and_with_equal_norms_also_for_tanh(seed, copies):
    rng = np.random.default_rng(seed)
    z, a, norms = rng.standard_normal(50), rng.uniform(0.5, 2, copies), rng.uniform(0.5, 2, copies)
    assert one_neuron_error(z, a, norms, "relu") < 1e-12
    assert one_neuron_error(z, a, np.full(copies, norms[0]), "tanh") < 1e-12


def test_tanh_neurons_of_very_different_norms_are_not_one():
    z = np.linspace(-2, 2, 51)
    assert one_neuron_error(z, np.ones(2), np.array([0.3, 3.0]), "tanh") > 0.01


def test_every_pair_has_a_ratio_and_an_error():
    arrays = merged(OptimisticSampleSize(pairs=3), np.random.default_rng(0), "relu")
    assert np.shape(arrays["ratio"]) == np.shape(arrays["merge"]) == (3,)
    assert min(arrays["ratio"]) >= 1


def test_condensed_networks_keep_the_rank_of_the_narrow_one():
    arrays = ranks(np.random.default_rng(0), "2 neurons, 2 inputs")
    assert arrays["condensed"] == [8] * 5
    assert arrays["loose"] == [8, 9, 10, 12, 16]


def test_only_fitted_networks_count_as_recovered():
    on_samples, on_fresh = np.array([[1e-4, 1e-4, 1.0, 1e-4], [1.0] * 4]), np.array([[1e-3, 1e-1, 1e-3, 1e-3]] * 2)
    np.testing.assert_allclose(share_recovered(on_samples, on_fresh), [2 / 3, 0])


def test_recovery_has_one_error_per_arm_and_target():
    errors = recovery(OptimisticSampleSize(n_steps=50, targets=2), np.random.default_rng(0), 3)
    for values in errors.values():
        assert np.shape(values) == (len(ARMS), 2)
