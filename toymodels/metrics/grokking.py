r"""By how many decades one curve lags behind another, and when curves reach their levels.

Times are those of the run (flow time, steps or epochs); only their ratios enter a delay, so the clock's unit drops out.

Between two records a curve is taken to be linear in :math:`\log t`. A record at :math:`t=0` has no logarithm: a level
reached between it and the next record counts as reached at that next record.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._area import area
from toymodels.validation import LARGEST_FACTOR, finite, times


def crossing_time(t: ArrayLike, values: ArrayLike, level: float) -> float:
    r"""First time at which a curve is at or above a level.

    For a falling curve negate `values` and `level`.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times >= 0; the last may be `inf`.
    values : (n_t,) array
        The curve at these times, finite.
    level : float
        The level to reach, in the units of `values`.

    Returns
    -------
    float
        Log-linear in time between the last record below and the first at or above the level. `t[0]` when the first
        record is there already (the true time may be earlier); `inf` when no finite time reaches the level.

    Raises
    ------
    ValueError
        If shapes differ, times are not increasing or >= 0, or `values` or `level` are not finite.

    Examples
    --------
    >>> crossing_time([1, 10, 100], [0.0, 0.0, 1.0], 1.0)
    100.0
    """
    t, values = _curve(t, values, "values")
    level = float(finite("level", level, ndim=0))
    reached = values >= level
    if not reached.any():
        return float("inf")
    k = int(reached.argmax())
    if k == 0 or t[k - 1] == 0 or np.isinf(t[k]):
        return float(t[k])
    # scaled, since the difference of two finite values may overflow
    scale = max(abs(values[k - 1]), abs(values[k]))
    low, middle, high = values[k - 1] / scale, level / scale, values[k] / scale
    fraction = (middle - low) / (high - low)
    if t[k] / 1e300 > t[k - 1]:  # a ratio that is no float
        return float(min(np.exp((1 - fraction) * np.log(t[k - 1]) + fraction * np.log(t[k])), t[k]))
    return float(min(t[k - 1] * (t[k] / t[k - 1]) ** fraction, t[k]))


def delay(t: ArrayLike, train: ArrayLike, test: ArrayLike, level: float | tuple[float, float] = 0.95) -> float:
    r"""Decades of time between success on the training set and success on the test set.

    :math:`\log_{10}(t_\mathrm{test}/t_\mathrm{train})` of the first times at which each score reaches its level. Scores
    rise: accuracies, :math:`R^2`, or one minus a loss over its initial value.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times >= 0; the last may be `inf`.
    train, test : (n_t,) arrays
        Scores at these times, finite and at most 1; an :math:`R^2` may be negative.
    level : float or (float, float)
        The level of both scores, or (train level, test level).

    Returns
    -------
    float
        0 when both succeed at once, 1 when the test score is ten times later, negative when it is first, `inf` when it
        never succeeds in finite time.

    Raises
    ------
    ValueError
        If a score is above 1 (a percentage?), if the training score never reaches its level, if a score holds its
        level at `t = 0` already (no ratio of times exists; start the records later), or for arrays that
        :func:`crossing_time` refuses.

    Examples
    --------
    >>> delay([1, 10, 100], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0])
    1.0

    References
    ----------
    .. [1] Power et al. (2022). Grokking: generalization beyond overfitting on small algorithmic datasets.
       arXiv:2201.02177.
    """
    train_level, test_level = _levels(level)
    _, train = _curve(t, train, "train")
    _, test = _curve(t, test, "test")
    for name, score in (("train", train), ("test", test)):
        if score.max() > 1 + 1e-6:  # a percentage passes a level made for fractions at its first record
            raise ValueError(f"{name} must be at most 1, a fraction, got {score.max():g} (a percentage?)")
    t_train = crossing_time(t, train, train_level)
    t_test = crossing_time(t, test, test_level)
    if np.isinf(t_train):
        raise ValueError(f"train must reach level {train_level:g} in finite time, got at most {train.max():g}")
    for name, time in (("train", t_train), ("test", t_test)):
        if time == 0:
            raise ValueError(f"{name} must reach its level after t = 0, got a score that holds it at t = 0")
    return float(np.log10(t_test) - np.log10(t_train))


def lag(t: ArrayLike, train: ArrayLike, test: ArrayLike) -> float:
    r"""Decades between two curves, each as the share of its own rise.

    :math:`\int(s_\mathrm{train}-s_\mathrm{test})\,d\log_{10}t` with
    :math:`s=(v-v_\mathrm{first})/(v_\mathrm{last}-v_\mathrm{first})`: the area between the curves is the mean delay
    over all heights, so no level is needed, and a spike, or a last creep through a level, hardly counts. A score that
    is a fixed share of the other does not lag at all.

    Parameters
    ----------
    t : (n_t,) array
        Increasing finite times >= 0; what lies before the first positive one has no logarithm and is left out.
    train, test : (n_t,) arrays
        Scores at these times, finite; the ends of the curves are taken for the ends of their rise.

    Returns
    -------
    float
        Decades; negative when the test score is first. Invariant under a change of the unit of time, of the unit and
        origin of either score, and under more records before both rise or after both have; an antisymmetric function
        of the two.

    Raises
    ------
    ValueError
        If shapes differ, times are not increasing, finite and >= 0, fewer than two of them are > 0, or a score ends
        where it began.

    Examples
    --------
    >>> lag([1, 10, 100, 1000], [0.0, 1.0, 1.0, 1.0], [0.5, 0.5, 0.9, 0.9])
    1.0
    """
    t, train = _curve(t, train, "train")
    _, test = _curve(t, test, "test")
    if not np.isfinite(t).all():
        raise ValueError(f"t must be finite, got {t[-1]}")
    shares = []
    for name, values in (("train", train), ("test", test)):
        values = values / 4 if np.abs(values).max() > 1e300 else values  # or differences overflow
        rise = values[-1] - values[0]
        if rise == 0:
            raise ValueError(f"{name} must end elsewhere than it began, got {values[0]:g} at both ends")
        with np.errstate(over="ignore"):
            shares.append((values - values[0]) / rise)
        if np.abs(shares[-1]).max() > LARGEST_FACTOR:
            raise ValueError(f"{name} must not go beyond {LARGEST_FACTOR:g} times its rise, got a rise of {rise:g}")
    late = t > 0
    if late.sum() < 2:
        raise ValueError(f"t must have at least two times > 0, got {late.sum()}")
    return area((shares[0] - shares[1])[late], np.log10(t[late]))


def half_way_time(t: ArrayLike, values: ArrayLike, baseline: float, final: float) -> float:
    r"""First time at which a quantity has made half of its way from `baseline` to `final`, upwards or downwards.

    Used for the lead or lag of an order parameter: :math:`\log_{10}` of this time over the same time of the test score.
    Take as `baseline` the value on the lazy plateau, not the one at initialisation, and pass only the records from the
    plateau on: otherwise the tail of the fit counts as onset.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times >= 0; the last may be `inf`.
    values : (n_t,) array
        The quantity at these times, finite.
    baseline, final : float
        Start and end of the way, in the units of `values`.

    Returns
    -------
    float
        As :func:`crossing_time`: `t[0]` when the first record is past half-way, `inf` when none is.

    Raises
    ------
    ValueError
        If `baseline` equals `final`, or for arrays that :func:`crossing_time` refuses.

    Examples
    --------
    >>> half_way_time([1, 100], [3.0, 1.0], baseline=3.0, final=1.0)
    10.0
    """
    baseline = float(finite("baseline", baseline, ndim=0))
    final = float(finite("final", final, ndim=0))
    if baseline == final:
        raise ValueError(f"baseline must differ from final, got {baseline:g} for both")
    sign, curve = 1.0 if final > baseline else -1.0, finite("values", values)
    if max(abs(baseline), abs(final)) < 1e-290:  # half of either may be no float
        curve, baseline, final = np.ldexp(np.clip(curve, -1e280, 1e280), 60), baseline * 2.0**60, final * 2.0**60
    middle = baseline / 2 + final / 2
    return crossing_time(t, sign * curve, sign * middle)


def _curve(t: ArrayLike, values: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
    t, values = times(t), finite(name, values, ndim=1)
    if t.shape != values.shape:
        raise ValueError(f"{name} must have one value per time, got shapes {values.shape} and {t.shape}")
    return t, values


def _levels(level: float | tuple[float, float]) -> tuple[float, float]:
    levels = finite("level", level)
    if levels.shape not in ((), (2,)):
        raise ValueError(f"level must be a number or a (train, test) pair, got shape {levels.shape}")
    train, test = np.broadcast_to(levels, (2,))
    return float(train), float(test)
