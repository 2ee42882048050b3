"""Section 6.2 of Nam et al. (2025): a convolutional network from heavier later layers learns its earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, READING, Claim, Quantity, every_run, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from dnn.data import Split
    from dnn.networks.convolutional import OneConvolution

SERIES = ("train", "test", "turned")
STARTS = ("upstream", "balanced", "downstream")
FITTED = 0.9
LOOKED_AT = 200  # training digits whose features are compared


@dataclass(frozen=True)
class UpstreamConvolution(Settings):
    """The starts, and how they are trained.

    Parameters
    ----------
    factor : float
        By which the readout is heavier, and the convolution lighter, upstream; downstream the other way round.
    channels : int
        Of the convolution.
    lr : float
        Rate of plain descent from the balanced start; that of the others is divided by the mean of factor^2 and
        factor^-2, by which their tangent kernel is larger.
    batch_size : int
        Digits of a step.
    n_steps : int
        Steps.
    records : int
        Times to look.
    replicates : int
        Networks of each start.
    """

    factor: float = 3.0
    channels: int = 8
    lr: float = 0.05
    batch_size: int = 25
    n_steps: int = 1000
    records: int = 14
    replicates: int = 3


def compute(settings: UpstreamConvolution, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Accuracies, and how far the features of the convolution have turned, (runs, starts, records)."""
    axes, seed = {"factor": [settings.factor]}, int(rng.integers(2**32))
    runs = grid(partial(three_starts, settings), axes, replicates=settings.replicates, seed=seed)
    return {"steps": runs["steps"].values[0, 0], **{name: runs[name].values[0] for name in SERIES}}


def three_starts(settings: UpstreamConvolution, rng: np.random.Generator, factor: float) -> dict[str, Any]:
    """Three networks that are the same function of the images at first, and see the same batches."""
    seed, heavier = int(rng.integers(2**32)), (factor, 1.0, 1 / factor)
    runs = [one_run(settings, np.random.default_rng(seed), weight) for weight in heavier]
    return {"steps": runs[0]["steps"], **{name: np.stack([run[name] for run in runs]) for name in SERIES}}


def one_run(settings: UpstreamConvolution, rng: np.random.Generator, heavier: float) -> dict[str, np.ndarray]:
    """One network whose readout starts `heavier` times as large, and its convolution as many times smaller."""
    import torch

    from comparisons.digits import record_steps
    from dnn.data import load
    from dnn.networks.convolutional import OneConvolution
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = load("mnist-mini")
    network = OneConvolution(settings.channels, activation="relu", gamma=0.5, rng=rng)
    with torch.no_grad():
        network.convolution.weight.div_(heavier)
        network.readout.weight.mul_(heavier)
    config = TrainConfig(
        n_steps=settings.n_steps,
        optimiser="sgd",
        lr=settings.lr / ((heavier**2 + heavier**-2) / 2),
        batch_size=settings.batch_size,
        records=record_steps(settings.n_steps, settings.records),
        device=settings.device,
    )
    run = train(network, split, config, rng, probes={"turned": turned_from(features(network, split))})
    return {
        "steps": run.t,
        "train": run["train_accuracy"],
        "test": run["test_accuracy"],
        "turned": run["turned"],
    }


def features(network: OneConvolution, split: Split) -> Tensor:
    """Inner products (n, n) of the centred features of the convolution at the first training digits."""
    import torch

    with torch.no_grad():
        images = split.x_train[:LOOKED_AT].view(-1, *network.shape)
        outputs = network.activation(network.convolution(images)).flatten(1)
        outputs = outputs - outputs.mean(0)
        return outputs @ outputs.T


def turned_from(first: Tensor) -> Callable[[Any, Split], float]:
    """Probe: one less the cosine between the inner products of the features and `first`."""

    def turned(network: Any, split: Split) -> float:
        now = features(network, split)
        return 1 - float((now * first.to(now)).sum() / (now.norm() * first.norm()))

    return turned


def at_fit(data: Data, name: str, start: str) -> np.ndarray:
    """A series (runs,) at the first record with training accuracy of .9, or at the end without one."""
    k = STARTS.index(start)
    fitted = data["train"][:, k] >= FITTED
    index = np.where(fitted.any(axis=1), fitted.argmax(axis=1), fitted.shape[1] - 1)
    return np.take_along_axis(data[name][:, k], index[:, None], axis=1)[:, 0]


