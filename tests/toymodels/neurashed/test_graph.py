import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from tests.toymodels.neurashed import oracle
from toymodels import SimulationError
from toymodels.neurashed import Neurashed, graphs

seeds = st.integers(0, 2**32 - 1)


def chain(rule="any"):
    graph = nx.DiGraph()
    graph.add_nodes_from([(0, 0), (0, 1)])
    graph.add_node((1, 0), rule=rule)
    graph.add_edges_from([((0, 0), (1, 0)), ((0, 1), (1, 0)), ((1, 0), (2, 0))])
    return graph


@given(oracle.graphs(), seeds)
def test_firing_equals_the_node_by_node_oracle(graph, seed):
    inputs, _ = oracle.samples(graph, seed)
    model = Neurashed(graph)
    slow = [[oracle.states_of(graph, x)[node] for node in model.nodes] for x in inputs]
    assert_array_equal(np.hstack(model.fire(inputs)), slow)


@given(oracle.graphs(), seeds)
def test_logits_are_bit_equal_to_the_oracle(graph, seed):
    inputs, _ = oracle.samples(graph, seed)
    model = Neurashed(graph)
    rng = np.random.default_rng(seed)
    amplification, weights = rng.lognormal(size=len(model.nodes)), rng.lognormal(size=len(model.edges))
    factor = dict(zip(model.nodes, amplification, strict=True))
    edge = dict(zip(model.edges, weights, strict=True))
    fast = model.logits(amplification, weights, model.fire(inputs))
    assert_array_equal(fast, [oracle.logits(graph, factor, edge, x) for x in inputs])


@given(oracle.graphs(), seeds)
def test_log_logits_are_the_logs_of_the_logits(graph, seed):
    inputs, _ = oracle.samples(graph, seed)
    model, rng = Neurashed(graph), np.random.default_rng(seed)
    firing = model.fire(inputs)
    amplification, weights = rng.normal(size=len(model.nodes)), rng.normal(size=len(model.edges))
    linear = model.logits(np.exp(amplification), np.exp(weights), firing)
    assert_allclose(np.exp(model.log_logits(amplification, weights, firing)), linear, rtol=1e-12)


@given(oracle.graphs(), seeds)
def test_probabilities_from_logs_are_the_probabilities(graph, seed):
    inputs, _ = oracle.samples(graph, seed)
    model, rng = Neurashed(graph), np.random.default_rng(seed)
    logs = rng.normal(size=len(model.nodes)), rng.normal(size=len(model.edges))
    firing = model.fire(inputs)
    assert_allclose(model.predict_from_logs(*logs, firing), model.predict(*map(np.exp, logs), firing), rtol=1e-9)


def test_probabilities_from_logs_beyond_float64_are_0_and_1():
    task = graphs.three_class()
    logs = np.full(len(task.model.nodes), 900.0), np.zeros(len(task.model.edges))
    probabilities = task.model.predict_from_logs(*logs, task.model.fire(task.inputs))
    assert_array_equal(probabilities, np.eye(3)[task.labels])


def test_log_logits_do_not_overflow_where_logits_do():
    model = Neurashed(chain())
    firing = model.fire([[True, True]])
    logs = np.array([900.0, -900.0, 200.0])
    assert_allclose(model.log_logits(logs, [1.0], firing), [[1101.0]], **EXACT)
    assert model.log_logits(logs, [1.0], model.fire([[False, False]]))[0, 0] == -np.inf
    with pytest.raises(SimulationError, match="log_logits"):
        model.logits([1e300, 1.0, 1e300], [1.0], firing)


def test_leading_axes_of_the_state_are_replicates():
    task = graphs.three_class()
    rng = np.random.default_rng(0)
    amplification, weights = rng.random((2, 3, 20)), rng.random((2, 3, 5))
    firing = task.model.fire(task.inputs)
    together = task.model.logits(amplification, weights, firing)
    assert together.shape == (2, 3, 4, 3)
    assert_array_equal(together[1, 2], task.model.logits(amplification[1, 2], weights[1, 2], firing))


def test_predictions_are_probabilities_that_prefer_the_largest_logit():
    task = graphs.three_class()
    firing = task.model.fire(task.inputs)
    state = np.full(20, 9.0), np.ones(5)
    probabilities = task.model.predict(*state, firing)
    assert_allclose(probabilities.sum(axis=1), 1, **EXACT)
    logits = task.model.logits(*state, firing)
    assert_allclose(probabilities[2] / probabilities[2, 1], np.exp(logits[2] - logits[2, 1]), **EXACT)


@given(oracle.graphs(), seeds)
def test_what_fires_passes_the_consistency_check_and_any_flipped_hidden_state_does_not(graph, seed):
    model, rng = Neurashed(graph), np.random.default_rng(seed)
    firing = model.fire(oracle.samples(graph, seed)[0])
    model.check(firing)
    if len(firing) > 1:
        level = rng.integers(1, len(firing))
        sample, node = rng.integers(len(firing[0])), rng.integers(firing[level].shape[1])
        firing[level][sample, node] ^= True
        with pytest.raises(ValueError, match=rf"sample {sample}: node \({level}"):
            model.check(firing)


