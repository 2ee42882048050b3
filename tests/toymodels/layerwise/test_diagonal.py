import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels import SimulationError
from toymodels.layerwise import diagonal
from toymodels.layerwise.diagonal import DiagonalNetwork

D = 3
weights = arrays(float, D, elements=st.floats(-2, 2))
targets = arrays(float, D, elements=st.floats(-3, 3))
variances = arrays(float, D, elements=st.floats(0, 2))
T = np.array([0.0, 0.2, 1.0, 3.0])


def raw_flow(target, a0, b0, variance, decay=0.0):
    def velocity(state):
        a, b = np.split(state, 2)
        pull = variance * (target - a * b)
        return np.concatenate([pull * b, pull * a]) - decay * state

    return np.split(integrate(velocity, np.concatenate([a0, b0]), T), 2, axis=1)


@given(targets, weights, weights, variances)
def test_solution_matches_the_flow_for_any_signs(target, a0, b0, variance):
    run = DiagonalNetwork(target, a0, b0, variance).solve(T)
    a, b = raw_flow(target, a0, b0, variance)
    for name, expected in (("a", a), ("b", b), ("product", a * b)):
        assert_same_flow(run[name], expected)
    assert_allclose(run["loss"], 0.5 * (target - a * b) ** 2 @ variance, rtol=1e-6, atol=1e-10)


def exactly(target, a0, b0, variance, t):
    """a, b, a b and S - a b of one coordinate in 60 digits, and the sizes that their errors are measured by."""
    with mpmath.workdps(60):
        target, a0, b0, variance, t = map(mpmath.mpf, map(float, (target, a0, b0, variance, t)))
        p, q = (a0 + b0) ** 2 / 4, (a0 - b0) ** 2 / 4
        gap = mpmath.sqrt(target**2 + 4 * p * q)
        decay = mpmath.exp(-2 * variance * gap * t)
        share = (1 - decay) / gap
        top, bottom = decay + share * ((gap + target) / 2 + q), decay + share * ((gap - target) / 2 + p)
        growth = mpmath.sqrt(top / bottom)
        rising, falling = (a0 + b0) / 2 * growth, (a0 - b0) / 2 / growth
        a, b, left = rising + falling, rising - falling, (target - a0 * b0) * decay / top / bottom
        sizes = [abs(rising) + abs(falling)] * 2 + [abs(a0 * b0) + abs(target), abs(left)]
        return [float(value) for value in (a, b, a * b, left)], [float(size) for size in sizes]


@given(
    st.tuples(*[st.floats(-1, 1).filter(lambda x: abs(x) > 1e-3)] * 3),
    st.tuples(*[st.integers(-30, 30)] * 3),
    st.floats(1e-3, 2),
    st.floats(-4, 1.5),
)
def test_every_digit_is_right_whatever_the_scales(numbers, powers, variance, log_time):
    target, a0, b0 = (x * 10.0**power for x, power in zip(numbers, powers, strict=True))
    gap = np.hypot(target, (a0 - b0) * (a0 + b0) / 2)
    t = 10**log_time / (variance * gap)
    run = DiagonalNetwork([target], a0, b0, variance).solve([t])
    (a, b, product, left), sizes = exactly(target, a0, b0, variance, t)
    got = [run["a"][0, 0], run["b"][0, 0], run["product"][0, 0], np.sqrt(2 * run["loss"][0] / variance)]
    for value, expected, size in zip(got, (a, b, product, abs(left)), sizes, strict=True):
        assert abs(value - expected) <= 4e-15 * size * max(1, 10**log_time)  # an exponent of x has an error of x eps


