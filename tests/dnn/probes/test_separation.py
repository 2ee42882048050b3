"""Rank gradients by sorting and neural collapse of known features, of chains and of other modules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn.data import Split
from dnn.probes import collapse, layer_gradients, rank_gradients
from tests.dnn.embedding.kinds import normal, seeded
from tests.dnn.probes.opaque import Opaque
from toymodels.metrics import collapse as metrics


def network(seed=0, act=nn.Identity, norm=True):
    norms = [nn.BatchNorm1d(width) if norm else nn.Identity() for width in (6, 5)]
    return seeded(
        lambda: nn.Sequential(nn.Linear(4, 6), norms[0], act(), nn.Linear(6, 5), norms[1], act(), nn.Linear(5, 3)),
        seed,
    )


def data(seed, n=20):
    rng = np.random.default_rng(seed)
    y = torch.from_numpy(rng.permutation(np.concatenate([np.arange(3), rng.integers(3, size=n - 3)])))
    x = normal(n, 4, seed=seed)
    return Split(x, y, normal(n, 4, seed=seed + 1), y.flip(0))


def by_sorting(fields, readout, y):
    """Twelve times the readout's sign times how far the mean rank of a class lies from the middle, in 0..1."""
    fields, y = fields.detach().numpy(), y.numpy()
    found = np.empty(readout.shape)
    for neuron in range(fields.shape[1]):
        ranks = (fields[:, neuron][:, None] > fields[:, neuron]).sum(1) + 0.5
        for k in range(len(readout)):
            found[k, neuron] = 12 * np.sign(readout[k, neuron]) * (ranks[y == k].mean() / len(y) - 0.5)
    return found


def normed(field, norm, statistics):
    """A field behind batch norm, and its gain."""
    mean, var = norm.running_mean, norm.running_var
    if statistics == "batch":
        mean, var = field.mean(0), field.var(0, correction=0)
    gain = norm.weight / (var + norm.eps).sqrt()
    return (field - mean) * gain + norm.bias, gain


@settings(max_examples=10)
@given(st.integers(0, 1000), st.sampled_from(["running", "batch"]), st.sampled_from(["train", "test"]))
def test_gradients_of_a_linear_chain_are_those_of_its_tails(seed, statistics, part):
    module, split = network(seed), data(seed)
    x, y = (split.x_train, split.y_train) if part == "train" else (split.x_test, split.y_test)
    with torch.no_grad():
        first, _ = normed(module[0](x), module[1], statistics)
        second, gain = normed(module[3](first), module[4], statistics)
        tails = [module[6].weight @ (gain[:, None] * module[3].weight), module[6].weight.detach()]
    expected = [by_sorting(fields, tail.numpy(), y) for fields, tail in zip((first, second), tails, strict=True)]
    found = layer_gradients(module, x, y, statistics)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    means = rank_gradients(module, split, part=part, statistics=statistics)
    np.testing.assert_allclose(means, [each.mean() for each in expected], rtol=0, atol=1e-9)


