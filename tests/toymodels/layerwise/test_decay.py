"""Weight decay with any imbalance, against the raw flow and against Bessel functions of many digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import integrate
from toymodels.layerwise import DiagonalNetwork, ScalarNetwork

LARGE_WEIGHTS = st.tuples(st.floats(-8, 4), st.floats(-8, 4)).map(lambda logs: tuple(10.0**log for log in logs))
SIGNS = st.sampled_from([-1.0, 1.0])
TARGETS = st.floats(-2, 2)
DECAYS = st.floats(-6, 1).map(lambda log: 10.0**log)


def weights(run):
    return np.stack([run["a"], run["b"]])


def close(got, expected, tolerance=1e-10):
    """Equal beside the larger of the two weights at each time."""
    scale = np.abs(expected).max(axis=0) + 1e-290
    assert_allclose(got / scale, expected / scale, rtol=0, atol=tolerance)


@given(
    weights0=st.tuples(st.floats(0.01, 3), st.floats(-3, -0.01) | st.floats(0.01, 3)),
    target=TARGETS,
    variance=st.floats(0.1, 2),
    mu=st.floats(0.01, 1),
)
def test_the_raw_flow(weights0, target, variance, mu):
    t = np.array([0, 0.1, 0.5, 2, 10.0])

    def velocity(state):
        a, b = state
        pull = variance * (target - a * b)
        return np.array([pull * b - mu * a, pull * a - mu * b])

    run = DiagonalNetwork([target], *weights0, variance=variance, weight_decay=mu).solve(t)
    expected = integrate(velocity, np.array(weights0), t).T
    assert_allclose(weights(run)[..., 0], expected, rtol=1e-9, atol=1e-10 * max(map(abs, (*weights0, 1e-4))))
    assert_allclose(run["product"][:, 0], expected[0] * expected[1], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_bessel_functions_of_many_digits(seed):
    rng = np.random.default_rng(seed)
    mu, variance, target = 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-1, 1)
    a, b = 10 ** rng.uniform(-3, 1), rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 1)
    t = np.array([0.01, 0.3, 2.0]) / mu
    run = DiagonalNetwork([target], a, b, variance=variance, weight_decay=mu).solve(t)
    for k, time in enumerate(t):
        close(weights(run)[:, k, 0], by_bessel(a, b, target, variance, mu, time), 1e-12)


def by_bessel(a, b, target, variance, mu, t):
    """The sheet's formula, y = A / B with B = c1 I(z) + c2 K(z), taken literally."""
    with mpmath.workdps(400):
        a, b, target, variance, mu, t = map(mpmath.mpf, map(float, (a, b, target, variance, mu, t)))
        rate = 2 * variance
        aligned, opposed = (a + b) ** 2 / 4, (a - b) ** 2 / 4
        order = (rate * target - 2 * mu) / (4 * mu)
        z0, pull = rate * mpmath.sqrt(aligned * opposed) / (2 * mu), rate * aligned / (2 * mu)

        def solutions(z):
            values = mpmath.besseli(order, z), mpmath.besselk(order, z)
            beside = (order - 1, order + 1)
            slopes = sum(mpmath.besseli(n, z) for n in beside) / 2, -sum(mpmath.besselk(n, z) for n in beside) / 2
            return values, [-z * slope for slope in slopes]

        (i, k), (di, dk) = solutions(z0)
        c1, c2 = mpmath.lu_solve(mpmath.matrix([[i, k], [di, dk]]), mpmath.matrix([1, pull - order]))
        (i, k), (di, dk) = solutions(z0 * mpmath.exp(-2 * mu * t))
        bottom = c1 * i + c2 * k
        root = mpmath.sqrt((c1 * di + c2 * dk + order * bottom) / pull / bottom)
        sums, differences = (a + b) / 2 * root, (a - b) / 2 * mpmath.exp(-2 * mu * t) / root
        return np.array([float(sums + differences), float(sums - differences)])


@given(start=LARGE_WEIGHTS, sign=SIGNS, target=TARGETS, mu=DECAYS, shares=st.tuples(st.floats(-4, 1), st.floats(-4, 1)))
def test_going_on_from_a_state_is_going_on(start, sign, target, mu, shares):
    a, b = start[0], sign * start[1]
    pace = max(abs(target), a * a + b * b, mu)
    first, second = (10.0**share / pace for share in shares)
    network = DiagonalNetwork([target], a, b, weight_decay=mu)
    middle = network.solve([first])
    onwards = DiagonalNetwork([target], middle["a"][0], middle["b"][0], weight_decay=mu).solve([second])
    whole = network.solve([first + second])
    close(weights(onwards)[:, 0, 0], weights(whole)[:, 0, 0], 1e-9)


