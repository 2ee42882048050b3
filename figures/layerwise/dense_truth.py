"""Appendix J.1 of Nam et al. (2025): where leaving the lazy regime makes a network worse instead of better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, CONTROL, Claim, Quantity, every, median
from toymodels.layerwise.sparse_regression import LEVEL, SparseRegression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EVERY = 4  # of the usual times: a hundred of them, the last one too
RUNS = ("dense truth", "sparse truth", "dense, no decay")


@dataclass(frozen=True)
class DenseTruth(Settings):
    """The task, and the network's way from the lazy to the rich regime.

    Parameters
    ----------
    dim : int
        Inputs.
    n_samples : int
        Training examples, fewer than inputs.
    n_active : int
        Inputs in use by the sparse truth; the dense one uses all.
    init_scale : float
        Initial value of all weights.
    weight_decay : float
        Rate at which the start is forgotten; 0 in the control.
    replicates : int
        Tasks of each kind.
    """

    dim: int = 100
    n_samples: int = 50
    n_active: int = 3
    init_scale: float = 3.0
    weight_decay: float = 0.02
    replicates: int = 20


def compute(settings: DenseTruth, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Shares of variance explained and how far the kernel has turned, (kinds, runs, times)."""
    axes, seed = {"kind": list(RUNS)}, int(rng.integers(2**32))
    runs = grid(partial(one_run, settings), axes, replicates=settings.replicates, seed=seed)
    return {"t": runs["t"].values[0, 0], **{name: runs[name].values for name in ("train", "test", "kernel_distance")}}


def one_run(settings: DenseTruth, rng: np.random.Generator, kind: str) -> dict[str, Any]:
    """One task and its flow, at the same times with and without decay."""
    n_active = settings.n_active if kind == "sparse truth" else settings.dim
    decaying = SparseRegression(settings.dim, settings.n_samples, n_active, settings.init_scale, settings.weight_decay)
    model = replace(decaying, weight_decay=0.0) if kind == "dense, no decay" else decaying
    run = model.solve(decaying.default_times()[EVERY - 1 :: EVERY], rng)
    return {"t": run.t, **{name: run[name] for name in ("train", "test", "kernel_distance")}}


def at_fit(data: Data, name: str, kind: str) -> np.ndarray:
    """A series (runs,) at the first record at which the training data are explained; NaN where none is."""
    train, values = (data[each][RUNS.index(kind)] for each in ("train", name))
    fitted = train >= LEVEL
    here = values[np.arange(len(values)), fitted.argmax(axis=1)]
    return np.where(fitted.any(axis=1), here, np.nan)


def change(kind: str) -> Callable[[Data], np.ndarray]:
    """Share of the test variance explained at the end less that at the fit, (runs,)."""
    return lambda data: data["test"][RUNS.index(kind)][:, -1] - at_fit(data, "test", kind)


def turned_after_fit(data: Data) -> np.ndarray:
    """By how much more the kernel has turned at the end than at the fit, dense truth, (runs,)."""
    return data["kernel_distance"][RUNS.index("dense truth")][:, -1] - at_fit(data, "kernel_distance", "dense truth")


def draw(data: Data, settings: DenseTruth) -> Figure:
    """Training and test share of every kind, and how far the kernels turn."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, log_time, tidy

    figure = Figure(figsize=(13, 3.4), layout="constrained")
    axes = figure.subplots(1, 4)
    for k, (kind, colour) in enumerate(zip(RUNS, ORDER, strict=False)):
        axes[k].plot(data["t"], data["train"][k].T, "--", color="0.5", lw=0.5)
        axes[k].plot(data["t"], data["test"][k].T, color=colour, lw=0.7, alpha=0.6)
        axes[k].set(title=f"({'abc'[k]}) {kind}", ylim=(-0.05, 1.05))
        turned = data["kernel_distance"][k]
        axes[3].plot(data["t"], np.median(turned, axis=0), color=colour, label=kind)
        axes[3].fill_between(data["t"], turned.min(axis=0), turned.max(axis=0), color=colour, alpha=0.2, lw=0)
    axes[0].set_ylabel("variance explained (dashed: train)")
    axes[3].set(title="(d) kernel", ylabel="1 - cosine to its start")
    axes[3].legend(fontsize=8, loc="upper left")
    for ax in axes:
        log_time(ax, "flow time")
        tidy(ax)
    return figure


PLACE = "Appendix J.1"
CHANGE = f"share of the test variance explained at the end less that at the fit ({LEVEL})"
CLAIMS = (
    Claim(
        "dense_truth.degrades",
        PLACE,
        "The transition to the rich regime in grokking may degrade the performance.",
        Quantity(f"{CHANGE}, dense truth", change("dense truth")),
        median < -0.1,
        fixed=AFTER,
        why="the sparse interpolator explains as much of the dense truth as that of least L2 norm",
        defence="the paper reports it of another work and says may",
    ),
    Claim(
        "dense_truth.turns-rich",
        PLACE,
        "That is a transition to the rich regime: the kernel turns after the fit.",
        Quantity("1 - cosine of the training kernel to its start, at the end less that at the fit", turned_after_fit),
        every("task") > 0.05,
        source=CONTROL,
        fixed=AFTER,
        why="the kernel hardly turns",
    ),
    Claim(
        "dense_truth.sparse-gains",
        PLACE,
        "With a sparse truth the same transition is what generalises.",
        Quantity(f"{CHANGE}, sparse truth", change("sparse truth")),
        median > 0.3,
        source=CONTROL,
        fixed=AFTER,
        why="the sparse truth is not found",
    ),
    Claim(
        "dense_truth.stays-lazy",
        PLACE,
        "Without weight decay nothing is lost: it is the transition that costs.",
        Quantity(f"{CHANGE}, dense truth, no weight decay", change("dense, no decay")),
        every("task") > -0.05,
        source=CONTROL,
        fixed=AFTER,
        why="the network becomes worse without leaving the lazy regime as well",
    ),
)
FIGURE = PaperFigure(
    name="layerwise/dense_truth",
    caption=(
        "Appendix J.1, which reports in words, from Lyu et al. (2024), that the transition to the rich regime may "
        "degrade the performance. The solvable diagonal network of late generalisation (100 inputs, 50 samples, "
        "weight decay 0.02, start 3): after the fit weight decay slides it from the interpolator of least L2 norm "
        "towards that of least L1 norm. Where the truth uses 3 inputs this is grokking, where it uses all of them it "
        "unlearns. Without decay it stays. Task and sizes are ours; lines are tasks."
    ),
    presets={"quick": DenseTruth(), "paper": DenseTruth(dim=400, n_samples=200, replicates=100)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=10,
    cost="not printed in the paper; ours is estimated at ten CPU minutes",
    aliases=("appendix-j.1-degrading",),
)
