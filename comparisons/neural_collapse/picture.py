"""The neural-collapse figure: variability within classes above, below how far the class means are from a simplex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from comparisons.neural_collapse.question import first_perfect

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THIN = {"nc3": ("classifier off the means (NC3)", "--"), "nc4": ("unlike the nearest mean (NC4)", ":")}
LOWEST = 1e-4  # of the lower panels: what lies below is drawn at their edge


def draw(result: Result) -> Figure:
    """One column per model: variability of all replicates and the control above, their angles below.

    Both panels carry the level that must be reached, and a vertical line where the training error is 0 for good.
    """
    from matplotlib.figure import Figure

    shown = panels.rows_shown(result)
    figure = Figure(figsize=(4.2 * max(len(shown), 1), 7.6), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False, sharex="col")
    for column, row in enumerate(shown):
        top, bottom = axes[:, column]
        _variability(top, row, result)
        _simplex(bottom, row, result)
        top.set_title(panels.title(result, row, "decades"), fontsize=11)
        for ax, below in ((top, -0.06), (bottom, -0.16)):
            _fits(ax, result.runs[row])
            style.log_time(ax, result.runs[row][0].clock)
            ax.set_yscale("log")
            style.tidy(ax)
            ax.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, below), ncols=2)
        top.set_xlabel("")
        bottom.set_ylim(LOWEST / 1.5, 3)
    axes[0, 0].set_ylabel("variability within / between classes")
    axes[1, 0].set_ylabel(f"deviation from the simplex (floor {LOWEST:g})")
    return figure


def _variability(axes: Axes, row: str, result: Result) -> None:
    colour, asked = style.colour(row), result.question
    for i, run in enumerate(result.runs[row]):
        label = "model" if i == 0 else None
        axes.plot(run.t, np.maximum(run["within_between"], asked.floor), color=colour, lw=1.5, label=label)
    if result.runs[row] and "predicted" in (run := result.runs[row][0]).data:
        predicted = np.maximum(run["predicted"], asked.floor)
        axes.plot(run.t, predicted, color="black", lw=1, ls=(0, (4, 4)), zorder=3, label="predicted")
    for i, run in enumerate(result.runs.get(row + OFF, [])):
        label = "control" if i == 0 else None
        axes.plot(run.t, np.maximum(run["within_between"], asked.floor), color="0.45", lw=1.1, ls="--", label=label)
    axes.axhline(asked.most_variability, color="0.2", lw=0.8, ls=":", label="to be reached")


def _simplex(axes: Axes, row: str, result: Result) -> None:
    colour, asked = style.colour(row), result.question
    for i, run in enumerate(result.runs[row]):
        label = "angles (NC2)" if i == 0 else None
        axes.plot(run.t, _drawable(run["nc2_angle"]), color=colour, lw=1.5, label=label)
    for i, run in enumerate(result.runs.get(row + OFF, [])):
        label = "angles, control" if i == 0 else None
        axes.plot(run.t, _drawable(run["nc2_angle"]), color="0.45", lw=1.1, ls="--", label=label)
    first = result.runs[row][0]
    for name, (label, dash) in THIN.items():
        if name in first.data:
            axes.plot(first.t, _drawable(first[name]), color="#E69F00", lw=0.9, ls=dash, label=label)
    axes.axhline(asked.most_angle, color="0.2", lw=0.8, ls=":", label="to be reached")


def _fits(axes: Axes, runs: Any) -> None:
    """A line where each replicate has fitted for good."""
    starts = [(run, first_perfect(run)) for run in runs]
    for i, time in enumerate(sorted(run.t[start] for run, start in starts if start is not None)):
        axes.axvline(time, color="0.8", lw=1, zorder=0, label="training error 0" if i == 0 else None)


def _drawable(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, LOWEST)
