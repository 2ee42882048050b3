"""Raw gradient flow, integrated numerically: what closed forms are measured against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toymodels.trajectory import SimulationError


def integrate(rate: Callable[..., tuple], start: tuple[np.ndarray, ...], t: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weights along d(weights)/dt = rate(*weights), each (n_t, *its shape), at increasing times `t` from the start."""
    from scipy.integrate import solve_ivp

    shapes = [part.shape for part in start]
    ends = np.cumsum([part.size for part in start])[:-1]

    def unpacked(flat):
        return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]

    def flat_rate(_, flat):
        return np.concatenate([part.ravel() for part in rate(*unpacked(flat))])

    flat = np.concatenate([part.ravel() for part in start])
    run = solve_ivp(flat_rate, (t[0], t[-1]), flat, "DOP853", t_eval=t, rtol=1e-11, atol=1e-13)
    if not run.success:
        raise SimulationError(f"the flow could not be integrated: {run.message}")
    parts = np.split(run.y.T, ends, axis=1)
    return tuple(part.reshape(len(t), *shape) for part, shape in zip(parts, shapes, strict=True))


def two_layers(w1: np.ndarray, w2: np.ndarray, correlation: np.ndarray, covariance: np.ndarray, t: np.ndarray):
    """Weights (n_t, h, d) and (n_t, c, h) of the linear network w2 w1 x on inputs of this covariance."""

    def rate(first, second):
        error = correlation - second @ first @ covariance
        return second.T @ error, error @ first.T

    return integrate(rate, (w1, w2), t)


def products(a: np.ndarray, b: np.ndarray, target: np.ndarray | float, variance: np.ndarray | float, t: np.ndarray):
    """Weights (n_t, n) of the diagonal network: every product a b is pulled to its own target."""

    def rate(a, b):
        error = variance * (target - a * b)
        return b * error, a * error

    return integrate(rate, (a, b), t)


def scalar_network(a0: np.ndarray, b0: np.ndarray, target: float, normalizer: float, t: np.ndarray):
    """Weights (n_t, p) of the units that share one scalar input and output, the sum of a b over the normalizer."""

    def rate(a, b):
        error = (target - a @ b / normalizer) / normalizer
        return b * error, a * error

    return integrate(rate, (a0, b0), t)
