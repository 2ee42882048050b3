"""Theorems 1 and 2 of Su (2024) and the worked example of the appendix: under which reading they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, READING, Claim, Quantity, Statistic, every_run, mean
from toymodels.neurashed.elasticity import (
    READINGS,
    deep_limit,
    elasticity_limit,
    elasticity_ratio,
    printed_changes,
    simulate_elasticity,
)
from toymodels.neurashed.worked_example import differences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

B1, B2, N_CLASSES = 3, 2, 3
LIMIT = (B1 + B2) / B1  # (b1 + b2) / b1, the paper's
C = 2.0


@dataclass(frozen=True)
class Theorems(Settings):
    """Updates per class, depths, and sizes of the finite graphs.

    Parameters
    ----------
    depths : tuple of int
        Numbers of hidden levels.
    times : tuple of int
        Updates per class before the one that is measured.
    sizes : tuple of int
        Nodes per level of the finite graphs.
    replicates : int
        Random graphs of each size.
    finite_time : int
        Updates per class on a finite graph.
    """

    depths: tuple[int, ...] = (1, 2, 5)
    times: tuple[int, ...] = (1, 4, 16, 64, 256, 2000)
    sizes: tuple[int, ...] = (6, 10, 30, 100, 1000)
    replicates: int = 20
    finite_time: int = 500


def update(rng: np.random.Generator, depth: int, reading: str, t: int) -> dict[str, float]:
    """Ratio of the logit changes after t rounds, and the worst error of the two changes against the formulas."""
    run = simulate_elasticity(t, B1, B2, N_CLASSES, depth, rng, c=C, reading=reading)
    return {"ratio": run.ratio, "error": run.error(*printed_changes(t, B1, B2, N_CLASSES, depth, C))}


def finite_graph(settings: Theorems, rng: np.random.Generator, m: int) -> dict[str, float]:
    """Ratio on one random graph of m nodes per level, three levels."""
    return {"ratio": simulate_elasticity(settings.finite_time, B1, B2, N_CLASSES, 3, rng, m=m).ratio}


def compute(settings: Theorems, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Simulated updates under every reading, finite graphs, and the closed forms for depth in proportion to time."""
    seeds = rng.integers(2**31, size=2).tolist()
    runs = grid(update, {"depth": settings.depths, "reading": READINGS, "t": settings.times}, seed=seeds[0])
    finite = grid(partial(finite_graph, settings), {"m": settings.sizes}, replicates=settings.replicates, seed=seeds[1])
    speeds = np.geomspace(0.01, 100, 60)  # L / t
    return {
        "depths": np.array(settings.depths),
        "times": np.array(settings.times),
        "ratio": runs["ratio"].values[..., 0],  # (depth, reading, t)
        "error": runs["error"].sel(reading="own_input").values[..., 0],
        "limits": np.array([[elasticity_limit(B1, B2, N_CLASSES, d, r) for r in READINGS] for d in settings.depths]),
        "sizes": np.array(settings.sizes),
        "finite": finite["ratio"].values,
        "speeds": speeds,
        "deep": elasticity_ratio(1000, B1, B2, N_CLASSES, 1000 * speeds),
        "deep_limit": deep_limit(speeds, B1, B2, N_CLASSES),
        "root": elasticity_ratio(1e6, B1, B2, N_CLASSES, 1e3),
        "identical": np.array([difference == 0 for difference in differences()]),
    }


