"""A model from names: features, what they depend on, and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from toymodels.neurashed.graph import Neurashed
from toymodels.neurashed.logic import Firing
from toymodels.validation import described

Feature = tuple[Any, Sequence[str]] | None


def from_names(features: Mapping[str, Feature], classes: Mapping[str, Sequence[str]]) -> Neurashed:
    """Build a model whose nodes have names; levels follow from what depends on what.

    Parameters
    ----------
    features : mapping from name to (rule, parents), or to None
        None for a feature of the input. A rule is one of :class:`toymodels.neurashed.Neurashed`; truth tables and
        callables see the parents in the order in which they are given here. Parents may come later in the mapping.
    classes : mapping from name to parents
        In the order of the labels 0, 1, ...

    Returns
    -------
    Neurashed
        With edges that skip levels where features of several levels meet.

    Raises
    ------
    ValueError
        For an unknown parent, a feature that depends on itself, a name used twice, no features of the input, or what
        :class:`toymodels.neurashed.Neurashed` refuses.

    Examples
    --------
    >>> model = from_names(
    ...     {"eyes": None, "fur": None, "wheels": None, "head": ("any", ["eyes", "fur"])},
    ...     classes={"cat": ["head", "fur"], "car": ["wheels"]},
    ... )
    >>> sorted(model.pathway(model.inputs(["eyes"])[0], label=0)) == sorted(map(model.named, ["eyes", "head", "cat"]))
    True
    """
    import networkx as nx

    for argument, value in (("features", features), ("classes", classes)):
        if not isinstance(value, Mapping):
            raise ValueError(f"{argument} must be a mapping of names, got {described(value)}")
    twice = set(features) & set(classes)
    if twice:
        raise ValueError(f"names must differ, got {min(twice)!r} as feature and class")
    levels: dict[str, int] = {}
    for name in features:
        _find_level(name, features, levels, ())
    top = max(levels.values(), default=0) + 1
    nodes: dict[str, tuple[int, int]] = {}
    for name, level in levels.items():
        nodes[name] = (level, sum(1 for node in nodes.values() if node[0] == level))
    graph = nx.DiGraph()
    for name in features:
        graph.add_node(nodes[name], name=name)
        if features[name] is not None:
            rule, parents = _rule_and_parents(name, features[name])
            graph.nodes[nodes[name]]["rule"] = _in_sorted_order(rule, [nodes[parent] for parent in parents])
            graph.add_edges_from((nodes[parent], nodes[name]) for parent in parents)
    for label, (name, parents) in enumerate(classes.items()):
        graph.add_node((top, label), name=name)
        for parent in parents:
            if parent not in nodes:
                raise ValueError(f"parents of class {name!r} must be features, got {parent!r}")
            graph.add_edge(nodes[parent], (top, label))
    return Neurashed(graph, skip=any(target[0] > source[0] + 1 for source, target in graph.edges))


def _rule_and_parents(name: str, feature: Any) -> tuple[Any, list[str]]:
    if not isinstance(feature, tuple) or len(feature) != 2 or isinstance(feature[1], str):
        raise ValueError(f"feature {name!r} must be None or (rule, names of parents), got {feature!r}")
    parents = list(feature[1])
    if not parents or len(set(parents)) < len(parents):
        raise ValueError(f"parents of {name!r} must be one or more different features, got {parents}")
    return feature[0], parents


def _find_level(name: str, features: Mapping[str, Feature], levels: dict[str, int], above: tuple[str, ...]) -> int:
    if name in above:
        raise ValueError(
            f"features must not depend on themselves, got {' -> '.join([*above[above.index(name) :], name])}"
        )
    if name not in levels:
        below = -1
        if features[name] is not None:
            for parent in _rule_and_parents(name, features[name])[1]:
                if parent not in features:
                    raise ValueError(f"parents of {name!r} must be features, got {parent!r}")
                below = max(below, _find_level(parent, features, levels, (*above, name)))
        levels[name] = below + 1
    return levels[name]


def _in_sorted_order(rule: Any, parents: list[tuple[int, int]]) -> Any:
    """A truth table or callable of parents as they were given, as one of the sorted parents."""
    given = np.argsort(sorted(range(len(parents)), key=parents.__getitem__))  # place of each parent when sorted
    if isinstance(rule, Mapping):
        order = np.argsort(given)
        shaped = all(isinstance(pattern, tuple) and len(pattern) == len(parents) for pattern in rule)
        return {tuple(pattern[k] for k in order): fires for pattern, fires in rule.items()} if shaped else rule
    return _Reordered(cast(Firing, rule), given) if callable(rule) else rule


class _Reordered:
    """A callable that sees the columns in another order."""

    def __init__(self, rule: Firing, columns: np.ndarray):
        self.rule, self.columns = rule, columns

    def __call__(self, states: np.ndarray) -> np.ndarray:
        return self.rule(states[:, self.columns])
