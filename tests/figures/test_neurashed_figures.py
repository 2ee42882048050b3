import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures import neurashed_05, neurashed_06, neurashed_claims, neurashed_theorems
from toymodels.neurashed.elasticity import elasticity_limit


@given(st.integers(2, 6))
def test_groups_are_the_changes_at_other_images_from_the_bases(n):
    change = np.arange(9.0 * n * n).reshape(3 * n, 3 * n)
    groups = neurashed_06._groups(change, n)
    assert groups.shape == (3, n * (n - 1))
    diagonal = np.diag(change)[:n]
    assert not set(diagonal) & set(groups[0])
    assert set(groups[2]) <= set(change[:n, 2 * n :].ravel())


def test_decades_between_means():
    values = np.array([[[10.0, 10.0], [2.0, 0.0], [0.1, 0.1]]])  # (replicas, digits, pairs)
    assert_allclose(neurashed_06._decades(values, 0, 1), [1.0])
    assert_allclose(neurashed_06._decades(values, 0, 2), [2.0])


def test_a_peak_counts_only_from_a_low_start():
    rising = np.array([[1.0, 1.0], [1.8, 2.0], [1.0, 1.0]])  # (n_t, replicas)
    assert neurashed_05._peak({"paper_level2_input": rising}) == 1.9
    assert neurashed_05._peak({"paper_level2_input": rising[1:]}) == 0.0


def test_the_limit_of_theorem_1_is_that_of_the_package():
    sizes = neurashed_theorems.B1, neurashed_theorems.B2, neurashed_theorems.N_CLASSES
    assert_allclose(neurashed_theorems.LIMIT, elasticity_limit(*sizes, depth=3))


def test_simulated_updates_follow_the_printed_powers():
    found = neurashed_theorems.update(2, "own_input", 5, np.random.default_rng(0))
    assert found["error"] < 1e-12
    assert neurashed_theorems.update(2, "same_input", 5, np.random.default_rng(0))["error"] > 0.1


def test_shared_features_see_the_examples_of_all_classes():
    ratios = [neurashed_claims.reuse(4, np.random.default_rng(seed))["ratio"] for seed in range(5)]
    assert abs(np.mean(ratios) - 4) < 0.3
