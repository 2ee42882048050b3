"""Sharpness that must never be called the edge of stability, and true cases that must not be missed."""

from __future__ import annotations

import numpy as np

from comparisons.harness.cases import Case, Curve, rise, spike, walk, wave

LR = 0.5


def _case(name: str, descent: Curve, flow: Curve, loss: Curve | None = None) -> Case:
    """Sharpness of descent and flow in units of the edge, and the loss, which falls to a hundredth."""

    def curves(t: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
        both = {"sharpness": descent(t, rng), "flow_sharpness": flow(t, rng)}
        found = {name: np.broadcast_to(curve, t.shape) * 2 / LR for name, curve in both.items()}
        return found | {"loss": np.broadcast_to(loss(t, rng) if loss else _learned(t), t.shape)}

    return Case(name, curves, (("lr", LR),))


def _constant(value: float) -> Curve:
    return lambda t, rng: np.full(len(t), value)


def _up(high: float, half: float = 30.0) -> Curve:
    """A rise from a tenth of the edge."""
    return lambda t, rng: rise(t, half, 0.1, high)


def _learned(t: np.ndarray) -> np.ndarray:
    return 1.01 - rise(t, 10.0, 0.0, 1.0)


def _noise(low: float, high: float) -> Curve:
    return lambda t, rng: np.r_[0.1, rng.uniform(low, high, len(t) - 1)]


def _walk(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return walk(t, rng, 0.5, 0.01)


def _toothed(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rises with the flow, then a saw-tooth about the edge."""
    k = np.arange(len(t))
    return np.minimum(rise(t, 30.0, 0.1, 1.8), 0.9 + 0.2 * ((k + rng.integers(6)) % 6) / 5)


def _relaxed(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shoots over the edge with the flow, and comes down to it."""
    return rise(t, 5.0, 0.1, 2.0) - rise(t, 100.0, 0.0, 1.0)


FALSE = [
    _case("constant", _constant(0.5), _constant(0.5)),
    _case("at the edge from the start on", _constant(1.0), _constant(1.6)),
    _case("uniform noise", lambda t, rng: 2 * rng.random(len(t)) + 1e-3, lambda t, rng: 2 * rng.random(len(t)) + 1e-3),
    _case("noise about the edge", _noise(0.0, 2.0), _up(1.8)),
    _case("a flow of noise", _up(1.0), _noise(1.0, 3.0)),
    _case("random walks", _walk, _walk),
    _case("a walk under a true flow", _walk, _up(1.8)),
    _case("a spike at the end", lambda t, rng: spike(t, -1, 0.1, 1.0), _up(1.8)),
    _case("one early spike", lambda t, rng: spike(t, len(t) // 4, 0.1, 1.0), _up(1.8)),
    _case("as sharp as the flow", _up(1.6), _up(1.6)),
    _case("both below the edge", _up(0.5), _up(0.5)),
    _case("both just at the edge", _up(1.0), _up(1.05)),
    _case("the flow hardly above the edge", _up(1.0), _up(1.2)),
    _case("passing the edge on its way", _up(1.6, 3600.0), _up(1.6)),
    _case("too flat, though it started flat", _up(0.5), _up(1.8)),
    _case("half of the excess", _up(1.4), _up(1.8)),
    _case("thrown off from above", lambda t, rng: 1.5 - rise(t, 10.0, 0.0, 0.9), _constant(1.6)),
    _case("thrown off onto the edge", lambda t, rng: 1.5 - rise(t, 10.0, 0.0, 0.5), _constant(1.6)),
    _case("collapse", lambda t, rng: rise(t, 10.0, 0.1, 1.5) - rise(t, 100.0, 0.0, 1.4), _up(1.8)),
    _case("never learning", _up(1.0), _up(1.8), _constant(1.0)),
    _case("learned and lost again", _up(1.0), _up(1.8), lambda t, rng: _learned(t) + rise(t, 500.0, 0.0, 1.0)),
    _case("a flow that falls back", _up(1.0), lambda t, rng: rise(t, 10.0, 0.1, 3.0) - rise(t, 100.0, 0.0, 1.4)),
    _case("oscillating", lambda t, rng: wave(t, 0.1, 1.9), _up(1.8)),
]
TRUE = [
    _case("rises to the edge and stays", _up(1.0), _up(1.8)),
    _case("a little above the edge", lambda t, rng: np.minimum(_up(2.5)(t, rng), 1.08), _up(2.5)),
    _case("a saw-tooth about the edge", _toothed, _up(1.8)),
    _case("over the edge first", _relaxed, _up(1.6, 5.0)),
    _case(
        "with noise",
        lambda t, rng: _up(1.0)(t, rng) + 0.03 * rng.standard_normal(len(t)),
        lambda t, rng: _up(1.8)(t, rng) + 0.03 * rng.standard_normal(len(t)),
    ),
    _case("a flow not much above the edge", _up(1.0), _up(1.4)),
]