@given(targets, weights, weights, variances)
def test_both_ways_through_memory_give_the_same(target, a0, b0, variance):
    t = np.array([0, 1e-300, 1e-9, 0.3, 2, 40, 1e6, np.inf])
    model = DiagonalNetwork(target, a0, b0, variance)
    fast = model.solve(t)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagonal, "is_moderate", lambda flow: False)
        slow = model.solve(t)
    for name in ("a", "b", "product", "ntk", "loss"):
        scale = np.abs(slow[name]).max() + 1e-290
        assert_allclose(fast[name] / scale, slow[name] / scale, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("change", "moderate"),
    [
        ({}, True),
        ({"target": [1e120, 1.0]}, False),
        ({"a0": [1e60, 1.0]}, False),
        ({"a0": [0.5, 1.0], "b0": [0.5, 1.0], "target": [-1.0, 1.0]}, False),  # towards a saddle
        ({"target": [0.0, 1.0], "a0": [1e-60, 1.0], "b0": [0.0, 0.5]}, False),  # a gap of 1e-120
        ({"target": [1e-60, 1.0]}, True),
    ],
)
def test_the_short_way_is_taken_where_nothing_can_overflow_or_vanish(change, moderate):
    network = DiagonalNetwork(**{"target": [1.0, -2.0], "a0": [0.5, 1.0], "b0": [0.25, -3.0], **change})
    assert diagonal.is_moderate(network.flow) == moderate


@given(targets, weights, arrays(float, D, elements=st.sampled_from([-1.0, 1.0])), st.floats(0, 1))
def test_weight_decay_matches_the_flow_for_balanced_weights(target, a0, signs, decay):
    variance = np.array([0.5, 1.0, 2.0])
    run = DiagonalNetwork(target, a0, signs * a0, variance, decay).solve(T)
    a, b = raw_flow(target, a0, signs * a0, variance, decay)
    assert_same_flow(run["a"], a)
    assert_same_flow(run["product"], a * b)
    assert_allclose(run["loss"], 0.5 * (target - a * b) ** 2 @ variance, rtol=1e-6, atol=1e-10)


@given(targets, weights, weights, variances)
def test_restarting_half_way_gives_the_same_end(target, a0, b0, variance):
    half = DiagonalNetwork(target, a0, b0, variance).solve([0.7])
    whole = DiagonalNetwork(target, a0, b0, variance).solve([2.0])
    rest = DiagonalNetwork(target, half["a"][0], half["b"][0], variance).solve([1.3])
    for name in ("a", "b", "product"):
        assert_allclose(rest[name], whole[name], rtol=1e-9, atol=1e-9)


@given(targets, weights, weights, variances)
def test_imbalance_is_conserved_and_the_loss_falls(target, a0, b0, variance):
    model = DiagonalNetwork(target, a0, b0, variance)
    run = model.solve(np.linspace(0, 5, 30))
    assert_allclose(run["a"] ** 2 - run["b"] ** 2, np.tile(model.imbalance, (30, 1)), rtol=1e-10, atol=1e-12)
    assert_allclose(run["a"] * run["b"], run["product"], rtol=1e-11, atol=1e-12)
    assert np.all(np.diff(run["loss"]) <= 1e-13 * run["loss"][0])


@given(targets, weights, weights, variances)
def test_symmetries_of_the_two_layers(target, a0, b0, variance):
    run = DiagonalNetwork(target, a0, b0, variance).solve(T)
    swapped = DiagonalNetwork(target, b0, a0, variance).solve(T)
    assert_allclose(swapped["a"], run["b"], **EXACT)
    flipped = DiagonalNetwork(-target, -a0, b0, variance).solve(T)
    assert_allclose(flipped["product"], -run["product"], **EXACT)
    slower = DiagonalNetwork(target, a0, b0, variance / 4).solve(4 * T)
    assert_allclose(slower["a"], run["a"], **EXACT)
    scaled = DiagonalNetwork(9 * target, 3 * a0, 3 * b0, variance).solve(T / 9)
    assert_allclose(scaled["a"], 3 * run["a"], rtol=1e-11, atol=1e-11)


@given(st.floats(0.01, 3), st.floats(0.01, 2), st.floats(0.1, 2))
def test_equal_weights_follow_the_sigmoid(target, u0, variance):
    run = DiagonalNetwork([target], np.sqrt(u0), np.sqrt(u0), variance).solve(T)
    sigmoid = target / (1 + (target / u0 - 1) * np.exp(-2 * variance * target * T))  # Eq. 9
    assert_allclose(run["product"][:, 0], sigmoid, **EXACT)


