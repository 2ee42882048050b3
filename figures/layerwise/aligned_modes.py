"""Figure 7 of Nam et al. (2025): aligned and anti-aligned modes of the scalar network, from rich to lazy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.gradient_flow import scalar_network
from toymodels.claims import AFTER, READING, Claim, Quantity, every, value
from toymodels.layerwise import ScalarNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# initial weight, whether the output is divided by the root of the width, target
SETTINGS = {
    "rich": (0.01, False, 1.0),
    "between": (0.1, False, 1.0),
    "kernel": (1.0, True, 1.0),
    "small target": (0.1, False, 0.01),
}


@dataclass(frozen=True)
class AlignedModes(Settings):
    """Width, random starts for the general law, and times recorded.

    Parameters
    ----------
    width : int
        Units.
    replicates : int
        Gaussian starts, of scales from 0.01 to 100.
    n_times : int
        Times at which modes and kernel are recorded.
    draws : int
        Random networks for the bound of the growth, of any width, scales and target.
    """

    width: int = 100
    replicates: int = 20
    n_times: int = 200
    draws: int = 20_000


def compute(settings: AlignedModes, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Modes and kernel along training in every setting, the numbers of each, and networks with random starts."""
    data = {}
    numbers = []
    for name, (weight, divided, target) in SETTINGS.items():
        a0 = np.full(settings.width, weight)
        b0 = np.where(np.arange(settings.width) % 2 == 0, weight, -weight)
        net = ScalarNetwork(a0, b0, target, normalizer=np.sqrt(settings.width) if divided else 1.0)
        t = np.append(0, np.linspace(0, net.time_to(0.999), settings.n_times)[1:])
        run = net.solve(t)
        data |= {f"{name}_{key}": run[key] for key in ("progress", "aligned", "opposed")}
        data[f"{name}_t"] = t
        end = net.solve([0.0, np.inf])
        growth = end["ntk"][1] / end["ntk"][0]
        data |= {f"{name}_{key}": value for key, value in equations(net, t).items()}
        numbers.append([net.weight_to_target, _grown(net), growth, -end["opposed"][1] / end["aligned"][1]])
    scales = np.geomspace(1e-2, 1e2, settings.replicates)
    random = grid(partial(random_start, settings), {"scale": scales}, seed=int(rng.integers(2**31)))
    return data | {
        "bound": bounds(settings.draws, rng).min(keepdims=True),
        "numbers": np.array(numbers),  # (settings, [ratio, gamma, kernel growth, opposed over aligned])
        **{f"random_{key}": values.values[:, 0] for key, values in random.data_vars.items()},
    }


def random_start(settings: AlignedModes, rng: np.random.Generator, scale: float) -> dict[str, float]:
    """The numbers of one network with a Gaussian start of this scale."""
    a0, b0 = scale * rng.standard_normal((2, settings.width))
    net = ScalarNetwork(a0, b0, 1.0, settings.width)
    end = net.solve([0.0, np.inf])
    return {"ratio": net.weight_to_target, "gamma": _grown(net), "growth": end["ntk"][1] / end["ntk"][0]}


def _grown(net: ScalarNetwork) -> float:
    """How much the squares of a + b grow along integrated flow, until a billionth of the way is left."""
    t = np.array([0.0, net.time_to(1 - 1e-9)])
    a, b = scalar_network(net.a0, net.b0, net.target, net.normalizer, t)
    start, end = np.sum((a + b) ** 2, axis=1)
    return end / start


def equations(net: ScalarNetwork, t: np.ndarray) -> dict[str, float]:
    """How far integrated flow is from Eq. 16 (`modes`) and from Eq. 17 and 18 (`sums`), both integrated over time.

    From units of a = b and a = -b the modes are the start times exp(+rho) and exp(-rho), rho' = 2 (S - f) / Z, and sum
    and difference f, g of them obey f' = g rho', g' = f rho'. Relative to the modes, and to g.
    """
    from scipy.interpolate import CubicSpline

    fine = np.unique(np.concatenate([np.linspace(start, end, 5) for start, end in pairwise(t)]))
    a, b = scalar_network(net.a0, net.b0, net.target, net.normalizer, fine)
    aligned = net.a0 * net.b0 > 0
    up, down = (np.sum((a * b)[:, units], axis=1) / net.normalizer for units in (aligned, ~aligned))
    f, g = up + down, up - down
    speed = 2 / net.normalizer * (net.target - f)
    rho, to_f, to_g = (CubicSpline(fine, rate).antiderivative()(fine) for rate in (speed, g * speed, f * speed))
    modes = np.abs(np.array([up / up[0] * np.exp(-rho), down / down[0] * np.exp(rho)]) - 1).max()
    sums = np.abs(np.array([f - f[0] - to_f, g - g[0] - to_g]) / g).max()
    return {"modes": float(modes), "sums": float(sums)}


