"""Scores that are no late generalisation, and true ones that must not be missed."""

from __future__ import annotations

import numpy as np

from comparisons.harness.cases import Case, Curve, Maker, rise, same, spike, walk, wave


def _both(test: Curve, train: Curve | None = None) -> Maker:
    def curves(t, rng):
        return {"train": train(t, rng) if train else rise(t, 10), "test": test(t, rng)}

    return curves


def _share(t, rng):
    return walk(t, rng, rng.random(), 0, 1)


def _proportional(t, rng):
    train = rise(t, 10)
    return {"train": train, "test": 0.955 * train}


FALSE = [
    Case("constant", same(lambda t, rng: np.full(len(t), 0.97), "train", "test")),
    Case("random", same(lambda t, rng: rng.random(len(t)), "train", "test")),
    Case("random walks", same(_share, "train", "test")),
    Case("a walk after a true fit", _both(_share)),
    Case("one early spike", _both(lambda t, rng: spike(t, len(t) // 3, 0.1, 1.0))),
    Case("a spike at the end", _both(lambda t, rng: spike(t, -1, 0.1, 1.0))),
    Case("test proportional to train", _proportional),
    Case("creeping through the level", _both(lambda t, rng: rise(t, 10, 0.1, 0.949) + 0.002 * (t > 1000))),
    Case("never fitting", _both(lambda t, rng: rise(t, 1000), lambda t, rng: rise(t, 10, 0.1, 0.9))),
    Case("never generalising", _both(lambda t, rng: 0.1 + 0.02 * rng.random(len(t)))),
    Case("starting at the answer", same(lambda t, rng: np.ones(len(t)), "train", "test")),
    Case("trained from the first record on", _both(lambda t, rng: rise(t, 1000), lambda t, rng: np.ones(len(t)))),
    Case("oscillating", _both(lambda t, rng: wave(t, 0.1, 1.0))),
    Case("dying network", _both(lambda t, rng: rise(t, 100), lambda t, rng: rise(t, 10) - rise(t, 1000, 0, 0.9))),
]


def _noisy(curve: np.ndarray, rng: np.random.Generator, size: float) -> np.ndarray:
    return np.clip(curve + size * rng.standard_normal(len(curve)), 0, 1)


TRUE = [
    Case("late rise to .88", _both(lambda t, rng: rise(t, 1000, 0.5, 0.88))),
    Case("delay with noise", _both(*(lambda t, rng, h=h: _noisy(rise(t, h), rng, 0.03) for h in (1000, 10)))),
    Case("a sudden delay", _both(lambda t, rng: (t >= 1000) * 1.0, lambda t, rng: (t >= 10) * 1.0)),
]
