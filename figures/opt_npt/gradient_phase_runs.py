"""Deep networks followed while they train: how the layers' gradients are ordered, and how test lags training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.harness.figure import Data
from figures.harness.fitted_runs import NOT_FITTED, when_fitted
from figures.opt_npt.digit_networks import batch_accuracy
from figures.opt_npt.trends import rank_correlation
from toymodels.claims import Criterion, some_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dnn.data import Split
    from dnn.networks.mlp import MLP

TRAINED, CHANCE = 0.8, 0.2  # accuracies between which the delay of test behind training is looked for
JUST_TRAINED = 0.85  # training accuracy up to which a record is near enough to TRAINED to rule a delay out
PHASE = 0.5  # size of the rank correlation of layer and gradient from which on one speaks of a phase
LONG = 1000  # steps from which on gradients count as settled

DELAY = (
    f"lowest running-statistics test accuracy at any record with a training accuracy of {TRAINED} or more, -1 without "
    f"one, and where it is not below {CHANCE} also without one of {TRAINED} to {JUST_TRAINED}"
)


def unless_unseen(criterion: Criterion) -> Criterion:
    """The criterion, left open as long as a run is marked by :func:`delayed` as one that cannot tell."""
    return criterion.open_if(some_run.equals(NOT_FITTED), "a run has no record that can tell")


def followed(network: MLP, split: Split, rng: np.random.Generator, **config: Any) -> dict[str, np.ndarray]:
    """Train by `config` of :class:`dnn.training.config.TrainConfig`; the network keeps the weights of its best record.

    Returns
    -------
    dict
        `step train test test_batch loss` (n_t,): accuracies with batch statistics, test accuracy and loss also with
        running ones; `gradient` (n_t, L - 2) of the layers; `pruned` (L - 1,): test accuracy of the linear map from
        each start layer on.
    """
    from dnn.probes import rank_gradients
    from dnn.reading.linear_maps import pruned_accuracy
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    probes = {"batch": batch_accuracy, "gradient": rank_gradients}
    patience = config["n_steps"] + 1  # never runs out, but brings the best weights back
    run = train(network, split, TrainConfig(patience=patience, **config), rng, probes=probes)
    return {
        "step": run.t,
        "train": run["batch.train"],
        "test": run["test_accuracy"],
        "test_batch": run["batch.test"],
        "loss": run["test_loss"],
        "gradient": run["gradient"],
        "pruned": pruned_accuracy(network, split),
    }


def draw_run(axes: Axes, run: Data, title: str) -> None:
    """Accuracies (left) and gradients (right) of the first replicate of `run` against time."""
    from matplotlib import colormaps

    from comparisons.harness.style import OTHER, log_time, tidy

    step = run["step"][0][1:]
    axes.plot(step, run["train"][0, 1:], color=OTHER, label="training, batch statistics")
    axes.plot(step, run["test"][0, 1:], color=OTHER, linestyle="--", label="test, running statistics")
    right = axes.twinx()
    gradient = run["gradient"][0, 1:]
    for layer in range(gradient.shape[1]):
        right.plot(step, gradient[:, layer], color=colormaps["viridis"](layer / gradient.shape[1]), linewidth=0.9)
    right.set_ylabel("rank gradient (dark: first layer)")
    log_time(axes, "step")
    axes.set(ylim=(0, 1.02), ylabel="accuracy")
    axes.set_title(title, loc="left")
    tidy(axes)
    axes.spines["right"].set_visible(True)
    right.spines["top"].set_visible(False)


def panel_of(data: Data, panel: str) -> dict[str, np.ndarray]:
    """The arrays `PANEL_name` of `data` as `name`."""
    return {name.partition("_")[2]: values for name, values in data.items() if name.partition("_")[0] == panel}


def trained_long(run: Data) -> bool:
    """Whether the gradients of `run` can have settled."""
    return bool(run["step"].max() >= LONG)


def order(run: Data) -> np.ndarray:
    """Rank correlation of layer and gradient at every record (replicates, n_t)."""
    return rank_correlation(run["gradient"])


def lowest_order(run: Data, *, fitting: bool = False) -> np.ndarray:
    """Its lowest value from step 2 on; with `fitting` up to the first record with a training accuracy of 0.8."""
    records = run["step"] >= 2
    if fitting:
        trained = run["train"] >= TRAINED
        records &= np.cumsum(trained, axis=1) <= trained  # none before: later falls below 0.8 do not count again
    return np.where(records, order(run), 1.0).min(1)


def delayed(run: Data) -> np.ndarray:
    """Lowest running-statistics test accuracy (replicates,) at a record whose training accuracy is 0.8 or more.

    -1 for a run without such a record, and for one above chance whose records skip training accuracies of 0.8 to 0.85:
    a delay may lie between two of them.
    """
    trained = run["train"] >= TRAINED
    lowest = np.where(trained, run["test"], 1.0).min(1)
    seen = (lowest < CHANCE) | (trained & (run["train"] <= JUST_TRAINED)).any(1)
    return when_fitted(np.where(seen, lowest, NOT_FITTED), run["train"].max(1), TRAINED)
