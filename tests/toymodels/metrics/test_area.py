"""The area under a curve, by hand and against scipy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid

from tests.tolerances import EXACT
from toymodels.metrics._area import area


def test_two_trapezoids_are_worked_by_hand():
    assert area(np.array([1.0, 3.0, 2.0]), np.array([0.0, 2.0, 5.0])) == 2 * 2 + 3 * 2.5
    assert type(area(np.array([1.0, 3.0]), np.array([0.0, 2.0]))) is float


@given(st.integers(0, 10**6), st.integers(2, 12))
def test_areas_are_those_of_scipy_and_change_their_sign_with_the_direction(seed, n):
    rng = np.random.default_rng(seed)
    values, places = rng.standard_normal(n), np.sort(rng.uniform(-3, 5, n))
    assert_allclose(area(values, places), trapezoid(values, places), **EXACT)
    assert_allclose(area(values[::-1], places[::-1]), -area(values, places), **EXACT)
