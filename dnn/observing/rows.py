"""What can be said of the incoming weights of a layer's neurons from the cosines between them."""

from __future__ import annotations

import math

import numpy as np
import torch

from dnn.observing.products import product
from toymodels.condensation.grouping import check_threshold, leaders

THRESHOLD = 0.99  # cosine from which neurons belong together
SMALLEST = 0.002  # share of all norms below which a neuron leads no cluster
MARGIN = 1e-9  # of cosines, well above their rounding


class Rows:
    """Neurons with incoming weights, whose cosines several quantities share.

    Parameters
    ----------
    weights : (m, d) array
        One neuron a row, not all of them zero; double precision.
    """

    def __init__(self, weights: np.ndarray):
        self.weights = weights / max(weights.max(), -weights.min())  # so that squares neither vanish nor overflow
        self.cosines = product(self.weights, self.weights.T)  # 0 of a zero row, also with itself
        self.norms = np.sqrt(self.cosines.diagonal())
        self.inverse = np.divide(1, self.norms, out=np.zeros(len(weights)), where=self.norms > 0)
        self.cosines *= self.inverse
        self.cosines *= self.inverse[:, None]

    def clusters(self) -> float:
        """Number of groups that :func:`toymodels.condensation.clusters` makes by leaders."""
        kept = (self.norms >= SMALLEST * self.norms.sum()) & (self.norms > 0)
        if np.count_nonzero(self.cosines > THRESHOLD - MARGIN) == (self.norms > 0).sum():
            return float(kept.sum())  # none has another near it
        order = np.flatnonzero(kept)[np.argsort(-self.norms[kept], kind="stable")]
        near = self.cosines[np.ix_(order, order)]
        np.fill_diagonal(near, 0)
        company = (near > THRESHOLD - MARGIN).any(axis=1)  # all others are groups of their own
        among = near[np.ix_(company, company)]
        return float((~company).sum() + (leaders(among, check_threshold(THRESHOLD)).max() + 1 if len(among) else 0))

    def effective_rank(self) -> float:
        """As :func:`toymodels.condensation.effective_rank` of the same rows."""
        m, d = self.weights.shape
        units = self.weights * self.inverse[:, None] if m > d else None
        gram = self.cosines if units is None else product(units.T, units)
        values = torch.linalg.eigvalsh(torch.from_numpy(gram / (self.norms > 0).sum())).numpy()
        values = values[values > np.finfo(float).eps]
        return float(np.exp(-np.sum(values * np.log(values))))

    def excess(self) -> float:
        """Mean |cosine| over pairs over that of unrelated Gaussian neurons, minus 1.

        Between two Gaussian vectors of d entries it is Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2)).
        """
        m, d = self.weights.shape
        total = np.abs(self.cosines).sum() - np.trace(self.cosines)
        null = math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2)) / math.sqrt(math.pi)
        return float(total / (m * (m - 1)) / null - 1)
