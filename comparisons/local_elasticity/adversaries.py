"""Contrasts that were not learned, and learned ones that must not be missed."""

from __future__ import annotations

import numpy as np

from comparisons.harness.cases import Case, Curve, Maker, rise, spike, walk, wave


def _elastic(contrast: Curve, start: float = 0.1, fitted: bool = True) -> Maker:
    def curves(t, rng):
        both = {"contrast": np.asarray(contrast(t, rng)), "start_contrast": np.full(len(t), start)}
        return both | ({"train": rise(t, 10)} if fitted else {})

    return curves


FALSE = [
    Case("constant", _elastic(lambda t, rng: np.full(len(t), 0.1))),
    Case("random", _elastic(lambda t, rng: 0.1 + 0.3 * rng.standard_normal(len(t)))),
    Case("uniform noise", _elastic(lambda t, rng: rng.random(len(t)) - 0.4)),
    Case("random walk", _elastic(lambda t, rng: walk(t, rng, 0.1))),
    Case("random walk, no training score", _elastic(lambda t, rng: walk(t, rng, 0.1), fitted=False)),
    Case("noise, no training score", _elastic(lambda t, rng: rng.random(len(t)) - 0.4, fitted=False)),
    Case("untrained kernel", _elastic(lambda t, rng: np.full(len(t), 1.2), start=1.2)),
    Case("starting at the answer", _elastic(lambda t, rng: 0.8 + 0.01 * rng.random(len(t)), start=0.8)),
    Case("at another level all along", _elastic(lambda t, rng: np.full(len(t), 0.6))),
    Case("oscillating", _elastic(lambda t, rng: wave(t, 0.1, 0.6))),
    Case("a spike at the end", _elastic(lambda t, rng: spike(t, -1, 0.1, 1.0))),
    Case("one early spike", _elastic(lambda t, rng: spike(t, len(t) // 4, 0.1, 1.0))),
    Case("dying network", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5) - rise(t, 1000, 0, 0.4))),
    Case("after the fit only", _elastic(lambda t, rng: rise(t, 2000, 0.1, 0.6))),
]


TRUE = [
    Case("learned by the fit", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5))),
    Case("learned, without a training score", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5), fitted=False)),
    Case("with noise", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5) + 0.02 * rng.standard_normal(len(t)))),
]
