import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.scalar import ScalarNetwork

T = np.array([0.0, 0.2, 1.0, 3.0])


@st.composite
def networks(draw):
    width = draw(st.integers(1, 5))
    weights = arrays(float, width, elements=st.floats(-2, 2))
    return ScalarNetwork(
        draw(weights), draw(weights), draw(st.floats(-3, 3)), draw(st.floats(0.5, 4)), draw(st.floats(0.1, 2))
    )


def restarted(model, a, b):
    return ScalarNetwork(a, b, model.target, model.normalizer, model.variance)


@given(networks())
def test_solution_matches_the_flow_at_any_width(model):
    def velocity(state):
        a, b = np.split(state, 2)
        pull = model.variance / model.normalizer * (model.target - a @ b / model.normalizer)
        return np.concatenate([pull * b, pull * a])

    a, b = np.split(integrate(velocity, np.concatenate([model.a0, model.b0]), T), 2, axis=1)
    run, function = model.solve(T), np.sum(a * b, axis=1) / model.normalizer
    assert_same_flow(run["a"], a)
    assert_same_flow(run["b"], b)
    assert_same_flow(run["function"], function)
    assert_same_flow(run["residual"], model.target - function)
    assert_same_flow(run["ntk"], np.sum(a**2 + b**2, axis=1) / model.normalizer**2)


@given(networks())
def test_restarting_half_way_gives_the_same_end(model):
    half, whole = model.solve([0.7]), model.solve([2.0])
    rest = restarted(model, half["a"][0], half["b"][0]).solve([1.3])
    for name in ("a", "b", "function", "ntk"):
        assert_allclose(rest[name], whole[name], rtol=1e-8, atol=1e-9)


@given(networks())
def test_all_the_conserved_quantities_are_conserved(model):
    run = model.solve(T)
    a, b = run["a"], run["b"]
    assert_allclose(a**2 - b**2, np.tile(model.a0**2 - model.b0**2, (4, 1)), rtol=1e-10, atol=1e-11)
    cross = np.einsum("ti,tj->tij", a, b)
    first = np.outer(model.a0, model.b0)
    # a_i b_j - a_j b_i
    assert_allclose(cross - cross.swapaxes(1, 2), np.tile(first - first.T, (4, 1, 1)), rtol=1e-10, atol=1e-10)
    assert_allclose(run["aligned"] * run["opposed"], -model.flow.aligned * model.flow.opposed, rtol=1e-10, atol=1e-11)
    kernel = run["ntk"] ** 2 - (2 * run["function"] / model.normalizer) ** 2
    assert_allclose(kernel, kernel[0], rtol=1e-9, atol=1e-10)


@given(networks())
def test_function_moves_monotonically_between_start_and_target(model):
    run = model.solve(np.linspace(0, 8, 40))
    low, high = sorted([model.flow.start, model.target])
    assert np.all((run["function"] >= low - 1e-12) & (run["function"] <= high + 1e-12))
    assert np.all(np.diff(run["progress"]) >= -1e-14)
    assert_allclose(run["aligned"] + run["opposed"], run["function"], rtol=1e-10, atol=1e-11)


@given(networks(), st.randoms(use_true_random=False))
def test_symmetries_of_the_units(model, random):
    run = model.solve(T)
    order = list(range(model.a0.size))
    random.shuffle(order)
    permuted = restarted(model, model.a0[order], model.b0[order]).solve(T)
    assert_allclose(permuted["a"], run["a"][:, order], rtol=1e-11, atol=1e-11)
    swapped = restarted(model, model.b0, model.a0).solve(T)
    assert_allclose(swapped["function"], run["function"], rtol=1e-11, atol=1e-11)
    flipped = ScalarNetwork(-model.a0, model.b0, -model.target, model.normalizer, model.variance).solve(T)
    assert_allclose(flipped["function"], -run["function"], rtol=1e-11, atol=1e-11)


@given(st.integers(1, 6), st.floats(-2, 2), st.floats(-2, 2), st.floats(-3, 3))
def test_identical_units_are_one_unit_with_smaller_normalizer_and_variance(width, a, b, target):
    wide = ScalarNetwork(np.full(width, a), np.full(width, b), target, normalizer=2.0)
    single = ScalarNetwork([a], [b], target, normalizer=2.0 / width, variance=1.0 / width)
    assert_allclose(single.solve(T)["function"], wide.solve(T)["function"], rtol=1e-9, atol=1e-9)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-3, 3), st.floats(0.1, 2))
def test_width_one_is_a_coordinate_of_the_diagonal_network(a, b, target, variance):
    run = ScalarNetwork([a], [b], target, variance=variance).solve(T)
    diagonal = DiagonalNetwork([target], a, b, variance).solve(T)
    assert_allclose(run["a"], diagonal["a"], **EXACT)
    assert_allclose(run["function"], diagonal["product"][:, 0], **EXACT)


