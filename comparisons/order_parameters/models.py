"""Ensembles of the grokking models, whose jumps lie a decade apart, with every theory's order parameter read off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.grokking import models as grokking
from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.order_parameters.probes import THEORY, order_parameters
from toymodels.trajectory import Trajectory

ON_PARITY = ("activation_overlap", "rank_gradient_last", "linear_map_accuracy", "collapse_nc1")  # the cheap ones
ON_DIGITS = tuple(name for name in THEORY if name != "mixture_information")


def spread_out(rng: np.random.Generator, middle: float, spread: float) -> float:
    """A number drawn log-uniformly around `middle`, the largest `spread` times the smallest.

    Parameters
    ----------
    rng : numpy Generator
    middle, spread : float
        > 0, >= 1.
    """
    if not spread >= 1:
        raise ValueError(f"spread must be >= 1, the largest over the smallest, got {spread:g}")
    return float(middle * spread ** (rng.random() - 0.5))


def scale_and_decay(s: Any, rng: np.random.Generator) -> Any:
    """The settings of one run of an ensemble: `scale` and `decay` drawn around those of `s`."""
    scale = spread_out(rng, s.scale, s.scale_spread)
    return replace(s, scale=scale, decay=spread_out(rng, s.decay, s.decay_spread))


def with_order(run: Trajectory, names: Any, **meta: Any) -> Trajectory:
    """`run` with its order parameters named."""
    return replace(run, meta={**run.meta, **meta, "order": list(names)})


@dataclass(frozen=True)
class Layerwise(grokking.Layerwise):
    """The diagonal linear network of the grokking study.

    Parameters
    ----------
    scale_spread, decay_spread : float
        Largest over smallest scale and weight decay of the ensemble.
    """

    scale_spread: float = 2.0
    decay_spread: float = 8.0


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """One run from a scale and with a weight decay of its own."""
    return grokking.layerwise(scale_and_decay(s, rng), rng)


@dataclass(frozen=True)
class Neurashed(grokking.Neurashed):
    """The two routes of the grokking study, which has no decay: the start and the growth of the class route differ.

    Parameters
    ----------
    epsilon_spread, growth_spread : float
        Largest over smallest `epsilon` and `growth` - 1 of the ensemble.
    """

    steps: int = 20_000
    epsilon_spread: float = 100.0
    growth_spread: float = 4.0


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """One run with a handicap and a growth of its own."""
    epsilon = spread_out(rng, s.epsilon, s.epsilon_spread)
    growth = 1 + spread_out(rng, s.growth - 1, s.growth_spread)
    return grokking.neurashed(replace(s, epsilon=epsilon, growth=growth), rng)


@dataclass(frozen=True)
class Condensation(grokking.Condensation):
    """The two-layer network of the grokking study.

    Parameters
    ----------
    scale_spread, decay_spread : float
        Largest over smallest scale and weight decay of the ensemble.
    horizon : float
        Length of a run in units of 1/decay.
    records : int
        How many times to look.
    """

    decay: float = 0.03
    scale_spread: float = 2.0
    decay_spread: float = 8.0
    horizon: float = 4.0
    records: int = 64


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """One run on 2-parity; the cheap probes read it as a torch network."""
    from toymodels.condensation.delayed import DelayedTask

    own = scale_and_decay(s, rng)
    model = DelayedTask(init_scale=own.scale, weight_decay=own.decay, horizon=s.horizon)
    run = model.train([rng], n_records=s.records, observe=_parity_probe())[0]
    return with_order(run, [*grokking.TWO_LAYER_ORDER, *ON_PARITY])


def _parity_probe():
    import torch
    from torch import nn

    from dnn.data import Split

    def wrapped(a, w) -> nn.Module:
        hidden, readout = nn.Linear(w.shape[1], len(w), bias=False), nn.Linear(len(w), 2, bias=False)
        with torch.no_grad():
            hidden.weight.copy_(torch.from_numpy(w))
            readout.weight.copy_(torch.from_numpy(np.stack([-a, a])))  # class 1 where the output is positive
        return nn.Sequential(hidden, nn.ReLU(), readout)

    def observe(x, y, x_test, y_test, a, w) -> dict[str, float]:
        network = wrapped(a, w)
        x_train, x_late = (torch.from_numpy(values.astype(np.float32)) for values in (x, x_test))
        y_train, y_late = (torch.from_numpy((values > 0).astype(np.int64)) for values in (y, y_test))
        return order_parameters(network, Split(x_train, y_train, x_late, y_late), network, ON_PARITY)

    return observe


@dataclass(frozen=True)
class Digits(Settings):
    """A 784-200-200-10 ReLU network on 1,000 digits, squared loss, AdamW, which fits sooner than Adam.

    Parameters
    ----------
    scale : float
        Factor on PyTorch's initial parameters.
    decay, lr : float
        Weight decay, decoupled, and learning rate of AdamW.
    scale_spread, decay_spread : float
        Largest over smallest scale and weight decay of the ensemble.
    steps : int
        Updates at the middle of the ensemble; a run is longer by (scale/middle)^3 (middle/decay)^(2/3), roughly as its
        jump is later.
    records : int
        How many times to look, log-spaced over the last factor of 16 in time.
    level : float
        Test accuracy that counts as generalisation after 1,000 samples.
    """

    scale: float = 5.0
    decay: float = 0.17
    lr: float = 3e-3
    scale_spread: float = 1.5
    decay_spread: float = 7.0
    steps: int = 1500
    records: int = 22
    level: float = 0.80


WIDTHS = (784, 200, 200, 10)


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """One run on the embedded digits with all probes that are cheap enough."""
    from copy import deepcopy
    from functools import partial

    from dnn.data import load
    from dnn.networks.mlp import MLP, scale_parameters_
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    own = scale_and_decay(s, rng)
    network = MLP(WIDTHS, rng=rng)
    scale_parameters_(network, own.scale)
    steps = max(round(s.steps * (own.scale / s.scale) ** 3 * (s.decay / own.decay) ** (2 / 3)), 16)
    looks = np.unique(np.rint(np.geomspace(steps / 16, steps, s.records)).astype(int))
    config = TrainConfig(
        n_steps=steps,
        optimiser="adamw",
        lr=s.lr,
        weight_decay=own.decay,
        loss="mse",
        batch_size=100,
        records=tuple(map(int, looks)),
        device=s.device,
    )
    probe = partial(order_parameters, reference=deepcopy(network), names=ON_DIGITS)
    checkpoint = s.scratch / "checkpoint.pt" if s.scratch else None
    run = train(network, load("mnist-mini"), config, rng, probes={"order": probe}, checkpoint=checkpoint)
    data = {name.removeprefix("order."): values for name, values in run.data.items()}
    data |= {"train": run["train_accuracy"], "test": run["test_accuracy"]}
    return with_order(Trajectory(run.t, data, clock=run.clock), ON_DIGITS, test_level=s.level)


MODELS = {
    "layerwise": Model(layerwise, Layerwise(), members=8),
    "neurashed": Model(neurashed, Neurashed(), members=8),
    "condensation": Model(condensation, Condensation(), members=6),
    "dnn": Model(digits, Digits(), members=5),
}
