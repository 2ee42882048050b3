r"""A linear student on one data set with noisy labels: its train and test loss at any time.

Gradient flow on :math:`|X w - y|^2/2n` decouples in the eigenbasis of the sample covariance
:math:`X^\top X/n = V \mathrm{diag}(l) V^\top`, where direction k heads for the least-squares value
:math:`\hat w_k`, the noise included. With one layer it does so as :math:`e^{-l_k t}`; with two as a coordinate of the
diagonal network :math:`f(x) = \sum_k a_k b_k\, v_k \cdot x` (:class:`toymodels.layerwise.DiagonalNetwork` of target
:math:`\hat w_k` and variance :math:`l_k`), whose signs are those of singular vectors: along every :math:`v_k` the
labels correlate positively. Directions of :math:`l_k = 0` never move.

The labels' noise is learned late, in the directions of small :math:`l_k`: the test loss falls and rises again
(Advani, Saxe, Sompolinsky 2020, arXiv:1710.03667; for networks Lampinen, Ganguli 2019, arXiv:1809.10374). Both are
exact here for any inputs and any noise. Not modelled: a dense first layer below one output, which mixes the directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import covariance as checked_covariance
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.held import held, plain
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, plain_fields, times

_FOREVER = 1e280  # stands for inf: there a rate of exactly 0 still does nothing
_ROUNDING = 1e-14  # of the loss at the start
_SEARCH = 200  # times at which a minimum is looked for before it is refined


class _Modes(NamedTuple):
    """Sample covariance in its eigenbasis: eigenvalues (d,), vectors as columns, least-squares target (d,), rest."""

    rates: np.ndarray
    basis: np.ndarray
    target: np.ndarray
    unreachable: float  # train loss of the part of the labels that no map reaches


@dataclass(frozen=True, eq=False)
class Student:
    r"""A linear student under gradient flow on given data.

    Parameters
    ----------
    x : (n, d) array
        Inputs, of any correlation.
    y : (n,) array
        Labels, noise included.
    teacher : (d,) array
        The map :math:`w^*` behind the labels, against which the test loss is taken.
    layers : int
        1, a vector of weights; or 2, a diagonal network in the eigenbasis of the sample covariance.
    initial : float or array
        One layer: the start, a number or (d,). Two: the start of both weights, or the pair (a, b). A start of
        a = b = 0 never moves.
    covariance : float, (d,) or (d, d) array
        Covariance of the inputs that the test loss is over.

    Raises
    ------
    ValueError
        If a shape is wrong, a value is not finite, masked or carries a gradient, or two layers start at 0.

    Examples
    --------
    >>> x, y = [[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]], [1.0, 2.0, 2.0]
    >>> run = Student(x, y, teacher=[1.0, 1.0]).solve([0.0, 1.0, np.inf])
    >>> run["weights"].round(3).tolist()
    [[0.0, 0.0], [0.73, 0.736], [1.5, 1.0]]
    >>> run["train_loss"].round(3).tolist(), run["test_loss"].round(3).tolist()
    ([1.5, 0.327, 0.083], [1.0, 0.071, 0.125])
    """

    x: np.ndarray
    y: np.ndarray
    teacher: np.ndarray
    layers: int = 1
    initial: np.ndarray | float | tuple[float, float] = 0.0
    covariance: np.ndarray | float = 1.0

    def __post_init__(self):
        plain_fields(self)
        x, y = held("x", self.x, ndim=2), held("y", self.y, ndim=1)
        teacher = held("teacher", self.teacher, ndim=1)
        if y.size != len(x):
            raise ValueError(f"y must have {len(x)} entries, one per row of x, got {y.size}")
        if teacher.size != x.shape[1]:
            raise ValueError(f"teacher must have {x.shape[1]} entries, one per column of x, got {teacher.size}")
        choice("layers", self.layers, (1, 2))
        start = start_weights(self.initial, self.layers, teacher.size)
        spread = held("covariance", checked_covariance("covariance", held("covariance", self.covariance), teacher.size))
        for name, value in (("x", x), ("y", y), ("teacher", teacher), ("initial", start), ("covariance", spread)):
            object.__setattr__(self, name, value)

    @cached_property
    def _modes(self) -> _Modes:
        n, d = self.x.shape
        left, singular, right = np.linalg.svd(self.x / np.sqrt(n), full_matrices=False)
        kept = singular > max(n, d) * np.finfo(float).eps * singular.max()
        left, singular = left[:, kept], singular[kept]
        along = left.T @ self.y / np.sqrt(n)
        rest = self.y / np.sqrt(n) - left @ along
        basis = np.column_stack([right[kept].T, _complement(right[kept])])
        rates, target = np.zeros((2, d))
        rates[: singular.size], target[: singular.size] = singular**2, along / singular
        return _Modes(rates, basis, target, 0.5 * float(rest @ rest))

    @cached_property
    def _network(self) -> DiagonalNetwork:
        """The two layers along eigenvectors turned so that every target is >= 0."""
        a0, b0 = np.asarray(self.initial)
        return DiagonalNetwork(np.abs(self._modes.target), a0, b0, variance=self._modes.rates)

    def solve(self, t: ArrayLike) -> Trajectory:
        r"""Exact flow at the times `t`, `inf` allowed last.

        Returns
        -------
        Trajectory
            `weights` of the linear map (n_t, d), `train_loss` :math:`|X w - y|^2/2n` and `test_loss`
            :math:`\tfrac12 (w - w^*)^\top C (w - w^*)` (n_t,), above what noise in the test labels adds.
        """
        t, modes = times(plain("t", t)), self._modes
        along, residual = self._directions(t)
        weights = along @ modes.basis.T
        error = weights - self.teacher
        data = {
            "weights": weights,
            "train_loss": 0.5 * residual**2 @ modes.rates + modes.unreachable,
            "test_loss": 0.5 * np.sum((error @ self.covariance) * error, axis=1),
        }
        return Trajectory(t, data, clock="flow time", meta={"method": "closed form"})

    def _directions(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights in the eigenbasis, and what they lack of their targets; both (n_t, d)."""
        modes = self._modes
        if self.layers == 2:
            signs, product = np.where(modes.target >= 0, 1.0, -1.0), self._network.solve(t)["product"]
            return signs * product, signs * (np.abs(modes.target) - product)
        start = np.asarray(self.initial) @ modes.basis
        exponent = -np.multiply.outer(np.minimum(t, _FOREVER), modes.rates)
        decay = np.exp(exponent)
        # neither from the other: a target in a direction of small variance is huge
        return decay * start - np.expm1(exponent) * modes.target, decay * (modes.target - start)

    def span(self) -> tuple[float, float]:
        """Flow times between which everything happens: from well before the first mode moves to past the last."""
        moving = self._modes.rates[self._modes.rates > 0]
        if self.layers == 1:
            return (1e-2 / moving.max(), 40.0 / moving.min()) if moving.size else (0.1, 1.0)
        first, last = self._network.time_to(1e-2), self._network.time_to(1 - 1e-6)
        return float(first[np.isfinite(first)].min(initial=1.0)) / 10, float(last[np.isfinite(last)].max(initial=1.0))

    def optimal_stopping(self) -> tuple[float, float]:
        """When the test loss is lowest, and how low: `inf` if it never rises again, 0 if it only rises."""
        return lowest_of_all(lambda t: self.solve(t)["test_loss"], *self.span())


