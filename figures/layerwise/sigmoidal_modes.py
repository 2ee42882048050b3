"""Figure 3 of Nam et al. (2025): modes of a linear model saturate together, those of a two-layer one in stages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.settings import Settings
from figures.layerwise.gradient_flow import products
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_below
from toymodels.layerwise import DiagonalNetwork, LinearModel


@dataclass(frozen=True)
class Params(Settings):
    """Strengths of the modes, small equal start, and starts of the delay panel (products of the two weights)."""

    strengths: tuple = (4.0, 2.0, 1.0)
    start: float = 1e-4
    starts: tuple = (1e-2, 1e-4, 1e-6, 1e-8)
    n_times: int = 400


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Both models in closed form and integrated, and the delay against the start."""
    strengths = np.array(p.strengths)
    t = np.linspace(0, 12, p.n_times)
    linear = LinearModel(np.ones(3), strengths).solve(t)["theta"]
    network, first = _network(strengths, p.start), np.full(strengths.size, np.sqrt(p.start))
    delays = np.array([_network(strengths, start).time_to(0.5) for start in p.starts])
    return {
        "t": t,
        "strengths": strengths,
        "linear": linear,
        "network": network.solve(t)["product"] / strengths,
        "integrated": np.multiply(*products(first, first, strengths, 1.0, t)) / strengths,
        "starts": np.array(p.starts),
        "delays": delays,  # (starts, modes)
        "linear_at": _others_when_first_is_done(t, linear),
        "network_at": network.solve([0.0, network.time_to(0.95)[0]])["product"][1, 1:] / strengths[1:],
    }


def _network(strengths: np.ndarray, start: float) -> DiagonalNetwork:
    return DiagonalNetwork(strengths, np.sqrt(start), np.sqrt(start))


def _others_when_first_is_done(t: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """The other modes when the first one is 95 % learned."""
    when = np.interp(0.95, modes[:, 0], t)
    return np.array([np.interp(when, t, mode) for mode in modes.T[1:]])


def draw(data: Data, p: Params):
    """Both models and the delay."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(11, 3.5), layout="constrained")
    axes = figure.subplots(1, 3)
    names = {"linear": "(a) linear model", "network": "(b) diagonal network"}
    for ax, (name, title) in zip(axes, names.items(), strict=False):
        for k, strength in enumerate(data["strengths"]):
            label = f"variance {strength:g}" if name == "linear" else f"$S$ = {strength:g}"
            ax.plot(data["t"], data[name][:, k], color=style.ORDER[k], label=label)
        ax.set(xlabel="flow time", ylabel="learned share of the mode", title=title)
    axes[1].plot(data["t"][::12], data["integrated"][::12], "k.", ms=3)
    for k, strength in enumerate(data["strengths"]):
        axes[2].semilogx(data["starts"], data["delays"][:, k], "o-", color=style.ORDER[k], label=f"$S$ = {strength:g}")
    axes[2].set(xlabel="initial product of the weights", ylabel="flow time to one half", title="delay")
    for ax in axes:
        ax.legend(fontsize=8)
        style.tidy(ax)
    return figure


def _speed_peak(name: str):
    """Learned share at which each mode moves fastest."""
    return lambda data: [mode[np.argmax(np.diff(mode))] for mode in data[name].T]


def _delay_error(data: Data) -> np.ndarray:
    """Growth of the delay per e-fold of a smaller start, times 2 S, less 1."""
    slopes = np.polyfit(np.log(1 / data["starts"]), data["delays"], 1)[0]
    return np.abs(2 * data["strengths"] * slopes - 1)


FIGURE = PaperFigure(
    name="layerwise_03",
    paper="layerwise",
    caption=(
        "Modes of a linear model saturate together at once, those of a diagonal linear network one after another with "
        "a delay. The values were not printed: strengths 4, 2, 1 and initial products of 1e-4 (network, unit "
        "variance) and, in the linear model, variances 4, 2, 1 and a zero start. Dots: numerical integration."
    ),
    presets={"quick": Params(), "paper": Params(n_times=4000)},
    compute=compute,
    draw=draw,
    seconds=1,
    cost="about 1 s on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="layerwise-3-sigmoid",
            place="Equation 9",
            statement="Each product follows the printed sigmoid.",
            criterion="closed form less DOP853 at relative tolerance 1e-11: at most 1e-7 of the strength, every mode",
            measure=lambda data: np.abs(data["network"] - data["integrated"]).max(axis=0),
            holds=all_below(1e-7),
        ),
        Claim(
            key="layerwise-3b-stages",
            place="Figure 3b",
            statement="The first mode saturates while the next ones remain negligible.",
            criterion="when mode 1 is 95% learned, modes 2 and 3 are below 5% and 1% (values: share over its bound)",
            measure=lambda data: data["network_at"] / [0.05, 0.01],
            holds=all_below(1.0),
        ),
        Claim(
            key="layerwise-3a-concurrent",
            place="Figure 3a",
            statement="The modes of the linear model saturate concurrently.",
            criterion="when mode 1 is 95% learned, modes 2 and 3 are above 50%",
            measure=lambda data: data["linear_at"],
            holds=all_above(0.5),
        ),
        Claim(
            key="layerwise-3a-immediate",
            place="Figure 3a",
            statement="A mode of the linear model learns fastest right at the start.",
            criterion="learned share where it moves fastest < 0.05, every mode",
            measure=_speed_peak("linear"),
            holds=all_below(0.05),
        ),
        Claim(
            key="layerwise-3b-abrupt",
            place="Figure 3b",
            statement="A mode of the network learns fastest after a delay, abruptly.",
            criterion="learned share where it moves fastest > 0.4, every mode",
            measure=_speed_peak("network"),
            holds=all_above(0.4),
        ),
        Claim(
            key="layerwise-3b-delay",
            place="Section 4.1",
            statement="The smaller the start, the longer the delay, logarithmically.",
            criterion="delay per e-fold of the start within 2% of 1 / 2S, every mode",
            measure=_delay_error,
            holds=all_below(0.02),
        ),
    ),
)
