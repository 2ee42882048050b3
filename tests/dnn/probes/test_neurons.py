"""Directions of weights and information of neurons, by hand and by slow sums."""

from collections import Counter
from math import log2

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn.data import Split
from dnn.probes import condensation, information
from dnn.probes.neurons import CHUNK
from dnn.reading.rank_densities import MOST_BINS
from tests.dnn.embedding.kinds import normal, seeded
from tests.dnn.probes.opaque import Opaque


def data(x, y=None):
    y = torch.arange(len(x)) % 2 if y is None else torch.as_tensor(y)
    return Split(x, y, x, y)


def directions(weight, count):
    """Let the rows of a weight point in so many directions, at right angles, with lengths 1, 2, ..."""
    with torch.no_grad():
        weight.zero_()
        for unit in range(len(weight)):
            weight[unit, unit % count] = unit + 1


def chain(bias=False):
    """Hidden layers of three, two and one direction."""
    layers = [nn.Linear(4, 7, bias), nn.Linear(7, 5, bias), nn.Linear(5, 6, bias), nn.Linear(6, 2)]
    for layer, count in zip(layers, (3, 2, 1), strict=False):
        directions(layer.weight, count)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.Tanh(), layers[2], nn.ReLU(), layers[3])


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_layers_are_counted_from_the_first_hidden_one(wrap):
    module, split = wrap(chain()), data(torch.ones(3, 4))
    found = [condensation(module, split, layer=layer) for layer in (2, 3, 4)]
    assert [each["clusters"] for each in found] == [3, 2, 1]
    shares = ([3 / 7, 2 / 7, 2 / 7], [3 / 5, 2 / 5], [1.0])  # of the neurons in each direction
    ranks = [np.exp(-sum(p * np.log(p) for p in each)) for each in shares]
    assert [each["effective_rank"] for each in found] == pytest.approx(ranks, abs=1e-6)
    assert condensation(module, split) == found[0]
    for layer, words in (
        (1, r"layer must be in 2\.\.4, got 1"),
        (5, r"layer must be in 2\.\.4, got 5"),
        (0, "layer must be >= 1, got 0"),
        (2.0, r"layer must be an integer, got 2\.0"),
    ):
        with pytest.raises(ValueError, match=words):
            condensation(module, split, layer=layer)


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_the_bias_is_part_of_the_direction(wrap):
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 0.0], [3.0, 0.0]]))
        layer.bias.copy_(torch.tensor([4.0, -4.0]))  # the cosine is (9 - 16)/25
    module = wrap(nn.Sequential(layer, nn.ReLU(), nn.Linear(2, 2)))
    found = condensation(module, data(torch.ones(2, 2)))
    eigenvalues = np.array([1 - 7 / 25, 1 + 7 / 25]) / 2
    assert found["clusters"] == 2
    assert found["effective_rank"] == pytest.approx(np.exp(-(eigenvalues * np.log(eigenvalues)).sum()), abs=1e-6)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([4.0, 3.0]))  # (9 + 12)/(5 sqrt(18)) = 0.99
    cosine = 21 / (5 * 18**0.5)
    for threshold, clusters in ((cosine - 1e-4, 1), (cosine + 1e-4, 2)):
        assert condensation(module, data(torch.ones(2, 2)), threshold=threshold)["clusters"] == clusters


class Parts(nn.Module):
    """Attention, a recurrent layer and norms, in another order than they were made."""

    def __init__(self):
        super().__init__()
        self.head, self.cells = nn.Linear(3, 2), nn.GRU(4, 3, batch_first=True)
        self.norm, self.attention = nn.LayerNorm(4), nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        x = self.norm(self.attention(x, x, x)[0])
        return self.head(self.cells(x)[0][:, -1])


