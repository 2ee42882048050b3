"""Each family's model of skills, with its settings: (settings, rng) -> Trajectory with `skills` (n_t, n_skills).

The skills stand in the order in which they should be learned, as progress from about 0 to about 1. `meta` may have
`predicted_stage`, and `predicted_gaps` in decades.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from toymodels.metrics.emergence import LEVELS, RISE_OF_EXPONENTIAL, rise_of_sigmoid, stage_of
from toymodels.trajectory import Trajectory
from toymodels.validation import positive, positive_int


@dataclass(frozen=True)
class Layerwise(Settings):
    """A diagonal network whose inputs have variances 1, 1/ratio, 1/ratio^2, ...

    Parameters
    ----------
    skills : int
        Coordinates, each of target 1.
    ratio : float
        Variance of an input over that of the next.
    start : float
        Product of the two weights of a skill at the start.
    imbalance : float
        Difference of their squares, conserved: at 0 they grow together, from a large one, on one of them at once (Nam
        et al. 2025).
    """

    skills: int = 4
    ratio: float = 3.0
    start: float = 1e-6
    imbalance: float = 0.0

    def __post_init__(self):
        positive_int("skills", self.skills, minimum=2)
        for name in ("ratio", "start"):
            positive(name, getattr(self, name))


JITTER = (0.8, 1.25)  # factors that the drawn weights have
LAZY = 10.0  # imbalances from which on one weight stays where it is while the other moves


def drawn_weights(s: Layerwise, start: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two weights (skills,) each, about ones of product `start` whose squares differ by the imbalance."""
    large = np.sqrt(s.imbalance / 2 + np.hypot(s.imbalance / 2, start))
    a, b = (size * rng.uniform(*JITTER, s.skills) for size in (large, start / large))
    return a, b


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """Closed form; from a small balanced start every skill is a sigmoid, from a large imbalance an exponential."""
    from toymodels.layerwise import DiagonalNetwork

    a, b = drawn_weights(s, s.start, rng)
    variance = s.ratio ** -np.arange(s.skills)
    rate = variance[[0, -1]] * np.hypot(s.imbalance, 2)  # of the fastest and the slowest skill near their targets
    t = np.geomspace(1e-2 / rate[0], 3 * np.log(1e3 / min(s.start, 0.1)) / rate[1], 500)
    run = DiagonalNetwork(np.ones(s.skills), a, b, variance).solve(t)
    meta = {}
    if s.imbalance == 0 and s.start < LEVELS[0]:
        meta["predicted_stage"] = stage_of(s.ratio, rise_of_sigmoid(s.start))
    elif s.imbalance >= LAZY:
        meta["predicted_stage"] = stage_of(s.ratio, RISE_OF_EXPONENTIAL)
    return Trajectory(t, {"skills": run["product"]}, clock=run.clock, meta=meta)


@dataclass(frozen=True)
class OneLayer(Settings):
    """One layer on the same inputs: a control.

    Parameters
    ----------
    skills, ratio : int, float
        As for two layers.
    start : float
        Size of the weights at the start, of random sign.
    """

    skills: int = 4
    ratio: float = 3.0
    start: float = 0.01


def one_layer(s: OneLayer, rng: np.random.Generator) -> Trajectory:
    """Every skill is an exponential, from whatever start."""
    from toymodels.layerwise import LinearModel

    variance = s.ratio ** -np.arange(s.skills)
    t = np.geomspace(1e-2, 10 / variance[-1], 400)
    run = LinearModel(np.ones(s.skills), variance, s.start * rng.uniform(-1, 1, s.skills)).solve(t)
    meta = {"predicted_stage": stage_of(s.ratio, RISE_OF_EXPONENTIAL)}
    return Trajectory(t, {"skills": run["theta"]}, clock=run.clock, meta=meta)


@dataclass(frozen=True)
class Neurashed(Settings):
    """Disjoint chains, one a class, of which one is seen `ratio` times as often as the next.

    Parameters
    ----------
    classes, ratio : int
        Classes, and how much rarer the next.
    initial : float
        Amplification at the start.
    rule : str
        "multiplicative", or "one additive unit" a chain with the others frozen. With n additive units the logit would
        grow as t^n, and be the more sudden.
    grow : float
        Factor of one firing, or 1 plus the additive constant.
    steps : int
        Samples shown, one at a time.
    """

    classes: int = 4
    ratio: int = 3
    initial: float = 1e-2
    rule: str = "multiplicative"
    grow: float = 1.01
    steps: int = 30_000


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """The logit of a class grows exponentially, its probability when the logit is of order 1."""
    from toymodels.neurashed.separate_classes import SeparateClasses

    model = SeparateClasses(s.classes, s.ratio, s.initial, s.rule, s.grow)
    run = model.train(s.steps, rng)
    return replace(run, meta={"predicted_stage": stage_of(s.ratio, model.predicted_rise)})


