"""Overview of condensation, figure 5: the phase diagram of two-layer ReLU networks, tested at finite widths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR
from figures.harness.figure import Claim, PaperFigure, all_above, all_below
from toymodels.condensation import classical_initialisations, distance_exponent, phase
from toymodels.condensation.phase import fitted_distance
from toymodels.condensation.three_layer import balanced_exponents, fitted_distances

CELLS = ((0.5, 0), (0.5, 0.5), (0.75, 0), (1, 0), (2, 1), (1.25, 0), (1.5, 0), (1.75, 0), (1.5, 1))
PHASES = ("linear", "critical", "condensed")
SHADES = ("#56B4E9", "#F0E442", "#D55E00")
DEEP_SHADES = ("#0072B2", "#E69F00", "#CC79A7")
LAYERS = ("$a$", "$V$", "$w$")
OUTER, MIDDLE = [0, 2], 1
SCALES = (1.0, 2.25, 3.5)  # powers of m: all layers linear; a and w condensed (beyond 1.5); all condensed (beyond 3)
LINEAR, BETWEEN, CONDENSED = range(3)


@dataclass(frozen=True)
class Params(Settings):
    """Widths of two- and of three-layer networks, and independent starts."""

    widths: tuple[int, ...] = (200, 1000, 5000)
    deep_widths: tuple[int, ...] = (50, 100, 200)
    replicates: int = 5


def distances(width, rng, cells):
    """Relative distance of the input weights when the data are fitted, in every cell."""
    return {"distance": fitted_distance(np.array(cells, dtype=float), width, rng)}


def deep_distances(scale, width, rng):
    """Relative distance of a, V and w of a three-layer network with weights of order one and scale m^scale."""
    return {"distance": fitted_distances((0.0, 0.0, 0.0, scale), width, rng)}


def _slopes(widths, distance):
    """Slope of ln distance against ln width, for distance (n_widths, n_curves)."""
    return np.polyfit(np.log(widths), np.log(distance), 1)[0]


def compute(p, rng, grid):
    """Exponents of the relative distance in every cell and replicate, and per layer for three layers."""
    found = grid(partial(distances, cells=CELLS), {"width": p.widths}, replicates=p.replicates, seed=_seed(rng))
    distance = found["distance"].transpose("width", "replicate", "distance_0").values
    slope = _slopes(p.widths, distance.reshape(len(p.widths), -1)).reshape(p.replicates, len(CELLS))
    deep = grid(deep_distances, {"scale": SCALES, "width": p.deep_widths}, replicates=p.replicates, seed=_seed(rng))
    moved = deep["distance"].transpose("width", "scale", "replicate", "distance_0").values
    return {
        "cells": np.array(CELLS, dtype=float),
        "phase": np.array([PHASES.index(phase(*cell)) for cell in CELLS]),
        "width": np.array(p.widths),
        "distance": distance,
        "slope": slope,
        "predicted": np.array([distance_exponent(*cell) for cell in CELLS]),
        "deep_slope": _slopes(p.deep_widths, moved.reshape(len(p.deep_widths), -1)).reshape(moved.shape[1:]),
        "deep_predicted": np.array([balanced_exponents(scale) for scale in SCALES]),
    }


def _seed(rng):
    return int(rng.integers(2**31))


def draw(data, p):
    """The diagram with the measured exponents; measured against derived; distance against width; three layers."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(11.5, 7.6), layout="constrained")
    panels = figure.subplot_mosaic("AAABB;CCCDD", height_ratios=(1.15, 1))
    diagram, exponents, curves, deep = (panels[name] for name in "ABCD")
    _draw_diagram(diagram, data)
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
    _draw_deep(deep, data)
    for axes in (exponents, curves, deep):
        tidy(axes)
    return figure


def _draw_deep(axes, data):
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


