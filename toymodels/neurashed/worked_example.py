"""The worked example of the appendix of Su (2024) in symbols: 7, 5 and 2 count shared features.

After N1, N2, N3 updates on the three classes with g+(x) = x + a, g-(x) = x, zero start and edges fixed at 1, a node's
amplification is a times the number of updates whose pathway holds it, and the logits are polynomials.
"""

from __future__ import annotations

from typing import Any

from toymodels.neurashed.graphs import worked_example


def symbols() -> tuple[Any, ...]:
    """The sympy symbols a, N1, N2, N3."""
    import sympy

    return sympy.symbols("a N1 N2 N3", positive=True)


def symbolic_logits() -> list[Any]:
    """Logit of each class at its own input, by eq. (2.1) on the graph, as sympy expressions in :func:`symbols`."""
    a, *counts = symbols()
    task = worked_example()
    graph = task.model.graph
    pathways = [task.model.pathway(x, int(label)) for x, label in zip(task.inputs, task.labels, strict=True)]
    strength = {
        node: a * sum(count for count, pathway in zip(counts, pathways, strict=True) if node in pathway)
        for node in task.model.nodes
    }

    def score(node, pathway):
        below = [score(parent, pathway) for parent in sorted(graph.predecessors(node)) if parent in pathway]
        return strength[node] * (sum(below) if node[0] else 1)

    return [
        sum(score(parent, pathway) for parent in graph.predecessors((2, label)) if parent in pathway)
        for label, pathway in enumerate(pathways)
    ]


def printed_logits() -> list[Any]:
    """The polynomials as the paper prints them, with f' = a N3 for the contribution of F."""
    a, n1, n2, n3 = symbols()
    f_prime = a * n3
    return [
        a**2 * n1 * (7 * n1 + 5 * n2 + 2 * n3),
        a**2 * n2 * (5 * n1 + 7 * n2 + 2 * n3),
        2 * a**2 * n3 * (n1 + n2 + n3) + a * n3 * f_prime,
    ]


def printed_increments() -> list[Any]:
    """Changes of the three logits after one more example of class 1, as printed."""
    a, n1, n2, n3 = symbols()
    return [a**2 * (7 * n1 + 7 * n1 + 5 * n2 + 2 * n3 + 7), 5 * a**2 * n2, 2 * a**2 * n3]


def differences() -> list[Any]:
    """Graph minus print for the three logits and the three increments, expanded: all 0 if the paper is right."""
    import sympy

    _, n1, _, _ = symbols()
    logits = symbolic_logits()
    increments = [logit.subs(n1, n1 + 1) - logit for logit in logits]
    pairs = zip([*logits, *increments], [*printed_logits(), *printed_increments()], strict=True)
    return [sympy.expand(ours - printed) for ours, printed in pairs]
