import numpy as np
import pytest
import torch

from dnn.data import Split
from dnn.networks.mlp import MLP
from dnn.training.config import TrainConfig
from dnn.training.loop import train
from figures.condensation.training_to_fit import train_to_fit


def split(seed=0):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.standard_normal((40, 3)), dtype=torch.float32)
    y = (x[:, 0] > 0).long()
    return Split(x[:30], y[:30], x[30:], y[30:])


def accuracy(network, data):
    return float((network(data.x_train).argmax(1) == data.y_train).double().mean())


def test_training_stops_at_the_first_look_at_which_all_samples_are_right():
    data, config = split(), TrainConfig(400, lr=1e-3, batch_size=10, device="cpu")
    network = MLP([3, 16, 2], rng=np.random.default_rng(0))
    steps, reached = train_to_fit(network, data, config, np.random.default_rng(1), looks=40)
    assert reached == accuracy(network, data) == 1
    assert steps < 400
    assert not network.training
    before = MLP([3, 16, 2], rng=np.random.default_rng(0))
    shorter = TrainConfig(steps - 10, lr=1e-3, batch_size=10, device="cpu", records=(steps - 10,))
    train(before, data, shorter, np.random.default_rng(1))
    assert accuracy(before, data) < 1


@pytest.mark.parametrize("looks", [1, 3])
def test_what_does_not_fit_takes_all_steps(looks):
    data = split()
    y = torch.tensor(np.random.default_rng(0).integers(2, size=30))
    network = MLP([3, 2], rng=np.random.default_rng(0))
    noise = Split(data.x_train, y, data.x_test, data.y_test)
    steps, reached = train_to_fit(network, noise, TrainConfig(6, device="cpu"), np.random.default_rng(0), looks)
    assert steps == 6
    assert reached == accuracy(network, noise) < 1
