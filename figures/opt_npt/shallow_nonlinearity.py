"""Figure 2 of the 2025 paper: a shallow tanh network, its linear twin and its linear substitution map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import digits, first_step, layer_densities
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, all_between

NETWORKS = ("tanh", "linear network", "linear map")
ONE_POINT = 0.01


@dataclass(frozen=True)
class Params(Settings):
    """Settings; every training set gets the same `n_steps`, so that only its size differs."""

    samples: tuple[int, ...] = (600, 2000, 10000)
    width: int = 512
    n_steps: int = 700
    batch_size: int = 100
    lr: float = 1e-3
    records: int = 14
    n_test: int = 2000
    replicates: int = 3
    early: int = 50


def train_pair(p: Params, samples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The tanh network and the linear one from the same start: accuracies (n_t, 3), densities (n_t, 2, bins)."""
    from dnn.training.config import TrainConfig
    from dnn.networks.mlp import MLP
    from dnn.probes import linear_map_accuracy, rank_gradients
    from dnn.training.loop import train

    split = digits(p, samples, p.n_test, standardised=False)
    config = TrainConfig(p.n_steps, lr=p.lr, batch_size=p.batch_size, records=p.records, device=p.device)
    seed = int(rng.integers(2**32))
    probes = {"pruned": linear_map_accuracy, "gradient": rank_gradients, "density": layer_densities}
    runs = []
    for activation in ("tanh", "linear"):
        same = np.random.default_rng(seed)
        network = MLP([784, p.width, 10], activation, rng=same)
        runs.append(train(network, split, config, same, probes=probes))
    accuracy = [runs[0]["test_accuracy"], runs[1]["test_accuracy"], runs[0]["pruned"][:, 0]]
    return {
        "step": runs[0].t,
        "accuracy": np.stack(accuracy, axis=1),
        "gradient": np.stack([run["gradient"][:, 0] for run in runs], axis=1),
        "density": np.stack([run["density"][:, 0] for run in runs], axis=1),
    }


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Networks and their linear twins over sample sizes and along training."""
    runs = grid(partial(train_pair, p), {"samples": p.samples}, replicates=p.replicates, seed=int(rng.integers(2**31)))
    kept = {name: runs[name].values for name in ("accuracy", "gradient", "density")}  # (sizes, replicates, n_t, ...)
    return {"samples": np.array(p.samples), "early": np.array(p.early), "step": runs["step"].values[0, 0], **kept}


def draw(data, p: Params):
    """Panels a to e as in the paper."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    from comparisons.harness.style import DASHES, ORDER, log_time, tidy

    figure = Figure(figsize=(12, 6.4), layout="constrained")
    panels = figure.subplot_mosaic("aabbee;ccdd..")
    mean = {name: data[name].mean(axis=1) for name in ("accuracy", "gradient", "density")}
    for k, name in enumerate(NETWORKS):
        line: dict[str, Any] = {"color": ORDER[k], "linestyle": DASHES[k], "label": name}
        panels["a"].plot(data["samples"], mean["accuracy"][:, -1, k], marker="o", **line)
        panels["b"].plot(data["step"][1:], mean["accuracy"][-1, 1:, k], **line)
    rank = (np.arange(data["density"].shape[-1]) + 0.5) / data["density"].shape[-1]
    for panel, size in (("c", 0), ("d", -1)):
        for k in range(2):
            density = mean["density"][size, -1, k]
            panels[panel].plot(rank, density, color=ORDER[k], linestyle=DASHES[k], label=NETWORKS[k])
    chosen = np.unique(np.linspace(1, len(data["step"]) - 1, 6).astype(int))
    for k, record in enumerate(chosen):
        shade = colormaps["viridis"](k / len(chosen))
        panels["e"].plot(rank, mean["density"][-1, record, 0], color=shade, label=f"step {data['step'][record]:g}")
    titles = {
        "a": f"after {data['step'][-1]:g} steps",
        "b": f"{data['samples'][-1]} samples",
        "c": f"{data['samples'][0]} samples",
        "d": f"{data['samples'][-1]} samples",
        "e": f"tanh network, {data['samples'][-1]} samples",
    }
    panels["a"].set(xscale="log", xlabel="training samples", ylabel="test accuracy")
    log_time(panels["b"], "step")
    panels["b"].set(ylabel="test accuracy")
    for name, axes in panels.items():
        if name in "cde":
            axes.set(xlabel="normalised rank (0 is the largest)", ylabel="rank probability density")
        axes.set_title(f"({name}) {titles[name]}", loc="left")
        axes.legend(fontsize="small")
        tidy(axes)
    return figure


def gaps(data, size: int) -> np.ndarray:
    """How far the tanh network is above the linear network and the linear map: (replicates, n_t, 2)."""
    accuracy = data["accuracy"][size]
    return accuracy[..., :1] - accuracy[..., 1:]


def early_gap(data) -> np.ndarray:
    """Largest gap of test accuracy while the curves should overlap, one value a run."""
    return np.abs(gaps(data, -1)[:, data["step"] <= data["early"]]).max((1, 2))


