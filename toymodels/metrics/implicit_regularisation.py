r"""How much simpler one solution is than another: decades between two complexities, and complexities to put there.

A complexity is a positive number that is the smaller the simpler: in how many inputs, directions or nodes a solution
lies, or how sharp its minimum is. The score of a family, :math:`\log_{10}(C_\mathrm{full}/C_\mathrm{small})`, does not
hang on its unit. It says nothing of solutions that fit their data unequally well: compare at equal training loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import LARGEST_INTEGER
from toymodels.validation import finite, non_negative, of_ordinary_size, positive


def decades_simpler(full: ArrayLike, small: ArrayLike) -> np.ndarray:
    """By how many decades solutions of small batches are simpler than those of the full batch.

    Parameters
    ----------
    full, small : (...) arrays
        Complexities > 0 in one unit.

    Returns
    -------
    (...) array
        0 for equally complex ones, 1 for a tenth of the complexity, negative for more complex ones.

    Raises
    ------
    ValueError
        If an entry is not finite and positive, or shapes do not fit.

    Examples
    --------
    >>> decades_simpler([50.0, 50.0], [5.0, 500.0]).tolist()
    [1.0, -1.0]
    """
    full, small = positive("full", full), positive("small", small)
    if full.shape != small.shape:
        raise ValueError(f"small must have the shape of full, {full.shape}, got {small.shape}")
    with np.errstate(over="ignore", divide="ignore"):
        ratio = full / small
        ordinary = (ratio > 1e-300) & (ratio < 1e300)
        return np.where(ordinary, np.log10(ratio), np.log10(full) - np.log10(small))[()]


def participation(weights: ArrayLike) -> np.ndarray:
    r"""In how many entries weights lie: :math:`|w|_1^2/|w|_2^2`.

    Parameters
    ----------
    weights : (..., d) array
        Not all 0.

    Returns
    -------
    (...) array
        1 for a single entry, d for entries of equal size; the same for c w.

    Raises
    ------
    ValueError
        If weights are not finite, or all 0.

    Examples
    --------
    >>> participation([[3.0, 0.0, 0.0, 0.0], [1.0, -1.0, 1.0, -1.0]]).tolist()
    [1.0, 4.0]
    """
    weights = np.atleast_1d(np.abs(finite("weights", weights)))
    top = weights.max(axis=-1, keepdims=True)
    if not top.all():
        raise ValueError("weights must not all be 0")
    share = weights / top
    return share.sum(axis=-1) ** 2 / (share**2).sum(axis=-1)


def effective_groups(mass: ArrayLike, labels: ArrayLike) -> float:
    """Over how many groups a mass is spread: exp of the entropy of their shares.

    Parameters
    ----------
    mass : (m,) array
        What each member carries, >= 0.
    labels : (m,) array of integers
        Groups 0, 1, ..., as :func:`toymodels.condensation.clusters` gives them; members at -1 are left out.

    Returns
    -------
    float
        1 when one group carries everything, K for K groups that carry equally much.

    Raises
    ------
    ValueError
        If shapes do not fit, a mass is negative, labels are no integers >= -1, or no group carries anything.

    Examples
    --------
    >>> effective_groups([1.0, 1.0, 2.0, 9.0], [0, 0, 1, -1])
    2.0
    """
    mass, numbers = non_negative("mass", finite("mass", mass, ndim=1)), finite("labels", labels, ndim=1)
    if mass.shape != numbers.shape:
        raise ValueError(f"labels must have one entry per mass, {mass.shape}, got {numbers.shape}")
    if (numbers != np.floor(numbers)).any() or numbers.min() < -1:
        raise ValueError(f"labels must be integers >= -1, got {numbers.min():g} as the lowest")
    if numbers.max() >= LARGEST_INTEGER:
        raise ValueError(f"labels must be < 2^53, beyond which neighbours are merged, got {numbers.max():g}")
    inside = numbers >= 0
    groups = np.unique(numbers[inside], return_inverse=True)[1]
    carried = np.bincount(groups, of_ordinary_size(mass[inside]))
    if not carried.sum() > 0:
        raise ValueError("mass must be positive in some group, got none")
    share = carried[carried > 0] / carried.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
