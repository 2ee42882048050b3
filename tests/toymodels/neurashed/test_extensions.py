import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from tests.toymodels.neurashed import oracle
from toymodels import SimulationError
from toymodels.neurashed import Additive, FiringEdges, Multiplicative, Neurashed, graphs, logic, train_adaptive
from toymodels.neurashed.collapse import disjoint_classes
from toymodels.neurashed.extensions import adaptive_firing
from toymodels.neurashed.sparsity import effective_number

GROW = Multiplicative(1.1, 0.95)
seeds = st.integers(0, 2**32 - 1)


def edge_logits(graph, weights, x):
    states, score = oracle.states_of(graph, x), {}
    for node in sorted(graph):
        on = states.get(node, True)
        parents = sorted(graph.predecessors(node))
        score[node] = on * (sum(weights[parent, node] * score[parent] for parent in parents) if node[0] else 1.0)
    top = max(level for level, _ in graph)
    return [score[node] for node in sorted(graph) if node[0] == top]


@given(oracle.graphs(), seeds)
def test_scores_of_firing_edges_equal_a_node_by_node_sum(graph, seed):
    inputs, _ = oracle.samples(graph, seed)
    edges = FiringEdges(Neurashed(graph))
    weights = np.random.default_rng(seed).random(len(edges.edges))
    of_edge = dict(zip(edges.edges, weights, strict=True))
    assert_allclose(edges.logits(weights, inputs), [edge_logits(graph, of_edge, x) for x in inputs], **EXACT)


def test_an_edge_counts_the_samples_that_fire_both_its_ends():
    task = graphs.worked_example()
    edges = FiringEdges(task.model)
    order = [[0]] * 5 + [[1]] * 4 + [[2]] * 2
    run = edges.train(
        task.inputs, task.labels, Additive(1.0), n_steps=11, rng=np.random.default_rng(0), initial=0, order=order
    )
    final = dict(zip(edges.edges, run["weights"][-1], strict=True))
    assert final[(0, 0), (1, 0)] == 5  # u1 -> A1: nodes count 11, the edge only class 1
    assert final[(1, 2), (2, 2)] == 2


def test_firing_edges_do_not_let_shared_nodes_help_other_classes():
    task = graphs.worked_example()
    edges = FiringEdges(task.model)
    run = edges.train(
        task.inputs, task.labels, Additive(1.0), n_steps=12, rng=np.random.default_rng(0), initial=0, order=[[0]] * 12
    )
    logits = edges.logits(run["weights"][-1], task.inputs)
    assert logits[0, 0] == 12 * 12 * 7
    assert (logits[1:] == 0).all()


def three_class(threshold, **options):
    task = graphs.three_class()
    defaults = {"n_steps": 50, "initial": (0.1, 0.2), "batch_size": 2}
    return train_adaptive(
        task.model,
        task.inputs,
        task.labels,
        GROW,
        threshold=threshold,
        rng=np.random.default_rng(0),
        **(defaults | options),
    )


def test_without_threshold_adaptive_training_is_ordinary_training_bit_for_bit():
    task = graphs.three_class()
    plain = task.model.train(
        task.inputs, task.labels, GROW, n_steps=50, rng=np.random.default_rng(0), initial=(0.1, 0.2), batch_size=2
    )
    run = three_class(0.0)
    assert_array_equal(run["amplification"], plain["amplification"])
    assert_array_equal(run["edge_weights"], plain["edge_weights"])


def test_silencing_feeds_back_until_one_node_per_pathway_is_left():
    task = disjoint_classes(2, 3, 3)
    rng = np.random.default_rng(1)
    numbers = [
        effective_number(
            train_adaptive(
                task.model,
                task.inputs,
                task.labels,
                GROW,
                threshold=threshold,
                n_steps=300,
                rng=rng,
                initial=(0.1, 0.2),
            )["amplification"][-1, :9]
        )
        for threshold in (0.0, 1.0)
    ]
    assert numbers[0] > 2.5
    assert numbers[1] < 1.5


