"""The local-elasticity figure: contrast along training, and what a step on a 4 does to 4s, 9s and 0s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from comparisons import style
from comparisons.study import OFF, Runs, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from comparisons.local_elasticity import Params

DIGITS = {4: "#117733", 9: "#DDAA33", 0: "#004488"}


def draw(runs: Runs, verdicts: Mapping[str, Verdict], p: Params) -> Figure:
    """One panel per model; if the digits were run, one more with the histograms."""
    from matplotlib.figure import Figure

    shown = [row for row in runs if not row.endswith(OFF) and runs[row]]
    digits = next((row for row in shown if "four_to_4" in runs[row][0].meta), None)
    columns = max(len(shown) + (digits is not None), 1)
    figure = Figure(figsize=(3.6 * columns, 3.9), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax, row in zip(axes, shown, strict=False):
        _contrast(ax, row, runs)
        ax.set_title(f"{row}\n{verdicts[row].outcome}, {verdicts[row].score:.2f} decades", fontsize=11)
    axes[0].set_ylabel("same class against others, decades")
    if digits is not None:
        _histograms(axes[-1], runs[digits])
    return figure


def _contrast(ax, row: str, runs: Runs) -> None:
    for i, run in enumerate(runs[row]):
        ax.plot(run.t, run["contrast"], color=style.colour(row), label="trained" if i == 0 else None)
        ax.axhline(run.meta["baseline"], color="0.6", lw=0.8, ls="--", label="inputs alone" if i == 0 else None)
    for i, run in enumerate(runs.get(row + OFF, [])):
        ax.plot(run.t, run["contrast"], color=style.colour(row), ls=":", label="knob off" if i == 0 else None)
    style.log_time(ax, runs[row][0].clock)
    style.tidy(ax)
    ax.legend(fontsize=8, frameon=False)


def _histograms(ax, replicates) -> None:
    for digit, colour in DIGITS.items():
        values = np.concatenate([run.meta[f"four_to_{digit}"] for run in replicates])
        ax.hist(
            values, bins=np.linspace(0, 1.2, 40), density=True, histtype="step", color=colour, label=f"4 on {digit}s"
        )
    ax.set_xlabel("relative change of the logits")
    ax.set_ylabel("density")
    ax.set_title("a step on a 4", fontsize=11)
    style.tidy(ax)
    ax.legend(fontsize=8, frameon=False)
