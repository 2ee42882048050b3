r"""Stochastic descent of a two-layer ReLU network on labels with fresh noise, and the descent without noise after it.

The network is :math:`f(x) = \sum_k a_k \max(0, w_k\cdot(x, 1))`, trained on the squared loss
:math:`\tfrac{1}{2B}\sum_{i\in\text{batch}} (f(x_i) - y_i - \epsilon_i)^2` with :math:`\epsilon = \pm\delta` drawn again
every time. Where the labels are fitted the noise goes on moving the weights, towards solutions whose gradients at the
samples are small: neurons of one direction in place of many. Descent without noise from any state on the way, down to
one and the same loss, makes the states comparable.

Blanc, Gupta, Valiant, Valiant (2020), arXiv:1904.09080. The count of directions is ours. Not modelled: other
activations, and steps so large that descent itself is unstable.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.batches import noisy_batches, steps_to_record
from toymodels.condensation.grouping import clusters
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.metrics.implicit_regularisation import effective_groups
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import finite, positive, positive_int

ALIKE = 0.95  # cosine from which neurons are of one direction


def paired_start(width: int, dim: int, rng: np.random.Generator) -> TwoLayerNetwork:
    """A ReLU network whose output is 0: pairs (a, w) and (-a, w) of random directions, |a| = |w| = m^(-1/4).

    Parameters
    ----------
    width : int
        Neurons m, an even number.
    dim : int
        Inputs.
    rng : numpy.random.Generator
    """
    width = positive_int("width", width, minimum=2)
    if width % 2:
        raise ValueError(f"width must be even, got {width}")
    w = rng.standard_normal((width // 2, positive_int("dim", dim) + 1))
    w *= width**-0.25 / np.linalg.norm(w, axis=1, keepdims=True)
    a = np.full(width // 2, width**-0.25)
    return TwoLayerNetwork(np.r_[a, -a], np.r_[w, w], "relu")


def effective_directions(network: TwoLayerNetwork) -> float:
    """In how many directions the neurons lie: exp of the entropy of the shares of |a||w| over clusters at cosine .95.

    Parameters
    ----------
    network : TwoLayerNetwork
        A single one, of one output.

    Examples
    --------
    >>> effective_directions(TwoLayerNetwork([1.0, -1.0, 2.0], [[1.0, 0.0], [2.0, 0.0], [0.0, 1.5]]))
    2.0
    """
    mass = network.strength * np.linalg.norm(network.w, axis=-1)
    return effective_groups(mass, clusters(network.w, mass, threshold=ALIKE))


def label_noise_descent(
    network: TwoLayerNetwork,
    x: ArrayLike,
    y: ArrayLike,
    n_steps: int,
    lr: float,
    batch_size: int,
    noise: float,
    rng: np.random.Generator,
    records: Iterable[int] = (),
) -> Trajectory:
    r"""Train on batches whose labels have fresh noise.

    Parameters
    ----------
    network : TwoLayerNetwork
        The start: ReLU, of one output.
    x : (n, d) array
        Inputs.
    y : (n,) array
        Labels without the noise.
    n_steps : int
        Updates.
    lr : float
        Learning rate > 0.
    batch_size : int
        B <= n, drawn without replacement within a batch.
    noise : float
        :math:`\delta \ge 0`; the sign is drawn for every sample of every batch.
    rng : numpy.random.Generator
        Draws batches and noise.
    records : iterable of int
        Steps to record besides the first and the last state.

    Returns
    -------
    Trajectory
        On the clock "step": `a` (n_t, m) and `w` (n_t, m, d + 1).

    Raises
    ------
    ValueError
        If the network is of another kind, shapes do not fit, or a number is out of range.
    SimulationError
        If the weights overflow.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((10, 2))
    >>> run = label_noise_descent(paired_start(20, 2, rng), x, x[:, 0], 50, 0.02, 1, 0.5, rng)
    >>> run["w"].shape
    (2, 20, 3)
    """
    x1 = _checked(network, x)
    lr = float(positive("lr", finite("lr", lr, ndim=0)))
    n_steps = positive_int("n_steps", n_steps)
    steps = steps_to_record(records, n_steps)
    batches = noisy_batches(x1, y, batch_size, noise, rng)
    a, w = network.a.copy(), network.w.copy()
    data = {"a": np.empty((len(steps), *a.shape)), "w": np.empty((len(steps), *w.shape))}
    data["a"][0], data["w"][0] = a, w
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is named by the trajectory
        for row, (before, after) in enumerate(pairwise(steps), start=1):
            for _ in range(after - before):
                inputs, labels = next(batches)
                slope_a, slope_w = _gradient(a, w, inputs, labels)
                a -= lr * slope_a
                w -= lr * slope_w
            data["a"][row], data["w"][row] = a, w
    return Trajectory(np.array(steps), data, clock="step", meta={"lr": lr, "batch_size": batch_size})


def descend_to_loss(
    a: ArrayLike, w: ArrayLike, x: ArrayLike, y: ArrayLike, loss: ArrayLike, lr: float, most_steps: int = 50_000
) -> tuple[np.ndarray, np.ndarray]:
    """Descent without noise on all samples, of many networks at once, each until its loss is low enough.

    Parameters
    ----------
    a : (k, m) array
    w : (k, m, d + 1) array
        Output and input weights of k ReLU networks.
    x : (n, d) array
    y : (n,) array
    loss : float or (k,) array
        Half the mean squared error at which a network stops, > 0.
    lr : float
        Learning rate > 0.
    most_steps : int
        Updates after which it is an error.

    Returns
    -------
    a, w : (k, m), (k, m, d + 1) arrays

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is out of range.
    SimulationError
        If a network does not come so low, or its weights overflow.

    Examples
    --------
    >>> a, w = descend_to_loss([[1.0], [2.0]], [[[0.5, 0.0]], [[1.0, 0.0]]], [[1.0]], [1.0], loss=1e-4, lr=0.1)
    >>> (TwoLayerNetwork(a, w).loss([[1.0]], [1.0]) < 1e-4).tolist()
    [True, True]
    """
    networks = TwoLayerNetwork(finite("a", a, ndim=2), finite("w", w, ndim=3))
    x1, y = _checked(networks, x), finite("y", y, ndim=1)
    if len(y) != len(x1):
        raise ValueError(f"y must have one label per row of x, got {len(y)} and {len(x1)}")
    ends = networks.a.copy(), networks.w.copy()
    levels, lr = positive("loss", loss), float(positive("lr", finite("lr", lr, ndim=0)))
    if levels.shape not in ((), (len(ends[0]),)):
        raise ValueError(f"loss must be a number or have shape ({len(ends[0])},), got shape {levels.shape}")
    levels = np.broadcast_to(levels, len(ends[0]))
    left: Any = np.arange(len(ends[0]))  # networks on the way
    outer, inner = ends[0].copy(), ends[1].copy()
    for _ in range(positive_int("most_steps", most_steps) + 1):
        error, slope_a, slope_w = _gradients(outer, inner, x1, y)
        done = (error**2).mean(axis=1) / 2 <= levels[left]
        if done.any():
            ends[0][left[done]], ends[1][left[done]] = outer[done], inner[done]
            going = ~done
            parts = left, outer, inner, slope_a, slope_w
            left, outer, inner, slope_a, slope_w = (part[going] for part in parts)
        if not left.size:
            return ends
        outer -= lr * slope_a
        inner -= lr * slope_w
        if not np.isfinite(outer).all():
            raise SimulationError("descent without noise diverges")
    raise SimulationError(
        f"{left.size} of {len(ends[0])} networks do not reach the loss {levels[left].min():g} in {most_steps} steps"
    )


def _gradient(a: np.ndarray, w: np.ndarray, x1: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of half the mean squared error of one network, by a (m,) and w (m, d + 1)."""
    value = np.maximum(x1 @ w.T, 0)
    error = (value @ a - y) / len(y)
    return error @ value, ((value > 0) * a).T @ (error[:, None] * x1)


def _gradients(a: np.ndarray, w: np.ndarray, x1: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Errors (k, n) of k networks, and the gradients of half their mean squares."""
    value = np.maximum(x1 @ w.swapaxes(1, 2), 0)  # (k, n, m)
    error = (value @ a[..., None])[..., 0] - y
    scaled = error / len(y)
    slope_a = (scaled[:, None] @ value)[:, 0]
    return error, slope_a, a[..., None] * ((value > 0).swapaxes(1, 2) @ (scaled[..., None] * x1))


def _checked(network: TwoLayerNetwork, x: ArrayLike) -> np.ndarray:
    """`x` (n, d) with the constant input, for a ReLU network of one output."""
    if network.activation != "relu" or network.n_outputs is not None:
        kind = f"{network.activation} with {network.n_outputs or 1} outputs"
        raise ValueError(f"network must be of ReLU neurons and have a number as output, got {kind}")
    x = finite("x", x, ndim=2)
    if x.shape[1] != network.dim:
        raise ValueError(f"x must have {network.dim} columns, got shape {x.shape}")
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)
