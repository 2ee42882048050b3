import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, raw_flow
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.layerwise.riccati import transition
from toymodels.layerwise.scalar import ScalarNetwork

T = np.array([0.0, 0.1, 0.8, 3.0])
GRAMS = ("map", "gram_in", "gram_out")


@st.composite
def networks(draw, imbalances=(0.0, 1e-8, -1e-8, 0.6, -0.6, 4.0, -4.0)):
    """Square, bottleneck, wide, funnel and anti-funnel shapes; every imbalance the shape allows."""
    d, h, c = draw(st.tuples(*[st.integers(1, 4)] * 3))
    imbalance = draw(st.sampled_from([v for v in imbalances if (v <= 0 or c >= h) and (v >= 0 or d >= h)]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    correlation = rng.standard_normal((c, d)) * draw(st.sampled_from([1.0, 0.0, 3.0]))
    if draw(st.booleans()):  # equal singular values, and none where there could be one
        left, singular, right = np.linalg.svd(correlation, full_matrices=False)
        correlation = (left * (singular[0] * (np.arange(min(c, d)) < 2))) @ right
    return LinearNetwork.balanced(correlation, h, imbalance, draw(st.sampled_from([0.0, 1e-3, 0.3, 2.0])), rng)


def assert_follows_the_flow(model, t=T):
    run = model.solve(t)
    w1, w2 = raw_flow(model, t)
    assert_same_flow(run["map"], w2 @ w1)
    assert_same_flow(run["gram_in"], w1.swapaxes(1, 2) @ w1)
    assert_same_flow(run["gram_out"], w2 @ w2.swapaxes(1, 2))
    assert_same_flow(run["loss"], 0.5 * np.sum((model.correlation - w2 @ w1) ** 2, axis=(1, 2)))


@given(networks())
def test_solution_matches_the_flow_for_any_shape_alignment_and_imbalance(model):
    assert_follows_the_flow(model)


@given(networks(imbalances=(0.0,)), st.floats(0, 1.5))
def test_weight_decay_matches_the_flow_without_imbalance(model, decay):
    assert_follows_the_flow(LinearNetwork(model.w1, model.w2, model.correlation, decay))


@given(networks(), st.floats(0.05, 3), st.floats(0.05, 3))
def test_one_long_step_is_two_short_ones(model, first, second):
    whole, parts = model.solve([first + second]), model.solve([first, first + second])
    for name in GRAMS:
        assert_same_flow(parts[name][-1], whole[name][0], 1e-10)


@given(networks(imbalances=(0.0, 0.5, -0.5)))
def test_flow_restarts_from_its_own_weights(model):
    w1, w2 = (w[-1] for w in raw_flow(model, np.array([0.0, 0.7])))
    rest = LinearNetwork(w1, w2, model.correlation).solve([0.6])
    for name in GRAMS:
        assert_same_flow(rest[name], model.solve([1.3])[name])


@given(networks())
def test_imbalance_is_conserved_and_the_loss_falls(model):
    run = model.solve(np.append(np.linspace(0, 6, 25), np.inf))
    # lambda-balance in terms of what is known: W2 (W2'W2 - W1W1') W1 = lambda W2 W1
    conserved = run["gram_out"] @ run["map"] - run["map"] @ run["gram_in"]
    assert_allclose(conserved, model.imbalance * run["map"], atol=1e-9 * (1 + np.abs(run["gram_out"]).max()) ** 2)
    total = np.trace(run["gram_out"], axis1=1, axis2=2) - np.trace(run["gram_in"], axis1=1, axis2=2)
    assert_allclose(total, model.imbalance * len(model.w1), atol=1e-9 * (1 + np.abs(total).max()))
    assert np.all(np.diff(run["loss"]) <= 1e-9 * (1 + run["loss"][0]))


@given(networks(), st.integers(0, 10**6))
def test_rotating_inputs_outputs_and_hidden_units(model, seed):
    rng = np.random.default_rng(seed)
    (h, d), c = model.w1.shape, len(model.w2)
    u, v, r = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (c, d, h))
    turned = LinearNetwork(r @ model.w1 @ v.T, u @ model.w2 @ r.T, u @ model.correlation @ v.T).solve(T)
    run = model.solve(T)
    assert_same_flow(turned["map"], u @ run["map"] @ v.T, 1e-9)
    assert_same_flow(turned["gram_in"], v @ run["gram_in"] @ v.T, 1e-9)


@given(networks())
def test_transposing_the_network_flips_the_imbalance(model):
    run, flipped = model.solve(T), LinearNetwork(model.w2.T, model.w1.T, model.correlation.T).solve(T)
    assert_same_flow(flipped["map"], run["map"].swapaxes(1, 2), 1e-9)
    assert_same_flow(flipped["gram_in"], run["gram_out"], 1e-9)


@given(st.integers(1, 3), st.floats(-2, 2), st.integers(0, 10**6), st.floats(0.01, 3))
def test_aligned_modes_follow_the_transition_function(hidden, imbalance, seed, t):
    rng = np.random.default_rng(seed)
    correlation, initial = rng.standard_normal((3, 4)), rng.uniform(0.05, 2, hidden)
    rotation = np.linalg.qr(rng.standard_normal((hidden, hidden)))[0]
    run = LinearNetwork.aligned(correlation, initial, hidden, imbalance, rotation).solve([t])
    left, singular, right = np.linalg.svd(correlation)
    modes = transition(t, target=singular[:hidden], initial=initial, imbalance=imbalance)
    assert_allclose(run["map"][0], (left[:, :hidden] * modes) @ right[:hidden], rtol=1e-9, atol=1e-9)


def test_balanced_aligned_modes_are_the_sigmoids_of_equation_12():
    rho, s0 = np.array([3.0, 1.0]), np.array([0.01, 0.02])
    run = LinearNetwork.aligned(np.diag(rho), s0, 2).solve(T)
    expected = rho / (1 + (rho / s0 - 1) * np.exp(-2 * np.outer(T, rho)))
    assert_allclose(np.diagonal(run["map"], axis1=1, axis2=2), expected, rtol=1e-12)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))
