import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.layerwise.kernels import (
    diagonal_network_ntk,
    gram_kernel_alignment,
    gram_kernel_distance,
    kernel_alignment,
    kernel_distance,
    linear_network_ntk,
)
from toymodels.layerwise.matrix import LinearNetwork

seeds = st.integers(0, 10**6)


def numerical_ntk(function, parameters, h=1e-6):
    """J J' of a function of a flat parameter vector, by central differences (exact for bilinear functions)."""
    columns = [(function(parameters + h * e) - function(parameters - h * e)) / (2 * h) for e in np.eye(parameters.size)]
    jacobian = np.array(columns).T
    return jacobian @ jacobian.T


@given(seeds)
def test_linear_network_kernel_is_the_product_of_jacobians_with_the_output_slow(seed):
    rng = np.random.default_rng(seed)
    x, w1, w2 = rng.standard_normal((4, 3)), rng.standard_normal((2, 3)), rng.standard_normal((5, 2))

    def outputs(parameters):
        first, second = parameters[:6].reshape(2, 3), parameters[6:].reshape(5, 2)
        return (second @ first @ x.T).ravel()

    expected = numerical_ntk(outputs, np.concatenate([w1.ravel(), w2.ravel()]))
    assert_allclose(linear_network_ntk(x, w1, w2), expected, rtol=1e-6, atol=1e-7)


@given(seeds)
def test_diagonal_network_kernel_is_the_product_of_jacobians(seed):
    rng = np.random.default_rng(seed)
    x, a, b = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(3)
    expected = numerical_ntk(lambda p: x @ (p[:3] * p[3:]), np.concatenate([a, b]))
    assert_allclose(diagonal_network_ntk(x, a, b), expected, rtol=1e-6, atol=1e-7)


@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_four_traces_give_the_distance_of_the_full_kernels_on_white_inputs(seed, d, c):
    rng = np.random.default_rng(seed)
    x = np.linalg.qr(rng.standard_normal((9, d)))[0] * 3
    nets = [(rng.standard_normal((2, d)), rng.standard_normal((c, 2))) for _ in range(2)]
    grams = [gram for w1, w2 in nets for gram in (w1.T @ w1, w2 @ w2.T)]
    full = kernel_distance(*[linear_network_ntk(x, w1, w2) for w1, w2 in nets])
    assert_allclose(gram_kernel_distance(*grams), full, rtol=1e-9, atol=1e-15)


@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_distance_and_alignment_take_the_covariance_of_any_inputs(seed, d, c):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((9, d)) @ rng.standard_normal((d, d))
    nets = [(rng.standard_normal((2, d)), rng.standard_normal((c, 2))) for _ in range(2)]
    grams = [gram for w1, w2 in nets for gram in (w1.T @ w1, w2 @ w2.T)]
    kernels = [linear_network_ntk(x, w1, w2) for w1, w2 in nets]
    covariance = x.T @ x / 9
    assert_allclose(gram_kernel_distance(*grams, covariance), kernel_distance(*kernels), rtol=1e-9, atol=1e-14)
    target = rng.standard_normal((c, d))
    expected = [kernel_alignment(kernel, x @ target.T) for kernel in kernels]
    stacked = [np.stack(grams[k::2]) for k in range(2)]
    assert_allclose(gram_kernel_alignment(*stacked, target @ covariance, covariance), expected, rtol=1e-9)
    white = gram_kernel_distance(*grams), gram_kernel_alignment(*stacked, target)
    spelt = gram_kernel_distance(*grams, 1.0), gram_kernel_alignment(*stacked, target, np.ones(d))
    for got, same in zip(white, spelt, strict=True):
        assert_allclose(got, same, rtol=1e-12, atol=1e-15)


@given(seeds)
def test_alignment_is_a_bounded_cosine_blind_to_scale(seed):
    rng = np.random.default_rng(seed)
    root, y = rng.standard_normal((6, 3)), rng.standard_normal((3, 2))
    kernel, flat = root @ root.T, y.T.ravel()
    alignment = kernel_alignment(kernel, y)
    assert 0 <= alignment <= 1
    assert_allclose(alignment, 1 - kernel_distance(kernel, np.outer(flat, flat)), atol=1e-12)
    assert_allclose(kernel_alignment(3 * kernel, -5 * y), alignment, rtol=1e-12)
    assert_allclose(kernel_alignment(np.outer(flat, flat), y), 1, rtol=1e-14)


