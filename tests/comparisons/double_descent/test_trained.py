"""Networks whose hidden layer is trained, and their tasks, done again with PyTorch's own optimisers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from comparisons.double_descent import trained
from comparisons.double_descent.trained import (
    TEST,
    THRESHOLDS,
    TrainedDigits,
    TrainedNeurons,
    mislabelled_digits,
    one_neuron,
    trained_digits,
    trained_neurons,
)
from dnn.data import load
from dnn.networks.mlp import MLP
from toymodels.condensation.network import TwoLayerNetwork

NEURONS = TrainedNeurons(samples=9, dim=3, noise=0.5, scale=0.7, decay=0.2, steps=12, lr=0.05, sets=4, widths=(2, 5))
DIGITS = TrainedDigits(samples=20, wrong=0.3, decay=2.0, steps=4, lr=0.02, sets=4, widths=(3, 7), device="cpu")


def test_labels_are_those_of_one_neuron_of_mean_square_1_with_noise_in_training_alone():
    x, y, x_test, y_test = one_neuron(4000, 5, 0.3, np.random.default_rng(0))
    assert (x.shape, y.shape, x_test.shape, y_test.shape) == ((4000, 5), (4000,), (TEST, 5), (TEST,))
    fires = y_test > 0
    direction = np.linalg.lstsq(x_test[fires], y_test[fires])[0]
    assert np.linalg.norm(direction) == pytest.approx(np.sqrt(2))  # half of the inputs fire, of mean square 1 each
    np.testing.assert_allclose(y_test, np.maximum(x_test @ direction, 0), atol=1e-12)
    noise = y - np.maximum(x @ direction, 0)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(0.3, rel=0.04)
    assert (one_neuron(50, 5, 0.0, np.random.default_rng(0))[1] >= 0).all()


@pytest.mark.parametrize(("wrong", "count"), [(0.0, 0), (0.25, 10), (0.99, 40), (1.0, 40)])
def test_so_many_digits_have_another_label_and_none_of_the_test_set(wrong, count):
    x, y, x_test, y_test = mislabelled_digits(TrainedDigits(), 40, wrong, np.random.default_rng(1))
    digits, labels, test_digits, test_labels = (np.asarray(part) for part in load("mnist-mini"))
    where = [int(np.flatnonzero((digits == row).all(axis=1))[0]) for row in x]
    assert len(set(where)) == 40  # drawn without replacement
    assert (y.argmax(axis=1) != labels[where]).sum() == count
    for values in (y, y_test):
        np.testing.assert_allclose(np.sort(values, axis=1), np.tile(np.r_[[-0.1] * 9, 0.9], (len(values), 1)))
    assert len(x_test) == min(TEST, len(test_digits))
    np.testing.assert_array_equal(x_test, test_digits[:TEST])
    assert (y_test.argmax(axis=1) == test_labels[:TEST]).all()


def test_a_wrong_label_is_any_of_the_nine_others():
    digits, labels = (np.asarray(part) for part in load("mnist-mini")[:2])
    _, y, _, _ = mislabelled_digits(TrainedDigits(), 500, 1.0, np.random.default_rng(2))
    chosen = np.random.default_rng(2).choice(len(digits), size=500, replace=False)
    shifts = np.bincount((y.argmax(axis=1) - labels[chosen]) % 10, minlength=10)
    assert shifts[0] == 0
    assert shifts[1:].min() > 30  # of 56 on average


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_share_of_wrong_labels_is_a_share(wrong):
    with pytest.raises(ValueError, match="wrong must be"):
        mislabelled_digits(TrainedDigits(), 10, wrong, np.random.default_rng(0))


def test_there_are_no_more_digits_than_there_are():
    most = len(load("mnist-mini").x_train)
    with pytest.raises(ValueError, match=f"samples must be <= {most}, the digits that there are, got {most + 1}"):
        mislabelled_digits(TrainedDigits(), most + 1, 0.2, np.random.default_rng(0))


@pytest.mark.parametrize("kind", [TrainedNeurons, TrainedDigits])
def test_four_sets_are_enough(kind):
    assert kind(sets=4).sets == 4
    with pytest.raises(ValueError, match="sets must be >= 4, got 3"):
        kind(sets=3)


def test_an_image_is_halved_by_the_mean_of_four_pixels():
    images = np.zeros((2, 28, 28))
    images[0, 5, 9] = 4.0
    images[1] = np.arange(28)[:, None] + 100 * np.arange(28)
    small = trained._pooled(images.reshape(2, 784)).reshape(2, 14, 14)
    assert small[0].sum() == small[0, 2, 4] == 1.0
    np.testing.assert_allclose(small[1], 0.5 + 50 + 2 * np.arange(14)[:, None] + 200 * np.arange(14))


def adam(parameters, loss, kind, steps, lr, decay):
    """PyTorch's own, with a learning rate that falls to 0 as a cosine."""
    optimiser = kind(parameters, lr=lr, weight_decay=decay)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = lr * (1 + np.cos(np.pi * step / steps)) / 2
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()


