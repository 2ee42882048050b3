"""Figure 3i and 3j of the 2025 paper: test accuracy and first-layer gradient against depth and width."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.accuracy_by_depth_claims import CLAIMS
from figures.opt_npt.digit_networks import digits, perceptron

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class AccuracyByDepth(Settings):
    """Depths, widths and length of the sweep.

    Parameters
    ----------
    depths : tuple of int
        Layers, input and output counted, ascending.
    widths : tuple of int
        Neurons of each hidden layer, ascending.
    samples : int
        Training digits.
    batch_size : int
        Digits in a batch.
    n_steps : int
        Updates.
    records : int
        How many times to look, over the last three quarters of the run.
    n_test : int
        Test digits.
    replicates : int
        Runs of every depth and width.
    """

    depths: tuple[int, ...] = (3, 4, 6, 8, 12, 20)
    widths: tuple[int, ...] = (32, 64, 128, 256)
    samples: int = 1000
    batch_size: int = 100
    n_steps: int = 100
    records: int = 8
    n_test: int = 2000
    replicates: int = 3


def best_of(settings: AccuracyByDepth, rng: np.random.Generator, depth: int, width: int) -> dict[str, float]:
    """Best test accuracy of one run, and the first hidden layer's gradient there."""
    from dnn.probes import rank_gradients
    from dnn.training.config import TrainConfig, log_spaced_steps
    from dnn.training.loop import train

    network, split = perceptron(depth, width, rng), digits(settings, settings.samples, settings.n_test)
    n_steps = settings.n_steps
    config = TrainConfig(
        n_steps,
        batch_size=settings.batch_size,
        records=log_spaced_steps(n_steps, np.linspace(n_steps / 4, n_steps, settings.records).astype(int)),
        patience=settings.records + 1,  # never runs out, but brings the best weights back
        device=settings.device,
    )
    run = train(network, split, config, rng)
    return {"accuracy": run["test_accuracy"].max(), "gradient": rank_gradients(network, split)[0]}


def compute(settings: AccuracyByDepth, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every depth, width and run."""
    axes, seed = {"depth": settings.depths, "width": settings.widths}, int(rng.integers(2**31))
    runs = grid(partial(best_of, settings), axes, replicates=settings.replicates, seed=seed)
    arrays = {name: runs[name].values for name in ("accuracy", "gradient")}  # (depths, widths, replicates)
    sizes = {name: np.array(getattr(settings, name)) for name in ("depths", "widths", "samples")}
    return {**sizes, **arrays}


def draw(data: Data, settings: AccuracyByDepth) -> Figure:
    """Panels i and j as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, tidy

    figure = Figure(figsize=(11, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, name, label in zip(panels, ("accuracy", "gradient"), "ij", strict=True):
        mean, deviation = data[name].mean(-1), data[name].std(-1)
        for k, width in enumerate(data["widths"]):
            axes.errorbar(
                data["depths"],
                mean[:, k],
                deviation[:, k],
                color=ORDER[k % len(ORDER)],
                marker="o",
                capsize=2,
                label=f"width {width}",
            )
        axes.set(xscale="log", xticks=data["depths"], xlabel="depth (layers)")
        axes.set_xticks([], minor=True)
        axes.set_xticklabels(data["depths"])
        axes.set_ylabel("best test accuracy" if label == "i" else "rank gradient of the first hidden layer")
        axes.set_title(f"({label}) mean and deviation of {data[name].shape[-1]} runs", loc="left")
        tidy(axes)
    panels[0].legend(fontsize="small")
    return figure


FIGURE = PaperFigure(
    name="opt_npt/accuracy_by_depth",
    caption=(
        "Figure 3i and 3j. Test accuracy and the rank gradient of the first hidden layer change with depth and width. "
        "(i) best test accuracy of a run, (j) gradient at that record. The paper prints neither batch size nor "
        "optimiser nor number of steps for these panels: Adam at 0.001 and batches of a tenth of the digits are our "
        "choice. Quick: widths of 32 to 256 instead of 128 to 1,280 and the 1,000 embedded digits. Widths are judged "
        "from 128 on."
    ),
    presets={
        "quick": AccuracyByDepth(),
        "large": AccuracyByDepth(widths=(64, 128, 256), samples=10_000, batch_size=500, n_steps=200, n_test=5000),
        "paper": AccuracyByDepth(
            depths=(3, 4, 5, 6, 7, 8, 10, 12, 16, 20),
            widths=(128, 256, 512, 1280),
            samples=60000,
            batch_size=6000,
            n_steps=1000,
            records=50,
            n_test=10000,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=81,
    large_seconds=399,
    cost="70 CPU-hours on one core, estimated from 11.2 s per 60,000 digits at depth 10, width 512; meant for a GPU",
    aliases=("dnn_n3_depth", "fig-3", "fig-3i", "fig-3j", "old-fig-4", "old-fig-4b"),
    stream="dnn_n3_depth",
)
