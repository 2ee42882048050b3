"""Appendix H of Nam et al. (2025): what lengthens and what shortens the delay of one and the same late network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import first_times
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.grokking_approaches_claims import CLAIMS, FITTED, GENERALISED
from figures.layerwise.slow_gradients import amplify_slow_gradients

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dnn.networks.mlp import MLP

APPROACHES = {
    "usual": "large weights",
    "small": "weights x 1",
    "wide": "width x 2",
    "decay": "decay x 3",
    "rate": "rate x 3",
    "filter": "slow gradients x 3",
    "first": "first layer alone",
    "last": "last layer alone",
}


@dataclass(frozen=True)
class GrokkingApproaches(Settings):
    """The network that generalises late, and how long it is trained.

    Parameters
    ----------
    scale : float
        Factor on PyTorch's initial parameters.
    width : int
        Units of each of the two hidden layers.
    samples : int
        Training digits of 8 x 8 pixels.
    decay : float
        L2 decay under Adam.
    lr : float
        Learning rate.
    more : float
        Factor on decay, on the rate, and on slow gradients, of the runs with more of them.
    memory : float
        Share of the old mean that the filter of slow gradients keeps at a step.
    n_steps : int
        Steps, each with all training digits.
    records : int
        Steps at which accuracies are recorded.
    replicates : int
        Networks of each approach.
    """

    scale: float = 6.0
    width: int = 100
    samples: int = 200
    decay: float = 3e-3
    lr: float = 3e-3
    more: float = 3.0
    memory: float = 0.98
    n_steps: int = 4000
    records: int = 80
    replicates: int = 4


def compute(settings: GrokkingApproaches, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Training and test accuracy (approaches, runs, records) against steps."""
    axes, seed = {"approach": list(APPROACHES)}, int(rng.integers(2**32))
    runs = grid(partial(one_run, settings), axes, replicates=settings.replicates, seed=seed)
    return {"steps": runs["steps"].values[0, 0], **{name: runs[name].values for name in ("train", "test")}}


def one_run(settings: GrokkingApproaches, rng: np.random.Generator, approach: str) -> dict[str, Any]:
    """Accuracies of one network."""
    from comparisons.digits import record_steps
    from dnn.data import load
    from dnn.networks.mlp import MLP, scale_parameters_
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = load("digits")
    split = split._replace(x_train=split.x_train[: settings.samples], y_train=split.y_train[: settings.samples])
    width = settings.width * (2 if approach == "wide" else 1)
    network = MLP((split.x_train.shape[1], width, width, 10), rng=rng)
    scale_parameters_(network, 1.0 if approach == "small" else settings.scale)
    _train_only(network, approach)
    if approach == "filter":
        amplify_slow_gradients(network.parameters(), settings.memory, settings.more - 1)
    config = TrainConfig(
        n_steps=settings.n_steps,
        lr=settings.lr * (settings.more if approach == "rate" else 1),
        weight_decay=settings.decay * (settings.more if approach == "decay" else 1),
        loss="mse",
        records=record_steps(settings.n_steps, settings.records),
        device=settings.device,
    )
    run = train(network, split, config, rng)
    return {"steps": run.t, "train": run["train_accuracy"], "test": run["test_accuracy"]}


def _train_only(network: MLP, approach: str) -> None:
    """Freeze all layers but the first or the last, where the approach is one of these."""
    layers = list(network.linears)
    trained: Callable[[Any], bool] = {
        "first": lambda layer: layer is layers[0],
        "last": lambda layer: layer is layers[-1],
    }.get(approach, lambda layer: True)
    for layer in layers:
        layer.requires_grad_(trained(layer))


def draw(data: Data, settings: GrokkingApproaches) -> Figure:
    """The curves of every approach, and the moments of fit and generalisation."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import FAMILY, log_time, tidy

    figure = Figure(figsize=(13, 6), layout="constrained")
    axes = figure.subplots(2, 4, sharex=True, sharey=True)
    colour = FAMILY["layerwise"]
    usual = np.median(np.minimum(first_times(data["steps"], data["test"][0], GENERALISED), data["steps"][-1]))
    for i, (ax, title) in enumerate(zip(axes.flat, APPROACHES.values(), strict=True)):
        for run, (train, test) in enumerate(zip(data["train"][i], data["test"][i], strict=True)):
            ax.plot(data["steps"], train, "--", color="0.3", lw=1, label="train" if run == 0 else None)
            ax.plot(data["steps"], test, color=colour, label="test" if run == 0 else None)
        ax.axvline(usual, color="0.7", lw=1, ls=":", label="the first panel's median")
        ax.axhline(GENERALISED, color="0.9", lw=1, zorder=0)
        ax.set(title=f"({'abcdefgh'[i]}) {title}", ylim=(0, 1.03))
        log_time(ax, "step" if i > 3 else "")
        tidy(ax)
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy")
    axes[0, 0].legend(fontsize=8, loc="upper left")
    return figure


FIGURE = PaperFigure(
    name="layerwise/grokking_approaches",
    caption=(
        "Sections 6.2 and Appendices H.1 and H.2. What other works, which the appendix reports in words, say of the "
        "delay: that a large start and a large width make it, that adjusting decay or rate mitigates it, that decay "
        "and amplified slow gradients lead to generalisation sooner. One network for all: a ReLU network of two hidden "
        "layers on 200 digits of 8 x 8 pixels, squared error, full-batch Adam with L2, from a start six times too "
        "large; factor, decay and rate were chosen on another seed so that it generalises late within the run. The "
        "filter adds to every gradient twice its exponential mean (0.98 of the old mean is kept); the rate times three "
        f"is its control, for it enlarges fast gradients as well. Fit: training accuracy {FITTED}; generalisation: "
        f"test accuracy {GENERALISED} on 597 digits; the last step, a lower bound, where it is not reached. Dotted: "
        "when the usual network generalises."
    ),
    presets={"quick": GrokkingApproaches(), "paper": GrokkingApproaches(width=400, n_steps=20_000, records=120)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=100,
    cost="not printed in the paper; ours, with four times the width and the steps, is estimated at one CPU hour",
    aliases=("appendix-h", "appendix-h.1", "appendix-h.2"),
)
