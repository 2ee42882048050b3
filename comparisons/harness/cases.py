"""Curves drawn as a study's judge sees them: what an adversary of a judge is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toymodels.trajectory import Trajectory

Curves = Mapping[str, np.ndarray]
Maker = Callable[[np.ndarray, np.random.Generator], Curves]
Curve = Callable[[np.ndarray, np.random.Generator], Any]


@dataclass(frozen=True)
class Case:
    """A run as a study's judge sees it.

    Parameters
    ----------
    name : str
        What it is.
    curves : callable (t, rng) -> mapping of str to (n_t,) array
        The quantities of a run at the times t.
    meta : tuple of (str, value), optional
        What the run says besides.
    """

    name: str
    curves: Maker
    meta: tuple = ()

    def run(self, rng: np.random.Generator, n_records: int = 60, decades: float = 4.0, power: float = 1.0):
        """One run; the clock may be raised to a power.

        Parameters
        ----------
        rng : numpy.random.Generator
        n_records : int
        decades : float
            Length of the run from t = 1 on, before the clock is changed.
        power : float

        Returns
        -------
        Trajectory
        """
        t = np.geomspace(1, 10**decades, n_records)
        return Trajectory(t**power, dict(self.curves(t, rng)), clock="step", meta=dict(self.meta))


def rise(t: np.ndarray, half: float, low: float = 0.1, high: float = 1.0) -> np.ndarray:
    """A sigmoid in log time from `low` to `high`, half-way at t = `half`."""
    return low + (high - low) / (1 + (half / t) ** 4)


def walk(t: np.ndarray, rng: np.random.Generator, start: float = 0.5, low: float = -np.inf, high: float = np.inf):
    """A random walk from `start` with steps of a random size, clipped."""
    steps = rng.choice([0.02, 0.05, 0.1, 0.2]) * rng.standard_normal(len(t) - 1)
    return np.clip(start + np.concatenate([[0.0], np.cumsum(steps)]), low, high)


def spike(t: np.ndarray, where: int, base: float, height: float) -> np.ndarray:
    """A constant but for one record."""
    curve = np.full(len(t), base)
    curve[where] = height
    return curve


def narrow(curve: np.ndarray, where: int, height: float) -> np.ndarray:
    """A curve with a spike of two records."""
    curve = curve.copy()
    curve[where : where + 2] = height
    return curve


def wave(t: np.ndarray, start: float, end: float, records: int = 10) -> np.ndarray:
    """An oscillation between `start` and `end` with a period of about so many records."""
    halves = 2 * (len(t) // records) + 1
    return (start + end) / 2 + (start - end) / 2 * np.cos(np.pi * halves * np.linspace(0, 1, len(t)))


def same(curve: Curve, *names: str, **more: float) -> Maker:
    """Quantities of these names that follow one curve, each drawn for itself, beside constant ones.

    Parameters
    ----------
    curve : callable (t, rng) -> (n_t,) array
    *names : str
    **more : float
    """

    def curves(t, rng):
        return {name: curve(t, rng) for name in names} | {n: np.full(len(t), v) for n, v in more.items()}

    return curves
