"""Figure 10 of the first version: accuracy of a deep network made linear from a late layer on, while it trains.

The paper calls it the entering-meditation effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import first_times
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.digit_networks import ENOUGH_DIGITS, first_samples, perceptron, replicates_of
from toymodels.claims import READING, Claim, Decisive, Quantity, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 0.95  # of the training accuracy that counts as converged
RECORDED = 1000  # samples on which accuracies are taken
SOON = 1.5  # steps of convergence over steps of the jump that still count as soon after it


@dataclass(frozen=True)
class LinearisedTail(Settings):
    """Size of the network and the data, steps between records, and how many layers below the output are judged.

    Parameters
    ----------
    data_set : str
        Name for :func:`dnn.data.load`.
    samples : int
        Training digits.
    n_hidden : int
        Hidden layers.
    width : int
        Neurons of each.
    batch_size : int
        Digits in a batch.
    n_steps : int
        Updates.
    every : int
        Steps from one record to the next.
    tail : int
        Last activations that are made linear in what is judged.
    replicates : int
        Runs.
    """

    data_set: str = "mnist-mini"
    samples: int = 1000
    n_hidden: int = 21
    width: int = 128
    batch_size: int = 1000
    n_steps: int = 68
    every: int = 4
    tail: int = 3
    replicates: int = 3


def linearised(settings: LinearisedTail, rng: np.random.Generator, n_hidden: int) -> dict[str, np.ndarray]:
    """One run: training accuracy (n_t, start layers) of the linear map with running and with batch statistics."""
    from dnn.probes import linear_map_accuracy
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = first_samples(settings.data_set, settings.samples, settings.data)
    network = perceptron(n_hidden + 2, settings.width, rng)
    config = TrainConfig(
        settings.n_steps,
        batch_size=settings.batch_size,
        records=tuple(range(0, settings.n_steps + 1, settings.every)),
        record_samples=RECORDED,
        device=settings.device,
    )
    modes = ("running", "batch")
    probes: dict[str, Any] = {mode: partial(linear_map_accuracy, part="train", statistics=mode) for mode in modes}
    run = train(network, split, config, rng, probes=probes)
    return {"steps": run.t, "running": run["running"], "batch": run["batch"], "test": run["test_accuracy"]}


def compute(settings: LinearisedTail, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Training accuracy with each late tail made linear, with running and with batch statistics, of each run."""
    axes, seed = {"n_hidden": [settings.n_hidden]}, int(rng.integers(2**32))
    runs = grid(partial(linearised, settings), axes, replicates=settings.replicates, seed=seed)
    data = replicates_of(runs)
    return data | {"steps": data["steps"][0], "tail": np.array(settings.tail), "samples": np.array(settings.samples)}


def jump(data: Data) -> np.ndarray:
    """Step at which training accuracy in evaluation mode reaches one half: the end of the lag."""
    return first_times(data["steps"], data["running"][:, :, -1], 0.5)


