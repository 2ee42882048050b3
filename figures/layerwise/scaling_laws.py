"""Section 4.4 of Nam et al. (2025): loss against time, data, parameters and compute, as power laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every, value
from toymodels.layerwise import SkillModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESOURCES = ("time", "data", "parameters")
COMPUTE_ALPHA = 0.6


@dataclass(frozen=True)
class ScalingLaws(Settings):
    """Exponents, numbers of skills, and points at which the loss is evaluated.

    Parameters
    ----------
    alphas : tuple of float
        Exponents of the frequencies, the smallest first.
    n_skills : int
        Skills in the laws in time and data.
    many_skills : int
        Skills in the law in parameters.
    initial : float
        Initial strength of every skill.
    n_points : int
        Values of each resource.
    compute_skills : int
        Skills in the law in compute.
    """

    alphas: tuple[float, ...] = (0.3, 0.6, 0.9)
    n_skills: int = 100_000
    many_skills: int = 1_000_000
    initial: float = 0.1
    n_points: int = 25
    compute_skills: int = 50_000


def compute(settings: ScalingLaws, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Losses against each resource with their asymptotes, and the loss at given compute for many model sizes.

    At the smallest alpha also those of infinitely many skills.
    """
    ranges = {"time": (1e1, 1e4), "data": (1e1, 1e4), "parameters": (1, 1e3)}
    data = {"alphas": np.array(settings.alphas)}
    endless = SkillModel(settings.alphas[0], np.inf, target=1.0, initial=settings.initial)
    for resource, (low, high) in ranges.items():
        n_skills = settings.many_skills if resource == "parameters" else settings.n_skills
        x = np.unique(np.round(np.geomspace(low, high, settings.n_points)))
        models = [SkillModel(alpha, n_skills, target=1.0, initial=settings.initial) for alpha in settings.alphas]
        law = [model.constants()[resource] * x ** -model.exponents()[resource] for model in models]
        data |= {
            f"{resource}_x": x,
            f"{resource}_loss": np.array([getattr(model, f"loss_in_{resource}")(x) for model in models]),
            f"{resource}_law": np.array(law),
            f"{resource}_exponent": np.array([model.exponents()[resource] for model in models]),
            f"{resource}_all": getattr(endless, f"loss_in_{resource}")(x),
        }
    return data | _compute_frontier(settings)


def _compute_frontier(settings: ScalingLaws) -> dict[str, np.ndarray]:
    """Loss of models with the n most frequent skills against time times n, and the lowest at each compute."""
    model = SkillModel(COMPUTE_ALPHA, settings.compute_skills, target=5.0, initial=settings.initial)
    sizes = np.unique(np.round(np.geomspace(1, 1000, 60))).astype(int)
    t = np.geomspace(1e-1, 1e5, 120)
    shares = model.frequencies[: sizes[-1]]
    learned = SkillModel(COMPUTE_ALPHA, settings.compute_skills, target=5.0, initial=settings.initial).solve(t)["skill"]
    errors = np.cumsum(0.5 * shares * (model.target - learned[:, : sizes[-1]]) ** 2, axis=1)[:, sizes - 1]
    losses = errors + model.loss_in_parameters(sizes)  # (n_t, sizes)
    budget = np.geomspace(1e2, 1e6, 60)
    at_budget = [np.interp(np.log(budget), np.log(t * n), loss) for n, loss in zip(sizes, losses.T, strict=True)]
    return {
        "compute_t": t,
        "compute_sizes": sizes,
        "compute_losses": losses,
        "budget": budget,
        "frontier": np.min(at_budget, axis=0),
        "compute_exponent": np.array(model.exponents()["compute"]),
    }


