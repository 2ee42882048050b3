"""Where skills are learned in stages, over the start and how much stronger each is than the next, in three families.

python -m figures.phase_diagrams.emergence
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.emergence import STUDY
from comparisons.harness import style
from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.phase_diagrams import stages
from figures.phase_diagrams.planes import cell_edges
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every, every_run
from toymodels.metrics.curves import rank_correlation
from toymodels.metrics.emergence import RISE_OF_EXPONENTIAL, rise_of_sigmoid
from toymodels.neurashed.separate_classes import SeparateClasses

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUESTION = STUDY.question
BOUNDS = (QUESTION.absent_below, QUESTION.shown_from)
AXES = {
    "layerwise": ("start", "product of a skill's weights at the start", "frequency over that of the next"),
    "neurashed": ("initial", "amplification at the start", "frequency over that of the next"),
    "condensation": ("start", "standard deviation of the start", "strength over that of the next"),
}
TITLES = {"layerwise": "diagonal network, 4 skills", "neurashed": "3 chains", "condensation": "products of two signs"}
CLOSED = ("layerwise", "neurashed")  # families whose score has a closed form
CLASSES = 3
POINTS = 60  # of a predicted line
SPARE = 1.5  # of the mean time at which the rarest class is learned
LAZY = 0.25  # starts of the two-layer network from which on its tangent kernel learns at once


@dataclass(frozen=True)
class PhaseDiagram(Settings):
    """Starts, ratios and draws of every family.

    Parameters
    ----------
    starts, ratios : tuple of float
        Of the diagonal network.
    amplifications, counts : tuple of float, tuple of int
        Of the graph model: starts, and how many times as often a class is seen as the next.
    deviations, strengths : tuple of float
        Of the two-layer network.
    replicates : int
        Draws of every cell.
    """

    starts: tuple = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2)
    ratios: tuple = (1.2, 1.6, 2.2, 3.0, 4.5, 7.0, 12.0, 30.0)
    amplifications: tuple = (0.01, 0.03, 0.08, 0.15, 0.25, 0.36, 0.5)
    counts: tuple = (2, 3, 4, 6, 9)
    deviations: tuple = (0.003, 0.01, 0.03, 0.1, 0.25, 0.5)
    strengths: tuple = (1.5, 2.2, 3.2, 4.7, 7.0)
    replicates: int = 3


def layerwise_settings(start: float, ratio: float) -> dict[str, float]:
    """Of the study's diagonal network."""
    return {"start": start, "ratio": ratio}


def neurashed_settings(start: float, ratio: float) -> dict[str, float]:
    """Of the study's chains: three classes, and so many steps that the rarest is learned."""
    grow = STUDY.models["neurashed"].settings.grow
    model = SeparateClasses(CLASSES, int(ratio), start, grow=grow)
    firings = model.log_growth(0.9) / (3 * np.log(grow))
    return {"initial": start, "ratio": int(ratio), "classes": CLASSES, "steps": int(SPARE * firings / model.shares[-1])}


def condensation_settings(start: float, ratio: float) -> dict[str, float]:
    """Of the study's two-layer network: two skills, half as wide, the longer the weaker the second."""
    return {"start": start, "ratio": ratio, "skills": 2, "width": 100, "steps": round(3000 * ratio)}


SETTINGS: dict[str, Callable[[float, float], dict[str, float]]] = {
    "layerwise": layerwise_settings,
    "neurashed": neurashed_settings,
    "condensation": condensation_settings,
}


def score_of(family: str, rng: np.random.Generator, start: float, ratio: float) -> dict[str, float]:
    """The study's score of one cell, and its prediction where there is one."""
    found = STUDY.score(family)(rng=rng, **SETTINGS[family](start, ratio))
    return {name: found[name] for name in ("score", "predicted") if name == "score" or family in CLOSED}


def predicted_rise(family: str, start: float) -> float:
    """Decades that a skill takes from 10 to 90 %, in closed form."""
    if family == "layerwise":
        return rise_of_sigmoid(start)
    return SeparateClasses(CLASSES, 1, start).predicted_rise


