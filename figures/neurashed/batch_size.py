"""Figures 3 and 4 of Su (2024): small batches learn sparse pathways, large ones dense pathways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.neurashed.batch_size_claims import CLAIMS
from toymodels.neurashed import Additive, Multiplicative, graphs
from toymodels.neurashed.collapse import train_to_collapse
from toymodels.neurashed.sparsity import train_with_batch_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES = {"multiplicative": Multiplicative(1.05, 0.98), "additive": Additive(0.1)}

# rule, batch size, sampling, and steps per epoch of the three disjoint classes with two types each
COLLAPSE = {
    "small": ("multiplicative", 1, "epoch", 6),
    "full": ("multiplicative", 6, "epoch", 1),
    "additive": ("additive", 1, "epoch", 6),
    "iid": ("multiplicative", 1, "iid", 6),
    "three": ("multiplicative", 3, "iid", 2),
}


@dataclass(frozen=True)
class BatchSize(Settings):
    """Training at several batch sizes: of one class for sparsity, of three disjoint ones for neural collapse.

    Parameters
    ----------
    batch_sizes : tuple of int
        Samples per update, 8 among them.
    n_steps : int
        Updates of the one class.
    replicates : int
        Models of the one class per batch size and rule, trained at once.
    steps : int
        Updates of the disjoint classes.
    collapse_replicates : int
        Models of the disjoint classes per variant.
    initial : float
        Amplification at the start, one class.
    """

    batch_sizes: tuple[int, ...] = (1, 2, 4, 8)
    n_steps: int = 300
    replicates: int = 500
    steps: int = 600
    collapse_replicates: int = 5
    initial: float = 0.1


def sparsity(settings: BatchSize, rng: np.random.Generator, batch_size: int, rule: str) -> dict[str, np.ndarray]:
    """Effective number of nodes and ln(own / shared) of every model along training."""
    run = train_with_batch_size(
        batch_size,
        RULES[rule],
        rng,
        n_steps=settings.n_steps,
        initial=settings.initial,
        replicates=settings.replicates,
    )
    nodes = run["effective_number"]
    return {"nodes": nodes.mean(axis=1), "end": nodes[-1], "log_ratio": run["log_ratio"].mean(axis=1)}


def collapse(settings: BatchSize, rng: np.random.Generator, name: str) -> dict[str, np.ndarray | float]:
    """Within-class variability of one model along training, and the angles of its class means at the end."""
    rule, batch_size, sampling, per_epoch = COLLAPSE[name]
    options = {"initial": 1e-6, "batch_size": batch_size, "sampling": sampling}
    run = train_to_collapse(RULES[rule], settings.steps // per_epoch, rng, **options)
    return {"steps": per_epoch * run.t, "within": run["within_between"], "angle": run["equiangular"][-1]}


def compute(settings: BatchSize, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Sparsity against batch size for both rules, and within-class variability."""
    points = {"batch_size": settings.batch_sizes, "rule": list(RULES)}
    runs = grid(partial(sparsity, settings), points, seed=int(rng.integers(2**31)))
    steps = np.arange(settings.n_steps + 1)
    absent = 0.5 ** np.array(settings.batch_sizes, dtype=float)
    law = -np.log(1.05 / 0.98) * absent[:, None] * steps
    data = {"batch_sizes": np.array(settings.batch_sizes), "t": steps, "law": law}
    for rule in RULES:
        for name in ("nodes", "end", "log_ratio"):
            data[f"{name}_{rule}"] = runs[name].sel(rule=rule).values[:, 0]
    for name in COLLAPSE:  # variants have different numbers of records, so each is a grid of one point
        seed = int(rng.integers(2**31))
        runs = grid(partial(collapse, settings), {"name": [name]}, replicates=settings.collapse_replicates, seed=seed)
        data[f"within_{name}"] = runs["within"].values[0]  # (replicates, n_epochs)
        data[f"angle_{name}"] = runs["angle"].values[0]
        data[f"steps_{name}"] = runs["steps"].values[0, 0]
    return data


