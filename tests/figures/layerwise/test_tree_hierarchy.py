"""Levels of a tree: their strengths in a map, their half-times, and the blocks that they leave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.tree_hierarchy import (
    GAUSSIAN,
    TreeHierarchy,
    apart,
    block_contrasts,
    first_layers,
    half_times,
    level_strengths,
    network,
    rank_errors,
)
from toymodels.layerwise import hierarchy, hierarchy_learning, hierarchy_levels

SMALL = TreeHierarchy(depth=2, n_times=150)


@settings(max_examples=10)
@given(st.integers(1, 3), st.integers(2, 3), st.floats(0.1, 2))
def test_a_learned_tree_has_the_strengths_of_its_levels(depth, branching, factor):
    x, y = hierarchy(depth, branching)
    strengths = level_strengths(factor * (y.T @ x / len(x))[None], depth, branching)[0]
    assert_allclose(strengths, factor * hierarchy_levels(depth, branching).singular_values)


def test_integrated_flow_follows_the_closed_form_from_an_aligned_start():
    run = network(SMALL, np.random.default_rng(0), "aligned")
    told = hierarchy_learning(SMALL.times[0], 2, 2, initial=SMALL.initial)["strength"]
    assert_allclose(run["strength"], told, atol=1e-8)


def test_gaussian_starts_have_the_initial_product_on_average():
    x, y = hierarchy(3, 2)
    correlation, rng = y.T @ x / len(x), np.random.default_rng(0)
    left, _, right = np.linalg.svd(correlation, full_matrices=False)
    found = []
    for _ in range(200):
        w1, w2 = first_layers(TreeHierarchy(), correlation, "gaussian", rng)
        found.append(np.sum((w1 @ right.T + w2.T @ left) ** 2, axis=0) / 4)
    assert_allclose(np.mean(found), TreeHierarchy().initial, rtol=0.03)


@pytest.mark.parametrize("start", ["aligned", "imbalanced"])
def test_aligned_starts_are_balanced(start):
    x, y = hierarchy(2, 2)
    w1, w2 = first_layers(SMALL, y.T @ x / 4, start, np.random.default_rng(0))
    gap = w2.T @ w2 - w1 @ w1.T
    assert_allclose(gap, np.eye(len(gap)) * (SMALL.imbalance if start == "imbalanced" else 0), atol=1e-9)


def test_half_times_are_those_of_sigmoids():
    t, centres, target = np.linspace(0, 20, 200), np.array([3.0, 8.0]), np.array([2.0, 0.5])
    strength = target / (1 + np.exp(-2 * (t[:, None] - centres)))
    data = {"t": t, "strength": strength[None, None], "singular_values": target}
    assert_allclose(half_times(data, 0), [centres], atol=5e-3)  # the start is not quite 0
    with pytest.raises(ValueError, match="must reach half"):
        half_times(data | {"singular_values": np.array([2.0, 1.1])}, 0)


@pytest.mark.parametrize(
    ("half", "ratio"), [([4.0, 4.0, 4.0], 1), ([4.0, 6.0, 4.0], 1.5), ([6.0, 5.0, 3.0], 2), ([3.0, 5.0, 6.0], 2)]
)
def test_levels_are_apart_whichever_is_late(half, ratio):
    t = np.linspace(0, 20, 200)
    strength = 1 / (1 + np.exp(-4 * (t[:, None] - np.array(half))))
    data = {"t": t, "strength": strength[None, None], "singular_values": np.ones(3)}
    assert_allclose(apart(0)(data), [ratio], rtol=1e-3)


def test_ranks_and_blocks_of_perfect_similarities():
    inside = np.kron(np.eye(2), np.ones((2, 2)))
    cosines = np.zeros((2, 1, 3, 4, 4))
    cosines[GAUSSIAN, 0] = [np.ones((4, 4)), 0.5 + 0.5 * inside, np.eye(4)]
    assert_allclose(block_contrasts({"cosines": cosines}), [0.5])
    spectrum = np.zeros((2, 2, 3, 4))
    spectrum[GAUSSIAN] = [[[3, 0, 0, 0], [3, 2, 0, 0], [3, 2, 1, 1]], [[3, 0, 0, 0], [3, 0, 0, 0], [3, 2, 1, 0]]]
    data = {"spectrum": spectrum, "singular_values": np.array([3.0, 2, 1]), "multiplicities": np.array([1.0, 1, 2])}
    assert rank_errors(data).tolist() == [0, 1]
