"""Errors over sizes that must never be called double descent, and true peaks that must not be missed.

The times of a case are the sizes; every quantity has a column for each of 8 data sets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comparisons.harness.cases import Case, Curve, narrow, rise, spike, walk, wave

SETS = 8
FIT = 100.0  # the size at which the data are just fitted


def _errors(log_test: Curve, log_train: Curve | None = None, scatter: float = 0.05) -> Callable:
    """Test and training errors from their decimal logs; the sets differ by noise of so many decades."""

    def curves(t, rng):
        test = np.broadcast_to(np.asarray(log_test(t, rng)), len(t))[:, None]
        noise = scatter * rng.standard_normal((2, len(t), SETS))
        train = np.asarray(log_train(t, rng)) if log_train else _fits(t)
        return {"test": 10 ** (test + noise[0]), "train": 10 ** (np.broadcast_to(train, len(t))[:, None] + noise[1])}

    return curves


def _fits(t: np.ndarray, at: float = FIT) -> np.ndarray:
    """Log of a training error that vanishes from a size on."""
    return np.where(t < at, -0.5 * np.log10(1 + t), -9.0)


def _bump(t: np.ndarray, height: float, at: float = FIT, width: float = 0.4) -> np.ndarray:
    """A peak so many decades high and wide on an error that falls by a third of a decade in ten."""
    return height * np.exp(-((np.log10(t / at) / width) ** 2)) - 0.1 * np.log10(t)


def _place(t: np.ndarray) -> int:
    return int(np.argmin(np.abs(np.log(t / FIT))))


FALSE = [
    Case("constant", _errors(lambda t, rng: 0 * t)),
    Case("exactly constant", _errors(lambda t, rng: 0 * t, scatter=0.0)),
    Case("uniform noise", _errors(lambda t, rng: np.log10(rng.random(len(t)) + 1e-3))),
    Case("large scatter of the sets", _errors(lambda t, rng: 0 * t, scatter=1.0)),
    Case("random walk", _errors(lambda t, rng: walk(t, rng, 0.0))),
    Case("random walk, all sets alike", _errors(lambda t, rng: walk(t, rng, 0.0), scatter=0.0)),
    Case("one spike where the data are fitted", _errors(lambda t, rng: spike(t, _place(t), 0.0, 2.0))),
    Case("one spike elsewhere", _errors(lambda t, rng: spike(t, len(t) // 5, 0.0, 2.0))),
    Case("a peak of two sizes elsewhere", _errors(lambda t, rng: narrow(0 * t, len(t) // 5, 2.0))),
    Case("only falling", _errors(lambda t, rng: -0.5 * np.log10(t))),
    Case("falling, then rising", _errors(lambda t, rng: np.abs(np.log10(t / FIT)))),
    Case("rising, never falling again", _errors(lambda t, rng: rise(t, FIT, 0.0, 1.0))),
    Case("never learning", _errors(lambda t, rng: 0 * t, lambda t, rng: 0 * t)),
    Case("starting at the answer", _errors(lambda t, rng: 0 * t - 6, lambda t, rng: 0 * t - 9)),
    Case("a low peak", _errors(lambda t, rng: _bump(t, 0.3))),
    Case("a peak without a fit", _errors(lambda t, rng: _bump(t, 1.5), lambda t, rng: -0.1 * np.log10(t))),
    Case("a peak far from the fit", _errors(lambda t, rng: _bump(t, 1.5, FIT / 20, 0.2))),
    Case("a peak far beyond the fit", _errors(lambda t, rng: _bump(t, 1.5, FIT * 20, 0.2))),
    Case("fitted at every size", _errors(lambda t, rng: _bump(t, 1.5), lambda t, rng: 0 * t - 9, scatter=0.0)),
    Case("oscillating", _errors(lambda t, rng: wave(t, 0.0, 1.5))),
]
TRUE = [
    Case("a peak where the data are fitted", _errors(lambda t, rng: _bump(t, 1.5))),
    Case("with scatter of the sets", _errors(lambda t, rng: _bump(t, 1.5), scatter=0.2)),
    Case("all sets alike", _errors(lambda t, rng: _bump(t, 1.5), scatter=0.0)),
    Case("over samples, fitted below", _errors(lambda t, rng: _bump(t, 1.5), lambda t, rng: _fits(FIT**2 / t))),
    Case("a pole at the threshold", _errors(lambda t, rng: np.log10(1 + 1 / np.abs(np.log10(t / (1.04 * FIT)))))),
]
