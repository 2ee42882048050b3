"""Section 5 beside figure 5: the phase plane of every layer of three-layer networks, and that of two-layer ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, CONTROL, PAPER, READING, Claim, Criterion, Decisive, Quantity, every
from toymodels.condensation import distance_exponent
from toymodels.condensation.phase_diagram import cell_distances
from toymodels.condensation.three_layer import layer_exponents, plane_distances, plane_slopes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

LAYERS = ("a", "V", "w")
CLEAR = 0.2  # exponents nearer to 0 are called critical
LARGEST = 1.0  # exponent at the end of the colours


@dataclass(frozen=True)
class ThreeLayerPlane(Settings):
    """The two planes and their widths.

    Parameters
    ----------
    outers, middles : tuple of float
        Powers p of a and w and q of V: standard deviations m^-p and m^-q.
    widths : tuple of int
        Of the three-layer networks.
    gammas, gamma_primes : tuple of float
        The plane of figure 5.
    two_layer_widths : tuple of int
        Of the two-layer networks.
    replicates : int
        Independent starts in every cell.
    """

    outers: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    middles: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
    widths: tuple[int, ...] = (50, 100, 200)
    gammas: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    gamma_primes: tuple[float, ...] = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
    two_layer_widths: tuple[int, ...] = (200, 1000)
    replicates: int = 2


def compute(settings: ThreeLayerPlane, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Exponents of the relative distances in every cell of both planes, and the derived ones."""
    n, widths = settings.replicates, settings.widths
    outers, middles = np.array(settings.outers), np.array(settings.middles)
    cells = {"outer": outers, "middle": middles}
    runs = grid(partial(deep_cell, widths), cells, replicates=n, seed=int(rng.integers(2**31)))
    found = runs["distance"].transpose("outer", "middle", "distance_0", "replicate", "distance_1").values
    slope, predicted = plane_slopes(outers, middles, widths, np.where(found > 0, found, np.nan))
    gammas, primes = np.array(settings.gammas), np.array(settings.gamma_primes)
    cells = {"gamma": gammas, "gamma_prime": primes}
    runs = grid(partial(flat_cell, settings.two_layer_widths), cells, replicates=n, seed=int(rng.integers(2**31)))
    distance = runs["distance"].transpose("gamma", "gamma_prime", "distance_0", "replicate").values
    levels = np.log(np.where(distance > 0, distance, np.nan)).mean(axis=-1)
    x = np.log(settings.two_layer_widths) - np.mean(np.log(settings.two_layer_widths))
    return {
        "outer": outers,
        "middle": middles,
        "slope": slope,
        "predicted": predicted,
        "gamma": gammas,
        "gamma_prime": primes,
        "flat_slope": levels @ x / (x @ x),
        "flat_predicted": np.array([[distance_exponent(gamma, prime) for prime in primes] for gamma in gammas]),
    }


def deep_cell(widths: Sequence[int], rng: np.random.Generator, outer: float, middle: float) -> dict:
    """Relative distances (n_widths, 3) of a three-layer network, 0 where it does not fit."""
    return plane_distances(widths, outer, middle, rng)


def flat_cell(widths: Sequence[int], rng: np.random.Generator, gamma: float, gamma_prime: float) -> dict:
    """Relative distances (n_widths,) of a two-layer network, 0 where it does not fit."""
    return cell_distances(widths, gamma, gamma_prime, rng)


def draw(data: Data, settings: ThreeLayerPlane) -> Figure:
    """Colours are measured exponents, lines where the derived ones vanish: two layers, then each of three."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 3.9), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1.1, 1, 1, 1))
    mesh = draw_plane(axes[0], data["gamma"], data["gamma_prime"], data["flat_slope"])
    draw_line(axes[0], data["gamma"], data["gamma_prime"], distance_exponent)
    axes[0].set(xlabel=r"$\gamma$", ylabel=r"$\gamma'$", title="two layers: $w$")
    for k, name in enumerate(LAYERS):
        draw_plane(axes[k + 1], data["outer"], data["middle"], data["slope"][..., k])
        draw_line(axes[k + 1], data["outer"], data["middle"], lambda p, q, k=k: layer_exponents(-p, -q, -p, 0.0)[k])
        axes[k + 1].set(xlabel="outer: $a, w$ of std $m^{-p}$, $p$", title=f"three layers: ${name}$")
    axes[1].set_ylabel("middle: $V$ of std $m^{-q}$, $q$")
    figure.colorbar(mesh, ax=axes, label="exponent of the relative distance", extend="both", shrink=0.9)
    return figure


def draw_plane(axes: Axes, x: np.ndarray, y: np.ndarray, slope: np.ndarray) -> QuadMesh:
    """Measured exponents (n_x, n_y); cells without a fit stay grey."""
    axes.set_facecolor("#BBBBBB")
    return axes.pcolormesh(x, y, slope.T, cmap="RdBu_r", vmin=-LARGEST, vmax=LARGEST, shading="nearest")


def draw_line(axes: Axes, x: np.ndarray, y: np.ndarray, exponent) -> None:
    """Where the derived exponent changes its sign."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    across, up = np.linspace(left, right, 301), np.linspace(low, high, 301)
    condensed = np.array([[exponent(float(p), float(q)) > 0 for p in across] for q in up])
    axes.contour(across, up, condensed, [0.5], colors="black", linewidths=1.8)


def agreement(slope: np.ndarray, derived: np.ndarray, unfitted: bool = False) -> float:
    """Share of the cells with a derived exponent beyond 0.2 in which the measured one has its sign.

    A cell without a fit counts as having it or not, as `unfitted` says.
    """
    clear = np.abs(derived) > CLEAR
    signs = np.sign(slope[clear]) == np.sign(derived[clear])
    return float(np.mean(np.where(np.isnan(slope[clear]), unfitted, signs)))


