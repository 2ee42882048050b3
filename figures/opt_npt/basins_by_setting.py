"""Figure 4 of the 2025 paper: basins of attraction against depth, width, learning rate and batch size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.basin_trends import CLAIMS, SPACES
from figures.opt_npt.digit_networks import digits, perceptron
from figures.harness.figure import PaperFigure
from figures.opt_npt.basins_by_setting_drawing import draw

FIXED_BOUND = 0.1  # initial weights U(-0.1, 0.1) at every width


@dataclass(frozen=True)
class Params(Settings):
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

    from dnn.networks.mlp import affine_layers, as_torch_generator

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
    from dnn.reading.basins import sample_basin, weight_basin
    from dnn.training.config import TrainConfig
    from dnn.probes import accuracy
    from dnn.training.loop import train

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
    found |= {"rates": np.array(p.rates), "batches": np.array(p.batches), "samples": np.array(p.samples)}
    for name, run in runs.items():
        found |= {f"{name}_{key}": values.values for key, values in run.items()}
    return found


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
