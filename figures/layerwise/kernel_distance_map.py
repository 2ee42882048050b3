"""Figure 6 of Nam et al. (2025): where linear networks learn features, over imbalance, scale and target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.kernel_distance_map_claims import CLAIMS
from figures.layerwise.kernel_distances import distance_and_loss, distance_map, draw_map, random_correlation
from toymodels.layerwise import LinearNetwork, gram_kernel_distance
from toymodels.trajectory import SimulationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIME = 40.0  # 4000 steps of 0.01
SAMPLES = 10
WIDE, OUTPUTS = 20, 2  # of panel (b): inputs and hidden units, and outputs
LR = 0.01


@dataclass(frozen=True)
class KernelDistanceMap(Settings):
    """Cells and random draws of both maps.

    Parameters
    ----------
    side_a, side_b : int
        Cells per side of the map of panel (a) or (b).
    replicates_a, replicates_b : int
        Random draws of each map.
    n_steps : int
        Steps of gradient descent in panel (b).
    descents : int
        Networks of panel (a) that are also trained by gradient descent.
    """

    side_a: int = 20
    side_b: int = 12
    replicates_a: int = 20
    replicates_b: int = 3
    n_steps: int = 4000
    descents: int = 3


def map_a(settings: KernelDistanceMap, rng: np.random.Generator, draw: int) -> dict[str, Any]:
    """One map of panel (a) in closed form, the corner of small imbalance and scale, and the exact lambda = 0."""
    correlation = random_correlation(2, 2, SAMPLES, rng)
    imbalances, scales = np.linspace(-9, 9, settings.side_a), np.linspace(1, 20, settings.side_a)
    seed = int(rng.integers(2**63))

    def at(lam: float, scale: float) -> float:
        return distance_and_loss(correlation, lam, scale, np.array([TIME]), np.random.default_rng(seed))[0][0]

    return {
        "map": distance_map(correlation, imbalances, scales, TIME, np.random.default_rng(seed)),
        "corner": at(9 / 39, 1.0),  # nearest to balance in the published grid of 40
        "balanced": np.array([at(0.0, scale) for scale in (1.0, 10.0, 20.0)]),
    }


def map_b(settings: KernelDistanceMap, rng: np.random.Generator, draw: int) -> dict[str, np.ndarray]:
    """One map of panel (b): unbalanced Gaussian start of zero function, gradient descent, all cells at once."""
    half, side = WIDE // 2, settings.side_b
    x = rng.standard_normal((SAMPLES, WIDE))
    covariance, labels = x.T @ x / SAMPLES, rng.standard_normal((SAMPLES, OUTPUTS))
    first, last = rng.standard_normal((half, WIDE)), rng.standard_normal((OUTPUTS, half))
    lam, divisor = np.meshgrid(np.linspace(-0.5, 0.5, side), np.linspace(0.1, 50, side), indexing="ij")
    lam, divisor = (value.ravel()[:, None, None] for value in (lam, divisor))
    w1 = (0.1 + np.maximum(lam, 0)) * np.vstack([first, first])
    w2 = (0.1 + np.maximum(-lam, 0)) * np.hstack([last, -last])
    start = w1.copy(), w2.copy()
    target = (labels.T @ x / SAMPLES) / divisor
    for _ in range(settings.n_steps):
        error = LR * (target - w2 @ w1 @ covariance)
        w1, w2 = w1 + w2.swapaxes(1, 2) @ error, w2 + error @ w1.swapaxes(1, 2)
    if not (np.isfinite(w1).all() and np.isfinite(w2).all()):
        raise SimulationError("gradient descent diverged")
    return {"map": sample_kernel_distance(x, start, (w1, w2)).reshape(side, side)}


def sample_kernel_distance(
    x: np.ndarray, start: tuple[np.ndarray, np.ndarray], end: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Kernel distance on inputs that are not white, (cells,): grams over samples in place of those over inputs."""
    inner = x @ x.T

    def grams(weights):
        hidden = x @ weights[0].swapaxes(1, 2)
        return hidden @ hidden.swapaxes(1, 2), weights[1] @ weights[1].swapaxes(1, 2)

    def product(first, other):
        (a0, b0), (a1, b1) = first, other
        trace = partial(np.trace, axis1=1, axis2=2)
        crossed = trace(a0 @ inner) * trace(b1) + trace(a1 @ inner) * trace(b0)
        return OUTPUTS * trace(a0 @ a1) + crossed + np.sum(inner**2) * trace(b0 @ b1)

    before, after = grams(start), grams(end)
    cosine = product(before, after) / np.sqrt(product(before, before) * product(after, after))
    return np.maximum(1 - cosine, 0.0)  # rounding of the cosine, 1e-16, lies far below the floor of the map


