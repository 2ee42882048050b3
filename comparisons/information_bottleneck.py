"""Does a representation first fit and then forget its input? Score: the share of the peak of I(X;T) lost by the end.

Information about the input is exact for the linear network (Gaussian inputs) and Monte Carlo over a mixture of
Gaussians elsewhere: finitely many inputs, their representation scaled to a root mean square length of 1, noise on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from comparisons.study import BaseParams, Knob, Runs, Study, Verdict
from toymodels.trajectory import Trajectory

DEEP = (784, 200, 200, 200, 10)
DISCRETE = {"binned_input": "binned I(X;T)", "binned_label": "binned I(Y;T)"}


@dataclass(frozen=True)
class Params(BaseParams):
    """Thresholds as shares of the peak, fixed beforehand, and each model's settings."""

    absent_below: float = 0.1
    shown_from: float = 0.25
    noise: float = 0.1  # standard deviation per unit, of a representation of root mean square length 1
    layerwise_rank: int = 2
    layerwise_dim: int = 10
    layerwise_noise: float = 0.3
    neurashed_steps: int = 600
    neurashed_batch: int = 1
    neurashed_batch_off: int = 32
    condensation_decay: float = 0.02
    condensation_decay_off: float = 1e-6
    tanh_steps: int = 20_000
    dnn_steps: int = 1000
    dnn_activation: str = "relu"
    samples: int = 400  # digits whose information is measured


def layerwise(p: Params, rng: np.random.Generator) -> Trajectory:
    """Linear network, white Gaussian inputs, T = W1 x + noise: exact; directions without a target fade."""
    from toymodels.layerwise import LinearNetwork

    d, rank = p.layerwise_dim, p.layerwise_rank
    teacher = np.zeros((d, d))
    teacher[np.arange(rank), np.arange(rank)] = 1.0
    start = rng.uniform(0.1, 0.3, d)  # positive: a negative mode would stay at a saddle for ever
    run = LinearNetwork.aligned(teacher, start, d).solve(np.geomspace(1e-2, 100, 60))
    cross = np.linalg.inv(teacher @ teacher.T + p.layerwise_noise**2 * np.eye(d))
    unexplained = np.eye(d) - teacher.T @ cross @ teacher  # covariance of x given y = teacher x + noise
    total = [_gaussian_bits(gram, np.eye(d), p.layerwise_noise) for gram in run["gram_in"]]
    rest = [_gaussian_bits(gram, unexplained, p.layerwise_noise) for gram in run["gram_in"]]
    return _run(run.t, np.array(total), np.array(total) - np.array(rest), run.clock)


