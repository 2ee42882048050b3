import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels import SimulationError
from toymodels.condensation import (
    distance_exponent,
    layer_exponents,
    three_layer_exponents,
    three_layer_map,
    three_layer_scaling,
)
from toymodels.condensation import three_layer as module
from toymodels.condensation.phase_flow import INPUTS, TARGETS
from toymodels.condensation.three_layer import (
    _velocity,
    balanced_exponents,
    fitted_distances,
    gained_exponent,
    plane_distances,
)


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


def test_exponents_of_unequal_layers_are_worked_by_hand():
    """Roots of the kernel's parts -1/4, 1/2, 1/4; norms 1, 3/4, 1/2; so the time is -1."""
    assert_allclose(three_layer_exponents(0.5, -0.25, 0.0, 1.0), (-0.25 - 2, 0.5 - 1.75, 0.25 - 1.5))
    assert_allclose(layer_exponents(0.5, -0.25, 0.0, 1.0), (-0.25 - 2, 0.5 - 1.75, 0.25 - 1.5))


X1 = np.stack([INPUTS, np.ones(3)], axis=1)


def drawn(width, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in ((width,), (width, width), (width, 2))]


def output(layers, scale):
    """The three outputs, neuron by neuron."""
    a, v, w = layers
    total = np.zeros(3)
    for i, x in enumerate(X1):
        first = [max(0.0, row @ x) for row in w]
        for k, row in enumerate(v):
            total[i] += a[k] * max(0.0, sum(weight * below for weight, below in zip(row, first, strict=True))) / scale
    return total


def test_velocity_and_kernel_are_those_of_difference_quotients():
    layers, scale, wanted = drawn(3), 1.7, np.array([0.3, -1.0, 2.0])
    flat, cuts = np.concatenate([part.ravel() for part in layers]), [3, 12]

    def outputs(theta):
        a, v, w = np.split(theta, cuts)
        return output((a, v.reshape(3, 3), w.reshape(3, 2)), scale)

    jacobian = np.stack(
        [(outputs(flat + 1e-6 * e) - outputs(flat - 1e-6 * e)) / 2e-6 for e in np.eye(len(flat))], axis=1
    )
    error, moves, top = _velocity(layers, X1, scale, wanted)
    assert_allclose(error, outputs(flat) - wanted, **EXACT)
    assert_allclose(np.concatenate([move.ravel() for move in moves]), -jacobian.T @ error / 3, atol=1e-8)
    assert top == pytest.approx(np.linalg.eigvalsh(jacobian @ jacobian.T)[-1] / 3, rel=1e-7)


@pytest.mark.parametrize("powers", [(0.0, -0.5, 0.0, 0.5), (-0.5, 0.0, 0.25, 0.0), (0.0, 0.0, 0.0, 1.5)])
def test_distances_at_the_fit_are_those_of_finer_steps(powers):
    """Targets are met on top of what the network says at the start; steps are short against the kernel's trace."""
    width, rng = 20, np.random.default_rng(1)
    *stds, scale = (20.0**power for power in powers)
    shapes = (width, (width, width), (width, 2))
    a, v, w = start = [std * rng.standard_normal(shape) for std, shape in zip(stds, shapes, strict=True)]
    first_output = None
    for _ in range(10_000):
        field = X1 @ w.T
        low = np.maximum(field, 0)
        high = np.maximum(low @ v.T, 0)
        now = high @ a / scale
        first_output = now if first_output is None else first_output
        error = now - first_output - TARGETS
        if (error**2).sum() < 1e-3 * (TARGETS**2).sum():
            break
        through = (high > 0) * a / scale
        below = (through @ v) * (field > 0)
        slopes = [high / scale, through[:, :, None] * low[:, None, :], below[:, :, None] * X1[:, None, :]]
        moves = [-np.tensordot(error, slope, 1) / 3 for slope in slopes]
        trace = sum((slope**2).sum() for slope in slopes) / 3
        relative = max(np.linalg.norm(move) / np.linalg.norm(part) for move, part in zip(moves, (a, v, w), strict=True))
        h = min(0.1 / trace, 0.02 / relative)
        a, v, w = a + h * moves[0], v + h * moves[1], w + h * moves[2]
    expected = [
        np.linalg.norm(end - begin) / np.linalg.norm(begin) for end, begin in zip((a, v, w), start, strict=True)
    ]
    assert_allclose(fitted_distances(powers, width, np.random.default_rng(1)), expected, rtol=0.1)


