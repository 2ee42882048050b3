r"""Whether skills are learned one after the other, each abruptly: gaps between them against the time each takes.

The progress of a skill goes from about 0 to about 1. With :math:`t_{10}, t_{50}, t_{90}` the first times at which it
reaches 10, 50 and 90 %, the rise of a skill is :math:`\log_{10}(t_{90}/t_{10})`, and the gap of two that follow each
other in the order expected is :math:`\log_{10}(t_{50}'/t_{50})`, negative when the second is first. Their ratio, the
stage score, is the same on every clock :math:`c\,t^q`.

Skills whose rates differ have gaps whatever learns them; it is the rise that tells. An exponential takes 1.339 decades.
A sigmoid that starts at the share :math:`1/(1 + e^l)` of its target takes :math:`\log_{10}[(l+\ln 9)/(l-\ln 9)]`, the
less the smaller the start (Saxe et al. 2014, arXiv:1312.6120; Nam et al. 2025, arXiv:2502.21009, Eq. 9). The
prediction of the score from both is ours.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._area import area
from toymodels.metrics.grokking import crossing_time
from toymodels.validation import finite, fraction, positive, require_room, times

LEVELS = (0.1, 0.5, 0.9)
RISE_OF_EXPONENTIAL = float(np.log10(np.log(0.1) / np.log(0.9)))  # decades


def passing_times(t: ArrayLike, skills: ArrayLike) -> np.ndarray:
    """When every skill first reaches 10, 50 and 90 %.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times > 0, or 0 in the first record.
    skills : (n_t, n_skills) array
        Progress.

    Returns
    -------
    (3, n_skills) array
        Times, log-linear between records as those of :func:`toymodels.metrics.grokking.crossing_time`; `inf` for
        levels that are not reached.

    Raises
    ------
    ValueError
        If shapes do not fit, or an entry is not finite.

    Examples
    --------
    >>> passing_times([1, 10, 100], [[0.0], [0.0], [1.0]]).round(2).tolist()
    [[12.59], [31.62], [79.43]]
    """
    t, skills = _progress(t, skills)
    return np.array([[crossing_time(t, skill, level) for skill in skills.T] for level in LEVELS])


def stage_score(passing: ArrayLike) -> float:
    """Gap of skills that follow each other over the mean of their rises, median over the pairs.

    Parameters
    ----------
    passing : (3, n_skills) array
        Times of 10, 50 and 90 %, as :func:`passing_times` gives them; the skills in the order in which they should be
        learned, at least two.

    Returns
    -------
    float
        0 for skills learned at once, 1 when the gap is as long as the rise, negative for the opposite order. The same
        for times c t^q.

    Raises
    ------
    ValueError
        If a time is not finite and positive, a skill does not take any time, or there are fewer than two.

    Examples
    --------
    >>> stage_score([[1.0, 100.0], [3.0, 300.0], [10.0, 1000.0]])
    2.0
    """
    passing = positive("passing", passing)
    if passing.ndim != 2 or len(passing) != 3 or passing.shape[1] < 2:
        raise ValueError(f"passing must have shape (3, n_skills) of 2 skills or more, got {passing.shape}")
    gaps, rises = gaps_and_rises(passing)
    if not (rises > 0).all():
        raise ValueError(f"passing must give every skill a rise > 0, got {rises.min():g} decades")
    return float(np.median(2 * gaps / (rises[1:] + rises[:-1])))


def gaps_and_rises(passing: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Decades between the halves of skills that follow each other, and from 10 to 90 % of each.

    Parameters
    ----------
    passing : (3, n_skills) array
        Times of 10, 50 and 90 %.

    Returns
    -------
    gaps : (n_skills - 1,) array
    rises : (n_skills,) array

    Examples
    --------
    >>> gaps_and_rises([[1.0, 100.0], [3.0, 300.0], [10.0, 1000.0]])
    (array([2.]), array([1., 1.]))
    """
    passing = finite("passing", passing, ndim=2)
    if len(passing) != len(LEVELS):
        raise ValueError(f"passing must have a row for each of {len(LEVELS)} levels, got shape {passing.shape}")
    logs = np.log10(positive("passing", passing))
    return np.diff(logs[1]), logs[2] - logs[0]


def area_between(first: ArrayLike, second: ArrayLike) -> float:
    r"""How far one skill is learned before another, without any clock: :math:`1 - 2\int p'\,dp`.

    Parameters
    ----------
    first, second : (n_t,) arrays
        Progress p and p' at the same records.

    Returns
    -------
    float
        1 when the first is complete before the second begins, 0 when they go together, -1 for the opposite order, of
        skills that both go from 0 to 1. The same on every clock.

    Examples
    --------
    >>> area_between([0.0, 1.0, 1.0], [0.0, 0.0, 1.0]), area_between([0.0, 1.0], [0.0, 1.0])
    (1.0, 0.0)
    """
    first, second = finite("first", first, ndim=1), finite("second", second, ndim=1)
    if first.shape != second.shape:
        raise ValueError(f"second must have as many records as first, got {second.size} and {first.size}")
    require_room(first=first, second=second)
    return 1 - 2 * area(second, first)


def rise_of_sigmoid(start: float) -> float:
    """Decades from 10 to 90 % of a skill that grows as a sigmoid.

    Parameters
    ----------
    start : float
        Share of the target at t = 0, below 0.1.

    Raises
    ------
    ValueError
        If the start is not in (0, 0.1).

    Examples
    --------
    >>> round(rise_of_sigmoid(1e-6), 4), round(rise_of_sigmoid(1e-3), 4)
    (0.1393, 0.2863)
    """
    start = fraction("start", start)
    if start >= LEVELS[0]:
        raise ValueError(f"start must be < {LEVELS[0]:g}, got {start:g}")
    length = np.log1p(-start) - np.log(start)
    to_first = length - np.log(9)
    if to_first < 1e-3:  # digits cancel
        to_first = np.log1p(float(1 - 10 * Fraction(start)) / (9 * start))
    return float(np.log10((length + np.log(9)) / to_first))


def stage_of(rate_ratio: float, rise: float) -> float:
    """The score of skills that take the same course, each at a rate smaller by the same factor.

    Parameters
    ----------
    rate_ratio : float
        Rate of a skill over that of the next, > 0.
    rise : float
        Decades from 10 to 90 %, > 0: :data:`RISE_OF_EXPONENTIAL` or that of :func:`rise_of_sigmoid`.

    Examples
    --------
    >>> round(stage_of(3.0, RISE_OF_EXPONENTIAL), 3), round(stage_of(3.0, rise_of_sigmoid(1e-6)), 3)
    (0.356, 3.425)
    """
    numbers = (("rate_ratio", rate_ratio), ("rise", rise))
    ratio, decades = (positive(name, finite(name, value, ndim=0)) for name, value in numbers)
    with np.errstate(over="ignore"):
        stage = float(np.log10(ratio) / decades)
    if not np.isfinite(stage):
        raise ValueError(f"rise must not be so small that the score overflows, got {float(decades):g}")
    return stage


def _progress(t: ArrayLike, skills: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    t, skills = times(t), finite("skills", skills, ndim=2)
    if len(skills) != len(t):
        raise ValueError(f"skills must have one row per time, got shapes {skills.shape} and {t.shape}")
    return t, skills
