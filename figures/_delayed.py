"""A shallow network with large initial weights trained long past its fit, and its control with random features."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures._dynamics import chosen_digits, first_time

DIGITS = (1, 5, 9)
SHOWN = 80  # samples of each digit in the planes
NOISE = (0.05, 0.1, 0.2, 0.4)


def run(scale: float, rng: np.random.Generator, p) -> dict[str, np.ndarray]:
    from comparisons.digits import train_mlp

    settings = {"optimiser": p.optimiser, "weight_decay": p.weight_decay, "loss": "mse", "batch_size": 200}
    train = partial(train_mlp, p, scale=scale, dtype=p.dtype, **settings)
    found = train(_twin(rng), n_steps=p.n_steps, records=p.records, make_probes=_probes)
    frozen = train(_twin(rng), n_steps=p.control_steps, records=4, frozen=True, make_probes=_gradient_probe)
    names = {"train", "test", "norm", "kept", "gradient", "noisy"}
    curves = {name: found[name] for name in names}
    basins = {"basin_sample": found["basin.sample"], "basin_weight": found["basin.weight"]}
    control = {"control": frozen["gradient"][-1], "control_train": frozen["train"][-1]}
    return {"steps": found.t, **curves, **basins, **control, **_clouds(found)}


def _twin(rng: np.random.Generator) -> np.random.Generator:
    """A copy, so that the control has the same first weights and batches."""
    from copy import deepcopy

    return deepcopy(rng)


def _probes(network) -> dict:
    import torch

    from dnn import probes

    initial = [linear.weight.detach().clone() for linear in network.linears]
    return _gradient_probe(network) | {
        "basin": partial(probes.basins, samples=500),
        "noisy": _noisy_accuracies,
        "norm": lambda n, _: float(torch.cat([linear.weight.flatten() for linear in n.linears]).detach().norm()),
        "kept": lambda n, _: _signs_kept(n, initial),
        "plane": _planes,
    }


def _gradient_probe(network) -> dict:
    from dnn import probes

    return {"gradient": probes.rank_gradients}


def _noisy_accuracies(network, split) -> np.ndarray:
    import torch

    from dnn.probes import accuracy

    x, y = split.x_train, split.y_train
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    return np.array([accuracy(network, x + amplitude * noise, y) for amplitude in NOISE])


def _signs_kept(network, initial) -> float:
    """Share of weights of the hidden layers that still have their first sign."""
    pairs = list(zip(network.linears, initial, strict=True))[:-1]
    same = sum(int(((linear.weight > 0) == (first.to(linear.weight) > 0)).sum()) for linear, first in pairs)
    return same / sum(first.numel() for _, first in pairs)


def _planes(network, split) -> dict[str, np.ndarray]:
    from dnn.projection import project

    clouds = {}
    for part in ("train", "test"):
        x, y = getattr(split, f"x_{part}"), getattr(split, f"y_{part}")
        index = chosen_digits(y.cpu().numpy(), DIGITS, SHOWN)
        clouds[part] = project(network, x[index]).cpu().numpy()
    return clouds


def _clouds(found) -> dict[str, np.ndarray]:
    """Clouds halfway (in log time) between fit and generalisation, and at the end."""
    before = record_before(found.t, found["train"], found["test"])
    return {f"{part}_cloud": found[f"plane.{part}"][[before, -1]] for part in ("train", "test")}


def record_before(steps: np.ndarray, train: np.ndarray, test: np.ndarray) -> int:
    """The record nearest to the geometric mean of the times of fit (.95) and of generalisation (.5), or the end."""
    fit = min(first_time(steps, train, 0.95), steps[-1])
    late = min(first_time(steps, test, 0.5), steps[-1])
    return int(np.abs(np.log(steps / np.sqrt(fit * late))).argmin())
