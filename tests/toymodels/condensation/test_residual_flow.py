"""Ends of the initial flow on residuals, and the orientations that they foretell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import TwoLayerNetwork, descents, forecast, new_orientations, relu_ends
from toymodels.condensation.presets import figure_one_data, random_kinks
from toymodels.condensation.residual_flow import angle_between

seeds = st.integers(0, 10**6)


def potential_at(x, r, angle):
    u = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.maximum(u @ np.c_[x, np.ones(len(x))].T, 0) @ r / len(r)


def data(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 15))
    return rng.uniform(-1.5, 1.5, (n, 1)), rng.standard_normal(n) * rng.choice([0.0, 1.0], n, p=[0.2, 0.8]) + 1e-3


@given(seeds)
def test_ends_are_the_extrema_of_the_potential(seed):
    x, r = data(seed)
    ends = relu_ends(x, r)
    assert_allclose(potential_at(x, r, ends.angle), ends.height, atol=1e-12)
    for step in (-1e-6, 1e-6):
        assert (potential_at(x, r, ends.angle + step) * np.sign(ends.height) < np.abs(ends.height) + 1e-15).all()
    assert (np.diff(np.abs(ends.height)) <= 0).all()
    grid = np.linspace(-np.pi, np.pi, 4001)
    heights = potential_at(x, r, grid)
    assert heights.max() <= max(0, ends.height.max(initial=0)) + 1e-12
    assert heights.min() >= min(0, ends.height.min(initial=0)) - 1e-12


@given(seeds)
def test_as_many_ends_as_a_fine_grid_has_of_extrema_with_their_sign(seed):
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, 7)[:, None]
    r = rng.standard_normal(7)
    angle = np.linspace(-np.pi, np.pi, 100_000, endpoint=False) + 1e-7
    height = potential_at(x, r, angle)
    peaks = (height > np.roll(height, 1)) & (height >= np.roll(height, -1)) & (height > 1e-9)
    dips = (height < np.roll(height, 1)) & (height <= np.roll(height, -1)) & (height < -1e-9)
    ends = relu_ends(x, r)
    sharp = np.abs(ends.height) > 1e-9
    assert (ends.height[sharp] > 0).sum() == peaks.sum()
    assert (ends.height[sharp] < 0).sum() == dips.sum()


@given(seeds, st.floats(0.1, 10))
def test_size_of_the_residual_changes_the_rate_and_its_sign_the_sign(seed, factor):
    x, r = data(seed)
    ends, scaled = relu_ends(x, r), relu_ends(x, -factor * r)
    assert_allclose(np.sort(scaled.height), np.sort(-factor * ends.height), atol=1e-12)


@given(seeds)
def test_residuals_orthogonal_to_linear_functions_do_not_tell_the_sides_apart(seed):
    rng = np.random.default_rng(seed)
    x, r = rng.uniform(-1, 1, (9, 1)), rng.standard_normal(9)
    x1 = np.c_[x, np.ones(9)]
    r = r - x1 @ np.linalg.lstsq(x1, r, rcond=None)[0]
    ends = relu_ends(x, r)
    for angle, height in zip(ends.angle, ends.height, strict=True):
        opposite = angle_between(ends.angle, angle + np.pi) < 1e-6
        assert opposite.any()
        assert_allclose(ends.height[opposite], height, atol=1e-9)


def test_one_point_draws_its_own_direction():
    ends = relu_ends([[3.0]], [-2.0])
    assert_allclose(ends.angle, [np.arctan2(1, 3)])
    assert_allclose(ends.height, [-2 * np.sqrt(10)])


def test_equal_places_count_together():
    twice = relu_ends([[0.5], [0.5], [-1.0]], [1.0, 2.0, 1.0])
    once = relu_ends([[0.5], [-1.0]], [3.0, 1.0])
    assert_allclose(twice.angle, once.angle)
    assert_allclose(3 * twice.height, 2 * once.height)
    assert relu_ends([[0.5], [0.5]], [1.0, -1.0]).angle.size == 0


def test_small_neurons_of_a_resting_network_turn_to_the_ends_of_its_residual():
    x, y = figure_one_data()
    start = TwoLayerNetwork.random(60, 1, 1e-4, "relu", np.random.default_rng(3))
    run = start.train(x, y, 600, 0.1, 600)
    a, w = run["a"][-1], run["w"][-1]
    resting = TwoLayerNetwork(a, w)
    ends = relu_ends(x, y - resting(x))
    small = np.abs(a) * np.linalg.norm(w, axis=1) < 1e-3
    later = resting.train(x, y, 2000, 0.1, 2000)
    grown = np.abs(later["a"][-1]) * np.linalg.norm(later["w"][-1], axis=1) > 10 * np.abs(a) * np.linalg.norm(w, axis=1)
    turned = small & grown
    assert turned.sum() > 3
    angle = np.arctan2(later["w"][-1, turned, 1], later["w"][-1, turned, 0])
    assert np.median(angle_between(angle[:, None], ends.angle).min(axis=1)) < 0.02


def test_the_larger_of_two_small_neurons_decides_between_equal_sides():
    x = np.linspace(-1, 1, 9)[:, None]
    r = np.abs(x[:, 0]) - np.abs(x[:, 0]).mean()
    left, right = np.pi, 0.0
    carrying, w = 1.0, np.array([[0.0, 1.0], [-1e-4, 0.0], [1e-3, 0.0]])
    small = np.array([False, True, True])
    expected = forecast(x, r, [carrying, 1e-3, 1e-3], w, small)
    assert angle_between(expected.angle, right) < 1e-9
    height = relu_ends(x, r).height.max()
    assert_allclose(expected.wait, np.log(0.02 * (1 + 1e-7 + 1e-6) / 1e-6) / (2 * height))
    other = forecast(x, r, [carrying, 1e-1, 1e-3], w, small)
    assert angle_between(other.angle, left) < 1e-9
    assert forecast(x, r, [carrying, -1e-3, -1e-3], w, small) is None


def history(masses, angles):
    """Networks (n_t, m) whose neurons have these masses and, at all times, these angles."""
    masses = np.array(masses, dtype=float)
    w = np.sqrt(masses)[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.sqrt(masses), w


def test_an_orientation_is_new_when_unknown_neurons_reach_two_percent():
    a, w = history([[1, 0], [1, 0.001], [1, 0.01], [1, 0.1], [1, 1.0]], [0.5, 2.0])
    found = new_orientations([0, 1, 2, 3, 4], a, w, [1.0, 0.5, 0.49, 0.4, 0.1])
    assert [(new.record, new.plateau) for new in found] == [(3, 1)]
    assert_allclose((found[0].angle, found[0].share), (2.0, 0.001 / 1.001))
    assert found[0].small.tolist() == [False, True]


def test_parts_of_an_older_orientation_and_those_that_counted_before_are_not_new():
    angles = np.array([[0.5, 0.5, 2.0]] * 3 + [[0.3, 0.9, 2.0]] * 3)
    masses = np.array([[1, 1, 0], [1, 1, 0.1], [1, 1, 0.1], [1, 1, 0.01], [1, 1, 0.1], [1, 1, 0.1]], dtype=float)
    a, w = history(masses, angles)
    found = new_orientations(np.arange(6), a, w, [1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert found == []
    masses[1, 2] = 0
    a, w = history(masses, angles)
    assert [new.record for new in new_orientations(np.arange(6), a, w, [1.0, 0.5, 0.4, 0.3, 0.2, 0.1])] == [2]


def test_before_the_loss_has_fallen_nothing_is_new():
    a, w = history([[1, 0], [1, 1]], [0.5, 2.0])
    assert new_orientations([0, 1], a, w, [1.0, 0.95]) == []


@pytest.mark.parametrize(("fall", "found"), [(2.7, 0), (3.3, 1)])
def test_a_descent_is_a_fall_by_the_factor_that_is_asked(fall, found):
    t, loss = np.array([1.0, 2, 3, 4, 5]), np.array([fall, fall, 1.0, 1.0, 1.0])
    assert descents(t, loss, factor=3.0).size == found


def test_slow_falls_and_small_ones_are_no_descents():
    t = np.geomspace(1, 1e6, 400)
    assert descents(t, t**-0.9).tolist() == []
    small = 1 - 0.4 / (1 + np.exp(-20 * np.log(t / 1e3)))
    assert descents(t, small).tolist() == []
    assert descents(t, small, factor=1.3).size == 1
    two = 1 / (1 + (t / 1e2) ** 4) + 1e-3 / (1 + (t / 1e5) ** 4) + 1e-9
    at = t[descents(t, two)]
    assert len(at) == 2
    assert 100 < at[0] < 1000 < 1e5 < at[1]
    assert descents(np.r_[0, t], np.r_[5.0, two]).tolist() == (descents(t, two) + 1).tolist()


def test_random_kinks_have_the_size_of_figure_one_and_are_piecewise_linear():
    x, _ = figure_one_data(200)
    targets = random_kinks(x, np.random.default_rng(0), 5)
    _, twenty = figure_one_data()
    assert_allclose((targets**2).mean(axis=1), np.mean(twenty**2))
    bends = np.abs(np.diff(targets, n=2, axis=1)) > 1e-9
    assert (bends.sum(axis=1) <= 8).all()  # a kink between two points bends the differences at both


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relu_ends(np.zeros((3, 2)), np.ones(3)), "x must have one column"),
        (lambda: relu_ends(np.zeros((3, 1)), np.zeros(3)), "r must have an entry that is not 0"),
        (lambda: relu_ends([[np.nan]], [1.0]), "x"),
        (lambda: descents([1, 2], [1.0]), "loss must have shape"),
        (lambda: descents([1, 2], [1.0, 0.0]), "loss must be"),
        (lambda: descents([1, 2], [1.0, 0.5], factor=1.0), "factor must be > 1"),
        (lambda: forecast([[1.0]], [1.0], [1.0], [[1.0, 0.0]], [1]), "booleans"),
        (lambda: new_orientations([0, 1], np.ones((2, 3)), np.ones((2, 3, 3)), np.ones(2)), "a, w and loss must"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_end_whose_neurons_count_first_is_told():
    """T(u) = 2 max(0, u_1 / 2 + u_2) is sqrt(5) at its one end; mass 2e-6 waits until it has 2 % of the whole."""
    x, r = [[0.5], [0.0]], [4.0, 0.0]
    (end,) = relu_ends(x, r).angle
    a, along = np.array([1.0, 2e-3, 0.5, -1e-3]), np.array([np.cos(end), np.sin(end)])
    w = np.array([[0.0, -1.0], 1e-3 * along, [0.0, -1.0], 5e-3 * along])
    told = forecast(x, r, a, w, [False, True, True, True])
    whole = 1 + 2e-6 + 0.5 + 5e-6  # of all neurons; the last has the wrong sign and does not grow
    assert_allclose(told.angle, np.arctan2(1, 0.5))
    assert_allclose(told.wait, np.log(0.02 * whole / 2e-6) / (2 * np.sqrt(5)))
    assert forecast(x, r, a, w, [True, False, True, True]) is None
    heavy = forecast(x, r, a, w * np.array([[1.0], [1e5], [1.0], [1.0]]), [False, True, True, True])
    assert heavy.wait == 0  # counts already


@pytest.mark.parametrize(("turn", "is_near"), [(0.19, True), (-0.19, True), (0.21, False), (-0.21, False)])
def test_neurons_within_the_gap_of_orientations_grow_with_an_end(turn, is_near):
    x, r = [[0.5], [0.0]], [4.0, 0.0]
    angle = np.arctan2(1, 0.5) + turn
    w = np.array([[0.0, -1.0], [1e-3 * np.cos(angle), 1e-3 * np.sin(angle)]])
    assert (forecast(x, r, [1.0, 1e-3], w, [False, True]) is not None) == is_near


def test_the_steepest_record_of_every_stretch_is_that_of_a_descent():
    """Decades of t, falls by 10^2, 10^4, 10^3 in a row and by 10^1.5 after a rest."""
    t = 10.0 ** np.arange(9)
    loss = 10.0 ** -np.array([0, 0, 2, 6, 9, 9, 9.5, 11, 11])
    assert descents(t, loss).tolist() == [3, 7]
    assert descents(t, loss, factor=100.0).tolist() == [3]
    assert descents(t[:3], loss[:3]).tolist() == [2]
    assert descents(np.r_[0.0, t], np.r_[7.0, loss]).tolist() == [4, 8]


def test_a_plateau_is_where_the_loss_falls_slowest_since_the_orientation_before():
    """The loss falls by ln 10, 0.1 ln 10, 0.5 ln 10 a record between the first fit and the new orientation."""
    masses = [[1, 0], [1, 0.001], [1, 0.002], [1, 0.004], [1, 0.008], [1, 0.2]]
    a, w = history(masses, [0.5, 2.0])
    loss = 10.0 ** -np.array([0, 1, 2, 2.1, 2.6, 3.6])
    (new,) = new_orientations([0, 10, 20, 30, 40, 50], a, w, loss)
    assert (new.record, new.plateau) == (5, 2)
    assert_allclose(new.share, 0.002 / 1.002)


def test_angles_between_directions_and_lines():
    assert_allclose(angle_between([0.1, 3.0, -3.0, 7.0], [0.4, -3.0, 0.0, 0.0]), [0.3, 2 * np.pi - 6, 3, 7 - 2 * np.pi])
    assert_allclose(angle_between([3.0, 1.5, 2.0], 0.0, axis=True), [np.pi - 3, 1.5, np.pi - 2])
