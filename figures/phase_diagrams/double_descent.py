"""Where test error peaks, over size and ridge, for linear regression and for random features.

python -m figures.phase_diagrams.double_descent
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.double_descent import STUDY
from comparisons.double_descent.question import curve
from comparisons.harness import style
from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.phase_diagrams.planes import cell_edges
from toymodels.claims import CONTROL, READING, Claim, Quantity, every, every_run
from toymodels.layerwise import ridge_error
from toymodels.metrics.double_descent import highest_peak

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUESTION = STUDY.question
BOUNDS = (QUESTION.absent_below, QUESTION.shown_from)
AXES = {
    "layerwise": ("samples per input", "ridge, in units of the best one"),
    "condensation": ("random features", "ridge"),
}
TITLES = {"layerwise": "linear regression, 200 inputs", "condensation": "ReLU features, 60 samples"}
TICKS = {"layerwise": (0.1, 0.3, 1, 3), "condensation": (5, 15, 60, 200, 1000)}
FAMILIES = tuple(TITLES)
FINE = np.geomspace(1e-6, 3, 66)  # ridges of the closed form
NEAR = 1.15  # a grid's next size from the threshold


@dataclass(frozen=True)
class PhaseDiagram(Settings):
    """Ridges, and draws of every row.

    Parameters
    ----------
    ridges : tuple of float
        Of linear regression, in units of the best one.
    feature_ridges : tuple of float
        Of random features.
    replicates : int
        Draws, each a mean over the study's data sets.
    greedy_replicates, digit_replicates : int
        Draws of the two-layer linear network, and of random features of digits.
    """

    ridges: tuple = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
    feature_ridges: tuple = (1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 0.1)
    replicates: int = 3
    greedy_replicates: int = 2
    digit_replicates: int = 2


def curve_of(family: str, rng: np.random.Generator, **settings: Any) -> dict[str, Any]:
    """Test error over sizes, decades, the study's score of it and the place of the peak; 0 where there is none."""
    model = STUDY.models[family]
    run = model.run(replace(model.settings, **settings), rng)
    errors = curve(run)
    peak = highest_peak(errors)
    return {"error": errors, "score": peak.height, "place": run.t[peak.place] if peak.height > 0 else 0.0}


def predicted_height(ridge: float) -> float:
    """Height of the peak in closed form, over the study's sizes; `ridge` in units of the best one."""
    s = STUDY.models["layerwise"].settings
    samples = [max(1, round(ratio * s.dim)) for ratio in s.ratios]
    return highest_peak(np.log10([ridge_error(s.dim, n, s.noise, ridge * s.noise**2 * s.dim) for n in samples])).height


def compute(settings: PhaseDiagram, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Errors (ridges, sizes, draws), scores and places (ridges, draws) of both; closed form; the two other networks."""
    asked = {"layerwise": settings.ridges, "condensation": settings.feature_ridges}
    data: dict[str, np.ndarray] = {}
    for family, ridges in asked.items():
        model, seed = STUDY.models[family].settings, int(rng.integers(2**31))
        found = grid(partial(curve_of, family), {"ridge": ridges}, replicates=settings.replicates, seed=seed)
        data |= {f"{family}_{name}": found[name].transpose("ridge", "replicate", ...).values for name in found}
        sizes = model.ratios if family == "layerwise" else model.widths
        data |= {f"{family}_ridges": np.array(ridges), f"{family}_sizes": np.array(sizes, dtype=float)}
    heights = np.array([predicted_height(ridge) for ridge in FINE])
    data |= {"fine": FINE, "heights": heights, "critical": np.interp(BOUNDS, heights[::-1], FINE[::-1])}
    data["layerwise_predicted"] = np.array([predicted_height(ridge) for ridge in settings.ridges])
    data["condensation_threshold"] = np.array(float(STUDY.models["condensation"].settings.samples))
    others = {
        "greedy": ("layerwise two layers", {"stop": ("end", "best")}, settings.greedy_replicates),
        "digits": ("dnn", {"ridge": (0.0, STUDY.models["dnn"].off["ridge"])}, settings.digit_replicates),
    }
    for name, (family, cells, replicates) in others.items():
        found = grid(partial(curve_of, family), cells, replicates=replicates, seed=int(rng.integers(2**31)))
        data[f"{name}_score"] = found["score"].transpose(*cells, "replicate").values
    return data


def threshold(data: Data, family: str) -> float:
    """Size at which the data can just be fitted."""
    return 1.0 if family == "layerwise" else float(data["condensation_threshold"])


def draw(data: Data, settings: PhaseDiagram) -> Figure:
    """The planes of test error with the threshold and the ridges that the closed form names; heights over the ridge."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 5.0), layout="constrained")
    axes = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1, 1.05]})
    for ax, family in zip(axes, FAMILIES, strict=False):
        image = draw_plane(ax, data, family)
        figure.colorbar(image, ax=ax, label="test error, decades")
    draw_heights(axes[2], data)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=9, loc="outside lower left", ncols=3, frameon=False)
    return figure