def ratio(start: str, other: str) -> Callable[[Data], np.ndarray]:
    """How far the features have turned at the fit, over that from the other start of the same weights, every run."""
    return lambda data: at_fit(data, "turned", start) / at_fit(data, "turned", other)


def draw(data: Data, settings: UpstreamConvolution) -> Figure:
    """Accuracies, and how far the features have turned, along training and at the fit."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, log_time, tidy

    figure = Figure(figsize=(13, 3.6), layout="constrained")
    axes = figure.subplots(1, 3)
    for k, (start, colour) in enumerate(zip(STARTS, ORDER, strict=False)):
        for run in range(len(data["train"])):
            label = start if run == 0 else None
            axes[0].plot(data["steps"], data["train"][run, k], "--", color=colour, lw=1)
            axes[0].plot(data["steps"], data["test"][run, k], color=colour, label=label)
            axes[1].plot(data["steps"], data["turned"][run, k], color=colour, label=label)
        axes[2].plot(at_fit(data, "turned", start), at_fit(data, "test", start), "o", color=colour, label=start)
    axes[0].set(ylabel="accuracy (dashed: train)", ylim=(0, 1.03), title="(a) training")
    axes[1].set(ylabel="1 - cosine to the first features", yscale="log", title="(b) features of the convolution")
    axes[2].set(xlabel="1 - cosine to the first features", xscale="log", ylabel="test accuracy", title="(c) at the fit")
    for ax in axes[:2]:
        log_time(ax, "step")
    for ax in axes:
        ax.legend(fontsize=8)
        tidy(ax)
    return figure


WORDS = f"1 - cosine of the centred inner products of the features of the convolution at training accuracy {FITTED}"
SMALL = "one convolution on 1,000 digits; the work that is reported trains deeper networks on photographs"
CLAIMS = (
    Claim(
        "upstream_convolution.upstream",
        "Section 6.2",
        "A start with heavier later layers promotes the learning of the earlier layers of convolutional networks.",
        Quantity(
            f"{WORDS} (or at the end) and its start, from the upstream start over the balanced one",
            ratio("upstream", "balanced"),
        ),
        every_run > 1,
        fixed=AFTER,
        why="in some run the features turn less far than from the balanced start",
        defence=SMALL,
    ),
    Claim(
        "upstream_convolution.downstream",
        "Appendix G.3",
        "With heavier earlier layers the features stay nearly as they are.",
        Quantity(
            f"{WORDS} (or at the end) and its start, from the downstream start over the balanced one",
            ratio("downstream", "balanced"),
        ),
        median < 0.5,
        source=READING,
        fixed=AFTER,
        why="the features turn nearly as far as from the balanced start",
        defence="the paper shows it for linear networks only",
    ),
    Claim(
        "upstream_convolution.better",
        "Section 6.2",
        "What the earlier layer learns from the upstream start improves the network.",
        Quantity(
            f"test accuracy at training accuracy {FITTED} (or at the end), upstream less balanced",
            lambda data: at_fit(data, "test", "upstream") - at_fit(data, "test", "balanced"),
        ),
        median > 0,
        source=READING,
        fixed=AFTER,
        why="the features turn, and the test digits gain nothing by it",
        defence="the paper speaks of interpretability and feature learning, not of the test accuracy",
    ),
)
FIGURE = PaperFigure(
    name="layerwise/upstream_convolution",
    caption=(
        "Section 6.2. The paper reports from Kunin et al. (2024), in words, that upstream starts promote the earlier "
        "layers of convolutional networks. One ReLU convolution of eight 3 x 3 channels and a readout on 1,000 digits, "
        "plain descent in batches of 25; the convolution starts three times lighter and the readout three times "
        "heavier (upstream) or the other way round (downstream), which is the same function of the images. Network, "
        "factor and rates are ours: the rate is divided by the mean of the squared factors, by which the tangent "
        "kernel grows. Interpretability, which the paper mentions, is not judged."
    ),
    presets={
        "quick": UpstreamConvolution(),
        "paper": UpstreamConvolution(channels=32, n_steps=10_000, records=60),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=30,
    cost="not printed in the paper; ours is estimated at one CPU hour",
    aliases=("section-6.2-convolution",),
)
