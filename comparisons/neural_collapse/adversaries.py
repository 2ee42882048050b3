"""Variability that is no collapse, and true collapse that must not be missed."""

from __future__ import annotations

import numpy as np

from comparisons.harness.cases import Case, Curve, Maker, narrow, rise, spike, walk, wave


def _collapsing(ratio: Curve, angle: Curve | None = None, train: Curve | None = None) -> Maker:
    def curves(t, rng):
        return {
            "train": train(t, rng) if train else np.minimum(1.01 * rise(t, 10), 1.0),
            "within_between": np.asarray(ratio(t, rng)),
            "nc2_angle": np.asarray(angle(t, rng)) if angle else rise(t, 200, 0.5, 0.02),
        }

    return curves


def _fitted(t: np.ndarray) -> int:
    """The record from which on the usual training score is 1."""
    return int(np.flatnonzero(1.01 * rise(t, 10) >= 1)[0])


def _falling(t, rng):
    return 10 ** rise(t, 300, 0.0, -2.0)


FALSE = [
    Case("constant", _collapsing(lambda t, rng: np.full(len(t), 0.5))),
    Case("random", _collapsing(lambda t, rng: 10.0 ** rng.normal(-1, 1, len(t)))),
    Case("uniform noise", _collapsing(lambda t, rng: rng.random(len(t)) + 1e-6, lambda t, rng: rng.random(len(t)))),
    Case("random walk", _collapsing(lambda t, rng: 10 ** walk(t, rng, 0.0), lambda t, rng: walk(t, rng, 0.5, 0, 1))),
    Case("a spike at the end", _collapsing(lambda t, rng: spike(t, -1, 1.0, 1e-3))),
    Case("a narrow spike at the fit", _collapsing(lambda t, rng: narrow(0 * t + 0.05, _fitted(t), 1.0))),
    Case("oscillating", _collapsing(lambda t, rng: 10 ** wave(t, 0.0, -2.0))),
    Case("never fitting", _collapsing(_falling, train=lambda t, rng: rise(t, 10, 0.1, 0.99))),
    Case("starting at the answer", _collapsing(lambda t, rng: np.full(len(t), 1e-3), lambda t, rng: 0 * t + 0.01)),
    Case("variability without simplex", _collapsing(_falling, lambda t, rng: 0 * t + 0.385)),
    Case("a fall that stops high", _collapsing(lambda t, rng: 1e3 * 10 ** rise(t, 300, 0.0, -1.0))),
    Case("dying network", _collapsing(_falling, train=lambda t, rng: rise(t, 10) - rise(t, 1000, 0, 0.9))),
    Case("two classes", _collapsing(_falling, lambda t, rng: 0 * t), (("classes", 2),)),
]


TRUE = [
    Case("collapses", _collapsing(_falling)),
    Case("with noise", _collapsing(lambda t, rng: _falling(t, rng) * 10 ** (0.05 * rng.standard_normal(len(t))))),
]
