"""Figure 3g and 3h of the 2025 paper: the phases of a 23-layer network, and how linear deep networks end up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.digit_networks import digits, perceptron, replicates_of
from figures.opt_npt.gradient_phase_runs import draw_run, followed, panel_of
from figures.opt_npt.gradient_phases_23_layers_claims import CLAIMS, LATE_LAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTHS = (10, 23)


@dataclass(frozen=True)
class GradientPhases23Layers(Settings):
    """The 10-layer network of (h), and (`deep_...`) the 23-layer one.

    Parameters
    ----------
    samples : int
        Training digits of the 10-layer network.
    width : int
        Neurons of each of its hidden layers.
    n_steps : int
        Its updates, each on all digits.
    deep_samples : int
        Training digits of the 23-layer network.
    deep_width : int
        Neurons of each of its hidden layers.
    deep_batches : int
        Batches in its epoch.
    deep_steps : int
        Its updates.
    records : int
        How many times to look at either.
    n_test : int
        Test digits.
    replicates : int
        Runs of either.
    """

    samples: int = 1000
    width: int = 128
    n_steps: int = 60
    deep_samples: int = 6000
    deep_width: int = 128
    deep_batches: int = 1
    deep_steps: int = 60
    records: int = 14
    n_test: int = 2000
    replicates: int = 3


def adam(settings: GradientPhases23Layers, rng: np.random.Generator, depth: int) -> dict[str, np.ndarray]:
    """One run of the shallower or the deeper network, with the pruning accuracies at its best step."""
    if depth == DEPTHS[0]:
        samples, width, n_steps, batches = settings.samples, settings.width, settings.n_steps, 1
    else:
        samples, width, n_steps = settings.deep_samples, settings.deep_width, settings.deep_steps
        batches = settings.deep_batches
    return followed(
        perceptron(depth, width, rng),
        digits(settings, samples, settings.n_test),
        rng,
        n_steps=n_steps,
        batch_size=None if batches == 1 else -(-samples // batches),
        records=settings.records,
        device=settings.device,
    )


def compute(settings: GradientPhases23Layers, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Both depths, every run."""
    arrays = {}
    for panel, depth in zip("dg", DEPTHS, strict=True):
        axes, seed = {"depth": [depth]}, int(rng.integers(2**31))
        runs = grid(partial(adam, settings), axes, replicates=settings.replicates, seed=seed)
        arrays |= replicates_of(runs, f"{panel}_")
    return arrays | {"samples": np.array(settings.deep_samples)}


def draw(data: Data, settings: GradientPhases23Layers) -> Figure:
    """Panels g and h as in the paper, and test loss and late layers as in Figure 7b of the first version."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4), layout="constrained")
    phases, pruned, loss = figure.subplots(1, 3)
    draw_run(phases, panel_of(data, "g"), "(g) 23 layers, relu, adam 0.001")
    phases.legend(fontsize="small", loc="center left")
    _draw_pruned(pruned, data)
    _draw_loss(loss, data)
    return figure


def _draw_pruned(axes: Axes, data: Data) -> None:
    """Test accuracy by the layer from which on the linear map replaces the network, every run."""
    from comparisons.harness.style import ORDER, tidy

    for panel, depth, colour in zip("dg", DEPTHS, (ORDER[4], ORDER[3]), strict=True):
        pruned = data[f"{panel}_pruned"]
        start = np.arange(2, pruned.shape[1] + 2)
        axes.plot(start, pruned.T, color=colour, marker="o", markersize=3)
        axes.axhline(pruned[:, -1].mean(), color=colour, linestyle=":", label=f"{depth} layers, not pruned")
    axes.set(xlabel="start layer of the linear map", ylabel="test accuracy")
    axes.set_title("(h) tail replaced by its linear map, every run", loc="left")
    axes.legend(fontsize="small")
    tidy(axes)


def _draw_loss(axes: Axes, data: Data) -> None:
    """Test loss (left) and change per step of the late layers' mean gradient (right), every run."""
    from comparisons.harness.style import ORDER, log_time, tidy

    step = data["g_step"][0]
    axes.plot(step[1:], data["g_loss"][:, 1:].T, color=ORDER[3])
    right = axes.twinx()
    rate = np.diff(data["g_gradient"][..., -LATE_LAYERS:].mean(-1)) / np.diff(step)
    right.plot((step[1:] + step[:-1])[1:] / 2, rate[:, 1:].T, color=ORDER[4], linestyle="--")
    log_time(axes, "step")
    axes.set_ylabel("test loss, running statistics")
    right.set_ylabel("change of gradient per step (dashed)")
    axes.set_title("(7b) 23 layers: loss and late layers, every run", loc="left")
    tidy(axes)
    right.spines["top"].set_visible(False)


FIGURE = PaperFigure(
    name="opt_npt/gradient_phases_23_layers",
    caption=(
        "Figure 3g and 3h. Rank gradients of a 23-layer network, layer by layer, while it trains, and how much of the "
        "tail of deep networks is linear. (g) accuracies and rank gradients in time (one run), (h) test accuracy at "
        "the best record of the 10-layer and the 23-layer network with the layers from a start layer on replaced by "
        "their linear map, (7b) test loss and the change of the late layers' gradients, as in the first version. Not "
        "printed in the paper and chosen here: cross-entropy, Adam at 0.001, standardised pixels, 21 hidden layers. "
        "Quick: 1,000 embedded digits and 128 neurons for 10 layers; 6,000 digits of MNIST, which must be on this "
        "machine or reachable, in one batch for 23 layers."
    ),
    presets={
        "quick": GradientPhases23Layers(),
        "large": GradientPhases23Layers(
            samples=10_000, n_steps=200, deep_samples=20_000, deep_batches=2, deep_steps=1000, records=20, n_test=5000
        ),
        "paper": GradientPhases23Layers(
            samples=60000,
            width=512,
            n_steps=1000,
            deep_samples=60000,
            deep_batches=2,
            deep_steps=2000,
            records=40,
            n_test=10000,
            replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=162,
    large_seconds=1825,
    cost="12 CPU-hours on one core, estimated from 11.2 s and 1.34 s a step (measured); meant for a GPU",
    aliases=("dnn_n3_deep", "fig-3", "fig-3g", "fig-3h", "old-fig-7", "old-fig-7b"),
    stream="dnn_n3_deep",
)
