"""The training loop: its records, its dropout and its first steps, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.training import through_hidden

X, Y = np.array([[0.5], [-1.0], [2.0]]), np.array([1.0, 0.0, -3.0])


def tiny(**options):
    return TwoLayerNetwork([0.7, -0.4], [[1.0, 0.2], [0.3, -0.5]], "tanh", **options)


def steps_of(n_steps, every):
    return tiny().train(X, Y, n_steps, 0.01, every, record=("loss",)).t.tolist()


@pytest.mark.parametrize(
    ("n_steps", "every", "steps"),
    [
        (10, 4, [0, 4, 8, 10]),
        (8, 4, [0, 4, 8]),
        (3, 1, [0, 1, 2, 3]),
        (3, 3, [0, 3]),
        (3, 7, [0, 3]),
        (1, 1, [0, 1]),
        (6, np.int64(5), [0, 5, 6]),
        (6, [4, 2, 4], [0, 2, 4, 6]),
        (6, (6, 0), [0, 6]),
        (6, np.array([1, 5]), [0, 1, 5, 6]),
        (6, iter([3]), [0, 3, 6]),
        (6, [], [0, 6]),
    ],
)
def test_start_and_end_are_always_recorded_and_the_steps_asked_for_between(n_steps, every, steps):
    assert steps_of(n_steps, every) == steps


@given(st.integers(1, 30), st.lists(st.integers(0, 30), max_size=5))
def test_what_is_recorded_at_a_step_does_not_depend_on_the_other_records(n_steps, wanted):
    wanted = [step for step in wanted if step <= n_steps]
    sparse, dense = tiny().train(X, Y, n_steps, 0.05, wanted), tiny().train(X, Y, n_steps, 0.05, 1)
    assert sparse.t.tolist() == sorted({0, n_steps, *wanted})
    for name in ("a", "w", "loss"):
        assert_array_equal(sparse[name], dense[name][sparse.t.astype(int)])


def test_a_run_says_how_it_was_made_and_leaves_its_network_alone():
    network = tiny()
    run = network.train(X, Y, 2, 0.25, 1, 0.5, np.random.default_rng(0), optimizer="adam")
    assert run.clock == "step"
    assert run.meta == {"lr": 0.25, "optimizer": "adam", "dropout": 0.5}
    assert_array_equal(network.a, [0.7, -0.4])
    assert_array_equal(network.w, [[1.0, 0.2], [0.3, -0.5]])
    assert_array_equal(run["a"][0], network.a)
    assert_array_equal(run["w"][0], network.w)


@pytest.mark.parametrize("bias", [None, 0.25])
def test_what_can_be_recorded_is_refused_otherwise_by_name(bias):
    network = tiny(output_bias=bias)
    known = "a, w, loss" if bias is None else "a, w, loss, output_bias"
    with pytest.raises(ValueError, match=f"record must be one of {known}, got 'v'"):
        network.train(X, Y, 2, 0.1, 1, record=("loss", "v"))
    for name in known.split(", "):
        assert set(network.train(X, Y, 2, 0.1, 1, record=(name,)).data) == {name}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": -0.1}, "dropout must be in .0, 1., got -0.1"),
        ({"dropout": 1.0}, "dropout must be in .0, 1., got 1"),
        ({"dropout": 0.5}, "rng must be given when dropout > 0, got None"),
        ({"every": [2, 9, 7]}, "every must hold steps up to n_steps = 5, got 9"),
        ({"every": [2, -1]}, "every must be >= 0, got -1"),
        ({"every": 0}, "every must be >= 1, got 0"),
        ({"lr": 0.0}, "lr must be > 0, got 0"),
        ({"n_steps": 0}, "n_steps must be >= 1, got 0"),
        ({"optimizer": "sgd"}, "optimizer must be one of gd, adam, got 'sgd'"),
    ],
)
def test_bad_settings_are_named_with_what_was_got(options, message):
    with pytest.raises(ValueError, match=message):
        tiny().train(X, Y, **({"n_steps": 5, "lr": 0.1, "every": 1} | options))


def test_without_dropout_no_generator_is_needed_and_none_is_drawn_from():
    rng = np.random.default_rng(4)
    with_rng = tiny().train(X, Y, 5, 0.1, 1, 0.0, rng)
    assert_array_equal(with_rng["w"], tiny().train(X, Y, 5, 0.1, 1)["w"])
    assert rng.random() == np.random.default_rng(4).random()


@pytest.mark.parametrize("n_outputs", [None, 2])
def test_loss_and_gradient_step_of_a_hand_worked_relu(n_outputs):
    """One neuron relu(2 x + 1) on x = 1 and 3: hidden 3 and 7; errors -0.5, 0.5 (and 4, 7 of the second output)."""
    x, lr = np.array([[1.0], [3.0]]), 0.125
    if n_outputs is None:
        network, y = TwoLayerNetwork([0.5], [[2.0, 1.0]]), np.array([2.0, 3.0])
        loss, a, w = (0.25 + 0.25) / 4, [0.5 - lr * 1.0], [[2 - lr * 0.25, 1 - lr * 0]]
    else:
        network = TwoLayerNetwork([[0.5, -1.0]], [[2.0, 1.0]])
        y = np.array([[2.0, -7.0], [3.0, -14.0]])
        loss, a = (0.25 + 0.25 + 16 + 49) / 4, [[0.5 - lr * 1.0, -1 - lr * 30.5]]
        w = [[2 - lr * (0.25 - 12.5), 1 - lr * (0 - 5.5)]]
    run = network.train(x, y, 1, lr, 1)
    assert_allclose(run["loss"][0], loss, **EXACT)
    assert_allclose(run["a"][1], a, **EXACT)
    assert_allclose(run["w"][1], w, **EXACT)


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate_in_every_parameter():
    network = tiny(output_bias=0.25)
    run = network.train(X, Y, 1, 0.03, 1, optimizer="adam")
    for name, slope in zip(("a", "w", "output_bias"), network.gradient(X, Y), strict=True):
        assert_allclose(run[name][1] - run[name][0], -0.03 * np.sign(slope), rtol=1e-4)


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("dropout", [0.25, 0.7])
def test_a_neuron_is_either_left_out_of_a_step_or_in_it_with_its_output_enlarged(n_outputs, dropout):
    """One sample and neuron, tanh(w x + b): two outcomes only, known by hand, and their shares are those of dropout."""
    n, lr, keep = 2000, 0.25, 1 - dropout
    a = np.array([0.6]) if n_outputs is None else np.array([[0.6, -0.9]])
    w, x, y = np.array([[0.8, -0.1]]), np.array([[1.5]]), np.array([0.4] if n_outputs is None else [[0.4, 0.7]])
    copies = TwoLayerNetwork(np.tile(a, (n,) + (1,) * a.ndim), np.tile(w, (n, 1, 1)), "tanh")
    run = copies.train(x, y, 1, lr, 1, dropout, np.random.default_rng(1))
    t = np.tanh(0.8 * 1.5 - 0.1)
    error = a * t / keep - y
    moved_a = a - lr * error * t / keep
    moved_w = w - lr * (error * a).sum() * (1 - t**2) / keep * np.array([1.5, 1])
    kept = (run["w"][1] != w).any(axis=(1, 2))
    assert_allclose(run["a"][1][kept], np.broadcast_to(moved_a, (kept.sum(), *a.shape)), **EXACT)
    assert_allclose(run["w"][1][kept], np.broadcast_to(moved_w, (kept.sum(), *w.shape)), **EXACT)
    assert_array_equal(run["a"][1][~kept], np.broadcast_to(a, ((~kept).sum(), *a.shape)))
    assert abs(kept.mean() - keep) < MONTE_CARLO * np.sqrt(keep * dropout / n)
    assert_allclose(run["loss"][0], ((a * t - y) ** 2).sum() / 2, **EXACT)  # records are those of the whole network


def test_samples_and_neurons_are_left_out_independently():
    """Silent in all but the constant outputs: the mean step of `a` gives the share of samples in which it was kept."""
    x, y = np.zeros((4, 1)), np.ones(4)
    network = TwoLayerNetwork(np.zeros((3000, 2)), np.tile([[0.0, 2.0], [0.0, 2.0]], (3000, 1, 1)), "relu")
    run = network.train(x, y, 1, 1.0, 1, 0.5, np.random.default_rng(2))
    kept = run["a"][1] / 4 * 4  # of four samples each adds 2 / (1/2) / 4
    values, counts = np.unique(kept, return_counts=True)
    assert_array_equal(values, [0, 1, 2, 3, 4])
    shares = np.array([1, 4, 6, 4, 1]) / 16
    assert (np.abs(counts / 6000 - shares) < MONTE_CARLO * np.sqrt(shares / 6000)).all()
    correlation = np.corrcoef(kept.T)[0, 1]
    assert abs(correlation) < MONTE_CARLO / np.sqrt(3000)


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
@pytest.mark.parametrize(("m", "k"), [(2, 1), (2, 2), (2, 3), (1, 3), (1, 1)])
def test_errors_go_back_through_the_hidden_layer_as_in_loops(lead, m, k):
    rng = np.random.default_rng(k)
    n, q = 4, 3
    columns, slope = rng.standard_normal((*lead, m, k)), rng.standard_normal((*lead, n, m))
    error, x1 = rng.standard_normal((*lead, n, k)), rng.standard_normal((n, q))
    expected = np.zeros((*lead, m, q))
    for at in np.ndindex(*lead):
        for j in range(m):
            for i in range(n):
                for c in range(k):
                    expected[at][j] += error[at][i, c] * columns[at][j, c] * slope[at][i, j] * x1[i]
    assert_allclose(through_hidden(columns, error, slope, x1), expected, **EXACT)
