"""The grokking figure: what happens above, what each theory watches below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons import half_times
from comparisons.grokking.question import crossings
from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: Result) -> Figure:
    """One column per model: accuracies of all replicates, and order parameters of the first."""
    from matplotlib.figure import Figure

    shown = panels.rows_shown(result)
    figure = Figure(figsize=(4.2 * max(len(shown), 1), 7.2), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False)
    for column, row in enumerate(shown):
        top, bottom = axes[:, column]
        style.log_time(top, result.runs[row][0].clock)
        _performance(top, row, result)
        _order_parameters(bottom, result.runs[row], result.question)
        style.log_time(bottom, result.runs[row][0].clock)
    axes[0, 0].set_ylabel("train and test performance")
    axes[1, 0].set_ylabel("order parameter\n(share of its change since the lazy plateau)")
    return figure


def _performance(axes: Axes, row: str, result: Result) -> None:
    for i, run in enumerate(result.runs[row]):
        axes.plot(run.t, run["train"], color="0.35", lw=1, ls="--", label="train" if i == 0 else None)
        axes.plot(run.t, run["test"], color=style.colour(row), lw=1.6, label="test" if i == 0 else None)
    for i, run in enumerate(result.runs.get(row + OFF, [])):
        label = "test, knob off" if i == 0 else None
        axes.plot(run.t, run["test"], color=style.colour(row), lw=0.9, ls=":", label=label)
    axes.set_title(panels.title(result, row, "decades"), fontsize=11)
    axes.set_ylim(-0.05, 1.05)
    axes.legend(fontsize=8, frameon=False, loc="best")
    style.tidy(axes)


def _order_parameters(axes: Axes, replicates: Sequence[Trajectory], asked: Any) -> None:
    run = replicates[0]
    t_train, t_test = crossings(run, asked)
    axes.set_xscale("log")
    style.tidy(axes)
    if not 0 < t_train < t_test < np.inf:
        axes.text(0.5, 0.5, "no delay to look into", transform=axes.transAxes, ha="center")
        return
    shares = half_times.changes(run, ["test", *run.meta.get("order", [])], t_train, t_test)
    for i, (name, share) in enumerate(shares.items()):
        width, colour = (2.4, "0.2") if name == "test" else (1.5, style.ORDER[(i - 1) % len(style.ORDER)])
        dash = "-" if name == "test" else style.DASHES[(i // len(style.ORDER)) % len(style.DASHES)]
        axes.plot(run.t, share, color=colour, lw=width, ls=dash, label=name.replace("_", " ").replace(".", " "))
    axes.axvline(t_test, color="0.6", lw=0.8, ls=":")
    axes.text(t_test, 1.32, "test level", fontsize=7, ha="center", color="0.4")
    axes.set_xlim(half_times.plateau_time(t_train, t_test), run.t[-1])
    axes.axhline(0.5, color="0.8", lw=0.8)
    axes.set_ylim(-0.3, 1.4)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