@given(start=LARGE_WEIGHTS, sign=SIGNS, target=TARGETS, mu=DECAYS)
def test_the_imbalance_dies_and_symmetries_hold(start, sign, target, mu):
    a, b = start[0], sign * start[1]
    t = np.array([0.0, 1e-3, 0.1, 1.0, 10.0]) / max(mu, 0.1)
    network = DiagonalNetwork([target], a, b, weight_decay=mu)
    run = network.solve(t)
    sums = (run["a"] + run["b"]) * (run["a"] - run["b"])
    expected = network.imbalance * np.exp(-2 * mu * t)[:, None]
    assert_allclose(sums, expected, rtol=1e-9, atol=1e-12 * float((run["a"] ** 2 + run["b"] ** 2).max()))
    close(weights(DiagonalNetwork([target], b, a, weight_decay=mu).solve(t))[::-1], weights(run), 1e-12)
    turned = weights(DiagonalNetwork([-target], a, -b, weight_decay=mu).solve(t))
    close(turned * np.array([1, -1])[:, None, None], weights(run), 1e-12)
    assert np.isfinite(run["loss"]).all()


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), target=TARGETS)
def test_without_decay_it_is_the_undamped_flow(a, b, target):
    t = np.array([0.0, 0.1, 1.0, 5.0])
    undamped = DiagonalNetwork([target], a, b).solve(t)
    almost = DiagonalNetwork([target], a, b, weight_decay=1e-13).solve(t)
    assert_allclose(weights(almost), weights(undamped), rtol=1e-9, atol=1e-10)


@given(start=LARGE_WEIGHTS, sign=SIGNS, target=TARGETS, mu=DECAYS)
def test_the_end_is_a_shrunken_target_or_nothing(start, sign, target, mu):
    a, b = start[0], sign * start[1]
    end = DiagonalNetwork([target], a, b, weight_decay=mu).solve([np.inf])["product"][0, 0]
    grows = (target > 0 and a + b != 0) or (target < 0 and a - b != 0)
    expected = np.copysign(max(abs(target) - mu, 0.0), target) if grows else 0.0
    assert end == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(
    a=st.floats(0.01, 3),
    b=st.floats(0.01, 3),
    target=st.floats(0.2, 2),
    mu=st.floats(1e-3, 0.3),
    part=st.floats(0.05, 0.95),
)
def test_the_time_to_a_level_is_the_first_passage(a, b, target, mu, part):
    network = DiagonalNetwork([target], a, b, weight_decay=mu)
    time = network.time_to(part)[0]
    level = a * b + part * (target - a * b)
    if np.isfinite(time):
        assert network.solve([time])["product"][0, 0] == pytest.approx(level, rel=1e-8, abs=1e-9)
    products = network.solve(np.geomspace(1e-3, 1e3, 2000) if np.isinf(time) else time * np.linspace(0, 0.999, 200))
    side = np.sign(target - a * b) * (products["product"][:, 0] - level)
    assert (side < 1e-8).all()


@given(
    a=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    b=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    target=TARGETS,
    mu=st.floats(0.01, 1),
)
def test_the_scalar_network_decays_as_a_whole(a, b, target, mu):
    t = np.array([0, 0.2, 1, 5.0])

    def velocity(state):
        w, v = state[:3], state[3:]
        pull = 0.5 * (target - w @ v / 2)
        return np.concatenate([pull * v - mu * w, pull * w - mu * v])

    run = ScalarNetwork(a, b, target, normalizer=2.0, weight_decay=mu).solve(t)
    expected = integrate(velocity, np.array([*a, *b]), t)
    assert_allclose(np.hstack([run["a"], run["b"]]), expected, rtol=1e-8, atol=1e-10)
    assert_allclose(run["function"], (expected[:, :3] * expected[:, 3:]).sum(axis=1) / 2, rtol=1e-8, atol=1e-10)
    assert_allclose(run["features"].sum(axis=1), run["function"], atol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_the_growth_of_the_features_is_at_least_target_over_scale(seed):
    rng = np.random.default_rng(seed)
    network = ScalarNetwork(*rng.standard_normal((2, 5)), target=10 ** rng.uniform(-2, 2))
    assert network.gamma_inf * network.weight_to_target >= 1 - 1e-12  # Remark I.3


def test_descent_with_small_steps_is_the_flow():
    network = ScalarNetwork([2.0, 0.1], [0.3, -0.2], 1.0, weight_decay=0.3)
    steps = network.simulate(4000, 1e-3)
    flow = network.solve([4.0])
    assert_allclose(steps["function"][-1], flow["function"][0], atol=2e-3)


def test_arrays_are_copied_and_bad_input_is_named():
    w = np.array([1.0])
    network = DiagonalNetwork([1.0], w, w, weight_decay=0.1)
    before = network.solve([1.0])["product"]
    w[:] = 7
    assert_allclose(network.solve([1.0])["product"], before)
    with pytest.raises(ValueError, match="weight_decay must be >= 0, got -1"):
        ScalarNetwork([1.0], [1.0], 1.0, weight_decay=-1.0)
    with pytest.raises(ValueError, match=r"fraction must be in \(0, 1\)"):
        network.time_to(1.0)
    with pytest.raises(ValueError, match="a0"):
        DiagonalNetwork([1.0], np.ma.masked_array([1.0], [True]), 1.0)
