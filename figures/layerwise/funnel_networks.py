"""Figure 10 of Nam et al. (2025): funnel and anti-funnel networks, lazy on one side and late on the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.kernel_distances import distance_and_loss, distance_map, draw_map, random_correlation
from toymodels.claims import AFTER, READING, Claim, Quantity, every_run, median, median_of_each

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHAPES = {"funnel": (2, 4), "anti-funnel": (4, 2)}  # outputs, inputs; two hidden units
FUNNEL, ANTI_FUNNEL = 0, 1
TIME = 40.0
SAMPLES = 10
IMBALANCE = 9.0


@dataclass(frozen=True)
class FunnelNetworks(Settings):
    """Cells per side of the maps, random draws, and times of the curves.

    Parameters
    ----------
    side : int
        Cells per side.
    replicates : int
        Random draws of each shape.
    n_times : int
        Flow times at which the curves are recorded, besides those that are judged.
    """

    side: int = 15
    replicates: int = 10
    n_times: int = 40


def network(settings: FunnelNetworks, rng: np.random.Generator, shape: str, draw: int) -> dict[str, np.ndarray]:
    """Map at flow time 40, and kernel distance and loss along training at both extremes."""
    correlation = random_correlation(*SHAPES[shape], SAMPLES, rng)
    imbalances, scales = np.linspace(-IMBALANCE, IMBALANCE, settings.side), np.linspace(1, 20, settings.side)
    t, seed = np.append(np.geomspace(1e-3, 200, settings.n_times), [1.0, 5.0, TIME, 2000.0]), int(rng.integers(2**63))
    data = {"map": distance_map(correlation, imbalances, scales, TIME, rng)}
    order = np.argsort(t)
    for name, lam in (("negative", -IMBALANCE), ("positive", IMBALANCE)):
        curves = distance_and_loss(correlation, lam, 1.0, t[order], np.random.default_rng(seed))
        data[f"distance_{name}"], data[f"loss_{name}"] = curves
    return data | {"t": t[order]}


def compute(settings: FunnelNetworks, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every shape and draw."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(network, settings), {"shape": list(SHAPES), "draw": range(settings.replicates)}, seed=seed)
    data = {str(name): values.values[:, :, 0] for name, values in runs.data_vars.items()}  # (shape, draw, ...)
    return {**data, "t": data["t"][0, 0]}


def draw(data: Data, settings: FunnelNetworks) -> Figure:
    """Maps of both shapes, then kernel distance and loss of the late side along training."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(14, 3.7), layout="constrained")
    axes = figure.subplots(1, 4)
    imbalances, scales = np.linspace(-IMBALANCE, IMBALANCE, settings.side), np.linspace(1, 20, settings.side)
    titles = ("(a) funnel, 4-2-2", "(b) anti-funnel, 2-2-4")
    for ax, values, title in zip(axes, data["map"], titles, strict=False):
        image = draw_map(ax, imbalances, scales, np.median(values, axis=0))
        ax.set(xlabel="scale of the initial map", title=title)
    figure.colorbar(image, ax=axes[:2], label="log10 kernel distance")
    for ax, name, quantity in ((axes[2], "distance", "kernel distance"), (axes[3], "loss", "loss over initial loss")):
        for sign, colour in (("negative", style.ORDER[3]), ("positive", style.ORDER[4])):
            values = data[f"{name}_{sign}"][0]
            label = rf"$\lambda$ = {'-' if sign == 'negative' else '+'}{IMBALANCE:g}"
            ax.plot(data["t"], np.median(values, axis=0), color=colour, label=label)
            ax.fill_between(data["t"], values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, lw=0)
        style.log_time(ax, "flow time")
        ax.set(ylabel=quantity, title="funnel, scale 1")
        style.tidy(ax)
    axes[3].set(yscale="log", ylim=(1e-8, 2))
    axes[2].legend(fontsize=8)
    return figure


