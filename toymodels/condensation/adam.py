"""Adam with weight decay and a learning rate that falls to 0, for two-layer networks that must fit to the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.batches import updates
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.training import BETA1, BETA2, EPSILON
from toymodels.trajectory import SimulationError
from toymodels.validation import finite, non_negative, positive, require_room


def adam_with_decay(
    network: TwoLayerNetwork, x: ArrayLike, y: ArrayLike, n_steps: int, lr: float, decay: float = 0.0
) -> TwoLayerNetwork:
    r"""Full-batch training on :math:`\tfrac1{2n}\sum (f - y)^2 + \tfrac\mu2 |\theta|^2`.

    Parameters
    ----------
    network : TwoLayerNetwork
        Of ReLU neurons, with one output; it stays as it is.
    x : (n, d) array
    y : (n,) array
    n_steps : int
        Updates; the learning rate falls from `lr` to 0 as a cosine.
    lr : float
        > 0.
    decay : float
        :math:`\mu \ge 0`, in the gradient.

    Returns
    -------
    TwoLayerNetwork
        The trained one.

    Raises
    ------
    ValueError
        If an argument is out of range or the data do not fit.
    SimulationError
        If the weights overflow.

    Examples
    --------
    >>> network = TwoLayerNetwork([0.5, -0.5], [[1.0, 0.1], [-1.0, 0.1]])
    >>> trained = adam_with_decay(network, [[1.0], [-1.0]], [1.0, -2.0], n_steps=1000, lr=0.05)
    >>> trained([[1.0], [-1.0]]).round(3).tolist()
    [1.0, -2.0]
    """
    if network.activation != "relu" or network.a.ndim != 1 or network.output_bias is not None:
        got = f"{network.activation} {network.a.shape}, output bias {network.output_bias}"
        raise ValueError(f"network must be a single one, of relu and one output without bias, got {got}")
    n_steps = updates("n_steps", n_steps)
    require_room(x=finite("x", x), y=finite("y", y), lr=finite("lr", lr, ndim=0))
    lr = float(positive("lr", finite("lr", lr, ndim=0)))
    decay = float(non_negative("decay", finite("decay", decay, ndim=0)))
    network.gradient(x, y)  # checks the data
    x1 = np.column_stack([finite("x", x, ndim=2), np.ones(len(np.asarray(x)))])
    y = finite("y", y, ndim=1)
    shapes = [network.a.size, network.w.size]
    theta = np.concatenate([network.a.ravel(), network.w.ravel()])
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is named at the end
        for step in range(1, n_steps + 1):
            gradient = decay * theta
            a, w = theta[: shapes[0]], theta[shapes[0] :].reshape(network.w.shape)
            field = x1 @ w.T
            hidden = np.maximum(field, 0)
            error = (hidden @ a - y) / len(y)
            gradient[: shapes[0]] += error @ hidden
            gradient[shapes[0] :] += (a[:, None] * ((field > 0) * error[:, None]).T @ x1).ravel()
            first += (1 - BETA1) * (gradient - first)
            second += (1 - BETA2) * (gradient**2 - second)
            rate = lr * (1 + np.cos(np.pi * (step - 1) / n_steps)) / 2
            theta -= rate / (1 - BETA1**step) * first / (np.sqrt(second / (1 - BETA2**step)) + EPSILON)
    if not np.isfinite(theta).all():
        raise SimulationError(f"weights are not finite at step {n_steps}")
    return TwoLayerNetwork(theta[: shapes[0]], theta[shapes[0] :].reshape(network.w.shape), network.activation)
