import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import TwoLayerNetwork, compare_dropout, dropout_penalty, split

X = np.linspace(-1, 1, 6)[:, None]


@given(st.floats(0.1, 1), st.sampled_from(["relu", "tanh", "xtanh"]), st.integers(0, 10**6))
def test_the_penalty_is_the_exact_expectation_over_all_masks(keep, activation, seed):
    rng = np.random.default_rng(seed)
    network, y = TwoLayerNetwork.random(3, 1, 1.0, activation, rng), rng.standard_normal(len(X))
    parts = network.a * network.hidden(X)
    expected = 0.0
    for mask in itertools.product([0, 1], repeat=3):  # masks of different samples are independent: one sample at a time
        probability = np.prod([keep if on else 1 - keep for on in mask])
        expected += probability * ((parts @ mask / keep - y) ** 2).mean() / 2
    assert_allclose(network.loss(X, y) + dropout_penalty(network, X, keep), expected, rtol=1e-10)


def test_copies_divide_the_penalty_of_a_neuron():
    network = TwoLayerNetwork([2.0], [[1.0, 0.5]])
    double = split(network, 0, 0.5)
    assert_allclose(dropout_penalty(double, X, 0.8), dropout_penalty(network, X, 0.8) / 2)
    assert dropout_penalty(split(network, 0, 0.3), X, 0.8) > dropout_penalty(double, X, 0.8)
    assert dropout_penalty(network, X, 1) == 0


def test_training_with_dropout_lowers_the_penalty_and_pays_in_loss():
    x = np.linspace(-1, 1, 20)[:, None]
    y = np.abs(x[:, 0] - 0.2)
    comparison = compare_dropout(x, y, np.random.default_rng(0), width=40, n_steps=6000, replicates=3)
    assert comparison.clusters.shape == comparison.penalty.shape == comparison.loss.shape == (2, 3)
    assert (comparison.penalty[1] < 0.8 * comparison.penalty[0]).all()
    assert (comparison.loss[1] > comparison.loss[0]).all()


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.1, np.nan])
def test_a_keep_probability_outside_its_range_is_named(keep):
    network = TwoLayerNetwork([2.0], [[1.0, 0.5]])
    with pytest.raises(ValueError, match=r"^keep "):
        dropout_penalty(network, X, keep)
    with pytest.raises(ValueError, match=r"^keep "):
        compare_dropout(X, X[:, 0], np.random.default_rng(0), keep=keep)


def test_a_penalty_that_overflows_is_refused():
    with pytest.raises(ValueError, match="keep must not be so small beside the outputs that the penalty overflows"):
        dropout_penalty(TwoLayerNetwork([2.0], [[1.0, 0.0]]), [[1.0]], 1e-308)
