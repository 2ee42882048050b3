r"""A chain of scalar weights: the smallest network whose descent comes to the edge of stability.

The product :math:`f = \prod_i w_i` of L weights meets the loss :math:`\frac12 (S - f)^2`. Its gradient flow
:math:`\dot w_i = (S - f)\, f_i`, with :math:`f_i = \prod_{j \neq i} w_j`, conserves all :math:`w_i^2 - w_j^2`, so that
one number s says where it is: :math:`w_i^2 = w_i(0)^2 + s`. The remaining error falls as :math:`S - f = (S - f_0)
e^{-u}` with :math:`\dot u = K`, the tangent kernel :math:`K = \sum_i f_i^2`; u and the smallest weight, which alone may
change its sign, are integrated, smoothly also where the flow has long converged.

The Hessian has :math:`f_i f_j - (S - f) f_{ij}` off its diagonal, with :math:`f_{ij}` the product of the other weights,
and :math:`f_i^2` on it. At a minimum it is of rank one, and its eigenvalue, the sharpness, is K:

.. math:: l = S^2 \sum_i \frac{1}{w_i^2}, \qquad w_i^2 = w_i(0)^2 + s, \qquad \prod_i w_i = S .

Gradient descent of rate :math:`\eta` is stable there up to :math:`l = 2/\eta` (Cohen et al. 2021, arXiv:2103.00065).
From a start of one large and several small weights the flow grows much sharper on its way; that of two weights at most
doubles the sharpness that it has at f = 0. The forms above are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held, held_number, plain
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import times

RTOL, ATOL = 1e-12, 1e-15  # of the smallest weight, and of the log of the remaining error
_NEWTON = 100  # iterations at most; quadratic from above, so that few are used


@dataclass(frozen=True, eq=False)
class ScalarChain(GradientDescent):
    r"""Product of scalar weights of any sizes, trained to one target.

    Parameters
    ----------
    weights : (L,) array
        Initial weights, at least two.
    target : float
        S, of any sign.

    Raises
    ------
    ValueError
        If there are fewer than two weights, or a value is not finite.

    Examples
    --------
    >>> chain = ScalarChain([5.0, 0.1, 0.1, 0.1], target=1.0)
    >>> round(chain.sharpness_at_start, 3), round(chain.sharpness_at_minimum, 3)
    (0.498, 8.85)
    >>> chain.solve([0, 2, np.inf])["sharpness"].round(3).tolist()
    [0.498, 7.362, 8.85]
    >>> descent = chain.simulate(n_steps=3000, lr=0.35)["sharpness"]
    >>> round(float(np.median(descent[-600:])) * 0.35 / 2, 2)
    1.0
    """

    weights: np.ndarray
    target: float = 1.0

    def __post_init__(self):
        weights = held("weights", self.weights, ndim=1)
        if weights.size < 2:
            raise ValueError(f"weights must be at least 2, got {weights.size}")
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "target", held_number("target", self.target))

    @property
    def depth(self) -> int:
        """Number L of weights."""
        return self.weights.size

    @property
    def start(self) -> float:
        """f at the start."""
        return float(np.prod(self.weights))

    @property
    def minimum(self) -> np.ndarray:
        """Where the flow ends, (L,): at f = S, unless two weights of the smallest size keep it at f = 0."""
        return self._weights_of(np.array([self._small_end]))[0]

    @property
    def sharpness_at_start(self) -> float:
        """Top eigenvalue of the Hessian at the initial weights."""
        return float(self._sharpness(self.weights[None])[0])

    @property
    def sharpness_at_minimum(self) -> float:
        r"""Top eigenvalue of the Hessian where the flow ends: :math:`S^2 \sum 1/w_i^2`, which is K, at f = S."""
        return float(self._sharpness(self.minimum[None])[0])

    @property
    def sharpness_of_the_flattest(self) -> float:
        r"""Sharpness of the flattest minimum, that of equal weights: :math:`L\,|S|^{2 - 2/L}`.

        At learning rates above 2 over it descent settles at no minimum.
        """
        return float(self.depth * abs(self.target) ** (2 - 2 / self.depth))

    def solve(self, t: ArrayLike) -> Trajectory:
        """Gradient flow at the times `t`, to a relative error of about 1e-10; `inf` is exact.

        Returns
        -------
        Trajectory
            `function` f, `residual` S - f, `loss` (S - f)^2 / 2, `ntk` K and `sharpness`, the top eigenvalue of the
            Hessian, all (n_t,); `weights` (n_t, L).

        Raises
        ------
        SimulationError
            If the integration fails.
        """
        t = times(plain("t", t))
        small, decay = np.full(t.shape, self._small_end), np.full(t.shape, np.inf)
        finite = np.isfinite(t)
        small[finite], decay[finite] = self._course(t[finite])
        residual = (self.target - self.start) * np.exp(-decay)
        residual[~finite] = self.target - self._end
        return Trajectory(t, self._data(self._weights_of(small), residual), clock="flow time")

    def _course(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The smallest weight and u at finite times t."""
        from scipy.integrate import solve_ivp

        first = float(self.weights[self._smallest])
        if t.size == 0 or t[-1] == 0 or self.start == self._end:
            return np.full(t.shape, first), np.zeros(t.shape)
        error, excess, k = self.target - self.start, self._excess.tolist(), self._smallest
        signs, tied = self._signs.tolist(), self._tied

        def rate(_, state: np.ndarray) -> list[float]:
            small, decay = state.tolist()
            if tied and small * first < 0:  # by rounding: two weights of one size never pass 0
                small = 0.0
            weights = [sign * math.sqrt(small * small + more) for sign, more in zip(signs, excess, strict=True)]
            slopes = _products_of_others(weights)
            return [error * math.exp(-decay) * slopes[k], sum(slope * slope for slope in slopes)]

        with np.errstate(all="ignore"):  # steps over times that no integrator reaches
            run = solve_ivp(rate, (0.0, t[-1]), [first, 0.0], "DOP853", t_eval=t, rtol=RTOL, atol=ATOL)
        if not run.success:
            raise SimulationError(f"flow time {t[-1]:g} is not reached: {run.message}")
        small, decay = run.y
        return np.where(tied & (small * first < 0), 0.0, small), decay

    @property
    def _smallest(self) -> int:
        """The weight that alone may change its sign."""
        return int(np.abs(self.weights).argmin())

    @property
    def _excess(self) -> np.ndarray:
        """w_i^2 less the smallest of them, (L,), conserved; the smallest itself has 0."""
        return self.weights**2 - self.weights[self._smallest] ** 2

    @property
    def _tied(self) -> bool:
        """Whether two weights are the smallest: then neither changes its sign."""
        return int(np.sum(self._excess == 0)) > 1

    @property
    def _end(self) -> float:
        """f at infinite time."""
        return 0.0 if self._tied and self.start * self.target <= 0 else self.target

    @property
    def _small_end(self) -> float:
        """The smallest weight at infinite time: the one root of a product that grows with it."""
        others = np.delete(self._excess, self._smallest)
        sign = np.prod(np.delete(self._signs, self._smallest)) * np.sign(self._end)
        return float(sign) * _root(abs(self._end), others)

    @property
    def _signs(self) -> np.ndarray:
        return np.where(self.weights < 0, -1.0, 1.0)

    def _weights_of(self, small: np.ndarray) -> np.ndarray:
        """The weights of the flow (n, L) when the smallest is `small` (n,); the others keep their signs."""
        weights = self._signs * np.sqrt(small[:, None] ** 2 + self._excess)
        weights[:, self._smallest] = small
        return weights

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        weights = np.empty((n_steps + 1, self.depth))
        weights[0] = self.weights
        state = self.weights.tolist()
        for k in range(n_steps):
            rest = _products_of_others(state)
            pull = lr * (self.target - state[0] * rest[0])
            state = [w + pull * slope for w, slope in zip(state, rest, strict=True)]
            weights[k + 1] = state
        return self._data(weights, self.target - np.prod(weights, axis=1))

    def _data(self, weights: np.ndarray, residual: np.ndarray) -> dict[str, np.ndarray]:
        data = {"function": self.target - residual, "residual": residual, "loss": 0.5 * residual**2, "weights": weights}
        return data | {"ntk": (_slopes(weights) ** 2).sum(axis=1), "sharpness": self._sharpness(weights)}

    def _sharpness(self, weights: np.ndarray) -> np.ndarray:
        """Top eigenvalues of the Hessians at weights (n, L); NaN where one is not finite."""
        hessian = self._hessian(weights)
        top = np.full(len(weights), np.nan)
        finite = np.isfinite(hessian).all(axis=(1, 2))
        top[finite] = np.linalg.eigvalsh(hessian[finite])[:, -1]
        return top

    def _hessian(self, weights: np.ndarray) -> np.ndarray:
        slopes = _slopes(weights)
        bend = (self.target - np.prod(weights, axis=1))[:, None, None]
        hessian = slopes[:, :, None] * slopes[:, None, :]
        for i in range(self.depth):
            for j in range(i):
                rest = np.prod(np.delete(weights, [i, j], axis=1), axis=1)
                hessian[:, i, j] -= bend[:, 0, 0] * rest
                hessian[:, j, i] = hessian[:, i, j]
        return hessian


