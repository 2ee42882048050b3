"""Figure 1 of the overview of condensation: orientations of ReLU neurons multiply during training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.style import FAMILY
from figures.condensation.grids import Batches, arrays_of
from figures.condensation.neuron_features import draw_features, features, network_directions
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, READING, Claim, Quantity, every_run, median, some_run
from toymodels.condensation import TwoLayerNetwork, reduction_curve
from toymodels.condensation.grouping import ORIENTATION_GAP
from toymodels.condensation.presets import FIGURE_ONE_EPOCHS, FIGURE_ONE_RECORDS, figure_one, figure_one_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLDS = {0.9: "#56B4E9", 0.99: FAMILY["condensation"], 0.999: "#000000"}  # cosines of merging, and their colours
LOOSE, MIDDLE = range(2)
ISOLATED = {"threshold": float(np.cos(ORIENTATION_GAP)), "linkage": "single", "min_share": 1e-3}


@dataclass(frozen=True)
class Orientations(Batches):
    """How many networks; everything else is the paper's."""


def trained(settings: Orientations, rng: np.random.Generator, trials: int) -> dict[str, np.ndarray]:
    """Features of the first of `trials` networks at the paper's epochs; counts, losses and merged networks of all."""
    x, y = figure_one_data()
    run = figure_one(rng, trials, FIGURE_ONE_RECORDS)
    a, w = run["a"], run["w"]
    shown = np.isin(run.t, FIGURE_ONE_EPOCHS)
    asleep = np.all([features(*network, x)["static"] for network in zip(a, w, strict=True)], axis=0)
    ends = zip(a[-1], w[-1], strict=True)
    merged = [reduction_curve(TwoLayerNetwork(*network), x, y, tuple(THRESHOLDS)) for network in ends]
    counts = np.array(
        [
            [network_directions(*network, **ISOLATED) for network in zip(*step, strict=True)]
            for step in zip(a[1:], w[1:], strict=True)
        ]
    )  # (n_t, trials, counted and all)
    return {
        **features(a[shown, 0], w[shown, 0], x),
        "count": counts[..., 0],
        "all_count": counts[..., 1],
        "loss": run["loss"][1:],
        "asleep": asleep.sum(axis=1),
        "asleep_moved": np.where(asleep, np.abs(w[-1] - w[0]).max(axis=-1), 0).max(axis=-1),
        "merged_width": np.array([curve.neurons for curve in merged]),
        "merged_error": np.array([curve.error for curve in merged]),
        "merged_loss": np.array([curve.loss for curve in merged]),
        "retrained_loss": np.array([curve.retrained for curve in merged]),
    }


