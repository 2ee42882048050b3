import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.optimize import linprog, minimize

from toymodels.layerwise import entropy_interpolator
from toymodels.layerwise.sparse_regression import SparseRegression

seeds = st.integers(0, 2**31)


def task(seed, n=3, d=6):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n), rng


def flow_end(x, y, u, v):
    """Of the raw weights, integrated until nothing moves."""

    def velocity(_, uv):
        u, v = np.split(uv, 2)
        gradient = 2 * x.T @ (x @ (u**2 - v**2) - y) / len(y)
        return np.concatenate([-u * gradient, v * gradient])

    run = solve_ivp(velocity, (0, 3000), np.r_[u, v], "LSODA", rtol=1e-10, atol=1e-12)
    u, v = np.split(run.y[:, -1], 2)
    return u**2 - v**2


@settings(max_examples=10)
@given(seeds)
def test_it_is_where_the_flow_of_unequal_weights_ends(seed):
    x, y, rng = task(seed)
    u, v = rng.uniform(0.3, 1.5, (2, 6)) * rng.choice([-1, 1], (2, 6))
    expected = flow_end(x, y, u, v)
    found = entropy_interpolator(x, y, np.sqrt(np.abs(u * v)), u**2 - v**2)
    assert_allclose(x @ expected, y, atol=1e-6)  # the flow has come to its end
    assert_allclose(found, expected, atol=1e-5)


@settings(max_examples=10)
@given(seeds, st.floats(0.05, 2.0))
def test_it_has_the_least_hyperbolic_entropy_of_all_interpolators(seed, beta):
    x, y, rng = task(seed)
    betas = beta * rng.uniform(0.5, 2, 6)

    def entropy(w):
        ratio = w / (2 * betas**2)
        return np.sum(w * np.arcsinh(ratio) - np.sqrt(w**2 + 4 * betas**4) + 2 * betas**2)

    found = entropy_interpolator(x, y, betas)
    assert_allclose(x @ found, y, atol=1e-9)
    fits = {"type": "eq", "fun": lambda w: x @ w - y}
    least = minimize(entropy, np.linalg.pinv(x) @ y, method="SLSQP", constraints=[fits], options={"ftol": 1e-14})
    assert_allclose(entropy(found), entropy(least.x), rtol=1e-6, atol=1e-8)
    assert entropy(found) <= entropy(least.x) + 1e-8


@settings(max_examples=10)
@given(seeds)
def test_between_the_least_l2_norm_and_the_least_l1_norm(seed):
    x, y, _ = task(seed)
    assert_allclose(entropy_interpolator(x, y, 100.0), np.linalg.pinv(x) @ y, atol=1e-6)
    sparsest = linprog(np.ones(12), A_eq=np.hstack([x, -x]), b_eq=y).fun
    norms = [np.abs(entropy_interpolator(x, y, beta)).sum() for beta in (1.0, 0.1, 1e-2, 1e-6)]
    assert (np.diff(norms) <= 1e-9).all()
    assert sparsest - 1e-9 <= norms[-1] <= 1.1 * sparsest  # the gap closes as 1 / ln(1 / beta)


@settings(max_examples=10)
@given(seeds, st.floats(0.1, 5.0))
def test_units_start_and_order_of_samples(seed, scale):
    x, y, rng = task(seed)
    w = entropy_interpolator(x, y, 0.3)
    assert_allclose(entropy_interpolator(x, scale * y, 0.3 * np.sqrt(scale)), scale * w, atol=1e-8)
    assert_allclose(entropy_interpolator(x[::-1], y[::-1], 0.3), w, atol=1e-8)
    assert_allclose(entropy_interpolator(x, y, 0.3, start=w), w, atol=1e-9)  # one that fits stays
    between = entropy_interpolator(x, y, 0.3, start=rng.standard_normal(6))
    assert_allclose(x @ between, y, atol=1e-8)


def test_the_flow_of_the_sparse_task_comes_to_it():
    model = SparseRegression(dim=20, n_samples=8, n_active=2, init_scale=0.3, weight_decay=0.0)
    x, y, truth = model.sample(np.random.default_rng(3))
    run = model.solve([1.0, 500.0], np.random.default_rng(3))
    w = entropy_interpolator(x, y, 0.3)
    assert_allclose(run["test"][-1], 1 - np.sum((w - truth) ** 2), atol=1e-7)
    assert_allclose(run["l1"][-1], np.abs(w).sum(), atol=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: entropy_interpolator(x, y[:2], 1.0), "y must have one label per row of x, got 2 and 3"),
        (lambda x, y: entropy_interpolator(x, y, 0.0), "beta must be > 0, got 0"),
        (lambda x, y: entropy_interpolator(x, y, [1.0, 2.0]), r"beta must be a number or have shape \(6,\)"),
        (lambda x, y: entropy_interpolator(x, y, 1.0, [1.0]), r"start must be a number or have shape \(6,\)"),
        (lambda x, y: entropy_interpolator(x[[0, 0]], y[:2], 1.0), "rows that do not depend on each other, got rank 1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    x, y, _ = task(0)
    with pytest.raises(ValueError, match=message):
        call(x, y)
