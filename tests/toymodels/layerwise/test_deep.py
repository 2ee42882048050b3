import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels import SimulationError
from toymodels.layerwise.deep import DeepMode
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.linear_model import LinearModel

depths = st.one_of(st.integers(1, 60), st.just(np.inf))
models = st.builds(DeepMode, depths, st.floats(0.1, 3), st.floats(1e-3, 5), st.floats(0.1, 2))


def speed(model, u):
    factor = 1 if model.depth == np.inf else model.depth
    return factor * model.variance * u ** (2 - 2 / model.depth) * (model.target - u)


@given(models)
def test_solution_matches_the_flow_at_any_depth(model):
    t = np.linspace(0, 3, 7)
    run = model.solve(t)
    expected = integrate(lambda u: speed(model, u), [model.u0], t)[:, 0]
    assert_same_flow(run["product"], expected)
    assert_same_flow(run["residual"], model.target - expected)


@given(st.integers(2, 6), st.floats(0.2, 2), st.floats(0.01, 2))
def test_all_factors_of_a_real_network_move_as_one(depth, target, u0):
    def gradient(factors):
        product = np.prod(factors)
        return (target - product) * product / factors

    t = np.linspace(0, 2, 5)
    factors = integrate(gradient, np.full(depth, u0 ** (1 / depth)), t)
    assert_same_flow(DeepMode(depth, target, u0).solve(t)["product"], factors.prod(axis=1))


@given(models, st.floats(0.01, 5), st.floats(0.01, 5))
def test_restarting_gives_the_same_end(model, first, second):
    middle = model.solve([first])["product"][0]
    rest = DeepMode(model.depth, model.target, middle, model.variance).solve([second])
    whole = model.solve([first + second])
    assert_allclose(rest["product"], whole["product"], rtol=1e-9)
    # near the target, only the residual could tell a wrong rate, and the restart has lost its digits
    assert_allclose(rest["residual"], whole["residual"], atol=1e-9 * model.target)


@given(models)
def test_product_moves_monotonically_to_the_target(model):
    run = model.solve(np.append(np.linspace(0, 30, 60), np.inf))
    steps = np.diff(run["product"]) * np.sign(model.target - model.u0)
    assert np.all(steps >= -1e-13 * max(model.target, model.u0))
    assert_allclose(run["product"] + run["residual"], model.target, rtol=1e-13, atol=1e-13 * max(1, model.u0))


@given(st.floats(0.1, 3), st.floats(1e-3, 5))
def test_depth_one_is_the_linear_model_and_depth_two_the_sigmoid(target, u0):
    t = np.linspace(0, 4, 9)
    linear = LinearModel([target], 0.7, u0).solve(t)["theta"][:, 0]
    assert_allclose(DeepMode(1, target, u0, 0.7).solve(t)["product"], linear, **EXACT)
    two = DiagonalNetwork([target], np.sqrt(u0), np.sqrt(u0), 0.7).solve(t)["product"][:, 0]
    assert_allclose(DeepMode(2, target, u0, 0.7).solve(t)["product"], two, **EXACT)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_infinite_depth_satisfies_its_printed_relation(start, end):
    low, high = sorted([start, end + 1e-9])
    t = 1 / low - 1 / high + np.log(high * (1 - low) / (low * (1 - high)))
    assert_allclose(DeepMode(np.inf, 1.0, low).solve([t])["product"], high, rtol=1e-11)


def test_great_depth_approaches_infinite_depth():
    end = DeepMode(np.inf, 1.0, 0.2).solve([3.0])["product"][0]
    errors = [abs(DeepMode(L, 1.0, 0.2).solve([3.0 / L])["product"][0] - end) for L in (10**3, 10**4, 10**5)]
    assert_allclose(np.log10(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


@pytest.mark.parametrize("depth", [3, 4, 7])
def test_small_start_waits_as_a_power_law(depth):
    u0 = 1e-30
    delay = u0 ** (2 / depth - 1) / ((depth - 2) * 1.5)
    before, after = DeepMode(depth, 1.5, u0).solve([0.99 * delay, 1.01 * delay])["product"]
    assert before < 1e-3
    assert after > 1.4


@pytest.mark.parametrize("depth", [1, 2, 3, 50, np.inf])
@pytest.mark.parametrize("u0", [1e-200, 1e-8, 1 - 1e-12, 1.0, 1 + 1e-12, 1e8, 1e100])
def test_extremes_are_finite_and_keep_the_residual(depth, u0):
    run = DeepMode(depth, 1.0, u0).solve([0.0, 1e-300, 1.0, 1e6, np.inf])
    assert_allclose(run["product"][:1], u0, rtol=1e-12)
    assert run["product"][-1] == 1
    if abs(u0 - 1) < 1e-6:  # the tail, exponential with rate L
        factor = 1 if depth == np.inf else depth
        assert_allclose(run["residual"][2], (1 - u0) * np.exp(-factor), rtol=1e-9)


def test_gradient_descent_is_first_order_in_the_step():
    model = DeepMode(3, 1.2, 0.2)
    end = model.solve([1.0])["product"][0]
    errors = [abs(model.simulate(round(1 / lr), lr)["product"][-1] - end) for lr in (0.01, 0.005, 0.0025)]
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


def test_a_diverging_descent_is_reported():
    with pytest.raises(SimulationError, match="is not finite at step"):
        DeepMode(4, 1.0, 50.0).simulate(20, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1.0, 0.1), "depth must be >= 1, got 0"),
        ((2.5, 1.0, 0.1), "depth must be an integer, got 2.5"),
        ((3, 0.0, 0.1), "target must be > 0, got 0"),
        ((3, -1.0, 0.1), "target must be > 0, got -1"),
        ((3, 1.0, 0.0), "u0 must be > 0, got 0"),
        ((3, 1.0, np.nan), "u0 must be finite"),
        ((3, 1.0, 0.1, -1.0), "variance must be >= 0"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        DeepMode(*arguments)


def test_infinite_depth_cannot_be_simulated():
    with pytest.raises(ValueError, match="depth must be finite to simulate, got inf"):
        DeepMode(np.inf, 1.0, 0.1).simulate(10, 0.1)
