from dataclasses import replace

import numpy as np
import pytest
import torch

import dnn.training.loop
from dnn.networks.mlp import MLP
from dnn.training.checkpoints import load_checkpoint
from dnn.training.config import TrainConfig
from dnn.training.loop import train
from dnn.training.objectives import evaluate
from tests.dnn.blobs import blobs

CPU = {"device": "cpu"}


def network(seed=0, widths=(8, 16, 4), **settings):
    return MLP(list(widths), rng=np.random.default_rng(seed), **settings)


def run(config, net=None, seed=3, split=None, **settings):
    return train(net or network(), split or blobs(), config, np.random.default_rng(seed), **settings)


def interrupted(config, make, path, at, monkeypatch, **settings):
    """Train until a probe stops the run at step `at`, then resume with another network from the same start."""
    monkeypatch.setattr(dnn.training.loop, "_SAVE_SECONDS", 0.0)
    monkeypatch.setattr(dnn.training.loop, "_CHUNK", 3)

    class Interruption(Exception):
        pass

    def stop(step, n_steps):
        if step >= at:
            raise Interruption

    with pytest.raises(Interruption):
        run(config, make(), checkpoint=path, progress=stop, **settings)
    net = make()
    return net, run(config, net, checkpoint=path, **settings)


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("at", [1, 7, 20, 38])
def test_a_resumed_run_repeats_every_bit(tmp_path, monkeypatch, optimiser, at):
    config = TrainConfig(40, optimiser, 0.01, 0.01, momentum=0.9, batch_size=10, patience=40, schedule="cosine", **CPU)
    probes = {"norm": lambda net, split: [p.norm().item() for p in net.parameters()]}

    def make():
        return network(batch_norm=True)

    whole_net = make()
    whole = run(config, whole_net, probes=probes)
    net, resumed = interrupted(config, make, tmp_path / "run.pt", at, monkeypatch, probes=probes)
    assert np.array_equal(whole.t, resumed.t)
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole.data)
    assert all(torch.equal(whole_net.state_dict()[name], value) for name, value in net.state_dict().items())
    assert list(tmp_path.iterdir()) == [tmp_path / "run.pt"]


def with_dropout():
    torch.manual_seed(5)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Dropout(0.5), torch.nn.Linear(16, 4))


def test_dropout_repeats_and_resumes_and_leaves_the_global_generator_alone(tmp_path, monkeypatch):
    config = TrainConfig(30, lr=0.01, batch_size=10, **CPU)
    net = with_dropout()
    before = torch.get_rng_state()
    whole = run(config, net)
    assert torch.equal(torch.get_rng_state(), before)
    _, resumed = interrupted(config, with_dropout, tmp_path / "run.pt", 13, monkeypatch)
    assert np.array_equal(whole["train_loss"], resumed["train_loss"])
    assert not np.array_equal(whole["train_loss"], run(config, with_dropout(), seed=4)["train_loss"])


def test_resuming_a_finished_run_only_returns_it(tmp_path):
    config = TrainConfig(12, batch_size=10, **CPU)
    first = run(config, checkpoint=tmp_path / "run.pt")
    net = network()
    again = run(config, net, checkpoint=tmp_path / "run.pt", probes={})
    assert np.array_equal(first["test_loss"], again["test_loss"])
    assert evaluate(net, *blobs()[2:])[0] == first["test_loss"][-1]


