"""Batches out of one training set, whose labels get fresh noise every time they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, non_negative, positive_int

CHUNK = 1000  # batches drawn at once
MOST_UPDATES = 10**8


def noisy_batches(
    x: ArrayLike, y: ArrayLike, batch_size: int, noise: float, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without end, each drawn without replacement; all samples in their order if it is as large as they are.

    Parameters
    ----------
    x : (n, d) array
        Inputs.
    y : (n,) array
        Labels.
    batch_size : int
        B, from 1 to n.
    noise : float
        Added to every label of every batch with a sign drawn for it, >= 0.
    rng : numpy.random.Generator

    Returns
    -------
    iterator of (B, d) and (B,) arrays

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or a number is out of range.

    Examples
    --------
    >>> batches = noisy_batches([[1.0], [2.0]], [10.0, 20.0], 2, 0.5, np.random.default_rng(0))
    >>> inputs, labels = next(batches)
    >>> inputs.ravel().tolist(), np.abs(labels - [10.0, 20.0]).tolist()
    ([1.0, 2.0], [0.5, 0.5])
    """
    x, y = finite("x", x, ndim=2), finite("y", y, ndim=1)
    if len(x) != len(y):
        raise ValueError(f"y must have one label per row of x, got {len(y)} and {len(x)}")
    return _drawn(x, y, batch_of(batch_size, len(x)), float(non_negative("noise", finite("noise", noise, ndim=0))), rng)


def _drawn(x: np.ndarray, y: np.ndarray, size: int, noise: float, rng: np.random.Generator):
    n = len(x)
    while True:
        if size == n:
            chosen = np.broadcast_to(np.arange(n), (CHUNK, n))
        elif size == 1:
            chosen = rng.integers(n, size=(CHUNK, 1))
        else:
            chosen = rng.random((CHUNK, n)).argpartition(size - 1, axis=1)[:, :size]
        labels = y[chosen] + noise * (2.0 * rng.integers(2, size=chosen.shape) - 1)
        for rows, row in zip(chosen, labels, strict=True):
            yield x[rows], row


def batch_of(batch_size: int, n: int) -> int:
    """`batch_size` as an int from 1 to the `n` samples."""
    if positive_int("batch_size", batch_size) > n:
        raise ValueError(f"batch_size must be at most the {n} samples, got {batch_size}")
    return int(batch_size)


def updates(name: str, value: int, *, minimum: int = 1) -> int:
    """`value` as a number of updates, one after another: at most `MOST_UPDATES`, which take hours."""
    if positive_int(name, value, minimum=minimum) > MOST_UPDATES:
        raise ValueError(f"{name} must be <= {MOST_UPDATES}, got {value}")
    return int(value)


def steps_to_record(records: Iterable[int], n_steps: int) -> list[int]:
    """The `records` with 0 and `n_steps`, sorted; none may lie beyond `n_steps`."""
    steps = sorted({0, n_steps, *(positive_int("records", step, minimum=0) for step in records)})
    if steps[-1] > n_steps:
        raise ValueError(f"records must be steps up to n_steps = {n_steps}, got {steps[-1]}")
    return steps
