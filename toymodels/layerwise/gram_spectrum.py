r"""The linear part of the two-layer flow: directions of inputs and outputs together, and the rate of each.

:math:`F = (-\tfrac\lambda2 I, \Sigma_{yx}^\top; \Sigma_{yx}, \tfrac\lambda2 I)` is diagonal in pairs of singular
vectors of the correlation: a mode of singular value :math:`\rho` grows and shrinks at
:math:`\pm\sqrt{\rho^2 + \lambda^2/4}`, and inputs and outputs left over move at :math:`\mp\lambda/2`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

ROUNDING = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigendecomposition of F from the singular values of the correlation.

    The directions (d + c) are the k = min(c, d) growing modes, the k shrinking ones, the d - k inputs and the c - k
    outputs that have no partner. `base + excess` are the eigenvalues of F less the decay, `base` being the part that
    all growing directions share. `right` (d, d) and `left` (c, c) have the singular vectors as columns; a growing mode
    is `share_in` times the one and `share_out` times the other, (k,) each.
    """

    correlation: np.ndarray
    imbalance: float
    base: np.ndarray
    excess: np.ndarray
    right: np.ndarray
    left: np.ndarray
    share_in: np.ndarray
    share_out: np.ndarray

    @cached_property
    def rates(self) -> np.ndarray:
        """Rates (d + c,) at which the rows of Q grow while they are small: eigenvalues of F less the decay."""
        return self.base + self.excess

    @staticmethod
    def of(correlation: np.ndarray, imbalance: float, decay: float) -> Spectrum:
        """Spectrum of F for a correlation (c, d), lambda = `imbalance` and weight decay mu = `decay`."""
        c, d = correlation.shape
        left, singular, right = np.linalg.svd(correlation)
        singular, k, half = _merge_equal(singular), min(c, d), abs(imbalance) / 2
        size = np.hypot(singular, half) + half
        excess = np.divide(singular**2, size, out=np.zeros(k), where=size > 0)
        # where F has a null space any basis of it does
        length = np.where(size > 0, size, 1.0)
        breadth = np.where(size > 0, singular, 1.0)
        norm = np.hypot(length, breadth)
        large, small = length / norm, breadth / norm
        share_in, share_out = (small, large) if imbalance >= 0 else (large, small)
        side = float(np.sign(imbalance))
        sign = np.repeat([1.0, -1.0, -side, side], [k, k, d - k, c - k])
        own = np.concatenate([excess, -excess, np.zeros(d + c - 2 * k)]) - decay
        return Spectrum(correlation, imbalance, sign * half, own, right.T, left, share_in, share_out)

    def rows(self, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
        """Q in these directions, (d + c, h), from the layers (h, d) and (c, h)."""
        return self._combined(self.right.T @ w1.T, self.left.T @ w2, -1.0)

    def sizes(self, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
        """The sums of absolute values of the terms whose sums :meth:`rows` are, (d + c, h)."""
        return self._combined(np.abs(self.right).T @ np.abs(w1.T), np.abs(self.left).T @ np.abs(w2), 1.0)

    def _combined(self, inputs: np.ndarray, outputs: np.ndarray, sign: float) -> np.ndarray:
        k, a, b = len(self.share_in), self.share_in[:, None], self.share_out[:, None]
        growing, shrinking = a * inputs[:k] + b * outputs[:k], b * inputs[:k] + sign * (a * outputs[:k])
        return np.concatenate([growing, shrinking, inputs[k:], outputs[k:]])

    def layers(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W1' (d, r) and W2 (c, r) from rows of Q (d + c, r)."""
        k, d = len(self.share_in), len(self.right)
        a, b = self.share_in[:, None], self.share_out[:, None]
        growing, shrinking = rows[:k], rows[k : 2 * k]
        inputs, outputs, other = a * growing, b * growing, b * shrinking
        inputs += other
        outputs -= np.multiply(a, shrinking, out=other)
        inputs, outputs = self.right[:, :k] @ inputs, self.left[:, :k] @ outputs
        if d > k:
            inputs += self.right[:, k:] @ rows[2 * k : d + k]
        if len(self.left) > k:
            outputs += self.left[:, k:] @ rows[d + k :]
        return inputs, outputs

    def mixing(self) -> np.ndarray:
        """How far rounding of the correlation and of its decomposition has turned each direction towards another.

        (d + c, d + c); 0 where the rates agree to rounding, and any directions will do.
        """
        rates = self.rates
        inputs, outputs = self.layers(np.eye(len(rates)))
        crossed, inner, outer = outputs.T @ self.correlation @ inputs, inputs.T @ inputs, outputs.T @ outputs
        form = crossed + crossed.T + self.imbalance / 2 * (outer - inner)
        gaps = np.abs(rates[:, None] - rates)
        apart = gaps > 16 * len(rates) * ROUNDING * np.abs(rates).max()
        own = np.abs(outputs).T @ np.abs(self.correlation) @ np.abs(inputs)
        turned = np.divide(np.abs(form) + ROUNDING * (own + own.T), gaps, out=np.zeros_like(gaps), where=apart)
        return turned + np.where(apart, np.abs(inner + outer), 0)


def _merge_equal(singular: np.ndarray) -> np.ndarray:
    """Singular values that agree up to rounding, made equal: long times would tell them apart."""
    if singular.size == 0:
        return singular
    gaps = singular[:-1] - singular[1:] > 16 * singular.size * ROUNDING * singular[0]
    if gaps.all():
        return singular
    group = np.concatenate([[0], np.cumsum(gaps)])
    return (np.bincount(group, singular) / np.bincount(group))[group]
