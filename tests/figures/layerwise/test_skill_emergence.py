"""Skills limited in data and in width, the extended model, and how far they are from its predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.skill_emergence_claims import (
    curve_error,
    data_curve_error,
    even_spacing_error,
    examples_error,
    fitted_data_error,
    fitted_time_errors,
    fitted_width_error,
    ordered,
    ratio_error,
    width_curve_error,
)
from figures.layerwise.skill_emergence_runs import data_constant, data_curves, half_sizes, width_curves
from toymodels.layerwise import SkillModel

SIZES = np.array([10, 20, 40, 80])


@given(st.floats(12, 70), st.floats(12, 70))
def test_half_sizes_are_those_of_curves_straight_in_the_logarithm(first, second):
    strengths = 0.5 + 0.1 * np.log(SIZES[:, None] / np.array([first, second]))
    assert_allclose(half_sizes(SIZES, strengths), [first, second], rtol=1e-9)
    assert_allclose(half_sizes(SIZES, np.array([strengths, strengths]))[1], [first, second], rtol=1e-9)


def test_half_sizes_are_bounds_outside_the_range():
    strengths = np.array([[0.5, 0.0], [0.2, 0.1], [0.9, 0.2], [1.0, 0.3]])
    assert_allclose(half_sizes(SIZES, strengths), [10, 160])


@given(st.floats(1, 1e4), st.integers(1, 6))
def test_curves_in_data_pass_one_half_inversely_to_frequency(half, n_skills):
    shares = SkillModel(0.6, n_skills).frequencies
    constant = data_constant(half, shares[0])
    curves = data_curves(half * shares[0] / shares, shares, constant)
    assert_allclose(np.diag(curves), 0.5, rtol=1e-9)
    assert not data_curves(np.zeros(1), shares, constant).any()


@pytest.mark.parametrize("per_skill", [1.0, 4.0, 5.5])
def test_curves_in_width_are_a_staircase(per_skill):
    units = per_skill * np.array([0.0, 0.5, 1.0, 1.5, 3.0])
    expected = [[0, 0, 0], [0.5, 0, 0], [1, 0, 0], [1, 0.5, 0], [1, 1, 1]]
    assert_allclose(width_curves(units, 3, per_skill), expected, atol=1e-12)


def test_errors_vanish_on_the_prediction():
    half, curves = np.array([[2.0, 6.0, 10.0]]), np.random.default_rng(0).random((5, 3))
    assert_allclose(ordered(half), [10 / 6])
    assert_allclose(even_spacing_error({"half_width": half}), [0], atol=1e-12)
    assert_allclose(ratio_error(half, np.array([1.0, 3.0, 4.0])), [0.25])
    assert_allclose(curve_error(np.array([curves, curves + 0.1]), curves), [0, 0.1], atol=1e-12)
    off = curves + np.array([0.1, 0.7, 0.0, 0.0, 0.0])[:, None]  # root mean square, not mean
    assert_allclose(curve_error(off[None], curves), [np.sqrt(0.5 / 5)])


def test_the_staircase_is_compared_with_the_median_over_runs():
    staircase = width_curves(np.array([1, 2, 4]), 2, 2.0)
    data = {"predicted_by_width": staircase, "strength_by_width": np.array([staircase - 0.3, staircase, staircase + 1])}
    assert_allclose(width_curve_error(data), [0], atol=1e-12)
    data["strength_by_width"] = data["strength_by_width"] + 0.2
    assert_allclose(width_curve_error(data), [0.2])


SHARES = np.array([0.6, 0.3, 0.1])


def sigmoids(rate, start, half):
    """A run of three skills on the model's clocks, half learned where `rate` times the clock is `start`."""
    t = np.linspace(0, 40, 30)
    return t, 1 / (1 + np.exp(start - rate * t[:, None] * SHARES / SHARES[0] / half))


@pytest.mark.parametrize(("rate", "start", "half"), [(2.0, 3.0, 4.0), (6.0, 9.0, 7.0), (0.8, 1.5, 2.5)])
def test_sigmoids_of_one_rate_and_one_start_are_fitted_exactly(rate, start, half):
    (t, run), (_, other) = sigmoids(rate, start, half), sigmoids(3.0, 5.0, half)
    data = {"t": t, "skill": np.array([run, other]), "half": np.full((2, 3), half), "shares": SHARES}
    assert_allclose(fitted_time_errors(data), 0, atol=1e-4)
    swapped = data | {"skill": data["skill"][..., ::-1]}  # the rarest skill first
    assert (fitted_time_errors(swapped) > 0.1).all()


@pytest.mark.parametrize("size", ["data", "width"])
@pytest.mark.parametrize("factor", [0.26, 0.7, 1.9, 3.9])
def test_constants_are_fitted_within_a_factor_of_four_of_the_first_skills(size, factor):
    data, of = limited_in(size, factor)
    assert of(data) < 1e-6


@pytest.mark.parametrize("size", ["data", "width"])
@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_constants_beyond_a_factor_of_four_are_not(size, factor):
    data, of = limited_in(size, factor)
    assert of(data) > 0.02


def limited_in(size, factor):
    """Runs whose median is on the curves of a constant `factor` times what the median half of skill 1 says.

    Of one run the half is a hundred times as far, so that the mean says another constant.
    """
    n = np.geomspace(2, 2000, 60)
    curves = data_curves(n, SHARES, 100.0) if size == "data" else width_curves(n, 3, 100.0)
    half = 100 / factor * (0.75 / SHARES[0] if size == "data" else 0.5)
    halves = half * np.array([[1.0], [1], [100]]) * [1, 7, 9]
    runs = np.array([curves, curves - 0.3, curves + 0.9])
    if size == "data":
        return {"sizes": n, "shares": SHARES, "half_data": halves, "strength_by_data": runs}, fitted_data_error
    return {"widths": n, "shares": SHARES, "half_width": halves, "strength_by_width": runs}, fitted_width_error


def test_the_median_over_sets_is_held_against_the_prediction_and_not_their_mean():
    shares = np.array([0.5, 0.25, 0.1])
    halves = np.array([[20.0, 44, 100], [20, 20, 90], [900, 44, 100]])  # medians 20, 44, 100
    assert examples_error({"half_data": halves, "shares": shares}) == pytest.approx(0.1)
    curves = np.random.default_rng(1).random((4, 3))
    data = {"strength_by_data": np.array([curves - 0.5, curves + 0.1, curves + 2]), "predicted_by_data": curves}
    assert data_curve_error(data) == pytest.approx(0.1)
