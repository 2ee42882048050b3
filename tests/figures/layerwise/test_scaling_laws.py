"""Slopes of power laws and their distances from the exponents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.scaling_laws import over_law, slope, slope_errors, small_alpha_errors, steeper_when_cut


@given(st.floats(-3, -0.1), st.floats(0.1, 10))
def test_slope_is_that_of_a_power_law_above_the_lower_end(power, factor):
    x = np.geomspace(1, 1e4, 30)
    loss = np.where(x < 1e2, 1.0, factor * x**power)
    assert_allclose(slope(x, loss, 1e2), power, rtol=1e-9)


def test_errors_are_distances_from_the_exponents():
    x = np.geomspace(1, 1e4, 30)
    exponents = np.array([0.2, 0.3, 0.4])
    data = {}
    for name in ("time", "data", "parameters"):
        law = x ** -exponents[:, None]
        data |= {f"{name}_x": x, f"{name}_exponent": exponents, f"{name}_loss": 2 * x ** -(exponents[:, None] + 0.03)}
        data[f"{name}_law"] = law * x**-0.03
        data[f"{name}_all"] = x**-0.2
    assert_allclose(slope_errors("time", 1e3)(data), [0.03, 0.03])
    assert_allclose(small_alpha_errors(data), 0, atol=1e-9)
    assert_allclose(over_law(data), [2, 2, 2, 2])


@pytest.mark.parametrize("off", [0.03, -0.03])
def test_a_law_that_is_steeper_is_told_from_one_that_is_flatter(off):
    x, data = np.geomspace(1, 1e4, 30), {}
    for name in ("time", "data", "parameters"):
        data |= {f"{name}_x": x, f"{name}_exponent": [0.2], f"{name}_loss": x[None] ** -(0.2 + off)}
        data[f"{name}_all"] = data[f"{name}_loss"][0]
    assert_allclose(steeper_when_cut(data), [100 * off, 100 * off])
    assert_allclose(small_alpha_errors(data), [3, 3, 1])
