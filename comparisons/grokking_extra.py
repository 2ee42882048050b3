"""More models of delayed generalisation, run when they are named: `--models "linear estimator" "modular addition"`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from comparisons.grokking_models import labelled
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from comparisons.grokking import Params


def linear_estimator(p: Params, rng: np.random.Generator) -> Trajectory:
    """One linear layer, solved in closed form; the test time is predicted by the Marchenko-Pastur density.

    There is no representation to change here: the honest example of a delay without feature learning.
    """
    from toymodels.layerwise import LinearEstimator

    model = LinearEstimator(p.estimator_dim, round(p.estimator_ratio * p.estimator_dim))
    run = model.solve(np.geomspace(1e-2, 1e5, 400), rng)
    _, predicted = model.predicted_times(1 - p.estimator_level)
    meta = {"train_level": p.estimator_level, "predicted_test_time": float(predicted)}
    return labelled(Trajectory(run.t, run.data, clock=run.clock, meta=meta), p.estimator_level, [])


def linear_estimator_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with plenty of samples."""
    return linear_estimator(replace(p, estimator_ratio=p.estimator_ratio_off), rng)


def even_teacher(p: Params, rng: np.random.Generator) -> Trajectory:
    """Two-layer ReLU net on |x1| - |x2| from a large start; scores are R2."""
    return _even(p, rng, init_scale=6.0, n_samples=150)


def even_teacher_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same from a small start with four times the samples."""
    return _even(p, rng, init_scale=0.1, n_samples=600)


def _even(p: Params, rng: np.random.Generator, init_scale: float, n_samples: int) -> Trajectory:
    from toymodels.condensation.delayed import DelayedTask

    task = DelayedTask("even", dim=20, n_samples=n_samples, init_scale=init_scale, weight_decay=0.01)
    order = ["weight_norm", "n_clusters", "effective_rank", "kernel_distance", "kernel_predictor"]
    return labelled(task.simulate([rng])[0], p.even_level, order)


def batch_norm(p: Params, rng: np.random.Generator) -> Trajectory:
    """Eight hidden layers with batch norm: test digits read with running statistics against those of their own batch.

    Both curves are of test digits, so the lag between them is that of the statistics alone, which still carry their
    arbitrary start: with momentum 1 it is gone, though the weights move just the same.
    """
    from dnn import probes
    from dnn.training.config import TrainConfig
    from dnn.data import load
    from dnn.networks.mlp import MLP
    from dnn.training.loop import train

    def batch_accuracy(network, data) -> float:
        return probes.accuracy(network, data.x_test, data.y_test, statistics="batch")

    network = MLP([784, *[128] * 8, 10], batch_norm=True, bn_momentum=p.batch_norm_momentum, rng=rng)
    config = TrainConfig(n_steps=80, lr=1e-3, records=tuple(range(1, 81)), device=p.device)
    run = train(network, load("mnist-mini"), config, rng, probes={"batch": batch_accuracy})
    data = {"train": run["batch"], "test": run["test_accuracy"]}
    meta = {"train_level": p.batch_norm_level}
    run = Trajectory(run.t, data, clock=run.clock, meta=meta)
    return labelled(run, p.batch_norm_level, [])


def batch_norm_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with statistics of the last batch alone."""
    return batch_norm(replace(p, batch_norm_momentum=1.0), rng)


def modular_addition(p: Params, rng: np.random.Generator) -> Trajectory:
    """A one-layer transformer on a + b mod 47, about a minute a run."""
    from dnn.tasks.modular_addition import quick
    from dnn.training.loop import train

    task = replace(quick(), train_fraction=p.modular_fraction)
    split, network = task.split(rng), task.network(rng)
    run = train(network, split, replace(task.config, device=p.device), rng)
    data = {"train": run["train_accuracy"], "test": run["test_accuracy"]}
    return labelled(Trajectory(run.t, data, clock=run.clock), p.full_level, [])


def modular_addition_off(p: Params, rng: np.random.Generator) -> Trajectory:
    """The same with most of the pairs."""
    return modular_addition(replace(p, modular_fraction=p.modular_fraction_off), rng)