def test_one_unit_with_one_input_and_output_is_the_scalar_network(a, b, target):
    run = LinearNetwork([[a]], [[b]], [[target]]).solve(T)
    scalar = ScalarNetwork([a], [b], target).solve(T)
    assert_allclose(run["map"][:, 0, 0], scalar["function"], rtol=1e-9, atol=1e-10)
    assert_allclose(run["gram_in"][:, 0, 0], scalar["a"][:, 0] ** 2, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("imbalance", [0.0, 1e-8, -1e-8, 1.0, -1.0, 1e3, 1e6, -1e6])
@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1.0, 1e4])
def test_long_times_reach_the_target_from_any_scale(imbalance, scale):
    rng = np.random.default_rng(2)
    correlation = np.diag([2.0, 1.5, 1.0])
    model = LinearNetwork.aligned(
        correlation, [scale, 2 * scale, scale / 2], 3, imbalance, np.linalg.qr(rng.standard_normal((3, 3)))[0]
    )
    run = model.solve([0.0, 1e-300, 1.0, 3e8, np.inf])
    assert_allclose(run["map"][-2:], np.tile(correlation, (2, 1, 1)), atol=1e-12 * (1 + abs(imbalance) / 1e3))
    assert_allclose(run["map"][1], run["map"][0], rtol=1e-12, atol=1e-20)


def test_a_random_start_reaches_the_best_fit_its_width_allows():
    rng = np.random.default_rng(0)
    correlation = rng.standard_normal((4, 6))
    left, singular, right = np.linalg.svd(correlation)
    for hidden in (1, 2, 3, 4, 9):
        k = min(hidden, 4)
        end = LinearNetwork.balanced(correlation, hidden, 0.0, 1e-3, rng).solve([1e4, np.inf])["map"]
        best = (left[:, :k] * singular[:k]) @ right[:k]
        assert_allclose(end, np.tile(best, (2, 1, 1)), atol=1e-10)


def test_small_start_keeps_its_digits_over_a_hundred_decades():
    model = LinearNetwork.aligned(np.diag([2.0, 1.0]), [1e-90, 1e-60], 2)
    t = np.array([10.0, 60.0, 100.0, 103.5, 110.0])
    run = model.solve(t)["map"]
    for i, (rho, s0) in enumerate(((2.0, 1e-90), (1.0, 1e-60))):
        expected = transition(t, target=rho, initial=s0, imbalance=0.0)
        assert_allclose(run[:, i, i], expected, rtol=1e-9)


