"""Curvature without forming the Hessian, against curvlinops and against a dense Hessian. Nothing is asserted."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigsh
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional

from benchmarks import machine
from benchmarks.timing import once, together
from dnn.networks.mlp import MLP
from dnn.reading.curvature import hessian_trace, sharpness

DRAWS = 20
CURVLINOPS = machine.release("curvlinops-for-pytorch") != machine.ABSENT


def problem(widths, activation="tanh", n_samples=200, dtype=torch.float64):
    """A network at its start with random inputs and labels."""
    network = MLP(list(widths), activation, rng=torch.Generator().manual_seed(0)).to(dtype)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((n_samples, widths[0]))).to(dtype)
    return network, x, torch.arange(n_samples) % widths[-1]


def named(widths, network):
    return f"{'-'.join(map(str, widths))} ({sum(value.numel() for value in network.parameters()):,} parameters)"


def dense(network, x, y):
    """The whole Hessian (N, N) of the mean cross-entropy."""
    named = {name: value.detach() for name, value in network.named_parameters()}

    def loss(flat):
        parts = zip(flat.split([value.numel() for value in named.values()]), named.items(), strict=True)
        values = {name: part.reshape(value.shape) for part, (name, value) in parts}
        return functional.cross_entropy(functional_call(network, values, (x,)), y)

    return hessian(loss, torch.cat([value.reshape(-1) for value in named.values()]), vectorize=True)


def operator(network, x, y):
    """The Hessian of curvlinops."""
    from curvlinops import HessianLinearOperator

    loss, parameters = torch.nn.CrossEntropyLoss(), [value for value in network.parameters() if value.requires_grad]
    return HessianLinearOperator(network, loss, parameters, [(x, y)], check_deterministic=False)


def their_sharpness(network, x, y, tol):
    return float(eigsh(operator(network, x, y).to_scipy(), k=1, which="LA", tol=tol, return_eigenvectors=False)[0])


def their_trace(network, x, y):
    from curvlinops import hutchinson_trace

    torch.manual_seed(0)
    return float(hutchinson_trace(operator(network, x, y), num_matvecs=DRAWS, distribution="rademacher"))


SMALL = [(20, 16, 16, 4), (20, 24, 24, 4)]


@pytest.mark.parametrize("widths", SMALL, ids=str)
def test_sharpness_against_all_eigenvalues_of_a_dense_hessian(record, widths):
    network, x, y = problem(widths)
    ours, theirs = together(
        lambda: sharpness(network, x, y, "cross_entropy"),
        lambda: torch.linalg.eigvalsh(dense(network, x, y)),
    )
    largest = float(torch.linalg.eigvalsh(dense(network, x, y))[-1])
    difference = abs(sharpness(network, x, y, "cross_entropy") / largest - 1)
    note = f"relative difference {difference:.0e}"
    record(f"sharpness of {named(widths, network)}", ours, "eigenvalues of a dense Hessian", theirs, note=note)


@pytest.mark.parametrize("widths", SMALL, ids=str)
def test_trace_against_a_dense_hessian(record, widths):
    network, x, y = problem(widths)

    def ours():
        return hessian_trace(network, x, y, "cross_entropy", np.random.default_rng(0), draws=DRAWS)

    measured = together(ours, lambda: dense(network, x, y).trace())
    (trace, error), expected = ours(), float(dense(network, x, y).trace())
    note = f"{(trace - expected) / error:+.1f} of the standard error, which is {error / trace:.0%}"
    record(f"trace of {named(widths, network)}, {DRAWS} draws", measured[0], "a dense Hessian", measured[1], note=note)


CASES = [((20, 24, 24, 4), "tanh", torch.float64, 1e-9), ((784, 200, 200, 10), "relu", torch.float32, 1e-5)]


@pytest.mark.parametrize(("widths", "activation", "dtype", "tol"), CASES, ids=str)
def test_sharpness_against_curvlinops(record, widths, activation, dtype, tol):
    network, x, y = problem(widths, activation, 500, dtype)
    name = f"sharpness of {named(widths, network)}, {dtype}".replace("torch.", "")
    functions = [lambda: sharpness(network, x, y, "cross_entropy")]
    functions += [lambda: their_sharpness(network, x, y, tol)] if CURVLINOPS else []
    ours, *theirs = together(*functions)
    note = f"relative difference {abs(functions[0]() / functions[1]() - 1):.0e}" if CURVLINOPS else ""
    record(name, ours, f"curvlinops, scipy eigsh at {tol:g}", theirs[0] if theirs else None, note=note)


@pytest.mark.parametrize(("widths", "activation", "dtype", "tol"), CASES, ids=str)
def test_trace_against_curvlinops(record, widths, activation, dtype, tol):
    network, x, y = problem(widths, activation, 500, dtype)
    name = f"trace of {named(widths, network)}, {DRAWS} draws, {dtype}".replace("torch.", "")
    functions = [lambda: hessian_trace(network, x, y, "cross_entropy", np.random.default_rng(0), draws=DRAWS)]
    functions += [lambda: their_trace(network, x, y)] if CURVLINOPS else []
    ours, *theirs = together(*functions)
    note = ""
    if CURVLINOPS:
        (trace, error), other = functions[0](), functions[1]()
        note = f"apart by {abs(trace - other) / (error * 2**0.5):.1f} standard errors of the difference"
    record(name, ours, "curvlinops hutchinson_trace", theirs[0] if theirs else None, note=note)


def test_sharpness_in_gradients(record):
    """Cost on 784-200-200-10 in float32, in units of a gradient of the same loss."""
    network, x, y = problem((784, 200, 200, 10), "relu", 500, torch.float32)

    def gradient():
        torch.autograd.grad(functional.cross_entropy(network(x), y), list(network.parameters()))

    ours, one = together(lambda: sharpness(network, x, y, "cross_entropy"), gradient)
    record("sharpness of 784-200-200-10 on 500 samples", ours, "one gradient of the same loss", one)


def test_growth_of_the_trace(record):
    """Products with the Hessian are products of matrices."""
    widths, seconds = (200, 400, 800, 1600), []
    for width in widths:
        network, x, y = problem((784, width, width, 10), "relu", 500, torch.float32)

        def trace(network=network, x=x, y=y):
            hessian_trace(network, x, y, "cross_entropy", np.random.default_rng(0), draws=5)

        trace()
        seconds.append(min(once(trace) for _ in range(2)))
    # a product of the Hessian, by Pearlmutter's formula, takes six products of matrices a layer, but two in the first
    work = [5 * 500 * 2 * (2 * 784 * h + 6 * h * h + 6 * 10 * h) for h in widths]
    least = [count / machine.flops(np.float32) for count in work]
    name = "trace of 784-h-h-10 on 500 samples, 5 draws"
    record.growth(name, "h", widths, seconds, least, "products of matrices in Pearlmutter's formula")
