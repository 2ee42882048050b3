"""Integrated flows against closed forms."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.gradient_flow import integrate, scalar_network, two_layers
from toymodels.layerwise import LinearModel, ScalarNetwork


def test_integrated_flow_is_that_of_a_linear_equation():
    t = np.array([0.0, 0.3, 2.0])
    (weights,) = integrate(lambda w: (np.array([2.0, 1.0]) - w,), (np.zeros(2),), t)
    assert_allclose(weights, LinearModel(np.array([2.0, 1.0])).solve(t)["theta"], rtol=1e-8, atol=1e-10)


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_integrated_layers_keep_shapes_and_descend(seed):
    rng = np.random.default_rng(seed)
    w1, w2, correlation = rng.standard_normal((3, 4)), rng.standard_normal((2, 3)), rng.standard_normal((2, 4))
    first, second = two_layers(w1, w2, correlation, np.eye(4), np.linspace(0, 1, 20))
    assert_allclose(first[0], w1)
    assert_allclose(second[0], w2)
    loss = np.sum((correlation - second @ first) ** 2, axis=(1, 2))
    assert (np.diff(loss) <= 1e-9).all()


@settings(max_examples=10)
@given(st.integers(0, 2**31), st.floats(-2, 2))
def test_integrated_scalar_network_is_the_exact_one(seed, target):
    a0, b0 = np.random.default_rng(seed).standard_normal((2, 3))
    t = np.linspace(0, 1, 5)
    run = ScalarNetwork(a0, b0, target, 2.0).solve(t)
    a, b = scalar_network(a0, b0, target, 2.0, t)
    assert_allclose(a, run["a"], rtol=1e-7, atol=1e-8)
    assert_allclose(b, run["b"], rtol=1e-7, atol=1e-8)
