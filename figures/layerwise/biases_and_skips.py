"""Appendix J.3 of Nam et al. (2025): biases and skip connections in linear networks whose weights learn in stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import crossings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, READING, Claim, Quantity, every, median
from toymodels.trajectory import SimulationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = {  # weight of the identity beside the first layer, and whether that layer has a bias
    "plain": (0.0, 1.0),
    "with skip": (1.0, 1.0),
    "last bias alone": (0.0, 0.0),
}


@dataclass(frozen=True)
class BiasesAndSkips(Settings):
    r"""A two-layer linear network with biases, and the target.

    Parameters
    ----------
    strengths : tuple of float
        Singular values of the target map, largest first; inputs are white.
    offset : float
        Length of the target's constant part.
    start : float
        Standard deviation of the initial weights; biases start at 0.
    end : float
        Length of the flow.
    n_times : int
        Times at which it is looked at.
    replicates : int
        Networks, each with a target in other directions.
    """

    strengths: tuple[float, ...] = (4.0, 2.0, 1.0)
    offset: float = 3.0
    start: float = 1e-3
    end: float = 30.0
    n_times: int = 200
    replicates: int = 5


def compute(settings: BiasesAndSkips, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Modes, offset and the part of it that the first bias carries, (networks, runs, n_t, ...)."""
    axes, seed = {"network": list(NETWORKS)}, int(rng.integers(2**32))
    runs = grid(partial(one_flow, settings), axes, replicates=settings.replicates, seed=seed)
    names = ("modes", "offset", "carried")
    return {"t": runs["t"].values[0, 0], **{name: runs[name].values for name in names}}


def one_flow(settings: BiasesAndSkips, rng: np.random.Generator, network: str) -> dict[str, Any]:
    r"""Gradient flow of half the mean squared error of :math:`W_2((s I + W_1)x + b_1) + b_2` on white inputs.

    With :math:`E = T - W_2(sI + W_1)` and :math:`e = c - W_2b_1 - b_2` the flow is
    :math:`\dot W_2 = E(sI + W_1)^T + eb_1^T`, :math:`\dot W_1 = W_2^TE`, :math:`\dot b_1 = W_2^Te`,
    :math:`\dot b_2 = e`.
    """
    from scipy.integrate import solve_ivp
    from scipy.stats import ortho_group

    n = len(settings.strengths)
    left, right = (ortho_group.rvs(n, random_state=rng) for _ in range(2))
    target = left * np.array(settings.strengths) @ right.T
    constant = rng.standard_normal(n)
    constant *= settings.offset / np.linalg.norm(constant)
    beside, biased = NETWORKS[network]
    skip = beside * np.eye(n)
    sizes = np.cumsum([n * n, n * n, n])

    def parts(state: np.ndarray) -> tuple[np.ndarray, ...]:
        second, first, inner, outer = np.split(state, sizes)
        return second.reshape(n, n), first.reshape(n, n), inner, outer

    def flow(_: float, state: np.ndarray) -> np.ndarray:
        second, first, inner, outer = parts(state)
        error, missing = target - second @ (skip + first), constant - second @ inner - outer
        along_second = error @ (skip + first).T + np.outer(missing, inner)
        gradients = along_second, second.T @ error, biased * second.T @ missing, missing
        return np.concatenate([part.ravel() for part in gradients])

    start = np.concatenate([settings.start * rng.standard_normal(2 * n * n), np.zeros(2 * n)])
    t = np.concatenate([[0.0], np.geomspace(1e-2, settings.end, settings.n_times - 1)])
    found = solve_ivp(flow, (0, settings.end), start, t_eval=t, rtol=1e-9, atol=1e-12)
    if not found.success:
        raise SimulationError(f"the flow ended early: {found.message}")
    modes, offset, carried = [], [], []
    for state in found.y.T:
        second, first, inner, outer = parts(state)
        modes.append(np.diag(left.T @ second @ (skip + first) @ right) / np.array(settings.strengths))
        offset.append(constant @ outer / settings.offset**2)
        carried.append(constant @ second @ inner / settings.offset**2)
    return {"t": t, "modes": np.array(modes), "offset": np.array(offset), "carried": np.array(carried)}


def half_times(data: Data, network: str, mode: int) -> np.ndarray:
    """Time (runs,) at which a mode reaches half of its strength.

    Raises
    ------
    ValueError
        If it never does in a run: the end of the flow is not that time.
    """
    curves = data["modes"][list(NETWORKS).index(network)][:, 1:, mode]
    found = crossings(data["t"][1:], curves, 0.5)
    if np.isinf(found).any():
        raise ValueError(f"data must reach half of mode {mode + 1}, {network}")
    return found


def offset_deviation(network: str) -> Callable[[Data], np.ndarray]:
    """Largest distance (runs,) of the last bias's share of the offset from 1 - exp(-t)."""
    k = list(NETWORKS).index(network)
    return lambda data: np.abs(data["offset"][k] - (1 - np.exp(-data["t"]))).max(axis=1)


def modes_deviation(data: Data) -> np.ndarray:
    """Largest distance of the first mode from the exponential with its half-time, every plain network."""
    rate = np.log(2) / half_times(data, "plain", 0)
    return np.abs(data["modes"][0][:, :, 0] - (1 - np.exp(-rate[:, None] * data["t"]))).max(axis=1)


