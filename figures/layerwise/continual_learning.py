"""Appendix G.1 of Nam et al. (2025): a second task after the first, forgotten, reused or reversed, at three lambdas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.continual_learning_claims import CLAIMS, SEQUENCES, reached
from figures.layerwise.gradient_flow import two_layers
from toymodels.layerwise import LinearNetwork, gram_kernel_distance

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ContinualLearning(Settings):
    """Square networks, and two tasks of equal singular values.

    Parameters
    ----------
    imbalances : tuple of float
        lambda >= 0: of a rich network, of one between, of a lazy one.
    size : int
        Inputs, hidden units and outputs; even, so that a reversal keeps the sign of the determinant.
    start : float
        Every singular value of the initial map.
    first, second : float
        Flow time on each task. After a longer first one (10) what has yet to turn is below the rounding of the weights,
        and a reversal never comes.
    replicates : int
        Random starts and tasks.
    n_times : int
        Flow times after the switch at which losses and kernels are recorded, log-spaced.
    """

    imbalances: tuple[float, ...] = (0.0, 2.0, 20.0)
    size: int = 4
    start: float = 1e-3
    first: float = 7.0
    second: float = 50.0
    replicates: int = 10
    n_times: int = 300

    @property
    def strengths(self) -> np.ndarray:
        """Singular values of both tasks, (size,), falling from 2 to 1."""
        return np.linspace(2, 1, self.size)

    @property
    def times(self) -> np.ndarray:
        """Flow times since the switch, 0 first, (n_times + 1,)."""
        return np.append(0.0, np.geomspace(1e-3, self.second, self.n_times))


def compute(settings: ContinualLearning, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every sequence at every lambda; then the forgetting one again as integrated flow of the weights."""
    seed, points = int(rng.integers(2**31)), {"imbalance": settings.imbalances}
    runs = grid(partial(sequence, settings), points | {"kind": SEQUENCES}, replicates=settings.replicates, seed=seed)
    raw = grid(partial(integrated, settings), points, replicates=settings.replicates, seed=int(rng.integers(2**31)))
    data = {str(name): values.values for name, values in runs.data_vars.items()}  # (lambdas, kinds, runs, ...)
    data |= {f"raw_{name}": values.values for name, values in raw.data_vars.items()}
    return data | {"t": settings.times, "imbalances": np.array(settings.imbalances)}


def sequence(settings: ContinualLearning, rng: np.random.Generator, imbalance: float, kind: str) -> dict[str, Any]:
    """Losses on both tasks while the second is learned, over half the squared norm of a task, and the kernel's change.

    `learned` and `learned_alone` are the times to learn the second task after the first, and when it is the only one;
    `kept` and `turned` the loss on the first and the kernel's change in the end; `exponential` is the largest distance
    of the map from an exponential of rate lambda, over that of the tasks.
    """
    start = _start(settings, imbalance, rng)
    first, second = tasks(settings, kind, start.w2 @ start.w1, rng)
    run = start.continued(0.0, first).continued(settings.first, second).solve(t := settings.times)
    alone, unit = start.continued(0.0, second).solve(t), np.sum(settings.strengths**2) / 2
    ins, outs, told = run["gram_in"], run["gram_out"], np.exp(-imbalance * t)[:, None, None] * (first - second)
    forgetting, learning = 0.5 * np.sum((run["map"] - first) ** 2, axis=(1, 2)) / unit, run["loss"] / unit
    distance = gram_kernel_distance(ins[0], outs[0], ins, outs)
    return {
        "loss_first": forgetting,
        "loss_second": learning,
        "distance": distance,
        "learned": reached(t, learning),
        "learned_alone": reached(t, alone["loss"] / unit),
        "kept": forgetting[-1],
        "turned": distance[-1],
        "apart": 0.5 * np.sum((first - second) ** 2) / unit,
        "exponential": _norm(run["map"] - second - told).max() / _norm(first - second),
    }


