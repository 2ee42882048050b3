"""The integrated flow of two layers: its symmetries, its curvature, and what it conserves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise import weight_flow
from toymodels.layerwise.weight_flow import WeightFlow
from toymodels.trajectory import SimulationError

seeds = st.integers(0, 10**6)
RATES = [(1.0, 1.0), (0.5, 3.0)]


def flow_of(seed, shape=(2, 3, 2), decay=0.3, rates=(0.5, 3.0), size=0.8):
    """A flow of d inputs, h hidden units and c outputs with a covariance that is not white."""
    d, h, c = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((d + 3, d))
    covariance = x.T @ x / len(x) + 0.2 * np.eye(d)
    w1, w2 = size * rng.standard_normal((h, d)), size * rng.standard_normal((c, h))
    return WeightFlow(w1, w2, 2 * rng.standard_normal((c, d)) @ covariance, covariance, decay, rates)


def scaled(flow, factor):
    """The same flow with all weights times `factor`, which takes 1 / factor^2 of the time."""
    return WeightFlow(
        factor * flow.w1,
        factor * flow.w2,
        factor**2 * flow.correlation,
        flow.covariance,
        factor**2 * flow.decay,
        flow.rates,
    )


def state_of(w1, w2):
    return np.concatenate([w1.ravel(), w2.ravel()])


@pytest.mark.parametrize(("factor", "rates"), [(1e-8, RATES[1]), (1e4, RATES[0])])
def test_the_flow_has_no_unit_of_its_own(factor, rates):
    flow, t = flow_of(3, rates=rates), np.array([0.0, 0.2, 1.0, np.inf])
    small = scaled(flow, factor)
    for layer, other in zip(flow.layers(t), small.layers(t / factor**2), strict=True):
        assert_allclose(other / factor, layer, rtol=0, atol=1e-11 * np.abs(layer).max())


@settings(max_examples=10)
@given(seeds, st.sampled_from([(2, 3, 2), (3, 1, 2), (1, 2, 3)]), st.sampled_from(RATES))
def test_the_velocity_falls_along_the_loss(seed, shape, rates):
    """Minus the slope of half the squared error, weight by weight, times the rate of its layer."""
    flow = flow_of(seed, shape, rates=rates)

    def loss(state):
        w1, w2 = flow._split(state)
        product = w2 @ w1
        fit = 0.5 * np.trace(product @ flow.covariance @ product.T) - np.sum(product * flow.correlation)
        return fit + 0.5 * flow.decay * np.sum(state**2)

    state = state_of(flow.w1, flow.w2)
    steps = 1e-6 * np.eye(state.size)
    slope = np.array([loss(state + step) - loss(state - step) for step in steps]) / 2e-6
    rate = np.repeat(rates, [flow.w1.size, flow.w2.size])
    assert_allclose(flow._velocity(state), -rate * slope, atol=1e-7)


@settings(max_examples=10)
@given(seeds, st.sampled_from([(2, 3, 2), (3, 1, 2), (1, 2, 3)]), st.sampled_from(RATES))
def test_the_curvature_is_the_derivative_of_the_velocity(seed, shape, rates):
    flow = flow_of(seed, shape, rates=rates)
    state = state_of(flow.w1, flow.w2)
    curvatures, basis, speed = flow._linearised(state)
    steps = 1e-6 * np.eye(state.size)
    jacobian = np.array([flow._velocity(state + step) - flow._velocity(state - step) for step in steps]).T / 2e-6
    root = np.sqrt(np.repeat(rates, [flow.w1.size, flow.w2.size]))
    assert_allclose((basis * curvatures) @ basis.T, -jacobian * root / root[:, None], atol=1e-6)
    assert_allclose(speed, flow._velocity(state))


@pytest.mark.parametrize(
    ("seed", "rates", "decay", "duration"),
    [(0, RATES[0], 0.0, 0.1), (1, RATES[1], 0.3, 2.0), (2, RATES[1], 0.0, 0.7), (3, RATES[1], 0.3, np.inf)],
)
def test_near_a_minimum_the_flow_is_the_linear_one(seed, rates, decay, duration):
    """A little away from the rest, the remaining way is the matrix exponential of the curvature."""
    from scipy.linalg import expm

    flow = flow_of(seed, rates=rates, decay=decay)
    rest = state_of(*(layer[0] for layer in flow.layers(np.array([np.inf]))))
    away = rest + 1e-10 * np.random.default_rng(seed).standard_normal(rest.size)
    curvatures, basis, _ = flow._linearised(rest)
    root = np.sqrt(np.repeat(rates, [flow.w1.size, flow.w2.size]))
    found = flow._rest(away, duration)
    curvature = (basis * np.where(curvatures > 1e-6 * curvatures.max(), curvatures, 0)) @ basis.T
    late = 1e6 if duration == np.inf else duration
    expected = root * (expm(-curvature * late) @ ((away - rest) / root))
    assert found is not None
    assert_allclose(found - rest, expected, rtol=0, atol=3e-14 * np.linalg.norm(rest))


def test_far_from_its_rest_or_at_a_saddle_the_linear_flow_tells_nothing():
    flow = flow_of(0, decay=0.0)
    assert flow._rest(state_of(flow.w1, flow.w2)) is None
    nowhere = np.zeros(flow.w1.size + flow.w2.size)
    for factor in (1e-4, 1.0, 1e4):
        assert scaled(flow, factor)._rest(nowhere, 5.0) is None
        with pytest.raises(ValueError, match="t must be finite for a start that is led to a saddle, got inf"):
            scaled(flow, factor)._rest(nowhere)


def test_the_last_of_a_slow_way_takes_the_time_that_is_left():
    """A mode of variance 1e-4 that is 1e-8 from its rest, beside one of variance 1: it falls at 2e-4."""
    covariance, duration = np.diag([1.0, 1e-4]), 5e3
    turn, layer = np.array([[0.6, -0.8], [0.8, 0.6]]), np.diag([1.0, 1 + 1e-8])
    flow = WeightFlow(turn @ layer, layer @ turn.T, covariance, covariance, 0.0, (1.0, 1.0))
    w1, w2 = flow.layers(np.array([duration]))
    product = (w2 @ w1)[0]
    assert product[1, 1] - 1 == pytest.approx(2e-8 * np.exp(-2e-4 * duration), rel=1e-6)
    assert_allclose(product, np.eye(2), atol=2e-8)


def imbalance(flow, w1, w2):
    return w2.T @ w2 / flow.rates[1] - w1 @ w1.T / flow.rates[0]


@settings(max_examples=15)
@given(
    seeds,
    st.sampled_from([(2, 3, 2), (3, 1, 2), (2, 6, 1)]),
    st.sampled_from([((0.5, 3.0), 0.0), ((1.0, 1.0), 0.0), ((0.7, 0.7), 0.4)]),
)
def test_the_weights_are_moved_to_what_the_start_conserves_and_no_further(seed, shape, rates_and_decay):
    (rates, decay), now = rates_and_decay, 0.9
    flow = flow_of(seed, shape, decay=decay, rates=rates)
    left = np.exp(-2 * decay * rates[0] * now)
    exact = np.sqrt(left) * state_of(flow.w1, flow.w2)  # it has the imbalance that is left
    noise = 1e-5 * np.random.default_rng(seed).standard_normal(exact.size)
    mended = flow._conserving(exact + noise, now)
    assert_allclose(imbalance(flow, *flow._split(mended)), left * imbalance(flow, flow.w1, flow.w2), atol=1e-12)
    root = np.sqrt(np.repeat(rates, [flow.w1.size, flow.w2.size]))
    moved = np.linalg.norm((mended - exact - noise) / root)
    assert moved <= np.linalg.norm(noise / root) * (1 + 1e-4)  # the nearest weights are no farther than the exact ones
    assert moved > 0


def test_with_weight_decay_and_two_rates_nothing_is_conserved():
    flow = flow_of(0, decay=0.3, rates=(0.5, 3.0))
    state = 1.1 * state_of(flow.w1, flow.w2)
    assert_allclose(flow._conserving(state, 0.5), state, rtol=0, atol=0)


@pytest.mark.parametrize(("rates", "decay"), [((0.5, 3.0), 0.0), ((0.7, 0.7), 0.4)])
def test_a_small_imbalance_is_kept_to_its_own_digits(rates, decay):
    """Weights of 1e-4 in balance but for 1e-13: more than the tolerance of the integrator beside their later size."""
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    w1, w2 = np.sqrt(rates[0]) * 1e-4 * turn, np.sqrt(rates[1]) * 1e-4 * np.diag([1.0, 1 + 1e-5]) @ turn.T
    flow = WeightFlow(w1, w2 @ turn.T @ turn, np.diag([3.0, 2.0]), np.diag([1.0, 0.5]), decay, rates)
    t = np.array([0.5, 8.0])
    start = imbalance(flow, flow.w1, flow.w2)
    for now, first, last in zip(t, *flow.layers(t), strict=True):
        left = np.exp(-2 * decay * rates[0] * now)
        size = max(np.abs(last).max() ** 2, 1e-8)
        assert_allclose(imbalance(flow, first, last), left * start, rtol=0, atol=1e-15 * size)


def test_times_that_repeat_give_the_same_weights():
    flow = flow_of(1)
    w1, w2 = flow.layers(np.array([0.0, 0.0, 0.4, 0.4, np.inf, np.inf]))
    for layer, start in ((w1, flow.w1), (w2, flow.w2)):
        assert_allclose(layer[0], start, rtol=0, atol=0)
        for k in (0, 2, 4):
            assert_allclose(layer[k + 1], layer[k], rtol=0, atol=1e-14)
        assert np.abs(layer[2] - layer[0]).max() > 1e-3


def test_weights_of_zero_rest_at_zero():
    flow = WeightFlow(np.zeros((2, 3)), np.zeros((1, 2)), np.ones((1, 3)), np.diag([1.0, 2.0, 3.0]), 0.5, (2.0, 3.0))
    w1, w2 = flow.layers(np.array([1.0, np.inf]))
    assert (w1 == 0).all()
    assert (w2 == 0).all()


def test_more_than_1500_weights_have_no_limit_but_a_future():
    rng = np.random.default_rng(0)
    w1, w2 = rng.standard_normal((151, 4)), rng.standard_normal((6, 151))
    flow = WeightFlow(w1, w2, np.zeros((6, 4)), np.eye(4), 2.0, (1.0, 1.0))
    with pytest.raises(ValueError, match=r"t must be finite with more than 1500 weights .* got inf with 1510"):
        flow.layers(np.array([0.1, np.inf]))
    first, last = flow.layers(np.array([0.001]))
    assert np.linalg.norm(first) < np.linalg.norm(w1)
    assert np.linalg.norm(last) < np.linalg.norm(w2)


def test_too_many_steps_are_said_to_be_too_many(monkeypatch):
    flow = flow_of(2)
    monkeypatch.setattr(weight_flow, "_MOST", 5)
    with pytest.raises(SimulationError, match="weights need more than 5 steps over a flow time of 3"):
        flow.layers(np.array([3.0]))
    monkeypatch.setattr(weight_flow, "_STEPS", 5)
    with pytest.raises(ValueError, match="t must be finite for a start that comes to no rest at a minimum, got inf"):
        flow.layers(np.array([np.inf]))


def test_an_integrator_that_gives_up_is_reported():
    """A pull so strong that the next step is beyond all numbers."""
    flow = WeightFlow(np.ones((2, 2)), np.ones((2, 2)), 1e308 * np.eye(2), np.diag([1.0, 2.0]), 0.0, (1.0, 1.0))
    with np.errstate(all="ignore"), pytest.raises(SimulationError, match="weights could not be integrated: "):
        flow.layers(np.array([1.0]))
