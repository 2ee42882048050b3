"""Skills of a ReLU network limited in data or in width, and the solvable model extended to both limits."""

from __future__ import annotations

import numpy as np


def limited_in_data(alpha: float, rng: np.random.Generator, p) -> dict[str, np.ndarray]:
    """Final strengths over target (n_sizes, n_skills) of networks trained on the first samples of one set."""
    return {"strength": _task(alpha, p).final_strengths(p.limited_steps, rng, n_samples=p.data_sizes)}


def limited_in_width(alpha: float, rng: np.random.Generator, p) -> dict[str, np.ndarray]:
    """Final strengths over target (n_widths, n_skills) of networks of few units trained on fresh samples."""
    return {"strength": _task(alpha, p).final_strengths(p.limited_steps, rng, widths=p.widths)}


def _task(alpha: float, p):
    from dnn.skill_network import SkillNetwork

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


def by_data(n_examples: np.ndarray, shares: np.ndarray, constant: float) -> np.ndarray:
    """Strengths over target (n, n_skills) of the extended model, 1 - sqrt((1 - D P_k / D_c)_+)."""
    return 1 - np.sqrt(np.maximum(1 - n_examples[:, None] * shares / constant, 0))


def by_width(n_units: np.ndarray, n_skills: int, constant: float) -> np.ndarray:
    """Strengths over target (n, n_skills) of the extended model, in which every skill takes `constant` units."""
    return np.clip(n_units[:, None] / constant - np.arange(n_skills), 0, 1)
