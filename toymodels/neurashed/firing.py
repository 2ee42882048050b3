"""Which features fire: the graph of Su (2024), section 2, with its firing rules.

Nodes are features in levels; an edge leads from a feature to one of the next level that depends on it; the top level is
the classes. Whether a node fires is decided by the input at level 0 and by its firing rule above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.compilation import Compiled, Node, compile_graph
from toymodels.validation import array_of, described

KEYWORDS = ("edges", "default")  # of mappings of update rules
CHUNK = 128  # samples fired at once, so that the states of a level stay in cache


@dataclass(frozen=True, eq=False)
class FeatureGraph:
    """A graph of features, read once: what fires for which input.

    Parameters
    ----------
    graph : networkx.DiGraph
        As in :class:`toymodels.neurashed.Neurashed`.
    skip : bool
        Whether edges may skip levels.

    Attributes
    ----------
    compiled : Compiled
        The sparse matrices behind it.
    names : dict of str to node
        Nodes that carry a `name`.
    """

    graph: Any
    skip: bool = False
    compiled: Compiled = field(init=False, repr=False)
    names: Mapping[str, Node] = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "compiled", compile_graph(self.graph, self.skip))
        object.__setattr__(self, "names", node_names(self.graph, self.compiled))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Hidden nodes, sorted: the order of `amplification`."""
        return tuple(node for level in self.compiled.nodes[:-1] for node in level)

    @cached_property
    def edges(self) -> tuple[tuple[Node, Node], ...]:
        """Edges into the classes, sorted: the order of `edge_weights`."""
        ends = zip(self.edge_origin, self.compiled.edge_class, strict=True)
        return tuple((self.nodes[source], self.compiled.nodes[-1][target]) for source, target in ends)

    @cached_property
    def edge_origin(self) -> np.ndarray:
        """Position in `nodes` of the lower end of every edge into the classes, (n_edges,)."""
        return self.compiled.edge_source + (0 if self.skip else self.offsets[-2])

    @cached_property
    def offsets(self) -> np.ndarray:
        """Position in `nodes` of the first node of every hidden level, and the end; (n_levels + 1,)."""
        return np.cumsum([0, *map(len, self.compiled.nodes[:-1])])

    @property
    def n_classes(self) -> int:
        """Number K of classes."""
        return len(self.compiled.nodes[-1])

    def firing_table(self, inputs: ArrayLike) -> np.ndarray:
        """States of all hidden nodes, (n, n_hidden) bool, for `inputs` (n, n_0)."""
        inputs = self.check_inputs(inputs)
        table = np.empty((len(inputs), len(self.nodes)), dtype=bool)
        for start in range(0, len(inputs), CHUNK):
            rows = slice(start, start + CHUNK)
            below = np.ascontiguousarray(inputs[rows].T)  # (n_below, chunk)
            table[rows, : self.offsets[1]] = below.T
            for k, level in enumerate(self.compiled.levels, start=1):
                state = level.fire(below)
                table[rows, self.offsets[k] : self.offsets[k + 1]] = state.T
                below = np.concatenate([below, state]) if self.skip else state
        return table

    def named(self, name: str) -> Node:
        """The node of that name; `ValueError` if there is none."""
        if name not in self.names:
            raise ValueError(f"name must be one of {', '.join(self.names) or '(no node has a name)'}, got {name!r}")
        return self.names[name]

    def inputs(self, *features: Iterable[str | Node]) -> np.ndarray:
        """Inputs by the features of level 0 that they show.

        Parameters
        ----------
        *features : iterables of str or node
            One input each: names or nodes of level 0.

        Returns
        -------
        (n, n_0) bool array

        Raises
        ------
        ValueError
            For what is no feature of level 0.
        """
        position = {node: k for k, node in enumerate(self.compiled.nodes[0])}
        rows = np.zeros((len(features), len(position)), dtype=bool)
        for row, shown in zip(rows, features, strict=True):
            if not isinstance(shown, Iterable):
                raise ValueError(f"features must be iterables of names or nodes, got {described(shown)}")
            for feature in shown:
                node = self.named(feature) if isinstance(feature, str) else feature
                if node not in position:
                    raise ValueError(f"features must be of level 0, got {feature!r}")
                row[position[node]] = True
        return rows

    def by_node(self, rules: Any) -> Any:
        """A mapping of rules with nodes in place of their names; anything else as it is."""
        if not isinstance(rules, Mapping):
            return rules
        return {self.names.get(key, key) if isinstance(key, str) else key: rule for key, rule in rules.items()}

    def fire(self, inputs: ArrayLike) -> list[np.ndarray]:
        """States of the hidden nodes for each input.

        Parameters
        ----------
        inputs : (n, n_0) array of booleans
            States of level 0, in the sorted order of its nodes.

        Returns
        -------
        list of (n, n_l) bool arrays
            One per hidden level, level 0 first.

        Raises
        ------
        ValueError
            If `inputs` is empty, has another width, or holds anything but booleans (or 0 and 1).
        """
        return np.split(self.firing_table(inputs), self.offsets[1:-1], axis=1)

    def pathway(self, inputs: ArrayLike, label: int | None = None) -> set[Node]:
        """Firing nodes of one input, `inputs` (n_0,), with the class node of `label` if that is given."""
        states = self.firing_table(array_of("inputs", inputs)[None])[0]
        nodes = {node for node, fires in zip(self.nodes, states, strict=True) if fires}
        if label is not None:
            self.check_labels([label], 1)
            nodes.add(self.compiled.nodes[-1][label])
        return nodes

    def check(self, firing: Sequence[ArrayLike]) -> None:
        """Refuse states that no input can produce (the consistency of feature pathways, section 2).

        Parameters
        ----------
        firing : sequence of (n, n_l) bool arrays
            One per hidden level, level 0 first, and optionally the class level (n, K) last.

        Raises
        ------
        ValueError
            If a hidden node's state differs from what its rule gives, if a sample does not have exactly one class, or
            if no firing node leads to that class; the message names the sample and the node.
        """
        n_hidden = len(self.compiled.nodes) - 1
        if len(firing) not in (n_hidden, n_hidden + 1):
            raise ValueError(
                f"firing must have {n_hidden} levels, or {n_hidden + 1} with the classes, got {len(firing)}"
            )
        states = [array_of("firing", level).astype(bool) for level in firing]
        expected = self.fire(states[0])
        for nodes, got, wanted in zip(self.compiled.nodes, states, expected, strict=False):
            if got.shape != wanted.shape:
                raise ValueError(f"firing of level {nodes[0][0]} must have shape {wanted.shape}, got {got.shape}")
            if (got != wanted).any():
                sample, node = np.argwhere(got != wanted)[0]
                verb = "fire" if wanted[sample, node] else "not fire"
                raise ValueError(f"sample {sample}: node {nodes[node]} must {verb} by its rule")
        if len(states) > n_hidden:
            self._check_classes(np.hstack(states[:-1]), states[-1])

    def _check_classes(self, hidden: np.ndarray, classes: np.ndarray) -> None:
        if classes.shape != (len(hidden), self.n_classes):
            raise ValueError(f"class states must have shape {(len(hidden), self.n_classes)}, got {classes.shape}")
        wrong = np.flatnonzero(classes.sum(axis=1) != 1)
        if wrong.size:
            raise ValueError(f"sample {wrong[0]}: exactly one class node must fire, got {classes[wrong[0]].sum()}")
        reached = hidden[:, self.edge_origin] & classes[:, self.compiled.edge_class]
        lost = np.flatnonzero(~reached.any(axis=1))
        if lost.size:
            node = self.compiled.nodes[-1][classes[lost[0]].argmax()]
            raise ValueError(f"sample {lost[0]}: class node {node} must have a firing parent")

    def check_inputs(self, inputs: ArrayLike) -> np.ndarray:
        """`inputs` as an (n, n_0) bool array, or `ValueError`."""
        array = array_of("inputs", inputs)
        if array.ndim != 2 or len(array) == 0 or array.shape[1] != self.offsets[1]:
            raise ValueError(f"inputs must have shape (n >= 1, {self.offsets[1]}), got {array.shape}")
        if array.dtype != bool:
            if not np.isin(array, (0, 1)).all():
                raise ValueError("inputs must be booleans, or 0 and 1")
            array = array.astype(bool)
        return array

    def check_labels(self, labels: ArrayLike, n: int) -> np.ndarray:
        """`labels` as an integer array of `n` classes, or `ValueError`."""
        array = array_of("labels", labels)
        if array.shape != (n,) or array.dtype.kind not in "iu":
            raise ValueError(f"labels must be {n} integers, got shape {array.shape} of {array.dtype}")
        if array.min() < 0 or array.max() >= self.n_classes:
            raise ValueError(f"labels must be in 0 ... {self.n_classes - 1}, got {array.min()} ... {array.max()}")
        return array


def node_names(graph: Any, compiled: Compiled) -> dict[str, Node]:
    """Nodes by the `name` that they carry; `ValueError` for a name that is no text, is used twice or is a keyword."""
    names: dict[str, Node] = {}
    for node in (node for level in compiled.nodes for node in level):
        name = graph.nodes[node].get("name")
        if name is None:
            continue
        if not isinstance(name, str) or not name or name in KEYWORDS:
            raise ValueError(f"name of node {node} must be a text other than {', '.join(KEYWORDS)}, got {name!r}")
        if name in names:
            raise ValueError(f"names must differ, got {name!r} for {names[name]} and {node}")
        names[name] = node
    return names
