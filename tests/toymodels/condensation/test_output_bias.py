"""Networks with an output bias: the bias is one more parameter everywhere, and the sheet's laws keep to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.condensation import (
    TwoLayerNetwork,
    adam_with_decay,
    add_null,
    compare_dropout,
    critical_points,
    dropout_penalty,
    inertia,
    merge,
    normalised_descent,
    optimistic_sample_size,
    reduction_curve,
    split,
    split_inertia,
    tangent_rank,
)
from toymodels.condensation.activations import ACTIVATIONS
from toymodels.condensation.embedding import embeddings
from toymodels.condensation.presets import embedding_data

STEP = 1e-6
SMOOTH = sorted(set(ACTIVATIONS) - {"relu"})
OUTPUTS = st.sampled_from([None, 1, 3])
seeds = st.integers(0, 10**6)

X, LINE = embedding_data()
PAIR = np.stack([LINE, X[:, 0] ** 2 - 0.5 * X[:, 0]], axis=1)
FOUND = [
    (point, targets)
    for activation, targets in (("tanh", LINE), ("tanh", PAIR), ("sigmoid", LINE), ("softplus", PAIR))
    for point in critical_points(1, X, targets, activation, np.random.default_rng(5), 6, output_bias=True)
]


def network_and_data(seed, activation, k, width=3, dim=2, n=7, replicates=None):
    rng = np.random.default_rng(seed)
    network = TwoLayerNetwork.random(width, dim, 1.0, activation, rng, n_outputs=k, replicates=replicates)
    lead = () if replicates is None else (replicates,)
    bias = rng.standard_normal((*lead, *(() if k is None else (k,))))
    x = rng.standard_normal((n, dim))
    return with_bias(network, bias), x, rng.standard_normal((n,) if k is None else (n, k))


def with_bias(network, bias):
    return TwoLayerNetwork(network.a, network.w, network.activation, bias)


def moved(network, theta):
    cuts = np.cumsum([part.size for part in network.parameters])[:-1]
    parts = np.split(theta, cuts)
    a, w, bias = (part.reshape(old.shape) for part, old in zip(parts, network.parameters, strict=True))
    return TwoLayerNetwork(a, w, network.activation, bias)


def flat(parts):
    return np.concatenate([np.ravel(part) for part in parts])


def quotients(function, theta):
    return np.stack(
        [(function(theta + STEP * e) - function(theta - STEP * e)) / (2 * STEP) for e in np.eye(len(theta))], axis=-1
    )


@given(seeds, st.sampled_from(SMOOTH), OUTPUTS)
def test_derivatives_are_those_of_difference_quotients(seed, activation, k):
    network, x, y = network_and_data(seed, activation, k)
    theta = flat(network.parameters)
    jacobian = quotients(lambda point: moved(network, point)(x), theta)
    assert_allclose(network.jacobian(x), jacobian, rtol=1e-5, atol=1e-6)
    slope = quotients(lambda point: moved(network, point).loss(x, y), theta)
    assert_allclose(flat(network.gradient(x, y)), slope, rtol=1e-5, atol=1e-6)
    bend = quotients(lambda point: flat(moved(network, point).gradient(x, y)), theta)
    assert_allclose(network.hessian(x, y), bend, rtol=1e-5, atol=2e-6)


@given(seeds, st.sampled_from(sorted(ACTIVATIONS)), OUTPUTS)
def test_a_bias_shifts_the_targets(seed, activation, k):
    network, x, y = network_and_data(seed, activation, k)
    plain = TwoLayerNetwork(network.a, network.w, activation)
    assert_allclose(network(x), plain(x) + network.output_bias, **EXACT)
    assert_allclose(network.loss(x, y), plain.loss(x, y - network.output_bias), **EXACT)
    for mine, its in zip(network.gradient(x, y)[:2], plain.gradient(x, y - network.output_bias), strict=True):
        assert_allclose(mine, its, rtol=1e-10, atol=1e-11)
    assert_array_equal(dropout_penalty(network, x, 0.6), dropout_penalty(plain, x, 0.6))


@given(seeds, st.sampled_from(sorted(ACTIVATIONS)), OUTPUTS, st.sampled_from(["gd", "adam"]))
def test_a_trained_bias_is_an_output_weight_of_a_neuron_that_is_always_one(seed, activation, k, optimizer):
    """Replicates train as they do alone, and the first step is the gradient's."""
    network, x, y = network_and_data(seed, activation, k, replicates=2)
    run = network.train(x, y, 5, 1e-3, 1, optimizer=optimizer)
    assert run["output_bias"].shape == (6, *network.output_bias.shape)
    alone = TwoLayerNetwork(network.a[1], network.w[1], activation, network.output_bias[1])
    single = alone.train(x, y, 5, 1e-3, 1, optimizer=optimizer)
    for name in ("a", "w", "loss", "output_bias"):
        assert_allclose(run[name][:, 1], single[name], rtol=1e-8, atol=1e-10)
    if optimizer == "gd":
        step = alone.output_bias - 1e-3 * alone.gradient(x, y)[2]
        assert_allclose(single["output_bias"][1], step, **EXACT)


