"""The double-descent figure: test error over sizes above, with control and prediction; training error below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.double_descent.question import curve
from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST = 1e-6  # of the lower panels, as a share of the largest training error


def draw(result: Result) -> Figure:
    """One column per model; a vertical line at the size at which theory expects the peak."""
    from matplotlib.figure import Figure

    shown = panels.rows_shown(result)
    figure = Figure(figsize=(3.9 * max(len(shown), 1), 6.6), layout="constrained")
    axes = figure.subplots(
        2, max(len(shown), 1), squeeze=False, sharex="col", gridspec_kw={"height_ratios": [2.2, 1.0]}
    )
    for column, row in enumerate(shown):
        top, bottom = axes[:, column]
        _test(top, row, result)
        _train(bottom, row, result)
        knob = result.knobs.get(row + OFF)
        top.set_title(panels.title(result, row, "decades") + (f"\ncontrol: {knob}" if knob else ""), fontsize=10)
        first = result.runs[row][0]
        for ax in (top, bottom):
            if "threshold" in first.meta:
                ax.axvline(first.meta["threshold"], color="0.6", lw=0.9, ls=":", zorder=0)
            style.log_time(ax, first.clock)
            ax.set_yscale("log")
            style.tidy(ax)
        top.set_xlabel("")
        top.legend(fontsize=8, frameon=False, loc="best")
    axes[0, 0].set_ylabel("test error")
    axes[1, 0].set_ylabel("training error")
    return figure


def _test(axes: Axes, row: str, result: Result) -> None:
    for i, run in enumerate(result.runs[row]):
        label = "model" if i == 0 else None
        axes.plot(run.t, 10 ** curve(run), "o-", color=style.colour(row), lw=1.5, ms=3, label=label)
    for i, run in enumerate(result.runs.get(row + OFF, [])):
        label = "control" if i == 0 else None
        axes.plot(run.t, 10 ** curve(run), color="0.45", lw=1.2, ls="--", label=label)
    first = result.runs[row][0]
    if "predicted" in first.data:
        axes.plot(first.t, first["predicted"], color="black", lw=1.2, ls=(0, (4, 4)), zorder=3, label="predicted")


def _train(axes: Axes, row: str, result: Result) -> None:
    for name, colour, dash in ((row, style.colour(row), "-"), (row + OFF, "0.45", "--")):
        for run in result.runs.get(name, []):
            mean = run["train"].mean(axis=1)
            axes.plot(run.t, np.maximum(mean, LOWEST * mean.max()), color=colour, lw=1.1, ls=dash)
