"""Overview of condensation, figure 10: query matrices of transformers that were started ever smaller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR, NOT_FITTED, draw_map, sorted_map, when_fitted
from figures.harness.figure import Claim, PaperFigure, all_above

FITTED = 0.95  # accuracy from which answers are judged
SOURCE_WIDTH = 400  # of the transformers whose patterns the overview tells


@dataclass(frozen=True)
class Params(Settings):
    """Rates of the initialisation, runs of each, and the size of task, network and training."""

    gammas: tuple[float, ...] = (0.3, 0.5, 0.7)
    replicates: int = 3
    size: str = "quick"
    n_steps: int = 4500
    d_model: int = 32
    batch_size: int = 128
    lr: float = 4e-3


def task_of(gamma, p):
    """The task with neither pair seen, at the published size or as the toy of `p`."""
    from dnn.tasks import anchor_task

    if p.size == "paper":
        return replace(anchor_task.paper(gamma, p.device), unseen=anchor_task.NEITHER_SEEN)
    task, half = anchor_task.quick(gamma, p.n_steps, p.device), p.d_model // 2
    config = replace(task.config, batch_size=p.batch_size, lr=p.lr, records=(0, p.n_steps))
    sizes = {"d_model": p.d_model, "d_key": half, "d_value": half, "d_hidden": 3 * p.d_model}
    return replace(task, **sizes, config=config, unseen=anchor_task.NEITHER_SEEN)


def trained(gamma, rng, p):
    """Condensation of the first query matrix, and answers to seen pairs and to the unseen ones."""
    from dnn.tasks.anchor_task import both_orders_answers, mean_absolute_cosine, query_cosines
    from dnn.training.loop import train

    task = task_of(gamma, p)
    network = task.network(rng)
    run = train(network, task.split(rng), task.config, rng)
    cosines = query_cosines(network)
    return {
        "map": sorted_map(cosines),
        "cosine": mean_absolute_cosine(cosines),
        "train": run["train_accuracy"][-1],
        "seen": run["test_accuracy"][-1],
        "width": task.d_model,
        **both_orders_answers(network, rng),
    }


def compute(p, rng, grid):
    """Every rate and run."""
    found = grid(partial(trained, p=p), {"gamma": p.gammas}, replicates=p.replicates, seed=int(rng.integers(2**31)))
    return {"gamma": np.array(p.gammas), **{name: values.values for name, values in found.data_vars.items()}}


def draw(data, p):
    """The paper's heat maps, one per rate; below, condensation and accuracies of every run."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

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
        ("alike", "unseen pairs: (3, 4) like (4, 3)", "#E69F00"),
        ("inferred", "unseen pairs: inferred", "#0072B2"),
    )
    for name, label, shade in answers:
        accuracy.plot(gamma, data[name], "o", color=shade, alpha=0.5)
        accuracy.plot(gamma, np.median(data[name], axis=1), color=shade, label=label)
    accuracy.set(xlabel=r"rate $\gamma$ of the initialisation", ylabel="share of answers", ylim=(-0.03, 1.03))
    axes[1, 2].legend(*accuracy.get_legend_handles_labels(), fontsize=8, loc="center left")
    for panel in (condensation, accuracy):
        tidy(panel)
    return figure


def _median_above(threshold):
    """The criterion "median > threshold"; open as long as a run has not fitted."""
    return lambda values: None if (values == NOT_FITTED).any() else bool(np.median(values) > threshold)


def _published_size(data):
    """Whether the networks are as wide as those the patterns are told of; a toy that lacks one does not refute it."""
    return bool((data["width"] >= SOURCE_WIDTH).all())


def _memory(data):
    """Accuracy lost from training data to unseen keys at the smallest rate."""
    return when_fitted(data["train"][0] - data["seen"][0], data["train"][0], FITTED)


def _seen_only(data):
    """Share of answers that are neither alike nor inferred, at the rate where it is largest."""
    return when_fitted(1 - np.maximum(data["alike"], data["inferred"]), data["seen"], FITTED).max(axis=0)


def _at_the_largest_rate(name):
    return lambda data: when_fitted(data[name][-1], data["seen"][-1], FITTED)


FIGURE = PaperFigure(
    name="condensation_10",
    paper="condensation",
    caption=(
        "Rows of the first query matrix of transformers on the composite-function task: the smaller the start "
        "(the larger gamma), the more they align. Widths, batch and rates were not printed in the overview. Its "
        "split: (3, 4) and (4, 3) are both unseen. Quick is a toy of width 32 after 4,500 steps (batch 128, learning "
        "rate 4e-3); -1 in a claim stands for a run that has not fitted."
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
        ),
        Claim(
            "condensation-10-memory",
            "Section 7.2, pattern i",
            "At a small rate the network only remembers the training data.",
            "training accuracy minus that on unseen keys > .5 at the smallest gamma (median); -1 where training "
            "accuracy is below .95",
            _memory,
            _median_above(0.5),
            "toys of width 32 answer unseen keys at every rate, .98 or better at the smallest",
            _published_size,
        ),
        Claim(
            "condensation-10-seen-only",
            "Section 7.2, pattern ii",
            "At some rate unseen keys are answered, but (3, 4) and (4, 3) neither rightly nor alike.",
            "1 - the larger of alike and inferred answers > .5, at the gamma where it is largest (median); -1 where "
            "unseen keys are below .95 at every gamma",
            _seen_only,
            _median_above(0.5),
            "toys of width 32 answer both orders alike at the smallest rate too, .78 or more in all runs but one",
            _published_size,
        ),
        Claim(
            "condensation-10-symmetric",
            "Section 7.2, pattern iii",
            "From some rate on, the unseen pairs (3, 4) and (4, 3) are answered alike, rightly or not.",
            "fraction of sequences with one answer to both orders > .9 at the largest gamma (median); -1 where unseen "
            "keys are below .95",
            _at_the_largest_rate("alike"),
            _median_above(0.9),
            decisive=_published_size,
        ),
        Claim(
            "condensation-10-inferred",
            "Section 7.2, pattern iv",
            "At the largest rate the network has learnt the primitive functions and infers both unseen pairs.",
            "fraction of inferred answers (x - 10) to both pairs > .9 at the largest gamma (median); -1 where unseen "
            "keys are below .95",
            _at_the_largest_rate("inferred"),
            _median_above(0.9),
            "in the median toys of width 32 infer more at gamma .5 than at .7, where most runs answer both orders "
            "alike and wrongly",
            _published_size,
        ),
    ),
    seconds=480,
    cost="estimated 12 GPU hours (92,400 steps at 6 rates, 3 runs each); on one CPU core half a year",
)
