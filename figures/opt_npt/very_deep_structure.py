"""Figure 9 of the first version: the structure of very deep networks with and without residual connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.digit_networks import ENOUGH_DIGITS, digits, perceptron, replicates_of
from figures.opt_npt.trends import rank_correlation
from toymodels.claims import AFTER, READING, Claim, Quantity, every_run, median, median_of_each

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = ("a", "b", "c", "d", "control", "hundred")
RESIDUAL = ("c", "d")
LETTERS = {"control": "e", "hundred": "f"}
KEPT = 0.8  # rank correlation of layer and gradient from which on the structure counts as kept


@dataclass(frozen=True)
class VeryDeepStructure(Settings):
    """The networks of panels a to d, a plain control as deep as the residual ones, and a residual one of 100 layers.

    Parameters
    ----------
    depths : tuple of int
        Layers of the six networks, input and output counted.
    widths : tuple of int
        Neurons of each hidden layer of the six networks.
    samples : int
        Training digits.
    batch_size : int
        Digits in a batch.
    n_steps : int
        Updates.
    n_test : int
        Test digits.
    replicates : int
        Runs of every network.
    """

    depths: tuple[int, ...] = (43, 33, 83, 83, 83, 100)
    widths: tuple[int, ...] = (64, 128, 64, 128, 64, 64)
    samples: int = 1000
    batch_size: int = 100
    n_steps: int = 100
    n_test: int = 2000
    replicates: int = 3


def is_residual(panel: str) -> bool:
    """Whether the network of this panel has residual connections."""
    return panel in (*RESIDUAL, "hundred")


def structure(settings: VeryDeepStructure, rng: np.random.Generator, panel: str) -> dict[str, np.ndarray]:
    """Gradients and accuracies pruned by linear map and perceptron, by layer; accuracy on the training digits."""
    from dnn.probes import rank_gradients
    from dnn.reading.linear_maps import pruned_accuracy
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    k, n_steps = PANELS.index(panel), settings.n_steps
    network = perceptron(settings.depths[k], settings.widths[k], rng, residual=is_residual(panel))
    split = digits(settings, settings.samples, settings.n_test)
    config = TrainConfig(n_steps, batch_size=settings.batch_size, records=(n_steps,), device=settings.device)
    run = train(network, split, config, rng)
    return {
        "map": pruned_accuracy(network, split),
        "perceptron": pruned_accuracy(network, split, "perceptron"),
        "gradient": rank_gradients(network, split),
        "train": run["train_accuracy"][-1],
    }


def compute(settings: VeryDeepStructure, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Plain and residual networks, the plain control, and the deepest."""
    seed = int(rng.integers(2**31))
    arrays = {"samples": np.array(settings.samples)}
    for panel in PANELS:  # the networks differ in depth, and so do their arrays
        runs = grid(partial(structure, settings), {"panel": [panel]}, replicates=settings.replicates, seed=seed)
        arrays |= replicates_of(runs, f"{panel}_")
    return arrays