def bounds(draws: int, rng: np.random.Generator) -> np.ndarray:
    """Growth gamma over S / Sigma_0 (draws,) of random networks: 1 to 20 units, layers and targets of any size."""
    found = []
    for _ in range(draws):
        first, last, target = 10 ** rng.uniform(-2, 2, 3)
        a0, b0 = rng.standard_normal((2, rng.integers(1, 21)))
        net = ScalarNetwork(first * a0, last * b0, target)
        found.append(net.gamma_inf * net.weight_to_target)
    return np.array(found)


def draw(data: Data, settings: AlignedModes) -> Figure:
    """Modes along training per setting, then the law of the ratio."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(15, 3.6), layout="constrained")
    axes = figure.subplots(1, 5)
    titles = {
        "rich": "(a) small weights",
        "between": "(b) larger weights",
        "kernel": "(c) kernel scaling",
        "small target": "small target",
    }
    for ax, (name, title), row in zip(axes, titles.items(), data["numbers"], strict=False):
        target = SETTINGS[name][2]
        t = data[f"{name}_t"] / data[f"{name}_t"][-1]
        ax.plot(t, data[f"{name}_aligned"] / target, color=style.ORDER[4], label="aligned $h_+$")
        ax.plot(t, data[f"{name}_opposed"] / target, color=style.ORDER[3], label="anti-aligned $h_-$")
        ax.plot(t, data[f"{name}_progress"], "k--", lw=1, label="their sum $f$")
        ax.set(xlabel="flow time over time to 99.9%", ylabel="mode over target")
        ax.set_title(rf"{title}, $\Sigma_0/|S|$ = {row[0]:.2g}", fontsize=10)
    axes[3].legend(fontsize=8, loc=(0.4, 0.6))
    ratio = np.geomspace(1e-3, 1e3, 200)
    axes[4].loglog(ratio, np.exp(np.arcsinh(1 / ratio)), "k:", label=r"$e^{\mathrm{arsinh}(1/R)}$")
    axes[4].loglog(data["random_ratio"], data["random_gamma"], ".", color=style.ORDER[4], label="Gaussian starts")
    axes[4].loglog(*data["numbers"][:, :2].T, "s", color=style.ORDER[3], label="the four settings")
    axes[4].set(xlabel=r"weight-to-target ratio $\Sigma_0/|S|$", ylabel=r"growth of the features $\gamma_+$")
    axes[4].legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


def from_ratio(ratio: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """How far the growth is from what the ratio alone would give, relative."""
    return np.abs(gamma / np.exp(np.arcsinh(1 / ratio)) - 1)


def margins(data: Data) -> np.ndarray:
    """Decades by which the growth of the kernel exceeds 10 (small ratios) or changes less than 0.6% (large ones)."""
    ratio, growth = data["random_ratio"], data["random_growth"]
    rich, lazy = growth[ratio < 0.05], growth[ratio > 10]
    if not (rich.size and lazy.size):
        raise ValueError("data must hold starts of R < 0.05 and of R > 10")
    return np.concatenate([np.log10(rich / 10), np.log10(0.006 / np.abs(lazy - 1))])


every_setting = every("setting")
every_start = every("start")
CLAIMS = (
    Claim(
        "aligned_modes.growth",
        "Equation 19",
        "From a zero function the weight-to-target ratio R sets how much the features grow.",
        Quantity(
            "integrated flow: relative difference of the growth of (a + b)^2 from exp(arsinh(1/R))",
            lambda data: from_ratio(*data["numbers"][:, :2].T),
        ),
        every_setting < 1e-6,
        fixed=AFTER,
    ),
    Claim(
        "aligned_modes.modes",
        "Equation 16",
        "The aligned mode grows and the anti-aligned one shrinks at the same relative rate.",
        Quantity(
            "integrated flow: largest relative distance of the two modes from their start times exp(+rho) and "
            "exp(-rho), rho = 2/Z times the integral of S - f",
            lambda data: [float(data[f"{name}_modes"]) for name in SETTINGS],
        ),
        every_setting < 1e-6,
    ),
    Claim(
        "aligned_modes.sums",
        "Equations 17, 18",
        "Their difference is the rate of the function, and the function that of their difference.",
        Quantity(
            "integrated flow: largest distance of f = h+ + h- and g = h+ - h- from 2/Z times the integrals of "
            "g (S - f) and f (S - f), over g",
            lambda data: [float(data[f"{name}_sums"]) for name in SETTINGS],
        ),
        every_setting < 1e-6,
    ),
    # a reading: the paper says that the ratio determines the growth and points to Remark I.3, which only bounds it
    Claim(
        "aligned_modes.ratio-alone",
        "Section 7.1",
        "The ratio alone sets it, whatever the start.",
        Quantity(
            "integrated flow from Gaussian weights: relative difference of the growth of (a + b)^2 from "
            "exp(arsinh(1/R))",
            lambda data: from_ratio(data["random_ratio"], data["random_gamma"]),
        ),
        every_start < 0.01,
        source=READING,
        fixed=AFTER,
        why="Equation 19 also contains f(0), of order Sigma_0 / root of the width in a random start: the growth "
        "differs by about f(0) / Sigma_0",
        defence="Equation 19 itself contains f(0), and its share falls with the width, which is 100 here",
    ),
    Claim(
        "aligned_modes.greedy",
        "Figure 7a",
        "From small weights the aligned mode saturates and the anti-aligned one does nothing.",
        Quantity("final |h-| / h+ at R = 0.01", lambda data: np.abs(data["numbers"][:1, 3])),
        every_setting < 1e-3,
    ),
    Claim(
        "aligned_modes.rich",
        "Figure 7a",
        "It is the rich regime: the kernel changes strongly.",
        Quantity("final over initial kernel at R = 0.01", lambda data: data["numbers"][:1, 2]),
        every_setting > 10,
        fixed=AFTER,
    ),
    Claim(
        "aligned_modes.lazy",
        "Figure 7c",
        "The kernel scaling and a small target are the lazy regime: the kernel hardly changes.",
        Quantity(
            "distance of final over initial kernel from 1, in the kernel scaling and with a small target",
            lambda data: np.abs(data["numbers"][2:, 2] - 1),
        ),
        every_setting < 0.006,
        fixed=AFTER,
    ),
    Claim(
        "aligned_modes.bound",
        "Remark I.3",
        "The growth is at least the inverse of the ratio: gamma >= S / Sigma_0, so a small ratio means rich.",
        Quantity(
            "smallest Sigma_0 gamma / S over random networks (20,000 unless set otherwise), Gaussian layers of scales "
            "0.01 to 100, targets 0.01 to 100",
            lambda data: data["bound"].min(),
        ),
        value >= 1 - 1e-12,  # equal for one unit of equal weights, up to rounding
        fixed=AFTER,
    ),
    # a reading: the remark bounds the growth from below and says nothing of large ratios
    Claim(
        "aligned_modes.kernel-from-gaussian-starts",
        "Section 7.1",
        "From Gaussian starts of width 100, too, a small ratio means rich and a large one lazy.",
        Quantity(
            "decades by which, from Gaussian weights, the kernel grows more than 10 times if R < 0.05 or changes less "
            "than 0.6% if R > 10",
            margins,
        ),
        every_start > 0,
        source=READING,
        fixed=AFTER,
        why="a random start has f(0) of order Sigma_0 / root of the width, more than the target when R is large, "
        "and undoing it changes the kernel by half of (f(0) / Sigma_0)^2; at width 10^4 the criterion is met",
        defence="the paper names no width and no bounds, and at width 10^4 these are met",
    ),
)
FIGURE = PaperFigure(
    name="layerwise/aligned_modes",
    caption=(
        "Figure 7. Aligned and anti-aligned modes of the scalar network: from small weights the aligned one does "
        "everything, in the kernel scaling and with a small target both move a little (by 10 % and by 1 %). The figure "
        "is a drawing; numbers are ours: width 100, weights 0.01 or 0.1 of either sign, kernel scaling with weights 1 "
        "over the root of the width, small target 0.01."
    ),
    presets={"quick": AlignedModes(), "paper": AlignedModes(width=10_000, replicates=200)},
    compute=compute,
    draw=draw,
    seconds=5,
    cost="about 1 s on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_07", "fig-7", "section-7.1"),
    stream="layerwise_07",
)
