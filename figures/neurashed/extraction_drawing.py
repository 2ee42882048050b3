"""Picture of the extracted graph and of what it predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.harness.figure import Data
from figures.neurashed.extraction_claims import QUANTILE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PATHS = 2  # strongest paths drawn into every node
PREDICTORS = {"graph": "graph", "shuffled": "shuffled", "shuffled_in_class": "shuffled\nin class", "inputs": "inputs"}


def draw(data: Data, settings: Any) -> Figure:
    """The graph, and beside it the three predictions against the measurements."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(14, 7.2), layout="constrained")
    above, below = figure.subplots(2, 3)
    draw_nodes(above[0], data, settings.architectures[0])
    scatter(above[1], data, settings.architectures[0])
    agreements(above[2], data, settings.architectures)
    thirds(below[0], data, settings.architectures)
    for ax, kind, title in ((below[1], 0, "equal updates"), (below[2], 1, "equal epochs")):
        ratios(ax, data, kind, settings)
        ax.set_title(f"(d) batch size and sparsity, {title}", fontsize=10)
    for ax in (*above[1:], *below):
        style.tidy(ax)
    return figure


def draw_nodes(ax: Axes, data: Data, architecture: str) -> None:
    """Nodes of every layer in the order of the class for which they fire most, classes on top."""
    from matplotlib.collections import LineCollection

    depth = sum(name.startswith("graph_paths_") for name in data)
    n_classes = data[f"graph_paths_{depth - 1}"].shape[1]
    owners = [data[f"graph_class_{k}"].astype(int) for k in range(depth)] + [np.arange(n_classes)]
    spots = [np.argsort(np.argsort(owner, kind="stable")) / max(len(owner) - 1, 1) for owner in owners]
    colours = np.array([f"C{k}" for k in range(10)])
    for k in range(depth):
        paths = data[f"graph_paths_{k}"]
        strongest = np.argsort(-paths, axis=0)[:PATHS]
        ends = [(f, g) for g in range(paths.shape[1]) for f in strongest[:, g] if paths[f, g] > 0]
        lines = [[(spots[k][f], k), (spots[k + 1][g], k + 1)] for f, g in ends]
        hues = colours[[owners[k + 1][g] % 10 for _, g in ends]]
        ax.add_collection(LineCollection(lines, colors=hues, linewidths=0.4, alpha=0.6))
    for k, (owner, spot) in enumerate(zip(owners, spots, strict=True)):
        area = 5 * data[f"graph_size_{k}"] if k < depth else 60
        ax.scatter(spot, np.full(len(spot), k), area, c=colours[owner % 10], zorder=3)
    sizes = ", ".join(str(len(owner)) for owner in owners[:-1])
    ax.set(yticks=range(depth + 1), xticks=[], xlabel="nodes, by the class for which they fire most", ylabel="level")
    ax.set_yticklabels([f"layer {k + 1}" for k in range(depth)] + ["classes"])
    ax.set_title(f"(a) nodes of a {architecture}: {sizes}", fontsize=10)


def scatter(ax: Axes, data: Data, architecture: str) -> None:
    """Predicted and measured elasticity between classes of the first network."""
    measured, predicted = data["measured"][0, 0], data["predicted"][0, 0]
    apart = ~np.eye(len(measured), dtype=bool)
    ax.plot(predicted[apart], measured[apart], ".", color="0.4", label="different classes")
    ax.plot(np.diag(predicted), np.diag(measured), "x", color="C3", label="same class")
    ax.set(xlabel="predicted LE from class to class", ylabel="measured LE")
    ax.set_title(f"(b) elasticity of a {architecture}, rank corr. {data['agreement_graph'][0, 0]:.2f}", fontsize=10)
    ax.legend(fontsize=8)


def agreements(ax: Axes, data: Data, architectures: tuple[str, ...]) -> None:
    """Rank correlations of the graph, the controls and the inputs."""
    from comparisons.harness import style

    for row, architecture in enumerate(architectures):
        for k, name in enumerate(PREDICTORS):
            values = data[f"agreement_{name}"][row]
            label = short(architecture) if k == 0 else None
            place = np.full(len(values), k + 0.2 * (row - (len(architectures) - 1) / 2))
            ax.plot(place, values, "o", color=style.ORDER[row], label=label)
            ax.plot(place + 0.07, data[f"paired_{name}"][row], "+", color=style.ORDER[row])
    ax.plot([], [], "+k", label="the same, effect of the pair only")
    ax.axhline(0.5, color="0.6", linestyle=":", label="asked of the graph")
    ax.set(xticks=range(len(PREDICTORS)), ylim=(-1, 1), xlabel="predictor", ylabel="rank correlation with measured LE")
    ax.set_xticklabels(PREDICTORS.values())
    ax.set_title("(b) over 90 ordered pairs of classes, all networks", fontsize=10)
    ax.legend(fontsize=7, loc="lower right")


def thirds(ax: Axes, data: Data, architectures: tuple[str, ...]) -> None:
    """Test accuracy of thirds of the units, and of the whole networks."""
    for row in range(len(architectures)):
        for run, (dominant, active, random, whole) in enumerate(
            zip(*(data[name][row] for name in ("dominant", "active", "random", "test")), strict=True)
        ):
            x = row + 0.22 * (run - (data["dominant"].shape[1] - 1) / 2)
            first = row == run == 0
            ax.plot(np.full(len(random), x), random, ".", color="0.75", label="random thirds" if first else None)
            ax.plot(x, np.percentile(random, QUANTILE), "_k", ms=9, label="their 95th percentile" if first else None)
            ax.plot(x, active, "^", color="C0", label="most active third" if first else None)
            ax.plot(x, dominant, "o", color="C3", label="dominant third" if first else None)
            ax.plot(x, whole, "*", color="C2", label="whole network" if first else None)
    ax.set(xticks=range(len(architectures)), ylim=(0, 1.02), xlabel="architecture", ylabel="test accuracy")
    ax.set_xticklabels([short(architecture) for architecture in architectures])
    ax.set_title("(c) which units can be cut", fontsize=10)
    ax.legend(fontsize=7)


def ratios(ax: Axes, data: Data, kind: int, settings: Any) -> None:
    """Participation ratios by batch size relative to the smallest batch."""
    from comparisons.harness import style

    for row, architecture in enumerate(settings.architectures):
        measured, predicted = (data[f"{name}_ratio"][row, :, kind, :] for name in ("measured", "predicted"))
        for run, values in enumerate(measured / measured[:, :1]):
            label = f"{short(architecture)}, measured" if run == 0 else None
            ax.plot(settings.batch_sizes, values, "o-", color=style.ORDER[row], label=label)
        middle = np.median(predicted / predicted[:, :1], axis=0)
        ax.plot(settings.batch_sizes, middle, ":", color=style.ORDER[row], label="its graph, median")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="batch size",
        ylabel=f"participation ratio / that at {settings.batch_sizes[0]}",
    )
    ax.legend(fontsize=7)


def short(architecture: str) -> str:
    """Widths of the hidden layers: "4 x 100" for four of a hundred."""
    hidden = architecture.split("-")[1:-1]
    return f"{len(hidden)} x {hidden[0]}" if len(set(hidden)) == 1 else "-".join(hidden)
