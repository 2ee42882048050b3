"""Section 5.1 of Nam et al. (2025) on the tree data of Saxe et al. (2019): broad distinctions first, fine ones last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.gradient_flow import two_layers
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every, every_run
from toymodels.layerwise import LinearNetwork, hierarchy, hierarchy_learning, hierarchy_levels, hierarchy_times

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARTS = ("aligned", "gaussian", "imbalanced")
ALIGNED, GAUSSIAN, IMBALANCED = range(3)


@dataclass(frozen=True)
class TreeHierarchy(Settings):
    """A regular tree, and networks that learn it.

    Parameters
    ----------
    depth, branching : int
        Levels below the root, and children of every node.
    hidden : int
        Hidden units, at least as many as items.
    initial : float
        Product of the two layers along every mode at the start; on average, if they are Gaussian.
    imbalance : float
        lambda of the imbalanced start.
    replicates : int
        Random networks of each kind.
    n_times : int
        Flow times at which similarities are recorded, log-spaced.
    """

    depth: int = 3
    branching: int = 2
    hidden: int = 16
    initial: float = 1e-3
    imbalance: float = 20.0
    replicates: int = 5
    n_times: int = 300

    @property
    def predicted(self) -> np.ndarray:
        """Half-times of the levels from a small balanced start, (depth + 1,)."""
        return hierarchy_times(self.depth, self.branching, initial=self.initial)

    @property
    def times(self) -> tuple[np.ndarray, np.ndarray]:
        """Flow times recorded (n_times,), 0 first, and those midway between two levels in log time, then the last."""
        half = self.predicted
        t = np.append(0.0, np.geomspace(half[0] / 100, 3 * half[-1], self.n_times - 1))
        return t, np.append(np.sqrt(half[:-1] * half[1:]), t[-1])


def compute(settings: TreeHierarchy, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Strength of every level along integrated flow from three kinds of start, and similarities of items between."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(network, settings), {"start": STARTS}, replicates=settings.replicates, seed=seed)
    (t, between), levels = settings.times, hierarchy_levels(settings.depth, settings.branching)
    told = hierarchy_learning(t, settings.depth, settings.branching, initial=settings.initial)
    data = {str(name): values.values for name, values in runs.data_vars.items()}  # (starts, runs, ...)
    return data | {
        "t": t,
        "between": between,
        "predicted": settings.predicted,
        "singular_values": levels.singular_values,
        "multiplicities": levels.multiplicities,
        "told": told["strength"],
    }


def network(settings: TreeHierarchy, rng: np.random.Generator, start: str) -> dict[str, Any]:
    """Mean strength of each level (n_t, depth + 1), cosines of the outputs of items, and the spectrum, of one network.

    Cosines (depth + 1, items, items) and singular values are taken between the levels and at the end.
    """
    x, y = hierarchy(settings.depth, settings.branching)
    correlation = y.T @ x / len(x)
    t, between = settings.times
    times = np.unique(np.concatenate([t, between]))
    w1, w2 = first_layers(settings, correlation, start, rng)
    first, second = two_layers(w1, w2, correlation, np.eye(len(x)), times)
    learned = second @ first
    at = np.searchsorted(times, between)
    lengths = np.linalg.norm(learned[at], axis=1)
    cosines = learned[at].swapaxes(1, 2) @ learned[at] / (lengths[:, :, None] * lengths[:, None])
    return {
        "strength": level_strengths(learned[np.searchsorted(times, t)], settings.depth, settings.branching),
        "cosines": cosines,
        "spectrum": np.linalg.svd(learned[at], compute_uv=False),
    }


def first_layers(settings: TreeHierarchy, correlation: np.ndarray, start: str, rng: np.random.Generator):
    """Initial weights of one kind: aligned and balanced, Gaussian, or aligned with a heavy second layer."""
    h, (c, d) = settings.hidden, correlation.shape
    if start == "gaussian":
        size = np.sqrt(2 * settings.initial / h)  # then |u'w2 + w1 v|^2 / 4 is the initial product, on average
        return size * rng.standard_normal((h, d)), size * rng.standard_normal((c, h))
    imbalance = settings.imbalance if start == "imbalanced" else 0.0
    hidden = d if start == "imbalanced" else h  # a wider one cannot be lambda-balanced
    rotation = np.linalg.qr(rng.standard_normal((hidden, hidden)))[0]
    net = LinearNetwork.aligned(correlation, np.full(d, settings.initial), hidden, imbalance, rotation)
    return net.w1, net.w2


def level_strengths(maps: np.ndarray, depth: int, branching: int) -> np.ndarray:
    """Mean strength of the contrasts of each level in maps (n_t, properties, items), (n_t, depth + 1)."""
    levels, items = hierarchy_levels(depth, branching), branching**depth
    x, y = hierarchy(depth, branching)
    correlation, learned, before = y.T @ x / items, [], np.zeros((items, items))
    for level, (value, count) in enumerate(zip(*levels, strict=True)):
        nodes = np.repeat(np.eye(branching**level), branching ** (depth - level), axis=0)
        mean = nodes @ nodes.T / branching ** (depth - level)  # over the items below each node
        dual = correlation @ (mean - before) / value  # the sum over contrasts of u v'
        learned.append(np.einsum("tij,ij->t", maps, dual) / count)
        before = mean
    return np.stack(learned, axis=1)


def draw(data: Data, settings: TreeHierarchy) -> Figure:
    """Strengths of the levels along training; similarity of the items after each of them, from a Gaussian start."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    n = len(data["between"])
    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplot_mosaic([["levels"] * n, list(range(n))])
    ax, shown = axes["levels"], data["t"] > 0
    for level in range(n):
        colour, final = style.ORDER[(level + 3) % 7], data["singular_values"][level]
        label = f"level {level}" + (" (root)" if level == 0 else "")
        for run in data["strength"][GAUSSIAN]:
            ax.plot(data["t"][shown], run[shown, level] / final, color=colour, lw=0.8, alpha=0.7)
        ax.plot(data["t"][shown], data["told"][shown, level] / final, "--", color=colour, lw=2, label=label)
        ax.axvline(data["between"][level], color="0.6", lw=0.8, ls=":")
    ax.plot([], [], color="0.3", lw=0.8, label="Gaussian starts")
    ax.plot([], [], "--", color="0.3", lw=2, label="aligned start, closed form")
    style.log_time(ax, "flow time")
    ax.set(ylabel="strength of a level over its target", xlim=(data["predicted"][0] / 10, data["t"][-1] * 1.03))
    ax.legend(fontsize=8, loc="upper left")
    style.tidy(ax)
    for k, similarity in enumerate(data["cosines"][GAUSSIAN, 0]):
        image = axes[k].imshow(similarity, cmap="cividis", vmin=0, vmax=1)
        title = f"after level {k}" if k < n - 1 else "in the end"
        axes[k].set(title=f"{title}, t = {data['between'][k]:.3g}", xlabel="item", ylabel="item" if k == 0 else "")
        axes[k].set(xticks=[], yticks=[])
    figure.colorbar(image, ax=[axes[k] for k in range(n)], label="cosine of the outputs")
    return figure


