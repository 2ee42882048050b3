"""The information-bottleneck figure: information along training, and the information plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


ACROSS = 5  # panels side by side


def draw(result: Result) -> Figure:
    """For every model information against time, and below it I(Y;T) against I(X;T); in bands of ACROSS models."""
    from matplotlib.figure import Figure

    runs, shown = result.runs, panels.rows_shown(result)
    across, bands = max(min(len(shown), ACROSS), 1), max(-(-len(shown) // ACROSS), 1)
    figure = Figure(figsize=(3.3 * across, 6.2 * bands + 0.5), layout="constrained")
    axes = figure.subplots(2 * bands, across, squeeze=False)
    for place, row in enumerate(shown):
        band, column = divmod(place, ACROSS)
        _in_time(axes[2 * band, column], row, runs)
        _plane(axes[2 * band + 1, column], row, runs)
        axes[2 * band, column].set_title(panels.title(result, row, "lost"), fontsize=11)
    for place in range(len(shown), across * bands):
        for part in (0, 1):
            axes[2 * (place // ACROSS) + part, place % ACROSS].set_axis_off()
    for band in range(bands):
        axes[2 * band, 0].set_ylabel("information, bits")
        axes[2 * band + 1, 0].set_ylabel("I(Y;T), bits")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, fontsize=10, frameon=False)
    return figure


def _legend() -> list:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=style.OTHER, label="I(X;T)"),
        Line2D([], [], color=style.OTHER, ls=":", label="I(X;T), knob off"),
        Line2D([], [], color="black", ls="--", label="I(X;T), closed form"),
        Line2D([], [], color="0.3", lw=1, ls="--", label="I(Y;T)"),
        Line2D([], [], color="black", marker="o", ls="none", label="end"),
    ]


def _in_time(ax, row: str, runs) -> None:
    for run in runs.get(row + OFF, []):
        ax.plot(run.t, run["about_input"], color=style.colour(row), ls=":")
    for run in runs[row]:
        ax.plot(run.t, run["about_input"], color=style.colour(row))
        ax.plot(run.t, run["about_label"], color="0.3", lw=1, ls="--")
    first = runs[row][0]
    if "predicted_input" in first.data:
        ax.plot(first.t, first["predicted_input"], color="black", ls="--", lw=1)
    style.log_time(ax, first.clock)
    style.widen(ax, 0.5)
    style.tidy(ax)


def _plane(ax, row: str, runs) -> None:
    for run in runs[row]:
        ax.plot(run["about_input"], run["about_label"], color=style.colour(row), lw=1, marker=".", ms=3)
        ax.plot(run["about_input"][-1], run["about_label"][-1], "o", color="black", ms=6, zorder=3)
    ax.set_xlabel("I(X;T), bits")
    style.widen(ax, 0.5)
    style.tidy(ax)
