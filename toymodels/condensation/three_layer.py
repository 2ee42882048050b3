r"""Which layers of a three-layer ReLU network move, against width.

:math:`f(x) = \frac{1}{\alpha}\sum_k a_k\,\mathrm{relu}(\sum_j V_{kj}\,\mathrm{relu}(w_j\cdot x))` with m neurons in
both hidden layers; std of a, V, w and the scale alpha are powers of m. Every layer has its own relative distance, as in
the empirical phase diagram of Zhou et al. (2022), NeurIPS 35. The exponents below are derived here, for the linear
regime only: the tangent kernel has the parts :math:`K_a = (m\sigma_V\sigma_w/\alpha)^2`,
:math:`K_V = (m\sigma_a\sigma_w/\alpha)^2` and :math:`K_w = (m\sigma_a\sigma_V/\alpha)^2`, the data are fitted at the
time :math:`1/(K_a+K_V+K_w)`, and each layer has then moved by that time times the root of its part.

**In and beyond the linear regime** (:func:`layer_exponents`, derived here). A layer passes a signal on by its *signal
norm* N: the norm of a and of w, and the largest singular value of V, which is its norm over the root of the width. Flow
keeps the differences of the squared norms of what grows together, so every layer gains the same :math:`s^2`: one of
N > s moves by :math:`s^2/N`, one of N < s by s. If the start can fit, :math:`\prod N\ge\alpha`, the kernel gives
:math:`s^2=\alpha\,\min N^2/\prod N`; if not, the smaller layers grow until :math:`\prod\max(N, s)=\alpha`. For two
layers this is :func:`~toymodels.condensation.phase_diagram.distance_exponent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.phase_diagram import FARTHEST, relative_distance
from toymodels.condensation.phase_flow import FITTED, INPUTS, MAX_STEPS, MOVE, STABLE, TARGETS
from toymodels.run.sweep import sweep
from toymodels.trajectory import SimulationError
from toymodels.validation import counts, described, finite, generator, positive_int, require_room

LARGEST_POWER = 50.0  # of ten, in a standard deviation: products of three stay numbers


def _exponents(**given: float) -> list[float]:
    exponents = {name: finite(name, value, ndim=0) for name, value in given.items()}
    require_room(**exponents)
    return [float(value) for value in exponents.values()]


def three_layer_exponents(std_a: float, std_v: float, std_w: float, scale: float) -> tuple[float, float, float]:
    """Exponents of the relative distances of a, V and w in the linear regime, from exponents of the width.

    Parameters
    ----------
    std_a, std_v, std_w, scale : float
        The standard deviations and the scale go like the width to these powers.

    Returns
    -------
    (a, v, w) : floats
        The prediction holds where the first and the last are negative; otherwise the layer moves by order one or more
        and the linear regime is left.

    Raises
    ------
    ValueError
        If an exponent is not finite.

    Examples
    --------
    >>> three_layer_exponents(0.0, 0.0, 0.0, 1.0)
    (-0.5, -1.0, -0.5)
    """
    a, v, w, alpha = _exponents(std_a=std_a, std_v=std_v, std_w=std_w, scale=scale)
    roots = np.array([v + w, a + w, a + v]) + 1 - alpha  # exponents of the square roots of the kernel's parts
    start = np.array([a + 0.5, v + 1, w + 0.5])  # exponents of the initial norms
    moved = roots - 2 * roots.max() - start
    return float(moved[0]), float(moved[1]), float(moved[2])


def gained_exponent(norms: ArrayLike, scale: float) -> float:
    """Exponent of what every layer gains, s, from those of the signal norms at the start and of the scale.

    Parameters
    ----------
    norms : (n_layers,) array
        One a layer, of any number of layers.
    scale : float
        The output is divided by the width to this power.
    """
    rising = np.sort(finite("norms", norms, ndim=1))
    if rising.sum() >= scale:
        return float(rising[0] + (scale - rising.sum()) / 2)
    for grown in range(1, len(rising) + 1):
        s = float((scale - rising[grown:].sum()) / grown)
        if grown == len(rising) or s <= rising[grown]:
            return s
    raise AssertionError("the last layer always ends the loop")


def layer_exponents(std_a: float, std_v: float, std_w: float, scale: float) -> tuple[float, float, float]:
    """Exponents of the relative distances of a, V and w at the fit, in and beyond the linear regime; see the module.

    Parameters
    ----------
    std_a, std_v, std_w, scale : float
        As in :func:`three_layer_exponents`.

    Returns
    -------
    (a, v, w) : floats
        Negative where the layer hardly moves, positive where it condenses, 0 on the critical line of the layer.

    Raises
    ------
    ValueError
        If an exponent is not finite.

    Examples
    --------
    >>> layer_exponents(0.0, 0.0, 0.0, 1.0), layer_exponents(-1.0, -1.0, -1.0, 0.0)
    ((-0.5, -1.0, -0.5), (0.5, 0.0, 0.5))
    """
    a, v, w, alpha = _exponents(std_a=std_a, std_v=std_v, std_w=std_w, scale=scale)
    norms = np.array([a, v, w]) + 0.5
    gained = gained_exponent(norms, alpha)
    moved = np.where(gained < norms, 2 * gained - norms, gained) - norms - [0.0, 0.5, 0.0]
    return float(moved[0]), float(moved[1]), float(moved[2])


@dataclass(frozen=True, eq=False)
class ThreeLayerMap:
    """The plane of outer and middle exponents: standard deviations m^-p of a and w, m^-q of V, scale 1.

    Parameters
    ----------
    outers, middles : (n_outer,), (n_middle,) arrays
        p and q.
    widths : (n_widths,) array
    distance : (n_outer, n_middle, n_widths, replicates, 3) array
        Relative distances of a, V and w at the fit; NaN for a network that does not fit.
    slope : (n_outer, n_middle, 3) array
        Least-squares slope of ln distance (mean over replicates) against ln width; NaN where a network does not fit.
    predicted : (n_outer, n_middle, 3) array
        :func:`layer_exponents`.

    Examples
    --------
    >>> plane = three_layer_map([0.0], [0.5], (10, 20))
    >>> plane.distance.shape, plane.predicted.shape
    ((1, 1, 2, 1, 3), (1, 1, 3))
    """

    outers: np.ndarray
    middles: np.ndarray
    widths: np.ndarray
    distance: np.ndarray
    slope: np.ndarray
    predicted: np.ndarray


def three_layer_map(
    outers: ArrayLike,
    middles: ArrayLike,
    widths: Sequence[int] = (50, 100, 200),
    *,
    replicates: int = 1,
    seed: int = 0,
    jobs: int = 1,
) -> ThreeLayerMap:
    """Train networks as :func:`three_layer_scaling` does over a rectangle of the plane, cell by cell.

    Parameters
    ----------
    outers : (n_outer,) array
        a and w have standard deviation m to minus this power.
    middles : (n_middle,) array
        V has standard deviation m to minus this power.
    widths : sequence of ints
        At least two.
    replicates : int
        Networks per cell and width.
    seed : int
        Of the sweep.
    jobs : int
        Worker processes.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> plane = three_layer_map([0.0, 1.0], [1.5], (20, 80))
    >>> plane.predicted[:, 0].tolist(), bool((plane.slope * plane.predicted > 0).all())
    ([[-3.0, -0.5, -3.0], [0.5, 0.5, 0.5]], True)
    """
    outers, middles = finite("outers", outers, ndim=1), finite("middles", middles, ndim=1)
    widths = counts("widths", widths, minimum=2, at_least=2)
    for name, powers in (("outers", outers), ("middles", middles)):
        if (np.abs(powers) * np.log10(max(widths)) > LARGEST_POWER).any():
            raise ValueError(f"{name} must give standard deviations from 1e-50 to 1e50, got {described(powers)}")
    cell = partial(plane_distances, widths)
    runs = sweep(cell, {"outer": outers, "middle": middles}, replicates=replicates, seed=seed, jobs=jobs)
    found = runs["distance"].transpose("outer", "middle", "distance_0", "replicate", "distance_1").values
    distance = np.where(found > 0, found, np.nan)
    return ThreeLayerMap(outers, middles, np.array(widths), distance, *plane_slopes(outers, middles, widths, distance))


def plane_distances(widths: Sequence[int], outer: float, middle: float, rng: np.random.Generator) -> dict:
    """Relative distances (n_widths, 3) of a cell of the plane; 0 where a network does not fit."""
    distance = np.zeros((len(widths), 3))
    for k, width in enumerate(widths):
        with suppress(SimulationError):
            distance[k] = fitted_distances((-outer, -middle, -outer, 0.0), width, rng)
    return {"distance": distance}


def plane_slopes(
    outers: np.ndarray, middles: np.ndarray, widths: Sequence[int], distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes against the width of distances (n_outer, n_middle, n_widths, replicates, 3), and the derived exponents."""
    levels = np.log(distance).mean(axis=3)
    x = np.log(widths) - np.log(widths).mean()
    slope = (levels * x[:, None]).sum(axis=2) / (x**2).sum()
    return slope, np.array([[layer_exponents(-p, -q, -p, 0.0) for q in middles] for p in outers])


