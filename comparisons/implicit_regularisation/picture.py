"""The figure: complexity of the two solutions above, and by how many decades they differ below, with the control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from comparisons.implicit_regularisation.question import lead
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONTROL, REFERENCE = "0.45", "black"


def draw(result: Result) -> Figure:
    """One column per model: small batch against full batch, then the lead of the small one and of its control."""
    from matplotlib.figure import Figure

    shown = panels.rows_shown(result)
    figure = Figure(figsize=(3.7 * max(len(shown), 1), 6.6), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False, sharex="col")
    for column, row in enumerate(shown):
        top, bottom = axes[:, column]
        runs, control = result.runs[row], result.runs.get(row + OFF, [])
        _complexities(top, row, runs, control)
        _leads(bottom, row, runs, control)
        knob = result.knobs.get(row + OFF)
        under = f"\ncontrol: {knob}" if knob and control else "\ncontrol" if row in result.controls else ""
        top.set_title(panels.title(result, row, "decades") + under, fontsize=10)
        _clock(bottom, runs[0])
        for ax in (top, bottom):
            style.tidy(ax)
        _thresholds(bottom, result)
    axes[1, 0].set_ylabel("decades simpler than the full batch")
    return figure


def _complexities(axes: Axes, row: str, runs: Sequence[Trajectory], control: Sequence[Trajectory]) -> None:
    for i, run in enumerate(runs):
        axes.plot(run.t, run["full"], color=REFERENCE, lw=1.1, ls=":", label="full batch" if i == 0 else None)
        axes.plot(run.t, run["small"], color=style.colour(row), lw=1.5, label="small batch" if i == 0 else None)
    for i, run in enumerate(control):
        axes.plot(run.t, run["small"], color=CONTROL, lw=1.1, ls="--", label="control" if i == 0 else None)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 10 * low:
        middle = np.sqrt(low * high)
        axes.set_ylim(middle / np.sqrt(10), middle * np.sqrt(10))
    low, high = axes.get_ylim()
    ticks = [digit * 10.0**power for power in range(-9, 10) for digit in (1, 2, 5)]
    axes.set_yticks([tick for tick in ticks if low <= tick <= high], minor=False)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_ylabel(runs[0].meta.get("complexity", "complexity"))
    axes.legend(fontsize=8, frameon=False, loc="best")


def _leads(axes: Axes, row: str, runs: Sequence[Trajectory], control: Sequence[Trajectory]) -> None:
    for run in runs:
        axes.plot(run.t, lead(run), color=style.colour(row), lw=1.5)
    for run in control:
        axes.plot(run.t, lead(run), color=CONTROL, lw=1.1, ls="--")
    for i, run in enumerate(runs):
        if "predicted" in run.data:
            label = "predicted" if i == 0 else None
            axes.plot(run.t, run["predicted"], color="black", lw=1.0, ls=(0, (4, 4)), zorder=3, label=label)
            axes.legend(fontsize=8, frameon=False, loc="upper left")


def _thresholds(axes: Axes, result: Result) -> None:
    low, high = (getattr(result.question, name, None) for name in ("absent_below", "shown_from"))
    for bound in (low, high):
        if bound is not None:
            axes.axhline(bound, color="0.6", lw=0.8, ls=":", zorder=0)
    axes.set_ylim(min(-0.1, axes.get_ylim()[0]), max(1.05, axes.get_ylim()[1]))


def _clock(axes: Axes, run: Trajectory) -> None:
    if run.t[0] > 0 and run.t[-1] > 10 * run.t[0]:
        style.log_time(axes, run.clock)
    else:
        axes.set_xlabel(run.clock)
        axes.locator_params(axis="x", nbins=4)
