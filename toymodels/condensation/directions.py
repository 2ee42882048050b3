"""Directions into which neurons condense from a small start: predicted by the potential, reached by descent."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.initial import potential, with_bias
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import positive, positive_int


def condensed_directions(x: ArrayLike, y: ArrayLike, p: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Where neurons can end: maxima of T with T > 0 and minima with T < 0 on the unit sphere.

    Parameters
    ----------
    x : (n, d) array
        One input for any p, or any number of inputs for p <= 2.
    y : (n,) array
    p : int
        Multiplicity.

    Returns
    -------
    directions : (k, d + 1) array
        Unit vectors, k <= 2p.
    signs : (k,) array
        Sign of the output weight that goes there.

    Raises
    ------
    ValueError
        If p >= 3 with several inputs, where no closed form exists.
    """
    x1, y = with_bias(x, y)
    if positive_int("p", p) >= 3 and x1.shape[1] > 2:
        raise ValueError(f"p must be <= 2 for more than one input, got p = {p} with {x1.shape[1] - 1} inputs")
    if p == 2 and x1.shape[1] > 2:
        values, vectors = np.linalg.eigh((x1 * y[:, None]).T @ x1 / len(y))
        ends = np.array([vectors[:, 0], vectors[:, -1]])[[values[0] < 0, values[-1] > 0]]
        candidates = np.concatenate([ends, -ends])
        return candidates, np.sign(potential(x, y, candidates, p)[0])
    if p == 1:
        v = x1.T @ y
        return np.array([v, -v]) / np.linalg.norm(v), np.array([1.0, -1.0])
    angles = _critical_angles(x1[:, 0], y, p)
    u = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    across = np.stack([-u[:, 1], u[:, 0]], axis=1)
    height = potential(x, y, u, p)[0]
    bend = p * (p - 1) * ((u @ x1.T) ** (p - 2) * (across @ x1.T) ** 2) @ y / len(y) - p * height
    attracting = height * bend < 0
    return u[attracting], np.sign(height[attracting])


def normalised_descent(network: TwoLayerNetwork, x: ArrayLike, y: ArrayLike, n_steps: int, lr: float) -> Trajectory:
    """Each neuron takes steps of one relative length down its own gradient and keeps its size.

    To leading order this runs through the same orbit as the flow, at a pace of its own for each neuron, so that slow
    neurons arrive too. Leading axes of the network are replicates.

    Parameters
    ----------
    network : TwoLayerNetwork
        Small weights, so that f stays near 0.
    x : (n, d) array
    y : (n,) or (..., n) array
    n_steps : int
    lr : float
        Angle of one step in radians, > 0.

    Returns
    -------
    Trajectory
        `a`, `w` at the start and the end, on the clock "step".

    Raises
    ------
    ValueError
        If an argument is out of range.
    SimulationError
        If a neuron has no gradient to follow.
    """
    lr = float(positive("lr", lr))
    size = np.sqrt(network.a**2 + (network.w**2).sum(axis=-1))
    current = network
    for step in range(positive_int("n_steps", n_steps)):
        grad_a, grad_w = current.gradient(x, y)
        slope = np.sqrt(grad_a**2 + (grad_w**2).sum(axis=-1))
        if not (slope > 0).all():
            raise SimulationError(f"gradient of {np.sum(slope == 0)} neurons is zero at step {step}")
        scale = lr * size / slope
        a, w = current.a - scale * grad_a, current.w - scale[..., None] * grad_w
        shrink = size / np.sqrt(a**2 + (w**2).sum(axis=-1))
        current = TwoLayerNetwork(a * shrink, w * shrink[..., None], network.activation)
    data = {"a": np.stack([network.a, current.a]), "w": np.stack([network.w, current.w])}
    return Trajectory(np.array([0, n_steps]), data, clock="step", meta={"lr": lr})


def arrivals(a: np.ndarray, w: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which neurons have turned into their direction, and how near these are to one of `directions`.

    Parameters
    ----------
    a : (m,) array
    w : (m, d + 1) array
        The end of :func:`normalised_descent`.
    directions : (k, d + 1) array
        Unit vectors.

    Returns
    -------
    arrived : (m,) boolean array
        False for neurons on the wrong side of `a`, which have shrunk to w = 0.
    cosine : (n_arrived,) array
        With the nearest direction.
    """
    arrived = (w**2).sum(axis=1) > 0.1 * a**2
    weights = w[arrived]
    return arrived, (weights @ directions.T / np.linalg.norm(weights, axis=1, keepdims=True)).max(axis=1)


def _critical_angles(x: np.ndarray, y: np.ndarray, p: int) -> np.ndarray:
    """All angles where dT/dtheta = 0; T = sum_j c_j cos^j sin^(p-j), so the ratio cos/sin is a root of a polynomial."""
    c = np.array([0.0, *(comb(p, j) * np.mean(y * x**j) for j in range(p + 1)), 0.0])  # c[j + 1] is c_j
    derivative = [(p - k + 1) * c[k] - (k + 1) * c[k + 2] for k in range(p + 1)]
    roots = np.roots(derivative[::-1])
    real = roots[np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots))].real
    angles = np.arctan2(1.0, real)
    if derivative[-1] == 0:
        angles = np.append(angles, 0.0)
    return np.concatenate([angles, angles - np.pi])
