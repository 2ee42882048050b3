import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.extraction.nodes import phi
from dnn.extraction.paths import find_paths, find_rules


@given(st.integers(0, 10_000))
def test_a_path_is_as_strong_as_it_changes_how_often_the_upper_node_fires(seed):
    rng = np.random.default_rng(seed)
    below = rng.random((500, 4)) < 0.4
    above = np.stack([below[:, 0] | (rng.random(500) < 0.2), below[:, 1] & below[:, 2], ~below[:, 3]], axis=1)
    strengths = find_paths(below, above, rng)
    for f, g in ((0, 0), (1, 1), (2, 1)):
        wanted = above[below[:, f], g].mean() - above[~below[:, f], g].mean()
        assert_allclose(strengths[f, g], wanted, atol=1e-12)
    assert not strengths[:, 2].any()  # what is silenced has no path
    assert (strengths > 0).sum() <= 5


def test_unrelated_layers_have_hardly_any_path_and_constant_nodes_none():
    rng = np.random.default_rng(0)
    below, above = rng.random((300, 40)) < 0.5, rng.random((300, 40)) < 0.5
    below[:, 0], above[:, 0] = True, True
    strengths = find_paths(below, above, rng)
    assert (strengths > 0).mean() < 0.005
    assert not strengths[0].any()
    assert not strengths[:, 0].any()


def test_layers_without_nodes_have_no_paths():
    assert find_paths(np.zeros((5, 0), bool), np.zeros((5, 2), bool), np.random.default_rng(0)).shape == (0, 2)


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_rule_is_the_best_of_all_thresholds(seed, n_parents):
    rng = np.random.default_rng(seed)
    below, above = rng.random((60, n_parents + 1)) < 0.5, rng.random((60, 1)) < 0.5
    parents = np.arange(n_parents + 1)[:, None] < n_parents
    rules = find_rules(below, above, parents)
    said = [below[:, :n_parents].sum(axis=1) >= k for k in range(1, n_parents + 1)]
    scores = [float(phi(states[:, None], above)[0, 0]) for states in said]
    assert_allclose(rules.phi[0], max(scores), atol=1e-12)
    best = rules.least[0] - 1
    assert_allclose(scores[best], max(scores), atol=1e-12)
    assert_allclose(rules.agreement[0], (said[best] == above[:, 0]).mean())


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_a_planted_threshold_is_found_and_agrees_everywhere(seed, k):
    below = np.random.default_rng(seed).random((300, 4)) < 0.5
    above = below.sum(axis=1, keepdims=True) >= k
    rules = find_rules(below, above, np.ones((4, 1), bool))
    assert rules.least.tolist() == [k]
    assert_allclose([rules.phi[0], rules.agreement[0]], 1.0)


def test_a_node_without_parents_has_no_rule():
    rules = find_rules(np.ones((4, 1), bool), np.array([[True], [False], [False], [False]]), np.zeros((1, 1), bool))
    assert (rules.least[0], rules.phi[0], rules.agreement[0]) == (0, 0.0, 0.75)
