"""Compiled graphs: their matrices by hand, their rules by looking at every state of the parents."""

import itertools

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from toymodels.neurashed.compilation import TABULATED, compile_graph

XOR = {(True, False): True, (False, True): True, (True, True): False}


def one_level(*nodes, n_inputs=4):
    """A graph with nodes (rule, parents at level 0) on level 1, all leading to one class."""
    graph = nx.DiGraph()
    graph.add_nodes_from((0, k) for k in range(n_inputs))
    for index, (rule, parents) in enumerate(nodes):
        graph.add_node((1, index), rule=rule)
        graph.add_edges_from(((0, parent), (1, index)) for parent in parents)
        graph.add_edge((1, index), (2, 0))
    return graph


def all_states(n):
    """Every state of n nodes, (n, 2^n)."""
    return np.array(list(itertools.product([False, True], repeat=n))).T


def test_terms_of_every_kind_of_rule_are_worked_by_hand():
    graph = one_level(("any", [0, 2]), (XOR, [1, 3]), ("all", [0, 1, 3]), (("atleast", 2), [0, 1, 2]))
    (level,) = compile_graph(graph).levels
    assert_array_equal(level.parents.toarray(), [[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 1], [1, 1, 1, 0]])
    assert_array_equal(level.terms.toarray(), [[1, 0, 1, 0], [0, 1, 0, -1], [0, -1, 0, 1], [1, 1, 0, 1], [1, 1, 1, 0]])
    assert_array_equal(level.thresholds, [[1], [1], [1], [3], [2]])
    assert_array_equal(level.first_term, [0, 1, 3, 4])
    assert level.tables is None
    assert level.calls == ()
    assert level.terms.dtype == level.thresholds.dtype == np.float32


def odd(states):
    return states.sum(axis=1) % 2 == 1


def first_without_last(states):
    return states[:, 0] & ~states[:, -1]


def test_tables_of_callables_stand_one_after_another_and_are_looked_up_by_binary_number():
    graph = one_level((odd, [1, 3]), ("all", [0, 1]), (first_without_last, [0, 2, 3]), (odd, [2]))
    (level,) = compile_graph(graph).levels
    assert_array_equal(level.tables.nodes, [0, 2, 3])
    assert_array_equal(level.tables.powers.toarray(), [[0, 1, 0, 2], [1, 0, 2, 4], [0, 0, 1, 0]])
    assert_array_equal(level.tables.first, [[0], [4], [12]])
    assert_array_equal(
        level.tables.states, [0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1]
    )  # first parent is the lowest digit
    below = all_states(4)
    expected = [below[1] ^ below[3], below[0] & below[1], below[0] & ~below[3], below[2]]
    assert_array_equal(level.fire(below), expected)


@pytest.mark.parametrize("arity", [TABULATED - 1, TABULATED, TABULATED + 1])
def test_a_callable_is_asked_once_if_it_has_few_parents_and_whenever_it_fires_if_it_has_many(arity):
    asked = []

    def rule(states):
        asked.append(states.shape)
        states[:, 0] ^= True  # what is handed over is a copy
        return ~states[:, 0]

    graph = one_level(("any", [1]), (rule, range(arity)), ("any", [arity - 1]), n_inputs=arity)
    (level,) = compile_graph(graph).levels
    few = arity <= TABULATED
    assert asked == [(2**arity, arity) if few else (2, arity)]
    below = np.random.default_rng(0).random((arity, 9)) < 0.5
    before = below.copy()
    assert_array_equal(level.fire(below), before[[1, 0, arity - 1]])
    assert_array_equal(below, before)
    assert asked[1:] == ([] if few else [(9, arity)])


def test_a_callable_of_many_parents_sees_them_in_order_wherever_they_stand():
    parents = [k for k in range(14) if k not in (0, 5)]
    graph = one_level(("any", [0]), (first_without_last, parents), n_inputs=14)
    (level,) = compile_graph(graph).levels
    below = np.random.default_rng(1).random((14, 50)) < 0.5
    assert_array_equal(level.fire(below)[1], below[1] & ~below[13])


@pytest.mark.parametrize("arity", [3, TABULATED + 2])
@pytest.mark.parametrize(
    ("rule", "got"),
    [
        (lambda states: states.any(), r"shape \(\) of bool"),
        (lambda states: states, r"shape \(\d+, \d+\) of bool"),
        (lambda states: states.sum(axis=1), r"shape \(\d+,\) of int64"),
        (lambda states: states[1:, 0], r"shape \(\d+,\) of bool"),
    ],
)
def test_callables_that_give_no_booleans_are_refused_when_compiled(arity, rule, got):
    n = 8 if arity == 3 else 2
    message = rf"rule of node \(1, 1\) must give {n} booleans for \({n}, {arity}\) states, got {got}"
    with pytest.raises(ValueError, match=message):
        compile_graph(one_level(("any", [0]), (rule, range(arity)), n_inputs=arity))


