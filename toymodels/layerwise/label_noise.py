r"""Stochastic descent of a diagonal network on labels with fresh noise, and the simpler solution it drifts to.

The network is :math:`w = u^2 - v^2` on n samples, all weights from :math:`\alpha`. One step of the squared loss
:math:`\tfrac{1}{2B}\sum_{i\in\text{batch}} (w\cdot x_i - y_i - \epsilon_i)^2`, with :math:`\epsilon = \pm\delta` drawn
again every time, is

.. math:: u_j \leftarrow u_j (1 - g_j), \quad v_j \leftarrow v_j (1 + g_j), \quad
    g_j = \frac{2\gamma}{B} \sum_{i\in\text{batch}} (w\cdot x_i - y_i - \epsilon_i)\, x_{ij} ,

and multiplies :math:`u_j v_j` by :math:`1 - g_j^2`, exactly. Where the labels are fitted, g is noise: after T steps

.. math:: \beta_j = |u_j v_j|^{1/2} \approx \alpha \exp(-2\gamma^2 T \delta^2 \langle x_j^2\rangle / B) .

Descent without noise then ends at the interpolator of least hyperbolic entropy with this :math:`\beta`
(:func:`toymodels.layerwise.entropy_interpolator`): the small batch acts as a smaller start. Without noise in the labels
g dies out with the residuals, and so does the drift.

Pesme, Pillaud-Vivien, Flammarion (2021), arXiv:2106.09524 for the effective start; HaoChen, Wei, Lee, Ma (2020),
arXiv:2006.08680 for label noise. The formula for :math:`\beta` leaves out that w fluctuates about the fit, which adds
to the noise in the order of :math:`\gamma`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from toymodels.batches import batch_of, noisy_batches, steps_to_record, updates
from toymodels.layerwise.held import held_number
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import finite, generator, non_negative, positive, positive_int, require_room


def label_noise_descent(
    x: ArrayLike,
    y: ArrayLike,
    init_scale: float,
    n_steps: int,
    lr: float,
    batch_size: int,
    noise: float,
    rng: np.random.Generator,
    records: Iterable[int] = (),
) -> Trajectory:
    r"""Train a diagonal network on batches whose labels have fresh noise.

    Parameters
    ----------
    x : (n, d) array
        Inputs.
    y : (n,) array
        Labels without the noise.
    init_scale : float
        :math:`\alpha > 0`, of all weights.
    n_steps : int
        Updates T.
    lr : float
        :math:`\gamma > 0`.
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
        On the clock "step": `u`, `v`, `w` and `beta`, all (n_t, d).

    Raises
    ------
    ValueError
        If shapes do not fit, or a number is out of range.
    SimulationError
        If the weights overflow, or a product :math:`u_j v_j` underflows to 0.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((8, 20))
    >>> y, options = x[:, 0], {"n_steps": 5000, "lr": 0.01, "noise": 0.5}
    >>> for size in (1, 8):
    ...     run = label_noise_descent(x, y, 0.3, batch_size=size, rng=np.random.default_rng(1), **options)
    ...     predicted = predicted_beta(x, 0.3, batch_size=size, **options)
    ...     print(size, np.mean(run["beta"][-1]).round(2), np.mean(predicted).round(2))
    1 0.24 0.24
    8 0.29 0.29
    """
    alpha, lr = (float(positive(name, held_number(name, value))) for name, value in _named(init_scale, lr))
    n_steps = updates("n_steps", n_steps)
    steps = steps_to_record(records, n_steps)
    require_room(x=finite("x", x), y=finite("y", y), init_scale=np.asarray(alpha), lr=np.asarray(lr))
    batch_size = batch_of(batch_size, len(finite("x", x, ndim=2)))
    batches = noisy_batches(x, y, batch_size, noise, generator("rng", rng))
    dim = np.shape(x)[1]
    u, v = np.full((2, dim), alpha)
    states = np.empty((2, len(steps), dim))
    states[:, 0] = alpha
    rate = 2 * lr / batch_size
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is named by the trajectory
        for row, (before, after) in enumerate(pairwise(steps), start=1):
            for _ in range(after - before):
                inputs, labels = next(batches)
                g = rate * ((inputs @ (u * u - v * v) - labels) @ inputs)
                u *= 1 - g
                v *= 1 + g
            states[:, row] = u, v
    u, v = states
    beta = np.sqrt(np.abs(u * v))
    if np.isfinite(beta).all() and not beta.all():
        raise SimulationError("a product u v underflows to 0: the noise acts for too long")
    data = {"u": u, "v": v, "w": u**2 - v**2, "beta": beta}
    return Trajectory(np.array(steps), data, clock="step", meta={"lr": lr, "batch_size": batch_size, "noise": noise})


def predicted_beta(
    x: ArrayLike, init_scale: float, n_steps: int, lr: float, batch_size: int, noise: float
) -> np.ndarray:
    r"""What the noise makes of the start: :math:`\alpha \exp(-2\gamma^2 T\delta^2\langle x_j^2\rangle/B)`.

    Parameters
    ----------
    x, init_scale, n_steps, lr, batch_size, noise
        As in :func:`label_noise_descent`; no step is as good as any. A full batch still has noisy labels.

    Returns
    -------
    (d,) array

    Examples
    --------
    >>> predicted_beta([[1.0, 2.0]], 1.0, n_steps=5000, lr=0.01, batch_size=1, noise=1.0).round(4).tolist()
    [0.3679, 0.0183]
    """
    x = finite("x", x, ndim=2)
    alpha, lr = (float(positive(name, held_number(name, value))) for name, value in _named(init_scale, lr))
    noise = float(non_negative("noise", held_number("noise", noise)))
    require_room(x=x, lr=np.asarray(lr), noise=np.asarray(noise))
    drift = lr**2 * positive_int("n_steps", n_steps, minimum=0) * noise**2 / batch_of(batch_size, len(x))
    return alpha * np.exp(-2 * drift * (x**2).mean(axis=0))


def _named(init_scale: float, lr: float) -> tuple[tuple[str, float], ...]:
    return ("init_scale", init_scale), ("lr", lr)
