"""Figure 6 of the 2025 paper: clouds in the plane of the readout before and after the jump, and the controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data
from figures.opt_npt.batch_norm_lag_runs import CONTROLS
from figures.opt_npt.clouds import draw_cloud

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {"usual": "momentum 0.1", "warm": "warm start", "last": "momentum 1", "slow": "momentum 0.03"}


def draw(data: Data, settings: Settings) -> Figure:
    """Panels a to f as in the paper, and the five controls."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(12.5, 9), layout="constrained")
    axes = figure.subplots(3, 3, width_ratios=(1, 1, 1.5))
    rows = {"train": "train, training mode", "eval": "test, evaluation mode", "batch": "test, training mode"}
    for row, (cloud, title) in enumerate(rows.items()):
        for column, step in enumerate((int(data["before"]), int(data["usual_steps"][-1]))):
            letter = "abcdef"[2 * row + column]
            points = data[f"usual_plane_{cloud}"][0, column]
            draw_cloud(axes[row, column], points, data["labels"], f"({letter}) {title}, step {step}")
    axes[0, 0].legend(fontsize=7)
    for column in range(2):
        _share_limits(axes[:, column])
    _draw_who_is_late(axes[0, 2], data)
    _draw_controls(axes[1, 2], data)
    for ax in axes[:2, 2]:
        ax.set(xlabel="step (= epoch)", ylabel="accuracy", ylim=(0, 1.02))
        ax.legend(fontsize=7)
    gradient = data["usual_gradient"].mean(axis=0).T
    for layer, curve in enumerate(gradient):
        axes[2, 2].plot(data["usual_steps"], curve, color=str(0.8 - 0.8 * layer / len(gradient)))
    axes[2, 2].set(title="rank gradient by layer, training mode (light: first layer)")
    axes[2, 2].set(xlabel="step (= epoch)", ylabel="rank gradient")
    for ax in axes[:, 2]:
        tidy(ax)
    return figure


def _draw_who_is_late(ax: Axes, data: Data) -> None:
    from comparisons.harness.style import ORDER

    names = {
        "train_batch": "train, training mode",
        "test_batch": "test, training mode",
        "train_accuracy": "train, evaluation mode",
        "test_accuracy": "test, evaluation mode",
        "test_reestimated": "test, statistics estimated anew",
    }
    for colour, (name, label) in zip(ORDER, names.items(), strict=False):
        dash = "--" if name == "test_reestimated" else "-"
        ax.plot(data["usual_steps"], data[f"usual_{name}"].mean(axis=0), dash, color=colour, label=label)
    ax.set(title="momentum 0.1: who is late")


def _draw_controls(ax: Axes, data: Data) -> None:
    from comparisons.harness.style import ORDER

    for colour, control in zip(ORDER, CONTROLS, strict=False):
        curve = data[f"{control}_test_accuracy"].mean(axis=0)
        ax.plot(data[f"{control}_steps"], curve, color=colour, label=TITLES[control])
    ax.plot(data["slow_steps"], data["slow_test_batch"].mean(axis=0), "k:", label="training mode")
    ax.set(title="test accuracy, evaluation mode, by control")


def _share_limits(axes: np.ndarray) -> None:
    """The same window for all clouds of a column, so that a collapsed one is seen as such."""
    for get, put in (("get_xlim", "set_xlim"), ("get_ylim", "set_ylim")):
        limits = np.array([getattr(ax, get)() for ax in axes])
        for ax in axes:
            getattr(ax, put)(limits[:, 0].min(), limits[:, 1].max())
