import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import (
    classical_initialisations,
    coordinates,
    critical_gamma,
    distance_exponent,
    distance_scaling,
    phase,
    phase_diagram,
    phase_map,
    relative_distance,
)
from toymodels.condensation.phase_diagram import CLASSICAL, _even_widths

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


@given(st.floats(-3, 3))
def test_the_critical_line_parts_the_phases(gamma_prime):
    gamma = float(critical_gamma(gamma_prime))
    assert phase(gamma, gamma_prime) == "critical"
    assert phase(gamma - 1e-6, gamma_prime) == "linear"
    assert phase(gamma + 1e-6, gamma_prime) == "condensed"


def test_a_map_of_the_plane_has_the_predicted_exponents_below_zero_too():
    run = phase_map([0.25, 1.75], [-1.0, 0.0], (100, 1000), replicates=4, seed=1)
    assert run.distance.shape == (2, 2, 2, 4)
    assert run.slope.shape == run.predicted.shape == (2, 2)
    assert_allclose(run.predicted[:, 0], [distance_exponent(0.25, -1.0), distance_exponent(1.75, -1.0)])
    assert_allclose(run.slope, np.log(run.distance).mean(axis=-1) @ [-1, 1] / np.log(10))
    assert_allclose(run.slope, run.predicted, atol=0.2)


def test_a_network_that_does_not_fit_is_nan_and_the_slope_is_that_of_the_others(monkeypatch):
    monkeypatch.setattr(phase_diagram, "MAP_STEPS", 3)
    run = phase_map([1.0], [0.0], (20, 40))
    assert np.isnan(run.distance).all()
    assert np.isnan(run.slope).all()
    levels = np.array([[[2.0, np.nan], [np.nan, np.nan], [8.0, 8.0]]])  # two replicates at widths 10, 100 and 1000
    assert_allclose(phase_diagram._slopes([10, 100, 1000], levels), np.log(4) / np.log(100))


def test_distances_below_rounding_are_not_lost():
    scaling = distance_scaling([(0.0, 2.5), (0.0, 1.5)], [100, 1000], np.random.default_rng(0), replicates=8)
    assert 0 < scaling.distance.min() < 1e-15
    assert_allclose(scaling.slope, scaling.predicted, atol=0.2)


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
        (lambda rng: phase_map([0.5], [0.0], [100]), "widths"),
        (lambda rng: phase_map([[0.5]], [0.0]), "gammas"),
        (lambda rng: phase_map([0.5], [np.nan]), "gamma_primes"),
        (lambda rng: critical_gamma(np.inf), "gamma_prime"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(np.random.default_rng(0))


@pytest.mark.parametrize("widths", [[2], [2, 3], [1, 4], [0, 2]])
def test_widths_are_two_even_numbers_or_more(widths):
    assert _even_widths([2, 4]) == (2, 4)
    with pytest.raises(ValueError, match="widths must"):
        _even_widths(widths)
