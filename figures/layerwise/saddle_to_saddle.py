"""Sections 4.2 and 5.1 of Nam et al. (2025): loss and rank move in steps, from saddle to saddle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.gradient_flow import two_layers
from toymodels.claims import AFTER, CONTROL, Claim, Quantity, every, every_run, value
from toymodels.layerwise import DiagonalNetwork, LinearModel, LinearNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("balanced", "gaussian")


@dataclass(frozen=True)
class SaddleToSaddle(Settings):
    """Modes, starts, and random matrix networks.

    Parameters
    ----------
    n_modes : int
        Modes; the strongest has strength 4.
    ratio : float
        Strength of a mode over that of the next one.
    start, large_start : float
        Small and large initial product of the two layers, the same for every mode.
    replicates : int
        Matrix networks of each kind of start.
    n_times : int
        Flow times at which losses and spectra are recorded, log-spaced.
    """

    n_modes: int = 4
    ratio: float = 2.5
    start: float = 1e-8
    large_start: float = 1.0
    replicates: int = 5
    n_times: int = 600

    @property
    def strengths(self) -> np.ndarray:
        """Singular values of the target, (n_modes,), the strongest first."""
        return self.ratio ** -np.arange(self.n_modes) * 4.0

    @property
    def times(self) -> tuple[np.ndarray, np.ndarray]:
        """Flow times recorded (n_times,), and those midway between two modes in log time (n_modes - 1,)."""
        half = _diagonal(self.strengths, self.start).time_to(0.5)
        return np.geomspace(half[0] / 100, 4 * half[-1], self.n_times), np.sqrt(half[:-1] * half[1:])


def compute(settings: SaddleToSaddle, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Loss of the diagonal network from two starts, of the linear model, and of matrix networks with their spectra."""
    strengths, (t, between) = settings.strengths, settings.times
    small, large = (_diagonal(strengths, start) for start in (settings.start, settings.large_start))
    data = {
        "t": t,
        "strengths": strengths,
        "between": between,
        "loss_small": small.solve(t)["loss"],
        "loss_large": large.solve(t)["loss"],
        "loss_linear": LinearModel(strengths).solve(t)["loss"],
        "plateaus": small.solve(between)["loss"],
    }
    networks, seed = partial(matrix_network, settings), int(rng.integers(2**31))
    runs = grid(networks, {"kind": KINDS}, replicates=settings.replicates, seed=seed)
    return data | {f"matrix_{name}": values.values for name, values in runs.data_vars.items()}  # (kinds, runs, ...)


def _diagonal(strengths: np.ndarray, start: float) -> DiagonalNetwork:
    """The diagonal network with this initial product of every mode."""
    return DiagonalNetwork(strengths, np.sqrt(start), np.sqrt(start))


def matrix_network(settings: SaddleToSaddle, rng: np.random.Generator, kind: str) -> dict[str, np.ndarray]:
    """Loss and spectrum of one square network: balanced in closed form, or with Gaussian layers, integrated."""
    strengths, (t, between) = settings.strengths, settings.times
    target, n = _random_map(strengths, rng), strengths.size
    times = np.unique(np.concatenate([[0.0], t, between]))
    if kind == "balanced":
        learned = LinearNetwork.balanced(target, n, 0.0, settings.start, rng).solve(times)["map"]
    else:
        w1, w2 = np.sqrt(settings.start) * rng.standard_normal((2, n, n))
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


def draw(data: Data, settings: SaddleToSaddle) -> Figure:
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


def drops(loss: np.ndarray, t: np.ndarray) -> int:
    """Number of local maxima of the speed -dL / d ln t, tiny ones (below 1e-3 of the largest) left out."""
    speed = -np.gradient(loss, np.log(t))
    inner = speed[1:-1]
    peaks = (inner > speed[:-2]) & (inner >= speed[2:]) & (inner > 1e-3 * speed.max())
    return int(peaks.sum())


def remaining_loss(data: Data) -> np.ndarray:
    """Loss with the first k modes learned, k = 1, 2, ..."""
    return 0.5 * np.cumsum(data["strengths"][::-1] ** 2)[::-1][1:]


def rank_error(kind: str) -> Callable[[Data], np.ndarray]:
    """Largest difference between the learned rank on plateau k and k, per network."""

    def measure(data: Data) -> np.ndarray:
        learned = data["matrix_spectrum_between"][KINDS.index(kind)] > 0.5 * data["strengths"]
        return np.abs(learned.sum(axis=2) - np.arange(1, learned.shape[1] + 1)).max(axis=1)

    return measure


DROPS = "number of maxima of -dL / d ln t"
RANK = "largest difference of k and the number of singular values above half their target on plateau k"
every_plateau = every("plateau")
CLAIMS = (
    Claim(
        "saddle_to_saddle.drops",
        "Section 4.2",
        "The loss drops abruptly once per mode.",
        Quantity(
            f"difference of the {DROPS} from that of modes, diagonal network from a small start",
            lambda data: [abs(drops(data["loss_small"], data["t"]) - data["strengths"].size)],
        ),
        value.equals(0),
    ),
    Claim(
        "saddle_to_saddle.plateaus",
        "Section 4.2",
        "Between the drops it waits on plateaus, the loss of the modes not yet learned.",
        Quantity(
            "loss midway between two drops in log time, over half the sum of squares of the remaining strengths",
            lambda data: data["plateaus"] / remaining_loss(data),
        ),
        every_plateau.between(0.98, 1.02),
    ),
    Claim(
        "saddle_to_saddle.linear-model",
        "Section 4.2",
        "A linear model falls once, without plateaus.",
        Quantity(
            f"difference of the {DROPS} from 1, linear model",
            lambda data: [abs(drops(data["loss_linear"], data["t"]) - 1)],
        ),
        value.equals(0),
        source=CONTROL,
    ),
    Claim(
        "saddle_to_saddle.rank",
        "Section 5.1, Equation 12",
        "Linear networks learn the strongest directions first, one rank at a time, from a small balanced start.",
        Quantity(RANK, rank_error("balanced")),
        every_run.equals(0),
        fixed=AFTER,
    ),
    Claim(
        "saddle_to_saddle.rank-from-gaussian-weights",
        "Section 5.1",
        "They do so from small Gaussian weights, too.",
        Quantity(f"{RANK}, both layers with entries of standard deviation 1e-4", rank_error("gaussian")),
        every_run.equals(0),
        fixed=AFTER,
    ),
)
FIGURE = PaperFigure(
    name="layerwise/saddle_to_saddle",
    caption=(
        "Sections 4.2 and 5.1. From a small start the loss of a two-layer linear network falls in steps, one per "
        "mode, and the rank of the learned map rises by one at each. The paper shows no such figure; strengths 4, "
        "1.6, 0.64, 0.256 and initial products of 1e-8 (small) and 1 (large) are our choice. Matrix networks are "
        "square, the target has random singular vectors; their start is balanced with equal singular values, or both "
        "layers are Gaussian (integrated numerically)."
    ),
    presets={"quick": SaddleToSaddle(), "paper": SaddleToSaddle(n_modes=6, replicates=20, n_times=2000)},
    compute=compute,
    draw=draw,
    seconds=3,
    cost="about 20 s on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_saddles", "section-4.2", "section-5.1"),
    stream="layerwise_saddles",
)
