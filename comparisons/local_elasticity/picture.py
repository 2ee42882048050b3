"""The local-elasticity figure: contrast before and along training, and what a step on a 4 does to 4s, 9s and 0s."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from comparisons.local_elasticity.question import fitted_from

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIGITS = {4: "#117733", 9: "#DDAA33", 0: "#004488"}
CONTROL = "0.55"
TRAIN_LEVEL = 0.95  # of a result that is read without its question


def draw(result: Result) -> Figure:
    """One panel per model with its control; if the digits were run, one more with the histograms."""
    from matplotlib.figure import Figure

    runs, shown = result.runs, panels.rows_shown(result)
    level = getattr(result.question, "train_level", TRAIN_LEVEL)
    digits = [row for row in shown if "four_to_4" in runs[row][0].meta]
    n_panels = len(shown) + bool(digits)
    columns = min(max(n_panels, 1), 4)
    rows = -(-max(n_panels, 1) // columns)
    figure = Figure(figsize=(3.7 * columns, 3.5 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for i, (ax, row) in enumerate(zip(axes, shown, strict=False)):
        _contrast(ax, runs.get(row + OFF, []), CONTROL, level)
        _contrast(ax, runs[row], style.colour(row), level)
        ax.axhline(0, color="0.8", lw=0.8, zorder=0)
        style.log_time(ax, runs[row][0].clock)
        style.widen(ax, 0.4)
        style.tidy(ax)
        ax.set_title(panels.title(result, row, "decades"), fontsize=11)
        if i % columns == 0:
            ax.set_ylabel("contrast of own class to others, decades", fontsize=9)
    if digits:
        _histograms(axes[len(shown)], runs[digits[-1]], digits[-1])
    for ax in axes[n_panels:]:
        ax.set_axis_off()
    if shown:
        figure.legend(handles=_legend(), loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return figure


def _contrast(ax, replicates, colour: str, level: float) -> None:
    """Every replicate: contrast along training, that before training dashed, a dot at the fit."""
    for run in replicates:
        ax.plot(run.t, run["contrast"], color=colour, lw=1.4)
        ax.plot(run.t, run["start_contrast"], color=colour, lw=0.9, ls="--")
        fit = fitted_from(run, level) if "train" in run.data else None
        if fit is not None:
            ax.plot(run.t[fit], run["contrast"][fit], "o", ms=4.5, color=colour, markeredgecolor="k", zorder=3)


def _legend() -> list:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color="k", lw=1.4, label="along training"),
        Line2D([], [], color="k", lw=0.9, ls="--", label="same model before training"),
        Line2D([], [], color="k", ls="", marker="o", ms=4.5, label="fit"),
        Line2D([], [], color=CONTROL, lw=2.5, label="control, in grey"),
    ]


def _histograms(ax, replicates, row: str) -> None:
    moved = {digit: np.concatenate([run.meta[f"four_to_{digit}"] for run in replicates]) for digit in DIGITS}
    bins = np.linspace(0, max(1.2, *(values.max() for values in moved.values())), 40)
    for digit, colour in DIGITS.items():
        ax.hist(moved[digit], bins=bins, density=True, histtype="step", color=colour, label=f"4 on {digit}s")
    ax.set_xlabel("relative change of the logits")
    ax.set_ylabel("density", fontsize=9)
    ax.set_title(f"{row}\na step on a 4, after training", fontsize=11)
    style.tidy(ax)
    ax.legend(fontsize=8, frameon=False)