def by_law(exponents, width, rng):
    """Exact powers of the width, the first ones those of V over a; no fit at width 7."""
    if width == 7:
        raise SimulationError
    a, v, w, _ = exponents
    return [width ** (v - a), 2.0 * width**v, 3.0 * width ** (2 * w)]


def test_slopes_are_those_of_the_distances_of_each_layer(monkeypatch):
    monkeypatch.setattr(module, "fitted_distances", by_law)
    scaling = three_layer_scaling((1.0, -0.5, 0.25, 10.0), [4, 10, 30], np.random.default_rng(0), replicates=2)
    assert_allclose(scaling.slope, [-1.5, -0.5, 0.5], atol=1e-12)
    assert scaling.distance.shape == (3, 2, 3)
    assert_allclose(scaling.distance[1, 1], [10**-1.5, 2 / 10**0.5, 3 * 10**0.5])
    assert scaling.widths.tolist() == [4, 10, 30]


def test_cells_of_the_plane_fall_with_their_powers(monkeypatch):
    monkeypatch.setattr(module, "fitted_distances", by_law)
    found = plane_distances((4, 7), 0.5, -1.0, np.random.default_rng(0))["distance"]
    assert_allclose(found, [[4**1.5, 2 * 4, 3 / 4], [0, 0, 0]])
    plane = three_layer_map([0.5, 25.0], [-1.0, 0.0, 2.0], [10, 100], replicates=2)
    assert_allclose(plane.slope[:, :, 0], [[1.5, 0.5, -1.5], [26, 25, 23]])
    assert_allclose(plane.slope[:, :, 1], [[1, 0, -2]] * 2, atol=1e-12)
    assert_allclose(plane.slope[:, :, 2], [[-1] * 3, [-50] * 3])
    assert_allclose(plane.predicted[0, 1], layer_exponents(-0.5, 0.0, -0.5, 0.0))
    stuck = three_layer_map([0.5], [0.0], [7, 10])
    assert np.isnan(stuck.distance[:, :, 0]).all()
    assert np.isnan(stuck.slope).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: three_layer_scaling((0.0, 0.0, 0.0, 10.5), [4, 10], rng), "exponents must be four numbers in"),
        (lambda rng: three_layer_scaling((0.0, -10.5, 0.0, 1.0), [4, 10], rng), "exponents must be four numbers in"),
        (lambda rng: three_layer_scaling((0.0, 0.0, 0.0), [4, 10], rng), "exponents must be four numbers in"),
        (lambda rng: three_layer_scaling((0.0, 0.0, 0.0, 1.0), [4, 1], rng), "widths must be >= 2, got 1"),
        (lambda rng: three_layer_scaling((0.0, 0.0, 0.0, 1.0), [4, 10], rng, 0), "replicates must be >= 1"),
        (lambda rng: three_layer_map([25.5], [0.0], [10, 100]), "outers must give standard deviations from 1e-50"),
        (lambda rng: three_layer_map([0.0], [0.0, -25.5], [10, 100]), "middles must give standard deviations"),
        (lambda rng: three_layer_map([0.0], [0.0], [1, 100]), "widths must be >= 2, got 1"),
    ],
)
def test_settings_out_of_range_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))


def test_exponents_whose_sums_overflow_are_refused():
    for exponents in (layer_exponents, three_layer_exponents):
        with pytest.raises(ValueError, match="std_v must be at most 1e\\+75 in size"):
            exponents(0.0, 1e308, 0.0, 1.0)
