import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels import SimulationError
from toymodels.condensation import (
    TwoLayerNetwork,
    clusters,
    condensed_directions,
    multiplicity,
    normalised_descent,
    potential,
)
from toymodels.condensation.directions import arrivals

MULTIPLICITY = {"tanh": 1, "xtanh": 2, "x2tanh": 3}
seeds = st.integers(0, 10**6)


def task(seed, dim=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (12, dim)), rng.standard_normal(12)


@given(seeds, st.integers(1, 5))
def test_at_most_2p_directions_all_attracting(seed, p):
    x, y = task(seed)
    directions, signs = condensed_directions(x, y, p)
    assert len(directions) <= 2 * p
    angle = np.linspace(-np.pi, np.pi, 20000, endpoint=False)
    height = potential(x, y, np.stack([np.cos(angle), np.sin(angle)], axis=1), p)[0]
    peaks = (height > np.roll(height, 1)) & (height >= np.roll(height, -1)) & (height > 0)
    dips = (height < np.roll(height, 1)) & (height <= np.roll(height, -1)) & (height < 0)
    assert (signs > 0).sum() == peaks.sum()
    assert (signs < 0).sum() == dips.sum()


def test_several_inputs_are_known_for_the_first_two_orders_only():
    x, y = task(3, dim=3)
    u, signs = condensed_directions(x, y, 2)
    x1 = np.c_[x, np.ones(len(x))]
    values = np.linalg.eigvalsh((x1 * y[:, None]).T @ x1 / len(y))
    assert_allclose(np.sort(potential(x, y, u, 2)[0]), np.sort([values[0], values[0], values[-1], values[-1]]))
    assert sorted(signs) == [-1, -1, 1, 1]
    with pytest.raises(ValueError, match="p must be <= 2"):
        condensed_directions(x, y, 3)


