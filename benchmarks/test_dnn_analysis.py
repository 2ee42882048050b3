"""Analyses of a network against the direct way of doing them: sorting, one noise draw per amplitude, full Jacobians.

Run with `make bench`; every test prints what it measured before it compares. The noise sweep is put against foolbox
where that is installed, otherwise against a plain loop that does the same.
"""

import os
import time

import numpy as np
import pytest
import torch
from torch.func import functional_call, jacrev

from benchmarks.timing import fastest
from dnn.data import load
from dnn.networks.mlp import MLP
from dnn.reading.basins import sample_basin
from dnn.reading.kernels import tangent_kernel
from dnn.reading.rank_densities import rank_gradient
from dnn.training.config import TrainConfig
from dnn.training.loop import train


def seconds(function):
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def ratio(slow, fast, rounds=3):
    """Median over rounds of the time of `slow` over that of `fast`, and the last results of both."""
    ratios = []
    for _ in range(rounds):
        slow_seconds, slow_result = seconds(slow)
        fast_seconds, fast_result = seconds(fast)
        ratios.append(slow_seconds / fast_seconds)
    print(f"\n{slow_seconds:.3f} s against {fast_seconds:.3f} s, ratios {np.round(ratios, 1)}")
    return float(np.median(ratios)), slow_result, fast_result


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


def test_rank_gradient_against_argsort_per_neuron():
    rng = np.random.default_rng(0)
    labels, sign = rng.integers(10, size=60_000), rng.choice([-1.0, 1.0], (10, 512))
    fields = (rng.standard_normal((60_000, 512)) + 0.3 * sign[labels]).astype(np.float32)
    expected, gradient = argsort_gradient(fields, sign, labels), rank_gradient(fields, sign, labels)
    print(f"\nrank gradient: largest difference {abs(gradient - expected).max():.1e}")
    assert abs(gradient - expected).max() < 1e-3
    sorting = fastest(lambda: argsort_gradient(fields, sign, labels), 7)
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        faster = sorting / fastest(lambda: rank_gradient(fields, sign, labels), 7)
        print(f"rank gradient, {threads} threads: x{faster:.1f} of {sorting:.2f} s")
    assert faster >= 5  # with two threads, where numpy's argsort uses AVX-512


def noise_sweep(network, x, y, amplitudes):
    """Accuracy at every amplitude with foolbox, or by the same steps without it."""
    try:
        import foolbox
    except ImportError:
        print("\nfoolbox is not installed; a plain loop stands in for it", end="")
        return [plain_accuracy(network, x, y, amplitude) for amplitude in amplitudes]
    model = foolbox.PyTorchModel(network, bounds=(float(x.min()), float(x.max())), device="cpu")
    attack = foolbox.attacks.L2AdditiveGaussianNoiseAttack()
    _, _, success = attack(model, x, y, epsilons=list(amplitudes * np.sqrt(x.shape[1])))
    return (~success).float().mean(1).tolist()


def plain_accuracy(network, x, y, amplitude):
    with torch.no_grad():
        noisy = x + amplitude * torch.randn_like(x)
        return float((network(noisy).argmax(1) == y).float().mean())


def test_noise_sweep_against_an_additive_gaussian_attack(digits):
    network, x, y = digits
    amplitudes = np.geomspace(1e-3, 10, 25)

    def ours():
        return sample_basin(network, x, y, np.random.default_rng(0), method="grid", draws=1, amplitudes=amplitudes)

    faster, curve, basin = ratio(lambda: noise_sweep(network, x, y, amplitudes), ours, rounds=5)
    print(f"noise sweep: curves differ by up to {abs(np.array(curve) - basin.curve).max():.2f}")
    assert faster >= 1.5


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
        assert fewer >= 5


def jacobian_kernel(network, x):
    parameters = {name: value.detach() for name, value in network.named_parameters()}
    blocks = jacrev(lambda values: functional_call(network, values, (x,)))(parameters)
    rows = torch.cat([block.flatten(2) for block in blocks.values()], dim=2).transpose(0, 1).flatten(0, 1)
    return rows @ rows.T


def test_tangent_kernel_against_jacrev(digits):
    network, x, _ = digits
    faster, expected, kernel = ratio(lambda: jacobian_kernel(network, x[:50]), lambda: tangent_kernel(network, x[:50]))
    print(f"tangent kernel: relative difference {((kernel - expected).norm() / expected.norm()).item():.1e}")
    assert (kernel - expected).norm() < 1e-4 * expected.norm()
    assert faster >= 50
