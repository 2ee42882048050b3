"""Each family's model of delayed generalisation, as adapters (params, rng) -> Trajectory with `train` and `test`.

`meta` says what the plot and the judge need: `test_level`, `order` (the theory's own order parameters), and a
`predicted_test_time` where the theory has one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from comparisons.grokking import Params


def labelled(run: Trajectory, test_level: float, order: list[str]) -> Trajectory:
    """`run` with what the judge and the plot look for: the level of its test score, its theory's order parameters."""
    return Trajectory(run.t, run.data, clock=run.clock, meta={**run.meta, "test_level": test_level, "order": order})


def layerwise(p: Params, rng: np.random.Generator) -> Trajectory:
    """Diagonal linear net on a sparse task with too few samples: lazy fit, then decay brings it to the rich regime."""
    from toymodels.layerwise.sparse_regression import SparseRegression

    model = SparseRegression(
        init_scale=p.layerwise_scale, weight_decay=p.layerwise_decay, n_samples=p.layerwise_samples
    )
    order = ["weight_norm", "kernel_distance", "participation", "effective_features"]
    return labelled(model.simulate(rng), p.full_level, order)


def layerwise_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same from a small start: rich from the beginning."""
    return layerwise(replace(p, layerwise_scale=p.layerwise_scale_off), rng)


def neurashed(p: Params, rng: np.random.Generator) -> Trajectory:
    """Memorising votes against a class route that starts with a handicap."""
    from toymodels.neurashed.delayed import DelayedGeneralisation

    model = DelayedGeneralisation(epsilon=p.neurashed_epsilon)
    order = ["log_class_route", "log_spurious_votes", "route_share"]
    return labelled(model.simulate(p.neurashed_steps, rng), p.full_level, order)


def neurashed_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with a head start in place of the handicap: the class route wins from the first step on."""
    return neurashed(replace(p, neurashed_epsilon=p.neurashed_epsilon_off), rng)


def condensation(p: Params, rng: np.random.Generator) -> Trajectory:
    """Two-layer ReLU net on 2-parity from a large antisymmetric start, with weight decay."""
    from toymodels.condensation.delayed import DelayedTask

    model = DelayedTask(init_scale=p.condensation_scale, weight_decay=p.condensation_decay)
    order = ["weight_norm", "n_clusters", "effective_rank", "kernel_distance", "kernel_predictor"]
    run = labelled(model.simulate([rng])[0], p.full_level, order)
    return replace(run, meta={**run.meta, "prediction": "constants of the prediction fitted at these settings"})


def condensation_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same from a small start."""
    return condensation(replace(p, condensation_scale=p.condensation_scale_off), rng)


def dnn(p: Params, rng: np.random.Generator) -> Trajectory:
    """784-200-200-10 ReLU net on 1,000 digits from a start 8 times too large (Liu et al. 2023, arXiv:2210.01117)."""
    run = train_digits(p, rng, p.dnn_scale, p.dnn_steps, _lean_probes)
    return labelled(run, p.digits_level, list(LEAN))


def dnn_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same from PyTorch's own start; nothing is probed."""
    return labelled(train_digits(p, rng, p.dnn_scale_off, p.dnn_steps_off), p.digits_level, [])


def train_digits(p: Params, rng: np.random.Generator, scale: float, n_steps: int, make_probes=None) -> Trajectory:
    """Train on the embedded digits; `make_probes(network)` gives the probes of :func:`dnn.training.loop.train`."""
    from comparisons.digits import train_mlp

    settings = {"optimiser": p.dnn_optimiser, "weight_decay": p.dnn_decay, "loss": "mse", "batch_size": 200}
    records = p.dnn_records
    return train_mlp(p, rng, scale=scale, n_steps=n_steps, records=records, make_probes=make_probes, **settings)


LEAN = (
    "weight.norm",
    "kernel_distance",
    "rank_gradient.layer_1",
    "rank_gradient.layer_2",
    "linear_map.accuracy",
    "basin.sample",
    "basin.weight",
)


def _lean_probes(network) -> dict:
    """The order parameters LEAN, with few samples, since they run at every record."""
    from copy import deepcopy
    from functools import partial

    from dnn import probes

    return {
        "weight": lambda net, _: {"norm": float(sum(w.detach().square().sum() for w in net.parameters())) ** 0.5},
        "kernel_distance": partial(probes.kernel_distance, reference=deepcopy(network)),
        "rank_gradient": lambda net, data: dict(
            zip(("layer_1", "layer_2"), probes.rank_gradients(net, data), strict=True)
        ),
        "linear_map": lambda net, data: {"accuracy": probes.linear_map_accuracy(net, data)[0]},
        "basin": partial(probes.basins, draws=1, samples=500),
    }