def test_a_callable_that_fails_later_is_named_by_its_place():
    graph = one_level(("any", [0]), (lambda states: states[:2, 0], range(12)), n_inputs=12)
    (level,) = compile_graph(graph).levels
    with pytest.raises(ValueError, match=r"rule at position 1 must give 5 booleans for \(5, 12\) states"):
        level.fire(np.ones((12, 5), dtype=bool))


def test_a_callable_of_few_parents_must_fire_for_some_state():
    rules = [(odd, [0, 1]), (lambda states: states[:, 0] & ~states[:, 0], [2, 3])]
    with pytest.raises(ValueError, match=r"rule of node \(1, 1\) must fire for some states of its parents"):
        compile_graph(one_level(*rules))


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ("any", False),
        ("all", False),
        (XOR, False),
        ({(False, False): True, (True, True): True}, True),
        ({(False, False): False, (True, True): True}, False),
        (odd, True),
    ],
)
def test_only_callables_and_tables_of_silence_may_start_without_parents(rule, may):
    (level,) = compile_graph(one_level(("all", [0, 1]), (rule, [1, 2]))).levels
    assert level.may_start is may


def test_callables_of_many_parents_may_start_too():
    (level,) = compile_graph(one_level((odd, range(12)), n_inputs=12)).levels
    assert level.tables is None
    assert level.may_start


def test_nodes_that_fire_in_silence_are_those_that_start():
    rule = {(False, False): True, (True, True): True, (True, False): True}
    (level,) = compile_graph(one_level((rule, [0, 1]), ("any", [1, 2]), n_inputs=3)).levels
    below = all_states(3)
    fires = level.fire(below)
    silent = ~(below[0] | below[1])
    assert_array_equal(fires, [~below[1] | below[0], below[1] | below[2]])
    assert_array_equal(level.starting(below, fires), [silent, np.zeros(8, dtype=bool)])


def three_levels(*edges):
    graph = nx.DiGraph()
    graph.add_nodes_from([(0, 0), (0, 5)])
    graph.add_nodes_from([(1, 1), (1, 4)], rule="any")
    graph.add_node((2, 3), rule="all")
    graph.add_edges_from(edges)
    graph.add_edges_from([((0, 0), (1, 1)), ((0, 5), (1, 4)), ((1, 1), (2, 3)), ((1, 4), (2, 3))])
    graph.add_edges_from([((2, 3), (3, 1)), ((2, 3), (3, 0))])
    return graph


def test_nodes_are_sorted_and_edges_into_classes_are_positions_in_the_last_level():
    compiled = compile_graph(three_levels())
    assert compiled.nodes == (((0, 0), (0, 5)), ((1, 1), (1, 4)), ((2, 3),), ((3, 0), (3, 1)))
    assert compiled.edge_source.tolist() == [0, 0]
    assert compiled.edge_class.tolist() == [0, 1]
    first, second = compiled.levels
    assert_array_equal(first.parents.toarray(), np.eye(2))
    assert_array_equal(second.parents.toarray(), [[1, 1]])


def test_where_edges_skip_levels_positions_are_among_all_nodes_below():
    graph = three_levels(((0, 5), (2, 3)), ((1, 1), (3, 0)), ((0, 0), (3, 1)))
    compiled = compile_graph(graph, skip=True)
    assert list(zip(compiled.edge_source.tolist(), compiled.edge_class.tolist(), strict=True)) == [
        (0, 1),
        (2, 0),
        (4, 0),
        (4, 1),
    ]
    first, second = compiled.levels
    assert_array_equal(first.parents.toarray(), np.eye(2))
    assert_array_equal(second.parents.toarray(), [[0, 1, 1, 1]])
    assert_array_equal(second.thresholds, [[3]])


@pytest.mark.parametrize("edge", [((0, 0), (0, 5)), ((1, 4), (1, 1)), ((2, 3), (1, 1)), ((3, 0), (0, 0))])
def test_skipping_edges_must_go_up_all_the_same(edge):
    with pytest.raises(ValueError) as refused:
        compile_graph(three_levels(edge), skip=True)
    assert str(refused.value) == f"edges must go up, got {edge[0]} -> {edge[1]}"


