"""Where small batches regularise, over batch and learning rate, for the diagonal and for a two-layer network.

python -m figures.phase_diagrams.implicit_regularisation
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness import style
from comparisons.harness.settings import Settings
from comparisons.implicit_regularisation import STUDY
from comparisons.implicit_regularisation.models import Layerwise
from comparisons.implicit_regularisation.question import lead
from figures.harness.figure import Data, Grid, PaperFigure
from figures.phase_diagrams import small_batches
from figures.phase_diagrams.planes import cell_edges
from toymodels.claims import CONTROL, READING, Claim, Quantity, every, every_run
from toymodels.layerwise import SparseRegression, entropy_interpolator
from toymodels.metrics.curves import rank_correlation
from toymodels.metrics.implicit_regularisation import decades_simpler, participation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUESTION = STUDY.question
EXPONENTS = np.geomspace(1e-3, 12, 60)  # of the start, 2 lr^2 T noise^2 / B
TITLES = {"layerwise": "diagonal network, 100 inputs", "condensation": "100 ReLU neurons"}
FAMILIES = tuple(TITLES)


@dataclass(frozen=True)
class PhaseDiagram(Settings):
    """Batches, learning rates, updates and draws of both families.

    Parameters
    ----------
    lrs, batches : tuple of float, tuple of int
        Of the diagonal network.
    steps : int
        Its updates with noise.
    replicates : int
        Draws of every cell.
    relu_lrs, relu_batches : tuple of float, tuple of int
        Of the two-layer network.
    relu_steps, relu_replicates : int
        And its updates and draws.
    tasks : int
        Draws of the sparse task that the predicted line is the median of.
    """

    lrs: tuple = (0.002, 0.003, 0.0045, 0.007, 0.01, 0.015, 0.022, 0.033)
    batches: tuple = (1, 2, 4, 8, 16, 40)
    steps: int = 20_000
    replicates: int = 2
    relu_lrs: tuple = (0.0025, 0.005, 0.01, 0.02)
    relu_batches: tuple = (1, 4, 12, 40)
    relu_steps: int = 60_000
    relu_replicates: int = 1
    tasks: int = 9


def score_of(family: str, steps: int, rng: np.random.Generator, batch: int, lr: float) -> dict[str, float]:
    """The study's score of one cell, and its prediction where there is one."""
    model = STUDY.models[family]
    run = model.run(replace(model.settings, batch=batch, lr=lr, steps=steps), rng)
    predicted = {"predicted": run.meta["predicted"]} if "predicted" in run.meta else {}
    return {"score": float(lead(run)[-1]), **predicted}


def predicted_curve(settings: Layerwise, rng: np.random.Generator) -> np.ndarray:
    """Decades simpler at every exponent, in closed form, of one drawn task."""
    x, y, _ = SparseRegression(settings.dim, settings.samples, settings.active, settings.start, 0.0).sample(rng)
    squares = (x**2).mean(axis=0)
    full = participation(entropy_interpolator(x, y, settings.start))
    ends = [entropy_interpolator(x, y, settings.start * np.exp(-e * squares)) for e in EXPONENTS]
    return decades_simpler(np.full(len(ends), full), participation(ends))