def half_times(data: Data, start: int) -> np.ndarray:
    """When each level is half the way from its start to its target, (n_runs, depth + 1).

    The logarithm of its odds, linear in time for a sigmoid, is interpolated.

    Raises
    ------
    ValueError
        If a level never is.
    """
    strength = data["strength"][start]
    way = (strength - strength[:, :1]) / (data["singular_values"] - strength[:, :1])
    if (way.max(axis=1) < 0.5).any():
        raise ValueError("data must reach half of every level")
    way = np.clip(way, 1e-12, 1 - 1e-12)
    odds = np.log(way / (1 - way))
    return np.array([[np.interp(0, level, data["t"]) for level in run.T] for run in odds])


def neighbours(start: int) -> Callable[[Data], np.ndarray]:
    """Smallest ratio of the half-time of a level to that of the one above, per run."""
    return lambda data: (half_times(data, start)[:, 1:] / half_times(data, start)[:, :-1]).min(axis=1)


def apart(start: int) -> Callable[[Data], np.ndarray]:
    """Half-time of the latest level over that of the earliest, per run."""
    return lambda data: half_times(data, start).max(axis=1) / half_times(data, start).min(axis=1)


def time_errors(start: int) -> Callable[[Data], np.ndarray]:
    """Largest relative error of the predicted half-times over levels, per run."""
    return lambda data: np.abs(half_times(data, start) / data["predicted"] - 1).max(axis=1)