def draw_plane(axes: Axes, data: Data, family: str) -> Any:
    """Log test error, median over draws, over size and ridge."""
    sizes, ridges = data[f"{family}_sizes"], data[f"{family}_ridges"]
    error = np.median(data[f"{family}_error"], axis=1)
    image = axes.pcolormesh(cell_edges(sizes), cell_edges(ridges), error, cmap="viridis", rasterized=True)
    low, high = cell_edges(sizes)[[0, -1]], cell_edges(ridges)[[0, -1]]
    label = "the data can just be fitted"
    axes.axvline(threshold(data, family), color="black", ls=":", lw=1.8, label=label)
    if family == "layerwise":
        for ridge, words, dash in zip(data["critical"], ("absent below", "shown from"), ("--", "-"), strict=True):
            axes.axhline(
                ridge, color="#D55E00", ls=dash, lw=2, label=f"ridge at which the peak is predicted at '{words}'"
            )
    x, y = AXES[family]
    axes.set(xscale="log", yscale="log", xlim=low, ylim=high, xlabel=x, ylabel=y)
    axes.set_title(f"{family}: {TITLES[family]}")
    axes.xaxis.set_ticks(TICKS[family], [f"{tick:g}" for tick in TICKS[family]])
    axes.xaxis.set_ticks([], minor=True)
    return image


def draw_heights(axes: Axes, data: Data) -> None:
    """Height of the peak over the ridge, every draw of both, and the closed form."""
    for family, marker in zip(FAMILIES, "os", strict=True):
        ridges = np.repeat(data[f"{family}_ridges"], data[f"{family}_score"].shape[1])
        more = {"color": style.colour(family), "ms": 4, "alpha": 0.6, "ls": ""}
        axes.plot(ridges, data[f"{family}_score"].ravel(), marker, label=family, **more)
    axes.plot(data["fine"], data["heights"], color="black", lw=1.3, label="closed form, linear regression")
    for bound in BOUNDS:
        axes.axhline(bound, color="0.6", lw=0.8, ls=":", zorder=0)
    axes.set(xscale="log", xlabel="ridge (linear: in units of the best one)", ylabel="height of the peak, decades")
    axes.set_title("every draw")
    style.tidy(axes)
    axes.legend(fontsize=8, loc="upper right")


def on_their_side(data: Data) -> np.ndarray:
    """Of every draw of linear regression below the one line or beyond the other: 1 if it is on its side, else 0."""
    ridges, score = data["layerwise_ridges"], data["layerwise_score"]
    beyond, below = data["critical"]
    return np.concatenate([score[ridges > beyond] < BOUNDS[0], score[ridges < below] >= BOUNDS[1]], axis=None) * 1.0


def places(data: Data) -> np.ndarray:
    """Factor by which the peak of every draw that is shown lies off the threshold, >= 1."""
    found = []
    for family in FAMILIES:
        shown = data[f"{family}_score"] >= BOUNDS[1]
        found.append(np.exp(np.abs(np.log(data[f"{family}_place"][shown] / threshold(data, family)))))
    return np.concatenate(found)


