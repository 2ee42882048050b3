"""Networks with several outputs: they keep to the scalar ones bit for bit, and to their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.condensation import (
    TwoLayerNetwork,
    add_null,
    compare_dropout,
    critical_points,
    dropout_penalty,
    inertia,
    merge,
    normalised_descent,
    optimistic_sample_size,
    plateau_histogram,
    reduction_curve,
    split,
    split_inertia,
    tangent_rank,
)
from toymodels.condensation.activations import ACTIVATIONS

SMOOTH = sorted(set(ACTIVATIONS) - {"relu"})
STEP = 1e-6
seeds = st.integers(0, 10**6)

X = np.linspace(-1.5, 1.5, 10)[:, None]
Y = np.stack([np.sin(2 * X[:, 0]), X[:, 0] ** 2 - 0.5 * X[:, 0]], axis=1)
FOUND = [net for width in (1, 2) for net in critical_points(width, X, Y, "tanh", np.random.default_rng(width), 8)]


def task(seed, k, n=7, dim=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, dim)), rng.standard_normal((n, k)), rng


def pack(a, w):
    return np.concatenate([a.ravel(), w.ravel()])


def unpack(network, theta):
    cut = network.a.size
    return TwoLayerNetwork(
        theta[:cut].reshape(network.a.shape), theta[cut:].reshape(network.w.shape), network.activation
    )


def numerical_jacobian(function, theta):
    columns = [(function(theta + STEP * e) - function(theta - STEP * e)) / (2 * STEP) for e in np.eye(len(theta))]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("replicates", [None, 3])
@pytest.mark.parametrize(("n", "width", "dim"), [(7, 3, 2), (33, 20, 5)])
def test_one_output_is_the_scalar_network_bit_for_bit(activation, replicates, n, width, dim):
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((n, dim)), rng.standard_normal((n, 1))
    scalar = TwoLayerNetwork.random(width, dim, 0.5, activation, rng, replicates=replicates)
    vector = TwoLayerNetwork(scalar.a[..., None], scalar.w, activation)
    assert_array_equal(vector(x)[..., 0], scalar(x))
    assert_array_equal(vector.loss(x, y), scalar.loss(x, y[:, 0]))
    assert_array_equal(vector.jacobian(x)[..., 0, :], scalar.jacobian(x))
    assert_array_equal(vector.hessian(x, y), scalar.hessian(x, y[:, 0]))
    for mine, its in zip(vector.gradient(x, y), scalar.gradient(x, y[:, 0]), strict=True):
        assert_array_equal(mine.reshape(its.shape), its)
    for how in ({"optimizer": "adam"}, {"dropout": 0.3}):
        runs = [
            net.train(x, t, 20, 0.005, 5, rng=np.random.default_rng(0), **how)
            for net, t in ((vector, y), (scalar, y[:, 0]))
        ]
        for name in ("a", "w", "loss"):
            assert_array_equal(runs[0][name].reshape(runs[1][name].shape), runs[1][name])
    assert_array_equal(split(vector, 1, 0.3).a[..., 0], split(scalar, 1, 0.3).a)
    assert_array_equal(dropout_penalty(vector, x, 0.7), dropout_penalty(scalar, x, 0.7))
    if replicates is None:
        for threshold in (1.0, 0.5):
            assert_array_equal(merge(vector, threshold).a[:, 0], merge(scalar, threshold).a)
            assert_array_equal(merge(vector, threshold).w, merge(scalar, threshold).w)
        assert split_inertia(vector, x, y, 0, 0.3) == split_inertia(scalar, x, y[:, 0], 0, 0.3)


@given(st.sampled_from(sorted(ACTIVATIONS)), st.integers(1, 4), seeds)
def test_outputs_are_scalar_networks_on_one_hidden_layer(activation, k, seed):
    x, y, rng = task(seed, k)
    network = TwoLayerNetwork.random(4, 2, 1.0, activation, rng, n_outputs=k)
    parts = [TwoLayerNetwork(network.a[:, c], network.w, activation) for c in range(k)]
    assert_allclose(network(x), np.stack([part(x) for part in parts], axis=1), **EXACT)
    assert_allclose(network.loss(x, y), sum(part.loss(x, y[:, c]) for c, part in enumerate(parts)), **EXACT)
    grad_a, grad_w = network.gradient(x, y)
    each = [part.gradient(x, y[:, c]) for c, part in enumerate(parts)]
    assert_allclose(grad_a, np.stack([a for a, _ in each], axis=1), **EXACT)
    assert_allclose(grad_w, sum(w for _, w in each), rtol=1e-10, atol=1e-11)
    penalties = [dropout_penalty(part, x, 0.6) for part in parts]
    assert_allclose(dropout_penalty(network, x, 0.6), sum(penalties), **EXACT)


@given(st.sampled_from(SMOOTH), st.integers(2, 3), seeds)
def test_derivatives_are_those_of_difference_quotients(activation, k, seed):
    x, y, rng = task(seed, k)
    network = TwoLayerNetwork.random(3, 2, 1.0, activation, rng, n_outputs=k)
    theta = pack(network.a, network.w)
    assert_allclose(
        network.jacobian(x), numerical_jacobian(lambda t: unpack(network, t)(x), theta), rtol=1e-5, atol=1e-6
    )
    slope = numerical_jacobian(lambda t: unpack(network, t).loss(x, y), theta)
    assert_allclose(pack(*network.gradient(x, y)), slope, rtol=1e-5, atol=1e-6)
    hessian = network.hessian(x, y)
    assert_allclose(hessian, hessian.T, **EXACT)
    bend = numerical_jacobian(lambda t: pack(*unpack(network, t).gradient(x, y)), theta)
    assert_allclose(hessian, bend, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_replicates_with_outputs_train_as_they_do_alone(activation):
    x, y, rng = task(0, 3)
    targets = y + rng.standard_normal((2, 1, 3))
    many = TwoLayerNetwork.random(4, 2, 0.5, activation, rng, replicates=2, n_outputs=3)
    run, hessian = many.train(x, targets, 30, 0.05, 10), many.hessian(x, targets)
    assert run["a"].shape == (4, 2, 4, 3)
    for r in range(2):
        alone = TwoLayerNetwork(many.a[r], many.w[r], activation)
        single = alone.train(x, targets[r], 30, 0.05, 10)
        for name in ("a", "w", "loss"):
            assert_allclose(run[name][:, r], single[name], **EXACT)
        assert_allclose(hessian[r], alone.hessian(x, targets[r]), **EXACT)
    single = TwoLayerNetwork(many.a[0], many.w[0], activation)
    grad_a, grad_w = single.gradient(x, targets[0])
    step = single.train(x, targets[0], 1, 0.1, 1)
    assert_allclose(step["a"][1], single.a - 0.1 * grad_a, **EXACT)
    assert_allclose(step["w"][1], single.w - 0.1 * grad_w, **EXACT)


def test_normalised_descent_keeps_the_size_of_neurons_with_outputs():
    run = normalised_descent(
        TwoLayerNetwork.random(5, 1, 1e-3, "tanh", np.random.default_rng(0), n_outputs=2), X, Y, 9, 0.1
    )
    size = (run["a"] ** 2).sum(axis=-1) + (run["w"] ** 2).sum(axis=-1)
    assert run["a"].shape == (2, 5, 2)
    assert_allclose(size[0], size[1])


@given(st.sampled_from(sorted(ACTIVATIONS)), st.integers(0, 2), st.floats(-3, 3), seeds)
def test_splitting_keeps_the_output_and_so_does_a_null_neuron(activation, neuron, fraction, seed):
    network = TwoLayerNetwork.random(3, 1, 1.0, activation, np.random.default_rng(seed), replicates=2, n_outputs=3)
    wide = split(network, neuron, fraction)
    assert wide.a.shape == (2, 4, 3)
    assert_allclose(wide(X), network(X), atol=1e-11)
    assert_allclose(wide.a[:, neuron] + wide.a[:, -1], network.a[:, neuron], **EXACT)
    if activation not in ("sigmoid", "softplus"):
        assert_allclose(add_null(network)(X), network(X), **EXACT)


def test_critical_points_with_outputs_stay_critical_and_obey_the_law_of_inertia():
    assert len(FOUND) > 4
    gained = []
    for network in FOUND:
        assert network.n_outputs == 2
        for fraction in (-0.5, 0.3, 1.7):
            for neuron in np.flatnonzero(network.strength > 1e-3):
                wide = split(network, int(neuron), fraction)
                assert max(np.abs(part).max() for part in wide.gradient(X, Y)) < 1e-9
                after = inertia(wide.hessian(X, Y))
                assert after == split_inertia(network, X, Y, int(neuron), fraction)
                if np.linalg.norm(network.w[neuron]) < 3:  # a saturated neuron has no slope and couples to nothing
                    gained.append(after[2] - inertia(network.hessian(X, Y))[2])
        null = add_null(network)
        assert max(np.abs(part).max() for part in null.gradient(X, Y)) < 1e-9
    assert min(gained) >= 1  # exchange of the weights across a_k: every split of these is a saddle


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_penalty_is_what_random_masks_add_on_average(activation):
    x, y, rng = task(3, 2)
    network, keep, draws = TwoLayerNetwork.random(5, 2, 1.0, activation, rng, n_outputs=2), 0.7, 20_000
    masks = rng.random((draws, len(x), 5)) < keep
    losses = (((masks * network.hidden(x)) @ network.a / keep - y) ** 2).sum(axis=2).mean(axis=1) / 2
    expected = network.loss(x, y) + dropout_penalty(network, x, keep)
    assert abs(losses.mean() - expected) < MONTE_CARLO * losses.std() / np.sqrt(draws)


@given(st.sampled_from(sorted(ACTIVATIONS)), seeds)
def test_merging_split_neurons_recovers_the_narrow_network(activation, seed):
    rng = np.random.default_rng(seed)
    angles = np.array([0.3, 1.4, 2.4])
    w = np.stack([np.cos(angles), np.sin(angles), rng.uniform(-0.2, 0.2, 3)], axis=1)
    narrow = TwoLayerNetwork(rng.choice([-1, 1], (3, 2)) * rng.uniform(0.5, 2, (3, 2)), w, activation)
    wide = narrow
    for _ in range(6):
        wide = split(wide, int(rng.integers(wide.width)), float(rng.uniform(0.2, 0.8)))
    points = rng.standard_normal((50, 2))
    small = merge(wide, 0.999)
    assert small.a.shape == (3, 2)
    assert_allclose(small(points), narrow(points), atol=1e-10)
    curve = reduction_curve(wide, points, narrow(points), (0.999,), n_steps=2, lr=1e-4)
    assert curve.neurons.tolist() == [3]
    assert curve.error[0] < 1e-9


@pytest.mark.parametrize(
    ("dim", "needed", "k", "expected"),
    [(1, 1, 2, 3), (2, 2, 3, 5), (3, 4, 10, 8), (1, 5, 4, 8), (2, 1, 1, 4), (3, 7, 2, 21)],
)
def test_a_condensed_target_needs_the_samples_that_see_each_neuron_or_fill_the_rank(dim, needed, k, expected):
    rng = np.random.default_rng(dim)
    narrow = TwoLayerNetwork.random(needed, dim, 1.0, "tanh", rng, n_outputs=k)
    wide = split(split(narrow, 0, 0.4), 0, 0.7)
    points = rng.standard_normal((400, dim))
    parameters = needed * (k + dim + 1)
    assert expected == (needed + dim + 1 if needed <= k else -(-parameters // k))
    assert optimistic_sample_size(wide, points) == expected
    assert tangent_rank(narrow, points) == tangent_rank(wide, points) == parameters
    with pytest.raises(ValueError, match=f"points must be at least {parameters}"):
        optimistic_sample_size(wide, points[: parameters - 1])


def test_experiments_take_targets_of_several_outputs():
    rng = np.random.default_rng(0)
    frequency, final = plateau_histogram(X, Y, (1, 3), [-9, 1], rng, replicates=2, n_steps=50)
    assert (frequency.shape, final.shape) == ((2, 1), (2, 2))
    comparison = compare_dropout(X, Y, rng, width=20, n_steps=500)
    assert (comparison.penalty[1] < comparison.penalty[0]).all()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda net: TwoLayerNetwork(np.ones((3, 2)), np.ones((2, 4))), "w"),
        (lambda net: TwoLayerNetwork(np.float64(1.0), np.ones(2)), "w"),
        (lambda net: TwoLayerNetwork.random(2, 1, 1.0, "relu", np.random.default_rng(0), n_outputs=0), "n_outputs"),
        (lambda net: net.loss(X, Y[:, 0]), "y"),
        (lambda net: net.gradient(X, np.c_[Y, Y]), "y"),
        (lambda net: TwoLayerNetwork(net.a[:, 0], net.w).loss(X, Y), "y"),
        (lambda net: merge(TwoLayerNetwork(np.ones((2, 3, 1)), np.ones((2, 3, 2)))), "network"),
        (lambda net: merge(TwoLayerNetwork(0 * net.a, net.w)), "network"),
        (lambda net: split_inertia(TwoLayerNetwork(0 * net.a, net.w), X, Y, 0, 0.5), "network"),
        (lambda net: critical_points(1, X, Y[None], "tanh", np.random.default_rng(0)), "y"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(TwoLayerNetwork(np.arange(6.0).reshape(3, 2), [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "tanh"))