def draw(data: Data, settings: Theorems) -> Figure:
    """Ratio against time for each reading, against m, and against L / t."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(15, 3.8), layout="constrained")
    axes = figure.subplots(1, 5, width_ratios=[1, 1, 1, 1, 1])
    titles = ("own inputs, edges fixed", "same input", "edges trained")
    for ax, title, values, limits in zip(axes, titles, data["ratio"].swapaxes(0, 1), data["limits"].T, strict=False):
        for k, depth in enumerate(data["depths"]):
            ax.semilogx(data["times"], values[k], "o-", color=style.ORDER[k], label=f"L = {depth}")
            ax.axhline(limits[k], color=style.ORDER[k], ls=":", lw=1)
        ax.set(xlabel="updates per class", ylabel="own over other change of logits", ylim=(1, 6.5), title=title)
        ax.axhline(LIMIT, color="k", ls="--", lw=1, label="Theorem 1")
    axes[0].legend(fontsize=8)
    axes[3].semilogx(np.repeat(data["sizes"], data["finite"].shape[1]), data["finite"].ravel(), ".", color="0.7")
    axes[3].semilogx(data["sizes"], data["finite"].mean(axis=1), "o-", color=style.ORDER[2], label="mean of graphs")
    axes[3].axhline(LIMIT, color="k", ls="--", lw=1)
    axes[3].set(xlabel="nodes per level m", ylabel="own over other change of logits", title="finite graphs, L = 3")
    axes[3].legend(fontsize=8)
    axes[4].loglog(data["speeds"], data["deep"], color=style.FAMILY["neurashed"], label="t = 1000")
    axes[4].loglog(data["speeds"], data["deep_limit"], "k:", label="limit")
    axes[4].axhline(LIMIT, color="k", ls="--", lw=1)
    axes[4].set(xlabel="depth over updates per class, L / t", ylabel="own over other change of logits")
    axes[4].set_title("Theorem 2: deep graphs")
    axes[4].legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


def last(reading: str, first: int = 0) -> Callable[[Data], np.ndarray]:
    """Ratios at the last time under one reading, from depth number `first` on, over the limit of Theorem 1."""
    return lambda data: data["ratio"][first:, READINGS.index(reading), -1] / LIMIT


def ratio_if_growing(data: Data) -> float:
    """Ratio at the largest L / t, 0 if it does not grow with L throughout."""
    return data["deep"][-1] if (np.diff(data["deep"]) > 0).all() else 0.0


every_depth = Statistic("every L", every_run.of)
every_update = Statistic("every L and t", every_run.of)
every_polynomial = Statistic("every polynomial", every_run.of)
OVER_LIMIT = "ratio of the logit changes over (b1 + b2) / b1"

FIGURE = PaperFigure(
    name="neurashed/theorems",
    caption=(
        "Theorems 1 and 2. How much more an update changes the logit of its own class than that of another, on the "
        "random graph of the theorems. Sizes were not printed: 3 shared and 2 own nodes per level, 3 classes, c = 2, "
        "edge weights fixed at 1 unless said otherwise, classes in turn; a million nodes per level except in the "
        "fourth panel."
    ),
    presets={"quick": Theorems(), "paper": Theorems(depths=(1, 2, 5, 10), replicates=100)},
    compute=compute,
    draw=draw,
    seconds=8,
    cost="about 1 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            "theorems.theorem-1-ratio",
            "Theorem 1",
            "The ratio of logit changes tends to (b1 + b2) / b1.",
            Quantity(f"each class at its own input, edges fixed, t = 2000: {OVER_LIMIT}", last("own_input")),
            every_depth.between(0.995, 1.005),
            fixed=AFTER,
        ),
        Claim(
            "theorems.theorem-1-increments",
            "Appendix, sketch of the proof",
            "The logit changes by the printed powers.",
            Quantity(
                "larger relative error of the two changes against (c(t+1)b2 + c(Kt+1)b1)^L - A^L and its analogue",
                lambda data: data["error"].ravel(),
            ),
            every_update < 1e-6,
        ),
        Claim(
            "theorems.theorem-1-same-input",
            "Theorem 1, read at one input",
            "The same with both logits taken at the same input.",
            Quantity(f"t = 2000, L > 1: {OVER_LIMIT}", last("same_input", first=1)),
            every_depth.between(0.995, 1.005),
            source=READING,
            fixed=AFTER,
            defence="the sentence after the theorem tells which logits are meant, 'an image has a more significant "
            "impact on images from the same class compared with those from other classes': each at its own image, and "
            "there it holds",
            why="the other logit at the same input also gains from own nodes of the lower levels: the limit is "
            "L s (b1+b2) / (b1 [s + K(L-1)(b1+b2)]), s = b2 + K b1, which falls with L",
        ),
        Claim(
            "theorems.theorem-1-trained-edges",
            "Theorem 1 with trained edges",
            "The same when the edges into the classes are trained by the same rule.",
            Quantity(f"each class at its own input, t = 2000: {OVER_LIMIT}", last("trained_edges")),
            every_depth.between(0.995, 1.005),
            source=READING,
            fixed=AFTER,
            defence="Algorithm 1 as printed updates the nodes alone; with fixed edges the theorem holds",
            why="edges belong to one class each and add s / (L b1) to the limit",
        ),
        Claim(
            "theorems.theorem-1-finite-graphs",
            "Theorem 1",
            "The limit is reached on random graphs with sufficiently many nodes.",
            Quantity(f"m = 1000, L = 3: {OVER_LIMIT}", lambda data: data["finite"][-1] / LIMIT),
            mean.within(0.01, of=1),
        ),
        Claim(
            "theorems.theorem-2-divergence",
            "Theorem 2",
            "With sufficiently quickly growing depth the ratio diverges.",
            Quantity(
                "ratio of the logit changes at L = 100 t, t = 1000, or 0 if it does not grow with L throughout",
                ratio_if_growing,
            ),
            every_run > 1000,
        ),
        Claim(
            "theorems.theorem-2-proportional",
            "Theorem 2",
            "Depth growing in proportion to training is quick enough.",
            Quantity(
                "ratio of the logit changes at t = 1000, L = t",
                lambda data: float(np.interp(1.0, data["speeds"], data["deep"])),
            ),
            every_run > 10,
            source=READING,
            defence="sufficiently quickly may mean quicker than in proportion",
            why="the ratio tends to a finite value for every fixed L / t: only L / t -> infinity makes it diverge, and "
            "for these sizes it exceeds 10 from L = 12.5 t",
        ),
        Claim(
            "theorems.theorem-2-unbounded",
            "Theorem 2",
            "Any unbounded growth of depth is quick enough.",
            Quantity("ratio of the logit changes at t = 1e6, L = sqrt(t)", lambda data: float(data["root"])),
            every_run > 10,
            source=READING,
            defence="sufficiently quickly may mean quicker than any unbounded growth",
            why="L / t -> 0, and Theorem 1's limit is reached in spite of the growing depth",
        ),
        Claim(
            "theorems.worked-example",
            "Appendix, worked example",
            "The six printed polynomials of logits and increments.",
            Quantity(
                "whether it is identical in symbols on the reconstructed graph (1 = yes)",
                lambda data: data["identical"].astype(float),
            ),
            every_polynomial.equals(1),
        ),
    ),
    aliases=("neurashed_theorems", "theorem-1", "theorem-2"),
    stream="neurashed_theorems",
)
