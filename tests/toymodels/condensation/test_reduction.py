import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import (
    TwoLayerNetwork,
    low_rank_sample_size,
    merge,
    optimistic_sample_size,
    recovery_error,
    reduction_curve,
    split,
    tangent_rank,
)
from toymodels.condensation.activations import ACTIVATIONS

X = np.random.default_rng(0).standard_normal((200, 2))


def condensed(network, rng, copies):
    """The same function with every neuron split again and again; ReLU copies also change scale."""
    for _ in range(copies):
        network = split(network, int(rng.integers(network.width)), float(rng.uniform(0.2, 0.8)))
    if network.activation == "relu":
        scale = rng.uniform(0.2, 5, network.width)
        network = TwoLayerNetwork(network.a / scale, network.w * scale[:, None])
    return network


@given(st.sampled_from(sorted(ACTIVATIONS)), st.integers(0, 10**6), st.floats(0.99, 1))
def test_merging_a_condensed_network_recovers_the_narrow_one(activation, seed, threshold):
    rng = np.random.default_rng(seed)
    angles = np.array([0.3, 1.4, 2.4])
    w = np.stack([np.cos(angles), np.sin(angles), rng.uniform(-0.2, 0.2, 3)], axis=1)
    narrow = TwoLayerNetwork(rng.choice([-1, 1], 3) * rng.uniform(0.5, 2, 3), w, activation)
    small = merge(condensed(narrow, rng, 7), threshold)
    assert small.width == 3
    assert_allclose(small(X), narrow(X), atol=1e-10)


@pytest.mark.parametrize(("activation", "sign"), [("tanh", -1), ("x2tanh", -1), ("xtanh", 1)])
def test_opposite_weights_merge_when_the_activation_has_a_parity(activation, sign):
    network = TwoLayerNetwork([2.0, sign * 3.0], [[1.0, 0.5, 0.2], [-1.0, -0.5, -0.2]], activation)
    small = merge(network)
    assert small.width == 1
    assert_allclose(small(X), network(X), atol=1e-12)


def test_equal_directions_with_different_norms_do_not_merge_for_tanh():
    network = TwoLayerNetwork([1.0, 1.0], [[1.0, 0.0], [3.0, 0.0]], "tanh")
    assert merge(network, 0.99).width == 2
    assert merge(TwoLayerNetwork(network.a, network.w), 0.99).width == 1


