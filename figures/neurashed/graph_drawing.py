"""Pictures of neurashed graphs: levels as rows, node area by amplification, firing nodes coloured.

Every function takes what it shows and returns a matplotlib `Figure`; none of them trains, shows or saves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed import Neurashed, Task
from toymodels.validation import non_negative

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRING, SILENT = "#c8321e", "#8f98a3"
AREA = 260.0  # points^2 of the largest node of a level
SMALLEST = 4.0  # so that a node never vanishes from the picture


def positions(model: Neurashed) -> dict[tuple[int, int], tuple[float, float]]:
    """Place of every node: levels one above the other, each spread over (0, 1)."""
    return {
        node: ((k + 0.5) / len(nodes), float(level))
        for level, nodes in enumerate(model.compiled.nodes)
        for k, node in enumerate(nodes)
    }


def draw_graph(
    axes: Axes, model: Neurashed, *, firing: set[tuple[int, int]] | None = None, amplification: ArrayLike | None = None
) -> None:
    """Draw a model on existing axes.

    Parameters
    ----------
    axes : matplotlib Axes
    model : Neurashed
    firing : set of nodes, optional
        Drawn in colour with the edges between them, such as `model.pathway(x, label)`.
    amplification : (n_hidden,) array, optional
        Node areas, relative to the largest of each level; equal if left out. Class nodes have full size.

    Raises
    ------
    ValueError
        If `amplification` does not have one non-negative entry per hidden node.
    """
    from matplotlib.collections import LineCollection

    place, firing = positions(model), firing or set()
    edges = sorted(model.graph.edges, key=lambda edge: firing.issuperset(edge))  # coloured ones on top
    coloured = [firing.issuperset(edge) for edge in edges]
    lines = LineCollection(
        [(place[source], place[target]) for source, target in edges],
        colors=[FIRING if on else SILENT for on in coloured],
        linewidths=[1.6 if on else 0.5 for on in coloured],
        zorder=1,
    )
    axes.add_collection(lines)
    nodes = list(place)
    axes.scatter(
        *np.array([place[node] for node in nodes]).T,
        s=_areas(model, amplification),
        c=[FIRING if node in firing else "white" for node in nodes],
        edgecolors=[FIRING if node in firing else SILENT for node in nodes],
        zorder=2,
    )
    top = len(model.compiled.nodes) - 1
    axes.set(xlim=(0, 1), ylim=(-0.4, top + 0.4), xticks=[], yticks=range(top + 1))
    axes.set_yticklabels([*(f"level {level + 1}" for level in range(top)), "classes"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _areas(model: Neurashed, amplification: ArrayLike | None) -> np.ndarray:
    """Area of every node, hidden ones first, then classes."""
    classes = np.full(model.n_classes, AREA)
    if amplification is None:
        return np.concatenate([np.full(len(model.nodes), AREA), classes])
    values = non_negative("amplification", amplification)
    if values.shape != (len(model.nodes),):
        raise ValueError(f"amplification must have {len(model.nodes)} entries, got shape {values.shape}")
    levels = np.split(values, model.offsets[1:-1])
    scaled = [level / level.max() if level.max() > 0 else level for level in levels]
    return np.concatenate([np.maximum(AREA * np.concatenate(scaled), SMALLEST), classes])


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