def compute(settings: Orientations, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Batches of networks, joined."""
    size, seed = {"trials": [settings.replicates]}, int(rng.integers(2**31))
    runs = grid(partial(trained, settings), size, replicates=settings.batches, seed=seed)
    data = {name: values[0] for name, values in arrays_of(runs).items()}  # (batch, ...)
    first = {name: data.pop(name)[0] for name in ("theta", "mass", "static")}
    over_time = {name: np.concatenate(data.pop(name), axis=-1) for name in ("count", "all_count", "loss")}  # (n_t, run)
    joined = {name: np.concatenate(values) for name, values in data.items()}
    epochs = np.array(FIGURE_ONE_RECORDS)
    return {**first, "static": first["static"].astype(bool), "epoch": epochs, **over_time, **joined}


def draw(data: Data, settings: Orientations) -> Figure:
    """The paper's six panels, then number of orientations and loss of every network."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import log_time, tidy

    figure = Figure(figsize=(9.5, 8), layout="constrained")
    axes = figure.subplots(3, 3)
    for k, epoch in enumerate(FIGURE_ONE_EPOCHS):
        draw_features(axes.flat[k], data["theta"][k], data["mass"][k], data["static"][k], f"epoch {epoch:,}")
    axes.flat[0].legend(fontsize=7, loc="best")
    axes[2, 0].plot(data["epoch"], data["all_count"], color="#888888", alpha=0.6, linewidth=0.8, linestyle=":")
    levels = (("count", "orientations"), ("loss", "loss"))
    for panel, (key, label) in zip(axes[2], levels, strict=False):
        panel.plot(data["epoch"], data[key], color=FAMILY["condensation"], alpha=0.6, linewidth=1.2)
        log_time(panel, "epoch")
        panel.set_ylabel(f"{label}, every run")
        tidy(panel)
    axes[2, 1].set_yscale("log")
    for width, error in zip(data["merged_width"], data["merged_error"], strict=True):
        axes[2, 2].scatter(width, error, c=list(THRESHOLDS.values()), s=22)
    for threshold, colour in THRESHOLDS.items():
        axes[2, 2].scatter([], [], c=colour, s=22, label=f"cos > {threshold}")
    axes[2, 2].set(xlabel="neurons after merging 100", ylabel="relative change of output", yscale="log")
    axes[2, 2].legend(fontsize=7)
    tidy(axes[2, 2])
    return figure


NONE_ASLEEP = -1.0


def moved_asleep(data: Data) -> np.ndarray:
    """Largest change of a weight of a neuron silent throughout, of the runs that have such a neuron, or -1."""
    found = data["asleep"] > 0
    return data["asleep_moved"][found] if found.any() else np.array([NONE_ASLEEP])


FALLS = Quantity(
    "records at which the number of orientations is below that of the record before",
    lambda data: (np.diff(data["count"], axis=0) < 0).sum(axis=0),
)
FALLING = (
    "an early orientation shrinks from 9 to 1 % of the mass while others grow, it does not merge: counting from 0.5, 2 "
    "and 5 % of the mass on, 1, 5 and 7 of 10 control runs fall"
)
CLAIMS = (
    Claim(
        "orientations.few",
        "Figure 1",
        "Throughout training the neurons lie in a few isolated orientations.",
        Quantity(
            "largest number of orientations at any record from epoch 100 on", lambda data: data["count"].max(axis=0)
        ),
        median.between(1, 7),
        fixed=AFTER,
    ),
    Claim(
        "orientations.grow",
        "Figure 1",
        "The number of orientations increases as training progresses.",
        Quantity(
            "orientations at epoch 100,000 less those at epoch 100", lambda data: data["count"][-1] - data["count"][0]
        ),
        median > 0,
    ),
    Claim(
        "orientations.typically-monotone",
        "Section 3",
        "The number of clusters typically increases monotonically.",
        FALLS,
        median.equals(0),
        why=FALLING,
        defence="whether an orientation counts hangs on the bound of 2 % of the mass, which is ours",
    ),
    Claim(
        "orientations.always-monotone",
        "Abstract",
        "No run loses a cluster once formed (the strict reading of 'monotonically').",
        FALLS,
        every_run.equals(0),
        source=READING,
        why=FALLING,
        defence="the overview says that the number typically increases, not always, and the bound of 2 % of the mass, "
        "below which an orientation no longer counts, is ours",
    ),
    Claim(
        "orientations.static-neurons",
        "Section 3",
        "Neurons that are silent on all inputs receive no gradient and keep their orientation.",
        Quantity(
            "largest change of a weight from start to end among the neurons silent at every record, of each run that "
            "has one, -1 if none has",
            moved_asleep,
        ),
        every_run.equals(0).open_if(some_run.equals(NONE_ASLEEP), "no neuron is silent throughout"),
        fixed=AFTER,
    ),
    Claim(
        "orientations.merged-output",
        "Section 7.3",
        "In an extremely condensed network every group can be replaced by one neuron.",
        Quantity(
            "change of the output by merging at cos > 0.99, over the norm of the output",
            lambda data: data["merged_error"][:, MIDDLE],
        ),
        median < 1e-2,
        fixed=AFTER,
        why="cos > 0.99 merged two kinks of one run that differ; at cos > 0.999 the error is below 0.01 % in every run",
        defence="the overview says so of extremely condensed networks, and warns of harm to others",
    ),
    Claim(
        "orientations.merged-width",
        "Section 7.3",
        "The reduced network is much narrower than the original one.",
        Quantity("neurons left of 100 after merging at cos > 0.99", lambda data: data["merged_width"][:, MIDDLE]),
        median <= 8,
        fixed=AFTER,
    ),
    # a reading in what is compared: merging at a cosine that hardly changes the output
    Claim(
        "orientations.harm",
        "Section 7.3",
        "Merging neurons that are not extremely condensed can harm the network.",
        Quantity(
            "loss after merging at cos > 0.9 over that after merging at cos > 0.99",
            lambda data: data["merged_loss"][:, LOOSE] / data["merged_loss"][:, MIDDLE],
        ),
        median > 2,
        fixed=AFTER,
    ),
    Claim(
        "orientations.retraining",
        "Section 7.3",
        "Further training lowers the loss that is left by merging neurons that are not extremely condensed.",
        Quantity(
            "loss after merging at cos > 0.9 over that after 2,000 more steps",
            lambda data: data["merged_loss"][:, LOOSE] / data["retrained_loss"][:, LOOSE],
        ),
        median > 2,
    ),
)

FIGURE = PaperFigure(
    name="condensation/orientations",
    caption=(
        "Figure 1. Neurons of a ReLU network gather in a few orientations, and their number grows as training goes on. "
        "Target, width 100, learning rate 0.1, variance m^-4 and epochs are the authors'; the number of points on "
        f"[-1, 1] is missing from our copy (20 here). An orientation counts when gaps of {ORIENTATION_GAP} rad isolate "
        "it and it carries 2 % of the mass |a||w| (dotted: of any mass). The last row is ours: every run, and networks "
        "merged as in section 7.3."
    ),
    presets={"quick": Orientations(), "paper": Orientations(batches=4)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=8,
    cost="quick and paper differ in the number of runs only",
    aliases=("condensation_01", "fig-1", "section-3", "section-7.3"),
    stream="condensation_01",
)
