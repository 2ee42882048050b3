"""Runs under every control of the running statistics: from the same weights, the same batches, as many records."""

from copy import deepcopy
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.networks.mlp import MLP, batch_norms
from dnn.probes import accuracy
from dnn.reading.projection import project
from dnn.training.config import TrainConfig
from dnn.training.loop import train
from figures.opt_npt import batch_norm_lag_runs
from figures.opt_npt.batch_norm_lag_runs import CONTROLS, DIGITS, BatchNormLag, all_controls
from figures.opt_npt.digit_networks import first_samples, perceptron

SETTINGS = BatchNormLag(samples=200, n_hidden=2, width=12, n_steps=6, slow_steps=10, every=2, before=4, device="cpu")


@pytest.fixture(scope="module")
def runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            batch_norm_lag_runs, "chosen_digits", lambda labels, digits: np.flatnonzero(np.isin(labels, digits))[:9]
        )
        return all_controls(SETTINGS, np.random.default_rng(3), SETTINGS.n_hidden)


@cache
def by_hand(control):
    """The network of a control after its last update, and one in which nothing was updated."""
    momentum, warm = CONTROLS[control]
    first = perceptron(SETTINGS.n_hidden + 2, SETTINGS.width, np.random.default_rng(3))
    split = first_samples("mnist-mini", 200, None)
    for norm in batch_norms(first):
        norm.momentum = momentum
    if warm:
        with torch.no_grad():
            x = split.x_train
            for layer, norm in zip(first.linears, batch_norms(first), strict=False):
                x = layer(x)
                norm.running_mean.copy_(x.mean(0))
                norm.running_var.copy_(x.var(0))
                x = torch.relu((x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + norm.eps))
    n_steps = 10 if control == "slow" else 6
    run = train(
        first, split, TrainConfig(n_steps, records=range(0, n_steps + 1, 2), device="cpu"), np.random.default_rng(0)
    )
    return first, split, run


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_is_a_run_with_its_momentum_from_cold_or_warm_statistics(control, runs):
    network, split, run = by_hand(control)
    for name in ("train_accuracy", "test_accuracy"):
        assert_allclose(runs[f"{control}_{name}"], run[name], atol=1e-6)
    steps = [0, 2, 4, 6, 8, 10] if control == "slow" else [0, 2, 4, 6]
    assert runs[f"{control}_steps"].tolist() == steps
    last = accuracy(network, split.x_test, split.y_test, statistics="batch")
    assert runs[f"{control}_test_batch"][-1] == pytest.approx(last)


def test_the_controls_have_another_momentum_and_one_a_warm_start():
    assert CONTROLS["usual"] == (0.1, False)
    assert CONTROLS["warm"] == (0.1, True)
    assert CONTROLS["last"][0] == 1.0  # the statistics of the last batch alone
    assert 0 < CONTROLS["slow"][0] < 0.1
    assert [control for control, (_, warm) in CONTROLS.items() if warm] == ["warm"]


def test_what_is_trained_does_not_depend_on_the_running_statistics(runs):
    assert runs["apart"] == 0
    for control in ("warm", "last", "slow"):
        assert_allclose(runs[f"{control}_test_batch"][:4], runs["usual_test_batch"])
    assert not np.allclose(runs["last_test_accuracy"], runs["usual_test_accuracy"])
    assert not np.allclose(runs["warm_test_accuracy"], runs["usual_test_accuracy"])


def test_weights_are_compared_after_as_many_updates_and_by_their_norm(monkeypatch):
    real = MLP.load_state_dict

    def stretched(network, state):  # the run with momentum 1 starts from other weights
        real(network, state)
        if batch_norms(network)[0].momentum == 1.0:
            with torch.no_grad():
                for layer in network.linears:
                    layer.weight.mul_(1.5)

    monkeypatch.setattr(MLP, "load_state_dict", stretched)
    monkeypatch.setattr(batch_norm_lag_runs, "chosen_digits", lambda labels, digits: np.arange(9))
    settings = BatchNormLag(samples=100, n_hidden=2, width=8, n_steps=1, slow_steps=4, every=1, before=1, device="cpu")
    assert all_controls(settings, np.random.default_rng(0), 2)["apart"] == pytest.approx(0.5, rel=0.1)


