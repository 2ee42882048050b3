"""What the figures about order-preserving neurons share: digits, deep networks, and what is read from their layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toymodels.claims import Decisive, at_least

if TYPE_CHECKING:
    import xarray
    from torch.nn import Module

    from comparisons.harness.settings import Settings
    from dnn.data import Split
    from dnn.networks.mlp import MLP

EMBEDDED, EMBEDDED_TEST = 1000, 2000  # training and test digits that ship with the package
MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's pixels
ENOUGH = 10_000  # training digits from which on trends can contradict those of 60,000
ENOUGH_DIGITS, ALL_DIGITS = at_least(samples=ENOUGH), at_least(samples=60_000)  # an accuracy needs as many as printed
PAPER_WIDTH = 128  # of the paper's narrowest networks
BROAD = 1024  # width of those on which it says most; the broadest have 1,280
NO_BASIN, NO_END = 0.01, 10.0  # radii that stand for a network that is wrong without noise, or right under any


def has_published(data: Mapping[str, np.ndarray]) -> bool:
    """Whether two of the widths are among the paper's."""
    return int((np.asarray(data["widths"]) >= PAPER_WIDTH).sum()) > 1


PUBLISHED = ENOUGH_DIGITS & Decisive(
    f"widths from {PAPER_WIDTH} to {BROAD:,} or more",
    lambda data: has_published(data) and float(np.max(data["widths"])) >= BROAD,
)


def published(data: Mapping[str, np.ndarray], name: str, axis: int = 1) -> np.ndarray:
    """What of an array is of the paper's widths, its second axis; all where it has fewer than two of them.

    >>> published({"widths": np.array([64, 128, 256]), "accuracy": np.array([[0.7, 0.8, 0.9]])}, "accuracy")
    array([[0.8, 0.9]])
    """
    wide = np.asarray(data["widths"]) >= (PAPER_WIDTH if has_published(data) else 0)
    return np.compress(wide, data[name], axis)


def digits(settings: Settings, samples: int, n_test: int | None = None, *, standardised: bool = True) -> Split:
    """First `samples` training and `n_test` test digits on the device; up to 1,000 and 2,000 are embedded."""
    from dnn.data import Split, load
    from dnn.training.config import TrainConfig

    embedded = samples <= EMBEDDED and (n_test is None or n_test <= EMBEDDED_TEST)
    split = load("mnist-mini") if embedded else load("mnist", root=settings.data)
    device = TrainConfig(n_steps=1, device=settings.device).torch_device

    def pixels(x):
        return ((x - MEAN) / DEVIATION if standardised else x).to(device)

    x_test, y_test = split.x_test[:n_test], split.y_test[:n_test]
    return Split(pixels(split.x_train[:samples]), split.y_train[:samples].to(device), pixels(x_test), y_test.to(device))


def first_samples(data_set: str, samples: int, root: str | Path | None) -> Split:
    """First `samples` training samples of a data set with all its test samples, as :func:`dnn.data.load` has them."""
    from dnn.data import Split, load

    split = load(data_set, root=root)
    return Split(split.x_train[:samples], split.y_train[:samples], split.x_test, split.y_test)


def perceptron(
    depth: int, width: int, rng: np.random.Generator, activation: str = "relu", *, residual: bool = False
) -> MLP:
    """Network of `depth` layers, input and output counted, with batch norm."""
    from dnn.networks.mlp import MLP

    return MLP([784, *[width] * (depth - 2), 10], activation, batch_norm=True, residual=residual, rng=rng)


def batch_accuracy(network: Module, split: Split) -> dict[str, float]:
    """Probe: accuracies with the batch-norm statistics of the digits themselves."""
    from dnn.probes import accuracy

    return {
        part: accuracy(network, getattr(split, f"x_{part}"), getattr(split, f"y_{part}"), statistics="batch")
        for part in ("train", "test")
    }


def bounded_radius(data: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Basin radii `name`_radius that can be divided: 0 and infinity become the ends of the noise that is tried.

    >>> bounded_radius({"batch_radius": np.array([0, 0.3, np.inf])}, "batch")
    array([ 0.01,  0.3 , 10.  ])
    """
    return np.clip(data[f"{name}_radius"], NO_BASIN, NO_END)


def layer_densities(network: Module, split: Split, bins: int = 50) -> np.ndarray:
    """Rank probability density (L - 2, bins) of every hidden layer on the training part, averaged over classes."""
    from dnn.reading.linear_maps import tails
    from dnn.reading.rank_densities import rank_probability
    from dnn.reading.unfolding import unfold

    unfolded = unfold(network)
    x, y = split.x_train, split.y_train
    fields = [field for field, _ in unfolded.layers(x, "batch")][:-1]
    maps = tails(unfolded, x, "batch")[1:]
    rows = [rank_probability(field, tail.matrix, y, bins).mean(0) for field, tail in zip(fields, maps, strict=True)]
    return np.stack(rows)


def replicates_of(runs: xarray.Dataset, prefix: str = "") -> dict[str, np.ndarray]:
    """Arrays (replicates, ...) of a grid of a single point, by name after a prefix."""
    return {f"{prefix}{name}": values.values[0] for name, values in runs.items()}
