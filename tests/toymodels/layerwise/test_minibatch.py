import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import MONTE_CARLO
from toymodels import SimulationError
from toymodels.layerwise import LinearModel, minibatch_descent


def simulated(start, l, n_steps, lr, batch, noise, n_runs, seed):
    """(n_runs, d) squared errors after n_steps of the algorithm itself."""
    rng = np.random.default_rng(seed)
    error = np.tile(start, (n_runs, 1))
    for _ in range(n_steps):
        x = rng.standard_normal((n_runs, batch, len(l))) * np.sqrt(l)
        residual = np.einsum("rbd,rd->rb", x, error) - noise * rng.standard_normal((n_runs, batch))
        error = error - lr / batch * np.einsum("rbd,rb->rd", x, residual)
    return error**2


@given(
    st.lists(st.floats(0, 2), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(1, 8),
    st.floats(0.01, 0.15),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_the_recursion_is_the_mean_of_the_algorithm(l, batch, n_steps, lr, noise, seed):
    start = np.random.default_rng(seed).standard_normal(len(l))
    squares = simulated(start, np.array(l), n_steps, lr, batch, noise, 3000, seed)
    run = minibatch_descent(start**2, l, n_steps, lr, batch, noise)
    error = squares.std(axis=0) / np.sqrt(len(squares))
    # the squares have heavy tails, and the hypothesis profile looks at many sets
    assert np.all(np.abs(squares.mean(axis=0) - run["squared_error"][-1]) <= 1.5 * MONTE_CARLO * error + 1e-12)


def test_many_steps_agree_with_the_algorithm():
    l, start = np.array([1.0, 0.5, 0.1]), np.ones(3)
    losses = 0.5 * simulated(start, l, 60, 0.1, 2, 0.5, 20_000, 0) @ l
    run = minibatch_descent(start, l, 60, 0.1, 2, 0.5)
    assert abs(losses.mean() - run["loss"][-1]) < MONTE_CARLO * losses.std() / np.sqrt(losses.size)


def test_large_batches_are_descent_on_the_population():
    target, l = np.array([1.0, -2.0, 0.5]), np.array([1.0, 0.3, 0.0])
    run = minibatch_descent(target**2, l, 50, 0.2, 10**12)
    descent = LinearModel(target, variance=l).simulate(50, 0.2)
    assert_allclose(run["loss"], descent["loss"], rtol=1e-9)
    assert_allclose(run["squared_error"], (target - descent["theta"]) ** 2, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 6), st.integers(1, 5), st.floats(0.05, 3))
def test_equal_variances_settle_below_a_learning_rate_in_closed_form(d, batch, lr):
    """For l = 1 the total shrinks by 1 - 2 lr + lr^2 (1 + (d + 1)/B) a step."""
    run = minibatch_descent(np.ones(d), 1.0, 30, lr, batch)
    growth = 1 - 2 * lr + lr**2 * (1 + (d + 1) / batch)
    assert_allclose(run.meta["growth"], growth, rtol=1e-12)
    assert_allclose(run["loss"], d / 2 * growth ** np.arange(31), rtol=1e-10)


def test_noise_leaves_a_floor():
    lr, batch, noise = 0.1, 3, 0.7
    run = minibatch_descent([1.0, 2.0], 1.0, 2000, lr, batch, noise)
    floor = noise**2 * lr / batch / (2 - lr * (1 + 3 / batch))
    assert_allclose(run["squared_error"][-1], floor, rtol=1e-10)


def test_directions_that_no_input_has_stay():
    assert_allclose(minibatch_descent([3.0, 1.0], [0.0, 1.0], 9, 0.1, 2)["squared_error"][:, 0], 3)


def test_overflow_is_named():
    with pytest.raises(SimulationError, match="squared_error"):
        minibatch_descent([1.0], 1.0, 2000, 5.0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"squared_error": [-1.0]}, "squared_error must be >= 0, got -1"),
        ({"squared_error": 1.0}, r"squared_error must have 1 dimension\(s\)"),
        ({"variance": [1.0, 2.0]}, r"variance must be a number or have shape \(1,\)"),
        ({"variance": np.eye(1)}, "a covariance couples the coordinates"),
        ({"n_steps": 0}, "n_steps must be >= 1, got 0"),
        ({"lr": 0.0}, "lr must be > 0, got 0"),
        ({"batch_size": 1.5}, "batch_size must be an integer"),
        ({"noise": -0.1}, r"noise must be >= 0, got -0\.1"),
        ({"squared_error": np.ma.masked_equal([1.0], 1)}, "squared_error must not be masked, got 1 masked"),
        ({"variance": torch.ones(1, requires_grad=True)}, "variance must not require a gradient"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    arguments = {"squared_error": [1.0], "variance": 1.0, "n_steps": 3, "lr": 0.1, "batch_size": 2, **change}
    with pytest.raises(ValueError, match=message):
        minibatch_descent(**arguments)
