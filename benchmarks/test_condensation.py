"""Speed of the condensation experiments on one core, in processor time (set OMP_NUM_THREADS=1)."""

import time

import numpy as np
import pytest
import torch

from benchmarks import machine
from benchmarks.timing import together
from toymodels.condensation import (
    DelayedTask,
    TwoLayerNetwork,
    clusters,
    cosine_similarity,
    heatmap_order,
    phase_map,
    three_layer_map,
)
from toymodels.condensation.presets import figure_one, figure_one_data

pytestmark = pytest.mark.benchmark(timer=time.process_time)

TRIALS, WIDTH, STEPS, LR = 50, 100, 20_000, 0.05
TORCH_STEPS = 1000  # of one trial; the time of a step does not depend on which step or trial it is


def torch_descent(start, x, y, n_steps):
    """Gradient descent of one trial as one would write it in PyTorch, eager."""
    x1 = torch.tensor(np.c_[x, np.ones(len(x))])
    target = torch.tensor(y)
    a = torch.tensor(start.a, requires_grad=True)
    w = torch.tensor(start.w, requires_grad=True)
    optimizer = torch.optim.SGD([a, w], lr=LR)
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = ((torch.relu(x1 @ w.T) @ a - target) ** 2).mean() / 2
        loss.backward()
        optimizer.step()
    return a.detach().numpy(), w.detach().numpy()


def test_fifty_trials_against_a_pytorch_loop(record):
    torch.set_num_threads(1)
    x, y = figure_one_data()
    many = TwoLayerNetwork.random(WIDTH, 1, 0.05, "relu", np.random.default_rng(0), replicates=TRIALS)
    single = TwoLayerNetwork(many.a[0], many.w[0])
    run = many.train(x, y, TORCH_STEPS, LR, TORCH_STEPS)
    a, w = torch_descent(single, x, y, TORCH_STEPS)
    np.testing.assert_allclose(run["a"][-1, 0], a, atol=1e-9)
    np.testing.assert_allclose(run["w"][-1, 0], w, atol=1e-9)

    ours, step = together(lambda: many.train(x, y, STEPS, LR, STEPS), lambda: torch_descent(single, x, y, TORCH_STEPS))
    loop = [taken * TRIALS * STEPS / TORCH_STEPS for taken in step]
    name, note = "two layers, 50 trials of 100 neurons, 20,000 steps", "peer's from 1,000 steps of one trial"
    record(name, ours, "torch loop", loop, goal=20, note=note)


def test_growth_with_the_trials(record):
    """Every step reads and writes a neuron of every trial for every sample: 4 operations forward and 8 back."""
    x, y = figure_one_data()
    sizes, seconds = (10, 30, 100, 300), []
    for trials in sizes:
        network = TwoLayerNetwork.random(WIDTH, 1, 0.05, "relu", np.random.default_rng(0), replicates=trials)
        (taken,) = together(lambda network=network: network.train(x, y, 1000, LR, 1000))
        seconds.append(min(taken))
    least = [1000 * trials * WIDTH * len(x) * 12 / machine.flops() for trials in sizes]
    record.growth("two layers of 100 neurons, 1,000 steps", "trials", sizes, seconds, least, "12 operations each")


def test_figure_one(record):
    measured = together(lambda: figure_one(np.random.default_rng(0), replicates=1))
    record("condensation: figure one, one trial", *measured, at_most=10)


def test_cosines_and_clusters_of_a_wide_layer(record):
    w = np.random.default_rng(0).standard_normal((4096, 1024))
    measured = together(lambda: (cosine_similarity(w), clusters(w, min_share=0)))
    record("condensation: cosines and clusters of 4,096 neurons", *measured, at_most=3)


def test_three_delayed_trials(record):
    measured = together(lambda: DelayedTask().train([np.random.default_rng(seed) for seed in range(3)]))
    record("condensation: three delayed trials", *measured, at_most=8)


@pytest.mark.parametrize("groups", [4096, 16])
def test_heat_map_order_of_a_wide_layer(record, groups):
    rng = np.random.default_rng(0)
    w = np.repeat(rng.standard_normal((groups, 256)), 4096 // groups, axis=0)
    similarity = cosine_similarity(w + 0.3 * rng.standard_normal(w.shape))
    measured = together(lambda: heatmap_order(similarity))
    record(f"condensation: heat map order of 4,096 neurons in {groups:,} groups", *measured, at_most=5)


def test_plane_of_four_hundred_cells_up_to_width_forty_thousand(record):
    """In processor time of one process: two cores take half of it."""
    (taken,) = together(lambda: phase_map(np.linspace(0.25, 2.15, 20), np.linspace(-0.9, 1.0, 20)))
    record("plane of 20 x 20 cells, widths 400, 4,000 and 40,000", taken, at_most=600)


def test_plane_of_three_layers(record):
    (taken,) = together(lambda: three_layer_map(np.linspace(0, 1.25, 6), np.linspace(0, 1.75, 8)))
    record("plane of three layers, 6 x 8 cells, widths 50, 100 and 200", taken, at_most=30)
