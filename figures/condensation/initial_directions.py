"""Overview of condensation, figure 6: the activation's multiplicity p bounds the initial directions by 2p."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR, count_directions, draw_map, sorted_map
from figures.harness.figure import Claim, PaperFigure, all_above, all_between
from toymodels.condensation import (
    TwoLayerNetwork,
    condensed_directions,
    cosine_similarity,
    multiplicity,
    normalised_descent,
    potential,
)
from toymodels.condensation.presets import figure_six

ACTIVATIONS = ("tanh", "xtanh", "x2tanh")
LABELS = (r"$\tanh x$", r"$x\,\tanh x$", r"$x^2\tanh x$")
ANGLES = np.linspace(-np.pi, np.pi, 361)


@dataclass(frozen=True)
class Params(Settings):
    """Seeds of the authors' setting (Adam), and data draws of the one-input experiments."""

    seeds: int = 10
    draws: int = 5


def adam(activation, rng):
    """The authors' notebook: directions at cos > .8 after 100 epochs, and the similarity of all neurons."""
    w = figure_six(rng, activation)["w"][-1]
    return {"directions": count_directions(w, 0.8), "map": sorted_map(cosine_similarity(w))}


def descent(activation, rng):
    """One input, twelve random points: extrema of T, directions reached by per-neuron descent."""
    x, y, p = rng.uniform(-1, 1, (12, 1)), rng.standard_normal(12), multiplicity(activation)
    wanted = condensed_directions(x, y, p)[0]
    start = TwoLayerNetwork.random(100, 1, 1e-4, activation, rng)
    run = normalised_descent(start, x, y, 1500, 0.02)
    a, w = run["a"][-1], run["w"][-1]
    arrived = (w**2).sum(axis=1) > 0.1 * a**2  # the others have shrunk to w = 0 on the wrong side of a
    nearest = (w[arrived] @ wanted.T / np.linalg.norm(w[arrived], axis=1, keepdims=True)).max(axis=1)
    u = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    return {
        "extrema": len(wanted),
        "reached": count_directions(w[arrived], float(np.cos(0.1))),
        "near": (nearest > np.cos(0.05)).mean(),
        "potential": potential(x, y, u, p)[0],
        "angle": np.where(arrived, np.arctan2(w[:, 1], w[:, 0]), 4.0),  # outside the circle: not arrived
    }


def plain_descent(activation, rng):
    """Directions after plain gradient descent, when 1 % of the loss is gone; -1 if it never is."""
    x, y = rng.uniform(-1, 1, (12, 1)), rng.standard_normal(12)
    run = TwoLayerNetwork.random(50, 1, 1e-2, activation, rng).train(x, y, 60_000, 0.1, 100)
    early = np.flatnonzero(run["loss"] < 0.99 * run["loss"][0])
    return {"plain": count_directions(run["w"][early[0]], 0.9) if len(early) else -1}


def compute(p, rng, grid):
    """Both experiments for every activation."""
    seed = int(rng.integers(2**31))
    literal = grid(adam, {"activation": ACTIVATIONS[:2]}, replicates=p.seeds, seed=seed)
    theory = grid(descent, {"activation": ACTIVATIONS}, replicates=p.draws, seed=seed)
    plain = grid(plain_descent, {"activation": ["xtanh"]}, replicates=p.draws, seed=seed)
    return {
        "adam_directions": literal["directions"].values,
        "adam_map": literal["map"].values[:, 0],
        **{name: values.values for name, values in theory.data_vars.items()},
        "plain": plain["plain"].values[0],
    }


