import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.random_features import RandomFeatures, ridge_weights


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 12),
    m=st.integers(1, 12),
    outputs=st.sampled_from([None, 1, 3]),
    ridge=st.floats(1e-3, 10),
    seed=st.integers(0, 99),
)
def test_ridge_is_that_of_scikit_learn(n, m, outputs, ridge, seed):
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(seed)
    features, y = rng.standard_normal((n, m)), rng.standard_normal((n,) if outputs is None else (n, outputs))
    slow = Ridge(alpha=ridge, fit_intercept=False, solver="cholesky").fit(features, y)
    assert_allclose(ridge_weights(features, y, ridge), slow.coef_.T.reshape(m, *y.shape[1:]), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 12), rank=st.integers(1, 12), seed=st.integers(0, 99))
def test_without_a_ridge_it_is_the_fit_of_least_norm(n, m, rank, seed):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m))
    y = rng.standard_normal(n)
    assert_allclose(ridge_weights(features, y), np.linalg.pinv(features, rcond=1e-12) @ y, rtol=1e-5, atol=1e-7)


def test_a_vanishing_ridge_goes_there_and_a_large_one_to_zero():
    rng = np.random.default_rng(0)
    features, y = rng.standard_normal((5, 9)), rng.standard_normal(5)
    assert_allclose(ridge_weights(features, y, 1e-9), ridge_weights(features, y), atol=1e-7)
    assert np.abs(ridge_weights(features, y, 1e9)).max() < 1e-7
    assert_allclose(features @ ridge_weights(features, y), y)


def test_features_are_the_hidden_layer_of_the_network_and_descent_from_zero_comes_to_their_fit():
    rng = np.random.default_rng(1)
    features, x, y = RandomFeatures.draw(30, 3, rng), rng.standard_normal((6, 3)), rng.standard_normal(6)
    network = TwoLayerNetwork(np.ones(30), np.column_stack([features.w, features.b]))
    assert_allclose(features(x), network.hidden(x) / np.sqrt(30))
    phi, readout = features(x), np.zeros(30)
    for _ in range(60_000):
        readout += 0.5 * phi.T @ (y - phi @ readout)
    assert_allclose(readout, features.fit(x, y), atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomFeatures(np.ones((1, 1)), np.ones(2)), "b must have 1 entries"),
        (lambda: RandomFeatures(np.ones((1, 1)), np.ones(1))([[1.0, 2.0]]), "x must have 1 columns"),
        (lambda: RandomFeatures.draw(0, 3, np.random.default_rng(0)), "width must be >= 1"),
        (lambda: ridge_weights([[1.0]], [1.0, 2.0]), "y must have 1 rows"),
        (lambda: ridge_weights([[1.0]], [1.0], -1.0), "ridge must be >= 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_features_are_worked_by_hand():
    features = RandomFeatures([[1.0, 2.0], [-1.0, 0.5], [0.0, 1.0], [3.0, 0.0]], [0.5, 0.0, -2.0, 1.0])
    x = [[1.0, 1.0], [-2.0, 0.0]]
    assert_allclose(features(x), np.array([[3.5, 0, 0, 4], [0, 2, 0, 0]]) / 2)


def test_drawn_weights_and_biases_have_a_variance_of_one_over_the_inputs():
    features = RandomFeatures.draw(4000, 9, np.random.default_rng(0))
    assert (features.w.shape, features.b.shape) == ((4000, 9), (4000,))
    assert features.w.std() == pytest.approx(1 / 3, rel=0.02)
    assert features.b.std() == pytest.approx(1 / 3, rel=0.05)


@pytest.mark.parametrize("scale", [1e-120, 1e-8, 1e120])
def test_features_of_any_unit_have_the_weights_of_that_unit(scale):
    features, y = np.array([[2.0, 1.0], [0.0, 1.0], [1.0, -1.0]]), np.array([1.0, 2.0, -0.5])
    for ridge in (0.0, 0.3):
        weights = ridge_weights(features, y, ridge)
        assert_allclose(weights, np.linalg.solve(features.T @ features + ridge * np.eye(2), features.T @ y))
        if scale**2 * ridge > 0 or not ridge:
            assert_allclose(scale * ridge_weights(scale * features, y, scale**2 * ridge), weights)


def test_several_targets_are_fitted_column_by_column():
    rng = np.random.default_rng(2)
    features, y = rng.standard_normal((4, 6)), rng.standard_normal((4, 3))
    together = ridge_weights(features, y, 0.2)
    for k in range(3):
        assert_allclose(together[:, k], ridge_weights(features, y[:, k], 0.2))
    with pytest.raises(ValueError, match="y must have 4 rows"):
        ridge_weights(features, np.ones((4, 3, 1)))
