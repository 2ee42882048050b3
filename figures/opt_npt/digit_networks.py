"""What the figures about order-preserving neurons share: digits, networks, and numbers taken from curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from comparisons.harness.settings import Settings

EMBEDDED, EMBEDDED_TEST = 1000, 2000  # training and test digits that ship with the package
MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's pixels
ENOUGH = 10_000  # training digits from which on accuracies can contradict those of 60,000


def digits(p: Settings, samples: int, n_test: int | None = None, *, standardised: bool = True):
    """First `samples` training and `n_test` test digits on the device of `p`; up to 1,000 and 2,000 are embedded."""
    from dnn.training.config import TrainConfig
    from dnn.data import Split, load

    embedded = samples <= EMBEDDED and (n_test is None or n_test <= EMBEDDED_TEST)
    split = load("mnist-mini") if embedded else load("mnist", root=p.data)
    device = TrainConfig(n_steps=1, device=p.device).torch_device

    def pixels(x):
        return ((x - MEAN) / DEVIATION if standardised else x).to(device)

    x_test, y_test = split.x_test[:n_test], split.y_test[:n_test]
    return Split(pixels(split.x_train[:samples]), split.y_train[:samples].to(device), pixels(x_test), y_test.to(device))


def perceptron(depth: int, width: int, rng: np.random.Generator, activation: str = "relu", *, residual: bool = False):
    """Network of `depth` layers, input and output counted, with batch norm."""
    from dnn.networks.mlp import MLP

    return MLP([784, *[width] * (depth - 2), 10], activation, batch_norm=True, residual=residual, rng=rng)


def batch_accuracy(network, split) -> dict[str, float]:
    """Probe: accuracies with the batch-norm statistics of the digits themselves."""
    from dnn.probes import accuracy

    return {
        part: accuracy(network, getattr(split, f"x_{part}"), getattr(split, f"y_{part}"), statistics="batch")
        for part in ("train", "test")
    }


def layer_densities(network, split, bins: int = 50) -> np.ndarray:
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


def rank_correlation(values: np.ndarray) -> np.ndarray:
    """Spearman's correlation of the last axis (at least two different values) with its index: (..., n) -> (...)."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=-1)
    index = np.arange(ranks.shape[-1])
    return np.corrcoef(np.vstack([index, ranks.reshape(-1, len(index))]))[0, 1:].reshape(ranks.shape[:-1])


def kendall(values: np.ndarray) -> np.ndarray:
    """Kendall's tau of the last axis with its index, ties counted as neither: (..., n) -> (...)."""
    i, j = np.triu_indices(values.shape[-1], 1)
    return np.sign(values[..., j] - values[..., i]).mean(-1)


def first_step(steps: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """First of `steps` (n,) at which `reached` (..., n) holds; the last one, a lower bound, where it never does."""
    return np.where(reached.any(-1), steps[reached.argmax(-1)], steps[-1])


def at_best(accuracy: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` (r, n, ...) of each replicate at the record of its highest `accuracy` (r, n)."""
    return values[np.arange(len(accuracy)), accuracy.argmax(-1)]


def enough_digits(data) -> bool:
    """Whether `data` come from so many training digits that accuracies can contradict the paper's."""
    return int(data["samples"]) >= ENOUGH
