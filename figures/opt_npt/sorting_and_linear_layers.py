"""Figure 3 of the first version: the standard structure of deep networks with and without residual connections."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures.harness.figure import Grid, PaperFigure
from figures.opt_npt.sorting_and_linear_layers_claims import CLAIMS
from figures.opt_npt.sorting_and_linear_layers_drawing import draw
from figures.opt_npt.sorting_and_linear_layers_runs import KINDS, SortingAndLinearLayers, lag, structure


def compute(settings: SortingAndLinearLayers, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Plain and residual networks, every run, and the lag by depth."""
    first, second = (int(seed) for seed in rng.integers(2**31, size=2))
    trained = grid(partial(structure, settings), {"kind": KINDS}, replicates=settings.replicates, seed=first)
    axes = {"hidden": settings.lag_hidden, "kind": KINDS}
    followed = grid(partial(lag, settings), axes, replicates=settings.lag_replicates, seed=second)
    arrays = {"hidden": np.array(settings.lag_hidden), "samples": np.array(settings.samples)}
    for kind in KINDS:
        arrays |= {f"{kind}_{name}": values.values for name, values in trained.sel(kind=kind).items()}
        arrays |= {f"{kind}_lag_{name}": values.values for name, values in followed.sel(kind=kind).items()}
    return arrays


FIGURE = PaperFigure(
    name="opt_npt/sorting_and_linear_layers",
    caption=(
        "First version, Figure 3. Deep networks with and without residual connections sort samples in their first "
        "layers and are linear in their last. Left plain, right residual: (a, b) test accuracy with the tail from a "
        "start layer on replaced by a fitted linear perceptron or by the linear map, (c, d) rank probability "
        "densities, (e, f) mean cosines to class centres, (g, h) accuracies and test loss by number of hidden layers. "
        "Not printed in the paper and chosen here: width, Adam at 0.001, batches of 100 in (a-f) and full ones in (g, "
        "h), cross-entropy. Quick: 128 neurons and the 1,000 embedded digits."
    ),
    presets={
        "quick": SortingAndLinearLayers(),
        "large": SortingAndLinearLayers(samples=10_000, batch_size=500, n_steps=300, n_test=5000, lag_steps=100),
        "paper": SortingAndLinearLayers(
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
    large_seconds=817,
    cost="250 CPU-hours on one core, estimated from 11.2 s per 60,000 digits at depth 10, width 512; meant for a GPU",
    aliases=("dnn_o3", "old-fig-3"),
    stream="dnn_o3",
)
