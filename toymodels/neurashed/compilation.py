"""A networkx graph checked and turned into sparse matrices, once, so that everything later is a matrix product.

A firing rule becomes linear threshold *terms*: the node fires iff one of its terms does, and a term fires iff its
signed count of firing parents reaches its threshold. "any", "all" and "at least k" are one term with threshold 1, n
or k; every row of a truth table that fires is one term with weight +1 on the parents that fire in it and -1 on the
others. A callable of few parents becomes a table of all their states, one of many is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Node = tuple[int, int]
TABULATED = 10  # parents up to which a callable is turned into a table


@dataclass(frozen=True, eq=False)
class Level:
    """One hidden level above level 0; "below" is the level below, or all lower ones where edges skip levels.

    Attributes
    ----------
    parents : (n_level, n_below) csr_array of ones
        Edges from below, columns sorted within a row.
    terms : (n_terms, n_below) csr_array of +-1, float32 (counts stay exact below 2^24)
    thresholds : (n_terms, 1) array
    first_term : (n_level,) array of the first term of each node
    tables : Tables or None
        Nodes with a callable of few parents.
    calls : tuple of (position, columns, callable)
        Nodes with a callable of many.
    """

    parents: csr_array
    terms: csr_array
    thresholds: np.ndarray
    first_term: np.ndarray
    tables: Tables | None = None
    calls: tuple[tuple[int, np.ndarray, Callable], ...] = ()

    @property
    def may_start(self) -> bool:
        """Whether a node may fire though none of its parents does."""
        return self.tables is not None or bool(self.calls) or bool((self.thresholds <= 0).any())

    def fire(self, below: np.ndarray) -> np.ndarray:
        """States (n_level, n) of the level for states (n_below, n) of the one below."""
        hit = self.terms @ below.astype(np.float32) >= self.thresholds
        if len(hit) > len(self.first_term):
            hit = np.logical_or.reduceat(hit, self.first_term, axis=0)
        if self.tables is not None:
            hit[self.tables.nodes] = self.tables.look_up(below)
        for node, columns, rule in self.calls:
            hit[node] = _called(rule, below[columns].T, f"at position {node}")
        return hit

    def starting(self, below: np.ndarray, fires: np.ndarray) -> np.ndarray:
        """Nodes that fire though none of their parents does, (n_level, n), from states in the same order."""
        return fires & (self.parents @ below.astype(np.float32) == 0)


@dataclass(frozen=True, eq=False)
class Tables:
    """Nodes whose rule is looked up by the number that their parents' states spell in binary.

    Attributes
    ----------
    nodes : (k,) array
        Positions in the level.
    powers : (k, n_below) csr_array
        Powers of two on the parents.
    first : (k, 1) array
        Where a node's table begins.
    states : bool array of all tables, one after another
    """

    nodes: np.ndarray
    powers: csr_array
    first: np.ndarray
    states: np.ndarray

    def look_up(self, below: np.ndarray) -> np.ndarray:
        """States (k, n) of the nodes for states (n_below, n)."""
        return self.states[self.first + (self.powers @ below.astype(np.float32)).astype(np.intp)]


@dataclass(frozen=True, eq=False)
class Compiled:
    """Nodes per level (sorted), the levels above 0, and the edges into the classes as positions.

    `edge_source` is a position in the last hidden level, or among all hidden nodes where edges skip levels.
    """

    nodes: tuple[tuple[Node, ...], ...]
    levels: tuple[Level, ...]
    edge_source: np.ndarray
    edge_class: np.ndarray


def compile_graph(graph: Any, skip: bool = False) -> Compiled:
    """Check a `networkx.DiGraph` and compile it; `ValueError` names the node or edge at fault."""
    if not getattr(graph, "is_directed", bool)() or graph.is_multigraph():
        raise ValueError(f"graph must be a networkx.DiGraph, got {type(graph).__name__}")
    nodes = _levels_of(graph)
    for source, target in graph.edges:
        if skip and not target[0] > source[0]:
            raise ValueError(f"edges must go up, got {source} -> {target}")
        if not skip and target[0] != source[0] + 1:
            raise ValueError(f"edges must go one level up (no cycle, no skip), got {source} -> {target}")
    for node in nodes[0] + nodes[-1]:
        if "rule" in graph.nodes[node]:
            raise ValueError(f"rule is only for hidden nodes above level 0, got one on node {node}")
    parents = [[sorted(graph.predecessors(node)) for node in level] for level in nodes]
    for level, dependencies in zip(nodes[1:], parents[1:], strict=True):
        for node, below in zip(level, dependencies, strict=True):
            if not below:
                raise ValueError(f"every node above level 0 must have a parent, got none for node {node}")
    lower = [[node for level in nodes[: k + 1] for node in level] if skip else nodes[k] for k in range(len(nodes) - 1)]
    levels = tuple(_compile_level(graph, nodes[k], parents[k], lower[k - 1]) for k in range(1, len(nodes) - 1))
    edges = sorted((source, target) for target, below in zip(nodes[-1], parents[-1], strict=True) for source in below)
    position = {node: k for k, node in enumerate(lower[-1])}
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
        shaped = isinstance(node, tuple) and len(node) == 2 and all(map(_is_index, node))
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
    callables = []
    for position_in_level, (node, row) in enumerate(zip(level, columns, strict=True)):
        first.append(len(thresholds))
        rule = graph.nodes[node].get("rule")
        if callable(rule):
            callables.append((position_in_level, node, np.array(row), rule))
        for sign, threshold in _terms(rule, len(row), node):
            term_columns.append(row)
            weights.append(sign)
            thresholds.append(threshold)
    term_indptr = np.concatenate([[0], np.cumsum([len(row) for row in term_columns])])
    data = np.concatenate(weights).astype(np.float32)
    terms = csr_array((data, np.concatenate(term_columns), term_indptr), shape=(len(thresholds), len(below)))
    tables, calls = _compile_callables(callables, len(below))
    return Level(edges, terms, np.array(thresholds, dtype=np.float32)[:, None], np.array(first), tables, calls)


def _compile_callables(callables: list[tuple], n_below: int) -> tuple[Tables | None, tuple]:
    """Callables of few parents as tables, the others to be called."""
    from scipy.sparse import csr_array

    few = [entry for entry in callables if len(entry[2]) <= TABULATED]
    many = tuple((place, row, rule) for place, node, row, rule in callables if len(row) > TABULATED)
    for _, node, row, rule in callables:
        if len(row) > TABULATED:
            _called(rule, np.zeros((2, len(row)), dtype=bool), f"of node {node}")
    if not few:
        return None, many
    states, first = [], [0]
    for _, node, row, rule in few:
        spelled = np.arange(2 ** len(row))
        states.append(_called(rule, (spelled[:, None] >> np.arange(len(row)) & 1).astype(bool), f"of node {node}"))
        first.append(first[-1] + len(spelled))
        if not states[-1].any():
            raise ValueError(f"rule of node {node} must fire for some states of its parents, got none")
    indptr = np.cumsum([0, *(len(row) for _, _, row, _ in few)])
    powers = np.concatenate([2.0 ** np.arange(len(row)) for _, _, row, _ in few]).astype(np.float32)
    matrix = csr_array((powers, np.concatenate([row for _, _, row, _ in few]), indptr), shape=(len(few), n_below))
    places = np.array([place for place, *_ in few])
    return Tables(places, matrix, np.array(first[:-1])[:, None], np.concatenate(states)), many


def _called(rule: Callable, states: np.ndarray, whose: str) -> np.ndarray:
    """What a callable says of its parents' states (n, arity): (n,) bool."""
    fires = np.asarray(rule(states.copy()))
    if fires.shape != (len(states),) or fires.dtype != bool:
        got = f"shape {fires.shape} of {fires.dtype}"
        raise ValueError(f"rule {whose} must give {len(states)} booleans for {states.shape} states, got {got}")
    return fires


