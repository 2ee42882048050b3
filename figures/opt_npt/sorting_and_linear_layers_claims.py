"""What the first version's Figure 3 says of the layers of deep networks, and of the delay of their test accuracy."""

from __future__ import annotations

import numpy as np

from figures.harness.curves import crossings
from figures.harness.figure import Data
from figures.opt_npt.digit_networks import ENOUGH_DIGITS
from figures.opt_npt.sorting_and_linear_layers_runs import DIGIT, KINDS
from figures.opt_npt.trends import UNTOLD, rank_correlation, unless_untold
from toymodels.claims import AFTER, Claim, Decisive, Quantity, median, median_of_each

GENERALISES = 0.5  # test accuracy below which a network learns too little for its delay to count
POINT = 0.01
KEPT = 0.8  # rank correlation from which on a quantity counts as growing with depth


def first_good_start(accuracy: np.ndarray) -> np.ndarray:
    """First entry within one point of the network's own accuracy, the last of each row (replicates,)."""
    return (accuracy >= accuracy[:, -1:] - POINT).argmax(1)


def head_start(data: Data, kind: str) -> np.ndarray:
    """Layers by which the perceptron may start earlier than the linear map."""
    return first_good_start(data[f"{kind}_map"]) - first_good_start(data[f"{kind}_perceptron"])


def gradient_where_effective(data: Data) -> np.ndarray:
    """Gradient of the first layer from which on the linear map loses nothing, over the largest of all layers."""
    values = []
    for kind in KINDS:
        gradient, start = data[f"{kind}_gradient"], first_good_start(data[f"{kind}_map"])
        layer = np.minimum(start, gradient.shape[1] - 1)
        values.append(gradient[np.arange(len(gradient)), layer] / gradient.max(1))
    return np.concatenate(values)


def both(data: Data, name: str) -> np.ndarray:
    """A quantity of plain and residual networks, all runs."""
    return np.concatenate([data[f"{kind}_{name}"] for kind in KINDS])


