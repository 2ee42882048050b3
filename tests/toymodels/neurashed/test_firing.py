"""Which features fire: chunks, names, labels and the consistency of pathways, on graphs worked by hand."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.toymodels.neurashed import oracle
from toymodels.neurashed.firing import CHUNK, FeatureGraph


def animals(skip=False):
    """fur, legs, wheels; mammal = fur and legs, moving = legs or wheels; cat, car and, if edges may skip, rug."""
    graph = nx.DiGraph()
    for index, name in enumerate(("fur", "legs", "wheels")):
        graph.add_node((0, 2 * index), name=name)
    graph.add_node((1, 0), rule="all", name="mammal")
    graph.add_node((1, 1), rule="any")
    graph.add_node((2, 0), name="cat")
    graph.add_edges_from([((0, 0), (1, 0)), ((0, 2), (1, 0)), ((0, 2), (1, 1)), ((0, 4), (1, 1))])
    graph.add_edges_from([((1, 0), (2, 0)), ((1, 1), (2, 0)), ((1, 1), (2, 1))])
    if skip:
        graph.add_edge((0, 0), (2, 2))
    return FeatureGraph(graph, skip)


EVERY_INPUT = np.array([[(k >> j) & 1 for j in range(3)] for k in range(8)], dtype=bool)


def by_hand(inputs):
    fur, legs, wheels = inputs.T
    return np.stack([fur, legs, wheels, fur & legs, legs | wheels], axis=1)


@pytest.mark.parametrize("skip", [False, True])
def test_nodes_edges_and_positions(skip):
    model = animals(skip)
    assert model.nodes == ((0, 0), (0, 2), (0, 4), (1, 0), (1, 1))
    assert model.offsets.tolist() == [0, 3, 5]
    up = [((1, 0), (2, 0)), ((1, 1), (2, 0)), ((1, 1), (2, 1))]
    assert list(model.edges) == ([((0, 0), (2, 2)), *up] if skip else up)
    assert model.edge_origin.tolist() == ([0, 3, 4, 4] if skip else [3, 4, 4])
    assert model.n_classes == (3 if skip else 2)
    assert model.names == {"fur": (0, 0), "legs": (0, 2), "wheels": (0, 4), "mammal": (1, 0), "cat": (2, 0)}


@pytest.mark.parametrize("skip", [False, True])
def test_every_input_of_a_small_graph_fires_what_it_does_by_hand(skip):
    model = animals(skip)
    assert_array_equal(model.firing_table(EVERY_INPUT), by_hand(EVERY_INPUT))
    levels = model.fire(EVERY_INPUT.astype(int))
    assert [level.shape for level in levels] == [(8, 3), (8, 2)]
    assert_array_equal(np.hstack(levels), by_hand(EVERY_INPUT))


@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7])
@pytest.mark.parametrize("skip", [False, True])
def test_samples_fire_as_they_do_alone_however_many_there_are(n, skip):
    inputs = np.random.default_rng(n).random((n, 3)) < 0.5
    assert_array_equal(animals(skip).firing_table(inputs), by_hand(inputs))


@given(oracle.graphs(), st.integers(0, 2**32 - 1))
def test_pathways_are_the_nodes_that_fire_one_by_one(graph, seed):
    inputs, labels = oracle.samples(graph, seed, n=3)
    model = FeatureGraph(graph)
    for x, label in zip(inputs, labels, strict=True):
        firing = {node for node, on in oracle.states_of(graph, x).items() if on}
        assert model.pathway(x) == firing
        assert model.pathway(x, int(label)) == firing | {(len(model.compiled.nodes) - 1, int(label))}


def test_inputs_are_given_by_names_and_nodes():
    model = animals()
    assert_array_equal(
        model.inputs(["fur", (0, 4)], [], ("legs",), {(0, 2), "wheels"}),
        [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 1]],
    )
    assert model.inputs(["fur"]).dtype == bool
    assert model.inputs().shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.inputs(["mammal"]), "features must be of level 0, got 'mammal'"),
        (lambda model: model.inputs([(1, 1)]), r"features must be of level 0, got \(1, 1\)"),
        (lambda model: model.inputs([(0, 1)]), r"features must be of level 0, got \(0, 1\)"),
        (lambda model: model.inputs(["fur"], 3), "features must be iterables of names or nodes, got 3"),
        (lambda model: model.inputs(["dog"]), "name must be one of fur, legs, wheels, mammal, cat, got 'dog'"),
        (
            lambda model: FeatureGraph(nx.DiGraph([((0, 0), (1, 0))])).named("fur"),
            r"name must be one of \(no node has a name\), got 'fur'",
        ),
        (lambda model: model.pathway([1, 0, 1], 2), r"labels must be in 0 ... 1, got 2 ... 2"),
        (lambda model: model.pathway([1, 0, 1], -1), r"labels must be in 0 ... 1, got -1 ... -1"),
        (lambda model: model.firing_table([True, False, True]), r"inputs must have shape \(n >= 1, 3\), got \(3,\)"),
        (lambda model: model.firing_table(np.ones((2, 4))), r"inputs must have shape \(n >= 1, 3\), got \(2, 4\)"),
        (lambda model: model.firing_table(np.ones((0, 3))), r"inputs must have shape \(n >= 1, 3\), got \(0, 3\)"),
        (lambda model: model.firing_table([[1, 0, 2]]), "inputs must be booleans, or 0 and 1"),
        (lambda model: model.check_labels([0, 1, 0], 2), r"labels must be 2 integers, got shape \(3,\) of int64"),
        (lambda model: model.check_labels([[0, 1]], 2), r"labels must be 2 integers, got shape \(1, 2\) of int64"),
        (lambda model: model.check_labels([0.0, 1.0], 2), r"labels must be 2 integers, got shape \(2,\) of float64"),
        (lambda model: model.check_labels([True, False], 2), "labels must be 2 integers, got .* of bool"),
        (lambda model: model.check_labels([1, -1], 2), r"labels must be in 0 ... 1, got -1 ... 1"),
        (lambda model: model.check_labels([0, 2], 2), r"labels must be in 0 ... 1, got 0 ... 2"),
    ],
)
def test_bad_input_is_said_in_full(call, message):
    with pytest.raises(ValueError, match=message):
        call(animals())


@pytest.mark.parametrize("dtype", [int, np.uint8])
def test_labels_are_any_integers_from_the_first_class_to_the_last(dtype):
    assert animals().check_labels(np.array([0, 1, 1], dtype=dtype), 3).tolist() == [0, 1, 1]
    assert animals().pathway([1, 1, 0], 0) == {(0, 0), (0, 2), (1, 0), (1, 1), (2, 0)}


def test_rules_may_be_given_by_the_names_of_nodes():
    rules = {"mammal": 1, (1, 1): 2, "edges": 3, "dog": 4, "fur": 5}
    assert animals().by_node(rules) == {(1, 0): 1, (1, 1): 2, "edges": 3, "dog": 4, (0, 0): 5}
    for other in (None, 2.5, "mammal"):
        assert animals().by_node(other) == other


def consistent():
    """Three samples and their classes: a cat, a car, and a cat that no wheels trouble."""
    levels = animals().fire([[1, 1, 0], [0, 0, 1], [0, 1, 0]])
    return [level.copy() for level in levels], np.array([[1, 0], [0, 1], [1, 0]], dtype=bool)


def test_what_the_rules_say_is_consistent_with_classes_and_without():
    levels, classes = consistent()
    animals().check(levels)
    animals().check([level.astype(int) for level in levels])
    animals().check([*levels, classes])


@pytest.mark.parametrize(("sample", "node", "verb"), [(1, 0, "not fire"), (2, 1, "fire"), (0, 0, "fire")])
def test_a_state_against_its_rule_is_named_with_what_it_should_be(sample, node, verb):
    levels, _ = consistent()
    levels[1][sample, node] ^= True
    with pytest.raises(ValueError, match=rf"^sample {sample}: node \(1, {node}\) must {verb} by its rule$"):
        animals().check(levels)


def test_of_two_wrong_states_that_of_the_first_sample_is_named():
    levels, _ = consistent()
    levels[1][1, 1] ^= True
    levels[1][2, 0] ^= True
    with pytest.raises(ValueError, match=r"sample 1: node \(1, 1\) must fire"):
        animals().check(levels)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([[1, 0], [0, 0], [0, 0]], "sample 1: exactly one class node must fire, got 0"),
        ([[1, 0], [0, 1], [1, 1]], "sample 2: exactly one class node must fire, got 2"),
        ([[1, 0], [0, 1]], r"class states must have shape \(3, 2\), got \(2, 2\)"),
        ([[1, 0, 0]] * 3, r"class states must have shape \(3, 2\), got \(3, 3\)"),
    ],
)
def test_class_states_must_name_one_class_for_every_sample(classes, message):
    with pytest.raises(ValueError, match=message):
        animals().check([*consistent()[0], np.array(classes, dtype=bool)])


@pytest.mark.parametrize("skip", [False, True])
def test_a_class_needs_a_firing_parent_of_its_own(skip):
    """Fur alone leads to no class but, over a skipping edge, to the third; nothing leads to none."""
    model = animals(skip)
    n = model.n_classes
    levels = model.fire([[0, 1, 0], [1, 0, 0]])
    states = np.eye(n, dtype=bool)
    if skip:
        model.check([*levels, states[[1, 2]]])
        with pytest.raises(ValueError, match=r"sample 0: class node \(2, 2\) must have a firing parent"):
            model.check([*levels, states[[2, 2]]])
    with pytest.raises(ValueError, match=r"sample 1: class node \(2, 1\) must have a firing parent"):
        model.check([*levels, states[[1, 1]]])


@pytest.mark.parametrize("n_levels", [1, 4])
def test_states_are_given_for_every_level(n_levels):
    levels, classes = consistent()
    with pytest.raises(ValueError, match=f"firing must have 2 levels, or 3 with the classes, got {n_levels}"):
        animals().check([*levels, classes, classes][:n_levels])
    with pytest.raises(ValueError, match=r"firing of level 1 must have shape \(3, 2\), got \(2, 2\)"):
        animals().check([levels[0], levels[1][:2]])


def renamed(node, name):
    graph = animals().graph.copy()
    graph.nodes[node]["name"] = name
    return graph


@pytest.mark.parametrize("node", [(0, 0), (1, 1), (2, 1)])
@pytest.mark.parametrize("name", [7, "", "edges", "default", ("fur",), np.str_("")])
def test_names_that_are_no_texts_of_their_own_are_refused(node, name):
    with pytest.raises(ValueError, match="must be a text other than edges, default, got") as refused:
        FeatureGraph(renamed(node, name))
    assert str(node) in str(refused.value)


def test_a_name_used_twice_is_refused_with_both_its_nodes():
    with pytest.raises(ValueError, match=r"names must differ, got 'fur' for \(0, 0\) and \(2, 1\)"):
        FeatureGraph(renamed((2, 1), "fur"))
    assert "wheels" not in FeatureGraph(renamed((0, 4), None)).names