def of_two_layers(data: Data, unfitted: bool = False) -> float:
    """Agreement of two layers with their derived exponents."""
    return agreement(data["flat_slope"], data["flat_predicted"], unfitted)


def of_each_layer(data: Data, unfitted: bool = False) -> np.ndarray:
    """Agreement of a, V and w with their own derived exponents."""
    layers = range(len(LAYERS))
    return np.array([agreement(data["slope"][..., k], data["predicted"][..., k], unfitted) for k in layers])


def of_middle_with_outer(data: Data, unfitted: bool = True) -> float:
    """Agreement of V with the derived exponents of a."""
    return agreement(data["slope"][..., 1], data["predicted"][..., 0], unfitted)


def deviation(data: Data, unfitted: float = LARGEST) -> np.ndarray:
    """Median |measured less derived exponent| of a, V and w; a cell without a fit is off by `unfitted`."""
    off = np.abs(data["slope"] - data["predicted"])
    return np.median(np.where(np.isnan(off), unfitted, off), axis=(0, 1))


def cells_decide(criterion: Criterion, measure: Callable[[Data, Any], Any], favourable: float) -> Decisive:
    """Data that miss the criterion even if each cell without a fit counts as it does at best, by `favourable`."""
    words = "so many fits that the other cells cannot turn it"
    return Decisive(words, lambda data: criterion.met_by(measure(data, favourable)) is False)


every_layer = every("layer")
MOST_OF_THE_PLANE, MOST_OF_EVERY_LAYER = every("plane") > 0.95, every_layer > 0.95
NEAR, OTHERWISE = every_layer < 0.15, every("plane") < 0.9
AGAINST = "(not so in a cell without a fit)"
CLAIMS = (
    Claim(
        "three_layer_plane.two-layers",
        "Theorem 1",
        "Two layers: relative distances vanish and diverge with the width on the sides of the critical line.",
        Quantity(
            "share of the cells, gamma' < 0 among them, with a derived exponent beyond 0.2 in which the measured one "
            f"has its sign {AGAINST}",
            of_two_layers,
        ),
        MOST_OF_THE_PLANE,
        source=PAPER,
        fixed=AFTER,
        decisive=cells_decide(MOST_OF_THE_PLANE, of_two_layers, True),
    ),
    Claim(
        "three_layer_plane.each-layer",
        "Section 5",
        "Each layer of a three-layer network has a linear and a condensed phase: those of the derived lines.",
        Quantity(
            "share of the cells with a derived exponent beyond 0.2 in which the measured one has its sign "
            f"{AGAINST}, for a, V, w",
            of_each_layer,
        ),
        MOST_OF_EVERY_LAYER,
        source=READING,
        fixed=AFTER,
        decisive=cells_decide(MOST_OF_EVERY_LAYER, of_each_layer, True),
        defence="the overview says that the diagrams are similar; their lines are not in its text and derived here",
    ),
    Claim(
        "three_layer_plane.exponents",
        "Section 5",
        "What all layers gain alike, by conservation, gives the exponents too.",
        Quantity(
            f"median |measured less derived exponent| over the cells ({LARGEST:g} in one without a fit), for a, V, w",
            deviation,
        ),
        NEAR,
        source=READING,
        fixed=AFTER,
        decisive=cells_decide(NEAR, deviation, 0.0),
        defence="the exponents are derived here, and the widths are 50 to 200",
    ),
    Claim(
        "three_layer_plane.line-of-its-own",
        "Section 5",
        "The middle layer has a line of its own: that of the outer layers does not describe it.",
        Quantity(
            "share of the cells with a derived exponent of a beyond 0.2 in which the measured one of V has its sign "
            "(counted so in a cell without a fit)",
            of_middle_with_outer,
        ),
        OTHERWISE,
        source=CONTROL,
        fixed=AFTER,
        decisive=cells_decide(OTHERWISE, of_middle_with_outer, False),
    ),
)

FIGURE = PaperFigure(
    name="condensation/three_layer_plane",
    caption=(
        "Section 5 beside figure 5. Exponents of the relative distance at the fit in the width: of w in two-layer ReLU "
        "networks of widths 200 and 1,000, and of a, V and w in three-layer ones of widths 50, 100 and 200, whose "
        "outer layers start with standard deviation m^-p and whose middle layer with m^-q. Red: neurons condense. "
        "Lines: where the derived exponent vanishes. The overview says that the diagrams of three layers are similar "
        "and prints none; plane and lines are ours. Outer layers: 2p + q = 3/2 up to q = 1/2, then p = 1/2; middle "
        "layer: 2p + q = 2 up to p = 1/2, then q = 1."
    ),
    presets={
        "quick": ThreeLayerPlane(),
        "paper": ThreeLayerPlane(
            outers=tuple(np.round(np.arange(0, 1.3, 0.125), 3).tolist()),
            middles=tuple(np.round(np.arange(0, 1.8, 0.125), 3).tolist()),
            widths=(100, 200, 400, 800),
            gammas=tuple(np.round(np.arange(0.25, 2.1, 0.125), 3).tolist()),
            gamma_primes=tuple(np.round(np.arange(-1, 1.1, 0.125), 3).tolist()),
            two_layer_widths=(400, 4000, 40_000),
            replicates=4,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=17,
    cost="estimated 2 CPU hours",
    aliases=("condensation_planes",),
    stream="condensation_planes",
)