def compute(settings: PhaseDiagram, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Scores of every cell (starts, ratios, draws), predictions, and the ratios at which these pass the thresholds."""
    asked = {
        "layerwise": (settings.starts, settings.ratios),
        "neurashed": (settings.amplifications, settings.counts),
        "condensation": (settings.deviations, settings.strengths),
    }
    data: dict[str, np.ndarray] = {}
    for family, (starts, ratios) in asked.items():
        cells, seed = {"start": starts, "ratio": ratios}, int(rng.integers(2**31))
        found = grid(partial(score_of, family), cells, replicates=settings.replicates, seed=seed)
        data |= {f"{family}_{name}": found[name].transpose("start", "ratio", "replicate").values for name in found}
        data |= {f"{family}_starts": np.array(starts), f"{family}_ratios": np.array(ratios, dtype=float)}
    for family in CLOSED:
        first, last = data[f"{family}_starts"][[0, -1]]
        line = np.geomspace(first, last, POINTS)
        rises = np.array([predicted_rise(family, start) for start in line])
        data |= {f"{family}_line": line, f"{family}_critical": 10 ** np.multiply.outer(BOUNDS, rises)}
    return data | stages.compute(settings.ratios, settings.replicates, rng, grid)


def draw(data: Data, settings: PhaseDiagram) -> Figure:
    """Three planes, those with a closed form with its lines, and the scores of these over their predictions."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 9.0), layout="constrained")
    axes = figure.subplots(2, 2)
    for ax, family in zip(axes.flat, AXES, strict=False):
        image = draw_plane(ax, data, family)
    figure.colorbar(image, ax=axes, label="gap between skills over their rise", extend="max", aspect=40)
    draw_cells(axes[1, 1], data)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=9, loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_plane(axes: Axes, data: Data, family: str) -> Any:
    """Median score over start and ratio, and where the closed form passes the thresholds."""
    starts, ratios = data[f"{family}_starts"], data[f"{family}_ratios"]
    score = np.median(data[f"{family}_score"], axis=2)
    image = axes.pcolormesh(
        cell_edges(starts), cell_edges(ratios), score.T, cmap="viridis", vmin=0, vmax=2, rasterized=True
    )
    low, high = cell_edges(starts)[[0, -1]], cell_edges(ratios)[[0, -1]]
    if family in CLOSED:
        lines = zip(data[f"{family}_critical"], ("absent below", "shown from"), ("--", "-"), strict=True)
        for ratio, words, dash in lines:
            axes.plot(data[f"{family}_line"], ratio, dash, color="#D55E00", lw=2, label=f"predicted at '{words}'")
        exponential = 10 ** (QUESTION.shown_from * RISE_OF_EXPONENTIAL)
        axes.axhline(exponential, color="black", ls=":", lw=1.8, label="ratio at which exponentials would be 'shown'")
    _, x, y = AXES[family]
    axes.set(xscale="log", yscale="log", xlim=low, ylim=high, xlabel=x, ylabel=y)
    axes.set_title(f"{family}: {TITLES[family]}")
    every_second = starts[:: 2 if len(starts) > 7 else 1]
    for axis, ticks in ((axes.xaxis, every_second), (axes.yaxis, ratios)):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    return image


def draw_cells(axes: Axes, data: Data) -> None:
    """Score of every run over its closed form."""
    for family, marker in zip(CLOSED, "os", strict=True):
        more = {"color": style.colour(family), "ms": 4, "alpha": 0.6, "ls": ""}
        predicted, score = data[f"{family}_predicted"].ravel(), data[f"{family}_score"].ravel()
        axes.plot(predicted, score, marker, label=family, **more)
    ends = np.array([0.1, 20])
    axes.plot(ends, ends, color="black", lw=1.2, zorder=0, label="as predicted")
    for bound in BOUNDS:
        axes.axhline(bound, color="0.6", lw=0.8, ls=":", zorder=0)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title="every run of the two with a closed form")
    axes.set(xlabel="predicted gap over rise", ylabel="measured")
    style.tidy(axes)
    axes.legend(fontsize=9, loc="upper left")


def errors(data: Data, family: str) -> np.ndarray:
    """Distance of every cell's median score from the closed form, over the larger of that and the threshold."""
    score, predicted = (np.median(data[f"{family}_{name}"], axis=2) for name in ("score", "predicted"))
    return (np.abs(score - predicted) / np.maximum(predicted, BOUNDS[1])).ravel()


