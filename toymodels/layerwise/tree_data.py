r"""Hierarchical data: items at the leaves of a tree, learned from the broadest distinction to the finest.

Each node of a regular tree is a property that all items below it have. With :math:`B^D` items (branching B, depth D)
the item-property correlation is diagonal in the contrasts of the tree: level 0 is the mean over items, level l > 0 what
tells apart the children of one node at level l - 1. All :math:`B^l - B^{l-1}` contrasts of level l share the singular
value

.. math:: s_l^2 = \frac1{B^D} \sum_{j=l}^{D} B^{D-j} = \frac{B^{D-l+1} - 1}{(B - 1) B^D} ,

which falls with l, so a two-layer network learns the levels in order, each at its own time; in between, items are alike
whenever their paths part at a level that is not yet learned.

Saxe, McClelland, Ganguli (2019), A mathematical theory of semantic development in deep neural networks,
arXiv:1810.10531. Properties are deterministic here, theirs may also change at random along the branches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.held import held_number, plain
from toymodels.trajectory import Trajectory
from toymodels.validation import positive, positive_int, times

_MOST_ITEMS = 10_000  # of a table
_MOST_LEAVES = 10**15  # of a formula: whole numbers that floats hold


class HierarchyLevels(NamedTuple):
    """Per level from the root on, (depth + 1,) each: the singular value and how many modes share it."""

    singular_values: np.ndarray
    multiplicities: np.ndarray


def hierarchy(depth: int, branching: int) -> tuple[np.ndarray, np.ndarray]:
    r"""The tree data: one-hot items, and the properties of each.

    Parameters
    ----------
    depth : int
        D >= 1, levels below the root.
    branching : int
        B >= 2, children of every node.

    Returns
    -------
    x : (n, n) array
        The :math:`n = B^D` items, one-hot and scaled by :math:`\sqrt n` so that x'x/n = I.
    y : (n, p) array
        1 where the item has the property, else 0. The columns are the :math:`p = (B^{D+1} - 1)/(B - 1)` nodes, level
        by level from the root on.

    Raises
    ------
    ValueError
        If an argument is no integer, too small, or the items are more than 10,000.

    Examples
    --------
    >>> x, y = hierarchy(depth=2, branching=2)
    >>> x.tolist()[0], y.astype(int).tolist()
    ([2.0, 0.0, 0.0, 0.0], [[1, 1, 0, 1, 0, 0, 0], [1, 1, 0, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1, 0], [1, 0, 1, 0, 0, 0, 1]])
    """
    depth, branching = _tree(depth, branching, _MOST_ITEMS)
    n = branching**depth
    levels = [np.repeat(np.eye(branching**level), branching ** (depth - level), axis=0) for level in range(depth + 1)]
    return np.sqrt(n) * np.eye(n), np.hstack(levels)


def hierarchy_levels(depth: int, branching: int) -> HierarchyLevels:
    """The singular values of the correlation y'x/n of the tree data, level by level.

    Parameters
    ----------
    depth, branching : int
        As for :func:`hierarchy`, of up to 10^15 items.

    Returns
    -------
    HierarchyLevels
        `singular_values`, falling, and `multiplicities`, (depth + 1,) each.

    Raises
    ------
    ValueError
        If an argument is no integer, too small or too large.

    Examples
    --------
    >>> levels = hierarchy_levels(depth=3, branching=2)
    >>> levels.singular_values.round(3).tolist(), levels.multiplicities.tolist()
    ([1.369, 0.935, 0.612, 0.354], [1.0, 1.0, 2.0, 4.0])
    """
    depth, branching = _tree(depth, branching, _MOST_LEAVES)
    shares = float(branching) ** -np.arange(depth + 1)  # of the items below a node of each level
    singular = np.sqrt(np.cumsum(shares[::-1])[::-1])
    counts = 1 / shares
    counts[1:] -= counts[:-1].copy()
    return HierarchyLevels(singular, counts)


def hierarchy_times(
    depth: int, branching: int, *, initial: float = 1e-3, imbalance: float = 0.0, fraction: float = 0.5
) -> np.ndarray:
    """When a two-layer linear network has learned each level of the tree.

    Parameters
    ----------
    depth, branching : int
        As for :func:`hierarchy`, of up to 10^15 items.
    initial : float
        Product of the two weights of every mode at the start, > 0.
    imbalance : float
        lambda of :class:`toymodels.layerwise.LinearNetwork`.
    fraction : float
        Part of its way that a level must have gone, in (0, 1).

    Returns
    -------
    (depth + 1,) array
        Flow times, rising from the root's on while `initial` is small.

    Raises
    ------
    ValueError
        If an argument is not of its kind or range.

    Examples
    --------
    >>> hierarchy_times(depth=3, branching=2).round(2).tolist()
    [2.64, 3.66, 5.24, 8.3]
    """
    return _network(depth, branching, initial, imbalance).time_to(fraction)


def hierarchy_learning(
    t: ArrayLike, depth: int, branching: int, *, initial: float = 1e-3, imbalance: float = 0.0
) -> Trajectory:
    r"""A two-layer linear network learning the tree data, level by level, in closed form.

    Parameters
    ----------
    t : (n_t,) array
        Flow times, increasing, >= 0; `inf` allowed last.
    depth, branching : int
        As for :func:`hierarchy`, of up to 10^15 items.
    initial, imbalance : float
        As for :func:`hierarchy_times`.

    Returns
    -------
    Trajectory
        All (n_t, depth + 1) but the last: `strength` of each level in the map; `hidden_similarity` and
        `output_similarity`, inner products of the hidden representations and of the outputs of two items that share
        their path down to each level, the last being an item and itself; `loss` (n_t,).

    Raises
    ------
    ValueError
        As :func:`hierarchy_times`.

    Examples
    --------
    >>> run = hierarchy_learning([0.0, 3.2, np.inf], depth=2, branching=2)
    >>> run["strength"].round(2).tolist()
    [[0.0, 0.0, 0.0], [1.03, 0.2, 0.02], [1.32, 0.87, 0.5]]
    >>> run["output_similarity"][-1].round(12).tolist()  # properties in common
    [1.0, 2.0, 3.0]
    """
    depth, branching = _tree(depth, branching, _MOST_LEAVES)
    network = _network(depth, branching, initial, imbalance)
    levels = hierarchy_levels(depth, branching)
    run = network.solve(times(plain("t", t)))
    strength, first = run["product"], run["b"]
    data = {
        "strength": strength,
        "hidden_similarity": _similarity(first**2, depth, branching),
        "output_similarity": _similarity(strength**2, depth, branching),
        "loss": 0.5 * (levels.singular_values - strength) ** 2 @ levels.multiplicities,
    }
    return Trajectory(run.t, data, clock="flow time")


def _network(depth: int, branching: int, initial: float, imbalance: float) -> DiagonalNetwork:
    """One coordinate per level; a is the weight of the second layer, whose square exceeds that of b by lambda."""
    initial = float(positive("initial", held_number("initial", initial)))
    half = held_number("imbalance", imbalance) / 2
    large = np.sqrt(np.hypot(initial, half) + abs(half))
    a0, b0 = (large, initial / large) if half >= 0 else (initial / large, large)
    return DiagonalNetwork(hierarchy_levels(depth, branching).singular_values, a0, b0)


def _similarity(squares: np.ndarray, depth: int, branching: int) -> np.ndarray:
    """Inner products by common level, given the squared strengths (n_t, depth + 1): projectors on the contrasts."""
    sizes = float(branching) ** np.arange(depth + 1)  # nodes of each level
    block = np.cumsum(sizes * squares, axis=1)
    finer = np.append(sizes[:-1] * squares[:, 1:], np.zeros((len(squares), 1)), axis=1)
    return block - np.cumsum(finer, axis=1)


def _tree(depth: int, branching: int, most: int) -> tuple[int, int]:
    """Both, if the items are at most `most`."""
    depth, branching = positive_int("depth", depth), positive_int("branching", branching, minimum=2)
    if depth * np.log2(branching) > np.log2(most) + 1e-9:
        raise ValueError(f"depth and branching must give at most {most:g} items, got {branching}**{depth}")
    return depth, branching
