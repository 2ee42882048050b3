"""The grokking figure: what happens above, and below the area between the curves that is the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.grokking.question import rising
from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: Result) -> Figure:
    """One column per model: scores of all replicates, and of the first the share of its own rise."""
    from matplotlib.figure import Figure

    shown = panels.rows_shown(result)
    figure = Figure(figsize=(4.2 * max(len(shown), 1), 7.2), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False)
    for column, row in enumerate(shown):
        top, bottom = axes[:, column]
        _performance(top, row, result)
        _lag(bottom, row, result.runs[row][0])
        for ax in (top, bottom):
            style.log_time(ax, result.runs[row][0].clock)
            style.tidy(ax)
            ax.set_ylim(-0.05, 1.05)
            ax.legend(fontsize=8, frameon=False, loc="best")
    axes[0, 0].set_ylabel("train and test performance")
    axes[1, 0].set_ylabel("share of its own rise (first replicate)")
    return figure


def _performance(axes: Axes, row: str, result: Result) -> None:
    for i, run in enumerate(result.runs[row]):
        axes.plot(run.t, run["train"], color="0.35", lw=1, ls="--", label="train" if i == 0 else None)
        axes.plot(run.t, run["test"], color=style.colour(row), lw=1.6, label="test" if i == 0 else None)
    for i, run in enumerate(result.runs.get(row + OFF, [])):
        label = "test, knob off" if i == 0 else None
        axes.plot(run.t, run["test"], color=style.colour(row), lw=0.9, ls=":", label=label)
    axes.set_title(panels.title(result, row, "decades"), fontsize=11)


def _lag(axes: Axes, row: str, run: Trajectory) -> None:
    train, test = (_share(rising(run, name)) for name in ("train", "test"))
    axes.fill_between(run.t, train, test, color=style.colour(row), alpha=0.2, lw=0, label="lag: the area between")
    axes.plot(run.t, train, color="0.35", lw=1, ls="--")
    axes.plot(run.t, test, color=style.colour(row), lw=1.6)


def _share(values: np.ndarray) -> np.ndarray:
    """A score as the share of its rise from the first to the last record; flat where it does not rise."""
    rise = values[-1] - values[0]
    return (values - values[0]) / rise if rise else np.zeros_like(values)
