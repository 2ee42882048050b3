import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import solve_ivp

from tests.tolerances import EXACT, SOLVER
from toymodels.layerwise.scalar import ScalarNetwork
from toymodels.layerwise.sparse_regression import SparseRegression, _lazy_fit_time, critical_beta


def run_of(model, rng, horizon=None):
    return model.solve(model.default_times(horizon), rng)


def test_the_kernel_fits_two_modes_far_apart_when_the_slow_one_has_one_part_in_ten_left():
    """Half of the labels' power is in a mode that is learned at once, half in one a million times slower."""
    x, alpha = np.sqrt(2) * np.diag([30.0, 0.03]), 1.5
    time = _lazy_fit_time(x, np.array([1.0, -1.0]), alpha)
    assert_allclose(time, np.log(10) / (16 * alpha**2 * 0.03**2), rtol=1e-9)


SMALL = SparseRegression(dim=12, n_samples=6, n_active=2, init_scale=1.5, weight_decay=0.1)


def reached(run, name):
    return run.t[np.argmax(run[name] >= 0.95)]


def stiff_solution(model, x, y, t):
    def flow(_, uv):
        u, v = np.split(uv, 2)
        gradient = x.T @ (x @ (u**2 - v**2) - y) / len(x)
        return np.concatenate([-2 * u * gradient - model.weight_decay * u, 2 * v * gradient - model.weight_decay * v])

    start = np.full(2 * model.dim, model.init_scale)
    run = solve_ivp(flow, (0, t[-1]), start, "Radau", t_eval=t, rtol=1e-9, atol=1e-11)
    return np.split(run.y.T, 2, axis=1)


