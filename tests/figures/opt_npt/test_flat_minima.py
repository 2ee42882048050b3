"""Curvature in units of the noise, dropout that leaves no trace, and what is compared."""

import numpy as np
import pytest
import torch

from dnn.networks.mlp import MLP
from figures.opt_npt.flat_minima_claims import CLAIMS, correlations, widest
from figures.opt_npt.flat_minima_runs import curvature, drop_neurons, keep_neurons
from figures.opt_npt.trends import UNTOLD


def test_the_curvature_in_units_of_the_noise_is_what_small_noise_costs():
    """The mean rise of the loss over noise of size s on the weights is s^2 / 2 times it."""
    rng = np.random.default_rng(0)
    network = MLP([4, 3], "linear", rng=rng)
    x, y = torch.randn(60, 4, generator=torch.Generator().manual_seed(1)), torch.arange(60) % 3
    trace = curvature(network, x, y, rng, draws=4000)["noise_trace"]
    weight = network.linears[0].weight
    clean, spread, size = weight.detach().clone(), float(weight.detach().std()), 0.05
    generator, rises = torch.Generator().manual_seed(2), []
    with torch.no_grad():
        before = torch.nn.functional.cross_entropy(network(x), y)
        for _ in range(2000):
            noise = size * spread * torch.randn(clean.shape, generator=generator)
            losses = []
            for sign in (1, -1):  # so that the slope drops out
                weight.copy_(clean + sign * noise)
                losses.append(torch.nn.functional.cross_entropy(network(x), y))
            rises.append(float(sum(losses) / 2 - before))
    assert np.mean(rises) == pytest.approx(size**2 / 2 * trace, rel=0.1)


def test_dropout_acts_in_training_only_and_is_taken_out_again():
    network = MLP([5, 40, 2], batch_norm=True, rng=np.random.default_rng(0)).eval()
    x = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    before = network(x)
    drop_neurons(network, 0.5)
    assert torch.equal(network(x), before)
    network.train()
    assert not torch.equal(network(x), network(x))
    network.eval()
    keep_neurons(network)
    assert [name for name, _ in network.named_modules() if "activation" in name] == []
    network.train()
    assert torch.equal(network(x), network(x))


def test_the_suitable_strength_is_the_one_that_widens_most_at_the_cost_of_a_point():
    accuracy = np.array([[0.9, 0.9], [0.92, 0.92], [0.89, 0.89], [0.88, 0.88]])
    radius = np.array([[1.0, 3.0], [2.0, 2.0], [4.0, 6.0], [9.0, 9.0]])
    data = {"decay_accuracy": accuracy, "decay_weight_radius": radius, "decay_trace": 1 / radius}
    assert widest("decay", "weight")(data) == pytest.approx([2, 3])
    assert correlations("decay", "trace")(data) == pytest.approx(-1)
    same = data | {"decay_trace": np.ones((4, 2))}  # as of networks none of which has fitted
    assert correlations("decay", "trace")(same).tolist() == [UNTOLD, UNTOLD]
    flat = {"dropout_trace": np.arange(8.0).reshape(4, 2), "dropout_weight_radius": np.ones((4, 2))}
    (claim,) = (claim for claim in CLAIMS if claim.key == "flat_minima.dropout-without-flatness")
    assert claim.judge(flat | {"samples": np.array(10_000)}).verdict == "open"
    costly = data | {"decay_accuracy": accuracy - [[0], [0.04], [0.1], [0.1]]}
    assert widest("decay", "weight")(costly).tolist() == [0, 0]
