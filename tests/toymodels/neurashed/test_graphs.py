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