def trained(activation, n_inputs, seed, width=10, std=1e-7, t=()):
    """Times, weights and losses of a network trained from a tiny start in small steps; and its data, of mean not 0."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (20, n_inputs)) + 0.3
    y = rng.choice([-1, 1]) * (1 + x[:, 0] + 0.5 * rng.standard_normal(20))
    lr = 0.01 / width
    steps = [round(time / lr) for time in t]
    run = TwoLayerNetwork.random(width, n_inputs, std, activation, rng).train(x, y, steps[-1], lr, steps)
    return run, x, y


@pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
@pytest.mark.parametrize("n_inputs", [1, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_activation_that_does_not_vanish_has_one_direction_from_either_stage(activation, n_inputs, seed):
    run, x, y = trained(activation, n_inputs, seed, t=(0.02, 10.0))
    for k, mean_fitted in ((1, False), (2, True)):
        directions, signs = condensed_directions(x, y, multiplicity(activation), mean_fitted=mean_fitted)
        assert directions.shape == (1, n_inputs + 1)
        w = run["w"][k]
        assert np.linalg.norm(w, axis=1).max() < 0.35
        cosines = w @ directions[0] / np.linalg.norm(w, axis=1)
        assert cosines.min() > 0.99
        assert set(np.sign(run["a"][k])) == set(signs)
        assert clusters(w).max() == 0


def test_centred_targets_leave_both_directions_to_a_sigmoid():
    x, y = task(1, dim=2)
    y = y - y.mean()
    for mean_fitted in (False, True):
        both = condensed_directions(x, y, multiplicity("sigmoid"), mean_fitted=mean_fitted)
        assert_allclose(both[0], condensed_directions(x, y)[0])
        assert both[1].tolist() == [1, -1]
    rng = np.random.default_rng(0)
    start = TwoLayerNetwork.random(40, 2, 1e-6, "sigmoid", rng)
    lr = 0.01
    w = start.train(x, y, round(40 / np.linalg.norm(np.c_[x, np.ones(12)].T @ y / 12) / lr), lr, 10**6)["w"][-1]
    cosines = w @ both[0][0] / np.linalg.norm(w, axis=1)
    assert (np.abs(cosines) > 0.99).mean() > 0.9
    assert {-1, 1} == set(np.sign(cosines))


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_square_on_a_constant_condenses_to_the_ends_of_one_sign_of_the_centred_targets(sign):
    x, y = task(4)
    y = sign * (y + 2)
    x1, rng = np.c_[x, np.ones(len(x))], np.random.default_rng(0)
    a, w = 1e-6 * rng.standard_normal(10), 1e-6 * rng.standard_normal((10, 2))
    for _ in range(40_000):  # s(z) = 1 - z^2
        z = x1 @ w.T
        error = ((1 - z**2) @ a - y) / len(y)
        a, w = a - 0.02 * error @ (1 - z**2), w + 0.02 * 2 * a[:, None] * ((z * error[:, None]).T @ x1)
        if np.linalg.norm(w) > 0.05:
            break
    z = sympy.Symbol("z")
    directions, signs = condensed_directions(x, y, multiplicity(1 - z**2), mean_fitted=True)
    assert set(signs) == {sign}
    assert len(directions) == 2
    norms = np.linalg.norm(w, axis=1)
    assert ((w @ directions.T).max(axis=1) / norms)[norms > 0.1 * norms.max()].min() > 0.99


def test_a_negative_coefficient_exchanges_maxima_and_minima():
    x, y = task(5)
    z = sympy.Symbol("z")
    plain = condensed_directions(x, y, 2)
    turned = condensed_directions(x, -y, multiplicity(-3 * z**2))
    assert_allclose(turned[0], plain[0])
    assert turned[1].tolist() == plain[1].tolist()


def test_targets_without_a_drive_are_refused():
    x = np.linspace(-1, 1, 9)[:, None]
    even = x[:, 0] ** 2 - (x**2).mean()
    for p in (1, 2, 4):
        with pytest.raises(ValueError, match="y must have an entry that is not 0"):
            condensed_directions(x, np.zeros(9), p)
    with pytest.raises(ValueError, match="y must drive the neurons at order p = 1"):
        condensed_directions(x, even, 1)
    assert_allclose(np.abs(condensed_directions(x, even, 2)[0]), [[1, 0], [1, 0]], atol=1e-12)
    with pytest.raises(ValueError, match="y must drive the neurons at order p = 1"):
        condensed_directions(x, np.full(9, 0.7), multiplicity("sigmoid"), mean_fitted=True)
    legendre = 5 * x[:, 0] ** 3 - 3 * x[:, 0] * (x**4).sum() / (x**2).sum() * 5 / 3
    with pytest.raises(ValueError, match="y must drive the neurons at order p = 2"):
        condensed_directions(np.c_[x, 0 * x], legendre, 2)


def test_a_circle_of_ends_is_refused():
    angle = np.arange(8) * np.pi / 4
    with pytest.raises(ValueError, match="circle"):
        condensed_directions(np.array([[1.0], [-1.0]]), np.ones(2), 2)
    with pytest.raises(ValueError, match="circle"):
        condensed_directions(np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.sqrt(2), np.ones(8), 2)


@given(seeds, st.integers(1, 5), st.integers(1, 3))
def test_one_sample_attracts_along_itself_only(seed, p, dim):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, (1, dim)), rng.choice([-1, 1]) * rng.uniform(0.1, 2, 1)
    if p >= 3 and dim > 1:
        return
    directions, signs = condensed_directions(x, y, p)
    unit = np.append(x[0], 1) / np.linalg.norm(np.append(x[0], 1))
    assert_allclose(np.abs(directions @ unit), 1, rtol=1e-6)
    assert len(directions) == 2
    assert_allclose(signs, np.sign(y * (directions @ unit) ** p))


@given(seeds, st.integers(1, 2), st.integers(1, 3))
def test_columns_of_zeros_change_nothing(seed, p, dim):
    x, y = task(seed, dim=dim)
    plain, signs = condensed_directions(x, y, p)
    wide, wide_signs = condensed_directions(np.c_[x, np.zeros((12, 2))], y, p)
    assert_allclose(wide[:, dim : dim + 2], 0, atol=1e-9)
    wide = np.delete(wide, [dim, dim + 1], axis=1)
    assert sorted(wide_signs) == sorted(signs)
    assert_allclose((wide @ plain.T).max(axis=1), 1)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_directions_do_not_depend_on_the_size_of_the_targets(scale):
    x, y = task(2)
    for p in (1, 2, 3):
        for found, expected in zip(condensed_directions(x, scale * y, p), condensed_directions(x, y, p), strict=True):
            assert_allclose(found, expected)


@pytest.mark.parametrize(("activation", "seed"), [("tanh", 0), ("xtanh", 1), ("x2tanh", 2), ("x2tanh", 3)])
def test_normalised_descent_reaches_exactly_the_predicted_directions(activation, seed):
    x, y = task(seed)
    directions, signs = condensed_directions(x, y, MULTIPLICITY[activation])
    rng = np.random.default_rng(seed)
    run = normalised_descent(TwoLayerNetwork.random(100, 1, 1e-4, activation, rng), x, y, 1500, 0.02)
    a, w = run["a"][-1], run["w"][-1]
    assert_allclose(a**2 + (w**2).sum(axis=1), run["a"][0] ** 2 + (run["w"][0] ** 2).sum(axis=1))
    alive = (w**2).sum(axis=1) > 0.1 * a**2  # the others have shrunk to w = 0 on the wrong side
    cosines = w[alive] @ directions.T / np.linalg.norm(w[alive], axis=1, keepdims=True)
    assert (cosines.max(axis=1) > np.cos(0.05)).mean() > 0.95
    assert (np.sign(a[alive]) == signs[cosines.argmax(axis=1)]).mean() > 0.95
    assert clusters(w[alive], threshold=np.cos(0.1)).max() + 1 == len(directions)


def test_neurons_that_have_shrunk_have_not_arrived():
    a, w = np.array([1.0, 1.0, -1.0]), np.array([[3.0, 4.0], [0.1, 0.0], [0.0, -2.0]])
    arrived, cosine = arrivals(a, w, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert arrived.tolist() == [True, False, True]
    assert_allclose(cosine, [0.8, 0.0])


def test_neurons_without_a_gradient_are_a_simulation_error():
    x, y = task(0)
    with pytest.raises(SimulationError, match="gradient of 1 neurons is zero"):
        normalised_descent(TwoLayerNetwork([1.0, 1.0], [[0.1, 5.0], [0.1, -5.0]]), x, y, 10, 0.1)


def test_a_negative_step_is_named():
    with pytest.raises(ValueError, match=r"^lr "):
        normalised_descent(TwoLayerNetwork([1.0], [[0.1, 0.2]]), *task(0), 10, -1.0)


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1e9, 1e200])
@pytest.mark.parametrize("activation", ["tanh", "xtanh", "sigmoid"])
def test_directions_do_not_hang_on_the_unit_of_the_targets(activation, scale):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-1, 1, (9, 1)), rng.standard_normal(9) + 0.3
    p = multiplicity(activation)
    (directions, signs), scaled = condensed_directions(x, y, p), condensed_directions(x, scale * y, p)
    assert len(directions)
    assert_allclose(scaled[0], directions, atol=1e-9)
    assert scaled[1].tolist() == signs.tolist()


@pytest.mark.parametrize(
    ("y", "axes", "signs"),
    [
        ([1, 1, -1, -1], [0, 1], [1, -1]),  # the form is diag(1/2, -1/2, 0)
        ([1, 1, 0.5, 0.5], [2], [1]),  # diag(1/2, 1/4, 3/4): no dip below 0
        ([-1, -1, -0.5, -0.5], [2], [-1]),
        ([3, 3, -1, -1], [0, 1], [1, -1]),  # diag(3/2, -1/2, 1)
    ],
)
def test_ends_of_a_square_in_two_inputs_are_worked_by_hand(y, axes, signs):
    x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    directions, found = condensed_directions(x, y, 2)
    assert len(directions) == 2 * len(axes)
    for axis, sign in zip(axes, signs, strict=True):
        mine = np.abs(directions[:, axis]) > 0.5
        assert_allclose(np.sort(directions[mine, axis]), [-1, 1], atol=1e-12)
        assert_allclose(found[mine], sign)


def test_ends_of_a_square_in_one_input_are_worked_by_hand():
    """T = 2 (u_1^2 + u_1 u_2 + u_2^2): its peak at (1, 1) counts, its dip at (1, -1) is above 0."""
    directions, signs = condensed_directions([[1.0], [-1.0]], [3.0, 1.0], 2)
    assert_allclose(directions[np.argsort(directions[:, 0])], np.array([[-1, -1], [1, 1]]) / np.sqrt(2), atol=1e-12)
    assert_allclose(signs, 1)


def test_ends_on_the_input_axis_are_found_too():
    """T = 4 u_1^2 + u_2^2 has its peak there, and no dip below 0."""
    directions, signs = condensed_directions([[2.0], [-2.0]], [1.0, 1.0], 2)
    assert_allclose(directions[np.argsort(directions[:, 0])], [[-1, 0], [1, 0]], atol=1e-12)
    assert_allclose(signs, 1)


def test_ends_of_a_cube_in_one_input_are_worked_by_hand():
    """T = u_1^3 + 3 u_1 u_2^2 = 3 u_1 - 2 u_1^3 on the circle: peaks at u_1^2 = 1/2."""
    directions, signs = condensed_directions([[1.0], [-1.0]], [1.0, -1.0], 3)
    assert directions.shape == (4, 2)
    assert_allclose(np.abs(directions), np.sqrt(0.5))
    assert {tuple(np.sign(u)) for u in directions} == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
    assert_allclose(signs, np.sign(directions[:, 0]))


@pytest.mark.parametrize("n_outputs", [None, 2])
def test_a_step_of_normalised_descent_is_that_of_loops(n_outputs):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 2)), rng.standard_normal((6,) if n_outputs is None else (6, 2))
    network = TwoLayerNetwork.random(4, 2, 0.5, "tanh", rng, replicates=3, n_outputs=n_outputs)
    run = normalised_descent(network, x, y, 1, 0.3)
    assert run.t.tolist() == [0, 1]
    assert run.meta == {"lr": 0.3}
    grad_a, grad_w = network.gradient(x, y)
    for r in range(3):
        for k in range(4):
            old = np.r_[np.atleast_1d(network.a[r, k]), network.w[r, k]]
            slope = np.r_[np.atleast_1d(grad_a[r, k]), grad_w[r, k]]
            new = old - 0.3 * np.linalg.norm(old) * slope / np.linalg.norm(slope)
            new *= np.linalg.norm(old) / np.linalg.norm(new)
            got = np.r_[np.atleast_1d(run["a"][1, r, k]), run["w"][1, r, k]]
            assert_allclose(got, new, rtol=1e-10, atol=1e-12)


def test_a_step_is_an_angle_of_half_a_turn_at_most():
    network, x, y = TwoLayerNetwork([1.0], [[0.1, 0.2]]), *task(0)
    normalised_descent(network, x, y, 1, np.pi)
    with pytest.raises(ValueError, match=r"lr must be an angle of at most pi, got 3\.15"):
        normalised_descent(network, x, y, 1, 3.15)
