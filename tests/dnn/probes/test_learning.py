"""Tangent kernels and steps on single samples, from gradients one at a time."""

import copy
import gc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn.data import Split
from dnn.probes import learning
from dnn.probes.learning import elasticity, kernel_distance
from tests.dnn.embedding.kinds import normal, seeded
from tests.dnn.probes.opaque import Opaque
from toymodels.metrics.elasticity import contrast


def network(seed=0, classes=3):
    return seeded(lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, classes)), seed)


def tied(seed=0):
    def make():
        shared = nn.Linear(4, 4)
        return nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(4, 3))

    return seeded(make, seed)


def data(n=12, classes=3, seed=0):
    x, y = normal(n, 4, seed=seed), torch.arange(n) % classes
    return Split(x, y, x[:2], y[:2])


def slopes(module, x, parameters):
    """Gradient (n, K, parameters) of every logit at every sample."""
    rows = []
    for sample in x:
        logits = module(sample[None])[0]
        each = [torch.autograd.grad(logit, parameters, retain_graph=True) for logit in logits]
        rows.append(torch.stack([torch.cat([part.flatten() for part in parts]) for parts in each]))
    return torch.stack(rows)


def kernel(module, x, parameters=None):
    gradients = slopes(module, x, parameters or list(module.parameters()))
    return torch.einsum("nkp,mkp->nm", gradients, gradients)


def distance(first, second):
    return 1 - float((first * second).sum() / (first.norm() * second.norm()))


@settings(max_examples=5)
@given(st.integers(0, 1000), st.sampled_from([network, tied]), st.integers(1, 7))
def test_a_kernel_distance_is_one_minus_a_cosine(seed, make, samples):
    module, start, split = make(seed), make(seed + 1), data(seed=seed)
    x = split.x_train[:samples]
    expected = distance(kernel(module, x), kernel(start, x))
    for wrap in (lambda each: each, Opaque):
        found = kernel_distance(wrap(module), split, reference=wrap(start), samples=samples)
        assert found == pytest.approx(expected, abs=1e-9)
    assert kernel_distance(module, split, reference=module, samples=samples) == pytest.approx(0, abs=1e-12)


def test_frozen_parameters_count_in_a_chain_and_nowhere_else():
    module, start, split = network(0), network(1), data()
    for each in (module, start):
        each[0].requires_grad_(False)
    found = kernel_distance(Opaque(module), split, reference=Opaque(start))
    trained = [kernel(each, split.x_train, [*each[1].parameters(), *each[3].parameters()]) for each in (module, start)]
    assert found == pytest.approx(distance(*trained), abs=1e-9)
    whole = [each.requires_grad_() for each in (copy.deepcopy(module), copy.deepcopy(start))]
    all_of_it = distance(*(kernel(each, split.x_train) for each in whole))
    assert kernel_distance(module, split, reference=start) == pytest.approx(all_of_it, abs=1e-9)
    assert abs(all_of_it - found) > 1e-3


def test_without_a_reference_it_is_the_network_as_first_seen():
    module, split = network(), data()
    start, other = copy.deepcopy(module), network(3)
    assert kernel_distance(module, split) == 0
    with torch.no_grad():
        module[3].weight += 0.3 * normal(3, 6, seed=5)
    moved = kernel_distance(module, split, reference=start)
    assert moved > 1e-3
    assert kernel_distance(module, split) == pytest.approx(moved)
    assert kernel_distance(nn.DataParallel(module), split) == pytest.approx(moved)  # the wrapper is looked through
    assert kernel_distance(other, split) == 0  # each network has its own
    assert kernel_distance(module, split) == pytest.approx(moved)
    with pytest.raises(ValueError, match="k1 must have shape"):
        kernel_distance(module, split, samples=5)
    known = len(learning._first_kernels)
    del module, other
    gc.collect()
    assert len(learning._first_kernels) <= known - 2


