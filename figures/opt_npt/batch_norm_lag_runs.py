"""A deep network with batch norm trained under every control of its running statistics, from the same weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from figures.harness.curves import chosen_digits

DIGITS = (0, 2, 5)
SHOWN = 80  # samples of each digit in the planes
CONTROLS = {"usual": (0.1, False), "warm": (0.1, True), "last": (1.0, False), "slow": (0.03, False)}


def run(n_hidden: int, rng: np.random.Generator, p) -> dict[str, Any]:
    """All controls from the same initial weights, and how far apart their weights end after as many steps."""
    import torch

    from dnn.data import Split, load
    from dnn.networks.mlp import MLP

    split = load(p.data_set, root=p.data)
    split = Split(split.x_train[: p.samples], split.y_train[: p.samples], split.x_test, split.y_test)
    first = MLP((784, *[p.width] * n_hidden, 10), batch_norm=True, rng=rng).state_dict()
    data, weights = {}, {}
    for control in CONTROLS:
        curves, weights[control] = _train(control, first, split, p)
        data |= {f"{control}_{name}": values for name, values in curves.items()}
    apart = [torch.dist(weights["usual"], other) for other in weights.values()]
    return data | {"apart": float(torch.stack(apart).max() / weights["usual"].norm())}


def _train(control: str, first: dict, split, p):
    """Curves under one control, and its weights after `p.n_steps` updates."""
    import torch

    from dnn.training.config import TrainConfig
    from dnn.networks.mlp import MLP, reestimate_statistics_
    from dnn.training.loop import train

    momentum, warm = CONTROLS[control]
    network = MLP((784, *[p.width] * p.n_hidden, 10), batch_norm=True, bn_momentum=momentum)
    network.load_state_dict(first)
    if warm:
        reestimate_statistics_(network, split.x_train)
    n_steps = p.slow_steps if control == "slow" else p.n_steps
    steps = tuple(range(0, n_steps + 1, p.every))
    config = TrainConfig(n_steps, records=steps, device=p.device)
    kept = {}

    def weights(network, _) -> float:
        flat = torch.cat([linear.weight.detach().flatten() for linear in network.linears])
        if len(kept) <= p.n_steps // p.every:
            kept[len(kept)] = flat.clone()
        return float(flat.norm())

    probes: dict[str, Any] = {"control": partial(_accuracies, usual=control == "usual"), "norm": weights}
    if control == "usual":
        from dnn.probes import rank_gradients

        probes |= {"gradient": rank_gradients, "plane": _planes}
    found = train(network, split, config, np.random.default_rng(0), probes=probes)
    curves = {name.replace("control.", "").replace(".", "_"): values for name, values in found.data.items()}
    curves = {name: values for name, values in curves.items() if "loss" not in name and name != "norm"}
    if control == "usual":
        shown = [p.before // p.every, -1]
        curves |= {name: values[shown] for name, values in curves.items() if name.startswith("plane")}
    return {"steps": np.array(steps, float), **curves}, kept[max(kept)]


def _accuracies(network, split, usual: bool) -> dict[str, float]:
    """Test accuracy with batch statistics; for the `usual` run also that of training digits and with new statistics."""
    from copy import deepcopy

    from dnn.networks.mlp import reestimate_statistics_
    from dnn.probes import accuracy

    found = {"test_batch": accuracy(network, split.x_test, split.y_test, statistics="batch")}
    if usual:
        fresh = reestimate_statistics_(deepcopy(network), split.x_train)
        found["train_batch"] = accuracy(network, split.x_train, split.y_train, statistics="batch")
        found["test_reestimated"] = accuracy(fresh, split.x_test, split.y_test)
    return found


def _planes(network, split) -> dict[str, np.ndarray]:
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
        clouds[name] = points[chosen_digits(y.cpu().numpy(), DIGITS, SHOWN)].cpu().numpy()
    return clouds
