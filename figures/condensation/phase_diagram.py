"""Figure 5 of the overview of condensation: the phase diagram of two-layer ReLU networks, tested at finite widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from comparisons.harness.style import FAMILY
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, READING, Claim, Quantity, Statistic, every_run
from toymodels.condensation import classical_initialisations, distance_exponent, phase
from toymodels.condensation.phase_diagram import fitted_distance
from toymodels.condensation.presets import PHASE_CELLS
from toymodels.condensation.three_layer import balanced_exponents, fitted_distances

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PHASES = ("linear", "critical", "condensed")
SHADES = ("#56B4E9", "#F0E442", "#D55E00")
DEEP_SHADES = ("#0072B2", "#E69F00", "#CC79A7")
LAYERS = ("$a$", "$V$", "$w$")
OUTER, MIDDLE = [0, 2], 1
SCALES = (1.0, 2.25, 3.5)  # powers of m: all layers linear; a and w condensed (beyond 1.5); all condensed (beyond 3)
LINEAR, BETWEEN, CONDENSED = range(3)


@dataclass(frozen=True)
class PhaseDiagram(Settings):
    """Widths, and how many networks of each.

    Parameters
    ----------
    widths : tuple of int
        Of the two-layer networks.
    deep_widths : tuple of int
        Of the three-layer networks.
    replicates : int
        Independent starts in every cell.
    """

    widths: tuple[int, ...] = (200, 1000, 5000)
    deep_widths: tuple[int, ...] = (50, 100, 200)
    replicates: int = 5


def distances(
    rng: np.random.Generator, width: int, cells: Sequence[tuple[float, float]] = PHASE_CELLS
) -> dict[str, np.ndarray]:
    """Relative distance of the input weights when the data are fitted, in every cell."""
    return {"distance": fitted_distance(np.array(cells, dtype=float), width, rng)}


def deep_distances(rng: np.random.Generator, scale: float, width: int) -> dict[str, list[float]]:
    """Relative distance of a, V and w of a three-layer network with weights of order one and scale m^scale."""
    return {"distance": fitted_distances((0.0, 0.0, 0.0, scale), width, rng)}


def slopes(widths: Sequence[int], distance: np.ndarray) -> np.ndarray:
    """Slope of ln distance against ln width, for distance (n_widths, n_curves)."""
    return np.polyfit(np.log(widths), np.log(distance), 1)[0]


def compute(settings: PhaseDiagram, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Exponents of the relative distance in every cell and replicate, and per layer for three layers."""
    widths, deep_widths, n = settings.widths, settings.deep_widths, settings.replicates
    seed = int(rng.integers(2**31))
    runs = grid(distances, {"width": widths}, replicates=n, seed=seed)
    distance = runs["distance"].transpose("width", "replicate", "distance_0").values
    slope = slopes(widths, distance.reshape(len(widths), -1)).reshape(n, len(PHASE_CELLS))
    seed = int(rng.integers(2**31))
    deep = grid(deep_distances, {"scale": SCALES, "width": deep_widths}, replicates=n, seed=seed)
    moved = deep["distance"].transpose("width", "scale", "replicate", "distance_0").values
    return {
        "cells": np.array(PHASE_CELLS, dtype=float),
        "phase": np.array([PHASES.index(phase(*cell)) for cell in PHASE_CELLS]),
        "width": np.array(widths),
        "distance": distance,
        "slope": slope,
        "predicted": np.array([distance_exponent(*cell) for cell in PHASE_CELLS]),
        "deep_slope": slopes(deep_widths, moved.reshape(len(deep_widths), -1)).reshape(moved.shape[1:]),
        "deep_predicted": np.array([balanced_exponents(scale) for scale in SCALES]),
    }


