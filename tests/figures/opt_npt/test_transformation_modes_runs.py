"""Order of samples under units and networks: pair by pair, by hand-made networks, and for units that are trained."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import kendalltau

from dnn.data import Split
from dnn.networks.mlp import MLP
from figures.opt_npt import transformation_modes_runs
from figures.opt_npt.transformation_modes_runs import (
    UNITS,
    TransformationModes,
    alignment,
    by_sample,
    folded,
    misplaced_maxima,
    neuron_gradients,
    reordered,
    reversed_pairs,
    trained_network,
    trained_unit,
)

ORDERS = st.integers(2, 10).flatmap(lambda n: st.tuples(*[st.permutations(range(n))] * 3))


@given(ORDERS)
def test_reordered_is_kendalls_tau_whatever_the_order_of_the_samples(orders):
    order, fields, outputs = (np.array(each) for each in orders)
    outputs = np.exp(outputs / 10)
    expected = 1 - abs(kendalltau(fields, outputs).statistic)
    assert_allclose(reordered(fields, outputs), expected, atol=1e-9)
    assert_allclose(reordered(fields[order], outputs[order]), expected, atol=1e-9)
    assert_allclose(reordered(3 * fields + 2, -7 * outputs), expected, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_outputs_that_are_all_tied_reorder_nothing(n):
    assert reordered(np.arange(float(n)), np.full(n, 0.7)) == 0
    assert reordered(np.arange(float(n)), 0.7 + 1e-300 * np.arange(n)) == 0


def test_outputs_nearer_than_a_millionth_of_their_range_have_no_order():
    fields = np.arange(4.0)
    assert reordered(fields, np.array([0.0, 3.0, 3.0 - 1e-9, 4.0])) == 0
    assert reordered(fields, np.array([0.0, 3.0, 3.0 - 1e-2, 4.0])) == pytest.approx(1 / 3)


def test_a_neuron_that_never_fires_folds_nothing():
    network = MLP([2, 2, 2], "relu", rng=np.random.default_rng(0))
    with torch.no_grad():
        network.linears[0].weight.copy_(torch.tensor([[1.0, 0], [1.0, 0]]))
        network.linears[0].bias.copy_(torch.tensor([-100.0, 0]))
    x = torch.linspace(-1, 1, 9)[:, None].repeat(1, 2)
    assert folded(network, x).tolist() == [0, 0]  # the other is monotone where it fires


SETTINGS = TransformationModes(
    fields=20,
    unit_steps=300,
    starts=4,
    samples=90,
    width=6,
    n_steps=50,
    batch_size=30,
    compared=25,
    draws=7,
    device="cpu",
)


@pytest.mark.parametrize("unit", UNITS)
def test_the_middle_fifth_of_the_fields_is_asked_of_a_unit_with_as_many_neurons_as_it_says(unit, monkeypatch):
    asked = {}

    def train_ensemble(networks, split, config, rngs):
        asked.update(networks=networks, split=split, config=config, rngs=rngs)
        return {"train_loss": np.array([[0.0] * 4, [0.3, 0.1, 0.4, 0.2]])}

    monkeypatch.setattr("dnn.training.ensembles.train_ensemble", train_ensemble)
    settings = TransformationModes(fields=50, unit_steps=77, starts=4)
    run = trained_unit(settings, np.random.default_rng(1), unit)
    activation, neurons = UNITS[unit]
    assert [network.linears[0].out_features for network in asked["networks"]] == [neurons] * 4
    assert neurons == (2 if unit.startswith("two") else 1)
    assert activation in unit.lower()
    fields, wanted = asked["split"].x_train[:, 0].numpy(), asked["split"].y_train[:, 0].numpy()
    assert (np.diff(fields) >= 0).all()
    assert np.flatnonzero(wanted).tolist() == list(range(20, 30))
    assert (asked["config"].n_steps, tuple(asked["config"].records), asked["config"].loss) == (77, (77,), "mse")
    assert len(asked["rngs"]) == 4
    with torch.no_grad():
        best = asked["networks"][1](asked["split"].x_train)[:, 0].numpy()
    assert_allclose(run["outputs"], best, rtol=1e-6)  # that with the lowest loss at the last record
    assert run["fields"].shape == (50,)
    assert run["reordered"] == pytest.approx(reordered(run["fields"], run["outputs"]))


def test_a_unit_is_trained_until_it_tells_the_middle_if_it_can():
    gaussian, tanh = (trained_unit(SETTINGS, np.random.default_rng(2), unit) for unit in ("one Gaussian", "one tanh"))
    middle = np.abs(np.arange(20) / 19 - 0.5) < 0.1
    assert gaussian["outputs"][middle].mean() > gaussian["outputs"][~middle].mean() + 0.5
    assert tanh["reordered"] == 0


@pytest.mark.parametrize("pair", ["two tanh", "two ReLU"])
@given(seed=st.integers(0, 1000), n=st.integers(2, 30))
def test_a_pair_has_its_maximum_at_every_rank_of_any_sequence(pair, seed, n):
    found = misplaced_maxima(TransformationModes(fields=n), np.random.default_rng(seed), pair)["misplaced"]
    assert found.tolist() == [0] * n


def made(weights, readout, activation="linear", bias=None):
    """A network of one hidden layer with these weights (N, d) and readout (K, N)."""
    weights, readout = np.array(weights, dtype=float), np.array(readout, dtype=float)
    network = MLP([weights.shape[1], *readout.shape[::-1]], activation, rng=np.random.default_rng(0))
    with torch.no_grad():
        for layer, values in zip(network.linears, (weights, readout), strict=True):
            layer.weight.copy_(torch.tensor(values))
            layer.bias.zero_()
        if bias is not None:
            network.linears[0].bias.copy_(torch.tensor(bias))
    return network


RNG = np.random.default_rng(5)
X = RNG.standard_normal((20, 3))
WEIGHTS, READOUT = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 4))


def test_reversed_pairs_are_counted_pair_by_pair_with_the_sign_of_the_readout():
    found = reversed_pairs(made(WEIGHTS, READOUT), torch.tensor(X, dtype=torch.float32))
    fields = X @ WEIGHTS.T
    logits = fields @ READOUT.T
    for neuron in range(4):
        counts = [
            np.sign(logits[j, k] - logits[i, k])
            != np.sign(READOUT[k, neuron] * (fields[j, neuron] - fields[i, neuron]))
            for k in range(3)
            for i in range(20)
            for j in range(i)
        ]
        assert_allclose(found[neuron], np.mean(counts), atol=1e-9)


def test_a_neuron_without_readout_agrees_with_half_of_the_pairs():
    assert reversed_pairs(made(WEIGHTS[:2], [[1.0, 0], [-1, 0]]), torch.tensor(X, dtype=torch.float32)).tolist() == [
        0,
        0.5,
    ]


def test_every_neuron_is_folded_by_its_own_samples():
    network = made(WEIGHTS, READOUT, "gaussian")
    fields = X @ WEIGHTS.T
    outputs = network.activation(torch.tensor(fields)).numpy()
    expected = [1 - abs(kendalltau(*pair).statistic) for pair in zip(fields.T, outputs.T, strict=True)]
    assert_allclose(folded(network, torch.tensor(X, dtype=torch.float32)), expected, atol=0.02)
    assert max(expected) > 0.3


@pytest.mark.parametrize("n", [2, 3, 5])
def test_alignment_is_one_of_parallel_vectors_and_nothing_of_orthogonal_ones(n):
    scales = np.array([(-2.0) ** k for k in range(n)])[:, None]
    assert alignment(made(scales * [1.0, 2, 0, 0, 0], np.ones((2, n)))) == pytest.approx(1)
    assert alignment(made(scales * np.eye(5)[:n], np.ones((2, n)))) == pytest.approx(0, abs=1e-12)
    one_off = np.vstack([np.tile([1.0, 0, 0], (n - 1, 1)), [[1.0, 1, 0]]])
    pairs = n * (n - 1) / 2
    assert alignment(made(one_off, np.ones((2, n)))) == pytest.approx((pairs - (n - 1) / 2) / pairs)


LABELS = torch.tensor([0, 1, 2, 0, 0] * 4)


def split_of(x):
    x = torch.tensor(x, dtype=torch.float32)
    return Split(x, LABELS, x, LABELS)


def places(fields):
    """The centred ranks of every sample, smallest first, from just above -1/2 to just below 1/2."""
    n = len(fields)
    return np.array([[(sum(f <= field for f in column) - 0.5) / n - 0.5 for field in column] for column in fields.T]).T


class NoBasin:
    radius = np.zeros(20)


def test_gradients_of_neurons_and_of_samples_are_means_of_the_same_places(monkeypatch):
    monkeypatch.setattr("dnn.reading.basins.sample_basin", lambda *asked, **options: NoBasin)
    network = made(WEIGHTS, READOUT, "tanh")
    place, signs = places(X @ WEIGHTS.T), np.sign(READOUT)
    by_class = np.array([12 * (place[k == LABELS] * signs[k]).mean(axis=0) for k in range(3)])
    assert_allclose(neuron_gradients(network, split_of(X)), by_class.mean(axis=0), rtol=1e-5, atol=1e-12)
    found = by_sample(TransformationModes(compared=20), network, split_of(X), np.random.default_rng(0))
    assert_allclose(found["sample_gradient"], 12 * (place * signs[LABELS]).mean(axis=1), rtol=1e-5, atol=1e-12)


def test_samples_keep_their_class_and_their_basin_has_the_largest_noise_for_an_end(monkeypatch):
    asked = {}

    def sample_basin(network, x, y, rng, **options):
        asked.update(options, n=len(x))
        return type("Basin", (), {"radius": np.array([0.0, 0.5, np.inf, 99.0, 10.0])})

    monkeypatch.setattr("dnn.reading.basins.sample_basin", sample_basin)
    settings = TransformationModes(compared=5, draws=7)
    found = by_sample(settings, made(WEIGHTS, READOUT), split_of(X), np.random.default_rng(0))
    assert found["sample_radius"].tolist() == [0, 0.5, 10, 10, 10]
    assert found["sample_class"].tolist() == [0, 1, 2, 0, 0]
    assert found["sample_gradient"].shape == (5,)
    assert asked == {"by": "sample", "draws": 7, "n": 5}


def test_a_network_is_measured_after_training_and_its_alignment_over_the_first_one(monkeypatch):
    kept = {}

    def train(network, split, config, rng):
        kept.update(n=len(split.x_train), config=config, network=network)
        with torch.no_grad():
            network.linears[0].weight.copy_(torch.ones(6, 784))

    def alignments(network):
        value = alignment(network)
        kept.setdefault("alignments", []).append(value)
        return value

    monkeypatch.setattr("dnn.training.loop.train", train)
    monkeypatch.setattr(transformation_modes_runs, "alignment", alignments)
    monkeypatch.setattr(transformation_modes_runs, "by_sample", lambda *asked: {"sample_class": np.zeros(2)})
    monkeypatch.setattr("dnn.probes.accuracy", lambda network, x, y: len(x) + y[0].item() / 10)
    run = trained_network(SETTINGS, np.random.default_rng(4), "tanh")
    first, last = kept["alignments"]
    assert last == pytest.approx(1)
    assert run["alignment"] == pytest.approx(1 / first)
    config = kept["config"]
    assert (kept["n"], config.n_steps, config.batch_size, tuple(config.records)) == (90, 50, 30, (50,))
    assert {name: np.shape(run[name]) for name in ("gradient", "reversed", "folded", "sample_class")} == {
        "gradient": (6,),
        "reversed": (6,),
        "folded": (6,),
        "sample_class": (2,),
    }
    assert run["accuracy"] >= 2000  # of the test digits
    x = transformation_modes_runs.digits(SETTINGS, 90).x_train[:25]
    assert_allclose(run["reversed"], reversed_pairs(kept["network"], x))
    assert_allclose(run["folded"], folded(kept["network"], x))