def compute(settings: KernelDistanceMap, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Both maps for several random draws, and gradient descent against the closed form."""
    seeds = rng.integers(2**31, size=3).tolist()
    a = grid(partial(map_a, settings), {"draw": range(settings.replicates_a)}, seed=seeds[0])
    b = grid(partial(map_b, settings), {"draw": range(settings.replicates_b)}, seed=seeds[1])
    descents = grid(partial(closed_form_error, settings), {"draw": range(settings.descents)}, seed=seeds[2])
    return {
        "a": a["map"].values[:, 0],  # (draws, imbalances, scales)
        "corner": a["corner"].values[:, 0],
        "balanced": a["balanced"].values[:, 0],
        "b": b["map"].values[:, 0],
        "divisors": np.linspace(0.1, 50, settings.side_b),
        "closed_form": descents["error"].values[:, 0],
    }


def closed_form_error(settings: KernelDistanceMap, rng: np.random.Generator, draw: int) -> dict[str, float]:
    """Kernel distance by gradient descent less that in closed form, for one random network of panel (a)."""
    correlation = random_correlation(2, 2, SAMPLES, rng)
    net = LinearNetwork.balanced(correlation, 2, 9 / 39, 1.0, rng)
    descended, solved = net.simulate(4000, LR), net.solve([0.0, TIME])
    distances = [
        gram_kernel_distance(run["gram_in"][0], run["gram_out"][0], run["gram_in"][-1], run["gram_out"][-1])
        for run in (descended, solved)
    ]
    return {"error": abs(float(distances[0] - distances[1]))}


def draw(data: Data, settings: KernelDistanceMap) -> Figure:
    """Median maps of both panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    scales_a, scales_b = np.linspace(1, 20, settings.side_a), np.linspace(0.1, 50, settings.side_b)
    draw_map(axes[0], np.linspace(-9, 9, settings.side_a), scales_a, np.median(data["a"], axis=0))
    image = draw_map(axes[1], np.linspace(-0.5, 0.5, settings.side_b), scales_b, np.median(data["b"], axis=0))
    axes[0].set(xlabel="scale of the initial map", title="(a) balanced up to $\\lambda$, 2-2-2")
    axes[1].set(xlabel="factor by which the target is divided", title="(b) Gaussian start, 20-20-2")
    axes[1].set_xlim(left=0)
    figure.colorbar(image, ax=axes, label="log10 kernel distance, start to end")
    return figure


FIGURE = PaperFigure(
    name="layerwise/kernel_distance_map",
    caption=(
        "Figure 6. How far the tangent kernel moves in training: over imbalance and scale (a) only nearly balanced "
        "layers with small weights learn features, over imbalance and the target (b) all do so if the target is "
        "large. Settings are those of the published code (10 whitened samples, flow time 40; a Gaussian start of zero "
        "function, gradient descent, 4000 steps of 0.01), which are not all printed; (a) in closed form, median over "
        "random draws where the paper shows one. As published, the scale in (a) also divides the target, and the grid "
        "of (a) steps over exact balance, where the kernel moves at every scale."
    ),
    presets={"quick": KernelDistanceMap(), "paper": KernelDistanceMap(side_a=40, side_b=40, replicates_b=10)},
    compute=compute,
    draw=draw,
    seconds=18,
    cost="about 8 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_06", "fig-6", "section-6.1"),
    stream="layerwise_06",
)