def compute(settings: PhaseDiagram, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Scores of every cell (learning rates, batches, draws), exponents, and the closed form over exponents."""
    asked = {
        "layerwise": (settings.lrs, settings.batches, settings.steps, settings.replicates),
        "condensation": (settings.relu_lrs, settings.relu_batches, settings.relu_steps, settings.relu_replicates),
    }
    data: dict[str, np.ndarray] = {}
    for family, (lrs, batches, steps, replicates) in asked.items():
        cells = {"lr": lrs, "batch": batches}
        found = grid(partial(score_of, family, steps), cells, replicates=replicates, seed=int(rng.integers(2**31)))
        data |= {f"{family}_{name}": found[name].transpose("lr", "batch", "replicate").values for name in found}
        noise = STUDY.models[family].settings.noise
        exponent = 2 * np.square(lrs)[:, None] * steps * noise**2 / np.array(batches)
        data |= {f"{family}_lr": np.array(lrs), f"{family}_batch": np.array(batches), f"{family}_exponent": exponent}
        data[f"{family}_per_exponent"] = np.array(2 * steps * noise**2)
    curves = [predicted_curve(STUDY.models["layerwise"].settings, rng) for _ in range(settings.tasks)]
    curve = np.median(curves, axis=0)
    bounds = [QUESTION.absent_below, QUESTION.shown_from]
    data |= {"curve": curve, "critical": np.interp(bounds, curve, EXPONENTS)}
    return data | small_batches.compute(rng, grid)


def draw(data: Data, settings: PhaseDiagram) -> Figure:
    """The two planes with the lines on which the closed form passes the thresholds; all cells over one exponent."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 5.0), layout="constrained")
    axes = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1, 1.05]})
    for ax, family in zip(axes, FAMILIES, strict=False):
        image = draw_plane(ax, data, family)
    figure.colorbar(image, ax=axes[1], label="decades simpler than the full batch without noise")
    draw_cells(axes[2], data)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=9, loc="outside lower left", ncols=2, frameon=False)
    return figure


