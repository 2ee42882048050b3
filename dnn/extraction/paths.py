r"""Paths between nodes and the rules by which they fire, from firing alone.

A path leads from :math:`f` to :math:`F` where :math:`F` fires more often when :math:`f` does,

.. math:: \Delta_{fF} = P(F|f) - P(F|\bar f) = \phi_{fF} \sqrt{\frac{p_F(1-p_F)}{p_f(1-p_f)}},

and :math:`\phi_{fF}` exceeds all that are seen when the samples of one side are exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dnn.checks import bools, draws_of
from dnn.extraction.nodes import phi
from toymodels.validation import finite


def find_paths(below: ArrayLike, above: ArrayLike, rng: np.random.Generator, shuffles: int = 10) -> np.ndarray:
    r"""Strengths of the paths from the nodes of a layer to those of the next.

    Parameters
    ----------
    below, above : (n, a) and (n, b) bool arrays
        Firing of both layers, or above the classes one-hot.
    rng : numpy.random.Generator
        Exchanges samples, the same for all nodes of one side, so that only what joins the layers is lost.
    shuffles : int
        Exchanges; the largest phi of any pair in any of them is the threshold.

    Returns
    -------
    (a, b) array
        :math:`\Delta_{fF}` in (0, 1] where there is a path, else 0.

    Raises
    ------
    ValueError
        If they differ in length.

    Examples
    --------
    >>> below = np.repeat([[True, False], [False, True]], 20, axis=0)
    >>> find_paths(below, below, np.random.default_rng(0)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    lower, upper = bools("below", below), bools("above", above)
    joined = phi(lower, upper) if lower.size and upper.size else np.zeros((lower.shape[1], upper.shape[1]))
    if not joined.size:
        return joined
    null = max(float(phi(lower, rng.permutation(upper)).max()) for _ in range(draws_of("shuffles", shuffles)))
    p, q = lower.mean(axis=0)[:, None], upper.mean(axis=0)
    spread = p * (1 - p)
    scale = np.sqrt(np.divide(q * (1 - q), spread, out=np.zeros_like(joined), where=spread > 0))
    return np.where(joined > max(null, 0.0), np.minimum(joined * scale, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Rules:
    """How the nodes of a layer fire by their parents: when at least so many of them do.

    Attributes
    ----------
    least : (n_nodes,) integer array
        That number; 0 for nodes without parents.
    phi : (n_nodes,) array
        Between what the rule says and the node's firing; the rule is the one for which it is largest.
    agreement : (n_nodes,) array
        Share of the samples on which they agree.
    """

    least: np.ndarray
    phi: np.ndarray
    agreement: np.ndarray


def find_rules(below: ArrayLike, above: ArrayLike, parents: ArrayLike) -> Rules:
    """The threshold rule of every node that agrees best with its firing.

    Parameters
    ----------
    below, above : (n, a) and (n, b) bool arrays
        Firing of both layers.
    parents : (a, b) bool array
        Which nodes below each node above depends on.

    Returns
    -------
    Rules
        Of equally good thresholds the smallest.

    Examples
    --------
    >>> below = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=bool)
    >>> find_rules(below, below.all(axis=1)[:, None], np.ones((2, 1), dtype=bool)).least.tolist()
    [2]
    """
    lower, upper = bools("below", below), bools("above", above)
    joined = bools("parents", parents)
    counts = (finite("below", lower, ndim=2) @ joined).astype(int) if joined.size else np.zeros(upper.shape, int)
    least, best, agreement = np.zeros(upper.shape[1], int), np.zeros(upper.shape[1]), np.zeros(upper.shape[1])
    for node in range(upper.shape[1]):
        thresholds = np.arange(1, joined[:, node].sum() + 1)
        fires = upper[:, node]
        if not thresholds.size:
            agreement[node] = max(fires.mean(), 1 - fires.mean())
            continue
        hits, alarms = (_at_least(counts[state, node], len(thresholds)) for state in (fires, ~fires))
        score = _phi_of_table(hits, alarms, fires.sum(), (~fires).sum())
        place = score.argmax()
        least[node], best[node] = thresholds[place], score[place]
        agreement[node] = (hits[place] + (~fires).sum() - alarms[place]) / len(fires)
    return Rules(least, best, agreement)


def _at_least(counts: np.ndarray, largest: int) -> np.ndarray:
    """How many of the counts reach 1, 2, ..., `largest`."""
    return np.bincount(counts, minlength=largest + 1)[::-1].cumsum()[::-1][1:]


def _phi_of_table(hits: np.ndarray, alarms: np.ndarray, n_firing: int, n_silent: int) -> np.ndarray:
    """phi of two patterns from how often the first fires with the second and without it."""
    said = hits + alarms
    n = n_firing + n_silent
    spread = np.sqrt(said * (n - said) * float(n_firing) * float(n_silent))
    return np.divide(hits * float(n) - said * float(n_firing), spread, out=np.zeros(len(hits)), where=spread > 0)
