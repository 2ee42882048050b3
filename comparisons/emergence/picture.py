"""The emergence figure: the skills of each model above, of its control below, on the model's own clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness import panels, style
from comparisons.harness.result import Result
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: Result) -> Figure:
    """One column per model: its skills, strongest darkest, and below those of its control; marks at one half."""
    return panels.over_controls(result, _skills, "progress of each skill", "progress, knob turned off")


def _skills(axes: Axes, row: str, runs: Sequence[Trajectory]) -> None:
    """All replicates thin, the first one thick."""
    n = runs[0]["skills"].shape[1]
    for i, run in enumerate(runs):
        rising = (run.t > 0) & (run["skills"].max(axis=1) > LEAST)
        for k in range(n):
            shade = _shade(style.colour(row), k / n)
            label = f"skill {k + 1}" if i == 0 else None
            axes.plot(run.t[run.t > 0], run["skills"][run.t > 0, k], color=shade, lw=2 if i == 0 else 0.7, label=label)
        if i == 0:
            first = run.t[np.flatnonzero(rising)[0]] if rising.any() else run.t[run.t > 0][0]
            before = np.flatnonzero(run["skills"].min(axis=1) < MOST)
            last = run.t[min(before[-1] + 1, len(run.t) - 1)] if before.size else first
            left = max(run.t[run.t > 0][0], first / 2)
            axes.set_xlim(left, max(last * 2, 4 * left))
    axes.axhline(0.5, color="0.6", lw=0.7, ls=":")
    style.log_time(axes, runs[0].clock)
    style.tidy(axes)
    axes.set_ylim(-0.1, 1.15)
    axes.legend(fontsize=7, frameon=False, loc="upper left")


LEAST, MOST = 0.02, 0.98  # progress that the picture begins and ends with


def _shade(colour: str, share: float) -> tuple[float, float, float]:
    """A lighter `colour`, the more the larger the `share` in [0, 1)."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - (1 - 0.8 * share) * (1 - part) for part in to_rgb(colour))
    return red, green, blue
