"""The four rows of figure 3 of the first version: pruning, densities, directions and delays, plain and residual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data
from figures.opt_npt.sorting_and_linear_layers_runs import DIGIT, KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(data: Data, settings: Settings) -> Figure:
    """One column per kind of network; panels as in the paper."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 10), layout="constrained")
    panels = figure.subplots(4, 2)
    for column, kind in enumerate(KINDS):
        arrays = {name.removeprefix(f"{kind}_"): values for name, values in data.items() if name.startswith(kind)}
        for row, (letters, drawn) in enumerate(
            (("ab", _draw_pruning), ("cd", _draw_densities), ("ef", _draw_cosines), ("gh", _draw_lags))
        ):
            axes = panels[row, column]
            title = drawn(axes, arrays, data["hidden"])
            axes.set_title(f"({letters[column]}) {kind}: {title}", loc="left")
            axes.legend(fontsize="x-small", loc="best" if row == 0 else "upper right" if row == 1 else "upper left")
    return figure


def _draw_pruning(axes: Axes, arrays: Data, hidden: np.ndarray) -> str:
    from comparisons.harness.style import ORDER, tidy

    start = np.arange(2, arrays["map"].shape[1] + 2)
    for name, label, colour in (("perceptron", "linear perceptron", ORDER[3]), ("map", "linear map", ORDER[4])):
        axes.plot(start, arrays[name].T, color=colour, linewidth=0.6, alpha=0.5)
        axes.plot(start, arrays[name].mean(0), color=colour, marker="o", markersize=3, label=label)
    axes.axhline(arrays["map"][:, -1].mean(), color="black", linestyle=":", label="not pruned")
    axes.set(xlabel="start layer", ylabel="test accuracy")
    tidy(axes)
    return "tail replaced"


def _draw_densities(axes: Axes, arrays: Data, hidden: np.ndarray) -> str:
    from matplotlib import colormaps

    from comparisons.harness.style import tidy

    density = arrays["density"].mean(0)
    rank = (np.arange(density.shape[1]) + 0.5) / density.shape[1]
    for layer in np.unique(np.linspace(0, len(density) - 1, 6).astype(int)):
        axes.plot(rank, density[layer], color=colormaps["viridis"](layer / len(density)), label=f"layer {layer + 2}")
    axes.set(xlabel="normalised rank (0 is the largest)", ylabel="rank probability density")
    tidy(axes)
    return "densities"


def _draw_cosines(axes: Axes, arrays: Data, hidden: np.ndarray) -> str:
    from comparisons.harness.style import ORDER, tidy

    layers = np.arange(1, arrays["own"].shape[1] + 1)
    curves = (("own", f"digits {DIGIT} and their centre", 0), ("between", "two centres", 1))
    for name, label, colour in (*curves, ("centred", "two centres, global mean removed", 2)):
        axes.plot(layers, arrays[name].mean(0), color=ORDER[colour], marker="o", markersize=3, label=label)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set(xlabel="layer (1 is the input)", ylabel="mean cosine", ylim=(-0.2, 1.65))
    tidy(axes)
    return "directions"


def _draw_lags(axes: Axes, arrays: Data, hidden: np.ndarray) -> str:
    from comparisons.harness.style import ORDER, log_time, tidy

    right = axes.twinx()
    for k, n in enumerate(hidden):
        step = arrays["lag_step"][k, 0][1:]
        axes.plot(step, arrays["lag_test"][k, 0, 1:], color=ORDER[k], label=f"{n} hidden layers")
        axes.plot(step, arrays["lag_train"][k, 0, 1:], color=ORDER[k], linestyle="--", linewidth=0.8)
        right.plot(step, arrays["lag_loss"][k, 0, 1:], color=ORDER[k], linestyle=":")
    log_time(axes, "step")
    axes.set(ylim=(0, 1.4), ylabel="accuracy (test; dashed: training)")
    right.set(ylim=(0, 1.4 * arrays["lag_loss"][:, 0].max()), ylabel="test loss (dotted)")
    tidy(axes)
    return "delay by depth"
