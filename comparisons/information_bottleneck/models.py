"""Each family's model of the information bottleneck, with its settings: I(X;T) and I(Y;T) along training, in bits.

One noise for all: the representation is scaled to a root mean square length of 1 and gets Gaussian noise of standard
deviation NOISE per unit, so that a representation does not say more by being larger. The information is exact for the
linear network (Gaussian inputs) and Monte Carlo over a mixture of Gaussians elsewhere (finitely many inputs). Two rows
keep noise that does not scale, under which growing is learning, as their own theories have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.parity import Parity, train_parity
from toymodels.trajectory import Trajectory
from toymodels.validation import positive_int

DEEP = (784, 200, 200, 200, 10)


NOISE = 0.2  # per unit, of a representation of root mean square length 1: below every estimator's ceiling
FACTORS = {"": 1.0, "_half_noise": 0.5, "_double_noise": 2.0}
DRAWS = 3  # of the noise, to see the spread that is left to chance


@dataclass(frozen=True)
class Layerwise(Settings):
    """A two-layer linear network on white Gaussian inputs, whose untrained representation sees few directions.

    Parameters
    ----------
    rank, dim : int
        Directions with a target, of how many; with a target in every direction there is nothing to forget.
    dominant, start : float
        Squared singular value of the one direction without a target that dominates the untrained representation, as a
        common mean does that of a ReLU network, and of the others.
    noise : float
        Standard deviation per unit, of a representation of root mean square length 1, and on the target.
    horizon : float
        Length of the run in flow time.
    """

    rank: int = 2
    dim: int = 10
    dominant: float = 10.0
    start: float = 0.2
    noise: float = NOISE
    horizon: float = 100.0

    def __post_init__(self):
        if positive_int("rank", self.rank) > positive_int("dim", self.dim):
            raise ValueError(f"rank must be <= dim, got {self.rank} and {self.dim}")


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    r"""T = W1 x + noise, exact; the dominant direction fades first, which is the fit, then all others without a target.

    The prediction is the closed form of the singular values, :func:`squared_singular_values`, put into
    :math:`I(X;T)=\frac12\sum_i\log_2(1+s_i/(\sigma^2\sum_js_j))`; the run is measured from its matrices.
    """
    run, start = _linear_network(s, rng, s.dominant)
    size = np.trace(run["gram_in"], axis1=1, axis2=2)
    return _linear_information(s, run, size, start)


def _linear_network(s: Layerwise, rng: np.random.Generator, dominant: float) -> tuple[Trajectory, np.ndarray]:
    from toymodels.layerwise import LinearNetwork

    teacher = np.zeros((s.dim, s.dim))
    teacher[np.arange(s.rank), np.arange(s.rank)] = 1.0
    start = s.start * rng.uniform(0.8, 1.25, s.dim)  # positive: a negative mode would stay at a saddle for ever
    start[-1] *= dominant / s.start
    return LinearNetwork.aligned(teacher, start, s.dim).solve(np.geomspace(1e-2, s.horizon, 60)), start


def _linear_information(s: Layerwise, run: Trajectory, size: np.ndarray, start: np.ndarray) -> Trajectory:
    """Exact information of a linear network with noise of variance `s.noise`^2 `size` at every record."""
    target = (np.arange(s.dim) < s.rank).astype(float)  # squared singular values of the teacher
    unexplained = np.diag(1 - target**2 / (target**2 + s.noise**2))  # covariance of x given y = teacher x + noise
    data: dict[str, np.ndarray] = {}
    for name, factor in FACTORS.items():
        noise = factor * s.noise * np.sqrt(size)
        total, rest = (
            np.array([_gaussian_bits(gram, covariance, std) for gram, std in zip(run["gram_in"], noise, strict=True)])
            for covariance in (np.eye(s.dim), unexplained)
        )
        data |= {f"about_input{name}": total, f"about_label{name}": total - rest}
    values = squared_singular_values(run.t, start, target)
    constant = 1.0 if np.all(size == 1) else values.sum(axis=1, keepdims=True)
    data["predicted_input"] = 0.5 * np.log2(1 + values / (s.noise**2 * constant)).sum(axis=1)
    meta = {"predicted": float(1 - data["predicted_input"][-1] / data["predicted_input"].max())}
    return Trajectory(run.t, data, clock=run.clock, meta=meta)


def squared_singular_values(t: np.ndarray, start: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Squared singular values of the first layer of an aligned, balanced two-layer linear network, in closed form.

    Logistic of rate 2 S with a target S, start / (1 + 2 start t) without.

    Parameters
    ----------
    t : (n_t,) array
        Flow time.
    start, target : (d,) arrays
        Products of the two layers' singular values at t = 0, > 0, and their targets, >= 0.

    Returns
    -------
    (n_t, d) array
    """
    t = t[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        logistic = target / (1 + (target / start - 1) * np.exp(-2 * target * t))
    return np.where(target > 0, logistic, start / (1 + 2 * start * t))


def _gaussian_bits(gram: np.ndarray, covariance: np.ndarray, noise: float) -> float:
    """1/2 log2 det(I + C^1/2 W'W C^1/2 / s^2)."""
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return float(0.5 * np.linalg.slogdet(np.eye(len(gram)) + root @ gram @ root / noise**2)[1] / np.log(2))


@dataclass(frozen=True)
class LayerwiseFixed(Layerwise):
    """The linear network from a small start without a dominant direction, with noise that does not scale.

    Parameters
    ----------
    noise : float
        Standard deviation per unit, whatever the size of the representation.
    horizon : float
        Without a target a direction fades as 1 / (1 + 2 start t), slowly from a small start.
    """

    dominant: float = 0.01
    start: float = 0.01
    noise: float = 0.1
    horizon: float = 1e4


def layerwise_fixed_noise(s: LayerwiseFixed, rng: np.random.Generator) -> Trajectory:
    """With noise of a fixed size a small representation says little, so that growing is the fit."""
    run, start = _linear_network(s, rng, s.dominant)
    return _linear_information(s, run, np.ones(run.t.size), start)


@dataclass(frozen=True)
class Neurashed(Settings):
    """Figure 5 of the paper, second level.

    Parameters
    ----------
    steps, batch : int
        Updates, and samples in each; with large batches every node fires at every step.
    noise : float
        As in :class:`Layerwise`.
    """

    steps: int = 600
    batch: int = 1
    noise: float = NOISE


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """A level that tells its four patterns apart before any training, and forgets all but the class."""
    from toymodels.neurashed.bottleneck import INITIAL, rules
    from toymodels.neurashed.graphs import information_bottleneck

    task = information_bottleneck()
    run = task.model.train(
        task.inputs,
        task.labels,
        rules(),
        n_steps=s.steps,
        rng=rng,
        initial=INITIAL,
        batch_size=s.batch,
        edge_training=False,
        every=20,
    )
    fires = task.model.fire(task.inputs)[1]
    level = slice(*task.model.offsets[1:3])
    rows = [mixture_numbers(values[level] * fires, task.labels, s.noise, n=300) for values in run["amplification"]]
    late = run.t > 0
    return _of_rows(run.t[late], [row for row, kept in zip(rows, late, strict=True) if kept], run.clock, samples=8)


@dataclass(frozen=True)
class NeurashedFixed(Settings):
    """Figure 5 of the paper, second level, with the noise under which it fits first.

    Parameters
    ----------
    steps, batch : int
        As in :class:`Neurashed`.
    noise : float
        Factor on the absolute and the relative noise of :func:`toymodels.neurashed.bottleneck.train_bottleneck`.
    """

    steps: int = 600
    batch: int = 1
    noise: float = 1.0


def neurashed_fixed_noise(s: NeurashedFixed, rng: np.random.Generator) -> Trajectory:
    """The paper's picture: a level first learns which input it saw, then forgets all but the class."""
    from toymodels.neurashed.bottleneck import train_bottleneck

    seed = int(rng.integers(2**31))
    data: dict[str, np.ndarray] = {}
    for name, factor in FACTORS.items():
        run = train_bottleneck(
            np.random.default_rng(seed),
            n_steps=s.steps,
            batch_size=s.batch,
            replicates=4,
            absolute_noise=0.006 * s.noise * factor,
            relative_noise=0.003 * s.noise * factor,
        )
        late = run.t > 0
        for part in ("input", "label"):
            data[f"about_{part}{name}"] = run[f"level2_{part}"].mean(axis=1)[late]
    return Trajectory(run.t[late], data, clock=run.clock, meta={"samples": 8})


@dataclass(frozen=True)
class Condensation(Parity):
    """The parity task, and the noise on the hidden layer.

    Parameters
    ----------
    noise : float
        As in :class:`Layerwise`.
    """

    noise: float = NOISE


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """Two-layer ReLU net on 2-parity, condensing under weight decay; without decay lazy for ever."""
    samples: list[int] = []

    def observe(x, y, x_test, y_test, a, w):
        samples.append(len(x))
        return mixture_numbers(np.maximum(x @ w.T, 0).astype(float), (y > 0).astype(int), s.noise)

    run = train_parity(s, rng, observe)
    names = [name for name in run.data if name.startswith(("about_", "draw_"))]
    data = {name: run[name] for name in (*names, "train")}
    return Trajectory(run.t, data, clock=run.clock, meta={"samples": samples[0]})


@dataclass(frozen=True)
class Curve(Settings):
    """A two-layer tanh network on a curve.

    Parameters
    ----------
    steps : int
        Of gradient descent.
    noise : float
        As in :class:`Layerwise`.
    """

    steps: int = 20_000
    noise: float = NOISE


def condensation_tanh(s: Curve, rng: np.random.Generator) -> Trajectory:
    """Two-layer tanh net on a curve from a small start: condensed from the beginning."""
    from toymodels.condensation import TwoLayerNetwork

    x = np.linspace(-2, 2, 40)[:, None]
    y = np.sin(1.5 * x[:, 0])
    net = TwoLayerNetwork.random(100, 1, 0.01, "tanh", rng)
    every = np.unique(np.geomspace(1, s.steps, 40).astype(int))
    run = net.train(x, y, s.steps, 0.1, every=every, record=("w",))
    inputs = np.hstack([x, np.ones_like(x)])
    late = run.t > 0
    rows = [mixture_numbers(np.tanh(inputs @ w.T), (y > 0).astype(int), s.noise) for w in run["w"][late]]
    return _of_rows(run.t[late], rows, run.clock, samples=len(x))


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
        Weight decay; none, since it alone makes a linear network forget a little (0.09-0.11).
    widths : tuple of int
    samples : int
        Digits whose information is measured.
    noise : float
        As in :class:`Layerwise`.
    """

    steps: int = 1000
    activation: str = "relu"
    decay: float = 0.0
    widths: tuple = DEEP
    samples: int = 300
    noise: float = NOISE


Reader = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """Binned estimates beside the mixture's."""

    def read(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        return mixture_numbers(features, labels, s.noise) | binned_bits(features, labels)

    return _trained_on_digits(s, rng, read)


def quantised_digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """A narrow tanh layer whose units are read at 3 bits each: its information is an exact entropy."""
    from toymodels.metrics.information import quantised

    def read(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        codes = np.floor(4 * (features + 1)).clip(0, 7)
        return {"about_input": quantised(codes, np.arange(len(codes))), "about_label": quantised(codes, labels)}

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
    data = {name.removeprefix("bits."): values for name, values in run.data.items() if name.startswith("bits.")}
    return Trajectory(run.t, {**data, "train": run["train"]}, clock=run.clock, meta={"samples": s.samples})


@dataclass(frozen=True)
class Frozen(Settings):
    """Random features read by a trained linear readout.

    Parameters
    ----------
    samples : int
        Inputs.
    noise : float
        As in :class:`Layerwise`.
    """

    samples: int = 300
    noise: float = NOISE


def frozen(s: Frozen, rng: np.random.Generator) -> Trajectory:
    """Control: a fixed representation read by a trained linear readout; only the estimator's noise changes."""
    from toymodels.layerwise import LinearModel

    x = rng.standard_normal((s.samples, 20))
    labels = (x[:, 0] > 0).astype(int)
    features = np.maximum(x @ rng.standard_normal((20, 100)), 0)
    times = np.geomspace(1e-2, 100, 20)
    theta = LinearModel(features.T @ (2.0 * labels - 1) / s.samples).solve(times)["theta"]
    rows = [mixture_numbers(features, labels, s.noise, seed=k) for k in range(len(times))]
    run = _of_rows(times, rows, "flow time", samples=s.samples)
    accuracy = (((theta @ features.T) > 0) == labels).mean(axis=1)
    return replace(run, data={**run.data, "train": accuracy})


def mixture_numbers(
    features: np.ndarray, labels: np.ndarray, noise: float, seed: int = 0, n: int = 4
) -> dict[str, float]:
    """Information about input and label at a noise, its half and its double, and the spread over draws of the noise.

    Parameters
    ----------
    features, labels, noise, seed, n
        Of :func:`mixture_bits`.

    Returns
    -------
    dict of str to float
        `about_input`, `about_label`, the same with `_half_noise` and `_double_noise`, in bits, and `draw_spread`, the
        standard deviation of `about_input` over DRAWS draws.
    """
    numbers: dict[str, float] = {}
    for name, factor in FACTORS.items():
        both = mixture_bits(features, labels, factor * noise, seed, n)
        numbers |= {f"about_input{name}": both[0], f"about_label{name}": both[1]}
    others = [mixture_bits(features, None, noise, seed + 1000 * k, n)[0] for k in range(1, DRAWS)]
    return numbers | {"draw_spread": float(np.std([numbers["about_input"], *others], ddof=1))}


def mixture_bits(
    features: np.ndarray, labels: np.ndarray | None, noise: float, seed: int = 0, n: int = 4
) -> tuple[float, float]:
    """I(X;T) and I(Y;T) in bits of a noisy representation, scaled to a root mean square length of 1.

    Parameters
    ----------
    features : (n, N) array
        One row per input; the n inputs are equally likely.
    labels : (n,) integer array, optional
        Without any, I(Y;T) is NaN.
    noise : float
        Standard deviation on each unit.
    seed : int
        Of the noise; one for all records of a run, so that they differ by the representation alone.
    n : int
        Draws of the noise per input.
    """
    from toymodels.metrics.information import gaussian_mixture

    unit = features / max(np.sqrt((features**2).sum(axis=1).mean()), 1e-300)
    about_input = gaussian_mixture(unit, noise, np.random.default_rng(seed), n)
    if labels is None:
        return about_input, float("nan")
    return about_input, gaussian_mixture(unit, noise, np.random.default_rng(seed), n, labels=labels)


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


def _of_rows(t: np.ndarray, rows: Sequence[dict[str, float]], clock: str, samples: int) -> Trajectory:
    data = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Trajectory(t, data, clock=clock, meta={"samples": samples})


MODELS = {
    "frozen": Model(frozen, Frozen(), control=True),
    "layerwise": Model(layerwise, Layerwise(), off={"rank": 10}),
    "layerwise fixed noise": Model(layerwise_fixed_noise, LayerwiseFixed(), off={"rank": 10}),
    "neurashed": Model(neurashed, Neurashed(), off={"batch": 32}),
    "neurashed fixed noise": Model(neurashed_fixed_noise, NeurashedFixed(), off={"batch": 32}),
    "condensation tanh": Model(condensation_tanh, Curve()),
    "condensation": Model(condensation, Condensation(), off={"decay": 1e-6}),
    "dnn": Model(digits, Digits(), off={"activation": "linear"}),
    "dnn quantised": Model(quantised_digits, Digits(activation="tanh", widths=(784, 200, 6, 10))),
}
