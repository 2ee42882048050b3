import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import expm

from tests.tolerances import MONTE_CARLO
from toymodels.layerwise import TeacherStudent

T = np.geomspace(0.1, 1000, 6)
LOSSES = ("train_loss", "test_loss")


def mean_of_draws(model, t, n_draws, seed=0):
    """Mean and standard error (2, n_t) of the losses of independent data sets."""
    rng = np.random.default_rng(seed)
    drawn = (model.draw(rng).solve(t) for _ in range(n_draws))
    runs = np.array([[run[name] for name in LOSSES] for run in drawn])
    return runs.mean(axis=0), runs.std(axis=0, ddof=1) / np.sqrt(n_draws)


def test_reference_values_of_the_average():
    run = TeacherStudent(200, 240, 0.5).solve(T)
    assert_allclose(run["test_loss"], [0.417, 0.240, 0.170, 0.315, 0.575, 0.625], atol=5e-4)


def test_forty_draws_agree_with_the_average():
    model = TeacherStudent(200, 240, 0.5, initial=0.7)
    mean, error = mean_of_draws(model, T, 40)
    expected = np.array([model.solve(T)[name] for name in LOSSES])
    assert np.all(np.abs(mean - expected) < MONTE_CARLO * error)
    assert error.max() < 0.03


def mean_over_inputs(d, n, noise, t, n_draws):
    """Losses (2, n_t) averaged over teachers and noise by traces, and over drawn inputs."""
    x = np.random.default_rng(3).standard_normal((n_draws, n, d))
    l = np.maximum(np.linalg.eigvalsh(x.swapaxes(1, 2) @ x / n), 0)[:, None]
    decay = np.exp(-t[:, None] * l)
    fitted = np.divide((1 - decay) ** 2, l, out=np.zeros_like(decay), where=l > 1e-12)
    train = np.mean(l * decay**2, axis=2) + noise**2 / n * (n - d + np.sum(decay**2, axis=2))
    test = np.mean(decay**2, axis=2) + noise**2 / n * np.sum(fitted, axis=2)
    return 0.5 * np.array([train.mean(axis=0), test.mean(axis=0)])


@pytest.mark.parametrize("shape", [(6, 18), (18, 6), (12, 12)], ids=str)
def test_the_gap_to_the_average_over_inputs_shrinks_as_one_over_the_dimension(shape):
    t, gaps = np.array([0.3, 1.0, 4.0]), []
    for scale in (1, 2, 4):
        d, n = scale * shape[0], scale * shape[1]
        run = TeacherStudent(d, n, 0.5).solve(t)
        gaps.append(np.abs(mean_over_inputs(d, n, 0.5, t, 6000 // scale) - [run[name] for name in LOSSES]).max())
    assert gaps[0] < 0.05
    assert gaps[2] < 0.4 * gaps[0]


@pytest.mark.parametrize("shape", [(8, 12), (12, 8)], ids=str)
def test_other_covariances_average_over_inputs_exactly_in_all_else(shape):
    spread = np.diag(np.geomspace(0.2, 3, shape[0])) + 0.1
    model, t = TeacherStudent(*shape, 0.5, initial=0.3, covariance=spread), np.array([0.0, 0.5, 3.0, 20.0])
    run = model.solve(t, n_draws=400)
    assert run.meta["method"] == "mean of 400 draws"
    mean, error = mean_of_draws(model, t, 1500)
    for k, name in enumerate(LOSSES):
        assert np.all(np.abs(run[name] - mean[k]) < MONTE_CARLO * np.hypot(error[k], run[f"{name}_error"]))
    assert run["test_loss_error"][2] < 0.5 * error[1][2] * np.sqrt(1500 / 400)  # what averaging by hand would have


def test_one_sample_law_is_that_of_matrix_exponentials():
    spread, t = np.diag([0.3, 1.0, 2.0]), 0.7
    model = TeacherStudent(3, 5, 0.4, covariance=spread)
    x = model.draw(np.random.default_rng(5)).x
    gram = x.T @ x / 5
    flow = expm(-gram * t)
    fitted = np.linalg.inv(gram) @ (np.eye(3) - flow)
    expected = np.trace(spread @ flow @ flow) / 6 + 0.4**2 / 10 * np.trace(spread @ fitted @ gram @ fitted)
    run = model.solve([t], n_draws=2, rng=_Replay(5))
    assert_allclose(run["test_loss"][0], expected, rtol=1e-12)


class _Replay:
    """A generator that begins anew every time that inputs are drawn, so that all draws are one."""

    def __init__(self, seed):
        self._seed, self._rng = seed, np.random.default_rng(seed)

    def standard_normal(self, size):
        if isinstance(size, tuple):
            self._rng = np.random.default_rng(self._seed)
        return self._rng.standard_normal(size)


def test_a_multiple_of_the_identity_is_white_with_another_clock():
    white, scaled = TeacherStudent(20, 30, 0.5), TeacherStudent(20, 30, 1.0, covariance=4.0)
    assert scaled.in_closed_form
    for name in LOSSES:
        assert_allclose(scaled.solve(T / 4)[name], 4 * white.solve(T)[name], rtol=1e-12)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 2), st.floats(0, 2))
def test_both_ends_of_time(d, n, noise, start):
    distance, q = 1 + start**2, d / n
    model = TeacherStudent(d, n, noise, initial=start)
    run = model.solve([0.0])
    assert_allclose(run["test_loss"], 0.5 * distance, rtol=1e-12)
    assert_allclose(run["train_loss"], 0.5 * (distance + noise**2), rtol=1e-12)
    if d == n and noise > 0:
        with pytest.raises(ValueError, match=r"t must be finite: with noise .* grows without bound, got inf"):
            model.solve([np.inf])
        return
    end = model.solve([np.inf])
    variance = 0 if d == n else noise**2 * (q / (1 - q) if d < n else 1 / (q - 1))
    assert_allclose(end["test_loss"], 0.5 * (distance * max(0, 1 - 1 / q) + variance), rtol=1e-10, atol=1e-14)
    assert_allclose(end["train_loss"], 0.5 * noise**2 * max(0, 1 - q), rtol=1e-10, atol=1e-14)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 2))
