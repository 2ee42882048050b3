"""Rows of pictures of neurashed graphs, as the paper has them.

Every function takes what it shows and returns a matplotlib `Figure`; none of them trains, shows or saves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from toymodels.neurashed import Task
from toymodels.neurashed.drawing import AREA, FIRING, SILENT, SMALLEST, draw_graph, positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


__all__ = ["AREA", "FIRING", "SILENT", "SMALLEST", "draw_graph", "feature_pathways", "learned_models", "positions"]


def feature_pathways(task: Task) -> Figure:
    """One panel per type of input with its feature pathway in colour, as in figure 2 of Su (2024)."""
    figure, panels = _row_of_panels(len(task.inputs))
    for axes, x, label, name in zip(panels, task.inputs, task.labels, task.names, strict=True):
        draw_graph(axes, task.model, firing=task.model.pathway(x, int(label)))
        axes.set_title(name)
    return figure


def learned_models(task: Task, amplification: Mapping[str, ArrayLike]) -> Figure:
    """One panel per learned model, nodes by amplification, as in figures 3(c) and 4(b) of Su (2024).

    Parameters
    ----------
    task : Task
    amplification : mapping from title to (n_hidden,) array
        Such as the last rows of runs with different batch sizes.
    """
    figure, panels = _row_of_panels(len(amplification))
    for axes, (title, values) in zip(panels, amplification.items(), strict=True):
        draw_graph(axes, task.model, amplification=values)
        axes.set_title(title)
    return figure


def _row_of_panels(n: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * n, 3.2), layout="constrained")
    return figure, list(figure.subplots(1, n, squeeze=False)[0])
