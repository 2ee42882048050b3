import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise.deep_network import DeepLinearNetwork
from toymodels.layerwise.kernels import kernel_alignment, kernel_distance
from toymodels.layerwise.matrix import LinearNetwork

T = np.array([0.0, 0.3, 1.0, 2.5])


@st.composite
def networks(draw, depths=(1, 2, 3, 4)):
    """Any shape, fewer modes than directions, modes without target and without start."""
    c, d, h = draw(st.tuples(*[st.integers(1, 4)] * 3))
    depth = draw(st.sampled_from(depths))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    correlation = rng.standard_normal((c, d))
    if draw(st.booleans()):
        correlation = np.outer(correlation[:, 0], correlation[0])
    most = min(c, d, h) if depth > 1 else min(c, d)
    initial = rng.uniform(0.05, 1.5, draw(st.integers(1, most))) * (rng.random() < 0.9)
    return DeepLinearNetwork.aligned(correlation, initial, depth, h)


def forward(layers):
    product = np.eye(layers[0].shape[1])
    for layer in layers:
        product = layer @ product
    return product


def shaped(model, state):
    layers, at = [], 0
    for layer in model.layers:
        layers.append(state[at : at + layer.size].reshape(layer.shape))
        at += layer.size
    return layers


def jacobian_kernel(layers, x):
    """J J' with the output index slow, from one-hot changes of every weight."""
    rows = []
    for k, layer in enumerate(layers):
        for index in np.ndindex(layer.shape):
            change = np.zeros_like(layer)
            change[index] = 1
            rows.append((forward([*layers[:k], change, *layers[k + 1 :]]) @ x.T).ravel())
    jacobian = np.array(rows).T
    return jacobian @ jacobian.T


def raw_layers(model, t):
    def velocity(state):
        layers = shaped(model, state)
        error = model.correlation - forward(layers)
        slopes = []
        for k, layer in enumerate(layers):
            below = forward([np.eye(layers[0].shape[1]), *layers[:k]])
            above = forward([np.eye(layer.shape[0]), *layers[k + 1 :]])
            slopes.append((above.T @ error @ below.T).ravel())
        return np.concatenate(slopes)

    states = integrate(velocity, np.concatenate([layer.ravel() for layer in model.layers]), t)
    return [shaped(model, state) for state in states]


@given(networks())
def test_the_map_and_the_kernel_match_the_raw_flow_at_any_depth(model):
    run = model.solve(T)
    states = raw_layers(model, T)
    maps = np.array([forward(layers) for layers in states])
    assert_same_flow(run["map"], maps)
    assert_same_flow(run["loss"], 0.5 * np.sum((model.correlation - maps) ** 2, axis=(1, 2)))
    x = np.random.default_rng(0).standard_normal((3, model.correlation.shape[1]))
    kernels = np.array([jacobian_kernel(layers, x) for layers in states])
    assert_same_flow(model.kernel(T, x), kernels)


@given(networks())
def test_distance_and_alignment_are_those_of_the_full_kernel(model):
    assume(model.depth == 1 or model.initial.any())
    d = model.correlation.shape[1]
    rng = np.random.default_rng(1)
    x = np.linalg.qr(rng.standard_normal((6, d)))[0] * np.sqrt(6)
    kernels = model.kernel(T, x)
    assert_allclose(model.kernel_distance(T), [kernel_distance(kernels[0], k) for k in kernels], atol=1e-12)
    aligned = [kernel_alignment(k, x @ model.correlation.T) for k in kernels]
    assert_allclose(model.kernel_alignment(T), aligned, atol=1e-12)
    x = rng.standard_normal((6, d)) @ rng.standard_normal((d, d))
    kernels = model.kernel(T, x)
    distances = [kernel_distance(kernels[0], k) for k in kernels]
    assert_allclose(model.kernel_distance(T, x.T @ x / 6), distances, atol=1e-11)


@given(networks(depths=(2,)))
def test_depth_two_is_the_two_layer_network(model):
    t = np.append(T, np.inf)
    two = LinearNetwork.aligned(model.correlation, model.initial, model.hidden).solve(t)
    assert_allclose(model.solve(t)["map"], two["map"], atol=1e-9)


@given(networks())
def test_the_flow_ends_at_the_modes_that_were_there(model):
    left, singular, right = np.linalg.svd(model.correlation, full_matrices=False)
    k = singular.size if model.depth == 1 else np.count_nonzero(model.initial)
    end = model.solve([0.0, np.inf])["map"][-1]
    assert_allclose(end, (left[:, :k] * singular[:k]) @ right[:k], atol=1e-12)


@given(networks())
def test_restarting_gives_the_same_end(model):
    middle = model.solve([0.0, 0.6])["product"][1]
    rest = DeepLinearNetwork.aligned(model.correlation, middle, model.depth, model.hidden).solve([0.9])
    assert_allclose(rest["map"], model.solve([1.5])["map"], atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_gradient_descent_is_first_order_in_the_step(depth):
    model = DeepLinearNetwork.aligned(np.array([[1.0, 0.5], [0.0, -1.0]]), [0.3, 0.2], depth, 3)
    end, errors = model.solve([1.0]), []
    for n_steps in (400, 800, 1600):
        run = model.simulate(n_steps, 1 / n_steps)
        errors.append(np.abs(run["map"][-1] - end["map"][0]).max())
        assert_allclose(run["product"][-1], end["product"][0], atol=2 * errors[-1])
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_a_small_start_aligns_silently(depth):
    model = DeepLinearNetwork.aligned(np.diag([2.0, 1.9, 0.0]), [1e-3, 1e-3, 1e-3], depth, 3)
    t = np.append(0.0, np.geomspace(1e-2, 3e3, 400))
    loss, alignment = model.solve(t)["loss"], model.kernel_alignment(t)
    plateau = loss > 0.9 * loss[0]
    gain = alignment[-1] - alignment[0]
    assert gain > 0.1
    assert alignment[plateau].max() > alignment[0] + 0.5 * gain
    distance = model.kernel_distance(t)
    assert distance[0] == 0
    assert distance[-1] > 0.1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DeepLinearNetwork.aligned(np.eye(2), [-0.1], 3, 2), "initial must be >= 0"),
        (lambda: DeepLinearNetwork.aligned(np.eye(2), [0.1, 0.1], 3, 1), "initial must have at most 1 entries, got 2"),
        (lambda: DeepLinearNetwork.aligned(np.eye(2), [0.1], 0, 2), "depth must be >= 1"),
        (lambda: DeepLinearNetwork.aligned(np.eye(2), [0.1], 2, 1.0), "hidden must be an integer"),
        (lambda: DeepLinearNetwork.aligned(np.ones(2), [0.1], 2, 1), r"correlation must have 2 dimension"),
        (
            lambda: DeepLinearNetwork.aligned(np.zeros((2, 2)), [0.1], 2, 1).kernel_alignment([1.0]),
            "correlation must not be 0",
        ),
        (lambda: DeepLinearNetwork.aligned(np.eye(2), [0.0], 2, 1).kernel_alignment([1.0]), "initial must not be 0"),
        (lambda: DeepLinearNetwork.aligned(np.eye(2), [0.1], 2, 1).kernel([1.0], np.eye(3)), "x must have 2 columns"),
        (
            lambda: DeepLinearNetwork.aligned(np.eye(2), [0.1], 2, 1).kernel_distance([1.0], np.zeros((2, 2))),
            "covariance must not make the kernel vanish",
        ),
    ],
)
def test_bad_parameters_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