def balanced_exponents(scale: float) -> tuple[float, float, float]:
    """:func:`layer_exponents` from weights of order one, for a scale that goes like the width to this power.

    All layers are linear up to m^1.5, a and w condense from there on, and V from m^3 on.

    Raises
    ------
    ValueError
        If `scale` is not finite.
    """
    return layer_exponents(0.0, 0.0, 0.0, scale)


@dataclass(frozen=True, eq=False)
class LayerScaling:
    """Relative distances of the three layers at the fit, against width.

    Parameters
    ----------
    widths : (n_widths,) array
    distance : (n_widths, replicates, 3) array
        For a, V and w.
    slope, predicted : (3,) arrays
        Fitted against ln width, and :func:`three_layer_exponents`.

    Examples
    --------
    >>> found = three_layer_scaling((0.0, 0.0, 0.0, 1.0), [20, 80], np.random.default_rng(0))
    >>> found.distance.shape, found.predicted.tolist()  # two widths, three networks of each, three layers
    ((2, 3, 3), [-0.5, -1.0, -0.5])
    """

    widths: np.ndarray
    distance: np.ndarray
    slope: np.ndarray
    predicted: np.ndarray


def three_layer_scaling(
    exponents: tuple[float, float, float, float],
    widths: Sequence[int],
    rng: np.random.Generator,
    replicates: int = 3,
) -> LayerScaling:
    """Train three-layer networks of several widths to the fit and fit the exponent of each layer's distance.

    Three points in one dimension. The output at the start is subtracted, so every run begins at f = 0 (mirrored pairs
    of neurons, as in the two-layer experiment, would make the gradient of the first layer vanish at the start).

    Parameters
    ----------
    exponents : (std_a, std_v, std_w, scale)
        Powers of the width.
    widths : sequence of ints
        At least two.
    rng : numpy Generator
    replicates : int

    Raises
    ------
    ValueError
        If an argument is out of range.
    SimulationError
        If a run does not fit within the step limit.

    Examples
    --------
    Sixteen times the width: outer layers move about a quarter as far, the middle one about a sixteenth.

    >>> found = three_layer_scaling((0.0, 0.0, 0.0, 1.0), [20, 320], np.random.default_rng(0))
    >>> found.slope.round(1).tolist(), found.predicted.tolist()
    ([-0.5, -1.0, -0.5], [-0.5, -1.0, -0.5])
    """
    widths = counts("widths", widths, minimum=2, at_least=2)
    powers = finite("exponents", exponents, ndim=1)
    if len(powers) != 4 or np.abs(powers).max() > FARTHEST:
        raise ValueError(f"exponents must be four numbers in [-{FARTHEST}, {FARTHEST}], got {described(exponents)}")
    predicted = np.array(three_layer_exponents(*powers))
    replicates = positive_int("replicates", replicates)
    generator("rng", rng)
    distance = np.array([[fitted_distances(exponents, m, rng) for _ in range(replicates)] for m in widths])
    slope = np.polyfit(np.log(widths), np.log(distance).mean(axis=1), 1)[0]
    return LayerScaling(np.array(widths), distance, slope, predicted)


