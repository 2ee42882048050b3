"""Firing rules as callables: (n, parents) bool arrays of the sorted parents' states -> (n,) bool arrays.

Any function of that form is a rule; here are the usual ones that "any", "all" and "at least" cannot say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import described, finite, numeric

Firing = Callable[[np.ndarray], np.ndarray]


def none(states: np.ndarray) -> np.ndarray:
    """NOT: fires when no parent does.

    Parameters
    ----------
    states : (n, parents) bool array

    Examples
    --------
    >>> none(np.array([[False, False], [True, False]])).tolist()
    [True, False]
    """
    return np.logical_not(_states(states).any(axis=1))


def odd(states: np.ndarray) -> np.ndarray:
    """XOR: fires when an odd number of parents does.

    Parameters
    ----------
    states : (n, parents) bool array

    Examples
    --------
    >>> odd(np.array([[True, True], [True, False]])).tolist()
    [False, True]
    """
    return np.logical_xor.reduce(_states(states), axis=1)


def _states(states: np.ndarray) -> np.ndarray:
    states = numeric("states", states)
    if states.ndim != 2 or not np.isin(states, (0, 1)).all():
        raise ValueError(f"states must be booleans of shape (n, parents), got {described(states)}")
    return states.astype(bool)


def weighted(weights: ArrayLike, threshold: float) -> Firing:
    """Fires when the weights of the firing parents sum to the threshold or more; negative weights inhibit.

    Parameters
    ----------
    weights : (parents,) array
        Of the parents in sorted order.
    threshold : float

    Raises
    ------
    ValueError
        If a number is not finite; of the rule, if it is given another number of parents.

    Examples
    --------
    >>> weighted([1.0, 1.0, -2.0], 1.0)(np.array([[True, False, False], [True, True, True]])).tolist()
    [True, False]
    """
    w = finite("weights", weights, ndim=1).copy()
    level = float(finite("threshold", threshold, ndim=0))

    def rule(states: np.ndarray) -> np.ndarray:
        if states.shape[1] != len(w):
            raise ValueError(f"weights must be one per parent, {states.shape[1]} of them, got {len(w)}")
        return states @ w >= level

    return rule
