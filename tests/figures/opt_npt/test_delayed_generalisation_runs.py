"""A run of late generalisation: how it is asked for, its control with random features, its noise and its clouds."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

from dnn.data import Split, load
from dnn.networks.mlp import MLP
from dnn.probes import rank_gradients
from dnn.reading.projection import project
from figures.opt_npt import delayed_generalisation_runs
from figures.opt_npt.delayed_generalisation_runs import DIGITS, NOISE, DelayedGeneralisation, long_run, record_before
from toymodels.trajectory import Trajectory

SETTINGS = DelayedGeneralisation("adamw", 0.02, n_steps=500, records=9, dtype="float64")


def scaled(scale, seed):
    network = MLP((784, 200, 200, 10), rng=np.random.default_rng(seed))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    return network


@pytest.fixture
def asked(monkeypatch):
    """How training is asked for, in place of which there are three records."""
    found = {}

    def train_mlp(settings, rng, **options):
        found.update(options, settings=settings)
        found["network"] = scaled(options["scale"], 0) if rng.bit_generator.state == start else None
        curves = {"train": [0.95, 0.97, 1.0], "test": [0.1, 0.2, 0.5], "norm": [3.0, 2, 1], "noisy": np.zeros((3, 4))}
        curves |= {"gradient": np.ones((3, 2)), "basin.sample": [0.0, 0.1, 0.4], "basin.weight": [0.0, 0.2, 0.5]}
        curves |= {f"plane.{part}": k + np.arange(6.0).reshape(3, 1, 2) for k, part in enumerate(("train", "test"))}
        return Trajectory([1.0, 10, 1000], {name: np.array(values) for name, values in curves.items()}, clock="step")

    start = np.random.default_rng(0).bit_generator.state
    monkeypatch.setattr("comparisons.digits.train_mlp", train_mlp)
    return found


def test_the_run_is_asked_for_with_its_settings_and_begins_with_the_weights_of_the_control(asked):
    run = long_run(SETTINGS, np.random.default_rng(0), 3.0)
    assert asked["network"] is not None  # the control has drawn from a copy
    options = {name: asked[name] for name in ("n_steps", "records", "scale", "optimiser", "weight_decay", "dtype")}
    assert options == {
        "n_steps": 500,
        "records": 9,
        "scale": 3.0,
        "optimiser": "adamw",
        "weight_decay": 0.02,
        "dtype": "float64",
    }
    assert (asked["loss"], asked["batch_size"], asked["settings"]) == ("mse", 200, SETTINGS)
    split = load("mnist-mini")
    assert_allclose(run["first"], rank_gradients(asked["network"], split), rtol=1e-5)
    assert run["steps"].tolist() == [1, 10, 1000]
    assert run["basin_weight"].tolist() == [0, 0.2, 0.5]
    assert run["basin_sample"].tolist() == [0, 0.1, 0.4]
    # fit at 1, generalisation at 1000: the record nearest to 32 is that at 10
    assert run["train_cloud"].tolist() == [[[2, 3]], [[4, 5]]]
    assert run["test_cloud"].tolist() == [[[3, 4]], [[5, 6]]]


def test_the_readout_of_the_control_is_the_least_squares_fit_of_the_labels(asked):
    run = long_run(SETTINGS, np.random.default_rng(0), 3.0)
    network, split = scaled(3.0, 0), load("mnist-mini")
    with torch.no_grad():
        features = torch.relu(network.linears[1](torch.relu(network.linears[0](split.x_train)))).double().numpy()
    features = np.c_[features, np.ones(len(features))]
    labels = split.y_train.numpy()
    fitted = np.linalg.lstsq(features, np.eye(10)[labels], rcond=None)[0]
    assert_allclose(run["control_train"], np.mean((features @ fitted).argmax(axis=1) == labels), atol=0.002)
    with torch.no_grad():
        network.linears[2].weight.copy_(torch.tensor(fitted[:-1].T))
        network.linears[2].bias.copy_(torch.tensor(fitted[-1]))
    expected = rank_gradients(network, split)
    assert_allclose(run["control"], expected, atol=0.02)
    assert np.abs(expected - run["first"]).max() > 0.1  # of the last layer, since another readout


def line(threshold=0.0):
    """A classifier of a single pixel by the side of a threshold."""
    network = torch.nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        network.bias.copy_(torch.tensor([threshold, -threshold]))
    return network


def test_noisy_copies_lie_as_far_off_as_the_amplitude_says_and_are_the_same_at_every_record():
    x = torch.tensor([[-0.2], [0.2]]).repeat(20_000, 1)
    y = torch.arange(2).repeat(20_000)
    split = Split(x, y, x[:2], 1 - y[:2])  # of the training digits alone
    found = delayed_generalisation_runs._noisy_accuracies(line(), split)
    assert_allclose(found, norm.cdf(0.2 / np.array(NOISE)), atol=0.006)
    assert_allclose(delayed_generalisation_runs._noisy_accuracies(line(), split), found, rtol=0)


def test_clouds_are_of_the_first_eighty_of_each_digit_of_their_own_part():
    network, split = scaled(1.0, 1), load("mnist-mini")
    clouds = delayed_generalisation_runs._planes(network, split)
    for part, x, y in (("train", split.x_train, split.y_train), ("test", split.x_test, split.y_test)):
        index = np.concatenate([[i for i, label in enumerate(y.tolist()) if label == digit][:80] for digit in DIGITS])
        assert_allclose(clouds[part], project(network, x[index]).numpy(), rtol=1e-5, atol=1e-6)


def test_the_norm_is_of_all_weights_without_the_biases():
    network = SimpleNamespace(linears=[torch.nn.Linear(2, 1), torch.nn.Linear(1, 2)])
    with torch.no_grad():
        for layer, weight in zip(network.linears, ([[3.0, 4]], [[12.0], [0]]), strict=True):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.fill_(100.0)
    probes = delayed_generalisation_runs._probes(network)
    assert probes["norm"](network, None) == pytest.approx(13)


EXPONENTS = st.integers(0, 6)


@given(EXPONENTS, EXPONENTS)
def test_no_record_is_nearer_to_the_middle_of_fit_and_rise_than_the_one_before(fit, rise):
    steps = 2.0 ** np.arange(6)  # 6 stands for never
    train, test = (np.where(np.arange(6) >= at, level, level - 0.01) for at, level in ((fit, 0.95), (rise, 0.5)))
    middle = (min(fit, 5) + min(rise, 5)) / 2
    assert abs(record_before(steps, train, test) - middle) == min(abs(k - middle) for k in range(6))
