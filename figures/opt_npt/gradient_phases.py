"""Figure 3a-f of the 2025 paper: what the layers of 10-layer networks do while they train."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.digit_networks import digits, perceptron
from figures.opt_npt.gradient_phase_runs import draw_run, followed, panel_of
from figures.opt_npt.gradient_phases_claims import CLAIMS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING = {  # panel: activation, optimiser, learning rate, batches per epoch
    "a": ("relu", "sgd", 0.03, 1),
    "b": ("relu", "sgd", 0.37, 1),
    "c": ("linear", "sgd", 0.03, 1),
    "d": ("relu", "adam", 1e-3, 1),
    "e": ("relu", "adam", 1e-3, 3),
    "f": ("linear", "adam", 1e-3, 1),
}


@dataclass(frozen=True)
class GradientPhases(Settings):
    """Six networks of 10 layers, of one size and on the same digits.

    Parameters
    ----------
    samples : int
        Training digits.
    width : int
        Neurons of each hidden layer.
    n_steps : int
        Updates of every network.
    records : int
        How many times to look.
    n_test : int
        Test digits.
    replicates : int
        Runs of every network.
    """

    samples: int = 1000
    width: int = 128
    n_steps: int = 200
    records: int = 20
    n_test: int = 2000
    replicates: int = 3


def ten_layers(settings: GradientPhases, rng: np.random.Generator, panel: str) -> dict[str, np.ndarray]:
    """One run of a panel: accuracies in both statistics and rank gradients along training."""
    activation, optimiser, lr, batches = TRAINING[panel]
    network = perceptron(10, settings.width, rng, activation)
    split = digits(settings, settings.samples, settings.n_test)
    config: dict[str, Any] = {
        "n_steps": settings.n_steps,
        "records": settings.records,
        "device": settings.device,
        "optimiser": optimiser,
        "lr": lr,
        "batch_size": None if batches == 1 else -(-settings.samples // batches),
    }
    return followed(network, split, rng, **config)


def compute(settings: GradientPhases, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every panel and run."""
    axes, seed = {"panel": tuple(TRAINING)}, int(rng.integers(2**31))
    runs = grid(partial(ten_layers, settings), axes, replicates=settings.replicates, seed=seed)
    arrays = {f"{panel}_{name}": values.values for panel in TRAINING for name, values in runs.sel(panel=panel).items()}
    return arrays | {"samples": np.array(settings.samples)}


def draw(data: Data, settings: GradientPhases) -> Figure:
    """Panels a to f as in the paper."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 6), layout="constrained")
    panels = figure.subplot_mosaic("abc;def")
    for panel, (activation, optimiser, lr, batches) in TRAINING.items():
        title = f"({panel}) {activation}, {optimiser} {lr:g}" + (f", {batches} batches" if batches > 1 else "")
        draw_run(panels[panel], panel_of(data, panel), title)
    figure.legend(*panels["a"].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure


FIGURE = PaperFigure(
    name="opt_npt/gradient_phases",
    caption=(
        "Figure 3a-f. Gradients of the rank probability density, layer by layer, sort themselves while 10-layer "
        "networks train, and test accuracy lags where batch norm uses running statistics. (a-c) SGD, (d-f) Adam; "
        "training accuracy with batch statistics, test accuracy with running ones; one run of each is shown. Phases "
        "are judged without the first update, after which earlier layers lead in every run of (b) and most of (f). Not "
        "printed in the paper and chosen here: full batches for SGD, cross-entropy, Adam at 0.001, standardised "
        "pixels, batch norm before the activation, and the number of steps. Quick: 128 instead of 512 neurons and the "
        "1,000 embedded digits."
    ),
    presets={
        "quick": GradientPhases(),
        "large": GradientPhases(samples=10_000, n_test=5000),
        "paper": GradientPhases(samples=60000, width=512, n_steps=1000, records=40, n_test=10000),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=154,
    large_seconds=951,
    cost="50 CPU-hours on one core, estimated from 11.2 s a step (measured); meant for a GPU",
    aliases=("dnn_n3", "fig-3", "fig-3a-f"),
    stream="dnn_n3",
)