def second_when_first(network: str) -> Callable[[Data], np.ndarray]:
    """Share (runs,) of its strength that the second mode has when the first one has 95 % of its own."""

    def share(data: Data) -> np.ndarray:
        modes = data["modes"][list(NETWORKS).index(network)]
        learnt = modes[:, :, 0] >= 0.95
        if not learnt.any(axis=1).all():
            raise ValueError(f"data must reach 95% of the first mode, {network}")
        return modes[np.arange(len(modes)), learnt.argmax(axis=1), 1]

    return share


def draw(data: Data, settings: BiasesAndSkips) -> Figure:
    """Modes of both networks, and the offset."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, tidy

    figure = Figure(figsize=(12, 3.4), layout="constrained")
    axes = figure.subplots(1, 3)
    for k, network in enumerate(("plain", "with skip")):
        for mode, (strength, colour) in enumerate(zip(settings.strengths, ORDER, strict=False)):
            for run, curve in enumerate(data["modes"][k, :, :, mode]):
                axes[k].plot(data["t"], curve, color=colour, lw=1, label=f"{strength:g}" if run == 0 else None)
        axes[k].set(title=f"({'ab'[k]}) {network}", ylabel="share of the mode learnt" if k == 0 else "")
        axes[k].legend(title="strength", fontsize=8)
    for run in range(data["offset"].shape[1]):
        axes[2].plot(data["t"], data["offset"][0, run], color=ORDER[4], lw=1, label="last bias" if run == 0 else None)
        axes[2].plot(data["t"], data["carried"][0, run], color=ORDER[3], lw=1, label="first bias" if run == 0 else None)
        axes[2].plot(
            data["t"], data["offset"][2, run], color=ORDER[2], lw=1, label="last bias alone" if run == 0 else None
        )
    axes[2].plot(data["t"], 1 - np.exp(-data["t"]), ":", color="k", label="exponential")
    axes[2].set(title="(c) offset, without skip", ylabel="share carried")
    axes[2].legend(fontsize=8)
    for ax in axes:
        ax.set(xlabel="time", xlim=(0, min(15.0, settings.end)))
        tidy(ax)
    return figure


CLAIMS = (
    Claim(
        "biases_and_skips.last-bias",
        "Appendix J.3",
        "The bias of the last layer follows an exponential saturation, as in a linear model.",
        Quantity(
            "largest distance of the last bias's share of the target's offset from 1 - exp(-t), last bias alone",
            offset_deviation("last bias alone"),
        ),
        every("network") < 0.001,
        fixed=AFTER,
        why="the weights act on the last bias",
        defence="inputs that are not centred mix both",
    ),
    Claim(
        "biases_and_skips.last-bias-beside-first",
        "Appendix J.3",
        "It does so as well where the first layer has a bias, which could take over a part of the offset.",
        Quantity(
            "largest distance of the last bias's share of the target's offset from 1 - exp(-t), both biases",
            offset_deviation("plain"),
        ),
        median < 0.05,
        source=READING,
        fixed=AFTER,
        why="the first bias takes over what is left of the offset when the weights rise",
        defence="from smaller weights they rise later, and less is left",
    ),
    Claim(
        "biases_and_skips.weights",
        "Appendix J.3",
        "The weights of the same network do not: they follow different dynamics.",
        Quantity(
            "largest distance of the strongest mode from the exponential with the same half-time", modes_deviation
        ),
        every("network") > 0.2,
        why="the mode rises nearly as an exponential",
        defence="the weights do not start small enough for a plateau",
    ),
    Claim(
        "biases_and_skips.skip-no-plateau",
        "Appendix J.3",
        "A skip connection beside the first layer changes how layers are multiplied: no plateau is left.",
        Quantity(
            "half-time of the strongest mode with the skip over the plain network's median",
            lambda data: half_times(data, "with skip", 0) / np.median(half_times(data, "plain", 0)),
        ),
        median < 0.3,
        source=READING,
        why="the strongest mode waits as long with the skip",
        defence="the paper only says that degrees vary",
    ),
    Claim(
        "biases_and_skips.skip-less-staged",
        "Appendix J.3",
        "With the skip modes are learnt more concurrently than in stages.",
        Quantity(
            "share of the second mode learnt when the first is at 95 %, with the skip less the plain network's median",
            lambda data: second_when_first("with skip")(data) - np.median(second_when_first("plain")(data)),
        ),
        median > 0.2,
        source=READING,
        why="the modes are as far apart as without the skip",
        defence="the paper only says that degrees vary",
    ),
)
FIGURE = PaperFigure(
    name="layerwise/biases_and_skips",
    caption=(
        "Appendix J.3, which asks in words. A two-layer linear network with both biases from small weights, on white "
        "inputs with a target of three modes and a constant part; the flow is integrated. (a) without, (b) with the "
        "identity beside the first layer, (c) the constant part: the last bias learns it as an exponential, "
        "until the weights have risen through which the first bias can. Sizes, strengths and start are ours."
    ),
    presets={"quick": BiasesAndSkips(), "paper": BiasesAndSkips(start=1e-4, replicates=20)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=5,
    cost="not printed in the paper; ours takes half a CPU minute",
    aliases=("appendix-j.3",),
)
