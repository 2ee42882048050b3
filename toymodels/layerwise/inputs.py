"""The second moments of inputs as a linear network meets them: its best map, and the loss above it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

WHITE = 1e-12  # largest deviation of white inputs from a multiple of the identity


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs of a covariance (d, d), white ones of variance 1 if it is None, and the correlation (c, d) with labels."""

    correlation: np.ndarray
    covariance: np.ndarray | None

    @cached_property
    def matrix(self) -> np.ndarray:
        """The covariance (d, d)."""
        return np.eye(self.correlation.shape[1]) if self.covariance is None else self.covariance

    @cached_property
    def variance(self) -> float | None:
        """The variance of white inputs, None if they are not white."""
        if self.covariance is None:
            return 1.0
        variance = float(np.mean(np.diagonal(self.covariance)))
        deviation = np.abs(self.covariance - variance * np.eye(len(self.covariance))).max()
        return variance if variance > 0 and deviation <= WHITE * variance else None

    @cached_property
    def _spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        values, basis = np.linalg.eigh(self.matrix)
        return np.where(values > 1e-14 * values.max(initial=0), values, 0.0), basis

    @cached_property
    def best(self) -> np.ndarray:
        """The linear map of least loss (c, d), 0 on inputs without variance."""
        if self.covariance is None:
            return self.correlation
        values, basis = self._spectrum
        inverse = np.divide(1, values, out=np.zeros_like(values), where=values > 0)
        return (self.correlation @ basis * inverse) @ basis.T

    @cached_property
    def _root(self) -> np.ndarray:
        values, basis = self._spectrum
        return (basis * np.sqrt(values)) @ basis.T

    def unexplained(self) -> float:
        """Norm of the correlation with inputs that have no variance, relative to that of all; 0 for real data."""
        lost, whole = np.linalg.norm(self.correlation - self.best @ self.matrix), np.linalg.norm(self.correlation)
        return float(lost / whole) if whole > 0 else 0.0

    def times(self, product: np.ndarray) -> np.ndarray:
        """A map (c, d) times the covariance."""
        return product if self.covariance is None else product @ self.covariance

    def loss(self, product: np.ndarray) -> np.ndarray:
        """Half the mean squared error of maps (..., c, d), less that of the best map."""
        error = self.best - product
        return 0.5 * np.sum((error if self.covariance is None else error @ self._root) ** 2, axis=(-2, -1))
