"""Basins of attraction of anything that is a function: the noise on inputs, or on weights, at which half is lost.

As :mod:`dnn.reading.basins` has them, on plain arrays: the same noise, the same grid of amplitudes, the same radius.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toymodels.snapshot import Snapshot

AMPLITUDES = np.geomspace(1e-3, 10, 25)


def basin_radii(now: Snapshot, labels: np.ndarray) -> dict[str, float]:
    """Amplitude of noise at which accuracy falls to one half, in "sample" and in "weight" space, by one draw each.

    Noise on the inputs is in units of their range, noise on each weight matrix in units of its standard deviation.
    Every call draws the same noise. 0 where accuracy is one half or less without any; a basin wider than all
    amplitudes counts as the largest.

    Parameters
    ----------
    now : Snapshot
        With `inputs` (n, p), `parameters` and `predict`.
    labels : (m,) array
        Classes of the first m <= n inputs, which are looked at.

    Returns
    -------
    dict
        "weight" only where a parameter is a matrix.
    """
    predict, x, weights = now.predict, now.inputs, now.parameters
    assert predict is not None
    assert x is not None
    x = x[: len(labels)]
    rng = np.random.default_rng(0)

    def accuracy(inputs: np.ndarray, parameters) -> float:
        return float((classes(predict(inputs, parameters)) == labels).mean())

    clean = accuracy(x, weights)
    noise = _normal(rng, x) * (x.max() - x.min())
    moved = [_normal(rng, w) * w.std(ddof=1) if is_matrix(w) else None for w in weights]
    curves = {"sample": lambda s: accuracy(x + s * noise, weights)}
    if any(shift is not None for shift in moved):
        pairs = list(zip(weights, moved, strict=True))
        curves["weight"] = lambda s: accuracy(x, [w if z is None else w + s * z for w, z in pairs])
    return {name: _radius(curve, clean) for name, curve in curves.items()}


def classes(outputs: np.ndarray) -> np.ndarray:
    """Class (n,) of outputs (n, K): the largest, or 1 where a single one is above 0."""
    return (outputs[:, 0] > 0).astype(int) if outputs.shape[1] == 1 else outputs.argmax(axis=1)


def is_matrix(weight: np.ndarray) -> bool:
    """Whether the spread of a `weight` can be the unit of noise on it."""
    return weight.ndim > 1 and weight.size > 1


def _normal(rng: np.random.Generator, like: np.ndarray) -> np.ndarray:
    return rng.standard_normal(like.shape, dtype=np.float32).astype(like.dtype)


def _radius(accuracy: Callable, clean: float) -> float:
    """Where `accuracy` of an amplitude falls to one half, found by bisection of the grid, log-linear in between."""
    if clean <= 0.5:
        return 0.0
    low, high, seen = -1, len(AMPLITUDES), {-1: clean}
    while high - low > 1:
        middle = (low + high) // 2
        seen[middle] = accuracy(float(AMPLITUDES[middle]))  # a float of Python's keeps single precision
        low, high = (middle, high) if seen[middle] > 0.5 else (low, middle)
    if high == len(AMPLITUDES):
        return float(AMPLITUDES[-1])
    part = (seen[low] - 0.5) / (seen[low] - seen[high])
    right = AMPLITUDES[high]
    return float(part * right if low < 0 else AMPLITUDES[low] * (right / AMPLITUDES[low]) ** part)