def test_stopping_is_the_lowest_of_all_times(d, n, noise):
    model = TeacherStudent(d, n, noise)
    t, loss = model.optimal_stopping()
    around = model.solve(np.geomspace(1e-4, 1e6, 300))["test_loss"]
    assert_allclose(loss, model.solve([t])["test_loss"][0], rtol=1e-12)
    assert loss <= around.min() * (1 + 1e-12)
    assert_allclose(loss, around.min(), rtol=0.02)


def test_clean_labels_are_never_worth_stopping_for():
    assert TeacherStudent(30, 40, 0.0).optimal_stopping() == (np.inf, 0.0)
    t, loss = TeacherStudent(40, 30, 0.0).optimal_stopping()
    assert t == np.inf
    assert_allclose(loss, 0.125)
    assert TeacherStudent(3, 9, 0.0, layers=2).optimal_stopping(n_draws=3)[0] == np.inf


@pytest.mark.parametrize("layers", [1, 2])
def test_double_descent_is_a_late_cut_that_stopping_removes(layers):
    d, samples = 30, np.array([10, 20, 30, 45, 90])
    models = [TeacherStudent(d, n, 0.5, layers) for n in samples]
    late = np.array([model.solve([1e6], n_draws=20)["test_loss"][0] for model in models])
    assert late.argmax() == 2  # n = d
    assert late[2] > 5 * max(late[1], late[3])
    stopped = np.array([model.optimal_stopping(n_draws=20)[1] for model in models])
    assert np.all(np.diff(stopped) < 0)
    assert np.all(stopped <= late)


def test_the_peak_at_equal_numbers_grows_as_the_root_of_time():
    t = np.array([1e4, 1e6, 1e8, 1e30])
    losses = TeacherStudent(50, 50, 0.5).solve(t)["test_loss"]
    assert_allclose(losses[1:] / losses[:-1], [10, 10, 1e11], rtol=0.01)


def test_the_two_layer_average_falls_and_rises_like_its_draws():
    model = TeacherStudent(30, 40, 0.5, layers=2)
    t = np.geomspace(1, 1e5, 12)
    run = model.solve(t)
    assert run.meta == {"method": "mean of 100 draws", "noise_floor": 0.125}
    mean, error = mean_of_draws(model, t, 300, seed=7)
    for k, name in enumerate(LOSSES):
        assert np.all(np.abs(run[name] - mean[k]) < MONTE_CARLO * np.hypot(error[k], run[f"{name}_error"]))
    best, loss = model.optimal_stopping()
    assert 30 < best < 70
    assert loss < 0.6 * run["test_loss"][-1]
    assert loss < 0.45 * run["test_loss"][0]


def test_the_same_call_gives_the_same_numbers_and_a_generator_others():
    model = TeacherStudent(4, 6, 0.5, layers=2)
    first, again = (model.solve(T, n_draws=3)["test_loss"] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, model.solve(T, 3, np.random.default_rng(1))["test_loss"])


def test_arrays_are_copied_and_closed():
    spread = np.diag([1.0, 2.0])
    model = TeacherStudent(2, 6, 0.5, covariance=spread)
    before = model.solve(T, n_draws=2)["test_loss"]
    spread[:] = 7 * np.eye(2)
    assert np.array_equal(model.solve(T, n_draws=2)["test_loss"], before)
    with pytest.raises(ValueError, match="read-only"):
        model.covariance[0, 0] = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, "dim must be >= 1, got 0"),
        ({"n_samples": 2.0}, r"n_samples must be an integer, got 2\.0"),
        ({"noise": -1.0}, "noise must be >= 0, got -1"),
        ({"noise": torch.tensor(1.0, requires_grad=True)}, r"noise must not require a gradient.*noise\.detach\(\)"),
        ({"layers": 3}, "layers must be one of 1, 2, got 3"),
        ({"initial": -1.0}, "initial must be >= 0, got -1"),
        ({"initial": [1.0, 2.0]}, r"initial must have 0 dimension\(s\)"),
        ({"layers": 2, "initial": 0.0}, "initial must not be 0 with two layers"),
        ({"layers": 2, "initial": [1.0, 2.0, 3.0]}, r"initial must be a number or have shape \(2,\)"),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "covariance must be positive semi-definite"),
        ({"covariance": np.ma.masked_less(np.eye(2), 0.5)}, "covariance must not be masked"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TeacherStudent(**{"dim": 2, "n_samples": 3, "noise": 0.1, **arguments})


def test_bad_calls_are_refused():
    near = TeacherStudent(5, 6, 0.5, layers=2)
    with pytest.raises(ValueError, match="6 samples and 5 dimensions the average test loss grows without bound"):
        near.solve([np.inf])
    with pytest.raises(ValueError, match="n_draws must be >= 2, got 1"):
        near.solve([1.0], n_draws=1)
    with pytest.raises(ValueError, match="t must be strictly increasing"):
        near.solve([1.0, 0.5])