def test_the_strongest_firing_node_of_a_level_always_stays():
    task = graphs.three_class()
    amplification = np.linspace(0.1, 2, 20)
    everything = task.model.firing_table(task.inputs)
    alone = adaptive_firing(task.model, amplification, task.inputs, 1.0)
    assert_array_equal(adaptive_firing(task.model, amplification, task.inputs, 0.0), everything)
    assert (alone[:, :10].sum(axis=1) == 1).all()
    assert (alone <= everything).all()


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="threshold must be in"):
        three_class(1.5)
    edges = FiringEdges(graphs.worked_example().model)
    with pytest.raises(ValueError, match="weights must have 20 entries"):
        edges.logits(np.ones(3), graphs.worked_example().inputs)
    with pytest.raises(SimulationError, match="overflow"):
        edges.logits(np.full(20, 1e300), graphs.worked_example().inputs)


def test_weak_nodes_are_silenced_level_by_level_by_hand():
    """Inputs 4, 2, 1; then any of the first two (3), any of the last two (2), the last alone (1)."""
    model = graphs.build(3, [{0: ([0, 1], "any"), 1: ([1, 2], "any"), 2: ([2], "any")}], [[0, 1, 2]])
    factors = np.array([4.0, 2.0, 1.0, 3.0, 2.0, 1.0])
    inputs = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1]], dtype=bool)
    expected = {
        0.0: [[1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1]],
        0.25: [[1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1]],
        0.5: [[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 1, 0], [0, 0, 1, 0, 1, 1]],
        0.6: [[1, 0, 0, 1, 0, 0], [0, 1, 0, 1, 1, 0], [0, 0, 1, 0, 1, 0]],
        1.0: [[1, 0, 0, 1, 0, 0], [0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0]],
    }
    for threshold, states in expected.items():
        assert_array_equal(adaptive_firing(model, factors, inputs, threshold), states)


def test_where_edges_skip_levels_every_node_below_is_seen_as_silenced():
    import networkx as nx

    graph = nx.DiGraph([((0, 0), (1, 0)), ((0, 1), (2, 0)), ((1, 0), (2, 0)), ((2, 0), (3, 0))])
    graph.nodes[1, 0]["rule"] = "any"
    graph.nodes[2, 0]["rule"] = "all"
    model = Neurashed(graph, skip=True)
    inputs = np.array([[1, 1], [1, 0]], dtype=bool)
    assert_array_equal(adaptive_firing(model, np.array([2.0, 1.0, 1, 1]), inputs, 0.5), [[1, 1, 1, 1], [1, 0, 1, 0]])
    assert_array_equal(adaptive_firing(model, np.array([2.0, 0.9, 1, 1]), inputs, 0.5), [[1, 0, 1, 0], [1, 0, 1, 0]])


def test_a_level_of_firing_edges_starts_where_no_parent_fires():
    """The node fires in silence, and then counts 1; its two edges up have weights 3 and 5."""
    model = graphs.build(2, [{0: ([0, 1], logic.none), 1: ([0], "any")}], [[0], [0, 1]])
    edges = FiringEdges(model)
    weights = {((0, 0), (1, 1)): 7.0, ((1, 0), (2, 0)): 3.0, ((1, 0), (2, 1)): 5.0, ((1, 1), (2, 1)): 2.0}
    values = [weights.get(edge, 11.0) for edge in edges.edges]
    assert_array_equal(edges.logits(values, [[0, 0], [1, 0], [0, 1]]), [[3, 5], [0, 14], [0, 0]])


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_thresholds_are_shares(threshold):
    with pytest.raises(ValueError, match=r"threshold must be in \[0, 1\]"):
        three_class(threshold)
    assert three_class(1.0, n_steps=2).t.tolist() == [0, 1, 2]


def test_records_of_adaptive_training_are_those_asked_for():
    full, thin = three_class(0.5, n_steps=10), three_class(0.5, n_steps=10, every=4)
    assert thin.t.tolist() == [0, 4, 8, 10]
    assert_array_equal(thin["amplification"], full["amplification"][[0, 4, 8, 10]])
    assert thin["amplification"].shape == (4, 20)
    assert thin["edge_weights"].shape == (4, 5)
