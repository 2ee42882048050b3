"""The six panels of figure 4 of the 2025 paper: accuracy under noise, and radii of the basins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures.harness.figure import Data
from figures.opt_npt.basins_by_setting_runs import SPACES, BasinsBySetting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS = {"sample": "pixel range", "weight": "weight std"}


def draw(data: Data, settings: BasinsBySetting) -> Figure:
    """Panels a to f as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(13, 7.5), layout="constrained")
    panels = figure.subplot_mosaic("ace;bdf")
    for space, curves, sizes in zip(SPACES, "ab", "cd", strict=True):
        _draw_curves(panels[curves], data, settings, space)
        panels[curves].set_title(f"({curves}) noise on each {space}, width {settings.curve_width}", loc="left")
        _draw_sizes(panels[sizes], data, settings, space)
        panels[sizes].set_title(f"({sizes}) {space} space", loc="left")
    for panel, name, label in (("e", "rate", "learning rate (SGD)"), ("f", "batch", "batch size (Adam)")):
        _draw_tuned(panels[panel], data, name)
        panels[panel].set_xlabel(label)
        panels[panel].set_title(f"({panel}) {settings.tuned_depth} layers of {settings.tuned_width}", loc="left")
        panels[panel].legend(fontsize="small", loc="upper left" if panel == "e" else "upper right")
    for axes in panels.values():
        tidy(axes)
    figure.legend(*panels["c"].get_legend_handles_labels(), loc="outside upper center", ncols=6, fontsize="small")
    return figure


def _draw_curves(axes: Axes, data: Data, settings: BasinsBySetting, space: str) -> None:
    from comparisons.harness.style import ORDER

    column = list(data["widths"]).index(settings.curve_width)
    for k in range(len(data["depths"])):
        curve = data[f"size_{space}_curve"][k, column].mean(0)
        axes.plot(data["amplitudes"], curve, color=ORDER[k], marker=".")
    axes.set(xscale="log", xlabel=f"noise amplitude ({UNITS[space]})", ylabel="accuracy of training samples")


def _draw_sizes(axes: Axes, data: Data, settings: BasinsBySetting, space: str) -> None:
    from comparisons.harness.style import ORDER

    for k, depth in enumerate(data["depths"]):
        radius = data[f"size_{space}_radius"][k].mean(-1)
        axes.plot(data["widths"], radius, color=ORDER[k], marker="o", label=f"{depth} layers")
    fixed = data[f"fixed_{space}_radius"][0].mean(-1)
    label = f"{settings.fixed_depth} layers, weights start the same at every width"
    axes.plot(data["widths"], fixed, color="black", marker="s", linestyle=":", label=label)
    axes.set(xscale="log", xlabel="width", ylabel=f"basin radius ({UNITS[space]})", ylim=(0, None))
    axes.set_xticks(data["widths"], [f"{width}" for width in data["widths"]])
    axes.set_xticks([], minor=True)


def _draw_tuned(axes: Axes, data: Data, name: str) -> None:
    """Radii of both spaces, and the test accuracy on an axis of its own."""
    from comparisons.harness.style import ORDER

    values = data[f"{name}s" if name == "rate" else "batches"]
    for space, factor, colour in (("sample", 2, ORDER[4]), ("weight", 1, ORDER[5])):
        radius = factor * data[f"{name}_{space}_radius"]
        label = f"{space} space ({UNITS[space]}{' x 2' if factor == 2 else ''})"
        axes.errorbar(values, radius.mean(-1), radius.std(-1), color=colour, marker="o", capsize=2, label=label)
    axes.set(xscale="log", ylabel="basin radius")
    right = axes.twinx()
    right.plot(values, data[f"{name}_accuracy"].mean(-1), color="black", linestyle="--", marker=".")
    for scale in (axes, right):  # headroom for the legend
        low, high = scale.get_ylim()
        scale.set_ylim(low, high + 0.2 * (high - low))
    right.set_ylabel("test accuracy (dashed)")
    right.spines["top"].set_visible(False)
