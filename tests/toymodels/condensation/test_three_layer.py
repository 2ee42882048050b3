import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import (
    distance_exponent,
    layer_exponents,
    three_layer_exponents,
    three_layer_map,
    three_layer_scaling,
)
from toymodels.condensation.three_layer import balanced_exponents, gained_exponent


def test_three_layer_slopes_have_the_predicted_exponents_in_the_linear_regime():
    scaling = three_layer_scaling((0.0, 0.0, 0.0, 1.0), [50, 100, 200], np.random.default_rng(0), replicates=8)
    assert_allclose(scaling.predicted, [-0.5, -1.0, -0.5])
    assert_allclose(scaling.slope, scaling.predicted, atol=0.15)


def test_three_layers_leave_the_linear_regime_with_a_larger_scale():
    scaling = three_layer_scaling((0.0, 0.0, 0.0, 1.75), [50, 100, 200], np.random.default_rng(0))
    assert (scaling.slope[[0, 2]] > 0.05).all()


@given(st.tuples(*[st.floats(-1, 1)] * 4), st.floats(-1, 1))
def test_three_layer_exponents_do_not_depend_on_units_of_the_output(exponents, shift):
    a, v, w, scale = exponents
    moved = three_layer_exponents(a + shift, v, w, scale + shift)
    base = three_layer_exponents(a, v, w, scale)
    assert max(moved) <= max(base) + 2 * abs(shift) + 1e-9
    assert_allclose(three_layer_exponents(a, v, w, scale + 1), np.add(base, 1), atol=1e-9)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda rng: three_layer_scaling((0.0, 0.0, 0.0, 1.0), [100], rng), "widths"),
        (lambda rng: three_layer_exponents(0.0, np.nan, 0.0, 1.0), "std_v"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(np.random.default_rng(0))


def test_balanced_exponents_change_sign_one_layer_after_the_other_and_have_no_jump():
    signs = np.sign([balanced_exponents(scale) for scale in (1.0, 2.25, 3.5)])
    assert_allclose(signs, [[-1, -1, -1], [1, -1, 1], [1, 1, 1]])
    assert_allclose(balanced_exponents(1.5 - 1e-9), balanced_exponents(1.5), atol=1e-8)
    with pytest.raises(ValueError, match="scale must be finite"):
        balanced_exponents(np.nan)


powers = st.floats(-2, 2)


@given(st.floats(-1, 3), st.floats(-1.5, 1.5))
def test_two_layers_obey_the_same_law(gamma, gamma_prime):
    norms = np.array([0.5 - gamma_prime, 0.5])  # a of std m^-gamma', w of std 1, scale m^(gamma - gamma')
    gained = gained_exponent(norms, gamma - gamma_prime)
    moved = 2 * (gained - 0.5) if gained < 0.5 else gained - 0.5
    assert_allclose(moved, distance_exponent(gamma, gamma_prime), atol=1e-9)


@given(powers, powers, powers, powers)
def test_the_law_is_that_of_the_kernel_where_the_start_can_fit(a, v, w, scale):
    exponents = layer_exponents(a, v, w, scale)
    if a + v + w + 1.5 >= scale:
        assert_allclose(exponents, three_layer_exponents(a, v, w, scale), atol=1e-9)


@given(st.lists(powers, min_size=1, max_size=5), st.floats(-4, 8))
def test_what_is_gained_has_no_jump_and_fits(norms, scale):
    gained = gained_exponent(norms, scale)
    assert_allclose(gained_exponent(norms, scale + 1e-9), gained, atol=1e-8)
    if sum(norms) < scale:
        assert_allclose(np.maximum(norms, gained).sum(), scale, atol=1e-9)
    else:
        assert gained <= min(norms) + 1e-12


@pytest.mark.parametrize(
    ("outer", "middle", "expected"),
    [
        (0.0, 0.0, (-1.5, -2.0, -1.5)),  # s^2 = min N^2 / prod N, by hand: m^(1 - 1.5)
        (0.5, 1.25, (0.0, 0.25, 0.0)),  # s = 1: the outer layers are at their norm, V leaves m^-.25
        (1.25, 0.0, (0.5, -2.0, 0.5)),  # s^2 N_V = 1 with N_V = m^.5, so s = m^-.25
    ],
)
def test_hand_worked_cells(outer, middle, expected):
    assert_allclose(layer_exponents(-outer, -middle, -outer, 0.0), expected, atol=1e-12)


@given(st.floats(0, 1.5), st.floats(0, 2))
def test_critical_lines_of_the_plane(p, q):
    """Outer: 2p + q = 3/2 up to q = 1/2, then p = 1/2. Middle: q = 2 - 2p up to p = 1/2, then q = 1."""
    outer, middle, _ = layer_exponents(-p, -q, -p, 0.0)
    beyond_outer = min(p - 0.5, p + q / 2 - 0.75) if q >= 0.5 else p + q / 2 - 0.75
    beyond_middle = q - max(1.0, 2 - 2 * p)
    if min(abs(beyond_outer), abs(beyond_middle)) > 1e-6:
        assert (outer > 0) == (beyond_outer > 0)
        assert (middle > 0) == (beyond_middle > 0)


def test_a_small_map_has_the_derived_signs_and_repeats():
    first = three_layer_map([0.25, 1.0], [0.5, 1.5], (30, 120), replicates=2, seed=1)
    again = three_layer_map([0.25, 1.0], [0.5, 1.5], (30, 120), replicates=2, seed=1)
    assert first.distance.shape == (2, 2, 2, 2, 3)
    assert first.slope.shape == first.predicted.shape == (2, 2, 3)
    np.testing.assert_array_equal(first.distance, again.distance)
    assert_allclose(first.slope, first.predicted, atol=0.4)
    clear = np.abs(first.predicted) > 0.1
    np.testing.assert_array_equal(np.sign(first.slope[clear]), np.sign(first.predicted[clear]))


def test_a_map_of_one_width_is_refused():
    with pytest.raises(ValueError, match="widths must be at least 2"):
        three_layer_map([0.5], [0.5], (40,))
