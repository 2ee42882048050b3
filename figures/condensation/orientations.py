"""Overview of condensation, figure 1: orientations of ReLU neurons multiply during training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR, GAP, count_orientations, draw_features, features
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, all_between, median_below
from toymodels.condensation import TwoLayerNetwork, reduction_curve
from toymodels.condensation.presets import FIGURE_ONE_EPOCHS, figure_one, figure_one_data

TRACK = (100, 500, *range(1000, 20_000, 1000), *range(20_000, 100_000, 10_000), 100_000)
THRESHOLDS = (0.9, 0.99, 0.999)


@dataclass(frozen=True)
class Params(Settings):
    """Networks trained from independent starts, `trials` of them at once; everything else is the paper's."""

    batches: int = 1
    trials: int = 5


def trained(trials, rng):
    """Features of the first network of a batch at the paper's epochs; counts, losses and merged networks of all."""
    x, y = figure_one_data()
    run = figure_one(rng, trials, TRACK)
    a, w = run["a"], run["w"]
    shown = np.isin(run.t, FIGURE_ONE_EPOCHS)
    asleep = np.all([features(*one, x)["static"] for one in zip(a, w, strict=True)], axis=0)
    merged = [reduction_curve(TwoLayerNetwork(*one), x, y, THRESHOLDS) for one in zip(a[-1], w[-1], strict=True)]
    counts = [[count_orientations(*one) for one in zip(*step, strict=True)] for step in zip(a[1:], w[1:], strict=True)]
    return {
        **features(a[shown, 0], w[shown, 0], x),
        "count": np.array(counts),
        "loss": run["loss"][1:],
        "asleep": asleep.sum(axis=1),
        "asleep_moved": np.where(asleep, np.abs(w[-1] - w[0]).max(axis=-1), 0).max(axis=-1),
        "merged_width": np.array([one.neurons for one in merged]),
        "merged_error": np.array([one.error for one in merged]),
        "merged_loss": np.array([one.loss for one in merged]),
        "retrained_loss": np.array([one.retrained for one in merged]),
    }


def compute(p, rng, grid):
    """Batches of networks, joined."""
    found = grid(trained, {"trials": [p.trials]}, replicates=p.batches, seed=int(rng.integers(2**31)))
    data = {name: values.values[0] for name, values in found.data_vars.items()}  # (batch, ...)
    first = {name: data.pop(name)[0] for name in ("theta", "mass", "static")}
    over_time = {name: np.concatenate(data.pop(name), axis=-1) for name in ("count", "loss")}  # (n_t, run)
    joined = {name: np.concatenate(values) for name, values in data.items()}
    return {**first, "static": first["static"].astype(bool), "epoch": np.array(TRACK), **over_time, **joined}


