"""Each family's model of the information bottleneck, with its settings: I(X;T) and I(Y;T) along training, in bits.

Information about the input is exact for the linear network (Gaussian inputs) and Monte Carlo over a mixture of
Gaussians elsewhere: finitely many inputs, their representation scaled to a root mean square length of 1, noise on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.parity import Parity, train_parity
from toymodels.trajectory import Trajectory

DEEP = (784, 200, 200, 200, 10)


@dataclass(frozen=True)
class Layerwise(Settings):
    """A two-layer linear network on white Gaussian inputs.

    Parameters
    ----------
    rank, dim : int
        Directions with a target, of how many; with a target in every direction there is nothing to forget.
    noise : float
        Standard deviation on the representation and on the target.
    """

    rank: int = 2
    dim: int = 10
    noise: float = 0.3


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """T = W1 x + noise, exact; directions without a target fade."""
    from toymodels.layerwise import LinearNetwork

    d, rank = s.dim, s.rank
    teacher = np.zeros((d, d))
    teacher[np.arange(rank), np.arange(rank)] = 1.0
    start = rng.uniform(0.1, 0.3, d)  # positive: a negative mode would stay at a saddle for ever
    run = LinearNetwork.aligned(teacher, start, d).solve(np.geomspace(1e-2, 100, 60))
    cross = np.linalg.inv(teacher @ teacher.T + s.noise**2 * np.eye(d))
    unexplained = np.eye(d) - teacher.T @ cross @ teacher  # covariance of x given y = teacher x + noise
    total = [_gaussian_bits(gram, np.eye(d), s.noise) for gram in run["gram_in"]]
    rest = [_gaussian_bits(gram, unexplained, s.noise) for gram in run["gram_in"]]
    return _run(run.t, np.array(total), np.array(total) - np.array(rest), run.clock)


def _gaussian_bits(gram: np.ndarray, covariance: np.ndarray, noise: float) -> float:
    """1/2 log2 det(I + C^1/2 W'W C^1/2 / s^2)."""
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return float(0.5 * np.linalg.slogdet(np.eye(len(gram)) + root @ gram @ root / noise**2)[1] / np.log(2))


@dataclass(frozen=True)
class Neurashed(Settings):
    """Figure 5 of the paper, second level.

    Parameters
    ----------
    steps, batch : int
        Updates, and samples in each; with large batches every node fires at every step.
    """

    steps: int = 600
    batch: int = 1


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """A level first learns which input it saw, then forgets all but the class."""
    from toymodels.neurashed.bottleneck import train_bottleneck

    run = train_bottleneck(rng, n_steps=s.steps, batch_size=s.batch, replicates=4)
    late = run.t > 0
    known = {name: run[name].mean(axis=1)[late] for name in ("level2_input", "level2_label")}
    return _run(run.t[late], known["level2_input"], known["level2_label"], run.clock)


@dataclass(frozen=True)
class Condensation(Parity):
    """The parity task, and the noise on the hidden layer.

    Parameters
    ----------
    noise : float
        Standard deviation per unit, of a representation of root mean square length 1.
    """

    noise: float = 0.1


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """Two-layer ReLU net on 2-parity, condensing under weight decay; without decay lazy for ever."""

    def observe(x, y, x_test, y_test, a, w):
        features = np.maximum(x @ w.T, 0).astype(float)
        both = mixture_bits(features, (y > 0).astype(int), s.noise)
        return {"about_input": both[0], "about_label": both[1]}

    run = train_parity(s, rng, observe)
    return _run(run.t, run["about_input"], run["about_label"], run.clock)


@dataclass(frozen=True)
class Curve(Settings):
    """A two-layer tanh network on a curve.

    Parameters
    ----------
    steps : int
        Of gradient descent.
    noise : float
        As in :class:`Condensation`.
    """

    steps: int = 20_000
    noise: float = 0.1


def condensation_tanh(s: Curve, rng: np.random.Generator) -> Trajectory:
    """Two-layer tanh net on a curve from a small start: condensed from the beginning."""
    from toymodels.condensation import TwoLayerNetwork

    x = np.linspace(-2, 2, 40)[:, None]
    y = np.sin(1.5 * x[:, 0])
    net = TwoLayerNetwork.random(100, 1, 0.01, "tanh", rng)
    every = np.unique(np.geomspace(1, s.steps, 40).astype(int))
    run = net.train(x, y, s.steps, 0.1, every=every, record=("w",))
    inputs = np.hstack([x, np.ones_like(x)])
    bits = np.array([mixture_bits(np.tanh(inputs @ w.T), (y > 0).astype(int), s.noise) for w in run["w"]])
    late = run.t > 0
    return _run(run.t[late], bits[late, 0], bits[late, 1], run.clock)


@dataclass(frozen=True)
class Digits(Settings):
    """A deep network on digits, read at its last hidden layer.

    Parameters
    ----------
    steps : int
        Updates.
    activation : str
        Of :class:`dnn.MLP`.
    decay : float
        Weight decay, which alone makes a linear network forget a little (0.09-0.11).
    widths : tuple of int
    samples : int
        Digits whose information is measured.
    noise : float
        As in :class:`Condensation`.
    """

    steps: int = 1000
    activation: str = "relu"
    decay: float = 1e-4
    widths: tuple = DEEP
    samples: int = 400
    noise: float = 0.1


Reader = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """Binned estimates beside the mixture's."""

    def read(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        about_input, about_label = mixture_bits(features, labels, s.noise)
        return {"input": about_input, "label": about_label, **binned_bits(features, labels)}

    return _trained_on_digits(s, rng, read)


def quantised_digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """A narrow tanh layer whose units are read at 3 bits each: its information is an exact entropy."""
    from toymodels.metrics.information import quantised

    def read(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        codes = np.floor(4 * (features + 1)).clip(0, 7)
        return {"input": quantised(codes, np.arange(len(codes))), "label": quantised(codes, labels)}

    return _trained_on_digits(s, rng, read)


def _trained_on_digits(s: Digits, rng: np.random.Generator, read: Reader) -> Trajectory:
    """What `read(features, labels)` says of a network's last hidden layer along training."""
    from comparisons.digits import train_mlp
    from dnn.reading.unfolding import last_hidden

    def probes(network):
        def probe(net, data):
            features = last_hidden(net, data.x_train[: s.samples]).double().cpu().numpy()
            return read(features, data.y_train[: s.samples].cpu().numpy())

        return {"bits": probe}

    run = train_mlp(
        s,
        rng,
        n_steps=s.steps,
        records=24,
        widths=s.widths,
        activation=s.activation,
        batch_size=200,
        loss="mse",
        weight_decay=s.decay,
        make_probes=probes,
    )
    more = {name: run[f"bits.{name}"] for name in ("binned_input", "binned_label") if f"bits.{name}" in run.data}
    return _run(run.t, run["bits.input"], run["bits.label"], run.clock, train=run["train"], **more)


@dataclass(frozen=True)
class Frozen(Settings):
    """Random features read by a trained linear readout.

    Parameters
    ----------
    samples : int
        Inputs.
    noise : float
        As in :class:`Condensation`.
    """

    samples: int = 400
    noise: float = 0.1


def frozen(s: Frozen, rng: np.random.Generator) -> Trajectory:
    """Control: a fixed representation read by a trained linear readout; only the estimator's noise changes."""
    from toymodels.layerwise import LinearModel

    x = rng.standard_normal((s.samples, 20))
    labels = (x[:, 0] > 0).astype(int)
    features = np.maximum(x @ rng.standard_normal((20, 100)), 0)
    times = np.geomspace(1e-2, 100, 20)
    theta = LinearModel(features.T @ (2.0 * labels - 1) / s.samples).solve(times)["theta"]
    bits = np.array([mixture_bits(features, labels, s.noise, seed=k) for k in range(len(times))])
    accuracy = (((theta @ features.T) > 0) == labels).mean(axis=1)
    return _run(times, bits[:, 0], bits[:, 1], "flow time", train=accuracy)


def mixture_bits(features: np.ndarray, labels: np.ndarray, noise: float, seed: int = 0) -> tuple[float, float]:
    """I(X;T) and I(Y;T) in bits of a noisy representation, scaled to a root mean square length of 1.

    Parameters
    ----------
    features : (n, N) array
        One row per input; the n inputs are equally likely.
    labels : (n,) integer array
    noise : float
        Standard deviation on each unit.
    seed : int
        Of the noise; one for all records of a run, so that they differ by the representation alone.
    """
    from toymodels.metrics.information import gaussian_mixture

    unit = features / max(np.sqrt((features**2).sum(axis=1).mean()), 1e-300)
    about_input = gaussian_mixture(unit, noise, np.random.default_rng(seed), 4)
    return about_input, gaussian_mixture(unit, noise, np.random.default_rng(seed), 4, labels=labels)


def binned_bits(features: np.ndarray, labels: np.ndarray, n_bins: int = 30) -> dict[str, float]:
    """Binned information of the layer about input and label.

    Parameters
    ----------
    features : (n, N) array
    labels : (n,) integer array
    n_bins : int
        Equal bins between the extremes of the layer.
    """
    from toymodels.metrics.information import binned

    edges = np.linspace(features.min(), features.max() + 1e-12, n_bins + 1)
    return {
        "binned_input": binned(features, np.arange(len(features)), edges),
        "binned_label": binned(features, labels, edges),
    }


def _run(t, about_input, about_label, clock: str, **more) -> Trajectory:
    return Trajectory(t, {"about_input": about_input, "about_label": about_label, **more}, clock=clock)


MODELS = {
    "frozen": Model(frozen, Frozen(), control=True),
    "layerwise": Model(layerwise, Layerwise(), off={"rank": 10}),
    "neurashed": Model(neurashed, Neurashed(), off={"batch": 32}),
    "condensation tanh": Model(condensation_tanh, Curve()),
    "condensation": Model(condensation, Condensation(), off={"decay": 1e-6}),
    "dnn": Model(digits, Digits(), off={"activation": "linear", "decay": 0.0}),
    "dnn quantised": Model(quantised_digits, Digits(activation="tanh", widths=(784, 200, 6, 10))),
}
