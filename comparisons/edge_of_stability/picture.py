"""The edge-of-stability figure: sharpness of descent and of its flow in units of 2 / learning rate, control below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comparisons.edge_of_stability.question import in_units_of_the_edge
from comparisons.harness import panels, style
from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from toymodels.metrics.edge_of_stability import edge_ratio
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(result: Result) -> Figure:
    """One column per model: descent in colour, flow dashed, the edge at 1; where a theory says it, the flow's end."""
    from matplotlib.figure import Figure

    shown = panels.rows_shown(result)
    figure = Figure(figsize=(3.9 * max(len(shown), 1), 6.4), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False, sharey=True)
    for column, row in enumerate(shown):
        top, bottom = axes[:, column]
        _sharpness(top, row, result.runs[row])
        top.set_title(panels.title(result, row, ""), fontsize=11)
        control = result.runs.get(row + OFF, [])
        if control:
            _sharpness(bottom, row, control)
            title = f"control: {result.knobs[row + OFF]}\n{panels.title(result, row + OFF, '').partition(chr(10))[2]}"
            bottom.set_title(title, fontsize=9)
        else:
            bottom.set_axis_off()
    axes[0, 0].legend(fontsize=8, frameon=False, loc="lower right")
    axes[0, 0].set_ylabel("sharpness, in units of 2 / lr")
    axes[1, 0].set_ylabel("sharpness, knob turned off")
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
