"""Each family's two trainings from one start, with its settings: (settings, rng) -> Trajectory.

`small` and `full` are complexities; `small_loss`, `full_loss` and `small_error`, `full_error` stand beside them where a
family has losses. `meta` says what the `complexity` is, which `noise` acts, and may have the `predicted` score.

Noise in the labels never ends: there, after so many updates, descent without noise makes the state comparable, and the
first record is the full batch's own solution. Noise of sampling alone dies where everything is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.implicit_regularisation.question import FITTED
from toymodels.metrics.implicit_regularisation import decades_simpler, participation
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, non_negative, positive, positive_int

RECORDS = 24  # states along a training with noise


def record_steps(n_steps: int) -> list[int]:
    """Steps at which a training with noise is looked at: 0 and even ones, a few early ones besides."""
    early = np.geomspace(1, n_steps / RECORDS, 6)
    return np.unique(np.rint(np.r_[0, early, np.linspace(0, n_steps, RECORDS - 5)])).astype(int).tolist()


def kind_of_noise(noise: float) -> str:
    """Which noise acts in a small batch, in words."""
    return f"label noise {noise:g}" if noise > 0 else "sampling noise alone"


@dataclass(frozen=True)
class Layerwise(Settings):
    """A diagonal network u^2 - v^2 on a sparse teacher, under-determined.

    Parameters
    ----------
    dim, samples, active : int
        Inputs, training samples, and inputs that the teacher uses.
    start : float
        Size of all weights at the start.
    lr : float
        Learning rate; from about 0.05 on a batch of one diverges.
    batch : int
        Samples a step, at most `samples`: then it is all of them.
    noise : float
        Of the labels, drawn again at every step, with random signs.
    steps : int
        Updates with noise.
    """

    dim: int = 100
    samples: int = 40
    active: int = 5
    start: float = 0.3
    lr: float = 0.01
    batch: int = 1
    noise: float = 0.5
    steps: int = 60_000

    def __post_init__(self):
        positive_int("steps", self.steps, minimum=100)
        non_negative("noise", self.noise)
        if positive_int("samples", self.samples) >= positive_int("dim", self.dim):
            raise ValueError(f"samples must be < dim = {self.dim}, got {self.samples}")


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """Inputs in use; the descents without noise are exact flows, whose ends have the least hyperbolic entropy."""
    from toymodels.layerwise import SparseRegression, entropy_interpolator, label_noise_descent, predicted_beta

    x, y, truth = SparseRegression(s.dim, s.samples, s.active, s.start, 0.0).sample(rng)
    how: dict[str, Any] = {"lr": s.lr, "batch_size": min(s.batch, s.samples), "noise": s.noise}
    run = label_noise_descent(x, y, s.start, s.steps, rng=rng, records=record_steps(s.steps), **how)
    flows = [entropy_interpolator(x, y, beta, w) for beta, w in zip(run["beta"], run["w"], strict=True)]
    foretold = [entropy_interpolator(x, y, predicted_beta(x, s.start, int(step), **how)) for step in run.t]
    small, full = participation(flows), np.full(len(flows), participation(flows[0]))
    predicted = decades_simpler(full, participation(foretold))
    data = {"small": small, "full": full, "predicted": predicted}
    for name, value in (
        ("loss", [((x @ w - y) ** 2).mean() / 2 for w in flows]),
        ("error", [((w - truth) ** 2).sum() for w in flows]),
    ):
        data |= {f"small_{name}": np.array(value), f"full_{name}": np.full(len(flows), value[0])}
    meta = {
        "complexity": "inputs in use",
        "noise": kind_of_noise(s.noise),
        "predicted": float(predicted[-1]),
        "start_loss": float((y**2).mean() / 2),
    }
    return Trajectory(run.t, data, clock="step", meta=meta)


@dataclass(frozen=True)
class Neurashed(Settings):
    """One class with several types of input that share some features and own others.

    Parameters
    ----------
    shared, own, types : int
        Nodes a level that fire for every type, nodes of each type, and types.
    batch : int
        Samples a step, of types drawn at random; the full batch shows all types.
    rule : {"multiplicative", "additive"}
        Firing nodes times 1.05, the others times 0.98; or firing nodes plus 0.1, the others left.
    initial : float
        Amplification at the start.
    steps : int
        Updates, as many of both.
    models : int
        Models trained at once, over which logs are averaged.
    """

    shared: int = 3
    own: int = 3
    types: int = 6
    batch: int = 1
    rule: str = "multiplicative"
    initial: float = 0.1
    steps: int = 300
    models: int = 20

    def __post_init__(self):
        choice("rule", self.rule, ("multiplicative", "additive"))
        positive_int("types", self.types, minimum=2)


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """Nodes in use of a level; a type that is not in a batch loses its own nodes to those that all share."""
    from toymodels.neurashed import Additive, Multiplicative
    from toymodels.neurashed.sparsity import (
        additive_ratio,
        effective_number,
        predicted_log_ratio,
        train_with_batch_size,
    )

    rule = Multiplicative(1.05, 0.98) if s.rule == "multiplicative" else Additive(0.1)
    sizes = {"n_shared": s.shared, "n_own": s.own, "n_types": s.types}
    run = train_with_batch_size(s.batch, rule, rng, n_steps=s.steps, initial=s.initial, replicates=s.models, **sizes)
    kept = np.unique(np.rint(np.r_[0, np.geomspace(1, s.steps, 40)])).astype(int)
    nodes = float(s.shared + s.own * s.types)  # a batch of all types makes all of them grow alike
    small = 10 ** np.log10(run["effective_number"][kept]).mean(axis=1)
    if isinstance(rule, Multiplicative):
        ratio = np.exp(predicted_log_ratio(kept, s.batch, rule, s.types))
    else:
        grown = 0.1 * kept  # of a node that fires every time
        ratio = (s.initial + additive_ratio(s.batch, s.types) * grown) / (s.initial + grown)
    mean = np.concatenate([np.ones((len(kept), s.shared)), np.repeat(ratio[:, None], s.own * s.types, axis=1)], axis=1)
    predicted = np.log10(nodes / effective_number(mean))
    data = {"small": small, "full": np.full(len(kept), nodes), "predicted": predicted}
    meta = {"complexity": "nodes in use", "noise": "types left out of a batch", "predicted": float(predicted[-1])}
    return Trajectory(run.t[kept], data, clock=run.clock, meta=meta)


@dataclass(frozen=True)
class Condensation(Settings):
    """A two-layer ReLU network on a teacher of two neurons.

    Parameters
    ----------
    dim, samples, width : int
        Inputs, training samples, and neurons, an even number: they come in pairs (a, w), (-a, w).
    lr : float
        Learning rate.
    batch : int
        Samples a step, at most `samples`: then it is all of them.
    noise : float
        Of the labels, drawn again at every step, with random signs.
    steps : int
        Updates with noise.
    loss : float
        Half the mean squared error at which the descent without noise stops.
    """

    dim: int = 5
    samples: int = 40
    width: int = 100
    lr: float = 0.02
    batch: int = 1
    noise: float = 0.7
    steps: int = 60_000
    loss: float = 1e-4

    def __post_init__(self):
        positive_int("steps", self.steps, minimum=100)
        positive("loss", self.loss)
        non_negative("noise", self.noise)


QUIET = 0.1  # learning rate of the descent without noise: descent to a loss, of which the path hardly depends on it


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """Directions in use, |a||w| shared out over clusters of neurons at cosine .95.

    The full batch descends from the start to the loss of every state: without noise in the labels the small batch goes
    below the loss that is asked for, to one that counts as none.
    """
    from toymodels.condensation import TwoLayerNetwork
    from toymodels.condensation.label_noise import (
        descend_to_loss,
        effective_directions,
        label_noise_descent,
        paired_start,
    )

    teacher = rng.standard_normal((2, s.dim))
    teacher /= np.linalg.norm(teacher, axis=1, keepdims=True)
    x, test = rng.standard_normal((s.samples, s.dim)), rng.standard_normal((1000, s.dim))
    y, wanted = (np.maximum(inputs @ teacher.T, 0).sum(axis=1) for inputs in (x, test))
    start, batch = paired_start(s.width, s.dim, rng), min(s.batch, s.samples)
    run = label_noise_descent(start, x, y, s.steps, s.lr, batch, s.noise, rng, record_steps(s.steps))
    small = TwoLayerNetwork(*descend_to_loss(run["a"], run["w"], x, y, s.loss, QUIET))
    a, w = (np.repeat(part[None], len(run.t), axis=0) for part in (start.a, start.w))
    wanted_loss = np.maximum(small.loss(x, y), FITTED * (y**2).mean() / 2)
    full = TwoLayerNetwork(*descend_to_loss(a, w, x, y, wanted_loss, QUIET))
    data = {}
    for side, networks in (("small", small), ("full", full)):
        each = [TwoLayerNetwork(*pair) for pair in zip(networks.a, networks.w, strict=True)]
        data[side] = np.array([effective_directions(network) for network in each])
        data |= {f"{side}_loss": networks.loss(x, y), f"{side}_error": 2 * networks.loss(test, wanted)}
    meta = {"complexity": "directions in use", "noise": kind_of_noise(s.noise), "start_loss": float((y**2).mean() / 2)}
    return Trajectory(run.t, data, clock="step", meta=meta)


@dataclass(frozen=True)
class Digits(Settings):
    """A 784-h-10 ReLU network on digits by plain stochastic descent of half the squared error.

    Parameters
    ----------
    samples, hidden : int
        Digits and hidden neurons.
    batch : int
        Samples a step; the full batch is all of them.
    lr : float
        Learning rate of both trainings. 2/lr is the largest curvature at which the full batch is stable.
    stop : float
        Training loss, over all digits, at which both end.
    draws : int
        Of random signs, for the trace of the Hessian.
    """

    samples: int = 500
    hidden: int = 50
    batch: int = 4
    lr: float = 0.1
    stop: float = 0.02
    draws: int = 10

    def __post_init__(self):
        positive("stop", self.stop)
        if positive_int("batch", self.batch) >= positive_int("samples", self.samples):
            raise ValueError(f"batch must be < samples = {self.samples}, got {self.batch}")


LEVELS = 14  # training losses at which both are looked at


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """Trace of the Hessian, of both at the same training losses; the clock is by how much the loss has fallen.

    The top eigenvalue would say less: the full batch holds it at 2/lr.
    """
    from copy import deepcopy

    import torch

    from dnn.data import load
    from dnn.networks.mlp import MLP
    from dnn.reading.curvature import hessian_trace, sharpness
    from dnn.training.config import torch_device
    from dnn.training.to_loss import half_squares, train_to_losses

    device = torch_device(s.device)
    split = load("mnist-mini", s.data)
    x, test = split.x_train[: s.samples].to(device), split.x_test.to(device)
    y, wanted = (
        torch.nn.functional.one_hot(labels, 10).float().to(device)
        for labels in (split.y_train[: s.samples], split.y_test)
    )
    start = MLP([x.shape[1], s.hidden, 10], activation="relu", rng=rng).to(device)
    signs, order = (int(seed) for seed in rng.integers(2**62, size=2))

    def look(network: Any) -> dict[str, float]:
        trace = hessian_trace(network, x, y, half_squares, np.random.default_rng(signs), draws=s.draws).trace
        with torch.no_grad():
            return {"trace": trace, "error": half_squares(network(test), wanted).item()}

    with torch.no_grad():
        levels = np.geomspace(half_squares(start(x), y).item(), s.stop, LEVELS)
    data: dict[str, np.ndarray] = {}
    for name, batch in (("small", s.batch), ("full", None)):
        network = deepcopy(start)
        seen = train_to_losses(network, x, y, levels.tolist(), s.lr, batch, np.random.default_rng(order), look)
        data |= {name: seen["trace"], f"{name}_loss": seen["loss"], f"{name}_error": seen["error"]}
    meta = {
        "complexity": "trace of the Hessian",
        "noise": "sampling noise",
        "top_eigenvalue": sharpness(network, x, y, half_squares),
        "edge": 2 / s.lr,
    }
    return Trajectory(levels[0] / levels, data, clock="fall of the training loss", meta=meta)


MODELS = {
    "layerwise": Model(layerwise, Layerwise(), off={"batch": 40}),
    "layerwise sampling noise": Model(layerwise, Layerwise(noise=0.0), control=True),
    "neurashed": Model(neurashed, Neurashed(), off={"batch": 32}),
    "neurashed additive": Model(neurashed, Neurashed(rule="additive"), off={"batch": 32}),
    "condensation": Model(condensation, Condensation(), off={"batch": 40}),
    "condensation sampling noise": Model(condensation, Condensation(noise=0.0), control=True),
    "dnn": Model(digits, Digits(), off={"batch": 100}),
}
