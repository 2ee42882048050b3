"""Each family's model of delayed generalisation, with its settings: (settings, rng) -> Trajectory with `train`, `test`.

`meta` says what the judge needs: `test_level` where the task cannot be learnt fully, and `predicted_train_time` and
`predicted_test_time` where a theory has them; `order` names the theory's own order parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from toymodels.trajectory import Trajectory
from toymodels.validation import fraction


def labelled(run: Trajectory, order: list[str], **meta: Any) -> Trajectory:
    """`run` with what the judge and the picture look for: its theory's order parameters, and its own levels."""
    return replace(run, meta={**run.meta, **meta, "order": order})


@dataclass(frozen=True)
class Layerwise(Settings):
    """A diagonal linear network on a sparse task with too few samples.

    Parameters
    ----------
    scale : float
        Of the initial weights.
    decay : float
        Weight decay.
    samples : int
        Training samples.
    """

    scale: float = 3.0
    decay: float = 0.02
    samples: int = 50


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """Lazy fit, then decay brings it to the rich regime; from a small start rich from the beginning."""
    from toymodels.layerwise.sparse_regression import SparseRegression

    model = SparseRegression(init_scale=s.scale, weight_decay=s.decay, n_samples=s.samples)
    return labelled(
        model.solve(model.default_times(), rng),
        ["weight_norm", "kernel_distance", "participation", "effective_features"],
    )


@dataclass(frozen=True)
class Neurashed(Settings):
    """Memorising votes against a class route that starts with a handicap.

    Parameters
    ----------
    epsilon : float
        Start of the class route; from about 1 on it is ahead from the first record, which is no test of anything.
    growth : float
        Factor by which a firing amplifies the class route, > 1; five-fold makes up for the handicap before the votes
        have seen every sample.
    steps : int
        Batches of one sample.
    """

    epsilon: float = 1e-4
    growth: float = 1.02
    steps: int = 6000


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """Votes memorise at once; the class route wins when it has grown out of its handicap."""
    from toymodels.neurashed.delayed import DelayedGeneralisation

    run = DelayedGeneralisation(epsilon=s.epsilon, up=s.growth).simulate(s.steps, rng)
    return labelled(run, ["log_class_route", "log_spurious_votes", "route_share"])


TWO_LAYER_ORDER = ["weight_norm", "n_clusters", "effective_rank", "kernel_distance", "kernel_predictor"]


@dataclass(frozen=True)
class Condensation(Settings):
    """A two-layer ReLU network on 2-parity from a large antisymmetric start, with weight decay.

    Parameters
    ----------
    scale : float
        Of the initial weights.
    decay : float
        Weight decay.
    """

    scale: float = 4.0
    decay: float = 0.02


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """Fits by its kernel, then condenses.

    No time is predicted here: the constants of :class:`toymodels.condensation.DelayedTask` were fitted at this setting.
    """
    from toymodels.condensation.delayed import DelayedTask

    task = DelayedTask(init_scale=s.scale, weight_decay=s.decay)
    run = task.train([rng], measures=("train", "test", "weight_norm"))[0]
    return labelled(run, ["weight_norm"], predicted_train_time=None, predicted_test_time=None)


@dataclass(frozen=True)
class Digits(Settings):
    """A 784-200-200-10 ReLU network on 1,000 digits, squared loss (Liu et al. 2023, arXiv:2210.01117).

    Parameters
    ----------
    scale : float
        Factor on PyTorch's initial parameters.
    steps : int
        Updates.
    batch : int
        Samples an update.
    optimiser, decay : str, float
        Of :class:`dnn.TrainConfig`.
    records : int
        How many times to look.
    level : float
        Test accuracy that counts as generalisation after 1,000 samples, for the delay between levels.
    """

    scale: float = 8.0
    steps: int = 10_000
    batch: int = 100
    optimiser: str = "adam"
    decay: float = 1e-3
    records: int = 40
    level: float = 0.80

    def __post_init__(self):
        fraction("level", self.level)


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """From a start 8 times too large the network fits by its kernel and generalises late."""
    return labelled(train_digits(s, rng), [], test_level=s.level)


def train_digits(s: Digits, rng: np.random.Generator, make_probes: Callable[[Any], dict] | None = None) -> Trajectory:
    """Train on the embedded digits; `make_probes(network)` gives the probes of :func:`dnn.train`."""
    from comparisons.digits import train_mlp

    more = {"optimiser": s.optimiser, "weight_decay": s.decay, "loss": "mse", "batch_size": s.batch}
    return train_mlp(s, rng, scale=s.scale, n_steps=s.steps, records=s.records, make_probes=make_probes, **more)


@dataclass(frozen=True)
class Estimator(Settings):
    """One linear layer, solved in closed form.

    Parameters
    ----------
    dim : int
        Of the inputs.
    ratio : float
        Samples per dimension.
    level : float
        Share of the initial loss that must be gone.
    """

    dim: int = 1000
    ratio: float = 1.05
    level: float = 0.99

    def __post_init__(self):
        fraction("level", self.level)


