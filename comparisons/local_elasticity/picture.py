"""The local-elasticity figure: contrast along training, and what a step on a 4 does to 4s, 9s and 0s."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIGITS = {4: "#117733", 9: "#DDAA33", 0: "#004488"}


def draw(result: Result) -> Figure:
    """One panel per model; if the digits were run, one more with the histograms."""
    from matplotlib.figure import Figure

    runs, shown = result.runs, panels.rows_shown(result)
    digits = [row for row in shown if "four_to_4" in runs[row][0].meta]
    n_panels = len(shown) + bool(digits)
    columns = min(max(n_panels, 1), 4)
    rows = -(-max(n_panels, 1) // columns)
    figure = Figure(figsize=(3.7 * columns, 3.7 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, row in zip(axes, shown, strict=False):
        _contrast(ax, row, runs)
        ax.set_title(panels.title(result, row, "decades"), fontsize=11)
        ax.set_ylabel("same class against others, decades", fontsize=8)
    if digits:
        _histograms(axes[len(shown)], runs[digits[-1]], digits[-1])
    for ax in axes[n_panels:]:
        ax.set_axis_off()
    return figure


def _contrast(ax, row: str, runs) -> None:
    for i, run in enumerate(runs[row]):
        ax.plot(run.t, run["contrast"], color=style.colour(row), label="trained" if i == 0 else None)
        ax.axhline(run.meta["baseline"], color="0.6", lw=0.8, ls="--", label="inputs alone" if i == 0 else None)
    for i, run in enumerate(runs.get(row + OFF, [])):
        ax.plot(run.t, run["contrast"], color=style.colour(row), ls=":", label="knob off" if i == 0 else None)
    style.log_time(ax, runs[row][0].clock)
    style.widen(ax, 0.2)
    style.tidy(ax)
    ax.legend(fontsize=8, frameon=False)


def _histograms(ax, replicates, row: str) -> None:
    for digit, colour in DIGITS.items():
        values = np.concatenate([run.meta[f"four_to_{digit}"] for run in replicates])
        ax.hist(
            values, bins=np.linspace(0, 1.2, 40), density=True, histtype="step", color=colour, label=f"4 on {digit}s"
        )
    ax.set_xlabel("relative change of the logits")
    ax.set_ylabel("density")
    ax.set_title(f"{row}\na step on a 4", fontsize=11)
    style.tidy(ax)
    ax.legend(fontsize=8, frameon=False)
