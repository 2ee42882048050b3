import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.metrics.collapse import within_between
from toymodels.neurashed import Additive, Multiplicative
from toymodels.neurashed.collapse import (
    disjoint_classes,
    multiplicative_ratio,
    predicted_within_between,
    train_to_collapse,
)

RULE = Multiplicative(1.05, 0.98)
sizes = st.fixed_dictionaries(
    {"n_classes": st.integers(2, 4), "n_shared": st.integers(1, 4), "n_own": st.integers(1, 4)}
)


@given(sizes, st.floats(0, 2))
def test_the_law_is_the_ratio_of_scatters(sizes, ratio):
    task = disjoint_classes(**sizes)
    shared, own = sizes["n_shared"], sizes["n_own"]
    strength = np.tile(np.r_[np.ones(shared), np.full(2 * own, ratio)], sizes["n_classes"])
    measured = within_between(strength * task.inputs, task.labels)
    assert_allclose(measured, predicted_within_between(ratio, **sizes), rtol=1e-12, atol=1e-15)


@given(sizes, st.integers(0, 99))
def test_balanced_multiplicative_training_follows_the_law_on_a_simplex(sizes, seed):
    run = train_to_collapse(RULE, 20, np.random.default_rng(seed), **sizes)
    n_classes = sizes["n_classes"]
    ratio = multiplicative_ratio(2 * n_classes * run.t, 1.05, 0.98, n_classes)
    assert_allclose(run["within_between"], predicted_within_between(ratio, **sizes), rtol=1e-6)
    assert run["equiangular"].max() < 1e-9
    assert np.all(np.diff(run["within_between"]) < 0)


def test_additive_training_stays_on_a_plateau():
    run = train_to_collapse(Additive(1.0), 300, np.random.default_rng(0), initial=0.1)
    assert_allclose(run["within_between"][-1], 1 / 6, atol=0.01)
    assert run["within_between"][0] > 1 / 6 - 1e-12


def test_full_batches_do_not_collapse():
    run = train_to_collapse(RULE, 20, np.random.default_rng(0), sampling="epoch", batch_size=6)
    assert_allclose(run["within_between"], predicted_within_between(1.0), rtol=1e-9)


def test_independent_draws_collapse_but_lose_the_simplex():
    run = train_to_collapse(RULE, 100, np.random.default_rng(0), sampling="iid")
    assert run["within_between"][-1] < 1e-4
    assert run["equiangular"][-1] > 0.1


def test_bad_arguments_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="batch_size must divide 6"):
        train_to_collapse(RULE, 5, rng, batch_size=4)
    with pytest.raises(ValueError, match="n_epochs"):
        train_to_collapse(RULE, 0, rng)
    with pytest.raises(ValueError, match="n_classes must be >= 2"):
        disjoint_classes(1)
    with pytest.raises(ValueError, match="n_own"):
        disjoint_classes(3, 4, 0)