def test_outputs_are_taken_out_of_the_network_and_of_its_reference():
    class Named(Opaque):
        def forward(self, x):
            return {"scores": self.inside(x), "x": x}

    split, scores = data(), lambda out: out["scores"]
    found = kernel_distance(Named(network(0)), split, reference=Named(network(1)), output=scores)
    assert found == pytest.approx(kernel_distance(network(0), split, reference=network(1)), abs=1e-9)
    taken = elasticity(Named(network(0)), split, output=scores)
    assert taken == pytest.approx(elasticity(network(0), split), abs=1e-9)


def decades(module, split, bases, samples):
    """By a step along the gradient of the loss of each base, to first order."""
    x, y = split.x_train[:samples], split.y_train[:samples]
    gradients, found = slopes(module, x, list(module.parameters())), []
    for base in range(bases):
        own = module(x[base : base + 1]).detach().requires_grad_()
        direction = torch.autograd.grad(nn.functional.cross_entropy(own, y[base : base + 1]), own)[0][0]
        moved = torch.einsum("nkp,jp,j->nk", gradients, gradients[base], direction)
        found.append(contrast(torch.zeros_like(moved), moved, base, y))
    return np.mean(found)


@settings(max_examples=5)
@given(st.integers(0, 1000), st.sampled_from([network, tied]), st.integers(1, 4), st.integers(6, 12))
def test_elasticity_is_that_of_a_vanishing_step(seed, make, bases, samples):
    module, split = make(seed), data(seed=seed)
    expected = decades(module, split, bases, samples)
    for each in (module, Opaque(module)):
        assert elasticity(each, split, bases=bases, samples=samples) == pytest.approx(expected, abs=1e-8)


def test_there_are_no_more_bases_than_samples():
    module, every = network(), data(n=6)
    assert elasticity(module, every, bases=10) == pytest.approx(decades(module, every, 6, 6), abs=1e-8)
    assert elasticity(module, every) == elasticity(module, every, bases=6, samples=200)


def test_two_classes_of_orthogonal_samples_by_hand():
    """A linear readout with bias: the kernel is 1 + 9 with its own class, 1 with the other: log10(10) decades."""
    x, y = 3 * torch.eye(2).repeat(3, 1), torch.tensor([0, 1] * 3)
    module = nn.Linear(2, 2)
    for each in (module, Opaque(module)):
        assert elasticity(each, Split(x, y, x, y)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_steps_that_cannot_be_compared_are_refused(wrap):
    x = torch.eye(3).repeat(2, 1)
    unrelated = wrap(nn.Linear(3, 3, bias=False))  # a step on one class moves no other
    with pytest.raises(ValueError, match="needs steps that move samples of every kind, got inf decades for base 0"):
        elasticity(unrelated, Split(x, torch.arange(6) % 3, x, torch.arange(6) % 3))
    apart = torch.tensor([[1.0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1], [1, 1, 0]])  # only the second moves no other
    split = Split(apart, torch.tensor([0, 2, 0, 2, 1]), apart, torch.tensor([0, 2, 0, 2, 1]))
    with pytest.raises(ValueError, match="got inf decades for base 1"):
        elasticity(unrelated, split, bases=2)
    assert elasticity(unrelated, split, bases=1) > 0
    single = torch.tensor([0, 1, 1, 0, 1, 2])
    with pytest.raises(ValueError, match="another sample of the base's class, got none for base 5"):
        elasticity(wrap(nn.Linear(3, 3)), Split(x, single, x, single))
    assert np.isfinite(elasticity(wrap(nn.Linear(3, 3)), Split(x, single, x, single), bases=5))
    same = torch.zeros(6).long()
    with pytest.raises(ValueError, match="another sample of another class, got none for base 0"):
        elasticity(wrap(nn.Linear(3, 3)), Split(x, same, x, same))
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.1, got 2"):
        elasticity(wrap(nn.Linear(3, 2)), Split(x, single, x, single))
    with pytest.raises(ValueError, match="needs two logits or more, got a single one: return its negative beside it"):
        elasticity(wrap(nn.Linear(3, 1)), Split(x, same, x, same))
