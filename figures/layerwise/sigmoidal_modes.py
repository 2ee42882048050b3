"""Figure 3 of Nam et al. (2025): modes of a linear model saturate together, those of a two-layer one in stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.gradient_flow import products
from figures.layerwise.sigmoidal_modes_claims import CLAIMS
from toymodels.layerwise import DiagonalNetwork, LinearModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class SigmoidalModes(Settings):
    """Modes, and the starts of their two weights, which are equal.

    Parameters
    ----------
    strengths : tuple of float
        Targets of the modes (network) or their variances (linear model).
    start : float
        Initial product of the two weights of every mode.
    starts : tuple of float
        Initial products from which the delay is measured.
    n_times : int
        Times at which the modes are recorded.
    """

    strengths: tuple[float, ...] = (4.0, 2.0, 1.0)
    start: float = 1e-4
    starts: tuple[float, ...] = (1e-2, 1e-4, 1e-6, 1e-8)
    n_times: int = 400


def compute(settings: SigmoidalModes, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Both models in closed form and integrated, and the delay against the start."""
    strengths = np.array(settings.strengths)
    t = np.linspace(0, 12, settings.n_times)
    linear = LinearModel(np.ones(3), strengths).solve(t)["theta"]
    network, first = _network(strengths, settings.start), np.full(strengths.size, np.sqrt(settings.start))
    delays = np.array([_network(strengths, start).time_to(0.5) for start in settings.starts])
    return {
        "t": t,
        "strengths": strengths,
        "linear": linear,
        "network": network.solve(t)["product"] / strengths,
        "integrated": np.multiply(*products(first, first, strengths, 1.0, t)) / strengths,
        "starts": np.array(settings.starts),
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


def draw(data: Data, settings: SigmoidalModes) -> Figure:
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


FIGURE = PaperFigure(
    name="layerwise/sigmoidal_modes",
    caption=(
        "Figure 3. Modes of a linear model saturate together at once, those of a diagonal linear network one after "
        "another with a delay. The values were not printed: strengths 4, 2, 1 and initial products of 1e-4 (network, "
        "unit variance) and, in the linear model, variances 4, 2, 1 and a zero start. Dots: numerical integration."
    ),
    presets={"quick": SigmoidalModes(), "paper": SigmoidalModes(n_times=4000)},
    compute=compute,
    draw=draw,
    seconds=1,
    cost="about 1 s on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_03", "fig-3", "section-4.1"),
    stream="layerwise_03",
)