def draw(data: Data, settings: ScalingLaws) -> Figure:
    """One panel per resource."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(14, 3.6), layout="constrained")
    axes = figure.subplots(1, 4)
    titles = {"time": "flow time", "data": "number of examples", "parameters": "number of skills in the model"}
    for ax, (resource, label) in zip(axes, titles.items(), strict=False):
        for k, alpha in enumerate(data["alphas"]):
            x = data[f"{resource}_x"]
            ax.loglog(x, data[f"{resource}_loss"][k], color=style.ORDER[k], label=rf"$\alpha$ = {alpha:g}")
            ax.loglog(x, data[f"{resource}_law"][k], "k:", lw=1, label="power law" if k == 0 else None)
        label_all = rf"$\alpha$ = {data['alphas'][0]:g}, all skills"
        ax.loglog(data[f"{resource}_x"], data[f"{resource}_all"], "--", color=style.ORDER[0], label=label_all)
        ax.set(xlabel=label, ylabel="loss", title=resource)
        ax.legend(fontsize=8)
    for k in range(0, len(data["compute_sizes"]), 6):
        n = data["compute_sizes"][k]
        axes[3].loglog(data["compute_t"] * n, data["compute_losses"][:, k], color="0.75", lw=1)
    axes[3].loglog(data["budget"], data["frontier"], color=style.FAMILY["layerwise"], lw=2, label="best model size")
    law = data["frontier"][30] * (data["budget"] / data["budget"][30]) ** -data["compute_exponent"]
    axes[3].loglog(data["budget"], law, "k:", lw=1, label="slope of the law")
    axes[3].set(xlabel="flow time times number of skills", ylabel="loss", title=rf"compute, $\alpha$ = {COMPUTE_ALPHA}")
    axes[3].set(xlim=(10, 1e7), ylim=(0.3, 15))
    axes[3].legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


def slope(x: np.ndarray, loss: np.ndarray, low: float) -> float:
    """Slope of log `loss` (n,) in log `x` (n,), fitted from x = `low` on."""
    chosen = x >= low
    return float(np.polyfit(np.log(x[chosen]), np.log(loss[chosen]), 1)[0])


def slope_errors(resource: str, low: float, first: int = 1) -> Callable[[Data], np.ndarray]:
    """|fitted slope + exponent| for the exponents alpha from number `first` on."""

    def measure(data: Data) -> np.ndarray:
        slopes = [slope(data[f"{resource}_x"], loss, low) for loss in data[f"{resource}_loss"]]
        return np.abs(slopes + data[f"{resource}_exponent"])[first:]

    return measure


def _small_alpha(data: Data, which: str) -> np.ndarray:
    """Minus the exponent less the fitted slope, over its bound: of the laws in time, data and parameters.

    At the smallest alpha; positive where a law is steeper than its exponent says.
    """
    bounds = {"time": (1e3, 0.01), "data": (1e3, 0.01), "parameters": (1e2, 0.03)}
    losses = {name: np.atleast_2d(data[f"{name}_{which}"])[0] for name in bounds}
    slopes = {name: slope(data[f"{name}_x"], losses[name], low) for name, (low, _) in bounds.items()}
    return np.array([-(slopes[name] + data[f"{name}_exponent"][0]) / bounds[name][1] for name in bounds])


def small_alpha_errors(data: Data) -> np.ndarray:
    """|fitted slope + exponent| over its bound, infinitely many skills: of the laws in time, data and parameters."""
    return np.abs(_small_alpha(data, "all"))


def steeper_when_cut(data: Data) -> np.ndarray:
    """How much steeper than its exponent says a law is, over its bound: those in time and data, as many skills as set.

    Negative where it is flatter.
    """
    return _small_alpha(data, "loss")[:2]


def over_law(data: Data) -> np.ndarray:
    """Loss over its asymptote at the largest time and data size, alpha 0.6 and 0.9."""
    return np.concatenate([(data[f"{name}_loss"] / data[f"{name}_law"])[1:, -1] for name in ("time", "data")])


def compute_error(data: Data) -> np.ndarray:
    """|slope of the frontier + exponent|, one value."""
    return np.abs(slope(data["budget"], data["frontier"], 1e3) + data["compute_exponent"])


every_alpha = every("alpha")
every_law = every("law")
ERROR = "distance of the slope of the loss, both axes logarithmic, from minus the exponent"
SMALL_ALPHA = f"{ERROR}, over its bound (0.01 in time and data, 0.03 in parameters), alpha 0.3"
CLAIMS = (
    Claim(
        "scaling_laws.time",
        "Section 4.4",
        "The loss is a power law of training time, exponent alpha / (alpha + 1).",
        Quantity(f"{ERROR}, over times of 10^3 ... 10^4, alpha 0.6 and 0.9", slope_errors("time", 1e3)),
        every_alpha < 0.01,
        fixed=AFTER,
    ),
    Claim(
        "scaling_laws.data",
        "Section 4.4",
        "The loss is a power law of the number of examples, exponent alpha / (alpha + 1).",
        Quantity(f"{ERROR}, over 10^3 ... 10^4 examples, alpha 0.6 and 0.9", slope_errors("data", 1e3)),
        every_alpha < 0.01,
        fixed=AFTER,
    ),
    Claim(
        "scaling_laws.parameters",
        "Section 4.4",
        "The loss is a power law of the number of parameters, exponent alpha.",
        Quantity(
            f"{ERROR}, over 10^2 ... 10^3 learned of 10^6 skills, alpha 0.6 and 0.9", slope_errors("parameters", 1e2)
        ),
        every_alpha < 0.03,
        fixed=AFTER,
    ),
    # a reading: the paper states the laws for many skills and prints no alpha
    Claim(
        "scaling_laws.small-alpha",
        "Section 4.4",
        "The same laws at alpha = 0.3, the smallest exponent of arXiv:2404.17563, for infinitely many skills.",
        Quantity(SMALL_ALPHA, small_alpha_errors),
        every_law < 1,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "scaling_laws.truncated",
        "Section 4.4",
        "Cut off after some skills the laws in time and data are steeper at alpha = 0.3: the number matters there.",
        Quantity(
            "10^5 skills unless set otherwise: minus the exponent less the slope of the loss, both axes logarithmic, "
            "over 0.01, alpha 0.3 (negative where a law is flatter)",
            steeper_when_cut,
        ),
        every_law > 1,
        source=CONTROL,
        fixed=AFTER,
        why="with more skills the laws approach those of infinitely many",
    ),
    Claim(
        "scaling_laws.constants",
        "Section 4.4",
        "The laws in time and data have the constants of arXiv:2404.17563, derived here.",
        Quantity("loss over law at time, or number of examples, 10^4, alpha 0.6 and 0.9", over_law),
        every_law.between(0.97, 1.03),
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "scaling_laws.compute",
        "Section 4.4",
        "At the best model size the loss is a power law of compute, exponent alpha / (alpha + 2).",
        Quantity(f"{ERROR}, frontier over compute of 10^3 ... 10^6, alpha 0.6", compute_error),
        value < 0.02,
        fixed=AFTER,
    ),
)
FIGURE = PaperFigure(
    name="layerwise/scaling_laws",
    caption=(
        "Section 4.4. Summed over many skills of power-law frequency, sigmoids give power laws: loss against training "
        "time, examples, model size and compute, with the predicted exponents and constants. This paper states the "
        "laws in words; settings are those of the published code of arXiv:2404.17563 (strength 1, start 0.1, 10^5 "
        "skills, here 10^6 for the law in parameters; strength 5, 50,000 skills for compute). "
        "Dashed: infinitely many skills at alpha = 0.3."
    ),
    presets={"quick": ScalingLaws(), "paper": ScalingLaws(n_points=60, n_skills=1_000_000)},
    compute=compute,
    draw=draw,
    seconds=2,
    cost="about 30 s on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_scaling", "section-4.4"),
    stream="layerwise_scaling",
)
