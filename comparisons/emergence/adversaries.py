"""Skills that must never be called stages, and true stages that must not be missed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comparisons.harness.cases import Case, Curve, narrow, rise, spike, walk, wave

SKILLS = 3
Skill = Callable[[np.ndarray, np.random.Generator, int], np.ndarray]  # progress of skill k


def _skills(skill: Skill) -> Callable:
    def curves(t, rng):
        return {"skills": np.column_stack([skill(t, rng, k) for k in range(SKILLS)])}

    return curves


def _all(curve: Curve) -> Callable:
    return _skills(lambda t, rng, k: np.asarray(curve(t, rng)))


def _stage(t: np.ndarray, k: int, high: float = 1.0) -> np.ndarray:
    """Skill k, half-way at 10, 100, 1000, in about half a decade."""
    return rise(t, 10.0 ** (k + 1), 0.0, high)


def _exponential(t: np.ndarray, rate: float) -> np.ndarray:
    return -np.expm1(-rate * t)


def _held(t: np.ndarray, k: int) -> np.ndarray:
    """Exponentials a factor 3 apart, looked at once in a decade and held in between."""
    return _exponential(10.0 ** np.floor(np.log10(t) + 1e-9), 0.1 * 3.0**-k)


FALSE = [
    Case("constant", _all(lambda t, rng: np.full(len(t), 0.05))),
    Case("uniform noise", _all(lambda t, rng: rng.random(len(t)))),
    Case("noise about nothing", _all(lambda t, rng: 0.02 * rng.standard_normal(len(t)))),
    Case("random walks", _all(lambda t, rng: walk(t, rng, 0.0, 0, 1))),
    Case("one spike each", _skills(lambda t, rng, k: spike(t, (k + 1) * len(t) // 4, 0.0, 1.0))),
    Case("a spike of two records each", _skills(lambda t, rng, k: narrow(0 * t, (k + 1) * len(t) // 4, 1.0))),
    Case("a spike at the end", _skills(lambda t, rng, k: _stage(t, k) if k < 2 else spike(t, -1, 0.0, 1.0))),
    Case("never learning", _all(lambda t, rng: 0 * t)),
    Case("the last skill never learned", _skills(lambda t, rng, k: _stage(t, k, 1.0 if k < 2 else 0.8))),
    Case("starting at the answer", _all(lambda t, rng: 1 + 0 * t)),
    Case("starting past the first skill", _skills(lambda t, rng, k: _stage(t, k) if k else 1 + 0 * t)),
    Case("all at once", _all(lambda t, rng: rise(t, 100.0, 0.0))),
    Case("exponentials at one rate", _all(lambda t, rng: _exponential(t, 0.01))),
    Case("exponentials a factor 3 apart", _skills(lambda t, rng, k: _exponential(t, 0.1 * 3.0**-k))),
    Case("in the opposite order", _skills(lambda t, rng, k: _stage(t, SKILLS - 1 - k))),
    Case("looked at once in a decade", _skills(lambda t, rng, k: _held(t, k))),
    Case("a step between the same two records", _all(lambda t, rng: (t >= 100) * 1.0)),
    Case("oscillating", _all(lambda t, rng: wave(t, 0.0, 1.0))),
    Case("dying network", _skills(lambda t, rng, k: _stage(t, k) - rise(t, 3000, 0.0, 0.9))),
]
TRUE = [
    Case("a stage in every decade", _skills(lambda t, rng, k: _stage(t, k))),
    Case("with noise", _skills(lambda t, rng, k: _stage(t, k) + 0.02 * rng.standard_normal(len(t)))),
    Case("sudden", _skills(lambda t, rng, k: (t >= 10.0 ** (k + 1)) * 1.0)),
    Case("a little past the target", _skills(lambda t, rng, k: _stage(t, k, 1.02))),
]
