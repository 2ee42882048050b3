"""Layerwise linear models: gradient flow solved in closed form wherever it can be."""

from toymodels.layerwise.deep import DeepMode
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.linear_estimator import LinearEstimator
from toymodels.layerwise.linear_model import LinearModel
from toymodels.layerwise.riccati import transition
from toymodels.layerwise.scalar import ScalarNetwork
from toymodels.layerwise.sparse_regression import SparseRegression

__all__ = [
    "DeepMode",
    "DiagonalNetwork",
    "LinearEstimator",
    "LinearModel",
    "ScalarNetwork",
    "SparseRegression",
    "transition",
]