def fitted_distances(exponents: tuple[float, float, float, float], width: int, rng: np.random.Generator) -> list[float]:
    """Relative distances of a, V, w at the fit, of one network; arguments as in :func:`three_layer_scaling`."""
    std_a, std_v, std_w, scale = (float(width) ** power for power in exponents)
    shapes = ((width,), std_a), ((width, width), std_v), ((width, 2), std_w)
    start = layers = [std * rng.standard_normal(shape) for shape, std in shapes]
    x1 = np.stack([INPUTS, np.ones_like(INPUTS)], axis=1)
    initial = _velocity(start, x1, scale, np.zeros_like(TARGETS))[0]
    for _ in range(MAX_STEPS):
        error, moves, top = _velocity(layers, x1, scale, initial + TARGETS)
        if (error**2).sum() < FITTED * (TARGETS**2).sum():
            return [relative_distance(now, then) for now, then in zip(layers, start, strict=True)]
        relative = max(np.linalg.norm(move) / np.linalg.norm(now) for move, now in zip(moves, layers, strict=True))
        h = min(STABLE / top, MOVE / max(relative, 1e-300))
        layers = [now + h * move for now, move in zip(layers, moves, strict=True)]
    raise SimulationError(f"loss not fitted after {MAX_STEPS} steps at width {width}")


def _velocity(
    layers: list[np.ndarray], x1: np.ndarray, scale: float, wanted: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray], float]:
    """Error (3,), minus the gradient of every layer, and the largest eigenvalue of the tangent kernel over n."""
    a, v, w = layers
    n = len(wanted)
    first = np.maximum(x1 @ w.T, 0)  # (n, m)
    second = np.maximum(first @ v.T, 0)
    error = second @ a / scale - wanted
    back = (second > 0) * a / scale  # df / d(pre-activation of the second layer)
    lower = (first > 0) * (back @ v)
    kernel = second @ second.T / scale**2 + (back @ back.T) * (first @ first.T) + (lower @ lower.T) * (x1 @ x1.T)
    force = -error / n
    moves = [force @ second / scale, (force[:, None] * back).T @ first, (force[:, None] * lower).T @ x1]
    return error, moves, float(np.linalg.eigvalsh(kernel)[-1]) / n
