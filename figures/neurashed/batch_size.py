"""Figures 3 and 4 of Su (2024): small batches learn sparse pathways, large ones dense pathways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_below, median_above, median_below
from toymodels.neurashed import Additive, Multiplicative, graphs
from toymodels.neurashed.collapse import train_to_collapse
from toymodels.neurashed.sparsity import train_with_batch_size

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
class Params(Settings):
    """Batch sizes, steps, and models trained at each."""

    batch_sizes: tuple = (1, 2, 4, 8)
    n_steps: int = 300
    replicas: int = 500
    steps: int = 600  # of the collapse panels
    trials: int = 5  # of each of their variants
    initial: float = 0.1


def sparsity(batch_size: int, rule: str, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray]:
    """Effective number of nodes and ln(own / shared) of every model along training."""
    run = train_with_batch_size(batch_size, RULES[rule], rng, n_steps=p.n_steps, initial=p.initial, replicas=p.replicas)
    nodes = run["effective_number"]
    return {"nodes": nodes.mean(axis=1), "end": nodes[-1], "log_ratio": run["log_ratio"].mean(axis=1)}


def collapse(name: str, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray | float]:
    """Within-class variability of one model along training, and the angles of its class means at the end."""
    rule, batch_size, sampling, per_epoch = COLLAPSE[name]
    settings = {"initial": 1e-6, "batch_size": batch_size, "sampling": sampling}
    run = train_to_collapse(RULES[rule], p.steps // per_epoch, rng, **settings)
    return {"steps": per_epoch * run.t, "within": run["within_between"], "angle": run["equiangular"][-1]}


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Sparsity against batch size for both rules, and within-class variability."""
    points = {"batch_size": p.batch_sizes, "rule": list(RULES)}
    runs = grid(partial(sparsity, p=p), points, seed=int(rng.integers(2**31)))
    steps = np.arange(p.n_steps + 1)
    absent = 0.5 ** np.array(p.batch_sizes, dtype=float)
    law = -np.log(1.05 / 0.98) * absent[:, None] * steps
    data = {"batch_sizes": np.array(p.batch_sizes), "t": steps, "law": law}
    for rule in RULES:
        for name in ("nodes", "end", "log_ratio"):
            data[f"{name}_{rule}"] = runs[name].sel(rule=rule).values[:, 0]
    for name in COLLAPSE:  # variants have different numbers of records, so each is a grid of one point
        runs = grid(partial(collapse, p=p), {"name": [name]}, replicates=p.trials, seed=int(rng.integers(2**31)))
        data[f"within_{name}"] = runs["within"].values[0]  # (trials, n_epochs)
        data[f"angle_{name}"] = runs["angle"].values[0]
        data[f"steps_{name}"] = runs["steps"].values[0, 0]
    return data


def draw(data: Data, p: Params):
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


def _law_error(data: Data) -> np.ndarray:
    return np.abs(data["log_ratio_multiplicative"][:, -1] / data["law"][:, -1] - 1)


