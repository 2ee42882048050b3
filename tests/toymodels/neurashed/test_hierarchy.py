import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.tolerances import MONTE_CARLO
from toymodels.neurashed import HierarchicalTask, Multiplicative
from toymodels.neurashed.pruning import accuracy

tasks = st.builds(
    HierarchicalTask,
    n_classes=st.integers(1, 4),
    n_shared=st.integers(1, 3),
    n_class=st.integers(2, 4),
    n_specific=st.integers(2, 8),
    class_per_sample=st.integers(1, 2),
    specific_per_sample=st.integers(1, 2),
    depth=st.integers(2, 4),
)


@given(tasks, st.integers(0, 999))
def test_samples_fire_consistent_pathways_that_reach_their_class(task, seed):
    rng = np.random.default_rng(seed)
    model = task.build(rng)
    inputs, labels = task.sample(9, rng)
    firing = model.fire(inputs)
    model.check([*firing, labels[:, None] == np.arange(task.n_classes)])
    assert (inputs.sum(axis=1) == task.n_shared + task.class_per_sample + task.specific_per_sample).all()
    own = [task.nodes_of(label)[0] for label in labels]
    assert firing[1][np.arange(9), np.array(own) - (task.n_shared if task.depth == 2 else 0)].all()


@given(tasks, st.integers(0, 999))
def test_no_node_of_another_class_fires(task, seed):
    rng = np.random.default_rng(seed)
    model = task.build(rng)
    inputs, labels = task.sample(task.n_classes, rng)
    for x, label in zip(inputs, labels, strict=True):
        others = {index for other in range(task.n_classes) if other != label for index in task.nodes_of(other)}
        assert not {index for _, index in model.pathway(x)} & others


def test_training_generalises_to_new_samples():
    task, rng = HierarchicalTask(), np.random.default_rng(0)
    model = task.build(rng)
    run = model.train(
        *task.sample(200, rng), Multiplicative(1.05, 0.98), n_steps=500, rng=rng, initial=0.1, sampling="epoch"
    )
    state = run["amplification"][-1], run["edge_weights"][-1]
    assert accuracy(model, *state, *task.sample(200, rng)) > 0.95


def test_the_same_generator_draws_the_same_task():
    task = HierarchicalTask()
    draws = [task.sample(20, np.random.default_rng(4))[0] for _ in range(2)]
    assert_array_equal(*draws)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 1}, "depth must be >= 2"),
        ({"class_per_sample": 5}, "class_per_sample must be <= n_class = 4"),
        ({"n_specific": 2}, "specific_per_sample must be <= n_specific = 2"),
        ({"n_classes": 0}, "n_classes"),
    ],
)
def test_bad_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalTask(**options)


LAYOUT = HierarchicalTask(
    n_classes=2, n_shared=2, n_class=3, n_specific=2, class_per_sample=2, specific_per_sample=1, depth=3
)


def test_the_layout_of_a_level_is_worked_by_hand():
    """Shared nodes 0 1, class nodes 2 3 4 and 5 6 7, specific ones 8 9."""
    assert LAYOUT.n_nodes == 10
    assert [list(LAYOUT.nodes_of(label)) for label in (0, 1)] == [[2, 3, 4], [5, 6, 7]]
    for label in (-1, 2):
        with pytest.raises(ValueError, match="label must be"):
            LAYOUT.nodes_of(label)


@pytest.mark.parametrize("seed", range(4))
def test_the_graph_is_the_one_described(seed):
    graph = LAYOUT.build(np.random.default_rng(seed)).graph
    assert sorted(index for level, index in graph if level == 1) == list(range(10))
    assert sorted(index for level, index in graph if level == 2) == list(range(2, 10))
    rules = set()
    for level, index in graph:
        if level not in (1, 2):
            continue
        parents, rule = sorted(k for _, k in graph.predecessors((level, index))), graph.nodes[level, index]["rule"]
        own = {2, 3, 4} if 2 <= index < 5 else {5, 6, 7}
        if index < 2:
            assert (parents, rule) == ([0, 1], "any")
        elif index >= 8:
            assert (parents, rule) == ([index], "any")
        elif index in (2, 5):
            assert (parents, rule) == ([0, 1, *sorted(own)], ("atleast", 3))
        else:
            assert parents[:2] == [0, 1]
            assert len(parents) == 4
            assert set(parents[2:]) <= own
            assert rule in (("atleast", 3), ("atleast", 4))
            rules.add(rule[1])
    for label, own in ((0, [2, 3, 4]), (1, [5, 6, 7])):
        assert sorted(k for _, k in graph.predecessors((3, label))) == [*own, 8, 9]


def test_other_class_nodes_fire_with_any_or_with_both_equally_often():
    task = HierarchicalTask(n_classes=30, n_class=21, n_specific=3, depth=2)
    graph = task.build(np.random.default_rng(0)).graph
    first = {task.nodes_of(label)[0] for label in range(30)}
    needs = [graph.nodes[1, k]["rule"][1] for label in range(30) for k in task.nodes_of(label) if k not in first]
    assert set(needs) == {task.n_shared + 1, task.n_shared + 2}
    assert abs(np.mean(needs) - task.n_shared - 1.5) < MONTE_CARLO * 0.5 / np.sqrt(len(needs))


def test_samples_take_classes_in_turn_and_their_features_at_random():
    inputs, labels = LAYOUT.sample(3000, np.random.default_rng(0))
    assert labels[:5].tolist() == [0, 1, 0, 1, 0]
    assert inputs[:, :2].all()
    for label, own, others in ((0, slice(2, 5), slice(5, 8)), (1, slice(5, 8), slice(2, 5))):
        mine = inputs[labels == label]
        assert not mine[:, others].any()
        assert (mine[:, own].sum(axis=1) == 2).all()
        error = MONTE_CARLO * np.sqrt(2 / 9 / len(mine))
        assert (np.abs(mine[:, own].mean(axis=0) - 2 / 3) < error).all()
    assert abs(inputs[:, 8].mean() - 0.5) < MONTE_CARLO * 0.5 / np.sqrt(3000)


@pytest.mark.parametrize(
    "smallest",
    [{"depth": 2}, {"n_class": 2}, {"class_per_sample": 4}, {"n_specific": 3}, {"n_classes": 1}, {"n_shared": 1}],
)
def test_sizes_may_be_at_the_end_of_their_range(smallest):
    task, rng = HierarchicalTask(**smallest), np.random.default_rng(0)
    model = task.build(rng)
    inputs, labels = task.sample(5, rng)
    model.check([*model.fire(inputs), labels[:, None] == np.arange(task.n_classes)])