def draw(data, p):
    """The paper's two heat maps, and below them T with the directions that neurons reach."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(9.5, 6), layout="constrained")
    axes = figure.subplots(2, 3, height_ratios=(1.3, 1))
    images = [draw_map(axes[0, k], data["adam_map"][k], f"{LABELS[k]}, Adam, 100 epochs") for k in range(2)]
    figure.colorbar(images[0], ax=axes[0, :2], label="cosine similarity", shrink=0.8)
    values, counts = np.unique(data["adam_directions"][1], return_counts=True)
    axes[0, 2].bar(values + 0.2, counts, 0.4, color=COLOUR, label=LABELS[1])
    values, counts = np.unique(data["adam_directions"][0], return_counts=True)
    axes[0, 2].bar(values - 0.2, counts, 0.4, color="#888888", label=LABELS[0])
    axes[0, 2].set(xlabel="directions at cos > .8", ylabel="seeds", title="Adam, every seed")
    axes[0, 2].legend(fontsize=8)
    for k, label in enumerate(LABELS):
        panel, height = axes[1, k], data["potential"][k, 0]
        panel.plot(ANGLES, height / np.abs(height).max(), color="black", linewidth=1, label="potential")
        angle = data["angle"][k, 0]
        angle = angle[angle < 4]
        where = np.interp(angle, ANGLES, height / np.abs(height).max())
        panel.scatter(angle, where, s=22, color=COLOUR, alpha=0.5, zorder=3, label="neurons")
        panel.set_title(f"{label}: {int(data['reached'][k, 0])} directions, $2p$ = {2 * (k + 1)}", fontsize=10)
        panel.set(xlabel=r"orientation $\theta$ (rad)", ylabel=r"$T\,/\,\max|T|$", xlim=(-np.pi, np.pi))
    axes[1, 0].legend(fontsize=8)
    for panel in (axes[0, 2], *axes[1]):
        tidy(panel)
    return figure


BOUND = 2 * np.arange(1, len(ACTIVATIONS) + 1)[:, None]  # 2p

FIGURE = PaperFigure(
    name="condensation_06",
    paper="condensation",
    caption=(
        "Initial directions of neurons: one pair for tanh, at most 2p for multiplicity p. Top: the authors' notebook "
        "(5 inputs, 80 points, width 50, std 50^-4, Adam at 1e-3, 100 epochs). Bottom, ours: one input and 12 random "
        "points; every neuron descends at its own pace, and ends at an extremum of the leading-order potential T."
    ),
    presets={"quick": Params(), "paper": Params(seeds=50, draws=30)},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-6-tanh",
            "Figure 6",
            "With tanh there is one pair of opposite directions.",
            "2 directions at cos > .8 in the authors' setting (median over seeds)",
            lambda data: data["adam_directions"][0],
            lambda values: bool(np.median(values) == 2),
        ),
        Claim(
            "condensation-6-xtanh",
            "Figure 6",
            "With x tanh x there are two pairs of opposite directions.",
            "4 directions at cos > .8 in the authors' setting (median over seeds)",
            lambda data: data["adam_directions"][1],
            lambda values: bool(np.median(values) == 4),
            "Adam moves along signs of the gradient and ends in 3 to 9 directions; neurons that each descend at their "
            "own pace keep to 2p (next row)",
        ),
        Claim(
            "condensation-6-bound",
            "Section 6.1",
            "Neurons condense in at most 2p directions (one input), here when each descends at its own pace.",
            "directions reached minus 2p <= 0 in every draw of all three activations",
            lambda data: (data["reached"] - BOUND).ravel(),
            all_between(-6, 0),
        ),
        Claim(
            "condensation-6-extrema",
            "Section 6.1",
            "Neurons end at the stable points of one common dynamics.",
            "> 95 % of the neurons within 0.05 rad of an attracting extremum of T, in every draw",
            lambda data: data["near"].ravel(),
            all_above(0.95),
        ),
        Claim(
            "condensation-6-plain",
            "Section 6.1",
            "Plain gradient descent from a small start condenses into at most 2p directions, for p = 2.",
            "at most 4 directions at cos > .9 when 1 % of the loss is gone (median over draws)",
            lambda data: data["plain"],
            lambda values: None if (values < 0).any() else bool(np.median(values) <= 4),
            "for p >= 2 the leading-order flow blows up in finite time: the best aligned neurons escape and the others "
            "stay where they started",
        ),
    ),
    seconds=18,
    cost="estimated 3 CPU minutes",
)
