r"""Phase diagram of two-layer ReLU networks at infinite width, and a finite-width experiment that tests it.

:math:`f(x) = \frac{1}{\alpha}\sum_k a_k\,\mathrm{relu}(w_k\cdot x)` with :math:`a\sim N(0,\beta_1^2)`,
:math:`w\sim N(0,\beta_2^2 I)`. The coordinates (overview, eq. 6) are

.. math:: \gamma = -\lim \ln(\beta_1\beta_2/\alpha)/\ln m, \qquad \gamma' = -\lim \ln(\beta_1/\beta_2)/\ln m.

Linear: :math:`\gamma<1` or :math:`\gamma'>\gamma-1` (theorem 1). Condensed: :math:`\gamma>1` and
:math:`\gamma'<\gamma-1` (theorem 2). In between lies the critical line. The exponents of :func:`distance_exponent`
are derived here: the change of the function, :math:`T m(\beta_1^2+\beta_2^2)/\alpha^2`, reaches order one at the time
T, when the input weights have moved by :math:`T\beta_1/(\alpha\beta_2)` relative to their start; once a exceeds its
start, :math:`|a|=\alpha/(m\beta_2)`; in the condensed phase :math:`|a|=|w|` and :math:`m|a||w|/\alpha=1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose

import numpy as np
from numpy.typing import ArrayLike

from toymodels.trajectory import SimulationError
from toymodels.validation import finite, positive, positive_int

INPUTS, TARGETS = np.array([-0.5, 0.0, 0.5]), np.array([-0.5, 0.0, 1.0])  # three points, one dimension
STABLE, MOVE = 0.4, 0.1  # step: a fraction of the kernel's time scale, and at most a relative move of 10 %
FITTED = 1e-3  # stop when the loss has fallen to this part of its start
MAX_STEPS = 100_000

#: exponents of the width m in (std of a, std of w, scale): standard deviations and scale go like m to that power
CLASSICAL = {
    "ntk": (0.0, 0.0, 0.5),
    "mean field": (0.0, 0.0, 1.0),
    "lecun": (-0.5, 0.0, 0.0),
    "he": (-0.5, 0.0, 0.0),
    "xavier": (-0.5, -0.5, 0.0),
}


def coordinates(width: int, std_a: float, std_w: float, scale: float = 1.0) -> tuple[float, float]:
    """Finite-width estimate of (gamma, gamma') for a given initialisation (overview, eq. 6).

    Parameters
    ----------
    width : int
        Number of neurons m, at least 2.
    std_a, std_w, scale : float
        Standard deviations of output and input weights, and the divisor alpha of the output; all > 0.

    Returns
    -------
    (gamma, gamma_prime) : floats

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    log_m = np.log(positive_int("width", width, minimum=2))
    log_a, log_w, log_scale = (
        np.log(float(positive(name, value))) for name, value in (("std_a", std_a), ("std_w", std_w), ("scale", scale))
    )
    return float(-(log_a + log_w - log_scale) / log_m), float(-(log_a - log_w) / log_m)


def classical_initialisations() -> dict[str, tuple[float, float]]:
    """The place of the usual initialisations in the diagram, (gamma, gamma') as the width grows."""
    return {name: (scale - a - w, w - a) for name, (a, w, scale) in CLASSICAL.items()}


def phase(gamma: float, gamma_prime: float) -> str:
    """Regime at infinite width: "linear", "critical" or "condensed" (overview, theorems 1 and 2).

    Parameters
    ----------
    gamma, gamma_prime : float
        Coordinates, see :func:`coordinates`.

    Raises
    ------
    ValueError
        If a coordinate is not finite.

    Examples
    --------
    >>> phase(0.5, 0.0), phase(1.0, 0.0), phase(1.75, 0.0)
    ('linear', 'critical', 'condensed')
    """
    gamma, gamma_prime = float(finite("gamma", gamma, ndim=0)), float(finite("gamma_prime", gamma_prime, ndim=0))
    on_first = isclose(gamma, 1, abs_tol=1e-12) and gamma_prime <= 1e-12
    on_second = isclose(gamma_prime, gamma - 1, abs_tol=1e-12) and gamma >= 1
    if on_first or on_second:
        return "critical"
    return "linear" if gamma < 1 or gamma_prime > gamma - 1 else "condensed"


def distance_exponent(gamma: float, gamma_prime: float) -> float:
    """Exponent e of the relative distance RD ~ m^e of the input weights; derived, see the module.

    Parameters
    ----------
    gamma, gamma_prime : float
        Coordinates, see :func:`coordinates`.

    Returns
    -------
    float
        Negative in the linear regime, 0 on the critical line, positive when condensed.

    Raises
    ------
    ValueError
        If a coordinate is not finite.
    """
    regime = phase(gamma, gamma_prime)
    if regime == "critical":
        return 0.0
    if regime == "condensed":
        return (gamma - gamma_prime - 1) / 2 if gamma + gamma_prime > 1 else gamma - 1.0
    return gamma - 1 - 2 * max(gamma_prime, 0.0) if gamma < 1 else 2 * (gamma - gamma_prime - 1)


def relative_distance(w: ArrayLike, w0: ArrayLike) -> float:
    """|w - w0| / |w0| in the Euclidean norm of all entries (overview, eq. 5); 0 means nothing moved.

    Parameters
    ----------
    w, w0 : arrays of one shape
        Weights now and at the start.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is not finite, or `w0` is all zero.
    """
    w, w0 = finite("w", w), finite("w0", w0)
    if w.shape != w0.shape:
        raise ValueError(f"w must have the shape of w0, {w0.shape}, got {w.shape}")
    norm = np.linalg.norm(w0)
    if norm == 0:
        raise ValueError("w0 must have a non-zero entry, got all zeros")
    return float(np.linalg.norm(w - w0) / norm)


@dataclass(frozen=True, eq=False)
class DistanceScaling:
    """How far the input weights travel, against width.

    Parameters
    ----------
    cells : (n_cells, 2) array
        Coordinates (gamma, gamma').
    widths : (n_widths,) array
    distance : (n_cells, n_widths, replicates) array
        Relative distance when the data are fitted.
    slope : (n_cells,) array
        Least-squares slope of ln distance (mean over replicates) against ln width.
    predicted : (n_cells,) array
        :func:`distance_exponent`.
    """

    cells: np.ndarray
    widths: np.ndarray
    distance: np.ndarray
    slope: np.ndarray
    predicted: np.ndarray


def distance_scaling(
    cells: Sequence[tuple[float, float]],
    widths: Sequence[int],
    rng: np.random.Generator,
    replicates: int = 3,
) -> DistanceScaling:
    """Train networks of several widths in every cell of the diagram and fit the exponent of the distance.

    Three points in one dimension, anti-symmetric start (f = 0), gradient flow by small Euler steps until the loss
    is a thousandth of its start. All cells and replicates of a width run together.

    Parameters
    ----------
    cells : sequence of (gamma, gamma') pairs
    widths : sequence of ints
        At least two even widths.
    rng : numpy Generator
    replicates : int

    Returns
    -------
    DistanceScaling

    Raises
    ------
    ValueError
        If an argument is out of range.
    SimulationError
        If a run does not fit within the step limit.
    """
    grid = finite("cells", cells, ndim=2)
    if grid.shape[1] != 2:
        raise ValueError(f"cells must hold (gamma, gamma_prime) pairs, got shape {grid.shape}")
    if len(widths) < 2 or any(positive_int("widths", m, minimum=2) % 2 for m in widths):
        raise ValueError(f"widths must be at least two even numbers, got {list(widths)}")
    repeated = np.repeat(grid, positive_int("replicates", replicates), axis=0)
    distance = np.stack([fitted_distance(repeated, m, rng).reshape(len(grid), replicates) for m in widths], axis=1)
    slope = np.polyfit(np.log(widths), np.log(distance).mean(axis=2).T, 1)[0]
    predicted = np.array([distance_exponent(*cell) for cell in grid])
    return DistanceScaling(grid, np.array(widths), distance, slope, predicted)


def fitted_distance(cells: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Relative distance (n_cells,) of the input weights at the fit, one independent network per row of `cells`."""
    flow = _Flow(cells, width, rng)
    distance = np.zeros(len(cells))
    for _ in range(MAX_STEPS):
        error = flow.step()
        done = (error**2).sum(axis=1) < FITTED * (TARGETS**2).sum()
        if done.any():
            moved = np.linalg.norm(flow.w - flow.w0, axis=(1, 2)) / np.linalg.norm(flow.w0, axis=(1, 2))
            distance[flow.index[done]] = moved[done]
            flow.keep(~done)
        if not flow.index.size:
            return distance
    raise SimulationError(f"loss of {flow.index.size} of {len(cells)} runs not fitted after {MAX_STEPS} steps")


class _Flow:
    """The runs still going: a (T, m), w (T, 2, m) with the bias as second row, scale (T, 1)."""

    def __init__(self, cells: np.ndarray, width: int, rng: np.random.Generator):
        gamma, gamma_prime = cells.T
        std_a = width**-gamma_prime
        self.scale = (std_a * width**gamma)[:, None]
        a = std_a[:, None] * rng.standard_normal((len(cells), width // 2))
        w = rng.standard_normal((len(cells), 2, width // 2))
        self.a = np.concatenate([a, -a], axis=1)
        self.w = np.concatenate([w, w], axis=2)
        self.w0 = self.w.copy()
        self.index = np.arange(len(cells))
        self.x1 = np.stack([INPUTS, np.ones_like(INPUTS)], axis=1)

    def keep(self, mask: np.ndarray) -> None:
        for name in ("a", "w", "w0", "scale", "index"):
            setattr(self, name, getattr(self, name)[mask])

    def step(self) -> np.ndarray:
        """One step; returns the error (T, 3) before it."""
        n = len(TARGETS)
        value = np.maximum(self.x1 @ self.w, 0)  # (T, n, m)
        slope = (value > 0) * self.a[:, None, :]
        error = (value @ self.a[..., None])[..., 0] / self.scale - TARGETS
        force = (-error / (n * self.scale))[:, None, :]
        move_a = (force @ value)[:, 0]
        move_w = (force * self.x1.T) @ slope
        kernel = value @ value.swapaxes(1, 2) + (slope @ slope.swapaxes(1, 2)) * (self.x1 @ self.x1.T)
        top = np.linalg.eigvalsh(kernel)[:, -1] / (n * self.scale[:, 0] ** 2)
        relative = np.maximum(
            np.linalg.norm(move_a, axis=1) / np.linalg.norm(self.a, axis=1),
            np.linalg.norm(move_w, axis=(1, 2)) / np.linalg.norm(self.w, axis=(1, 2)),
        )
        h = np.minimum(STABLE / top, MOVE / relative)
        self.a += h[:, None] * move_a
        self.w += h[:, None, None] * move_w
        return error
