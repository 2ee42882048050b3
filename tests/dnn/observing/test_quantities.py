"""Quantities of small modules, by hand or by an independent slow way."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn.observing import quantities
from dnn.observing.batches import Batch
from dnn.observing.information import information
from dnn.observing.passes import Refused, View
from dnn.observing.quantities import MOST, QUANTITIES
from tests.dnn.embedding.kinds import normal, seeded
from toymodels.condensation import clusters, effective_rank
from toymodels.metrics import collapse
from toymodels.metrics.separation import activation_overlap


def chain(seed=0, widths=(5, 7, 6, 3), bias=True):
    def make():
        layers = [nn.Linear(*pair, bias) for pair in itertools.pairwise(widths)]
        return nn.Sequential(*(part for layer in layers[:-1] for part in (layer, nn.Tanh())), layers[-1])

    return seeded(make, seed)


def view(module, x, labels, **options):
    return View(module, Batch((torch.as_tensor(x),), torch.as_tensor(labels)), **options)


def uneven(n, n_classes, seed):
    """Labels of every class, some often and some once."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(n_classes), np.minimum(rng.geometric(0.5, n - n_classes) - 1, n_classes - 1)])
    return rng.permutation(labels)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.integers(8, 30), st.booleans())
def test_collapse_is_that_of_the_features_with_classes_of_any_size(seed, n, bias):
    module, x, labels = chain(seed, bias=bias), normal(n, 5, seed=seed), uneven(n, 3, seed)
    with torch.no_grad():
        features = module[:-1](x).numpy()
    weight = module[-1].weight.detach().numpy()
    offset = module[-1].bias.detach().numpy() if bias else None
    seen = view(module, x, labels)
    expected = {
        "nc1": collapse.nc1(features, labels),
        "within_between": collapse.within_between(features, labels),
        "nc2_norm": collapse.nc2(features, labels)[0],
        "nc2_angle": collapse.nc2(features, labels)[1],
        "nc3": collapse.nc3(features, labels, weight),
        "nc4": collapse.nc4(features, labels, weight, offset),
    }
    assert {name: QUANTITIES[name](seen) for name in expected} == pytest.approx(expected, rel=1e-6, abs=1e-12)
    shuffled = np.random.default_rng(seed).permutation(n)
    again = view(module, x[shuffled], labels[shuffled])
    assert {name: QUANTITIES[name](again) for name in expected} == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_centre_that_a_readout_and_class_means_disagree_about():
    """The readout says class 1 from x = 0.6 on, the nearest class mean (1 or -1) from x = 0 on: one of four differs."""
    module = nn.Sequential(nn.Identity(), nn.Linear(1, 2)).double()
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([[-1.0], [1.0]]))
        module[1].bias.copy_(torch.tensor([0.6, -0.6]))
    x = torch.tensor([[-1.5], [-0.5], [0.5], [1.5]]).double()
    assert QUANTITIES["nc4"](view(module, x, [0, 0, 1, 1])) == 0.25
    with torch.no_grad():
        module[1].bias.zero_()
    assert QUANTITIES["nc4"](view(module, x, [0, 0, 1, 1])) == 0


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 0, 2, 2], r"needs classes 0\.\.K-1 that all have samples, got \[0, 2\]; show more samples"),
        ([0, 0, 0, 0], r"needs classes 0\.\.K-1 that all have samples, got \[0\]; show more samples"),
        ([0, 1, 0, 1], r"needs a readout with a row for each of 2 classes, got shape \(3, 6\)"),
        ([0.0, 1.0, 0.5, 1.5], "needs integer class labels, got real or structured targets"),
    ],
)
def test_collapse_needs_samples_of_every_class_and_a_readout_that_fits(labels, words):
    seen = view(chain(), normal(4, 5), labels)
    for name in ("nc3", "nc4"):
        with pytest.raises(Refused, match=words):
            QUANTITIES[name](seen)
    if "readout" not in words:
        for name in ("nc1", "within_between", "nc2_norm", "nc2_angle"):
            with pytest.raises(Refused, match=words):
                QUANTITIES[name](seen)


