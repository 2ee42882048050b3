from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels import SimulationError
from toymodels.condensation import (
    TwoLayerNetwork,
    add_null,
    critical_point,
    critical_points,
    inertia,
    plateau_histogram,
    split,
    split_inertia,
)
from toymodels.condensation.activations import get_activation
from toymodels.condensation.embedding import _split_block, embeddings
from toymodels.condensation.presets import embedding_data

X, Y = embedding_data()
FOUND = {width: critical_points(width, X, Y, "tanh", np.random.default_rng(width), 8) for width in (1, 2)}
CASES = [(network, k) for networks in FOUND.values() for network in networks for k in range(network.width)]


def gradient_norm(network):
    return np.sqrt(sum((part**2).sum() for part in network.gradient(X, Y)))


@given(st.integers(0, 10**6), st.integers(0, 2), st.floats(-3, 3), st.sampled_from(["relu", "tanh", "softplus"]))
def test_splitting_keeps_the_output(seed, k, fraction, activation):
    network = TwoLayerNetwork.random(3, 1, 1.0, activation, np.random.default_rng(seed), replicates=2)
    wide = split(network, k, fraction)
    assert wide.width == 4
    assert_allclose(wide(X), network(X), atol=1e-12)
    assert_allclose(wide.a[..., k] + wide.a[..., -1], network.a[..., k], **EXACT)


def test_critical_points_of_different_kinds_are_found():
    assert min(len(networks) for networks in FOUND.values()) >= 4
    assert all(gradient_norm(network) < 1e-11 for networks in FOUND.values() for network in networks)
    kinds = {inertia(network.hessian(X, Y))[2] > 0 for network in FOUND[1]}
    assert kinds == {True, False}  # saddles and minima


@pytest.mark.parametrize("fraction", [-0.5, 0.3, 1.7])
def test_split_points_are_critical_and_obey_the_inertia_law(fraction):
    for network, k in CASES:
        wide = split(network, k, fraction)
        narrow_inertia, wide_inertia = inertia(network.hessian(X, Y)), inertia(wide.hessian(X, Y))
        assert gradient_norm(wide) < 1e-9
        assert all(after >= before for after, before in zip(wide_inertia, narrow_inertia, strict=True))
        if abs(network.a[k]) > 1e-3:
            assert wide_inertia == split_inertia(network, X, Y, k, fraction)


def test_a_minimum_becomes_a_saddle_in_a_wider_network():
    run = TwoLayerNetwork([1.0], [[1.0, 0.1]], "tanh").train(X, Y, 5000, 0.1, 5000)
    minimum = critical_point(TwoLayerNetwork(run["a"][-1], run["w"][-1], "tanh"), X, Y)
    assert inertia(minimum.hessian(X, Y)) == (3, 0, 0)
    for fraction in (0.5, 1.5):
        assert inertia(split(minimum, 0, fraction).hessian(X, Y)) == split_inertia(minimum, X, Y, 0, fraction)
    assert max(split_inertia(minimum, X, Y, 0, fraction)[2] for fraction in (0.5, 1.5)) > 0


def test_embeddings_are_a_null_neuron_and_every_split():
    network = FOUND[2][0]
    (null, none), *splits = embeddings(network, (0.3, 1.7))
    assert none is None
    assert_allclose(null.a[-1], 0)
    assert [option for _, option in splits] == [(0, 0.3), (0, 1.7), (1, 0.3), (1, 1.7)]
    for wide, option in splits:
        assert_allclose(wide.a, split(network, *option).a)


def test_a_null_neuron_keeps_output_and_criticality():
    for networks in FOUND.values():
        for network in networks:
            wide = add_null(network)
            assert_allclose(wide(X), network(X), **EXACT)
            assert gradient_norm(wide) < 1e-9
            before, after = inertia(network.hessian(X, Y)), inertia(wide.hessian(X, Y))
            assert all(b <= a for b, a in zip(before, after, strict=True))


def test_a_silent_neuron_with_input_weights_is_not_critical():
    network = max(FOUND[1], key=lambda network: float(network.loss(X, Y)))
    wide = add_null(network)
    w = wide.w.copy()
    w[-1] = [0.7, 0.2]
    assert gradient_norm(TwoLayerNetwork(wide.a, w, "tanh")) > 1e-3


def test_inertia_counts_signs():
    assert inertia(np.diag([3.0, -1.0, 1e-12, 2.0])) == (2, 1, 1)
    assert inertia(np.zeros((2, 2))) == (0, 2, 0)


def test_newton_that_runs_to_infinity_is_a_simulation_error():
    with pytest.raises(SimulationError, match="gradient is"):
        critical_point(TwoLayerNetwork([30.0], [[25.0, 0.3]], "tanh"), X, Y)


