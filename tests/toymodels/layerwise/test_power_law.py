"""Sums over infinitely many skills, against zeta functions and sums taken term by term."""

from fractions import Fraction
from math import factorial, fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from scipy.special import zeta

from toymodels.layerwise.power_law import _GREGORY, power_law_sum

alphas = st.floats(0.2, 3)


def zeta_ratio(alpha, power):
    """The sum of P_k^(power + 1)."""
    return zeta((power + 1) * (alpha + 1)) / zeta(alpha + 1) ** (power + 1)


@given(alphas, st.floats(0, 50))
def test_a_weight_that_does_not_change_is_its_own_mean(alpha, rate):
    assert power_law_sum(alpha, lambda p: np.full_like(p, 0.7), rate) == pytest.approx(0.7, rel=1e-13)


@given(alphas, st.sampled_from([1, 2, 3.5]), st.floats(0.1, 100))
def test_powers_of_the_frequency_sum_to_zeta_functions(alpha, power, factor):
    total = power_law_sum(alpha, lambda p: 3 + factor * p**power, factor)
    assert total == pytest.approx(3 + factor * zeta_ratio(alpha, power), rel=1e-13)


def by_terms(alpha, rate):
    """The sum of P exp(-rate P): terms as long as rate P > 1/2, beyond them the power series in zeta functions."""
    order, total = alpha + 1, zeta(alpha + 1)
    count = int((2 * rate / total) ** (1 / order)) + 10
    shares = np.arange(1.0, count + 1) ** -order / total
    head = fsum(shares * np.exp(-rate * shares))
    tail = fsum((-rate) ** j / factorial(j) * zeta((j + 1) * order, count + 1) / total ** (j + 1) for j in range(25))
    return head + tail


@pytest.mark.parametrize("alpha", [0.3, 0.8, 1.7])
@pytest.mark.parametrize("known", [3, 300, 1990, 2010, 4000, 30000])
def test_a_weight_that_falls_where_the_terms_end_is_summed_right(alpha, known):
    """Skills up to about `known` are learnt: the sum over the others, wherever the single terms end."""
    rate = known ** (alpha + 1) * zeta(alpha + 1)
    found = power_law_sum(alpha, lambda p: np.exp(-rate * p), rate)
    assert found == pytest.approx(by_terms(alpha, rate), rel=1e-13)


def test_without_a_rate_only_the_terms_are_summed_with_the_weight():
    """Beyond the first terms the weight is that of frequency 0."""
    alpha = 0.6
    total = power_law_sum(alpha, lambda p: np.where(p > 0, 0.0, 2.0), 0.0)
    rest = 2 * zeta(alpha + 1, 2000) / zeta(alpha + 1)
    assert total == pytest.approx(rest, rel=1e-3)  # without the corrections at the end of the terms, half of one


def test_the_corrections_at_the_end_are_the_integrals_of_binomials():
    """Gregory's formula: the n-th coefficient is the integral of x (x - 1) ... (x - n + 1) / n! over [0, 1]."""
    falling = Polynomial([1])
    for n, coefficient in enumerate(_GREGORY, 1):
        falling = falling * Polynomial([1 - n, 1])
        exact = sum(Fraction(int(c), k + 1) for k, c in enumerate(falling.coef)) / factorial(n)
        assert coefficient == pytest.approx(float(exact), rel=1e-15)
