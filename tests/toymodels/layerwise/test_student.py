import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise import Student

T = np.array([0.0, 0.5, 3.0, 12.0])


@st.composite
def data_sets(draw):
    n, d, seed = draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) @ rng.standard_normal((d, d))  # correlated
    x *= np.sqrt(n) / np.linalg.norm(x, 2)
    teacher = rng.standard_normal(d)
    return x, x @ teacher + rng.standard_normal(n), teacher, rng


@given(data_sets())
def test_one_layer_is_the_flow_of_the_squared_error(drawn):
    x, y, teacher, rng = drawn
    start, spread = rng.standard_normal(teacher.size), np.diag(rng.uniform(0, 2, teacher.size))
    run = Student(x, y, teacher, initial=start, covariance=spread).solve(T)
    expected = integrate(lambda w: x.T @ (y - x @ w) / len(x), start, T)
    assert_same_flow(run["weights"], expected)
    assert_same_flow(run["train_loss"], 0.5 * np.mean((expected @ x.T - y) ** 2, axis=1))
    error = expected - teacher
    assert_same_flow(run["test_loss"], 0.5 * np.sum(error**2 * np.diag(spread), axis=1))


@given(data_sets(), st.floats(0.05, 1), st.floats(-1, 1))
def test_two_layers_are_the_flow_of_products_along_eigenvectors(drawn, a0, b0):
    x, y, teacher, _ = drawn
    n, d = x.shape
    _, basis = np.linalg.eigh(x.T @ x)
    if d > n:
        return  # any basis of the null space would do, so that the eigenvectors are not known from outside
    basis = basis * np.where(basis.T @ x.T @ y >= 0, 1, -1)

    def velocity(state):
        a, b = np.split(state, 2)
        pull = basis.T @ x.T @ (y - x @ basis @ (a * b)) / n
        return np.concatenate([b * pull, a * pull])

    states = integrate(velocity, np.repeat([a0, b0], d), T)
    expected = states[:, :d] * states[:, d:] @ basis.T
    run = Student(x, y, teacher, layers=2, initial=(a0, b0)).solve(T)
    assert_same_flow(run["weights"], expected)
    assert_same_flow(run["train_loss"], 0.5 * np.mean((expected @ x.T - y) ** 2, axis=1))
    assert_same_flow(run["test_loss"], 0.5 * np.sum((expected - teacher) ** 2, axis=1))


@given(data_sets(), st.sampled_from([1, 2]))
def test_ends_at_least_squares_and_leaves_the_rest_alone(drawn, layers):
    x, y, teacher, _ = drawn
    run = Student(x, y, teacher, layers, initial=0.3).solve([0.0, np.inf])
    moved, start = run["weights"][1], run["weights"][0]
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    unseen = np.eye(teacher.size) - np.linalg.pinv(x) @ x
    assert_allclose(moved, best + unseen @ start, rtol=1e-6, atol=1e-6)
    assert_allclose(run["train_loss"][1], 0.5 * np.mean((x @ best - y) ** 2), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_test_loss_falls_and_rises_and_stopping_finds_its_lowest(layers):
    rng = np.random.default_rng(1)
    x, teacher = rng.standard_normal((40, 30)), rng.standard_normal(30) / np.sqrt(30)
    student = Student(x, x @ teacher + 0.5 * rng.standard_normal(40), teacher, layers, 0.03)
    t = np.geomspace(1e-2, 1e5, 3000)
    losses = student.solve(t)["test_loss"]
    best, lowest = student.optimal_stopping()
    assert_allclose(best, t[losses.argmin()], rtol=1e-2)
    assert losses.min() * (1 - 1e-4) < lowest <= losses.min()
    assert lowest < 0.6 * losses[0]
    assert losses[-1] > 1.5 * lowest
    assert np.all(np.diff(student.solve(t)["train_loss"]) <= 1e-15)


def test_clean_labels_are_never_worth_stopping_for_and_a_perfect_start_is():
    x, teacher = np.random.default_rng(0).standard_normal((20, 5)), np.arange(1.0, 6)
    t, loss = Student(x, x @ teacher, teacher).optimal_stopping()
    assert t == np.inf
    assert_allclose(loss, 0, atol=1e-20)
    noisy = x @ teacher + np.random.default_rng(1).standard_normal(20)
    t, loss = Student(x, noisy, teacher, initial=teacher).optimal_stopping()
    assert t == 0
    assert_allclose(loss, 0, atol=1e-20)


def test_a_start_in_a_direction_of_hardly_any_variance_keeps_its_digits():
    student = Student([[1.0, 0.0], [0.0, 1e-7]], [1.0, 1.0], [1.0, 1.0], initial=[0.1, 0.2])
    assert_allclose(student.solve([0.0])["weights"][0], [0.1, 0.2], **EXACT)


def test_arrays_are_copied_and_closed():
    x, y, teacher = np.eye(2), np.ones(2), np.ones(2)
    student = Student(x, y, teacher, initial=np.zeros(2))
    before = student.solve(T)["weights"]
    x[:], y[:], teacher[:] = 7, 7, 7
    assert_allclose(student.solve(T)["weights"], before)
    assert_allclose(Student(np.eye(2), np.ones(2), np.ones(2)).solve(T)["weights"], before)
    for array in (student.x, student.y, student.teacher, student.initial, student.covariance):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones(2)}, r"x must have 2 dimension\(s\)"),
        ({"y": [1.0]}, "y must have 2 entries, one per row of x, got 1"),
        ({"teacher": [1.0]}, "teacher must have 2 entries, one per column of x, got 1"),
        ({"layers": 3}, "layers must be one of 1, 2, got 3"),
        ({"initial": [1.0, 2.0, 3.0]}, r"initial must be a number or have shape \(2,\)"),
        ({"layers": 2}, "initial must not be 0 with two layers"),
        ({"layers": 2, "initial": [0.0, 0.0]}, "initial must not be 0 with two layers"),
        ({"covariance": [[1.0, 2.0], [0.0, 1.0]]}, "covariance must be symmetric"),
        ({"covariance": np.ones((3, 3))}, r"covariance must have shape \(2, 2\)"),
        ({"x": np.ma.masked_less(np.eye(2), 0.5)}, "x must not be masked, got 2 masked entries"),
        ({"y": torch.ones(2, requires_grad=True)}, r"y must not require a gradient.*pass y\.detach\(\)"),
        ({"teacher": [np.nan, 1.0]}, "teacher must be finite"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Student(**{"x": np.eye(2), "y": [1.0, 1.0], "teacher": [1.0, 1.0], **change})


@pytest.mark.parametrize("layers", [1, 2])
def test_inputs_of_nothing_teach_nothing(layers):
    student = Student(np.zeros((3, 2)), np.ones(3), np.ones(2), layers, 0.5)
    run = student.solve([0.0, np.inf])
    assert_allclose(run["weights"][1], run["weights"][0], **EXACT)
    assert_allclose(run["train_loss"], 0.5, **EXACT)
    assert student.optimal_stopping()[1] == run["test_loss"][1]
