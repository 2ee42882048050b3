"""Figure 3 of the first version: the standard structure of deep networks with and without residual connections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import batch_accuracy, digits, layer_densities, perceptron, rank_correlation
from figures.harness.curves import crossings
from figures.harness.figure import Claim, PaperFigure, all_above, all_below
from figures.opt_npt.sorting_and_linear_layers_drawing import DIGIT, KINDS, draw

GENERALISES = 0.5  # test accuracy below which a network learns too little for its delay to count
POINT = 0.01


@dataclass(frozen=True)
class Params(Settings):
    """Settings of the networks that are looked into, and (`lag_...`) of those followed from the first step."""

    hidden: int = 22
    width: int = 128
    samples: int = 1000
    batch_size: int = 100
    n_steps: int = 150
    n_test: int = 2000
    replicates: int = 3
    lag_hidden: tuple[int, ...] = (8, 14, 22)
    lag_batches: int = 1
    lag_steps: int = 60
    lag_records: int = 16
    lag_replicates: int = 3


def structure(p: Params, kind: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pruned accuracies, densities, gradients and cosines of a trained network, by layer."""
    from dnn.training.config import TrainConfig
    from dnn.reading.linear_maps import pruned_accuracy
    from dnn.probes import rank_gradients
    from dnn.reading.projection import class_cosines
    from dnn.training.loop import train

    network = perceptron(p.hidden + 2, p.width, rng, residual=kind == "residual")
    split = digits(p, p.samples, p.n_test)
    config = TrainConfig(p.n_steps, batch_size=p.batch_size, records=(p.n_steps,), device=p.device)
    train(network, split, config, rng)
    cosines = class_cosines(network, split.x_train, split.y_train)
    return {
        "map": pruned_accuracy(network, split),
        "perceptron": pruned_accuracy(network, split, "perceptron"),
        "gradient": rank_gradients(network, split),
        "density": layer_densities(network, split),
        "own": cosines.own[:, DIGIT],
        "between": cosines.between,
        "centred": class_cosines(network, split.x_train, split.y_train, centered=True).between,
    }


