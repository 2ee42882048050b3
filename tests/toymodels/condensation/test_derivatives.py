"""Jacobian and Hessian of two-layer networks against loops over neurons and against their definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from toymodels.condensation.derivatives import hidden_layer, loss_hessian, output_jacobian

FORMULA = {
    "tanh": np.tanh,
    "xtanh": lambda z: z * np.tanh(z),
    "x2tanh": lambda z: z**2 * np.tanh(z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
}


def drawn(seed, lead=(), n=4, m=3, d=2, k=2):
    """Columns (..., m, K), input weights (..., m, d + 1), inputs (n, d + 1) and errors (..., n, K)."""
    rng = np.random.default_rng(seed)
    x1 = np.concatenate([rng.standard_normal((n, d)), np.ones((n, 1))], axis=1)
    return (
        rng.standard_normal((*lead, m, k)),
        rng.standard_normal((*lead, m, d + 1)),
        x1,
        rng.standard_normal((*lead, n, k)),
    )


def test_a_layer_of_relus_is_worked_by_hand():
    x1 = np.array([[1.0, 1.0], [-2.0, 1.0]])
    layer = hidden_layer(np.array([[3.0, 0.5], [-1.0, 1.0], [2.0, -2.0]]), "relu", x1)
    assert_array_equal(layer.z, [[3.5, 0, 0], [-5.5, 3, -6]])
    assert_array_equal(layer.value, [[3.5, 0, 0], [0, 3, 0]])
    assert_array_equal(layer.slope, [[1, 0, 0], [0, 1, 0]])


def test_the_jacobian_of_one_relu_with_two_outputs_is_worked_by_hand():
    x1, w, columns = np.array([[2.0, 1.0], [-4.0, 1.0]]), np.array([[1.0, 0.5]]), np.array([[3.0, -7.0]])
    layer = hidden_layer(w, "relu", x1)  # 2.5 and 0
    jacobian = output_jacobian(layer, columns, x1, biased=True)
    #  by a of output 0, a of output 1, slope, bias of the neuron, the two output biases
    assert_array_equal(jacobian[0], [[2.5, 0, 6, 3, 1, 0], [0, 2.5, -14, -7, 0, 1]])
    assert_array_equal(jacobian[1], [[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]])
    assert_array_equal(output_jacobian(layer, columns, x1, biased=False), jacobian[..., :4])


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("lead", "m", "d", "k"), [((), 3, 2, 2), ((2,), 2, 1, 3), ((2, 3), 1, 3, 1)])
def test_a_jacobian_is_that_of_loops_over_replicates_samples_outputs_and_neurons(biased, lead, m, d, k):
    columns, w, x1, _ = drawn(1, lead, m=m, d=d, k=k)
    jacobian = output_jacobian(hidden_layer(w, "tanh", x1), columns, x1, biased)
    p = m * k + m * (d + 1) + (k if biased else 0)
    assert jacobian.shape == (*lead, 4, k, p)
    for replicate in np.ndindex(*lead):
        for i in range(4):
            for c in range(k):
                expected = np.zeros(p)
                for j in range(m):
                    t = np.tanh(w[replicate][j] @ x1[i])
                    expected[j * k + c] = t
                    start = m * k + j * (d + 1)
                    expected[start : start + d + 1] = columns[replicate][j, c] * (1 - t**2) * x1[i]
                if biased:
                    expected[m * k + m * (d + 1) + c] = 1
                assert_allclose(jacobian[(*replicate, i, c)], expected, **EXACT)


@pytest.mark.parametrize("activation", sorted(FORMULA))
@pytest.mark.parametrize(("m", "d", "k", "biased"), [(3, 1, 2, True), (2, 2, 1, False), (1, 2, 3, False)])
def test_a_hessian_is_that_of_the_loss_as_it_is_written(activation, m, d, k, biased):
    """Slopes along the imaginary axis are free of rounding, so their differences are near the second derivative."""
    columns, w, x1, _ = drawn(2, n=4, m=m, d=d, k=k)
    bias = np.array([0.3, -1.1, 0.7])[:k] * biased
    targets = np.random.default_rng(3).standard_normal((4, k))
    cuts = [m * k, m * k + m * (d + 1)]

    def loss(theta):
        a, v, b = np.split(theta, cuts)
        hidden = FORMULA[activation](x1 @ v.reshape(m, d + 1).T)
        return ((hidden @ a.reshape(m, k) + (b if biased else 0) - targets) ** 2).sum() / 8

    theta = np.concatenate([columns.ravel(), w.ravel(), *([bias] if biased else [])])
    units, far, near = np.eye(len(theta)), 1e-4, 1e-30
    exact = [
        [(loss(theta + far * e + near * 1j * f) - loss(theta - far * e + near * 1j * f)).imag for f in units]
        for e in units
    ]
    layer = hidden_layer(w, activation, x1)
    error = (layer.value @ columns + bias - targets) / 4
    hessian = loss_hessian(layer, columns, error, x1, activation, biased)
    assert_allclose(hessian, np.array(exact) / (2 * far * near), rtol=1e-6, atol=1e-6)


def test_hessians_of_replicates_are_those_of_each_alone():
    columns, w, x1, error = drawn(4, (2, 3))
    together = loss_hessian(hidden_layer(w, "softplus", x1), columns, error, x1, "softplus", True)
    assert together.shape == (2, 3, 17, 17)
    for at in np.ndindex(2, 3):
        layer = hidden_layer(w[at], "softplus", x1)
        assert_allclose(together[at], loss_hessian(layer, columns[at], error[at], x1, "softplus", True), **EXACT)


@pytest.mark.parametrize("biased", [False, True])
def test_at_a_perfect_fit_the_hessian_is_the_mean_of_squared_jacobians(biased):
    columns, w, x1, error = drawn(5, n=6)
    layer = hidden_layer(w, "x2tanh", x1)
    jacobian = output_jacobian(layer, columns, x1, biased)
    expected = sum(np.outer(row, row) for sample in jacobian for row in sample) / 6
    assert_allclose(loss_hessian(layer, columns, 0 * error, x1, "x2tanh", biased), expected, rtol=1e-11, atol=1e-11)