def symmetric(width, w, target, normalizer):
    half = np.full(width // 2, w)
    return ScalarNetwork(np.full(width, w), np.concatenate([half, -half]), target, normalizer)


@pytest.mark.parametrize(
    ("w", "normalizer", "target", "ratio", "root_gamma", "growth"),
    [
        (0.01, 1.0, 1.0, 0.01, 14.14, 100.0),
        (0.1, 1.0, 1.0, 1.0, 1.554, 1.414),
        (1.0, 10.0, 1.0, 10.0, 1.051, 1.005),
        (0.1, 1.0, 0.01, 100.0, 1.005, 1.00005),
    ],
)
def test_aligned_and_anti_aligned_modes_of_figure_7(w, normalizer, target, ratio, root_gamma, growth):
    model = symmetric(100, w, target, normalizer)
    assert_allclose(model.weight_to_target, ratio, rtol=1e-12)
    assert_allclose(model.gamma_inf, np.exp(np.arcsinh(1 / ratio)), rtol=1e-12)
    assert_allclose(np.sqrt(model.gamma_inf), root_gamma, rtol=3e-3)
    ntk = model.solve([0.0, np.inf])["ntk"]
    assert_allclose(ntk[1] / ntk[0], np.sqrt(1 + 1 / ratio**2), rtol=1e-12)
    assert_allclose(ntk[1] / ntk[0], growth, rtol=1e-3)


@given(st.floats(0.05, 2), st.floats(-2, 2))
def test_modes_obey_equation_16(w, target):
    model, h = symmetric(4, w, target, 2.0), 1e-5
    before, now, after = (model.solve([t]) for t in (0.8 - h, 0.8, 0.8 + h))
    for name, sign in (("aligned", 1), ("opposed", -1)):
        slope = (after[name] - before[name]) / (2 * h)
        assert_allclose(slope, sign * now[name] * now["residual"], rtol=1e-6, atol=1e-8)  # 2 / Z = 1


@given(networks())
def test_gamma_is_the_growth_at_infinite_time(model):
    end = model.solve([np.inf])
    if 1e-3 < model.gamma_inf < 1e3 and model.flow.aligned > 1e-3:
        assert_allclose(end["aligned"][0] / model.flow.aligned, model.gamma_inf, rtol=1e-9)


@given(networks(), st.floats(0.05, 0.95))
def test_time_to_a_fraction_inverts_the_progress(model, fraction):
    t = model.time_to(fraction)
    if t < 1e9:
        assert_allclose(model.solve([t])["progress"], fraction, rtol=1e-11)


def test_gradient_descent_is_first_order_in_the_step():
    model = ScalarNetwork([0.5, -0.2], [0.1, 0.4], 1.5, normalizer=1.3)
    end = model.solve([2.0])["a"][0]
    errors = [np.abs(model.simulate(round(2 / lr), lr)["a"][-1] - end).max() for lr in (0.02, 0.01, 0.005)]
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


def test_saddle_and_zero_start():
    anti = ScalarNetwork([1.0, 2.0], [-1.0, -2.0], 3.0)
    assert anti.solve([np.inf])["function"] == 0
    assert anti.gamma_inf == np.inf
    assert anti.time_to(0.9) == np.inf
    zero = ScalarNetwork([0.0], [0.0], 3.0).solve([0.0, 1e6, np.inf])
    assert_allclose(zero["residual"], 3.0)
    assert ScalarNetwork([1.0], [1.0], 0.0).weight_to_target == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [1.0], 1.0), "b0 must have as many entries as a0, 2, got 1"),
        (([], [], 1.0), "a0 must not be empty"),
        (([1.0], [np.nan], 1.0), "b0 must be finite"),
        (([1.0], [1.0], np.inf), "target must be finite"),
        (([1.0], [1.0], 1.0, 0.0), "normalizer must be > 0, got 0"),
        (([1.0], [1.0], 1.0, 1.0, -1.0), "variance must be >= 0, got -1"),
        (([1.0], [1.0], [1.0]), "target must have 0 dimension"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScalarNetwork(*arguments)


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_progress_is_the_share_of_the_way_from_the_start_to_the_target(decay):
    net = ScalarNetwork(a0=[1.5, 0.3], b0=[0.4, -0.2], target=2.0, weight_decay=decay)
    for run in (net.solve([0.0, 0.5, 2.0]), net.simulate(40, 0.01)):
        start = run["function"][0]
        assert start == pytest.approx(0.54)
        assert_allclose(run["progress"], (run["function"] - start) / (2.0 - start), rtol=1e-10, atol=1e-13)
        assert_allclose(run["residual"], 2.0 - run["function"], rtol=1e-10)


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_descent_starts_with_the_modes_of_its_weights(decay):
    net = ScalarNetwork(a0=[1.5, 0.3], b0=[0.4, -0.2], target=2.0, normalizer=3.0, weight_decay=decay)
    run, flow = net.simulate(3, 1e-3), net.solve([0.0, 1e-3])
    assert run["aligned"][0] == pytest.approx((1.9**2 + 0.1**2) / 12)
    assert run["opposed"][0] == pytest.approx(-(1.1**2 + 0.5**2) / 12)
    for name in ("aligned", "opposed", "ntk"):
        assert_allclose(run[name][:2], flow[name], rtol=1e-5)