def test_wider_networks_spend_more_time_at_low_loss():
    x = np.linspace(-1, 1, 20)[:, None]
    y = np.abs(x[:, 0])
    rng = np.random.default_rng(0)
    frequency, final = plateau_histogram(x, y, (1, 10), [-12, -3, 1], rng, replicates=20, n_steps=3000, lr=0.1)
    assert frequency.shape == (2, 2)
    assert final.shape == (2, 20)
    assert_allclose(frequency.sum(axis=1), 1)
    assert frequency[1, 0] > frequency[0, 0]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda net: split(net, 3, 0.5), "k"),
        (lambda net: split(net, -1, 0.5), "k"),
        (lambda net: split(net, 0, np.nan), "fraction"),
        (lambda net: split_inertia(net, X, Y, 7, 0.5), "k"),
        (lambda net: split_inertia(TwoLayerNetwork([0.0], [[1.0, 0.0]], "tanh"), X, Y, 0, 0.5), "network"),
        (lambda net: split_inertia(TwoLayerNetwork([[1.0]], [[[1.0, 0.0]]], "tanh"), X, Y, 0, 0.5), "network"),
        (lambda net: add_null(TwoLayerNetwork([1.0], [[1.0, 0.0]], "sigmoid")), "activation"),
        (lambda net: inertia(np.ones((2, 3))), "matrix"),
        (lambda net: critical_point(net, X, Y, tolerance=0.0), "tolerance"),
        (lambda net: plateau_histogram(X, Y, (1,), [1.0, 0.0], np.random.default_rng(0)), "edges"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(TwoLayerNetwork([1.0, 2.0, 3.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "tanh"))


def test_what_counts_as_zero_is_a_part_of_the_scale():
    small = np.diag([1.0, 1e-9, -1e-9, -1e-7])
    assert inertia(small) == (1, 2, 1)
    assert inertia(small, scale=0.01) == (2, 0, 2)
    assert inertia(small, scale=1000.0) == (1, 3, 0)
    assert inertia(-small) == (1, 2, 1)
    assert inertia([[-5.0]]) == (0, 0, 1)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("fraction", [0.25, -0.5])
def test_the_block_of_a_split_is_that_of_loops(n_outputs, fraction):
    rng = np.random.default_rng(n_outputs)
    x, y = rng.standard_normal((5, 2)), rng.standard_normal((5, n_outputs))
    network = TwoLayerNetwork.random(3, 2, 1.0, "xtanh", rng, n_outputs=n_outputs)
    block = _split_block(network, x, y, 1, fraction)
    x1, error, a = np.c_[x, np.ones(5)], network(x) - y, network.a[1]
    value, slope = np.empty(5), np.empty(5)
    z = x1 @ network.w[1]
    get_activation("xtanh").fill(z, value, slope)
    bend = get_activation("xtanh").curvature(z)
    own = sum((error[i] @ a) * bend[i] * np.outer(x1[i], x1[i]) for i in range(5)) / 5
    assert block.shape == (n_outputs + 2,) * 2
    assert_allclose(block[n_outputs - 1 :, n_outputs - 1 :], fraction * (1 - fraction) * own, **EXACT)
    if n_outputs == 2:
        across = np.array([-a[1], a[0]]) / np.linalg.norm(a)
        coupling = sum((error[i] @ across) * slope[i] * x1[i] for i in range(5)) / 5
        assert_allclose(block[0, 1:] * np.sign(block[0, 1] * coupling[0]), coupling, **EXACT)
        assert_allclose(block[1:, 0], block[0, 1:], **EXACT)
        assert block[0, 0] == 0


def test_a_plateau_histogram_counts_the_records_of_all_replicates():
    edges = [-1.0, -0.6, -0.5, -0.3]
    options = {"replicates": 4, "n_steps": 60, "lr": 0.2, "std": 0.3, "every": 7}
    frequency, final = plateau_histogram(X, Y, (2, 5), edges, np.random.default_rng(3), **options)
    rng = np.random.default_rng(3)
    for k, width in enumerate((2, 5)):
        network = TwoLayerNetwork.random(width, 1, 0.3, "relu", rng, replicates=4)
        run = network.train(X, Y, 60, 0.2, 7)
        errors = [
            np.log10(np.mean((TwoLayerNetwork(a, w)(X) - Y) ** 2))
            for step in range(len(run.t))
            for a, w in zip(run["a"][step], run["w"][step], strict=True)
        ]
        assert run.t.tolist() == [*range(0, 60, 7), 60]
        inside = [sum(low <= level < high for level in errors) for low, high in pairwise(edges)]
        assert_allclose(frequency[k], np.array(inside) / len(errors), **EXACT)
        assert_allclose(final[k], errors[-4:], **EXACT)
    assert 0 < frequency.sum() < 2  # some records lie outside


def test_bins_have_two_edges_at_least():
    options = {"replicates": 2, "n_steps": 2}
    assert plateau_histogram(X, Y, (1,), [-9.0, 9.0], np.random.default_rng(0), **options)[0].tolist() == [[1.0]]
    for edges in ([1.0], [1.0, 1.0], [1.0, 2.0, 0.0]):
        with pytest.raises(ValueError, match="edges must be increasing and at least two"):
            plateau_histogram(X, Y, (1,), edges, np.random.default_rng(0), **options)


@pytest.mark.parametrize("k", [0, 2])
def test_the_first_and_the_last_neuron_can_be_split(k):
    network = TwoLayerNetwork([1.0, 2.0, 3.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "tanh")
    wide = split(network, k, 0.25)
    assert_allclose(wide.a[[k, 3]], [0.25 * network.a[k], 0.75 * network.a[k]])
    assert_allclose(wide.w[3], network.w[k])
    with pytest.raises(ValueError, match="k must be a neuron, 0 to 2, got 3"):
        split(network, 3, 0.25)
