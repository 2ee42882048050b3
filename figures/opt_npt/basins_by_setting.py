"""Figure 4 of the 2025 paper: basins of attraction against depth, width, learning rate and batch size."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures.harness.figure import Grid, PaperFigure
from figures.opt_npt.basins_by_setting_claims import CLAIMS
from figures.opt_npt.basins_by_setting_drawing import draw
from figures.opt_npt.basins_by_setting_runs import BasinsBySetting, with_batch, with_rate, with_size


def compute(settings: BasinsBySetting, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """All four sweeps."""
    size, fixed, rate, batch = (int(seed) for seed in rng.integers(2**31, size=4))
    replicates, tuned = settings.replicates, settings.tuned_replicates
    sizes = {"depth": settings.depths, "width": settings.widths}
    control = {"depth": [settings.fixed_depth], "width": settings.widths}
    runs = {
        "size": grid(partial(with_size, settings), sizes, replicates=replicates, seed=size),
        "fixed": grid(partial(with_size, settings, fixed=True), control, replicates=replicates, seed=fixed),
        "rate": grid(partial(with_rate, settings), {"rate": settings.rates}, replicates=tuned, seed=rate),
        "batch": grid(partial(with_batch, settings), {"batch": settings.batches}, replicates=tuned, seed=batch),
    }
    swept = ("depths", "widths", "amplitudes", "rates", "batches", "samples")
    arrays = {name: np.array(getattr(settings, name)) for name in swept}
    for name, run in runs.items():
        arrays |= {f"{name}_{key}": values.values for key, values in run.items()}
    return arrays


FIGURE = PaperFigure(
    name="opt_npt/basins_by_setting",
    caption=(
        "Figure 4. Basins of attraction of the training digits change with depth, width, learning rate and batch size. "
        "(a, b) accuracy under noise on pixels and on weights, (c, d) radius where it falls to one half, with a "
        "control that starts from weights of the same size at every width, (e, f) radii and test accuracy after a "
        "fixed number of epochs. Not printed in the paper and chosen here: batch norm, Adam at 0.001 in (a-d, f), "
        "batches and epochs, running statistics under noise, biases left alone. What is said of widths is judged from "
        "128 on, and of networks with a training accuracy of 0.95. Quick: widths of 32 to 256 and the 1,000 embedded "
        "digits."
    ),
    presets={
        "quick": BasinsBySetting(),
        "large": BasinsBySetting(
            widths=(64, 128, 256),
            batches=(50, 150, 500, 1500, 5000),
            samples=10_000,
            batch_size=500,
            epochs=10,
            tuned_epochs=30,
            n_test=5000,
        ),
        "paper": BasinsBySetting(
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
    large_seconds=432,
    cost="90 CPU-hours on one core, estimated from 11.2 s per 60,000 digits at depth 10, width 512; meant for a GPU",
    aliases=("dnn_n4", "fig-4", "old-fig-5", "old-fig-6"),
    stream="dnn_n4",
)
