"""The eight panels of figure 7 of the 2025 paper: accuracies, basins, clouds, gradients and the late test accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparisons.harness.settings import Settings
from figures.harness.figure import Data
from figures.opt_npt.clouds import draw_cloud
from figures.opt_npt.delayed_generalisation_runs import NOISE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(data: Data, settings: Settings) -> Figure:
    """Panels a to h as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import log_time, tidy

    figure = Figure(figsize=(14, 6.5), layout="constrained")
    axes = figure.subplots(2, 4)
    _draw_accuracies(axes[0, 0], data)
    _draw_basins(axes[0, 1], data)
    _draw_gradients(axes[1, 0], data)
    _draw_late(axes[1, 1], data)
    for row, part in enumerate(("train", "test")):
        for column, when in enumerate(("before", "after")):
            title = f"({'cdef'[2 * row + column]}) {part}, {when}"
            draw_cloud(axes[row, 2 + column], data[f"{part}_cloud"][0, column], data["labels"], title)
    for ax in (axes[0, 0], axes[0, 1], axes[1, 0]):
        log_time(ax, "step")
    for ax in axes[:, :2].flat:
        tidy(ax)
    for ax in (*axes[:, :2].flat, axes[0, 2]):
        ax.legend(fontsize=7)
    return figure


def _once(label: str, data: Data) -> list[str]:
    """One label for the curves of all runs."""
    return [label, *["_"] * (len(data["train"]) - 1)]


def _draw_accuracies(ax: Axes, data: Data) -> None:
    from comparisons.harness.style import FAMILY, ORDER

    ax.plot(data["steps"], data["train"].T, color="0.3", linestyle="--", label=_once("train", data))
    ax.plot(data["steps"], data["test"].T, color=FAMILY["dnn"], label=_once("test", data))
    for i, amplitude in enumerate(NOISE):
        ax.plot(data["steps"], data["noisy"][0, :, i], color=ORDER[i], lw=1, label=f"train, noise {amplitude}")
    ax.set(title="(a) accuracies", ylabel="accuracy", ylim=(0, 1.03))


def _draw_basins(ax: Axes, data: Data) -> None:
    from comparisons.harness.style import FAMILY

    for space, dash in (("sample", "-"), ("weight", "--")):
        for curve, label in zip(data[f"basin_{space}"], _once(f"{space} space", data), strict=True):
            grown = curve > 0
            ax.plot(data["steps"][grown], curve[grown], dash, color=FAMILY["dnn"], label=label)
    ax.set(title="(b) basins", ylabel="radius (pixel range, weight std)", yscale="log", ylim=(5e-3, 15))


def _draw_gradients(ax: Axes, data: Data) -> None:
    from comparisons.harness.style import ORDER

    for layer, colour in enumerate(ORDER[3:5]):
        label = _once(f"layer {layer + 2}", data)
        ax.plot(data["steps"], data["gradient"][:, :, layer].T, color=colour, label=label)
        ax.axhline(data["control"][:, layer].mean(), color=colour, ls=":", lw=1, label=f"random features, {label[0]}")
    norm = data["norm"] / data["norm"][:, :1]
    ax.plot(data["steps"], norm.T, color="0.3", ls="--", label=_once("weight norm / first", data))
    ax.set(title="(g) rank gradients, weight norm", ylabel="gradient; share of norm")


def _draw_late(ax: Axes, data: Data) -> None:
    from comparisons.harness.style import FAMILY, ORDER

    late = data["steps"] >= data["steps"][-1] / 4
    ax.plot(data["steps"][late], data["test"].T[late], color=FAMILY["dnn"], label=_once("test", data))
    for layer, colour in enumerate(ORDER[3:5]):
        gradient = data["gradient"][0, :, layer]
        label = f"gradient of layer {layer + 2} / largest"
        ax.plot(data["steps"][late], (gradient / gradient.max())[late], "--", color=colour, label=label)
    ax.set(title="(h) late test accuracy", ylabel="accuracy", xlabel="step", ylim=(-0.05, 1.5))
