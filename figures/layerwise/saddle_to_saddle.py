"""Saddle-to-saddle learning (Nam et al. 2025, sections 4.2, 5.1): loss and rank move in steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.layerwise.gradient_flow import two_layers
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_below, all_between
from toymodels.layerwise import DiagonalNetwork, LinearModel, LinearNetwork

KINDS = ("balanced", "gaussian")


@dataclass(frozen=True)
class Params(Settings):
    """Number of modes, ratio of neighbouring strengths, small and large starts, and random matrix networks."""

    n_modes: int = 4
    ratio: float = 2.5
    start: float = 1e-8
    large_start: float = 1.0
    replicas: int = 5
    n_times: int = 600


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Loss of the diagonal network from two starts, of the linear model, and of matrix networks with their spectra."""
    strengths = p.ratio ** -np.arange(p.n_modes) * 4.0
    small = DiagonalNetwork(strengths, np.sqrt(p.start), np.sqrt(p.start))
    half = small.time_to(0.5)
    t = np.geomspace(half[0] / 100, 4 * half[-1], p.n_times)
    between = np.sqrt(half[:-1] * half[1:])  # on the plateaus
    large = DiagonalNetwork(strengths, np.sqrt(p.large_start), np.sqrt(p.large_start))
    data = {
        "t": t,
        "strengths": strengths,
        "between": between,
        "loss_small": small.solve(t)["loss"],
        "loss_large": large.solve(t)["loss"],
        "loss_linear": LinearModel(strengths).solve(t)["loss"],
        "plateaus": small.solve(between)["loss"],
    }
    cell = partial(matrix_network, strengths=strengths, start=p.start, t=t, between=between)
    runs = grid(cell, {"kind": KINDS}, replicates=p.replicas, seed=int(rng.integers(2**31)))
    return data | {f"matrix_{name}": values.values for name, values in runs.data_vars.items()}  # (kinds, replicas, ...)


def matrix_network(kind: str, rng: np.random.Generator, strengths, start: float, t, between) -> dict[str, np.ndarray]:
    """Loss and spectrum of one square network: balanced in closed form, or with Gaussian layers, integrated."""
    target, n = _random_map(strengths, rng), strengths.size
    times = np.unique(np.concatenate([[0.0], t, between]))
    if kind == "balanced":
        learned = LinearNetwork.balanced(target, n, 0.0, start, rng).solve(times)["map"]
    else:
        w1, w2 = np.sqrt(start) * rng.standard_normal((2, n, n))
        first, second = two_layers(w1, w2, target, np.eye(n), times)
        learned = second @ first
    spectrum = np.linalg.svd(learned, compute_uv=False)
    loss = 0.5 * np.sum((learned - target) ** 2, axis=(1, 2))
    at, of = np.searchsorted(times, between), np.searchsorted(times, t)
    return {"loss": loss[of], "spectrum": spectrum[of], "spectrum_between": spectrum[at]}


