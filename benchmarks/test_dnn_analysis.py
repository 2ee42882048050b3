"""Analyses of a network against the direct way of doing them: sorting, one noise draw per amplitude, full Jacobians.

Run with `make bench`; every test prints what it measured before it compares. The noise sweep is put against foolbox
where that is installed, and against a plain loop that does the same.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from torch.func import functional_call, jacrev, vmap

from benchmarks import machine
from benchmarks.timing import together
from dnn.data import load
from dnn.networks.mlp import MLP
from dnn.reading.basins import sample_basin
from dnn.reading.kernels import tangent_kernel
from dnn.reading.rank_densities import rank_gradient
from dnn.training.config import TrainConfig
from dnn.training.loop import train

WIDE = 1e3  # bounds that no noise reaches
VECTORS = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]  # with which numpy sorts here


@pytest.fixture(scope="module")
def digits():
    split = load("mnist-mini")
    network = MLP([784, 200, 200, 10], rng=torch.Generator().manual_seed(0))
    train(network, split, TrainConfig(n_steps=100, device="cpu"), np.random.default_rng(0))
    return network, split.x_train[:1000], split.y_train[:1000]


def argsort_gradient(fields, sign, labels):
    counts, result = np.bincount(labels), np.empty(sign.shape)
    ranks = (np.arange(len(fields)) + 0.5) / len(fields)
    for i in range(fields.shape[1]):
        order = np.argsort(fields[:, i])
        result[:, i] = np.bincount(labels[order], weights=ranks) / counts - 0.5
    return 12 * sign * result


def large_layer():
    """Fields (60,000, 512), readout and labels."""
    rng = np.random.default_rng(0)
    labels, sign = rng.integers(10, size=60_000), rng.choice([-1.0, 1.0], (10, 512))
    return (rng.standard_normal((60_000, 512)) + 0.3 * sign[labels]).astype(np.float32), sign, labels


def seconds_without_vectors():
    """Processor seconds of sorting the large layer in a process whose numpy sorts number by number."""
    program = (
        "import json; from benchmarks.test_dnn_analysis import *; case = large_layer(); "
        "print(json.dumps(together(lambda: argsort_gradient(*case))[0]))"
    )
    environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(VECTORS)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def test_rank_gradient_against_argsort_per_neuron(record):
    fields, sign, labels = large_layer()
    expected, gradient = argsort_gradient(fields, sign, labels), rank_gradient(fields, sign, labels)
    assert abs(gradient - expected).max() < 1e-3
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        torch.set_num_threads(threads)
        ours, theirs = together(
            lambda: rank_gradient(fields, sign, labels),
            lambda: argsort_gradient(fields, sign, labels),
            clock=time.perf_counter,  # of several threads, what one waits for
        )
        name = f"rank gradient of 60,000 x 512, {threads} thread{'s' * (threads > 1)}, wall clock"
        note = f"apart by {abs(gradient - expected).max():.0e}"
        record(name, ours, "numpy argsort a neuron", theirs, goal=5 if threads > 1 else None, note=note)


@pytest.mark.parametrize(("n_samples", "n_neurons"), [(300, 200), (1000, 200), (10_000, 200), (60_000, 512)])
def test_rank_gradients_against_argsort(record, n_samples, n_neurons):
    rng = np.random.default_rng(0)
    labels, sign = rng.integers(10, size=n_samples), rng.choice([-1.0, 1.0], (10, n_neurons))
    fields = (rng.standard_normal((n_samples, n_neurons)) + 0.3 * sign[labels]).astype(np.float32)
    ours, theirs = together(lambda: rank_gradient(fields, sign, labels), lambda: argsort_gradient(fields, sign, labels))
    difference = abs(argsort_gradient(fields, sign, labels) - rank_gradient(fields, sign, labels)).max()
    goal = 8 if n_samples == 60_000 else None  # fewer are sorted by us too
    name = f"rank gradient of {n_samples:,} x {n_neurons}"
    record(name, ours, "numpy argsort", theirs, goal=goal, note=f"apart by {difference:.0e}")
    if goal and VECTORS:
        record(name, ours, "numpy argsort, processor without AVX", seconds_without_vectors(), goal=goal)


def test_growth_of_the_rank_gradient(record):
    """Every field is read once."""
    rng, sizes, seconds, n_bytes = np.random.default_rng(0), (3000, 10_000, 30_000, 100_000), [], []
    sign = rng.choice([-1.0, 1.0], (10, 200))
    for n in sizes:
        labels = rng.integers(10, size=n)
        fields = rng.standard_normal((n, 200)).astype(np.float32)
        (taken,) = together(lambda fields=fields, labels=labels: rank_gradient(fields, sign, labels))
        seconds.append(min(taken))
        n_bytes.append(fields.nbytes)
    least = [count / machine.bandwidth() for count in n_bytes]
    record.growth("rank gradient of n x 200", "n", sizes, seconds, least, "the fields, read once")


def noise_sweep(network, x, y, amplitudes):
    """Accuracy at every amplitude with foolbox, whose bounds are wide: it clips to them, and a basin does not."""
    import foolbox

    model = foolbox.PyTorchModel(network, bounds=(-WIDE, WIDE), device="cpu")
    attack = foolbox.attacks.L2AdditiveGaussianNoiseAttack()
    _, _, success = attack(model, x, y, epsilons=list(amplitudes * np.sqrt(x.shape[1])))
    return (~success).float().mean(1).tolist()


def plain_accuracy(network, x, y, amplitude):
    with torch.no_grad():
        noisy = x + amplitude * torch.randn_like(x)
        return float((network(noisy).argmax(1) == y).float().mean())


def test_noise_sweep_against_an_additive_gaussian_attack(digits, record):
    network, x, y = digits
    amplitudes, curves = np.geomspace(1e-3, 10, 25), {}

    def ours():
        generator = np.random.default_rng(0)
        curves["ours"] = sample_basin(network, x, y, generator, method="grid", draws=1, amplitudes=amplitudes).curve

    def foolbox():
        curves["theirs"] = noise_sweep(network, x, y, amplitudes)

    def plain():
        curves["theirs"] = [plain_accuracy(network, x, y, amplitude) for amplitude in amplitudes]

    name = "accuracy of 1,000 digits under noise of 25 amplitudes"
    there = machine.release("foolbox") != machine.ABSENT
    for peer, sweep, goal in (("foolbox", foolbox, 1.5), ("a plain loop", plain, None)):
        if peer == "foolbox" and not there:
            record(name, *together(ours), peer, goal=goal)
            continue
        measured = together(ours, sweep)
        apart = abs(np.array(curves["theirs"]) - curves["ours"]).max()
        assert apart < 0.08  # else it is not the same task; draws alone move 1,000 digits by 0.03
        note = f"curves apart by {apart:.2f}, each with draws of its own"
        record(name, measured[0], peer, measured[1], goal=goal, note=note)


def test_bisection_against_the_whole_grid(digits):
    network, x, y = digits
    for n_amplitudes in (25, 101):
        runs = {
            method: sample_basin(
                network, x, y, np.random.default_rng(0), method=method, amplitudes=np.geomspace(1e-3, 10, n_amplitudes)
            )
            for method in ("grid", "bisection")
        }
        fewer = runs["grid"].evaluations / runs["bisection"].evaluations
        print(f"\n{n_amplitudes} amplitudes: radii {[run.radius for run in runs.values()]}, evaluations {fewer:.1f}x")
        assert runs["grid"].radius == pytest.approx(runs["bisection"].radius, rel=1e-12)


def jacobian_kernel(network, x):
    parameters = {name: value.detach() for name, value in network.named_parameters()}
    blocks = jacrev(lambda values: functional_call(network, values, (x,)))(parameters)
    rows = torch.cat([block.flatten(2) for block in blocks.values()], dim=2).transpose(0, 1).flatten(0, 1)
    return rows @ rows.T


def vmap_kernel(network, x):
    """Gradients sample by sample, as the tutorial of torch.func has it, contracted."""
    parameters = {name: value.detach() for name, value in network.named_parameters()}
    one = jacrev(lambda values, row: functional_call(network, values, (row[None],))[0])
    blocks = vmap(one, (None, 0))(parameters, x)
    rows = torch.cat([block.flatten(2) for block in blocks.values()], dim=2).transpose(0, 1).flatten(0, 1)
    return rows @ rows.T


@pytest.mark.parametrize(("kernel_of", "goal"), [(jacobian_kernel, 50), (vmap_kernel, None)])
def test_tangent_kernel_against_torch_func(digits, record, kernel_of, goal):
    network, x, _ = digits
    ours, theirs = together(lambda: tangent_kernel(network, x[:50]), lambda: kernel_of(network, x[:50]))
    expected, kernel = kernel_of(network, x[:50]), tangent_kernel(network, x[:50])
    difference = float((kernel - expected).norm() / expected.norm())
    assert difference < 1e-4
    peer = "torch.func jacrev" if kernel_of is jacobian_kernel else "torch.func vmap(jacrev)"
    name = "tangent kernel of 784-200-200-10 on 50 digits"
    record(name, ours, peer, theirs, goal=goal, note=f"relative difference {difference:.0e}")


def test_growth_of_the_tangent_kernel(digits, record):
    """Every entry of the kernel (10 n, 10 n) is a sum over three layers, of 200, 200 and 10 units, and is written."""
    network, x, _ = digits
    sizes, seconds = (50, 100, 200, 400), []
    for n in sizes:
        (taken,) = together(lambda n=n: tangent_kernel(network, x[:n]))
        seconds.append(min(taken))
    least = [2 * (10 * n) ** 2 * (200 + 200) / machine.flops(np.float32) for n in sizes]
    record.growth("tangent kernel of 784-200-200-10", "n", sizes, seconds, least, "inner products of what is sent back")
