"""Deep networks with and without residual connections: what their layers do, and how late their test accuracy is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import batch_accuracy, digits, layer_densities, perceptron

KINDS = ("plain", "residual")
DIGIT = 5  # whose samples are shown


@dataclass(frozen=True)
class SortingAndLinearLayers(Settings):
    """The networks that are looked into, and (`lag_...`) those followed from the first step.

    Parameters
    ----------
    hidden : int
        Hidden layers of the networks that are looked into.
    width : int
        Neurons of each hidden layer.
    samples : int
        Training digits.
    batch_size : int
        Digits in a batch of the networks that are looked into.
    n_steps : int
        Their updates.
    n_test : int
        Test digits.
    replicates : int
        Their runs.
    lag_hidden : tuple of int
        Hidden layers of the networks that are followed, ascending.
    lag_batches : int
        Batches in their epoch.
    lag_steps : int
        Their updates.
    lag_records : int
        How many times to look at them.
    lag_replicates : int
        Their runs.
    """

    hidden: int = 22
    width: int = 128
    samples: int = 1000
    batch_size: int = 100
    n_steps: int = 150
    n_test: int = 2000
    replicates: int = 3
    lag_hidden: tuple[int, ...] = (8, 14, 22)
    lag_batches: int = 1
    lag_steps: int = 60
    lag_records: int = 16
    lag_replicates: int = 3


def structure(settings: SortingAndLinearLayers, rng: np.random.Generator, kind: str) -> dict[str, np.ndarray]:
    """Pruned accuracies, densities, gradients and cosines of a trained network, by layer."""
    from dnn.probes import rank_gradients
    from dnn.reading.linear_maps import pruned_accuracy
    from dnn.reading.projection import class_cosines
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    network = perceptron(settings.hidden + 2, settings.width, rng, residual=kind == "residual")
    split = digits(settings, settings.samples, settings.n_test)
    n_steps = settings.n_steps
    config = TrainConfig(n_steps, batch_size=settings.batch_size, records=(n_steps,), device=settings.device)
    train(network, split, config, rng)
    cosines = class_cosines(network, split.x_train, split.y_train)
    return {
        "map": pruned_accuracy(network, split),
        "perceptron": pruned_accuracy(network, split, "perceptron"),
        "gradient": rank_gradients(network, split),
        "density": layer_densities(network, split),
        "own": cosines.own[:, DIGIT],
        "between": cosines.between,
        "centred": class_cosines(network, split.x_train, split.y_train, centered=True).between,
    }


def lag(settings: SortingAndLinearLayers, rng: np.random.Generator, hidden: int, kind: str) -> dict[str, np.ndarray]:
    """One run: test accuracy with running statistics and with those of the batch, along training."""
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    network = perceptron(hidden + 2, settings.width, rng, residual=kind == "residual")
    config = TrainConfig(
        settings.lag_steps,
        batch_size=None if settings.lag_batches == 1 else -(-settings.samples // settings.lag_batches),
        records=settings.lag_records,
        device=settings.device,
    )
    split = digits(settings, settings.samples, settings.n_test)
    run = train(network, split, config, rng, probes={"batch": batch_accuracy})
    return {
        "step": run.t,
        "loss": run["test_loss"],
        "test": run["test_accuracy"],
        "train": run["batch.train"],
        "batch": run["batch.test"],
    }