def _random_map(strengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square correlation matrix with these singular values and random singular vectors."""
    left, right = (np.linalg.qr(rng.standard_normal((strengths.size, strengths.size)))[0] for _ in range(2))
    return (left * strengths) @ right.T


def draw(data: Data, p: Params):
    """Loss of the diagonal network and its controls, then losses and spectra of matrix networks."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(11, 3.5), layout="constrained")
    axes = figure.subplots(1, 3)
    labels = {"small": "network, small start", "large": "network, large start", "linear": "linear model"}
    for k, (name, label) in enumerate(labels.items()):
        axes[0].semilogx(data["t"], data[f"loss_{name}"], color=style.ORDER[k], label=label)
    axes[0].plot(data["between"], data["plateaus"], "k.", label="between two modes")
    axes[0].set(ylabel="loss", title="diagonal network")
    axes[0].legend(fontsize=7, handlelength=1, loc="center right", bbox_to_anchor=(1, 0.65))
    for k, (kind, line) in enumerate(zip(KINDS, ("-", "--"), strict=True)):
        others = ["_"] * (len(data["matrix_loss"][k]) - 1)
        axes[1].semilogx(
            data["t"],
            data["matrix_loss"][k].T,
            line,
            color=style.ORDER[k],
            label=[f"{kind.capitalize()} start", *others],
        )
    axes[1].set(ylabel="loss", title="matrix networks")
    axes[1].legend(fontsize=8)
    for k, mode in enumerate(data["matrix_spectrum"][1, 0].T):
        axes[2].semilogx(data["t"], mode, "--", color=style.ORDER[k])
    axes[2].set(ylabel="singular values of the learned map", title="one Gaussian start: rank by rank")
    for ax in axes:
        ax.set_xlabel("flow time")
        style.tidy(ax)
    return figure


def _drops(loss: np.ndarray, t: np.ndarray) -> int:
    """Number of local maxima of the speed -dL / d ln t, tiny ones (below 1e-3 of the largest) left out."""
    speed = -np.gradient(loss, np.log(t))
    inner = speed[1:-1]
    peaks = (inner > speed[:-2]) & (inner >= speed[2:]) & (inner > 1e-3 * speed.max())
    return int(peaks.sum())


def _rank_error(data: Data, kind: str) -> np.ndarray:
    """Largest difference between the learned rank on plateau k and k, per network."""
    learned = data["matrix_spectrum_between"][KINDS.index(kind)] > 0.5 * data["strengths"]
    return np.abs(learned.sum(axis=2) - np.arange(1, learned.shape[1] + 1)).max(axis=1)


FIGURE = PaperFigure(
    name="layerwise_saddles",
    paper="layerwise",
    caption=(
        "From a small start the loss of a two-layer linear network falls in steps, one per mode, and the rank of the "
        "learned map rises by one at each. The paper shows no such figure; strengths 4, 1.6, 0.64, 0.256 and initial "
        "products of 1e-8 (small) and 1 (large) are our choice. Matrix networks are square, the target has random "
        "singular vectors; their start is balanced with equal singular values, or both layers are Gaussian (integrated "
        "numerically)."
    ),
    presets={"quick": Params(), "paper": Params(n_modes=6, replicas=20, n_times=2000)},
    compute=compute,
    draw=draw,
    seconds=3,
    cost="about 20 s on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="layerwise-saddles-drops",
            place="Section 4.2",
            statement="The loss drops abruptly once per mode.",
            criterion="maxima of -dL / d ln t equal the number of modes (value: difference)",
            measure=lambda data: [abs(_drops(data["loss_small"], data["t"]) - data["strengths"].size)],
            holds=all_below(0.5),
        ),
        Claim(
            key="layerwise-saddles-plateaus",
            place="Section 4.2",
            statement="Between the drops it waits on plateaus, the loss of the modes not yet learned.",
            criterion="midway in log time, loss / half the sum of squares of the remaining strengths in [0.98, 1.02]",
            measure=lambda data: data["plateaus"] / _remaining(data),
            holds=all_between(0.98, 1.02),
        ),
        Claim(
            key="layerwise-saddles-linear",
            place="Section 4.2",
            statement="A linear model falls once, without plateaus.",
            criterion="one maximum of -dL / d ln t (value: difference from 1)",
            measure=lambda data: [abs(_drops(data["loss_linear"], data["t"]) - 1)],
            holds=all_below(0.5),
        ),
        Claim(
            key="layerwise-saddles-rank",
            place="Section 5.1, Equation 12",
            statement="Linear networks learn the strongest directions first, one rank at a time, from a small balanced "
            "start.",
            criterion="on plateau k exactly k singular values exceed half their target, every network (value: worst "
            "difference)",
            measure=partial(_rank_error, kind="balanced"),
            holds=all_below(0.5),
        ),
        Claim(
            key="layerwise-saddles-rank-gaussian",
            place="Section 5.1",
            statement="They do so from small Gaussian weights, too.",
            criterion="the same with entries of standard deviation 1e-4 in both layers",
            measure=partial(_rank_error, kind="gaussian"),
            holds=all_below(0.5),
        ),
    ),
)


def _remaining(data: Data) -> np.ndarray:
    """Loss with the first k modes learned, k = 1, 2, ..."""
    return 0.5 * np.cumsum(data["strengths"][::-1] ** 2)[::-1][1:]
