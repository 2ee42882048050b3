"""One module per phenomenon, arrays in and plain numbers out: features (n, d), labels (n,), weight (K, d)."""

from toymodels.metrics import (
    collapse,
    double_descent,
    edge_of_stability,
    elasticity,
    emergence,
    grokking,
    information,
    separation,
)

__all__ = [
    "collapse",
    "double_descent",
    "edge_of_stability",
    "elasticity",
    "emergence",
    "grokking",
    "information",
    "separation",
]