def test_heavy_first_layer_with_many_inputs_learns_late():
    rng, t = np.random.default_rng(1), [5.0, 2000.0]
    correlation = rng.standard_normal((2, 4))
    late, early = (LinearNetwork.balanced(correlation, 2, lam, 1.0, rng).solve(t)["loss"] for lam in (-9.0, 9.0))
    assert late[0] > 1e-2 > 1e-6 > early[0]
    assert late[1] < 1e-12


def test_white_data_give_the_same_network():
    rng = np.random.default_rng(3)
    x = np.linalg.qr(rng.standard_normal((10, 3)))[0] * np.sqrt(10)
    y = rng.standard_normal((10, 2))
    model = LinearNetwork.balanced(y.T @ x / 10, 2, 0.5, 0.3, rng)
    built = LinearNetwork.from_data(model.w1, model.w2, x, y)
    assert built.method == "closed form"
    assert built.covariance is None
    assert_allclose(built.correlation, model.correlation, **EXACT)
    with pytest.raises(ValueError, match="y must have 10 rows"):
        LinearNetwork.from_data(model.w1, model.w2, x, y[:5])


def test_gradient_descent_is_first_order_in_the_step_and_keeps_the_balance_to_that_order():
    model = LinearNetwork.balanced(np.array([[1.0, 0.5], [0.0, -1.0]]), 2, 0.4, 0.3, np.random.default_rng(0))
    end, errors, drifts = model.solve([1.0])["map"][0], [], []
    for lr in (0.01, 0.005, 0.0025):
        run = model.simulate(round(1 / lr), lr)
        w1, w2 = run["w1"][-1], run["w2"][-1]
        errors.append(np.abs(run["map"][-1] - end).max())
        drifts.append(np.abs(w2.T @ w2 - w1 @ w1.T - 0.4 * np.eye(2)).max())
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)
    assert_allclose(np.log2(np.divide(drifts[:-1], drifts[1:])), 1, **ORDER)


def test_positive_imbalance_means_a_heavy_later_layer():
    model = LinearNetwork.balanced(np.eye(2), 2, 3.0, 0.1, np.random.default_rng(0))
    assert_allclose(model.imbalance, 3.0, **EXACT)
    assert np.linalg.norm(model.w2) > np.linalg.norm(model.w1)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(2), rates=(1.0, 0.0)), "rates must be > 0"),
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(2), rates=(1.0,)), "rates must have 2 entries"),
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(2), precision=-1.0), "precision must be >= 0"),
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(2), covariance=np.eye(3)), "covariance must have shape"),
        (
            lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(2), covariance=np.diag([1.0, 0.0])),
            "correlation must be 0 for inputs without variance",
        ),
        (lambda: LinearNetwork(np.eye(2), np.ones((2, 3)), np.eye(2)), "w2 must have 2 columns"),
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(3)), r"correlation must have shape \(2, 2\)"),
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.full((2, 2), np.nan)), "correlation must be finite"),
        (lambda: LinearNetwork(np.eye(2), np.eye(2), np.eye(2), -1.0), "weight_decay must be >= 0"),
        (lambda: LinearNetwork.balanced(np.ones((2, 5)), 3, 1.0, 0.1, RNG), "imbalance must be <= 0 with 3 hidden"),
        (lambda: LinearNetwork.balanced(np.ones((5, 2)), 3, -1.0, 0.1, RNG), "imbalance must be >= 0 with 3 hidden"),
        (lambda: LinearNetwork.balanced(np.eye(2), 0, 0.0, 0.1, RNG), "hidden must be >= 1"),
        (lambda: LinearNetwork.balanced(np.eye(2), 2, 0.0, -0.1, RNG), "scale must be >= 0"),
        (lambda: LinearNetwork.aligned(np.eye(2), [1.0, 1.0, 1.0], 3), "initial must have at most 2 entries, got 3"),
        (lambda: LinearNetwork.aligned(np.eye(2), [1.0], 2, 0.0, np.ones((2, 2))), "rotation must be orthogonal"),
        (lambda: LinearNetwork.aligned(np.eye(2), [1.0], 2, 0.0, np.eye(3)), "rotation must have shape"),
        (lambda: LinearNetwork.aligned(np.eye(2), [1.0], 2, np.inf), "imbalance must be finite"),
    ],
)
def test_bad_parameters_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
