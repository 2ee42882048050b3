import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from toymodels.condensation import clusters, count_clusters, direction_counts
from toymodels.condensation.grouping import count_active_clusters, count_directions, count_orientations

ANGLES = st.integers(2, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 1000)))


def on_circle(*angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def groups(labels):
    return {frozenset(np.flatnonzero(labels == k)) for k in set(labels.tolist()) if k >= 0}


@given(st.permutations(range(6)), st.sampled_from(["leader", "single"]))
def test_clusters_do_not_depend_on_the_order_of_neurons(order, linkage):
    w = on_circle(0.0, 0.01, 2.0, 2.01, -1.0, 0.02) * np.array([[6, 5, 4, 3, 2, 1]]).T
    order = list(order)
    expected = groups(clusters(w, linkage=linkage))
    partitions = {frozenset(order[k] for k in group) for group in groups(clusters(w[order], linkage=linkage))}
    assert partitions == expected == {frozenset({0, 1, 5}), frozenset({2, 3}), frozenset({4})}


def test_single_linkage_joins_chains_that_leaders_break():
    w = on_circle(*np.arange(0, 2, 0.1))
    assert clusters(w, threshold=np.cos(0.15), linkage="single").max() == 0
    assert clusters(w, threshold=np.cos(0.15)).max() > 5


def test_opposite_neurons_are_one_cluster_when_unsigned():
    w = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert clusters(w).tolist() == [0, 1]
    assert clusters(w, signed=False).tolist() == [0, 0]


def test_zero_and_negligible_neurons_are_left_out():
    w = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1e-4]])
    assert clusters(w).tolist() == [-1, 0, -1]
    assert clusters(w, min_share=0).tolist() == [-1, 0, 1]
    assert clusters(np.zeros((3, 2))).tolist() == [-1, -1, -1]


def test_parallel_neurons_are_one_cluster_at_threshold_one():
    w = np.outer([1.0, 3.0, 1e-3, 7.0], np.random.default_rng(1).standard_normal(50))
    assert_array_equal(clusters(w, threshold=1.0, min_share=0), 0)


def test_labels_go_by_falling_amplitude():
    assert clusters(on_circle(0, 1, 2), [1.0, 3.0, 2.0]).tolist() == [2, 0, 1]


def test_counting_weighs_neurons_by_their_mass_in_the_output():
    w = on_circle(0, 1, 2)
    assert count_clusters([1.0, 1.0, 1.0], w) == 3
    assert count_clusters([1.0, -1.0, 1e-6], w) == 2
    assert count_clusters([1.0, 1.0, 0.01], w, cluster_share=0.02) == 2


def isolated_groups(n, seed, copies=4):
    """n directions at least 1 rad apart, each with `copies` neurons of random positive size."""
    rng = np.random.default_rng(seed)
    theta = np.repeat(2 * np.pi / n * np.arange(n) + rng.uniform(0, 6), copies)
    return rng.uniform(0.5, 2, len(theta))[:, None] * on_circle(*theta)


@given(case=ANGLES)
def test_isolated_groups_are_counted_and_their_size_does_not_matter(case):
    w = isolated_groups(*case)
    assert count_orientations(np.ones(len(w)), w) == case[0]
    assert count_directions(w, 0.9) == case[0]


def test_an_orientation_without_mass_does_not_count_but_a_direction_does():
    w = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert count_orientations(np.array([1.0, 0.5]), w) == 2
    assert count_orientations(np.array([1.0, 0.01]), w) == 1
    assert count_directions(w * [[1.0], [1e-6]], 0.9) == 2


@given(case=ANGLES, strays=st.integers(0, 3), scale=st.floats(1e-6, 1e6))
def test_a_direction_counts_from_two_percent_of_the_amplitude_whoever_asks(case, strays, scale):
    n, seed = case
    grouped = scale * isolated_groups(n, seed, copies=10)
    gaps = 2 * np.pi / n * (np.arange(3) + 0.5) + np.arctan2(grouped[0, 1], grouped[0, 0])  # half way between groups
    stray = 1e-3 * np.linalg.norm(grouped, axis=1).sum() * on_circle(*gaps)[: min(strays, n)]
    w = np.concatenate([stray, grouped])
    mass = np.linalg.norm(w, axis=1)
    found = direction_counts(w, threshold=0.9)
    assert found == (n, n + len(stray))
    assert direction_counts(w, threshold=0.9, share=0.0) == (found.all, found.all)
    assert direction_counts(w / mass[:, None], mass, threshold=0.9) == found
    assert count_clusters(mass, w / mass[:, None], threshold=0.9, min_share=0, cluster_share=0.02) == found.counted
    assert count_directions(w, 0.9) == found.all


def test_the_bound_of_two_percent_is_inclusive_and_of_the_sum_over_the_direction():
    w = np.eye(3)[[0, 1, 1, 2]]
    assert direction_counts(w, [0.97, 0.01, 0.01, 0.01]) == (2, 3)
    assert direction_counts(w, [96.0, 0.5, 1.5, 2.0]) == (3, 3)
    assert direction_counts(np.zeros((2, 3))) == (0, 0)


def test_neurons_that_are_silent_on_all_inputs_form_no_active_cluster():
    w = np.array([[1.0, 0.0], [0.0, -1.0], [-1.0, 0.5]])
    assert count_clusters(np.ones(3), w) == 3
    assert count_active_clusters(np.ones(3), w, [[-1.0], [1.0]]) == 2
    assert count_active_clusters(np.ones(3), w, [[1.0]]) == 1


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.5, np.nan])
def test_a_threshold_outside_its_range_is_named(threshold):
    with pytest.raises(ValueError, match=r"threshold must be in \(0, 1\]"):
        clusters([[1.0, 0.0]], threshold=threshold)


def test_other_bad_input_is_named():
    with pytest.raises(ValueError, match="min_share"):
        clusters([[1.0, 0.0]], min_share=1.0)
    with pytest.raises(ValueError, match="linkage"):
        clusters([[1.0, 0.0]], linkage="ward")
    with pytest.raises(ValueError, match="w must be finite"):
        clusters([[np.inf, 0.0]])
    with pytest.raises(ValueError, match="share must be in"):
        direction_counts([[1.0, 0.0]], share=1.0)
    with pytest.raises(ValueError, match="cluster_share"):
        count_clusters([1.0], [[1.0, 0.0]], cluster_share=-1)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_groups_have_no_unit(unit):
    rng = np.random.default_rng(0)
    a, w = rng.standard_normal(8), np.repeat(rng.standard_normal((4, 3)), 2, axis=0)
    assert count_clusters(unit * a, w) == count_clusters(a, w)
    amplitude = unit * np.abs(a)
    np.testing.assert_array_equal(clusters(w, amplitude, min_share=0.05), clusters(w, np.abs(a), min_share=0.05))
