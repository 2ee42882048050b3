"""A shallow network with large initial weights trained long past its fit, and its control with random features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import first_time
from figures.opt_npt.clouds import chosen_digits

if TYPE_CHECKING:
    from dnn.data import Split
    from dnn.networks.mlp import MLP
    from toymodels.trajectory import Trajectory

DIGITS = (1, 5, 9)
NOISE = (0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class DelayedGeneralisation(Settings):
    """Optimiser, initial weights, length of the runs, and how often to look.

    Parameters
    ----------
    optimiser : str
        "adam" (decay as L2 loss) or "adamw" (decoupled decay).
    weight_decay : float
        Decay of the weights.
    scale : float
        Factor on all initial parameters.
    n_steps : int
        Updates.
    records : int
        How many times to look.
    replicates : int
        Runs.
    dtype : str
        "float32" or "float64".
    """

    optimiser: str = "adam"
    weight_decay: float = 1e-3
    scale: float = 8.0
    n_steps: int = 12_000
    records: int = 26
    replicates: int = 3
    dtype: str = "float32"


def long_run(settings: DelayedGeneralisation, rng: np.random.Generator, scale: float) -> dict[str, Any]:
    """One run of late generalisation with every probe of the figure, and the control with random features."""
    from comparisons.digits import train_mlp

    control = _random_features(scale, _twin(rng))
    run = train_mlp(
        settings,
        rng,
        n_steps=settings.n_steps,
        records=settings.records,
        scale=scale,
        make_probes=_probes,
        optimiser=settings.optimiser,
        weight_decay=settings.weight_decay,
        dtype=settings.dtype,
        loss="mse",
        batch_size=200,
    )
    curves = {name: run[name] for name in ("train", "test", "norm", "gradient", "noisy")}
    basins = {"basin_sample": run["basin.sample"], "basin_weight": run["basin.weight"]}
    return {"steps": run.t, **curves, **basins, **control, **_clouds(run)}


def _twin(rng: np.random.Generator) -> np.random.Generator:
    """A copy, so that the control has the same first weights."""
    from copy import deepcopy

    return deepcopy(rng)


def _random_features(scale: float, rng: np.random.Generator) -> dict[str, Any]:
    """Rank gradients of the first weights, and with their readout fitted to the labels by least squares."""
    import torch

    from dnn.data import load
    from dnn.networks.mlp import MLP, scale_parameters_
    from dnn.probes import accuracy, rank_gradients

    split = load("mnist-mini")
    network = MLP((784, 200, 200, 10), rng=rng)
    scale_parameters_(network, scale)
    first = rank_gradients(network, split)
    with torch.no_grad():
        features = network.activations(split.x_train)[-1].double()
        features = torch.cat([features, features.new_ones(len(features), 1)], dim=1)
        fitted = torch.linalg.lstsq(features, torch.eye(10).double()[split.y_train], driver="gelsd").solution.T
        for parameter, values in zip(network.linears[-1].parameters(), (fitted[:, :-1], fitted[:, -1]), strict=True):
            parameter.copy_(values)
    fit = accuracy(network, split.x_train, split.y_train)
    return {"first": first, "control": rank_gradients(network, split), "control_train": fit}


def _probes(network: MLP) -> dict[str, Any]:
    import torch

    from dnn import probes

    return {
        "gradient": probes.rank_gradients,
        "basin": partial(probes.basins, samples=500),
        "noisy": _noisy_accuracies,
        "norm": lambda n, _: float(torch.cat([linear.weight.flatten() for linear in n.linears]).detach().norm()),
        "plane": _planes,
    }


def _noisy_accuracies(network: MLP, split: Split) -> np.ndarray:
    import torch

    from dnn.probes import accuracy

    x, y = split.x_train, split.y_train
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    return np.array([accuracy(network, x + amplitude * noise, y) for amplitude in NOISE])


def _planes(network: MLP, split: Split) -> dict[str, np.ndarray]:
    from dnn.reading.projection import project

    clouds = {}
    for part in ("train", "test"):
        x, y = getattr(split, f"x_{part}"), getattr(split, f"y_{part}")
        index = chosen_digits(y.cpu().numpy(), DIGITS)
        clouds[part] = project(network, x[index]).cpu().numpy()
    return clouds


def _clouds(run: Trajectory) -> dict[str, np.ndarray]:
    """Clouds halfway (in log time) between fit and generalisation, and at the end."""
    before = record_before(run.t, run["train"], run["test"])
    return {f"{part}_cloud": run[f"plane.{part}"][[before, -1]] for part in ("train", "test")}


def record_before(steps: np.ndarray, train: np.ndarray, test: np.ndarray) -> int:
    """The record nearest to the geometric mean of the times of fit (.95) and of generalisation (.5), or the end."""
    fit = min(first_time(steps, train, 0.95), steps[-1])
    late = min(first_time(steps, test, 0.5), steps[-1])
    return int(np.abs(np.log(steps / np.sqrt(fit * late))).argmin())