def curve_at(name: str, shape: int, time: float) -> Callable[[Data], np.ndarray]:
    """One curve at a recorded time, every draw."""
    return lambda data: data[name][shape, :, np.searchsorted(data["t"], time)]


def lazy_side(data: Data) -> np.ndarray:
    """Kernel distance at flow time 40 of the funnel at lambda = 9 and of the anti-funnel at -9."""
    funnel, anti_funnel = curve_at("distance_positive", FUNNEL, TIME), curve_at("distance_negative", ANTI_FUNNEL, TIME)
    return np.concatenate([funnel(data), anti_funnel(data)])


def rich_side(data: Data) -> np.ndarray:
    """Kernel distance at flow time 40 of all funnels at lambda = -9 and then of all anti-funnels at 9."""
    funnel, anti_funnel = curve_at("distance_negative", FUNNEL, TIME), curve_at("distance_positive", ANTI_FUNNEL, TIME)
    return np.concatenate([funnel(data), anti_funnel(data)])


def lazy_side_of_map(data: Data) -> np.ndarray:
    """Largest kernel distance over scales at the imbalance of :func:`lazy_side`."""
    maps = data["map"]
    return np.concatenate([maps[FUNNEL, :, -1].max(axis=1), maps[ANTI_FUNNEL, :, 0].max(axis=1)])


def late_change(data: Data, shape: int = FUNNEL, sign: str = "negative") -> np.ndarray:
    """Kernel distance of funnels at lambda = -9, or of the other side, after training over that at the outset."""
    early, late = (curve_at(f"distance_{sign}", shape, time)(data) for time in (1.0, TIME))
    return late / early


