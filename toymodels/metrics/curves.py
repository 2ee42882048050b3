"""What noise does to a curve over training, and what is left of it: spikes, scatter, setbacks, settling.

A score of a curve must not hang on a spike, and a trend must be told from a fluctuation. None of the functions knows
the unit of time, only the order of the records.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, non_negative, without_overflow

FEWEST = 8  # records of a curve whose spikes can be told
DENSE = 12  # records from which bends are told from noise
SPAN = 10.0  # scatters, more than independent noise spans
SHARE = 20  # a setback is read off running medians over a SHAREth of the records, at least three


def despiked(values: ArrayLike) -> np.ndarray:
    """The curve without what a single record says against both of its neighbours.

    Running medians of three records. The first record stays as it is, since a curve may rise right after it; the last
    is the median of itself, the one before and the line through the two before (Tukey's end-point rule), so that a
    rise in the last record alone is a spike.

    Parameters
    ----------
    values : (n_t,) array
        Finite.

    Returns
    -------
    (n_t,) array
        Monotone curves keep all but their last record, straight lines that too. With fewer than eight records a step
        cannot be told from a spike: such a curve is returned as it is.

    Raises
    ------
    ValueError
        If `values` are not one-dimensional and finite.

    Examples
    --------
    >>> despiked([0.0, 0.0, 9.0, 0.0, 1.0, 2.0, 3.0, 4.0]).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 4.0]
    """
    return without_overflow("values", _despiked, finite("values", values, ndim=1))


def _despiked(values: np.ndarray) -> np.ndarray:
    smooth = values.copy()
    if len(values) < FEWEST:
        return smooth
    smooth[1:-1] = np.median([values[:-2], values[1:-1], values[2:]], axis=0)
    smooth[-1] = np.median([values[-1], smooth[-2], 3 * smooth[-2] - 2 * smooth[-3]])
    return smooth


def scatter(values: ArrayLike) -> float:
    """Standard deviation of independent noise on a smooth curve, from its second differences.

    Parameters
    ----------
    values : (n_t,) array
        Finite.

    Returns
    -------
    float
        In the units of `values`: 1.4826 times the median of |v[k-1] - 2 v[k] + v[k+1]|, over sqrt(6). 0 for straight
        lines, steps, and fewer than twelve records.

    Raises
    ------
    ValueError
        If `values` are not one-dimensional and finite.

    Examples
    --------
    >>> scatter([0.0, 1.0, 2.0, 3.0])
    0.0
    """
    return without_overflow("values", _scatter, finite("values", values, ndim=1))


def _scatter(values: np.ndarray) -> float:
    bends = np.abs(np.diff(values, 2))
    return float(1.4826 * np.median(bends) / np.sqrt(6)) if len(values) >= DENSE else 0.0


def setback(values: ArrayLike) -> float:
    """By how much a curve falls back, at most, from a height that it had reached; for a falling curve negate it.

    Read off running medians, so that noise on a rising curve counts little; a deeper fall between single records counts
    where it exceeds ten scatters, more than independent noise spans. With fewer than eight records nothing is smoothed.

    Parameters
    ----------
    values : (n_t,) array
        Finite.

    Returns
    -------
    float
        In the units of `values`; 0 for a curve that never falls.

    Raises
    ------
    ValueError
        If `values` are not one-dimensional and finite.

    Examples
    --------
    >>> setback([0.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 2.0])
    0.5
    """
    return without_overflow("values", _smooth_setback, finite("values", values, ndim=1))


def _smooth_setback(values: np.ndarray) -> float:
    records = _setback(_despiked(values))
    if len(values) < FEWEST:
        return records
    half = max(3, len(values) // SHARE | 1) // 2
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])])
    smooth = _setback(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1))
    return max(smooth, records) if records > SPAN * _scatter(values) > 0 else smooth


def _setback(values: np.ndarray) -> float:
    return float((np.maximum.accumulate(values) - values).max())


def settled_from(values: ArrayLike, level: float, tolerance: float = 0.0) -> int | None:
    """The record from which on a curve has its level and keeps it to the end.

    Parameters
    ----------
    values : (n_t,) array
        Finite.
    level : float
        To be reached, in the units of `values`.
    tolerance : float
        How far below the level a later record may lie.

    Returns
    -------
    int or None
        Index of the first record at the level after the last one that lies more than `tolerance` below it; None if
        there is none.

    Raises
    ------
    ValueError
        If `values` or `level` are not finite, or `tolerance` is negative.

    Examples
    --------
    >>> settled_from([0.0, 1.0, 0.5, 0.9, 1.0, 0.95], level=1.0, tolerance=0.1)
    4
    """
    values = finite("values", values, ndim=1)
    level = float(finite("level", level, ndim=0))
    tolerance = float(non_negative("tolerance", finite("tolerance", tolerance, ndim=0)))
    below = np.flatnonzero(values < level - tolerance)
    start = below[-1] + 1 if below.size else 0
    at = np.flatnonzero(values[start:] >= level)
    return int(start + at[0]) if at.size else None


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation of two series; ties share their mean rank.

    Parameters
    ----------
    first, second : (n,) arrays
        Finite, of one length >= 2.

    Returns
    -------
    float
        From -1 to 1; NaN when one of them is constant.

    Raises
    ------
    ValueError
        If lengths differ or fall below 2.

    Examples
    --------
    >>> round(rank_correlation([1, 2, 3, 4], [10.0, 1.0, 0.1, 0.01]), 12)
    -1.0
    """
    ranks = []
    for name, series in (("first", first), ("second", second)):
        values = finite(name, series, ndim=1)
        _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - (counts - 1) / 2)[where])
    if len(ranks[0]) != len(ranks[1]) or len(ranks[0]) < 2:
        raise ValueError(f"first and second must have one length >= 2, got {len(ranks[0])} and {len(ranks[1])}")
    a, b = (rank - rank.mean() for rank in ranks)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else float("nan")
