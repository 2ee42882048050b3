"""What each sweep turns, and what is kept of a network: its basins, and the curvature of its loss."""

import numpy as np
import pytest
import torch

from dnn.data import Split
from dnn.networks.mlp import MLP
from figures.opt_npt import flat_minima_runs
from figures.opt_npt.flat_minima_runs import SWEEPS, FlatMinima, curvature, drop_neurons, keep_neurons, one_network

SETTINGS = FlatMinima(
    batches=(5, 7),
    rates=(0.2, 0.3),
    decays=(0.0, 0.4),
    dropouts=(0.0, 0.6),
    depth=5,
    width=6,
    samples=90,
    batch_size=25,
    epochs=3,
    n_test=40,
    looked_at=30,
    draws=8,
    device="cpu",
)


def test_every_sweep_has_its_own_values():
    assert {sweep: SETTINGS.values(sweep) for sweep in SWEEPS} == {
        "batch": (5, 7),
        "rate": (0.2, 0.3),
        "decay": (0.0, 0.4),
        "dropout": (0.0, 0.6),
    }
    with pytest.raises(KeyError):
        SETTINGS.values("momentum")


@pytest.fixture
def asked(monkeypatch):
    """How training, basins and curvature are asked for, in place of which there are numbers."""
    found = {}
    x = torch.arange(90.0)[:, None] * torch.ones(784)
    split = Split(x, torch.arange(90) % 10, x[:40], torch.arange(40) % 10)

    def digits(settings, samples, n_test):
        found["digits"] = (samples, n_test)
        return split

    def train(network, split, config, rng):
        found.update(config=config, layers=[layer.out_features for layer in network.linears])
        found["dropout"] = [module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)]
        return {"test_accuracy": np.array([0.1, 0.7]), "train_accuracy": np.array([0.2, 0.8])}

    def basins(network, split, **options):
        found["basins"] = {name: options[name] for name in ("samples", "draws")}
        found["left"] = [module for module in network.modules() if isinstance(module, torch.nn.Dropout)]
        return {"sample": 0.3, "weight": 0.5}

    def curved(network, x, y, rng, draws):
        found["curvature"] = (len(x), x[-1, 0].item(), y[-1].item(), draws)
        return {"trace": 4.0, "noise_trace": 2.0}

    monkeypatch.setattr(flat_minima_runs, "digits", digits)
    monkeypatch.setattr(flat_minima_runs, "curvature", curved)
    monkeypatch.setattr("dnn.training.loop.train", train)
    monkeypatch.setattr("dnn.probes.basins", basins)
    return found


@pytest.mark.parametrize(
    ("sweep", "value", "expected", "dropout"),
    [
        ("batch", 40.0, ("adam", 1e-3, 0.0, 40, 9), []),  # three epochs of three batches, the last short
        ("batch", 1000.0, ("adam", 1e-3, 0.0, 1000, 3), []),
        ("rate", 0.25, ("sgd", 0.25, 0.0, 25, 12), []),
        ("decay", 0.25, ("adam", 1e-3, 0.25, 25, 12), []),
        ("dropout", 0.25, ("adam", 1e-3, 0.0, 25, 12), [0.25]),
    ],
)
def test_a_sweep_turns_its_own_setting_alone(sweep, value, expected, dropout, asked):
    one_network(SETTINGS, np.random.default_rng(0), sweep, value)
    config = asked["config"]
    assert (config.optimiser, config.lr, config.weight_decay, config.batch_size, config.n_steps) == expected
    assert tuple(config.records) == (expected[-1],)
    assert asked["dropout"] == dropout
    assert asked["left"] == []
    assert asked["layers"] == [6, 6, 6, 10]


def test_what_is_measured_is_of_the_first_training_digits_and_the_last_record(asked):
    values = one_network(SETTINGS, np.random.default_rng(0), "decay", 0.1)
    assert asked["digits"] == (90, 40)
    assert asked["basins"] == {"samples": 30, "draws": 8}
    assert asked["curvature"] == (30, 29, 9, 8)
    assert values == {
        "accuracy": 0.7,
        "train_accuracy": 0.8,
        "sample_radius": 0.3,
        "weight_radius": 0.5,
        "trace": 4.0,
        "noise_trace": 2.0,
    }


def test_the_trace_is_that_of_the_whole_hessian_and_the_other_one_of_its_weights_in_their_spread():
    network = MLP([2, 3, 2], "linear", rng=np.random.default_rng(0)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(12, 2, generator=generator, dtype=torch.float64), torch.arange(12) % 2
    names = [name for name, _ in network.named_parameters()]
    values = [parameter.detach() for parameter in network.parameters()]

    def loss(*parameters):
        out = torch.func.functional_call(network, dict(zip(names, parameters, strict=True)), (x,))
        return torch.nn.functional.cross_entropy(out, y)

    blocks = torch.autograd.functional.hessian(loss, tuple(values))
    sizes = [value.numel() for value in values]
    rows = [
        [block.reshape(n, m) for block, m in zip(row, sizes, strict=True)] for row, n in zip(blocks, sizes, strict=True)
    ]
    hessian = torch.cat([torch.cat(row, dim=1) for row in rows]).numpy()
    spread = np.repeat([value.std().item() if value.ndim > 1 else 0.0 for value in values], sizes)
    found = curvature(network, x, y, np.random.default_rng(2), draws=400)
    for name, scaled in (("trace", hessian), ("noise_trace", spread[:, None] * hessian * spread)):
        error = np.sqrt(2 * (scaled**2).sum() - 2 * (np.diag(scaled) ** 2).sum()) / np.sqrt(400)
        assert error < 0.2 * scaled.trace()
        assert abs(found[name] - scaled.trace()) < 4 * error
    assert found["trace"] - hessian[np.ix_(spread > 0, spread > 0)].trace() > 0.5  # biases count in the first


def test_dropout_scales_what_it_keeps_in_every_hidden_layer():
    network = MLP([3, 4000, 2], rng=np.random.default_rng(0)).train()
    drop_neurons(network, 0.25)
    x = torch.ones(1, 4000)
    kept = network.activation(x)
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float((kept > 0).double().mean()) == pytest.approx(0.75, abs=0.03)
    assert network.activation(-x).abs().max() == 0
    keep_neurons(network)
    assert network.activation(x).tolist() == x.tolist()
    assert network.activation(-x).abs().max() == 0
