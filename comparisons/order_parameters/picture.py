"""The picture of leads and lags: order parameters of all theories against the jump of the test score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comparisons import grokking, order, style
from comparisons.order_probes import THEORY
from comparisons.study import Runs
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from comparisons.order_parameters import Params

WINDOW = (-1.2, 1.0)  # decades around the half-way time of the test score


def draw(runs: Runs, p: Params) -> Figure:
    """One column per model: curves of the first replicate above, half-way times of all replicates below."""
    from matplotlib.figure import Figure

    shown = {row: replicates for row, replicates in runs.items() if _delayed(replicates, p)}
    columns = max(len(shown), 1)
    figure = Figure(figsize=(4.6 * columns, 8.4), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, height_ratios=(1, 1.15))
    for column, (row, replicates) in enumerate(shown.items()):
        _curves(axes[0, column], replicates[0], p)
        _half_way_times(axes[1, column], replicates, p)
        axes[0, column].set_title(row, color=style.colour(row), fontsize=12)
    axes[0, 0].set_ylabel("share of its own change\nsince the lazy plateau")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=6, fontsize=10, frameon=False)
    figure.suptitle("Which order parameter moves before the test score, and which after?", fontsize=13)
    return figure


def _legend() -> list:
    """The test score, and whose order parameter has which colour."""
    from matplotlib.lines import Line2D

    names = {"layerwise": "layerwise", "neurashed": "neurashed", "condensation": "condensation", "dnn": "OPT/NPT"}
    entries = [(style.FAMILY[family], f"order parameter of {name}") for family, name in names.items()]
    lines = [Line2D([], [], color=colour, lw=2, label=label) for colour, label in entries]
    other = Line2D([], [], color=style.OTHER, lw=2, label="other")
    return [Line2D([], [], color="black", lw=2.6, label="test score"), *lines, other]


def _delayed(replicates: Sequence[Trajectory], p: Params) -> bool:
    return all(np.less(*grokking.crossings(run, p)) for run in replicates)


def _colour(name: str) -> str:
    return style.FAMILY.get(THEORY.get(name, ""), style.OTHER)


def _curves(axes: Axes, run: Trajectory, p: Params) -> None:
    t_train, t_test = grokking.crossings(run, p)
    shares = order.changes(run, ["test", *run.meta["order"]], t_train, t_test)
    half = order.half_times(run, {"test": shares["test"]})["test"]
    for name, share in shares.items():
        late = run.t > 0
        decades = np.log10(run.t[late] / half)
        if name == "test":
            axes.plot(decades, share[late], color="black", lw=2.6, zorder=3)
        else:
            axes.plot(decades, share[late], color=_own_colour(run, name), lw=1.1, alpha=0.8)
    axes.set_xlim(*WINDOW)
    axes.set_ylim(-0.2, 1.2)
    axes.set_xlabel("decades from the half-way time of the test score")
    axes.axvline(0, color="0.7", lw=0.8)
    style.tidy(axes)


def _own_colour(run: Trajectory, name: str) -> str:
    return _colour(name) if name in THEORY else style.OTHER


def _half_way_times(axes: Axes, replicates: Sequence[Trajectory], p: Params) -> None:
    from comparisons.order_parameters import run_leads

    found = [run_leads(run, p) for run in replicates]
    names = order.common(found)
    names.sort(key=lambda name: -np.median([one[name] for one in found]))
    for height, name in enumerate(names):
        values = np.clip([one[name] for one in found], *WINDOW)
        colour = _own_colour(replicates[0], name)
        axes.plot([values.min(), values.max()], [height, height], color=colour, lw=2, alpha=0.5)
        axes.plot(np.median(values), height, "o", color=colour, ms=6)
    axes.axvline(0, color="black", lw=1.4)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=9)
    axes.set_xlim(*WINDOW)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlabel("decades before (-) or after (+) the test score")
    style.tidy(axes)
