"""Networks of many sizes, learning rates and batch sizes, and the basins of attraction of what they have learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits, perceptron

SPACES = ("sample", "weight")
FIXED_BOUND = 0.1  # initial weights U(-0.1, 0.1) at every width


@dataclass(frozen=True)
class BasinsBySetting(Settings):
    """Depths, widths, learning rates and batch sizes of the sweeps.

    Parameters
    ----------
    depths, widths : tuple of int
        Sizes of the networks, ascending: layers, input and output counted, and neurons of each hidden layer.
    curve_width : int
        Width whose accuracies under noise are drawn.
    fixed_depth : int
        Depth of the control whose weights start from the same range at every width.
    rates : tuple of float
        Learning rates of SGD, ascending.
    batches : tuple of int
        Batch sizes of Adam, ascending.
    tuned_depth, tuned_width : int
        Size of the networks with other rates and batches.
    samples : int
        Training digits.
    batch_size : int
        Digits in a batch where its size is not swept.
    epochs : int
        Length of the runs of all sizes.
    tuned_epochs : int
        Length of the runs with other rates and batches.
    n_test : int
        Test digits.
    basin_samples : int
        Training digits whose basins are measured.
    draws : int
        Noisy copies of each.
    amplitudes : tuple of float
        Noise amplitudes, ascending; a wider basin gets the last one, a lower bound.
    replicates : int
        Runs of every size.
    tuned_replicates : int
        Runs of every rate and batch size.
    """

    depths: tuple[int, ...] = (4, 6, 10, 16)
    widths: tuple[int, ...] = (32, 64, 128, 256)
    curve_width: int = 128
    fixed_depth: int = 6
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.37)
    batches: tuple[int, ...] = (50, 100, 300, 1000)
    tuned_depth: int = 10
    tuned_width: int = 128
    samples: int = 1000
    batch_size: int = 100
    epochs: int = 15
    tuned_epochs: int = 40
    n_test: int = 2000
    basin_samples: int = 500
    draws: int = 2
    amplitudes: tuple[float, ...] = tuple(np.geomspace(0.03, 10, 13).tolist())
    replicates: int = 3
    tuned_replicates: int = 3


def with_size(
    settings: BasinsBySetting, rng: np.random.Generator, depth: int, width: int, fixed: bool = False
) -> dict[str, Any]:
    """Trained by Adam from PyTorch's initial weights, or from weights of one size at every width."""
    from torch.nn.init import uniform_

    from dnn.networks.mlp import affine_layers, as_torch_generator

    network = perceptron(depth, width, rng)
    if fixed:
        generator = as_torch_generator(rng)
        for layer in affine_layers(network):
            uniform_(layer.weight, -FIXED_BOUND, FIXED_BOUND, generator=generator)
    return _basins(settings, network, rng, settings.epochs, settings.batch_size)


def with_rate(settings: BasinsBySetting, rng: np.random.Generator, rate: float) -> dict[str, Any]:
    """Basins after training with SGD at a learning rate."""
    network = perceptron(settings.tuned_depth, settings.tuned_width, rng)
    return _basins(settings, network, rng, settings.tuned_epochs, settings.batch_size, optimiser="sgd", lr=rate)


def with_batch(settings: BasinsBySetting, rng: np.random.Generator, batch: int) -> dict[str, Any]:
    """Basins after training with Adam at a batch size."""
    network = perceptron(settings.tuned_depth, settings.tuned_width, rng)
    return _basins(settings, network, rng, settings.tuned_epochs, batch)


def _basins(
    settings: BasinsBySetting, network, rng: np.random.Generator, epochs: int, batch_size: int, **config: Any
) -> dict[str, Any]:
    """Accuracies, and for both spaces the curve (n,) and where it falls to one half (0 if it is never above)."""
    from dnn.probes import accuracy
    from dnn.reading.basins import sample_basin, weight_basin
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = digits(settings, settings.samples, settings.n_test)
    n_steps = epochs * -(-settings.samples // batch_size)
    training = TrainConfig(n_steps, batch_size=batch_size, records=(n_steps,), device=settings.device, **config)
    run = train(network, split, training, rng)
    values = {"accuracy": run["test_accuracy"][-1], "train_accuracy": run["train_accuracy"][-1]}
    x, y = split.x_train[: settings.basin_samples], split.y_train[: settings.basin_samples]
    amplitudes = np.array(settings.amplitudes)
    if (clean := accuracy(network, x, y)) <= 0.5:
        nothing = {"_radius": 0.0, "_curve": np.full(len(amplitudes), clean)}
        return values | {space + name: value for space in SPACES for name, value in nothing.items()}
    for space, measure in zip(SPACES, (sample_basin, weight_basin), strict=True):
        basin = measure(network, x, y, rng, method="grid", amplitudes=amplitudes, draws=settings.draws)
        values[f"{space}_radius"] = min(basin.radius, settings.amplitudes[-1])  # wider than all: a lower bound
        values[f"{space}_curve"] = basin.curve
    return values
