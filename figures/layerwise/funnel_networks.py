"""Figure 10 of Nam et al. (2025): funnel and anti-funnel networks, lazy on one side and late on the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.layerwise.kernel_distances import distance_and_loss, distance_map, draw_map, random_correlation
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_below

SHAPES = {"funnel": (2, 4), "anti-funnel": (4, 2)}  # outputs, inputs; two hidden units
TIME = 40.0
SAMPLES = 10
IMBALANCE = 9.0


@dataclass(frozen=True)
class Params(Settings):
    """Cells per side of the maps, random draws, and times of the curves."""

    side: int = 15
    draws: int = 10
    n_times: int = 40


def network(shape: str, draw: int, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray]:
    """Map at flow time 40, and kernel distance and loss along training at both extremes."""
    correlation = random_correlation(*SHAPES[shape], SAMPLES, rng)
    imbalances, scales = np.linspace(-IMBALANCE, IMBALANCE, p.side), np.linspace(1, 20, p.side)
    t, seed = np.append(np.geomspace(1e-3, 200, p.n_times), [1.0, 5.0, TIME, 2000.0]), int(rng.integers(2**63))
    data = {"map": distance_map(correlation, imbalances, scales, TIME, rng)}
    order = np.argsort(t)
    for name, lam in (("negative", -IMBALANCE), ("positive", IMBALANCE)):
        curves = distance_and_loss(correlation, lam, 1.0, t[order], np.random.default_rng(seed))
        data[f"distance_{name}"], data[f"loss_{name}"] = curves
    return data | {"t": t[order]}


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every shape and draw."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(network, p=p), {"shape": list(SHAPES), "draw": range(p.draws)}, seed=seed)
    data = {str(name): values.values[:, :, 0] for name, values in runs.data_vars.items()}  # (shape, draw, ...)
    return {**data, "t": data["t"][0, 0]}


def draw(data: Data, p: Params):
    """Maps of both shapes, then kernel distance and loss of the late side along training."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(14, 3.7), layout="constrained")
    axes = figure.subplots(1, 4)
    imbalances, scales = np.linspace(-IMBALANCE, IMBALANCE, p.side), np.linspace(1, 20, p.side)
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


def _at(name: str, shape: int, time: float):
    """One curve at a recorded time, every draw."""
    return lambda data: data[name][shape, :, np.searchsorted(data["t"], time)]


def _lazy(data: Data) -> np.ndarray:
    """Kernel distance at flow time 40 of the funnel at lambda = 9 and of the anti-funnel at -9."""
    return np.concatenate([_at("distance_positive", 0, TIME)(data), _at("distance_negative", 1, TIME)(data)])


def _rich(data: Data) -> np.ndarray:
    return np.concatenate([_at("distance_negative", 0, TIME)(data), _at("distance_positive", 1, TIME)(data)])


FIGURE = PaperFigure(
    name="layerwise_10",
    paper="layerwise",
    caption=(
        "Funnel networks are lazy at large positive imbalance and learn features late at large negative imbalance, "
        "anti-funnel networks the other way round. Sizes were not printed; 4-2-2 and 2-2-4 here, otherwise the "
        "settings of figure 6a, in closed form, median over random draws with their range."
    ),
    presets={"quick": Params(), "paper": Params(side=40, draws=20)},
    compute=compute,
    draw=draw,
    seconds=10,
    cost="about 5 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="layerwise-10-lazy",
            place="Figure 10",
            statement="Funnels are lazy with a heavy later layer, anti-funnels with a heavy earlier one.",
            criterion="kernel distance < 1e-3 at |lambda| = 9, scale 1, flow time 40, both shapes, every draw",
            measure=_lazy,
            holds=all_below(1e-3),
        ),
        Claim(
            key="layerwise-10-lazy-scales",
            place="Figure 10",
            statement="They are so at every scale.",
            criterion="largest kernel distance over scales 1 ... 20 < 1e-3 at |lambda| = 9, both shapes, every draw",
            measure=lambda data: np.concatenate([data["map"][0, :, -1].max(axis=1), data["map"][1, :, 0].max(axis=1)]),
            holds=all_below(1e-3),
            why="the imbalance must be large against the initial map: at scale 20 the median is 3e-3 at lambda = 9 and "
            "8e-7 at 90; a square network is lazy there already at 9",
        ),
        Claim(
            key="layerwise-10-rich",
            place="Figure 10",
            statement="In the opposite limits the kernel changes significantly.",
            criterion="kernel distance > 0.1 at |lambda| = 9, scale 1, flow time 40, both shapes, median over draws",
            measure=_rich,
            holds=lambda values: bool(np.median(values) > 0.1),
        ),
        Claim(
            key="layerwise-10-delayed",
            place="Appendix G.3",
            statement="They start lazily: the change comes late.",
            criterion="funnel at -9: kernel distance < 2e-3 at flow time 1 in every draw",
            measure=_at("distance_negative", 0, 1.0),
            holds=all_below(2e-3),
        ),
        Claim(
            key="layerwise-10-grokking",
            place="Appendix G.3",
            statement="The late transition is grokking: it comes after the network has fitted.",
            criterion="funnel at -9: loss < 1% of its start at flow time 5, before the kernel moves, every draw",
            measure=_at("loss_negative", 0, 5.0),
            holds=all_below(0.01),
            why="the loss waits on a plateau and falls together with the change of the kernel; with white inputs test "
            "and training loss are the same, so this is late feature learning, not delayed generalisation",
        ),
        Claim(
            key="layerwise-10-finished",
            place="Figure 10",
            statement="The map shows the network after training.",
            criterion="funnel at -9, scale 1: loss < 0.1% of its start at flow time 40, every draw",
            measure=_at("loss_negative", 0, TIME),
            holds=all_below(1e-3),
            why="flow time 40 (4000 steps of 0.01) is too short for the slow direction, of rate about S^2 / |lambda|; "
            "the kernel goes on moving",
        ),
        Claim(
            key="layerwise-10-fits",
            place="Appendix G.3",
            statement="In the end the fit is complete in this limit too.",
            criterion="1 - loss over its start > 0.99 at flow time 2000, every draw",
            measure=lambda data: 1 - _at("loss_negative", 0, 2000.0)(data),
            holds=all_above(0.99),
        ),
    ),
)
