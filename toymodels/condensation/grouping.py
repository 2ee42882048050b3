"""Clusters of neurons that point the same way, by leaders or by single linkage."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.null import null_cosine
from toymodels.condensation.similarity import amplitudes, as_rows, static_neurons, unit_rows
from toymodels.validation import array_of, choice, finite, of_ordinary_size, row_norms

ORIENTATION_GAP = 0.2  # radians without a neuron that part two orientations
SHARE = 0.02  # of the total amplitude that a direction must carry to count


def clusters(
    w: ArrayLike,
    amplitude: ArrayLike | None = None,
    *,
    threshold: float | str = 0.99,
    signed: bool = True,
    linkage: str = "leader",
    min_share: float = 0.002,
) -> np.ndarray:
    """Groups of neurons whose weight vectors point the same way.

    Parameters
    ----------
    w : (m, d) array
        One neuron per row.
    amplitude : (m,) array, optional
        Size of each neuron, the norm of its row if None. The leader method visits neurons by falling
        amplitude.
    threshold : float or "null"
        Neurons belong together from this cosine upwards, in (0, 1]. "null" is :func:`null_cosine` of the neurons
        grouped: unrelated ones share a cluster in one layer out of a thousand. In few dimensions it is above 0.99; in
        many it is low, and groups whose directions are related to each other are one.
    signed : bool
        If False, opposite directions count as the same (odd activations).
    linkage : str
        "leader": each cluster holds the neurons similar to its largest member. "single": chains of similar
        neurons are joined (scipy), which can link far ends.
    min_share : float
        Neurons with less than this share of the total amplitude are left out, in [0, 1).

    Returns
    -------
    (m,) integer array
        Labels 0, 1, ... by falling amplitude of the cluster's largest neuron; -1 for neurons left out (too
        small, or zero).

    Raises
    ------
    ValueError
        If `threshold` is neither "null" nor in (0, 1], `min_share` outside [0, 1), or weights are not finite.

    Examples
    --------
    >>> clusters([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]).tolist()
    [0, 0, 1, -1]
    >>> groups = np.repeat(np.eye(2, 100), 3, axis=0) + 0.02 * np.random.default_rng(0).standard_normal((6, 100))
    >>> clusters(groups).tolist(), clusters(groups, threshold="null").tolist()
    ([4, 2, 5, 1, 0, 3], [1, 1, 1, 0, 0, 0])
    """
    w = as_rows("w", w)
    amplitude = amplitudes(amplitude, w)
    threshold = threshold if threshold == "null" else check_threshold(threshold)
    min_share = float(min_share)
    if not 0 <= min_share < 1:
        raise ValueError(f"min_share must be in [0, 1), got {min_share:g}")
    choice("linkage", linkage, ("leader", "single"))
    kept = (amplitude >= min_share * amplitude.sum()) & w.any(axis=1)
    order = np.flatnonzero(kept)[np.argsort(-amplitude[kept], kind="stable")]
    labels = np.full(len(w), -1)
    if order.size:
        units = unit_rows(w[order])
        similarity = units @ units.T
        similarity = similarity if signed else np.abs(similarity)
        group = leaders if linkage == "leader" else _chains
        labels[order] = group(similarity, _null(units, signed) if isinstance(threshold, str) else threshold)
    return labels


def check_threshold(threshold: float | str) -> float:
    """A cosine in (0, 1], lowered by rounding error so that 1 accepts parallel vectors."""
    if isinstance(threshold, str) or not 0 < float(threshold) <= 1:
        raise ValueError(f"threshold must be in (0, 1], got {threshold!r}")
    return float(threshold) - 1e-12


def _null(units: np.ndarray, signed: bool) -> float:
    return null_cosine(*units.shape, signed=signed) if len(units) > 1 else 1.0


def leaders(similarity: np.ndarray, threshold: float) -> np.ndarray:
    """Clusters of neurons near their first member, which no earlier cluster has taken.

    Parameters
    ----------
    similarity : (m, m) array
        Neurons in the order in which they may lead.
    threshold : float
        Least similarity to the leader, up to rounding.

    Returns
    -------
    (m,) integer array
        Labels 0, 1, ... in the order of the leaders; every neuron has one.
    """
    near = similarity >= threshold - _rounding(similarity)
    np.fill_diagonal(near, True)
    labels = np.full(len(near), -1)
    count = 0
    for leader in range(len(near)):
        if labels[leader] < 0:
            labels[near[leader] & (labels < 0)] = count
            count += 1
    return labels


def _chains(similarity: np.ndarray, threshold: float) -> np.ndarray:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    near = csr_array(similarity >= threshold - _rounding(similarity))
    labels = connected_components(near, directed=False)[1]
    first = np.unique(labels, return_index=True)[1]
    return np.argsort(np.argsort(first))[labels]


def _rounding(similarity: np.ndarray) -> float:
    return 8 * float(np.finfo(similarity.dtype).eps)


class DirectionCounts(NamedTuple):
    """Numbers of directions.

    Parameters
    ----------
    counted : int
        Those that carry enough of the total amplitude.
    all : int
        Those of any amplitude, single stray neurons among them.

    Examples
    --------
    Two groups, and a neuron too small to count:

    >>> found = direction_counts([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [-0.1, 0.0]])
    >>> found.counted, found.all
    (2, 3)
    """

    counted: int
    all: int


def direction_counts(
    w: ArrayLike,
    amplitude: ArrayLike | None = None,
    *,
    threshold: float | str = 0.99,
    signed: bool = True,
    linkage: str = "leader",
    min_share: float = 0.0,
    share: float = SHARE,
) -> DirectionCounts:
    """In how many directions neurons lie: the one rule is that a direction counts from 2 % of the total amplitude.

    Parameters
    ----------
    w : (m, d) array
        One neuron per row.
    amplitude : (m,) array, optional
        Size of each neuron; that of a two-layer network is its mass |a||w|. The norm of its row if None.
    threshold, signed, linkage, min_share
        As in :func:`clusters`.
    share : float
        Part of the total amplitude that a direction must carry to count, in [0, 1).

    Returns
    -------
    DirectionCounts
        `counted` and `all`.

    Raises
    ------
    ValueError
        As :func:`clusters`, or if `share` is outside [0, 1).

    Examples
    --------
    >>> direction_counts([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [-0.1, 0.0]])
    DirectionCounts(counted=2, all=3)
    """
    share = float(share)
    if not 0 <= share < 1:
        raise ValueError(f"share must be in [0, 1), got {share:g}")
    w = as_rows("w", w)
    amplitude = amplitudes(amplitude, w)
    labels = clusters(w, amplitude, threshold=threshold, signed=signed, linkage=linkage, min_share=min_share)
    kept = labels >= 0
    carried = np.bincount(labels[kept], amplitude[kept]) if kept.any() else np.zeros(0)
    return DirectionCounts(int((carried >= share * amplitude.sum()).sum()), len(carried))


def count_clusters(
    a: ArrayLike,
    w: ArrayLike,
    *,
    threshold: float | str = 0.99,
    signed: bool = True,
    linkage: str = "leader",
    min_share: float = 0.002,
    cluster_share: float = 0.0,
) -> int:
    """Number of clusters of a two-layer network, neurons weighed by their mass |a||w|.

    Parameters
    ----------
    a : (m,) array
        Output weights.
    w : (m, d) array
        Input weights.
    threshold, signed, linkage, min_share
        As in :func:`clusters`.
    cluster_share : float
        Clusters with less than this share of the total mass do not count, in [0, 1).

    Raises
    ------
    ValueError
        As :func:`clusters`, or if `cluster_share` is outside [0, 1).

    Examples
    --------
    The first two neurons point the same way; for an odd activation the third, opposite, says the same as they:

    >>> a, w = [1.0, 1.0, 1.0], [[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0]]
    >>> count_clusters(a, w), count_clusters(a, w, signed=False)
    (2, 1)
    """
    if not 0 <= float(cluster_share) < 1:
        raise ValueError(f"cluster_share must be in [0, 1), got {cluster_share:g}")
    w = as_rows("w", w)
    mass = np.abs(of_ordinary_size(finite("a", a, ndim=1))) * row_norms(of_ordinary_size(w))
    how = {"threshold": threshold, "signed": signed, "linkage": linkage, "min_share": min_share}
    return direction_counts(w, mass, **how, share=cluster_share).counted


def count_active_clusters(a: ArrayLike, w: ArrayLike, x: ArrayLike) -> int:
    """:func:`count_clusters` of the ReLU neurons that are active on some of the inputs `x` (n, d)."""
    active = ~static_neurons(w, x)
    return count_clusters(array_of("a", a)[active], array_of("w", w)[active])


def count_orientations(a: ArrayLike, w: ArrayLike) -> int:
    """Isolated orientations of one-input neurons: parted by gaps of 0.2 rad, at least 2 % of the mass |a||w| each.

    Parameters
    ----------
    a : (m,) array
    w : (m, 2) array
        Weight and bias.
    """
    gap = float(np.cos(ORIENTATION_GAP))
    return count_clusters(a, w, threshold=gap, linkage="single", min_share=1e-3, cluster_share=SHARE)


def count_directions(w: ArrayLike, threshold: float) -> int:
    """Leader clusters at this cosine of all neurons `w` (m, d), however small: `all` of :func:`direction_counts`."""
    return direction_counts(w, threshold=threshold).all
