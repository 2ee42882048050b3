"""Figure 9 of the first version: the structure of very deep networks with and without residual connections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits, perceptron, rank_correlation
from figures.harness.figure import Claim, PaperFigure, all_above

PANELS = ("a", "b", "c", "d", "control")
KEPT = 0.8  # rank correlation of layer and gradient from which on the structure counts as kept


@dataclass(frozen=True)
class Params(Settings):
    """Depths and widths of panels a-d and of a plain control as deep as the residual networks."""

    depths: tuple[int, ...] = (43, 33, 83, 83, 83)
    widths: tuple[int, ...] = (64, 128, 64, 128, 64)
    samples: int = 1000
    batch_size: int = 100
    n_steps: int = 100
    n_test: int = 2000
    replicates: int = 3


def structure(p: Params, panel: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Gradients and accuracies pruned by linear map and perceptron, by layer; accuracy on the training digits."""
    from dnn.training.config import TrainConfig
    from dnn.reading.linear_maps import pruned_accuracy
    from dnn.probes import rank_gradients
    from dnn.training.loop import train

    k = PANELS.index(panel)
    network = perceptron(p.depths[k], p.widths[k], rng, residual=panel in "cd")
    split = digits(p, p.samples, p.n_test)
    config = TrainConfig(p.n_steps, batch_size=p.batch_size, records=(p.n_steps,), device=p.device)
    run = train(network, split, config, rng)
    return {
        "map": pruned_accuracy(network, split),
        "perceptron": pruned_accuracy(network, split, "perceptron"),
        "gradient": rank_gradients(network, split),
        "train": run["train_accuracy"][-1],
    }


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Residual networks and the plain control of the same depth."""
    seed = int(rng.integers(2**31))
    found = {}
    for panel in PANELS:
        runs = grid(partial(structure, p), {"panel": [panel]}, replicates=p.replicates, seed=seed)
        found |= {f"{panel}_{name}": values.values[0] for name, values in runs.items()}
    return found


def draw(data, p: Params):
    """Pruning accuracy and rank gradient by layer, one panel a network."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, OTHER, tidy

    figure = Figure(figsize=(12, 6.4), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    panels[-1].set_visible(False)
    for axes, panel, depth, width in zip(panels, PANELS, p.depths, p.widths, strict=False):
        start = np.arange(2, depth + 1)
        for name, label, colour in (("perceptron", "linear perceptron", 3), ("map", "linear map", 4)):
            axes.plot(
                start, data[f"{panel}_{name}"].mean(0), color=ORDER[colour], label=f"tail from this layer on: {label}"
            )
        axes.set(xlabel="layer", ylabel="test accuracy", ylim=(0, 1))
        right = axes.twinx()
        right.plot(start[:-1], data[f"{panel}_gradient"].T, color=OTHER, linewidth=0.8)
        right.set_ylabel("rank gradient (grey, every run)")
        kind = "residual" if panel in "cd" else "plain"
        axes.set_title(f"({panel}) {kind}, {depth} layers of {width}", loc="left")
        tidy(axes)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower right", bbox_to_anchor=(0.95, 0.25))
    return figure


def sorted_layers(data, panels) -> np.ndarray:
    """Rank correlation of layer and gradient, runs of all `panels` one after the other."""
    return np.concatenate([rank_correlation(data[f"{panel}_gradient"]) for panel in panels])


CLAIMS = (
    Claim(
        "dnn-o9-residual",
        "First version, Figure 9c, 9d",
        "Residual networks of 83 layers have the standard structure, narrow or wide.",
        "Spearman correlation of layer and gradient > 0.8 in every run of both",
        lambda data: sorted_layers(data, "cd"),
        all_above(KEPT),
        "it rises from the first layers to the last but scatters from layer to layer",
    ),
    Claim(
        "dnn-o9-linear-tail",
        "First version, Figure 9c, 9d",
        "In 83-layer residual networks the linear map replaces the tail the more accurately the later it starts.",
        "Spearman correlation of start layer and accuracy > 0.9 in every run of both",
        lambda data: np.concatenate([rank_correlation(data[f"{panel}_map"]) for panel in "cd"]),
        all_above(0.9),
    ),
    Claim(
        "dnn-o9-advantage",
        "First version, Figure 9",
        "As deep a plain network does not keep the structure so well.",
        "Spearman correlation of (c) minus that of the plain network of the same size > 0 in every run",
        lambda data: sorted_layers(data, "c") - sorted_layers(data, ["control"]),
        all_above(0.0),
    ),
    Claim(
        "dnn-o9-accuracy",
        "First version, Figure 9",
        "As deep a plain network does not learn what the residual one does.",
        "test accuracy of (c) above that of the plain network of the same size by > 5 points in every run",
        lambda data: 100 * (data["c_map"][:, -1] - data["control_map"][:, -1]),
        all_above(5.0),
    ),
)

FIGURE = PaperFigure(
    name="dnn_o9",
    paper="dnn",
    caption=(
        "Rank gradients and linear tails of very deep networks with and without residual connections. (a, b) plain "
        "networks, (c, d) residual ones, and a plain control as deep as (c): test accuracy with the tail replaced by a "
        "linear perceptron or by the linear map, and rank gradients. Not printed in the paper and chosen here: Adam at "
        "0.001, batches of 100, cross-entropy, number of steps. Quick: 64 and 128 instead of 256 and 2,048 neurons, "
        "and the 1,000 embedded digits."
    ),
    presets={
        "quick": Params(),
        "paper": Params(widths=(256, 2048, 256, 2048, 256), samples=60000, batch_size=1000, n_steps=3000, n_test=10000),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=117,
    cost="2,300 CPU-hours on one core, almost all for width 2,048, estimated from the operations; only for a GPU",
)
