"""Layerwise linear models: gradient flow solved in closed form wherever it can be."""

from toymodels.layerwise.linear_estimator import LinearEstimator
from toymodels.layerwise.sparse_regression import SparseRegression

__all__ = ["LinearEstimator", "SparseRegression"]