def test_by_default_probes_take_batch_statistics_of_the_training_part():
    module, split = network(3), data(3)
    whole = rank_gradients(module, split)
    assert whole.tolist() == rank_gradients(module, split, part="train", statistics="batch").tolist()
    running = rank_gradients(module, split, statistics="running")
    assert not np.allclose(whole, running)
    own = [each.mean() for each in layer_gradients(module, split.x_train, split.y_train)]
    assert running.tolist() == own
    found = collapse(module, split)
    assert found == collapse(module, split, part="train", statistics="running")
    assert found["nc1"] != pytest.approx(collapse(module, split, statistics="batch")["nc1"])


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_off_chains_the_readout_is_the_mean_slope(seed):
    module, split = Opaque(network(seed, nn.Tanh, norm=False)), data(seed)
    x, y = split.x_train, split.y_train
    expected = []
    for place in (0, 3):
        fields = module.inside[: place + 1](x).detach().requires_grad_()
        logits = module.inside[place + 1 :](fields)
        slopes = [torch.autograd.grad(out.sum(), fields, retain_graph=True)[0].mean(0) for out in logits.T]
        expected.append(by_sorting(fields, torch.stack(slopes).numpy(), y))
    for one, other in zip(layer_gradients(module, x, y), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    means = rank_gradients(module, split)
    np.testing.assert_allclose(means, [each.mean() for each in expected], rtol=0, atol=1e-9)


class Sequences(nn.Module):
    """Positions are averaged before the readout."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)).mean(1))


def test_fields_on_sequences_are_averaged_over_positions():
    module, x, y = seeded(Sequences), normal(12, 4, 2), torch.arange(12) % 3
    fields = module.first(x).detach().requires_grad_()
    logits = module.last(torch.tanh(fields).mean(1))
    slopes = [torch.autograd.grad(out.sum(), fields, retain_graph=True)[0].mean((0, 1)) for out in logits.T]
    (found,) = layer_gradients(module, x, y)
    np.testing.assert_allclose(found, by_sorting(fields.mean(1), torch.stack(slopes).numpy(), y), atol=1e-9)


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_a_class_without_samples_is_refused(wrap):
    module, split = wrap(network()), data(0)
    y = torch.where(split.y_train == 1, 0, split.y_train)
    for call in (
        lambda: layer_gradients(module, split.x_train, y),
        lambda: rank_gradients(module, split._replace(y_train=y)),
    ):
        with pytest.raises(ValueError, match=r"every class, got (no sample|none) of class 1"):
            call()
    with pytest.raises(ValueError, match=r"class"):
        collapse(module, split._replace(y_train=y))


@settings(max_examples=10)
@given(st.integers(0, 1000), st.sampled_from(["running", "batch"]), st.booleans())
def test_collapse_is_that_of_what_the_last_layer_reads(seed, statistics, bias):
    module, split = network(seed, nn.ReLU), data(seed)
    if not bias:
        module[6].bias = None
    x, y = split.x_test, split.y_test.numpy()
    with torch.no_grad():
        hidden = torch.relu(normed(module[0](x), module[1], statistics)[0])
        features = torch.relu(normed(module[3](hidden), module[4], statistics)[0]).numpy()
        weight, offset = module[6].weight.detach().numpy(), module[6].bias.detach().numpy() if bias else None
    expected = {
        "nc1": metrics.nc1(features, y),
        "within_between": metrics.within_between(features, y),
        "nc2_norm": metrics.nc2(features, y)[0],
        "nc2_angle": metrics.nc2(features, y)[1],
        "nc3": metrics.nc3(features, y, weight),
        "nc4": metrics.nc4(features, y, weight, offset),
    }
    for each in (module, Opaque(module)):
        found = collapse(each, split, part="test", statistics=statistics)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-10)
        assert list(found) == list(expected)


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_a_readout_that_turns_away_from_the_means(wrap):
    """Means at the corners of a triangle, read by the same triangle turned by a third: all samples go to others."""
    angles = 2 * np.pi * np.arange(3) / 3
    corners = torch.from_numpy(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    module = nn.Sequential(nn.Linear(2, 2), nn.Identity(), nn.Linear(2, 3)).double()
    with torch.no_grad():
        module[0].weight.copy_(torch.eye(2))
        module[2].weight.copy_(corners.roll(1, 0))
        for part in (module[0], module[2]):
            part.bias.zero_()
    y = torch.arange(3).repeat(4)
    split = Split(corners[y], y, corners[y], y)
    found = collapse(wrap(module), split)
    assert found["nc4"] == 1
    assert found["nc3"] > 0.5
    assert [found[name] for name in ("nc1", "nc2_norm", "nc2_angle")] == pytest.approx([0, 0, 0], abs=1e-9)
    same = torch.zeros(12, 2).double()
    with pytest.raises(ValueError, match="class means"):
        collapse(wrap(module), Split(same, y, same, y))
