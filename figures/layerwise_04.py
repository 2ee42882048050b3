"""Figure 4 of Nam et al. (2025): skills emerge in time, data and parameters, in the solvable model and in a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.study import BaseParams
from figures.core import Claim, Data, Grid, PaperFigure, all_above, all_below, median_below
from toymodels.layerwise import SkillModel

DATA_CONSTANT, UNITS_PER_SKILL = 800.0, 4.0  # fitted by the authors to their network, panels (b) and (c)


@dataclass(frozen=True)
class Params(BaseParams):
    """Task, network and length of training; the overlays have five skills as published."""

    alpha: float = 0.6
    target: float = 5.0
    n_skills: int = 3
    n_bits: int = 9
    width: int = 400
    batch_size: int = 500
    n_test: int = 1000
    n_steps: int = 5500
    replicas: int = 3
    samples: int = 30  # per skill of a finite training set, panel (b) of the exact model


def network(alpha: float, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray]:
    """Strengths of the skills of a ReLU network in time, and those of the model calibrated on its first skill."""
    from dnn.skill_network import SkillNetwork

    task = SkillNetwork(alpha, p.n_skills, p.n_bits, p.target, p.width, batch_size=p.batch_size, n_test=p.n_test)
    run = task.simulate(p.n_steps, rng)
    model = task.calibrated(run)
    half = np.minimum(task.crossing_times(run), 2.0 * p.n_steps)  # skills not learned in time count as twice it
    return {
        "t": run.t,
        "skill": run["skill"] / p.target,
        "model": model.solve(run.t)["skill"] / p.target,
        "half": half,
        "predicted": model.time_to(0.5),
    }


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The network in time, the overlays in data and parameters, and the exact model on finite training sets."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(network, p=p), {"alpha": [p.alpha]}, replicates=p.replicas, seed=seed)
    published = SkillModel(p.alpha, 5, target=p.target, initial=1e-4)
    shares = published.frequencies
    n_examples, n_units = np.linspace(0, 35_000, 200), np.arange(1, 25)
    counts = rng.multinomial(p.samples, shares, size=50)  # finite training sets
    learned = [published.solve([0.0, np.inf], count / p.samples)["skill"][1] for count in counts]
    rank = np.arange(5)
    return {
        **{str(name): values.values[0] for name, values in runs.data_vars.items()},  # (replicates, ...)
        "t": runs["t"].values[0, 0],
        "exact_half": published.time_to(0.5) / published.time_to(0.5)[0] * shares / shares[0],
        "n_examples": n_examples,
        "by_data": 1 - np.sqrt(np.maximum(1 - n_examples[:, None] * shares / DATA_CONSTANT, 0)),
        "n_units": n_units,
        "by_units": np.clip((n_units[:, None] - rank * UNITS_PER_SKILL) / UNITS_PER_SKILL, 0, 1),
        "counts": counts,
        "learned": np.array(learned) / p.target,
    }


def draw(data: Data, p: Params):
    """Network and model in time, then the overlays in data and in parameters, and the exact model on finite data."""
    from matplotlib.figure import Figure

    from comparisons import style

    figure = Figure(figsize=(14, 3.6), layout="constrained")
    axes = figure.subplots(1, 4)
    for k in range(data["skill"].shape[2]):
        axes[0].plot(data["t"], data["skill"][..., k].T, color=style.ORDER[k], lw=1)
        axes[0].plot(data["t"], data["model"][0, :, k], color=style.ORDER[k], ls="--", lw=1.5)
    axes[0].plot([], [], "k-", lw=1, label="ReLU network, every run")
    axes[0].plot([], [], "k--", label="skill model, set by skill 1")
    axes[0].set(xlabel="step", ylabel="strength of the skill over target", title="(a) time")
    for k in range(data["by_data"].shape[1]):
        axes[1].plot(data["n_examples"], data["by_data"][:, k], color=style.ORDER[k], label=f"skill {k + 1}")
        axes[2].step(data["n_units"], data["by_units"][:, k], color=style.ORDER[k], where="post")
        seen = np.unique(data["counts"][:, k])
        means = [data["learned"][data["counts"][:, k] == count, k].mean() for count in seen]
        axes[3].plot(seen, means, "o-", ms=3, color=style.ORDER[k])
    axes[1].set(xlabel="number of examples", ylabel="strength over target", title="(b) data, extended model")
    axes[2].set(xlabel="hidden units", ylabel="strength over target", title="(c) parameters, extended model")
    axes[3].set(xlabel="examples of the skill in the set", ylabel="strength over target", xlim=(-0.5, 8))
    axes[3].set_title("exact model, finite training sets")
    axes[0].legend(fontsize=8, loc="lower right")
    axes[1].legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


def _ordered(data: Data) -> np.ndarray:
    """Smallest ratio of the half-times of neighbouring skills, per run."""
    return (data["half"][:, 1:] / data["half"][:, :-1]).min(axis=1)


def _half_time_error(data: Data) -> np.ndarray:
    """Largest relative error of the predicted ratios of half-times, per run."""
    measured, predicted = (data[name] / data[name][:, :1] for name in ("half", "predicted"))
    return np.abs(measured / predicted - 1).max(axis=1)


def _curve_error(data: Data) -> np.ndarray:
    """Largest root mean square distance of a skill's curve from the calibrated model, per run."""
    return np.sqrt(((data["skill"] - data["model"]) ** 2).mean(axis=1)).max(axis=1)