def draw(data: Data, settings: VeryDeepStructure) -> Figure:
    """Pruning accuracy and rank gradient by layer, one panel a network."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, OTHER, tidy

    figure = Figure(figsize=(12, 6.8), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, panel, depth, width in zip(panels, PANELS, settings.depths, settings.widths, strict=False):
        start = np.arange(2, depth + 1)
        for name, label, colour in (("perceptron", "linear perceptron", 3), ("map", "linear map", 4)):
            axes.plot(
                start, data[f"{panel}_{name}"].mean(0), color=ORDER[colour], label=f"tail from this layer on: {label}"
            )
        axes.set(xlabel="layer", ylabel="test accuracy", ylim=(0, 1))
        right = axes.twinx()
        right.plot(start[:-1], data[f"{panel}_gradient"].T, color=OTHER, linewidth=0.8)
        right.set_ylabel("rank gradient (grey, every run)")
        kind = "residual" if is_residual(panel) else "plain"
        axes.set_title(f"({LETTERS.get(panel, panel)}) {kind}, {depth} layers of {width}", loc="left")
        tidy(axes)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def sorted_layers(data: Data, panels: Sequence[str]) -> np.ndarray:
    """Rank correlation of layer and gradient, runs of all `panels` one after the other."""
    return np.concatenate([rank_correlation(data[f"{panel}_gradient"]) for panel in panels])


CLAIMS = (
    Claim(
        "very_deep_structure.residual-is-sorted",
        "First version, Figure 9c, 9d",
        "Residual networks of 83 layers have the standard structure, narrow or wide.",
        Quantity(
            "Spearman correlation of layer and gradient, both residual networks",
            lambda data: sorted_layers(data, RESIDUAL),
        ),
        median_of_each("network", 2) > KEPT,
        decisive=ENOUGH_DIGITS,
        why="it rises from the first layers to the last but scatters from layer to layer",
        defence="the paper's networks have 256 and 2,048 neurons a layer, not 64 to 256, over which scatter averages "
        "out",
    ),
    Claim(
        "very_deep_structure.residual-linear-tail",
        "First version, Figure 9c, 9d",
        "In 83-layer residual networks the linear map replaces the tail the more accurately the later it starts.",
        Quantity(
            "Spearman correlation of start layer and accuracy, both residual networks",
            lambda data: np.concatenate([rank_correlation(data[f"{panel}_map"]) for panel in RESIDUAL]),
        ),
        every_run > 0.9,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "very_deep_structure.plain-less-sorted",
        "First version, Figure 9",
        "As deep a plain network does not keep the structure so well: a reading, for the paper shows plain ones of 33 "
        "and 43 layers only.",
        Quantity(
            "Spearman correlation of layer and gradient in (c) less that in the plain network of the same size",
            lambda data: sorted_layers(data, ["c"]) - sorted_layers(data, ["control"]),
        ),
        median > 0,
        source=READING,
        decisive=ENOUGH_DIGITS,
        why="in some runs the plain network is sorted as well",
        defence="the paper's networks have 256 neurons a layer, not 64 or 128, over which scatter averages out",
    ),
    Claim(
        "very_deep_structure.plain-learns-less",
        "First version, Figure 9",
        "As deep a plain network does not learn what the residual one does.",
        Quantity(
            "test accuracy of (c) less that of the plain network of the same size, in points",
            lambda data: 100 * (data["c_map"][:, -1] - data["control_map"][:, -1]),
        ),
        every_run > 5,
        source=READING,
    ),
    Claim(
        "very_deep_structure.hundred-layers-sorted",
        "First version, Abstract",
        "The analysis extends to networks of 100 layers: with residual connections the standard structure is kept.",
        Quantity(
            "Spearman correlation of layer and gradient in a residual network of 100 layers",
            lambda data: sorted_layers(data, ["hundred"]),
        ),
        median > KEPT,
        source=READING,
        decisive=ENOUGH_DIGITS,
        why="as at 83 layers the gradient rises with depth but scatters from layer to layer",
        defence="the abstract names the depth and the text no network of it: ours is as wide as our narrow ones",
    ),
    Claim(
        "very_deep_structure.hundred-layers-linear-tail",
        "First version, Abstract",
        "The analysis extends to networks of 100 layers: the later the linear map replaces the tail of a residual one, "
        "the higher the accuracy.",
        Quantity(
            "Spearman correlation of start layer and accuracy in a residual network of 100 layers",
            lambda data: rank_correlation(data["hundred_map"]),
        ),
        median > KEPT,
        source=READING,
        decisive=ENOUGH_DIGITS,
    ),
)

FIGURE = PaperFigure(
    name="opt_npt/very_deep_structure",
    caption=(
        "First version, Figure 9. Rank gradients and linear tails of very deep networks with and without residual "
        "connections. (a, b) plain networks, (c, d) residual ones, (e) a plain control as deep as (c), (f) a residual "
        "network of 100 layers, the depth that the abstract names: test accuracy with the tail replaced by a linear "
        "perceptron or by the linear map, and rank gradients. Not printed in the "
        "paper and chosen here: Adam at 0.001, batches of 100, cross-entropy, number of steps. Quick: 64 and 128 "
        "instead of 256 and 2,048 neurons, and the 1,000 embedded digits."
    ),
    presets={
        "quick": VeryDeepStructure(),
        "large": VeryDeepStructure(
            widths=(128, 256, 128, 256, 128, 128), samples=10_000, batch_size=500, n_steps=200, n_test=5000
        ),
        "paper": VeryDeepStructure(
            widths=(256, 2048, 256, 2048, 256, 256), samples=60000, batch_size=1000, n_steps=3000, n_test=10000
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=117,
    large_seconds=712,
    cost="2,300 CPU-hours on one core, almost all for width 2,048, estimated from the operations; only for a GPU",
    aliases=("dnn_o9", "old-fig-9"),
    stream="dnn_o9",
)