def late_and_early(data: Data, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps at which test accuracy with running and with batch statistics is half the best of the latter.

    Both (depths, runs); `inf` where running statistics never get there.
    """
    step, batch, running = (data[f"{kind}_lag_{name}"] for name in ("step", "batch", "test"))
    level = batch.max(-1) / 2
    late, early = (
        np.stack([crossings(step[0, 0], *rows) for rows in zip(curves, level, strict=True)])
        for curves in (running, batch)
    )
    return late, early


def longer_lag(data: Data, kind: str) -> np.ndarray:
    """Lag of the deepest network, which counts to the end if it outlasts the run, less that of the shallowest.

    UNTOLD of a deepest network that does not generalise.
    """
    late, early = late_and_early(data, kind)
    deepest = np.minimum(late[-1], data[f"{kind}_lag_step"].max()) - early[-1]
    return np.where(generalises(data, kind), deepest - (late[0] - early[0]), UNTOLD)


def generalises(data: Data, kind: str) -> np.ndarray:
    """Whether each of the deepest networks has something to be late with."""
    return data[f"{kind}_lag_batch"][-1].max(-1) >= GENERALISES


def lag_is_clear(data: Data, kind: str) -> bool:
    """Whether the deepest networks generalise, and they and the shallowest catch up before the run ends."""
    caught_up = np.isfinite(late_and_early(data, kind)[0][[0, -1]]).all()
    return bool(caught_up and generalises(data, kind).all())


def larger_bump(data: Data, kind: str) -> np.ndarray:
    """Rise of the test loss above its first value: every deepest network less the mean of the shallowest.

    UNTOLD for a deepest network whose loss does not end below its first value, for it has risen and not fallen, and for
    all where no loss rises at any depth.
    """
    loss = data[f"{kind}_lag_loss"]
    rise = loss.max(-1) - loss[..., 0]  # (depths, runs)
    falls = loss[-1, :, -1] < loss[-1, :, 0]
    return np.where(falls & (rise.max() > 0), rise[-1] - rise[0].mean(), UNTOLD)


def earlier_start(kind: str) -> Quantity:
    """How much earlier the perceptron may start."""
    words = (
        "layers by which the fitted perceptron comes within one point of the whole network before the linear map does"
    )
    return Quantity(words, lambda data: head_start(data, kind))


def growing_gradient(kind: str) -> Quantity:
    """How well the layers are ordered by their gradients."""
    words = "Spearman correlation of layer and gradient"
    return Quantity(words, lambda data: rank_correlation(data[f"{kind}_gradient"]))


def growing_lag(kind: str) -> Quantity:
    """How much longer the lag of the deepest network is."""
    words = (
        "steps from batch- to running-statistics test accuracy reaching half the best of the former, deepest less "
        "shallowest network"
    )
    return Quantity(words, lambda data: longer_lag(data, kind))


def clear_lag(kind: str) -> Decisive:
    """Only lags that end can be shorter."""
    words = (
        f"deepest networks that reach a test accuracy of {GENERALISES} and, as the shallowest, catch up within the run"
    )
    return Decisive(words, lambda data: lag_is_clear(data, kind))


def growing_bump(kind: str) -> Quantity:
    """How much more the test loss rises in the deepest network."""
    words = "largest less first test loss, every deepest network less the mean of the shallowest"
    return Quantity(words, lambda data: larger_bump(data, kind))


LONGER = unless_untold(median > 0, f"a deepest network stays below a test accuracy of {GENERALISES}")
LARGER = unless_untold(
    median > 0, "the loss of a deepest network does not end below its first value, or none rises at any depth"
)
CLAIMS = (
    Claim(
        "sorting_and_linear_layers.perceptron-before-map",
        "First version, Figure 3a",
        "A fitted linear perceptron can replace the tail of a plain network from an earlier layer than the linear map.",
        earlier_start("plain"),
        median > 0,
    ),
    Claim(
        "sorting_and_linear_layers.residual-perceptron-before-map",
        "First version, Figure 3b",
        "A fitted linear perceptron can replace the tail of a residual network earlier than the linear map can.",
        earlier_start("residual"),
        median > 0,
    ),
    Claim(
        "sorting_and_linear_layers.gradient-grows",
        "First version, Figure 3c",
        "In a plain network the gradient of the density grows with depth.",
        growing_gradient("plain"),
        median > KEPT,
    ),
    Claim(
        "sorting_and_linear_layers.residual-gradient-grows",
        "First version, Figure 3d",
        "In a residual network the gradient of the density grows with depth.",
        growing_gradient("residual"),
        median > KEPT,
    ),
    Claim(
        "sorting_and_linear_layers.largest-where-linear",
        "First version, Figure 3a-d",
        "Where the linear map becomes effective the gradients have reached their largest value.",
        Quantity(
            "gradient of the first layer with an effective linear map over the largest of all layers, both networks",
            gradient_where_effective,
        ),
        median_of_each("network", 2) > 0.9,
        decisive=ENOUGH_DIGITS,
        why="the gradient still grows 1.3- to 3.5-fold over the last layers, where the linear map loses nothing",
        defence="the paper shows the densities of some layers only, where the last steps of growth may not be seen",
    ),
    Claim(
        "sorting_and_linear_layers.classes-gather",
        "First version, Figure 3e, 3f",
        "Samples gather around the centre of their class with depth.",
        Quantity(
            f"Spearman correlation of layer and mean cosine of digits {DIGIT} to their centre, both networks",
            lambda data: rank_correlation(both(data, "own")),
        ),
        median_of_each("network", 2) > KEPT,
    ),
    Claim(
        "sorting_and_linear_layers.centres-orthogonal",
        "First version, Figure 3e, 3f",
        "The centres of different classes become orthogonal with depth.",
        Quantity(
            "mean cosine of two centres in the last hidden layer, both networks",
            lambda data: both(data, "between")[:, -1],
        ),
        median_of_each("network", 2) < 0.3,
    ),
    Claim(
        "sorting_and_linear_layers.lag-grows",
        "First version, Figure 3g",
        "The delay of the test accuracy grows with the number of hidden layers in plain networks.",
        growing_lag("plain"),
        LONGER,
        fixed=AFTER,
        decisive=clear_lag("plain"),
        why="with 1,000 digits 22 hidden layers learn too little (test accuracy about a third): 17 to 28 steps against "
        "12 to 16 at 8 layers, and 21 to 26 at 14",
        defence="from 8 to 14 hidden layers it grows; 22 generalise too little from 1,000 digits in 60 steps",
    ),
    Claim(
        "sorting_and_linear_layers.residual-lag-grows",
        "First version, Figure 3h",
        "The delay of the test accuracy grows with the number of hidden layers in residual networks.",
        growing_lag("residual"),
        LONGER,
        fixed=AFTER,
        decisive=clear_lag("residual"),
        why="the lag is as short with 22 hidden layers as with 8",
        defence="width, optimiser and batches of the figure are not printed",
    ),
    Claim(
        "sorting_and_linear_layers.bump-grows",
        "First version, Figure 3g",
        "Double descent, the rise of the test loss before its fall, grows with the hidden layers of plain networks.",
        growing_bump("plain"),
        LARGER,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="with 1,000 digits the loss of 22 hidden layers rises and does not fall again in 60 steps",
        defence="with 10,000 digits it rises by a little and falls",
    ),
    Claim(
        "sorting_and_linear_layers.residual-bump-grows",
        "First version, Figure 3h",
        "Double descent, the rise of the test loss before its fall, grows with the hidden layers of residual networks.",
        growing_bump("residual"),
        LARGER,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="the test loss rises at no depth, so that there is no bump to compare",
        defence="width, optimiser and batches of the figure are not printed; with others the loss may rise first",
    ),
)