def rank_errors(data: Data) -> np.ndarray:
    """Largest difference of the learned rank after level l and the number of modes up to it, Gaussian starts, per run.

    A singular value counts as learned above half of that of its place in the tree data.
    """
    targets = np.repeat(data["singular_values"], data["multiplicities"].astype(int))
    rank = (data["spectrum"][GAUSSIAN] > targets / 2).sum(axis=2)
    return np.abs(rank - np.cumsum(data["multiplicities"])).max(axis=1)


def block_contrasts(data: Data) -> np.ndarray:
    """Lowest cosine within a block minus the highest between blocks, after every level from 1 on, each run in a row."""
    cosines, contrasts = data["cosines"][GAUSSIAN], []
    items, depth = cosines.shape[-1], cosines.shape[1] - 1
    branching = round(items ** (1 / depth))
    for level in range(1, depth):  # at the end a block is an item
        block = np.arange(items) // branching ** (depth - level)
        same = block[:, None] == block
        contrasts.append(cosines[:, level, same].min(axis=1) - cosines[:, level, ~same].max(axis=1))
    return np.concatenate(contrasts)


HALF = "half-time of a level"
CLAIMS = (
    Claim(
        "tree_hierarchy.order",
        "Section 5.1",
        "Modes are learned one after the other, in the order of their singular value: the levels of a tree from the "
        "root on.",
        Quantity(
            f"integrated flow from small Gaussian weights: smallest {HALF} over that of the level above",
            neighbours(GAUSSIAN),
        ),
        every_run > 1.2,
    ),
    Claim(
        "tree_hierarchy.rank",
        "Section 5.1",
        "After each level the rank is that of the modes learned.",
        Quantity(
            "largest difference of the number of modes up to level l and that of singular values above half their "
            "target, between levels l and l + 1, Gaussian starts",
            rank_errors,
        ),
        every_run.equals(0),
    ),
    Claim(
        "tree_hierarchy.times",
        "Section 5.1, Equation 12",
        "Each level comes when its sigmoid says.",
        Quantity(
            "aligned balanced start: largest relative error of the predicted half-times over levels",
            time_errors(ALIGNED),
        ),
        every_run < 1e-3,
    ),
    Claim(
        "tree_hierarchy.times-from-gaussian-weights",
        "Section 5.1",
        "The same times hold from small Gaussian weights of the same size.",
        Quantity(
            "Gaussian starts: largest relative error of the predicted half-times over levels", time_errors(GAUSSIAN)
        ),
        every_run < 0.15,
        source=READING,
        why="the modes of a Gaussian start differ in size, and times go with its logarithm: from 1e-6 the error is "
        "below 9 % in every run",
        defence="the times are those of the limit of small starts",
    ),
    Claim(
        "tree_hierarchy.blocks",
        "Section 5.1",
        "In between, items are alike within the branches that are told apart already (Saxe et al. 2019).",
        Quantity(
            "Gaussian starts, after level 1, 2, ...: lowest cosine of the outputs of two items of one branch of that "
            "level minus the highest of two items of different ones",
            block_contrasts,
        ),
        every("run and level") > 0,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "tree_hierarchy.imbalanced",
        "Section 6.1",
        "Without feedback between the layers all levels are learned at the same time.",
        Quantity(
            "lambda = 20: half-time of the latest level over that of the earliest",
            apart(IMBALANCED),
        ),
        every_run < 1.1,
        source=CONTROL,
        fixed=AFTER,
    ),
)
FIGURE = PaperFigure(
    name="layerwise/tree_hierarchy",
    caption=(
        "Section 5.1 on the hierarchical data of Saxe et al. (2019), arXiv:1810.10531. Properties of items at the "
        "leaves of a binary tree, learned from broad distinctions to fine ones: strength of each level along "
        "integrated flow from small Gaussian weights, beside the closed form of an aligned start of the same size; "
        "below, similarities of the eight items between the levels. The paper shows no such figure; depth 3, 16 hidden "
        "units and initial products of 0.001 are ours."
    ),
    presets={"quick": TreeHierarchy(), "paper": TreeHierarchy(depth=4, hidden=32, initial=1e-6, replicates=20)},
    compute=compute,
    draw=draw,
    seconds=5,
    cost="about 2 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("semantic-development",),
)
