r"""The diagonal linear network: two layers, one product per coordinate.

For :math:`f(x) = \sum_i a_i b_i x_i`, independent inputs of variance :math:`\sigma_i^2` and loss
:math:`\tfrac12 E (f^* - f)^2` each coordinate obeys

.. math:: \dot a = \sigma^2 b (S - ab), \qquad \dot b = \sigma^2 a (S - ab),

and conserves :math:`a^2 - b^2`: Eq. 3, 6, 8, 9 and 32-39 of Nam et al. (2025), arXiv:2502.21009. Equal weights give
the sigmoid :math:`u = S / (1 + (S/u_0 - 1) e^{-2\sigma^2 S t})` of Saxe et al. (2014), arXiv:1312.6120; unequal
weights of any sign are the same Riccati equation (:mod:`toymodels.layerwise.riccati`). Correlated inputs couple the
coordinates and have no closed form; they are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import per_coordinate, variances
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.riccati import TwoFactorFlow, grown_weights
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, non_negative, times

_BLOCK = 12_000  # entries


@dataclass(frozen=True, eq=False)
class DiagonalNetwork(GradientDescent):
    r"""Two-layer diagonal linear network under gradient flow.

    Parameters
    ----------
    target : (d,) array
        S, of any sign.
    a0, b0 : float or (d,) arrays
        Initial weights.
    variance : float or (d,) array
        Input variances >= 0.
    weight_decay : float
        :math:`\mu \ge 0`, added to the flow as :math:`-\mu a` and :math:`-\mu b`. Exact only while the two weights of
        each coordinate are equal in size, where it lowers the target by :math:`\mu/\sigma^2`; refused otherwise.

    Raises
    ------
    ValueError
        If a shape or sign is wrong, inputs are correlated, or there is weight decay with unbalanced weights or inputs
        of no variance.

    Examples
    --------
    >>> network = DiagonalNetwork(target=[1.0, 2.0], a0=0.1, b0=0.1)
    >>> network.solve([0, 2, np.inf])["product"].round(3).tolist()
    [[0.01, 0.01], [0.355, 1.875], [1.0, 2.0]]
    >>> network.simulate(n_steps=200, lr=0.01)["product"][-1].round(3).tolist()
    [0.352, 1.875]
    """

    target: np.ndarray
    a0: np.ndarray | float
    b0: np.ndarray | float
    variance: np.ndarray | float = 1.0
    weight_decay: float = 0.0

    def __post_init__(self):
        target = finite("target", np.atleast_1d(self.target), ndim=1)
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "a0", per_coordinate("a0", self.a0, target.size))
        object.__setattr__(self, "b0", per_coordinate("b0", self.b0, target.size))
        object.__setattr__(self, "variance", variances("variance", self.variance, target.size))
        decay = float(non_negative("weight_decay", finite("weight_decay", self.weight_decay, ndim=0)))
        if decay > 0 and np.any(np.abs(self.a0) != np.abs(self.b0)):
            gap = np.abs(self.imbalance).max()
            raise ValueError(f"weight_decay must be 0 unless |a0| = |b0|, got {decay:g} with an imbalance of {gap:g}")
        if decay > 0 and np.any(self.variance == 0):
            raise ValueError(f"weight_decay must be 0 where variance is 0, got {decay:g}")

    @property
    def imbalance(self) -> np.ndarray:
        r""":math:`a_0^2 - b_0^2` (d,), conserved."""
        return np.asarray((self.a0 - self.b0) * (self.a0 + self.b0))

    @property
    def shrinkage(self) -> np.ndarray:
        r"""How far weight decay pulls each product's target towards 0: :math:`\pm\mu/\sigma^2` (d,)."""
        if self.weight_decay == 0:
            return np.zeros_like(self.target)
        return np.sign(self.a0 * self.b0) * self.weight_decay / self.variance

    @property
    def flow(self) -> TwoFactorFlow:
        """The Riccati equation of every coordinate."""
        return TwoFactorFlow.from_weights(self.a0, self.b0, self.target - self.shrinkage, self.variance)

    def solve(self, t: ArrayLike) -> Trajectory:
        """Exact flow at the times `t`: `a`, `b`, `product` (n_t, d) and the data `loss` (n_t,), without the penalty."""
        t, flow = times(t), self.flow
        shrinkage, distance = self.shrinkage, flow.target - flow.start
        a, b, product = np.empty((3, t.size, self.target.size))
        loss = np.empty(t.size)
        # blocks that fit the processor's cache: over a million entries at once are several times slower
        block = max(1, _BLOCK // self.target.size)
        for first in range(0, t.size, block):
            rows = slice(first, first + block)
            state = flow.at(t[rows, None])
            grown_weights(self.a0, self.b0, state.growth, out=(a[rows], b[rows]))
            product[rows] = state.function
            loss[rows] = (distance * state.remaining + shrinkage) ** 2 @ (self.variance / 2)
        return Trajectory(t, {"a": a, "b": b, "product": product, "loss": loss}, clock="flow time")

    def time_to(self, fraction: float) -> np.ndarray:
        """When each product has gone `fraction` of its way from start to target, (d,); `inf` before a saddle."""
        return self.flow.time_to(fraction)

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        a, b = np.empty((2, n_steps + 1, self.target.size))
        a[0], b[0] = self.a0, self.b0
        kept = 1 - lr * self.weight_decay
        for k in range(n_steps):
            pull = lr * self.variance * (self.target - a[k] * b[k])
            a[k + 1], b[k + 1] = kept * a[k] + pull * b[k], kept * b[k] + pull * a[k]
        return {"a": a, "b": b, "product": a * b, "loss": 0.5 * (self.target - a * b) ** 2 @ self.variance}
