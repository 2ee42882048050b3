import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.condensation import DelayedTask, TwoLayerNetwork
from toymodels.condensation.delayed import _accuracy, _cosine, _count_clusters, _draw, _fit_time, _r2, _Replicates

SMALL = {"dim": 10, "n_samples": 60, "width": 60, "n_test": 500}


def rngs(n, first=0):
    return [np.random.default_rng(seed) for seed in range(first, first + n)]


def first_time(run, name, level=0.95):
    reached = run[name] >= level
    return run.t[reached.argmax()] if reached.any() else np.inf


def test_the_preset_generalises_two_decades_after_it_fits_and_ends_in_four_clusters():
    for run in DelayedTask().train(rngs(2), 60):
        fit, general = first_time(run, "train"), first_time(run, "test")
        assert 1.8 < np.log10(general / fit) < 2.5
        assert general == pytest.approx(run.meta["predicted_test_time"], abs=0.27 / 0.02)
        assert 1 < fit / run.meta["predicted_train_time"] < 1.5  # 1.36 and a record
        assert run["n_clusters"][-1] == 4
        assert run["effective_rank"][-1] == pytest.approx(2, abs=0.05)
        assert run["path_norm"][-1] == pytest.approx(2**1.5 * (1 - 2**1.5 * 0.02), rel=0.01)
        assert run["n_clusters"][run.t == general] > 100  # condensation follows generalisation
        assert first_time(run, "kernel_predictor") < general


def test_a_small_start_does_not_delay():
    for run in DelayedTask(init_scale=0.1, horizon=1.5).train(rngs(2), 60):
        assert np.log10(first_time(run, "test") / first_time(run, "train")) < 0.3


def test_a_replicate_does_not_depend_on_its_neighbours():
    task = DelayedTask(**SMALL, horizon=0.5)
    together, alone = task.train(rngs(3), 12), task.train(rngs(1, first=1), 12)
    for name in alone[0].data:
        assert_array_equal(together[1][name], alone[0][name])


def test_plain_gradient_descent_from_the_same_start_reaches_the_same_weights():
    task = DelayedTask(**SMALL, init_scale=2.0, horizon=0.2)
    run = task.train(rngs(1), 10)[0]
    x, y, _, _, a, w = _draw(task, np.random.default_rng(0))
    lr, n = 0.002, len(y)
    for _ in range(round(run.t[-1] / lr)):
        z = np.maximum(x @ w.T, 0)
        residual = (z @ a - y) / n
        grad_a, grad_w = z.T @ residual, a[:, None] * ((z > 0).T @ (residual[:, None] * x))
        a, w = a - lr * (grad_a + task.weight_decay * a), w - lr * (grad_w + task.weight_decay * w)
    assert_allclose((a**2).sum() + (w**2).sum(), run["weight_norm"][-1], rtol=0.01)
    assert_allclose((np.abs(a) * np.linalg.norm(w, axis=1)).sum(), run["path_norm"][-1], rtol=0.01)


def test_the_first_function_is_zero_and_the_first_kernel_distance_small():
    run = DelayedTask(**SMALL, task="even", init_scale=4.0, horizon=0.05).train(rngs(1), 5)[0]
    assert run["kernel_distance"][0] < 1e-3
    assert run.meta["predicted_test_time"] is None  # the constant was fitted for parity
    assert run.meta["predicted_train_time"] > 0
    assert run["test"].max() < 1


@pytest.mark.parametrize(
    "outside",
    [
        {"task": "even"},
        {"dim": 29},
        {"n_samples": 300},
        {"width": 50},
        {"width": 402},
        {"init_scale": 1.9},
        {"init_scale": 12.5},
        {"weight_decay": 0.08},
        {"weight_decay": 0.005},
    ],
)
def test_the_fitted_test_time_is_none_outside_the_range_where_it_was_fitted(outside):
    assert DelayedTask().predicted_test_time == pytest.approx(np.log(4 / 1.2) / 0.02)
    assert DelayedTask(**outside).predicted_test_time is None


def test_the_lazy_fit_is_that_of_a_linear_model_with_the_first_kernel():
    task = DelayedTask(**SMALL, init_scale=20.0, weight_decay=1e-4, horizon=1e-5)
    run = task.train(rngs(1), 200)[0]
    assert first_time(run, "train") == pytest.approx(run.meta["predicted_train_time"], rel=0.06)
    assert task.predicted_train_time == run.meta["predicted_train_time"]  # both of seed 0


