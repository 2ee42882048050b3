"""The neural-collapse figure: how each measure falls, and when the training error reached zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from comparisons.neural_collapse.question import first_perfect

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OTHERS = ("nc2_norm", "nc2_angle", "nc3", "nc4")


def draw(result: Result) -> Figure:
    """One column per model: NC1 of all replicates above, NC2-NC4 of the first below."""
    from matplotlib.figure import Figure

    runs, shown = result.runs, panels.rows_shown(result)
    figure = Figure(figsize=(4.2 * max(len(shown), 1), 7), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False)
    for column, row in enumerate(shown):
        _nc1(axes[0, column], row, runs, result.question)
        _others(axes[1, column], runs[row][0], result.question)
        axes[0, column].set_title(panels.title(result, row, "decades"), fontsize=11)
        for ax in axes[:, column]:
            style.log_time(ax, runs[row][0].clock)
            ax.set_yscale("log")
            style.tidy(ax)
    axes[0, 0].set_ylabel("within-class variability")
    axes[1, 0].set_ylabel("distance from the simplex")
    return figure


def _nc1(axes, row: str, runs, asked: Any) -> None:
    for i, run in enumerate(runs[row]):
        first = i == 0
        ratio = np.maximum(run["within_between"], asked.floor)
        axes.plot(run.t, ratio, color=style.colour(row), label="within/between" if first else None)
        if "nc1" in run.data:
            papyan = np.maximum(run["nc1"], asked.floor)
            axes.plot(run.t, papyan, color="0.4", lw=1, ls="--", label="Papyan's NC1" if first else None)
        if first and "predicted" in run.data:
            axes.plot(
                run.t, run["predicted"], color="black", lw=1, ls="-.", zorder=3, label="within/between, predicted"
            )
        start = first_perfect(run)
        if start is not None:
            axes.axvline(run.t[start], color="0.8", lw=0.8, label="training error 0" if first else None)
    for i, run in enumerate(runs.get(row + OFF, [])):
        label = "within/between, knob off" if i == 0 else None
        axes.plot(run.t, np.maximum(run["within_between"], asked.floor), color=style.colour(row), ls=":", label=label)
    axes.legend(fontsize=8, frameon=False)


def _others(axes, run, asked: Any) -> None:
    for name, colour in zip(OTHERS, style.ORDER, strict=False):
        if name in run.data and run[name].max() > 0:
            axes.plot(run.t, np.maximum(run[name], asked.floor), color=colour, label=name.replace("_", " "))
    axes.legend(fontsize=8, frameon=False)
