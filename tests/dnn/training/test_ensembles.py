from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.networks.mlp import MLP, batch_norm_mode
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


@pytest.mark.parametrize("residual", [False, True])
def test_plain_descent_agrees_in_single_precision_also_with_batch_norm(residual):
    config = TrainConfig(60, "sgd", 0.05, momentum=0.5, batch_size=24, **CPU)
    assert_same_as_one_at_a_time([config] * 3, 1e-3, batch_norm=True, residual=residual)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("batch_size", [None, 24])
def test_in_single_precision_only_the_biases_below_batch_norm_wander(residual, batch_size):
    """They do nothing in training; Adam divides their rounding errors by themselves, and the running means lag."""
    config = TrainConfig(60, "adam", 0.01, batch_size=batch_size, **CPU)
    together, alone = (members(batch_norm=True, residual=residual) for _ in range(2))
    result = train_ensemble(together, blobs(), config, generators())
    runs = [train(*each) for each in zip(alone, [blobs()] * 3, [config] * 3, generators(), strict=True)]
    for name in ("train_loss", "test_loss"):
        expected = np.stack([run[name] for run in runs], axis=1)
        assert_allclose(result[name], expected, rtol=0.05)
        assert_allclose(result[name], expected, rtol=0, atol=0.02)
    x = blobs().x_test
    for a, b in zip(together, alone, strict=True):
        theirs = dict(b.named_parameters())
        for name, value in a.named_parameters():
            idle = name in ("linears.0.bias", "linears.1.bias", "linears.2.bias")
            difference = (value - theirs[name]).abs().max().item()
            assert difference < (2 * config.lr * config.n_steps if idle else 1e-5), name
        with batch_norm_mode(a, "batch"), batch_norm_mode(b, "batch"):
            torch.testing.assert_close(a(x), b(x), rtol=1e-5, atol=1e-5)


def sharing(change):
    networks = members(batch_norm=True)
    change(networks)
    return networks


def share(place, name):
    def change(networks):
        setattr(place(networks[2]), name, getattr(place(networks[0]), name))

    return change


def overlap(networks):
    memory = torch.zeros(16 + 8)
    for k, network in enumerate(networks[:2]):
        network.linears[0].bias.data = memory[8 * k :][:16]


ALIASED = {
    "layer": share(lambda net: net.linears, "1"),
    "parameter": share(lambda net: net.linears[1], "weight"),
    "buffer": share(lambda net: net.norms[0], "running_mean"),
    "count": share(lambda net: net.norms[0], "num_batches_tracked"),
    "memory in part": overlap,
    "within a member": lambda nets: setattr(nets[1].linears[2], "weight", nets[1].linears[1].weight),
}


@pytest.mark.parametrize("change", ALIASED.values(), ids=ALIASED)
def test_members_that_share_memory_are_refused(change):
    networks = sharing(change)
    before = [value.clone() for value in networks[0].state_dict().values()]
    with pytest.raises(ValueError, match=r"networks must share no parameter or buffer, got \w+\.\d\.\w+ of member \d"):
        train_ensemble(networks, blobs(), TrainConfig(3, **CPU), generators())
    assert all(map(torch.equal, before, networks[0].state_dict().values()))


def test_one_network_given_three_times_is_refused():
    with pytest.raises(ValueError, match=r"got \w+\.\d\.\w+ of member 1 in the memory of \w+\.\d\.\w+ of member 0"):
        train_ensemble(members(1) * 3, blobs(), TrainConfig(3, **CPU), generators())


def test_members_side_by_side_in_one_memory_are_their_own():
    networks = members(2)
    memory = torch.zeros(2, 16)
    for network, row in zip(networks, memory, strict=True):
        network.linears[0].bias.data = row
    train_ensemble(networks, blobs(), TrainConfig(3, **CPU), generators(2))
    assert (memory != 0).any(1).all()


def test_a_generator_given_twice_serves_its_members_in_turn():
    config = TrainConfig(10, batch_size=24, dtype="float64", **CPU)
    rng, same = np.random.default_rng(7), np.random.default_rng(7)
    together, alone = ([*members(1), *members(1)] for _ in range(2))
    result = train_ensemble(together, blobs(), config, [rng, rng])
    runs = [train(net, blobs(), config, same) for net in alone]
    assert_allclose(result["train_loss"], np.stack([run["train_loss"] for run in runs], axis=1), rtol=1e-9)
    assert result["train_loss"][-1, 0] != result["train_loss"][-1, 1]


@pytest.mark.parametrize("batch_size", [None, 24])
def test_real_targets_are_those_of_one_at_a_time(batch_size):
    split = blobs()
    split = split._replace(y_train=split.x_train[:, :4] ** 2, y_test=split.x_test[:, :4] ** 2)
    config = TrainConfig(20, loss="mse", batch_size=batch_size, dtype="float64", **CPU)
    result = train_ensemble(members(), split, config, generators())
    runs = [train(net, split, config, rng) for net, rng in zip(members(), generators(), strict=True)]
    for name in ("train_loss", "test_r2"):
        assert_allclose(result[name], np.stack([run[name] for run in runs], axis=1), rtol=1e-9)
    with pytest.raises(ValueError, match="target_scale must be 1 for real targets, got 2"):
        train_ensemble(members(), split, [config, config, replace(config, target_scale=2.0)], generators())


def test_a_lone_sample_for_batch_norm_is_refused_before_the_run():
    with pytest.raises(ValueError, match="got 64 training samples with batch_size 21"):
        train_ensemble(members(batch_norm=True), blobs(), TrainConfig(9, batch_size=21, **CPU), generators())


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
        ({"networks": None}, "networks must be a sequence, got None"),
        ({"networks": [*members(2), frozen()]}, "no frozen parameter, got linears.0.weight without gradient"),
        ({"configs": [TrainConfig(5, **CPU)] * 2 + [TrainConfig(6, **CPU)]}, "configs must differ in lr"),
        ({"configs": [TrainConfig(5, clip_norm=1.0, **CPU)] * 3}, "clip_norm and patience None"),
    ],
)
def test_members_that_do_not_fit_together_are_refused(change, message):
    arguments = {"networks": members(), "configs": TrainConfig(5, **CPU), **change}
    with pytest.raises(ValueError, match=message):
        train_ensemble(split=blobs(), rngs=generators(), **arguments)


@pytest.mark.parametrize("settings", [{}, {"batch_norm": True}])
def test_an_ensemble_of_one_is_a_network(settings):
    config = TrainConfig(10, "sgd", 0.05, batch_size=24, dtype="float64", **CPU)
    (together,), (alone,) = members(1, **settings), members(1, **settings)
    run = train_ensemble([together], blobs(), config, generators(1))
    single = train(alone, blobs(), config, generators(1)[0])
    assert run["train_loss"].shape == (len(single.t), 1)
    assert_allclose(run["train_loss"][:, 0], single["train_loss"], rtol=1e-9)