def test_neurons_are_trained_by_adam_on_what_the_start_does_not_say():
    run = trained_neurons(NEURONS, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    tasks = [one_neuron(9, 3, 0.5, rng) for _ in range(4)]
    for i, width in enumerate(NEURONS.widths):
        for k, (x, y, x_test, y_test) in enumerate(tasks):
            std = (0.7 / np.sqrt(width), 0.7 / np.sqrt(4))  # variance 1/fan-in, the bias being an input
            start = TwoLayerNetwork.random(width, 3, std, "relu", rng)
            a, w = (torch.tensor(part, requires_grad=True) for part in (start.a.copy(), start.w.copy()))

            def outputs(inputs, a=a, w=w):
                padded = torch.tensor(np.column_stack([inputs, np.ones(len(inputs))]))
                return torch.relu(padded @ w.T) @ a

            goal = torch.tensor(y + start(x))
            adam(
                [a, w],
                lambda f=outputs, x=x, goal=goal: ((f(x) - goal) ** 2).mean() / 2,
                torch.optim.Adam,
                12,
                0.05,
                0.2,
            )
            for name, inputs, wanted in (("test", x_test, y_test), ("train", x, y)):
                error = ((outputs(inputs).detach().numpy() - start(inputs) - wanted) ** 2).mean()
                assert run[name][i, k] == pytest.approx(error, rel=1e-9)
    assert run.t.tolist() == [2, 5]
    assert run.meta == THRESHOLDS | {"threshold": 9 / 5}  # m (d + 2) parameters are as many as samples
    assert run.clock == "neurons"


def test_digits_are_trained_by_adamw_at_half_the_resolution():
    run = trained_digits(DIGITS, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    tasks = [mislabelled_digits(DIGITS, 20, 0.3, rng) for _ in range(4)]
    x, y, x_test, y_test = (torch.tensor(part, dtype=torch.float32) for part in tasks[0])
    x, x_test = (images.reshape(-1, 1, 28, 28) for images in (x, x_test))
    x, x_test = (torch.nn.functional.avg_pool2d(images, 2).flatten(1) for images in (x, x_test))
    network = MLP([196, 3, 10], rng=rng)
    adam(list(network.parameters()), lambda: ((network(x) - y) ** 2).mean(), torch.optim.AdamW, 4, 0.02, 2.0)
    assert run["test"][0, 0] == pytest.approx(float(((network(x_test) - y_test) ** 2).mean().detach()), rel=1e-4)
    assert run["train"][0, 0] == pytest.approx(float(((network(x) - y) ** 2).mean().detach()), rel=1e-4)
    assert run["test"].shape == run["train"].shape == (2, 4)
    assert run.t.tolist() == [3, 7]
    assert run.meta == THRESHOLDS | {"threshold": 20 * 10 / 207}
    assert run.clock == "neurons"


def test_thresholds_of_a_lower_peak_are_a_runs_own():
    from comparisons.double_descent import STUDY

    assert 0 < THRESHOLDS["absent_below"] < THRESHOLDS["shown_from"] < STUDY.question.shown_from
    assert replace(STUDY.question, **THRESHOLDS).absent_below == THRESHOLDS["absent_below"]
