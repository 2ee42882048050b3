"""Sections 7.1 and 2 of the overview of condensation: how few samples recover a target; which neurons are one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.style import FAMILY
from figures.condensation.grids import arrays_of
from figures.condensation.optimistic_sample_size_claims import CLAIMS
from figures.condensation.optimistic_sample_size_runs import (
    ARMS,
    ESTIMATE,
    FITTED,
    LARGE,
    RECOVERED,
    SURPLUS,
    TARGETS,
    OptimisticSampleSize,
    merged,
    ranks,
    recovery,
    share_recovered,
)
from figures.harness.figure import Data, Grid, PaperFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOUR = FAMILY["condensation"]
SHADES = ("#009E73", COLOUR, "#0072B2")


def compute(settings: OptimisticSampleSize, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Ranks, recovery and merging, each on a grid of its own."""
    n, seeds = settings.replicates, [int(rng.integers(2**31)) for _ in range(3)]
    tangent = grid(ranks, {"target": list(TARGETS)}, replicates=n, seed=seeds[0])
    errors = grid(partial(recovery, settings), {"n": settings.sizes}, replicates=n, seed=seeds[1])
    pairs = grid(partial(merged, settings), {"activation": ["relu", "tanh"]}, replicates=3, seed=seeds[2])
    on_samples, on_fresh = (np.moveaxis(errors[name].values, 2, 0) for name in ("on_samples", "on_fresh"))
    return {
        "n": np.array(settings.sizes),
        "fitted": (on_samples < FITTED).mean(axis=-1),
        "recovered": share_recovered(on_samples, on_fresh),  # (arm, n, batch)
        "rank": np.median(np.moveaxis(errors["rank"].values, 2, 0), axis=-1),
        "estimate": np.array([width * (dim + 2) for width, dim in TARGETS.values()]),
        **arrays_of(tangent),
        **arrays_of(pairs),
    }


def draw(data: Data, settings: OptimisticSampleSize) -> Figure:
    """Rank against width; recovery against samples; error of merging against the ratio of norms."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(11.5, 3.9), layout="constrained")
    rank, share, merge = figure.subplots(1, 3)
    for k, (name, shade) in enumerate(zip(TARGETS, ("#0072B2", "#E69F00", "#CC79A7"), strict=True)):
        rank.plot(SURPLUS, data["condensed"][k, 0], "o-", color=shade, label=name)
        rank.plot(SURPLUS, data["loose"][k, 0], "x:", color=shade)
    rank.plot([], [], "ko-", label="condensed")
    rank.plot([], [], "kx:", label="idle neurons of other directions")
    rank.set(xlabel="surplus neurons", ylabel="tangent rank", ylim=(0, 1.9 * data["loose"].max()))
    rank.set_title("samples needed, at best")
    rank.legend(fontsize=8)
    for k, (name, shade) in enumerate(zip(ARMS, SHADES, strict=True)):
        share.plot(data["n"] + 0.1 * (k - 1), data["recovered"][k], "o", color=shade, alpha=0.4)
        label = name if k == LARGE else f"{name}, std $10^{{-4}}$"
        share.plot(data["n"], np.median(data["recovered"][k], axis=1), color=shade, label=label)
    share.axvline(ESTIMATE, color="black", linewidth=0.8, linestyle=":", label="optimistic estimate")
    share.set_xticks(data["n"], [str(n) for n in data["n"]])
    share.set(xlabel="samples of one tanh neuron", ylabel="share recovered, of those fitted", ylim=(-0.03, 1.5))
    share.set_yticks(np.linspace(0, 1, 6))
    share.set_title(f"test error < {RECOVERED:g}")
    share.legend(fontsize=8, loc="upper left")
    for k, (name, shade) in enumerate(zip(("ReLU", "tanh"), ("#0072B2", COLOUR), strict=True)):
        merge.plot(data["ratio"][k].ravel(), np.maximum(data["merge"][k].ravel(), 1e-17), "o", color=shade, label=name)
    merge.set(yscale="log", xlabel="ratio of the two norms", ylabel="relative error of one neuron for two")
    merge.set_title("neurons with cosine one")
    merge.legend(fontsize=8)
    for axes in (rank, share, merge):
        tidy(axes)
    return figure


FIGURE = PaperFigure(
    name="condensation/optimistic_sample_size",
    caption=(
        "Sections 7.1 and 2. How few samples recover one tanh neuron: the optimistic estimate counts what the target "
        "needs, not what the network has. The overview prints no experiment; ours: random targets, normal inputs, "
        "networks of width 10 and 40, std 1e-4 (rate .3) or 1 (rate .02), 20,000 steps of gradient descent; those "
        "count that fit to an error of 1e-3. Left: the estimate, the tangent rank. Right, section 2: two neurons of "
        "one direction (norms and output weights in [.5, 2]) and the best one."
    ),
    presets={
        "quick": OptimisticSampleSize(),
        "paper": OptimisticSampleSize(sizes=(2, 3, 4, 5, 6, 8, 12), replicates=5, targets=40, pairs=200),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=55,
    cost="estimated one CPU hour",
    aliases=("condensation_estimate", "section-7.1", "section-2"),
    stream="condensation_estimate",
)
