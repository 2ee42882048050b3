import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.batches import noisy_batches
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.label_noise import descend_to_loss, effective_directions, label_noise_descent, paired_start
from toymodels.trajectory import SimulationError

seeds = st.integers(0, 2**31)


def task(seed, n=12, d=3, width=10):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return paired_start(width, d, rng), x, np.maximum(x[:, 0], 0), rng


@settings(max_examples=10)
@given(seeds, st.integers(1, 12))
def test_a_step_follows_the_exact_gradient_of_the_noisy_batch(seed, size):
    network, x, y, _ = task(seed)
    run = label_noise_descent(network, x, y, 1, 0.02, size, 0.5, np.random.default_rng(seed))
    inputs, labels = next(noisy_batches(x, y, size, 0.5, np.random.default_rng(seed)))
    grad_a, grad_w = network.gradient(inputs, labels)
    assert_allclose(run["a"][1], network.a - 0.02 * grad_a, **EXACT)
    assert_allclose(run["w"][1], network.w - 0.02 * grad_w, **EXACT)


def test_the_full_batch_without_noise_is_gradient_descent():
    network, x, y, rng = task(0)
    run = label_noise_descent(network, x, y, 40, 0.05, 12, 0.0, rng, records=[20])
    plain = network.train(x, y, 40, 0.05, every=[20])
    assert_allclose(run["w"], plain["w"], rtol=1e-10, atol=1e-12)


def test_every_network_stops_when_it_is_there_whatever_the_others_do():
    network, x, y, rng = task(1)
    other = paired_start(10, 3, rng)
    a, w = descend_to_loss([network.a, other.a], [network.w, other.w], x, y, 1e-3, 0.1)
    lower = descend_to_loss([network.a] * 2, [network.w] * 2, x, y, [1e-3, 1e-4], 0.1)
    assert_allclose(lower[1][0], w[0], rtol=1e-9)
    assert 0.9e-4 < TwoLayerNetwork(*lower).loss(x, y)[1] <= 1e-4
    losses = TwoLayerNetwork(a, w).loss(x, y)
    assert (losses <= 1e-3).all()
    assert (losses > 0.9e-3).all()
    alone = descend_to_loss(network.a[None], network.w[None], x, y, 1e-3, 0.1)
    assert_allclose(alone[1][0], w[0], rtol=1e-9)
    plain = network.train(x, y, 3000, 0.1, every=1)
    first = int(np.argmax(plain["loss"] <= 1e-3))
    assert_allclose(w[0], plain["w"][first], rtol=1e-6, atol=1e-9)


def test_the_start_is_silent_and_every_direction_is_there_twice():
    start = paired_start(64, 3, np.random.default_rng(0))
    assert_allclose(start(np.random.default_rng(1).standard_normal((5, 3))), 0, atol=1e-12)
    assert_allclose([np.linalg.norm(start.w, axis=1), np.abs(start.a)], 64**-0.25)
    assert effective_directions(start) <= 32


@settings(max_examples=10)
@given(seeds)
def test_directions_do_not_count_copies_or_sizes_of_output_weights(seed):
    rng = np.random.default_rng(seed)
    w = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    assert_allclose(effective_directions(TwoLayerNetwork(np.ones(5), w)), 5)
    doubled = TwoLayerNetwork(np.r_[np.ones(5), -np.ones(5)], np.r_[w, 3 * w])
    assert_allclose(effective_directions(doubled), 5)
    moved = TwoLayerNetwork(np.full(5, 0.5), 2 * w)
    assert_allclose(effective_directions(moved), 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x, y, rng: paired_start(5, 2, rng), "width must be even, got 5"),
        (lambda net, x, y, rng: label_noise_descent(net, x[:, :2], y, 1, 0.1, 1, 0.0, rng), "x must have 3 columns"),
        (lambda net, x, y, rng: label_noise_descent(net, x, y, 1, 0.1, 13, 0.0, rng), "batch_size must be at most"),
        (
            lambda net, x, y, rng: label_noise_descent(
                TwoLayerNetwork(net.a, net.w, "tanh"), x, y, 1, 0.1, 1, 0.0, rng
            ),
            "network must be of ReLU neurons",
        ),
        (lambda net, x, y, rng: descend_to_loss(net.a, net.w, x, y, 1e-3, 0.1), r"a must have 2 dimension\(s\)"),
        (lambda net, x, y, rng: descend_to_loss(net.a[None], net.w[None], x, y[:3], 1e-3, 0.1), "y must have one"),
        (lambda net, x, y, rng: descend_to_loss(net.a[None], net.w[None], x, y, 0.0, 0.1), "loss must be > 0"),
        (
            lambda net, x, y, rng: descend_to_loss(net.a[None], net.w[None], x, y, [1e-3, 1e-3], 0.1),
            r"loss must be a number or have shape \(1,\), got shape \(2,\)",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(*task(0))


def test_what_does_not_come_to_its_loss_is_an_error():
    network, x, y, rng = task(0)
    with pytest.raises(SimulationError, match="1 of 1 networks do not reach the loss 1e-09 in 5 steps"):
        descend_to_loss(network.a[None], network.w[None], x, y, 1e-9, 0.1, most_steps=5)
    with pytest.raises(SimulationError, match="is not finite at step"):
        label_noise_descent(network, x, y, 500, 5.0, 1, 0.5, rng)


def test_a_start_of_one_pair_is_the_smallest():
    start = paired_start(2, 3, np.random.default_rng(0))
    assert_allclose(start.a, [2**-0.25, -(2**-0.25)])
    assert start.w.shape == (2, 4)
    with pytest.raises(ValueError, match="width must be >= 2, got 1"):
        paired_start(1, 3, np.random.default_rng(0))


def test_directions_from_a_cosine_of_95_percent_are_one():
    for angle, n in ((0.31, 1.0), (0.33, 2.0)):  # cos(0.3176) = 0.95
        w = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        assert_allclose(effective_directions(TwoLayerNetwork([2.0, -2.0], w)), n)


def test_records_are_those_asked_for_and_do_not_change_the_run():
    network, x, y, _ = task(3)
    runs = [
        label_noise_descent(network, x, y, 6, 0.02, 4, 0.5, np.random.default_rng(7), records)
        for records in ([], [2, 5], range(1, 6))
    ]
    assert [run.t.tolist() for run in runs] == [[0, 6], [0, 2, 5, 6], [0, 1, 2, 3, 4, 5, 6]]
    assert runs[0].meta == {"lr": 0.02, "batch_size": 4}
    for run in runs:
        assert_allclose(run["a"], runs[2]["a"][run.t.astype(int)], rtol=0)
        assert_allclose(run["w"], runs[2]["w"][run.t.astype(int)], rtol=0)
    assert_allclose(runs[0]["w"][0], network.w, rtol=0)


def test_a_loss_that_is_there_already_takes_no_step_and_one_step_may_be_the_last():
    network, x, y, _ = task(4)
    loss = float(network.loss(x, y))
    a, w = descend_to_loss(network.a[None], network.w[None], x, y, loss * (1 + 1e-9), 0.1, most_steps=1)
    assert_allclose(a[0], network.a, rtol=0)
    step = network.train(x, y, 1, 0.1, 1)
    level = float(step["loss"][1]) * (1 + 1e-9)
    a, w = descend_to_loss(network.a[None], network.w[None], x, y, level, 0.1, most_steps=1)
    assert_allclose(w[0], step["w"][1], **EXACT)
    with pytest.raises(SimulationError, match="in 1 steps"):
        descend_to_loss(network.a[None], network.w[None], x, y, level * 0.9, 0.1, most_steps=1)