def test_the_lazy_fit_scales_as_the_start_and_is_none_where_it_is_not_lazy():
    four, eight = (DelayedTask(**SMALL, init_scale=scale).predicted_train_time for scale in (4.0, 8.0))
    assert four == pytest.approx(4 * eight, rel=0.02)
    assert DelayedTask(**SMALL, init_scale=1.9).predicted_train_time is None
    assert DelayedTask(**SMALL, init_scale=2.0, weight_decay=5.0).predicted_train_time is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", "xor"),
        ("dim", 1),
        ("width", 7),
        ("init_scale", 0),
        ("weight_decay", 0),
        ("horizon", -1),
        ("n_test", 0),
    ],
)
def test_bad_settings_are_named(field, value):
    with pytest.raises(ValueError, match=field):
        DelayedTask(**{field: value})


def test_no_generators_is_an_error():
    with pytest.raises(ValueError, match="rngs"):
        DelayedTask().train([])


def test_measures_are_chosen_without_changing_a_bit():
    task = DelayedTask(**SMALL, horizon=0.2)
    whole, some = (task.train(rngs(1), 8, measures=names)[0] for names in (None, ("train", "kernel_distance")))
    assert list(some.data) == ["train", "kernel_distance"]
    assert all(np.array_equal(whole[name], some[name]) for name in some.data)
    with pytest.raises(ValueError, match=r"measures must be one of train, .*, got 'tests'"):
        task.train(rngs(1), measures=["tests"])


@pytest.mark.parametrize("width", [98, 100, 400, 402])
@pytest.mark.parametrize("scale", [1.99, 2.0, 12.0, 12.01])
@pytest.mark.parametrize("decay", [0.0099, 0.01, 0.04, 0.0401])
def test_the_formula_holds_up_to_the_ends_of_its_range(width, scale, decay):
    inside = width in (100, 400) and scale in (2, 12) and decay in (0.01, 0.04)
    predicted = DelayedTask(width=width, init_scale=scale, weight_decay=decay).predicted_test_time
    assert predicted == (pytest.approx(np.log(scale / 1.2) / decay) if inside else None)


def test_scores_of_rows_are_worked_by_hand():
    f, y = (
        np.array([[1.0, -2.0, 0.0, 3.0], [1.0, 1.0, 1.0, 1.0]]),
        np.array([[2.0, 2.0, -1.0, 1.0], [3.0, -1.0, 0.0, 2.0]]),
    )
    assert_allclose(_accuracy(f, y), [0.5, 0.5])  # an output of 0 is right for neither class
    assert_allclose(_r2(f, y), [1 - (1 + 16 + 1 + 4) / 6, 1 - (4 + 4 + 1 + 1) / 10])


def test_the_cosine_of_kernels_is_that_of_their_entries():
    first, second = np.array([[[1.0, 2.0], [2.0, 4.0]]]), np.array([[[4.0, -2.0], [-2.0, 1.0]]])
    assert_allclose(_cosine(first, second), [0], atol=1e-12)
    assert_allclose(_cosine(3 * first, first), [1])
    assert_allclose(_cosine(first, np.eye(2)[None]), [5 / (5 * np.sqrt(2))])


@pytest.mark.parametrize("rate", [0.5, 40.0])
def test_a_kernel_of_one_rate_fits_when_its_exponential_has_decayed(rate):
    """f = (1 - exp(-rate t)) y, and R2 = 1 - exp(-2 rate t) |y|^2 / |y - mean|^2; accuracy is there at once."""
    y = np.array([1.0, -2.0, 0.5, 3.0])
    exact = np.log(20 * (y @ y) / ((y - y.mean()) ** 2).sum()) / (2 * rate)
    spacing = 1e6 ** (1 / 1999)
    assert exact <= _fit_time(rate * np.eye(4), y, _r2) <= exact * spacing * (1 + 1e-9)
    assert _fit_time(rate * np.eye(4), y, _accuracy) == pytest.approx(1e-3 / rate)


def test_directions_that_a_kernel_lacks_are_never_fitted():
    y = np.array([1.0, 1.0, -3.0])
    kernel = np.diag([2.0, 1.0, 0.0])
    assert _fit_time(kernel, y, _r2) == np.inf
    exact = np.log(20 * 11 / (11 - 1 / 3)) / (2 * 1.0)
    slow = _fit_time(np.diag([9.0, 4.0, 1.0]), y, _r2)
    assert 0.9 * exact < slow < 1.01 * exact  # the last and largest target decides, at its own rate of 1


def test_clusters_are_counted_by_sign_without_the_last_hundredth_of_the_mass():
    w = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    a = np.array([1.0, 1.0, -1.0, 1.0, 1.0])
    assert _count_clusters(a, w, np.array([40.0, 30.0, 20.0, 8.9, 1.1])) == 3
    assert _count_clusters(np.abs(a), w, np.array([40.0, 30.0, 20.0, 8.9, 1.1])) == 2
    assert _count_clusters(-a, w, np.array([8.9, 1.1, 40.0, 30.0, 20.0])) == 4


