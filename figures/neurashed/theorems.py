"""Theorems 1 and 2 of Su (2024) and the worked example of the appendix: under which reading they hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_below, all_between
from toymodels.neurashed.elasticity import (
    READINGS,
    deep_limit,
    elasticity_limit,
    elasticity_ratio,
    simulate_elasticity,
)

B1, B2, N_CLASSES = 3, 2, 3
LIMIT = (B1 + B2) / B1  # (b1 + b2) / b1, the paper's
C = 2.0


@dataclass(frozen=True)
class Params(Settings):
    """Updates per class, depths, and sizes of the finite graphs."""

    depths: tuple = (1, 2, 5)
    times: tuple = (1, 4, 16, 64, 256, 2000)
    sizes: tuple = (6, 10, 30, 100, 1000)
    graphs: int = 20
    finite_time: int = 500


def update(depth: int, reading: str, t: int, rng: np.random.Generator) -> dict[str, float]:
    """Ratio of the logit changes after t rounds, and the worst error of the two changes against the formulas."""
    run = simulate_elasticity(t, B1, B2, N_CLASSES, depth, rng, c=C, reading=reading)
    own, shared = C * B2, C * B1
    start = (own * t + shared * N_CLASSES * t) ** depth
    exact_own = (own * (t + 1) + shared * (N_CLASSES * t + 1)) ** depth - start
    exact_other = (own * t + shared * (N_CLASSES * t + 1)) ** depth - start
    error = max(abs(run.own_change / exact_own - 1), abs(run.other_change / exact_other - 1))
    return {"ratio": run.ratio, "error": error}


def finite_graph(m: int, rng: np.random.Generator, t: int) -> dict[str, float]:
    """Ratio on one random graph of m nodes per level, three levels."""
    return {"ratio": simulate_elasticity(t, B1, B2, N_CLASSES, 3, rng, m=m).ratio}


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Simulated updates under every reading, finite graphs, and the closed forms for depth in proportion to time."""
    from toymodels.neurashed import worked_example

    seeds = rng.integers(2**31, size=2).tolist()
    runs = grid(update, {"depth": p.depths, "reading": READINGS, "t": p.times}, seed=seeds[0])
    finite = grid(partial(finite_graph, t=p.finite_time), {"m": p.sizes}, replicates=p.graphs, seed=seeds[1])
    speeds = np.geomspace(0.01, 100, 60)  # L / t
    return {
        "depths": np.array(p.depths),
        "times": np.array(p.times),
        "ratio": runs["ratio"].values[..., 0],  # (depth, reading, t)
        "error": runs["error"].sel(reading="own_input").values[..., 0],
        "limits": np.array([[elasticity_limit(B1, B2, N_CLASSES, d, r) for r in READINGS] for d in p.depths]),
        "sizes": np.array(p.sizes),
        "finite": finite["ratio"].values,
        "speeds": speeds,
        "deep": elasticity_ratio(1000, B1, B2, N_CLASSES, 1000 * speeds),
        "deep_limit": deep_limit(speeds, B1, B2, N_CLASSES),
        "root": elasticity_ratio(1e6, B1, B2, N_CLASSES, 1e3),
        "identical": np.array([difference == 0 for difference in worked_example.differences()]),
    }


def draw(data: Data, p: Params):
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


def _last(reading: str, first: int = 0):
    """Ratios at the last time under one reading, from depth number `first` on, over the limit of Theorem 1."""
    return lambda data: data["ratio"][first:, READINGS.index(reading), -1] / LIMIT


WITHIN = all_between(0.995, 1.005)