def test_checkpoints_of_other_runs_and_broken_files_are_refused(tmp_path):
    path = tmp_path / "run.pt"
    config = TrainConfig(12, batch_size=10, **CPU)
    run(config, checkpoint=path)
    with pytest.raises(ValueError, match="must have the config of this run"):
        run(replace(config, lr=0.1), checkpoint=path)
    with pytest.raises(ValueError, match="must have the seed of this run"):
        run(config, checkpoint=path, seed=9)
    with pytest.raises(ValueError, match="must have the network of this run"):
        run(config, network(widths=(8, 12, 4)), checkpoint=path)
    with pytest.raises(ValueError, match="must have the probes of this run"):
        run(config, checkpoint=path, probes={"zero": lambda net, split: 0.0})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="checkpoint must be one written by training"):
        run(config, checkpoint=path)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"net": network(activation="tanh", batch_norm=True)}, "architecture"),
        ({"net": network(batch_norm=True, bn_momentum=0.5)}, "architecture"),
        ({"net": network(seed=1, batch_norm=True)}, "initial weights"),
        ({"split": blobs(seed=1)}, "data"),
        ({"split": blobs()._replace(y_test=blobs().y_test.flip(0))}, "data"),
    ],
)
def test_a_checkpoint_of_another_network_or_other_data_is_refused(tmp_path, change, name):
    path, config = tmp_path / "run.pt", TrainConfig(6, batch_size=10, **CPU)
    first = run(config, network(batch_norm=True), checkpoint=path)
    with pytest.raises(ValueError, match=f"must have the {name} of this run"):
        run(config, **{"net": network(batch_norm=True), "checkpoint": path, **change})
    again = run(config, network(batch_norm=True), checkpoint=path)
    assert np.array_equal(first["test_loss"], again["test_loss"])


def test_a_checkpoint_of_a_run_with_other_parameters_frozen_is_refused(tmp_path):
    config, net = TrainConfig(6, **CPU), network()
    run(config, checkpoint=tmp_path / "run.pt")
    net.linears[0].weight.requires_grad_(False)
    with pytest.raises(ValueError, match=r"must have the frozen parameters of this run, \['linears.0.weight'\]"):
        run(config, net, checkpoint=tmp_path / "run.pt")


def test_a_checkpoint_that_carries_code_is_refused(tmp_path):
    torch.save({"settings": {}, "state": np.random.default_rng(0)}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="checkpoint must be one written by training"):
        load_checkpoint(tmp_path / "evil.pt", {})
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "missing.pt", {})


@pytest.mark.parametrize(
    "content",
    [
        {"settings": None, "state": {}},
        {"settings": {}, "state": None},
        {"settings": {}, "state": [1, 2]},
        {"settings": 3, "state": {}},
        {"state": {}},
        [],
        torch.zeros(2),
    ],
)
def test_what_training_has_not_written_is_refused_by_name(tmp_path, content):
    torch.save(content, tmp_path / "run.pt")
    with pytest.raises(ValueError, match=r"checkpoint must be one written by training, got .*run\.pt"):
        run(TrainConfig(4, batch_size=10, **CPU), checkpoint=tmp_path / "run.pt")


@pytest.mark.parametrize("lost", ["network", "optimiser", "generator", "randomness", "order", "records", "best"])
@pytest.mark.parametrize("how", ["gone", "None"])
def test_a_checkpoint_without_a_part_of_its_state_is_refused_by_name(tmp_path, lost, how):
    config = TrainConfig(4, batch_size=10, **CPU)
    run(config, checkpoint=tmp_path / "run.pt")
    content = torch.load(tmp_path / "run.pt", weights_only=True)
    if how == "gone":
        del content["state"][lost]
    elif lost not in ("best", "order"):
        content["state"][lost] = None
    else:
        content["state"] = {}
    torch.save(content, tmp_path / "run.pt")
    with pytest.raises(ValueError, match=r"checkpoint .*run\.pt must hold the whole state of a run, got"):
        run(config, checkpoint=tmp_path / "run.pt")


def test_a_checkpoint_in_a_file_is_refused_before_training(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"")
    for place in ("a.pt/x.pt", "a.pt/b/x.pt"):
        with pytest.raises(ValueError, match=r"checkpoint must lie in a folder, got .*x\.pt, where .*a\.pt is a file"):
            run(TrainConfig(4, batch_size=10, **CPU), checkpoint=tmp_path / place, progress=lambda *_: 1 / 0)
    with pytest.raises(ValueError, match="checkpoint must be"):
        run(TrainConfig(4, batch_size=10, **CPU), checkpoint=tmp_path)
