"""Networks trained with other batches, rates, decays and dropout: their basins, and how flat their minima are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits, perceptron

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dnn.networks.mlp import MLP

SWEEPS = ("batch", "rate", "decay", "dropout")


@dataclass(frozen=True)
class FlatMinima(Settings):
    """What is swept, and the network.

    Parameters
    ----------
    batches : tuple of int
        Digits of an update of Adam.
    rates : tuple of float
        Of plain descent.
    decays : tuple of float
        L2 under Adam; the first is 0.
    dropouts : tuple of float
        Share of the neurons that every hidden layer drops under Adam; the first is 0.
    depth, width : int
        Layers, input and output counted, and hidden neurons of each.
    samples : int
        Training digits.
    batch_size : int
        Digits of an update where it is not swept.
    epochs : int
        Of every network.
    n_test : int
        Test digits.
    looked_at : int
        Training digits of which basins and curvature are taken.
    draws : int
        Noisy weights, and signs of the estimated trace.
    replicates : int
        Networks at every value.
    """

    batches: tuple[int, ...] = (50, 100, 300, 1000)
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.37)
    decays: tuple[float, ...] = (0.0, 1e-4, 1e-3, 1e-2)
    dropouts: tuple[float, ...] = (0.0, 0.1, 0.2, 0.4)
    depth: int = 6
    width: int = 64
    samples: int = 1000
    batch_size: int = 100
    epochs: int = 20
    n_test: int = 2000
    looked_at: int = 500
    draws: int = 6
    replicates: int = 3

    def values(self, sweep: str) -> tuple[float, ...]:
        """What is swept."""
        return {"batch": self.batches, "rate": self.rates, "decay": self.decays, "dropout": self.dropouts}[sweep]


def one_network(settings: FlatMinima, rng: np.random.Generator, sweep: str, value: float) -> dict[str, Any]:
    """Test accuracy, radii of both basins, and curvature of the loss of the training digits."""
    from dnn.probes import basins
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = digits(settings, settings.samples, settings.n_test)
    network = perceptron(settings.depth, settings.width, rng)
    batch = int(value) if sweep == "batch" else settings.batch_size
    n_steps = settings.epochs * -(-settings.samples // batch)
    config = TrainConfig(
        n_steps,
        optimiser="sgd" if sweep == "rate" else "adam",
        lr=value if sweep == "rate" else 1e-3,
        weight_decay=value if sweep == "decay" else 0.0,
        batch_size=batch,
        records=(n_steps,),
        device=settings.device,
    )
    if sweep == "dropout":
        drop_neurons(network, value)
    run = train(network, split, config, rng)
    keep_neurons(network)
    x, y = split.x_train[: settings.looked_at], split.y_train[: settings.looked_at]
    radii = basins(network, split, rng=rng, samples=settings.looked_at, draws=settings.draws)
    return {
        "accuracy": run["test_accuracy"][-1],
        "train_accuracy": run["train_accuracy"][-1],
        **{f"{space}_radius": radius for space, radius in radii.items()},
        **curvature(network, x, y, rng, settings.draws),
    }


def drop_neurons(network: MLP, share: float) -> None:
    """Let every hidden layer drop this share of its neurons while it is trained."""
    from torch import nn

    network.activation = nn.Sequential(nn.ReLU(), nn.Dropout(share)).train(network.training)


def keep_neurons(network: MLP) -> None:
    """Take dropout out again; what the network computes in evaluation mode stays the same."""
    import torch

    del network.activation
    network.activation = torch.relu


def curvature(network: nn.Module, x: Tensor, y: Tensor, rng: np.random.Generator, draws: int) -> dict[str, float]:
    r"""Trace of the Hessian of the cross-entropy, and the same in units of the noise that the weights are given.

    Noise of :math:`s\,\mathrm{std}(W_l)\,z` raises the loss by :math:`s^2/2` times the second to leading order.

    Returns
    -------
    dict of str to float
        "trace", and "noise_trace", :math:`\sum_l \mathrm{std}(W_l)^2\,\mathrm{tr} H_{ll}` over the weight matrices.
    """
    from dnn.reading.curvature import hessian_of

    spread = np.concatenate(
        [
            np.full(parameter.numel(), float(parameter.detach().std()) if parameter.ndim > 1 else 0.0)
            for parameter in network.parameters()
        ]
    )
    found = {"trace": [], "noise_trace": []}
    with hessian_of(network, x, y, "cross_entropy", "running") as hessian:
        for _ in range(draws):
            signs = 2.0 * rng.integers(2, size=hessian.size) - 1
            for name, vector in (("trace", signs), ("noise_trace", spread * signs)):
                found[name].append(vector @ hessian.product(vector).astype(float))
    return {name: float(np.mean(values)) for name, values in found.items()}
