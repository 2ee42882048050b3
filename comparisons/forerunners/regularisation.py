"""Ensembles that drift to simpler solutions: how long before they are simpler by as much as counts what has moved?

There is no jump in time: complexity falls evenly along the exponent 2 lr^2 T noise^2 / B, of which the time is a
factor. The event is where the study's score passes from absent to shown; what is looked into begins at the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.implicit_regularisation import STUDY
from comparisons.implicit_regularisation import models as regularisation
from comparisons.order_parameters.models import spread_out, with_order
from comparisons.order_parameters.probes import SAMPLES
from toymodels.metrics.implicit_regularisation import decades_simpler, participation
from toymodels.trajectory import Trajectory
from toymodels.validation import positive_int

DEAD = "an input at which no neuron fires cannot be updated on"
LEVELS = {"train_level": 1.0, "test_level": STUDY.question.shown_from}


@dataclass(frozen=True)
class Layerwise(regularisation.Layerwise):
    """The diagonal network with noise in its labels.

    Parameters
    ----------
    lr_spread, start_spread : float
        Largest over smallest learning rate and start of the ensemble.
    records : int
        How many times to look.
    """

    steps: int = 40_000
    lr_spread: float = 2.0
    start_spread: float = 1.5
    records: int = 60

    def __post_init__(self):
        super().__post_init__()
        positive_int("records", self.records, minimum=2)


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """One run; the score is that of the interpolator at which descent without noise would end."""
    from toymodels.layerwise import SparseRegression, entropy_interpolator, label_noise_descent
    from toymodels.layerwise.snapshots import difference_snapshot

    lr, start = spread_out(rng, s.lr, s.lr_spread), spread_out(rng, s.start, s.start_spread)
    x, y, truth = SparseRegression(s.dim, s.samples, s.active, start, 0.0).sample(rng)
    steps = round(s.steps * (s.lr / lr) ** 2)
    looks = np.unique(np.rint(np.geomspace(steps / 300, steps, s.records)).astype(int))
    how: dict[str, Any] = {"lr": lr, "batch_size": min(s.batch, s.samples), "noise": s.noise}
    run = label_noise_descent(x, y, start, steps, rng=rng, records=looks.tolist(), **how)
    beta, w = run["beta"][1:], run["w"][1:]
    ends = [entropy_interpolator(x, y, *pair) for pair in zip(beta, w, strict=True)]
    full = participation(entropy_interpolator(x, y, start))
    score = decades_simpler(np.full(len(ends), full), participation(ends))
    own = {
        "effective_start": np.exp(np.log(beta).mean(axis=1)),
        "inputs_in_use": participation(w),
        "loss": ((w @ x.T - y) ** 2).mean(axis=1) / 2,
        "trace": 4 * ((run["u"][1:] ** 2 + run["v"][1:] ** 2) @ (x**2).mean(axis=0)),
    }
    made = Trajectory(run.t[1:], {**_scores(score), **own}, clock="step", meta=LEVELS)
    held_out = rng.standard_normal((SAMPLES, s.dim))
    inputs = np.vstack([x, held_out])
    snapshots = (difference_snapshot(u, v, inputs) for u, v in zip(run["u"], run["v"], strict=True))
    return with_order(made, snapshots, (inputs @ truth > 0).astype(int), s.samples, list(own))


@dataclass(frozen=True)
class Condensation(regularisation.Condensation):
    """The two-layer ReLU network with noise in its labels.

    Parameters
    ----------
    lr_spread : float
        Largest over smallest learning rate of the ensemble.
    records : int
        How many times to look.
    """

    lr_spread: float = 2.0
    records: int = 40
    steps: int = 80_000

    def __post_init__(self):
        super().__post_init__()
        positive_int("records", self.records, minimum=2)


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """One run; the score is that of the network at which descent without noise ends."""
    from toymodels.condensation import TwoLayerNetwork
    from toymodels.condensation.label_noise import (
        descend_to_loss,
        effective_directions,
        label_noise_descent,
        paired_start,
    )
    from toymodels.condensation.snapshots import two_layer_snapshot

    lr = spread_out(rng, s.lr, s.lr_spread)
    steps = round(s.steps * (s.lr / lr) ** 2)
    looks = np.unique(np.rint(np.geomspace(steps / 100, steps, s.records)).astype(int))
    teacher = rng.standard_normal((2, s.dim))
    teacher /= np.linalg.norm(teacher, axis=1, keepdims=True)
    x, held_out = rng.standard_normal((s.samples, s.dim)), rng.standard_normal((SAMPLES, s.dim))
    inputs = np.vstack([x, held_out])
    wanted = np.maximum(inputs @ teacher.T, 0).sum(axis=1)
    y = wanted[: s.samples]
    start = paired_start(s.width, s.dim, rng)
    run = label_noise_descent(start, x, y, steps, lr, min(s.batch, s.samples), s.noise, rng, looks.tolist())
    a, w = descend_to_loss(run["a"], run["w"], x, y, s.loss, regularisation.QUIET)
    directions = np.array([effective_directions(TwoLayerNetwork(*pair)) for pair in zip(a, w, strict=True)])
    score = decades_simpler(np.full(len(directions), directions[0]), directions)[1:]
    networks = TwoLayerNetwork(run["a"][1:], run["w"][1:])
    own = {
        "directions_now": np.array(
            [effective_directions(TwoLayerNetwork(*pair)) for pair in zip(run["a"][1:], run["w"][1:], strict=True)]
        ),
        "loss": networks.loss(x, y),
        "trace": (networks.jacobian(x) ** 2).sum(axis=(-2, -1)) / s.samples,
    }
    made = Trajectory(run.t[1:], {**_scores(score), **own}, clock="step", meta=LEVELS)
    middle = np.median(wanted)
    pairs = zip(run["a"], run["w"], strict=True)
    snapshots = (two_layer_snapshot(*pair, inputs) for pair in pairs)
    labels = (wanted > middle).astype(int)
    return with_order(made, snapshots, labels, s.samples, list(own), silent={"elasticity": DEAD})


def _scores(score: np.ndarray) -> dict[str, np.ndarray]:
    """The score, of which the event is; all of the way counts, so that the fit is at once."""
    return {"train": np.ones(len(score)), "test": score}
