import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise import gradient_flow as _flow

from figures.layerwise import kernel_distances as _layerwise

from figures.layerwise import kernel_distance_map as layerwise_06

from figures.layerwise import modular_addition as layerwise_modular

from figures.layerwise import saddle_to_saddle as layerwise_saddles

from figures.layerwise import scaling_laws as layerwise_scaling
from figures.layerwise import theorems
from toymodels.layerwise import (
    LinearModel,
    LinearNetwork,
    ScalarNetwork,
    gram_kernel_distance,
    kernel_distance,
    linear_network_ntk,
)


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_kernel_distance_of_many_networks_is_that_of_their_kernels(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((layerwise_06.SAMPLES, layerwise_06.WIDE))
    start, end = (
        (rng.standard_normal((3, 6, layerwise_06.WIDE)), rng.standard_normal((3, layerwise_06.OUTPUTS, 6)))
        for _ in range(2)
    )
    found = layerwise_06._distance(x, start, end)
    kernels = [[linear_network_ntk(x, w1[k], w2[k]) for k in range(3)] for w1, w2 in (start, end)]
    assert_allclose(found, [kernel_distance(*pair) for pair in zip(*kernels, strict=True)], rtol=1e-12, atol=1e-12)


def test_the_map_of_panel_b_is_gradient_descent_from_a_zero_function():
    found = layerwise_06.map_b(0, np.random.default_rng(1), side=3, n_steps=0)["map"]
    assert_allclose(found, 0, atol=1e-14)
    assert layerwise_06.map_b(0, np.random.default_rng(1), side=3, n_steps=400)["map"][1, 0] > 1e-3


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (4, 2)])
def test_correlation_is_that_of_labels_with_white_inputs(shape):
    rng = np.random.default_rng(0)
    draws = np.array([_layerwise.random_correlation(shape[0], shape[1], 10, rng) for _ in range(4000)])
    assert draws.shape[1:] == shape
    # entries are averages of 10 products of unit normals
    assert_allclose(draws.std(axis=0), np.sqrt(0.1), rtol=0.05)


def test_distance_and_loss_are_those_of_the_balanced_network():
    correlation = np.array([[1.0, 0.2], [0.0, 0.5]])
    t = np.array([0.5, 2.0])
    distance, loss = _layerwise.distance_and_loss(correlation, 0.3, 4.0, t, np.random.default_rng(3))
    net = LinearNetwork.balanced(correlation / 4, 2, 0.3, 2.0, np.random.default_rng(3))
    run = net.solve([0.0, *t])
    grams = run["gram_in"], run["gram_out"]
    assert_allclose(
        distance, gram_kernel_distance(grams[0][0], grams[1][0], grams[0][1:], grams[1][1:]), rtol=1e-12, atol=1e-12
    )
    assert_allclose(loss, run["loss"][1:] / run["loss"][0], rtol=1e-12, atol=1e-12)


@given(st.lists(st.floats(1.5, 3.0), min_size=1, max_size=4))
def test_drops_counts_the_steps_of_a_loss(gaps):
    t = np.geomspace(1, 1e15, 5000)
    centres = np.cumsum([3.0, *gaps])
    loss = np.sum(1 / (1 + np.exp(8 * (np.log10(t) - centres[:, None]))), axis=0)
    assert layerwise_saddles._drops(loss, t) == len(centres)


@given(st.floats(-3, -0.1), st.floats(0.1, 10))
def test_slope_is_that_of_a_power_law_above_the_lower_end(power, factor):
    x = np.geomspace(1, 1e4, 30)
    loss = np.where(x < 1e2, 1.0, factor * x**power)
    assert_allclose(layerwise_scaling._slope(x, loss, 1e2), power, rtol=1e-9)


