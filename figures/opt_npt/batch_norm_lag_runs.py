"""A deep network with batch norm trained under every control of its running statistics, from the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.clouds import chosen_digits
from figures.opt_npt.digit_networks import first_samples, perceptron

if TYPE_CHECKING:
    from torch import Tensor

    from dnn.data import Split
    from dnn.networks.mlp import MLP

DIGITS = (0, 2, 5)
CONTROLS = {"usual": (0.1, False), "warm": (0.1, True), "last": (1.0, False), "slow": (0.03, False)}  # momentum, warm


@dataclass(frozen=True)
class BatchNormLag(Settings):
    """Size of the network and the data, length of the runs, and the distance of two records.

    Parameters
    ----------
    data_set : str
        Name for :func:`dnn.data.load`.
    samples : int
        Training digits, all in one batch.
    n_hidden : int
        Hidden layers.
    width : int
        Neurons of each.
    n_steps : int
        Updates.
    slow_steps : int
        Updates with momentum 0.03, whose lag is longer.
    every : int
        Steps from one record to the next.
    before : int
        Step, a record, whose clouds are shown as those before the jump.
    replicates : int
        Runs of every control.
    """

    data_set: str = "mnist-mini"
    samples: int = 1000
    n_hidden: int = 8
    width: int = 128
    n_steps: int = 60
    slow_steps: int = 129
    every: int = 3
    before: int = 9
    replicates: int = 3


def all_controls(settings: BatchNormLag, rng: np.random.Generator, n_hidden: int) -> dict[str, Any]:
    """All controls from the same initial weights, and how far apart their weights end after as many steps."""
    import torch

    split = first_samples(settings.data_set, settings.samples, settings.data)
    first = perceptron(n_hidden + 2, settings.width, rng).state_dict()
    data, weights = {}, {}
    for control in CONTROLS:
        curves, weights[control] = _train(settings, control, first, split)
        data |= {f"{control}_{name}": values for name, values in curves.items()}
    apart = [torch.dist(weights["usual"], other) for other in weights.values()]
    return data | {"apart": float(torch.stack(apart).max() / weights["usual"].norm())}


def _train(
    settings: BatchNormLag, control: str, first: dict[str, Tensor], split: Split
) -> tuple[dict[str, np.ndarray], Tensor]:
    """Curves under one control, and its weights after `n_steps` updates."""
    import torch

    from dnn.networks.mlp import MLP, reestimate_statistics_
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    momentum, warm = CONTROLS[control]
    network = MLP((784, *[settings.width] * settings.n_hidden, 10), batch_norm=True, bn_momentum=momentum)
    network.load_state_dict(first)
    if warm:
        reestimate_statistics_(network, split.x_train)
    n_steps = settings.slow_steps if control == "slow" else settings.n_steps
    steps = tuple(range(0, n_steps + 1, settings.every))
    config = TrainConfig(n_steps, records=steps, device=settings.device)
    kept: list[Tensor] = []  # until the last record of the shorter runs

    def norm(network: Any, _: Split) -> float:
        flat = torch.cat([linear.weight.detach().flatten() for linear in network.linears])
        if len(kept) <= settings.n_steps // settings.every:
            kept.append(flat.clone())
        return float(flat.norm())

    usual = control == "usual"
    probes: dict[str, Any] = {"control": partial(_accuracies, usual=usual), "norm": norm}
    if usual:
        from dnn.probes import rank_gradients

        probes |= {"gradient": rank_gradients, "plane": _planes}
    run = train(network, split, config, np.random.default_rng(0), probes=probes)
    curves = {name.replace("control.", "").replace(".", "_"): values for name, values in run.data.items()}
    curves = {name: values for name, values in curves.items() if "loss" not in name and name != "norm"}
    if usual:
        shown = [settings.before // settings.every, -1]
        curves |= {name: values[shown] for name, values in curves.items() if name.startswith("plane")}
    return {"steps": np.array(steps, float), **curves}, kept[-1]


def _accuracies(network: MLP, split: Split, usual: bool) -> dict[str, float]:
    """Test accuracy with batch statistics; for the `usual` run also that of training digits and with new statistics."""
    from copy import deepcopy

    from dnn.networks.mlp import reestimate_statistics_
    from dnn.probes import accuracy

    accuracies = {"test_batch": accuracy(network, split.x_test, split.y_test, statistics="batch")}
    if usual:
        fresh = reestimate_statistics_(deepcopy(network), split.x_train)
        accuracies["train_batch"] = accuracy(network, split.x_train, split.y_train, statistics="batch")
        accuracies["test_reestimated"] = accuracy(fresh, split.x_test, split.y_test)
    return accuracies


def _planes(network: MLP, split: Split) -> dict[str, np.ndarray]:
    """Clouds of digits; batch statistics are those of the whole part."""
    from dnn.reading.projection import project

    clouds = {}
    for name, part, statistics in (
        ("train", "train", "batch"),
        ("eval", "test", "running"),
        ("batch", "test", "batch"),
    ):
        x, y = getattr(split, f"x_{part}"), getattr(split, f"y_{part}")
        points = project(network, x, statistics=statistics)
        clouds[name] = points[chosen_digits(y.cpu().numpy(), DIGITS)].cpu().numpy()
    return clouds
