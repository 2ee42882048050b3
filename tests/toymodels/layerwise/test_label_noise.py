import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.batches import noisy_batches
from toymodels.layerwise import entropy_interpolator, label_noise_descent, predicted_beta
from toymodels.trajectory import SimulationError

seeds = st.integers(0, 2**31)


def task(seed, n=4, d=8):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, x[:, 0] - x[:, 1], rng


@settings(max_examples=10)
@given(seeds, st.integers(1, 4))
def test_a_step_is_one_of_gradient_descent_on_the_noisy_batch(seed, size):
    x, y, _ = task(seed)
    run = label_noise_descent(x, y, 0.7, 1, 0.01, size, 0.5, np.random.default_rng(seed))

    inputs, labels = next(noisy_batches(x, y, size, 0.5, np.random.default_rng(seed)))

    def loss(u, v):
        return ((inputs @ (u**2 - v**2) - labels) ** 2).mean() / 2

    u, v = run["u"][0], run["v"][0]
    h = 1e-6 * np.eye(8)
    slope_u = [(loss(u + e, v) - loss(u - e, v)) / 2e-6 for e in h]
    slope_v = [(loss(u, v + e) - loss(u, v - e)) / 2e-6 for e in h]
    assert_allclose(run["u"][1], u - 0.01 * np.array(slope_u), atol=1e-9)
    assert_allclose(run["v"][1], v - 0.01 * np.array(slope_v), atol=1e-9)
    assert_allclose(run["w"], run["u"] ** 2 - run["v"] ** 2, **EXACT)
    assert_allclose(run["beta"] ** 2, np.abs(run["u"] * run["v"]), **EXACT)


def test_without_noise_the_full_batch_comes_to_the_interpolator_with_an_error_of_the_order_of_the_rate():
    x, y, rng = task(0)
    exact = entropy_interpolator(x, y, 0.5)
    errors = []
    for lr in (0.04, 0.02, 0.01):
        run = label_noise_descent(x, y, 0.5, int(200 / lr), lr, 4, 0.0, rng)
        errors.append(np.abs(run["w"][-1] - exact).max())
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, atol=0.1)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_noise_makes_the_start_smaller_as_predicted(size):
    x, y, _ = task(1)
    how = {"n_steps": 6000, "lr": 0.004, "batch_size": size, "noise": 0.6}
    runs = [label_noise_descent(x, y, 0.5, rng=np.random.default_rng(k), **how) for k in range(8)]
    fallen = np.array([np.log(run["beta"][-1] / 0.5) for run in runs])
    predicted = np.log(predicted_beta(x, 0.5, **how) / 0.5)
    error = MONTE_CARLO * fallen.std(axis=0, ddof=1) / np.sqrt(len(runs))
    more = 0.12 * np.abs(predicted)  # w fluctuates, and has to be learned first
    assert (np.abs(fallen.mean(axis=0) - predicted) < error + more).all()
    assert fallen.std(axis=0).max() < 0.3 * np.abs(predicted).max()


def test_sampling_noise_alone_dies_out():
    x, y, rng = task(2)
    run = label_noise_descent(x, y, 0.5, 12_000, 0.01, 1, 0.0, rng, records=[6000])
    assert_allclose(run["beta"][-1], run["beta"][1], rtol=1e-6)
    assert_allclose(x @ run["w"][-1], y, atol=1e-3)
    assert_allclose(predicted_beta(x, 0.5, 12_000, 0.01, 1, 0.0), 0.5)


def test_records_are_those_asked_for_and_the_same_seed_is_the_same_run():
    x, y, _ = task(3)
    many = label_noise_descent(x, y, 0.5, 30, 0.01, 2, 0.5, np.random.default_rng(0), records=[3, 7, 3])
    few = label_noise_descent(x, y, 0.5, 30, 0.01, 2, 0.5, np.random.default_rng(0))
    assert many.t.tolist() == [0, 3, 7, 30]
    assert_allclose(many["w"][[0, -1]], few["w"], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init_scale": 0.0}, "init_scale must be > 0"),
        ({"lr": [0.1, 0.2]}, r"lr must have 0 dimension\(s\)"),
        ({"noise": -1.0}, "noise must be >= 0"),
        ({"batch_size": 5}, "batch_size must be at most the 4 samples, got 5"),
        ({"n_steps": 0}, "n_steps must be >= 1"),
        ({"y": [1.0]}, "y must have one label per row of x, got 1 and 4"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    x, y, rng = task(0)
    given = {"x": x, "y": y, "init_scale": 0.5, "n_steps": 3, "lr": 0.01, "batch_size": 1, "noise": 0.1, "rng": rng}
    with pytest.raises(ValueError, match=message):
        label_noise_descent(**(given | changes))


def test_what_diverges_or_underflows_is_an_error():
    x, y, rng = task(0)
    with pytest.raises(SimulationError, match="is not finite at step"):
        label_noise_descent(x, y, 3.0, 300, 1.0, 1, 0.5, rng)
    with pytest.raises(SimulationError, match="a product u v underflows to 0"):
        label_noise_descent([[2.0, 1.0]], [0.0], 1e-160, 40, 0.5, 1, 0.499999, rng)
