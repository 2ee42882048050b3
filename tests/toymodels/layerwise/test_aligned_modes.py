"""Networks that fall apart into modes, put together from modes that are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import integrate
from toymodels.layerwise.aligned_modes import AlignedModes, _equalised

seeds = st.integers(0, 10**6)
SHAPES = [(3, 3, 3), (4, 2, 3), (2, 4, 3), (3, 4, 1), (1, 2, 3)]  # inputs, hidden units, outputs


def network(seed, shape):
    """Layers, correlation and covariance of random modes, some of them 0, in random common directions."""
    d, h, c = shape
    rng = np.random.default_rng(seed)
    right, hidden, left = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (d, h, c))

    def joined(first, last):
        k = min(first.shape[1], last.shape[1])
        values = rng.uniform(0.3, 2, k) * rng.choice([-1, 0, 1, 1], k)
        return (first[:, :k] * values) @ last[:, :k].T

    xi = rng.uniform(0.3, 2, d)
    return joined(hidden, right), joined(left, hidden), joined(left, right), (right * xi) @ right.T


def raw(w1, w2, correlation, covariance, t):
    """Layers at the times `t` of the plain gradient flow."""
    size = w1.size

    def velocity(state):
        first, second = state[:size].reshape(w1.shape), state[size:].reshape(w2.shape)
        error = correlation - second @ first @ covariance
        return np.concatenate([(second.T @ error).ravel(), (error @ first.T).ravel()])

    states = integrate(velocity, np.concatenate([w1.ravel(), w2.ravel()]), t)
    return states[:, :size].reshape(-1, *w1.shape), states[:, size:].reshape(-1, *w2.shape)


@settings(max_examples=20)
@given(seeds, st.sampled_from(SHAPES))
def test_modes_found_follow_the_flow_of_the_layers_themselves(seed, shape):
    parts, t = network(seed, shape), np.array([0.0, 0.4, 2.0])
    modes = AlignedModes.of(*parts, 0.0, 1e-10)
    assert modes is not None
    for found, expected in zip(modes.layers(t), raw(*parts, t), strict=True):
        assert_allclose(found, expected, atol=1e-9)


@settings(max_examples=10)
@given(seeds, st.sampled_from(SHAPES), st.sampled_from([1e-5, 1e5]))
def test_each_matrix_is_judged_by_its_own_size(seed, shape, scale):
    """The weights in another unit, and labels and inputs in others."""
    w1, w2, correlation, covariance = network(seed, shape)
    t = np.array([0.0, 0.7])
    start = AlignedModes.of(w1, w2, correlation, covariance, 0.0, 1e-10).layers(t[:1])
    for factors in ((scale, 1, 1, 1), (1, scale, 1, 1), (1, 1, scale, 1), (1, 1, 1, scale)):
        parts = [factor * part for factor, part in zip(factors, (w1, w2, correlation, covariance), strict=True)]
        modes = AlignedModes.of(*parts, 0.0, 1e-10)
        assert modes is not None
        for found, whole, factor in zip(modes.layers(t[:1]), start, factors, strict=False):
            assert_allclose(found, factor * whole, rtol=0, atol=1e-9 * factor * np.abs(whole).max())


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_matrix_that_does_not_share_the_directions_is_found_out(place, scale):
    """Changed by 1e-11 of its size it passes at a tolerance of 1e-9 and not at 1e-13."""
    right, hidden, left = (np.linalg.qr(np.random.default_rng(k).standard_normal((3, 3)))[0] for k in range(3))
    parts = [
        (first * values) @ last.T
        for first, values, last in (
            (hidden, [0.5, 1.0, 1.7], right),
            (left, [0.9, -0.4, 1.2], hidden),
            (left, [2.0, 1.1, 0.6], right),
            (right, [1.0, 2.0, 0.7], right),
        )
    ]
    change = np.random.default_rng(3).standard_normal((3, 3))
    change = change + change.T
    parts[place] = scale * (parts[place] + 1e-11 * np.linalg.norm(parts[place]) * change / np.linalg.norm(change))
    assert AlignedModes.of(*parts, 0.0, 1e-13) is None
    assert AlignedModes.of(*parts, 0.0, 1e-9) is not None


def test_modes_are_read_off_their_directions():
    """Two inputs and outputs that are crossed: 3 of the second input in the first output, and -2 the other way."""
    w1, w2 = np.array([[0.0, 0.5], [0.7, 0.0]]), np.array([[0.6, 0.0], [0.0, -0.4]])
    correlation, covariance = np.array([[0.0, 3.0], [-2.0, 0.0]]), np.diag([4.0, 1.5])
    modes = AlignedModes.of(w1, w2, correlation, covariance, 0.0, 1e-10).modes
    order = np.argsort(modes.variance)
    assert_allclose(modes.variance[order], [1.5, 4.0])
    assert_allclose(modes.target[order], [2.0, 0.5])  # 3 / 1.5 and 2 / 4, the signs in the directions
    assert_allclose(np.abs(modes.a0[order]), [0.5, 0.7])
    assert_allclose(modes.a0[order] * modes.b0[order], [0.3, 0.28])


def test_inputs_without_variance_have_no_target():
    w1, w2 = np.diag([0.5, 0.7]), np.diag([0.6, 0.4])
    modes = AlignedModes.of(w1, w2, np.diag([3.0, 0.0]), np.diag([2.0, 0.0]), 0.0, 1e-10)
    assert sorted(modes.modes.target) == [0.0, 1.5]
    w1_late, w2_late = modes.layers(np.array([50.0]))
    assert_allclose((w2_late @ w1_late)[0], np.diag([1.5, 0.28]), atol=1e-10)


def test_a_hidden_unit_that_no_input_reaches_keeps_its_output():
    w1, w2 = np.array([[0.5, 0.0], [0.0, 0.0]]), np.array([[0.6, 0.0], [0.0, 0.9]])
    modes = AlignedModes.of(w1, w2, np.diag([1.5, 0.0]), np.diag([1.0, 2.0]), 0.0, 1e-10)
    t = np.array([0.0, 1.0])
    for found, expected in zip(modes.layers(t), raw(w1, w2, np.diag([1.5, 0.0]), np.diag([1.0, 2.0]), t), strict=True):
        assert_allclose(found, expected, atol=1e-10)


def test_correlations_of_one_input_with_another_are_not_aligned():
    w1, w2 = np.diag([0.5, 0.7]), np.diag([0.6, 0.4])
    assert AlignedModes.of(w1, w2, np.diag([3.0, 2.0]), np.array([[1.0, 0.3], [0.3, 2.0]]), 0.0, 1e-10) is None
    assert AlignedModes.of(w1, w2, np.array([[1.0, 1.0], [0.0, 1.0]]), np.eye(2), 0.0, 1e-10) is None


def test_sizes_that_differ_by_rounding_become_their_mean_and_others_stay():
    a, b = np.array([2.0, -2.0, 3.0, 0.0]), np.array([-2.0 - 1e-14, 2.0, 3.1, 0.0])
    first, second = _equalised(a, b, 1e-12)
    assert (np.abs(first[:2]) == np.abs(second[:2])).all()
    assert_allclose(first, a, rtol=1e-14)
    assert_allclose(second, b, rtol=1e-14)
    first, second = _equalised(np.array([-3.0, 5.0]), np.array([3.3, -6.0]), 0.1)
    assert_allclose(first, [-3.15, 5.0], rtol=1e-15)  # they differ by a tenth of their mean at most, or by more
    assert_allclose(second, [3.15, -6.0], rtol=1e-15)
