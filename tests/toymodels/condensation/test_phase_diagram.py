import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels import SimulationError
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
from toymodels.condensation.phase_diagram import CLASSICAL, MAP_STEPS, _even_widths, cell_distances

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
        (lambda rng: distance_scaling([(10.5, 0.0)], [100, 200], rng), "gamma"),
        (lambda rng: distance_scaling([(1.0, 0.0), (1.0, -10.5)], [100, 200], rng), "gamma_prime"),
        (lambda rng: phase_map([0.5], [-10.5]), "gamma_primes"),
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


def test_coordinates_of_a_hand_worked_network():
    """Width 100, standard deviations 1/100 and 10, scale 1000: powers -1, 1/2 and 3/2 of the width."""
    assert_allclose(coordinates(100, 0.01, 10.0, 1000.0), (1 - 1 / 2 + 3 / 2, 1 + 1 / 2))
    assert_allclose(coordinates(2, 1.0, 4.0, 8.0), (-2 + 3, 2))


def test_places_of_the_classical_initialisations_are_those_of_their_powers():
    assert classical_initialisations() == {
        "ntk": (0.5, 0.0),
        "mean field": (1.0, 0.0),
        "lecun": (0.5, 0.5),
        "he": (0.5, 0.5),
        "xavier": (1.0, 0.0),
    }


@pytest.mark.parametrize(
    ("gamma", "gamma_prime", "regime", "exponent"),
    [
        (0.5, -1.0, "linear", -0.5),
        (0.5, 0.5, "linear", -1.5),
        (1.25, 0.5, "linear", -0.5),
        (1.0, 0.25, "linear", -0.5),
        (1.0, 0.0, "critical", 0.0),
        (1.0, -2.0, "critical", 0.0),
        (1.75, 0.75, "critical", 0.0),
        (2.0, 0.0, "condensed", 0.5),
        (2.5, 0.5, "condensed", 0.5),
        (1.5, -0.5, "condensed", 0.5),
        (1.5, -1.0, "condensed", 0.5),
        (1.25, -2.0, "condensed", 0.25),
    ],
)
def test_phases_and_exponents_of_places_worked_by_hand(gamma, gamma_prime, regime, exponent):
    assert phase(gamma, gamma_prime) == regime
    assert distance_exponent(gamma, gamma_prime) == exponent


def by_law(cells, width, rng, max_steps=MAP_STEPS):
    """Distances that are exact powers of the width, a little more from replicate to replicate; no fit at width 66."""
    if width == 66:
        raise SimulationError
    gamma, prime = np.transpose(cells)
    return width ** (gamma - 2 * prime) * (1 + np.arange(len(gamma)))


def test_slopes_are_those_of_each_cell_over_all_widths(monkeypatch):
    monkeypatch.setattr(phase_diagram, "fitted_distance", by_law)
    cells = [(0.5, 0.25), (2.0, -1.0), (10.0, 0.0)]
    run = distance_scaling(cells, [10, 20, 50], np.random.default_rng(0), replicates=2)
    assert_allclose(run.slope, [0, 4, 10], atol=1e-9)
    assert_allclose(run.distance[1, 2], [50**4 * 3, 50**4 * 4])
    assert_allclose(run.predicted, [-1, 1, 4.5])
    assert run.widths.tolist() == [10, 20, 50]


def test_cells_of_a_map_stand_at_their_coordinates_and_widths_that_do_not_fit_are_0(monkeypatch):
    monkeypatch.setattr(phase_diagram, "fitted_distance", by_law)
    rng = np.random.default_rng(0)
    assert cell_distances((10, 66, 20), 1.0, 0.5, rng)["distance"].tolist() == [1, 0, 1]
    run = phase_map([0.5, 2.0, 10.0], [0.25, -1.0], [10, 66, 20], replicates=2)
    assert run.distance.shape == (3, 2, 3, 2)
    assert_allclose(run.slope, [[0, 2.5], [1.5, 4], [9.5, 12]], atol=1e-9)
    assert np.isnan(run.distance[:, :, 1]).all()
    assert_allclose(run.distance[1, 1, 2], [20**4] * 2)


def test_the_distance_of_tiny_weights_is_relative_too():
    assert relative_distance([[2e-170]], [[1e-170]]) == pytest.approx(1.0)
    assert relative_distance([3e-200, 5e-200], [3e-200, 4e-200]) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="w0 must not be so small that the distance overflows, got norm 1e-300"):
        relative_distance([1e70], [1e-300])
