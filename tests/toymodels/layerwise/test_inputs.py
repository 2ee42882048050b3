"""What a linear network can learn from inputs of any second moments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise.inputs import WHITE, Inputs


def data(seed, n_samples=9, d=4, c=3):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, d)) * rng.uniform(0.3, 2, d)
    y = rng.standard_normal((n_samples, c)) + x @ rng.standard_normal((d, c))
    return x, y, Inputs(y.T @ x / n_samples, x.T @ x / n_samples)


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 3, 9]))
def test_the_best_map_is_that_of_least_squares_and_of_least_norm(seed, n_samples):
    x, y, inputs = data(seed, n_samples)
    assert_allclose(inputs.best, np.linalg.lstsq(x, y, rcond=None)[0].T, atol=1e-9 * np.abs(inputs.best).max())


@given(st.integers(0, 10**6), st.sampled_from([2, 9]))
def test_the_loss_is_the_squared_error_above_that_of_the_best_map(seed, n_samples):
    x, y, inputs = data(seed, n_samples)
    maps = np.random.default_rng(seed).standard_normal((2, 5, 3, 4))
    errors = [0.5 * np.mean(np.sum((y - x @ each.T) ** 2, axis=1)) for each in (*maps.reshape(10, 3, 4), inputs.best)]
    assert inputs.loss(maps).shape == (2, 5)
    assert_allclose(inputs.loss(maps).ravel(), np.array(errors[:-1]) - errors[-1], rtol=1e-9)


@given(st.integers(0, 10**6))
def test_inputs_without_a_covariance_are_those_of_the_identity(seed):
    rng = np.random.default_rng(seed)
    correlation, product = rng.standard_normal((2, 3, 4))
    white, unit = Inputs(correlation, None), Inputs(correlation, np.eye(4))
    assert_allclose(white.matrix, np.eye(4))
    assert white.variance == unit.variance == 1
    for inputs in (white, unit):
        assert_allclose(inputs.best, correlation, rtol=1e-14)
        assert_allclose(inputs.times(product), product, rtol=1e-14)
        assert_allclose(inputs.loss(product), 0.5 * np.sum((correlation - product) ** 2), rtol=1e-13)
        assert inputs.unexplained() == pytest.approx(0, abs=1e-15)


def test_a_map_meets_the_covariance_on_the_side_of_its_inputs():
    inputs = Inputs(np.array([[1.0, 0.0]]), np.array([[2.0, 1.0], [1.0, 3.0]]))
    assert_allclose(inputs.times(np.array([[5.0, 7.0]])), [[17.0, 26.0]])
    assert_allclose(inputs.best, [[0.6, -0.2]], rtol=1e-14)
    # the error of the map 0 is that of the best one: a quadratic form
    assert inputs.loss(np.zeros((1, 2))) == pytest.approx(0.5 * (2 * 0.36 + 3 * 0.04 - 2 * 0.12))


@pytest.mark.parametrize(
    ("covariance", "variance"),
    [
        (3 * np.eye(3), 3.0),
        (np.diag([3.0, 3.0, 3.0 + 4e-13]), 3.0),
        (np.diag([3.0, 3.0, 3.0 + 1e-10]), None),
        (np.diag([1.0, 2.0, 4.0]), None),
        (np.eye(2) + np.array([[0, 1e-10], [1e-10, 0]]), None),
        (np.zeros((2, 2)), None),
        (1e-20 * np.eye(2), 1e-20),
        (1e-20 * np.diag([1.0, 1 - 1e-10]), None),
    ],
)
def test_white_inputs_have_a_variance_and_others_none(covariance, variance):
    found = Inputs(np.ones((2, len(covariance))), covariance).variance
    assert found == (None if variance is None else pytest.approx(variance, rel=WHITE))


def test_labels_of_inputs_without_variance_are_not_explained():
    """Of a correlation of 3 and 4 the second is with an input that never varies."""
    covariance = np.diag([2.0, 0.0])
    for size in (1e-9, 1.0, 1e9):
        assert Inputs(size * np.array([[3.0, 4.0]]), covariance).unexplained() == pytest.approx(0.8)
    assert Inputs(np.array([[3.0, 0.0]]), covariance).unexplained() == 0
    assert Inputs(np.zeros((1, 2)), covariance).unexplained() == 0
    assert_allclose(Inputs(np.array([[3.0, 4.0]]), covariance).best, [[1.5, 0.0]])


def test_a_variance_that_is_only_rounding_counts_as_none():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    for small, size in ((1e-15, 0.0), (1e-13, 1e13)):
        inputs = Inputs(turn[:, 1:].T, turn @ np.diag([1.0, small]) @ turn.T)
        assert np.linalg.norm(inputs.best) == pytest.approx(size, rel=0.01, abs=1e-3)
