"""Figure 4 of the 2025 paper: basins of attraction against depth, width, learning rate and batch size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.study import BaseParams
from figures._dnn import digits, kendall, perceptron
from figures.core import Claim, PaperFigure, median_above, median_below

TREND = 0.6  # Kendall's tau from which on a curve counts as rising
SPACES = ("sample", "weight")
FIXED_BOUND = 0.1  # initial weights U(-0.1, 0.1) at every width


@dataclass(frozen=True)
class Params(BaseParams):
    """Depths, widths, learning rates and batch sizes of the sweeps."""

    depths: tuple[int, ...] = (4, 6, 10, 16)
    widths: tuple[int, ...] = (32, 64, 128, 256)
    curve_width: int = 128
    fixed_depth: int = 6
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.37)
    batches: tuple[int, ...] = (50, 100, 300, 1000)
    tuned_depth: int = 10
    tuned_width: int = 128
    samples: int = 1000
    batch_size: int = 100
    epochs: int = 15
    tuned_epochs: int = 40
    n_test: int = 2000
    basin_samples: int = 500
    draws: int = 2
    amplitudes: tuple[float, ...] = tuple(np.geomspace(0.03, 10, 13).tolist())
    replicates: int = 3
    tuned_replicates: int = 3


def with_size(p: Params, depth: int, width: int, rng: np.random.Generator, fixed: bool = False) -> dict:
    """Trained by Adam from PyTorch's initial weights, or from weights of one size at every width."""
    from torch.nn.init import uniform_

    from dnn.networks import affine_layers, as_torch_generator

    network = perceptron(depth, width, rng)
    if fixed:
        generator = as_torch_generator(rng)
        for layer in affine_layers(network):
            uniform_(layer.weight, -FIXED_BOUND, FIXED_BOUND, generator=generator)
    return _basins(p, network, rng, p.epochs, p.batch_size)


def with_rate(p: Params, rate: float, rng: np.random.Generator) -> dict:
    """Basins after training with SGD at a learning rate."""
    network = perceptron(p.tuned_depth, p.tuned_width, rng)
    return _basins(p, network, rng, p.tuned_epochs, p.batch_size, optimiser="sgd", lr=rate)


def with_batch(p: Params, batch: int, rng: np.random.Generator) -> dict:
    """Basins after training with Adam at a batch size."""
    return _basins(p, perceptron(p.tuned_depth, p.tuned_width, rng), rng, p.tuned_epochs, batch)