def test_unequal_weights_follow_the_hyperbolic_sine_of_saxe_2014():
    target, a0, b0 = 1.7, 0.9, 0.2
    product = DiagonalNetwork([target], a0, b0).solve(T)["product"][:, 0]
    c = a0**2 - b0**2
    theta0 = np.arcsinh(2 * a0 * b0 / c)
    theta = integrate(lambda s: 2 * target - c * np.sinh(s), [theta0], T)[:, 0]
    assert_same_flow(product, c / 2 * np.sinh(theta))


def test_stages_follow_one_another_where_the_linear_model_learns_all_at_once():
    target, u0 = np.array([4.0, 2.0, 1.0]), 1e-4
    model = DiagonalNetwork(target, np.sqrt(u0), np.sqrt(u0))
    first = model.time_to(0.95)[0]
    progress = model.solve([first])["product"][0] / target
    assert_allclose(progress[0], 0.95, rtol=1e-4)
    assert progress[1] < 0.05
    assert progress[2] < 0.01


@given(targets, weights, weights, st.floats(0.1, 0.9))
def test_time_to_a_fraction_of_the_way(target, a0, b0, fraction):
    model = DiagonalNetwork(target, a0, b0)
    for i, t in enumerate(model.time_to(fraction)):
        if t < 1e6 and abs(target[i] - a0[i] * b0[i]) > 1e-3:
            product = model.solve([t])["product"][0, i]
            start = a0[i] * b0[i]
            assert_allclose((product - start) / (target[i] - start), fraction, rtol=1e-9)


def test_delay_of_a_small_start_is_logarithmic():
    u0 = 1e-6
    model = DiagonalNetwork([2.0], np.sqrt(u0), np.sqrt(u0), 0.5)
    half = np.log(2.0 / u0 - 1) / (2 * 0.5 * 2.0)
    product = model.solve([half])["product"][0, 0]
    assert_allclose(product, 1.0, rtol=1e-12)


def test_weight_decay_is_a_soft_threshold():
    model = DiagonalNetwork([2.0, 0.3, -2.0], [0.1, 0.1, -0.1], [0.1, 0.1, 0.1], [1.0, 1.0, 0.5], weight_decay=0.5)
    assert_allclose(model.solve([np.inf])["product"][0], [1.5, 0.0, -1.0], **EXACT)


@pytest.mark.parametrize("u0", [0.0, 1e-200, 1e8])
@pytest.mark.parametrize("target", [-1.0, 0.0, 2.0])
def test_extremes_stay_finite(u0, target):
    a0 = np.sqrt(u0)
    run = DiagonalNetwork([target], a0, a0).solve([0.0, 1e-300, 1.0, 1e6, np.inf])
    assert_allclose(run["product"][:2, 0], u0, rtol=1e-12)
    end = max(target, 0.0) if u0 else 0.0
    assert_allclose(run["product"][-2:, 0], end, rtol=1e-12, atol=1e-6)


def test_gradient_descent_is_first_order_in_the_step():
    model = DiagonalNetwork([1.0, -0.5], 0.3, [0.1, -0.3])
    end = model.solve([2.0])["a"][0]
    errors = [np.abs(model.simulate(round(2 / lr), lr)["a"][-1] - end).max() for lr in (0.02, 0.01, 0.005)]
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


def test_a_diverging_descent_is_reported():
    with pytest.raises(SimulationError, match="is not finite at step"):
        DiagonalNetwork([1.0], 5.0, 5.0).simulate(50, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [1.0, 2.0, 3.0], 1.0), "a0 must be a number or have shape"),
        (([np.inf], 1.0, 1.0), "target must be finite"),
        (([1.0], 1.0, np.nan), "b0 must be finite"),
        (([1.0], 1.0, 1.0, -0.1), "variance must be >= 0"),
        (([1.0, 2.0], 1.0, 1.0, np.eye(2)), "variance must be a number or .*a covariance couples the coordinates"),
        (([1.0], 1.0, 1.0, 1.0, -0.1), "weight_decay must be >= 0"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        DiagonalNetwork(*arguments)


def test_a_fraction_outside_0_and_1_is_refused():
    with pytest.raises(ValueError, match=r"fraction must be in \(0, 1\), got 0"):
        DiagonalNetwork([1.0], 1.0, 1.0).time_to(0.0)
