import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import ive

from toymodels.layerwise import marchenko_pastur

ratios = st.one_of(st.just(1.0), st.floats(1e-3, 1e3), st.floats(0.999, 1.001))


@given(ratios)
def test_moments_are_those_of_the_law(q):
    l, mass, null = marchenko_pastur(q)
    for power, moment in enumerate((1, 1, 1 + q, 1 + 3 * q + q**2)):
        assert_allclose(mass @ l**power + null * (power == 0), moment, rtol=1e-12)


@given(st.floats(0.05, 0.95))
def test_the_mean_inverse_diverges_as_one_over_one_minus_the_ratio(q):
    l, mass, _ = marchenko_pastur(q)
    assert_allclose(mass @ (1 / l), 1 / (1 - q), rtol=1e-12)


@given(st.floats(1e-3, 1e18))
def test_decay_at_equal_numbers_is_a_sum_of_bessel_functions_at_any_time(t):
    l, mass, _ = marchenko_pastur(1.0)
    bessel = 4 * t
    if bessel < 1e8:
        expected = ive(0, bessel) + ive(1, bessel)
    else:  # their asymptotic series
        expected = np.sqrt(2 / (np.pi * bessel)) * (1 - 1 / (8 * bessel))
    assert_allclose(mass @ np.exp(-2 * l * t), expected, rtol=1e-12)


@pytest.mark.parametrize("q", [0.3, 0.9, 2.5])
def test_means_are_those_of_the_density(q):
    low, high = (1 - np.sqrt(q)) ** 2, (1 + np.sqrt(q)) ** 2

    def mean(function):
        def integrand(angle):  # l = low + width (1 - cos) / 2, an oracle in other coordinates
            l = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
            return (
                function(l) * np.sqrt((high - l) * (l - low)) / (2 * np.pi * q * l) * (high - low) / 2 * np.sin(angle)
            )

        return quad(integrand, 0, np.pi, epsabs=1e-13)[0]

    l, mass, _ = marchenko_pastur(q)
    for function in (lambda l: np.exp(-3 * l), np.sqrt, lambda l: np.expm1(-l) ** 2 / l):
        assert_allclose(mass @ function(l), mean(function), rtol=1e-10)


def test_eigenvalues_of_a_large_sample_follow_it():
    x = np.random.default_rng(0).standard_normal((600, 400))
    found = np.linalg.eigvalsh(x.T @ x / 600)
    l, mass, _ = marchenko_pastur(400 / 600)
    for t in (0.1, 1, 10, 30):
        assert_allclose(np.mean(np.exp(-t * found)), mass @ np.exp(-t * l), rtol=0.02)


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.nan, [1.0]])
def test_bad_ratios_are_refused(ratio):
    with pytest.raises(ValueError, match="ratio must"):
        marchenko_pastur(ratio)
