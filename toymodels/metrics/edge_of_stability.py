r"""Whether gradient descent ends less sharp than its flow because of its step: how much of the excess it gave up.

With the learning rate :math:`\eta`, descent is stable at a minimum up to a sharpness (top Hessian eigenvalue) of
:math:`2/\eta`, the edge of stability. With :math:`l` the sharpness that descent ends with and :math:`l_{flow}` that of
the gradient flow from the same start after the same flow time, the score is

.. math:: R = \frac{\ln(l_{flow} / l)}{\max(\ln(l_{flow}\,\eta / 2), \ln 1.2)},

0 for descent as sharp as the flow, 1 when exactly the excess above :math:`2/\eta` is gone, more for an overshoot. Where
the flow itself stays below the edge the denominator is its least value, so that small differences stay small. Beside it
the sharpness in units of the edge, :math:`E = l\,\eta/2`, predicted to be 1 wherever the flow passes the edge.

Cohen, Kaur, Li, Kolter and Talwalkar (2021), arXiv:2103.00065; Damian, Nichani and Lee (2023), arXiv:2209.15594. The
score is ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, fraction, positive, without_overflow

LEAST_EXCESS = 1.2  # factor above the edge by which the flow's excess is at least counted
LATE = 0.2  # share of the records that count as late


def late_median(values: ArrayLike, share: float = LATE, skipped: float = 0.0) -> float:
    """Median of the late records of a curve, or of those before them.

    Parameters
    ----------
    values : (n_t,) array
        Finite, at evenly spaced times.
    share : float
        Of the records, in [0, 1]; at least one record is taken.
    skipped : float
        Share of the records at the end that are left out, in [0, 1).

    Returns
    -------
    float
        In the units of `values`.

    Raises
    ------
    ValueError
        If the values are not one-dimensional and finite, a share is out of its range, or no record is left.

    Examples
    --------
    >>> late_median([9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 3.0, 5.0, 7.0]), late_median([1.0, 2.0, 3.0, 4.0, 5.0])
    (6.0, 5.0)
    >>> late_median([1.0, 2.0, 3.0, 4.0, 5.0], skipped=0.2)
    4.0
    """
    values = finite("values", values, ndim=1)
    share = fraction("share", share, closed=True)
    stop = len(values) - round(fraction("skipped", skipped, closed=True) * len(values))
    count = max(1, round(share * len(values)))
    if stop < 1:
        raise ValueError(f"skipped must leave a record, got {skipped:g} of {len(values)}")
    return float(without_overflow("values", np.median, values[max(0, stop - count) : stop]))


def edge_ratio(sharpness: ArrayLike, lr: float) -> np.ndarray:
    """Sharpness in units of the edge of stability, 2 / lr.

    Parameters
    ----------
    sharpness : array
        Top Hessian eigenvalues, of any sign.
    lr : float
        Learning rate > 0, of descent on the same loss.

    Returns
    -------
    array
        Of the same shape: 1 at the edge, above it a minimum repels.

    Raises
    ------
    ValueError
        If an argument is not finite, `lr` is not positive, or the ratio is no float.

    Examples
    --------
    >>> edge_ratio([1.0, 4.0, 6.0], 0.5).tolist()
    [0.25, 1.0, 1.5]
    """
    values, rate = finite("sharpness", sharpness), float(positive("lr", finite("lr", lr, ndim=0)))
    with np.errstate(over="ignore"):
        ratio = values * rate / 2 if np.abs(values).max() < 1e300 else values / 2 * rate
    if not np.isfinite(ratio).all():
        raise ValueError(
            f"sharpness must not be so large that its ratio overflows, got {np.abs(values).max():g} in size"
        )
    return ratio


def excess_removed(sharpness: float, flow_sharpness: float, lr: float) -> float:
    """How much of the flow's excess above the edge, in the log, descent does not have.

    Parameters
    ----------
    sharpness, flow_sharpness : float
        What descent and flow end with, > 0.
    lr : float
        Learning rate > 0.

    Returns
    -------
    float
        0 for descent as sharp as the flow, 1 for descent at the edge, negative for descent sharper than the flow. The
        same for a loss times c and a learning rate over c.

    Raises
    ------
    ValueError
        If an argument is not positive.

    Examples
    --------
    >>> round(excess_removed(2.0, 8.0, lr=1.0), 12), excess_removed(8.0, 8.0, lr=1.0)
    (1.0, 0.0)
    >>> round(excess_removed(0.1, 0.11, lr=1.0), 3)  # both far below the edge
    0.523
    """
    ends = [float(finite(n, v, ndim=0)) for n, v in (("sharpness", sharpness), ("flow_sharpness", flow_sharpness))]
    for name, value in zip(("sharpness", "flow_sharpness"), ends, strict=True):
        positive(name, value)
    rate = float(positive("lr", finite("lr", lr, ndim=0)))
    product = ends[1] * rate / 2
    above = float(np.log(product) if 1e-300 < product < 1e300 else np.log(ends[1]) + np.log(rate) - np.log(2))
    ratio = ends[1] / ends[0]
    excess = float(np.log(ratio) if 1e-300 < ratio < 1e300 else np.log(ends[1]) - np.log(ends[0]))
    return excess / max(above, float(np.log(LEAST_EXCESS)))
