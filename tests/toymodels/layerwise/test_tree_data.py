import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.layerwise import (
    LinearNetwork,
    hierarchy,
    hierarchy_learning,
    hierarchy_levels,
    hierarchy_times,
)
from toymodels.layerwise.tree_data import _tree

trees = st.one_of(
    st.tuples(st.integers(1, 4), st.just(2)), st.tuples(st.integers(1, 2), st.integers(3, 4)), st.just((3, 3))
)


def common_levels(depth, branching):
    """(n, n): the lowest level at which two items still share their node, from their digits in base `branching`."""
    items = np.arange(branching**depth)
    paths = [items // branching ** (depth - level) for level in range(1, depth + 1)]
    return sum((path[:, None] == path).astype(int) for path in paths)


def correlation(depth, branching):
    x, y = hierarchy(depth, branching)
    return y.T @ x / len(x)


@given(trees)
def test_items_are_white_and_share_as_many_properties_as_their_paths_are_long(tree):
    x, y = hierarchy(*tree)
    assert_allclose(x.T @ x / len(x), np.eye(len(x)), **EXACT)
    assert np.array_equal(y @ y.T, common_levels(*tree) + 1)
    assert set(np.unique(y)) == {0.0, 1.0}
    assert y.shape[1] == sum(tree[1] ** level for level in range(tree[0] + 1))


@given(trees)
def test_singular_values_by_level_are_those_of_the_correlation(tree):
    levels = hierarchy_levels(*tree)
    expected = np.repeat(levels.singular_values, levels.multiplicities.astype(int))
    assert_allclose(np.linalg.svd(correlation(*tree), compute_uv=False), expected, rtol=1e-10)
    assert levels.multiplicities.sum() == tree[1] ** tree[0]


@given(st.integers(1, 15), st.integers(2, 10))
def test_singular_values_are_the_printed_fraction(depth, branching):
    level, n = np.arange(depth + 1), float(branching) ** depth
    expected = (float(branching) ** (depth - level + 1) - 1) / ((branching - 1) * n)
    assert_allclose(hierarchy_levels(depth, branching).singular_values ** 2, expected, rtol=1e-12)


@given(trees, st.floats(1e-4, 0.1), st.sampled_from([0.0, 0.5]))
def test_learning_is_that_of_the_linear_network_in_blocks_of_the_tree(tree, initial, lam):
    n, t = tree[1] ** tree[0], np.array([0.0, 2.0, 5.0, 9.0, 50.0])
    target = correlation(*tree)
    network = LinearNetwork.aligned(target, np.full(n, initial), hidden=n, imbalance=lam)
    run, level = network.solve(t), common_levels(*tree)
    learning = hierarchy_learning(t, *tree, initial=initial, imbalance=lam)
    for k in range(t.size):
        outputs = run["map"][k].T @ run["map"][k] * n
        assert_allclose(outputs, learning["output_similarity"][k][level], rtol=0, atol=1e-8 * n)
        assert_allclose(n * run["gram_in"][k], learning["hidden_similarity"][k][level], rtol=0, atol=1e-8 * n)
    assert_allclose(run["loss"], learning["loss"], rtol=1e-7, atol=1e-12)


@given(st.integers(1, 12), st.integers(2, 6), st.floats(1e-6, 1e-3), st.floats(-0.5, 0.5))
def test_levels_are_learned_in_order_from_the_root(depth, branching, initial, lam):
    initial = initial * branching**-depth
    when = hierarchy_times(depth, branching, initial=initial, imbalance=lam)
    assert np.all(np.diff(when) > 0)
    reached = np.diagonal(hierarchy_learning(when, depth, branching, initial=initial, imbalance=lam)["strength"])
    singular = hierarchy_levels(depth, branching).singular_values
    assert_allclose(reached, (initial + singular) / 2, rtol=1e-8)


@given(trees)
def test_at_the_end_items_have_their_properties_in_common(tree):
    run = hierarchy_learning([0.0, np.inf], *tree)
    assert_allclose(run["output_similarity"][-1], 1 + np.arange(tree[0] + 1), rtol=1e-9)
    assert_allclose(run["loss"][-1], 0, atol=1e-12)
    assert_allclose(run["hidden_similarity"][0][:-1], 0, atol=1e-12)  # nothing in common at the start


def test_broad_distinctions_come_first():
    """Between the times of two levels, items that part below the first are alike, and those that part above are not."""
    when = hierarchy_times(3, 2, initial=1e-9)
    middle = np.sqrt(when[1:] * when[:-1])
    rows = hierarchy_learning(middle, 3, 2, initial=1e-9)["output_similarity"]
    for learned, row in enumerate(rows):
        assert_allclose(row[learned:], row[-1], rtol=1e-2)
        assert np.all(row[:learned] < 0.9 * row[-1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hierarchy(0, 2), "depth must be >= 1, got 0"),
        (lambda: hierarchy(2, 1), "branching must be >= 2, got 1"),
        (lambda: hierarchy(2.0, 2), "depth must be an integer"),
        (lambda: hierarchy(20, 2), r"must give at most 10000 items, got 2\*\*20"),
        (lambda: hierarchy_levels(2000, 3), r"must give at most 1e\+15 items, got 3\*\*2000"),
        (lambda: hierarchy_times(2, 2, initial=0.0), "initial must be > 0, got 0"),
        (lambda: hierarchy_times(2, 2, fraction=1.0), r"fraction must be in \(0, 1\), got 1"),
        (lambda: hierarchy_times(2, 2, imbalance=np.nan), "imbalance must be finite"),
        (lambda: hierarchy_learning([1.0, 0.0], 2, 2), "t must be strictly increasing"),
        (lambda: hierarchy_learning(np.ma.masked_equal([1.0], 1), 2, 2), "t must not be masked"),
        (lambda: hierarchy_times(2, 2, initial=torch.ones((), requires_grad=True)), "initial must not require a grad"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("depth", "branching"), [(10, 2), (3, 10), (5, 3)])
def test_a_tree_may_have_as_many_items_as_there_is_room_for(depth, branching):
    assert _tree(depth, branching, branching**depth) == (depth, branching)
    with pytest.raises(ValueError, match="must give at most"):
        _tree(depth, branching, branching**depth - 1)