FIGURE = PaperFigure(
    name="neurashed_03",
    paper="neurashed",
    caption=(
        "Small batches strengthen what all inputs share and starve the rest, large batches keep everything. One class "
        "with two types of input, 3 shared and 3 own nodes each; node area is amplification. Graph and rules are ours "
        "(multiplicative 1.05 / 0.98, additive 0.1, start 0.1, 300 steps); the variability panels start at 1e-6, take "
        "600 steps and use three disjoint classes of two types, drawn in epochs (each type once) or at random."
    ),
    presets={"quick": Params(), "paper": Params(batch_sizes=(1, 2, 4, 8, 16), replicas=5000)},
    compute=compute,
    draw=draw,
    seconds=8,
    cost="about 20 s on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="neurashed-3-small",
            place="Figure 3c",
            statement="Small batches learn a sparse pathway: only the shared nodes remain.",
            criterion="multiplicative, batches of 1: mean effective number of nodes of a level of 9 < 3.05",
            measure=lambda data: data["end_multiplicative"][0],
            holds=lambda values: bool(values.mean() < 3.05),
        ),
        Claim(
            key="neurashed-4-large",
            place="Figure 4b",
            statement="Large batches learn a dense pathway: all nodes remain.",
            criterion="multiplicative, batches of 8: mean effective number of nodes of a level of 9 > 8.9",
            measure=lambda data: data["end_multiplicative"][list(data["batch_sizes"]).index(8)],
            holds=lambda values: bool(values.mean() > 8.9),
        ),
        Claim(
            key="neurashed-3-law",
            place="Section 3",
            statement="Features that fire less often grow less or diminish, by how often they are absent (our law).",
            criterion="mean ln(own / shared) within 15% of -T 2^-B ln(a/b), every batch size",
            measure=_law_error,
            holds=all_below(0.15),
        ),
        Claim(
            key="neurashed-3-additive",
            place="Figure 3c with g+ = x + c",
            statement="Small batches learn a sparse pathway also with the additive rule, the other simplest choice.",
            criterion="additive without decay, batches of 1: median effective number of nodes of 9 < 4",
            measure=lambda data: data["end_additive"][0],
            holds=median_below(4.0),
            why="without decay own over shared amplification tends to 1 - 2^-B, never below one half: 8.5 of 9 nodes",
        ),
        Claim(
            key="neurashed-3-collapse",
            place="Section 3",
            statement="With small batches the variability within a class vanishes, as in neural collapse.",
            criterion="multiplicative, one input a step: tr(within)/tr(between) < 1e-3 at the end, every run",
            measure=lambda data: data["within_small"][:, -1],
            holds=all_below(1e-3),
        ),
        Claim(
            key="neurashed-4-no-collapse",
            place="Section 3",
            statement="Gradient descent on the full batch keeps the variability within a class.",
            criterion="multiplicative, all types in each batch: tr(within)/tr(between) at the end over the start "
            "> 0.9, every run",
            measure=lambda data: data["within_full"][:, -1] / data["within_full"][:, 0],
            holds=all_above(0.9),
        ),
        Claim(
            key="neurashed-3-smallest",
            place="Section 3",
            statement="The smaller the batch, the sparser the pathways, at an equal number of updates and with "
            "several classes.",
            criterion="three classes, independent draws: median tr(within)/tr(between) of batches of 1 over that of "
            "batches of 3 below 1",
            measure=lambda data: data["within_iid"][:, -1] / data["within_three"][:, -1],
            holds=median_below(1.0),
            why="per step the shared nodes lead by (1-1/2K)^B - (1-1/K)^B, largest at B = 3 or 4 for K = 3 classes; "
            "for one class, as drawn in the paper, it is largest at B = 1",
        ),
        Claim(
            key="neurashed-3-collapse-additive",
            place="Section 3 with g+ = x + c",
            statement="With small batches the variability within a class vanishes also under the additive rule.",
            criterion="additive, one input a step: tr(within)/tr(between) < 1e-2 at the end, median",
            measure=lambda data: data["within_additive"][:, -1],
            holds=median_below(1e-2),
            why="own over shared amplification stays at one half, a plateau of 1/6",
        ),
        Claim(
            key="neurashed-3-simplex",
            place="Section 3, neural collapse",
            statement="The class means form a simplex when batches are drawn independently.",
            criterion="multiplicative, one random input a step: mean deviation of the cosines < 0.05, median",
            measure=lambda data: data["angle_iid"],
            holds=median_below(0.05),
            why="the amplifications of different classes drift apart as a random walk; drawn in epochs the deviation "
            "is rounding",
        ),
        Claim(
            key="neurashed-3-simplex-epochs",
            place="Section 3, neural collapse",
            statement="The class means form a simplex when every epoch shows each type once.",
            criterion="multiplicative, epochs: 1 - mean deviation of the cosines > 0.99, median",
            measure=lambda data: 1 - data["angle_small"],
            holds=median_above(0.99),
        ),
    ),
)
