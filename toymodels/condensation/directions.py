"""Directions into which neurons condense from a small start: predicted by the potential, reached by descent."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.initial import with_bias
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import positive, positive_int

NOTHING = 1e-12  # of a potential of inputs and targets scaled to a largest entry of 1: rounding


def condensed_directions(
    x: ArrayLike, y: ArrayLike, p: int = 1, *, mean_fitted: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    r"""Where neurons can end: maxima of T with T > 0 and minima with T < 0 on the unit sphere.

    An activation with s(0) = s_0 != 0 has fewer ends, see :mod:`toymodels.condensation.initial`: if the targets have a
    mean, it gives all output weights the sign of :math:`s_0\bar y` at once, and only the ends of that sign are left,
    which is one direction for p = 1. Without a mean nothing forces a sign, and the ends are those of s(0) = 0.

    Parameters
    ----------
    x : (n, d) array
        One input for any p, or any number of inputs for p <= 2.
    y : (n,) array
    p : int
        Multiplicity. That of :func:`multiplicity` knows s(0) and the sign of the Taylor coefficient; a plain int stands
        for z^p.
    mean_fitted : bool
        Which stage is meant when s(0) != 0: the leading order, while f is near 0 (False), or after the constant output
        has fitted the mean of the targets, the weights still small (True). Plain training spends the time in which its
        weights grow, and all of its plateau, in the second one.

    Returns
    -------
    directions : (k, d + 1) array
        Unit vectors, k <= 2p. None when s(0) != 0 leaves a sign for which T has no end: all neurons shrink.
    signs : (k,) array
        Sign of the output weight that goes there.

    Raises
    ------
    ValueError
        If p >= 3 with several inputs, where no closed form exists; if T is 0 everywhere (`y` is all zero, or orthogonal
        to all products of p inputs); or if T has no isolated ends.

    Examples
    --------
    >>> directions, signs = condensed_directions([[1.0], [-1.0]], [3.0, 1.0])
    >>> directions.round(3).tolist(), signs.tolist()
    ([[0.447, 0.894], [-0.447, -0.894]], [1.0, -1.0])
    """
    x1, targets = with_bias(x, y)
    power = positive_int("p", p)
    if power >= 3 and x1.shape[1] > 2:
        raise ValueError(f"p must be <= 2 for more than one input, got p = {p} with {x1.shape[1] - 1} inputs")
    if not targets.any():
        raise ValueError("y must have an entry that is not 0, got all zeros")
    x1, targets = x1 / np.abs(x1).max(), targets / np.abs(targets).max()  # T changes by a factor
    mean = targets.mean() if abs(targets.mean()) > NOTHING else 0.0
    forced = np.sign(getattr(p, "at_zero", 0.0) * mean)
    drive = (targets - mean if forced and mean_fitted else targets) * np.sign(getattr(p, "coefficient", 1.0))
    find = _linear_ends if power == 1 else _quadratic_ends if x1.shape[1] > 2 else _ends_on_circle
    directions, signs = find(x1, drive, power)
    left = signs == forced if forced else np.full(len(signs), True)
    return directions[left], signs[left]


def _linear_ends(x1: np.ndarray, y: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    v = x1.T @ y / len(y)
    _require_drive(v, p)
    return np.array([v, -v]) / np.linalg.norm(v), np.array([1.0, -1.0])


def _quadratic_ends(x1: np.ndarray, y: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Both directions of the lowest and of the highest eigenvector of a form in several inputs."""
    values, vectors = np.linalg.eigh((x1 * y[:, None]).T @ x1 / len(y))
    _require_drive(values, p)
    chosen = np.array([values[0] < -NOTHING, values[-1] > NOTHING])
    if (np.diff(values)[[0, -1]][chosen] < NOTHING).any():
        raise ValueError("x and y must give T isolated ends, got a circle of them")
    ends = vectors.T[[0, -1]][chosen]
    signs = np.array([-1.0, 1.0])[chosen]
    return np.concatenate([ends, -ends]), np.concatenate([signs, signs])