def convergence(steps: np.ndarray, pruned: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """First step (replicates,) from which on `pruned` stays at SHARE of `whole` or above; both (replicates, n).

    Records at which `whole` is no better than .5 do not count as converged, and `inf` stands for never.
    """
    near = (pruned >= SHARE * whole) & (whole > 0.5)
    stays = np.logical_and.accumulate(near[:, ::-1], axis=1)[:, ::-1]
    return np.where(stays.any(axis=1), steps[stays.argmax(axis=1)], np.inf)


def converged(data: Data, mode: str) -> np.ndarray:
    """Convergence of the network with its `tail` last activations made linear to the training accuracy."""
    return convergence(data["steps"], data[mode][:, :, -1 - int(data["tail"])], data["batch"][:, :, -1])


def over_jump(data: Data, mode: str) -> np.ndarray:
    """Step of convergence over the step of the jump, taken as 1 at least; 0, its bound, where there is no jump."""
    when = jump(data)
    return np.where(np.isfinite(when), converged(data, mode), 0.0) / np.maximum(when, 1.0)


def jumped(data: Data) -> bool:
    """Whether the lag ends within every run."""
    return bool(np.isfinite(jump(data)).all())


def outlasted(data: Data) -> bool:
    """Whether every run goes on to SOON times its jump: a tail that has not converged before is then late."""
    return bool((data["steps"][-1] >= SOON * np.maximum(jump(data), 1.0)).all())


def draw(data: Data, settings: LinearisedTail) -> Figure:
    """Accuracies of the linear map along training, with running and with batch statistics."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import FAMILY, tidy

    figure = Figure(figsize=(11.5, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    steps, depth = data["steps"], settings.n_hidden + 2
    titles = {"running": "running statistics (as in the paper)", "batch": "control: statistics of the batch"}
    for axes, mode in zip(panels, titles, strict=True):
        for tail in (1, 2, 3, 5, 8, 12):
            if tail < settings.n_hidden:
                shade = str(0.15 + 0.055 * tail)
                curve = data[mode][:, :, -1 - tail].mean(axis=0)
                axes.plot(steps, curve, color=shade, label=f"linear from layer {depth - tail}")
        network = {"color": FAMILY["dnn"]}
        axes.plot(steps, data["batch"][:, :, -1].mean(axis=0), label="network, training mode", **network)
        axes.plot(steps, data["running"][:, :, -1].mean(axis=0), "--", label="network, evaluation mode", **network)
        when = np.minimum(jump(data), steps[-1])
        axes.axvspan(when.min(), when.max(), color="0.9", zorder=0, label="end of the lag")
        axes.set(title=titles[mode], xlabel="step", ylim=(0, 1.03))
        tidy(axes)
    panels[0].set_ylabel("training accuracy")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize=7)
    return figure


def convergence_over_jump(mode: str) -> Quantity:
    """When the tail has become linear, measured in the length of the lag."""
    words = (
        f"step from which accuracy ({mode} statistics, last three activations made linear) stays at {SHARE} of the "
        "training accuracy or above, over the step of the jump"
    )
    return Quantity(words, lambda data: over_jump(data, mode))


JUMPS = Decisive("a jump within every run", jumped)
OUTLASTS = Decisive(f"a jump within every run, which goes on to {SOON} times its step or beyond", outlasted)
CLAIMS = (
    Claim(
        "linearised_tail.converges-after-jump",
        "First version, Figure 10",
        "Accuracy of the network made linear from a late layer on reaches training accuracy soon after the jump.",
        convergence_over_jump("running"),
        median.between(1, SOON),
        decisive=OUTLASTS,
    ),
    Claim(
        "linearised_tail.noise-of-weights",
        "First version, point 7",
        "Up to the jump training slowly removes noise of the weights, and only near the jump do late layers act "
        "linearly, with the statistics of the batch too: a reading, for the paper says the former alone.",
        convergence_over_jump("batch"),
        median > 0.7,
        source=READING,
        decisive=JUMPS & ENOUGH_DIGITS,
        why=(
            "with batch statistics the same weights act linearly in late layers by a third to two thirds of the steps "
            "to the jump: what settles at the jump are the running statistics of batch norm, not the weights"
        ),
        defence="any time before the jump is a gradual elimination, 0.7 is ours, a network counts from a training "
        "accuracy of one half on only, and the paper counts what evaluation mode does among the perturbations of the "
        "weights",
    ),
)

FIGURE = PaperFigure(
    name="opt_npt/linearised_tail",
    caption=(
        "First version, Figure 10. A 23-layer network made linear from a late layer on reaches the training accuracy "
        "when the lag of evaluation mode ends, and earlier with the statistics of the batch. "
        "Not printed: optimiser, rate and data of the figure; Adam 1e-3, cross-entropy, 21 hidden layers of 128 with "
        "batch norm, full batch of 1,000 embedded digits (paper preset: batch 30,000 of 60,000). Judged with the last "
        "three activations made linear; lines are means over runs."
    ),
    presets={
        "quick": LinearisedTail(),
        "large": LinearisedTail(data_set="mnist", samples=10_000, batch_size=10_000, n_steps=120),
        "paper": LinearisedTail(
            data_set="mnist",
            samples=60_000,
            n_hidden=21,
            width=128,
            batch_size=30_000,
            n_steps=120,
            every=4,
            tail=3,
            replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=26,
    large_seconds=311,
    cost="about 8 CPU-minutes a run (estimated from 1.34 CPU-s per step)",
    aliases=("dnn_o10", "old-fig-10"),
    stream="dnn_o10",
)
