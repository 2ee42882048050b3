import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures import _layerwise, layerwise_06, layerwise_saddles, layerwise_scaling
from toymodels.layerwise import LinearNetwork, gram_kernel_distance, kernel_distance, linear_network_ntk


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_kernel_distance_of_many_networks_is_that_of_their_kernels(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((layerwise_06.SAMPLES, layerwise_06.WIDE))
    start, end = (
        (rng.standard_normal((3, 6, layerwise_06.WIDE)), rng.standard_normal((3, layerwise_06.OUTPUTS, 6)))
        for _ in range(2)
    )
    found = layerwise_06._distance(x, start, end)
    kernels = [[linear_network_ntk(x, w1[k], w2[k]) for k in range(3)] for w1, w2 in (start, end)]
    assert_allclose(found, [kernel_distance(*pair) for pair in zip(*kernels, strict=True)], rtol=1e-12, atol=1e-12)


def test_the_map_of_panel_b_is_gradient_descent_from_a_zero_function():
    found = layerwise_06.map_b(0, np.random.default_rng(1), side=3, n_steps=0)["map"]
    assert_allclose(found, 0, atol=1e-14)
    assert layerwise_06.map_b(0, np.random.default_rng(1), side=3, n_steps=400)["map"][1, 0] > 1e-3


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (4, 2)])
def test_correlation_is_that_of_labels_with_white_inputs(shape):
    rng = np.random.default_rng(0)
    draws = np.array([_layerwise.random_correlation(shape[0], shape[1], 10, rng) for _ in range(4000)])
    assert draws.shape[1:] == shape
    # entries are averages of 10 products of unit normals
    assert_allclose(draws.std(axis=0), np.sqrt(0.1), rtol=0.05)


def test_distance_and_loss_are_those_of_the_balanced_network():
    correlation = np.array([[1.0, 0.2], [0.0, 0.5]])
    t = np.array([0.5, 2.0])
    distance, loss = _layerwise.distance_and_loss(correlation, 0.3, 4.0, t, np.random.default_rng(3))
    net = LinearNetwork.balanced(correlation / 4, 2, 0.3, 2.0, np.random.default_rng(3))
    run = net.solve([0.0, *t])
    grams = run["gram_in"], run["gram_out"]
    assert_allclose(
        distance, gram_kernel_distance(grams[0][0], grams[1][0], grams[0][1:], grams[1][1:]), rtol=1e-12, atol=1e-12
    )
    assert_allclose(loss, run["loss"][1:] / run["loss"][0], rtol=1e-12, atol=1e-12)


@given(st.lists(st.floats(1.5, 3.0), min_size=1, max_size=4))
def test_drops_counts_the_steps_of_a_loss(gaps):
    t = np.geomspace(1, 1e15, 5000)
    centres = np.cumsum([3.0, *gaps])
    loss = np.sum(1 / (1 + np.exp(8 * (np.log10(t) - centres[:, None]))), axis=0)
    assert layerwise_saddles._drops(loss, t) == len(centres)


@given(st.floats(-3, -0.1), st.floats(0.1, 10))
def test_slope_is_that_of_a_power_law_above_the_lower_end(power, factor):
    x = np.geomspace(1, 1e4, 30)
    loss = np.where(x < 1e2, 1.0, factor * x**power)
    assert_allclose(layerwise_scaling._slope(x, loss, 1e2), power, rtol=1e-9)