def test_weights_are_those_after_the_last_update_of_the_shorter_runs(monkeypatch):
    """Weights of 1, but at step 6 of the run with momentum 1 of 1.5, and of 9 later than that."""

    def trained(network, split, config, rng, probes):
        for step in config.records:
            last = batch_norms(network)[0].momentum == 1.0 and step == 6
            with torch.no_grad():
                for layer in network.linears:
                    layer.weight.fill_(1.5 if last else 1.0 if step <= 6 else 9.0)
            probes["norm"](network, split)
        return SimpleNamespace(data={})

    monkeypatch.setattr("dnn.training.loop.train", trained)
    assert all_controls(SETTINGS, np.random.default_rng(0), 2)["apart"] == pytest.approx(0.5)


def test_only_the_usual_run_has_probes_of_its_layers_and_clouds_at_two_moments(runs):
    extra = {"gradient", "plane_train", "plane_eval", "plane_batch", "train_batch", "test_reestimated"}
    for control in CONTROLS:
        own = {name.removeprefix(f"{control}_") for name in runs if name.startswith(f"{control}_")}
        usual = {"steps", "train_accuracy", "test_accuracy", "test_batch"}
        assert own == (usual | extra if control == "usual" else usual)
    assert runs["usual_gradient"].shape == (4, 2)
    assert runs["usual_plane_train"].shape == (2, 9, 2)
    network, split, _ = by_hand("usual")
    index = np.flatnonzero(np.isin(split.y_test.numpy(), DIGITS))[:9]
    for cloud, statistics in (("eval", "running"), ("batch", "batch")):
        expected = project(network, split.x_test, statistics=statistics)[index].numpy()
        assert_allclose(runs[f"usual_plane_{cloud}"][-1], expected, rtol=1e-4, atol=1e-5)
    index = np.flatnonzero(np.isin(split.y_train.numpy(), DIGITS))[:9]
    expected = project(network, split.x_train, statistics="batch")[index].numpy()
    assert_allclose(runs["usual_plane_train"][-1], expected, rtol=1e-4, atol=1e-5)


def test_the_first_cloud_is_that_of_the_record_before_the_jump(runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            batch_norm_lag_runs, "chosen_digits", lambda labels, digits: np.flatnonzero(np.isin(labels, digits))[:9]
        )
        short = BatchNormLag(
            samples=200, n_hidden=2, width=12, n_steps=4, slow_steps=4, every=2, before=2, device="cpu"
        )
        other = all_controls(short, np.random.default_rng(3), 2)
    assert_allclose(other["usual_plane_eval"][1], runs["usual_plane_eval"][0], rtol=1e-4, atol=1e-5)  # at step 4


def test_statistics_estimated_anew_are_those_of_the_training_digits_and_change_nothing_of_the_run(runs):
    trained, split, _ = by_hand("usual")
    network = deepcopy(trained)
    with torch.no_grad():
        mean, var = [], []
        x = split.x_train
        for layer, norm in zip(network.linears, batch_norms(network), strict=False):
            x = layer(x)
            mean.append(x.mean(0))
            var.append(x.var(0))
            x = torch.relu(norm.weight * (x - mean[-1]) / torch.sqrt(x.var(0, unbiased=False) + norm.eps) + norm.bias)
        for norm, m, v in zip(batch_norms(network), mean, var, strict=True):
            norm.running_mean.copy_(m)
            norm.running_var.copy_(v)
    assert runs["usual_test_reestimated"][-1] == pytest.approx(accuracy(network, split.x_test, split.y_test), abs=2e-3)
    assert runs["usual_train_batch"][-1] >= runs["usual_train_batch"][0]
