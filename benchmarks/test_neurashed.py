"""Speed and memory of the neurashed model, against a plain loop over a networkx graph.

Run with `make bench`; every test prints what it measured before it compares.
"""

import math
import tracemalloc

import networkx as nx
import numpy as np
import pytest

from benchmarks import machine
from benchmarks.timing import together
from toymodels.neurashed import Additive, Multiplicative, Neurashed, Rule
from toymodels.neurashed.logic import weighted

UP, DOWN, INITIAL = 1.02, 0.99, 0.1
N_STEPS, BATCH, N_CLASSES = 200, 4, 10


def layered_graph(widths, fan_in, seed=0):
    """Levels of the given widths; every node depends on `fan_in` random nodes below and fires with two of them."""
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from((0, k) for k in range(widths[0]))
    for level, width in enumerate(widths[1:], start=1):
        for k in range(width):
            parents = rng.choice(widths[level - 1], min(fan_in, widths[level - 1]), replace=False).tolist()
            graph.add_node((level, k), rule=("atleast", 2))
            graph.add_edges_from(((level - 1, parent), (level, k)) for parent in parents)
    top = len(widths)
    for k in range(widths[-1]):
        graph.add_edge((top - 1, k), (top, k % N_CLASSES))
    return graph


def samples(n, width, firing, seed=1):
    rng = np.random.default_rng(seed)
    return rng.random((n, width)) < firing, np.arange(n) % N_CLASSES


def plain_pathway(graph, order, x):
    """Firing nodes of one input, node by node."""
    firing = set()
    for node in order:
        if node[0] == 0:
            if x[node[1]]:
                firing.add(node)
        elif sum(parent in firing for parent in graph.predecessors(node)) >= graph.nodes[node]["rule"][1]:
            firing.add(node)
    return firing


def plain_training(graph, inputs, labels, batches, pathways=None):
    """Algorithm 1 as one would first write it; `pathways`, if given, saves firing the samples again and again."""
    top = max(level for level, _ in graph)
    order = sorted(node for node in graph if node[0] < top)
    edges = [(source, target) for source, target in graph.edges if target[0] == top]
    strength = dict.fromkeys(order, math.log(INITIAL))
    weights = dict.fromkeys(edges, math.log(INITIAL))
    up, down = math.log(UP), math.log(DOWN)
    for batch in batches:
        seen = [(pathways[i] if pathways else plain_pathway(graph, order, inputs[i]), labels[i]) for i in batch]
        union = set().union(*(pathway for pathway, _ in seen))
        together = {(node, (top, label)) for pathway, label in seen for node in pathway}
        for node in order:
            strength[node] += up if node in union else down
        for edge in edges:
            weights[edge] += up if edge in together else down
    return strength


def small_problem():
    graph = layered_graph([100] * 4, fan_in=100)
    inputs, labels = samples(200, 100, 0.1)
    rng = np.random.default_rng(2)
    return graph, Neurashed(graph), inputs, labels, rng.integers(200, size=(N_STEPS, BATCH))


def train(model, inputs, labels, **options):
    defaults = {"n_steps": N_STEPS, "rng": np.random.default_rng(0), "initial": INITIAL, "batch_size": BATCH}
    return model.train(inputs, labels, Multiplicative(UP, DOWN), **(defaults | options))


def test_small_graph_against_a_plain_loop(record):
    graph, model, inputs, labels, batches = small_problem()
    top = len(model.offsets) - 1
    order = sorted(node for node in graph if node[0] < top)
    pathways = [plain_pathway(graph, order, x) for x in inputs]
    loop, kept, one, many = together(
        lambda: plain_training(graph, inputs, labels, batches),
        lambda: plain_training(graph, inputs, labels, batches, pathways),
        lambda: train(model, inputs, labels, order=batches, every=N_STEPS),
        lambda: train(model, inputs, labels, replicates=256, every=N_STEPS),
    )
    name = f"neurashed, 4 x 100 nodes, {graph.number_of_edges():,} edges, {N_STEPS} updates of {BATCH} samples"
    each = [seconds / 256 for seconds in many]
    record(name, one, "loop over networkx", loop, goal=30)
    record(name, one, "loop over networkx, pathways kept", kept)
    record(f"{name}, a model of 256", each, "loop over networkx", loop, goal=150)
    record(f"{name}, a model of 256", each, "loop over networkx, pathways kept", kept)