def on_their_side(data: Data) -> np.ndarray:
    """Of every run whose closed form is at "shown" or at "absent": 1 if its score says the same, else 0."""
    sides = []
    for family in CLOSED:
        predicted, score = (data[f"{family}_{name}"].ravel() for name in ("predicted", "score"))
        sides += [score[predicted >= BOUNDS[1]] >= BOUNDS[1], score[predicted < BOUNDS[0]] < BOUNDS[0]]
    return np.concatenate(sides).astype(float)


def trends(data: Data) -> np.ndarray:
    """Rank correlation of score and smallness of the start, of the two-layer network at every ratio."""
    score = np.median(data["condensation_score"], axis=2)
    return np.array([rank_correlation(column, -data["condensation_starts"]) for column in score.T])


ERROR = "distance of the median score from the closed form, over the larger of it and 1"
HALF_WAY = round((BOUNDS[1] - BOUNDS[0]) / 2, 12)  # between the thresholds
PLACE = "Nam et al. (2025), Section 4.3"
CLAIMS = (
    Claim(
        "emergence.diagonal-as-predicted",
        "Nam et al. (2025), Sections 4.1 and 4.3",
        "How far apart skills emerge follows in closed form from the start and from how much rarer the next one is.",
        Quantity(f"{ERROR}, diagonal network: every cell", partial(errors, family="layerwise")),
        every("cell") < HALF_WAY,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "emergence.chains-as-predicted",
        "ours",
        "So it does for disjoint chains of the graph model, whose logits grow exponentially.",
        Quantity(f"{ERROR}, graph model: every cell", partial(errors, family="neurashed")),
        every("cell") < HALF_WAY,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "emergence.one-line",
        "ours",
        "The lines of the closed forms part the runs that are shown from those that are absent.",
        Quantity(
            "share of runs of both families on their side, beyond the line of 1 or below that of .6",
            lambda data: on_their_side(data).mean(),
        ),
        every_run >= 0.95,
        source=CONTROL,
    ),
    Claim(
        "emergence.smaller-start",
        PLACE,
        "Of a two-layer network too, skills come the further apart the smaller the start.",
        Quantity("rank correlation of score and smallness of the start, two-layer network: every ratio", trends),
        every("ratio") > 0.7,
        source=READING,
    ),
    Claim(
        "emergence.lazy-at-once",
        PLACE,
        "From large starts it learns them together, however much weaker the next one is.",
        Quantity(
            "score of every run of the two-layer network from starts of .25 on",
            lambda data: data["condensation_score"][data["condensation_starts"] >= LAZY].ravel(),
        ),
        every("run") < QUESTION.absent_below,
        source=READING,
    ),
    *stages.CLAIMS,
)
FIGURE = PaperFigure(
    name="phase_diagrams/emergence",
    caption=(
        "Where skills are learned one after the other, each abruptly. Colour: decades between the halves of two skills "
        "that follow each other, over the decades that each takes. Orange: where the closed forms, the log of the "
        "ratio over the rise of a sigmoid or of a doubly exponential course from that start, pass the thresholds of "
        "the study. Dotted: skills that are learned exponentially, as by one layer or from a lazy start, would need "
        "that ratio. The two-layer network has no closed form. On the right below every run over its closed form. "
        "Settings are those of the study emergence but for the two that are swept; the graph model has 3 classes and "
        "as many steps as the rarest needs, the two-layer network two skills and half the width. Not drawn, but "
        "judged: one layer, and skills whose frequencies are a power law."
    ),
    presets={
        "quick": PhaseDiagram(),
        "paper": PhaseDiagram(
            starts=tuple(np.geomspace(1e-8, 3e-2, 16).tolist()),
            ratios=tuple(np.geomspace(1.2, 30, 16).round(3).tolist()),
            amplifications=tuple(np.geomspace(0.01, 0.5, 12).round(4).tolist()),
            counts=(2, 3, 4, 5, 6, 7, 8, 9),
            deviations=tuple(np.geomspace(0.003, 0.5, 12).round(4).tolist()),
            strengths=tuple(np.geomspace(1.5, 7, 9).round(3).tolist()),
            replicates=5,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=35,
    cost="about 4 min on one core (estimated from the quick preset).",
    aliases=("emergence_diagram",),
)

if __name__ == "__main__":
    from figures.harness.command import main

    raise SystemExit(main(figures=[FIGURE]))
