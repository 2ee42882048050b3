"""The information-bottleneck figure: information along training, and the information plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(result: Result) -> Figure:
    """One column per model: against time above, I(Y;T) against I(X;T) below."""
    from matplotlib.figure import Figure

    runs, shown = result.runs, panels.rows_shown(result)
    columns = max(len(shown), 1)
    figure = Figure(figsize=(3.5 * columns, 6.8), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False)
    for column, row in enumerate(shown):
        _in_time(axes[0, column], row, runs)
        _plane(axes[1, column], row, runs)
        axes[0, column].set_title(panels.title(result, row, "lost"), fontsize=11)
    axes[0, 0].set_ylabel("information, bits")
    axes[1, 0].set_ylabel("I(Y;T), bits")
    return figure


def _in_time(ax, row: str, runs) -> None:
    for i, run in enumerate(runs[row]):
        first = i == 0
        ax.plot(run.t, run["about_input"], color=style.colour(row), label="I(X;T)" if first else None)
        ax.plot(run.t, run["about_label"], color="0.3", lw=1, ls="--", label="I(Y;T)" if first else None)
    for i, run in enumerate(runs.get(row + OFF, [])):
        ax.plot(
            run.t, run["about_input"], color=style.colour(row), ls=":", label="I(X;T), knob off" if i == 0 else None
        )
    style.log_time(ax, runs[row][0].clock)
    style.widen(ax, 0.5)
    style.tidy(ax)
    ax.legend(fontsize=8, frameon=False)


def _plane(ax, row: str, runs) -> None:
    for run in runs[row]:
        ax.plot(run["about_input"], run["about_label"], color=style.colour(row), lw=1, marker=".", ms=3)
        ax.plot(run["about_input"][-1], run["about_label"][-1], "o", color="black", ms=6, zorder=3)
    ax.set_xlabel("I(X;T), bits (dot: end)")
    style.widen(ax, 0.5)
    style.tidy(ax)
