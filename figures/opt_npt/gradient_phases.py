"""Figure 3a-f of the 2025 paper: what the layers of 10-layer networks do while they train."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import ENOUGH, at_best, digits, enough_digits, perceptron
from figures.opt_npt.gradient_phase_runs import CHANCE, LONG, delayed, draw_run, followed, lowest_order, order, panel_of, trained_long
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, all_between, median_below

PANELS = ("a", "b", "c", "d", "e", "f")
SETTINGS = {  # panel: activation, optimiser, learning rate, batches per epoch
    "a": ("relu", "sgd", 0.03, 1),
    "b": ("relu", "sgd", 0.37, 1),
    "c": ("linear", "sgd", 0.03, 1),
    "d": ("relu", "adam", 1e-3, 1),
    "e": ("relu", "adam", 1e-3, 3),
    "f": ("linear", "adam", 1e-3, 1),
}
PAPER_ACCURACY = {"a": 97.14, "b": 97.89, "c": 92.37, "d": 98.26, "e": 98.29, "f": 92.46}


@dataclass(frozen=True)
class Params(Settings):
    """Settings of all six networks."""

    samples: int = 1000
    width: int = 128
    n_steps: int = 200
    records: int = 20
    n_test: int = 2000
    replicates: int = 3


def ten_layers(p: Params, panel: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One run of a panel: accuracies in both statistics and rank gradients along training."""
    activation, optimiser, lr, batches = SETTINGS[panel]
    network = perceptron(10, p.width, rng, activation)
    split = digits(p, p.samples, p.n_test)
    batch_size = None if batches == 1 else -(-p.samples // batches)
    settings = {"optimiser": optimiser, "lr": lr, "batch_size": batch_size}
    return followed(network, split, rng, n_steps=p.n_steps, records=p.records, device=p.device, **settings)


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Every panel and run."""
    runs = grid(partial(ten_layers, p), {"panel": PANELS}, replicates=p.replicates, seed=int(rng.integers(2**31)))
    found = {f"{panel}_{name}": values.values for panel in PANELS for name, values in runs.sel(panel=panel).items()}
    return found | {"samples": np.array(p.samples)}


def draw(data, p: Params):
    """Panels a to f as in the paper."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 6), layout="constrained")
    panels = figure.subplot_mosaic("abc;def")
    for panel, (activation, optimiser, lr, batches) in SETTINGS.items():
        title = f"({panel}) {activation}, {optimiser} {lr:g}" + (f", {batches} batches" if batches > 1 else "")
        draw_run(panels[panel], panel_of(data, panel), title)
    figure.legend(*panels["a"].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return figure


def delays(data, panels: str) -> np.ndarray:
    """Lowest test accuracy with running statistics once training accuracy is 0.8, all runs of the panels."""
    return np.concatenate([delayed(panel_of(data, panel)) for panel in panels])


def points(data, panel: str) -> np.ndarray:
    """Best test accuracy in per cent."""
    return 100 * data[f"{panel}_test"].max(1)


def above_paper(data, panels: str) -> np.ndarray:
    """Best test accuracy less the paper's, in points, all runs of the panels."""
    return np.concatenate([points(data, panel) - PAPER_ACCURACY[panel] for panel in panels])


def first_layer(data, panel: str) -> np.ndarray:
    """Rank gradient of the first hidden layer at the best epoch, one value a run."""
    return at_best(data[f"{panel}_test"], data[f"{panel}_gradient"])[:, 0]


def final_difference(data) -> np.ndarray:
    """Mean distance of the layers' final gradients in (a) and (c), over their mean in (a)."""
    relu, linear = data["a_gradient"][:, -1], data["c_gradient"][:, -1]
    return np.abs(relu - linear).mean(1) / relu.mean(1)


BN_WHY = (
    "the delay is how long running statistics take to forget their start, 0.9^t, whatever the phase: test accuracy "
    "passes 0.5 by step 21 in (b), (d) and (e) alike"
)
NO_PHASE_1 = "the gradients of the 8 hidden layers grow with depth (phase II) from the first steps on"
CLAIMS = (
    Claim(
        "dnn-3a-phase-1",
        "Figure 3a",
        "SGD at 0.03 starts with larger gradients in earlier layers (phase I).",
        "lowest Spearman correlation of layer and gradient, step 2 to training accuracy 0.8, < -0.5 in every run",
        lambda data: lowest_order(panel_of(data, "a"), fitting=True),
        all_below(-0.5),
        NO_PHASE_1,
    ),
    Claim(
        "dnn-3a-phase-2",
        "Figure 3a",
        "SGD at 0.03 ends with larger gradients in later layers (phase II).",
        "Spearman correlation of layer and gradient at the end > 0.5 in every run",
        lambda data: order(panel_of(data, "a"))[:, -1],
        all_above(0.5),
    ),
    Claim(
        "dnn-3b-phase-2",
        "Figure 3b",
        "SGD at 0.37 is in phase II from the outset.",
        "Spearman correlation of layer and gradient > 0 at all records from step 2 on in every run",
        lambda data: lowest_order(panel_of(data, "b")),
        all_above(0.0),
    ),
    Claim(
        "dnn-3c-phase-2",
        "Figure 3c",
        "A linear network is in phase II from the outset.",
        "Spearman correlation of layer and gradient > 0 at all records from step 2 on in every run",
        lambda data: lowest_order(panel_of(data, "c")),
        all_above(0.0),
        "in the first steps the layers differ too little to be ordered; from step 7 on the correlation is above 0.5",
    ),
    Claim(
        "dnn-3d-phase-1",
        "Figure 3d",
        "With Adam the network of (a) starts in phase I as well.",
        "lowest Spearman correlation of layer and gradient, step 2 to training accuracy 0.8, < -0.5 in every run",
        lambda data: lowest_order(panel_of(data, "d"), fitting=True),
        all_below(-0.5),
        NO_PHASE_1,
    ),
    Claim(
        "dnn-3d-phase-2",
        "Figure 3d",
        "With Adam the network of (a) ends in phase II as well.",
        "Spearman correlation of layer and gradient at the end > 0.5 in every run",
        lambda data: order(panel_of(data, "d"))[:, -1],
        all_above(0.5),
    ),
    Claim(
        "dnn-3e-phase-2",
        "Figure 3e",
        "With Adam and smaller batches the network is in phase II from the outset, as in (b).",
        "Spearman correlation of layer and gradient > 0 at all records from step 2 on in every run",
        lambda data: lowest_order(panel_of(data, "e")),
        all_above(0.0),
    ),
    Claim(
        "dnn-3f-phase-2",
        "Figure 3f",
        "With Adam the linear network is in phase II from the outset, as in (c).",
        "Spearman correlation of layer and gradient > 0 at all records from step 2 on in every run",
        lambda data: lowest_order(panel_of(data, "f")),
        all_above(0.0),
        "at step 2 of most runs earlier layers have larger gradients; from step 3 on the correlation is 0.4 or more",
    ),
    Claim(
        "dnn-3ab-first-layer",
        "Figure 3a, 3b",
        "The larger learning rate ends with the smaller gradient in the first hidden layer.",
        "first-layer gradient at the best record: (b) minus (a) < 0 in every run",
        lambda data: first_layer(data, "b") - first_layer(data, "a"),
        all_below(0.0),
        "SGD at 0.03 moves the first layer least; it is also 0.3 to 0.5 against 0.8 to 1 at training accuracy 0.95",
    ),
    Claim(
        "dnn-3ac-same-gradients",
        "Figure 3a, 3c",
        "ReLU and linear network end with almost the same gradients.",
        f"mean distance of the layers' final gradients < 10 % of their mean; if not, open in fewer than {LONG} steps "
        f"or with fewer than {ENOUGH} digits",
        final_difference,
        median_below(0.1),
        "closer the longer both train: about 0.3 of the mean after 66 steps, about 0.2 after 200",
        lambda data: enough_digits(data) and trained_long(panel_of(data, "a")),
    ),
    Claim(
        "dnn-3abc-accuracy",
        "Figure 3a-c",
        "SGD reaches 97.14, 97.89 and (linear) 92.37 % on the test digits.",
        f"best test accuracy within 0.5 points of these; if not, open with fewer than {ENOUGH} digits",
        lambda data: above_paper(data, "abc"),
        all_between(-0.5, 0.5),
        "1,000 instead of 60,000 digits",
        enough_digits,
    ),
    Claim(
        "dnn-3def-accuracy",
        "Figure 3d-f",
        "Adam reaches 98.26, 98.29 and (linear) 92.46 % on the test digits.",
        f"best test accuracy within 0.5 points of these; if not, open with fewer than {ENOUGH} digits",
        lambda data: above_paper(data, "def"),
        all_between(-0.5, 0.5),
        "1,000 instead of 60,000 digits",
        enough_digits,
    ),
    Claim(
        "dnn-3-nonlinear-gain",
        "Figure 3a, 3c",
        "With the same gradients the ReLU network still classifies far better than the linear one.",
        f"best test accuracy of (a) above (c) by > 3 points in every run; if not, open with fewer than {ENOUGH} digits",
        lambda data: points(data, "a") - points(data, "c"),
        all_above(3.0),
        "1,000 digits, all of which both fit: the ReLU network then tests at about .58, the linear one at about .8",
        enough_digits,
    ),
    Claim(
        "dnn-3-adam-gain",
        "Figure 3a, 3d",
        "Adam trains the ReLU network to a better test accuracy than SGD.",
        "best test accuracy of (d) above (a) by > 0.5 points in every run",
        lambda data: points(data, "d") - points(data, "a"),
        all_above(0.5),
    ),
    Claim(
        "dnn-3-adam-first-layer",
        "Figure 3a, 3d",
        "Adam's advantage comes with smaller gradients in the first hidden layer.",
        "first-layer gradient at the best record: (d) minus (a) < 0 in every run",
        lambda data: first_layer(data, "d") - first_layer(data, "a"),
        all_below(0.0),
        "SGD at 0.03 moves the first layer least; it is also 0.3 to 0.5 against 0.6 to 0.8 at training accuracy 0.95",
    ),
    Claim(
        "dnn-3ad-delay",
        "Figure 3a, 3d",
        "The test accuracy stays at chance while training digits are already learnt.",
        "every run has a record with training accuracy >= 0.8 and running-statistics test accuracy < 0.2",
        lambda data: delays(data, "ad"),
        all_below(CHANCE),
    ),
    Claim(
        "dnn-3be-no-delay",
        "Figure 3b, 3e",
        "ReLU networks that stay in phase II show no such delay.",
        "no record with training accuracy >= 0.8 has a running-statistics test accuracy < 0.2",
        lambda data: delays(data, "be"),
        all_above(CHANCE),
        BN_WHY,
    ),
    Claim(
        "dnn-3cf-no-delay",
        "Figure 3c, 3f",
        "Linear networks show no such delay.",
        "no record with training accuracy >= 0.8 has a running-statistics test accuracy < 0.2",
        lambda data: delays(data, "cf"),
        all_above(CHANCE),
    ),
)

FIGURE = PaperFigure(
    name="dnn_n3",
    paper="dnn",
    caption=(
        "Gradients of the rank probability density, layer by layer, sort themselves while 10-layer networks train, and "
        "test accuracy lags where batch norm uses running statistics. (a-c) SGD, (d-f) Adam; training accuracy with "
        "batch statistics, test accuracy with running ones; one run of each is shown. Not printed in the paper and "
        "chosen here: full batches for SGD, cross-entropy, Adam at 0.001, standardised pixels, batch norm before the "
        "activation, and the number of steps. Quick: 128 instead of 512 neurons and the 1,000 embedded digits."
    ),
    presets={
        "quick": Params(),
        "paper": Params(samples=60000, width=512, n_steps=1000, records=40, n_test=10000),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=154,
    cost="50 CPU-hours on one core, estimated from 11.2 s a step (measured); meant for a GPU",
)
