"""Overview of condensation, figure 7: networks of all widths dwell at the same losses, and the embedding principle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, median_above
from toymodels.condensation import add_null, critical_points, inertia, plateau_histogram, split
from toymodels.condensation.presets import figure_one_data

EDGES = np.round(np.arange(-6, 0.55, 0.1), 1)
PLATEAU = (-1.65, -1.45)  # log10 of the mean squared error
FACTORS = (-0.5, 0.3, 1.7)


@dataclass(frozen=True)
class Params(Settings):
    """Widths, five batches of trials for each, steps, and starts in search of critical points."""

    widths: tuple[int, ...] = (1, 2, 3, 5, 20)
    trials: int = 10
    n_steps: int = 20_000
    starts: int = 4
    batches: int = 5


def plateaus(width, rng, trials, n_steps):
    """Part of the time in every loss bin, at the common plateau, and below 1e-2."""
    edges = np.sort([*EDGES, *PLATEAU])
    frequency = plateau_histogram(*figure_one_data(), [int(width)], edges, rng, trials=trials, n_steps=n_steps)[0][0]
    return {
        "frequency": np.histogram(edges[:-1] + 1e-9, EDGES, weights=frequency)[0],
        "shared": frequency[(edges[:-1] >= PLATEAU[0]) & (edges[:-1] < PLATEAU[1])].sum(),
        "low": frequency[edges[:-1] < -2].sum(),
    }


def embeddings(width, rng, starts):
    """Gradient and inertia of every critical point of tanh networks, before and after embedding it."""
    x = np.linspace(-1.5, 1.5, 12)[:, None]
    y = np.sin(2 * x[:, 0]) + 0.3 * x[:, 0] ** 2
    gradient, signs = [], []
    for narrow in critical_points(int(width), x, y, "tanh", rng, starts):
        before = inertia(narrow.hessian(x, y))
        for wide in (add_null(narrow), *(split(narrow, k, f) for k in range(int(width)) for f in FACTORS)):
            gradient.append(max(float(np.abs(part).max()) for part in wide.gradient(x, y)))
            signs.append((before, inertia(wide.hessian(x, y))))
    gain = np.array([np.subtract(after, before) for before, after in signs])
    turned = [before[2] == 0 and after[2] > 0 for before, after in signs]
    minimum = [before[2] == 0 for before, _ in signs]
    return {
        "gradient": max(gradient),
        "smallest_gain": gain.min(),
        "embeddings": len(gain),
        "minima": sum(minimum),
        "turned": sum(turned),
        "gains": gain.mean(axis=0),
    }


def compute(p, rng, grid):
    """Histograms of all widths, and embedded critical points of widths 1 and 2."""
    seed = int(rng.integers(2**31))
    time = partial(plateaus, trials=p.trials, n_steps=p.n_steps)
    histograms = grid(time, {"width": p.widths}, replicates=p.batches, seed=seed)
    embedded = grid(partial(embeddings, starts=p.starts), {"width": [1, 2]}, replicates=p.batches, seed=seed)
    return {
        "width": np.array(p.widths),
        **{name: values.values for name, values in histograms.data_vars.items()},
        **{name: values.values for name, values in embedded.data_vars.items()},
    }


def draw(data, p):
    """The paper's map, one row per width; how eigenvalues are gained by embedding."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(9.5, 3.4), layout="constrained")
    panel, gains = figure.subplots(1, 2, width_ratios=(2.4, 1))
    rows = np.arange(len(data["width"]) + 1) - 0.5
    image = panel.pcolormesh(EDGES, rows, data["frequency"].mean(axis=1) ** 0.5, cmap="magma")
    bar = figure.colorbar(image, ax=panel, label="part of the time")
    bar.set_ticks([part**0.5 for part in (0, 0.05, 0.2, 0.5)], labels=["0", "0.05", "0.2", "0.5"])
    panel.set_yticks(range(len(data["width"])), data["width"].astype(int))
    panel.set(xlabel=r"$\log_{10}$ mean squared error", ylabel="width", xlim=(-4.5, 0.5))
    names = ("positive", "zero", "negative")
    for k, shade in enumerate(("#BBBBBB", COLOUR)):
        bars = data["gains"][k].mean(axis=0)
        gains.bar(np.arange(3) + 0.4 * k - 0.2, bars, 0.4, color=shade, label=f"width {k + 1} embedded")
    gains.set_xticks(range(3), names)
    gains.set(xlabel="eigenvalues of the Hessian", ylabel="mean gain by one more neuron", ylim=(0, 2.6))
    gains.legend(fontsize=8)
    tidy(gains)
    return figure


FIGURE = PaperFigure(
    name="condensation_07",
    paper="condensation",
    caption=(
        "Time that ReLU networks of different widths spend at each loss (50 trials): bright bars at common losses are "
        "shared critical points. The numbers are missing from our copy: target of figure 1 on 20 points, rate 0.05, "
        "std 0.05, 20,000 steps, widths 1 to 20; colour is the square root of the time. Right, ours: eigenvalues "
        "gained when critical points of tanh networks are embedded by splitting a neuron or adding a null one."
    ),
    presets={
        "quick": Params(),
        "paper": Params(widths=(1, 2, 3, 5, 10, 20, 50, 100), n_steps=100_000, starts=20),
    },
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-7-common",
            "Figure 7",
            "Networks of different widths encounter similar critical points.",
            "> 30 % of the time at log10 MSE in [-1.65, -1.45] for each of the widths 1, 2, 3 and 5 (smallest of "
            "the four, median over 5 batches of 10 trials)",
            lambda data: data["shared"][data["width"] <= 5].min(axis=0),
            median_above(0.3),
        ),
        Claim(
            "condensation-7-lower",
            "Figure 7",
            "The wider the network, the likelier its loss is at lower values.",
            "time below log10 MSE = -2, over all trials, rises from each width to the next (increments > 0)",
            lambda data: np.diff(data["low"].mean(axis=1)),
            all_above(0),
            "a tie at zero: one or two neurons never get there; beyond, the time rises with every width",
        ),
        Claim(
            "condensation-7-wide",
            "Figure 7",
            "Wide networks leave the common critical points for lower losses.",
            "more than half of the time below log10 MSE = -2 at width 20, in every batch of trials",
            lambda data: data["low"][data["width"] == 20][0],
            all_above(0.5),
        ),
        Claim(
            "condensation-7-critical",
            "Section 6.2",
            "A critical point stays critical when a neuron is split or a null neuron added.",
            "largest entry of the gradient < 1e-9 over all embeddings of every batch",
            lambda data: data["gradient"].max(axis=0),
            all_below(1e-9),
        ),
        Claim(
            "condensation-7-inertia",
            "Section 6.2",
            "Embedding never lowers the numbers of positive, zero and negative eigenvalues.",
            "smallest gain of any of the three numbers >= 0 over all embeddings of every batch",
            lambda data: data["smallest_gain"].min(axis=0),
            all_above(-0.5),
        ),
        Claim(
            "condensation-7-saddle",
            "Section 6.2",
            "A local minimum may become a saddle by embedding.",
            "at least one minimum gains a negative eigenvalue in every batch (share of embedded minima > 0)",
            lambda data: data["turned"].sum(axis=0) / data["minima"].sum(axis=0),
            all_above(0),
        ),
    ),
    seconds=43,
    cost="estimated 10 CPU minutes",
)
