"""Appendix J.1 of Nam et al. (2025): features collapse for labels drawn at random, and nothing is generalised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import CONTROL, Claim, Quantity, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = {"true labels": (0.0, 1.0), "half at random": (0.5, 1.0), "all at random": (1.0, 1.0), "lazy": (1.0, None)}
CHANCE = 0.1


@dataclass(frozen=True)
class RandomLabels(Settings):
    """The network, how lazily it starts in the control, and how long it is trained.

    Parameters
    ----------
    width : int
        Units of each of two hidden layers.
    samples : int
        Training digits of 8 x 8 pixels.
    lazy_scale : float
        Factor on the initial parameters of the lazy control; 1 for the others.
    decay : float
        L2 decay under Adam; the lazy control has none.
    lr : float
        Learning rate.
    n_steps : int
        Steps, each with all training digits.
    records : int
        Times to look.
    replicates : int
        Networks of each kind.
    """

    width: int = 100
    samples: int = 200
    lazy_scale: float = 6.0
    decay: float = 1e-3
    lr: float = 3e-3
    n_steps: int = 2500
    records: int = 40
    replicates: int = 4


def compute(settings: RandomLabels, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Accuracies and variability within classes over that between them, (kinds, runs, records)."""
    axes, seed = {"kind": list(RUNS)}, int(rng.integers(2**32))
    runs = grid(partial(one_run, settings), axes, replicates=settings.replicates, seed=seed)
    return {"steps": runs["steps"].values[0, 0], **{name: runs[name].values for name in ("train", "test", "within")}}


def one_run(settings: RandomLabels, rng: np.random.Generator, kind: str) -> dict[str, Any]:
    """One network; training accuracy is that on the labels it is given, test accuracy that on the true ones."""
    import torch

    from comparisons.digits import record_steps
    from dnn.data import load
    from dnn.networks.mlp import MLP, scale_parameters_
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train
    from toymodels.metrics.collapse import within_between

    share, scale = RUNS[kind]
    split = load("digits")
    labels = split.y_train[: settings.samples].numpy().copy()
    drawn = rng.random(settings.samples) < share
    labels[drawn] = rng.integers(10, size=int(drawn.sum()))
    labels[:10] = np.arange(10)  # every class has a sample
    split = split._replace(x_train=split.x_train[: settings.samples], y_train=torch.from_numpy(labels))
    network = MLP((split.x_train.shape[1], settings.width, settings.width, 10), rng=rng)
    scale_parameters_(network, settings.lazy_scale if scale is None else scale)
    config = TrainConfig(
        n_steps=settings.n_steps,
        lr=settings.lr,
        weight_decay=0.0 if scale is None else settings.decay,
        loss="mse",
        records=record_steps(settings.n_steps, settings.records),
        device=settings.device,
    )

    def within(network: Any, split: Any) -> float:
        features = network.activations(split.x_train)[-1].detach().double().cpu().numpy()
        return within_between(features, split.y_train.cpu().numpy())

    run = train(network, split, config, rng, probes={"within": within})
    return {"steps": run.t, "train": run["train_accuracy"], "test": run["test_accuracy"], "within": run["within"]}


def fallen(kind: str) -> Callable[[Data], np.ndarray]:
    """Decades (runs,) by which the variability within classes over that between them falls to the end."""

    def decades(data: Data) -> np.ndarray:
        within = data["within"][list(RUNS).index(kind)]
        return np.log10(within[:, 0] / within[:, -1])

    return decades


def final(part: str, kind: str) -> Callable[[Data], np.ndarray]:
    """Accuracy (runs,) at the end."""
    return lambda data: data[part][list(RUNS).index(kind)][:, -1]


