"""Figure 6 of the 2025 paper: the late test accuracy of a deep network with batch norm, and controls of its cause."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures.harness.figure import Grid, PaperFigure
from figures.opt_npt.batch_norm_lag_claims import CLAIMS
from figures.opt_npt.batch_norm_lag_drawing import draw
from figures.opt_npt.batch_norm_lag_runs import CONTROLS, DIGITS, BatchNormLag, all_controls
from figures.opt_npt.clouds import SHOWN
from figures.opt_npt.digit_networks import replicates_of


def compute(settings: BatchNormLag, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Accuracies under every control, rank gradients and clouds of each run."""
    axes, seed = {"n_hidden": [settings.n_hidden]}, int(rng.integers(2**32))
    runs = grid(partial(all_controls, settings), axes, replicates=settings.replicates, seed=seed)
    data = replicates_of(runs)
    data |= {f"{control}_steps": data[f"{control}_steps"][0] for control in CONTROLS}
    sizes = {name: np.array(getattr(settings, name)) for name in ("before", "samples")}
    return data | {"labels": np.repeat(DIGITS, SHOWN), **sizes}


FIGURE = PaperFigure(
    name="opt_npt/batch_norm_lag",
    caption=(
        "Figure 6. Test accuracy of a deep network with batch norm jumps late in evaluation mode only, here with "
        "clouds in the plane of the readout and five controls: training digits in evaluation mode, statistics warm "
        "from the start, momentum 1, momentum 0.03, statistics estimated anew. "
        "Not printed: rate, loss and preprocessing; Adam 1e-3, cross-entropy, pixels in [0, 1], full batch. The quick "
        "preset has 8 hidden layers and the 1,000 embedded digits, the paper preset 21 hidden layers and 30,000 in "
        "one batch (a deviation: the paper trains on 60,000 in batches of 30,000). Lines are means over runs, which "
        "share the initial weights among controls. Large: an earlier run of seed 0, whose moment before the jump lay "
        "before the lag in one of three runs, gave a lag 4.8 times as long at momentum 0.03, 1.44 times in units of "
        "the momentum, and a gap of 0.15 with warm statistics; it was taken out."
    ),
    presets={
        "quick": BatchNormLag(),
        "large": BatchNormLag(
            data_set="mnist", samples=10_000, n_hidden=21, n_steps=100, slow_steps=200, every=4, before=20
        ),
        "paper": BatchNormLag(
            data_set="mnist",
            samples=30_000,
            n_hidden=21,
            width=128,
            n_steps=100,
            slow_steps=200,
            every=2,
            before=10,
            replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=100,
    large_seconds=1157,
    cost="about 40 CPU-minutes a run (estimated from 1.34 CPU-s per step)",
    aliases=("dnn_n6", "fig-6", "old-fig-7"),
    stream="dnn_n6",
)
