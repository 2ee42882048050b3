"""Each family's model of local elasticity, as adapters (params, rng) -> Trajectory with `contrast` along training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from comparisons.local_elasticity import Params

BASES = 20  # samples that are updated on, one at a time


def contrast(change: np.ndarray, labels: np.ndarray) -> float:
    """Decades between the mean relative change over the base's class and over other classes.

    Parameters
    ----------
    change : (n_base, n) array
        Relative change of the prediction at each of n samples after an update on each of the first n_base of them.
    labels : (n,) integer array

    Returns
    -------
    float
        0 without elasticity; both means are over all bases, the base itself left out.
    """
    same = labels[: len(change), None] == labels[None, :]
    other = ~same
    same[np.arange(len(change)), np.arange(len(change))] = False
    return float(np.log10(change[same].mean() / change[other].mean()))


def kernel_change(kernel: np.ndarray) -> np.ndarray:
    """Relative changes (n_base, n) of a model with one kernel for all outputs, from its (n, n) kernel."""
    return np.abs(kernel[:BASES]) / np.abs(np.diag(kernel))[:BASES, None]


def class_inputs(p: Params, rng: np.random.Generator, n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """White inputs (n, d) whose first K coordinates code the class and the rest are noise, and labels (n,)."""
    labels = np.arange(n) % p.layerwise_classes
    code = np.sqrt(p.layerwise_classes) * np.eye(p.layerwise_classes)[labels]
    return np.hstack([code, rng.standard_normal((n, p.layerwise_dim - p.layerwise_classes))]), labels


def linear(p: Params, rng: np.random.Generator) -> Trajectory:
    """Control: a linear model moves others by the inputs' inner products, and by nothing else."""
    from toymodels.layerwise import LinearModel

    x, labels = class_inputs(p, rng)
    target = np.zeros(p.layerwise_dim)
    target[0] = 1.0
    times = np.geomspace(1e-2, 10, 10)
    theta = LinearModel(target).solve(times)["theta"]
    lr = 1e-3
    series = []
    for weights in theta:
        residual = x[:BASES] @ (target - weights) + 1.0  # any non-zero residual gives the same relative change
        moved = (weights + lr * residual[:, None] * x[:BASES]) @ x.T - weights @ x.T  # (bases, n)
        series.append(contrast(np.abs(moved) / np.abs(moved[np.arange(BASES), np.arange(BASES)])[:, None], labels))
    return _run(times, series, contrast(kernel_change(x @ x.T), labels), "flow time")


def layerwise(p: Params, rng: np.random.Generator) -> Trajectory:
    """Linear network through training: closed-form gram matrices give the tangent kernel."""
    from toymodels.layerwise import LinearNetwork

    x, labels = class_inputs(p, rng)
    n_classes = p.layerwise_classes
    correlation = np.eye(n_classes, p.layerwise_dim) / np.sqrt(n_classes)  # E[one-hot x'] for these inputs
    net = LinearNetwork.balanced(correlation, n_classes, p.layerwise_imbalance, 1e-3, rng)
    times = np.geomspace(1e-2, 100, 40)
    run = net.solve(times)
    direction = np.eye(n_classes)[labels[:BASES]] - 1 / n_classes
    inner = x[:BASES] @ x.T
    series = []
    for first, last in zip(run["gram_in"], run["gram_out"], strict=True):
        through_first = (x[:BASES] @ first @ x.T)[:, :, None] * direction[:, None, :]
        through_last = inner[:, :, None] * (direction @ last)[:, None, :]
        size = np.linalg.norm(through_first + through_last, axis=2)
        series.append(contrast(size / size[np.arange(BASES), np.arange(BASES)][:, None], labels))
    return _run(times, series, contrast(kernel_change(x @ x.T), labels), "flow time")


