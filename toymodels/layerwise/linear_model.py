r"""The linear model: one layer, the baseline without layerwise dynamics.

For :math:`f(x) = \theta \cdot x`, target :math:`\theta^* \cdot x` and loss :math:`\tfrac12 E (f^* - f)^2` the
gradient flow :math:`\dot\theta = \Sigma (\theta^* - \theta)` decays exponentially in each eigendirection of the input
covariance :math:`\Sigma`: Eq. 5, 7, 10 and 26-31 of Nam et al. (2025), arXiv:2502.21009. The tangent kernel is
constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import covariance, per_coordinate
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held, plain
from toymodels.trajectory import Trajectory
from toymodels.validation import times


@dataclass(frozen=True, eq=False)
class LinearModel(GradientDescent):
    """One-layer linear regression under gradient flow.

    Parameters
    ----------
    target : (d,) array
        The true map.
    variance : float, (d,) array or (d, d) array
        Input variances, or a symmetric positive semi-definite covariance.
    theta0 : float or (d,) array
        Initial weights.

    Raises
    ------
    ValueError
        If a shape or sign is wrong, or the covariance is not symmetric and positive semi-definite.

    Examples
    --------
    >>> LinearModel(target=[1.0, -1.0], variance=[1.0, 0.1]).solve([0, 1, np.inf])["theta"].round(3).tolist()
    [[0.0, 0.0], [0.632, -0.095], [1.0, -1.0]]
    """

    target: np.ndarray
    variance: np.ndarray | float = 1.0
    theta0: np.ndarray | float = 0.0

    def __post_init__(self):
        target = held("target", np.atleast_1d(plain("target", self.target)), ndim=1)
        object.__setattr__(self, "target", target)
        for name, check in (("variance", covariance), ("theta0", per_coordinate)):
            object.__setattr__(self, name, held(name, check(name, plain(name, getattr(self, name)), target.size)))

    def solve(self, t: ArrayLike) -> Trajectory:
        """Exact flow at the times `t`: `theta` (n_t, d) and `loss` (n_t,)."""
        t = times(plain("t", t))
        rates, basis = np.linalg.eigh(self.variance)
        rates = np.where(rates > 1e-14 * rates.max(), rates, 0.0)  # the null space does not move, also at t = inf
        start, end = basis.T @ self.theta0, basis.T @ self.target
        exponent = -np.multiply.outer(np.minimum(t, 1e280), rates)
        error = np.exp(exponent) * (end - start)  # (n_t, d), in the eigenbasis
        theta = (start - np.expm1(exponent) * (end - start)) @ basis.T
        return Trajectory(t, {"theta": theta, "loss": 0.5 * error**2 @ rates}, clock="flow time")

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        theta = np.empty((n_steps + 1, self.target.size))
        theta[0] = self.theta0
        for k in range(n_steps):
            theta[k + 1] = theta[k] + lr * self.variance @ (self.target - theta[k])
        error = theta - self.target
        loss = 0.5 * np.sum((error @ self.variance) * error, axis=1)
        return {"theta": theta, "loss": loss}
