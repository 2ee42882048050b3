r"""Where the next orientation of a ReLU network with one input appears: the initial flow on the residual.

On a plateau the neurons that carry the output rest, and those that are still small see the data through the residual
:math:`r_i=y_i-f(x_i)` alone: they follow the flow of :mod:`toymodels.condensation.initial` with r in place of y,

.. math:: \dot a = T_r(w), \qquad \dot w = a\nabla T_r(w), \qquad
          T_r(u) = \tfrac1n\sum_i r_i\,\mathrm{relu}(u\cdot x_i),

so they turn to maxima of T_r with T_r > 0 (a > 0) or minima with T_r < 0 (a < 0), where a balanced neuron grows at the
rate |T_r|. The next orientation is therefore expected at the end of the largest |T_r|. Between the angles at which a
sample falls silent T_r is a sinusoid, so its ends are exact.

**The side stays open.** :math:`T_r(u)-T_r(-u)=\frac1n\sum_i r_i\,u\cdot x_i`, as relu(z) - relu(-z) = z. Once the
residual is orthogonal to linear functions, which one neuron that is active on all inputs suffices for, opposite
directions grow equally fast: the residual gives the kink :math:`-b/w` of the next orientation, not its side.

References
----------
Overview, section 3 and figure 1; Chen, Luo, Wang (2024), arXiv:2410.20119, for plateau and descent. The criterion of
the largest |T_r| is derived here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.directions import NOTHING
from toymodels.condensation.grouping import ORIENTATION_GAP, SHARE, clusters
from toymodels.condensation.initial import with_bias
from toymodels.validation import array_of, finite, positive, require_room, times

BEGUN = 0.9  # of the loss at the start: from there on the first orientation carries the output


class ReluEnds(NamedTuple):
    """Ends of the flow of small ReLU neurons with one input, fastest first; arrays (k,).

    Parameters
    ----------
    angle : array
        Orientation atan2(b, w) in radians, in [-pi, pi].
    height : array
        T_r there: a neuron of the same sign of `a` goes there, at the rate |T_r|.

    Examples
    --------
    A residual of 1 at x = 0 alone: the bias is driven up, at the rate of its height.

    >>> ends = relu_ends([[0.0]], [1.0])
    >>> ends.angle.round(3).tolist(), ends.height.tolist()
    ([1.571], [1.0])
    """

    angle: np.ndarray
    height: np.ndarray


def relu_ends(x: ArrayLike, r: ArrayLike) -> ReluEnds:
    """Maxima of T_r with T_r > 0 and minima with T_r < 0, exactly.

    Parameters
    ----------
    x : (n, 1) array
    r : (n,) array
        Targets for the first orientation, residuals for the next one.

    Raises
    ------
    ValueError
        If `x` has several columns, shapes do not fit, or `r` is all zero.

    Examples
    --------
    >>> ends = relu_ends([[1.0], [-1.0]], [1.0, -2.0])
    >>> ends.angle.round(3).tolist(), ends.height.round(3).tolist()
    ([2.356, 0.785], [-1.414, 0.707])
    """
    x1, r = with_bias(x, r)
    if x1.shape[1] != 2:
        raise ValueError(f"x must have one column, got shape {np.shape(x)}")
    if not r.any():
        raise ValueError("r must have an entry that is not 0, got all zeros")
    places, first = np.unique(x1[:, 0], return_inverse=True)
    weight = np.bincount(first, r) / len(r)
    places, weight = places[weight != 0], weight[weight != 0]
    if not places.size:
        return ReluEnds(np.zeros(0), np.zeros(0))
    points = np.stack([places, np.ones_like(places)], axis=1)
    kinks = np.sort(np.concatenate([-np.arctan(places), np.pi - np.arctan(places)]))  # sector k ends at kink k
    middles = (kinks + np.concatenate([kinks[-1:] - 2 * np.pi, kinks[:-1]])) / 2
    active = _unit(middles) @ points.T > 0
    sums = (active * weight) @ points  # T_r = sums . u in the sector
    rounding = NOTHING * (np.abs(weight) @ np.abs(points)).sum()
    sums[np.hypot(*sums.T) <= rounding] = 0
    across = np.stack([-np.sin(kinks), np.cos(kinks)], axis=1)
    after, begin = np.roll(sums, -1, axis=0), np.roll(across, 1, axis=0)
    enter, leave, on = (sums * begin).sum(axis=1), (sums * across).sum(axis=1), (after * across).sum(axis=1)
    height, size = (sums * _unit(kinks)).sum(axis=1), np.hypot(*sums.T)
    angles, heights = [], []
    for sign in (1, -1):
        inside = (sign * enter > 0) & (sign * leave < 0)
        corner = (sign * leave >= 0) & (sign * on <= 0) & (sign * height > rounding)
        angles += [np.arctan2(sign * sums[inside, 1], sign * sums[inside, 0]), kinks[corner]]
        heights += [sign * size[inside], height[corner]]
    angle, height = np.concatenate(angles), np.concatenate(heights)
    order = np.argsort(-np.abs(height), kind="stable")
    return ReluEnds(np.angle(np.exp(1j * angle[order])), height[order])


class NewOrientation(NamedTuple):
    """A moment of training at which an orientation first counts.

    Parameters
    ----------
    record : int
        The first record at which it carries 2 % of the mass |a||w|.
    plateau : int
        The record at which the loss falls slowest, for its size, between the orientation before and this one.
    angle : float
        Of its neurons at `record`, atan2(b, w) in radians.
    share : float
        Part of the mass that these neurons have at `plateau`: what there was to see.
    small : (m,) boolean array
        The neurons that were, up to then, in no orientation that counted.

    Examples
    --------
    The second neuron counts from the record at which it has a tenth of the mass:

    >>> a = np.sqrt([[1.0, 0.0], [1.0, 0.001], [1.0, 0.1]])
    >>> (new,) = new_orientations([0, 1, 2], a, a[..., None] * np.eye(2), [1.0, 0.5, 0.4])
    >>> new.record, round(new.share, 3), new.small.tolist()
    (2, 0.001, [False, True])
    """

    record: int
    plateau: int
    angle: float
    share: float
    small: np.ndarray


def new_orientations(t: ArrayLike, a: ArrayLike, w: ArrayLike, loss: ArrayLike) -> list[NewOrientation]:
    """Orientations that appear once the first has begun to fit (the loss is below 0.9 of its start), in their order.

    One rule with figure 1: gaps of 0.2 rad isolate an orientation, 2 % of the mass |a||w| make it count. It is new if
    most of its mass is that of neurons which were in none that has counted; parts of an older one are not.

    Parameters
    ----------
    t : (n_t,) array
        Steps, increasing.
    a : (n_t, m) array
    w : (n_t, m, 2) array
        Weight and bias.
    loss : (n_t,) array
        Positive.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or a loss is not positive.

    Examples
    --------
    >>> a = np.sqrt([[1.0, 0.0], [1.0, 0.001], [1.0, 0.1]])
    >>> w = a[..., None] * np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> [(new.record, new.plateau, round(new.angle, 3)) for new in new_orientations([0, 1, 2], a, w, [1.0, 0.5, 0.4])]
    [(2, 1, 1.571)]
    """
    t, a, w = finite("t", times(t)), finite("a", a, ndim=2), finite("w", w, ndim=3)
    loss = np.asarray(positive("loss", loss), dtype=float)
    if w.shape != (*a.shape, 2) or a.shape[0] != len(t) or loss.shape != t.shape:
        raise ValueError(
            f"a, w and loss must have shapes (n_t, m), (n_t, m, 2), (n_t,) for n_t = {len(t)}, "
            f"got {a.shape}, {w.shape}, {loss.shape}"
        )
    require_room(a=a, w=w)
    begun = np.flatnonzero(loss < BEGUN * loss[0])
    if not begun.size:
        return []
    fall = -np.diff(np.log(loss)) / (np.diff(t) / t[-1])  # of the interval before record k + 1
    mass = np.abs(a) * np.linalg.norm(w, axis=2)
    since = int(begun[0])
    known = np.asarray(_members(mass[since], w[since]).any(axis=0))
    found = []
    for record in range(since + 1, len(t)):
        groups = _members(mass[record], w[record])
        new = [group for group in groups if mass[record, group & ~known].sum() > mass[record, group].sum() / 2]
        plateau = since + int(np.argmin(fall[since : record - 1])) if record - 1 > since else record - 1
        for group in new:
            share = float(mass[plateau, group].sum() / mass[plateau].sum())
            angle = _mean_angle(mass[record, group], w[record, group])
            found.append(NewOrientation(record, plateau, angle, share, np.logical_not(known)))
        known |= groups.any(axis=0)
        since = record if new else since
    return found


class Forecast(NamedTuple):
    """Where the next orientation will appear, and when.

    Parameters
    ----------
    angle : float
        atan2(b, w) in radians.
    wait : float
        Flow time from the plateau until it counts.

    Examples
    --------
    A small neuron of mass 1e-6 along the bias grows at twice the height, here 2, until it has 2 % of the whole:

    >>> told = forecast([[0.0]], [1.0], [1.0, 1e-3], [[1.0, 0.0], [0.0, 1e-3]], [False, True])
    >>> round(told.angle, 3), round(told.wait, 3), round(float(np.log(0.02 / 1e-6)) / 2, 3)
    (1.571, 4.952, 4.952)
    """

    angle: float
    wait: float


def forecast(x: ArrayLike, r: ArrayLike, a: ArrayLike, w: ArrayLike, small: ArrayLike) -> Forecast | None:
    r"""The end of T_r at which small neurons will be the first to count, from their sizes on the plateau.

    The mass |a||w| of the neurons near an end, within 0.2 rad and of its sign, grows at the rate :math:`2|T_r|` and
    counts from 2 % of the whole on: the end with the shortest wait decides between sides that grow equally fast.

    Parameters
    ----------
    x : (n, 1) array
    r : (n,) array
        Residuals y - f on the plateau.
    a : (m,) array
    w : (m, 2) array
        Weights on the plateau.
    small : (m,) boolean array
        The neurons that do not carry the output.

    Returns
    -------
    Forecast or None
        None if no small neuron lies near an end.

    Raises
    ------
    ValueError
        As :func:`relu_ends`, or if the shapes of the neurons do not fit.

    Examples
    --------
    >>> x, r = [[1.0], [0.0], [-1.0]], [1.0, -2.0, 1.0]
    >>> told = forecast(x, r, [1.0, 1e-3, 1e-4], [[0.0, 1.0], [-1e-3, 0.0], [1e-3, 0.0]], [False, True, True])
    >>> round(told.angle, 3), round(told.wait, 2)
    (3.142, 14.86)
    """
    ends = relu_ends(x, r)
    a, w, small = finite("a", a, ndim=1), finite("w", w, ndim=2), array_of("small", small)
    if w.shape != (len(a), 2) or small.shape != a.shape or small.dtype != bool:
        raise ValueError(f"w must have shape ({len(a)}, 2), small ({len(a)},) booleans, got {w.shape}, {small.shape}")
    require_room(a=a, w=w)
    mass, angle = np.abs(a) * np.linalg.norm(w, axis=1), np.arctan2(w[:, 1], w[:, 0])
    near = angle_between(ends.angle[:, None], angle) <= ORIENTATION_GAP
    there = (near & small & (np.sign(a) == np.sign(ends.height)[:, None])) @ mass
    if not there.any():
        return None
    with np.errstate(divide="ignore", over="ignore"):  # an end without neurons, or that drives none, waits for ever
        wait = np.maximum(np.log(SHARE * mass.sum() / there), 0) / (2 * np.abs(ends.height))
    first = int(np.argmin(wait))
    return Forecast(float(ends.angle[first]), float(wait[first]))


def descents(t: ArrayLike, loss: ArrayLike, *, factor: float = 2.0) -> np.ndarray:
    """Records at which plateaus are left: stretches in which the loss falls faster than 1/t, and by this factor.

    Parameters
    ----------
    t : (n_t,) array
        Steps, increasing; intervals that begin at 0 are left out.
    loss : (n_t,) array
        Positive.
    factor : float
        Least factor of the fall in one stretch, > 1.

    Returns
    -------
    (k,) integer array
        The record of the steepest fall, against ln t, of each stretch.

    Raises
    ------
    ValueError
        If shapes do not fit, a loss is not positive, or `factor` is not above 1.

    Examples
    --------
    >>> t = 10.0 ** np.arange(7)
    >>> descents(t, [1, 1, 1e-3, 1e-3, 1e-3, 1e-7, 1e-7]).tolist()
    [2, 5]
    """
    t, loss = finite("t", times(t)), np.asarray(positive("loss", loss), dtype=float)
    if loss.shape != t.shape:
        raise ValueError(f"loss must have shape {t.shape}, got {loss.shape}")
    if not factor > 1:
        raise ValueError(f"factor must be > 1, got {factor:g}")
    kept = t > 0
    slope = np.diff(np.log(loss[kept])) / np.diff(np.log(t[kept]))
    steep = np.concatenate([[False], slope < -1, [False]]).astype(int)
    begins, ends = np.flatnonzero(np.diff(steep) > 0), np.flatnonzero(np.diff(steep) < 0)
    level = np.log(loss[kept])
    skipped = int((~kept).sum())
    stretches = [(i, j) for i, j in zip(begins, ends, strict=True) if level[i] - level[j] >= np.log(factor)]
    return np.array([skipped + i + 1 + int(np.argmin(slope[i:j])) for i, j in stretches], dtype=int)


def angle_between(first: ArrayLike, second: ArrayLike, *, axis: bool = False) -> np.ndarray:
    """Angle between directions given by angles in radians, in [0, pi]; of their lines, in [0, pi/2], for `axis`.

    Examples
    --------
    >>> float(angle_between(3.0, -3.0).round(3)), float(angle_between(3.0, 0.0, axis=True).round(3))
    (0.283, 0.142)
    """
    apart = np.abs(np.angle(np.exp(1j * (finite("first", first) - finite("second", second)))))
    return np.minimum(apart, np.pi - apart) if axis else apart


def _unit(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _members(mass: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Which neurons (k, m) are in each of the orientations that count."""
    gap = float(np.cos(ORIENTATION_GAP))
    labels = clusters(w, mass, threshold=gap, linkage="single", min_share=1e-3)
    groups = labels == np.arange(labels.max() + 1)[:, None]
    return groups[groups @ mass >= SHARE * mass.sum()]


def _mean_angle(mass: np.ndarray, w: np.ndarray) -> float:
    u = mass @ (w / np.linalg.norm(w, axis=1, keepdims=True))
    return float(np.arctan2(u[1], u[0]))
