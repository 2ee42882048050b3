r"""Gradient descent of many two-layer linear networks at once, each on data of its own.

One step of :class:`toymodels.layerwise.LinearNetwork` for a whole stack: networks of a few outputs are so small that
stacking them costs hardly more than one alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.batches import updates
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, positive, positive_int


def descend_together(
    w1: ArrayLike,
    w2: ArrayLike,
    correlation: ArrayLike,
    covariance: ArrayLike,
    n_steps: int,
    lr: float,
    every: int,
) -> Trajectory:
    r"""Descent on :math:`\tfrac12 \mathrm{tr}(P C P^\top) - \mathrm{tr}(P \Sigma^\top)`, P = W2 W1, for every network.

    Parameters
    ----------
    w1 : (k, h, d) array
    w2 : (k, c, h) array
        The starts.
    correlation : (k, c, d) array
        :math:`\Sigma = y^\top x / n` of each data set.
    covariance : (k, d, d) array
        C = x'x / n.
    n_steps : int
        Updates.
    lr : float
        Learning rate > 0.
    every : int
        Steps between records; the first and the last state are always recorded.

    Returns
    -------
    Trajectory
        On the clock "step": `map` (n_t, k, c, d).

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is out of range.
    SimulationError
        If the weights overflow.

    Examples
    --------
    >>> run = descend_together([[[0.1]]], [[[0.1]]], [[[1.0]]], [[[1.0]]], n_steps=200, lr=0.1, every=100)
    >>> run["map"].ravel().round(3).tolist()
    [0.01, 1.0, 1.0]
    """
    w1, w2 = (finite(name, value, ndim=3).copy() for name, value in (("w1", w1), ("w2", w2)))
    target, spread = finite("correlation", correlation, ndim=3), finite("covariance", covariance, ndim=3)
    (k, h, d), c = w1.shape, w2.shape[1]
    for name, array, shape in (
        ("w2", w2, (k, c, h)),
        ("correlation", target, (k, c, d)),
        ("covariance", spread, (k, d, d)),
    ):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    lr, every = float(positive("lr", finite("lr", lr, ndim=0))), positive_int("every", every)
    n_steps = updates("n_steps", n_steps)
    steps = sorted({*range(0, n_steps, every), n_steps})
    maps = np.empty((len(steps), k, c, d))
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow becomes a SimulationError below
        done = 0
        for row, step in enumerate(steps):
            for _ in range(step - done):
                error = target - w2 @ w1 @ spread
                first = w2.swapaxes(1, 2) @ error
                w2 += lr * error @ w1.swapaxes(1, 2)
                w1 += lr * first
            done = step
            maps[row] = w2 @ w1
    return Trajectory(np.array(steps), {"map": maps}, clock="step", meta={"lr": lr})
