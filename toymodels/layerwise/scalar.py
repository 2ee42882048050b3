r"""The scalar network of any width: from lazy to rich through one ratio.

For one input of variance :math:`\sigma^2`, :math:`f(x) = \frac1Z \sum_{i=1}^p a_i b_i\, x` and target :math:`S x` the
flow

.. math:: \dot a_i = \tfrac{\sigma^2}{Z} b_i (S - f), \qquad \dot b_i = \tfrac{\sigma^2}{Z} a_i (S - f)

is Theorem I.1 of Nam et al. (2025), arXiv:2502.21009 (Eq. 15-20 and 71-98). Its features move by the factor
:math:`\gamma_+` that only depends on the weight-to-target ratio :math:`\Sigma_0/|S|` and on :math:`f(0)`: near 1 is
lazy, large is rich. Weight decay :math:`\mu` adds :math:`-\mu a_i` and :math:`-\mu b_i`; all units still share one
growth, now a ratio of Bessel functions (:mod:`toymodels.layerwise.decay`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.decay import NEGLIGIBLE, DecayingFlow, decayed_weights, grown
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held, held_number, plain
from toymodels.layerwise.riccati import TwoFactorFlow, grown_weights
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative, positive, times


@dataclass(frozen=True, eq=False)
class ScalarNetwork(GradientDescent):
    r"""Two-layer linear network with one input and one output.

    Parameters
    ----------
    a0, b0 : (p,) arrays
        Initial weights of the p hidden units.
    target : float
        S, of any sign.
    normalizer : float
        Z > 0; :math:`\sqrt p` with weights of order 1 is the kernel scaling.
    variance : float
        Input variance :math:`\sigma^2 \ge 0`.
    weight_decay : float
        :math:`\mu \ge 0`, the same on all weights.

    Raises
    ------
    ValueError
        If the weights differ in length, or a value is not finite or of the wrong sign.

    Examples
    --------
    >>> lazy, rich = (ScalarNetwork(a0=[scale], b0=[scale], target=1.0) for scale in (3.0, 0.1))
    >>> round(lazy.gamma_inf, 3), round(rich.gamma_inf, 3)
    (0.111, 100.0)
    >>> rich.solve([0, 2, np.inf])["function"].round(3).tolist()
    [0.01, 0.355, 1.0]
    >>> decaying = ScalarNetwork(a0=[3.0], b0=[0.5], target=1.0, weight_decay=0.1)
    >>> decaying.solve([0, 1, np.inf])["function"].round(3).tolist()
    [1.5, 0.974, 0.9]
    """

    a0: np.ndarray
    b0: np.ndarray
    target: float
    normalizer: float = 1.0
    variance: float = 1.0
    weight_decay: float = 0.0

    def __post_init__(self):
        a0, b0 = (held(name, np.atleast_1d(plain(name, getattr(self, name))), ndim=1) for name in ("a0", "b0"))
        if a0.shape != b0.shape:
            raise ValueError(f"b0 must have as many entries as a0, {a0.size}, got {b0.size}")
        object.__setattr__(self, "a0", a0)
        object.__setattr__(self, "b0", b0)
        for name in ("target", "normalizer", "variance", "weight_decay"):
            object.__setattr__(self, name, held_number(name, getattr(self, name)))
        positive("normalizer", self.normalizer)
        non_negative("variance", self.variance)
        non_negative("weight_decay", self.weight_decay)

    @property
    def flow(self) -> TwoFactorFlow:
        """The Riccati equation all units share, without the weight decay."""
        a, b, scale = self.a0, self.b0, 4 * self.normalizer
        return TwoFactorFlow(
            np.sum((a + b) ** 2) / scale,
            np.sum((a - b) ** 2) / scale,
            a @ b / self.normalizer,
            np.asarray(self.target),
            np.asarray(2 * self.variance / self.normalizer),
        )

    @property
    def weight_to_target(self) -> float:
        r""":math:`\Sigma_0 / |S|` with :math:`\Sigma_0 = \sum_i (a_i^2 + b_i^2) / 2Z` (Eq. 20); `inf` at S = 0."""
        return float(self.flow.total / abs(self.target)) if self.target else np.inf

    @property
    def gamma_inf(self) -> float:
        r""":math:`\gamma_+ = (S + \sqrt{\Sigma_0^2 - f_0^2 + S^2}) / (\Sigma_0 + f_0)` (Eq. 19).

        The sums a + b have grown by its square root in the end. `inf` or 0 at a saddle, 1 if nothing moves. With
        weight decay the differences die and :math:`f(\infty) = P \gamma_+`, so that it is what decay leaves of a target
        > 0, over P, and 0 if that is nothing.
        """
        if self.weight_decay < NEGLIGIBLE or self.flow.total == 0:
            return float(self.flow.limit())
        shrunk = self.variance * self.target - self.normalizer * self.weight_decay
        if shrunk <= 0:
            return 0.0
        return float(shrunk / self.variance / self.flow.aligned) if self.flow.aligned > 0 else np.inf

    def solve(self, t: ArrayLike) -> Trajectory:
        r"""Exact flow at the times `t`.

        Returns
        -------
        Trajectory
            `function` f (the slope), `progress` (f - f(0)) / (S - f(0)), 0 with weight decay if there is no way to go,
            `residual` S - f, `ntk` k with kernel k x x', and the two modes `aligned` P y and `opposed` -Q / y whose
            sum is f (:math:`h_\pm` of Eq. 16-18 when every unit starts with :math:`|a| = |b|`), all (n_t,); `a`, `b`
            and the units' features `features` a b / Z, whose sum is f (Eq. 24-25), (n_t, p).
        """
        t = times(plain("t", t))
        data = self._decaying(t) if self.weight_decay > 0 else self._conserving(t)
        return Trajectory(t, data | self._features(data), clock="flow time")

    def time_to(self, fraction: float) -> float:
        """When f is first `fraction` of the way from f(0) to the target.

        `inf` if a saddle is in the way, or weight decay keeps f from there. With decay f may come back.
        """
        return float((self.flow if self.weight_decay < NEGLIGIBLE else self._decaying_flow).time_to(fraction).item())

    @property
    def _decaying_flow(self) -> DecayingFlow:
        flow = self.flow
        parts = (flow.aligned, flow.opposed, flow.start, flow.target, flow.rate)
        aligned, opposed, start, target, rate = (np.atleast_1d(part) for part in parts)
        return DecayingFlow(aligned, opposed, start, target, rate, self.weight_decay)

    def _conserving(self, t: np.ndarray) -> dict[str, np.ndarray]:
        flow = self.flow
        state = flow.at(t)
        a, b = grown_weights(self.a0, self.b0, state.growth[:, None])
        residual = (self.target - flow.start) * state.remaining
        data = {"function": state.function, "progress": state.progress, "residual": residual, "a": a, "b": b}
        return data | self._modes(*flow.modes(state.growth))

    def _decaying(self, t: np.ndarray) -> dict[str, np.ndarray]:
        flow = self._decaying_flow
        state = flow.at(t)
        a, b = decayed_weights(self.a0, self.b0, state)
        factors = (grown(np.sqrt(flow.aligned), state.rising), grown(np.sqrt(flow.opposed), state.falling))
        modes = (factor[:, 0] ** 2 for factor in factors)
        return self._course(state.function[:, 0], float(flow.start[0]), a, b) | self._modes(*modes)

    def _course(self, function: np.ndarray, start: float, a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
        distance = self.target - start
        progress = (function - start) / distance if distance else np.zeros_like(function)
        return {"function": function, "progress": progress, "residual": self.target - function, "a": a, "b": b}

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        a, b = np.empty((2, n_steps + 1, self.a0.size))
        a[0], b[0] = self.a0, self.b0
        scale, kept = lr * self.variance / self.normalizer, 1 - lr * self.weight_decay
        for k in range(n_steps):
            pull = scale * (self.target - a[k] @ b[k] / self.normalizer)
            a[k + 1], b[k + 1] = kept * a[k] + pull * b[k], kept * b[k] + pull * a[k]
        function = np.sum(a * b, axis=1) / self.normalizer
        modes = (np.sum((a + sign * b) ** 2, axis=1) / (4 * self.normalizer) for sign in (1, -1))
        data = self._course(function, float(function[0]), a, b) | self._modes(*modes)
        return data | self._features(data)

    def _features(self, data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        features = data["a"] * data["b"]
        features /= self.normalizer
        return {"features": features}

    def _modes(self, aligned: np.ndarray, opposed: np.ndarray) -> dict[str, np.ndarray]:
        return {"aligned": aligned, "opposed": -opposed, "ntk": 2 * (aligned + opposed) / self.normalizer}
