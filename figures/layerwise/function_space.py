"""Figure 9 of Nam et al. (2025): features as arrows in the space of functions, from rich to lazy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import CONTROL, PAPER, READING, Claim, Quantity, Statistic, every_run
from toymodels.layerwise import ConnectedNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET = np.array([0.6, 0.8])
DONE = 1e-6  # share of the loss at which training ends
PANELS = {
    "rich": "(a) small weights",
    "between": "(b) larger weights",
    "kernel": "(c) kernel scaling",
    "diagonal": "one input to a unit",
}


@dataclass(frozen=True)
class FunctionSpace(Settings):
    """Widths in the kernel scaling, networks of each, and what is drawn.

    Parameters
    ----------
    widths : tuple of int
        Hidden units of the networks in the kernel scaling.
    replicates : int
        Networks of each width, and of each of the two starts of two units.
    small, large : float
        Scale of the weights of two units: rich, and at the size of the target.
    drawn : int
        Units of the network in the kernel scaling that is drawn.
    n_times : int
        Flow times recorded.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    replicates: int = 12
    small: float = 0.03
    large: float = 0.7
    drawn: int = 24
    n_times: int = 400


def two_units(scale: float, rng: np.random.Generator) -> ConnectedNetwork:
    """One unit whose feature points to the target and one whose points away from it, up to a right angle each."""
    turns = rng.uniform(-np.pi / 3, np.pi / 3, 2) + np.array([0.0, np.pi])
    angles = np.arctan2(TARGET[1], TARGET[0]) + turns
    w1 = scale * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return ConnectedNetwork(TARGET, w1, np.full(2, scale), np.ones((2, 2), dtype=bool))


