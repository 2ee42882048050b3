"""Ensembles that come to the edge of stability: how long before descent is there what has moved?

The event is the first time at which the sharpness is 2 / learning rate; what is looked into begins at the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.edge_of_stability import models as edge
from comparisons.order_parameters.models import spread_out, with_order
from toymodels.trajectory import Trajectory

LEVELS = {"train_level": 1.0, "test_level": 1.0}


@dataclass(frozen=True)
class Layerwise(edge.Chain):
    """The chain of scalar weights.

    Parameters
    ----------
    lr_spread, small_spread : float
        Largest over smallest learning rate and size of the small weights of the ensemble.
    """

    lr: float = 0.3
    small: float = 0.02
    time: float = 400.0
    lr_spread: float = 1.4
    small_spread: float = 6.0
    records: int = 120


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """One run; its order parameters are those of a function without inputs."""
    from toymodels.layerwise.chain import ScalarChain

    lr, small = spread_out(rng, s.lr, s.lr_spread), spread_out(rng, s.small, s.small_spread)
    first = s.large * rng.uniform(1 - edge.LARGE_BY, 1 + edge.LARGE_BY)
    others = small * rng.uniform(1 - edge.SMALL_BY, 1 + edge.SMALL_BY, s.depth - 1)
    chain = ScalarChain(np.r_[first, others], s.target)
    steps = _steps(s.time * (s.small / small) ** 2, lr, s.records)
    run = chain.simulate(int(steps[-1]), lr)
    weights = run["weights"][steps]
    data = {
        "weight_norm": np.linalg.norm(weights, axis=1),
        "smallest_weight": np.abs(weights).min(axis=1),
        "balance": np.abs(weights).min(axis=1) / np.abs(weights).max(axis=1),
        "kernel": run["ntk"][steps] * lr / 2,
        "gradient_norm": np.sqrt(run["ntk"][steps]) * np.abs(run["residual"][steps]),
        "loss": run["loss"][steps],
    }
    meta = {"order": list(data), "silent": {}, **LEVELS}
    return Trajectory(lr * steps, {**_scores(run["sharpness"][steps], lr), **data}, clock="flow time", meta=meta)


@dataclass(frozen=True)
class Condensation(edge.SineDescent):
    """The two-layer tanh network on sin 3x.

    Parameters
    ----------
    lr_spread, start_spread : float
        Largest over smallest learning rate and start of the ensemble.
    """

    lr: float = 0.6
    time: float = 2000.0
    records: int = 100
    lr_spread: float = 4.0
    start_spread: float = 2.0


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """One run, at the Hessian of every record."""
    from toymodels.condensation.network import TwoLayerNetwork
    from toymodels.condensation.snapshots import two_layer_snapshot

    lr, start = spread_out(rng, s.lr, s.lr_spread), spread_out(rng, s.start, s.start_spread)
    x = np.linspace(-1, 1, s.samples)[:, None]
    y = np.sin(3 * x[:, 0]) + s.second * np.sin(6 * x[:, 0])
    first = TwoLayerNetwork.random(s.width, 1, start, "tanh", rng)
    steps = _steps(s.time, lr, s.records)
    run = first.train(x, y, int(steps[-1]), lr, steps.tolist())
    kept = np.searchsorted(run.t, steps)
    a, w = run["a"][kept], run["w"][kept]
    networks = TwoLayerNetwork(a, w, "tanh")
    kernels = networks.jacobian(x)
    tops = np.linalg.norm(kernels, ord=2, axis=(-2, -1)) ** 2 / s.samples
    own = {"kernel": tops * lr / 2, "loss": run["loss"][kept]}
    data = {**_scores(networks.sharpness(x, y), lr), **own}
    made = Trajectory(lr * steps, data, clock="flow time", meta=LEVELS)
    pairs = [(first.a, first.w), *zip(a, w, strict=True)]
    snapshots = (two_layer_snapshot(outer, inner, x, "tanh") for outer, inner in pairs)
    return with_order(made, snapshots, (y > 0).astype(int), s.samples, list(own))


def _steps(time: float, lr: float, records: int) -> np.ndarray:
    """Updates at which descent is looked at, evenly spaced in the log."""
    return np.unique(np.rint(np.geomspace(1, time / lr, records)).astype(int))


def _scores(sharpness: np.ndarray, lr: float) -> dict[str, Any]:
    """Sharpness in units of the edge, of which the event is; all of the way counts, so that the fit is at once."""
    return {"train": np.ones(len(sharpness)), "test": sharpness * lr / 2}
