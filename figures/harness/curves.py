"""Moments of curves that were recorded while a network trained: first records at a level, crossings, steepest rise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics.grokking import crossing_time


def first_time(steps: np.ndarray, curve: np.ndarray, level: float) -> float:
    """The first of `steps` (n,) at which `curve` (n,) is at least `level`; `inf` if it never is."""
    reached = np.asarray(curve) >= level
    return float(steps[reached.argmax()]) if reached.any() else float("inf")


def first_times(steps: np.ndarray, curves: np.ndarray, level: float) -> np.ndarray:
    """:func:`first_time` of every row of `curves` (replicates, n)."""
    return np.array([first_time(steps, curve, level) for curve in curves])


def crossings(steps: np.ndarray, curves: np.ndarray, levels: ArrayLike) -> np.ndarray:
    """:func:`toymodels.metrics.crossing_time` of every row of `curves` (replicates, n), with a level each or one."""
    levels = np.broadcast_to(levels, len(curves))
    return np.array([crossing_time(steps, *pair) for pair in zip(curves, levels, strict=True)])


def steepest(steps: np.ndarray, curve: np.ndarray) -> float:
    """Middle of the interval between two of `steps` (n,) in which `curve` (n,) rises fastest per step."""
    i = int((np.diff(curve) / np.diff(steps)).argmax())
    return float(steps[i] + steps[i + 1]) / 2