@pytest.mark.parametrize("edge", [((0, 0), (2, 3)), ((1, 1), (3, 0)), ((0, 0), (0, 5)), ((2, 3), (1, 1))])
def test_without_skipping_edges_go_to_the_next_level_only(edge):
    with pytest.raises(ValueError) as refused:
        compile_graph(three_levels(edge))
    assert str(refused.value) == f"edges must go one level up (no cycle, no skip), got {edge[0]} -> {edge[1]}"


def with_node(node, **attributes):
    graph = three_levels()
    graph.add_node(node, **attributes)
    return graph


def with_rule(rule):
    return one_level(("any", [0]), (rule, [0, 2]))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (nx.Graph([((0, 0), (1, 0))]), "graph must be a networkx.DiGraph, got Graph"),
        (nx.MultiDiGraph([((0, 0), (1, 0))]), "graph must be a networkx.DiGraph, got MultiDiGraph"),
        (None, "graph must be a networkx.DiGraph, got NoneType"),
        (nx.DiGraph(), "levels must be 0, 1, ... with at least two of them, got []"),
        (with_node((5, 0)), "levels must be 0, 1, ... with at least two of them, got [0, 1, 2, 3, 5]"),
        (with_node((0, True)), "nodes must be (level, index) with integers >= 0, got (0, True)"),
        (with_node((0, -3)), "nodes must be (level, index) with integers >= 0, got (0, -3)"),
        (with_node((0, 0), rule="any"), "rule is only for hidden nodes above level 0, got one on node (0, 0)"),
        (with_node((3, 1), rule="any"), "rule is only for hidden nodes above level 0, got one on node (3, 1)"),
        (with_node((1, 9), rule="any"), "every node above level 0 must have a parent, got none for node (1, 9)"),
        (with_node((3, 2)), "every node above level 0 must have a parent, got none for node (3, 2)"),
        (with_node((3, 3)), "class nodes must have indices 0 ... K-1, got [(3, 0), (3, 1), (3, 3)]"),
        (with_rule(("atleast", 0)), "rule of node (1, 1): 'atleast' must be 1 ... 2 (its parents), got 0"),
        (with_rule(("atleast", 3)), "rule of node (1, 1): 'atleast' must be 1 ... 2 (its parents), got 3"),
        *(
            (
                with_rule(rule),
                f"rule of node (1, 1) must be 'any', 'all', ('atleast', k), a truth table or a callable, got {rule!r}",
            )
            for rule in (
                None,
                "some",
                ("atleast",),
                ("atleast", 1.0),
                ("atleast", True),
                ("atleast", 1, 1),
                ("most", 1),
                ["atleast", 1],
            )
        ),
        *(
            (
                with_rule({(True, False): True, pattern: True}),
                f"truth table of node (1, 1) must have keys of 2 booleans (its parents), got {pattern!r}",
            )
            for pattern in ((True,), (True, True, True), (True, 1), (0, True), "ab", 3)
        ),
        (
            with_rule({(True, False): True, (True, True): 1}),
            "truth table of node (1, 1) must have booleans as values, got 1",
        ),
        (
            with_rule({(True, False): False}),
            "truth table of node (1, 1) must fire for some pattern, got none that does",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_node_at_fault(graph, message):
    with pytest.raises(ValueError) as refused:
        compile_graph(graph)
    assert str(refused.value) == message


@pytest.mark.parametrize("k", [1, 2])
def test_as_many_parents_as_there_are_may_be_asked_for(k):
    (level,) = compile_graph(with_rule(("atleast", k))).levels
    below = all_states(4)
    assert_array_equal(level.fire(below)[1], below[[0, 2]].sum(axis=0) >= k)


def test_numpy_booleans_are_states():
    table = {(np.True_, np.False_): np.True_, (False, np.True_): False}
    (level,) = compile_graph(with_rule(table)).levels
    below = all_states(4)
    assert_array_equal(level.fire(below)[1], below[0] & ~below[2])


def test_a_graph_of_inputs_and_classes_alone_has_no_level_to_fire():
    compiled = compile_graph(nx.DiGraph([((0, 0), (1, 1)), ((0, 3), (1, 0))]))
    assert compiled.levels == ()
    assert compiled.edge_source.tolist() == [0, 1]
    assert compiled.edge_class.tolist() == [1, 0]
    lonely = nx.DiGraph()
    lonely.add_node((0, 0))
    with pytest.raises(ValueError, match=r"with at least two of them, got \[0\]"):
        compile_graph(lonely)
