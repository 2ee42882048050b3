"""Skills of a ReLU network limited in data or in width, and the solvable model extended to both limits."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures.harness.figure import Data, Grid
from toymodels.layerwise import SkillModel


def limited(p, seed: int, grid: Grid) -> dict[str, np.ndarray]:
    """Networks limited in data and in width, and the extended model set by the median run of its first skill."""
    shares = SkillModel(p.alpha, p.n_skills).frequencies
    sizes, widths = np.array(p.data_sizes), np.array(p.widths)
    by_data, by_width = (
        grid(partial(run, p=p), {"alpha": [p.alpha]}, replicates=replicas, seed=seed)["strength"].values[0]
        for run, replicas in ((_in_data, p.data_replicas), (_in_width, p.width_replicas))
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
        "predicted_by_width": width_curves(widths, p.n_skills, per_skill),
        "n_units": n_units,
        "by_width": width_curves(n_units, p.n_skills, per_skill),
        "constants": np.array([examples, per_skill]),
    }


def _in_data(alpha: float, rng: np.random.Generator, p) -> dict[str, np.ndarray]:
    """Final strengths over target (n_sizes, n_skills) of networks trained on the first samples of one set."""
    return {"strength": _task(alpha, p).final_strengths(p.limited_steps, rng, n_samples=p.data_sizes)}


def _in_width(alpha: float, rng: np.random.Generator, p) -> dict[str, np.ndarray]:
    """Final strengths over target (n_widths, n_skills) of networks of few units trained on fresh samples."""
    return {"strength": _task(alpha, p).final_strengths(p.limited_steps, rng, widths=p.widths)}


def _task(alpha: float, p):
    from dnn.networks.skill_network import SkillNetwork

    return SkillNetwork(
        alpha,
        p.n_skills,
        p.n_bits,
        p.target,
        p.data_width,
        p.limited_init,
        p.limited_lr,
        p.limited_batch,
        p.n_test,
        p.momentum,
        p.device,
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


def ordered(half: np.ndarray) -> np.ndarray:
    """Smallest ratio of the half-times (or sizes) (n_runs, n_skills) of neighbouring skills, per run."""
    return (half[:, 1:] / half[:, :-1]).min(axis=1)


def ratio_error(half: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Largest relative error of the predicted ratios of half-times (or sizes) to that of the first skill, per run."""
    return np.abs(half / half[:, :1] / (predicted / predicted[..., :1]) - 1).max(axis=1)


def curve_error(strengths: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Largest root mean square distance of a skill's strengths (n_runs, n, n_skills) from the model, per run."""
    return np.sqrt(((strengths - model) ** 2).mean(axis=1)).max(axis=1)


def even_spacing_error(data: Data) -> np.ndarray:
    """Largest relative error of 2 k - 1 as ratio of the median half-widths, one value."""
    half = np.median(data["half_width"], axis=0, keepdims=True)
    return ratio_error(half, 2.0 * np.arange(half.shape[1]) + 1)


def width_curve_error(data: Data) -> np.ndarray:
    """Distance of the median over runs from the calibrated staircase, one value."""
    return curve_error(np.median(data["strength_by_width"], axis=0, keepdims=True), data["predicted_by_width"])