def test_class_means_that_coincide_are_a_reason():
    x = normal(4, 5)
    seen = view(chain(), torch.cat([x, x]), [0, 1, 2, 0, 1, 2, 0, 1])
    same = view(chain(), x[:1].expand(6, 5).clone(), [0, 1, 2] * 2)
    assert np.isfinite(QUANTITIES["nc1"](seen))
    for name in ("nc1", "nc2_norm", "nc2_angle", "nc3"):
        with pytest.raises(Refused, match="class means"):
            QUANTITIES[name](same)


def test_rank_gradients_by_sorting_and_one_slope_at_a_time():
    module, x, labels = chain(3), normal(20, 5, seed=4), uneven(20, 3, 5)
    found = quantities.rank_gradients(view(module, x, labels))
    assert list(found) == ["0", "2"]
    for place in (0, 2):
        fields = module[: place + 1](x).detach().requires_grad_()
        logits = module[place + 1 :](fields)
        slopes = np.stack([torch.autograd.grad(out.sum(), fields, retain_graph=True)[0].mean(0) for out in logits.T])
        values = fields.detach().numpy()
        gradients = []
        for neuron in range(values.shape[1]):
            ranks = (np.argsort(np.argsort(values[:, neuron])) + 0.5) / len(values)  # in 0..1, uniform if unrelated
            for k in range(3):
                mean = ranks[labels == k].mean()
                gradients.append(12 * np.sign(slopes[k, neuron]) * (mean - 0.5))  # slope of the density
        assert found[str(place)] == pytest.approx(np.mean(gradients))


def test_rank_gradients_need_every_class_that_the_logits_know():
    with pytest.raises(Refused, match="needs a sample of every class, got none of class 1; show more samples"):
        quantities.rank_gradients(view(chain(), normal(4, 5), [0, 2, 0, 2]))
    with pytest.raises(Refused, match="needs a hidden layer that the logits can be differentiated by"):
        quantities.rank_gradients(view(chain(widths=(5, 3)), normal(3, 5), [0, 1, 2]))
    cut = nn.Sequential(nn.Linear(5, 4), Detached(), nn.Linear(4, 3)).double()
    with pytest.raises(Refused, match="needs a hidden layer that the logits can be differentiated by"):
        quantities.rank_gradients(view(cut, normal(3, 5), [0, 1, 2]))


class Detached(nn.Module):
    def forward(self, x):
        return x.detach()


def test_rows_are_those_of_hidden_layers_with_several_neurons():
    module = chain(2, widths=(4, 2, 1, 5, 6, 3))
    with torch.no_grad():
        for part in module[6].parameters():
            part.zero_()
    seen = view(module, normal(6, 4), [0, 1, 2] * 2)
    rows = {
        name: torch.cat([module[int(name)].weight, module[int(name)].bias[:, None]], dim=1).detach().numpy()
        for name in ("0", "4")  # neither the single neuron, nor zero weights, nor the readout
    }
    expected = {name: clusters(each, threshold=0.99).max() + 1 for name, each in rows.items()}
    assert QUANTITIES["clusters"](seen) == expected
    ranks = {name: effective_rank(each) for name, each in rows.items()}
    assert QUANTITIES["effective_rank"](seen) == pytest.approx(ranks)
    two = rows["0"] / np.linalg.norm(rows["0"], axis=1)[:, None]
    null = np.abs(normal(40_000, 5).numpy() @ np.eye(5)[0] / np.linalg.norm(normal(40_000, 5), axis=1)).mean()
    assert QUANTITIES["cosine_excess"](seen)["0"] == pytest.approx(abs(two[0] @ two[1]) / null - 1, abs=0.02)
    with pytest.raises(Refused, match="needs a hidden layer whose neurons have incoming weights, and more than a sing"):
        QUANTITIES["clusters"](view(chain(widths=(4, 1, 3)), normal(3, 4), [0, 1, 2]))


