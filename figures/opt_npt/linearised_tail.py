"""Accuracy of a deep network made linear from a late layer on, while it trains: the entering-meditation effect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import first_times
from figures.harness.figure import Claim, PaperFigure, all_above, all_between

SHARE = 0.95  # of the training accuracy that counts as converged


@dataclass(frozen=True)
class Params(Settings):
    """Size of the network and the data, steps between records, and how many layers below the output are judged."""

    data_set: str = "mnist-mini"
    samples: int = 1000
    n_hidden: int = 21
    width: int = 128
    batch_size: int = 1000
    n_steps: int = 68
    every: int = 4
    tail: int = 3
    seeds: int = 3


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Training accuracy with each late tail made linear, with running and with batch statistics, of each seed."""
    found = grid(partial(_run, p=p), {"n_hidden": [p.n_hidden]}, replicates=p.seeds, seed=int(rng.integers(2**32)))
    data = {name: found[name].values[0] for name in found.data_vars}
    return data | {"steps": data["steps"][0], "tail": np.array(p.tail)}


def _run(n_hidden: int, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray]:
    from dnn.training.config import TrainConfig
    from dnn.data import Split, load
    from dnn.networks.mlp import MLP
    from dnn.probes import linear_map_accuracy
    from dnn.training.loop import train

    split = load(p.data_set, root=p.data)
    split = Split(split.x_train[: p.samples], split.y_train[: p.samples], split.x_test, split.y_test)
    network = MLP((784, *[p.width] * n_hidden, 10), batch_norm=True, rng=rng)
    steps = tuple(range(0, p.n_steps + 1, p.every))
    config = TrainConfig(p.n_steps, batch_size=p.batch_size, records=steps, record_samples=1000, device=p.device)
    modes = ("running", "batch")
    probes: dict[str, Any] = {mode: partial(linear_map_accuracy, part="train", statistics=mode) for mode in modes}
    found = train(network, split, config, rng, probes=probes)
    return {"steps": found.t, "running": found["running"], "batch": found["batch"], "test": found["test_accuracy"]}


def _jump(d) -> np.ndarray:
    """Step at which training accuracy in evaluation mode reaches one half: the end of the lag."""
    return first_times(d["steps"], d["running"][:, :, -1], 0.5)


def convergence(steps: np.ndarray, pruned: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """First step (replicates,) from which on `pruned` stays at SHARE of `whole` or above; both (replicates, n).

    Records at which `whole` is no better than .5 do not count as converged, and `inf` stands for never.
    """
    near = (pruned >= SHARE * whole) & (whole > 0.5)
    stays = np.logical_and.accumulate(near[:, ::-1], axis=1)[:, ::-1]
    return np.where(stays.any(axis=1), steps[stays.argmax(axis=1)], np.inf)


def _converged(d, mode: str) -> np.ndarray:
    """Convergence of the network with its `tail` last activations made linear to the training accuracy."""
    return convergence(d["steps"], d[mode][:, :, -1 - int(d["tail"])], d["batch"][:, :, -1])


def _over_jump(d, mode: str) -> np.ndarray:
    """Step of convergence over the step of the jump, taken as 1 at least; 0, its bound, where there is no jump."""
    jump = _jump(d)
    return np.where(np.isfinite(jump), _converged(d, mode), 0.0) / np.maximum(jump, 1.0)


def _jumped(d) -> bool:
    return bool(np.isfinite(_jump(d)).all())


def draw(d, p: Params):
    """Accuracies of the linear map along training, with running and with batch statistics."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import FAMILY, tidy

    figure = Figure(figsize=(11.5, 4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    steps, depth = d["steps"], p.n_hidden + 2
    titles = {"running": "running statistics (as in the paper)", "batch": "control: statistics of the batch"}
    for ax, mode in zip(axes, titles, strict=True):
        for tail in (1, 2, 3, 5, 8, 12):
            if tail < p.n_hidden:
                shade = str(0.15 + 0.055 * tail)
                curve = d[mode][:, :, -1 - tail].mean(axis=0)
                ax.plot(steps, curve, color=shade, label=f"linear from layer {depth - tail}")
        ax.plot(steps, d["batch"][:, :, -1].mean(axis=0), color=FAMILY["dnn"], label="network, training mode")
        ax.plot(steps, d["running"][:, :, -1].mean(axis=0), "--", color=FAMILY["dnn"], label="network, evaluation mode")
        jump = np.minimum(_jump(d), steps[-1])
        ax.axvspan(jump.min(), jump.max(), color="0.9", zorder=0, label="end of the lag")
        ax.set(title=titles[mode], xlabel="step", ylim=(0, 1.03))
        tidy(ax)
    axes[0].set_ylabel("training accuracy")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=7)
    return figure


FIGURE = PaperFigure(
    name="dnn_o10",
    paper="dnn",
    caption=(
        "A 23-layer network made linear from a late layer on reaches the training accuracy when the lag of evaluation "
        "mode ends, and earlier with the statistics of the batch. "
        "Not printed: optimiser, rate and data of the figure; Adam 1e-3, cross-entropy, 21 hidden layers of 128 with "
        "batch norm, full batch of 1,000 embedded digits (paper preset: batch 30,000 of 60,000). Judged with the last "
        "three activations made linear; lines are means over seeds."
    ),
    presets={
        "quick": Params(),
        "paper": Params("mnist", 60_000, 21, 128, 30_000, 120, 4, 3, 3),
    },
    compute=compute,
    draw=draw,
    seconds=26,
    cost="about 8 CPU-minutes a seed (estimated from 1.34 CPU-s per step)",
    claims=(
        Claim(
            "dnn-old-10-converges",
            "First version, Figure 10",
            "Accuracy of the network made linear from a late layer on reaches training accuracy soon after the jump",
            "step from which it stays above .95 of training accuracy, over the step of the jump, in [1, 1.5] per seed",
            lambda d: _over_jump(d, "running"),
            all_between(1.0, 1.5),
            decisive=_jumped,
        ),
        Claim(
            "dnn-old-10-noise",
            "First version, point 7",
            "Before the jump training slowly removes noise of the weights; only then do late layers act linearly",
            "with batch statistics the same step over the step of the jump is > .7 in every seed",
            lambda d: _over_jump(d, "batch"),
            all_above(0.7),
            why=(
                "with batch statistics the same weights act linearly in late layers before: what settles at the "
                "jump are the running statistics of batch norm, not the weights"
            ),
            decisive=_jumped,
        ),
    ),
)