def _draw_diagram(axes, data):
    """Regions of theorems 1 and 2, the critical lines, the usual initialisations and the measured exponents."""
    right, top = 2.3, 1.35
    axes.fill_between([1, right], [0, right - 1], -0.5, color=SHADES[2], alpha=0.35, linewidth=0)
    axes.fill_between([0, 1, right], [-0.5, -0.5, right - 1], top, color=SHADES[0], alpha=0.35, linewidth=0)
    axes.fill_between([1, right], [-0.5, -0.5], [0, right - 1], color="white", linewidth=0)
    axes.fill_between([1, right], [-0.5, -0.5], [0, right - 1], color=SHADES[2], alpha=0.35, linewidth=0)
    axes.plot([1, 1, right], [-0.5, 0, right - 1], color="#B8A500", linewidth=3)
    for (x, y), slope in zip(data["cells"], np.median(data["slope"], axis=0), strict=True):
        axes.plot(x, y, "o", color=COLOUR if slope > 0.08 else "black", markersize=5)
        axes.annotate(f"{slope:+.2f}", (x, y), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    for place, names in _places().items():
        axes.annotate(names, place, (0, -13), textcoords="offset points", ha="center", fontsize=8, style="italic")
    axes.text(0.3, 1.1, "linear", fontsize=12)
    axes.text(1.75, -0.3, "condensed", fontsize=12)
    axes.set(
        xlim=(0.1, right), ylim=(-0.5, top), xlabel=r"$\gamma$", ylabel=r"$\gamma'$", title="phases, and exponents"
    )


def _places():
    """Names of the usual initialisations by place."""
    places = {}
    for name, place in classical_initialisations().items():
        places.setdefault(place, []).append(name)
    return {place: ", ".join(names) for place, names in places.items()}


def _in(kind):
    return lambda data: data["slope"][:, data["phase"] == PHASES.index(kind)]


FIGURE = PaperFigure(
    name="condensation_05",
    paper="condensation",
    caption=(
        "Where in the plane of (gamma, gamma') input weights stop moving as the width grows, and where they run away. "
        "Data and anti-symmetric start are those of the published test (three points); widths 200 to 5,000 instead of "
        "up to 400,000. The exponents are derived, not printed; nine cells, with the classical initialisations. Three "
        "layers: all weights of order one, the output divided by a power of the width; each layer has its own phases."
    ),
    presets={
        "quick": Params(),
        "paper": Params(widths=(1000, 10_000, 100_000, 400_000), deep_widths=(100, 200, 400, 800), replicates=10),
    },
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-5-linear",
            "Theorem 1",
            "For gamma < 1 or gamma' > gamma - 1 the input weights hardly move as the width grows.",
            "the relative distance falls with width in all linear cells, in every run (largest exponent < 0)",
            lambda data: _in("linear")(data).max(axis=1),
            all_below(0),
        ),
        Claim(
            "condensation-5-condensed",
            "Theorem 2",
            "For gamma > 1 and gamma' < gamma - 1 the relative movement diverges with width.",
            "the relative distance grows with width in all condensed cells, in every run (smallest exponent > 0)",
            lambda data: _in("condensed")(data).min(axis=1),
            all_above(0),
        ),
        Claim(
            "condensation-5-critical",
            "Figure 5",
            "In between lies a critical line on which the movement neither vanishes nor diverges.",
            "|exponent| < .08 in both critical cells (median over runs)",
            lambda data: np.abs(np.median(_in("critical")(data), axis=0)),
            all_below(0.08),
        ),
        Claim(
            "condensation-5-deep",
            "Section 5",
            "Three-layer networks have similar phases: here the outer layers a and w.",
            "their distances fall with width at scale m and grow at m^2.25 (smallest of the four median exponents, the "
            "first two negated, > 0)",
            lambda data: _margins(data, LINEAR, BETWEEN, OUTER),
            all_above(0),
        ),
        Claim(
            "condensation-5-deep-middle",
            "Section 5",
            "Three-layer networks have similar phases: here the middle layer V.",
            "its distance falls with width at scale m and grows at m^3.5 (smaller of the two median exponents, the "
            "first negated, > 0)",
            lambda data: _margins(data, LINEAR, CONDENSED, [MIDDLE]),
            all_above(0),
        ),
        Claim(
            "condensation-5-deep-together",
            "Section 5, our question",
            "The three layers leave the linear phase together.",
            "at scale m^2.25, where the distances of a and w grow, that of V grows too, in every run (exponent > 0)",
            lambda data: data["deep_slope"][BETWEEN][:, MIDDLE],
            all_above(0),
            "V starts with the norm m, a and w with m^.5: balanced growth to m^(scale/3) outruns V only beyond m^3",
        ),
    ),
    seconds=18,
    cost="estimated 30 CPU minutes",
)


def _margins(data, linear, condensed, layers):
    """Median exponents of these layers: negated at the scale of the linear phase, plain at that of the condensed."""
    median = np.median(data["deep_slope"], axis=1)
    return np.concatenate([-median[linear, layers], median[condensed, layers]])