def draw_plane(axes: Axes, data: Data, family: str) -> Any:
    """Median score over learning rate and batch; the lines are those of the diagonal network in both planes."""
    lr, batch = data[f"{family}_lr"], data[f"{family}_batch"]
    score = np.median(data[f"{family}_score"], axis=2)
    image = axes.pcolormesh(
        cell_edges(lr), cell_edges(batch), score.T, cmap="viridis", vmin=0, vmax=0.9, rasterized=True
    )
    low, high = cell_edges(lr)[[0, -1]], cell_edges(batch)[[0, -1]]
    for critical, bound, dash in zip(data["critical"], ("absent below", "shown from"), ("--", "-"), strict=True):
        sizes = np.geomspace(high[0], high[1], 50)
        rates = np.sqrt(critical * sizes / data[f"{family}_per_exponent"])
        label = f"lr$^2$ T / B at which the diagonal network is predicted at '{bound}'"
        axes.plot(rates, sizes, dash, color="#D55E00", lw=2, label=label)
    axes.set(
        xscale="log",
        yscale="log",
        xlim=low,
        ylim=high,
        xlabel="learning rate",
        ylabel="batch",
        title=f"{family}: {TITLES[family]}",
    )
    for axis, ticks in ((axes.xaxis, lr[:: max(1, len(lr) // 4)]), (axes.yaxis, batch)):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    return image


def draw_cells(axes: Axes, data: Data) -> None:
    """Score of every run over the exponent, and the closed form."""
    for family, marker in zip(FAMILIES, "os", strict=True):
        exponent = np.broadcast_to(data[f"{family}_exponent"][..., None], data[f"{family}_score"].shape)
        more = {"color": style.colour(family), "ms": 4, "alpha": 0.6, "ls": ""}
        axes.plot(exponent.ravel(), data[f"{family}_score"].ravel(), marker, label=family, **more)
    axes.plot(EXPONENTS, data["curve"], color="black", lw=1.3, label="closed form, diagonal network")
    for bound in (QUESTION.absent_below, QUESTION.shown_from):
        axes.axhline(bound, color="0.6", lw=0.8, ls=":", zorder=0)
    axes.set(xscale="log", xlabel="2 lr$^2$ T noise$^2$ / B", ylabel="decades simpler", title="every run")
    style.tidy(axes)
    axes.legend(fontsize=8, loc="upper left")


def side_of_the_line(data: Data) -> np.ndarray:
    """Of every run of the diagonal network beyond the line, or below the lower one: 1 if it is on its side."""
    exponent = data["layerwise_exponent"][..., None]
    score = data["layerwise_score"]
    lower, upper = data["critical"]
    beyond, below = (np.broadcast_to(part, score.shape) for part in (exponent > upper, exponent < lower))
    shown = score >= QUESTION.shown_from
    return np.concatenate([shown[beyond], (score < QUESTION.shown_from)[below]]).astype(float)


PLACE = "Pesme et al. (2021), Section 4"
CLAIMS = (
    Claim(
        "implicit_regularisation.as-predicted",
        PLACE,
        "Label noise acts as the smaller start that lr^2 T / B tells.",
        Quantity(
            "|score - closed form|, decades, every run of the diagonal network",
            lambda data: np.abs(data["layerwise_score"] - data["layerwise_predicted"]).ravel(),
        ),
        every("run") < QUESTION.absent_below,
        source=READING,
        why="at large rates w fluctuates about the fit, which adds to the noise: the drift is faster than predicted",
        defence="the effective start is exact in the limit of small steps",
    ),
    Claim(
        "implicit_regularisation.one-line",
        "ours",
        "The line of constant lr^2 T / B parts the runs that are shown from those that are not.",
        Quantity(
            "share of runs of the diagonal network on their side, beyond the line of .3 or below that of .1",
            lambda data: side_of_the_line(data).mean(),
        ),
        every_run >= 0.95,
        source=CONTROL,
    ),
    Claim(
        "implicit_regularisation.full-batch",
        "ours",
        "The full batch with the same noise in its labels stays as complex as without.",
        Quantity(
            "score of every run of the diagonal network at a batch of all samples",
            lambda data: data["layerwise_score"][:, data["layerwise_batch"] == 40].ravel(),
        ),
        every("run") < QUESTION.absent_below,
        source=CONTROL,
    ),
    Claim(
        "implicit_regularisation.two-layer-network",
        "HaoChen et al. (2020), Section 1",
        "Of a two-layer network it is lr^2 T / B too that tells how much simpler the solution is.",
        Quantity(
            "rank correlation of score and exponent over the cells of the two-layer network",
            lambda data: rank_correlation(
                np.median(data["condensation_score"], axis=2).ravel(), data["condensation_exponent"].ravel()
            ),
        ),
        every_run > 0.7,
        source=READING,
        why="from exponents of about 1 on it is so; below, nothing moves yet, and chance orders the cells",
        defence="the paper speaks of what the noise does, not of when it begins",
    ),
    *small_batches.CLAIMS,
)
FIGURE = PaperFigure(
    name="phase_diagrams/implicit_regularisation",
    caption=(
        "Where small batches with noise in their labels end at a simpler solution. Colour: decades from the "
        "complexity of the full batch's solution down to that of the small batch's, after as many updates in every "
        "cell and a descent without noise. Lines of constant lr^2 T / B: those at which the closed form of the "
        "diagonal network, a smaller start in the interpolator of least hyperbolic entropy, passes the thresholds of "
        "the study; they are drawn in the plane of the two-layer network for comparison, which has no closed form. On "
        "the right all runs over the exponent by which the start shrinks. Settings are those of the study "
        "implicit_regularisation but for batch, learning rate and the updates of the diagonal network. Not drawn, but "
        "judged: batches of the graph model."
    ),
    presets={
        "quick": PhaseDiagram(),
        "paper": PhaseDiagram(
            lrs=tuple(np.geomspace(0.002, 0.035, 16).round(5).tolist()),
            batches=(1, 2, 3, 5, 8, 12, 18, 27, 40),
            replicates=5,
            relu_lrs=tuple(np.geomspace(0.0025, 0.02, 8).round(5).tolist()),
            relu_batches=(1, 2, 4, 8, 16, 40),
            relu_replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=40,
    cost="about 5 min on one core (estimated from the quick preset).",
    aliases=("implicit_regularisation_diagram",),
)

if __name__ == "__main__":
    from figures.harness.command import main

    raise SystemExit(main(figures=[FIGURE]))