def start_weights(initial, layers: int, size: int) -> np.ndarray:
    """`initial` as (size,) weights of one layer, or as the pair of weights (2,) of two."""
    start = held("initial", initial)
    allowed = ((), (size,)) if layers == 1 else ((), (2,))
    if start.shape not in allowed:
        shape = f"({size},)" if layers == 1 else "(2,)"
        raise ValueError(f"initial must be a number or have shape {shape}, got shape {start.shape}")
    start = held("initial", np.broadcast_to(start, allowed[1]))
    if layers == 2 and not start.any():
        raise ValueError("initial must not be 0 with two layers, which never leave it, got 0")
    return start


def lowest(loss: Callable[[np.ndarray], np.ndarray], first: float, last: float) -> tuple[float, float]:
    """Where `loss` of increasing times is lowest between `first` and `last`, and how low: a grid, then refined."""
    from scipy.optimize import minimize_scalar

    grid = np.geomspace(first, last, _SEARCH)
    best = int(np.argmin(loss(grid)))
    bounds = np.log([grid[max(best - 1, 0)], grid[min(best + 1, _SEARCH - 1)]])
    found = minimize_scalar(lambda log_t: float(loss(np.exp([log_t]))[0]), bounds=bounds, options={"xatol": 1e-9})
    return float(np.exp(found.x)), float(found.fun)


def lowest_of_all(loss: Callable[[np.ndarray], np.ndarray], first: float, last: float) -> tuple[float, float]:
    """As :func:`lowest`, among 0 and inf as well; inf if nothing before it is lower by more than rounding."""
    start, end = loss(np.array([0.0, np.inf]))
    t, value = min([(0.0, float(start)), lowest(loss, first, last)], key=lambda found: found[1])
    return (t, value) if value < end - _ROUNDING * start else (np.inf, float(end))


def _complement(rows: np.ndarray) -> np.ndarray:
    """Orthonormal columns (d, d - r) that span what the orthonormal `rows` (r, d) leave out."""
    if len(rows) == rows.shape[1]:
        return np.zeros((rows.shape[1], 0))
    full, _ = np.linalg.qr(rows.T, mode="complete")
    return full[:, len(rows) :]
