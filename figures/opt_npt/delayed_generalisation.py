"""Figure 7 of the 2025 paper: delayed generalisation of a shallow network with large initial weights."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from figures.harness.figure import Grid, PaperFigure
from figures.opt_npt.clouds import SHOWN
from figures.opt_npt.delayed_generalisation_claims import CLAIMS
from figures.opt_npt.delayed_generalisation_drawing import draw
from figures.opt_npt.delayed_generalisation_runs import DIGITS, DelayedGeneralisation, long_run
from figures.opt_npt.digit_networks import replicates_of


def compute(settings: DelayedGeneralisation, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Accuracies, basins, gradients and clouds of each run, and the rank gradients of its random-feature control."""
    axes, seed = {"scale": [settings.scale]}, int(rng.integers(2**32))
    worker = partial(long_run, replace(settings, scratch=None))  # one checkpoint cannot serve all runs
    runs = grid(worker, axes, replicates=settings.replicates, seed=seed)
    data = replicates_of(runs)
    return data | {"steps": data["steps"][0], "labels": np.repeat(DIGITS, SHOWN)}


FIGURE = PaperFigure(
    name="opt_npt/delayed_generalisation",
    caption=(
        "Figure 7. Shallow 784-200-200-10 ReLU network with eight-fold initial weights on 1,000 digits: it memorises, "
        "then generalises late, with basins, planes of the readout and rank gradients. "
        "Not printed: size of the initial weights, optimiser, decay and loss; the eight-fold start, squared error, "
        "batch 200 and rate 1e-3 follow arXiv:2210.01117. Times of crossings are interpolated between records. The "
        "paper preset is that setting (AdamW, decay 0.01, 1e5 steps, float64), the quick one Adam with L2 1e-3, which "
        "runs through the cycle sooner. 'Before': halfway in log time between train .95 and test .5; 'after': the end. "
        "Dotted: the initial network with its readout fitted by least squares and its hidden weights as drawn."
    ),
    presets={
        "quick": DelayedGeneralisation(),
        "large": DelayedGeneralisation(optimiser="adamw", weight_decay=0.01, n_steps=100_000, records=41),
        "paper": DelayedGeneralisation(
            optimiser="adamw",
            weight_decay=0.01,
            scale=8.0,
            n_steps=100_000,
            records=60,
            replicates=3,
            dtype="float64",
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=189,
    large_seconds=1191,
    cost="about 12 CPU-minutes a run (estimated from 4 to 7 ms per step)",
    aliases=("dnn_n7", "fig-7", "old-fig-8"),
    stream="dnn_n7",
)
