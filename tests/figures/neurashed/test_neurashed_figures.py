import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.neurashed import pathways as neurashed_02

from figures.neurashed import batch_size as neurashed_03

from figures.neurashed import information_bottleneck as neurashed_05

from figures.neurashed import local_elasticity as neurashed_06

from figures.neurashed import outlook as neurashed_claims

from figures.neurashed import theorems as neurashed_theorems
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


def test_only_types_of_other_classes_count_as_others():
    matrix = np.full((1, 4, 4), 0.5)
    matrix[0, 0, 1] = matrix[0, 1, 0] = 3.0  # within class 1
    assert_allclose(neurashed_02._onto_others({"additive_elasticity": matrix}), [0.5])
    matrix[0, 2, 1] = 2.0
    assert_allclose(neurashed_02._onto_others({"additive_elasticity": matrix}), [2.0])


def test_a_collapse_run_records_epochs_in_steps():
    found = neurashed_03.collapse("three", np.random.default_rng(0), neurashed_03.Params(steps=20))
    assert_allclose(found["steps"], np.arange(2, 21, 2))
    assert found["within"].shape == (10,)


@given(st.integers(0, 2**31))
def test_class_features_are_two_of_the_own_and_one_of_another_class(seed):
    labels = np.arange(12) % neurashed_claims.N_CLASSES
    fired = neurashed_claims._class_features(labels, 20, np.random.default_rng(seed))
    per_class = fired[:, :16].reshape(12, neurashed_claims.N_CLASSES, 4).sum(axis=2)
    assert (per_class[np.arange(12), labels] == 2).all()
    assert (np.sort(per_class, axis=1) == [0, 0, 1, 2]).all()
    assert not fired[:, 16:].any()


def test_the_full_batch_keeps_the_features_of_single_samples():
    p = neurashed_claims.Params(n_steps=200)
    small, full = (neurashed_claims.generalise(size, np.random.default_rng(0), p)["accuracy"] for size in (1, 40))
    assert 0 < full < small < 1
