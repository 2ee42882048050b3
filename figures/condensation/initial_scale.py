"""Overview of condensation, figure 2: the smaller the start, the more tanh neurons share one pair of directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR, draw_features
from figures.harness.figure import Claim, PaperFigure, all_above, all_below
from toymodels.condensation import count_clusters, effective_rank, orientation
from toymodels.condensation.presets import figure_two


@dataclass(frozen=True)
class Params(Settings):
    """Initialisation exponents, std m^-power, and independent starts of each, trained at once."""

    powers: tuple[float, ...] = (0.5, 1.0, 2.0)
    trials: int = 3


def trained(power, rng, trials):
    """Networks of one initialisation: orientations and sizes in the first, measures of all."""
    run = figure_two(rng, power, trials)
    a, w = run["a"][-1], run["w"][-1]
    theta, size = orientation(w[0, :, 0], w[0, :, 1])
    return {
        "theta": theta,
        "mass": np.abs(a[0]) * size,
        "rank": [effective_rank(one) for one in w],
        "directions": [count_clusters(*one) for one in zip(a, w, strict=True)],
        "axes": [count_clusters(*one, signed=False) for one in zip(a, w, strict=True)],
        "loss": run["loss"][-1],
    }


def compute(p, rng, grid):
    """All initialisations."""
    found = grid(partial(trained, trials=p.trials), {"power": p.powers}, seed=int(rng.integers(2**31)))
    return {"power": np.array(p.powers), **{name: values.values[:, 0] for name, values in found.data_vars.items()}}


def draw(data, p):
    """Features at the end, one panel per initialisation as in the paper, and the effective rank of every run."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    n = len(data["power"])
    figure = Figure(figsize=(3 * (n + 1), 3), layout="constrained")
    axes = figure.subplots(1, n + 1)
    for k, power in enumerate(data["power"]):
        title = f"std $m^{{-{power:g}}}$, loss {np.median(data['loss'][k]):.1g}"
        draw_features(axes[k], data["theta"][k], data["mass"][k], np.zeros_like(data["theta"][k], bool), title)
        axes[k].set_xlabel(r"orientation $\theta$ (rad)")
        axes[k].set_ylabel(r"$|a|\,A$")
    last = axes[n]
    last.plot(data["power"], data["rank"], "o-", color=COLOUR, alpha=0.5)
    last.set(xlabel=r"exponent $g$ of std $m^{-g}$", ylabel="effective rank of directions", title="every run")
    tidy(last)
    return figure


FIGURE = PaperFigure(
    name="condensation_02",
    paper="condensation",
    caption=(
        "After training, tanh neurons lie in a pair of opposite directions, the more so the smaller they started. "
        "The paper's target and sizes are lost: sin(1.5 x) on 40 points of [-1, 1], width 100, 20,000 steps at "
        "learning rate 0.1 (0.02 for g = 0.5), exponents 0.5, 1 and 2. Effective rank 1 is one pair, 2 all directions."
    ),
    presets={"quick": Params(), "paper": Params(powers=(0.5, 0.75, 1.0, 1.5, 2.0), trials=20)},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-2-pair",
            "Figure 2",
            "When training converges the neurons have condensed to a pair of opposite directions (smallest start).",
            "two leader clusters at cos > .99 that are one when signs are ignored, in every run at the smallest start",
            lambda data: np.abs(data["directions"][-1] - 2) + np.abs(data["axes"][-1] - 1),
            all_below(0.5),
        ),
        Claim(
            "condensation-2-any-pair",
            "Figure 2",
            "The pair of opposite directions is seen from the larger starts, too.",
            "one leader cluster at |cos| > .99, in every run at the largest start (std m^-0.5)",
            lambda data: data["axes"][0],
            all_below(1.5),
            "from std 0.1, near the linear regime, neurons keep their directions (20,000 steps leave a loss of 3e-3)",
        ),
        Claim(
            "condensation-2-scale",
            "Section 4.1",
            "The smaller the initialisation, the more condensed the neurons.",
            "the effective rank falls from each start to the next smaller one, in every run",
            lambda data: -np.diff(data["rank"], axis=0).max(axis=0),
            all_above(0),
        ),
    ),
    seconds=5,
    cost="estimated one CPU minute",
)