def integrated(settings: ContinualLearning, rng: np.random.Generator, imbalance: float) -> dict[str, float]:
    """Drift of lambda along both tasks, and distance of the map from the closed form, over that of the tasks."""
    start = _start(settings, imbalance, rng)
    first, second = tasks(settings, "forgetting", start.w2 @ start.w1, rng)
    told = start.continued(0.0, first).continued(settings.first, second).solve(t := settings.times)["map"]
    white = np.eye(settings.size)
    w1, w2 = two_layers(start.w1, start.w2, first, white, np.linspace(0, settings.first, settings.n_times))
    later1, later2 = two_layers(w1[-1], w2[-1], second, white, t)
    w1, w2 = np.concatenate([w1, later1]), np.concatenate([w2, later2])
    squares = w2.swapaxes(1, 2) @ w2
    gap = squares - w1 @ w1.swapaxes(1, 2)
    return {
        "drift": _norm(gap - gap[0]).max() / _norm(squares - squares[0]).max(),
        "error": _norm(later2 @ later1 - told).max() / _norm(first - second),
    }


def tasks(settings: ContinualLearning, kind: str, start: np.ndarray, rng: np.random.Generator):
    """Both tasks; their determinants have the sign of the `start`, which a square lambda = 0 network cannot change."""
    strengths, sign = settings.strengths, np.sign(np.linalg.det(start))
    left, right = _vectors(settings.size, sign, rng)
    first = (left * strengths) @ right.T
    if kind == "reversal":
        return first, -first
    if kind == "transfer":  # the same directions, the weakest of which is now the strongest
        return first, (left * strengths[::-1]) @ right.T
    left, right = _vectors(settings.size, sign, rng)
    return first, (left * strengths) @ right.T


def _vectors(size: int, sign: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two random orthogonal matrices whose determinants multiply to `sign`."""
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    left[:, 0] *= sign * np.sign(np.linalg.det(left) * np.linalg.det(right))
    return left, right


def _start(settings: ContinualLearning, imbalance: float, rng: np.random.Generator) -> LinearNetwork:
    """A square network before any task."""
    n = settings.size
    return LinearNetwork.balanced(np.eye(n), n, imbalance, settings.start, rng)


def _norm(matrices: np.ndarray) -> np.ndarray:
    return np.linalg.norm(matrices, axis=(-2, -1))


def draw(data: Data, settings: ContinualLearning) -> Figure:
    """Losses above, kernel distances below, one column per sequence: medians with the range over draws."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplots(2, len(SEQUENCES), sharex=True, sharey="row")
    colours, t = (style.ORDER[4], style.ORDER[2], style.ORDER[0]), data["t"][1:]
    for column, title in enumerate(TITLES):
        upper, lower = axes[:, column]
        for k, imbalance in enumerate(data["imbalances"]):
            colour, label = colours[k % len(colours)], rf"$\lambda$ = {imbalance:g}"
            for name, line in (("loss_first", "--"), ("loss_second", "-")):
                upper.plot(t, np.median(data[name][k, column], axis=0)[1:], line, color=colour)
            distance = data["distance"][k, column, :, 1:]
            lower.plot(t, np.median(distance, axis=0), color=colour, label=label)
            lower.fill_between(t, distance.min(axis=0), distance.max(axis=0), color=colour, alpha=0.15, lw=0)
        upper.set_title(title)
        style.log_time(lower, "flow time since the switch")
        lower.set(yscale="log", ylim=(1e-7, 2))
        for ax in (upper, lower):
            style.tidy(ax)
    for line, label in (("--", "task A"), ("-", "task B")):
        axes[0, 1].plot([], [], line, color="k", label=label)
    axes[0, 0].set_ylabel("loss over that of the zero map")
    axes[1, 0].set_ylabel("kernel distance since the switch")
    axes[0, 1].legend(fontsize=8)
    axes[1, 0].legend(fontsize=8)
    return figure


TITLES = ("forgetting: B has other directions", "transfer: the same, other strengths", "reversal: B = -A")
FIGURE = PaperFigure(
    name="layerwise/continual_learning",
    caption=(
        "Appendix G.1. A second task after the first, on one square linear network with white inputs, in closed form: "
        "losses on both tasks, medians over random starts and tasks, and the change of the kernel with its range. The "
        "paper says in words that the conserved imbalance matters in continual, reversal and transfer learning and "
        "shows no such figure; the settings are ours, after Braun et al. (2022) and Domine et al. (2024): size 4, "
        "strengths 1 to 2, initial singular values 0.001, flow time 7 on task A."
    ),
    presets={"quick": ContinualLearning(), "paper": ContinualLearning(replicates=100, n_times=1000)},
    compute=compute,
    draw=draw,
    seconds=9,
    cost="about 2 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("task-sequences",),
)
