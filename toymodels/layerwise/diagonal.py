r"""The diagonal linear network: two layers, one product per coordinate.

For :math:`f(x) = \sum_i a_i b_i x_i`, independent inputs of variance :math:`\sigma_i^2` and loss
:math:`\tfrac12 E (f^* - f)^2` each coordinate obeys

.. math:: \dot a = \sigma^2 b (S - ab), \qquad \dot b = \sigma^2 a (S - ab),

and conserves :math:`a^2 - b^2`: Eq. 3, 6, 8, 9 and 32-39 of Nam et al. (2025), arXiv:2502.21009. Equal weights give
the sigmoid :math:`u = S / (1 + (S/u_0 - 1) e^{-2\sigma^2 S t})` of Saxe et al. (2014), arXiv:1312.6120; unequal
weights of any sign are the same Riccati equation (:mod:`toymodels.layerwise.riccati`). Weight decay adds
:math:`-\mu a` and :math:`-\mu b`; then the imbalance :math:`a^2 - b^2` dies as :math:`e^{-2\mu t}` and the solution
is a ratio of Bessel functions (:mod:`toymodels.layerwise.decay`). Correlated inputs couple the coordinates and have no
closed form; they are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import per_coordinate, variances
from toymodels.layerwise.decay import NEGLIGIBLE, DecayingFlow, decayed_weights
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held, held_number, plain
from toymodels.layerwise.riccati import ModerateWeights, TwoFactorFlow, grown_weights, is_moderate
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative, times

_BLOCK = 16_000  # entries


@dataclass(frozen=True, eq=False)
class DiagonalNetwork(GradientDescent):
    r"""Two-layer diagonal linear network under gradient flow, with or without weight decay.

    Parameters
    ----------
    target : (d,) array
        S, of any sign.
    a0, b0 : float or (d,) arrays
        Initial weights.
    variance : float or (d,) array
        Input variances >= 0.
    weight_decay : float
        :math:`\mu \ge 0`, added to the flow as :math:`-\mu a` and :math:`-\mu b`.

    Raises
    ------
    ValueError
        If a shape or sign is wrong, a value is not finite, or inputs are correlated.

    Examples
    --------
    >>> network = DiagonalNetwork(target=[1.0, 2.0], a0=0.1, b0=0.1)
    >>> network.solve([0, 2, np.inf])["product"].round(3).tolist()
    [[0.01, 0.01], [0.355, 1.875], [1.0, 2.0]]

    A lazy start that weight decay makes rich, when it has undone the imbalance, at a time of order 1/mu:

    >>> lazy = DiagonalNetwork(target=[1.0, 0.1], a0=5.0, b0=0.0, weight_decay=0.2)
    >>> lazy.solve([0, 1, 50])["product"].round(3).tolist()
    [[0.0, 0.0], [0.977, 0.098], [0.8, 0.0]]
    >>> network.simulate(n_steps=200, lr=0.01)["product"][-1].round(3).tolist()
    [0.352, 1.875]
    """

    target: np.ndarray
    a0: np.ndarray | float
    b0: np.ndarray | float
    variance: np.ndarray | float = 1.0
    weight_decay: float = 0.0

    def __post_init__(self):
        target = held("target", np.atleast_1d(plain("target", self.target)), ndim=1)
        object.__setattr__(self, "target", target)
        for name, check in (("a0", per_coordinate), ("b0", per_coordinate), ("variance", variances)):
            object.__setattr__(self, name, held(name, check(name, plain(name, getattr(self, name)), target.size)))
        decay = non_negative("weight_decay", held_number("weight_decay", self.weight_decay))
        object.__setattr__(self, "weight_decay", float(decay))

    @property
    def imbalance(self) -> np.ndarray:
        r""":math:`a_0^2 - b_0^2` (d,), conserved without weight decay; with it :math:`a^2 - b^2` falls as
        :math:`e^{-2\mu t}`.
        """
        return np.asarray((self.a0 - self.b0) * (self.a0 + self.b0))

    @property
    def flow(self) -> TwoFactorFlow | DecayingFlow:
        """The equation of every coordinate."""
        flow = TwoFactorFlow.from_weights(self.a0, self.b0, self.target, self.variance)
        if self.weight_decay < NEGLIGIBLE:
            return flow
        return DecayingFlow(flow.aligned, flow.opposed, flow.start, flow.target, flow.rate, self.weight_decay)

    def solve(self, t: ArrayLike) -> Trajectory:
        r"""Exact flow at the times `t`.

        Returns
        -------
        Trajectory
            `a`, `b`, `product` and `ntk` :math:`a^2 + b^2`, with kernel :math:`\sum_i (a_i^2 + b_i^2) x_i x_i'`, all
            (n_t, d), and the data `loss` (n_t,), without the penalty of weight decay.
        """
        t, flow = times(plain("t", t)), self.flow
        a, b, product, ntk = np.empty((4, t.size, self.target.size))
        loss = np.empty(t.size)
        # blocks that fit the processor's cache: over a million entries at once are several times slower
        block = max(1, _BLOCK // self.target.size)
        moderate = None
        if isinstance(flow, TwoFactorFlow) and is_moderate(flow):
            moderate = ModerateWeights(flow, self.a0, self.b0, min(block, t.size))
        for first in range(0, t.size, block):
            rows = slice(first, first + block)
            if isinstance(flow, DecayingFlow):
                state = flow.at(t[rows])
                a[rows], b[rows] = decayed_weights(self.a0, self.b0, state)
                product[rows], residual = state.function, self.target - state.function
            elif moderate is not None:
                residual = moderate.fill(t[rows, None], (a[rows], b[rows], product[rows]))
            else:
                state = flow.at(t[rows, None])
                grown_weights(self.a0, self.b0, state.growth, out=(a[rows], b[rows]))
                product[rows], residual = state.function, (flow.target - flow.start) * state.remaining
            np.square(a[rows], out=ntk[rows])
            ntk[rows] += np.square(b[rows])
            loss[rows] = np.square(residual, out=residual) @ (self.variance / 2)
        data = {"a": a, "b": b, "product": product, "ntk": ntk, "loss": loss}
        return Trajectory(t, data, clock="flow time")

    def time_to(self, fraction: float) -> np.ndarray:
        """When each product is first `fraction` of the way from its start to its target, (d,).

        `inf` where it never is: before a saddle, or where weight decay keeps it away. With decay and unequal weights a
        product may go beyond and come back, since its imbalance holds it near the target only for a while.
        """
        return self.flow.time_to(fraction)

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        a, b = np.empty((2, n_steps + 1, self.target.size))
        a[0], b[0] = self.a0, self.b0
        kept = 1 - lr * self.weight_decay
        for k in range(n_steps):
            pull = lr * self.variance * (self.target - a[k] * b[k])
            a[k + 1], b[k + 1] = kept * a[k] + pull * b[k], kept * b[k] + pull * a[k]
        loss = 0.5 * (self.target - a * b) ** 2 @ self.variance
        return {"a": a, "b": b, "product": a * b, "ntk": a**2 + b**2, "loss": loss}