def _ends_on_circle(x1: np.ndarray, y: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    """One input: extrema of a trigonometric polynomial."""
    x, one = x1.T
    c = np.array([comb(p, j) * np.mean(y * x**j * one ** (p - j)) for j in range(p + 1)])
    _require_drive(c, p)
    angles = _critical_angles(c)
    u = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    across = np.stack([-u[:, 1], u[:, 0]], axis=1)
    height = (u @ x1.T) ** p @ y / len(y)
    bend = p * (p - 1) * ((u @ x1.T) ** (p - 2) * (across @ x1.T) ** 2) @ y / len(y) - p * height
    rounding = NOTHING * (np.abs(u) @ np.abs(x1.T)) ** p @ np.abs(y) / len(y)
    attracting = (height * bend < 0) & (np.abs(height) > rounding)
    return u[attracting], np.sign(height[attracting])


def _require_drive(terms: np.ndarray, p: int) -> None:
    """Refuse data whose potential, with these terms, is 0 in all directions."""
    if np.abs(terms).max() <= NOTHING:
        raise ValueError(f"y must drive the neurons at order p = {p}, got one orthogonal to all products of {p} inputs")


def normalised_descent(network: TwoLayerNetwork, x: ArrayLike, y: ArrayLike, n_steps: int, lr: float) -> Trajectory:
    """Each neuron takes steps of one relative length down its own gradient and keeps its size.

    To leading order this runs through the same orbit as the flow, at a pace of its own for each neuron, so that slow
    neurons arrive too. Leading axes of the network are replicates.

    Parameters
    ----------
    network : TwoLayerNetwork
        Small weights, so that f stays near 0; an output bias stays as it is.
    x : (n, d) array
    y : (n, K) or (..., n, K) array
        As in :class:`TwoLayerNetwork`.
    n_steps : int
    lr : float
        Angle of one step in radians, in (0, pi].

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

    Examples
    --------
    Neurons with a > 0 turn to v = (1, 2) (see :func:`condensed_directions`), the others to -v:

    >>> x, y, rng = np.array([[1.0], [-1.0]]), np.array([3.0, 1.0]), np.random.default_rng(0)
    >>> network = TwoLayerNetwork.random(3, 1, 1e-3, "tanh", rng)
    >>> run = normalised_descent(network, x, y, n_steps=500, lr=0.05)
    >>> a, w = run["a"][-1], run["w"][-1]
    >>> np.sign(a).tolist(), (w / np.linalg.norm(w, axis=1, keepdims=True)).round(1).tolist()
    ([-1.0, 1.0, 1.0], [[-0.4, -0.9], [0.4, 0.9], [0.4, 0.9]])
    """
    lr = float(positive("lr", lr, ndim=0))
    if lr > np.pi:
        raise ValueError(f"lr must be an angle of at most pi, got {lr:g}")
    size = _size(network.columns, network.w)
    current = network
    for step in range(positive_int("n_steps", n_steps)):
        grad_a, grad_w = current.gradient(x, y)[:2]
        grad_a = grad_a.reshape(network.columns.shape)
        slope = _size(grad_a, grad_w)
        if not (slope > 0).all():
            raise SimulationError(f"gradient of {np.sum(slope == 0)} neurons is zero at step {step}")
        scale = (lr * size / slope)[..., None]
        a, w = current.columns - scale * grad_a, current.w - scale * grad_w
        shrink = (size / _size(a, w))[..., None]
        current = network.with_weights(a * shrink, w * shrink)
    data = {"a": np.stack([network.a, current.a]), "w": np.stack([network.w, current.w])}
    return Trajectory(np.array([0, n_steps]), data, clock="step", meta={"lr": lr})


def _size(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Norm of all weights of each neuron (..., m)."""
    return np.sqrt((a**2).sum(axis=-1) + (w**2).sum(axis=-1))


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


def _critical_angles(c: np.ndarray) -> np.ndarray:
    """All angles where dT/dtheta = 0; T = sum_j c_j cos^j sin^(p-j), so the ratio cos/sin is a root of a polynomial."""
    p = len(c) - 1
    c = np.array([0.0, *c, 0.0])  # c[j + 1] is c_j
    derivative = np.array([(p - k + 1) * c[k] - (k + 1) * c[k + 2] for k in range(p + 1)])
    if np.abs(derivative).max() <= NOTHING:
        raise ValueError("x and y must give T isolated ends, got a circle of them")
    roots = np.roots(derivative[::-1])
    real = roots[np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots))].real
    angles = np.arctan2(1.0, real)
    if derivative[-1] == 0:
        angles = np.append(angles, 0.0)
    return np.concatenate([angles, angles - np.pi])