def _basins(p: Params, network, rng: np.random.Generator, epochs: int, batch_size: int, **settings) -> dict:
    """Test accuracy, and for both spaces the curve (n,) and where it falls to one half (0 if it is never above)."""
    from dnn.attraction_basins import sample_basin, weight_basin
    from dnn.config import TrainConfig
    from dnn.probes import accuracy
    from dnn.training import train

    split = digits(p, p.samples, p.n_test)
    n_steps = epochs * -(-p.samples // batch_size)
    config = TrainConfig(n_steps, batch_size=batch_size, records=(n_steps,), device=p.device, **settings)
    run = train(network, split, config, rng)
    found = {"accuracy": run["test_accuracy"][-1]}
    x, y = split.x_train[: p.basin_samples], split.y_train[: p.basin_samples]
    if (clean := accuracy(network, x, y)) <= 0.5:
        nothing = {"_radius": 0.0, "_curve": np.full(len(p.amplitudes), clean)}
        return found | {space + name: value for space in SPACES for name, value in nothing.items()}
    for space, measure in zip(SPACES, (sample_basin, weight_basin), strict=True):
        basin = measure(network, x, y, rng, method="grid", amplitudes=np.array(p.amplitudes), draws=p.draws)
        found[f"{space}_radius"] = min(basin.radius, p.amplitudes[-1])  # wider than all amplitudes: a lower bound
        found[f"{space}_curve"] = basin.curve
    return found


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """All four sweeps."""
    seeds = (int(seed) for seed in rng.integers(2**31, size=4))
    sizes = {"depth": p.depths, "width": p.widths}
    fixed = {"depth": [p.fixed_depth], "width": p.widths}
    runs = {
        "size": grid(partial(with_size, p), sizes, replicates=p.replicates, seed=next(seeds)),
        "fixed": grid(partial(with_size, p, fixed=True), fixed, replicates=p.replicates, seed=next(seeds)),
        "rate": grid(partial(with_rate, p), {"rate": p.rates}, replicates=p.tuned_replicates, seed=next(seeds)),
        "batch": grid(partial(with_batch, p), {"batch": p.batches}, replicates=p.tuned_replicates, seed=next(seeds)),
    }
    found = {"depths": np.array(p.depths), "widths": np.array(p.widths), "amplitudes": np.array(p.amplitudes)}
    found |= {"rates": np.array(p.rates), "batches": np.array(p.batches)}
    for name, run in runs.items():
        found |= {f"{name}_{key}": values.values for key, values in run.items()}
    return found


def draw(data, p: Params):
    """Panels a to f as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.style import ORDER, tidy

    figure = Figure(figsize=(13, 7.5), layout="constrained")
    panels = figure.subplot_mosaic("ace;bdf")
    column = list(data["widths"]).index(p.curve_width)
    for panel, sizes, space in (("a", "c", "sample"), ("b", "d", "weight")):
        for k, depth in enumerate(data["depths"]):
            curve = data[f"size_{space}_curve"][k, column].mean(0)
            panels[panel].plot(data["amplitudes"], curve, color=ORDER[k], marker=".", label=f"{depth} layers")
            radius = data[f"size_{space}_radius"][k].mean(-1)
            panels[sizes].plot(data["widths"], radius, color=ORDER[k], marker="o", label=f"{depth} layers")
        fixed = data[f"fixed_{space}_radius"][0].mean(-1)
        label = f"{p.fixed_depth} layers, weights start the same at every width"
        panels[sizes].plot(data["widths"], fixed, color="black", marker="s", linestyle=":", label=label)
        panels[panel].set(xscale="log", xlabel="noise amplitude", ylabel="accuracy of training samples")
        panels[panel].set_title(f"({panel}) noise on each {space}, width {p.curve_width}", loc="left")
        panels[sizes].set(xscale="log", xlabel="width", ylabel=f"basin radius in {space} space")
        panels[sizes].set_xticks(data["widths"], [f"{width}" for width in data["widths"]])
        panels[sizes].set_xticks([], minor=True)
        panels[sizes].set_ylim(0, 1.6 * data[f"size_{space}_radius"].mean(-1).max())
        panels[sizes].set_title(f"({sizes}) {space} space", loc="left")
    for panel, name, values, label in (
        ("e", "rate", data["rates"], "learning rate (SGD)"),
        ("f", "batch", data["batches"], "batch size (Adam)"),
    ):
        axes = panels[panel]
        for k, (space, factor) in enumerate(zip(SPACES, (2, 1), strict=True)):
            radius = factor * data[f"{name}_{space}_radius"]
            axes.errorbar(values, radius.mean(-1), radius.std(-1), color=ORDER[k], marker="o", label=f"{space} space")
        right = axes.twinx()
        right.plot(values, data[f"{name}_accuracy"].mean(-1), color="black", linestyle="--", marker=".")
        right.set_ylabel("test accuracy (dashed)")
        axes.set(xscale="log", xlabel=label, ylabel="basin radius (sample space x 2)")
        axes.set_title(f"({panel}) {p.tuned_depth} layers of {p.tuned_width}", loc="left")
    for axes in panels.values():
        tidy(axes)
        axes.legend(fontsize="small", loc="upper left" if axes in (panels["c"], panels["d"]) else "best")
    return figure


def trend(data, name: str, axis: int) -> np.ndarray:
    """Kendall's tau along one axis, at every point of the other in every replicate."""
    return kendall(np.moveaxis(data[name], axis, -1)).ravel()


def tuned_trend(data, name: str) -> np.ndarray:
    """Kendall's tau along the tuned parameter in every replicate."""
    return kendall(data[name].T)


def distance_of_peaks(data) -> np.ndarray:
    """Steps of the grid of learning rates between best accuracy and widest sample basin, in every replicate."""
    return np.abs(data["rate_accuracy"].argmax(0) - data["rate_sample_radius"].argmax(0)).astype(float)


RISING, FALLING = median_above(TREND), median_below(-TREND)
CLAIMS = (
    Claim(
        "dnn-4a-depth",
        "Figure 4a, 4c",
        "Deeper networks have wider basins in sample space.",
        "Kendall's tau of depth and radius, median over widths and runs > 0.6",
        lambda data: trend(data, "size_sample_radius", 0),
        RISING,
        "with 1,000 digits and 150 steps accuracy falls with depth (width 128: 0.86 at 4 layers, 0.78 at 16) and so do "
        "the basins",
    ),
    Claim(
        "dnn-4b-depth",
        "Figure 4b, 4d",
        "Deeper networks have narrower basins in weight space.",
        "Kendall's tau of depth and radius, median over widths and runs < -0.6",
        lambda data: trend(data, "size_weight_radius", 0),
        FALLING,
    ),
    Claim(
        "dnn-4c-width",
        "Figure 4c",
        "Wider networks have wider basins in sample space (both versions of the paper).",
        "Kendall's tau of width and radius, median over depths and runs > 0.6",
        lambda data: trend(data, "size_sample_radius", 1),
        RISING,
    ),
    Claim(
        "dnn-4d-width",
        "Figure 4d",
        "Wider networks have wider basins in weight space (2025 version).",
        "PyTorch's initial weights: Kendall's tau of width and radius, median over depths and runs > 0.6",
        lambda data: trend(data, "size_weight_radius", 1),
        RISING,
    ),
    Claim(
        "dnn-4d-width-first-version",
        "First version, Figure 6d",
        "Wider networks have narrower basins in weight space (2024 version, the opposite of the 2025 one).",
        "PyTorch's initial weights: Kendall's tau of width and radius, median over depths and runs < -0.6",
        lambda data: trend(data, "size_weight_radius", 1),
        FALLING,
        "the radius rises at every depth; it rises less (0.74, 0.80, 0.90, 0.87) if all widths start from U(-0.1, 0.1)",
    ),
    Claim(
        "dnn-4d-fixed-start",
        "Section IV.B",
        "Without initial weights that shrink with width, wider networks could have narrower basins in weight space.",
        "initial weights U(-0.1, 0.1): Kendall's tau of width and radius, median over runs < -0.6",
        lambda data: trend(data, "fixed_weight_radius", 1),
        FALLING,
        "it flattens the growth (0.74 to 0.87 over widths 32 to 256, instead of 0.69 to 1.21) but does not turn it",
    ),
    Claim(
        "dnn-4e-rate",
        "Figure 4e",
        "Larger learning rates of SGD widen the basin in weight space.",
        "Kendall's tau of rate and radius, median over runs > 0.6",
        lambda data: tuned_trend(data, "rate_weight_radius"),
        RISING,
    ),
    Claim(
        "dnn-4e-peak",
        "Figure 4e",
        "The learning rate with the best test accuracy is the one with the widest basin in sample space.",
        "same rate of the grid in the median run",
        distance_of_peaks,
        median_below(0.5),
    ),
    Claim(
        "dnn-4f-weight",
        "Figure 4f",
        "Smaller batches of Adam widen the basin in weight space.",
        "Kendall's tau of batch size and radius, median over runs < -0.6",
        lambda data: tuned_trend(data, "batch_weight_radius"),
        FALLING,
    ),
    Claim(
        "dnn-4f-sample",
        "First version, Figure 5a",
        "Smaller batches of Adam widen the basin in sample space too.",
        "Kendall's tau of batch size and radius, median over runs < -0.6",
        lambda data: tuned_trend(data, "batch_sample_radius"),
        FALLING,
    ),
)

FIGURE = PaperFigure(
    name="dnn_n4",
    paper="dnn",
    caption=(
        "Basins of attraction of the training digits change with depth, width, learning rate and batch size. (a, b) "
        "accuracy under noise on pixels and on weights, (c, d) radius where it falls to one half, with a control that "
        "starts from weights of the same size at every width, (e, f) radii and test accuracy after a fixed number of "
        "epochs. Not printed in the paper and chosen here: batch norm, Adam at 0.001 in (a-d, f), batches and epochs, "
        "running statistics under noise, biases left alone. Quick: widths of 32 to 256 and the 1,000 embedded digits."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            depths=(4, 6, 8, 12, 16),
            widths=(128, 256, 512, 1024),
            curve_width=1024,
            rates=(0.01, 0.03, 0.1, 0.2, 0.37, 0.5),
            batches=(300, 1000, 3000, 10000, 30000),
            tuned_depth=12,
            tuned_width=1024,
            samples=60000,
            batch_size=3000,
            epochs=60,
            tuned_epochs=60,
            n_test=10000,
            basin_samples=2000,
            draws=3,
            amplitudes=tuple(np.geomspace(0.01, 10, 25).tolist()),
            replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=112,
    cost="90 CPU-hours on one core, estimated from 11.2 s per 60,000 digits at depth 10, width 512; meant for a GPU",
)
