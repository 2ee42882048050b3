"""Training against the loop one would write by hand, and ensembles against one network at a time."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from benchmarks.timing import together
from dnn.data import load
from dnn.networks.mlp import MLP
from dnn.training.config import TrainConfig
from dnn.training.ensembles import train_ensemble
from dnn.training.loop import train, training_numerics

CPU = {"device": "cpu"}


def bare_loop(split, n_steps, widths, batch_size):
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(widths)]
    hidden = [module for layer in layers[:-1] for module in (layer, torch.nn.ReLU())]
    network = torch.nn.Sequential(*hidden, layers[-1])
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-3, fused=True)
    targets = torch.nn.functional.one_hot(split.y_train, 10).float()
    per_epoch = len(split.x_train) // batch_size
    for step in range(n_steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(split.x_train))
        start = step % per_epoch * batch_size
        chosen = order[start : start + batch_size]
        loss = torch.nn.functional.mse_loss(network(split.x_train[chosen]), targets[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def test_a_step_costs_what_it_costs_in_a_bare_loop(record):
    split, widths, n_steps = load("mnist-mini"), [784, 200, 200, 10], 300
    config = TrainConfig(n_steps, loss="mse", weight_decay=1e-3, batch_size=200, records=(0,), **CPU)

    def ours():
        train(MLP(widths, rng=np.random.default_rng(0)), split, config, np.random.default_rng(0))

    def bare():
        with training_numerics(torch.device("cpu")):  # so that neither meets subnormal numbers
            bare_loop(split, n_steps, widths, 200)

    mine, theirs = together(ours, bare, repeats=9)
    record("training 784-200-200-10, 300 steps of 200", mine, "bare torch loop", theirs, goal=0.95)


def vmap_loop(split, n_steps, widths, batch_size, n_members):
    """The same of all members at once, by torch.func: stacked parameters, vmap of the gradient, fused Adam."""
    networks = [MLP(widths, rng=np.random.default_rng(seed)) for seed in range(n_members)]
    stacked, buffers = stack_module_state(networks)
    leaves = {name: value.detach().clone().requires_grad_() for name, value in stacked.items()}
    optimiser = torch.optim.Adam(list(leaves.values()), lr=1e-3, fused=True)

    def loss(values, kept, x, y):
        return torch.nn.functional.cross_entropy(functional_call(networks[0], (values, kept), (x,)), y)

    gradient = vmap(grad(loss))
    per_epoch = len(split.x_train) // batch_size
    for step in range(n_steps):
        if step % per_epoch == 0:
            order = torch.stack([torch.randperm(len(split.x_train)) for _ in range(n_members)])
        start = step % per_epoch * batch_size
        chosen = order[:, start : start + batch_size]
        values = {name: leaf.detach() for name, leaf in leaves.items()}
        gradients = gradient(values, buffers, split.x_train[chosen], split.y_train[chosen])
        for name, leaf in leaves.items():
            leaf.grad = gradients[name]
        optimiser.step()


@pytest.mark.parametrize(
    ("widths", "batch_size", "least"),
    [
        ([784, 64, 64, 10], 100, 1.4),
        ([64, 32, 32, 10], 50, 1.4),
        ([784, 200, 200, 10], 200, 0.9),
    ],  # the last is bound by its products: no loss is all there is
    ids=["784-64-64-10", "64-32-32-10", "784-200-200-10"],
)
def test_an_ensemble_of_eight(record, widths, batch_size, least):
    split = load("mnist-mini")
    split = split._replace(
        x_train=split.x_train[:, : widths[0]].contiguous(), x_test=split.x_test[:, : widths[0]].contiguous()
    )
    config = TrainConfig(60, batch_size=batch_size, records=(0,), **CPU)

    def networks():
        return [MLP(widths, rng=np.random.default_rng(seed)) for seed in range(8)]

    def generators():
        return [np.random.default_rng(seed) for seed in range(8)]

    def alone():
        for network, rng in zip(networks(), generators(), strict=True):
            train(network, split, config, rng)

    def vmapped():
        with training_numerics(torch.device("cpu")):
            vmap_loop(split, 60, widths, batch_size, 8)

    ours, one_by_one, theirs = together(
        lambda: train_ensemble(networks(), split, config, generators()), alone, vmapped, repeats=7
    )
    name = f"ensemble of 8, {'-'.join(map(str, widths))}, 60 steps of {batch_size}"
    record(name, ours, "one at a time", one_by_one, goal=least)
    record(name, ours, "torch.func vmap(grad)", theirs)
