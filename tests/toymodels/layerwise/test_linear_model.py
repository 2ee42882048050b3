import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise.linear_model import LinearModel

vectors = arrays(float, 3, elements=st.floats(-3, 3))
roots = arrays(float, (3, 3), elements=st.floats(-1, 1))
T = np.array([0.0, 0.3, 1.0, 4.0])


@given(vectors, vectors, roots)
def test_solution_matches_the_flow_for_any_covariance(target, theta0, root):
    covariance = root @ root.T
    run = LinearModel(target, covariance, theta0).solve(T)
    expected = integrate(lambda theta: covariance @ (target - theta), theta0, T)
    assert_same_flow(run["theta"], expected)
    error = target - expected
    assert_allclose(run["loss"], 0.5 * np.sum((error @ covariance) * error, axis=1), rtol=1e-7, atol=1e-12)


@given(vectors, vectors, roots)
def test_solving_twice_as_long_is_solving_from_where_it_stopped(target, theta0, root):
    covariance = root @ root.T
    half = LinearModel(target, covariance, theta0).solve([1.5])["theta"][0]
    whole = LinearModel(target, covariance, theta0).solve([3.0])["theta"]
    assert_allclose(LinearModel(target, covariance, half).solve([1.5])["theta"], whole, **EXACT)


def test_independent_coordinates_decay_at_their_variance():
    target, variance = np.array([1.0, -2.0, 0.5]), np.array([4.0, 2.0, 0.0])
    run = LinearModel(target, variance).solve(T)
    assert_allclose(run["theta"], target * -np.expm1(-np.outer(T, variance)), **EXACT)  # Eq. 10


def test_null_space_of_the_covariance_never_moves():
    covariance = np.array([[1.0, 1.0], [1.0, 1.0]])
    theta = LinearModel([3.0, 0.0], covariance, [0.0, 1.0]).solve([1.0, np.inf])["theta"]
    assert_allclose(theta @ [1.0, -1.0], -1.0, **EXACT)
    assert_allclose(theta[-1] @ [1.0, 1.0], 3.0, **EXACT)


def test_extreme_times_are_exact():
    run = LinearModel([2.0], 1.0, 1e8).solve([0.0, 1e-300, 1e6, np.inf])
    assert_allclose(run["theta"][:, 0], [1e8, 1e8, 2.0, 2.0], rtol=1e-15)
    assert run["loss"][-1] == 0


def test_gradient_descent_is_first_order_in_the_step():
    model = LinearModel([1.0, -1.0], [1.0, 0.4], 0.3)
    end = model.solve([2.0])["theta"][0]
    errors = [np.abs(model.simulate(round(2 / lr), lr)["theta"][-1] - end).max() for lr in (0.02, 0.01, 0.005)]
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "target must not be empty"),
        (([np.nan],), "target must be finite"),
        (([[1.0]],), "target must have 1 dimension"),
        (([1.0, 2.0], [1.0, 2.0, 3.0]), r"variance must be a number or have shape \(2,\)"),
        (([1.0], -1.0), "variance must be >= 0, got -1"),
        (([1.0, 2.0], [[1.0, 0.5], [0.0, 1.0]]), "variance must be symmetric"),
        (([1.0, 2.0], [[1.0, 2.0], [2.0, 1.0]]), "variance must be positive semi-definite, got an eigenvalue -1"),
        (([1.0, 2.0], np.eye(3)), r"variance must have shape \(2, 2\)"),
        (([1.0], 1.0, [1.0, 2.0]), "theta0 must be a number or have shape"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LinearModel(*arguments)


def test_bad_times_and_steps_are_refused():
    model = LinearModel([1.0])
    with pytest.raises(ValueError, match="t must be >= 0"):
        model.solve([-1.0])
    with pytest.raises(ValueError, match="lr must be > 0"):
        model.simulate(3, 0.0)
