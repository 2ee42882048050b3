"""Neurashed as one would do it by hand: one node after another, plain Python, straight from Su (2024)."""

import itertools

import networkx as nx
import numpy as np
from hypothesis import strategies as st


def fires(graph, node, states):
    """State of a hidden node above level 0 from the states of its parents."""
    parents = [states[parent] for parent in sorted(graph.predecessors(node))]
    rule = graph.nodes[node]["rule"]
    if isinstance(rule, dict):
        return rule.get(tuple(parents), False)
    if rule == "any":
        return any(parents)
    if rule == "all":
        return all(parents)
    return sum(parents) >= rule[1]


def hidden_nodes(graph):
    top = max(level for level, _ in graph)
    return sorted(node for node in graph if node[0] < top)


def class_edges(graph):
    top = max(level for level, _ in graph)
    return sorted(edge for edge in graph.edges if edge[1][0] == top)


def states_of(graph, x):
    """State of every hidden node for one input."""
    first = sorted(node for node in graph if node[0] == 0)
    states = {node: bool(value) for node, value in zip(first, x, strict=True)}
    for node in hidden_nodes(graph)[len(first) :]:
        states[node] = fires(graph, node, states)
    return states


def logits(graph, amplification, weights, x):
    """Eq. (2.1), sums from left to right over the sorted parents."""
    states = states_of(graph, x)
    score = {}
    for node in hidden_nodes(graph):
        incoming = 1.0
        if node[0]:
            incoming = 0.0
            for parent in sorted(graph.predecessors(node)):
                incoming += score[parent]
        score[node] = amplification[node] * states[node] * incoming
    top = max(level for level, _ in graph)
    n_classes = sum(level == top for level, _ in graph)
    total = [0.0] * n_classes
    for source, target in class_edges(graph):
        total[target[1]] += score[source] * weights[source, target]
    return total


def train(graph, inputs, labels, rule_of, batches, initial, edge_rule):
    """Algorithm 1; `rule_of(unit, step)` is ("multiply", a, b) or ("add", c, b). Values per step, nodes then edges."""
    top = max(level for level, _ in graph)
    pathways = [
        {node for node, on in states_of(graph, x).items() if on} | {(top, y)}
        for x, y in zip(inputs, labels, strict=True)
    ]
    units = hidden_nodes(graph) + class_edges(graph)
    value = {}
    for unit, start in zip(units, initial, strict=True):
        value[unit] = np.log(start) if rule_of(unit, 1)[0] == "multiply" else float(start)
    rows = [dict(value)]
    for step, batch in enumerate(batches, start=1):
        union = set().union(*(pathways[i] for i in batch))
        for unit in units:
            if isinstance(unit[0], int):
                on = unit in union
            elif edge_rule == "union":
                on = unit[0] in union and unit[1] in union
            else:
                on = any(unit[0] in pathways[i] and unit[1] in pathways[i] for i in batch)
            kind, up, down = rule_of(unit, step)
            if kind == "multiply":
                value[unit] += np.log(up) if on else np.log(down)
            else:
                value[unit] = value[unit] + up if on else value[unit] * down
        rows.append(dict(value))
    return np.array([[np.exp(row[u]) if rule_of(u, 1)[0] == "multiply" else row[u] for u in units] for row in rows])


@st.composite
def graphs(draw):
    """Small random graphs with all kinds of rules; indices have gaps below the classes."""
    widths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    graph = nx.DiGraph()
    below = [(0, 2 * k + 1) for k in range(widths[0])]
    graph.add_nodes_from(below)
    for level, width in enumerate(widths[1:], start=1):
        nodes = [(level, 3 * k) for k in range(width)]
        for node in nodes:
            parents = draw(st.lists(st.sampled_from(below), min_size=1, unique=True))
            graph.add_node(node, rule=draw(rules(len(parents))))
            graph.add_edges_from((parent, node) for parent in parents)
        below = nodes
    for label in range(draw(st.integers(1, 3))):
        for parent in draw(st.lists(st.sampled_from(below), min_size=1, unique=True)):
            graph.add_edge(parent, (len(widths), label))
    return graph


def rules(arity):
    patterns = [pattern for pattern in itertools.product([False, True], repeat=arity) if any(pattern)]
    tables = st.lists(st.sampled_from(patterns), min_size=1, unique=True).map(
        lambda firing: {pattern: pattern in firing for pattern in patterns}
    )
    return st.one_of(st.sampled_from(["any", "all"]), st.tuples(st.just("atleast"), st.integers(1, arity)), tables)


def n_inputs(graph):
    return sum(level == 0 for level, _ in graph)


def n_classes(graph):
    top = max(level for level, _ in graph)
    return sum(level == top for level, _ in graph)


def samples(graph, seed, n=7):
    """Random inputs and labels."""
    rng = np.random.default_rng(seed)
    return rng.random((n, n_inputs(graph))) < 0.6, rng.integers(n_classes(graph), size=n)