def linear_estimator(s: Estimator, rng: np.random.Generator) -> Trajectory:
    """The test time is predicted by the Marchenko-Pastur density.

    There is no representation to change here: the honest example of a delay without feature learning.
    """
    from toymodels.layerwise import LinearEstimator

    model = LinearEstimator(s.dim, round(s.ratio * s.dim))
    run = model.solve(np.geomspace(1e-2, 1e5, 400), rng)
    _, predicted = model.predicted_times(1 - s.level)
    meta = {"train_level": s.level, "test_level": s.level, "predicted_test_time": float(predicted)}
    return labelled(Trajectory(run.t, run.data, clock=run.clock), [], **meta)


@dataclass(frozen=True)
class EvenTeacher(Settings):
    """A two-layer ReLU network on |x1| - |x2|; scores are R2.

    Parameters
    ----------
    scale : float
        Of the initial weights.
    samples : int
        Training samples.
    level : float
        R2 of both parts that counts.
    """

    scale: float = 6.0
    samples: int = 150
    level: float = 0.90

    def __post_init__(self):
        fraction("level", self.level)


def even_teacher(s: EvenTeacher, rng: np.random.Generator) -> Trajectory:
    """From a large start it fits by its kernel, which cannot learn the even function from so few samples."""
    from toymodels.condensation.delayed import DelayedTask

    task = DelayedTask("even", dim=20, n_samples=s.samples, init_scale=s.scale, weight_decay=0.01)
    return labelled(task.train([rng])[0], TWO_LAYER_ORDER, test_level=s.level)


@dataclass(frozen=True)
class BatchNorm(Settings):
    """Eight hidden layers with batch norm on 1,000 digits.

    Parameters
    ----------
    momentum : float
        Of the running statistics.
    level : float
        Of both accuracies, since the whole lag is over within some thirty steps.
    """

    momentum: float = 0.1
    level: float = 0.5

    def __post_init__(self):
        fraction("level", self.level)


def batch_norm(s: BatchNorm, rng: np.random.Generator) -> Trajectory:
    """Test digits read with running statistics against those of their own batch: a lag of statistics, no grokking.

    Both curves are of test digits, so the lag between them is that of the statistics alone, which still carry their
    arbitrary start: with momentum 1 it is gone, though the weights move just the same.
    """
    from dnn import probes
    from dnn.data import load
    from dnn.networks.mlp import MLP
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    def batch_accuracy(network, data) -> float:
        return probes.accuracy(network, data.x_test, data.y_test, statistics="batch")

    network = MLP([784, *[128] * 8, 10], batch_norm=True, bn_momentum=s.momentum, rng=rng)
    config = TrainConfig(n_steps=80, lr=1e-3, records=tuple(range(1, 81)), device=s.device)
    run = train(network, load("mnist-mini"), config, rng, probes={"batch": batch_accuracy})
    data = {"train": run["batch"], "test": run["test_accuracy"]}
    return labelled(Trajectory(run.t, data, clock=run.clock), [], train_level=s.level, test_level=s.level)


@dataclass(frozen=True)
class Modular(Settings):
    """A one-layer transformer on a + b mod 47.

    Parameters
    ----------
    fraction : float
        Share of the pairs that is trained on.
    """

    fraction: float = 0.55

    def __post_init__(self):
        fraction("fraction", self.fraction)


def modular_addition(s: Modular, rng: np.random.Generator) -> Trajectory:
    """About a minute a run."""
    from dnn.tasks.modular_addition import quick
    from dnn.training.loop import train

    task = replace(quick(), train_fraction=s.fraction)
    split, network = task.split(rng), task.network(rng)
    run = train(network, split, replace(task.config, device=s.device), rng)
    data = {"train": run["train_accuracy"], "test": run["test_accuracy"]}
    return labelled(Trajectory(run.t, data, clock=run.clock), [])


MODELS = {
    "layerwise": Model(layerwise, Layerwise(), off={"scale": 0.03}),
    "linear estimator": Model(linear_estimator, Estimator(), off={"ratio": 4.0}, on_request=True),
    "neurashed": Model(neurashed, Neurashed(), off={"growth": 5.0}),
    "condensation": Model(condensation, Condensation(), off={"scale": 0.1}),
    "condensation even": Model(even_teacher, EvenTeacher(), off={"scale": 0.1}, on_request=True),
    "dnn": Model(digits, Digits(), off={"scale": 1.0}),
    "statistics lag": Model(batch_norm, BatchNorm(), off={"momentum": 1.0}, on_request=True, stream="dnn batch norm"),
    "modular addition": Model(modular_addition, Modular(), off={"fraction": 0.9}, on_request=True),
}
