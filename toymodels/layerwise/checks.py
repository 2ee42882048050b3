"""Argument checks that only the layerwise models need."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, non_negative


def per_coordinate(name: str, value: ArrayLike, size: int) -> np.ndarray:
    """`value` as a (size,) array, repeated if it is a number."""
    array = finite(name, value)
    if array.ndim > 1 or (array.ndim == 1 and array.size != size):
        raise ValueError(f"{name} must be a number or have shape ({size},), got shape {array.shape}")
    return np.array(np.broadcast_to(array, size))


def variances(name: str, value: ArrayLike, size: int) -> np.ndarray:
    """Input variances as a (size,) array >= 0; a covariance matrix is refused since it couples the coordinates."""
    if np.ndim(value) == 2:
        raise ValueError(f"{name} must be a number or ({size},): a covariance couples the coordinates, got {value!r}")
    return non_negative(name, per_coordinate(name, value, size))


def covariance(name: str, value: ArrayLike, size: int) -> np.ndarray:
    """`value` as a symmetric positive semi-definite (size, size) matrix; numbers and vectors are its diagonal."""
    if np.ndim(value) != 2:
        return np.diag(variances(name, value, size))
    matrix = finite(name, value, ndim=2)
    if matrix.shape != (size, size):
        raise ValueError(f"{name} must have shape ({size}, {size}), got {matrix.shape}")
    if not np.allclose(matrix, matrix.T, rtol=1e-10, atol=1e-12 * np.abs(matrix).max()):
        raise ValueError(f"{name} must be symmetric, got a largest difference of {np.abs(matrix - matrix.T).max():g}")
    lowest = np.linalg.eigvalsh(matrix).min()
    if lowest < -1e-10 * np.abs(matrix).max():
        raise ValueError(f"{name} must be positive semi-definite, got an eigenvalue {lowest:g}")
    return matrix