def test_static_neurons_go_when_inputs_are_given():
    network = TwoLayerNetwork([1.0, 5.0], [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    assert merge(network).width == 2
    assert merge(network, x=X).width == 1
    assert_allclose(merge(network, x=X)(X), network(X), atol=1e-12)


def test_a_lower_threshold_gives_fewer_neurons_and_retraining_repairs():
    x = np.linspace(-1, 1, 20)[:, None]
    y = np.abs(x[:, 0]) - np.maximum(x[:, 0] - 0.5, 0)
    start = TwoLayerNetwork.random(30, 1, 1e-2, "relu", np.random.default_rng(0))
    run = start.train(x, y, 20000, 0.1, 20000)
    network = TwoLayerNetwork(run["a"][-1], run["w"][-1])
    curve = reduction_curve(network, x, y, (0.5, 0.9, 0.999))
    assert (np.diff(curve.neurons) >= 0).all()
    assert curve.neurons[-1] < 30
    assert curve.error[-1] < curve.error[0]
    assert (curve.retrained <= curve.loss + 1e-15).all()


@pytest.mark.parametrize(("dim", "needed"), [(1, 1), (2, 2), (3, 1)])
def test_rank_at_condensed_parameters_is_that_of_the_narrow_network(dim, needed):
    rng = np.random.default_rng(dim)
    points = rng.standard_normal((400, dim))
    narrow = TwoLayerNetwork.random(needed, dim, 1.0, "tanh", rng)
    wide = condensed(narrow, rng, 5)
    assert tangent_rank(narrow, points) == tangent_rank(wide, points) == needed * (dim + 2)
    assert optimistic_sample_size(wide, points) == needed * (dim + 2)
    w = np.concatenate([narrow.w, rng.standard_normal((2, dim + 1))])
    spread = TwoLayerNetwork(np.concatenate([narrow.a, [0.0, 0.0]]), w, "tanh")
    assert_allclose(spread(points), narrow(points), atol=1e-12)
    assert tangent_rank(spread, points) > needed * (dim + 2)


def test_low_rank_sample_sizes():
    assert low_rank_sample_size(1, 4, 4) == 7
    assert low_rank_sample_size(4, 4, 4) == 16


def test_wide_networks_recover_from_few_samples_only_when_they_start_small():
    small = recovery_error([2, 8], np.random.default_rng(0), n_steps=6000, replicates=8)
    large = recovery_error([8], np.random.default_rng(0), n_steps=6000, replicates=8, std=1.0, lr=0.03)
    assert np.median(small[0]) > 0.05
    assert np.median(small[1]) < 0.05
    assert np.median(large) > 0.2


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda net: merge(net, 0.0), "threshold"),
        (lambda net: merge(net, 1.2), "threshold"),
        (lambda net: merge(TwoLayerNetwork([[1.0]], [[[1.0, 0.0]]])), "network"),
        (lambda net: merge(TwoLayerNetwork([0.0], [[1.0, 0.0]])), "network"),
        (lambda net: merge(net, x=X), "x"),
        (lambda net: tangent_rank(net, X[:3]), "points"),
        (lambda net: low_rank_sample_size(5, 4, 4), "rank"),
        (lambda net: recovery_error([0], np.random.default_rng(0)), "sizes"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(TwoLayerNetwork([1.0, 2.0], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "tanh"))


def test_merged_relus_lie_along_the_mean_of_their_directions_weighed_by_mass():
    """Masses 6 and 1 at angles 0 and 0.1, and a third neuron apart, of mass 8, that comes first."""
    w = np.array([[3.0, 0.0], [np.cos(0.1), np.sin(0.1)], [0.0, 2.0]])
    small = merge(TwoLayerNetwork([2.0, -1.0, 4.0], w), 0.99)
    mean = np.array([6 + np.cos(0.1), np.sin(0.1)])
    assert_allclose(small.a, [8, 2 * 3 - 1])
    assert_allclose(small.w, [[0, 1], mean / np.linalg.norm(mean)], atol=1e-12)
    assert merge(TwoLayerNetwork([2.0, -1.0, 4.0], w), 0.996).width == 3


def test_merged_vectors_are_means_weighed_by_the_output_weights():
    """Similarity 1 - 0.1^2 / (2 1.1^2) = 0.99587."""
    network = TwoLayerNetwork([3.0, -1.0], [[1.0, 0.0], [1.1, 0.0]], "softplus")
    small = merge(network, 0.9958)
    assert_allclose(small.a, [2])
    assert_allclose(small.w, [[(3 * 1 + 1 * 1.1) / 4, 0]])
    assert merge(network, 0.9959).width == 2


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_reduction_curve_is_that_of_merging_and_training_at_each_threshold(activation):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((9, 1)), rng.standard_normal(9)
    angle = rng.uniform(0, 1, 12)
    network = TwoLayerNetwork(rng.standard_normal(12), np.stack([np.cos(angle), np.sin(angle)], axis=1), activation)
    curve = reduction_curve(network, x, y, (0.9, 0.999), n_steps=7, lr=0.02)
    for k, threshold in enumerate((0.9, 0.999)):
        small = merge(network, threshold, x=x if activation == "relu" else None)
        difference = small(x) - network(x)
        assert curve.neurons[k] == small.width
        assert_allclose(curve.error[k], np.sqrt((difference**2).sum() / (network(x) ** 2).sum()))
        assert_allclose(curve.loss[k], ((small(x) - y) ** 2).mean() / 2)
        run = small.train(x, y, 7, 0.02, 1)
        assert_allclose(curve.retrained[k], run["loss"][7])
    assert curve.neurons[0] < curve.neurons[1]
    assert curve.thresholds.tolist() == [0.9, 0.999]


@pytest.mark.parametrize("n_outputs", [None, 2])
def test_as_many_points_as_parameters_are_enough_for_a_rank(n_outputs):
    rng = np.random.default_rng(0)
    network = TwoLayerNetwork.random(2, 1, 1.0, "tanh", rng, n_outputs=n_outputs)
    p = 2 * ((n_outputs or 1) + 2)
    points = rng.standard_normal((p, 1))
    assert tangent_rank(network, points) <= p
    with pytest.raises(ValueError, match=f"points must be at least {p} for a single network"):
        tangent_rank(network, points[1:])


def test_a_matrix_of_full_rank_needs_every_entry():
    assert low_rank_sample_size(3, 3, 5) == 15
    assert low_rank_sample_size(2, 3, 5) == 12
    for rows, columns in ((3, 5), (5, 3)):
        with pytest.raises(ValueError, match="rank must be <= 3, got 4"):
            low_rank_sample_size(4, rows, columns)


def test_errors_of_recovery_are_relative_to_the_variance_of_each_teacher():
    options = {"dim": 2, "teacher_width": 3, "width": 5, "std": 0.5, "lr": 0.1, "n_steps": 4, "replicates": 3}
    errors = recovery_error([2, 6], np.random.default_rng(8), **options)
    rng = np.random.default_rng(8)
    fresh = rng.standard_normal((1000, 2))
    for k, n in enumerate((2, 6)):
        teacher = TwoLayerNetwork.random(3, 2, 1.0, "tanh", rng, replicates=3)
        x = rng.standard_normal((n, 2))
        student = TwoLayerNetwork.random(5, 2, 0.5, "tanh", rng, replicates=3)
        for r in range(3):
            truth = TwoLayerNetwork(teacher.a[r], teacher.w[r], "tanh")
            run = TwoLayerNetwork(student.a[r], student.w[r], "tanh").train(x, truth(x), 4, 0.1, 4)
            found = TwoLayerNetwork(run["a"][-1], run["w"][-1], "tanh")
            wanted = truth(fresh)
            off = np.mean((found(fresh) - wanted) ** 2) / np.mean((wanted - wanted.mean()) ** 2)
            assert_allclose(errors[k, r], off, rtol=1e-9)


def test_weights_whose_products_overflow_are_not_merged():
    with pytest.raises(ValueError, match="w must be at most 1e\\+75 in size"):
        merge(TwoLayerNetwork([1.0, 1.0], [[1e200, 0.0], [1e200, 1.0]]))
