"""Each family's descent and flow from one start: (settings, rng) -> Trajectory with `sharpness` and `flow_sharpness`.

Both are top Hessian eigenvalues of the same loss, at the same, evenly spaced flow times; `loss` is that of descent.
`meta` has the learning rate `lr`, and may have `predicted_flow`, a closed form for the sharpness that the flow ends
with, and `peak_loss`, the largest loss on the way over that of the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.model import Model, Silent
from comparisons.harness.settings import Settings
from toymodels.trajectory import Trajectory
from toymodels.validation import positive, positive_int


@dataclass(frozen=True)
class Chain(Settings):
    """A chain of scalar weights, one large and the others small.

    Parameters
    ----------
    depth : int
        Weights. The flow of two at most doubles the sharpness of their start.
    large, small : float
        Sizes of the first weight and of the others; drawn within a tenth and a fifth of them.
    target : float
        What their product has to be.
    lr : float
        Learning rate. Where the flow ends at twice the edge the chain breaks: descent collapses to 0, or diverges.
    time : float
        Flow time, learning rate times updates.
    records : int
    """

    depth: int = 4
    large: float = 5.0
    small: float = 0.1
    target: float = 1.0
    lr: float = 0.35
    time: float = 1050.0
    records: int = 201

    def __post_init__(self):
        _check(self)


LARGE_BY, SMALL_BY = 0.1, 0.2  # shares by which the drawn weights differ


def layerwise(s: Chain, rng: np.random.Generator) -> Trajectory:
    """The flow ends at the minimum that its conserved quantities say, whose sharpness is known."""
    from toymodels.layerwise.chain import ScalarChain

    first = s.large * rng.uniform(1 - LARGE_BY, 1 + LARGE_BY)
    others = s.small * rng.uniform(1 - SMALL_BY, 1 + SMALL_BY, s.depth - 1)
    chain = ScalarChain(np.r_[first, others], s.target)
    steps = _steps(s)
    descent, flow = chain.simulate(int(steps[-1]), s.lr), chain.solve(s.lr * steps)
    data = {"sharpness": descent["sharpness"][steps], "loss": descent["loss"][steps]}
    meta = {"predicted_flow": chain.sharpness_at_minimum, "peak_loss": _peak(descent["loss"])}
    return _compared(s, steps, data, flow["sharpness"], **meta)


@dataclass(frozen=True)
class SineDescent(Settings):
    """Descent of a two-layer tanh network on sin 3x, to which sin 6x may be added.

    Parameters
    ----------
    width, samples : int
        Neurons, and inputs evenly spaced on [-1, 1].
    start : float
        Standard deviation of all weights.
    second : float
        Size of sin 6x in the target.
    lr : float
        Learning rate.
    time : float
        Flow time, learning rate times updates.
    records : int
    """

    width: int = 20
    samples: int = 30
    start: float = 0.1
    second: float = 0.0
    lr: float = 0.5
    time: float = 1500.0
    records: int = 41

    def __post_init__(self):
        _check(self)


@dataclass(frozen=True)
class Sine(SineDescent):
    """Descent beside its flow.

    Parameters
    ----------
    flow_lr : float
        Learning rate of the small steps that stand for the flow.
    """

    flow_lr: float = 0.05

    def __post_init__(self):
        super().__post_init__()
        positive("flow_lr", self.flow_lr)


def condensation(s: Sine, rng: np.random.Generator) -> Trajectory:
    """Exact Hessians; at the edge the sharpness is a saw-tooth, each fall a growing oscillation that stops itself."""
    from toymodels.condensation import TwoLayerNetwork

    x = np.linspace(-1, 1, s.samples)[:, None]
    y = (np.sin(3 * x) + s.second * np.sin(6 * x))[:, 0]
    start = TwoLayerNetwork.random(s.width, 1, s.start, "tanh", rng)

    def sharpness(run: Trajectory) -> np.ndarray:
        return TwoLayerNetwork(run["a"], run["w"], "tanh").sharpness(x, y)

    steps = _steps(s)
    flow_steps = _same_times(s, steps)
    descent = start.train(x, y, int(steps[-1]), s.lr, steps.tolist())
    flow = start.train(x, y, int(flow_steps[-1]), s.flow_lr, flow_steps.tolist())
    early = start.train(x, y, min(EARLY, int(steps[-1])), s.lr, every=1, record=("loss",))
    data = {"sharpness": sharpness(descent), "loss": descent["loss"]}
    return _compared(s, steps, data, sharpness(flow), peak_loss=_peak(early["loss"]))


@dataclass(frozen=True)
class Digits(Settings):
    """A tanh network from PyTorch's own start on centred digits, half the squared error.

    Parameters
    ----------
    hidden : tuple of int
        Widths.
    samples : int
        Digits.
    lr, flow_lr : float
        Learning rates of descent, and of the small steps that stand for the flow.
    time : float
        Flow time, learning rate times updates.
    records : int
    """

    hidden: tuple = (32, 32)
    samples: int = 200
    lr: float = 0.4
    flow_lr: float = 0.08
    time: float = 160.0
    records: int = 16

    def __post_init__(self):
        _check(self)
        positive("flow_lr", self.flow_lr)


HALF_SUM = 10 / 2  # half the sum of squares over ten classes, in units of their mean


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """The cross-entropy is not asked: along its flow sharpness itself rises and falls."""
    import copy

    import torch

    from dnn.data import Split, load
    from dnn.networks.mlp import MLP
    from dnn.reading.curvature import sharpness
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    data = load("mnist-mini", s.data)
    x = data.x_train[: s.samples]
    x = x - x.mean(0)
    y = torch.nn.functional.one_hot(data.y_train[: s.samples], 10).float()
    start = MLP([x.shape[1], *s.hidden, 10], activation="tanh", rng=rng)

    def curvature(network: torch.nn.Module, split: Split) -> float:
        return HALF_SUM * sharpness(network, split.x_train, split.y_train, "mse")

    def trained(steps: np.ndarray, lr: float) -> Trajectory:
        recorded = tuple(steps.tolist())
        config = TrainConfig(recorded[-1], "sgd", HALF_SUM * lr, loss="mse", records=recorded, device=s.device)
        probes = {"sharpness": curvature}
        return train(copy.deepcopy(start), Split(x, y, x[:20], y[:20]), config, np.random.default_rng(0), probes)

    steps = _steps(s)
    descent, flow = trained(steps, s.lr), trained(_same_times(s, steps), s.flow_lr)
    found = {"sharpness": descent["sharpness"], "loss": HALF_SUM * descent["train_loss"]}
    return _compared(s, steps, found, flow["sharpness"])


EARLY = 200  # updates in which a start above the edge is thrown off


def _check(s: Chain | SineDescent | Digits) -> None:
    for name in ("lr", "time"):
        positive(name, getattr(s, name))
    positive_int("records", s.records, minimum=2)


def _steps(s: Chain | Sine | Digits) -> np.ndarray:
    """Updates after which descent is looked at, evenly spaced, the start first."""
    return np.unique(np.rint(np.linspace(0, s.time / s.lr, s.records)).astype(int))


def _same_times(s: Sine | Digits, steps: np.ndarray) -> np.ndarray:
    """Small steps after which the flow has come as far."""
    return np.rint(steps * (s.lr / s.flow_lr)).astype(int)


def _compared(s: Chain | Sine | Digits, steps: np.ndarray, data: dict, flow: np.ndarray, **meta: float) -> Trajectory:
    return Trajectory(s.lr * steps, data | {"flow_sharpness": flow}, clock="flow time", meta={"lr": s.lr} | meta)


def _peak(loss: np.ndarray) -> float:
    """Largest loss over that of the start."""
    return float(loss.max() / loss[0])


MODELS = {
    "layerwise": Model(layerwise, Chain(), off={"lr": 0.03}),
    "layerwise catapult": Model(layerwise, Chain(depth=2, large=3.0, small=0.05, lr=0.3, time=300.0), off={"lr": 0.03}),
    "neurashed": Silent(
        "it has no loss and no step that could be too large: at fixed batches the log of every amplification is linear "
        "in the step, to 2e-13"
    ),
    "condensation": Model(condensation, Sine(), off={"lr": 0.1}),
    "condensation catapult": Model(
        condensation, Sine(width=50, start=0.5, second=0.5, lr=0.2, flow_lr=0.02, time=300.0), off={"lr": 0.05}
    ),
    "dnn": Model(digits, Digits(), off={"lr": 0.1}),
}
