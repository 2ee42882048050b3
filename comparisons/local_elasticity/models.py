"""Each family's model of local elasticity, with its settings: (settings, rng) -> Trajectory with `contrast`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.local_elasticity.question import pooled_contrast
from comparisons.parity import Parity, train_parity
from toymodels.trajectory import Trajectory

BASES = 20  # samples that are updated on, one at a time


def kernel_change(kernel: np.ndarray) -> np.ndarray:
    """Relative changes (n_base, n) of a model with one kernel for all outputs, from its (n, n) kernel."""
    return np.abs(kernel[:BASES]) / np.abs(np.diag(kernel))[:BASES, None]


@dataclass(frozen=True)
class Classes(Settings):
    """White inputs whose first coordinates code the class and the rest are noise.

    Parameters
    ----------
    classes, dim : int
        Number of classes, and of coordinates.
    """

    classes: int = 6
    dim: int = 24


def class_inputs(s: Classes, rng: np.random.Generator, n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, d) and labels (n,)."""
    labels = np.arange(n) % s.classes
    code = np.sqrt(s.classes) * np.eye(s.classes)[labels]
    return np.hstack([code, rng.standard_normal((n, s.dim - s.classes))]), labels


def linear(s: Classes, rng: np.random.Generator) -> Trajectory:
    """Control: a linear model moves others by the inputs' inner products, and by nothing else."""
    from toymodels.layerwise import LinearModel

    x, labels = class_inputs(s, rng)
    target = np.zeros(s.dim)
    target[0] = 1.0
    times = np.geomspace(1e-2, 10, 10)
    theta = LinearModel(target).solve(times)["theta"]
    lr = 1e-3
    series = []
    for weights in theta:
        residual = x[:BASES] @ (target - weights) + 1.0  # any non-zero residual gives the same relative change
        moved = (weights + lr * residual[:, None] * x[:BASES]) @ x.T - weights @ x.T  # (bases, n)
        change = np.abs(moved) / np.abs(moved[np.arange(BASES), np.arange(BASES)])[:, None]
        series.append(pooled_contrast(change, labels))
    return _run(times, series, pooled_contrast(kernel_change(x @ x.T), labels), "flow time")


@dataclass(frozen=True)
class Layerwise(Classes):
    """A two-layer linear network on these inputs.

    Parameters
    ----------
    imbalance : float
        Of the layers; with a heavy readout the first layer learns alone, lazily, and the kernel stays white.
    """

    imbalance: float = 0.0


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """Linear network through training: closed-form gram matrices give the tangent kernel."""
    from toymodels.layerwise import LinearNetwork

    x, labels = class_inputs(s, rng)
    n_classes = s.classes
    correlation = np.eye(n_classes, s.dim) / np.sqrt(n_classes)  # E[one-hot x'] for these inputs
    net = LinearNetwork.balanced(correlation, n_classes, s.imbalance, 1e-3, rng)
    times = np.geomspace(1e-2, 100, 40)
    run = net.solve(times)
    direction = np.eye(n_classes)[labels[:BASES]] - 1 / n_classes
    inner = x[:BASES] @ x.T
    series = []
    for first, last in zip(run["gram_in"], run["gram_out"], strict=True):
        through_first = (x[:BASES] @ first @ x.T)[:, :, None] * direction[:, None, :]
        through_last = inner[:, :, None] * (direction @ last)[:, None, :]
        size = np.linalg.norm(through_first + through_last, axis=2)
        series.append(pooled_contrast(size / size[np.arange(BASES), np.arange(BASES)][:, None], labels))
    return _run(times, series, pooled_contrast(kernel_change(x @ x.T), labels), "flow time")


@dataclass(frozen=True)
class Neurashed(Settings):
    """The random class graph of Su's theorems.

    Parameters
    ----------
    own : (int, int)
        Shared and own nodes per level.
    classes, rounds, depth : int
        Classes, rounds of updates, and levels of the graph.
    """

    own: tuple = (2, 4)
    classes: int = 3
    rounds: int = 20
    depth: int = 100


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """Logit of the updated class against that of another, deep against its updates.

    Inputs alone give Theorem 1's limit, the ratio of common nodes within and between classes; depth goes beyond it
    (Theorem 2, at finite t), and on a shallow graph what moves is what the inputs share.
    """
    from toymodels.neurashed.elasticity import elasticity_ratio, simulate_elasticity

    shared, own = s.own
    sizes = (shared, own, s.classes, s.depth)
    rounds = np.unique(np.geomspace(1, s.rounds, 8).astype(int))
    series = [np.log10(simulate_elasticity(int(t), *sizes, rng).ratio) for t in rounds]
    predicted = float(np.log10(elasticity_ratio(float(rounds[-1]), *sizes)))
    return _run(rounds, series, float(np.log10((shared + own) / shared)), "round", predicted=predicted)


