"""Judging the data of a plot: does the curve that was drawn run where the exact one does?"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from docs.check.differences import close, difference
from docs.check.judgement import Judgement, refused, right, wrong

MOST_POINTS = 100_000
SHIFTS = (2.0, 0.5, 4.0, 0.25, 10.0, 0.1)


@dataclass(frozen=True)
class Curve:
    """An answer that is a plot's data, two columns of numbers.

    Parameters
    ----------
    asks : str
        What is asked for, in a line.
    truth : callable
        From x (n,) to the exact y (n,).
    covers : (float, float)
        The range of x that the points must span.
    points : int
        How many there must be at least.
    within : float
        Relative tolerance of y.
    x, y : str
        What the axes are called.
    """

    asks: str
    truth: Callable[[np.ndarray], np.ndarray]
    covers: tuple[float, float]
    points: int = 20
    within: float = 1e-2
    x: str = "x"
    y: str = "y"

    def judge(self, answer: Any) -> Judgement:
        """Whether the data run where the exact curve does, and if not where they leave it.

        Parameters
        ----------
        answer : path of a CSV file of two columns, or a pair of (n,) arrays
        """
        try:
            x, y = columns(answer)
        except ValueError as error:
            return refused(str(error))
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        low, high = self.covers
        if len(x) < self.points:
            return wrong(f"there must be at least {self.points} points, got {len(x)}")
        if x[0] > low * (1 + 1e-9) + 1e-12 or x[-1] < high * (1 - 1e-9):
            swapped = y.min() <= low and y.max() >= high
            hint = "; are the columns exchanged?" if swapped else ""
            return wrong(f"{self.x} must run from {low:g} to {high:g}, got {x[0]:g} to {x[-1]:g}{hint}")
        inside = (x >= low) & (x <= high * (1 + 1e-12))
        return self._compared(x[inside], y[inside])

    def _compared(self, x: np.ndarray, y: np.ndarray) -> Judgement:
        truth = np.asarray(self.truth(x), float)
        good = close(y, truth, self.within)
        if good.all():
            return right()
        found = difference(y, truth, {self.x: x}, self.within / 10)
        if found:
            return wrong(found)
        for shift in SHIFTS:
            if close(y, np.asarray(self.truth(x * shift), float), self.within).all():
                return wrong(f"right if {self.x} were {shift:g} times as large: the clock runs at another rate")
        return wrong(self._where(x, y, truth, good))

    def _where(self, x: np.ndarray, y: np.ndarray, truth: np.ndarray, good: np.ndarray) -> str:
        share = f"{100 * good.mean():.0f} % of the points are right"
        first = int((~good).argmax())
        side = "above" if y[first] > truth[first] else "below"
        if good[:first].size >= 3 and not good[first:].any():
            return f"right up to {self.x} = {x[first - 1]:.3g}, then {side} the exact curve"
        last = len(good) - 1 - int((~good)[::-1].argmax())
        if first == 0 and good[last + 1 :].size >= 3:
            return f"right from {self.x} = {x[last + 1]:.3g} on, {side} the exact curve before"
        return f"{share}; the first that is not, at {self.x} = {x[first]:.3g}, lies {side} the exact curve"


def columns(answer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of finite numbers, from a CSV file (a line of names may come first) or a pair of arrays.

    Parameters
    ----------
    answer : path or pair of arrays

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(answer, str | Path):
        answer = _from_file(Path(answer))
    try:
        x, y = (np.asarray(column, float) for column in answer)
    except (TypeError, ValueError):
        raise ValueError("data must be two columns of numbers") from None
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"data must be two columns of equal length, got shapes {x.shape} and {y.shape}")
    if len(x) > MOST_POINTS:
        raise ValueError(f"data must have at most {MOST_POINTS} points, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("data must be finite, got NaN or infinity among them")
    return x, y


def _from_file(path: Path) -> list[list[float]]:
    if not path.is_file():
        raise ValueError(f"data must be in a file, and there is none at {path}")
    if path.stat().st_size > 50 * MOST_POINTS:
        raise ValueError(f"data must have at most {MOST_POINTS} points, got a file of {path.stat().st_size} bytes")
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [row for row in csv.reader(file) if row]
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]
    if any(len(row) != 2 for row in rows):
        raise ValueError(f"data must be two columns, got a line of {next(len(r) for r in rows if len(r) != 2)}")
    try:
        return [[float(row[k]) for row in rows] for k in (0, 1)]
    except ValueError as error:
        raise ValueError(f"data must be numbers: {error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
