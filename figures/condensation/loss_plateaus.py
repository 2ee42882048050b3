"""Figure 7 of the overview of condensation: networks of all widths dwell at the same losses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from comparisons.harness.style import FAMILY
from figures.condensation.grids import arrays_of
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, Claim, Quantity, Statistic, every_run, median, some_run
from toymodels.condensation import critical_points, inertia, plateau_histogram
from toymodels.condensation.embedding import embeddings
from toymodels.condensation.presets import embedding_data, figure_one_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EDGES = np.round(np.arange(-6, 0.55, 0.1), 1)
PLATEAU = (-1.65, -1.45)  # log10 of the mean squared error


@dataclass(frozen=True)
class LossPlateaus(Settings):
    """Widths, how many networks of each, and their training.

    Parameters
    ----------
    widths : tuple of int
        Neurons of the networks whose losses are counted.
    replicates : int
        Networks of each width in a batch.
    n_steps : int
        Steps of gradient descent.
    starts : int
        Starts of the search for critical points, in each batch.
    batches : int
        Batches of networks, and of critical points.
    """

    widths: tuple[int, ...] = (1, 2, 3, 5, 20)
    replicates: int = 10
    n_steps: int = 20_000
    starts: int = 4
    batches: int = 5


def plateaus(settings: LossPlateaus, rng: np.random.Generator, width: int) -> dict[str, Any]:
    """Part of the time in every loss bin, at the common plateau, and below 1e-2."""
    edges, size = np.sort([*EDGES, *PLATEAU]), {"replicates": settings.replicates, "n_steps": settings.n_steps}
    frequency = plateau_histogram(*figure_one_data(), [int(width)], edges, rng, **size)[0][0]
    return {
        "frequency": np.histogram(edges[:-1] + 1e-9, EDGES, weights=frequency)[0],
        "shared": frequency[(edges[:-1] >= PLATEAU[0]) & (edges[:-1] < PLATEAU[1])].sum(),
        "low": frequency[edges[:-1] < -2].sum(),
    }


def embedded(settings: LossPlateaus, rng: np.random.Generator, width: int) -> dict[str, Any]:
    """Gradient and inertia of every critical point of tanh networks, before and after embedding it."""
    x, y = embedding_data()
    gradient, signs = [], []
    for narrow in critical_points(int(width), x, y, "tanh", rng, settings.starts):
        before = inertia(narrow.hessian(x, y))
        for wide, _ in embeddings(narrow):
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


def compute(settings: LossPlateaus, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Histograms of all widths, and embedded critical points of widths 1 and 2."""
    seed, batches = int(rng.integers(2**31)), settings.batches
    histograms = grid(partial(plateaus, settings), {"width": settings.widths}, replicates=batches, seed=seed)
    points = grid(partial(embedded, settings), {"width": [1, 2]}, replicates=batches, seed=seed)
    return {"width": np.array(settings.widths), **arrays_of(histograms), **arrays_of(points)}


def draw(data: Data, settings: LossPlateaus) -> Figure:
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
    for k, shade in enumerate(("#BBBBBB", FAMILY["condensation"])):
        bars = data["gains"][k].mean(axis=0)
        gains.bar(np.arange(3) + 0.4 * k - 0.2, bars, 0.4, color=shade, label=f"width {k + 1} embedded")
    gains.set_xticks(range(3), names)
    gains.set(xlabel="eigenvalues of the Hessian", ylabel="mean gain by one more neuron", ylim=(0, 2.6))
    gains.legend(fontsize=8)
    tidy(gains)
    return figure


NO_MINIMUM = -1.0


def turned(data: Data) -> np.ndarray:
    """Share of the embedded minima that gain a negative eigenvalue, of the batches that have minima, or -1."""
    minima = data["minima"].sum(axis=0)
    found = minima > 0
    return data["turned"].sum(axis=0)[found] / minima[found] if found.any() else np.array([NO_MINIMUM])


every_step = Statistic("every step of the width", lambda values: values)
some_step = Statistic("some step of the width", some_run.of, share=some_run.share)
some_batch = Statistic("some batch", some_run.of, share=some_run.share)
CLAIMS = (
    Claim(
        "loss_plateaus.common",
        "Figure 7",
        "Networks of different widths encounter similar critical points.",
        Quantity(
            "part of the time at log10 MSE in [-1.65, -1.45], smallest of widths 1, 2, 3 and 5, per batch of runs",
            lambda data: data["shared"][data["width"] <= 5].min(axis=0),
        ),
        median > 0.3,
        fixed=AFTER,
    ),
    Claim(
        "loss_plateaus.wider-is-lower",
        "Figure 7",
        "The wider the network, the likelier its loss is at lower values.",
        Quantity(
            "increase of the part of the time below log10 MSE = -2, over all runs, from a width to the next",
            lambda data: np.diff(data["low"].mean(axis=1)),
        ),
        (every_step >= 0) & (some_step > 0),
        fixed=AFTER,
        why="from one width to the next the time at low losses falls",
        defence="the overview says likelier, not surer: a few runs may scatter between neighbouring widths",
    ),
    Claim(
        "loss_plateaus.wide-leaves",
        "Figure 7",
        "Wide networks leave the common critical points for lower losses.",
        Quantity(
            "part of the time below log10 MSE = -2 at width 20, per batch of runs",
            lambda data: data["low"][data["width"] == 20][0],
        ),
        median > 0.5,
        fixed=AFTER,
    ),
    Claim(
        "loss_plateaus.embedded-points-are-critical",
        "Section 6.2",
        "A critical point stays critical when a neuron is split or a null neuron added.",
        Quantity(
            "largest entry of the gradient over all embeddings, per batch", lambda data: data["gradient"].max(axis=0)
        ),
        every_run < 1e-9,
        fixed=AFTER,
    ),
    Claim(
        "loss_plateaus.inertia",
        "Section 6.2",
        "Embedding never lowers the numbers of positive, zero and negative eigenvalues.",
        Quantity(
            "smallest gain of any of the three numbers over all embeddings, per batch",
            lambda data: data["smallest_gain"].min(axis=0),
        ),
        every_run >= 0,
    ),
    Claim(
        "loss_plateaus.minimum-turns-saddle",
        "Section 6.2",
        "A local minimum may become a saddle by embedding.",
        Quantity(
            "share of the embedded minima that gain a negative eigenvalue, of each batch that has a minimum, -1 if "
            "none has",
            turned,
        ),
        (some_batch > 0).open_if(some_batch.equals(NO_MINIMUM), "no minimum was embedded"),
        fixed=AFTER,
    ),
)

FIGURE = PaperFigure(
    name="condensation/loss_plateaus",
    caption=(
        "Figure 7. Time that ReLU networks of different widths spend at each loss (50 runs): bright bars at common "
        "losses are shared critical points. The numbers are missing from our copy: target of figure 1 on 20 points, "
        "rate 0.05, std 0.05, 20,000 steps, widths 1 to 20; colour is the square root of the time. Right, ours: "
        "eigenvalues gained when critical points of tanh networks are embedded by splitting a neuron or adding a null "
        "one."
    ),
    presets={
        "quick": LossPlateaus(),
        "paper": LossPlateaus(widths=(1, 2, 3, 5, 10, 20, 50, 100), n_steps=100_000, starts=20),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=43,
    cost="estimated 10 CPU minutes",
    aliases=("condensation_07", "fig-7", "section-6.2"),
    stream="condensation_07",
)
