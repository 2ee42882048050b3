"""Skills of a ReLU network in time, in data and in width, and the solvable model extended to both limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Grid
from toymodels.layerwise import SkillModel

if TYPE_CHECKING:
    from dnn.networks.skill_network import SkillNetwork


@dataclass(frozen=True)
class SkillEmergence(Settings):
    """Task, networks and lengths of training; the exact model has five skills as published.

    Parameters
    ----------
    alpha : float
        Exponent of the frequencies, which fall as k^-(alpha + 1).
    target : float
        Strength of every skill in the labels.
    n_skills : int
        Skills of the network.
    n_bits : int
        Random bits of its input.
    width : int
        Hidden units of the network in time.
    batch_size : int
        Fresh samples a step, in time.
    n_test : int
        Test samples a skill.
    n_steps : int
        Steps in time.
    replicates : int
        Networks in time.
    data_sizes : tuple of int
        Training examples.
    data_width : int
        Hidden units of the networks limited in data.
    data_replicates : int
        Training sets.
    widths : tuple of int
        Hidden units of the networks limited in width.
    width_replicates : int
        Networks limited in width, of each width.
    limited_steps : int
        Steps of a network limited in data or in width; so the four settings below.
    limited_batch : int
        Samples a step.
    limited_lr : float
        Learning rate.
    limited_init : float
        Standard deviation of the initial weights.
    momentum : float
        Of the gradient descent.
    samples : int
        Examples in a finite training set of the exact model.
    """

    alpha: float = 0.6
    target: float = 5.0
    n_skills: int = 3
    n_bits: int = 9
    width: int = 400
    batch_size: int = 500
    n_test: int = 1000
    n_steps: int = 5500
    replicates: int = 3
    data_sizes: tuple[int, ...] = (40, 80, 160, 320, 640, 1280, 2560, 5120)
    data_width: int = 100
    data_replicates: int = 5
    widths: tuple[int, ...] = (1, 2, 3, 5, 8, 12, 18, 25)
    width_replicates: int = 10
    limited_steps: int = 5000
    limited_batch: int = 100
    limited_lr: float = 0.01
    limited_init: float = 0.05
    momentum: float = 0.9
    samples: int = 30


def in_time(settings: SkillEmergence, rng: np.random.Generator, alpha: float) -> dict[str, np.ndarray]:
    """Strengths over target of the skills of a ReLU network in time, and of the model set by its first skill."""
    from dnn.networks.skill_network import SkillNetwork

    sizes = {"width": settings.width, "batch_size": settings.batch_size, "n_test": settings.n_test}
    task = SkillNetwork(alpha, settings.n_skills, settings.n_bits, settings.target, **sizes, device=settings.device)
    run = task.simulate(settings.n_steps, rng)
    model = task.calibrated(run)
    half = np.minimum(task.crossing_times(run), 2.0 * settings.n_steps)  # not learned in time: twice it
    return {
        "t": run.t,
        "skill": run["skill"] / settings.target,
        "model": model.solve(run.t)["skill"] / settings.target,
        "half": half,
        "predicted": model.time_to(0.5),
    }


def limited(settings: SkillEmergence, seed: int, grid: Grid) -> dict[str, np.ndarray]:
    """Networks limited in data and in width, and the extended model set by the median run of its first skill."""
    shares = SkillModel(settings.alpha, settings.n_skills).frequencies
    sizes, widths = np.array(settings.data_sizes), np.array(settings.widths)
    by_data, by_width = (
        grid(partial(run, settings), {"alpha": [settings.alpha]}, replicates=replicates, seed=seed)["strength"].values[
            0
        ]
        for run, replicates in ((in_data, settings.data_replicates), (in_width, settings.width_replicates))
    )
    half_data, half_width = half_sizes(sizes, by_data), half_sizes(widths, by_width)
    per_skill = 2 * np.median(half_width[:, 0])
    examples = data_constant(float(np.median(half_data[:, 0])), shares[0])
    n_examples, n_units = np.geomspace(sizes[0], sizes[-1], 300), np.linspace(0, widths[-1], 300)
    return {
        "shares": shares,
        "sizes": sizes,
        "strength_by_data": by_data,
        "half_data": half_data,
        "predicted_by_data": data_curves(sizes, shares, examples),
        "n_examples": n_examples,
        "by_data": data_curves(n_examples, shares, examples),
        "widths": widths,
        "strength_by_width": by_width,
        "half_width": half_width,
        "predicted_by_width": width_curves(widths, settings.n_skills, per_skill),
        "n_units": n_units,
        "by_width": width_curves(n_units, settings.n_skills, per_skill),
        "constants": np.array([examples, per_skill]),
    }


def in_data(settings: SkillEmergence, rng: np.random.Generator, alpha: float) -> dict[str, np.ndarray]:
    """Final strengths over target (n_sizes, n_skills) of networks trained on the first samples of one set."""
    return {
        "strength": _task(settings, alpha).final_strengths(settings.limited_steps, rng, n_samples=settings.data_sizes)
    }


def in_width(settings: SkillEmergence, rng: np.random.Generator, alpha: float) -> dict[str, np.ndarray]:
    """Final strengths over target (n_widths, n_skills) of networks of few units trained on fresh samples."""
    return {"strength": _task(settings, alpha).final_strengths(settings.limited_steps, rng, widths=settings.widths)}


def _task(settings: SkillEmergence, alpha: float) -> SkillNetwork:
    from dnn.networks.skill_network import SkillNetwork

    return SkillNetwork(
        alpha,
        settings.n_skills,
        settings.n_bits,
        settings.target,
        settings.data_width,
        settings.limited_init,
        settings.limited_lr,
        settings.limited_batch,
        settings.n_test,
        settings.momentum,
        settings.device,
    )


def half_sizes(sizes: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Size at which each skill first has half its strength, (..., n_skills), from strengths (..., n_sizes, n_skills).

    Interpolated in the logarithm of the size; the smallest size for skills that have it there already, twice the
    largest for those that never do.
    """
    logs = np.append(np.log(sizes), np.log(2.0 * sizes[-1]))
    past = np.concatenate([strengths, np.ones_like(strengths[..., :1, :])], axis=-2) >= 0.5
    first = past.argmax(axis=-2)
    high = np.take_along_axis(strengths, np.minimum(first, len(sizes) - 1)[..., None, :], axis=-2)[..., 0, :]
    low = np.take_along_axis(strengths, np.maximum(first - 1, 0)[..., None, :], axis=-2)[..., 0, :]
    inside = (first > 0) & (first < len(sizes))
    part = np.where(inside, (0.5 - low) / np.where(inside, high - low, 1), 1)
    before = logs[np.maximum(first - 1, 0)]
    return np.exp(before + part * (logs[first] - before))


def data_constant(half: float, share: float) -> float:
    """D_c of the extended model in which a skill of this share has half its strength with `half` examples."""
    return half * share / 0.75


def data_curves(n_examples: np.ndarray, shares: np.ndarray, constant: float) -> np.ndarray:
    """Strengths over target (n, n_skills) of the extended model, 1 - sqrt((1 - D P_k / D_c)_+)."""
    return 1 - np.sqrt(np.maximum(1 - n_examples[:, None] * shares / constant, 0))


def width_curves(n_units: np.ndarray, n_skills: int, constant: float) -> np.ndarray:
    """Strengths over target (n, n_skills) of the extended model, in which every skill takes `constant` units."""
    return np.clip(n_units[:, None] / constant - np.arange(n_skills), 0, 1)
