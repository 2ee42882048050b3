import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from toymodels.neurashed import graphs


@pytest.mark.parametrize(
    "task",
    [
        graphs.worked_example(),
        graphs.three_class(),
        graphs.batch_size(),
        graphs.information_bottleneck(),
        graphs.information_bottleneck(shared=False),
        graphs.random_classes(1000, 3, 2, 3, 4, np.random.default_rng(0)),
    ],
)
def test_every_named_graph_passes_its_own_consistency_check(task):
    classes = task.labels[:, None] == np.arange(task.model.n_classes)
    task.model.check([*task.model.fire(task.inputs), classes])
    assert len(task.names) == len(task.inputs)


def test_the_worked_example_shares_seven_five_and_two_features():
    inputs = graphs.worked_example().inputs.astype(int)
    assert (inputs @ inputs.T).tolist() == [[7, 5, 2], [5, 7, 2], [2, 2, 3]]


def test_pathways_of_figure_2_overlap_less_and_less():
    task = graphs.three_class()
    pathways = [task.model.pathway(x) for x in task.inputs]
    assert [len(pathways[0] & other) for other in pathways[1:]] == [7, 3, 0]


@pytest.mark.parametrize(("shared", "mirror", "common"), [(True, 14, {7}), (False, 15, set())])
def test_figure_5_has_the_patterns_of_its_caption_and_their_mirror_images(shared, mirror, common):
    task = graphs.information_bottleneck(shared)
    patterns = [set((np.flatnonzero(x) + 1).tolist()) for x in task.inputs]
    assert patterns[:4] == [{1, 2, 7}, {2, 3, 7}, {4, 5, 7}, {5, 6, 7}]
    assert patterns[4:] == [{mirror - node for node in pattern} for pattern in patterns[:4]]
    assert set.union(*patterns[:4]) & set.union(*patterns[4:]) == common
    second = task.model.fire(task.inputs)[1].astype(int)
    left = [[1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 1, 1]]
    assert second.tolist() == [[*row, 0, 0, 0] for row in left] + [[0, 0, 0, *row[::-1]] for row in left]


@given(
    st.integers(8, 40), st.integers(1, 3), st.integers(1, 3), st.integers(2, 4), st.integers(1, 4), st.integers(0, 99)
)
def test_random_classes_fire_their_chosen_nodes_and_share_at_least_b1(m, b1, b2, n_classes, depth, seed):
    task = graphs.random_classes(m, b1, b2, n_classes, depth, np.random.default_rng(seed))
    levels = task.model.fire(task.inputs)
    assert (levels[0].sum(axis=1) <= b1 + b2).all()
    for level in levels:
        assert (level.sum(axis=1) >= max(b1, b2)).all()
        assert level.all(axis=0).sum() >= b1
        assert level.any(axis=0).all()


def test_random_classes_without_overlap_have_exactly_b1_plus_b2_nodes():
    task = graphs.random_classes(10**6, 3, 2, 4, 3, np.random.default_rng(0))
    assert len(task.model.nodes) == 3 * (3 + 4 * 2)
    assert len(task.model.edges) == 4 * 5


