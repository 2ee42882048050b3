import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.neurashed import Additive, Multiplicative, Neurashed, from_names, logic

ANIMALS = {
    "eyes": None,
    "fur": None,
    "wheels": None,
    "head": ("any", ["eyes", "fur"]),
    "animal": ("all", ["head", "fur"]),
    "toy": (logic.odd, ["wheels", "fur"]),
}


def animals():
    return from_names(ANIMALS, classes={"cat": ["animal", "eyes"], "car": ["toy", "wheels"]})


def test_levels_follow_from_what_depends_on_what():
    model = animals()
    assert model.skip
    assert {name: node[0] for name, node in model.names.items()} == {
        **dict.fromkeys(("eyes", "fur", "wheels"), 0),
        **dict.fromkeys(("head", "toy"), 1),
        "animal": 2,
        **dict.fromkeys(("cat", "car"), 3),
    }
    firing = np.hstack(model.fire(model.inputs(["fur"], ["wheels", "fur"], [])))
    column = {name: model.nodes.index(node) for name, node in model.names.items() if node[0] < 3}
    assert firing[:, column["animal"]].tolist() == [True, True, False]
    assert firing[:, column["toy"]].tolist() == [True, False, False]


def test_rules_see_parents_in_the_order_given():
    def first_only(states):
        return states[:, 0] & ~states[:, 1]

    table = {(True, False): True}
    for rule in (first_only, table):
        model = from_names({"a": None, "b": None, "c": (rule, ["b", "a"])}, classes={"k": ["c"]})
        assert np.hstack(model.fire(model.inputs(["a"], ["b"], ["a", "b"])))[:, 2].tolist() == [False, True, False]


@given(seed=st.integers(0, 10_000))
def test_skipping_edges_equal_a_chain_of_relays(seed):
    rng = np.random.default_rng(seed)
    graph, relayed = nx.DiGraph(), nx.DiGraph()
    for model in (graph, relayed):
        model.add_nodes_from((0, k) for k in range(3))
        model.add_nodes_from(((1, k) for k in range(2)), rule="any")
        model.add_nodes_from(((2, k) for k in range(2)), rule="any")
        model.add_edges_from(((0, k), (1, k % 2)) for k in range(3))
        model.add_edges_from(((1, k), (2, k)) for k in range(2))
        model.add_edges_from(((2, k), (3, k)) for k in range(2))
    low, high = (int(rng.integers(3)), int(rng.integers(2)))
    graph.add_edges_from([((0, low), (2, high)), ((1, 0), (3, 1))])
    for relay, source, target in (((1, 2), (0, low), (2, high)), ((2, 2), (1, 0), (3, 1))):
        relayed.add_node(relay, rule="any")
        relayed.add_edges_from([(source, relay), (relay, target)])
    skipping, chain = Neurashed(graph, skip=True), Neurashed(relayed)
    x = rng.integers(0, 2, (6, 3)).astype(bool)
    amplification = dict(zip(skipping.nodes, rng.uniform(0.1, 2, len(skipping.nodes)), strict=True))
    weights = dict(zip(skipping.edges, rng.uniform(0.1, 2, len(skipping.edges)), strict=True))
    values = np.array([amplification[node] for node in skipping.nodes])
    edges = np.array([weights[edge] for edge in skipping.edges])
    chain_values = np.array([amplification.get(node, 1.0) for node in chain.nodes])
    chain_edges = np.array([weights[((1, 0), (3, 1)) if edge == ((2, 2), (3, 1)) else edge] for edge in chain.edges])
    expected = chain.logits(chain_values, chain_edges, chain.fire(x))
    assert_allclose(skipping.logits(values, edges, skipping.fire(x)), expected, rtol=1e-12)
    with np.errstate(divide="ignore"):
        logs = skipping.log_logits(np.log(values), np.log(edges), skipping.fire(x))
        assert_allclose(logs, np.log(expected), rtol=1e-10, atol=1e-12)


