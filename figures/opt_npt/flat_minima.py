"""First version, Figure 5e, f: flat minima and the basin in weight space, with decay and dropout as controls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.flat_minima_claims import CLAIMS
from figures.opt_npt.flat_minima_runs import SWEEPS, FlatMinima, one_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def compute(settings: FlatMinima, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every sweep: accuracies, radii and curvatures (values, runs)."""
    data = {"samples": np.array(settings.samples)}
    for sweep, seed in zip(SWEEPS, rng.integers(2**31, size=len(SWEEPS)), strict=True):
        worker = partial(one_network, settings, sweep=sweep)
        values = settings.values(sweep)
        runs = grid(worker, {"value": values}, replicates=settings.replicates, seed=int(seed))
        data |= {f"{sweep}_{name}": run.values for name, run in runs.items()}
        data[f"{sweep}_values"] = np.array(values, dtype=float)
    return data


def draw(data: Data, settings: FlatMinima) -> Figure:
    """Curvature against the basin in weight space, and both basins and the accuracy along every sweep."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, tidy

    figure = Figure(figsize=(14, 6.4), layout="constrained")
    axes = figure.subplots(2, 4)
    words = {"trace": "trace of the Hessian", "noise_trace": "trace in units of the noise"}
    for ax, (name, label) in zip(axes[0, :2], words.items(), strict=True):
        for sweep, colour in zip(SWEEPS, ORDER, strict=False):
            ax.loglog(data[f"{sweep}_{name}"].ravel(), data[f"{sweep}_weight_radius"].ravel(), ".", color=colour)
            ax.plot([], [], ".", color=colour, label=sweep)
        ax.set(xlabel=label, ylabel="radius in weight space")
        ax.margins(y=0.4)  # room for the legend
    panels = [*axes[0, 2:], *axes[1]]
    for ax, (sweep, names) in zip(
        panels,
        [
            ("batch", "radii"),
            ("rate", "radii"),
            ("decay", "radii"),
            ("dropout", "radii"),
            ("decay", ""),
            ("dropout", ""),
        ],
        strict=True,
    ):
        values = np.arange(len(data[f"{sweep}_values"]))
        shown = ("weight_radius", "sample_radius") if names else ("accuracy", "train_accuracy")
        for name, colour in zip(shown, (ORDER[4], ORDER[3]) if names else (ORDER[2], ORDER[7]), strict=True):
            runs = data[f"{sweep}_{name}"]
            ax.plot(values, np.median(runs, axis=1), color=colour, label=name.replace("_", " "))
            ax.plot(values, runs, ".", color=colour, ms=4)
        ax.set(xticks=values, xticklabels=[f"{value:g}" for value in data[f"{sweep}_values"]], xlabel=sweep)
        ax.set_ylabel("radius" if names else "accuracy")
    for ax, letter in zip(axes.flat, "abcdefgh", strict=True):
        ax.set_title(f"({letter})", loc="left")
        ax.legend(fontsize=8)
        tidy(ax)
    return figure


FIGURE = PaperFigure(
    name="opt_npt/flat_minima",
    caption=(
        "First version, Figure 5e, f, of which our text has neither the measure of flatness nor the numbers. Networks "
        "of 6 layers of 64 with batch norm on 1,000 digits, 20 epochs, by batch size and decay of Adam, rate of plain "
        "descent, and dropout of the hidden neurons: the radius at which noise on the weights, in units of each "
        "matrix's spread, halves the accuracy, against the trace of the Hessian of the loss (small is flat) (a) over "
        "all parameters and (b), ours, over the weights in the units of the noise. (c-f) Both radii along every "
        "sweep, (g, h) accuracies. Training is in batches, reading with running statistics and without dropout. Large: "
        "with 10 epochs, after which large batches had not fitted, correlations were -0.43 and 0.08 over batch sizes "
        "and -0.71 and -0.46 over dropouts; it has 40."
    ),
    presets={
        "quick": FlatMinima(),
        "large": FlatMinima(batches=(100, 300, 1000, 3000), samples=10_000, epochs=40, n_test=5000),
        "paper": FlatMinima(
            batches=(300, 1000, 3000, 10_000, 30_000),
            depth=12,
            width=1024,
            samples=60_000,
            batch_size=300,
            n_test=10_000,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=90,
    large_seconds=388,
    cost="estimated at 100 CPU-hours, for a GPU",
    aliases=("old-fig-5e", "old-fig-5f"),
)