def layerwise_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with a heavy readout: the first layer learns alone, lazily, and the kernel stays white."""
    return layerwise(replace(p, layerwise_imbalance=p.layerwise_imbalance_off), rng)


def neurashed(p: Params, rng: np.random.Generator) -> Trajectory:
    """Logit of the updated class against that of another on the random class graph, deep against its updates.

    Inputs alone give Theorem 1's limit, the ratio of common nodes within and between classes; depth goes beyond it
    (Theorem 2, at finite t).
    """
    from toymodels.neurashed.elasticity import elasticity_ratio, simulate_elasticity

    shared, own = p.neurashed_own
    sizes = (shared, own, p.neurashed_classes, p.neurashed_depth)
    rounds = np.unique(np.geomspace(1, p.neurashed_rounds, 8).astype(int))
    series = [np.log10(simulate_elasticity(int(t), *sizes, rng).ratio) for t in rounds]
    predicted = float(np.log10(elasticity_ratio(float(rounds[-1]), *sizes)))
    return _run(rounds, series, float(np.log10((shared + own) / shared)), "round", predicted=predicted)


def neurashed_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same on a shallow graph, where what moves is what the inputs share: Theorem 1."""
    return neurashed(replace(p, neurashed_depth=p.neurashed_depth_off), rng)


def condensation(p: Params, rng: np.random.Generator) -> Trajectory:
    """Tangent kernel of the two-layer ReLU net on 2-parity, condensing under weight decay."""
    return _parity(p, rng, p.condensation_decay)


def condensation_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same without decay: lazy for ever."""
    return _parity(p, rng, p.condensation_decay_off)


def _parity(p: Params, rng: np.random.Generator, decay: float) -> Trajectory:
    from toymodels.condensation.delayed import DelayedTask

    baselines = []

    def observe(x, y, x_test, y_test, a, w):
        fields = x @ w.T
        firing = fields > 0
        kernel = np.maximum(fields, 0) @ np.maximum(fields, 0).T + ((firing * a) @ (firing * a).T) * (x @ x.T)
        labels = (y > 0).astype(int)
        baselines.append(contrast(kernel_change((x @ x.T).astype(float)), labels))
        return {"contrast": contrast(kernel_change(kernel.astype(float)), labels)}

    task = DelayedTask(
        dim=p.condensation_dim,
        n_samples=p.condensation_samples,
        weight_decay=decay,
        horizon=8.0 * decay / p.condensation_decay,
    )
    run = task.simulate([rng], n_records=40, observe=observe)[0]
    return _run(run.t, run["contrast"], baselines[0], run.clock)


def dnn(p: Params, rng: np.random.Generator) -> Trajectory:
    """784-200-200-10 ReLU net on digits; its histogram for 4, 9 and 0 is kept for the figure."""
    from comparisons.digits import train_mlp
    from dnn.data import load

    split = load("mnist-mini")
    labels = split.y_train[:300].numpy()
    kept: dict = {}

    def probes(network):
        def probe(net, data):
            x, y = data.x_train[:300], data.y_train[:300]
            kept["change"] = change = network_change(net, x, y, p.dnn_loss)
            kept["fuzziness"] = _fuzziness(net, x, labels)
            return {"contrast": contrast(change[:BASES], labels)}

        return {"elasticity": probe}

    run = train_mlp(
        p,
        rng,
        n_steps=p.dnn_steps,
        records=16,
        scale=p.dnn_scale,
        batch_size=200,
        loss=p.dnn_loss,
        weight_decay=1e-4,
        make_probes=probes,
    )
    x = split.x_train[:300].numpy().astype(float)
    fours = np.flatnonzero(labels == 4)
    moved = {f"four_to_{k}": _others(kept["change"], fours, np.flatnonzero(labels == k)) for k in (4, 9, 0)}
    baseline = contrast(kernel_change(x @ x.T), labels)
    return _run(run.t, run["elasticity.contrast"], baseline, run.clock, **moved, fuzziness=kept["fuzziness"])


def dnn_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same from a start 8 times too large: it fits without moving its features."""
    return dnn(replace(p, dnn_scale=p.dnn_scale_off), rng)


def dnn_cross_entropy(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with cross-entropy in place of squared loss."""
    return dnn(replace(p, dnn_loss="cross_entropy"), rng)


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