FIGURE = PaperFigure(
    name="neurashed_theorems",
    paper="neurashed",
    caption=(
        "How much more an update changes the logit of its own class than that of another, on the random graph of "
        "Theorems 1 and 2. Sizes were not printed: 3 shared and 2 own nodes per level, 3 classes, c = 2, edge weights "
        "fixed at 1 unless said otherwise, classes in turn; a million nodes per level except in the fourth panel."
    ),
    presets={"quick": Params(), "paper": Params(depths=(1, 2, 5, 10), graphs=100)},
    compute=compute,
    draw=draw,
    seconds=8,
    cost="about 1 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="neurashed-theorem-1",
            place="Theorem 1",
            statement="The ratio of logit changes tends to (b1 + b2) / b1.",
            criterion="each class at its own input, edges fixed: ratio / limit within 0.5% at t = 2000, L = 1, 2, 5",
            measure=_last("own_input"),
            holds=WITHIN,
        ),
        Claim(
            key="neurashed-theorem-1-increments",
            place="Appendix, sketch of the proof",
            statement="The logit changes by the printed powers.",
            criterion="both changes equal (c(t+1)b2 + c(Kt+1)b1)^L - A^L and its analogue to 1e-6, every L and t",
            measure=lambda data: data["error"].ravel(),
            holds=all_below(1e-6),
        ),
        Claim(
            key="neurashed-theorem-1-same-input",
            place="Theorem 1, read at one input",
            statement="The same with both logits taken at the same input.",
            criterion="ratio / limit within 0.5% at t = 2000, L = 2 and 5",
            measure=_last("same_input", first=1),
            holds=WITHIN,
            why="the other logit at the same input also gains from own nodes of the lower levels: the limit is "
            "L s (b1+b2) / (b1 [s + K(L-1)(b1+b2)]), s = b2 + K b1, which falls with L",
        ),
        Claim(
            key="neurashed-theorem-1-trained-edges",
            place="Theorem 1 with Algorithm 1's edges",
            statement="The same when the edges into the classes are trained by the same rule.",
            criterion="ratio / limit within 0.5% at t = 2000, L = 1, 2, 5",
            measure=_last("trained_edges"),
            holds=WITHIN,
            why="edges belong to one class each and add s / (L b1) to the limit",
        ),
        Claim(
            key="neurashed-theorem-1-finite",
            place="Theorem 1",
            statement="The limit is reached on random graphs with sufficiently many nodes.",
            criterion="mean over graphs / limit within 1% at m = 1000, L = 3",
            measure=lambda data: data["finite"][-1] / LIMIT,
            holds=lambda values: bool(abs(values.mean() - 1) < 0.01),
        ),
        Claim(
            key="neurashed-theorem-2",
            place="Theorem 2",
            statement="With sufficiently quickly growing depth the ratio diverges.",
            criterion="at L = 100 t the ratio exceeds 1000, and it grows with L throughout (value: ratio, 0 if not)",
            measure=lambda data: [data["deep"][-1] if (np.diff(data["deep"]) > 0).all() else 0.0],
            holds=all_above(1000.0),
        ),
        Claim(
            key="neurashed-theorem-2-proportional",
            place="Theorem 2, our reading",
            statement="Depth growing in proportion to training is quick enough.",
            criterion="ratio > 10 at t = 1000, L = t",
            measure=lambda data: [float(np.interp(1.0, data["speeds"], data["deep"]))],
            holds=all_above(10.0),
            why="the ratio tends to a finite value for every fixed L / t: only L / t -> infinity makes it diverge, and "
            "for these sizes it exceeds 10 from L = 12.5 t",
        ),
        Claim(
            key="neurashed-theorem-2-unbounded",
            place="Theorem 2, our reading",
            statement="Any unbounded growth of depth is quick enough.",
            criterion="ratio > 10 at t = 1e6, L = sqrt(t)",
            measure=lambda data: [float(data["root"])],
            holds=all_above(10.0),
            why="L / t -> 0, and Theorem 1's limit is reached in spite of the growing depth",
        ),
        Claim(
            key="neurashed-worked-example",
            place="Appendix, worked example",
            statement="The six printed polynomials of logits and increments.",
            criterion="each identical in symbols on the reconstructed graph (1 = yes)",
            measure=lambda data: data["identical"].astype(float),
            holds=all_above(0.5),
        ),
    ),
)
