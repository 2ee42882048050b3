"""Networks of any start, inputs, layer rates and weight decay, and chains of tasks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, raw_flow
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.layerwise.weight_flow import WeightFlow

T = np.array([0.0, 0.1, 0.8, 3.0])
GRAMS = ("map", "gram_in", "gram_out")
seeds = st.integers(0, 10**6)


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


@st.composite
def networks(draw, decays=(0.0, 0.3)):
    """Gaussian starts of any shape under any covariance, singular ones included, with rates of their own."""
    d, h, c = draw(st.tuples(*[st.integers(1, 4)] * 3))
    rng = np.random.default_rng(draw(seeds))
    x = rng.standard_normal((draw(st.integers(1, 9)), d)) * rng.uniform(0.3, 1.5, d)
    covariance = draw(st.sampled_from([None, 0.5 * np.eye(d), x.T @ x / len(x)]))
    best = rng.standard_normal((c, d))
    correlation = best if covariance is None else best @ covariance
    rates = draw(st.sampled_from([(1.0, 1.0), (0.5, 2.0), (0.7, 0.7)]))
    scale = draw(st.sampled_from([0.1, 1.0]))
    w1, w2 = scale * rng.standard_normal((h, d)), scale * rng.standard_normal((c, h))
    return LinearNetwork(w1, w2, correlation, draw(st.sampled_from(decays)), covariance, rates)


def assert_follows_the_flow(model, t=T, tolerance=1e-11):
    run = model.solve(t)
    w1, w2 = raw_flow(model, t)
    product = w2 @ w1
    covariance = np.eye(w1.shape[2]) if model.covariance is None else model.covariance
    error = product - model.correlation @ np.linalg.pinv(covariance, rcond=1e-12, hermitian=True)
    loss = 0.5 * np.einsum("tij,jk,tik->t", error, covariance, error)
    grams = {"map": product, "gram_in": w1.swapaxes(1, 2) @ w1, "gram_out": w2 @ w2.swapaxes(1, 2)}
    for name, expected in {**grams, "loss": loss}.items():
        # a map that cancels is no better than the layers
        assert_allclose(run[name], expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))


@given(networks())
def test_any_start_and_inputs_match_the_raw_flow(model):
    assert_follows_the_flow(model)


@given(seeds, st.floats(0.2, 3), st.floats(0.2, 3), st.sampled_from([0.0, 0.7, -0.7]), st.floats(0.3, 2))
def test_layer_rates_and_the_variance_of_white_inputs_keep_the_closed_form(seed, first, second, imbalance, variance):
    rng = np.random.default_rng(seed)
    net = LinearNetwork.balanced(rng.standard_normal((3, 3)), 3, imbalance, 0.3, rng)
    rates = (first, second)
    w1, w2 = np.sqrt(first) * net.w1, np.sqrt(second) * net.w2
    model = LinearNetwork(w1, w2, net.correlation, covariance=variance, rates=rates)
    assert model.method == "closed form"
    assert_allclose(model.imbalance, imbalance, atol=1e-13)
    assert_follows_the_flow(model)
    if imbalance:
        assert_allclose(model.solve([np.inf])["loss"], 0, atol=1e-20)


@given(seeds, st.floats(0.2, 3), st.floats(0.05, 1))
def test_equal_rates_keep_the_closed_form_of_weight_decay(seed, rate, decay):
    rng = np.random.default_rng(seed)
    net = LinearNetwork.balanced(rng.standard_normal((3, 3)), 3, 0.0, 0.3, rng)
    model = LinearNetwork(net.w1, net.w2, net.correlation, decay, covariance=0.8, rates=(rate, rate))
    assert model.method == "closed form"
    assert_follows_the_flow(model)


@given(seeds, st.sampled_from([0.0, 0.7]), st.sampled_from([1e-3, 0.3, 2.0]))
def test_the_integrator_is_ten_times_better_than_it_says(seed, imbalance, scale):
    rng = np.random.default_rng(seed)
    net = LinearNetwork.balanced(rng.standard_normal((3, 3)), 3, imbalance, scale, rng)
    t = np.linspace(0, 4, 9)
    w1, w2 = WeightFlow(net.w1, net.w2, net.correlation, np.eye(3), 0.0, (1.0, 1.0)).layers(t)
    exact = net.solve(t)
    assert_same_flow(w2 @ w1, exact["map"], 1e-11)
    assert_same_flow(w1.swapaxes(1, 2) @ w1, exact["gram_in"], 1e-11)


@st.composite
def aligned(draw):
    """Networks whose matrices share their singular vectors, some modes with no unit, input or output."""
    d, h, c = draw(st.tuples(*[st.integers(1, 4)] * 3))
    rng = np.random.default_rng(draw(seeds))
    u, r, v = (orthogonal(rng, n) for n in (c, h, d))
    xi = rng.uniform(0.2, 2, d)

    def rectangular(rows, columns):
        matrix = np.zeros((rows, columns))
        np.fill_diagonal(matrix, rng.standard_normal(min(rows, columns)) * (rng.random(min(rows, columns)) < 0.8))
        return matrix

    w1, w2 = r @ rectangular(h, d) @ v.T, u @ rectangular(c, h) @ r.T
    correlation = u @ rectangular(c, d) @ v.T
    if draw(st.booleans()):  # equal variances, correlations and weights
        xi[:] = 0.7
        w1, w2, correlation = r @ np.eye(h, d) @ v.T, u @ (0.5 * np.eye(c, h)) @ r.T, u @ np.eye(c, d) @ v.T
    return LinearNetwork(w1, w2, correlation, covariance=(v * xi) @ v.T)


@given(aligned())
def test_shared_singular_vectors_have_a_closed_form(model):
    assert model.method == "closed form"
    assert_follows_the_flow(model)


@given(seeds)
def test_an_aligned_network_reaches_each_target_or_stays_at_its_saddle(seed):
    rng = np.random.default_rng(seed)
    u, r, v = (orthogonal(rng, 3) for _ in range(3))
    xi, rho, root = rng.uniform(0.2, 2, 3), rng.uniform(0.5, 2, 3), rng.uniform(0.1, 1, 3)
    signs = rng.choice([-1, 1], 3)
    model = LinearNetwork((r * root) @ v.T, (u * (signs * root)) @ r.T, (u * rho) @ v.T, covariance=(v * xi) @ v.T)
    run = model.solve([500.0, np.inf])
    for k in range(2):
        assert_allclose(run["map"][k], (u * np.where(signs > 0, rho / xi, 0)) @ v.T, atol=1e-12)


@settings(max_examples=10)
@given(seeds, st.sampled_from([(2, 4, 3), (3, 3, 3), (2, 2, 3), (3, 1, 2)]), st.sampled_from([0.0, 0.2]))
def test_the_integrated_limit_is_a_minimum_that_the_flow_does_not_leave(seed, shape, decay):
    rng, (d, h, c) = np.random.default_rng(seed), shape
    x = rng.standard_normal((8, d))
    covariance = x.T @ x / 8 + 0.3 * np.eye(d)
    start = rng.standard_normal((h, d)), rng.standard_normal((c, h))
    model = LinearNetwork(*start, 2 * rng.standard_normal((c, d)) @ covariance, decay, covariance)
    end = model.solve([np.inf])
    again = model.continued(np.inf, model.correlation).solve([0.0, 5.0])
    for name in GRAMS:
        assert_allclose(again[name], np.tile(end[name], (2, 1, 1)), atol=1e-10)
    if not decay:  # the best map of this rank
        root = np.linalg.cholesky(covariance)
        left, singular, right = np.linalg.svd(np.linalg.solve(root, model.correlation.T).T, full_matrices=False)
        best = (left[:, :h] * singular[:h]) @ right[:h]
        assert_allclose(end["map"][0] @ root, best, atol=1e-9)


def test_the_integrated_limit_is_exact_for_a_fast_flow():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3))
    covariance, best = x.T @ x / 50, rng.standard_normal((2, 3))
    w1, w2 = rng.standard_normal((4, 3)), rng.standard_normal((2, 4))
    model = LinearNetwork(w1, w2, best @ covariance, covariance=covariance)
    run = model.solve([600.0, np.inf])
    assert run.meta["method"] == "integrated"
    for name in GRAMS:
        assert_allclose(run[name][0], run[name][1], atol=1e-11)
    assert_allclose(run["map"][1], best, atol=1e-13)


def test_the_integrated_limit_is_refused_at_a_saddle_and_where_nothing_comes_to_rest():
    w1, w2 = (
        np.array([[0.3, -0.2, 0.5], [0.0, 0.0, 0.0]]),
        np.array([[0.6, 0.0], [0.1, 0.0]]),
    )  # a unit that is not there
    inputs = np.diag([1.0, 2.0, 0.5])
    saddle = LinearNetwork(w1, w2, np.array([[2.0, 1.0, 0.0], [0.5, -1.0, 1.0]]), covariance=inputs)
    assert saddle.method == "integrated"
    with pytest.raises(ValueError, match="t must be finite for a start that is led to a saddle"):
        saddle.solve([np.inf])
    # a direction without target dies algebraically
    slow = LinearNetwork(w1, w2, np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), covariance=inputs)
    assert np.isfinite(slow.solve([10.0])["loss"]).all()
    many = LinearNetwork(np.ones((40, 20)), np.ones((20, 40)), np.eye(20), covariance=np.diag(np.arange(1.0, 21)))
    with pytest.raises(ValueError, match="t must be finite with more than 1500 weights"):
        many.solve([np.inf])


@given(networks(), st.floats(0.05, 2), st.floats(0.05, 2))
def test_one_long_step_is_two_short_ones(model, first, second):
    whole, parts = model.solve([first + second]), model.solve([first, first + second])
    rest = model.continued(first, model.correlation).solve([second])
    for name in GRAMS:
        assert_same_flow(parts[name][-1], whole[name][0], 1e-10)
        assert_same_flow(rest[name][0], whole[name][0], 1e-10)


@given(networks(decays=(0.0,)), seeds)
def test_rotating_inputs_outputs_and_hidden_units(model, seed):
    rng = np.random.default_rng(seed)
    (h, d), c = model.w1.shape, len(model.w2)
    u, v, r = (orthogonal(rng, n) for n in (c, d, h))
    covariance = None if model.covariance is None else v @ model.covariance @ v.T
    covariance = None if covariance is None else (covariance + covariance.T) / 2
    turned = LinearNetwork(
        r @ model.w1 @ v.T, u @ model.w2 @ r.T, u @ model.correlation @ v.T, 0.0, covariance, model.rates
    ).solve(T)
    run = model.solve(T)
    assert_same_flow(turned["map"], u @ run["map"] @ v.T, 1e-9)
    assert_same_flow(turned["gram_in"], v @ run["gram_in"] @ v.T, 1e-9)


@given(seeds, st.sampled_from([(5, 3, 3), (3, 3, 3), (2, 5, 3), (4, 2, 4)]), st.sampled_from([0.0, 0.5, -0.5]))
def test_two_tasks_in_a_row_match_the_raw_flow(seed, shape, imbalance):
    d, h, c = shape
    if (imbalance > 0 and c < h) or (imbalance < 0 and d < h):
        imbalance = 0.0
    rng = np.random.default_rng(seed)
    first = LinearNetwork.balanced(rng.standard_normal((c, d)), h, imbalance, 0.3, rng)
    second = first.continued(1.3, rng.standard_normal((c, d)))
    third = second.continued(0.9, first.correlation)
    w1, w2 = raw_flow(first, np.array([0.0, 1.3]))
    for net, t in ((second, 0.9), (third, 0.7)):
        assert net.method == "closed form"
        w1, w2 = raw_flow(LinearNetwork(w1[-1], w2[-1], net.correlation), np.array([0.0, t]))
        run = net.solve([t])
        assert_same_flow(run["map"][0], w2[-1] @ w1[-1], 1e-12)
        assert_same_flow(run["gram_in"][0], w1[-1].T @ w1[-1], 1e-12)


@given(seeds, st.floats(0.1, 3), st.floats(0.1, 3))
def test_the_same_task_twice_is_the_task_for_longer(seed, first, second):
    rng = np.random.default_rng(seed)
    net = LinearNetwork.balanced(rng.standard_normal((3, 3)), 3, rng.choice([0.0, 0.5]), 0.3, rng)
    whole, rest = net.solve([first + second]), net.continued(first, net.correlation).solve([second])
    for name in GRAMS:
        assert_same_flow(rest[name], whole[name], 1e-12)


@given(seeds)
def test_a_saddle_outlasts_a_change_of_task(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    net = LinearNetwork.balanced(rng.standard_normal((n, n)), n, 0.0, 0.3, rng)
    wrong = np.linalg.det(net.w2 @ net.w1) * np.linalg.det(net.correlation) < 0
    other = rng.standard_normal((n, n))
    other[0] *= np.sign(np.linalg.det(other) * np.linalg.det(net.correlation))
    back = net.continued(2.0, other).continued(2.0, net.correlation).solve([np.inf])
    lost = np.linalg.svd(net.correlation, compute_uv=False)[-1] if wrong else 0.0
    assert_allclose(back["loss"], lost**2 / 2, rtol=1e-9, atol=1e-12)


def test_data_of_any_kind_follow_gradient_descent_on_the_mean_squared_error():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((12, 3)) @ rng.standard_normal((3, 3)), rng.standard_normal((12, 2))
    w1, w2 = 0.5 * rng.standard_normal((4, 3)), 0.5 * rng.standard_normal((2, 4))
    net, lr = LinearNetwork.from_data(w1, w2, x, y), 1e-3
    run = net.simulate(200, lr)
    for _ in range(200):
        error = (y.T - w2 @ w1 @ x.T) @ x / 12
        w1, w2 = w1 + lr * w2.T @ error, w2 + lr * error @ w1.T
    assert_allclose(run["map"][-1], w2 @ w1, atol=1e-12)
    loss = 0.5 * np.sum((y.T - run["map"] @ x.T) ** 2, axis=(1, 2)) / 12
    best = 0.5 * np.sum((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2) / 12
    assert_allclose(run["loss"], loss - best, atol=1e-12)
    assert_allclose(net.solve([0.2])["map"][0], w2 @ w1, atol=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_is_the_flow_at_its_effective_rate(momentum):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 2))
    net = LinearNetwork(
        0.5 * rng.standard_normal((2, 2)),
        0.5 * rng.standard_normal((2, 2)),
        np.array([[1.0, 0.5], [0.0, -1.0]]),
        0.1,
        x.T @ x / 20,
        (0.8, 1.3),
    )
    end, errors = net.solve([1.0])["map"][0], []
    for n_steps in (4000, 8000, 16000):
        run = net.simulate(n_steps, (1 - momentum) / n_steps, momentum)
        assert_allclose(run.meta["flow_time"] * n_steps, 1, rtol=1e-12)
        errors.append(np.abs(run["map"][-1] - end).max())
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


def test_momentum_outside_its_range_is_refused():
    net = LinearNetwork(np.eye(2), np.eye(2), np.eye(2))
    for momentum in (-0.1, 1.0, 1.5):
        with pytest.raises(ValueError, match="momentum must be"):
            net.simulate(3, 0.1, momentum)


def test_single_precision_weights_are_balanced_and_keep_to_their_saddle():
    rng = np.random.default_rng(1)
    net = LinearNetwork.balanced(np.diag([2.0, 1.5, 1.0]), 3, 0.0, 0.3, rng)
    for turn in (1, -1):
        w2 = net.w2.copy()
        w2[0] *= turn
        w1 = net.w1
        single = LinearNetwork(w1.astype(np.float32), (w2).astype(np.float32), net.correlation)
        assert single.method == "closed form"
        assert single.imbalance == 0
        wrong = np.linalg.det(w2 @ w1) < 0
        loss = single.solve([200.0, np.inf])["loss"]
        assert_allclose(loss, 0.5 * wrong, atol=1e-5)
        assert_allclose(single.continued(1.0, net.correlation).solve([np.inf])["loss"], 0.5 * wrong, atol=1e-5)


def test_arrays_are_copied_and_closed_and_hidden_losses_are_refused():
    torch = pytest.importorskip("torch")
    w1, w2, correlation = np.eye(2), np.eye(2), np.diag([2.0, 1.0])
    net = LinearNetwork(w1, w2, correlation)
    before = net.solve([1.0])["map"]
    w1[:], w2[:], correlation[:] = 7, 7, 7
    assert_allclose(net.solve([1.0])["map"], before, rtol=0)
    with pytest.raises(ValueError, match="read-only"):
        net.w1[:] = 7
    masked, variable = np.ma.masked_less(np.eye(2), 0.5), torch.eye(2, requires_grad=True)
    for name in ("w1", "w2", "correlation", "covariance"):
        for value, message in ((masked, "must not be masked"), (variable, "must not require a gradient")):
            arguments = {"w1": np.eye(2), "w2": np.eye(2), "correlation": np.eye(2), name: value}
            with pytest.raises(ValueError, match=f"{name} {message}"):
                LinearNetwork(**arguments)
    for name in ("w1", "w2", "x", "y"):
        arguments = {key: masked if key == name else np.eye(2) for key in ("w1", "w2", "x", "y")}
        with pytest.raises(ValueError, match=f"{name} must not be masked"):
            LinearNetwork.from_data(**arguments)
    assert LinearNetwork(torch.eye(2), torch.eye(2), torch.eye(2)).precision == np.finfo(np.float32).eps


@given(seeds, st.integers(1, 4), st.integers(1, 4), st.sampled_from([(1.0, 1.0), (0.3, 2.0)]), st.floats(-3, 0.7))
def test_one_hidden_unit_has_weights_of_its_own_from_any_start(seed, d, c, rates, scale):
    """Section 8 of the closed forms: one unit is balanced at any start; the signs are those of the raw flow."""
    rng = np.random.default_rng(seed)
    w1, w2 = 10**scale * rng.standard_normal((1, d)), 10**scale * rng.standard_normal((c, 1))
    network = LinearNetwork(w1, w2, rng.standard_normal((c, d)), rates=rates)
    t = np.array([0.0, 0.3, 2.0, 9.0])
    run, (first, last) = network.solve(t), raw_flow(network, t)
    assert run.meta["method"] == "closed form"
    assert_same_flow(run["w1"], first, 1e-7)
    assert_same_flow(run["w2"], last, 1e-7)
    assert_allclose(run["w2"] @ run["w1"], run["map"], atol=1e-12 * max(1, np.abs(run["map"]).max()))


@given(seeds)
def test_one_hidden_unit_under_correlated_inputs_has_its_own_weights_too(seed):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    covariance = basis @ np.diag([0.5, 1.0, 2.0]) @ basis.T
    w1, w2 = 0.4 * basis[:, :1].T, np.array([[-0.7]])
    for correlation in (1.3 * basis[:, :1].T, rng.standard_normal((1, 3))):  # aligned, and not
        network = LinearNetwork(w1, w2, correlation, covariance=covariance)
        t = np.array([0.0, 0.3, 2.0, 9.0])
        run, (first, last) = network.solve(t), raw_flow(network, t)
        assert_same_flow(run["w1"], first, 1e-8)
        assert_same_flow(run["w2"], last, 1e-8)


@pytest.mark.parametrize("t", [1e4, 1e8, 1e200])
def test_an_integrated_flow_is_at_rest_after_any_long_time(t):
    rng = np.random.default_rng(0)
    w1, w2, correlation = rng.standard_normal((3, 4)), rng.standard_normal((2, 3)), rng.standard_normal((2, 4))
    network = LinearNetwork(w1, w2, correlation, covariance=[1.0, 2.0, 3.0, 4.0])
    assert network.method == "integrated"
    late, limit = network.solve([1.0, t, np.inf])["map"][1:]
    assert late == pytest.approx(limit, abs=1e-12)


def test_the_slowest_direction_of_an_integrated_flow_is_followed_as_long_as_it_takes():
    """Two inputs apart, of variance 1 and 1e-4: the second is learnt at a rate of about 1e-4."""
    correlation, covariance = np.diag([1.5, 2e-4]), np.diag([1.0, 1e-4])
    t = np.array([1e4, 3e4, 1e5])
    flow = WeightFlow(np.eye(2), np.diag([1.0, 1.001]), correlation, covariance, 0.0, (1.0, 1.0))
    w1, w2 = flow.layers(t)
    exact = DiagonalNetwork([2.0], 1.001, 1.0, 1e-4).solve(t)["product"][:, 0]
    assert (w2 @ w1)[:, 1, 1] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("rates", [(0.5, 2.0), (3.0, 0.2)])
def test_a_flow_with_rates_of_its_layers_comes_to_rest_where_nothing_moves(rates):
    rng = np.random.default_rng(1)
    w1, w2, best = rng.standard_normal((3, 2)), rng.standard_normal((2, 3)), 2 * np.eye(2)
    flow = WeightFlow(w1, w2, best, np.diag([1.0, 0.6]), 0.3, rates)
    end = np.concatenate([layer.ravel() for layer in flow.layers(np.array([np.inf]))])
    assert np.linalg.norm(flow._velocity(end)) < 1e-12