def test_the_plain_loop_and_the_model_agree():
    graph, model, inputs, labels, batches = small_problem()
    strength = plain_training(graph, inputs, labels, batches[:20])
    ours = train(model, inputs, labels, order=batches[:20], n_steps=20, scale="log")
    np.testing.assert_allclose(ours["log_amplification"][-1], [strength[node] for node in model.nodes], rtol=1e-13)


def test_a_million_edges_and_ten_thousand_samples(record):
    graph = layered_graph([2000] * 6, fan_in=100)
    inputs, labels = samples(10_000, 2000, 0.02)
    record(f"neurashed, {graph.number_of_edges():,} edges compiled", *together(lambda: Neurashed(graph)))
    model = Neurashed(graph)
    for size, at_most in ((1, None), (32, 30)):
        measured = together(lambda size=size: train(model, inputs, labels, n_steps=1000, batch_size=size, every=100))
        name = f"neurashed, {graph.number_of_edges():,} edges, 10,000 samples, 1,000 steps of {size}"
        record(name, *measured, at_most=at_most)


def test_growth_with_the_edges(record):
    """A graph has to hold two numbers of 8 bytes an edge: where it leads and how strong it is."""
    sizes, seconds, peaks = [], [], []
    for fan_in in (25, 50, 100, 200):
        graph = layered_graph([1000] * 4, fan_in)
        inputs, labels = samples(500, 1000, 0.05)

        def trained(graph=graph, inputs=inputs, labels=labels):
            train(Neurashed(graph), inputs, labels, every=N_STEPS)

        seconds.append(min(together(trained)[0]))
        tracemalloc.start()
        trained()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        sizes.append(graph.number_of_edges())
    held, because = [16 * n_edges for n_edges in sizes], "16 bytes an edge"
    least = [n_bytes / machine.bandwidth() for n_bytes in held]
    record.growth("neurashed compiled and trained, 200 steps", "edges", sizes, seconds, least, because)
    record.growth("neurashed, peak memory", "edges", sizes, peaks, held, because, unit="bytes")


@pytest.mark.parametrize("replicates", [None, 32])
@pytest.mark.parametrize(
    ("own", "built_in"),
    [
        (Rule(lambda x: 1.0002 * x, lambda x: 0.9999 * x), Multiplicative(1.0002, 0.9999)),
        (Rule(lambda x: x + 0.1, lambda x: 0.99 * x), Additive(0.1, 0.99)),
    ],
)
def test_growth_of_ones_own_against_that_of_a_rule(record, own, built_in, replicates):
    _, model, inputs, labels, _ = small_problem()
    size = {"n_steps": 2000, "rng": np.random.default_rng(0), "initial": INITIAL, "every": 2000, "batch_size": BATCH}

    def updates(rule):
        return lambda: model.train(inputs, labels, rule, replicates=replicates, **size)

    mine, its = together(updates(own), updates(built_in))
    name = f"neurashed, growth by callables, 2,000 updates, {replicates or 1} replicate{'s' * bool(replicates)}"
    record(name, mine, f"{type(built_in).__name__}", its, goal=1 / 3)


def test_firing_of_ones_own_against_that_of_a_rule_in_training(record):
    graph, model, inputs, labels, _ = small_problem()
    for node, attributes in graph.nodes(data=True):
        if "rule" in attributes:
            attributes["rule"] = weighted(np.ones(graph.in_degree(node)), 2.0)
    own = Neurashed(graph)
    np.testing.assert_array_equal(own.firing_table(inputs), model.firing_table(inputs))
    mine, its = together(
        *(lambda each=each: train(each, inputs, labels, n_steps=2000, every=2000) for each in (own, model))
    )
    record("neurashed, firing by callables, 2,000 updates", mine, "firing by rules", its, goal=1 / 3)
