"""Nodes of a layer: units that fire on the same samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from dnn.checks import bools, draws_of
from toymodels.validation import finite, fraction

SAME = 1e-12  # phi of equal patterns falls short of 1 by rounding


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of one layer.

    Attributes
    ----------
    layer : str
        Name, as :func:`dnn.tap` has it.
    units : tuple of integer arrays
        The units of every node; the node of units that always fire, if there are any, comes last.
    firing : (n, n_nodes) bool array
        A node fires on a sample when more than half of its units do; of an even split, when the one does that is most
        like the others.
    amplification : (n_nodes,) array
        Mean activity of a node's units over the samples on which it fires, in units of the fields.
    activity : (n_units,) array
        Mean activity of every unit over all samples.
    dead : integer array
        Units that fire on no sample, or on too few to be told from it; they belong to no node.
    always : int or None
        Which node holds the units that always fire.
    null : float
        Largest phi of two units when the firing of each is shuffled.
    cut : float
        Mean phi between two groups of units from which they are one node.
    """

    layer: str
    units: tuple[np.ndarray, ...]
    firing: np.ndarray
    amplification: np.ndarray
    activity: np.ndarray
    dead: np.ndarray
    always: int | None
    null: float
    cut: float

    def __len__(self) -> int:
        return len(self.units)

    @property
    def rate(self) -> np.ndarray:
        """Share of the samples on which every node fires, (n_nodes,)."""
        return self.firing.mean(axis=0)

    @property
    def node_of(self) -> np.ndarray:
        """The node of every unit, (n_units,); -1 for dead ones."""
        owner = np.full(len(self.activity), -1)
        for node, units in enumerate(self.units):
            owner[units] = node
        return owner

    @property
    def grouped(self) -> float:
        """Share of the units that fire now and then whose node has another unit; 0 if there are none."""
        sizes = np.array([len(units) for node, units in enumerate(self.units) if node != self.always], dtype=int)
        return float(sizes[sizes > 1].sum() / sizes.sum()) if sizes.size else 0.0


def phi(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    r"""Correlation of firing patterns, :math:`\phi_{ab} = (p_{ab} - p_a p_b) / \sqrt{p_a(1-p_a)p_b(1-p_b)}`.

    Parameters
    ----------
    first, second : (n, a) and (n, b) bool arrays

    Returns
    -------
    (a, b) array
        1 for equal patterns, 0 for unrelated ones and where a pattern never changes, -1 for opposite ones.

    Raises
    ------
    ValueError
        If they differ in length.

    Examples
    --------
    >>> phi([[1], [1], [0], [0]], [[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]]).tolist()
    [[1.0, -1.0, 0.0]]
    """
    a, b = finite("first", first, ndim=2), finite("second", second, ndim=2)
    if len(a) != len(b):
        raise ValueError(f"first and second must have one row a sample, got {len(a)} and {len(b)}")
    p, q = a.mean(axis=0), b.mean(axis=0)
    spread = np.sqrt(np.outer(p * (1 - p), q * (1 - q)))
    together = a.T @ b / len(a) - np.outer(p, q)
    return np.clip(np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0), -1, 1)


def null_phi(firing: ArrayLike, rng: np.random.Generator, shuffles: int = 10) -> float:
    """Largest phi of any two columns of firing (n, units), each shuffled by itself, in any of the shuffles.

    0 for a single column.
    """
    patterns = bools("firing", firing)
    largest = 0.0
    for _ in range(draws_of("shuffles", shuffles)):
        moved = rng.permuted(patterns, axis=0)
        between = phi(moved, moved)[np.triu_indices(patterns.shape[1], 1)]
        largest = max(largest, float(between.max(initial=0.0)))
    return largest


def find_nodes(
    layer: str,
    field: ArrayLike,
    rng: np.random.Generator,
    *,
    similarity: float = 0.5,
    rare: float = 0.01,
    shuffles: int = 10,
) -> Nodes:
    """Group the units of a layer by average linkage of the phi of their firing.

    Parameters
    ----------
    layer : str
    field : (n, units) array
        A unit fires on a sample where its field is > 0, and its activity is the positive part.
    rng : numpy.random.Generator
        For the shuffled null.
    similarity : float in (0, 1)
        Mean phi from which groups are one node. At 0.5 two units that fire on every other sample agree on three
        samples of four. Where shuffled firing comes higher than that, its largest phi is the cut.
    rare : float in [0, 1/2)
        Units that fire on at most this share of the samples count as dead, and those that are silent on at most this
        share as always firing: of a unit that fires once or twice no correlation can be told from chance.
    shuffles : int

    Returns
    -------
    Nodes

    Raises
    ------
    ValueError
        For arguments out of range.

    Examples
    --------
    >>> field = np.array([[1.0, 2.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -2.0, -1.0], [-1.0, -2.0, 3.0]])
    >>> nodes = find_nodes("hidden", field, np.random.default_rng(0), rare=0.0)
    >>> [units.tolist() for units in nodes.units], nodes.amplification.tolist()
    ([[0, 1], [2]], [1.25, 3.0])
    """
    values = finite("field", field, ndim=2)
    similarity = fraction("similarity", similarity)
    if fraction("rare", rare, closed=True) >= 0.5:
        raise ValueError(f"rare must be < 0.5, got {rare:g}")
    firing, activity = values > 0, np.maximum(values, 0)
    rate = firing.mean(axis=0)
    live = np.flatnonzero((rate > rare) & (rate < 1 - rare))
    always = np.flatnonzero(rate >= 1 - rare)
    null = null_phi(firing[:, live], rng, shuffles) if live.size else 0.0
    cut = max(similarity, null)
    units = [live[group] for group in _groups(firing[:, live], cut)]
    fires = [_majority(firing[:, group]) for group in units]
    if always.size:
        units.append(always)
        fires.append(_majority(firing[:, always]))
    states = np.stack(fires, axis=1) if fires else np.zeros((len(values), 0), dtype=bool)
    strength = [
        activity[np.ix_(state, group)].mean() if state.any() else 0.0 for state, group in zip(fires, units, strict=True)
    ]
    return Nodes(
        layer,
        tuple(units),
        states,
        np.array(strength, dtype=float),
        activity.mean(axis=0),
        np.flatnonzero(rate <= rare),
        len(units) - 1 if always.size else None,
        null,
        cut,
    )


def _groups(firing: np.ndarray, cut: float) -> list[np.ndarray]:
    """Positions of the columns of every group, ordered by their first."""
    n_units = firing.shape[1]
    if n_units < 2:
        return [np.arange(n_units)] if n_units else []
    distance = 1 - phi(firing, firing)
    np.fill_diagonal(distance, 0)
    joined = linkage(squareform(np.maximum(distance, 0), checks=False), "average")
    label = fcluster(joined, 1 - cut + SAME, "distance")
    groups = [np.flatnonzero(label == group) for group in np.unique(label)]
    return sorted(groups, key=lambda group: group[0])


def _majority(firing: np.ndarray) -> np.ndarray:
    """Whether more than half of the columns fire, (n,); the most typical column decides an even split."""
    share = firing.mean(axis=1)
    central = firing[:, phi(firing, firing).sum(axis=1).argmax()]
    return np.where(share == 0.5, central, share > 0.5)
