"""Pairs of trainings that must never count as regularisation by small batches, and true ones that must not be missed.

Unless it is said otherwise both begin at a complexity of 50 and fit their data, one loss as the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comparisons.harness.cases import Case, Curve, narrow, rise, spike, walk, wave

START = 50.0


def _pair(
    lead: Curve, full: Curve | None = None, small_loss: Curve | None = None, full_loss: Curve | None = None
) -> Callable:
    """Complexities from the decades by which the small batch's is smaller, and losses from their decimal logs."""

    def curves(t, rng):
        whole = START * 10 ** (np.zeros(len(t)) + (full(t, rng) if full else 0.0))
        losses = {
            "small_loss": 10 ** (np.zeros(len(t)) + (small_loss or _fitted)(t, rng)),
            "full_loss": 10 ** (np.zeros(len(t)) + (full_loss or _fitted)(t, rng)),
        }
        return {"small": whole / 10 ** (np.zeros(len(t)) + lead(t, rng)), "full": whole} | losses

    return curves


def _fitted(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return -rise(t, 10.0, 0.0, 3.0)


def _grown(t: np.ndarray, rng: np.random.Generator | None = None, height: float = 0.8) -> np.ndarray:
    """A lead that grows in the middle of the run."""
    return rise(t, 100.0, 0.0, height)


def _noise(t: np.ndarray, rng: np.random.Generator, size: float) -> np.ndarray:
    return size * rng.standard_normal(len(t))


def _without_losses(lead: Curve) -> Callable:
    def curves(t, rng):
        return {"small": START / 10 ** np.asarray(lead(t, rng)), "full": np.full(len(t), START)}

    return curves


FALSE = [
    Case("equal", _pair(lambda t, rng: 0 * t)),
    Case("both simpler alike", _pair(lambda t, rng: 0 * t, full=lambda t, rng: -_grown(t))),
    Case("noise about equal", _pair(lambda t, rng: _noise(t, rng, 0.05))),
    Case("uniform noise", _pair(lambda t, rng: rng.random(len(t)))),
    Case("large noise on a small lead", _pair(lambda t, rng: _grown(t, height=0.2) + _noise(t, rng, 0.3))),
    Case("random walk", _pair(lambda t, rng: walk(t, rng, 0.0))),
    Case("random walk without losses", _without_losses(lambda t, rng: walk(t, rng, 0.0))),
    Case("one spike", _pair(lambda t, rng: spike(t, len(t) // 2, 0.0, 1.0))),
    Case("a spike of two records", _pair(lambda t, rng: narrow(0 * t, len(t) // 2, 1.0))),
    Case("a spike at the end", _pair(lambda t, rng: spike(t, -1, 0.0, 1.0))),
    Case("a lead that is lost again", _pair(lambda t, rng: _grown(t) - rise(t, 2000, 0.0, 0.8))),
    Case("oscillating", _pair(lambda t, rng: wave(t, 0.0, 0.8))),
    Case("a small lead", _pair(lambda t, rng: _grown(t, height=0.2))),
    Case("more complex", _pair(lambda t, rng: -_grown(t))),
    Case("starting at the answer", _pair(lambda t, rng: 0 * t + 0.8)),
    Case("starting simpler", _pair(lambda t, rng: 0.2 + _grown(t, height=0.6))),
    Case("never learning", _pair(_grown, small_loss=lambda t, rng: 0 * t, full_loss=lambda t, rng: 0 * t)),
    Case("small batch never fits", _pair(_grown, small_loss=lambda t, rng: 0 * t)),
    Case("dying network", _pair(_grown, small_loss=lambda t, rng: _fitted(t, rng) + rise(t, 1000, 0.0, 3.0))),
    Case("stopped too early", _pair(_grown, small_loss=lambda t, rng: -rise(t, 10.0, 0.0, 2.0))),
    Case("only the small batch fits", _pair(_grown, full_loss=lambda t, rng: -rise(t, 10.0, 0.0, 0.5))),
    Case("noise of the size of the lead", _pair(lambda t, rng: _grown(t, height=0.4) + _noise(t, rng, 0.4))),
]
TRUE = [
    Case("a growing lead", _pair(_grown)),
    Case("with noise", _pair(lambda t, rng: _grown(t) + _noise(t, rng, 0.03))),
    Case("sudden", _pair(lambda t, rng: 0.8 * (t >= 100))),
    Case("only the full batch becomes complex", _pair(_grown, full=lambda t, rng: _grown(t))),
    Case("both simpler, one more so", _pair(_grown, full=lambda t, rng: -rise(t, 10.0, 0.0, 0.3))),
    Case("at equal updates, without losses", _without_losses(_grown)),
]
