"""The edge-of-stability figure: sharpness of descent and of its flow in units of 2 / learning rate, control below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comparisons.edge_of_stability.question import in_units_of_the_edge
from comparisons.harness import panels, style
from comparisons.harness.result import Result
from toymodels.metrics.edge_of_stability import edge_ratio
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: Result) -> Figure:
    """One column per model: descent in colour, flow dashed, the edge at 1; where a theory says it, the flow's end."""
    figure = panels.over_controls(result, _sharpness, "sharpness, in units of 2 / lr", "sharpness, knob turned off")
    figure.axes[0].legend(fontsize=8, frameon=False, loc="lower right")
    return figure


DENSE = 100  # records from which on a curve is drawn as a thin line


def _sharpness(axes: Axes, row: str, runs: Sequence[Trajectory]) -> None:
    """All replicates thin, the first one thick."""
    axes.axhline(1, color="0.4", lw=1.0, ls=":", label="edge of stability")
    for i, run in enumerate(runs):
        descent, flow = in_units_of_the_edge(run)
        width = (1.0 if i == 0 else 0.6) * (2.4 if len(run.t) < DENSE else 0.8)
        axes.plot(run.t, descent, color=style.colour(row), lw=width, label="descent" if i == 0 else None)
        dashed = {"color": "black", "ls": (0, (4, 4)), "lw": 1.2 if i == 0 else 0.7, "zorder": 3}
        axes.plot(run.t, flow, label="gradient flow" if i == 0 else None, **dashed)
        if "predicted_flow" in run.meta and i == 0:
            end = edge_ratio(run.meta["predicted_flow"], run.meta["lr"])
            more = {"mfc": "white", "ms": 6, "clip_on": False, "zorder": 4, "label": "flow, closed form"}
            axes.plot(run.t[-1], end, "D", color="black", **more)
    style.tidy(axes)
    axes.set_xlabel(runs[0].clock)
