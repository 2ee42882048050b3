"""The picture of leads and lags: every order parameter a named row, its change as a strip, its half-way time a dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons import half_times
from comparisons.grokking.question import crossings
from comparisons.harness import style
from comparisons.harness.result import Result
from comparisons.order_parameters.probes import THEORY
from comparisons.order_parameters.question import run_leads
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WINDOW = (-1.2, 1.0)  # decades around the half-way time of the test score
TEST = "test score"
NAMES = {"layerwise": "layerwise", "neurashed": "neurashed", "condensation": "condensation", "dnn": "OPT/NPT"}


def draw(result: Result) -> Figure:
    """One panel a model: what has changed by when, from the first replicate, and half-way times of all replicates."""
    from matplotlib.figure import Figure

    delayed = {row: runs for row, runs in result.runs.items() if _are_delayed(runs, result.question)}
    columns = max(len(delayed), 1)
    figure = Figure(figsize=(4.9 * columns, 5.6), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    image = None
    for ax, (row, runs) in zip(axes, delayed.items(), strict=False):
        image = _strips(ax, row, runs, result.question)
        ax.set_title(row, color=style.colour(row), fontsize=12)
    if image is not None:
        bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.01)
        bar.set_label("share of its own change since the lazy plateau")
        figure.legend(handles=_legend(), loc="outside lower center", ncols=7, fontsize=10, frameon=False)
    figure.suptitle(
        "Which order parameter moves before the test score (left of the line), and which after?", fontsize=13
    )
    return figure


def _legend() -> list:
    """Whose order parameter has which colour."""
    from matplotlib.lines import Line2D

    dot = {"marker": "o", "ls": "none", "mec": "white", "ms": 8}
    lines = [Line2D([], [], color=style.FAMILY[key], label=f"{name}'s", **dot) for key, name in NAMES.items()]
    other = Line2D([], [], color=style.OTHER, label="no theory's own", **dot)
    test = Line2D([], [], color="black", label=TEST, **dot)
    return [test, *lines, other, Line2D([], [], color="black", lw=2, label="half-way times of all replicates")]


def _are_delayed(runs: Sequence[Trajectory], asked: Any) -> bool:
    return bool(runs) and all(np.less(*crossings(run, asked)) for run in runs)


def _colour(row: str, name: str) -> str:
    """Of the theory a quantity belongs to; one that only this model records is its own family's."""
    return "black" if name == TEST else style.FAMILY.get(THEORY.get(name, row), style.OTHER)


def _strips(axes: Axes, row: str, runs: Sequence[Trajectory], asked: Any):
    """Rows from the earliest (top) to the latest; the row of the test score lies at zero."""
    leads = [run_leads(run, asked) for run in runs]
    spread = {name: [run[name] for run in leads] for name in half_times.common(leads)} | {TEST: [0.0] * len(leads)}
    names = sorted(spread, key=lambda name: -float(np.median(spread[name])))
    first = runs[0]
    shares = half_times.changes(first, ["test", *first.meta["order"]], *crossings(first, asked))
    half = half_times.half_times(first, {"test": shares["test"]})["test"]
    late = first.t > 0
    decades = np.log10(first.t[late] / half)
    grid = np.linspace(*WINDOW, 240)
    picture = np.full((len(names), grid.size), np.nan)
    for height, name in enumerate(names):
        share = shares["test" if name == TEST else name][late]
        seen = np.isfinite(share)
        inside = (grid >= decades[seen][0]) & (grid <= decades[seen][-1])
        picture[height, inside] = np.interp(grid[inside], decades[seen], share[seen])
    extent = (*WINDOW, -0.5, len(names) - 0.5)
    image = axes.imshow(
        picture, origin="lower", extent=extent, aspect="auto", cmap="Greys", vmin=0, vmax=1.5, interpolation="nearest"
    )
    axes.hlines(np.arange(len(names) - 1) + 0.5, *WINDOW, color="white", lw=4)
    if decades[-1] < WINDOW[1] - 0.1:
        middle = (len(names) - 1) / 2
        axes.text((decades[-1] + WINDOW[1]) / 2, middle, "run ends", rotation=90, va="center", color="0.5", fontsize=9)
    for height, name in enumerate(names):
        values, colour = np.clip(spread[name], *WINDOW), _colour(row, name)
        axes.plot([values.min(), values.max()], [height, height], color=colour, lw=2.5)
        axes.plot(np.median(values), height, "o", color=colour, ms=8, mec="white")
    axes.axvline(0, color="black", lw=1.2)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=9)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(_colour(row, name))
    axes.set_xlim(*WINDOW)
    axes.set_xlabel("decades from the half-way time of the test score")
    return image
