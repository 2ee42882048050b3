r"""Which way a two-layer linear network is solved: in closed form wherever there is one.

Learning rates of the layers, and the variance s of white inputs, are absorbed into weights, target and time:
:math:`W_i = \sqrt{\eta_i} \tilde W_i`, :math:`\Sigma_{yx} = s \sqrt{\eta_1 \eta_2} \tilde\Sigma_{yx}` and
:math:`\tilde t = s \eta_1 \eta_2 t`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toymodels.layerwise.aligned_modes import AlignedModes
from toymodels.layerwise.gram_flow import GramFlow
from toymodels.layerwise.gram_spectrum import Spectrum
from toymodels.layerwise.inputs import Inputs
from toymodels.layerwise.weight_flow import WeightFlow


@dataclass(frozen=True, eq=False)
class TwoLayerFlow:
    """The flow of layers (h, d) and (c, h), known up to a relative error `precision`.

    They count as balanced, or as aligned, if they deviate from that by up to `balanced_within` of their size.
    """

    w1: np.ndarray
    w2: np.ndarray
    inputs: Inputs
    decay: float
    rates: tuple[float, float]
    precision: float
    balanced_within: float

    @cached_property
    def imbalance(self) -> float:
        """The mean of the diagonal of w2'w2 / rate 2 - w1w1' / rate 1; 0 up to the precision is 0."""
        first, second = np.sum(self.w1**2) / self.rates[0], np.sum(self.w2**2) / self.rates[1]
        # at long times a spurious lambda of 1e-17 would act
        rounding = 4 * self.w1.size * self.precision * (first + second)
        return 0.0 if abs(second - first) <= rounding else float(second - first) / len(self.w1)

    @property
    def method(self) -> str:
        """How it is solved: "closed form" or "integrated"."""
        return "integrated" if isinstance(self._solution, WeightFlow) else "closed form"

    def layers(self, t: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """W1 (r, d) and W2 (c, r) at each of increasing times, up to a rotation of the hidden layer; r <= h."""
        solution, (first, second) = self._solution, self.rates
        if isinstance(solution, WeightFlow):
            yield from zip(*solution.layers(t), strict=True)
        elif isinstance(solution, AlignedModes):
            for w1, w2 in zip(*solution.layers(t * (first * second)), strict=True):
                yield np.sqrt(first) * w1, np.sqrt(second) * w2
        else:
            speed = first * second * (self.inputs.variance or 1.0)
            for now in t:
                transposed, w2 = solution.at(now * speed)
                w1 = transposed.T
                yield (w1, w2) if self.rates == (1.0, 1.0) else (np.sqrt(first) * w1, np.sqrt(second) * w2)

    @cached_property
    def _solution(self) -> GramFlow | AlignedModes | WeightFlow:
        if self.rates[0] == self.rates[1] or self.decay == 0:
            closed = self._balanced() or self._aligned()
            if closed is not None:
                return closed
        return WeightFlow(self.w1, self.w2, self.inputs.correlation, self.inputs.matrix, self.decay, self.rates)

    @property
    def _tolerance(self) -> float:
        return max(self.balanced_within, 4 * self.precision)

    @cached_property
    def _rescaled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        first, second = self.rates
        correlation = self.inputs.correlation / np.sqrt(first * second)
        return self.w1 / np.sqrt(first), self.w2 / np.sqrt(second), correlation, self.decay / first

    def _balanced(self) -> GramFlow | None:
        (w1, w2, correlation, decay), lam, variance = self._rescaled, self.imbalance, self.inputs.variance
        if variance is None or (decay > 0 and lam != 0):
            return None
        scale = np.sum(w1**2) + np.sum(w2**2)
        deviation = np.linalg.norm(w2.T @ w2 - w1 @ w1.T - lam * np.eye(len(w1)))
        if deviation > self._tolerance * scale:
            return None
        precision = max(self.precision, float(deviation / scale) if scale > 0 else 0.0)
        return GramFlow(Spectrum.of(correlation / variance, lam, decay / variance), w1, w2, precision)

    def _aligned(self) -> AlignedModes | None:
        w1, w2, correlation, decay = self._rescaled
        return AlignedModes.of(w1, w2, correlation, self.inputs.matrix, decay, self._tolerance)