def lag(p: Params, hidden: int, kind: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One run: test accuracy with running statistics and with those of the batch, along training."""
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    network = perceptron(hidden + 2, p.width, rng, residual=kind == "residual")
    batch_size = None if p.lag_batches == 1 else -(-p.samples // p.lag_batches)
    config = TrainConfig(p.lag_steps, batch_size=batch_size, records=p.lag_records, device=p.device)
    run = train(network, digits(p, p.samples, p.n_test), config, rng, probes={"batch": batch_accuracy})
    return {
        "step": run.t,
        "loss": run["test_loss"],
        "test": run["test_accuracy"],
        "train": run["batch.train"],
        "batch": run["batch.test"],
    }


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Plain and residual networks, every run, and the lag by depth."""
    seeds = (int(seed) for seed in rng.integers(2**31, size=2))
    trained = grid(partial(structure, p), {"kind": KINDS}, replicates=p.replicates, seed=next(seeds))
    axes = {"hidden": p.lag_hidden, "kind": KINDS}
    followed = grid(partial(lag, p), axes, replicates=p.lag_replicates, seed=next(seeds))
    found = {"hidden": np.array(p.lag_hidden)}
    for kind in KINDS:
        found |= {f"{kind}_{name}": values.values for name, values in trained.sel(kind=kind).items()}
        found |= {f"{kind}_lag_{name}": values.values for name, values in followed.sel(kind=kind).items()}
    return found


def first_good_start(accuracy: np.ndarray) -> np.ndarray:
    """First entry within one point of the network's own accuracy, the last of each row (replicates,)."""
    return (accuracy >= accuracy[:, -1:] - POINT).argmax(1)


def head_start(data, kind: str) -> np.ndarray:
    """Layers by which the perceptron may start earlier than the linear map."""
    return first_good_start(data[f"{kind}_map"]) - first_good_start(data[f"{kind}_perceptron"])


def gradient_where_effective(data) -> np.ndarray:
    """Gradient of the last layer below which the linear map loses nothing, over the largest of all layers."""
    values = []
    for kind in KINDS:
        gradient, start = data[f"{kind}_gradient"], first_good_start(data[f"{kind}_map"])
        layer = np.minimum(start, gradient.shape[1] - 1)
        values.append(gradient[np.arange(len(gradient)), layer] / gradient.max(1))
    return np.concatenate(values)


def both(data, name: str) -> np.ndarray:
    """A quantity of plain and residual networks, all runs."""
    return np.concatenate([data[f"{kind}_{name}"] for kind in KINDS])


def late_and_early(data, kind: str) -> tuple[np.ndarray, np.ndarray]:
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


def longer_lag(data, kind: str) -> np.ndarray:
    """Lag of the deepest network less that of the shallowest, in steps; one that outlasts the run ends with it."""
    late, early = late_and_early(data, kind)
    lags = np.minimum(late, data[f"{kind}_lag_step"].max()) - early
    return lags[-1] - lags[0]


def lag_is_clear(data, kind: str) -> bool:
    """Whether the deepest networks generalise and catch up before the run ends."""
    caught_up = np.isfinite(late_and_early(data, kind)[0][-1]).all()
    return bool(caught_up and (data[f"{kind}_lag_batch"][-1].max(-1) >= GENERALISES).all())


def larger_bump(data, kind: str) -> np.ndarray:
    """Rise of the test loss above its first value: every deepest network less the mean of the shallowest."""
    loss = data[f"{kind}_lag_loss"]
    rise = loss.max(-1) - loss[..., 0]  # (depths, runs)
    return rise[-1] - rise[0].mean()


EARLIER = "first start layer within one point of the whole network: perceptron before linear map in every run"
LAG = (
    "steps between batch- and running-statistics test accuracy reaching half the best of the former: deepest minus "
    f"shallowest > 0 in every run; if not, open where the deepest stay below {GENERALISES} or the delay outlasts a run"
)
BUMP = "largest less first test loss: every deepest network above the mean of the shallowest"
CLAIMS = (
    Claim(
        "dnn-o3a",
        "First version, Figure 3a",
        "A fitted linear perceptron can replace the tail of a plain network from an earlier layer than the linear map.",
        EARLIER,
        lambda data: head_start(data, "plain"),
        all_above(0.0),
    ),
    Claim(
        "dnn-o3b",
        "First version, Figure 3b",
        "The same holds for a residual network.",
        EARLIER,
        lambda data: head_start(data, "residual"),
        all_above(0.0),
    ),
    Claim(
        "dnn-o3c-plain",
        "First version, Figure 3c",
        "In a plain network the gradient of the density grows with depth.",
        "Spearman correlation of layer and gradient > 0.8 in every run",
        lambda data: rank_correlation(data["plain_gradient"]),
        all_above(0.8),
    ),
    Claim(
        "dnn-o3d-residual",
        "First version, Figure 3d",
        "In a residual network the gradient of the density grows with depth.",
        "Spearman correlation of layer and gradient > 0.8 in every run",
        lambda data: rank_correlation(data["residual_gradient"]),
        all_above(0.8),
    ),
    Claim(
        "dnn-o3cd-saturation",
        "First version, Figure 3a-d",
        "Where the linear map becomes effective the gradients have reached their largest value.",
        "gradient of the first layer with an effective linear map > 90 % of the largest in every run",
        gradient_where_effective,
        all_above(0.9),
        "the gradient still grows 1.3- to 3-fold over the last layers, where the linear map already loses nothing",
    ),
    Claim(
        "dnn-o3e-cluster",
        "First version, Figure 3e, 3f",
        "Samples gather around the centre of their class with depth.",
        "Spearman correlation of layer and mean cosine of digits 5 to their centre > 0.8 in every run",
        lambda data: rank_correlation(both(data, "own")),
        all_above(0.8),
    ),
    Claim(
        "dnn-o3e-orthogonal",
        "First version, Figure 3e, 3f",
        "The centres of different classes become orthogonal with depth.",
        "mean cosine of two centres in the last hidden layer < 0.3 in every run",
        lambda data: both(data, "between")[:, -1],
        all_below(0.3),
    ),
    Claim(
        "dnn-o3g-lag",
        "First version, Figure 3g",
        "The delay of the test accuracy grows with the number of hidden layers in plain networks.",
        LAG,
        lambda data: longer_lag(data, "plain"),
        all_above(0.0),
        "22 hidden layers learn too little here (test accuracy about a third): 17 to 28 steps against 12 to 16 at 8 "
        "layers, and 21 to 26 at 14",
        lambda data: lag_is_clear(data, "plain"),
    ),
    Claim(
        "dnn-o3h-lag",
        "First version, Figure 3h",
        "The delay of the test accuracy grows with the number of hidden layers in residual networks.",
        LAG,
        lambda data: longer_lag(data, "residual"),
        all_above(0.0),
        decisive=lambda data: lag_is_clear(data, "residual"),
    ),
    Claim(
        "dnn-o3g-bump",
        "First version, Figure 3g",
        "The rise of the test loss before its fall grows with the number of hidden layers in plain networks.",
        BUMP,
        lambda data: larger_bump(data, "plain"),
        all_above(0.0),
    ),
    Claim(
        "dnn-o3h-bump",
        "First version, Figure 3h",
        "The rise of the test loss before its fall grows with the number of hidden layers in residual networks.",
        BUMP,
        lambda data: larger_bump(data, "residual"),
        all_above(0.0),
        "the test loss hardly rises at any depth",
    ),
)

FIGURE = PaperFigure(
    name="dnn_o3",
    paper="dnn",
    caption=(
        "Deep networks with and without residual connections sort samples in their first layers and are linear in "
        "their last. Left plain, right residual: (a, b) test accuracy with the tail from a start layer on replaced by "
        "a fitted linear perceptron or by the linear map, (c, d) rank probability densities, (e, f) mean cosines "
        "to class centres, (g, h) accuracies and test loss by number of hidden layers. Not printed in the paper and "
        "chosen here: width, Adam at 0.001, batches of 100 in (a-f) and full ones in (g, h), cross-entropy. Quick: "
        "128 neurons and the 1,000 embedded digits."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            width=512,
            samples=60000,
            batch_size=1000,
            n_steps=3000,
            n_test=10000,
            lag_hidden=(4, 8, 14, 22, 30),
            lag_steps=1000,
            lag_records=40,
            lag_replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=140,
    cost="250 CPU-hours on one core, estimated from 11.2 s per 60,000 digits at depth 10, width 512; meant for a GPU",
)