def test_integrated_flow_is_that_of_a_linear_equation():
    t = np.array([0.0, 0.3, 2.0])
    (weights,) = _flow.integrate(lambda w: (np.array([2.0, 1.0]) - w,), (np.zeros(2),), t)
    assert_allclose(weights, LinearModel([2.0, 1.0]).solve(t)["theta"], rtol=1e-8, atol=1e-10)


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_integrated_layers_keep_shapes_and_descend(seed):
    rng = np.random.default_rng(seed)
    w1, w2, correlation = rng.standard_normal((3, 4)), rng.standard_normal((2, 3)), rng.standard_normal((2, 4))
    first, second = _flow.two_layers(w1, w2, correlation, np.eye(4), np.linspace(0, 1, 20))
    assert_allclose(first[0], w1)
    assert_allclose(second[0], w2)
    loss = np.sum((correlation - second @ first) ** 2, axis=(1, 2))
    assert (np.diff(loss) <= 1e-9).all()


@settings(max_examples=10)
@given(st.integers(0, 2**31), st.floats(-2, 2))
def test_integrated_scalar_network_is_the_exact_one(seed, target):
    a0, b0 = np.random.default_rng(seed).standard_normal((2, 3))
    t = np.linspace(0, 1, 5)
    run = ScalarNetwork(a0, b0, target, 2.0).solve(t)
    a, b = _flow.scalar_network(a0, b0, target, 2.0, t)
    assert_allclose(a, run["a"], rtol=1e-7, atol=1e-8)
    assert_allclose(b, run["b"], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("imbalance", [-3.0, 0.0, 3.0])
def test_the_aligned_network_starts_balanced_and_learns_its_modes(imbalance):
    found = theorems.aligned(imbalance, np.random.default_rng(0), theorems.Params(n_times=30))
    assert_allclose(found["modes"][0], theorems.START)
    assert_allclose(found["modes"][-1], theorems.STRENGTHS, rtol=1e-6)
    assert found["error"] < 1e-6


def test_the_limits_of_a_mode_are_told_apart():
    near, far = (theorems.limit(lam, np.random.default_rng(0), theorems.Params(n_times=50)) for lam in (1e-4, 1e4))
    assert near["sigmoid"] < 1e-5 < 0.1 < near["exponential"]
    assert far["exponential"] < 1e-5 < 0.1 < far["sigmoid"]


@pytest.mark.parametrize(("ratio", "inflection"), [(-1.0, 0.0), (0.03, 0.0), (30.0, 1.0)])
def test_growth_bends_only_from_a_small_start(ratio, inflection):
    found = theorems.scalar(ratio, np.random.default_rng(1), theorems.Params())
    assert found["inflection"] == inflection
    assert found["unexpected"] == found["backward"] == 0


def test_half_times_are_read_between_records():
    t = np.linspace(0, 1, 11)
    modes = theorems.STRENGTHS * np.minimum(t[:, None] * np.array([2.0, 1.5, 1.0]), 1)
    data = {"aligned_t": t[None, None], "aligned_modes": modes[None, None]}
    assert_allclose(theorems._half_times(data, np.array([True])), [2.0])


def test_runs_that_end_too_early_leave_the_modular_task_undecided():
    d = {"steps": np.array([1, 10, 100]), "test": np.zeros((2, 3, 3)), "train": np.ones((2, 3, 3))}
    assert_allclose(layerwise_modular._delay(d, 0), 2.0)
    assert not layerwise_modular._usual_generalises(d)
    d["test"][0, :2, 1:] = 1.0
    assert layerwise_modular._usual_generalises(d)
    assert_allclose(layerwise_modular._delay(d, 0), [1, 1, 2])


@pytest.mark.parametrize("kind", layerwise_saddles.KINDS)
def test_matrix_networks_learn_one_rank_after_another(kind):
    strengths, t = np.array([2.0, 0.5]), np.array([1.0, 10.0, 80.0])
    cell = layerwise_saddles.matrix_network
    found = cell(kind, np.random.default_rng(0), strengths=strengths, start=1e-8, t=t, between=t[1:2])
    assert ((found["spectrum"] > strengths / 2).sum(axis=1) == [0, 1, 2]).all()
    assert_allclose(found["spectrum_between"], found["spectrum"][1:2])
    assert (np.diff(found["loss"]) < 0).all()