def test_kernel_and_its_ridge_predictor_are_those_of_the_jacobian():
    task = DelayedTask(dim=3, n_samples=7, width=6, n_test=4)
    now = _Replicates(task, rngs(2))
    now.a = now.a * np.linspace(0.5, 2, 6, dtype=np.float32)
    kernel = now.kernel()
    predicted = now.kernel_predict(kernel)
    for k in range(2):
        network = TwoLayerNetwork(now.a[k], np.c_[now.w[k], np.zeros(6)])
        keep = np.r_[np.ones(6, dtype=bool), np.tile([True] * 3 + [False], 6)]  # there is no bias
        inside, outside = (network.jacobian(x)[:, keep] for x in (now.x[k], now.x_test[k]))
        exact = inside @ inside.T
        assert_allclose(kernel[k], exact, rtol=1e-4, atol=1e-5)
        dual = np.linalg.solve(exact + 1e-3 * np.trace(exact) / 7 * np.eye(7), now.y[k])
        assert_allclose(predicted[k], outside @ inside.T @ dual, rtol=1e-2, atol=1e-2)


def test_measures_of_the_weights_are_those_of_loops():
    task = DelayedTask(dim=3, n_samples=7, width=6, n_test=5)
    now = _Replicates(task, rngs(2))
    now.a = now.a * np.linspace(0.5, 2, 6, dtype=np.float32)
    first = now.kernel()
    got = now.measure(first, 1.0, ("train", "test", "weight_norm", "path_norm", "kernel_distance"))
    for k in range(2):
        network = TwoLayerNetwork(now.a[k], np.c_[now.w[k], np.zeros(6)])
        for name, x, y in (("train", now.x[k], now.y[k]), ("test", now.x_test[k], now.y_test[k])):
            assert got[name][k] == np.mean([f * truth > 0 for f, truth in zip(network(x), y, strict=True)])
        sizes = [np.sqrt(row @ row) for row in now.w[k].astype(float)]
        assert got["weight_norm"][k] == pytest.approx(
            sum(now.a[k].astype(float) ** 2) + sum(np.square(sizes)), rel=1e-5
        )
        assert got["path_norm"][k] == pytest.approx(sum(np.abs(now.a[k]) * sizes), rel=1e-5)
    assert_allclose(got["kernel_distance"], 0, atol=1e-6)


@pytest.mark.parametrize("task", ["parity", "even"])
def test_tasks_and_starts_are_as_documented(task):
    model = DelayedTask(task=task, dim=5, n_samples=4000, width=4000, n_test=6, init_scale=3.0)
    x, y, x_test, y_test, a, w = _draw(model, np.random.default_rng(0))
    for inputs, targets in ((x, y), (x_test, y_test)):
        if task == "parity":
            assert set(np.unique(inputs)) == {-1, 1}
            assert_array_equal(targets, inputs[:, 0] * inputs[:, 1])
        else:
            folded = np.abs(inputs)
            assert_allclose(targets * np.sqrt(2 - 4 / np.pi), folded[:, 0] - folded[:, 1])
    assert y.std() == pytest.approx(1, abs=0.05)
    assert_allclose(np.abs(a), 3 / np.sqrt(4000))
    assert_array_equal(a[:2000], -a[2000:])
    assert_array_equal(w[:2000], w[2000:])
    assert w.std() == pytest.approx(3 / np.sqrt(4000) / np.sqrt(5), rel=0.05)
    assert abs(a[:2000].mean()) < 0.1 * 3 / np.sqrt(4000)


@pytest.mark.parametrize(("scale", "first"), [(4.0, 0.5 / 16), (2.0, 0.5 / 4), (0.5, 0.5)])
def test_records_go_from_before_the_fit_to_the_horizon(scale, first):
    times = DelayedTask(init_scale=scale, weight_decay=0.05, horizon=2.0).record_times(9)
    assert_allclose(times[[0, -1]], [first, 40])
    assert_allclose(np.diff(np.log(times)), np.log(40 / first) / 8)
    assert DelayedTask(weight_decay=0.05).record_times(2)[-1] == pytest.approx(160)
    assert DelayedTask(task="even", weight_decay=0.05).record_times(2)[-1] == pytest.approx(140)
    assert DelayedTask(init_scale=0.5, weight_decay=0.5, horizon=0.5).record_times(2)[0] == pytest.approx(0.1)


@pytest.mark.parametrize("field", ["dim", "n_samples", "n_test", "width"])
def test_two_are_enough(field):
    assert getattr(DelayedTask(**{field: 2}), field) == 2
    with pytest.raises(ValueError, match=f"{field} must be >= 2, got 1"):
        DelayedTask(**{field: 1})