def layerwise_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with a target in every direction: nothing to forget."""
    return layerwise(replace(p, layerwise_rank=p.layerwise_dim), rng)


def _gaussian_bits(gram: np.ndarray, covariance: np.ndarray, noise: float) -> float:
    """1/2 log2 det(I + C^1/2 W'W C^1/2 / s^2)."""
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return float(0.5 * np.linalg.slogdet(np.eye(len(gram)) + root @ gram @ root / noise**2)[1] / np.log(2))


def neurashed(p: Params, rng: np.random.Generator) -> Trajectory:
    """Figure 5 of the paper, second level; batches of one sample."""
    from toymodels.neurashed.bottleneck import train_bottleneck

    run = train_bottleneck(rng, n_steps=p.neurashed_steps, batch_size=p.neurashed_batch, replicas=4)
    late = run.t > 0
    bits = {name: run[name].mean(axis=1)[late] for name in ("level2_input", "level2_label")}
    return _run(run.t[late], bits["level2_input"], bits["level2_label"], run.clock)


def neurashed_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with large batches: every node fires at every step."""
    return neurashed(replace(p, neurashed_batch=p.neurashed_batch_off), rng)


def condensation(p: Params, rng: np.random.Generator) -> Trajectory:
    """Two-layer ReLU net on 2-parity, condensing under weight decay."""
    return _parity(p, rng, p.condensation_decay)


def condensation_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same without decay: lazy for ever."""
    return _parity(p, rng, p.condensation_decay_off)


def _parity(p: Params, rng: np.random.Generator, decay: float) -> Trajectory:
    from toymodels.condensation.delayed import DelayedTask

    def observe(x, y, x_test, y_test, a, w):
        features = np.maximum(x @ w.T, 0).astype(float)
        both = bits(features, (y > 0).astype(int), p.noise)
        return {"about_input": both[0], "about_label": both[1]}

    task = DelayedTask(weight_decay=decay, horizon=8.0 * decay / p.condensation_decay)
    run = task.simulate([rng], n_records=40, observe=observe)[0]
    return _run(run.t, run["about_input"], run["about_label"], run.clock)


def condensation_tanh(p: Params, rng: np.random.Generator) -> Trajectory:
    """Two-layer tanh net on a curve from a small start: condensed from the beginning."""
    from toymodels.condensation import TwoLayerNetwork

    x = np.linspace(-2, 2, 40)[:, None]
    y = np.sin(1.5 * x[:, 0])
    net = TwoLayerNetwork.random(100, 1, 0.01, "tanh", rng)
    every = np.unique(np.geomspace(1, p.tanh_steps, 40).astype(int))
    run = net.train(x, y, p.tanh_steps, 0.1, every=every, record=("w",))
    inputs = np.hstack([x, np.ones_like(x)])
    found = np.array([bits(np.tanh(inputs @ w.T), (y > 0).astype(int), p.noise) for w in run["w"]])
    late = run.t > 0
    return _run(run.t[late], found[late, 0], found[late, 1], run.clock)


def dnn(p: Params, rng: np.random.Generator) -> Trajectory:
    """784-200-200-200-10 net on digits, last hidden layer; binned estimates beside the mixture."""
    return _digits(p, rng, weight_decay=1e-4)


def dnn_quantised(p: Params, rng: np.random.Generator) -> Trajectory:
    """784-200-6-10 tanh net whose six units are read at 3 bits each: its information is an exact entropy."""
    from toymodels.metrics.information import quantised

    def read(features, labels):
        codes = np.floor(4 * (features + 1)).clip(0, 7)
        return {"input": quantised(codes, np.arange(len(codes))), "label": quantised(codes, labels)}

    small = replace(p, dnn_activation="tanh")
    return _digits(small, rng, weight_decay=1e-4, widths=(784, 200, 6, 10), read=read)


def dnn_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with linear activations and no decay, which alone makes a linear network forget a little (0.09-0.11)."""
    return _digits(replace(p, dnn_activation="linear"), rng, weight_decay=0.0)


def _digits(p: Params, rng: np.random.Generator, weight_decay: float, widths=DEEP, read=None) -> Trajectory:
    """A network's last hidden layer along training; `read(features, labels)` in place of the mixture's estimate."""
    from comparisons.digits import train_mlp
    from comparisons.order_probes import last_hidden

    def probes(network):
        def probe(net, data):
            labels = data.y_train[: p.samples].cpu().numpy()
            features = last_hidden(net, data.x_train[: p.samples])
            if read is not None:
                return read(features, labels)
            about_input, about_label = bits(features, labels, p.noise)
            return {"input": about_input, "label": about_label, **binned_bits(features, labels)}

        return {"bits": probe}

    run = train_mlp(
        p,
        rng,
        n_steps=p.dnn_steps,
        records=24,
        widths=widths,
        activation=p.dnn_activation,
        batch_size=200,
        loss="mse",
        weight_decay=weight_decay,
        make_probes=probes,
    )
    more = {name: run[f"bits.{name}"] for name in DISCRETE if f"bits.{name}" in run.data}
    return _run(run.t, run["bits.input"], run["bits.label"], run.clock, train=run["train"], **more)


def frozen(p: Params, rng: np.random.Generator) -> Trajectory:
    """Control: a fixed representation read by a trained linear readout; only the estimator's noise changes."""
    from toymodels.layerwise import LinearModel

    x = rng.standard_normal((p.samples, 20))
    labels = (x[:, 0] > 0).astype(int)
    features = np.maximum(x @ rng.standard_normal((20, 100)), 0)
    times = np.geomspace(1e-2, 100, 20)
    theta = LinearModel(features.T @ (2.0 * labels - 1) / p.samples).solve(times)["theta"]
    found = np.array([bits(features, labels, p.noise, seed=k) for k in range(len(times))])
    accuracy = (((theta @ features.T) > 0) == labels).mean(axis=1)
    return _run(times, found[:, 0], found[:, 1], "flow time", train=accuracy)


def bits(features: np.ndarray, labels: np.ndarray, noise: float, seed: int = 0) -> tuple[float, float]:
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


def estimator_bias(n: int = 400, noise: float = 0.5, dims: tuple[int, ...] = (1, 3, 10)) -> list[str]:
    """Every estimator against the known truth: X ~ N(0, I), T = X + noise, n samples; one line per dimension.

    Parameters
    ----------
    n : int
        Samples; no estimator over n known inputs can exceed log2(n).
    noise : float
        Standard deviation.
    dims : tuple of int
        Dimensions.
    """
    from toymodels.metrics.information import binned, gaussian, gaussian_mixture, ksg

    lines = []
    for d in dims:
        rng = np.random.default_rng(d)
        x = rng.standard_normal((n, d))
        t = x + noise * rng.standard_normal((n, d))
        truth = gaussian(np.eye(d), np.eye(d), noise)
        edges = np.linspace(t.min(), t.max() + 1e-9, 31)
        found = {
            "mixture": gaussian_mixture(x, noise, rng, 20),
            "ksg": ksg(x, t),
            "binned": binned(t, np.arange(n), edges),
        }
        values = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
        lines.append(f"  dimension {d}: truth {truth:.2f}, {values} (log2 n = {np.log2(n):.2f})")
    return lines


def _run(t, about_input, about_label, clock: str, **more) -> Trajectory:
    return Trajectory(t, {"about_input": about_input, "about_label": about_label, **more}, clock=clock)


def judge(runs: Sequence[Trajectory], p: Params) -> Verdict:
    """Share of the peak of I(X;T) lost by the end; what is known of the label at the end beside it."""
    lost = [1 - run["about_input"][-1] / run["about_input"].max() for run in runs]
    start, peak, end = np.median([_three(run["about_input"]) for run in runs], axis=0)
    first, label = np.median([run["about_label"][[0, -1]] for run in runs], axis=0)
    note = f"I(X;T) {start:.2f} -> {peak:.2f} -> {end:.2f} bits, I(Y;T) {first:.2f} -> {label:.2f}"
    return Verdict.from_scores(lost, p.absent_below, p.shown_from, note=note)


def _three(bits: np.ndarray) -> tuple[float, float, float]:
    """At the start, at the peak and at the end."""
    return bits[0], bits.max(), bits[-1]


def details(runs: Runs, p: Params) -> str:
    """Other estimators on the same runs, and how far each is off where the truth is known."""
    lines = []
    for row, replicates in runs.items():
        for name in DISCRETE:
            if replicates and name in replicates[0].data:
                three = np.median([_three(run[name]) for run in replicates], axis=0)
                lines.append(f"  {row}: {DISCRETE[name]} {' -> '.join(f'{value:.2f}' for value in three)}")
    if lines:
        lines.insert(0, "other estimates in bits, start -> peak -> end, median over replicates:")
    return "\n".join([*lines, "estimators of I(X;T) in bits where the truth is known, noise 0.5:", *estimator_bias()])


def plot(runs: Runs, verdicts: Mapping[str, Verdict], p: Params):
    """I(X;T) and I(Y;T) along training above, the information plane below."""
    from comparisons.information_plot import draw

    return draw(runs, verdicts)


STUDY = Study(
    name="information_bottleneck",
    question=(
        "Does a representation first fit and then forget its input? Score: share of the peak of I(X;T) lost by the "
        "end; shown from 0.25, absent below 0.1."
    ),
    presets={"quick": Params(), "paper": Params(dnn_steps=10_000, samples=1000)},
    models={
        "frozen": frozen,
        "layerwise": Knob(layerwise, layerwise_off, "target rank 2 of 10 -> 10 of 10"),
        "neurashed": Knob(neurashed, neurashed_off, "batch size 1 -> 32"),
        "condensation tanh": condensation_tanh,
        "condensation": Knob(condensation, condensation_off, "weight decay 0.02 -> 1e-6"),
        "dnn": Knob(dnn, dnn_off, "relu -> linear activations, no decay"),
        "dnn quantised": dnn_quantised,
    },
    controls=("frozen",),
    judge=judge,
    plot=plot,
    details=details,
)

if __name__ == "__main__":
    from comparisons.runner import main

    raise SystemExit(main("information_bottleneck"))