def _terms(rule: Any, arity: int, node: Node) -> list[tuple[np.ndarray, int]]:
    """Threshold terms (signs over the parents, threshold) of one node's rule."""
    if isinstance(rule, Mapping):
        return _table_terms(rule, arity, node)
    ones = np.ones(arity)
    if callable(rule):
        return [(ones, arity + 1)]  # never: its states are looked up
    if rule == "any":
        return [(ones, 1)]
    if rule == "all":
        return [(ones, arity)]
    if isinstance(rule, tuple) and len(rule) == 2 and rule[0] == "atleast" and _is_index(rule[1]):
        if not 1 <= rule[1] <= arity:
            raise ValueError(f"rule of node {node}: 'atleast' must be 1 ... {arity} (its parents), got {rule[1]}")
        return [(ones, rule[1])]
    raise ValueError(
        f"rule of node {node} must be 'any', 'all', ('atleast', k), a truth table or a callable, got {rule!r}"
    )


def _table_terms(table: Mapping[Any, Any], arity: int, node: Node) -> list[tuple[np.ndarray, int]]:
    for pattern, value in table.items():
        if not isinstance(pattern, tuple) or len(pattern) != arity or not all(_is_state(s) for s in pattern):
            raise ValueError(
                f"truth table of node {node} must have keys of {arity} booleans (its parents), got {pattern!r}"
            )
        if not _is_state(value):
            raise ValueError(f"truth table of node {node} must have booleans as values, got {value!r}")
    firing = [np.array(pattern, dtype=bool) for pattern, value in table.items() if value]
    if not firing:
        raise ValueError(f"truth table of node {node} must fire for some pattern, got none that does")
    return [(np.where(pattern, 1, -1), int(pattern.sum())) for pattern in firing]


def _is_state(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_index(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