CLAIMS = (
    Claim(
        "double_descent.as-predicted",
        "Hastie et al. (2022)",
        "How high the peak of linear regression stands at a ridge follows from the law of Marchenko and Pastur.",
        Quantity(
            "distance of the peak's height from the closed form, decades, median over draws: every ridge",
            lambda data: np.abs(np.median(data["layerwise_score"], axis=1) - data["layerwise_predicted"]),
        ),
        every("ridge") < round(BOUNDS[1] - BOUNDS[0], 12),
        source=READING,
    ),
    Claim(
        "double_descent.one-line",
        "ours",
        "The ridges at which the closed form passes the thresholds part what is shown from what is absent.",
        Quantity("share of draws of linear regression on their side", lambda data: on_their_side(data).mean()),
        every_run >= 0.95,
        source=CONTROL,
    ),
    Claim(
        "double_descent.at-the-threshold",
        "Belkin et al. (2019)",
        "The peak stands where the data can just be fitted.",
        Quantity(
            "factor between the place of the peak and the threshold, both families, every draw that is shown", places
        ),
        every("draw") < NEAR,
        source=READING,
    ),
    Claim(
        "double_descent.greedy-does-not-remove-it",
        "ours, on Nam et al. (2025), Section 5.1",
        "Learning the strong directions first, from a small start, does not remove the peak.",
        Quantity(
            "height of the peak of two linear layers, trained to the end, decades", lambda data: data["greedy_score"][0]
        ),
        every_run >= QUESTION.shown_from,
        source=CONTROL,
    ),
    Claim(
        "double_descent.stopping-removes-it",
        "ours, on Nam et al. (2025), Section 5.1",
        "What removes it is to stop in time.",
        Quantity(
            "height of the peak of two linear layers, taken when the test error is lowest, decades",
            lambda data: data["greedy_score"][1],
        ),
        every_run < QUESTION.absent_below,
        source=CONTROL,
    ),
    Claim(
        "double_descent.error-over-complexity",
        "Lin et al. (2024), first version, Section I",
        "As a network of digits grows, its test error falls, rises and falls again.",
        Quantity(
            "height of the peak over random features of digits, a fifth of them mislabelled, decades",
            lambda data: data["digits_score"][0],
        ),
        every_run >= QUESTION.shown_from,
        source=READING,
    ),
    Claim(
        "double_descent.ridge-of-digits",
        "ours",
        "With a ridge the same features only improve as they become more.",
        Quantity(
            "height of the peak over random features of digits with a ridge, decades",
            lambda data: data["digits_score"][1],
        ),
        every_run < QUESTION.absent_below,
        source=CONTROL,
    ),
)
FIGURE = PaperFigure(
    name="phase_diagrams/double_descent",
    caption=(
        "Where the test error peaks. Colour: log of the test error, mean over data sets, over size and ridge. Dotted: "
        "the size at which the data can just be fitted. Orange: ridges at which the closed form of linear regression, "
        "a mean over the law of Marchenko and Pastur, passes the thresholds of the study; the ridge is in units of the "
        "one that is best at every size. Random features have no closed form here. On the right the height of the "
        "peak over the ridge. Not drawn, but judged: two linear layers from a small start, and random features of "
        "digits. Settings are those of the study double_descent but for the ridge."
    ),
    presets={
        "quick": PhaseDiagram(),
        "paper": PhaseDiagram(
            ridges=tuple(np.geomspace(1e-4, 1, 25).round(6).tolist()),
            feature_ridges=tuple(np.geomspace(1e-6, 0.1, 21).round(8).tolist()),
            replicates=8,
            greedy_replicates=5,
            digit_replicates=5,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=55,
    cost="about 5 min on one core (estimated from the quick preset).",
    aliases=("double_descent_diagram",),
)

if __name__ == "__main__":
    from figures.harness.command import main

    raise SystemExit(main(figures=[FIGURE]))