def test_heads_and_gates_are_layers_of_their_own_in_the_order_in_which_they_run():
    module, split = seeded(Parts, dtype=torch.float32), data(torch.ones(2, 5, 4))
    names = [f"attention/{part}.{head}" for part in ("queries", "keys", "values") for head in (0, 1)] + ["attention"]
    names += [f"cells/{gate}.0" for gate in ("reset", "update", "new")]
    for place, name in enumerate(names):
        assert condensation(module, split, layer=place + 2) == condensation(module, split, layer=name), name
    with pytest.raises(ValueError, match=rf"layer must be in 2\.\.{len(names) + 1}, got {len(names) + 2}"):
        condensation(module, split, layer=len(names) + 2)
    with torch.no_grad():
        module.attention.in_proj_weight[6:8] = torch.tensor([[1.0, 2, 3, 4], [2.0, 4, 6, 8]])  # keys of the second head
        module.attention.in_proj_bias[6:8] = torch.tensor([5.0, 10.0])
    found = condensation(module, split, layer="attention/keys.1")
    assert found == {"clusters": 1.0, "effective_rank": pytest.approx(1, abs=1e-5)}
    assert condensation(module, split, layer="attention/keys.0")["clusters"] == 2
    assert condensation(module, split, layer="attention/keys.1#3") == found
    with pytest.raises(ValueError, match=r"one of cells/reset\.0, cells/update\.0, cells/new\.0, got 'cells'"):
        condensation(module, split, layer="cells")
    with pytest.raises(ValueError, match=r"layer must be one of head, cells/.*, got 'norm'"):
        condensation(module, split, layer="norm")


def test_weights_in_half_precision_are_read_too():
    for dtype in (torch.bfloat16, torch.float16):
        for module in (chain().to(dtype), Opaque(chain().to(dtype))):
            assert condensation(module, data(torch.ones(3, 4)))["clusters"] == 3
            name = "0" if isinstance(module, nn.Sequential) else "inside.0"
            assert condensation(module, data(torch.ones(3, 4)), layer=name)["clusters"] == 3


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_what_has_no_directions_is_refused(wrap):
    split, module = data(torch.ones(3, 4)), chain()
    with torch.no_grad():
        module[0].weight.zero_()
    with pytest.raises(ValueError, match="zero"):
        condensation(wrap(module), split)
    with torch.no_grad():
        module[0].weight[0, 0] = torch.nan
    for layer in (2, "0" if wrap is not Opaque else "inside.0"):
        with pytest.raises(
            ValueError, match=r"must have finite parameters and buffers, got NaN or infinity in .*0\.weight"
        ):
            condensation(wrap(module), split, layer=layer)
    with pytest.raises(ValueError, match="needs a hidden layer whose neurons have incoming weights"):
        condensation(wrap(nn.Sequential(nn.Linear(4, 2))), split)
    for threshold in (0, -0.5, 1.01, "nul", np.nan):
        with pytest.raises(ValueError, match="threshold must"):
            condensation(wrap(chain()), split, threshold=threshold)


def entropy(entries):
    counts = Counter(entries).values()
    return -sum(count / sum(counts) * log2(count / sum(counts)) for count in counts)


def slow(layer, labels, bins):
    """Information about the sample, about the label, and the mean over neurons of the latter: one count at a time."""
    low, high = layer.min(), layer.max()
    cells = [[min(int((value - low) / (high - low) * bins), bins - 1) for value in row] for row in layer.tolist()]
    patterns = [tuple(row) for row in cells]

    def about_labels(entries):
        return entropy(entries) + entropy(labels) - entropy(zip(entries, labels, strict=True))

    single = np.mean([about_labels([row[neuron] for row in cells]) for neuron in range(layer.shape[1])])
    return entropy(patterns), about_labels(patterns), single


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 9), st.integers(2, 25))
def test_information_is_a_count_of_cells(seed, bins, n):
    x = normal(n, 4, seed=seed)
    module = seeded(
        lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), seed
    )
    labels = np.random.default_rng(seed).integers(3, size=n)
    with torch.no_grad():
        layers = [module[:2](x), module[:4](x)]
    expected = np.transpose([slow(layer, labels.tolist(), bins) for layer in layers])
    for each in (module, Opaque(module)):
        found = information(each, data(x, labels), bins=bins)
        assert list(found) == ["input", "labels", "neuron"]
        np.testing.assert_allclose(list(found.values()), expected, rtol=0, atol=1e-9)


