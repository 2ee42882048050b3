"""Speed and memory of the neurashed model, against a plain loop over a networkx graph.

Run with `make bench`; every test prints what it measured before it compares.
"""

import math
import time
import tracemalloc

import networkx as nx
import numpy as np
import pytest

from benchmarks.timing import fastest
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


def test_small_graph_trains_thirty_times_faster_than_a_plain_loop():
    graph, model, inputs, labels, batches = small_problem()
    plain = fastest(lambda: plain_training(graph, inputs, labels, batches), rounds=2)
    top = len(model.offsets) - 1
    order = sorted(node for node in graph if node[0] < top)
    pathways = [plain_pathway(graph, order, x) for x in inputs]
    cached = fastest(lambda: plain_training(graph, inputs, labels, batches, pathways), rounds=3)
    ours = fastest(lambda: train(model, inputs, labels, order=batches, every=N_STEPS), rounds=5)
    batched = fastest(lambda: train(model, inputs, labels, replicates=256, every=N_STEPS), rounds=3) / 256
    print(f"\n4 x 100 nodes, {graph.number_of_edges()} edges, {N_STEPS} updates of {BATCH} samples")
    print(f"plain loop {plain * 1e3:.1f} ms (pathways kept: {cached * 1e3:.1f} ms), ours {ours * 1e3:.2f} ms")
    print(f"one model: {plain / ours:.0f} times faster (pathways kept: {cached / ours:.1f})")
    print(f"256 replicas: {batched * 1e3:.3f} ms a model, {plain / batched:.0f} times ({cached / batched:.0f})")
    assert plain / ours > 30
    assert plain / batched > 150


def test_the_plain_loop_and_the_model_agree():
    graph, model, inputs, labels, batches = small_problem()
    strength = plain_training(graph, inputs, labels, batches[:20])
    ours = train(model, inputs, labels, order=batches[:20], n_steps=20, scale="log")
    np.testing.assert_allclose(ours["log_amplification"][-1], [strength[node] for node in model.nodes], rtol=1e-13)


def test_a_million_edges_and_ten_thousand_samples_train_within_thirty_seconds():
    graph = layered_graph([2000] * 6, fan_in=100)
    inputs, labels = samples(10_000, 2000, 0.02)
    compiled = fastest(lambda: Neurashed(graph), rounds=1)
    model = Neurashed(graph)
    taken = {
        size: fastest(lambda size=size: train(model, inputs, labels, n_steps=1000, batch_size=size, every=100), 1)
        for size in (1, 32)
    }
    print(f"\n{graph.number_of_edges()} edges: compiled in {compiled:.1f} s")
    print(f"10,000 samples, 1,000 steps: {taken[1]:.1f} s at batches of 1, {taken[32]:.1f} s at batches of 32")
    assert taken[32] < 30


def test_memory_grows_linearly_with_the_edges():
    fan_ins = (25, 50, 100)
    graphs = [layered_graph([1000] * 4, fan_in) for fan_in in fan_ins]
    peaks = []
    for graph in graphs:
        tracemalloc.start()
        model = Neurashed(graph)
        train(model, *samples(500, 1000, 0.05), every=N_STEPS)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    edges = [graph.number_of_edges() for graph in graphs]
    per_edge = np.diff(peaks) / np.diff(edges)
    print(f"\npeak {[f'{peak / 1e6:.1f} MB' for peak in peaks]} at {edges} edges: {per_edge.round(1)} bytes per edge")
    assert per_edge[1] < 1.5 * per_edge[0]


@pytest.mark.parametrize("replicates", [None, 32])
@pytest.mark.parametrize(
    ("own", "built_in"),
    [
        (Rule(lambda x: 1.0002 * x, lambda x: 0.9999 * x), Multiplicative(1.0002, 0.9999)),
        (Rule(lambda x: x + 0.1, lambda x: 0.99 * x), Additive(0.1, 0.99)),
    ],
)
def test_growth_of_ones_own_takes_at_most_three_times_that_of_a_rule(own, built_in, replicates):
    _, model, inputs, labels, _ = small_problem()
    size = {"n_steps": 2000, "rng": np.random.default_rng(0), "initial": INITIAL, "every": 2000, "batch_size": BATCH}

    def updates(rule):
        return lambda: model.train(inputs, labels, rule, replicates=replicates, **size)

    mine, its = (fastest(updates(rule), rounds=5, clock=time.process_time) for rule in (own, built_in))
    print(
        f"\n2,000 updates, replicates {replicates}: {mine * 1e3:.0f} ms against {its * 1e3:.0f}, {mine / its:.1f} times"
    )
    assert mine / its < 3


def test_firing_of_ones_own_takes_at_most_three_times_that_of_a_rule_in_training():
    graph, model, inputs, labels, _ = small_problem()
    for node, attributes in graph.nodes(data=True):
        if "rule" in attributes:
            attributes["rule"] = weighted(np.ones(graph.in_degree(node)), 2.0)
    own = Neurashed(graph)
    np.testing.assert_array_equal(own.firing_table(inputs), model.firing_table(inputs))
    mine, its = (
        fastest(lambda each=each: train(each, inputs, labels, n_steps=2000, every=2000), 5, clock=time.process_time)
        for each in (own, model)
    )
    print(f"\nfiring by callables: {mine * 1e3:.0f} ms against {its * 1e3:.0f}, {mine / its:.1f} times")
    assert mine / its < 3
