"""The networks whose hidden layer is trained, which take minutes, and the tasks they share with random features.

Their peaks are lower, since training stops before everything is inverted: a run says thresholds of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from toymodels.trajectory import Trajectory
from toymodels.validation import fraction, positive_int

THRESHOLDS = {"absent_below": 0.2, "shown_from": 0.3}
TEST = 1000  # samples


def one_neuron(samples: int, dim: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Gaussian inputs, noisy labels of a ReLU neuron of mean square 1, and test data without noise: x, y, x', y'."""
    x = rng.standard_normal((samples + TEST, dim))
    direction = rng.standard_normal(dim)
    y = np.sqrt(2) * np.maximum(x @ direction / np.linalg.norm(direction), 0)
    return x[:samples], y[:samples] + noise * rng.standard_normal(samples), x[samples:], y[samples:]


def mislabelled_digits(s: Settings, samples: int, wrong: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Digits (n, 784) drawn without replacement, centred one-hot labels of which a share is wrong, and test digits."""
    from dnn.data import load

    digits = [np.asarray(part) for part in load("mnist-mini", s.data)]
    if positive_int("samples", samples) > len(digits[0]):
        raise ValueError(f"samples must be <= {len(digits[0])}, the digits that there are, got {samples}")
    chosen = rng.choice(len(digits[0]), size=samples, replace=False)
    labels = digits[1][chosen].copy()
    changed = rng.choice(samples, size=round(fraction("wrong", wrong, closed=True) * samples), replace=False)
    labels[changed] = (labels[changed] + rng.integers(1, 10, changed.size)) % 10
    one_hot = np.eye(10) - 0.1
    x, x_test = (part.astype(float) for part in (digits[0][chosen], digits[2][:TEST]))
    return x, one_hot[labels], x_test, one_hot[digits[3][:TEST]]


@dataclass(frozen=True)
class TrainedNeurons(Settings):
    """A two-layer ReLU network on the noisy labels of one neuron, over the number of neurons.

    The outputs of the start are taken off, so that a large one does not count as an error.

    Parameters
    ----------
    samples, dim : int
        Training samples and inputs.
    noise : float
        Standard deviation of the labels' noise.
    scale : float
        Factor on a start of variance 1/fan-in: at 0.1 neurons condense, at 4 they stay near where they are.
    decay : float
        Weight decay, added to the gradient of half the mean squared error.
    steps : int
        Updates of Adam, whose learning rate falls to 0 as a cosine.
    lr : float
    sets : int
        Data sets, each with a start of its own.
    widths : tuple of int
    """

    samples: int = 60
    dim: int = 10
    noise: float = 1.0
    scale: float = 0.1
    decay: float = 0.0
    steps: int = 6000
    lr: float = 0.02
    sets: int = 8
    widths: tuple = (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 60, 120)

    def __post_init__(self):
        positive_int("sets", self.sets, minimum=4)


def trained_neurons(s: TrainedNeurons, rng: np.random.Generator) -> Trajectory:
    """As many parameters as samples, m (d + 2) = n, is where counting expects the peak."""
    tasks = [one_neuron(s.samples, s.dim, s.noise, rng) for _ in range(s.sets)]
    rows = [[_train_neurons(s, width, task, rng) for task in tasks] for width in s.widths]
    test, train = np.array(rows).transpose(2, 0, 1)
    meta = THRESHOLDS | {"threshold": s.samples / (s.dim + 2)}
    return Trajectory(np.array(s.widths), {"test": test, "train": train}, clock="neurons", meta=meta)


def _train_neurons(s: TrainedNeurons, width: int, task: tuple, rng: np.random.Generator) -> list[float]:
    """Test and training error at the end, of what the network has learned beyond its start's own outputs."""
    from toymodels.condensation.adam import adam_with_decay
    from toymodels.condensation.network import TwoLayerNetwork

    x, y, x_test, y_test = task
    std = (s.scale / np.sqrt(width), s.scale / np.sqrt(s.dim + 1))
    start = TwoLayerNetwork.random(width, s.dim, std, "relu", rng)
    network = adam_with_decay(start, x, y + start(x), s.steps, s.lr, decay=s.decay)
    return [float(np.mean((network(a) - start(a) - b) ** 2)) for a, b in ((x_test, y_test), (x, y))]


@dataclass(frozen=True)
class TrainedDigits(Settings):
    """A 196-h-10 ReLU network on digits at half the resolution, a share of them labelled wrongly, over h.

    Parameters
    ----------
    samples : int
        Digits.
    wrong : float
        Share of wrong labels.
    decay : float
        Decoupled weight decay of AdamW.
    steps : int
        Updates of the full batch, whose learning rate falls to 0 as a cosine.
    lr : float
    sets : int
        Draws of digits, labels and starts.
    widths : tuple of int
        Hidden neurons h; up to six, ReLU networks die.
    """

    samples: int = 300
    wrong: float = 0.2
    decay: float = 0.0
    steps: int = 2000
    lr: float = 5e-3
    sets: int = 4
    widths: tuple = (4, 6, 8, 10, 12, 16, 20, 28, 40, 80, 150, 300)

    def __post_init__(self):
        positive_int("sets", self.sets, minimum=4)


def trained_digits(s: TrainedDigits, rng: np.random.Generator) -> Trajectory:
    """As many parameters as labels, 207 h = 10 n, is where counting expects the peak."""
    tasks = [mislabelled_digits(s, s.samples, s.wrong, rng) for _ in range(s.sets)]
    rows = [[_train_digits(s, width, task, rng) for task in tasks] for width in s.widths]
    test, train = np.array(rows).transpose(2, 0, 1)
    meta = THRESHOLDS | {"threshold": s.samples * 10 / 207}
    return Trajectory(np.array(s.widths), {"test": test, "train": train}, clock="neurons", meta=meta)


def _train_digits(s: TrainedDigits, width: int, task: tuple, rng: np.random.Generator) -> list[float]:
    """Test and training error at the end, mean squares over samples and classes."""
    import torch

    from dnn.data import Split
    from dnn.networks.mlp import MLP
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    def tensor(values: np.ndarray) -> Any:
        return torch.from_numpy(values.astype(np.float32))

    x, y, x_test, y_test = task
    split = Split(tensor(_pooled(x)), tensor(y), tensor(_pooled(x_test)), tensor(y_test))
    more = {"weight_decay": s.decay, "schedule": "cosine", "loss": "mse", "records": (s.steps,), "device": s.device}
    config = TrainConfig(s.steps, "adamw", s.lr, **more)
    run = train(MLP([196, width, 10], rng=rng), split, config, rng)
    return [float(run["test_loss"][-1]), float(run["train_loss"][-1])]


def _pooled(x: np.ndarray) -> np.ndarray:
    """Images (n, 784) at half the resolution, (n, 196)."""
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
