"""Balanced layers built from their modes, and how exactly weights are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise.balanced_weights import from_modes, orthogonal, random_orthogonal, rounding

SHAPES = [(3, 3, 3), (4, 2, 5), (2, 4, 5), (5, 4, 2), (1, 3, 2), (4, 1, 1)]  # outputs, hidden units, inputs


def bases(seed, *sizes):
    rng = np.random.default_rng(seed)
    return tuple(np.linalg.qr(rng.standard_normal((size, size)))[0] for size in sizes)


@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.sampled_from([-1.4, -1e-3, 0.0, 0.3, 2.5]))
def test_the_layers_multiply_to_their_modes_and_differ_by_the_imbalance(seed, shape, imbalance):
    c, h, d = shape
    if (imbalance > 0 and c < h) or (imbalance < 0 and d < h):
        imbalance = 0.0
    left, middle, right = bases(seed, c, h, d)
    values = np.random.default_rng(seed).uniform(-2, 3, min(c, h, d))
    w1, w2 = from_modes(left, middle, right, values, imbalance)
    assert (w1.shape, w2.shape) == ((h, d), (c, h))
    k = values.size
    assert_allclose(w2 @ w1, (left[:, :k] * values) @ right[:, :k].T, atol=1e-13)
    assert_allclose(w2.T @ w2 - w1 @ w1.T, imbalance * np.eye(h), atol=1e-13)


def test_one_mode_of_product_6_and_imbalance_5():
    """3 times 2, and 9 - 4: the heavy layer is the later one if the imbalance is positive."""
    one = np.eye(1)
    w1, w2 = from_modes(one, one, one, np.array([6.0]), 5.0)
    assert_allclose([w1.item(), w2.item()], [2, 3], rtol=1e-15)
    w1, w2 = from_modes(one, one, one, np.array([6.0]), -5.0)
    assert_allclose([w1.item(), w2.item()], [3, 2], rtol=1e-15)
    w1, w2 = from_modes(one, one, one, np.array([-6.0]), 5.0)
    assert_allclose([w1.item(), w2.item()], [-2, 3], rtol=1e-15)


def test_modes_left_out_have_no_product_but_the_imbalance():
    w1, w2 = from_modes(np.eye(3), np.eye(2), np.eye(2), np.array([2.0]), 3.0)
    assert_allclose(w1, np.diag([1.0, 0.0]), atol=1e-15)
    assert_allclose(w2, [[2, 0], [0, np.sqrt(3)], [0, 0]], rtol=1e-15)
    w1, w2 = from_modes(np.eye(3), np.eye(2), np.eye(2), np.array([4.0]), 0.0)
    assert_allclose(w1, np.diag([2.0, 0.0]), atol=1e-15)
    assert_allclose(w2, [[2, 0], [0, 0], [0, 0]], atol=1e-15)


@pytest.mark.parametrize(
    ("shape", "imbalance", "message"),
    [
        ((2, 3, 4), 0.5, "imbalance must be <= 0 with 3 hidden units and 2 outputs, got 0.5"),
        ((4, 3, 2), -0.5, "imbalance must be >= 0 with 3 hidden units and 2 inputs, got -0.5"),
    ],
)
def test_an_imbalance_needs_room_in_every_hidden_direction(shape, imbalance, message):
    left, middle, right = (np.eye(size) for size in shape)
    with pytest.raises(ValueError, match=message):
        from_modes(left, middle, right, np.array([1.0, 2.0]), imbalance)
    w1, w2 = from_modes(left, middle, right, np.array([1.0, 2.0]), -imbalance)
    assert_allclose(w2.T @ w2 - w1 @ w1.T, -imbalance * np.eye(3), atol=1e-14)


def test_as_many_outputs_or_inputs_as_hidden_units_are_room_enough():
    for imbalance in (0.5, -0.5):
        w1, w2 = from_modes(np.eye(3), np.eye(3), np.eye(3), np.array([1.0, 2.0]), imbalance)
        assert_allclose(w2.T @ w2 - w1 @ w1.T, imbalance * np.eye(3), atol=1e-14)


def test_random_orthogonal_matrices_are_uniform():
    """Over the group the entries average to 0 and their squares to 1/n, and half the determinants are negative."""
    rng, n, draws = np.random.default_rng(0), 3, 4000
    matrices = np.array([random_orthogonal(n, rng) for _ in range(draws)])
    assert_allclose(matrices @ matrices.swapaxes(1, 2), np.broadcast_to(np.eye(n), matrices.shape), atol=1e-14)
    error = 1 / np.sqrt(n * draws)
    assert np.abs(matrices.mean(axis=0)).max() < 5 * error
    assert_allclose((matrices**2).mean(axis=0), 1 / n, atol=5 * error)
    assert abs(np.mean(np.linalg.det(matrices) > 0) - 0.5) < 5 * error
    assert abs(np.trace(matrices, axis1=1, axis2=2).mean()) < 5 / np.sqrt(draws)


def test_an_orthogonal_matrix_is_one_to_rounding():
    (turn,) = bases(0, 4)
    assert_allclose(orthogonal("r", turn, 4), turn, rtol=0)
    assert_allclose(orthogonal("r", turn + 1e-12, 4), turn, atol=1e-11)
    assert_allclose(orthogonal("r", np.eye(4)[::-1], 4), np.eye(4)[::-1])
    with pytest.raises(ValueError, match=r"r must have shape \(3, 3\), got \(4, 4\)"):
        orthogonal("r", turn, 3)
    with pytest.raises(ValueError, match=r"r must have shape \(2, 2\), got \(2, 4\)"):
        orthogonal("r", turn[:2], 2)
    with pytest.raises(ValueError, match=r"r must be orthogonal, got a deviation of 3 from the identity"):
        orthogonal("r", np.diag([1.0, 2.0]), 2)
    with pytest.raises(ValueError, match=r"r must be orthogonal, got a deviation of 0\.75 from the identity"):
        orthogonal("r", np.diag([1.0, 0.5]), 2)
    with pytest.raises(ValueError, match="r must be orthogonal"):
        orthogonal("r", turn + 1e-6, 4)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (np.ones(2, np.float16), 2.0**-10),
        (np.ones(2, np.float32), 2.0**-23),
        (np.ones(2), 2.0**-52),
        (np.ones(2, int), 2.0**-52),
        ([0.5, 1.0], 2.0**-52),
    ],
)
def test_weights_are_known_as_exactly_as_their_type(weights, expected):
    assert rounding(weights) == expected


@pytest.mark.parametrize(
    ("kind", "bits"), [("float16", 10), ("bfloat16", 7), ("float32", 23), ("float64", 52), ("int64", 52)]
)
def test_tensors_are_known_as_exactly_as_the_bits_of_their_type(kind, bits):
    """The distance from 1 to the next number, with so many bits after the point."""
    assert rounding(SimpleNamespace(dtype=f"torch.{kind}")) == 2.0**-bits