def test_batch_size_graph_separates_types():
    task = graphs.batch_size(2, 3, 4)
    levels = task.model.fire(task.inputs)
    assert_array_equal(levels[0], levels[1])
    assert levels[0].all(axis=0).sum() == 2
    assert (levels[0].sum(axis=1) == 5).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: graphs.batch_size(n_own=0), "n_own"),
        (lambda: graphs.random_classes(4, 5, 2, 3, 1, np.random.default_rng(0)), "b1 and b2 must be <= m = 4"),
        (lambda: graphs.random_classes(4, 1, 2, 3, 0, np.random.default_rng(0)), "depth"),
    ],
)
def test_bad_sizes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_built_graph_has_the_dependencies_and_rules_it_was_given():
    model = graphs.build(3, [{0: ([0, 1], "all"), 4: ([2], "any")}, {1: ([0, 4], ("atleast", 2))}], [[1], [1]])
    assert set(model.graph.edges) == {
        ((0, 0), (1, 0)),
        ((0, 1), (1, 0)),
        ((0, 2), (1, 4)),
        ((1, 0), (2, 1)),
        ((1, 4), (2, 1)),
        ((2, 1), (3, 0)),
        ((2, 1), (3, 1)),
    }
    assert model.nodes == ((0, 0), (0, 1), (0, 2), (1, 0), (1, 4), (2, 1))
    assert [model.graph.nodes[node].get("rule") for node in model.nodes[3:]] == ["all", "any", ("atleast", 2)]
    assert graphs.build(2, [], [[0], [1]]).edges == (((0, 0), (1, 0)), ((0, 1), (1, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((graphs.MOST_INPUTS + 1, [], [[0]]), "n_inputs must be <= 10000000, got 10000001"),
        ((0, [], [[0]]), "n_inputs must be >= 1, got 0"),
        ((1, {0: ([0], "any")}, [[0]]), "hidden must be a sequence of mappings"),
        ((1, [{0: ([0], "any")}, [0]], [[0]]), "hidden must be a sequence of mappings"),
        ((1, [], "0"), "classes must be a sequence of parents"),
        ((1, [], {0: [0]}), "classes must be a sequence of parents"),
    ],
)
def test_what_is_no_list_of_dependencies_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        graphs.build(*arguments)


def test_types_of_the_batch_size_graph_are_worked_by_hand():
    """One shared node, and nodes 1 2, 3 4 and 5 6 for the three types; own nodes need the shared one too."""
    task = graphs.batch_size(1, 2, 3)
    assert task.inputs.astype(int).tolist() == [[1, 1, 1, 0, 0, 0, 0], [1, 0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 1, 1]]
    assert task.labels.tolist() == [0, 0, 0]
    assert task.names == ("type 1", "type 2", "type 3")
    assert task.model.fire([[1, 1, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0, 0]])[1].astype(int).tolist() == [
        [1, 0, 0, 1, 1, 0, 0],
        [0] * 7,
    ]
    assert len(task.model.edges) == 7
    assert graphs.batch_size().inputs.sum(axis=1).tolist() == [6, 6]
    assert graphs.batch_size().inputs.shape == (2, 9)


def test_classes_of_the_named_graphs_are_those_of_their_figures():
    assert graphs.three_class().labels.tolist() == [0, 0, 1, 2]
    assert graphs.worked_example().labels.tolist() == [0, 1, 2]
    task = graphs.information_bottleneck()
    assert task.labels.tolist() == [0] * 4 + [1] * 4
    assert task.names[4:] == ("(7, 12, 13)", "(7, 11, 12)", "(7, 9, 10)", "(7, 8, 9)")
    assert graphs.information_bottleneck(shared=False).names[4] == "(8, 13, 14)"


def test_a_second_level_node_of_figure_5_that_counts_needs_two_of_its_seven_parents():
    model = graphs.information_bottleneck(shared=False).model
    one, two, others = np.zeros((3, 14), dtype=bool)
    one[6], two[[5, 6]], others[[6, 7]] = True, True, True
    assert model.fire([one, two, others])[1][:, [1, 4]].tolist() == [[False, False], [True, False], [False, False]]


def test_classes_may_take_every_node_of_a_level():
    task = graphs.random_classes(3, 3, 3, 2, 2, np.random.default_rng(0))
    assert task.inputs.all()
    assert [level.shape for level in task.model.fire(task.inputs)] == [(2, 3), (2, 3)]
    assert task.names == ("class 1", "class 2")
    for b1, b2 in ((4, 1), (1, 4)):
        with pytest.raises(ValueError, match=f"b1 and b2 must be <= m = 3, got {b1} and {b2}"):
            graphs.random_classes(3, b1, b2, 2, 2, np.random.default_rng(0))


@given(st.integers(0, 999), st.integers(2, 3))
def test_nodes_of_random_classes_fire_for_their_classes_inputs_and_not_for_a_part_of_them(seed, n_classes):
    """Levels are connected completely, class by class, so that one silent feature silences all above it."""
    task = graphs.random_classes(10**6, 1, 2, n_classes, 3, np.random.default_rng(seed))
    for row in task.inputs:
        levels = task.model.fire(row[None])
        assert [level.sum() for level in levels] == [3, 3, 3]
        own = np.flatnonzero(row & (task.inputs.sum(axis=0) == 1))[0]
        broken = row.copy()
        broken[own] = False
        assert [level.sum() for level in task.model.fire(broken[None])] == [2, 0, 0]
