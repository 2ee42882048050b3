"""How an answer differs from the truth, found from their values alone: a sign, a factor, a unit, a constant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

import numpy as np

TOLERANCE = 1e-7  # relative; the exact solutions keep at least nine digits, answers are evaluated with thirty
FACTORS = (1.0, np.pi, np.sqrt(2), np.sqrt(np.pi), np.log(2), np.log(10), np.e)
FACTOR_NAMES = ("", "pi", "sqrt(2)", "sqrt(pi)", "ln 2", "ln 10", "e")
HALVES = 6  # largest power of a symbol that is looked for, in halves


def close(
    mine: np.ndarray, truth: np.ndarray, tolerance: float = TOLERANCE, usual: np.ndarray | None = None
) -> np.ndarray:
    """Where the two agree, relative to the larger of the value there and a millionth of the values' usual size.

    Parameters
    ----------
    mine, truth : (n,) arrays
    tolerance : float
    usual : array, optional
        Values whose median size is the usual one; `truth` by default.
    """
    scale = np.maximum(np.abs(truth), 1e-6 * np.median(np.abs(truth if usual is None else usual)))
    with np.errstate(invalid="ignore"):
        return np.isfinite(mine) & (np.abs(mine - truth) <= tolerance * scale)


def difference(
    mine: np.ndarray,
    truth: np.ndarray,
    points: Mapping[str, np.ndarray],
    tolerance: float = TOLERANCE,
    counts: Collection[str] = (),
) -> str | None:
    """What one word or factor explains: "right", "wrong sign", "off by a factor 2"; None if nothing does.

    Parameters
    ----------
    mine, truth : (n,) arrays
        The answer and the truth.
    points : mapping of (n,) arrays
        The symbols' values, by name.
    tolerance : float
    counts : collection of str
        Symbols that are numbers of things, and have no unit.
    """
    if close(mine, truth, tolerance).all():
        return "right"
    if not np.isfinite(mine).all():
        return "not a finite real number" if not np.isfinite(mine).any() else None
    if np.all(mine == 0):
        return "0, which the answer is not"
    told = np.abs(truth) > 1e-6 * np.median(np.abs(truth))
    if not told.any() or np.any(mine[told] == 0):
        return None
    ratio = mine[told] / truth[told]
    spread = np.abs(ratio / ratio[0] - 1).max()
    if spread <= 10 * tolerance:
        return _factor(float(ratio[0]))
    if np.abs(mine[told] * truth[told] - 1).max() <= 10 * tolerance:
        return "it is one over the answer"
    if np.abs(mine + truth - 1).max() <= 10 * tolerance:
        return "it is one minus the answer"
    if power := _monomial(ratio, {name: values[told] for name, values in points.items()}, tolerance, counts):
        return power
    gap = mine - truth
    if np.abs(gap - gap[0]).max() <= 10 * tolerance * np.abs(truth).max():
        return f"off by a constant: yours is {abs(gap[0]):.4g} too {'large' if gap[0] > 0 else 'small'}"
    return None


def nice(number: float) -> str | None:
    """`number` > 0 as a small fraction times a constant that formulas have, or None.

    Parameters
    ----------
    number : float

    Examples
    --------
    >>> nice(0.5), nice(2 * np.pi), nice(1.2345)
    ('1/2', '2 pi', None)
    """
    for constant, name in zip(FACTORS, FACTOR_NAMES, strict=True):
        for value, inverse in ((number / constant, False), (number * constant, True)):
            fraction = Fraction(value).limit_denominator(12)
            if fraction and fraction.numerator <= 100 and abs(value / float(fraction) - 1) < 1e-6:
                return _written(fraction, name, inverse)
    return None


def _written(fraction: Fraction, name: str, inverse: bool) -> str:
    if not name:
        return str(fraction)
    if inverse:
        return (
            f"{fraction}/{name}"
            if fraction.denominator == 1
            else f"{fraction.numerator}/({fraction.denominator} {name})"
        )
    return name if fraction == 1 else f"{fraction} {name}"


def _factor(ratio: float) -> str:
    if np.isclose(ratio, -1, rtol=1e-6):
        return "wrong sign"
    size = nice(abs(ratio)) or f"{abs(ratio):.4g}"
    sign = " and of the wrong sign" if ratio < 0 else ""
    return f"off by a factor {size} (yours over the answer){sign}"


def _monomial(
    ratio: np.ndarray, points: Mapping[str, np.ndarray], tolerance: float, counts: Collection[str]
) -> str | None:
    """The ratio as powers of the symbols, when it is one: an answer of another unit."""
    varying = {name: np.abs(values) for name, values in points.items() if np.ptp(values) > 0 and np.all(values != 0)}
    if len(ratio) < len(varying) + 3 or not varying:
        return None
    rows = np.column_stack([np.ones(len(ratio)), *(np.log(values) for values in varying.values())])
    solution, *_ = np.linalg.lstsq(rows, np.log(np.abs(ratio)), rcond=None)
    powers = np.round(2 * solution[1:]) / 2
    rest = np.log(np.abs(ratio)) - rows[:, 1:] @ powers
    if np.ptp(rest) > 100 * tolerance or not powers.any() or np.abs(powers).max() > HALVES / 2:
        return None
    odd = [name for name, power in zip(varying, powers, strict=True) if power % 2 == 1]
    signs = np.sign(ratio) * np.prod([np.sign(points[name]) for name in odd], axis=0)
    if np.ptp(signs) > 0:
        return None
    constant = float(signs[0] * np.exp(rest.mean()))
    size = nice(abs(constant)) or f"{abs(constant):.4g}"
    words = [] if size == "1" else [size]
    words += [name if power == 1 else f"{name}^{power:g}" for name, power in zip(varying, powers, strict=True) if power]
    sign = " and the sign is wrong" if constant < 0 else ""
    counted = all(name in counts for name, power in zip(varying, powers, strict=True) if power)
    units = " (yours over the answer)" if counted else ", so that its units are wrong"
    return f"off by a factor {' '.join(words)}{units}{sign}"
