"""Figure 1 of the 2025 paper as an experiment: which neurons keep the order of their samples, and which do not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.transformation_modes_claims import CLAIMS, PAIRS
from figures.opt_npt.transformation_modes_runs import (
    ACTIVATIONS,
    UNITS,
    TransformationModes,
    misplaced_maxima,
    trained_network,
    trained_unit,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def compute(settings: TransformationModes, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Constructed pairs, trained units and networks on digits."""
    pairs, units, networks = (int(seed) for seed in rng.integers(2**31, size=3))
    runs = {
        "pair": grid(
            partial(misplaced_maxima, settings), {"pair": list(PAIRS)}, replicates=settings.sequences, seed=pairs
        ),
        "unit": grid(partial(trained_unit, settings), {"unit": list(UNITS)}, replicates=settings.units, seed=units),
        "network": grid(
            partial(trained_network, settings),
            {"activation": list(ACTIVATIONS)},
            replicates=settings.replicates,
            seed=networks,
        ),
    }
    return {f"{name}_{key}": values.values for name, run in runs.items() for key, values in run.items()}


def draw(data: Data, settings: TransformationModes) -> Figure:
    """Units above, neurons and samples of networks below."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, tidy

    figure = Figure(figsize=(13, 6.4), layout="constrained")
    axes = figure.subplots(2, 4)
    for k, (ax, unit) in enumerate(zip(axes[0], UNITS, strict=True)):
        for run in range(data["unit_fields"].shape[1]):
            ax.plot(data["unit_fields"][k, run], data["unit_outputs"][k, run], ".-", color=ORDER[k], lw=0.8, ms=3)
        ax.set(title=f"({'abcd'[k]}) {unit}", xlabel="local field", ylabel="trained output" if k == 0 else "")
        ax.set_ylim(-0.3, 1.3)
    for k, activation in enumerate(ACTIVATIONS):
        colour = ORDER[k + 1]
        axes[1, 0].plot(
            data["network_gradient"][k].ravel(),
            data["network_reversed"][k].ravel(),
            ".",
            color=colour,
            ms=3,
            label=activation,
        )
        axes[1, 1].plot(
            np.abs(data["network_gradient"][k]).ravel(),
            data["network_folded"][k].ravel(),
            ".",
            color=colour,
            ms=3,
            label=f"{activation}: alignment x {np.median(data['network_alignment'][k]):.0f}",
        )
    axes[1, 0].set(xlabel="rank gradient of a neuron", ylabel="pairs ordered otherwise", title="(e) neurons")
    axes[1, 1].set(xlabel="size of the rank gradient", ylabel="reordered by the neuron itself", title="(f) folding")
    axes[1, 1].set_ylim(-0.05, 1.5)
    tanh = ACTIVATIONS.index("tanh")
    gradient, radius, labels = (data[f"network_sample_{name}"][tanh, 0] for name in ("gradient", "radius", "class"))
    points = axes[1, 2].scatter(gradient, radius, c=labels, cmap="tab10", s=8)
    axes[1, 2].set(xlabel="rank gradient of a digit", ylabel="radius of its basin", yscale="symlog", title="(g) tanh")
    figure.colorbar(points, ax=axes[1, 2], label="class")
    for k, pair in enumerate(PAIRS):
        axes[1, 3].plot(data["pair_misplaced"][k].max(0), ".-", color=ORDER[k], lw=0.8, ms=3, label=pair)
    axes[1, 3].set(xlabel="wanted place of the maximum", ylabel="ranks beside it", title="(h) constructed")
    for ax in axes.flat:
        tidy(ax)
    for ax in (axes[1, 0], axes[1, 1], axes[1, 3]):
        ax.legend(fontsize=8)
    return figure


FIGURE = PaperFigure(
    name="opt_npt/transformation_modes",
    caption=(
        "Figure 1 as an experiment. (a-d) Units of one or two neurons on a single local field, trained to answer to "
        "the middle fifth of 50 samples, on five sequences, the best of eight starts each. (h) The same by "
        "construction: where the maximum of a unit lies, for every place at which it is wanted. (e-g) Neurons of "
        "784-100-10 networks on 1,000 digits, five of each activation: the share of pairs of digits that the logits "
        "order otherwise than the neuron's signed field does, and how far the neuron reorders them itself, against "
        "the gradient of its rank density; alignment is the mean squared cosine of the weight vectors over that of "
        "the first ones; (g) of every digit the rank gradient over all neurons against the noise that it stands. The "
        "measures of order by neuron and by digit are ours, for the paper draws but does not define them."
    ),
    presets={
        "quick": TransformationModes(),
        "paper": TransformationModes(samples=60_000, width=2048, n_steps=6000, batch_size=100, compared=1000),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=60,
    cost="nothing is printed; the network of Figure 2 on 60,000 digits is estimated at two CPU hours",
    aliases=("fig-1", "old-fig-1"),
)
