import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from dnn import split_unit
from dnn.embedding import inertia as home
from dnn.embedding.inertia import Inertia, inertia
from dnn.observing.resting import slow_attention
from tests.dnn.embedding.kinds import KINDS, normal, read, seeded
from toymodels.condensation.embedding import critical_point, split, split_inertia
from toymodels.condensation.network import TwoLayerNetwork


class Reading(nn.Module):
    """Attention and what reads it: small enough for all of its curvature."""

    def __init__(self):
        super().__init__()
        self.attention, self.readout = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.readout(self.attention(x, x, x, need_weights=False)[0].mean(1))


def half_square(outputs, y):
    return (outputs[:, 0] - y).square().mean() / 2


def dense(module, x, y, loss, cut=1e-8):
    """Signs of all eigenvalues of a Hessian that autograd forms over one flat vector."""
    named = dict(module.named_parameters())
    sizes = [each.numel() for each in named.values()]

    def value(flat):
        parts = zip(flat.split(sizes), named.items(), strict=True)
        outputs = functional_call(module, {name: part.reshape(old.shape) for part, (name, old) in parts}, (x.clone(),))
        return loss(outputs, y)

    flat = torch.cat([each.detach().flatten() for each in named.values()])
    with slow_attention(), sdpa_kernel(SDPBackend.MATH):
        values = torch.linalg.eigvalsh(torch.autograd.functional.hessian(value, flat))
    least = cut * values.abs().max()
    above, below = int((values > least).sum()), int((values < -least).sum())
    return Inertia(above, len(values) - above - below, below)


def as_module(network):
    module = nn.Sequential(
        nn.Linear(network.w.shape[1] - 1, network.width), nn.Tanh(), nn.Linear(network.width, 1, False)
    )
    module = module.double()
    with torch.no_grad():
        module[0].weight.copy_(torch.from_numpy(network.w[:, :-1]))
        module[0].bias.copy_(torch.from_numpy(network.w[:, -1]))
        module[2].weight[0] = torch.from_numpy(network.a)
    return module


def squares(outputs, y):
    return (outputs - y).square().mean()


@pytest.mark.parametrize("kind", ["norm", "tanh", "residual", "first convolution 1d", "attention"])
@settings(max_examples=3)
@given(st.integers(0, 99), st.floats(-2, 3))
def test_a_split_never_lowers_the_number_of_positive_or_negative_eigenvalues(kind, seed, share):
    make, layer, x = (KINDS | {"attention": (Reading, "attention", normal(4, 3, 4))})[kind]
    module = seeded(make, seed)
    y = read(module, x) + normal(*read(module, x).shape, seed=1)
    wide = split_unit(module, layer, 0, share)
    old, new = (inertia(each, x, y, squares) for each in (module, wide))
    assert new.negative >= old.negative
    assert new.positive >= old.positive
    assert sum(new) > sum(old)
    assert new == dense(wide, x, y, squares)


@pytest.mark.parametrize("bend", [0.0, 0.1, 0.3])
def test_at_critical_points_the_split_is_predicted_and_adds_a_null_direction(bend):
    x = np.linspace(-1.5, 1.5, 12)[:, None]
    y = np.sin(2 * x[:, 0]) + bend * x[:, 0] ** 2
    run = TwoLayerNetwork([1.0], [[1.0, 0.1]], "tanh").train(x, y, 5000, 0.1, 5000)
    minimum = critical_point(TwoLayerNetwork(run["a"][-1], run["w"][-1], "tanh"), x, y)
    inputs, targets, gained = torch.from_numpy(x), torch.from_numpy(y), []
    for point, share in itertools.product((minimum, split(minimum, 0, 0.4), split(minimum, 0, 1.5)), (-0.5, 0.3, 1.7)):
        assert np.abs(point.a).min() > 0.1
        module = as_module(point)
        wide = split_unit(module, "0", point.width - 1, share)
        gradients = torch.autograd.grad(half_square(wide(inputs), targets), list(wide.parameters()))
        assert max(float(each.abs().max()) for each in gradients) < 1e-10  # it is still a critical point
        before, after = (inertia(each, inputs, targets, half_square) for each in (module, wide))
        assert after == split_inertia(point, x, y, point.width - 1, share)
        assert after.zero > before.zero
        assert after.positive >= before.positive
        assert after.negative >= before.negative
        gained.append(after.negative - before.negative)
    assert max(gained[:3]) > 0  # the minimum becomes a saddle


def test_a_hessian_of_low_rank_takes_few_products(monkeypatch):
    products = []
    plain = home.Hessian.product
    monkeypatch.setattr(home.Hessian, "product", lambda self, vector: products.append(1) or plain(self, vector))
    module, x = seeded(lambda: nn.Linear(300, 1)), normal(7, 300)
    assert inertia(module, x, normal(7, 1, seed=1), "mse") == (7, 294, 0)
    assert len(products) < 12


def test_multiple_eigenvalues_are_counted_as_often_as_they_come():
    module = seeded(lambda: nn.Linear(6, 5, bias=False))
    x = torch.eye(6).double()[:4]
    assert inertia(module, x, torch.zeros(4, 5), "mse") == (20, 10, 0)
    nn.init.zeros_(module.weight)
    assert inertia(module, x, torch.zeros(4, 5), lambda outputs, y: -outputs.square().sum()) == (0, 10, 20)
    assert inertia(module, x, torch.zeros(4, 5), lambda outputs, y: outputs.sum()) == (0, 30, 0)


def test_single_precision_is_read_in_double_and_nothing_is_touched():
    make, _, x = KINDS["norm"]
    module, calls = seeded(make, dtype=torch.float32).train(), []
    module.register_forward_hook(lambda *given: calls.append(1))
    state, y = copy.deepcopy(module.state_dict()), torch.arange(6) % 2
    found = inertia(module, x.float(), y, "cross_entropy")
    assert found == dense(copy.deepcopy(module).double().eval(), x.float().double(), y, nn.functional.cross_entropy)
    calls.clear()
    inertia(module, x.float(), y, "cross_entropy")
    assert not calls
    assert module.training
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())


def test_what_is_refused():
    module, x = nn.Linear(2, 1), torch.zeros(3, 2)
    with pytest.raises(ValueError, match="at most 5000 trainable parameters, got 5001"):
        inertia(nn.Linear(5000, 1), torch.zeros(1, 5000), torch.zeros(1, 1), "mse")
    with pytest.raises(ValueError, match="cut must be in"):
        inertia(module, x, torch.zeros(3, 1), "mse", cut=0)
    with pytest.raises(ValueError, match="must have a trainable parameter"):
        inertia(copy.deepcopy(module).requires_grad_(False), x, torch.zeros(3, 1), "mse")
