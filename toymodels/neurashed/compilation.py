"""A networkx graph checked and turned into sparse matrices, once, so that everything later is a matrix product.

A firing rule becomes linear threshold *terms*: the node fires iff one of its terms does, and a term fires iff its
signed count of firing parents reaches its threshold. "any", "all" and "at least k" are one term with threshold 1, n
or k; every row of a truth table that fires is one term with weight +1 on the parents that fire in it and -1 on the
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Node = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Level:
    """One hidden level above level 0.

    Attributes
    ----------
    parents : (n_level, n_below) csr_array of ones
        Edges from the level below, columns sorted within a row.
    terms : (n_terms, n_below) csr_array of +-1, float32 (counts stay exact below 2^24)
    thresholds : (n_terms, 1) array
    first_term : (n_level,) array of the first term of each node
    """

    parents: csr_array
    terms: csr_array
    thresholds: np.ndarray
    first_term: np.ndarray

    def fire(self, below: np.ndarray) -> np.ndarray:
        """States (n_level, n) of the level for states (n_below, n) of the one below."""
        hit = self.terms @ below.astype(np.float32) >= self.thresholds
        if len(hit) > len(self.first_term):
            hit = np.logical_or.reduceat(hit, self.first_term, axis=0)
        return hit


@dataclass(frozen=True, eq=False)
class Compiled:
    """Nodes per level (sorted), the levels above 0, and the edges into the classes as positions."""

    nodes: tuple[tuple[Node, ...], ...]
    levels: tuple[Level, ...]
    edge_source: np.ndarray
    edge_class: np.ndarray


def compile_graph(graph: Any) -> Compiled:
    """Check a `networkx.DiGraph` and compile it; `ValueError` names the node or edge at fault."""
    if not getattr(graph, "is_directed", bool)() or graph.is_multigraph():
        raise ValueError(f"graph must be a networkx.DiGraph, got {type(graph).__name__}")
    nodes = _levels_of(graph)
    for source, target in graph.edges:
        if target[0] != source[0] + 1:
            raise ValueError(f"edges must go one level up (no cycle, no skip), got {source} -> {target}")
    for node in nodes[0] + nodes[-1]:
        if "rule" in graph.nodes[node]:
            raise ValueError(f"rule is only for hidden nodes above level 0, got one on node {node}")
    parents = [[sorted(graph.predecessors(node)) for node in level] for level in nodes]
    for level, dependencies in zip(nodes[1:], parents[1:], strict=True):
        for node, below in zip(level, dependencies, strict=True):
            if not below:
                raise ValueError(f"every node above level 0 must have a parent, got none for node {node}")
    levels = tuple(_compile_level(graph, nodes[k], parents[k], nodes[k - 1]) for k in range(1, len(nodes) - 1))
    edges = sorted((source, target) for target, below in zip(nodes[-1], parents[-1], strict=True) for source in below)
    position = {node: k for k, node in enumerate(nodes[-2])}
    return Compiled(
        tuple(map(tuple, nodes)),
        levels,
        np.array([position[source] for source, _ in edges], dtype=np.intp),
        np.array([target[1] for _, target in edges], dtype=np.intp),
    )


def _levels_of(graph: Any) -> list[list[Node]]:
    """Sorted nodes of every level."""
    by_level: dict[int, list[Node]] = {}
    for node in graph.nodes:
        shaped = isinstance(node, tuple) and len(node) == 2 and all(type(part) is int for part in node)
        if not shaped or min(node) < 0:
            raise ValueError(f"nodes must be (level, index) with integers >= 0, got {node!r}")
        by_level.setdefault(node[0], []).append(node)
    if len(by_level) < 2 or set(by_level) != set(range(len(by_level))):
        raise ValueError(f"levels must be 0, 1, ... with at least two of them, got {sorted(by_level)}")
    nodes = [sorted(by_level[level]) for level in range(len(by_level))]
    if [index for _, index in nodes[-1]] != list(range(len(nodes[-1]))):
        raise ValueError(f"class nodes must have indices 0 ... K-1, got {nodes[-1]}")
    return nodes


def _compile_level(graph: Any, level: list[Node], parents: list[list[Node]], below: list[Node]) -> Level:
    from scipy.sparse import csr_array

    position = {node: k for k, node in enumerate(below)}
    columns = [[position[parent] for parent in row] for row in parents]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in columns])])
    flat = np.concatenate(columns)
    edges = csr_array((np.ones(len(flat)), flat, indptr), shape=(len(level), len(below)))

    term_columns, weights, thresholds, first = [], [], [], []
    for node, row in zip(level, columns, strict=True):
        first.append(len(thresholds))
        for sign, threshold in _terms(graph.nodes[node].get("rule"), len(row), node):
            term_columns.append(row)
            weights.append(sign)
            thresholds.append(threshold)
    term_indptr = np.concatenate([[0], np.cumsum([len(row) for row in term_columns])])
    data = np.concatenate(weights).astype(np.float32)
    terms = csr_array((data, np.concatenate(term_columns), term_indptr), shape=(len(thresholds), len(below)))
    return Level(edges, terms, np.array(thresholds, dtype=np.float32)[:, None], np.array(first))


def _terms(rule: Any, arity: int, node: Node) -> list[tuple[np.ndarray, int]]:
    """Threshold terms (signs over the parents, threshold) of one node's rule."""
    if isinstance(rule, Mapping):
        return _table_terms(rule, arity, node)
    ones = np.ones(arity)
    if rule == "any":
        return [(ones, 1)]
    if rule == "all":
        return [(ones, arity)]
    if isinstance(rule, tuple) and len(rule) == 2 and rule[0] == "atleast" and type(rule[1]) is int:
        if not 1 <= rule[1] <= arity:
            raise ValueError(f"rule of node {node}: 'atleast' must be 1 ... {arity} (its parents), got {rule[1]}")
        return [(ones, rule[1])]
    raise ValueError(f"rule of node {node} must be 'any', 'all', ('atleast', k) or a truth table, got {rule!r}")


def _table_terms(table: Mapping[Any, Any], arity: int, node: Node) -> list[tuple[np.ndarray, int]]:
    for pattern, value in table.items():
        if not isinstance(pattern, tuple) or len(pattern) != arity or not all(_is_state(s) for s in pattern):
            raise ValueError(
                f"truth table of node {node} must have keys of {arity} booleans (its parents), got {pattern!r}"
            )
        if not _is_state(value):
            raise ValueError(f"truth table of node {node} must have booleans as values, got {value!r}")
        if value and not any(pattern):
            raise ValueError(f"truth table of node {node} must not fire when no parent fires")
    firing = [np.array(pattern, dtype=bool) for pattern, value in table.items() if value]
    if not firing:
        raise ValueError(f"truth table of node {node} must fire for some pattern, got none that does")
    return [(np.where(pattern, 1, -1), int(pattern.sum())) for pattern in firing]


def _is_state(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)
