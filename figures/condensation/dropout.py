"""Overview of condensation, figure 8: dropout condenses ReLU neurons without a small start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR, draw_features, features
from figures.harness.figure import Claim, PaperFigure, all_below
from toymodels.condensation import TwoLayerNetwork, count_clusters, dropout_penalty, static_neurons
from toymodels.condensation.presets import figure_one_data

RATES = (0.0, 0.1)
LINE = np.linspace(-1, 1, 201)


@dataclass(frozen=True)
class Params(Settings):
    """Networks trained from the same starts without and with dropout, `trials` of them at once."""

    batches: int = 1
    trials: int = 5
    n_steps: int = 60_000
    width: int = 100
    std: float = 0.1
    lr: float = 0.05


def trained(rate, batch, rng, p, seed):
    """Features and output of the first network of a batch, whose starts are those of every rate; measures of all."""
    x, y = figure_one_data()
    same = np.random.default_rng([seed, batch])
    start = TwoLayerNetwork.random(p.width, 1, p.std, "relu", same, trials=p.trials)
    run = start.train(x, y, p.n_steps, p.lr, p.n_steps, rate, rng)
    end = TwoLayerNetwork(run["a"][-1], run["w"][-1])
    active = [~static_neurons(w, x) for w in end.w]
    return {
        **features(end.a[0], end.w[0], x),
        "line": end(LINE[:, None])[0],
        "clusters": [count_clusters(a[on], w[on]) for a, w, on in zip(end.a, end.w, active, strict=True)],
        "penalty": dropout_penalty(end, x, 1 - RATES[1]),
    }


def compute(p, rng, grid):
    """Both arms; of every batch its measures, of the first also what is drawn."""
    seed = int(rng.integers(2**31))
    found = grid(partial(trained, p=p, seed=seed), {"rate": RATES, "batch": range(p.batches)}, seed=seed)
    data = {name: values.values[:, :, 0] for name, values in found.data_vars.items()}  # (rate, batch, ...)
    first = {name: data[name][:, 0] for name in ("theta", "mass", "line")}
    joined = {name: data[name].reshape(len(RATES), -1) for name in ("clusters", "penalty")}
    x, y = figure_one_data()
    return {"x": x[:, 0], "y": y, "grid": LINE, **first, "static": data["static"][:, 0].astype(bool), **joined}


def draw(data, p):
    """Without dropout above, with dropout below: output and features; every run's measures at the right."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.subplots(2, 3)
    for k, name in enumerate(("without dropout", "with dropout, keep 0.9")):
        fit, panel = axes[k, :2]
        fit.plot(data["x"], data["y"], "o", color="#999999", markersize=4, label="data")
        fit.plot(data["grid"], data["line"][k], color=COLOUR, label="network")
        fit.set(xlabel="$x$", ylabel="$f(x)$")
        fit.set_title(f"{name}: output", fontsize=10)
        tidy(fit)
        draw_features(panel, data["theta"][k], data["mass"][k], data["static"][k], f"{name}: features")
        panel.set(xlabel=r"orientation $\theta$ (rad)", ylabel=r"$|a|\,A$")
    axes[0, 0].legend(fontsize=8)
    axes[1, 1].legend(fontsize=8)
    for panel, key, label in zip(axes[:, 2], ("clusters", "penalty"), ("clusters (cos > .99)", "penalty"), strict=True):
        panel.plot([0, 1], data[key], "o-", color=COLOUR, alpha=0.6)
        panel.set_xticks([0, 1], ["without", "with dropout"])
        panel.set_xlim(-0.3, 1.3)
        panel.set_ylabel(label)
        panel.set_ylim(0)
        panel.set_title("every run", fontsize=10)
        tidy(panel)
    return figure


FIGURE = PaperFigure(
    name="condensation_08",
    paper="condensation",
    caption=(
        "With dropout, neurons of a network that did not start small gather in fewer orientations than without. "
        "The numbers are missing from our copy: target of figure 1 on 20 points, width 100, std 0.1, learning rate "
        "0.05, keep 0.9, 60,000 steps. The penalty is what dropout adds to the expected loss, (1-q)/(2nq) sum (a h)^2."
    ),
    presets={"quick": Params(), "paper": Params(batches=4, n_steps=200_000, width=1000)},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-8-fewer",
            "Figure 8",
            "Dropout induces condensation without a small initialisation.",
            "fewer leader clusters (cos > .99) with dropout than without from the same start, in every run",
            lambda data: data["clusters"][1] - data["clusters"][0],
            all_below(0),
        ),
        Claim(
            "condensation-8-similar",
            "Section 6.3",
            "Surviving neurons come to play the part of the silenced ones.",
            "the dropout penalty at the end is less than half of that without dropout, in every run",
            lambda data: data["penalty"][1] / data["penalty"][0],
            all_below(0.5),
        ),
    ),
    seconds=15,
    cost="estimated one CPU hour",
)
