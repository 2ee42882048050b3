r"""Whether a test error, over sizes, rises to a peak and falls again: its height above the higher of the two valleys.

With :math:`L_j` the log of the test error at the j-th size, the score is :math:`\max_j [L_j - \max(\min_{i<j} L_i,
\min_{i>j} L_i)]`, at least 0: exactly 0 for errors that only fall, only rise, or fall and then rise (the classical
U). Only the order of the sizes enters. Errors are averaged in the log over data sets, since close to the threshold they
have heavy tails.

Belkin, Hsu, Ma, Mandal (2019), arXiv:1812.11118; Nakkiran et al. (2020), arXiv:1912.02292. The score is ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, fraction, non_negative, positive, without_overflow


class Peak(NamedTuple):
    """Height of a peak above the higher of its valleys, and where they lie.

    Attributes
    ----------
    height : float
        0 where there is no peak.
    place, left, right : int
        Indices of the peak and of the lowest values on both sides; all 0 where there is no peak.

    Examples
    --------
    >>> peak = highest_peak([3.0, 1.0, 5.0, 2.0, 4.0])
    >>> peak.height, peak.place  # 5 stands 3 above 2, the higher of its valleys 1 and 2
    (3.0, 2)
    """

    height: float
    place: int
    left: int
    right: int


def highest_peak(values: ArrayLike) -> Peak:
    """The peak that stands highest above the higher of its two valleys.

    Parameters
    ----------
    values : (n,) array
        Finite, in the order of the sizes; logs of errors, for a height that does not hang on their unit.

    Returns
    -------
    Peak

    Raises
    ------
    ValueError
        If `values` are not one-dimensional and finite.

    Examples
    --------
    >>> highest_peak([3.0, 1.0, 5.0, 2.0, 4.0])
    Peak(height=3.0, place=2, left=1, right=3)
    >>> highest_peak([3.0, 2.0, 1.0, 2.0]).height
    0.0
    """
    values = finite("values", values, ndim=1)
    if len(values) < 3:
        return Peak(0.0, 0, 0, 0)
    left = np.minimum.accumulate(values)[:-2]
    right = np.minimum.accumulate(values[::-1])[::-1][2:]
    higher = np.maximum(left, right)
    heights = without_overflow("values", lambda rows: rows[0] - rows[1], np.stack([values[1:-1], higher]))
    place = int(heights.argmax()) + 1
    if heights[place - 1] <= 0:
        return Peak(0.0, 0, 0, 0)
    before, after = int(values[:place].argmin()), place + 1 + int(values[place + 1 :].argmin())
    return Peak(float(heights[place - 1]), place, before, after)


def mean_log_error(errors: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Decimal logs of errors, averaged over data sets, with the standard errors of these means.

    Parameters
    ----------
    errors : (n_sizes, n_sets) array
        Positive test errors, of two data sets at least.

    Returns
    -------
    mean, error : (n_sizes,) arrays
        Decades.

    Raises
    ------
    ValueError
        If an error is not positive, or there is one data set.

    Examples
    --------
    >>> mean_log_error([[1.0, 100.0], [10.0, 10.0]])
    (array([1., 1.]), array([1., 0.]))
    """
    logs = np.log10(positive("errors", errors))
    if logs.ndim != 2 or logs.shape[1] < 2:
        raise ValueError(f"errors must have shape (n_sizes, n_sets) of 2 sets or more, got {logs.shape}")
    return logs.mean(axis=1), logs.std(axis=1, ddof=1) / np.sqrt(logs.shape[1])


def fit_boundary(train: ArrayLike, share: float = 0.05) -> int | None:
    """Between which two sizes a model begins, or ceases, to fit its training data.

    Parameters
    ----------
    train : (n_sizes,) array
        Training errors >= 0.
    share : float
        Of the largest training error, below which the data count as fitted.

    Returns
    -------
    int or None
        Index of the last size before the first change; None if the model fits at all sizes or at none.

    Raises
    ------
    ValueError
        If an error is negative, or the share is not in (0, 1).

    Examples
    --------
    >>> fit_boundary([1.0, 0.5, 0.01, 0.0]), fit_boundary([0.0, 0.0, 0.2]), fit_boundary([1.0, 0.9])
    (1, 1, None)
    """
    train = finite("train", train, ndim=1)
    fits = non_negative("train", train) < fraction("share", share) * train.max()
    changes = np.flatnonzero(fits[1:] != fits[:-1])
    return int(changes[0]) if changes.size else None