def test_a_firing_overlap_is_that_of_all_pairs():
    module, x, labels = chain(1), normal(15, 5), uneven(15, 3, 2)
    found = QUANTITIES["firing_overlap"](view(module, x, labels))
    with torch.no_grad():
        fields = {"0": module[:1](x), "2": module[:3](x)}
    expected = {name: activation_overlap(values.numpy() > 0, labels) for name, values in fields.items()}
    assert found == pytest.approx(expected)
    places = seeded(lambda: nn.Sequential(nn.Conv1d(2, 3, 2), nn.Flatten(), nn.Linear(9, 2)))
    images, labels = normal(8, 2, 4), [0, 1] * 4
    with torch.no_grad():
        patterns = places[0](images).flatten(1).numpy() > 0  # positions side by side
    one = QUANTITIES["firing_overlap"](view(places, images, labels))["0"]
    assert one == pytest.approx(activation_overlap(patterns, labels))
    with pytest.raises(Refused, match=r"two samples of a class and another class.*; show more samples"):
        QUANTITIES["firing_overlap"](view(module, x[:3], [0, 1, 2]))


def test_dead_units_are_those_that_no_logit_depends_on():
    module = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[1.0], [-1.0], [1.0], [1.0]]))
        module[0].bias.copy_(torch.tensor([0.0, 0.5, -9.0, 0.0]))  # the third never fires
        module[2].weight.copy_(torch.tensor([[1.0, 0, 5, 0], [0, 2.0, 5, 0], [0, 0, 0, 0]]))  # nobody reads the fourth
    x = torch.tensor([[0.25], [1.0], [3.0]]).double()
    assert QUANTITIES["dead_units"](view(module, x, [0, 1, 2])) == {"0": 0.5, "logits": pytest.approx(1 / 3)}
    late = x[1:]  # where the second is past its threshold
    assert QUANTITIES["dead_units"](view(module, late, [0, 1])) == {"0": 0.75, "logits": pytest.approx(2 / 3)}


def test_the_norm_of_all_weights():
    module = nn.Sequential(nn.Linear(1, 1), nn.PReLU(1, init=12.0))
    with torch.no_grad():
        module[0].weight.fill_(-3.0)
        module[0].bias.fill_(4.0)
    assert QUANTITIES["weight_norm"](view(module, torch.ones(1, 1), [0])) == pytest.approx(13)
    half = nn.Linear(100, 100, bias=False).half()
    nn.init.constant_(half.weight, 700.0)  # squares and their sum beyond half precision
    assert QUANTITIES["weight_norm"](view(half, torch.ones(1, 100).half(), [0])) == pytest.approx(7e4)
    assert QUANTITIES["weight_norm"](view(nn.ReLU(), torch.ones(1, 1), [0])) == 0


def test_information_of_what_comes_first_about_sample_and_class():
    module, n = chain(5), MOST + 30
    x, labels = normal(n, 5), uneven(n, 3, 1)
    fields = {"0": module[:1](x), "2": module[:3](x)}
    bits = {name: information(values.detach().numpy()[:MOST], labels[:MOST]) for name, values in fields.items()}
    seen = view(module, x, labels)
    assert QUANTITIES["information_input"](seen) == pytest.approx({name: one.sample for name, one in bits.items()})
    assert QUANTITIES["information_labels"](seen) == pytest.approx({name: one.label for name, one in bits.items()})
    other = view(module, x, labels)  # in the other order
    assert QUANTITIES["information_labels"](other) == QUANTITIES["information_labels"](seen)
    assert QUANTITIES["information_input"](other) == QUANTITIES["information_input"](seen)
    real = view(module, x, torch.linspace(0, 1, n))  # without classes what it says of the samples is the same
    assert QUANTITIES["information_input"](real) == pytest.approx(QUANTITIES["information_input"](seen), rel=1e-12)
    with pytest.raises(Refused, match="needs integer class labels"):
        QUANTITIES["information_labels"](real)


def test_positions_are_averaged_before_they_tell_anything():
    module = seeded(lambda: nn.Sequential(nn.Conv1d(2, 3, 2), nn.Flatten(), nn.Linear(9, 2)))
    images, labels = normal(8, 2, 4), np.array([0, 1] * 4)
    with torch.no_grad():
        means = module[0](images).mean(2).numpy()
    seen = view(module, images, labels)
    bits = information(means, labels)
    assert QUANTITIES["information_input"](seen) == pytest.approx({"0": bits.sample})
    assert QUANTITIES["information_labels"](seen) == pytest.approx({"0": bits.label})