def test_a_bias_alone_fits_the_mean():
    """Hand-worked: silent neurons, targets 1, 2, 6; one step of length 1 lands on the mean 3, loss 14/6."""
    network = TwoLayerNetwork([0.0], [[0.0, 0.0]], "tanh", 0.0)
    x, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 2.0, 6.0])
    run = network.train(x, y, 1, 1.0, 1)
    assert_allclose(run["output_bias"], [0, 3])
    assert_allclose(run["loss"], [41 / 6, 14 / 6])


def test_what_is_without_a_bias_has_none():
    network = TwoLayerNetwork.random(3, 1, 1.0, "tanh", np.random.default_rng(0))
    assert network.output_bias is None
    assert_array_equal(network.shift, [[0]])
    run = network.train(X, LINE, 2, 0.1, 1)
    assert set(run.data) == {"a", "w", "loss"}
    with pytest.raises(ValueError, match="record must be one of"):
        network.train(X, LINE, 2, 0.1, 1, record=("output_bias",))
    assert set(with_bias(network, 0.5).train(X, LINE, 2, 0.1, 1, record=("loss",)).data) == {"loss"}


@given(seeds, st.sampled_from(sorted(ACTIVATIONS)), OUTPUTS, st.floats(-3, 3))
def test_splits_keep_output_and_bias(seed, activation, k, fraction):
    network, x, _ = network_and_data(seed, activation, k, replicates=2)
    wide = split(network, 1, fraction)
    assert_allclose(wide(x), network(x), atol=1e-11)
    assert_array_equal(wide.output_bias, network.output_bias)
    assert_allclose(add_null(network)(x), network(x), **EXACT)


def largest_slope(network, targets):
    return max(np.abs(part).max() for part in network.gradient(X, targets))


def test_critical_points_with_a_bias_are_found_for_every_kind():
    kinds = {(point.activation, point.n_outputs) for point, _ in FOUND}
    assert kinds == {("tanh", None), ("tanh", 2), ("sigmoid", None), ("softplus", 2)}
    for point, targets in FOUND:
        assert largest_slope(point, targets) < 1e-11
        assert_allclose((point(X) - targets).mean(axis=0), 0, atol=1e-11)  # what the bias's own criticality says


def test_embeddings_with_a_bias_are_critical_and_obey_the_law_also_where_s_of_0_is_not_0():
    for point, targets in FOUND:
        before = inertia(point.hessian(X, targets))
        for wide, option in embeddings(point):
            assert largest_slope(wide, targets) < 1e-9
            after = inertia(wide.hessian(X, targets))
            assert all(more >= less for more, less in zip(after, before, strict=True))
            if option is not None and point.strength[option[0]] > 1e-3:
                assert after == split_inertia(point, X, targets, *option)


def test_without_a_bias_a_null_neuron_of_sigmoid_is_no_critical_point():
    point = next(point for point, _ in FOUND if point.activation == "sigmoid")
    with pytest.raises(ValueError, match="without an output bias"):
        add_null(TwoLayerNetwork(point.a, point.w, "sigmoid"))


