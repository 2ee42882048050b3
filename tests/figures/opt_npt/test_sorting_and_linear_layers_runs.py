"""Networks with and without residual connections: how each is built, trained and read, layer by layer."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.data import Split
from figures.opt_npt import sorting_and_linear_layers_runs
from figures.opt_npt.sorting_and_linear_layers_runs import DIGIT, KINDS, SortingAndLinearLayers, lag, structure

SETTINGS = SortingAndLinearLayers(
    hidden=3,
    width=6,
    samples=90,
    batch_size=25,
    n_steps=8,
    n_test=40,
    lag_batches=4,
    lag_steps=12,
    lag_records=5,
    device="cpu",
)


@pytest.fixture
def asked(monkeypatch):
    """How training and each measure are asked for, in place of which there are numbers."""
    found = {"maps": []}
    x = torch.arange(90.0)[:, None] * torch.ones(784)
    split = Split(x, torch.arange(90) % 10, x[:40], torch.arange(40) % 10)

    def digits(settings, samples, n_test):
        found["digits"] = (samples, n_test)
        return split

    def train(network, split, config, rng, probes=None):
        found.update(network=network, config=config, probes=probes, rng=rng.bit_generator.state)
        names = ("test_loss", "test_accuracy", "batch.train", "batch.test")
        run = {name: np.full(2, float(k)) for k, name in enumerate(names)}
        return Run(run)

    def pruned(network, split, method="linear_map"):
        found["maps"].append(method)
        return np.full(4, {"linear_map": 0.5, "perceptron": 0.7}[method])

    def cosines(network, x, y, centered=False):
        own = np.arange(40.0).reshape(4, 10)
        return SimpleNamespace(own=own, between=np.full(4, -1.0 if centered else 1.0))

    monkeypatch.setattr(sorting_and_linear_layers_runs, "digits", digits)
    monkeypatch.setattr(sorting_and_linear_layers_runs, "layer_densities", lambda network, split: np.ones((3, 50)))
    monkeypatch.setattr("dnn.training.loop.train", train)
    monkeypatch.setattr("dnn.probes.rank_gradients", lambda network, split: np.full(3, 0.1))
    monkeypatch.setattr("dnn.reading.linear_maps.pruned_accuracy", pruned)
    monkeypatch.setattr("dnn.reading.projection.class_cosines", cosines)
    return found


class Run(dict):
    t = np.array([0.0, 12])


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_each_kind_is_trained_and_read(kind, asked):
    found = structure(SETTINGS, np.random.default_rng(0), kind)
    network, config = asked["network"], asked["config"]
    assert [layer.out_features for layer in network.linears] == [6, 6, 6, 10]
    assert network.residual == (kind == "residual")
    assert (config.n_steps, config.batch_size, tuple(config.records), config.device) == (8, 25, (8,), "cpu")
    assert asked["digits"] == (90, 40)
    assert_allclose(found["map"], 0.5)
    assert_allclose(found["perceptron"], 0.7)
    assert_allclose(found["gradient"], 0.1)
    assert found["density"].shape == (3, 50)
    assert found["own"].tolist() == [DIGIT, 10 + DIGIT, 20 + DIGIT, 30 + DIGIT]
    assert_allclose(found["between"], 1)
    assert_allclose(found["centred"], -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("batches", "size"), [(1, None), (4, 23), (2, 45), (90, 1)])
def test_a_lag_is_followed_in_epochs_of_as_many_batches(kind, batches, size, asked):
    settings = SortingAndLinearLayers(**(SETTINGS.__dict__ | {"lag_batches": batches}))
    found = lag(settings, np.random.default_rng(0), 5, kind)
    config = asked["config"]
    assert (config.n_steps, config.batch_size, config.records) == (12, size, 5)
    assert size is None or -(-90 // size) == batches
    assert [layer.out_features for layer in asked["network"].linears] == [6] * 5 + [10]
    assert asked["network"].residual == (kind == "residual")
    assert asked["probes"].keys() == {"batch"}
    means = {name: values[0] for name, values in found.items()}
    assert means == {"step": 0, "loss": 0, "test": 1, "train": 2, "batch": 3}


def test_both_kinds_start_from_the_same_weights():
    starts = []
    for kind in KINDS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dnn.training.loop.train", lambda network, *more, **how: starts.append(network) or Run(EMPTY))
            lag(SETTINGS, np.random.default_rng(7), 2, kind)
    for first, second in zip(starts[0].linears, starts[1].linears, strict=True):
        assert torch.equal(first.weight, second.weight)


EMPTY = dict.fromkeys(("test_loss", "test_accuracy", "batch.train", "batch.test"), np.zeros(1))