def test_the_run_agrees_with_a_stiff_solver_on_the_raw_weights():
    x, y, truth = SMALL.sample(np.random.default_rng(1))
    run = run_of(SMALL, np.random.default_rng(1))
    chosen = np.arange(0, run.t.size, 40)
    u, v = stiff_solution(SMALL, x, y, run.t[chosen])
    assert_allclose(run["test"][chosen], 1 - np.sum((u**2 - v**2 - truth) ** 2, axis=1), **SOLVER)
    assert_allclose(run["weight_norm"][chosen], np.sqrt(np.sum(u**2 + v**2, axis=1)), **SOLVER)
    kernel = np.einsum("na,ta,ma->tnm", x, u**2 + v**2, x).reshape(chosen.size, -1)
    first = (x @ x.T).ravel()
    cosine = kernel @ first / np.linalg.norm(kernel, axis=1) / np.linalg.norm(first)
    assert_allclose(run["kernel_distance"][chosen], 1 - cosine, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("scale", [0.2, 3.0, 20.0])
@pytest.mark.parametrize("decay", [0.01, 0.3])
def test_one_input_is_the_closed_form_of_a_network_whose_imbalance_decays(scale, decay):
    model = SparseRegression(dim=1, n_samples=3, n_active=1, init_scale=scale, weight_decay=decay)
    x, _, truth = model.sample(np.random.default_rng(0))
    variance = float(np.mean(x**2))
    t = np.geomspace(1e-3, 5 / decay, 30)
    run = model.solve(t, np.random.default_rng(0))
    network = ScalarNetwork(a0=[2 * scale], b0=[0.0], target=truth[0], variance=2 * variance, weight_decay=decay)
    closed = network.solve(t)
    assert_allclose(run["test"], 1 - (closed["function"] - truth[0]) ** 2, atol=1e-6)
    assert_allclose(closed["a"][:, 0] ** 2 - closed["b"][:, 0] ** 2, 4 * scale**2 * np.exp(-2 * decay * t), rtol=1e-8)


def test_large_initial_weights_generalise_decades_after_the_fit_and_when_predicted():
    for seed in range(3):
        run = run_of(SparseRegression(), np.random.default_rng(seed))
        train, test = reached(run, "train"), reached(run, "test")
        assert 3.5 < np.log10(test / train) < 4.7
        assert_allclose(test, run.meta["predicted_test_time"], rtol=0.1)
        assert_allclose(train, run.meta["predicted_train_time"], rtol=0.1)


@pytest.mark.parametrize("control", [{"init_scale": 0.03}, {"n_samples": 300}])
def test_controls_generalise_as_they_fit(control):
    for seed in range(3):
        run = run_of(SparseRegression(**control), np.random.default_rng(seed))
        assert np.log10(reached(run, "test") / reached(run, "train")) < 0.3
        assert run.meta["predicted_test_time"] is None


def test_without_decay_the_test_score_stays_low():
    run = run_of(SparseRegression(weight_decay=0.0), np.random.default_rng(0), horizon=400.0)
    assert run["train"][-1] > 0.999
    assert run["test"].max() < 0.6
    assert run.meta["predicted_test_time"] is None


def test_test_time_grows_as_log_scale_over_decay():
    slow = run_of(SparseRegression(weight_decay=0.01), np.random.default_rng(0))
    fast = run_of(SparseRegression(weight_decay=0.02), np.random.default_rng(0))
    larger = run_of(SparseRegression(weight_decay=0.01, init_scale=6.0), np.random.default_rng(0))
    assert_allclose(slow.meta["predicted_test_time"], 2 * fast.meta["predicted_test_time"], **EXACT)
    assert_allclose(reached(larger, "test") - reached(slow, "test"), np.log(2) / 0.01, rtol=0.15)


def test_critical_beta_is_where_the_interpolator_explains_95_percent():
    x, y, truth = SparseRegression().sample(np.random.default_rng(0))
    beta = critical_beta(x, y, truth)

    def optimality(nu):
        return x @ (2 * beta**2 * np.sinh(x.T @ nu)) - y

    # the minimiser of the entropy among interpolators, by an independent route: gradient flow without decay
    frozen = solve_ivp(lambda _, nu: -optimality(nu), (0, 1e4), np.zeros(len(y)), "BDF", rtol=1e-8, atol=1e-10).y[:, -1]
    assert_allclose(optimality(frozen), 0, atol=1e-6)
    w = 2 * beta**2 * np.sinh(x.T @ frozen)
    assert_allclose(1 - np.sum((w - truth) ** 2), 0.95, atol=1e-5)


def test_sparsity_measures_end_at_the_number_of_active_inputs():
    run = run_of(SparseRegression(), np.random.default_rng(0))
    assert_allclose(run["effective_features"][0], 100, rtol=1e-6)
    assert_allclose([run["participation"][-1], run["effective_features"][-1]], 3, rtol=0.02)
    assert_allclose(run["l1"][-1], np.sqrt(3), rtol=0.02)
    assert run["kernel_distance"][0] < 1e-10


def test_any_times_can_be_asked_for():
    run = run_of(SMALL, np.random.default_rng(5))
    again = SMALL.solve(run.t, np.random.default_rng(5))
    some = SMALL.solve(run.t[[100, 399]], np.random.default_rng(5))
    assert again.meta == some.meta == run.meta
    for name in run.data:
        assert_array_equal(again[name], run[name])
        assert_allclose(some[name], run[name][[100, 399]], **SOLVER)


@pytest.mark.parametrize("t", [[0.0, 1.0], [1.0, np.inf], [-1.0, 1.0], [1.0, 1.0]])
def test_times_are_checked(t):
    with pytest.raises(ValueError, match=r"t must be (> 0 and finite, got (0|inf)|>= 0|strictly increasing)"):
        SMALL.solve(t, np.random.default_rng(0))


def test_same_rng_gives_the_same_run():
    runs = [run_of(SMALL, np.random.default_rng(5)) for _ in range(2)]
    for name in runs[0].data:
        assert np.array_equal(runs[0][name], runs[1][name])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"dim": 0}, "dim must be >= 1"),
        ({"n_samples": 2.5}, "n_samples must be an integer"),
        ({"n_active": 101}, "n_active must be <= dim = 100, got 101"),
        ({"init_scale": 0.0}, "init_scale must be > 0"),
        ({"init_scale": np.nan}, "init_scale must be finite"),
        ({"weight_decay": -0.1}, "weight_decay must be >= 0"),
        ({"init_scale": np.ma.masked_equal(1.0, 1)}, "init_scale must not be masked"),
    ],
)
def test_bad_settings_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        SparseRegression(**setting)


def test_horizon_is_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="horizon must be > 0"):
        run_of(SMALL, rng, horizon=-1.0)
    with pytest.raises(ValueError, match="horizon must be given when weight_decay is 0"):
        run_of(SparseRegression(weight_decay=0.0), rng)