def test_by_hand_two_neurons_of_which_one_knows_the_class():
    layer = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    module = nn.Sequential(layer, nn.ReLU(), nn.Linear(2, 2))
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])  # outputs (0, 2), (0, 1), (1, 0), (2, 0)
    found = information(module, data(x, [0, 0, 1, 1]), bins=2)
    assert {name: bits.tolist() for name, bits in found.items()} == {"input": [1.0], "labels": [1.0], "neuron": [1.0]}
    found = information(module, data(x, [0, 1, 0, 0]), bins=2)  # each neuron parts two and two; one of these is mixed
    known = entropy([0, 1, 0, 0]) - 0.5
    assert {name: bits.tolist() for name, bits in found.items()} == {
        "input": [1.0],
        "labels": [pytest.approx(known)],
        "neuron": [pytest.approx(known)],
    }
    finer = information(module, data(x, [0, 0, 1, 1]), bins=MOST_BINS)
    assert finer["input"].tolist() == [2.0]
    with pytest.raises(ValueError, match="bins must be <= 65536, got 65537"):
        information(module, data(x), bins=MOST_BINS + 1)
    for bins in (0, 2.5):
        with pytest.raises(ValueError, match="bins must be"):
            information(module, data(x), bins=bins)


class Skipping(nn.Module):
    """A layer that reads the samples beside one that reads hidden ones, and a norm in between."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.beside = nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 3)
        self.again, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        hidden = torch.tanh(self.norm(self.first(x)))
        return self.last(self.again(hidden[:, :3] + self.beside(x)))


def test_layers_that_read_the_samples_and_norms_tell_nothing_of_hidden_ones():
    module, x = seeded(Skipping), normal(12, 4)
    with torch.no_grad():
        read = torch.tanh(module.norm(module.first(x)))[:, :3] + module.beside(x)
        layers = [read, module.again(read)]
    found = information(module, data(x), bins=5)
    expected = np.transpose([slow(layer, [0, 1] * 6, 5) for layer in layers])
    np.testing.assert_allclose(list(found.values()), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n", [CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_samples_go_through_in_parts_and_count_together(n):
    module, split = seeded(lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))), data(normal(n, 4))
    for samples in (n, n - 7):
        whole, parted = (information(each, split, samples=samples) for each in (module, Opaque(module)))
        for name, bits in whole.items():
            np.testing.assert_allclose(parted[name], bits, rtol=0, atol=1e-9)
    assert whole["input"][0] <= log2(n - 7)


def test_a_chain_without_hidden_layers_has_no_information():
    found = information(nn.Linear(4, 2), data(normal(6, 4)))
    assert {name: bits.shape for name, bits in found.items()} == {"input": (0,), "labels": (0,), "neuron": (0,)}
    with pytest.raises(ValueError, match="needs a hidden layer"):
        information(Opaque(nn.Linear(4, 2)), data(normal(6, 4)))


def test_labels_are_classes():
    module, x = nn.Linear(4, 2), normal(3, 4)
    for labels, words in (
        (torch.tensor([0, -1, 0]), r"labels must be in 0\.\.0, got -1"),
        (torch.tensor([0.0, 1.0, 0.5]), "labels must be 3 integers, got shape"),
        (torch.tensor([[0], [1], [1]]), "labels must be 3 integers, got shape"),
    ):
        split = data(x)._replace(y_train=labels)
        with pytest.raises(ValueError, match=words):
            information(module, split)