def kernel_scaling(width: int, rng: np.random.Generator) -> ConnectedNetwork:
    """Gaussian weights with the output over the root of the width, which the layers share; in pairs that cancel."""
    w1, w2 = rng.standard_normal((width // 2, 2)), rng.standard_normal(width // 2)
    scale = width**-0.25
    first, last = scale * np.concatenate([w1, w1]), scale * np.concatenate([w2, -w2])
    return ConnectedNetwork(TARGET, first, last, np.ones(first.shape, dtype=bool))


def trained(network: ConnectedNetwork, n_times: int) -> np.ndarray:
    """Features (n_times, h, 2) from the start until a millionth of the loss is left."""
    kernel = np.sum(network.w2**2) * np.eye(2) + network.w1.T @ network.w1
    end = 1 / np.linalg.eigvalsh(kernel)[0]
    while network.solve([end])["loss"][0] > DONE * network.solve([0.0])["loss"][0]:
        end *= 1.3
    return network.solve(np.linspace(0, end, n_times))["features"]


def of_two_units(settings: FunctionSpace, rng: np.random.Generator, start: str) -> dict[str, float]:
    """How much of all that the two features move the second one does, which points away from the target."""
    features = trained(two_units(getattr(settings, start), rng), 2)
    moved = np.linalg.norm(features[-1] - features[0], axis=1)
    return {"away": moved[1] / moved.sum()}


def of_many_units(settings: FunctionSpace, rng: np.random.Generator, width: int) -> dict[str, float]:
    """How far a feature and the function move; the target has norm 1."""
    features = trained(kernel_scaling(width, rng), 2)
    moved = features[-1] - features[0]
    return {
        "feature": float(np.median(np.linalg.norm(moved, axis=1))),
        "function": float(np.linalg.norm(moved.sum(axis=0))),
    }


def compute(settings: FunctionSpace, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The four networks that are drawn, with their features along training, and the moves of many."""
    wiring = np.eye(2, dtype=bool)
    drawn = {
        "rich": two_units(settings.small, rng),
        "between": two_units(settings.large, rng),
        "kernel": kernel_scaling(settings.drawn, rng),
        "diagonal": ConnectedNetwork(TARGET, settings.small * wiring, np.full(2, settings.small), wiring),
    }
    data = {name: trained(network, settings.n_times) for name, network in drawn.items()}
    seeds = rng.integers(2**31, size=2)
    run = {"replicates": settings.replicates}
    two = grid(partial(of_two_units, settings), {"start": ("small", "large")}, seed=int(seeds[0]), **run)
    many = grid(partial(of_many_units, settings), {"width": settings.widths}, seed=int(seeds[1]), **run)
    return data | {
        "away": two["away"].values,  # (starts, networks)
        "widths": np.array(settings.widths, dtype=float),
        **{f"moved_{name}": many[name].values for name in ("feature", "function")},  # (widths, networks)
    }


def draw(data: Data, settings: FunctionSpace) -> Figure:
    """Arrows of the features at the start and in the end, the function's way to the target, and moves by width."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(15, 3.5), layout="constrained")
    axes = figure.subplots(1, 5)
    for ax, (name, title) in zip(axes, PANELS.items(), strict=False):
        features = data[name]
        toward = features[0] @ TARGET > 0
        for unit in range(features.shape[1]):
            colour = style.ORDER[4] if toward[unit] else style.ORDER[3]
            _arrow(ax, features[0, unit], colour, 0.35)
            _arrow(ax, features[-1, unit], colour, 1.0)
        ax.plot(*features.sum(axis=1).T, "k--", lw=1)
        ax.plot(*TARGET, "ko", ms=6)
        reach = 1.1 * max(1.0, np.abs(features).max())
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="share of $x_1$")
        ax.set_title(title, fontsize=10)
    axes[0].set_ylabel("share of $x_2$")
    handles = [axes[0].plot([], [], colour, label=label)[0] for colour, label in _key(style.ORDER)]
    axes[0].legend(handles=handles, fontsize=7, loc="lower left")
    ax = axes[4]
    for name, colour, label in (("function", "k", "function"), ("feature", style.ORDER[4], "a feature")):
        moves = data[f"moved_{name}"]
        ax.loglog(data["widths"], moves, ".", color=colour, ms=4, alpha=0.5)
        ax.loglog(data["widths"], np.median(moves, axis=1), color=colour, label=label)
    guide = np.median(data["moved_feature"][0]) * data["widths"][0] / data["widths"]
    ax.loglog(data["widths"], guide, "k:", label="1 / width")
    ax.set(xlabel="width", ylabel="move in training over $|S|$")
    ax.set_xticks(data["widths"], [f"{width:g}" for width in data["widths"]])
    ax.minorticks_off()
    ax.set_title("kernel scaling", fontsize=10)
    ax.legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


def _arrow(ax, end, colour, alpha) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "alpha": alpha, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, (0, 0), arrowprops=style)


def _key(colours) -> list[tuple[str, str]]:
    return [(colours[4], "aligned feature"), (colours[3], "anti-aligned"), ("k--", "function, to the target")]


def exponents(data: Data, name: str) -> np.ndarray:
    """Slope of the moves against width in logarithms, one a network of every width."""
    return np.polyfit(np.log(data["widths"]), np.log(data[f"moved_{name}"]), 1)[0]


median = Statistic("median", np.median)
CLAIMS = (
    Claim(
        "function_space.greedy",
        "Figure 9a",
        "From small weights the feature that points to the target does the learning.",
        Quantity(
            "share of what both features move that the one away from the target does, small weights",
            lambda data: data["away"][0],
        ),
        median < 0.05,
        source=PAPER,
    ),
    Claim(
        "function_space.both",
        "Figure 9b",
        "From weights at the size of the target the other one takes part.",
        Quantity(
            "share of what both features move that the one away from the target does, weights of the target's size",
            lambda data: data["away"][1],
        ),
        median > 0.1,
        source=READING,
    ),
    Claim(
        "function_space.small-moves",
        "Section 7.1, Figure 9c",
        "In the kernel scaling each feature moves by O(1 / width).",
        Quantity("exponent in width of the median move of a feature", lambda data: exponents(data, "feature")),
        median.within(0.1, of=-1.0),
        source=PAPER,
    ),
    Claim(
        "function_space.large-sum",
        "Section 7.1, Figure 9c",
        "The small changes of the features sum to a change of the function that is the same at every width.",
        Quantity("exponent in width of the move of the function", lambda data: exponents(data, "function")),
        every_run.within(0.02, of=0.0),
        source=CONTROL,
    ),
)
FIGURE = PaperFigure(
    name="layerwise/function_space",
    caption=(
        "Figure 9. Features of a network with two inputs as arrows in the space of functions, at the start (pale) and "
        "in the end; their sum (dashed) goes to the target. From small weights the aligned feature does everything, in "
        "the kernel scaling many features move a little each. The paper's figure is a drawing; here its arrows are "
        "solved: two units on either side of the target within 60 degrees of its line, weights 0.03 and 0.7; in the "
        "kernel scaling Gaussian units in pairs that cancel at the start. The fourth network has one connection a "
        "unit, so that its features are the inputs themselves."
    ),
    presets={
        "quick": FunctionSpace(),
        "paper": FunctionSpace(widths=(16, 32, 64, 128, 256, 512, 1024), replicates=50),
    },
    compute=compute,
    draw=draw,
    seconds=10,
    cost="about 5 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("appendix-c.5", "fig-9"),
)
