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
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import isclose

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.phase_flow import fitted_distance
from toymodels.run.sweep import sweep
from toymodels.trajectory import SimulationError
from toymodels.validation import counts, finite, generator, positive, positive_int, require_room, row_norms

FARTHEST = 10  # coordinates of networks that can be trained
MAP_STEPS = 5000  # four times what the slowest fit of a map was seen to take; a network that needs more is stuck

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

    Examples
    --------
    Weights of order one, and an output divided by the square root of the width (NTK) or by the width (mean field):

    >>> coordinates(10_000, 1.0, 1.0, 100.0), coordinates(10_000, 1.0, 1.0, 10_000.0)
    ((0.5, 0.0), (1.0, 0.0))
    """
    log_m = np.log(positive_int("width", width, minimum=2))
    log_a, log_w, log_scale = (
        np.log(float(positive(name, value, ndim=0)))
        for name, value in (("std_a", std_a), ("std_w", std_w), ("scale", scale))
    )
    return float(-(log_a + log_w - log_scale) / log_m) + 0.0, float(-(log_a - log_w) / log_m) + 0.0


def classical_initialisations() -> dict[str, tuple[float, float]]:
    """The place of the usual initialisations in the diagram, (gamma, gamma') as the width grows.

    Examples
    --------
    >>> classical_initialisations()["xavier"]  # both standard deviations like 1/sqrt(m): gamma 1/2 + 1/2
    (1.0, 0.0)
    >>> {name: phase(*place) for name, place in classical_initialisations().items()}
    {'ntk': 'linear', 'mean field': 'critical', 'lecun': 'linear', 'he': 'linear', 'xavier': 'critical'}
    """
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

    Examples
    --------
    In the NTK scaling ten thousand times as many neurons move a hundredth as far, in mean field as far as ever:

    >>> distance_exponent(0.5, 0.0), distance_exponent(1.0, 0.0), distance_exponent(2.0, 0.0)
    (-0.5, 0.0, 0.5)
    """
    regime = phase(gamma, gamma_prime)
    gamma, gamma_prime = float(gamma), float(gamma_prime)
    require_room(gamma=np.asarray(gamma), gamma_prime=np.asarray(gamma_prime))
    if regime == "critical":
        return 0.0
    if regime == "condensed":
        return (gamma - gamma_prime - 1) / 2 if gamma + gamma_prime > 1 else gamma - 1.0
    return gamma - 1 - 2 * max(gamma_prime, 0.0) if gamma < 1 else 2 * (gamma - gamma_prime - 1)


def critical_gamma(gamma_prime: ArrayLike) -> np.ndarray:
    """The critical line: gamma = 1 for gamma' <= 0 and gamma = 1 + gamma' above; to its right neurons condense.

    Parameters
    ----------
    gamma_prime : array

    Returns
    -------
    array of the shape of `gamma_prime`

    Raises
    ------
    ValueError
        If a coordinate is not finite.

    Examples
    --------
    >>> critical_gamma([-1.0, 0.0, 0.5]).tolist()
    [1.0, 1.0, 1.5]
    """
    return 1 + np.maximum(finite("gamma_prime", gamma_prime), 0)


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

    Examples
    --------
    From (3, 4) to the origin is one length of the start:

    >>> relative_distance([0.0, 0.0], [3.0, 4.0]), relative_distance([3.0, 5.0], [3.0, 4.0])
    (1.0, 0.2)
    """
    w, w0 = finite("w", w), finite("w0", w0)
    require_room(w=w, w0=w0)
    if w.shape != w0.shape:
        raise ValueError(f"w must have the shape of w0, {w0.shape}, got {w.shape}")
    way, norm = _size(w - w0), _size(w0)
    if norm == 0:
        raise ValueError("w0 must have a non-zero entry, got all zeros")
    if not np.isfinite(way / norm):
        raise ValueError(f"w0 must not be so small that the distance overflows, got norm {norm:g}")
    return way / norm


def _size(array: np.ndarray) -> float:
    size = float(np.linalg.norm(array))
    return size if size > 1e-140 else float(row_norms(np.ravel(array)[None])[0])  # whose square vanishes


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

    Examples
    --------
    >>> found = distance_scaling([(0.5, 0.0)], [100, 1000], np.random.default_rng(0))
    >>> found.distance.shape, found.predicted.tolist()  # one cell, two widths, three networks of each
    ((1, 2, 3), [-0.5])
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

    Examples
    --------
    In the NTK scaling a hundred times as many neurons move about a tenth as far:

    >>> found = distance_scaling([(0.5, 0.0)], [100, 10_000], np.random.default_rng(0))
    >>> found.distance.mean(axis=-1).round(2).tolist(), found.slope.round(1).tolist(), found.predicted.tolist()
    ([[0.09, 0.01]], [-0.5], [-0.5])
    """
    grid = finite("cells", cells, ndim=2)
    if grid.shape[1] != 2:
        raise ValueError(f"cells must hold (gamma, gamma_prime) pairs, got shape {grid.shape}")
    widths = _even_widths(widths)
    _require_place(gamma=grid[:, 0], gamma_prime=grid[:, 1])
    generator("rng", rng)
    replicates = positive_int("replicates", replicates)
    repeated = np.repeat(grid, replicates, axis=0)
    distance = np.stack([fitted_distance(repeated, m, rng).reshape(len(grid), replicates) for m in widths], axis=1)
    predicted = np.array([distance_exponent(*cell) for cell in grid])
    return DistanceScaling(grid, np.array(widths), distance, _slopes(widths, distance), predicted)


@dataclass(frozen=True, eq=False)
class PhaseMap:
    """The plane (gamma, gamma') as trained networks show it.

    Parameters
    ----------
    gammas : (n_gamma,) array
    gamma_primes : (n_prime,) array
    widths : (n_widths,) array
    distance : (n_gamma, n_prime, n_widths, replicates) array
        Relative distance of the input weights when the data are fitted; NaN for a network that does not fit: deep in
        the condensed regime some narrow ones condense so far that they get stuck.
    slope : (n_gamma, n_prime) array
        Least-squares slope of ln distance (mean over the replicates that fit) against ln width: negative where training
        is linear, positive where neurons condense. NaN if fewer than two widths have such a replicate.
    predicted : (n_gamma, n_prime) array
        :func:`distance_exponent`. Its sign changes at :func:`critical_gamma`.

    Examples
    --------
    >>> found = phase_map([0.5, 1.75], [0.0], widths=(100, 1000))
    >>> found.slope.shape, found.predicted[:, 0].tolist(), np.sign(found.slope[:, 0]).tolist()
    ((2, 1), [-0.5, 0.375], [-1.0, 1.0])
    """

    gammas: np.ndarray
    gamma_primes: np.ndarray
    widths: np.ndarray
    distance: np.ndarray
    slope: np.ndarray
    predicted: np.ndarray


def phase_map(
    gammas: ArrayLike,
    gamma_primes: ArrayLike,
    widths: Sequence[int] = (400, 4000, 40_000),
    *,
    replicates: int = 1,
    seed: int = 0,
    jobs: int = 1,
) -> PhaseMap:
    """Train networks as :func:`distance_scaling` does over a whole rectangle of the plane, cell by cell.

    Parameters
    ----------
    gammas : (n_gamma,) array
    gamma_primes : (n_prime,) array
        Coordinates; negative ones too.
    widths : sequence of ints
        At least two even widths.
    replicates : int
        Networks per cell and width.
    seed : int
        Of the sweep.
    jobs : int
        Worker processes.

    Returns
    -------
    PhaseMap

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    Left of the critical line wider networks move less, right of it more:

    >>> found = phase_map([0.5, 1.75], [0.0], widths=(100, 10_000), replicates=3)
    >>> found.slope[:, 0].round(1).tolist(), found.predicted[:, 0].tolist()
    ([-0.6, 0.4], [-0.5, 0.375])
    """
    gammas, gamma_primes = finite("gammas", gammas, ndim=1), finite("gamma_primes", gamma_primes, ndim=1)
    _require_place(gammas=gammas, gamma_primes=gamma_primes)
    widths, grid = _even_widths(widths), {"gamma": gammas, "gamma_prime": gamma_primes}
    cell = partial(cell_distances, widths)
    runs = sweep(cell, grid, replicates=replicates, seed=seed, jobs=jobs)
    distance = np.where(runs["distance"].values > 0, runs["distance"].values, np.nan).swapaxes(-1, -2)
    predicted = np.array([[distance_exponent(gamma, prime) for prime in gamma_primes] for gamma in gammas])
    return PhaseMap(gammas, gamma_primes, np.array(widths), distance, _slopes(widths, distance), predicted)


def cell_distances(widths: Sequence[int], gamma: float, gamma_prime: float, rng: np.random.Generator) -> dict:
    """Distances (n_widths,) of a cell of the plane, 0 where a network does not fit."""
    cell = np.array([[gamma, gamma_prime]])
    distance = np.zeros(len(widths))
    for k, width in enumerate(widths):
        with suppress(SimulationError):
            distance[k] = fitted_distance(cell, width, rng, MAP_STEPS)[0]
    return {"distance": distance}


def _require_place(**coordinates: np.ndarray) -> None:
    """`ValueError` for a place so far out that powers of the width are no floats."""
    for name, values in coordinates.items():
        if np.abs(values).max() > FARTHEST:
            raise ValueError(f"{name} must be in [-{FARTHEST}, {FARTHEST}], got {np.abs(values).max():g} in size")


def _even_widths(widths: Sequence[int]) -> tuple[int, ...]:
    widths = counts("widths", widths, minimum=2, at_least=2)
    if any(m % 2 for m in widths):
        raise ValueError(f"widths must be at least two even numbers, got {list(widths)}")
    return widths


def _slopes(widths: Sequence[int], distance: np.ndarray) -> np.ndarray:
    """Least-squares slopes (...) of ln distance (..., n_widths, replicates)."""
    fitted = np.isfinite(distance)
    levels = np.where(fitted, np.log(np.where(fitted, distance, 1)), 0).sum(axis=-1) / np.maximum(
        fitted.sum(axis=-1), 1
    )
    used = fitted.any(axis=-1)
    enough = used.sum(axis=-1) >= 2
    x = np.log(widths) * used
    x = (x - (x.sum(axis=-1) / np.maximum(used.sum(axis=-1), 1))[..., None]) * used
    squares = (x**2).sum(axis=-1)
    return np.where(enough, (levels * x).sum(axis=-1) / np.where(enough, squares, 1), np.nan)
