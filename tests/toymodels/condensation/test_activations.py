"""Activations against mpmath and a hand-worked ReLU, with the identities that join them."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from toymodels.condensation.activations import ACTIVATIONS, get_activation

FORMULA = {
    "tanh": mpmath.tanh,
    "xtanh": lambda z: z * mpmath.tanh(z),
    "x2tanh": lambda z: z**2 * mpmath.tanh(z),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
}
points = st.floats(-8, 8)


def filled(name, z):
    """Value, slope and curvature at z."""
    z = np.asarray(z, dtype=float)
    value, slope = np.full_like(z, np.nan), np.full_like(z, np.nan)
    activation = get_activation(name)
    activation.fill(z, value, slope)
    return value, slope, activation.curvature(z)


@pytest.mark.parametrize("name", sorted(FORMULA))
@pytest.mark.parametrize("at", [-2.75, -0.4, 0.0, 0.3, 1.0, 1.7, 5.0])
def test_value_slope_and_curvature_are_those_of_the_formula_at_high_precision(name, at):
    with mpmath.workdps(50):
        exact = [float(mpmath.diff(FORMULA[name], mpmath.mpf(at), order)) for order in range(3)]
    assert_allclose([float(part) for part in filled(name, at)], exact, rtol=1e-11, atol=1e-14)


def test_a_relu_is_worked_by_hand_and_has_slope_0_at_its_kink():
    value, slope, curvature = filled("relu", [[-2.0, -0.5, 0.0], [1e-9, 0.5, 3.0]])
    assert_array_equal(value, [[0, 0, 0], [1e-9, 0.5, 3]])
    assert_array_equal(slope, [[0, 0, 0], [1, 1, 1]])
    assert_array_equal(curvature, np.zeros((2, 3)))


@given(points)
def test_odd_and_even_activations_are_so_with_their_slopes_and_curvatures(z):
    for name, sign in (("tanh", -1), ("xtanh", 1), ("x2tanh", -1)):
        here, there = filled(name, z), filled(name, -z)
        for order in range(3):
            assert_allclose(there[order], sign * (-1) ** order * here[order], **EXACT)


@given(points)
def test_the_slope_of_softplus_is_the_sigmoid_and_both_are_bound_to_their_mirror_images(z):
    softplus, sigmoid = filled("softplus", z), filled("sigmoid", z)
    assert_allclose(softplus[1:], sigmoid[:2], **EXACT)
    assert_allclose(softplus[0] - filled("softplus", -z)[0], z, **EXACT)
    assert_allclose(sigmoid[0] + filled("sigmoid", -z)[0], 1, **EXACT)


@pytest.mark.parametrize("size", [50.0, 800.0])
def test_far_out_nothing_overflows_and_every_activation_is_its_asymptote(size):
    z = np.array([-size, size])
    limits = {
        "relu": ([0, size], [0, 1]),
        "tanh": ([-1, 1], [0, 0]),
        "xtanh": ([size, size], [-1, 1]),
        "x2tanh": ([-(size**2), size**2], [2 * size, 2 * size]),
        "sigmoid": ([0, 1], [0, 0]),
        "softplus": ([0, size], [0, 1]),
    }
    for name, (value, slope) in limits.items():
        got = filled(name, z)
        assert_allclose(got[0], value, rtol=1e-12, atol=1e-12)
        assert_allclose(got[1], slope, rtol=1e-12, atol=1e-12)
        assert_allclose(got[2], [-2, 2] if name == "x2tanh" else [0, 0], atol=1e-12)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_inputs_are_left_as_they_are(name):
    z = np.linspace(-2, 2, 5)
    filled(name, z)
    assert_array_equal(z, [-2, -1, 0, 1, 2])


def test_the_symbolic_relu_is_the_numeric_one():
    import sympy

    z = sympy.Symbol("z", real=True)
    expression = ACTIVATIONS["relu"].symbolic(sympy, z)
    assert [float(expression.subs(z, at)) for at in (-1.5, 0, 2.5)] == [0, 0, 2.5]


def test_an_unknown_activation_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="activation must be one of relu, tanh, xtanh, x2tanh, sigmoid, softplus"):
        get_activation("gelu")
