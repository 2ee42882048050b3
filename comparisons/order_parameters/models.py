"""Ensembles of the grokking models, whose jumps lie a decade apart, with every theory's order parameter read off."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.grokking import models as grokking
from comparisons.harness.model import Model, Silent
from comparisons.harness.settings import Settings
from comparisons.order_parameters.probes import KNOWN, SAMPLES, Moment, order_parameters
from toymodels.snapshot import Snapshot
from toymodels.trajectory import Trajectory


def spread_out(rng: np.random.Generator, middle: float, spread: float) -> float:
    """A number drawn log-uniformly around `middle`, the largest `spread` times the smallest.

    Parameters
    ----------
    rng : numpy Generator
    middle, spread : float
        > 0, >= 1.
    """
    if not 1 <= spread < np.inf:
        raise ValueError(f"spread must be >= 1 and finite, the largest over the smallest, got {spread:g}")
    return float(middle * spread ** (rng.random() - 0.5))


def scale_and_decay(s: Any, rng: np.random.Generator) -> Any:
    """The settings of one run of an ensemble: `scale` and `decay` drawn around those of `s`."""
    scale = spread_out(rng, s.scale, s.scale_spread)
    return replace(s, scale=scale, decay=spread_out(rng, s.decay, s.decay_spread))


def missing(names: Collection[str]) -> list[str]:
    """The order parameters that a model with quantities of these `names` does not record itself."""
    return [name for name in KNOWN if name not in names]


def with_order(
    run: Trajectory,
    snapshots: Iterable[Snapshot],
    labels: np.ndarray,
    n_train: int,
    own: Collection[str],
    silent: Mapping[str, str] | None = None,
) -> Trajectory:
    """`run` with every order parameter that it does not record itself, and why those are silent that have no meaning.

    Parameters
    ----------
    run : Trajectory
    snapshots : iterable of Snapshot
        The start, then one for each of the run's times.
    labels : (n,) array
        Classes of the samples; the first SAMPLES of each part should do.
    n_train : int
        How many are trained on.
    own : collection of str
        Order parameters that the run records itself.
    silent : mapping of str to str, optional
        Why some are not measured, which may be undefined at some moment.
    """
    states = iter(snapshots)
    start = next(states)
    names = missing([*own, *(silent or {})])
    rows = [order_parameters(Moment(now, start, labels, n_train), names) for now in states]
    made = with_rows(run, rows, own)
    return replace(made, meta={**made.meta, "silent": {**made.meta["silent"], **(silent or {})}})


def with_rows(run: Trajectory, rows: list[dict[str, Any]], own: Collection[str], **meta: Any) -> Trajectory:
    """`run` with the `rows` of every time, its `own` order parameters first; what is silent says why in `meta`."""
    silent = {name: value.why for name, value in rows[0].items() if isinstance(value, Silent)}
    data = {name: np.array([row[name] for row in rows]) for name in rows[0] if name not in silent}
    order = [*own, *data]
    return replace(run, data={**run.data, **data}, meta={**run.meta, **meta, "order": order, "silent": silent})


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
    """One run from a scale and with a weight decay of its own; classes are the signs of the targets."""
    from toymodels.layerwise.snapshots import sparse_regression_snapshots
    from toymodels.layerwise.sparse_regression import SparseRegression

    own = scale_and_decay(s, rng)
    again = deepcopy(rng)
    run = grokking.layerwise(own, rng)
    model = SparseRegression(init_scale=own.scale, weight_decay=own.decay, n_samples=own.samples)
    held_out = rng.standard_normal((SAMPLES, model.dim))
    snapshots, targets = sparse_regression_snapshots(model, run.t, again, held_out)
    return with_order(run, snapshots, (targets > 0).astype(int), own.samples, run.meta["order"])


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
    from toymodels.neurashed.delayed import DelayedGeneralisation
    from toymodels.neurashed.snapshots import delayed_snapshots

    epsilon = spread_out(rng, s.epsilon, s.epsilon_spread)
    growth = 1 + spread_out(rng, s.growth - 1, s.growth_spread)
    again = deepcopy(rng)
    run = grokking.neurashed(replace(s, epsilon=epsilon, growth=growth), rng)
    snapshots, labels = delayed_snapshots(DelayedGeneralisation(epsilon=epsilon, up=growth), s.steps, again)
    return with_order(run, snapshots, labels, len(labels), run.meta["order"])


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
    """One run on 2-parity."""
    from toymodels.condensation.delayed import DelayedTask
    from toymodels.condensation.snapshots import two_layer_snapshot

    own = scale_and_decay(s, rng)
    model = DelayedTask(init_scale=own.scale, weight_decay=own.decay, horizon=s.horizon)
    names, rows = missing(grokking.TWO_LAYER_ORDER), []

    def observe(x, y, x_test, y_test, a, w) -> dict[str, float]:
        parts = [(values[:SAMPLES], targets[:SAMPLES]) for values, targets in ((x, y), (x_test, y_test))]
        inputs, targets = (np.concatenate(values) for values in zip(*parts, strict=True))
        now = two_layer_snapshot(a, w, inputs)
        moment = Moment(now, now, (targets > 0).astype(int), len(parts[0][0]))  # no start is asked for
        rows.append(order_parameters(moment, names))
        return {}

    run = model.train([rng], n_records=s.records, observe=observe)[0]
    return with_rows(run, rows, grokking.TWO_LAYER_ORDER)


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
    """One run on the embedded digits."""
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
    moment = _network_moments(deepcopy(network))

    def probe(network, split) -> dict[str, float]:
        values = order_parameters(moment(network, split))
        return {name: value for name, value in values.items() if not isinstance(value, Silent)}

    checkpoint = s.scratch / "checkpoint.pt" if s.scratch else None
    run = train(network, load("mnist-mini"), config, rng, probes={"order": probe}, checkpoint=checkpoint)
    data = {name.removeprefix("order."): values for name, values in run.data.items()}
    data |= {"train": run["train_accuracy"], "test": run["test_accuracy"]}
    order = [name for name in KNOWN if name in data]
    meta = {"order": order, "silent": {}, "test_level": s.level}
    return Trajectory(run.t, data, clock=run.clock, meta=meta)


def _network_moments(reference):
    """Moments of a network (network, split) whose start is `reference`, which is looked at only once."""
    from dnn.training.snapshots import snapshot

    kept: list[Snapshot] = []

    def moment(network, split) -> Moment:
        import torch

        n_train = min(SAMPLES, len(split.x_train))
        x = torch.cat([split.x_train[:SAMPLES], split.x_test[:SAMPLES]])
        labels = torch.cat([split.y_train[:SAMPLES], split.y_test[:SAMPLES]])
        if not kept:
            kept.append(snapshot(reference.to(x.device, x.dtype), x, labels))
        return Moment(snapshot(network, x, labels), kept[0], labels.cpu().numpy(), n_train)

    return moment


MODELS = {
    "layerwise": Model(layerwise, Layerwise(), members=8),
    "neurashed": Model(neurashed, Neurashed(), members=8),
    "condensation": Model(condensation, Condensation(), members=6),
    "dnn": Model(digits, Digits(), members=5),
}