def split_ratio(data) -> np.ndarray:
    """Later over earlier step from which on a gap stays above one point."""
    apart = np.flip(np.minimum.accumulate(np.flip(gaps(data, -1) > ONE_POINT, 1), axis=1), 1)
    steps = first_step(data["step"], np.moveaxis(apart, 1, -1))  # (replicates, 2)
    return steps.max(1) / steps.min(1)


def late_over_peak(data) -> np.ndarray:
    """Rank gradient of the tanh network at the end over its peak, one value a run."""
    tanh = data["gradient"][-1, :, :, 0]
    return tanh[:, -1] / tanh.max(1)


def start_over_peak(data) -> np.ndarray:
    """Rank gradient of the tanh network before training over its peak, one value a run."""
    tanh = data["gradient"][-1, :, :, 0]
    return np.abs(tanh[:, 0]) / tanh.max(1)


def density_difference(data) -> np.ndarray:
    """Mean absolute difference of the rank densities at the smallest sample size, one value a run."""
    final = data["density"][0, :, -1]
    return np.abs(final[:, 0] - final[:, 1]).mean(-1)


def gradient_difference(data, size: int) -> np.ndarray:
    """Gradient of the linear network minus that of the tanh network, (replicates,)."""
    return data["gradient"][size, :, -1, 1] - data["gradient"][size, :, -1, 0]


CLAIMS = (
    Claim(
        "dnn-2a-small",
        "Figure 2a",
        "With few samples the tanh network, the linear network and the linear map classify equally well.",
        "600 samples: largest difference of test accuracies < 0.01 in every run",
        lambda data: np.ptp(data["accuracy"][0, :, -1], axis=-1),
        all_below(ONE_POINT),
    ),
    Claim(
        "dnn-2a-large",
        "Figure 2a",
        "With many samples both linear versions fall behind the tanh network.",
        "largest set: tanh is above either by > 0.015 in every run",
        lambda data: gaps(data, -1)[:, -1].min(-1),
        all_above(0.015),
    ),
    Claim(
        "dnn-2b-early",
        "Figure 2b",
        "In the early stage of training the three accuracies overlap.",
        "largest set: differences to tanh < 0.01 at all records up to step 50 in every run",
        early_gap,
        all_below(ONE_POINT),
        "0.018 at step 2 of one run, while the accuracy rises by several points a step; below 0.01 from step 5 on",
    ),
    Claim(
        "dnn-2b-late",
        "Figure 2b",
        "Later in training both linear versions fall behind.",
        "largest set: tanh is above either by > 0.02 at the end of every run",
        lambda data: gaps(data, -1)[:, -1].min(-1),
        all_above(0.02),
    ),
    Claim(
        "dnn-2b-together",
        "Figure 2b",
        "Linear network and linear map leave the tanh network at the same time.",
        "steps from which on either is more than 0.01 below differ by less than a factor 2 in every run",
        split_ratio,
        all_below(2.0),
    ),
    Claim(
        "dnn-2c-density",
        "Figure 2c",
        "After 600 samples the densities of the tanh and of the linear network nearly coincide.",
        "mean absolute difference of the densities < 0.05 in every run",
        density_difference,
        all_below(0.05),
    ),
    Claim(
        "dnn-2c-gradient",
        "Figure 2c",
        "After 600 samples the densities of both networks are equally steep.",
        "gradients differ by less than 5 % in every run",
        lambda data: gradient_difference(data, 0) / data["gradient"][0, :, -1, 0],
        all_between(-0.05, 0.05),
    ),
    Claim(
        "dnn-2d",
        "Figure 2d",
        "With many samples the density of the linear network is the steeper one.",
        "gradient of the linear network above that of the tanh network by > 0.2 in every run",
        lambda data: gradient_difference(data, -1),
        all_above(0.2),
    ),
    Claim(
        "dnn-2e-rise",
        "Figure 2e",
        "The density of the tanh network starts flat and steepens to a peak.",
        "initial gradient below 10 % of the peak in every run",
        start_over_peak,
        all_below(0.1),
    ),
    Claim(
        "dnn-2e-decline",
        "Figure 2e",
        "After its peak the density of the tanh network becomes flatter again.",
        "final gradient below 90 % of the peak in every run",
        late_over_peak,
        all_below(0.9),
    ),
)

FIGURE = PaperFigure(
    name="dnn_n2",
    paper="dnn",
    caption=(
        "A shallow tanh network behaves like a linear one with few samples and early in training, and leaves it with "
        "many samples. (a) test accuracy against the size of the training set, (b) against time for the largest set, "
        "(c, d) rank probability densities of the hidden layer for the smallest and the largest set, (e) density of "
        "the tanh network in time. The paper prints neither optimiser nor learning rate nor loss: Adam at 0.001, "
        "batches of 100, cross-entropy and pixels in [0, 1] are our choice, and every set gets the same number of "
        "steps, so that its size alone differs. Quick: 512 instead of 2,048 hidden neurons and at most 10,000 "
        "digits of MNIST, which must be on this machine or reachable."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            samples=(600, 2000, 6000, 20000, 60000), width=2048, n_steps=6000, records=25, n_test=10000, replicates=3
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=226,
    cost="about 1.5 CPU-hours on one core, estimated from 25 ms a step",
)
