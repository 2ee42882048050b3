import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.condensation.neuron_features import (
    NOT_FITTED,
    companions,
    count_directions,
    count_orientations,
    features,
    off_diagonal,
    sorted_map,
    when_fitted,
)
from figures.condensation.phase_diagram import deep_distances, distances
from figures.condensation.loss_plateaus import EDGES, embeddings, plateaus
from figures.condensation.optimistic_sample_size import ARMS, Params, one_neuron_error, ranks, recovery, share_recovered
from toymodels.condensation import cosine_similarity

ANGLES = st.integers(2, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 1000)))


def groups(n, seed, copies=4):
    """n directions at least 1 rad apart, each with `copies` neurons of random positive size."""
    rng = np.random.default_rng(seed)
    theta = np.repeat(2 * np.pi / n * np.arange(n) + rng.uniform(0, 6), copies)
    size = rng.uniform(0.5, 2, len(theta))
    return size[:, None] * np.stack([np.cos(theta), np.sin(theta)], axis=1)


@given(case=ANGLES)
def test_isolated_groups_are_counted_and_their_size_does_not_matter(case):
    w = groups(*case)
    assert count_orientations(np.ones(len(w)), w) == case[0]
    assert count_directions(w, 0.9) == case[0]


def test_an_orientation_without_mass_does_not_count():
    w = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert count_orientations(np.array([1.0, 0.5]), w) == 2
    assert count_orientations(np.array([1.0, 0.01]), w) == 1


def test_features_of_leading_axes_are_those_of_every_network():
    rng = np.random.default_rng(0)
    a, w, x = rng.standard_normal((3, 5)), rng.standard_normal((3, 5, 2)), np.array([[-0.5], [0.5]])
    found = features(a, w, x)
    for k in range(3):
        for name, values in features(a[k], w[k], x).items():
            np.testing.assert_array_equal(values, found[name][k])
    np.testing.assert_array_equal(found["static"], (np.einsum("tmd,nd->tnm", w, np.c_[x, [1, 1]]) <= 0).all(axis=1))


@given(seed=st.integers(0, 1000))
def test_sorting_a_map_keeps_its_pairs(seed):
    similarity = cosine_similarity(np.random.default_rng(seed).standard_normal((6, 3)))
    before, after = (np.sort(off_diagonal(one)) for one in (similarity, sorted_map(similarity)))
    np.testing.assert_allclose(before, after)


@given(ones=st.integers(1, 6), flipped=st.integers(0, 6), others=st.integers(0, 3))
def test_companions_are_the_largest_group_with_both_signs(ones, flipped, others):
    w = np.zeros((ones + flipped + others, 1 + others))
    w[:ones, 0], w[ones : ones + flipped, 0] = 1, -2
    w[ones + flipped :, 1:] = np.eye(others)
    share, minority = companions(cosine_similarity(w))
    assert share == pytest.approx((ones + flipped) / len(w))
    assert minority == pytest.approx(min(ones, flipped) / (ones + flipped))


def test_distances_are_one_per_cell_and_repeat():
    cells = ((0.5, 0), (1.5, 0))
    first, again = (distances(20, np.random.default_rng(3), cells)["distance"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (2,)
    assert 0 < first[0] < first[1]


def test_three_layer_distances_are_one_per_layer_and_repeat():
    first, again = (deep_distances(1.0, 20, np.random.default_rng(3))["distance"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 3
    assert min(first) > 0


def test_time_in_bins_adds_up_to_the_time_spent_inside_the_edges():
    found = plateaus(2, np.random.default_rng(0), trials=3, n_steps=200)
    assert found["frequency"].shape == (len(EDGES) - 1,)
    assert found["frequency"].sum() == pytest.approx(1, abs=0.05)
    assert found["low"] == 0


def test_embedded_critical_points_stay_critical():
    found = embeddings(1, np.random.default_rng(0), starts=3)
    assert found["gradient"] < 1e-9
    assert found["smallest_gain"] >= 0
    assert 0 <= found["turned"] <= found["minima"] <= found["embeddings"]


def test_runs_that_have_not_fitted_are_marked():
    np.testing.assert_array_equal(when_fitted(np.array([0.3, 0.9]), np.array([0.5, 1.0]), 0.95), [NOT_FITTED, 0.9])


@given(seed=st.integers(0, 1000), copies=st.integers(1, 4))
def test_neurons_of_one_direction_are_one_for_relu_and_with_equal_norms_also_for_tanh(seed, copies):
    rng = np.random.default_rng(seed)
    z, a, norms = rng.standard_normal(50), rng.uniform(0.5, 2, copies), rng.uniform(0.5, 2, copies)
    assert one_neuron_error(z, a, norms, "relu") < 1e-12
    assert one_neuron_error(z, a, np.full(copies, norms[0]), "tanh") < 1e-12


def test_tanh_neurons_of_very_different_norms_are_not_one():
    z = np.linspace(-2, 2, 51)
    assert one_neuron_error(z, np.ones(2), np.array([0.3, 3.0]), "tanh") > 0.01


def test_condensed_networks_keep_the_rank_of_the_narrow_one():
    found = ranks("2 neurons, 2 inputs", np.random.default_rng(0))
    assert found["condensed"] == [8] * 5
    assert found["loose"] == [8, 9, 10, 12, 16]


def test_only_fitted_networks_count_as_recovered():
    on_samples, on_fresh = np.array([[1e-4, 1e-4, 1.0, 1e-4], [1.0] * 4]), np.array([[1e-3, 1e-1, 1e-3, 1e-3]] * 2)
    np.testing.assert_allclose(share_recovered(on_samples, on_fresh), [2 / 3, 0])


def test_recovery_has_one_error_per_arm_and_target():
    found = recovery(3, np.random.default_rng(0), Params(n_steps=50, trials=2))
    for values in found.values():
        assert np.shape(values) == (len(ARMS), 2)