def test_the_class_level_is_checked_too():
    task = graphs.three_class()
    firing = task.model.fire(task.inputs)
    classes = task.labels[:, None] == np.arange(3)
    task.model.check([*firing, classes])
    with pytest.raises(ValueError, match="exactly one class"):
        task.model.check([*firing, np.ones((4, 3), dtype=bool)])
    with pytest.raises(ValueError, match=r"class node \(3, 2\) must have a firing parent"):
        task.model.check([*firing, np.eye(3, dtype=bool)[[2, 0, 1, 2]]])
    with pytest.raises(ValueError, match="levels"):
        task.model.check(firing[:-1])
    with pytest.raises(ValueError, match="shape"):
        task.model.check([firing[0], firing[1][:, 1:], firing[2]])


def test_a_pathway_is_the_set_of_firing_nodes():
    task = graphs.three_class()
    inside = {(0, 6), (0, 7), (0, 8), (0, 9), (1, 4), (1, 5), (2, 3)}
    assert task.model.pathway(task.inputs[3]) == inside
    assert task.model.pathway(task.inputs[3], 2) == inside | {(3, 2)}
    with pytest.raises(ValueError, match="labels"):
        task.model.pathway(task.inputs[3], 3)


def test_patterns_missing_from_a_truth_table_do_not_fire():
    model = Neurashed(chain({(True, False): True}))
    assert model.fire([[True, False], [True, True], [False, True]])[1].ravel().tolist() == [True, False, False]


def edited(edit, rule="any"):
    graph = chain(rule)
    edit(graph)
    return graph


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (nx.Graph([((0, 0), (1, 0))]), "DiGraph"),
        (nx.MultiDiGraph([((0, 0), (1, 0))]), "DiGraph"),
        ("a graph", "DiGraph"),
        (edited(lambda g: g.add_edge((2, 0), (0, 0))), r"no cycle.*\(2, 0\) -> \(0, 0\)"),
        (edited(lambda g: g.add_edge((1, 0), (0, 0))), r"one level up.*\(1, 0\) -> \(0, 0\)"),
        (edited(lambda g: g.add_edge((0, 0), (2, 0))), r"one level up.*\(0, 0\) -> \(2, 0\)"),
        (edited(lambda g: g.add_edge((0, 0), (0, 1))), r"one level up"),
        (edited(lambda g: g.add_node("cat")), "got 'cat'"),
        (edited(lambda g: g.add_node((0, -1))), r"\(0, -1\)"),
        (edited(lambda g: g.add_node((4, 0))), "levels must be 0, 1"),
        (edited(lambda g: g.add_node((1, 1), rule="any")), r"parent, got none for node \(1, 1\)"),
        (edited(lambda g: g.add_node((2, 1))), r"parent, got none for node \(2, 1\)"),
        (edited(lambda g: g.add_edge((1, 0), (2, 2))), "indices 0 ... K-1"),
        (edited(lambda g: g.add_node((2, 0), rule="any")), r"rule is only.*\(2, 0\)"),
        (edited(lambda g: g.add_node((0, 0), rule="any")), r"rule is only.*\(0, 0\)"),
        (edited(lambda g: g.nodes[1, 0].clear()), r"node \(1, 0\) must be 'any'.*None"),
        (chain("most"), r"rule of node \(1, 0\).*'most'"),
        (chain(("atleast", 0)), r"\(1, 0\).*1 ... 2"),
        (chain(("atleast", 3)), r"\(1, 0\).*1 ... 2"),
        (chain({(True,): True}), r"truth table of node \(1, 0\).*2 booleans"),
        (chain({(1, 0): True}), r"truth table of node \(1, 0\).*2 booleans"),
        (chain({(True, True): 1}), r"booleans as values, got 1"),
        (chain({(True, True): False}), r"node \(1, 0\) must fire for some pattern"),
        (nx.DiGraph(), "levels"),
    ],
)
def test_graphs_that_break_a_rule_are_refused_by_name(graph, message):
    with pytest.raises(ValueError, match=message):
        Neurashed(graph)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1.0, 1, 1], [1.0]), "amplification must be >= 0"),
        (([np.nan, 1, 1], [1.0]), "amplification must be finite"),
        (([1.0, 1, 1], [np.inf]), "edge_weights must be finite"),
        (([1.0, 1], [1.0]), "amplification must have 3"),
        (([1.0, 1, 1], [1.0, 1.0]), "edge_weights must have 1"),
    ],
)
def test_bad_states_are_refused(arguments, message):
    model = Neurashed(chain())
    with pytest.raises(ValueError, match=message):
        model.logits(*arguments, model.fire([[True, True]]))


@pytest.mark.parametrize("inputs", [[[True]], [True, False], np.empty((0, 2)), [[0.5, 1]], [[2, 0]], [[np.nan, 1]]])
def test_bad_inputs_are_refused(inputs):
    with pytest.raises(ValueError, match="inputs must"):
        Neurashed(chain()).fire(inputs)


def test_log_states_are_checked():
    model = Neurashed(chain())
    with pytest.raises(ValueError, match="log_amplification must have 3 entries"):
        model.log_logits([0.0], [0.0], model.fire([[True, True]]))
