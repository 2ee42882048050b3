"""Slopes of exact solutions, to nine digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STENCIL = np.array([-25 / 12, 4.0, -3.0, 4 / 3, -1 / 4])  # first derivative, from one side, of fourth order


def slope_at_start(function: Callable[[np.ndarray], np.ndarray], time: float) -> float:
    """Derivative at 0 of a function of times that changes over about `time`.

    Parameters
    ----------
    function : callable
        From times (5,) to values (5,).
    time : float

    Examples
    --------
    >>> round(slope_at_start(np.sin, 1.0), 9)
    1.0
    """
    step = 2e-3 * time
    return float(STENCIL @ function(step * np.arange(5)) / step)