def draw(data: Data, settings: BatchSize) -> Figure:
    """Above pathways and learned models, below sparsity and variability along training."""
    from matplotlib.figure import Figure

    from comparisons.harness import style
    from figures.neurashed.graph_drawing import draw_graph

    task = graphs.batch_size()
    first, second = (task.model.pathway(x) for x in task.inputs)
    figure = Figure(figsize=(12.4, 4.9), layout="constrained")
    above, below = figure.subplots(2, 5)
    for ax, firing, title in (
        (above[0], first, "3(a) type 1 fires"),
        (above[1], second, "3(b) type 2 fires"),
        (above[3], first | second, "4(a) large batch"),
    ):
        draw_graph(ax, task.model, firing=firing)
        ax.set_title(title)
    for ax, row, title in ((above[2], 0, "3(c)"), (above[4], -1, "4(b)")):
        ratio = np.exp(data["log_ratio_multiplicative"][row, -1])
        draw_graph(ax, task.model, amplification=np.tile(np.repeat([1.0, ratio], [3, 6]), 2))
        ax.set_title(f"{title} learned, B = {data['batch_sizes'][row]}")
    for ax, rule in ((below[0], "multiplicative"), (below[1], "additive")):
        for k, size in enumerate(data["batch_sizes"]):
            ax.plot(data["t"], data[f"nodes_{rule}"][k], color=style.ORDER[k], label=f"B = {size}")
        ax.set(ylim=(2.5, 9.2), xlabel="step", ylabel="effective number of nodes", title=f"{rule} rule")
    for k in range(len(data["batch_sizes"])):
        below[2].plot(data["t"], data["log_ratio_multiplicative"][k], color=style.ORDER[k])
        below[2].plot(data["t"], data["law"][k], "k:", label="law" if k == 0 else None)
    below[2].set(xlabel="step", ylabel="ln(own / shared amplification)", title="multiplicative rule")
    variants = {
        "small": ("B = 1, epochs", 0, "-"),
        "iid": ("B = 1, random draws", 0, ":"),
        "three": ("B = 3, random draws", 1, ":"),
        "full": ("full batch", 2, "-"),
        "additive": ("B = 1, epochs, additive", 3, "-"),
    }
    for name, (label, k, line) in variants.items():
        middle = np.median(data[f"within_{name}"], axis=0)
        below[3].semilogy(data[f"steps_{name}"], middle, line, color=style.ORDER[k], label=label)
    below[3].set(xlabel="step", ylabel="within / between variability", title="neural collapse", ylim=(1e-20, 10))
    for k, (name, marker) in enumerate((("small", "o"), ("iid", "x"))):
        below[4].plot(np.full(len(data[f"angle_{name}"]), k), data[f"angle_{name}"], marker, color=style.ORDER[0])
    below[4].set(xlim=(-0.5, 1.5), xticks=[0, 1], ylabel="deviation from a simplex")
    below[4].set_xticklabels(["epochs", "random draws"])
    below[4].set_title("angles of class means")
    for ax in below:
        style.tidy(ax)
    for ax, size in ((below[0], 8), (below[2], 8), (below[3], 6.5)):
        ax.legend(fontsize=size)
    return figure


FIGURE = PaperFigure(
    name="neurashed/batch_size",
    caption=(
        "Figures 3 and 4. Small batches strengthen what all inputs share and starve the rest, large batches keep "
        "everything. One class with two types of input, 3 shared and 3 own nodes each; node area is amplification. "
        "Graph and rules are ours (multiplicative 1.05 / 0.98, additive 0.1, start 0.1, 300 steps); the variability "
        "panels start at 1e-6, take 600 steps and use three disjoint classes of two types, drawn in epochs (each type "
        "once) or at random."
    ),
    presets={"quick": BatchSize(), "paper": BatchSize(batch_sizes=(1, 2, 4, 8, 16), replicates=5000)},
    compute=compute,
    draw=draw,
    seconds=8,
    cost="about 20 s on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("neurashed_03", "fig-3", "fig-4"),
    stream="neurashed_03",
)