FIGURE = PaperFigure(
    name="layerwise_04",
    paper="layerwise",
    caption=(
        "Skills of power-law frequency emerge one after another, in a ReLU network trained on parities and in the "
        "solvable model. Settings are not printed; those of the published code (arXiv:2404.17563) in the paper preset, "
        "fewer skills, bits and units in the quick one. The network is run in time only; in data and parameters the "
        "authors' overlays (800 examples, 4 units per skill, both fitted by them) are drawn, and the exact model is "
        "shown on random small training sets."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            n_skills=5, n_bits=32, width=1000, batch_size=4000, n_test=20_000, n_steps=30_000, replicas=10, samples=300
        ),
    },
    compute=compute,
    draw=draw,
    cost="about 10 runs of 2 hours on one core, minutes each on a GPU (estimated from the quick preset).",
    claims=(
        Claim(
            key="layerwise-4a-order",
            place="Figure 4a",
            statement="In the network skills emerge in the order of their frequency.",
            criterion="half-times increase (smallest ratio of neighbours > 1), every run",
            measure=_ordered,
            holds=all_above(1.0),
        ),
        Claim(
            key="layerwise-4a-times",
            place="Figure 4a",
            statement="The model captures when they emerge: half-times are inverse to frequencies.",
            criterion="ratios of half-times to that of skill 1 within 25% of P_1 / P_k, every run",
            measure=_half_time_error,
            holds=all_below(0.25),
        ),
        Claim(
            key="layerwise-4a-curves",
            place="Figure 4a",
            statement="It captures their course accurately.",
            criterion="calibrated on skill 1, root mean square distance < 0.1 of the target for every skill, median",
            measure=_curve_error,
            holds=median_below(0.1),
            why="just missed: the rarest skill rises later and more slowly than the model says, more so with smaller "
            "width and batch (200 units, batches of 300: 0.18, half-times off by 27%); published size not run",
        ),
        Claim(
            key="layerwise-4a-exact",
            place="Equation 11",
            statement="In the model itself half-times are exactly inverse to frequencies.",
            criterion="half-time times frequency, over that of skill 1, within 1e-9 of 1",
            measure=lambda data: np.abs(data["exact_half"] - 1),
            holds=all_below(1e-9),
        ),
        Claim(
            key="layerwise-4b-data",
            place="Appendix E.4",
            statement="A skill is learned if and only if an example of it is in the training set.",
            criterion="exact model: strength over target within 1e-3 of [count > 0] in 50 random sets (value: worst)",
            measure=lambda data: [np.abs(data["learned"] - (data["counts"] > 0)).max()],
            holds=all_below(1e-3),
        ),
    ),
)