def test_a_small_start_aligns_its_kernel_before_the_loss_falls():
    rng = np.random.default_rng(0)
    correlation = np.outer(rng.standard_normal(3), rng.standard_normal(4))
    net = LinearNetwork.balanced(correlation, 3, 0.0, 1e-6, rng)
    half = 0.25 * np.sum(correlation**2)
    run = net.solve(np.linspace(0, 10, 400) / np.linalg.norm(correlation))
    aligned = gram_kernel_alignment(run["gram_in"], run["gram_out"], correlation)
    plateau = run["loss"] > 0.99 * run["loss"][0]
    assert aligned[0] < 0.6
    assert aligned[plateau].max() > 0.99 * aligned[-1]
    assert run["loss"][-1] < half


@given(seeds, st.floats(1e-3, 1e3))
def test_distance_is_a_bounded_symmetric_cosine_blind_to_scale(seed, factor):
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((2, 5, 3))
    k0, k1 = roots @ roots.swapaxes(1, 2)
    distance = kernel_distance(k0, k1)
    cosine = np.sum(k0 * k1) / np.linalg.norm(k0) / np.linalg.norm(k1)
    assert 0 <= distance <= 1
    assert_allclose(distance, 1 - cosine, atol=1e-14)
    assert_allclose(kernel_distance(factor * k1, k0), distance, rtol=1e-10)
    assert kernel_distance(k0, factor * k0) < 1e-30


@pytest.mark.parametrize("shift", [1e-3, 1e-6, 1e-9])
def test_distances_far_below_rounding_are_resolved(shift):
    k0, k1 = np.diag([1.0, 0.0]), np.diag([1.0, shift])
    assert_allclose(kernel_distance(k0, k1), 0.5 * shift**2, rtol=2 * shift**2 + 1e-6)
    blocks = np.array([[1.0]]), np.array([[0.0]]), np.array([[1.0]]), np.array([[shift]])
    # one input and output: a kernel can only change its scale
    assert gram_kernel_distance(*blocks) < 1e-15 * shift**2 + 1e-31


def test_rounding_in_single_precision_is_no_asymmetry():
    root = np.random.default_rng(0).standard_normal((20, 500)).astype(np.float32)
    kernel = np.einsum("ik,jk->ij", root, root)
    kernel[0, 1] *= 1 + 1e-5
    assert kernel_distance(kernel, kernel) == 0
    assert gram_kernel_distance(kernel, [[0.0]], kernel, [[0.0]]) == 0


def test_orthogonal_kernels_are_at_distance_1():
    assert kernel_distance(np.diag([1.0, 0.0]), np.diag([0.0, 2.0])) == 1


def test_distance_along_a_trajectory_broadcasts_and_starts_at_0():
    rng = np.random.default_rng(0)
    run = LinearNetwork.balanced(rng.standard_normal((2, 3)), 2, 0.0, 0.01, rng).solve([0.0, 1.0, 30.0])
    distance = gram_kernel_distance(run["gram_in"][0], run["gram_out"][0], run["gram_in"], run["gram_out"])
    assert distance[0] < 1e-30
    assert distance[2] > 0.01


def test_imbalance_and_scale_make_the_square_network_lazy():
    medians = {}
    for imbalance, scale in ((9 / 39, 1.0), (9.0, 1.0), (9 / 39, 20.0)):
        distances = []
        for seed in range(20):
            rng = np.random.default_rng(seed)
            target = rng.standard_normal((2, 2)) / np.sqrt(10) / scale  # of ten examples
            run = LinearNetwork.balanced(target, 2, imbalance, np.sqrt(scale), rng).solve([0.0, 40.0])
            grams = [run[name][i] for i in (0, 1) for name in ("gram_in", "gram_out")]
            distances.append(gram_kernel_distance(*grams))
        medians[imbalance, scale] = np.median(distances)
    assert medians[9 / 39, 1.0] > 0.02
    assert medians[9.0, 1.0] < 1e-4
    assert medians[9 / 39, 20.0] < medians[9 / 39, 1.0]


