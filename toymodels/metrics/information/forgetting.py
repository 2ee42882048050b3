"""Fit first, forget later: which share of its peak the information about the input gains before, and loses after.

References
----------
.. [1] Shwartz-Ziv and Tishby (2017). Opening the black box of deep neural networks via information. arXiv:1703.00810.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics.curves import despiked, rank_correlation
from toymodels.validation import finite, times


def gained(about_input: ArrayLike) -> float:
    """Share of the peak that was gained before it, from the lowest record up to there: the fitting phase of [1]_.

    Parameters
    ----------
    about_input : (n_t,) array
        Information about the input along training, in any unit, finite, with a peak > 0.

    Returns
    -------
    float
        0 for a curve that starts at its peak, 1 for one that starts from nothing. What a single record says against
        its neighbours does not count.

    Raises
    ------
    ValueError
        If the values are not finite, or the peak is not > 0.

    Examples
    --------
    >>> gained([1.0, 1.0, 4.0, 4.0, 2.0, 2.0])
    0.75
    """
    values, peak = _peak(about_input)
    return float(1 - values[: peak + 1].min() / values[peak])


def forgotten(about_input: ArrayLike) -> float:
    """Share of the peak that is lost by the end: the compression phase of [1]_.

    Parameters
    ----------
    about_input : (n_t,) array
        As :func:`gained`.

    Returns
    -------
    float
        0 for a curve that ends at its peak, 1 for one that ends at nothing; the unit does not matter.

    Raises
    ------
    ValueError
        As :func:`gained`.

    Examples
    --------
    >>> forgotten([1.0, 1.0, 4.0, 4.0, 2.0, 2.0])
    0.5
    """
    values, peak = _peak(about_input)
    return float(1 - values[-1] / values[peak])


def trend_after_peak(t: ArrayLike, about_input: ArrayLike) -> float:
    """Rank correlation with time after the peak: -1 for a steady fall, about 0 for fluctuations.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times.
    about_input : (n_t,) array
        As :func:`gained`.

    Returns
    -------
    float
        NaN when fewer than three records follow the peak, or all of them are the same.

    Raises
    ------
    ValueError
        As :func:`gained`.

    Examples
    --------
    >>> round(trend_after_peak([1, 2, 3, 4, 5, 6], [1.0, 4.0, 4.0, 3.0, 2.0, 1.0]), 12)
    -1.0
    """
    (values, peak), t = _peak(about_input), _times_of(t, about_input)
    peak = len(values) - 1 - int(values[::-1].argmax())  # the last record of a flat top
    if len(values) - peak < 4:
        return float("nan")
    return rank_correlation(t[peak:], values[peak:])


def trend_to_plateau(t: ArrayLike, about_input: ArrayLike, share: float = 0.1) -> float:
    """Rank correlation with time from the peak to where the information has come down, if it then stays there.

    A fast fall followed by a long plateau: the noise of the plateau does not dilute the trend of the fall.

    Parameters
    ----------
    t, about_input
        As :func:`trend_after_peak`.
    share : float
        The information has come down when all but this share of the loss is gone; it may leave the level of its end
        by twice as much.

    Returns
    -------
    float
        NaN when fewer than four records are passed on the way down, or when the information does not stay there.

    Raises
    ------
    ValueError
        As :func:`gained`.

    Examples
    --------
    >>> round(trend_to_plateau([1, 2, 3, 4, 5, 6, 7], [9.0, 8.0, 6.0, 4.0, 2.0, 2.1, 2.0]), 12)
    -1.0
    """
    (values, peak), t = _peak(about_input), _times_of(t, about_input)
    peak = len(values) - 1 - int(values[::-1].argmax())
    end = float(np.median(values[-3:]))
    loss = values[peak] - end
    down = np.flatnonzero(values[peak:] <= end + share * loss)
    if not down.size or down[0] < 3 or np.abs(values[peak + down[0] :] - end).max() > 2 * share * loss:
        return float("nan")
    passed = slice(peak, peak + int(down[0]) + 1)
    return rank_correlation(t[passed], values[passed])


def _times_of(t: ArrayLike, values: ArrayLike) -> np.ndarray:
    t = times(t)
    if len(t) != np.size(values):
        raise ValueError(f"t must have one entry per value, got {len(t)} for {np.size(values)} values")
    return t


def _peak(about_input: ArrayLike) -> tuple[np.ndarray, int]:
    values = despiked(finite("about_input", about_input, ndim=1))
    peak = int(values.argmax())
    if not values[peak] > 0:
        raise ValueError(f"about_input must have a peak > 0, got {values[peak]:g}")
    return values, peak