@dataclass(frozen=True)
class Parities(Settings):
    """A two-layer network of x tanh x on products of two signs, each weaker than the one before.

    Parameters
    ----------
    skills, width : int
        Products, and neurons.
    ratio : float
        Strength of a product over that of the next.
    start : float
        Standard deviation of all weights.
    steps : int
        Updates.
    lr : float
        Learning rate; at starts above 0.1 less, as the kernel grows: by the square of the start.
    """

    skills: int = 3
    width: int = 200
    ratio: float = 3.0
    start: float = 0.005
    steps: int = 12_000
    lr: float = 0.05


def stable_rate(lr: float, start: float) -> float:
    """A learning rate that a kernel which grows with the square of the start can bear."""
    return lr / max(1.0, (start / 0.1) ** 2)


def condensation(s: Parities, rng: np.random.Generator) -> Trajectory:
    """The exact gradient over all inputs; ReLU, at multiplicity 1, stays near the threshold."""
    from toymodels.condensation.parity_skills import ParitySkills

    model = ParitySkills(s.skills, s.ratio, s.width, s.start)
    return model.train(s.steps, stable_rate(s.lr, s.start), rng)


@dataclass(frozen=True)
class DigitModes(Settings):
    """A 784-100-100-10 tanh network without biases on centred digits; skills are modes of their correlation.

    Parameters
    ----------
    scale : float
        Factor on PyTorch's initial weights. At 1 a third of the starts have a tenth of some mode by chance, so that the
        control stops short of it.
    samples, steps : int
        Digits, and updates of full-batch descent.
    lr : float
        Learning rate; at scales above 0.5 less, by the square of the scale, since there a kernel moves at once.
    modes : tuple of int
        Which modes of the correlation of labels and inputs, from 1.
    hidden : tuple of int
        Widths.
    """

    scale: float = 0.1
    samples: int = 500
    steps: int = 800
    lr: float = 1.0
    modes: tuple = (1, 3, 6)
    hidden: tuple = (100, 100)


def digit_modes(s: DigitModes, rng: np.random.Generator) -> Trajectory:
    """Modes in the order of their strength; gaps are predicted by the ratios of singular values (Saxe et al. 2014)."""
    import torch

    from dnn.data import Split, load
    from dnn.networks.mlp import MLP, scale_parameters_
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    digits = load("mnist-mini", s.data)
    x = digits.x_train[: s.samples]
    y = torch.nn.functional.one_hot(digits.y_train[: s.samples], 10).float()
    x, y = x - x.mean(0), y - y.mean(0)
    left, strengths, right = torch.linalg.svd(y.T @ x / len(x), full_matrices=False)
    chosen = [mode - 1 for mode in s.modes]
    left, strengths, along = left[:, chosen], strengths[chosen], x @ right[chosen].T  # (10, K), (K,), (n, K)

    def progress(network: Any, split: Split) -> Any:
        outputs = network(split.x_train).detach().cpu()
        return (((outputs @ left) * along).mean(0) / strengths).numpy()

    network = MLP([x.shape[1], *s.hidden, 10], activation="tanh", rng=rng)
    scale_parameters_(network, s.scale)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            parameter.requires_grad_(False).zero_()
    steps = np.unique(np.rint(np.geomspace(1, s.steps, RECORDS)).astype(int))
    lr = s.lr / max(1.0, (s.scale / 0.5) ** 2)
    config = TrainConfig(s.steps, "sgd", lr, loss="mse", records=tuple(steps.tolist()), device=s.device)
    run = train(network, Split(x, y, x[:50], y[:50]), config, rng, probes={"skills": progress})
    gaps = torch.log10(strengths[:-1] / strengths[1:]).tolist()
    return Trajectory(run.t, {"skills": run["skills"]}, clock=run.clock, meta={"predicted_gaps": gaps})


RECORDS = 150

MODELS = {
    "layerwise": Model(layerwise, Layerwise(), off={"imbalance": 100.0}),
    "layerwise one layer": Model(one_layer, OneLayer(), control=True),
    "neurashed": Model(neurashed, Neurashed(), off={"rule": "one additive unit"}),
    "condensation": Model(condensation, Parities(), off={"start": 0.5}),
    "dnn": Model(digit_modes, DigitModes(), off={"scale": 0.7}),
}