@given(arrays(float, (3, 4), elements=st.floats(-2, 2)), seeds)
def test_kernels_are_positive_semi_definite(x, seed):
    rng = np.random.default_rng(seed)
    kernel = linear_network_ntk(x, rng.standard_normal((2, 4)), rng.standard_normal((3, 2)))
    assert_allclose(kernel, kernel.T, **EXACT)
    assert np.linalg.eigvalsh(kernel).min() > -1e-12 * (1 + np.abs(kernel).max())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernel_distance(np.zeros((2, 2)), np.eye(2)), "k0 must not be zero"),
        (lambda: kernel_distance(np.eye(2), np.eye(3)), r"k1 must have shape \(2, 2\)"),
        (lambda: kernel_distance(np.diag([1, 0]), np.diag([-1, 2])), "k0 and k1 must be positive semi-definite"),
        (lambda: kernel_distance(-np.eye(2), -np.eye(2)), "k0 must be positive semi-definite, got a trace of -2"),
        (lambda: kernel_distance(np.ones((2, 3)), np.ones((2, 3))), r"k0 must be square, got shape \(2, 3\)"),
        (lambda: kernel_distance(np.eye(2), [[1, 1], [0, 1]]), "k1 must be symmetric, got a largest difference of 1"),
        (lambda: kernel_distance(np.eye(2), np.full((2, 2), np.nan)), "k1 must be finite"),
        (lambda: linear_network_ntk(np.ones((2, 3)), np.ones((2, 2)), np.ones((1, 2))), "w1 must have 3 columns"),
        (lambda: linear_network_ntk(np.ones((2, 3)), np.ones((2, 3)), np.ones((1, 3))), r"w2 must have shape \(1, 2\)"),
        (lambda: diagonal_network_ntk(np.ones((2, 3)), np.ones(2), np.ones(3)), r"a must have shape \(3,\)"),
        (
            lambda: gram_kernel_distance(np.zeros((2, 2)), np.zeros((1, 1)), np.eye(2), np.eye(1)),
            "gram_in0 and gram_out0 must not both be zero",
        ),
        (
            lambda: gram_kernel_distance(np.eye(2), np.eye(1), np.eye(3), np.eye(1)),
            r"gram_in1 must have matrices of shape \(2, 2\)",
        ),
        (
            lambda: gram_kernel_distance(np.ones((2, 3)), np.eye(1), np.ones((2, 3)), np.eye(1)),
            r"gram_in0 must be square, got shape \(2, 3\)",
        ),
        (
            lambda: gram_kernel_distance(np.eye(2), np.eye(1), np.eye(2), np.eye(1), np.eye(3)),
            r"covariance must have shape \(2, 2\), got \(3, 3\)",
        ),
        (lambda: kernel_alignment(np.eye(2), np.ones(3)), "y must have 2 entries, one per row of kernel"),
        (lambda: kernel_alignment(np.eye(2), np.zeros(2)), "y must not be zero"),
        (lambda: kernel_alignment(np.zeros((2, 2)), np.ones(2)), "kernel must not be zero"),
        (lambda: gram_kernel_alignment(np.eye(2), np.eye(1), np.ones((2, 1))), r"correlation must have shape \(1, 2\)"),
        (lambda: gram_kernel_alignment(np.eye(2), np.eye(1), np.zeros((1, 2))), "correlation must not be zero"),
        (lambda: gram_kernel_distance(1.0, 1.0, 1.0, 1.0), r"gram_in0 must be square, got shape \(\)"),
        (
            lambda: gram_kernel_distance(np.eye(2), -np.eye(1), np.eye(2), -np.eye(1)),
            "gram_out0 must be positive semi-definite, got a trace of -1",
        ),
        (
            lambda: gram_kernel_distance(np.eye(2), np.eye(1), [np.eye(2), [[1, 1], [0, 1]]], np.eye(1)),
            "gram_in1 must be symmetric, got a largest difference of 1",
        ),
        (
            lambda: gram_kernel_distance(*[np.ones((n, 1, 1)) for n in (2, 2, 3, 3)]),
            r"must broadcast in their leading axes, got shapes \(2, 1, 1\), \(2, 1, 1\), \(3, 1, 1\)",
        ),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