LAZY = "funnels at lambda = 9 and anti-funnels at -9"
CLAIMS = (
    Claim(
        "funnel_networks.lazy",
        "Figure 10",
        "Funnels are lazy with a heavy later layer, anti-funnels with a heavy earlier one, as the appendix's intuition "
        "has it; the words in its brackets say the opposite.",
        Quantity(f"kernel distance at scale 1 and flow time 40, {LAZY}", lazy_side),
        every_run < 1e-3,
        source=READING,
        fixed=AFTER,
    ),
    # a reading: the paper speaks of the limits of lambda, and draws a map; that 9 is one at every scale is ours
    Claim(
        "funnel_networks.lazy-at-all-scales",
        "Figure 10",
        "They are so at every scale.",
        Quantity(f"largest kernel distance over scales 1 ... 20 at flow time 40, {LAZY}", lazy_side_of_map),
        every_run < 1e-3,
        source=READING,
        fixed=AFTER,
        why="the imbalance must be large against the initial map: at scale 20 the median is 3e-3 at lambda = 9 and "
        "8e-7 at 90; a square network is lazy there already at 9",
        defence="the paper speaks of the limit of infinite imbalance, which 9 is not at scale 20",
    ),
    Claim(
        "funnel_networks.rich",
        "Figure 10",
        "In the opposite limits the kernel changes significantly.",
        Quantity(
            "kernel distance at scale 1 and flow time 40, funnels at lambda = -9 and anti-funnels at 9", rich_side
        ),
        median_of_each("shape", 2) > 0.1,
        fixed=AFTER,
    ),
    Claim(
        "funnel_networks.late",
        "Appendix G.3",
        "Funnels start lazily there: the change comes late.",
        Quantity(
            "kernel distance of funnels at lambda = -9 at flow time 1", curve_at("distance_negative", FUNNEL, 1.0)
        ),
        every_run < 2e-3,
        fixed=AFTER,
    ),
    Claim(
        "funnel_networks.lazy-to-rich",
        "Appendix G.3",
        "Funnels show grokking in the paper's sense there, a late change from lazy to rich.",
        Quantity(
            "kernel distance of funnels at lambda = -9 at flow time 40 over that at flow time 1",
            late_change,
        ),
        median > 10,
        fixed=AFTER,
        defence="sizes and times of Figure 10 are not printed",
    ),
    # a reading: the appendix defines grokking by the change from lazy to rich and names no loss
    Claim(
        "funnel_networks.grokking",
        "Appendix G.3",
        "It is grokking in the usual sense, too: it comes after the network has fitted.",
        Quantity(
            "loss over its start of funnels at lambda = -9 at flow time 5, before the kernel moves",
            curve_at("loss_negative", FUNNEL, 5.0),
        ),
        every_run < 0.01,
        source=READING,
        why="the loss waits on a plateau and falls together with the change of the kernel; with white inputs test "
        "and training loss are the same, so this is late feature learning, not delayed generalisation",
        defence="Appendix G.3 calls the late change from lazy to rich itself grokking, and names no loss",
    ),
    # a reading: the times of Figure 10 are not printed
    Claim(
        "funnel_networks.finished",
        "Figure 10",
        "The map shows the network after training.",
        Quantity(
            "loss over its start of funnels at lambda = -9, scale 1, at flow time 40",
            curve_at("loss_negative", FUNNEL, TIME),
        ),
        every_run < 1e-3,
        source=READING,
        why="flow time 40 (4000 steps of 0.01) is too short for the slow direction, of rate about S^2 / |lambda|; "
        "the kernel goes on moving",
        defence="the length is that of the code of Figure 6, and that of Figure 10, not printed, may be longer",
    ),
    Claim(
        "funnel_networks.fits",
        "Appendix G.3",
        "In the end the fit is complete in this limit too.",
        Quantity(
            "1 - loss over its start of funnels at lambda = -9 at flow time 2000",
            lambda data: 1 - curve_at("loss_negative", FUNNEL, 2000.0)(data),
        ),
        every_run > 0.99,
        source=READING,
    ),
    # a reading: the appendix says it of networks with non-linear activations
    Claim(
        "funnel_networks.upstream-is-late",
        "Appendix G.3",
        "From an upstream start, with a heavier later layer, a linear anti-funnel enters the rich phase late, too.",
        Quantity(
            "kernel distance of anti-funnels at lambda = 9 at flow time 40 over that at flow time 1",
            partial(late_change, shape=ANTI_FUNNEL, sign="positive"),
        ),
        median > 10,
        source=READING,
        fixed=AFTER,
        defence="the appendix says can, and of networks with non-linear activations",
    ),
    # a reading: the words in brackets, which the rest of the appendix does not bear out
    Claim(
        "funnel_networks.lazy-as-printed",
        "Appendix G.3",
        "Funnels are lazy from a downstream start, with a heavy earlier layer, anti-funnels from an upstream one.",
        Quantity(
            "kernel distance at scale 1 and flow time 40, funnels at lambda = -9 and anti-funnels at 9", rich_side
        ),
        every_run < 1e-3,
        source=READING,
        fixed=AFTER,
        why="the wide input of a funnel (the output of an anti-funnel) moves a heavy layer beside it: the kernel "
        "changes by 0.01 to 0.6",
        defence="a slip of words: Section 6.2 calls heavier later layers upstream, and the next sentence of the "
        "appendix expects the lazy limit on the other side, where it is measured",
    ),
)
FIGURE = PaperFigure(
    name="layerwise/funnel_networks",
    caption=(
        "Figure 10. Funnel networks are lazy at large positive imbalance and learn features late at large negative "
        "imbalance, anti-funnel networks the other way round. Positive: the later layer is heavier, which Section 6.2 "
        "calls upstream. Appendix G.3 says in words that funnels are lazy downstream; its own intuition, that the "
        "layer beside the wide side moves although it is heavy, agrees with what is seen here. Sizes were not printed; "
        "4-2-2 and 2-2-4 here, otherwise the settings of figure 6a, in closed form, median over random draws with "
        "their range."
    ),
    presets={"quick": FunnelNetworks(), "paper": FunnelNetworks(side=40, replicates=20)},
    compute=compute,
    draw=draw,
    seconds=10,
    cost="about 5 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_10", "fig-10", "appendix-g.3"),
    stream="layerwise_10",
)
