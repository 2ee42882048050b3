"""Curvature without forming the Hessian, against a dense one and its eigenvalues. Nothing is asserted.

Run with `make bench`; every test prints how many times faster, and the relative difference.
"""

import numpy as np
import pytest
import torch
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional

from benchmarks.timing import fastest
from dnn.networks.mlp import MLP
from dnn.reading.curvature import hessian_trace, sharpness


@pytest.fixture(scope="module", params=[(16, 16), (24, 24)], ids=lambda widths: "-".join(map(str, widths)))
def problem(request):
    network = MLP([20, *request.param, 4], "tanh", rng=torch.Generator().manual_seed(0)).double()
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((200, 20)))
    return network, x, torch.arange(200) % 4


def dense(network, x, y):
    """The whole Hessian (N, N) of the mean cross-entropy."""
    named = {name: value.detach() for name, value in network.named_parameters()}

    def loss(flat):
        parts = zip(flat.split([value.numel() for value in named.values()]), named.items(), strict=True)
        values = {name: part.reshape(value.shape) for part, (name, value) in parts}
        return functional.cross_entropy(functional_call(network, values, (x,)), y)

    return hessian(loss, torch.cat([value.reshape(-1) for value in named.values()]), vectorize=True)


def test_sharpness_against_all_eigenvalues_of_a_dense_hessian(problem):
    network, x, y = problem
    values = {}

    def ours():
        values["lanczos"] = sharpness(network, x, y, "cross_entropy")

    def theirs():
        values["dense"] = float(torch.linalg.eigvalsh(dense(network, x, y))[-1])

    faster = fastest(theirs, 1) / fastest(ours, 3)
    n = sum(value.numel() for value in network.parameters())
    difference = abs(values["lanczos"] / values["dense"] - 1)
    print(f"\nsharpness, {n} parameters: x{faster:.0f}, relative difference {difference:.0e}")


def test_trace_against_a_dense_hessian(problem):
    network, x, y = problem
    values = {}

    def ours():
        values["drawn"] = hessian_trace(network, x, y, "cross_entropy", np.random.default_rng(0), draws=20)

    def theirs():
        values["dense"] = float(dense(network, x, y).trace())

    faster = fastest(theirs, 1) / fastest(ours, 3)
    trace, error = values["drawn"]
    off = (trace - values["dense"]) / error
    print(f"\ntrace, 20 draws: x{faster:.0f}, {off:+.1f} of its standard error, which is {error / trace:.0%}")


def test_sharpness_in_gradients():
    """Cost on 784-200-200-10 in float32, in units of a gradient of the same loss."""
    network = MLP([784, 200, 200, 10], rng=torch.Generator().manual_seed(0))
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((500, 784), dtype=np.float32))
    y = torch.arange(500) % 10

    def gradient():
        torch.autograd.grad(functional.cross_entropy(network(x), y), list(network.parameters()))

    cost = fastest(lambda: sharpness(network, x, y, "cross_entropy"), 2) / fastest(gradient, 5)
    print(f"\nsharpness of 784-200-200-10 on 500 samples: as much as {cost:.0f} gradients")