def draw(data: Data, settings: PhaseDiagram) -> Figure:
    """The diagram with the measured exponents; measured against derived; distance against width; three layers."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(11.5, 7.6), layout="constrained")
    panels = figure.subplot_mosaic("AAABB;CCCDD", height_ratios=(1.15, 1))
    diagram, exponents, curves, deep = (panels[name] for name in "ABCD")
    draw_diagram(diagram, data)
    median = np.median(data["slope"], axis=0)
    for kind, shade in enumerate(SHADES):
        chosen = data["phase"] == kind
        span = np.abs(data["slope"][:, chosen] - median[chosen])
        bars = [span.max(axis=0)] * 2
        style: dict[str, Any] = {"color": shade, "markeredgecolor": "black", "label": PHASES[kind]}
        exponents.errorbar(data["predicted"][chosen], median[chosen], bars, fmt="o", ecolor="black", **style)
        for cell in np.flatnonzero(chosen):
            curves.plot(data["width"], np.exp(np.log(data["distance"][..., cell]).mean(axis=1)), "o-", color=shade)
    exponents.axline((0, 0), slope=1, color="black", linewidth=0.8)
    exponents.set(xlabel="derived exponent", ylabel="measured exponent", title="relative distance $\\propto m^e$")
    exponents.legend(fontsize=8)
    curves.set(xscale="log", yscale="log", xlabel="width $m$", ylabel="relative distance of $w$ at the fit")
    curves.set_xticks(data["width"], [f"{width:,}" for width in data["width"]], minor=False)
    curves.minorticks_off()
    curves.set_title("every cell")
    draw_deep(deep, data)
    for axes in (exponents, curves, deep):
        tidy(axes)
    return figure


def draw_deep(axes: Axes, data: Data) -> None:
    """Exponents of the three layers of every run, side by side for each scale; bars are the derived ones."""
    axes.axhline(0, color="black", linewidth=0.8)
    for layer, (name, shade) in enumerate(zip(LAYERS, DEEP_SHADES, strict=True)):
        for scale, (slopes, derived) in enumerate(zip(data["deep_slope"], data["deep_predicted"], strict=True)):
            place = scale + 0.22 * (layer - 1)
            label = name if scale == 0 else None
            axes.plot(np.full(len(slopes), place), slopes[:, layer], "o", color=shade, alpha=0.7, label=label)
            axes.hlines(derived[layer], place - 0.09, place + 0.09, color="black", linewidth=1.5)
    axes.plot([], [], color="black", linewidth=1.5, label="derived")
    axes.set_xticks(range(len(SCALES)), [f"$m^{{{scale:g}}}$" for scale in SCALES])
    axes.set(xlabel=r"scale $\alpha$ of the output", ylabel="exponent of relative distance", title="three layers")
    axes.legend(fontsize=8)


def draw_diagram(axes: Axes, data: Data) -> None:
    """Regions of theorems 1 and 2, the critical lines, the usual initialisations and the measured exponents."""
    right, top = 2.3, 1.35
    axes.fill_between([1, right], [0, right - 1], -0.5, color=SHADES[2], alpha=0.35, linewidth=0)
    axes.fill_between([0, 1, right], [-0.5, -0.5, right - 1], top, color=SHADES[0], alpha=0.35, linewidth=0)
    axes.fill_between([1, right], [-0.5, -0.5], [0, right - 1], color="white", linewidth=0)
    axes.fill_between([1, right], [-0.5, -0.5], [0, right - 1], color=SHADES[2], alpha=0.35, linewidth=0)
    axes.plot([1, 1, right], [-0.5, 0, right - 1], color="#B8A500", linewidth=3)
    for (x, y), slope in zip(data["cells"], np.median(data["slope"], axis=0), strict=True):
        axes.plot(x, y, "o", color=FAMILY["condensation"] if slope > 0.08 else "black", markersize=5)
        axes.annotate(f"{slope:+.2f}", (x, y), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    for place, names in places_of_initialisations().items():
        axes.annotate(names, place, (0, -13), textcoords="offset points", ha="center", fontsize=8, style="italic")
    axes.text(0.3, 1.1, "linear", fontsize=12)
    axes.text(1.75, -0.3, "condensed", fontsize=12)
    axes.set(
        xlim=(0.1, right), ylim=(-0.5, top), xlabel=r"$\gamma$", ylabel=r"$\gamma'$", title="phases, and exponents"
    )


def places_of_initialisations() -> dict[tuple[float, float], str]:
    """Names of the usual initialisations by place."""
    places: dict[tuple[float, float], list[str]] = {}
    for name, place in classical_initialisations().items():
        places.setdefault(place, []).append(name)
    return {place: ", ".join(names) for place, names in places.items()}


def exponents_in(data: Data, kind: str) -> np.ndarray:
    """Exponents (run, cell) in the cells of one phase."""
    return data["slope"][:, data["phase"] == PHASES.index(kind)]


def margins(data: Data, linear: int, condensed: int, layers: Sequence[int]) -> np.ndarray:
    """Median exponents of these layers: negated at the scale of the linear phase, plain at that of the condensed."""
    middle = np.median(data["deep_slope"], axis=1)
    return np.concatenate([-middle[linear, layers], middle[condensed, layers]])


every_cell = Statistic("every cell", lambda values: values)
each_median = Statistic("each median", lambda values: values)
CLAIMS = (
    Claim(
        "phase_diagram.linear",
        "Theorem 1",
        "For gamma < 1 or gamma' > gamma - 1 the input weights hardly move as the width grows.",
        Quantity(
            "largest exponent of the relative distance in the width, over the linear cells",
            lambda data: exponents_in(data, "linear").max(axis=1),
        ),
        every_run < 0,
    ),
    Claim(
        "phase_diagram.condensed",
        "Theorem 2",
        "For gamma > 1 and gamma' < gamma - 1 the relative movement diverges with width.",
        Quantity(
            "smallest exponent of the relative distance in the width, over the condensed cells",
            lambda data: exponents_in(data, "condensed").min(axis=1),
        ),
        every_run > 0,
    ),
    Claim(
        "phase_diagram.critical",
        "Figure 5",
        "In between lies a critical line on which the movement neither vanishes nor diverges.",
        Quantity(
            "|exponent| of the relative distance in the width, median over runs, critical cells",
            lambda data: np.abs(np.median(exponents_in(data, "critical"), axis=0)),
        ),
        every_cell < 0.08,
        fixed=AFTER,
    ),
    Claim(
        "phase_diagram.three-layers-outer",
        "Section 5",
        "Three-layer networks have similar phases: here the outer layers a and w.",
        Quantity(
            "exponents of the relative distances of a and w in the width, medians over runs, negated at scale m and "
            "plain at m^2.25",
            lambda data: margins(data, LINEAR, BETWEEN, OUTER),
        ),
        each_median > 0,
        fixed=AFTER,
    ),
    Claim(
        "phase_diagram.three-layers-middle",
        "Section 5",
        "Three-layer networks have similar phases: here the middle layer V.",
        Quantity(
            "exponents of the relative distance of V in the width, medians over runs, negated at scale m and plain at "
            "m^3.5",
            lambda data: margins(data, LINEAR, CONDENSED, [MIDDLE]),
        ),
        each_median > 0,
        fixed=AFTER,
    ),
    Claim(
        "phase_diagram.three-layers-together",
        "Section 5",
        "The three layers leave the linear phase together.",
        Quantity(
            "exponent of the relative distance of V in the width at scale m^2.25, where those of a and w grow",
            lambda data: data["deep_slope"][BETWEEN][:, MIDDLE],
        ),
        every_run > 0,
        source=READING,
        fixed=AFTER,
        why="V starts with the norm m, a and w with m^.5: balanced growth to m^(scale/3) outruns V only beyond m^3",
        defence="the overview claims similar phase diagrams for the dynamics of each layer, not a common boundary",
    ),
)

FIGURE = PaperFigure(
    name="condensation/phase_diagram",
    caption=(
        "Figure 5. Where in the plane of (gamma, gamma') input weights stop moving as the width grows, and where they "
        "run away. Data and anti-symmetric start are those of the published test (three points); widths 200 to 5,000 "
        "instead of up to 400,000. The exponents are derived, not printed; nine cells, with the classical "
        "initialisations. Three layers: all weights of order one, the output divided by a power of the width; each "
        "layer has its own phases."
    ),
    presets={
        "quick": PhaseDiagram(),
        "paper": PhaseDiagram(widths=(1000, 10_000, 100_000, 400_000), deep_widths=(100, 200, 400, 800), replicates=10),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=18,
    cost="estimated 30 CPU minutes",
    aliases=("condensation_05", "fig-5", "theorem-1", "theorem-2", "section-5"),
    stream="condensation_05",
)
