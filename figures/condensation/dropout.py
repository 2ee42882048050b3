"""Figure 8 of the overview of condensation: dropout condenses ReLU neurons without a small start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.style import FAMILY
from figures.condensation.grids import Batches, arrays_of
from figures.condensation.neuron_features import active_directions, draw_features, features
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, Claim, Quantity, median
from toymodels.condensation import TwoLayerNetwork, dropout_penalty
from toymodels.condensation.presets import figure_one_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (0.0, 0.1)
WITHOUT, WITH = range(2)
LINE = np.linspace(-1, 1, 201)


@dataclass(frozen=True)
class Dropout(Batches):
    """Networks trained from the same starts without and with dropout.

    Parameters
    ----------
    n_steps : int
        Steps of gradient descent.
    width : int
        Neurons.
    std : float
        Of the initial weights.
    lr : float
        Learning rate.
    """

    n_steps: int = 60_000
    width: int = 100
    std: float = 0.1
    lr: float = 0.05


def trained(settings: Dropout, rng: np.random.Generator, rate: float, batch: int, seed: int) -> dict[str, Any]:
    """Features and output of the first network of a batch; measures of all. `seed` gives every rate the same starts."""
    x, y = figure_one_data()
    same = np.random.default_rng([seed, batch])
    start = TwoLayerNetwork.random(settings.width, 1, settings.std, "relu", same, replicates=settings.replicates)
    run = start.train(x, y, settings.n_steps, settings.lr, settings.n_steps, rate, rng)
    end = TwoLayerNetwork(run["a"][-1], run["w"][-1])
    counts = [active_directions(a, w, x) for a, w in zip(end.a, end.w, strict=True)]
    return {
        **features(end.a[0], end.w[0], x),
        "line": end(LINE[:, None])[0],
        "directions": [count.counted for count in counts],
        "all_directions": [count.all for count in counts],
        "penalty": dropout_penalty(end, x, 1 - RATES[WITH]),
    }


def compute(settings: Dropout, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Both arms; of every batch its measures, of the first also what is drawn."""
    seed = int(rng.integers(2**31))
    points = {"rate": RATES, "batch": range(settings.batches)}
    runs = grid(partial(trained, settings, seed=seed), points, seed=seed)
    data = {name: values[:, :, 0] for name, values in arrays_of(runs).items()}  # (rate, batch, ...)
    first = {name: data[name][:, 0] for name in ("theta", "mass", "line")}
    joined = {name: data[name].reshape(len(RATES), -1) for name in ("directions", "all_directions", "penalty")}
    x, y = figure_one_data()
    return {"x": x[:, 0], "y": y, "grid": LINE, **first, "static": data["static"][:, 0].astype(bool), **joined}


def draw(data: Data, settings: Dropout) -> Figure:
    """Without dropout above, with dropout below: output and features; every run's measures at the right."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    colour = FAMILY["condensation"]
    figure = Figure(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.subplots(2, 3)
    for k, name in enumerate(("without dropout", "with dropout, keep 0.9")):
        fit, panel = axes[k, :2]
        fit.plot(data["x"], data["y"], "o", color="#999999", markersize=4, label="data")
        fit.plot(data["grid"], data["line"][k], color=colour, label="network")
        fit.set(xlabel="$x$", ylabel="$f(x)$")
        fit.set_title(f"{name}: output", fontsize=10)
        tidy(fit)
        draw_features(panel, data["theta"][k], data["mass"][k], data["static"][k], f"{name}: features")
    axes[0, 0].legend(fontsize=8)
    axes[1, 1].legend(fontsize=8)
    axes[0, 2].plot([0, 1], data["all_directions"], "x:", color="#888888", alpha=0.6)
    axes[0, 2].plot([], [], "x:", color="#888888", label="of any mass")
    axes[0, 2].plot([], [], "o-", color=colour, label="2 % of the mass")
    axes[0, 2].legend(fontsize=7)
    measures = (("directions", "directions (cos > .99)"), ("penalty", "penalty"))
    for panel, (key, label) in zip(axes[:, 2], measures, strict=True):
        panel.plot([0, 1], data[key], "o-", color=colour, alpha=0.6)
        panel.set_xticks([0, 1], ["without", "with dropout"])
        panel.set_xlim(-0.3, 1.3)
        panel.set_ylabel(label)
        panel.set_ylim(0)
        panel.set_title("every run", fontsize=10)
        tidy(panel)
    return figure


CLAIMS = (
    Claim(
        "dropout.fewer",
        "Figure 8",
        "Dropout induces condensation without a small initialisation.",
        Quantity(
            "directions (cos > 0.99, 2 % of the mass) with dropout less those without, from the same start",
            lambda data: data["directions"][WITH] - data["directions"][WITHOUT],
        ),
        median < 0,
        fixed=AFTER,
    ),
    Claim(
        "dropout.similar",
        "Section 6.3",
        "Surviving neurons come to play the part of the silenced ones.",
        Quantity(
            "dropout penalty at the end, with dropout over without, from the same start",
            lambda data: data["penalty"][WITH] / data["penalty"][WITHOUT],
        ),
        median < 0.5,
        fixed=AFTER,
    ),
)

FIGURE = PaperFigure(
    name="condensation/dropout",
    caption=(
        "Figure 8. With dropout, neurons of a network that did not start small gather in fewer orientations than "
        "without. The numbers are missing from our copy: target of figure 1 on 20 points, width 100, std 0.1, learning "
        "rate 0.05, keep 0.9, 60,000 steps. The penalty is what dropout adds to the expected loss, (1-q)/(2nq) sum (a "
        "h)^2."
    ),
    presets={"quick": Dropout(), "paper": Dropout(batches=4, n_steps=200_000, width=1000)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=15,
    cost="estimated one CPU hour",
    aliases=("condensation_08", "fig-8", "section-6.3"),
    stream="condensation_08",
)
