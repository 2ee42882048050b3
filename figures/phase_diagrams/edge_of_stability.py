"""Where descent is at the edge of stability, over learning rate and start, for the chain and for a two-layer network.

python -m figures.phase_diagrams.edge_of_stability
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.edge_of_stability import STUDY
from comparisons.edge_of_stability.question import in_units_of_the_edge
from comparisons.harness import style
from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.phase_diagrams.planes import cell_edges
from toymodels.claims import AFTER, BEFORE, CONTROL, READING, Claim, Quantity, every
from toymodels.layerwise import ScalarChain
from toymodels.metrics.edge_of_stability import late_median
from toymodels.trajectory import SimulationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STARTS = {"layerwise": "large", "condensation": "start"}  # the setting that is the start, by family
AXES = {"layerwise": "largest weight at the start", "condensation": "standard deviation of the start"}
SMALL = 0.05  # learning rate that tells of the flow where descent diverges
QUESTION = STUDY.question
HIGHEST = 1.8  # of the flow, in units of the edge, up to which the chain is expected to hold
BROKEN_FROM = 2.5  # from which on it is expected to break
BELOW = 0.9  # up to which the flow counts as below the edge


@dataclass(frozen=True)
class PhaseDiagram(Settings):
    """Learning rates, starts and draws of both families.

    Parameters
    ----------
    chain_lrs, chain_starts : tuple of float
        Of the chain: learning rates, and sizes of its largest weight.
    sine_lrs, sine_starts : tuple of float
        Of the two-layer network: learning rates, and standard deviations of its start.
    replicates : int
        Draws of every cell of the chain.
    sine_replicates : int
        And of the network.
    """

    chain_lrs: tuple = (0.1, 0.13, 0.17, 0.22, 0.28, 0.35, 0.45, 0.6, 0.8, 1.0)
    chain_starts: tuple = (1.5, 2.0, 2.7, 3.6, 5.0, 6.5, 8.5)
    sine_lrs: tuple = (0.1, 0.15, 0.22, 0.33, 0.5, 0.75)
    sine_starts: tuple = (0.05, 0.1, 0.2, 0.4)
    replicates: int = 3
    sine_replicates: int = 1


def ends(family: str, rng: np.random.Generator, lr: float, start: float) -> dict[str, float]:
    """Where descent and flow end, and where they start, in units of the edge; what is left of the loss.

    A descent that diverges ends at infinity, with an infinite loss.
    """
    model, seed = STUDY.models[family], int(rng.integers(2**63))
    settings = replace(model.settings, lr=lr, **{STARTS[family]: start})
    try:
        run, diverged = model.run(settings, np.random.default_rng(seed)), False
    except SimulationError:
        run, diverged = model.run(replace(settings, lr=SMALL), np.random.default_rng(seed)), True
    descent, flow = (curve * lr / run.meta["lr"] for curve in in_units_of_the_edge(run))
    return {
        "descent": np.inf if diverged else late_median(descent),
        "flow": late_median(flow),
        "first": float(flow[0]),
        "loss": np.inf if diverged else late_median(run["loss"]) / float(run["loss"][0]),
    }


def compute(settings: PhaseDiagram, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Ends of every cell (learning rates, starts, draws), and the closed form of the chain without its draws."""
    data: dict[str, np.ndarray] = {}
    asked = {
        "layerwise": (settings.chain_lrs, settings.chain_starts, settings.replicates),
        "condensation": (settings.sine_lrs, settings.sine_starts, settings.sine_replicates),
    }
    for family, (lrs, starts, replicates) in asked.items():
        cells = {"lr": lrs, "start": starts}
        found = grid(partial(ends, family), cells, replicates=replicates, seed=int(rng.integers(2**31)))
        data |= {f"{family}_lr": np.array(lrs), f"{family}_start": np.array(starts)}
        data |= {f"{family}_{name}": found[name].transpose("lr", "start", "replicate").values for name in found}
    chain = STUDY.settings().models["layerwise"]
    others = [chain.small] * (chain.depth - 1)
    chains = [ScalarChain(np.r_[start, others], chain.target) for start in settings.chain_starts]
    tops = np.array([chain.sharpness_at_minimum for chain in chains])
    flow = np.median(data["condensation_flow"], axis=2) * 2 / data["condensation_lr"][:, None]
    more = {"layerwise_top": tops, "layerwise_flattest": np.array(chains[0].sharpness_of_the_flattest)}
    return data | more | {"condensation_top": np.median(flow, axis=0)}


