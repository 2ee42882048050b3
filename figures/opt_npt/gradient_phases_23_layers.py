"""Figure 3g and 3h of the 2025 paper: the phases of a 23-layer network, and how linear deep networks end up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits, perceptron, rank_correlation
from figures.harness.curves import steepest
from figures.opt_npt.gradient_phase_runs import CHANCE, LONG, delayed, draw_run, followed, lowest_order, order, panel_of, trained_long
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, all_between

DEPTHS = (10, 23)
LATE_LAYERS = 3  # hidden layers at the end that phase III leaves out


@dataclass(frozen=True)
class Params(Settings):
    """Settings of the 10-layer network of (h), and (`deep_...`) of the 23-layer one."""

    samples: int = 1000
    width: int = 128
    n_steps: int = 60
    deep_samples: int = 6000
    deep_width: int = 128
    deep_batches: int = 1
    deep_steps: int = 60
    records: int = 14
    n_test: int = 2000
    replicates: int = 3


def adam(p: Params, depth: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One run of the shallower or the deeper network, with the pruning accuracies at its best step."""
    shallow = depth == DEPTHS[0]
    samples, width = (p.samples, p.width) if shallow else (p.deep_samples, p.deep_width)
    batches, n_steps = (1, p.n_steps) if shallow else (p.deep_batches, p.deep_steps)
    batch_size = None if batches == 1 else -(-samples // batches)
    settings = {"n_steps": n_steps, "batch_size": batch_size, "records": p.records, "device": p.device}
    return followed(perceptron(depth, width, rng), digits(p, samples, p.n_test), rng, **settings)


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Both depths, every run."""
    found = {}
    for panel, depth in zip("dg", DEPTHS, strict=True):
        runs = grid(partial(adam, p), {"depth": [depth]}, replicates=p.replicates, seed=int(rng.integers(2**31)))
        found |= {f"{panel}_{name}": values.values[0] for name, values in runs.items()}
    return found | {"samples": np.array(p.deep_samples)}


def draw(data, p: Params):
    """Panels g and h as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, tidy

    figure = Figure(figsize=(15, 4), layout="constrained")
    panels = dict(zip("ghl", figure.subplots(1, 3), strict=True))
    draw_run(panels["g"], panel_of(data, "g"), "(g) 23 layers, relu, adam 0.001")
    panels["g"].legend(fontsize="small", loc="center left")
    for panel, depth, colour in zip("dg", DEPTHS, (ORDER[4], ORDER[3]), strict=True):
        pruned = data[f"{panel}_pruned"]
        start = np.arange(2, pruned.shape[1] + 2)
        panels["h"].plot(start, pruned.T, color=colour, marker="o", markersize=3)
        panels["h"].axhline(pruned[:, -1].mean(), color=colour, linestyle=":", label=f"{depth} layers, not pruned")
    panels["h"].set(xlabel="start layer of the linear map", ylabel="test accuracy")
    panels["h"].set_title("(h) tail replaced by its linear map, every run", loc="left")
    panels["h"].legend(fontsize="small")
    tidy(panels["h"])
    _draw_loss(panels["l"], data)
    return figure


def _draw_loss(axes, data) -> None:
    """Test loss (left) and change per step of the late layers' mean gradient (right), every run."""
    from comparisons.harness.style import ORDER, log_time, tidy

    step = data["g_step"][0]
    axes.plot(step[1:], data["g_loss"][:, 1:].T, color=ORDER[3])
    right = axes.twinx()
    rate = np.diff(data["g_gradient"][..., -LATE_LAYERS:].mean(-1)) / np.diff(step)
    right.plot((step[1:] + step[:-1])[1:] / 2, rate[:, 1:].T, color=ORDER[4], linestyle="--")
    log_time(axes, "step")
    axes.set_ylabel("test loss, running statistics")
    right.set_ylabel("change of gradient per step (dashed)")
    axes.set_title("(7b) 23 layers: loss and late layers, every run", loc="left")
    tidy(axes)
    right.spines["top"].set_visible(False)


def phase_three(data) -> np.ndarray:
    """Spread of the rank gradient over all but the late layers, over its mean, one value a run."""
    early = data["g_gradient"][:, -1, :-LATE_LAYERS]
    return early.std(1) / early.mean(1)


def pruned_gain(data) -> np.ndarray:
    """Rank correlation of start layer and pruned accuracy, one value a run."""
    return np.concatenate([rank_correlation(data[f"{panel}_pruned"]) for panel in "dg"])


def pruned_loss(data, entry: int) -> np.ndarray:
    """Points lost by the linear map from one start layer on."""
    return np.concatenate([100 * (data[f"{x}_pruned"][:, -1] - data[f"{x}_pruned"][:, entry]) for x in "dg"])


def loss_over_gradient(data) -> np.ndarray:
    """Step at which the test loss rises fastest over that at which the late layers' gradient does, one value a run."""
    runs = zip(data["g_step"], data["g_loss"], data["g_gradient"][..., -LATE_LAYERS:].mean(-1), strict=True)
    return np.array([steepest(step, loss) / steepest(step, gradient) for step, loss, gradient in runs])


CLAIMS = (
    Claim(
        "dnn-3g-delay",
        "Figure 3g",
        "The test accuracy of the 23-layer network stays at chance while training digits are already learnt.",
        "every run has a record with training accuracy >= 0.8 and running-statistics test accuracy < 0.2",
        lambda data: delayed(panel_of(data, "g")),
        all_below(CHANCE),
    ),
    Claim(
        "dnn-3g-phase-1",
        "Figure 3g",
        "The 23-layer network starts in phase I.",
        "lowest Spearman correlation of layer and gradient, step 2 to training accuracy 0.8, < -0.5 in every run",
        lambda data: lowest_order(panel_of(data, "g"), fitting=True),
        all_below(-0.5),
        "all runs start with larger gradients in earlier layers, some only weakly (-0.4)",
    ),
    Claim(
        "dnn-3g-phase-2",
        "Figure 3g",
        "The 23-layer network goes through phase II.",
        "highest Spearman correlation of layer and gradient > 0.5 in every run",
        lambda data: order(panel_of(data, "g")).max(1),
        all_above(0.5),
    ),
    Claim(
        "dnn-3g-phase-3",
        "Figure 3g",
        "Finally the gradients of all but the last layers are about equal (phase III).",
        "standard deviation over all hidden layers but the last three < 25 % of their mean at the end of every run; if "
        f"not, open in fewer than {LONG} steps",
        phase_three,
        all_below(0.25),
        "after 60 steps the first 11 of 21 hidden layers agree to 5 to 14 %, the later half still rises with depth",
        lambda data: trained_long(panel_of(data, "g")),
    ),
    Claim(
        "dnn-3h-rise",
        "Figure 3h",
        "The linear map may replace the tail the more accurately the later it starts.",
        "Spearman correlation of start layer and accuracy > 0.9 in every run of both networks",
        pruned_gain,
        all_above(0.9),
        "all runs rise, one 10-layer run (0.83) unevenly over its first start layers",
    ),
    Claim(
        "dnn-3h-early",
        "Figure 3h",
        "Replacing the whole network by its linear map costs accuracy.",
        "start at layer 2 loses > 5 points in every run of both networks",
        lambda data: pruned_loss(data, 0),
        all_above(5.0),
    ),
    Claim(
        "dnn-3h-late",
        "Figure 3h",
        "The last layers work as a linear perceptron.",
        "start at layer L - 2 loses < 1 point in every run of both networks",
        lambda data: pruned_loss(data, -3),
        all_below(1.0),
        "true of the 23-layer network; some 10-layer runs lose 1 to 2 points",
    ),
    Claim(
        "dnn-o7b-loss",
        "First version, Figure 7b",
        "The test loss rises when the rank gradients of the late layers change fastest.",
        "step of the fastest rise of the test loss over that of the mean gradient of the last three hidden layers "
        "within 0.5 and 2 in every run",
        loss_over_gradient,
        all_between(0.5, 2.0),
        "it rises fastest at steps 17 to 23, later than the gradients of the late layers at steps 7 to 17",
    ),
)

FIGURE = PaperFigure(
    name="dnn_n3_deep",
    paper="dnn",
    caption=(
        "Rank gradients of a 23-layer network, layer by layer, while it trains, and how much of the tail of deep "
        "networks is linear. (g) accuracies and rank gradients in time (one run), (h) test accuracy at the best record "
        "of the 10-layer and the 23-layer network with the layers from a start layer on replaced by their linear map, "
        "(7b) test loss and the change of the late layers' gradients, as in the first version. Not printed in the "
        "paper and chosen here: cross-entropy, Adam at 0.001, standardised pixels, 21 hidden layers. Quick: 1,000 "
        "embedded digits and 128 neurons for 10 layers; 6,000 digits of MNIST, which must be on this machine or "
        "reachable, in one batch for 23 layers."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            samples=60000,
            width=512,
            n_steps=1000,
            deep_samples=60000,
            deep_batches=2,
            deep_steps=2000,
            records=40,
            n_test=10000,
            replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=162,
    cost="12 CPU-hours on one core, estimated from 11.2 s and 1.34 s a step (measured); meant for a GPU",
)
