import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations

from dnn.networks.mlp import MLP
from dnn.reading.kernels import tangent_kernel
from dnn.reading.replacing import called_with
from dnn.reading.tangents import inner_products, kernel_by_samples, moved_along, moves_by_steps
from tests.dnn.observing.kinds import kinds

seeds = st.integers(0, 100)


class Branching(nn.Module):
    """Branches on values, which vmap cannot."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return {"scores": self.inner(x) if float(x.sum()) > -1e9 else None}


def scores(returned):
    return returned["scores"]


@given(seeds, st.booleans())
def test_the_kernel_is_that_of_the_layers(seed, batch_norm):
    network = MLP([6, 5, 4, 3], "tanh", batch_norm, rng=torch.Generator().manual_seed(seed)).double().eval()
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = tangent_kernel(network, x, trace=True)
    torch.testing.assert_close(kernel_by_samples(network, x), expected, rtol=1e-10, atol=1e-10)
    branching = kernel_by_samples(Branching(network), x, scores)
    torch.testing.assert_close(branching, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["lstm", "tied", "layer norm", "batch norm before"])
def test_moves_are_those_of_a_small_step(name):
    module, x = kinds()[name]
    module, x, size = module.double().eval(), x[:6].double(), 1e-6

    def logits():
        returned = module(x)
        return returned[0] if isinstance(returned, tuple) else returned

    moved = moves_by_steps(module, x, lambda own, base: own.softmax(0) + base, 2)
    for base in range(2):
        before = logits()
        own = before[base]
        steps = torch.autograd.grad((own * (own.detach().softmax(0) + base)).sum(), list(module.parameters()))
        with torch.no_grad():
            for parameter, step in zip(module.parameters(), steps, strict=True):
                parameter += size * step
            after = logits()
            for parameter, step in zip(module.parameters(), steps, strict=True):
                parameter -= size * step
        torch.testing.assert_close(moved[base], (after - before.detach()) / size, rtol=1e-3, atol=1e-4)


def test_only_trainable_parameters_count_and_half_precision_is_read_in_full():
    torch.manual_seed(0)
    network, x = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)), torch.randn(5, 4)
    network[0].requires_grad_(False)
    hidden = torch.tanh(network[0](x)).double()
    torch.testing.assert_close(kernel_by_samples(network, x), hidden @ hidden.T + 1, rtol=1e-5, atol=1e-5)
    half = network.to(torch.bfloat16)
    assert kernel_by_samples(half, x.to(torch.bfloat16)).dtype == torch.float64
    assert half[0].weight.dtype == torch.bfloat16
    with pytest.raises(ValueError, match="needs a trainable parameter, got a frozen module"):
        kernel_by_samples(network.requires_grad_(False), x)


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1.0, 1e18, 1e30])
def test_products_that_single_precision_lacks_are_taken_in_double(scale):
    rows = torch.tensor([[3.0, 4.0], [1.0, 0.0]]) * scale
    expected = np.array([[25.0, 3.0], [3.0, 1.0]]) * scale**2
    np.testing.assert_allclose(inner_products(rows).numpy(), expected, rtol=1e-6)


def test_without_a_forward_derivative_the_step_is_differentiated_backwards_twice():
    torch.manual_seed(0)
    plain, x = nn.Linear(4, 3), torch.randn(6, 4)
    normed = parametrizations.weight_norm(nn.Linear(4, 3))
    for module in (plain, normed):
        parameters = {name: value.detach() for name, value in module.named_parameters()}
        step = {name: torch.randn_like(value) for name, value in parameters.items()}

        def logits(values, module=module):
            return called_with(module, values, (x,))

        ahead, back = ({name: v + s * 1e-3 * step[name] for name, v in parameters.items()} for s in (1, -1))
        differences = (logits(ahead) - logits(back)).detach() / 2e-3
        assert torch.allclose(moved_along(step, logits, parameters), differences, atol=2e-3)