def draw(data: Data, settings: RandomLabels) -> Figure:
    """Accuracies of every kind, and the collapse of all."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, log_time, tidy

    figure = Figure(figsize=(14, 3.4), layout="constrained")
    axes = figure.subplots(1, 5)
    for k, (kind, colour) in enumerate(zip(RUNS, ORDER, strict=False)):
        for run in range(data["train"].shape[1]):
            axes[k].plot(data["steps"], data["train"][k, run], "--", color="0.3", lw=1)
            axes[k].plot(data["steps"], data["test"][k, run], color=colour)
            axes[4].plot(data["steps"], data["within"][k, run], color=colour, label=kind if run == 0 else None)
        axes[k].axhline(CHANCE, color="0.8", lw=1, zorder=0)
        axes[k].set(title=f"({'abcd'[k]}) {kind}", ylim=(0, 1.03), ylabel="accuracy (dashed: train)" if k == 0 else "")
    axes[4].set(title="(e) last hidden layer", ylabel="within over between classes", yscale="log")
    axes[4].legend(fontsize=8)
    for ax in axes:
        log_time(ax, "step")
        tidy(ax)
    return figure


WORDS = "decades by which the variability within classes over that between them falls in the last hidden layer"
SMALL = "a small network on 200 digits; the works that are reported train ResNet18 on CIFAR10"
CLAIMS = (
    Claim(
        "random_labels.collapses",
        "Appendix J.1",
        "Features collapse onto their classes though all labels are drawn at random.",
        Quantity(f"{WORDS}, random labels", fallen("all at random")),
        median > 1,
        why="the features of random classes keep most of their spread",
        defence=SMALL,
    ),
    Claim(
        "random_labels.half",
        "Appendix J.1",
        "Features collapse though a part of the labels is drawn at random.",
        Quantity(f"{WORDS}, half of the labels random", fallen("half at random")),
        median > 1,
        why="the features of partly random classes keep most of their spread",
        defence=SMALL,
    ),
    Claim(
        "random_labels.nothing-learnt",
        "Appendix J.1",
        "That does not foretell generalisation: on the true labels such a network is at chance.",
        Quantity("test accuracy at the end after random labels", final("test", "all at random")),
        median < 2 * CHANCE,
        why="something of the true classes is found from random labels",
        defence=SMALL,
    ),
    Claim(
        "random_labels.true-labels",
        "Appendix J.1",
        "With the true labels the same network collapses and generalises.",
        Quantity("test accuracy at the end after true labels", final("test", "true labels")),
        median > 0.8,
        source=CONTROL,
        why="the network does not generalise at this size",
    ),
    Claim(
        "random_labels.lazy",
        "Appendix J.1",
        "A lazy start fits the same random labels without collapse: the collapse is that of the rich regime.",
        Quantity(f"{WORDS}, random labels, from a large start without decay", fallen("lazy")),
        median < 0.5,
        source=CONTROL,
        why="the features collapse from the large start as well",
    ),
    Claim(
        "random_labels.lazy-fits",
        "Appendix J.1",
        "That lazy network does fit its labels.",
        Quantity(
            "training accuracy at the end, random labels, from a large start without decay", final("train", "lazy")
        ),
        median > 0.95,
        source=CONTROL,
        why="the lazy network has not fitted, so that its features say nothing",
    ),
)
FIGURE = PaperFigure(
    name="layerwise/random_labels",
    caption=(
        "Appendix J.1, which reports in words that networks collapse on randomised labels, so that the rich regime "
        "alone does not foretell generalisation. ReLU networks of two hidden layers of 100 on 200 digits of 8 x 8 "
        "pixels, squared error, full-batch Adam with L2 1e-3; labels true, half drawn anew, all drawn anew. The lazy "
        "control starts six times larger and has no decay. Test accuracy is on 597 digits with their true labels; "
        "grey: chance. Sizes are ours; the paper preset is wider and longer."
    ),
    presets={"quick": RandomLabels(), "paper": RandomLabels(width=400, samples=1000, n_steps=20_000, records=80)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=30,
    cost="not printed in the paper; ours is estimated at one CPU hour",
    aliases=("appendix-j.1",),
)