@given(seeds, st.sampled_from(sorted(ACTIVATIONS)), OUTPUTS)
def test_merging_undoes_splits_and_takes_constants_into_the_bias(seed, activation, k):
    network, x, _ = network_and_data(seed, activation, k, width=2)
    wide = split(split(network, 0, 0.3), 1, 1.7)
    constant = np.r_[np.zeros(network.dim), 0.7]
    columns = np.concatenate([wide.columns, np.full_like(wide.columns[:1], 2.0)])
    wide = wide.with_weights(columns, np.concatenate([wide.w, constant[None]]))
    small = merge(wide, 1.0)
    assert small.width == 2
    assert_allclose(small(x), wide(x), rtol=1e-9, atol=1e-9)
    assert_allclose(small.shift, network.shift + 2.0 * wide.hidden(x)[0, -1], atol=1e-12)


def test_a_constant_neuron_stays_where_there_is_no_bias():
    network = TwoLayerNetwork([1.0, 2.0], [[1.0, 0.0], [0.0, 0.7]], "tanh")
    assert merge(network, 1.0).width == 2


@pytest.mark.parametrize(("m", "d", "k"), [(1, 1, 3), (2, 1, 2), (3, 2, 3), (4, 2, 2), (3, 2, None), (2, 3, 1)])
def test_a_bias_needs_one_sample_more(m, d, k):
    rng = np.random.default_rng(1)
    points = rng.standard_normal((80, d))
    plain = TwoLayerNetwork.random(m, d, 1.0, "tanh", rng, n_outputs=k)
    biased = with_bias(plain, rng.standard_normal(() if k is None else (k,)))
    assert optimistic_sample_size(biased, points) == optimistic_sample_size(plain, points) + 1
    assert tangent_rank(biased, points) == tangent_rank(plain, points) + (k or 1)
    if k in (None, 1):
        assert optimistic_sample_size(biased, points) == m * (d + 2) + 1
    elif m <= k:
        assert optimistic_sample_size(biased, points) == m + d + 2


def test_points_in_any_order_give_the_same_size():
    sizes = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes.add(optimistic_sample_size(TwoLayerNetwork.random(3, 1, 1.0, "tanh", rng, n_outputs=3), sixty(rng)))
    assert sizes == {5}


def sixty(rng):
    return rng.standard_normal((60, 1))


def test_dropout_adds_the_penalty_whatever_the_bias():
    network, x, y = network_and_data(3, "tanh", 2, n=4)
    rng = np.random.default_rng(0)
    masks = (rng.random((60_000, 1, 3)) < 0.7) / 0.7
    outputs = (network.hidden(x) * masks) @ network.a + network.output_bias
    losses = ((outputs - y) ** 2).sum(axis=-1).mean(axis=-1) / 2
    error = losses.std() / np.sqrt(len(losses))
    assert abs(losses.mean() - network.loss(x, y) - dropout_penalty(network, x, 0.7)) < MONTE_CARLO * error


def test_comparison_of_dropout_trains_the_bias():
    found = compare_dropout(
        X, LINE + 3, np.random.default_rng(0), width=10, n_steps=2000, replicates=2, output_bias=True
    )
    assert (found.loss < 0.1).all()
    assert (found.penalty[1] < found.penalty[0] + 1).all()


def test_reduction_keeps_the_bias():
    network, x, y = network_and_data(4, "tanh", 2, width=2)
    curve = reduction_curve(split(network, 0, 0.4), x, y, (1.0,), n_steps=5, lr=1e-3)
    assert curve.neurons.tolist() == [2]
    assert_allclose(curve.error, 0, atol=1e-9)


def test_normalised_descent_leaves_the_bias():
    network = TwoLayerNetwork.random(4, 1, 1e-3, "tanh", np.random.default_rng(0), output_bias=True)
    run = normalised_descent(network, X, LINE, 3, 0.1)
    assert set(run.data) == {"a", "w"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TwoLayerNetwork([1.0], [[1.0, 0.0]], output_bias=[1.0]), "output_bias must have shape"),
        (lambda: TwoLayerNetwork([[1.0, 2.0]], [[1.0, 0.0]], output_bias=[1.0]), "output_bias must have shape"),
        (lambda: TwoLayerNetwork([1.0], [[1.0, 0.0]], output_bias=np.nan), "output_bias"),
        (
            lambda: adam_with_decay(TwoLayerNetwork([1.0], [[1.0, 0.0]], output_bias=0.0), X, LINE, 2, 0.1),
            "one output without bias",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