def draw(data, p):
    """The paper's six panels, then number of orientations and loss of every network."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import log_time, tidy

    figure = Figure(figsize=(9.5, 8), layout="constrained")
    axes = figure.subplots(3, 3)
    for k, epoch in enumerate(FIGURE_ONE_EPOCHS):
        panel = axes.flat[k]
        draw_features(panel, data["theta"][k], data["mass"][k], data["static"][k], f"epoch {epoch:,}")
        panel.set_xlabel(r"orientation $\theta$ (rad)")
        panel.set_ylabel(r"$|a|\,A$")
    axes.flat[0].legend(fontsize=7, loc="best")
    levels = (("count", "orientations"), ("loss", "loss"))
    for panel, (key, label) in zip(axes[2], levels, strict=False):
        panel.plot(data["epoch"], data[key], color=COLOUR, alpha=0.6, linewidth=1.2)
        log_time(panel, "epoch")
        panel.set_ylabel(f"{label}, every run")
        tidy(panel)
    axes[2, 1].set_yscale("log")
    for width, error in zip(data["merged_width"], data["merged_error"], strict=True):
        axes[2, 2].scatter(width, error, c=["#56B4E9", COLOUR, "#000000"], s=22)
    for colour, threshold in zip(("#56B4E9", COLOUR, "#000000"), THRESHOLDS, strict=True):
        axes[2, 2].scatter([], [], c=colour, s=22, label=f"cos > {threshold}")
    axes[2, 2].set(xlabel="neurons after merging 100", ylabel="relative change of output", yscale="log")
    axes[2, 2].legend(fontsize=7)
    tidy(axes[2, 2])
    return figure


def _never(values):
    return bool((values == 0).all())


FIGURE = PaperFigure(
    name="condensation_01",
    paper="condensation",
    caption=(
        "Neurons of a ReLU network gather in a few orientations, and their number grows as training goes on. "
        "Target, width 100, learning rate 0.1, variance m^-4 and epochs are the authors'; the number of points on "
        f"[-1, 1] is missing from our copy (20 here). An orientation counts when gaps of {GAP} rad isolate it and it "
        "carries 2 % of the mass |a||w|. The last row is ours: every run, and networks merged as in section 7.3."
    ),
    presets={"quick": Params(), "paper": Params(batches=4)},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-1-few",
            "Figure 1",
            "Throughout training the neurons lie in a few isolated orientations.",
            "at most 7 orientations at every record from epoch 100 on, in every run",
            lambda data: data["count"].max(axis=0),
            all_between(1, 7),
        ),
        Claim(
            "condensation-1-grow",
            "Figure 1",
            "The number of orientations increases as training progresses.",
            "more orientations at epoch 100,000 than at epoch 100, in every run",
            lambda data: data["count"][-1] - data["count"][0],
            all_above(0),
        ),
        Claim(
            "condensation-1-monotone",
            "Section 3",
            "The number of clusters typically increases monotonically.",
            "no record at which the number is below that of the record before, in more than half of the runs",
            lambda data: (np.diff(data["count"], axis=0) < 0).sum(axis=0),
            median_below(0.5),
            "an early orientation shrinks from 9 to 1 % of the mass while others grow, it does not merge: counting "
            "from 0.5, 2 and 5 % of the mass on, 1, 5 and 7 of 10 control runs fall",
        ),
        Claim(
            "condensation-1-always",
            "Abstract",
            "No run loses a cluster once formed (the strict reading of 'monotonically').",
            "no record at which the number is below that of the record before, in every run",
            lambda data: (np.diff(data["count"], axis=0) < 0).sum(axis=0),
            _never,
            "an early orientation shrinks from 9 to 1 % of the mass while others grow, it does not merge: counting "
            "from 0.5, 2 and 5 % of the mass on, 1, 5 and 7 of 10 control runs fall",
        ),
        Claim(
            "condensation-1-static",
            "Section 3",
            "Neurons that are silent on all inputs receive no gradient and keep their orientation.",
            "the weights of neurons silent at every record are the same at the end, bit for bit, in every run",
            lambda data: data["asleep_moved"],
            _never,
        ),
        Claim(
            "condensation-1-merge",
            "Section 7.3",
            "In an extremely condensed network every group can be replaced by one neuron.",
            "merging at cos > .99 changes the output by < 1 %, in every run",
            lambda data: data["merged_error"][:, 1],
            all_below(1e-2),
            "cos > .99 merged two kinks of one run that differ; at cos > .999 the error is below .01 % in every run",
        ),
        Claim(
            "condensation-1-narrow",
            "Section 7.3",
            "The reduced network is much narrower than the original one.",
            "at most 8 of 100 neurons after merging at cos > .99, in every run",
            lambda data: data["merged_width"][:, 1],
            all_between(1, 8),
        ),
        Claim(
            "condensation-1-harm",
            "Section 7.3",
            "Further training lowers the loss that is left by merging neurons that are not extremely condensed.",
            "after merging at cos > .9, 2,000 more steps lower the loss at least twofold, in every run",
            lambda data: data["merged_loss"][:, 0] / data["retrained_loss"][:, 0],
            all_above(2),
        ),
    ),
    seconds=8,
    cost="quick and paper differ in the number of runs only",
)