def test_training_takes_rules_by_name_and_counts_firing_through_skips():
    model = animals()
    x = model.inputs(["eyes", "fur"], ["wheels"])
    rules = {"head": Multiplicative(2.0, 1.0), "default": Additive(1.0)}
    run = model.train(x, [0, 1], rules, n_steps=4, rng=np.random.default_rng(0), initial=1.0, order=[[0]] * 3 + [[1]])
    last = dict(zip(model.nodes, run["amplification"][-1], strict=True))
    assert last[model.named("head")] == pytest.approx(8.0)
    assert last[model.named("fur")] == last[model.named("animal")] == 4.0
    edges = dict(zip(model.edges, run["edge_weights"][-1], strict=True))
    assert edges[(model.named("eyes"), model.named("cat"))] == 4.0
    assert edges[(model.named("wheels"), model.named("car"))] == 2.0


def test_numpy_integers_are_indices():
    graph = nx.DiGraph()
    graph.add_node((np.int64(1), np.int64(0)), rule=("atleast", np.int64(1)))
    graph.add_edges_from([((np.int64(0), np.int64(k)), (np.int64(1), np.int64(0))) for k in range(2)])
    graph.add_edge((1, 0), (2, 0))
    assert_array_equal(Neurashed(graph).fire([[0, 1]])[1], [[True]])


@pytest.mark.parametrize(
    ("features", "classes", "words"),
    [
        ({"a": None, "b": ("any", ["z"])}, {"k": ["b"]}, "parents of 'b' must be features, got 'z'"),
        ({"a": ("any", ["b"]), "b": ("any", ["a"])}, {"k": ["b"]}, "must not depend on themselves, got a -> b -> a"),
        ({"a": None}, {"a": ["a"]}, "names must differ, got 'a' as feature and class"),
        ({"a": None}, {"k": ["z"]}, "parents of class 'k' must be features, got 'z'"),
        ({"a": None, "b": ("any", "a")}, {"k": ["b"]}, "must be None or \\(rule, names of parents\\)"),
        ({"a": None, "b": ("any", ["a", "a"])}, {"k": ["b"]}, "one or more different features"),
        ({"default": None}, {"k": ["default"]}, "must be a text other than edges, default"),
        ({"a": None}, {"k": []}, "must have a parent"),
    ],
)
def test_what_makes_no_model_is_named(features, classes, words):
    with pytest.raises(ValueError, match=words):
        from_names(features, classes)


def test_names_and_features_that_are_not_there_are_named():
    model = animals()
    with pytest.raises(ValueError, match=r"name must be one of eyes, .*, got 'dog'"):
        model.named("dog")
    with pytest.raises(ValueError, match="features must be of level 0, got 'head'"):
        model.inputs(["head"])
    graph = nx.DiGraph([((0, 0), (1, 0))])
    nx.set_node_attributes(graph, "twin", "name")
    with pytest.raises(ValueError, match="names must differ, got 'twin'"):
        Neurashed(graph)
    with pytest.raises(ValueError, match="edges must go up"):
        Neurashed(nx.DiGraph([((0, 0), (1, 0)), ((1, 0), (0, 0))]), skip=True)


@pytest.mark.parametrize("name", [5, "", "edges", "default", ("a",)])
def test_names_are_texts_that_mean_nothing_else(name):
    graph = from_names({"a": None}, {"one": ["a"], "two": ["a"]}).graph.copy()
    graph.nodes[0, 0]["name"] = name
    with pytest.raises(ValueError, match=r"name of node \(0, 0\) must be a text other than edges, default, got "):
        Neurashed(graph)


@pytest.mark.parametrize("node", ["ab", (0,), (0, 1, 2), (0, "a"), ("a", 0), (0, -1), (-1, 0), (0, 1.0), 3])
def test_nodes_are_pairs_of_a_level_and_an_index(node):
    graph = from_names({"a": None}, {"one": ["a"], "two": ["a"]}).graph.copy()
    graph.add_node(node)
    with pytest.raises(ValueError, match=r"nodes must be \(level, index\) with integers >= 0, got "):
        Neurashed(graph)
