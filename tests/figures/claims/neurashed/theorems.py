"""Ratios that are known multiples of the limit (b1 + b2) / b1 = (3 + 2) / 3, at four depths and five times."""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

LIMIT = 5 / 3


def at_last(reading: int, over: list[float]) -> dict[str, np.ndarray]:
    """Ratios (depth, reading, time) that end at these multiples of the limit under one of the three readings."""
    ratio = np.full((4, 3, 5), 1.2 * LIMIT)
    ratio[:, reading, -1] = LIMIT * np.array(over)
    return {"ratio": ratio}


def errors(last: float) -> dict[str, np.ndarray]:
    """Errors at three depths and five times, most of 9e-7 or less; of the deepest, at the last time, `last`."""
    error = np.array([[1e-10, 1e-9, 1e-8, 1e-7, 9e-7]] * 3)
    error[-1, -1] = last
    return {"error": error}


def finite(over: list[float]) -> dict[str, np.ndarray]:
    """Five graphs of the largest size at these multiples of the limit, and of three smaller sizes far from it."""
    return {"finite": LIMIT * np.array([[2.0] * 5, [1.5] * 5, [1.2] * 5, over])}


def deep(ratios: list[float]) -> dict[str, np.ndarray]:
    """Ratios at four L / t, of which 1 is the middle of the second and the third."""
    return {"speeds": np.array([0.01, 0.5, 1.5, 100]), "deep": np.array(ratios)}


def polynomials(*identical: bool) -> dict[str, np.ndarray]:
    """Which of the six are."""
    return {"identical": np.array(identical)}


HOLDS, FAILS = [1.004, 0.996, 0.999, 1.003], [1.004, 0.996, 0.999, 1.006]  # the middle two: .999 and 1.003, or 1.004
TOO_LOW = [1.004, 0.994, 0.999, 1.003]
CASES = {
    "theorem-1-ratio": Case(
        at_last(0, HOLDS), at_last(0, FAILS), (1.001, 1.0015), also=[(at_last(0, TOO_LOW), CONTRADICTED)]
    ),
    "theorem-1-increments": Case(errors(9e-7), errors(1.1e-6), (1e-8, 1e-8)),  # three of the 15 are the median
    "theorem-1-same-input": Case(  # the first depth, L = 1, does not count
        at_last(1, [1.5, 1.004, 0.996, 0.999]),
        at_last(1, [1.5, 1.004, 0.996, 0.994]),
        (0.999, 0.996),
        also=[(at_last(1, [1.5, 1.006, 0.996, 0.999]), CONTRADICTED)],
    ),
    "theorem-1-trained-edges": Case(
        at_last(2, HOLDS), at_last(2, FAILS), (1.001, 1.0015), also=[(at_last(2, TOO_LOW), CONTRADICTED)]
    ),
    "theorem-1-finite-graphs": Case(
        finite([1.015, 1.015, 0.98, 1.015, 1.015]),  # mean 5.04 / 5 = 1.008
        finite([1.0, 1.03, 1.0, 1.03, 1.0]),  # mean 1.012
        (1.015, 1),
    ),
    "theorem-2-divergence": Case(  # as large in the end, but it falls once on the way
        deep([1.7, 9, 12, 1050]),
        deep([1.7, 12, 11, 1050]),
        (1050, 0),
        also=[(deep([1.7, 9, 12, 900]), CONTRADICTED)],
    ),
    "theorem-2-proportional": Case(
        deep([1.7, 9, 12, 900]),  # (9 + 12) / 2
        deep([1.7, 8, 11, 900]),
        (10.5, 9.5),
    ),
    "theorem-2-unbounded": Case({"root": np.array(10.5)}, {"root": np.array(9.5)}, (10.5, 9.5)),
    "worked-example": Case(  # one of six fails; the median is still 1
        polynomials(True, True, True, True, True, True), polynomials(True, True, True, False, True, True), (1, 1)
    ),
}
