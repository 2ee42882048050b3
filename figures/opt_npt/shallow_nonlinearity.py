"""Figure 2 of the 2025 paper: a shallow tanh network, its linear twin and its linear substitution map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.digit_networks import digits, layer_densities
from figures.opt_npt.shallow_nonlinearity_claims import CLAIMS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = ("tanh", "linear network", "linear map")


@dataclass(frozen=True)
class ShallowNonlinearity(Settings):
    """Training sets of several sizes, each learnt in the same number of steps, so that only the size differs.

    Parameters
    ----------
    samples : tuple of int
        Sizes of the training sets, ascending.
    width : int
        Hidden neurons.
    n_steps : int
        Updates for every training set.
    batch_size : int
        Digits in a batch.
    lr : float
        Learning rate of Adam.
    records : int
        How many times to look.
    n_test : int
        Test digits.
    replicates : int
        Runs of every training set.
    early : int
        Step up to which training counts as its early stage.
    """

    samples: tuple[int, ...] = (600, 2000, 10000)
    width: int = 512
    n_steps: int = 700
    batch_size: int = 100
    lr: float = 1e-3
    records: int = 14
    n_test: int = 2000
    replicates: int = 3
    early: int = 50


def train_pair(settings: ShallowNonlinearity, rng: np.random.Generator, samples: int) -> dict[str, np.ndarray]:
    """The tanh network and the linear one from the same start: accuracies (n_t, 3), densities (n_t, 2, bins)."""
    from dnn.networks.mlp import MLP
    from dnn.probes import linear_map_accuracy, rank_gradients
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = digits(settings, samples, settings.n_test, standardised=False)
    config = TrainConfig(
        settings.n_steps,
        lr=settings.lr,
        batch_size=settings.batch_size,
        records=settings.records,
        device=settings.device,
    )
    seed = int(rng.integers(2**32))
    probes = {"pruned": linear_map_accuracy, "gradient": rank_gradients, "density": layer_densities}
    runs = []
    for activation in ("tanh", "linear"):
        same = np.random.default_rng(seed)
        network = MLP([784, settings.width, 10], activation, rng=same)
        runs.append(train(network, split, config, same, probes=probes))
    accuracy = [runs[0]["test_accuracy"], runs[1]["test_accuracy"], runs[0]["pruned"][:, 0]]
    return {
        "step": runs[0].t,
        "accuracy": np.stack(accuracy, axis=1),
        "gradient": np.stack([run["gradient"][:, 0] for run in runs], axis=1),
        "density": np.stack([run["density"][:, 0] for run in runs], axis=1),
    }


def compute(settings: ShallowNonlinearity, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Networks and their linear twins over sample sizes and along training."""
    axes = {"samples": settings.samples}
    seed = int(rng.integers(2**31))
    runs = grid(partial(train_pair, settings), axes, replicates=settings.replicates, seed=seed)
    kept = {name: runs[name].values for name in ("accuracy", "gradient", "density")}  # (sizes, replicates, n_t, ...)
    sizes = {"samples": np.array(settings.samples), "early": np.array(settings.early)}
    last = kept["density"][:, :, -1]  # what is judged; all of them are drawn
    return {**sizes, "step": runs["step"].values[0, 0], **kept, "last_density": last}


def draw(data: Data, settings: ShallowNonlinearity) -> Figure:
    """Panels a to e as in the paper."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    from comparisons.harness.style import DASHES, ORDER, log_time, tidy

    figure = Figure(figsize=(12, 6.4), layout="constrained")
    panels = figure.subplot_mosaic("aabbee;ccdd..")
    mean = {name: data[name].mean(axis=1) for name in ("accuracy", "gradient", "density")}
    for k, name in enumerate(NETWORKS):
        line: dict[str, Any] = {"color": ORDER[k], "linestyle": DASHES[k], "label": name}
        panels["a"].plot(data["samples"], mean["accuracy"][:, -1, k], marker="o", **line)
        panels["b"].plot(data["step"][1:], mean["accuracy"][-1, 1:, k], **line)
    rank = (np.arange(data["density"].shape[-1]) + 0.5) / data["density"].shape[-1]
    for panel, size in (("c", 0), ("d", -1)):
        for k in range(2):
            density = data["last_density"][size, :, k].mean(axis=0)
            panels[panel].plot(rank, density, color=ORDER[k], linestyle=DASHES[k], label=NETWORKS[k])
    chosen = np.unique(np.linspace(1, len(data["step"]) - 1, 6).astype(int))
    for k, record in enumerate(chosen):
        shade = colormaps["viridis"](k / len(chosen))
        panels["e"].plot(rank, mean["density"][-1, record, 0], color=shade, label=f"step {data['step'][record]:g}")
    titles = {
        "a": f"after {data['step'][-1]:g} steps",
        "b": f"{data['samples'][-1]} samples",
        "c": f"{data['samples'][0]} samples",
        "d": f"{data['samples'][-1]} samples",
        "e": f"tanh network, {data['samples'][-1]} samples",
    }
    panels["a"].set(xscale="log", xlabel="training samples", ylabel="test accuracy")
    log_time(panels["b"], "step")
    panels["b"].set(ylabel="test accuracy")
    for name, axes in panels.items():
        if name in "cde":
            axes.set(xlabel="normalised rank (0 is the largest)", ylabel="rank probability density")
        axes.set_title(f"({name}) {titles[name]}", loc="left")
        axes.legend(fontsize="small")
        tidy(axes)
    return figure


FIGURE = PaperFigure(
    name="opt_npt/shallow_nonlinearity",
    caption=(
        "Figure 2. A shallow tanh network behaves like a linear one with few samples and early in training, and leaves "
        "it with many samples. (a) test accuracy against the size of the training set, (b) against time for the "
        "largest set, (c, d) rank probability densities of the hidden layer for the smallest and the largest set, (e) "
        "density of the tanh network in time. The paper prints neither optimiser nor learning rate nor loss: Adam at "
        "0.001, batches of 100, cross-entropy and pixels in [0, 1] are our choice, and every set gets the same number "
        "of steps, so that its size alone differs. Quick: 512 instead of 2,048 hidden neurons and at most 10,000 "
        "digits of MNIST, which must be on this machine or reachable."
    ),
    presets={
        "quick": ShallowNonlinearity(),
        "large": ShallowNonlinearity(samples=(600, 2000, 6000, 20_000, 60_000), width=1024, n_steps=3000, n_test=5000),
        "paper": ShallowNonlinearity(
            samples=(600, 2000, 6000, 20000, 60000), width=2048, n_steps=6000, records=25, n_test=10000, replicates=3
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=226,
    large_seconds=872,
    cost="about 1.5 CPU-hours on one core, estimated from 25 ms a step",
    aliases=("dnn_n2", "fig-2"),
    stream="dnn_n2",
)