@dataclass(frozen=True)
class Condensation(Parity):
    """The parity task of :class:`comparisons.parity.Parity`, small enough for its whole kernel.

    Parameters
    ----------
    dim, samples : int
        Of the inputs.
    """

    dim: int = 10
    samples: int = 100


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """Tangent kernel of the two-layer ReLU net, condensing under weight decay; without decay lazy for ever."""
    baselines = []

    def observe(x, y, x_test, y_test, a, w):
        fields = x @ w.T
        firing = fields > 0
        kernel = np.maximum(fields, 0) @ np.maximum(fields, 0).T + ((firing * a) @ (firing * a).T) * (x @ x.T)
        labels = (y > 0).astype(int)
        baselines.append(pooled_contrast(kernel_change((x @ x.T).astype(float)), labels))
        return {"contrast": pooled_contrast(kernel_change(kernel.astype(float)), labels)}

    run = train_parity(s, rng, observe, dim=s.dim, n_samples=s.samples)
    return _run(run.t, run["contrast"], baselines[0], run.clock)


@dataclass(frozen=True)
class Digits(Settings):
    """A 784-200-200-10 ReLU network on digits.

    Parameters
    ----------
    steps : int
        Updates.
    scale : float
        Factor on PyTorch's initial parameters; from one 8 times too large it fits without moving its features.
    loss : {"mse", "cross_entropy"}
    """

    steps: int = 800
    scale: float = 1.0
    loss: str = "mse"


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """Updates on digits; the histograms for 4, 9 and 0 are kept for the figure."""
    from comparisons.digits import train_mlp
    from dnn.data import load

    split = load("mnist-mini")
    labels = split.y_train[:300].numpy()
    kept: dict = {}

    def probes(network):
        def probe(net, data):
            x, y = data.x_train[:300], data.y_train[:300]
            kept["change"] = change = network_change(net, x, y, s.loss)
            kept["fuzziness"] = _fuzziness(net, x, labels)
            return {"contrast": pooled_contrast(change[:BASES], labels)}

        return {"elasticity": probe}

    run = train_mlp(
        s,
        rng,
        n_steps=s.steps,
        records=16,
        scale=s.scale,
        batch_size=200,
        loss=s.loss,
        weight_decay=1e-4,
        make_probes=probes,
    )
    x = split.x_train[:300].numpy().astype(float)
    fours = np.flatnonzero(labels == 4)
    moved = {f"four_to_{k}": _others(kept["change"], fours, np.flatnonzero(labels == k)) for k in (4, 9, 0)}
    baseline = pooled_contrast(kernel_change(x @ x.T), labels)
    return _run(run.t, run["elasticity.contrast"], baseline, run.clock, **moved, fuzziness=kept["fuzziness"])


def _fuzziness(network, x, labels: np.ndarray) -> list[float]:
    """Separation fuzziness of the inputs and of every hidden layer: how far from separated the classes are."""
    import torch

    from dnn.reading.unfolding import unfold
    from toymodels.metrics.separation import fuzziness

    with torch.no_grad():
        *hidden, _ = (outputs for _, outputs in unfold(network).layers(x))
    return [fuzziness(layer.double().cpu().numpy(), labels) for layer in (x, *hidden)]


def network_change(network, x, y, loss: str) -> np.ndarray:
    """Relative changes (n, n) of the logits at all samples after a vanishing SGD step on each.

    Parameters
    ----------
    network : torch Module
        A chain of Linear layers and activations.
    x, y : (n, d) and (n,) tensors
    loss : {"mse", "cross_entropy"}
        Whose gradient the step follows.
    """
    import torch

    from dnn.reading.kernels import tangent_kernel

    with torch.no_grad():
        logits = network(x)
        predicted = torch.softmax(logits, dim=1) if loss == "cross_entropy" else logits
        direction = predicted - torch.nn.functional.one_hot(y, logits.shape[1])
        direction = direction / direction.norm(dim=1, keepdim=True).clamp_min(1e-30)
        kernel = tangent_kernel(network, x).reshape(logits.shape[1], len(x), logits.shape[1], len(x))
        size = torch.einsum("knlb,bl->bnk", kernel, direction).norm(dim=2).double().cpu().numpy()
    return size / np.diag(size)[:, None]


def _others(change: np.ndarray, bases: np.ndarray, tests: np.ndarray) -> list[float]:
    return [float(change[b, t]) for b in bases for t in tests if b != t]


def _run(t, series, baseline: float, clock: str, **meta) -> Trajectory:
    values = np.asarray(series, dtype=float)
    return Trajectory(t, {"contrast": values}, clock=clock, meta={"baseline": float(baseline), **meta})


MODELS = {
    "linear": Model(linear, Classes(), control=True),
    "layerwise": Model(layerwise, Layerwise(), off={"imbalance": 20.0}),
    "neurashed": Model(neurashed, Neurashed(), off={"depth": 3}),
    "condensation": Model(condensation, Condensation(), off={"decay": 1e-6}),
    "dnn cross-entropy": Model(digits, Digits(loss="cross_entropy")),
    "dnn": Model(digits, Digits(), off={"scale": 8.0}),
}
