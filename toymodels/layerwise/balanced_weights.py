"""Balanced weights of two linear layers, and how exactly given ones are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.gram_spectrum import ROUNDING
from toymodels.validation import finite


def rounding(weights: ArrayLike) -> float:
    """Relative rounding of the type that `weights` came in."""
    kind = getattr(weights, "dtype", None)
    try:
        return float(np.finfo(np.dtype(str(kind).removeprefix("torch."))).eps)
    except (TypeError, ValueError):  # no floating type of numpy's
        return 2.0**-7 if str(kind) == "torch.bfloat16" else ROUNDING


def from_modes(left, middle, right, values, imbalance) -> tuple[np.ndarray, np.ndarray]:
    """Layers (h, d) and (c, h) of these singular vectors and products, the imbalance in every hidden direction."""
    lam = float(finite("imbalance", imbalance, ndim=0))
    c, d, h = len(left), len(right), len(middle)
    if (lam > 0 and c < h) or (lam < 0 and d < h):
        side, size = ("outputs", c) if lam > 0 else ("inputs", d)
        raise ValueError(
            f"imbalance must be {'<=' if lam > 0 else '>='} 0 with {h} hidden units and {size} {side}, got {lam:g}"
        )
    product = np.append(values, np.zeros(h - values.size))
    large = np.sqrt((np.hypot(lam, 2 * product) + abs(lam)) / 2)
    small = np.divide(product, large, out=np.zeros(h), where=large > 0)
    first, second = (small, large) if lam >= 0 else (large, small)
    n1, n2 = min(h, d), min(h, c)
    w1 = (middle[:, :n1] * first[:n1]) @ right[:, :n1].T
    w2 = (left[:, :n2] * second[:n2]) @ middle[:, :n2].T
    return w1, w2


def random_orthogonal(size: int, rng: np.random.Generator) -> np.ndarray:
    """A matrix drawn uniformly from the orthogonal ones."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diag(r))  # without the signs it would not be uniform


def orthogonal(name: str, value: ArrayLike, size: int) -> np.ndarray:
    """`value` as an orthogonal (size, size) matrix."""
    matrix = finite(name, value, ndim=2)
    if matrix.shape != (size, size):
        raise ValueError(f"{name} must have shape ({size}, {size}), got {matrix.shape}")
    deviation = np.abs(matrix @ matrix.T - np.eye(size)).max()
    if deviation > 1e-10:
        raise ValueError(f"{name} must be orthogonal, got a deviation of {deviation:g} from the identity")
    return matrix
