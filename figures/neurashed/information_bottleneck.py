"""Figure 5 of Su (2024): a hidden level first learns which input it saw, then forgets all but the class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.neurashed.information_bottleneck_claims import CLAIMS, NOISY, RELATIVE_NOISE
from toymodels.neurashed import graphs
from toymodels.neurashed.bottleneck import QUANTITIES, train_bottleneck

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

VARIANTS: dict[str, dict[str, Any]] = {
    "paper": {},
    "long": {"n_steps": 2400},
    "long_own7": {"n_steps": 2400, "shared": False},
    "constant_noise": {"relative_noise": 0.0},
    "large_batch": {"batch_size": 32},
    **{variant: {"relative_noise": noise} for variant, noise in zip(NOISY[1:], RELATIVE_NOISE[1:], strict=True)},
}


@dataclass(frozen=True)
class InformationBottleneck(Settings):
    """Runs of each variant, and how finely they are measured.

    Parameters
    ----------
    replicates : int
        Models trained as in the paper, for each size of the noise.
    other_replicates : int
        Models of every other variant: the longer ones and the controls.
    n_draws : int
        Draws of the noise.
    records : int
        Records after the start.
    """

    replicates: int = 20
    other_replicates: int = 3
    n_draws: int = 150
    records: int = 24


def information(settings: InformationBottleneck, rng: np.random.Generator, variant: str) -> dict[str, np.ndarray]:
    """The four quantities (records + 1, replicates) of one variant."""
    options = VARIANTS[variant]
    run = train_bottleneck(
        rng,
        replicates=settings.replicates if variant in NOISY else settings.other_replicates,
        every=options.get("n_steps", 600) // settings.records,
        n_draws=settings.n_draws,
        **options,
    )
    return {"t": run.t, **{name: run[name] for name in QUANTITIES}}


def compute(settings: InformationBottleneck, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Mutual information of both levels with input and label, for every variant."""
    data = {}
    for variant in VARIANTS:  # variants have different numbers of runs, so each is a grid of one cell
        seed = int(rng.integers(2**31))
        run = grid(partial(information, settings), {"variant": [variant]}, seed=seed)
        data |= {f"{variant}_{name}": values.values[0, 0] for name, values in run.data_vars.items()}
    return data


def draw(data: Data, settings: InformationBottleneck) -> Figure:
    """The eight pathways on the left as in the appendix, then information against steps, and the controls."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(15.5, 8.4), layout="constrained")
    left, right = np.ravel(np.asarray(figure.subfigures(1, 2, width_ratios=(1, 1.25))))
    draw_pathways(left)
    axes = right.subplots(2, 2).ravel()
    names = {
        "level1_input": "I(level 1; input)",
        "level2_input": "I(level 2; input)",
        "level1_label": "I(level 1; label)",
        "level2_label": "I(level 2; label)",
    }
    for ax, variant, title in (
        (axes[0], "paper", "mean of the runs"),
        (axes[1], "long", "the same, longer"),
    ):
        for k, (name, label) in enumerate(names.items()):
            values = data[f"{variant}_{name}"]
            ax.plot(data[f"{variant}_t"], values.mean(axis=1), color=style.ORDER[k], label=label)
            ax.fill_between(
                data[f"{variant}_t"], values.min(axis=1), values.max(axis=1), color=style.ORDER[k], alpha=0.15, lw=0
            )
        ax.set_title(title)
    axes[0].legend(fontsize=8)
    controls = {
        "long_own7": ("7th node of each class: I(level 1; input)", "level1_input"),
        "constant_noise": ("constant noise: I(level 2; input)", "level2_input"),
        "large_batch": ("batches of 32: I(level 2; input)", "level2_input"),
    }
    for k, (variant, (label, name)) in enumerate(controls.items()):
        axes[2].plot(
            data[f"{variant}_t"], data[f"{variant}_{name}"].mean(axis=1), color=style.ORDER[k + 3], label=label
        )
    axes[2].plot(
        data["long_own7_t"],
        data["long_own7_level1_label"].mean(axis=1),
        color=style.ORDER[3],
        ls="--",
        label="7th node of each class: I(level 1; label)",
    )
    axes[2].set_title("controls")
    axes[2].legend(fontsize=8)
    for k, (noise, variant) in enumerate(zip(RELATIVE_NOISE, NOISY, strict=True)):
        values = data[f"{variant}_level2_input"].mean(axis=1)
        label = f"{noise:g}: largest {values.max():.2f} bits"
        axes[3].plot(data[f"{variant}_t"], values, color=style.ORDER[1], alpha=1 - 0.22 * k, label=label)
    axes[3].set_title("I(level 2; input) by relative noise")
    axes[3].legend(fontsize=8)
    for ax in axes:
        ax.set(xlabel="step", ylabel="mutual information, bits", ylim=(0, 3.1))
        style.tidy(ax)
    return figure


def draw_pathways(figure: SubFigure) -> None:
    """All eight pathways in two columns, class 1 on the left, named by the nodes of the first level that fire."""
    from figures.neurashed.graph_drawing import draw_graph

    task = graphs.information_bottleneck()
    columns = figure.subplots(len(task.inputs) // 2, 2).T
    for axes, x, label, name in zip(columns.ravel(), task.inputs, task.labels, task.names, strict=True):
        draw_graph(axes, task.model, firing=task.model.pathway(x, int(label)))
        axes.set_title(name, fontsize=10)
    for axes, label in zip(columns[:, 0], ("class 1", "class 2"), strict=True):
        axes.annotate(label, (0.5, 1.32), xycoords="axes fraction", ha="center", fontsize=12)


FIGURE = PaperFigure(
    name="neurashed/information_bottleneck",
    caption=(
        "Figure 5, and all its pathways from the appendix (left). Information that two hidden levels hold about the 8 "
        "types of input and the 2 classes, along training. Rates, start and firing patterns are the appendix's. Not "
        "stated there and chosen here: batches of one; the 7th node shared by both classes (13 nodes); the "
        "representation, amplification of the firing nodes "
        "plus normal noise of standard deviation 0.006 + 0.003 times the largest amplification, found by a scan: with "
        "either part of the noise left out the curve does not rise and fall, and the more of the relative part, the "
        "lower it rises (last panel)."
    ),
    presets={
        "quick": InformationBottleneck(),
        "paper": InformationBottleneck(replicates=100, other_replicates=20, n_draws=400, records=60),
    },
    compute=compute,
    draw=draw,
    seconds=18,
    cost="about 6 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("neurashed_05", "fig-5"),
    stream="neurashed_05",
)
