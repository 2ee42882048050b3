"""The panels of figure 4: strengths of skills in time, data and parameters, and on finite sets in the exact model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(data: Data, settings: Settings) -> Figure:
    """Network (lines of every run, or medians with their range) and calibrated model; then the exact model."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(15, 4.2), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True)
    _draw_time(axes[0], data)
    _draw_limited(axes[1], data["sizes"], data["strength_by_data"], data["n_examples"], data["by_data"])
    _draw_limited(axes[2], data["widths"], data["strength_by_width"], data["n_units"], data["by_width"])
    for k in range(data["learned"].shape[1]):
        seen = np.unique(data["counts"][:, k])
        means = [data["learned"][data["counts"][:, k] == count, k].mean() for count in seen]
        axes[3].plot(seen, means, "o-", ms=3, color=style.ORDER[k], label=f"skill {k + 1}")
    axes[0].set(xlabel="step", ylabel="strength of the skill over target", title="(a) time")
    axes[1].set(xlabel="training examples", xscale="log", title="(b) data")
    axes[2].set(xlabel="hidden units", xlim=(0, None), title="(c) parameters")
    axes[3].set(xlabel="examples of the skill in the set", xlim=(-0.5, 8), title="exact model, finite training sets")
    for ax in axes:
        style.tidy(ax)
    axes[3].errorbar([], [], [], fmt="ko-", ms=4, lw=1, capsize=2, label="ReLU network: every run, or median and range")
    axes[3].plot([], [], "k--", label="model, set by skill 1")
    figure.legend(*axes[3].get_legend_handles_labels(), loc="outside lower center", ncols=7, fontsize=9)
    return figure


def _draw_time(ax: Axes, data: Data) -> None:
    """Every network as a line, and the model of the first one dashed."""
    from comparisons.harness import style

    for k in range(data["skill"].shape[2]):
        ax.plot(data["t"], data["skill"][..., k].T, color=style.ORDER[k], lw=1)
        ax.plot(data["t"], data["model"][0, :, k], color=style.ORDER[k], ls="--", lw=1.5)


def _draw_limited(
    ax: Axes, sizes: np.ndarray, strengths: np.ndarray, curve_sizes: np.ndarray, curves: np.ndarray
) -> None:
    """Medians and ranges of strengths (n_runs, n_sizes, n_skills), and curves (n, n_skills) of the model dashed."""
    from comparisons.harness import style

    middle = np.median(strengths, axis=0)
    bars = np.abs(np.quantile(strengths, [0, 1], axis=0) - middle)
    for k in range(curves.shape[1]):
        beside = sizes * 1.03 ** (k - (curves.shape[1] - 1) / 2)  # so that bars do not hide each other
        ax.errorbar(beside, middle[:, k], bars[..., k], fmt="o", ms=4, lw=1, capsize=2, color=style.ORDER[k])
        ax.plot(curve_sizes, curves[:, k], color=style.ORDER[k], ls="--", lw=1.5)