def draw(data: Data, settings: PhaseDiagram) -> Figure:
    """The two planes, with the lines on which the flow ends at the edge and at twice the edge; all cells together."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 5.0), layout="constrained")
    axes = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1, 1.05]})
    for ax, family in zip(axes, STARTS, strict=False):
        image = draw_plane(ax, data, family)
    figure.colorbar(image, ax=axes[1], label="sharpness of descent at the end, in units of 2 / lr")
    draw_cells(axes[2], data)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=9, loc="outside lower left", ncols=4, frameon=False)
    return figure


def draw_plane(axes: Axes, data: Data, family: str) -> Any:
    """Median end of descent over learning rate and start; crosses where it has lost what it learned, or diverged."""
    lr, start, top = (data[f"{family}_{name}"] for name in ("lr", "start", "top"))
    lost = np.median(broken(data, family), axis=2) >= 0.5
    shown = np.where(lost, np.nan, np.median(data[f"{family}_descent"], axis=2))
    image = axes.pcolormesh(
        cell_edges(lr), cell_edges(start), shown.T, cmap="viridis", vmin=0, vmax=1.2, rasterized=True
    )
    rows, columns = np.nonzero(lost)
    axes.plot(lr[rows], start[columns], "x", color="0.35", ms=6, label="loss not small, or diverged")
    low, high = np.array(axes.get_xlim()), axes.get_ylim()
    for factor, dash in ((1, "-"), (2, "--")):
        label = "flow ends at 2 / lr" if factor == 1 else "flow ends at twice 2 / lr"
        axes.plot(2 * factor / top, start, dash, color="#D55E00", lw=2, label=label)
    if f"{family}_flattest" in data:
        line = {"color": "black", "ls": ":", "lw": 1.8, "label": "2 / lr is the sharpness of the flattest minimum"}
        axes.axvline(2 / float(data[f"{family}_flattest"]), **line)
    axes.set(xscale="log", yscale="log", xlim=low, ylim=high, xlabel="learning rate", ylabel=AXES[family])
    axes.set_title(f"{family}: {'chain of 4 weights' if family == 'layerwise' else '20 tanh neurons on sin 3x'}")
    for axis, ticks in ((axes.xaxis, lr[::2]), (axes.yaxis, start)):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    return image


def draw_cells(axes: Axes, data: Data) -> None:
    """End of descent against that of its flow, every run of both planes, and the smaller of flow and edge."""
    for family, marker in zip(STARTS, "os", strict=True):
        lost = broken(data, family)
        flow, descent = data[f"{family}_flow"], data[f"{family}_descent"]
        more = {"color": style.colour(family), "ms": 4, "alpha": 0.6, "ls": ""}
        axes.plot(flow[~lost], descent[~lost], marker, label=family, **more)
        axes.plot(flow[lost], np.full(lost.sum(), FLOOR), "x", **more)
    x = np.geomspace(FLOOR, 5, 200)
    axes.plot(x, np.minimum(x, 1), color="black", lw=1.2, zorder=0, label="the smaller of flow and edge")
    axes.set(xscale="log", yscale="log", ylim=(0.9 * FLOOR, 2), xlim=(FLOOR, 5))
    axes.set(xlabel="sharpness of the flow at the end, in units of 2 / lr", ylabel="sharpness of descent")
    axes.set_title("every run; crosses: loss not small, or diverged")
    for axis, ticks in ((axes.xaxis, (0.2, 0.5, 1, 2, 4)), (axes.yaxis, (0.2, 0.5, 1, 2))):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    style.tidy(axes)
    axes.legend(fontsize=8, loc="upper left")


FLOOR = 0.1  # of the axes, where crosses are drawn


def broken(data: Data, family: str) -> np.ndarray:
    """Runs whose loss is not small at the end, or that diverged, (learning rates, starts, draws)."""
    return data[f"{family}_loss"] > QUESTION.most_loss


def distances_to_the_edge(data: Data, family: str, most_lr: float = np.inf) -> np.ndarray:
    """|E - 1| of every run that starts below the edge and whose flow ends well above it; of the chain, not too far."""
    flow, first = data[f"{family}_flow"], data[f"{family}_first"]
    highest = HIGHEST if family == "layerwise" else np.inf
    chosen = (flow >= QUESTION.flow_from) & (flow <= highest) & (first < QUESTION.starts_below)
    chosen &= (data[f"{family}_lr"] < most_lr)[:, None, None]
    return np.abs(data[f"{family}_descent"][chosen] - 1)


def log_ratios_below(data: Data, family: str) -> np.ndarray:
    """|ln| of descent over flow, of every run whose flow ends below the edge."""
    chosen = data[f"{family}_flow"] <= BELOW
    return np.abs(np.log(data[f"{family}_descent"][chosen] / data[f"{family}_flow"][chosen]))


NO_MINIMUM = (
    "above a learning rate of 2 / (L S^(2 - 2/L)) every minimum is sharper than the edge: descent keeps jumping"
)


def _claims(families: Sequence[str]) -> list[Claim]:
    """The same two claims for each family."""
    claims = []
    for family in families:
        chain = family == "layerwise"
        where = "at 1.3 to 1.8" if chain else "from 1.3 on"
        at_edge, below = (partial(measure, family=family) for measure in (distances_to_the_edge, log_ratios_below))
        claims += [
            Claim(
                f"edge_of_stability.{family}-at-the-edge",
                "Cohen et al. (2021), Section 3",
                "Where the flow becomes sharper than 2 / lr, descent ends at 2 / lr.",
                Quantity(f"distance of descent from the edge, in units of it, flow {where}: {family}", at_edge),
                every("run") < QUESTION.tolerance,
                source=READING,
                fixed=BEFORE if chain else AFTER,
                why=NO_MINIMUM if chain else "",
                defence="the paper asks networks with minima of many sharpnesses",
            ),
            Claim(
                f"edge_of_stability.{family}-below-the-edge",
                "Cohen et al. (2021), Section 3",
                "Where the flow stays below 2 / lr, descent ends as sharp as the flow.",
                Quantity(
                    f"|ln| of descent's sharpness over that of its flow, flow below 0.9: {family}; the study's score "
                    f"is this over ln 1.2, and absent below {QUESTION.absent_below:g}",
                    below,
                ),
                every("run") < QUESTION.absent_below * np.log(1.2),
                source=READING,
            ),
        ]
    return claims


CLAIMS = (
    *_claims(list(STARTS)),
    Claim(
        "edge_of_stability.chain-with-flat-minima",
        "ours",
        "The chain ends at the edge wherever its flow passes it and some minimum is flat enough.",
        Quantity(
            "distance of descent from the edge, in units of it, flow at 1.3 to 1.8, lr below 2 over the flattest "
            "minimum's sharpness",
            lambda data: distances_to_the_edge(data, "layerwise", 2 / float(data["layerwise_flattest"])),
        ),
        every("run") < QUESTION.tolerance,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "edge_of_stability.chain-breaks",
        "ours",
        "Where its flow ends far above the edge the chain does not settle at it, but collapses or diverges.",
        Quantity(
            "1 for a run of the chain whose loss is not small at the end, flow from 2.5 on, else 0",
            lambda data: broken(data, "layerwise")[data["layerwise_flow"] >= BROKEN_FROM].astype(float),
        ),
        every("run").equals(1),
        source=CONTROL,
    ),
)
FIGURE = PaperFigure(
    name="phase_diagrams/edge_of_stability",
    caption=(
        "Where full-batch descent is at the edge of stability. Colour: top Hessian eigenvalue at the end, in units of "
        "2 / lr. Left of the full line the flow ends below the edge, and descent with it; right of it descent ends at "
        "the edge; far to the right it breaks. The chain has a second bound: right of the dotted line all of its "
        "minima are sharper than the edge, and descent keeps jumping over them. Both lines of the chain are closed "
        "forms (without the draws of its weights), that of the network is measured along small steps. On the right "
        "every run of both planes: descent against its flow. Settings are those of the study edge_of_stability but "
        "for the two that are swept."
    ),
    presets={
        "quick": PhaseDiagram(),
        "paper": PhaseDiagram(
            chain_lrs=tuple(np.geomspace(0.1, 1, 24).round(4).tolist()),
            chain_starts=tuple(np.geomspace(1.5, 8.5, 16).round(3).tolist()),
            sine_lrs=tuple(np.geomspace(0.1, 0.75, 12).round(4).tolist()),
            sine_starts=tuple(np.geomspace(0.05, 0.4, 7).round(4).tolist()),
            replicates=5,
            sine_replicates=3,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=20,
    cost="about 3 min on one core (estimated from the quick preset).",
    aliases=("edge_of_stability_diagram",),
)

if __name__ == "__main__":
    from figures.harness.command import main

    raise SystemExit(main(figures=[FIGURE]))
