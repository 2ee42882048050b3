r"""A chain of scalar weights: the smallest network whose descent comes to the edge of stability.

The product :math:`f = \prod_i w_i` of L weights meets the loss :math:`\frac12 (S - f)^2`. Its gradient flow
:math:`\dot w_i = (S - f)\, f_i`, with :math:`f_i = \prod_{j \neq i} w_j`, conserves all :math:`w_i^2 - w_j^2`, so that
one number s says where it is: :math:`w_i^2 = w_i(0)^2 + s`. The remaining error falls as :math:`S - f = (S - f_0)
e^{-u}` with :math:`\dot u = K`, the tangent kernel :math:`K = \sum_i f_i^2`; u is integrated, everything else is a
root of a monotone function of it.

The Hessian has :math:`f_i f_j - (S - f) f_{ij}` off its diagonal, with :math:`f_{ij}` the product of the other weights,
and :math:`f_i^2` on it. At a minimum it is of rank one, and its eigenvalue, the sharpness, is K:

.. math:: l = S^2 \sum_i \frac{1}{w_i^2}, \qquad w_i^2 = w_i(0)^2 + s, \qquad \prod_i w_i = S .

Gradient descent of rate :math:`\eta` is stable there up to :math:`l = 2/\eta` (Cohen et al. 2021, arXiv:2103.00065).
From a start of one large and several small weights the flow grows much sharper on its way; that of two weights at most
doubles the sharpness it starts with. The forms above are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held, held_number, plain
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import times

TOLERANCE = {"rtol": 1e-12, "atol": 1e-15}  # of the logarithm of the remaining error
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
    (0.551, 9.039)
    >>> chain.solve([0, 60, np.inf])["sharpness"].round(3).tolist()
    [0.551, 9.02, 9.039]
    >>> descent = chain.simulate(n_steps=3000, lr=0.35)["sharpness"]
    >>> round(np.median(descent[-600:]) * 0.35 / 2, 2)
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
        return self._weights_at(np.array([self._end]))[0]

    @property
    def sharpness_at_start(self) -> float:
        """Top eigenvalue of the Hessian at the initial weights."""
        return float(self._sharpness(self.weights[None])[0])

    @property
    def sharpness_at_minimum(self) -> float:
        r"""Top eigenvalue of the Hessian where the flow ends: :math:`S^2 \sum 1/w_i^2`, which is K, at f = S."""
        return float(self._sharpness(self.minimum[None])[0])

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
        function = np.full(t.shape, self._end)
        finite = np.isfinite(t)
        function[finite] = self._function_after(self._decay(t[finite]))
        return Trajectory(t, self._data(self._weights_at(function)), clock="flow time")

    def _decay(self, t: np.ndarray) -> np.ndarray:
        """u at finite times, the log by which the error has fallen."""
        if t.size == 0 or t[-1] == 0 or self.start == self._end:
            return np.zeros_like(t)

        def rate(_, u: np.ndarray) -> np.ndarray:
            return self._kernel(self._weights_at(self._function_after(u)))

        run = solve_ivp(rate, (0.0, t[-1]), [0.0], "DOP853", t_eval=t, **TOLERANCE)
        if not run.success:
            raise SimulationError(f"flow time {t[-1]:g} is not reached: {run.message}")
        return run.y[0]

    def _function_after(self, u: np.ndarray) -> np.ndarray:
        """f when the error has fallen by e^-u; never beyond the end of the flow."""
        function = self.target - (self.target - self.start) * np.exp(-u)
        low, high = sorted([self.start, self._end])
        return np.clip(function, low, high)

    @property
    def _smallest(self) -> int:
        """The weight that alone may change its sign."""
        return int(np.abs(self.weights).argmin())

    @property
    def _excess(self) -> np.ndarray:
        """w_i^2 less the smallest of them, (L,), conserved; the smallest itself has 0."""
        return self.weights**2 - self.weights[self._smallest] ** 2

    @property
    def _end(self) -> float:
        """f at infinite time."""
        tied = np.sum(self._excess == 0) > 1
        return 0.0 if tied and self.start * self.target <= 0 else self.target

    def _weights_at(self, function: np.ndarray) -> np.ndarray:
        """The weights of the flow whose product is `function` (n,), (n, L)."""
        k, excess = self._smallest, self._excess
        signs = np.where(self.weights < 0, -1.0, 1.0)
        others = np.delete(excess, k)
        own = np.prod(np.delete(signs, k)) * np.sign(function)  # the others keep their signs
        size = _root(np.abs(function), others)
        weights = signs * np.sqrt(size[:, None] ** 2 + excess)
        weights[:, k] = own * size
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
        return self._data(weights)

    def _data(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        function = np.prod(weights, axis=1)
        residual = self.target - function
        data = {"function": function, "residual": residual, "loss": 0.5 * residual**2, "weights": weights}
        return data | {"ntk": self._kernel(weights), "sharpness": self._sharpness(weights)}

    def _kernel(self, weights: np.ndarray) -> np.ndarray:
        return (_slopes(weights) ** 2).sum(axis=1)

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


def _root(product: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """x >= 0 with x prod sqrt(x^2 + excess) = product (n,), by Newton's method from above, where it is monotone."""
    depth = excess.size + 1
    with np.errstate(divide="ignore"):
        slope = np.sqrt(np.prod(excess))
        x = np.minimum(product ** (1 / depth), product / slope if slope > 0 else np.inf)
    for _ in range(_NEWTON):
        squares = x[:, None] ** 2 + excess
        rest = np.sqrt(np.prod(squares, axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):  # at x = 0, where there is nothing left to do
            growth = 1 + x**2 * (1 / squares).sum(axis=1)
            step = np.where(x > 0, (x - product / rest) / growth, 0.0)
        x = np.maximum(x - step, 0.0)
        if (np.abs(step) <= 1e-15 * x).all():
            return x
    raise SimulationError(f"the weights were not found to rounding for products up to {product.max():g}")
