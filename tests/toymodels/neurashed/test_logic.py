import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.neurashed import FiringEdges, Neurashed, logic


def one_node(arity, rule):
    graph = nx.DiGraph()
    graph.add_nodes_from((0, k) for k in range(arity))
    graph.add_node((1, 0), rule=rule)
    graph.add_edges_from(((0, k), (1, 0)) for k in range(arity))
    graph.add_edge((1, 0), (2, 0))
    return Neurashed(graph)


def states(arity, n, seed):
    return np.random.default_rng(seed).integers(0, 2, (n, arity)).astype(bool)


@given(arity=st.integers(1, 14), seed=st.integers(0, 1000), threshold=st.integers(1, 14))
def test_callables_say_what_the_named_rules_say(arity, seed, threshold):
    k = min(threshold, arity)
    x = states(arity, 200, seed)
    for rule, same in (
        ("any", lambda s: s.any(axis=1)),
        ("all", lambda s: s.all(axis=1)),
        (("atleast", k), lambda s: s.sum(axis=1) >= k),
    ):
        assert_array_equal(one_node(arity, rule).fire(x)[1], one_node(arity, same).fire(x)[1])


@pytest.mark.parametrize("arity", [1, 3, 12])  # twelve parents are more than are tabulated
def test_not_and_xor_and_weights(arity):
    x = states(arity, 300, 0)
    counts = x.sum(axis=1)
    weights = np.arange(arity) - 1.0
    assert_array_equal(one_node(arity, logic.none).fire(x)[1][:, 0], counts == 0)
    assert_array_equal(one_node(arity, logic.odd).fire(x)[1][:, 0], counts % 2 == 1)
    if arity > 1:
        weighted = one_node(arity, logic.weighted(weights, 0.5))
        assert_array_equal(weighted.fire(x)[1][:, 0], x @ weights >= 0.5)


def test_a_node_that_fires_without_parents_starts_a_pathway():
    model = one_node(2, logic.none)
    firing = model.fire([[0, 0], [0, 1]])
    amplification = np.array([2.0, 3.0, 5.0])
    assert_allclose(model.logits(amplification, [7.0], firing), [[35.0], [0.0]])
    logs = model.log_logits(np.log(amplification), np.log([7.0]), firing)
    assert_allclose(logs, [[np.log(35.0)], [-np.inf]])
    assert_allclose(model.scores(amplification, firing), [[0, 0, 5], [0, 3, 0]])


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda s: s.any(), r"rule of node \(1, 0\) must give 8 booleans .*, got shape \(\) of bool"),
        (lambda s: s.sum(axis=1), r"rule of node \(1, 0\) must give 8 booleans .*, got shape \(8,\) of int"),
        (lambda s: np.zeros(len(s), dtype=bool), r"rule of node \(1, 0\) must fire for some states"),
        (logic.weighted([1.0], 1.0), "weights must be one per parent, 3 of them, got 1"),
        (logic.weighted([1.0, np.pi, 1.0], 100.0), "must fire for some states"),
    ],
)
def test_callables_that_are_no_rules_are_refused(rule, words):
    with pytest.raises(ValueError, match=words):
        one_node(3, rule)


def test_weights_must_be_finite():
    with pytest.raises(ValueError, match="weights"):
        logic.weighted([np.nan], 1.0)
    with pytest.raises(ValueError, match="threshold"):
        logic.weighted([1.0], np.inf)


@given(arity=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_any_truth_table_says_what_the_same_callable_says_also_for_silent_parents(arity, seed):
    rng = np.random.default_rng(seed)
    wanted = rng.random(2**arity) < 0.5
    wanted[0] = True
    patterns = (np.arange(2**arity)[:, None] >> np.arange(arity) & 1).astype(bool)
    table = {tuple(map(bool, pattern)): bool(fires) for pattern, fires in zip(patterns, wanted, strict=True)}
    by_table = one_node(arity, table)
    by_call = one_node(arity, lambda s: wanted[s @ (1 << np.arange(arity))])
    assert_array_equal(by_table.fire(patterns)[1][:, 0], wanted)
    amplification, weights = rng.uniform(0.5, 2, arity + 1), rng.uniform(0.5, 2, 1)
    both = [model.logits(amplification, weights, model.fire(patterns)) for model in (by_table, by_call)]
    assert_allclose(*both)
    assert both[0][0, 0] == pytest.approx(amplification[-1] * weights[0])  # silent parents: the sum is 1


def test_a_node_without_firing_parents_starts_a_pathway_of_firing_edges_too():
    model = one_node(2, {(False, False): True, (True, True): True})
    edges = FiringEdges(model)
    assert edges.edges == (((0, 0), (1, 0)), ((0, 1), (1, 0)), ((1, 0), (2, 0)))
    logits = edges.logits([2.0, 3.0, 5.0], [[0, 0], [0, 1], [1, 1]])
    assert_allclose(logits, [[5.0], [0.0], [25.0]])


def test_a_sum_at_the_threshold_fires():
    rule = logic.weighted([0.5, 0.25, -0.5], 0.25)
    assert rule(np.array([[0, 1, 0], [1, 0, 1], [1, 1, 1], [1, 0, 0]], dtype=bool)).tolist() == [
        True,
        False,
        True,
        True,
    ]


def test_weights_are_kept_as_they_were():
    weights = np.array([1.0, 1.0])
    rule = logic.weighted(weights, 2.0)
    weights[:] = 0
    assert rule(np.array([[True, True]])).tolist() == [True]


@pytest.mark.parametrize("rule", [logic.none, logic.odd])
@pytest.mark.parametrize("states", [[True, False], [[2, 0]], [[0.5, 0]]])
def test_states_of_a_rule_are_rows_of_booleans(rule, states):
    with pytest.raises(ValueError, match="states must be booleans of shape"):
        rule(np.array(states))
    assert rule(np.array([[1, 0], [0, 0], [1, 1]])).tolist() == (
        [False, True, False] if rule is logic.none else [True, False, False]
    )
