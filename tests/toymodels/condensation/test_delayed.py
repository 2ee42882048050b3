import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.condensation import DelayedTask
from toymodels.condensation.delayed import _draw

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
