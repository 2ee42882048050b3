"""Which rows of a result get a panel in its picture, and what stands above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from comparisons.harness.model import OFF
from comparisons.harness.result import Result
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Axes", str, Sequence[Trajectory]], None]


def rows_shown(result: Result) -> list[str]:
    """Rows with runs that get a panel of their own: all but the controls, which are drawn into their models'."""
    return [row for row, runs in result.runs.items() if not row.endswith(OFF) and runs]


def title(result: Result, row: str, unit: str) -> str:
    """A panel's title: the row, its verdict and its score."""
    verdict = result.verdicts.get(row)
    if verdict is None:
        return row
    return f"{row}\n{verdict.outcome}" + (f", {verdict.score:.2f} {unit}" if verdict.scores else "")


def over_controls(result: Result, draw: Draw, above: str, below: str) -> Figure:
    """A column a model: its runs above, those of its control below, on one scale.

    Parameters
    ----------
    result : Result
    draw : callable (axes, row, runs)
        Draws all replicates of a row.
    above, below : str
        What the axes say.
    """
    from matplotlib.figure import Figure

    shown = rows_shown(result)
    figure = Figure(figsize=(3.9 * max(len(shown), 1), 6.4), layout="constrained")
    axes = figure.subplots(2, max(len(shown), 1), squeeze=False, sharey=True)
    for (top, bottom), row in zip(axes.T, shown, strict=False):
        draw(top, row, result.runs[row])
        top.set_title(title(result, row, ""), fontsize=11)
        control = result.runs.get(row + OFF, [])
        if control:
            draw(bottom, row, control)
            verdict = title(result, row + OFF, "").partition("\n")[2]
            bottom.set_title(f"control: {result.knobs[row + OFF]}\n{verdict}", fontsize=9)
        else:
            bottom.set_axis_off()
    axes[0, 0].set_ylabel(above)
    axes[1, 0].set_ylabel(below)
    return figure
