from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.networks.mlp import MLP
from dnn.training.config import TrainConfig
from dnn.training.ensembles import train_ensemble
from dnn.training.loop import train
from tests.dnn.blobs import blobs
from toymodels.trajectory import SimulationError

CPU = {"device": "cpu"}


def members(n=3, widths=(8, 16, 16, 16, 4), **settings):
    return [MLP(list(widths), rng=np.random.default_rng(seed), **settings) for seed in range(n)]


def frozen():
    (network,) = members(1)
    network.linears[0].weight.requires_grad_(False)
    return network


def generators(n=3):
    return [np.random.default_rng(100 + seed) for seed in range(n)]


def assert_same_as_one_at_a_time(configs, rtol, **settings):
    together, alone = members(**settings), members(**settings)
    result = train_ensemble(together, blobs(), configs, generators())
    runs = [train(*each) for each in zip(alone, [blobs()] * 3, configs, generators(), strict=True)]
    for name in ("train_loss", "test_loss"):
        assert_allclose(result[name], np.stack([run[name] for run in runs], axis=1), rtol=rtol)
    for a, b in zip(together, alone, strict=True):
        for name, value in a.state_dict().items():
            torch.testing.assert_close(value, b.state_dict()[name], rtol=100 * rtol, atol=100 * rtol)


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_losses_are_those_of_one_at_a_time(optimiser, loss):
    config = TrainConfig(30, optimiser, 0.01, 0.01, momentum=0.5, loss=loss, batch_size=24, **CPU)
    assert_same_as_one_at_a_time([config] * 3, 1e-5)


@pytest.mark.parametrize("settings", [{"batch_norm": True}, {"residual": True, "activation": "tanh"}])
@pytest.mark.parametrize("batch_size", [None, 24])
def test_batch_norm_and_residual_members_agree_in_double_precision(settings, batch_size):
    config = TrainConfig(25, "adam", 0.01, batch_size=batch_size, dtype="float64", **CPU)
    assert_same_as_one_at_a_time([config] * 3, 1e-9, **settings)


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
def test_members_keep_their_own_hyperparameters(optimiser):
    base = TrainConfig(30, optimiser, 0.01, loss="mse", schedule="cosine", dtype="float64", batch_size=20, **CPU)
    configs = [
        base,
        replace(base, lr=0.03, weight_decay=0.1),
        replace(base, target_scale=3.0, momentum=0.9, betas=(0.8, 0.9)),
    ]
    assert_same_as_one_at_a_time(configs, 1e-9)


def test_probes_get_every_member_at_every_record():
    networks = members()
    probe = {"norm": lambda net, split: {"w": [layer.weight.norm().item() for layer in net.linears]}}
    config = TrainConfig(10, records=(0, 10), **CPU)
    result = train_ensemble(networks, blobs(), config, generators(), probe)
    assert result["norm.w"].shape == (2, 3, 4)
    assert result["norm.w"][-1, 2, 0] == networks[2].linears[0].weight.norm().item()


def test_a_diverging_member_is_named():
    base = TrainConfig(300, "sgd", 0.01, loss="mse", records=(300,), **CPU)
    with pytest.raises(SimulationError, match=r"training loss of member 1 is not finite at step \d+"):
        train_ensemble(members(), blobs(), [base, replace(base, lr=1e6), base], generators())


def test_a_member_that_diverges_in_the_last_step_is_named():
    base = TrainConfig(1, "sgd", 0.01, loss="mse", records=(0,), **CPU)
    wild = replace(base, lr=1e30, target_scale=1e10)
    with pytest.raises(SimulationError, match=r"linears\.\d\.\w+ of member 2 is not finite at step 1"):
        train_ensemble(members(), blobs(), [base, base, wild], generators())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"networks": members(2)}, "of equal length, got 2, 2 and 3"),
        ({"networks": [*members(2), *members(1, (8, 16, 4))]}, "networks must have one architecture"),
        ({"networks": [*members(2), torch.nn.Linear(8, 4)]}, "networks must be MLPs, got Linear"),
        ({"networks": [*members(2), frozen()]}, "no frozen parameter, got linears.0.weight without gradient"),
        ({"configs": [TrainConfig(5, **CPU)] * 2 + [TrainConfig(6, **CPU)]}, "configs must differ in lr"),
        ({"configs": [TrainConfig(5, clip_norm=1.0, **CPU)] * 3}, "clip_norm and patience None"),
    ],
)
def test_members_that_do_not_fit_together_are_refused(change, message):
    arguments = {"networks": members(), "configs": TrainConfig(5, **CPU), **change}
    with pytest.raises(ValueError, match=message):
        train_ensemble(split=blobs(), rngs=generators(), **arguments)