def _slopes(weights: np.ndarray) -> np.ndarray:
    """Derivatives f_i of the product by each weight, (n, L), also where weights are 0."""
    ones = np.ones((len(weights), 1))
    before = np.cumprod(np.hstack([ones, weights[:, :-1]]), axis=1)
    after = np.cumprod(np.hstack([ones, weights[:, :0:-1]]), axis=1)[:, ::-1]
    return before * after


def _products_of_others(weights: list[float]) -> list[float]:
    """The same for one list of numbers, which is faster in a loop."""
    before = [1.0]
    for w in weights[:-1]:
        before.append(before[-1] * w)
    after = 1.0
    for i in range(len(weights) - 1, -1, -1):
        before[i] *= after
        after *= weights[i]
    return before


def _root(product: float, excess: np.ndarray) -> float:
    """x >= 0 with x prod sqrt(x^2 + excess) = product >= 0, by Newton's method from above, where it is monotone."""
    if product == 0:
        return 0.0
    flat = float(np.sqrt(np.prod(excess)))
    x = min(float(product) ** (1 / (excess.size + 1)), product / flat if flat > 0 else np.inf)
    for _ in range(_NEWTON):
        squares = x**2 + excess
        step = (x - product / float(np.sqrt(np.prod(squares)))) / (1 + x**2 * float(np.sum(1 / squares)))
        x -= step
        if abs(step) <= 1e-12 * x:  # the next would be at rounding
            return x
    raise SimulationError(f"the minimum was not found to rounding for a product of {product:g}")
