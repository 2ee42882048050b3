import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import (
    classical_initialisations,
    coordinates,
    distance_exponent,
    distance_scaling,
    phase,
    relative_distance,
)
from toymodels.condensation.phase_diagram import CLASSICAL

gammas = st.floats(0, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ntk", "linear"), ("he", "linear"), ("lecun", "linear"), ("mean field", "critical"), ("xavier", "critical")],
)
def test_classical_initialisations_lie_where_the_overview_puts_them(name, expected):
    assert phase(*classical_initialisations()[name]) == expected


@pytest.mark.parametrize("name", sorted(CLASSICAL))
def test_coordinates_of_a_finite_network_approach_the_limit(name):
    a, w, scale = CLASSICAL[name]
    point = coordinates(10**6, 3.0 * 1e6**a, 0.5 * 1e6**w, 2.0 * 1e6**scale)
    assert_allclose(point, classical_initialisations()[name], atol=0.15)


@given(gammas, st.floats(-2, 2))
def test_the_sign_of_the_exponent_is_the_phase(gamma, gamma_prime):
    sign = {"linear": -1, "critical": 0, "condensed": 1}[phase(gamma, gamma_prime)]
    assert np.sign(distance_exponent(gamma, gamma_prime)) == sign


@given(st.floats(-2, 2), st.floats(1.001, 3))
def test_exponents_are_continuous_across_the_critical_line(gamma_prime, gamma):
    near = 1e-9
    assert abs(distance_exponent(1 - near, min(gamma_prime, 0))) < 1e-6
    assert abs(distance_exponent(gamma, gamma - 1 + near)) < 1e-6
    assert abs(distance_exponent(gamma, gamma - 1 - near)) < 1e-6


def test_relative_distance_of_a_hand_worked_case():
    assert relative_distance([3.0, 4.0], [0.0, 5.0]) == pytest.approx(np.sqrt(10) / 5)


def test_measured_slopes_have_the_predicted_exponents():
    cells = [(0.5, 0.0), (0.5, 0.5), (1.0, 0.0), (1.75, 0.0)]
    scaling = distance_scaling(cells, [200, 800, 3200], np.random.default_rng(0), replicates=8)
    assert scaling.distance.shape == (4, 3, 8)
    assert_allclose(scaling.slope, scaling.predicted, atol=0.1)  # standard error of a slope: 0.03


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda rng: coordinates(1, 1.0, 1.0), "width"),
        (lambda rng: coordinates(10, 0.0, 1.0), "std_a"),
        (lambda rng: coordinates(10, 1.0, 1.0, -1.0), "scale"),
        (lambda rng: phase(np.nan, 0), "gamma"),
        (lambda rng: distance_exponent(1, np.inf), "gamma_prime"),
        (lambda rng: relative_distance([1.0], [0.0]), "w0"),
        (lambda rng: relative_distance([1.0], [1.0, 2.0]), "w"),
        (lambda rng: distance_scaling([(1.0, 0.0)], [100], rng), "widths"),
        (lambda rng: distance_scaling([(1.0, 0.0)], [100, 201], rng), "widths"),
        (lambda rng: distance_scaling([(1.0,)], [100, 200], rng), "cells"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(np.random.default_rng(0))
