"""Overview of condensation, figure 10: query matrices of transformers that were started ever smaller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from comparisons.study import BaseParams
from figures._condensation import COLOUR, NOT_FITTED, draw_map, sorted_map, when_fitted
from figures.core import Claim, PaperFigure, all_above

FITTED = 0.95  # accuracy from which answers are judged


@dataclass(frozen=True)
class Params(BaseParams):
    """Rates of the initialisation, runs of each, and the size of task, network and training."""

    gammas: tuple[float, ...] = (0.3, 0.5, 0.7)
    replicates: int = 3
    size: str = "quick"
    n_steps: int = 4500
    d_model: int = 32
    batch_size: int = 128
    lr: float = 4e-3


def task_of(gamma, p):
    """The published task, or the toy with the width, batch and learning rate of `p`."""
    from dnn import anchor_task

    if p.size == "paper":
        return anchor_task.paper(gamma, p.device)
    task, half = anchor_task.quick(gamma, p.n_steps, p.device), p.d_model // 2
    config = replace(task.config, batch_size=p.batch_size, lr=p.lr, records=(0, p.n_steps))
    return replace(task, d_model=p.d_model, d_key=half, d_value=half, d_hidden=3 * p.d_model, config=config)


def trained(gamma, rng, p):
    """Condensation of the first query matrix, and answers to trained and to unseen pairs."""
    from dnn.anchor_task import mean_absolute_cosine, query_cosines, unseen_pair_answers
    from dnn.training import train

    task = task_of(gamma, p)
    network = task.network(rng)
    run = train(network, task.split(rng), task.config, rng)
    cosines = query_cosines(network)
    return {
        "map": sorted_map(cosines),
        "cosine": mean_absolute_cosine(cosines),
        "train": run["train_accuracy"][-1],
        "seen": run["test_accuracy"][-1],
        **unseen_pair_answers(network, rng),
    }


def compute(p, rng, grid):
    """Every rate and run."""
    found = grid(partial(trained, p=p), {"gamma": p.gammas}, replicates=p.replicates, seed=int(rng.integers(2**31)))
    return {"gamma": np.array(p.gammas), **{name: values.values for name, values in found.data_vars.items()}}


def draw(data, p):
    """The paper's heat maps, one per rate; below, condensation and accuracies of every run."""
    from matplotlib.figure import Figure

    from comparisons.style import tidy

    gamma, n = data["gamma"], len(data["gamma"])
    figure = Figure(figsize=(max(9, 2.6 * n), 6), layout="constrained")
    axes = figure.subplots(2, max(3, n))
    maps = axes[0, :n]
    titles = [rf"$W_Q$ of layer 1, $\gamma$ = {one:g}" for one in gamma]
    images = [draw_map(maps[k], data["map"][k, 0], title) for k, title in enumerate(titles)]
    figure.colorbar(images[0], ax=maps, label="cosine similarity", shrink=0.8)
    condensation, accuracy = axes[1, :2]
    for empty in (*axes[0, n:], *axes[1, 2:]):
        empty.set_axis_off()
    condensation.plot(gamma, data["cosine"], "o", color=COLOUR, alpha=0.6)
    condensation.plot(gamma, np.median(data["cosine"], axis=1), color=COLOUR)
    condensation.set(xlabel=r"rate $\gamma$ of the initialisation", ylabel="mean |cos| of rows", ylim=(0, 1))
    answers = (
        ("train", "training data", "#000000"),
        ("seen", "seen pairs, unseen keys", "#888888"),
        ("symmetric", "pair (4, 3): symmetric", "#E69F00"),
        ("inferential", "pair (4, 3): inferred", "#0072B2"),
    )
    for name, label, shade in answers:
        accuracy.plot(gamma, data[name], "o", color=shade, alpha=0.5)
        accuracy.plot(gamma, np.median(data[name], axis=1), color=shade, label=label)
    accuracy.set(xlabel=r"rate $\gamma$ of the initialisation", ylabel="accuracy", ylim=(-0.03, 1.03))
    axes[1, 2].legend(*accuracy.get_legend_handles_labels(), fontsize=8, loc="center left")
    for panel in (condensation, accuracy):
        tidy(panel)
    return figure


def _median_above(threshold):
    """The criterion "median > threshold"; open as long as a run has not fitted."""
    return lambda values: None if (values == NOT_FITTED).any() else bool(np.median(values) > threshold)


def _memory(data):
    """Accuracy lost from training data to unseen keys at the smallest rate."""
    return when_fitted(data["train"][0] - data["seen"][0], data["train"][0], FITTED)


FIGURE = PaperFigure(
    name="condensation_10",
    paper="condensation",
    caption=(
        "Rows of the first query matrix of transformers on the composite-function task: the smaller the start "
        "(the larger gamma), the more they align. Widths, batch and rates were not printed in the overview; data are "
        "those of its source: (3, 4) trained as x - 6 and (4, 3) unseen. Quick is a toy of width 32 after 4,500 steps "
        "(batch 128, learning rate 4e-3); -1 in a claim stands for a run that has not fitted."
    ),
    presets={"quick": Params(), "paper": Params(gammas=(0.3, 0.4, 0.5, 0.6, 0.7, 0.8), size="paper")},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-10-condense",
            "Figure 10",
            "Condensation becomes more pronounced as the initialisation rate grows.",
            "mean |cos| of the rows of the first query matrix at the largest minus that at the smallest gamma > 0.2, "
            "in every run",
            lambda data: data["cosine"][-1] - data["cosine"][0],
            all_above(0.2),
        ),
        Claim(
            "condensation-10-rising",
            "Figure 10",
            "Condensation rises from each rate to the next.",
            "smallest increment of mean |cos| from one gamma to the next > 0, in every run",
            lambda data: np.diff(data["cosine"], axis=0).min(axis=0),
            all_above(0),
            "in one run of three it is largest at gamma .5 (by .04)",
        ),
        Claim(
            "condensation-10-memory",
            "Section 7.2",
            "At a small rate the network only remembers the training data.",
            "training accuracy minus that on unseen keys > .5 at the smallest gamma (median); -1 where training "
            "accuracy is below .95",
            _memory,
            _median_above(0.5),
            "at width 32 unseen keys are answered at every rate, .97 or better also at the smallest",
        ),
        Claim(
            "condensation-10-symmetric",
            "Section 7.2",
            "From some rate on, answers to the unseen pair (4, 3) are symmetric, or inferred.",
            "fraction of symmetric or inferred answers > .9 at the largest gamma (median); -1 where unseen keys are "
            "below .95",
            lambda data: when_fitted((data["symmetric"] + data["inferential"])[-1], data["seen"][-1], FITTED),
            _median_above(0.9),
            "not all answers are symmetric in every run",
        ),
        Claim(
            "condensation-10-inferred",
            "Section 7.2",
            "At the largest rate the network has learnt the primitive functions and infers the unseen pair.",
            "fraction of inferred answers > .9 at the largest gamma (median); -1 where unseen keys are below .95",
            lambda data: when_fitted(data["inferential"][-1], data["seen"][-1], FITTED),
            _median_above(0.9),
            "converged toys answer symmetrically, also at width 64 and gamma .7 and 1.0: none inferred",
        ),
    ),
    seconds=481,
    cost="estimated 12 GPU hours (92,400 steps at 6 rates, 3 runs each); on one CPU core half a year",
)
