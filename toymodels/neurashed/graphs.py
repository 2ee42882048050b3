"""Named graphs: the examples of Su (2024) with the inputs that belong to them.

The drawings of the paper do not determine its graphs; where we had to reconstruct one, its docstring says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from toymodels.neurashed.graph import Neurashed
from toymodels.validation import described, generator, positive_int

MOST_INPUTS = 10_000_000  # more would not fit into memory

Dependencies = Mapping[Any, tuple[Iterable[int], Any]]  # index -> (indices of its parents, rule)


@dataclass(frozen=True, eq=False)
class Task:
    """A model and the kinds of input it is shown.

    Attributes
    ----------
    model : Neurashed
    inputs : (n_types, n_0) bool array
        One row per type of input.
    labels : (n_types,) integer array
    names : tuple of str
        One per type.

    Examples
    --------
    >>> task = worked_example()
    >>> task.names, task.labels.tolist(), task.inputs.sum(axis=1).tolist()
    (('class 1', 'class 2', 'class 3'), [0, 1, 2], [7, 7, 3])
    """

    model: Neurashed
    inputs: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]


def build(n_inputs: int, hidden: Sequence[Dependencies], classes: Sequence[Iterable[int]]) -> Neurashed:
    """A model from lists of dependencies.

    Parameters
    ----------
    n_inputs : int
        Nodes of level 0.
    hidden : sequence of mappings
        One per level above 0, from a node's index to (indices of its parents, rule).
    classes : sequence of iterables
        For every class the indices of its parents in the last hidden level.

    Raises
    ------
    ValueError
        For what is no such list, or a graph that :class:`toymodels.neurashed.Neurashed` refuses.

    Examples
    --------
    A conjunction above three inputs, and one class on top:

    >>> model = build(3, [{0: ([0, 1], "all")}], [[0]])
    >>> model.fire([[True, True, False], [True, False, True]])[1].tolist()
    [[True], [False]]
    """
    import networkx as nx

    if positive_int("n_inputs", n_inputs) > MOST_INPUTS:
        raise ValueError(f"n_inputs must be <= {MOST_INPUTS}, got {n_inputs}")
    if not isinstance(hidden, Sequence) or not all(isinstance(level, Mapping) for level in hidden):
        raise ValueError(f"hidden must be a sequence of mappings, one per level, got {described(hidden)}")
    if not isinstance(classes, Sequence) or isinstance(classes, str):
        raise ValueError(f"classes must be a sequence of parents, one entry per class, got {described(classes)}")
    graph = nx.DiGraph()
    graph.add_nodes_from((0, index) for index in range(n_inputs))
    for level, nodes in enumerate(hidden, start=1):
        for index, (parents, rule) in nodes.items():
            graph.add_node((level, index), rule=rule)
            graph.add_edges_from(((level - 1, parent), (level, index)) for parent in parents)
    top = len(hidden) + 1
    for label, parents in enumerate(classes):
        graph.add_node((top, label))
        graph.add_edges_from(((top - 1, parent), (top, label)) for parent in parents)
    return Neurashed(graph)


def _task(model: Neurashed, firing: Sequence[Iterable[int]], labels: Sequence[int], names: Sequence[str]) -> Task:
    """A task whose type k fires the level-0 positions `firing[k]`."""
    inputs = np.zeros((len(firing), model.offsets[1]), dtype=bool)
    for row, nodes in zip(inputs, firing, strict=True):
        row[list(nodes)] = True
    return Task(model, inputs, np.array(labels), tuple(names))


def worked_example() -> Task:
    """The 7/5/2 example of the appendix: three classes that share features u (all), v (classes 1 and 2).

    Level 0 holds u1 u2, v1 v2 v3, w1 w2, x1 x2 and F; level 1 has one node per class, which depends on 7, 7 and 3 of
    them. The three-level graph is our reconstruction from the printed polynomials.

    Examples
    --------
    Classes 1 and 2 share u1 u2 v1 v2 v3, classes 1 and 3 only u1 u2: the 7/5/2 of the appendix.

    >>> task = worked_example()
    >>> (task.inputs.astype(int) @ task.inputs.astype(int).T)[0].tolist()
    [7, 5, 2]
    """
    u, v, w, x, f = range(2), range(2, 5), range(5, 7), range(7, 9), [9]
    firing = [[*u, *v, *w], [*u, *v, *x], [*u, *f]]
    model = build(10, [{k: (nodes, "all") for k, nodes in enumerate(firing)}], [[0], [1], [2]])
    return _task(model, firing, [0, 1, 2], ["class 1", "class 2", "class 3"])


def three_class() -> Task:
    """Figure 2: three classes, two types of input in class 1, pathways that overlap less and less.

    Levels of 10, 6 and 4 hidden nodes; the dependencies are our reconstruction.

    Examples
    --------
    >>> task = three_class()
    >>> task.names, [len(level) for level in task.model.compiled.nodes]
    (('1a', '1b', '2', '3'), [10, 6, 4, 3])
    >>> [int(level[0].sum()) for level in task.model.fire(task.inputs)]  # what type 1a fires, level by level
    [5, 3, 2]
    """
    second = {
        0: ([0, 1, 2], "all"),
        1: ([1, 2, 3], ("atleast", 3)),
        2: ([2, 4, 5], ("atleast", 2)),
        3: ([4, 5, 6], "all"),
        4: ([6, 7], "all"),
        5: ([8, 9], "all"),
    }
    third = {0: ([0, 1], "any"), 1: ([0, 2], ("atleast", 2)), 2: ([2, 3], "all"), 3: ([4, 5], "all")}
    model = build(10, [second, third], [[0, 1], [1, 2], [3]])
    firing = [[0, 1, 2, 3, 4], [0, 1, 2, 5], [2, 4, 5, 6], [6, 7, 8, 9]]
    return _task(model, firing, [0, 0, 1, 2], ["1a", "1b", "2", "3"])


def batch_size(n_shared: int = 3, n_own: int = 3, n_types: int = 2) -> Task:
    """Figures 3 and 4: one class whose types of input share some features and own others.

    Two hidden levels alike: shared nodes that fire for every type, then the own nodes of each type. Sizes and
    dependencies are our reconstruction.

    Parameters
    ----------
    n_shared, n_own, n_types : int
        Shared nodes, own nodes per type, and types.

    Examples
    --------
    >>> task = batch_size(n_shared=1, n_own=2)
    >>> task.inputs.astype(int).tolist()  # the first feature is of both types
    [[1, 1, 1, 0, 0], [1, 0, 0, 1, 1]]
    """
    n_shared, n_own, n_types = (
        positive_int(name, value) for name, value in (("n_shared", n_shared), ("n_own", n_own), ("n_types", n_types))
    )
    shared = list(range(n_shared))
    own = [list(range(n_shared + k * n_own, n_shared + (k + 1) * n_own)) for k in range(n_types)]
    level: dict[int, Any] = dict.fromkeys(shared, (shared, "all"))
    level |= {node: (shared + nodes, "all") for nodes in own for node in nodes}
    model = build(len(level), [level], [list(level)])
    names = [f"type {k + 1}" for k in range(n_types)]
    return _task(model, [shared + nodes for nodes in own], [0] * n_types, names)


def information_bottleneck(shared: bool = True) -> Task:
    """Figure 5: two classes of four equally likely types, 6 second-level nodes of which two dominate.

    The caption gives the patterns of class 1, (1, 2, 7), (2, 3, 7), (4, 5, 7), (5, 6, 7); class 2 is their mirror
    image.

    Parameters
    ----------
    shared : bool
        Whether the 7th node is the mirror's centre, shared by both classes (13 nodes; the paper speaks of *the* 7th
        node), or each class has one of its own (14 nodes). The drawing does not decide.

    Examples
    --------
    >>> task = information_bottleneck()
    >>> task.names[:4], task.inputs.shape
    (('(1, 2, 7)', '(2, 3, 7)', '(4, 5, 7)', '(5, 6, 7)'), (8, 13))
    >>> information_bottleneck(shared=False).inputs.shape  # the 7th node twice
    (8, 14)
    """
    n = 13 if shared else 14
    patterns = [(0, 1, 6), (1, 2, 6), (3, 4, 6), (4, 5, 6)]
    left = [([0, 1, 2], "any"), (range(7), ("atleast", 2)), ([3, 4, 5], "any")]
    second = dict(enumerate(left))
    second |= {5 - k: ([n - 1 - parent for parent in parents], rule) for k, (parents, rule) in enumerate(left)}
    model = build(n, [second], [[0, 1, 2], [3, 4, 5]])
    firing = patterns + [tuple(n - 1 - node for node in pattern) for pattern in patterns]
    names = [str(tuple(sorted(node + 1 for node in pattern))) for pattern in firing]
    return _task(model, firing, [0] * 4 + [1] * 4, names)


def random_classes(m: int, b1: int, b2: int, n_classes: int, depth: int, rng: np.random.Generator) -> Task:
    """The random graph of Theorems 1 and 2.

    At every hidden level `b1` of `m` nodes are chosen for all classes and `b2` more for each class (uniformly, so
    choices may coincide); the chosen nodes of consecutive levels are completely connected, class by class. A node
    fires iff its parents are in the state that an input of one of its classes puts them in: for that class, and for
    small m, where choices coincide, perhaps for others too. Nodes that nobody chose cannot fire and are left out.

    Parameters
    ----------
    m, b1, b2, n_classes, depth : int
        b1, b2 <= m; `depth` is the number of hidden levels.
    rng : numpy.random.Generator

    Returns
    -------
    Task
        One type of input per class.

    Examples
    --------
    Of a million nodes few coincide: each class fires b1 + b2 = 5 per level, of which two classes share b1 = 2.

    >>> task = random_classes(1_000_000, 2, 3, n_classes=2, depth=2, rng=np.random.default_rng(0))
    >>> [(level.astype(int) @ level.T).tolist() for level in task.model.fire(task.inputs)]
    [[[5, 2], [2, 5]], [[5, 2], [2, 5]]]
    """
    generator("rng", rng)
    sizes = {"m": m, "b1": b1, "b2": b2, "n_classes": n_classes, "depth": depth}
    m, b1, b2, n_classes, depth = (positive_int(name, value) for name, value in sizes.items())
    if max(b1, b2) > m:
        raise ValueError(f"b1 and b2 must be <= m = {m}, got {b1} and {b2}")
    chosen = [_choose(m, b1, b2, n_classes, rng) for _ in range(depth)]
    first = sorted(set().union(*chosen[0]))
    chosen[0] = [{first.index(node) for node in nodes} for nodes in chosen[0]]
    firing, hidden = chosen[0], []
    for below, level in pairwise(chosen):
        nodes, firing = _connect(below, level, firing)
        hidden.append(nodes)
    model = build(len(first), hidden, chosen[-1])
    return _task(model, chosen[0], range(n_classes), [f"class {k + 1}" for k in range(n_classes)])


def _choose(m: int, b1: int, b2: int, n_classes: int, rng: np.random.Generator) -> list[set[int]]:
    """The nodes of one level chosen for each class."""
    shared = set(rng.choice(m, b1, replace=False).tolist())
    return [shared | set(rng.choice(m, b2, replace=False).tolist()) for _ in range(n_classes)]


def _connect(below: list[set[int]], level: list[set[int]], firing: list[set[int]]) -> tuple[dict, list[set[int]]]:
    """Parents and truth tables of the chosen nodes of a level, and which of them fire for each class."""
    nodes, above = {}, [set() for _ in level]
    for node in sorted(set().union(*level)):
        owners = [k for k, chosen in enumerate(level) if node in chosen]
        parents = sorted(set().union(*(below[k] for k in owners)))
        patterns = [tuple(parent in states for parent in parents) for states in firing]
        table = {patterns[k]: True for k in owners}
        nodes[node] = (parents, table)
        for states, pattern in zip(above, patterns, strict=True):
            if pattern in table:
                states.add(node)
    return nodes, above
