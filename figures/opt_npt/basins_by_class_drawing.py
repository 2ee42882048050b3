"""The panels of figure 5 of the 2025 paper, the radii of the classes, and who takes pure noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def line(digit: int) -> dict[str, Any]:
    """Colour and dash of a digit: five safe colours, solid up to 4 and dashed from 5 on."""
    from comparisons.harness.style import ORDER

    return {"color": ORDER[(0, 1, 2, 4, 5)[digit % 5]], "linestyle": "-" if digit < 5 else "--"}


def draw(data: Data, settings: Settings) -> Figure:
    """Panels a to c as in the paper, the radii, and the share of pure noise by class."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import OTHER, tidy

    figure = Figure(figsize=(13, 8.5), layout="constrained")
    rows = ["aaab"] * 3 + ["ccid"] * 2 + ["ccje"] * 2
    axes = figure.subplot_mosaic(";".join(rows), width_ratios=(3, 2, 1.6, 6))
    bins = data["density"].shape[-1]
    ranks = (np.arange(bins) + 0.5) / bins
    for k in range(10):
        axes["a"].plot(data["amplitudes"][0], data["curve"][:, :, k].mean(axis=0), label=f"{k}", **line(k))
        axes["b"].plot(ranks, data["density"][:, k].mean(axis=0), **line(k))
    axes["a"].axhline(0.5, color=OTHER, lw=0.8, ls=":")
    axes["a"].set(title="(a) accuracy under noise", xscale="log", xlabel="noise (pixel range)", ylabel="accuracy")
    axes["a"].set(ylim=(0, 1.03), xlim=(0.02, 10))
    axes["b"].set(title="(b) layer 2 (first hidden)", xlabel="normalised rank", ylabel="rank probability density")
    axes["a"].legend(fontsize=8, ncols=2, title="digit", title_fontsize=8, handlelength=3)
    _draw_picture(figure, axes["c"], data)
    _draw_inset(axes["i"], axes["j"], data)
    radius = np.minimum(data["radius"], data["amplitudes"][0, -1])
    _draw_runs(axes["d"], radius, np.median(radius, axis=0))
    axes["d"].set(title=f"basin radius (line: median of the runs; {radius.max():g}: it has no end)")
    axes["d"].set(ylabel="radius (pixel range)", yscale="log")
    _draw_runs(axes["e"], data["noise_share"], data["noise_share"].mean(axis=0))
    axes["e"].set(title="who takes pure noise (line: mean of the runs)", ylabel="share of pure noise", xlabel="digit")
    for name in "abde":
        tidy(axes[name])
    return figure


def _draw_runs(ax: Axes, values: np.ndarray, middle: np.ndarray) -> None:
    """A dot for every run (runs, 10) and a line at the `middle` (10,)."""
    from comparisons.harness.style import ORDER

    ax.plot(range(10), values.T, ".", color="black", markersize=5)
    ax.hlines(middle, np.arange(10) - 0.3, np.arange(10) + 0.3, color=ORDER[3], linewidth=2.5)
    ax.set(xticks=range(10))


def _draw_picture(figure: Figure, place: Axes, data: Data) -> None:
    """The basins of the first run's digits: copies that keep their label, in its colour; others grey."""
    from matplotlib.ticker import MaxNLocator

    ax: Any = figure.add_subplot(place.get_subplotspec(), projection="3d")
    place.remove()
    points, labels = data["picture_points"][0], data["picture_labels"][0].astype(int)
    own = data["picture_predicted"][0] == labels
    keep = slice(None, None, 4)  # every fourth copy
    for i, label in enumerate(labels):
        cloud, mine = points[:, keep, i].reshape(-1, 3), own[:, keep, i].ravel()
        colour, apex = line(label)["color"], data["picture_apex"][0, i]
        ax.plot(*cloud[~mine].T, ".", color="0.85", markersize=1.5)
        ax.plot(*cloud[mine].T, "." if label < 5 else "x", color=colour, markersize=3, markeredgewidth=0.6)
        ax.text(*apex, f"{label}", fontsize=8, fontweight="bold", ha="center", va="center", zorder=10)
    ax.set(title="(c) basins of 20 digits (grey: other class)", xlabel="PC 1", ylabel="PC 2", zlabel="PC 3")
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
    ax.set_box_aspect(None, zoom=0.95)


def _draw_inset(smaller: Axes, larger: Axes, data: Data) -> None:
    """The two digits of one class with noise of the size of their radii."""
    label = int(data["inset_label"][0])
    for k, ax in enumerate((smaller, larger)):
        predicted, noise = data["inset_predicted"][0, k], data["inset_noise"][0, k]
        ax.imshow(data["inset_images"][0, k, 1].reshape(28, 28), cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(f"a {label}, noise {noise:.2g}:\nread as {int(predicted)}", fontsize=9)
