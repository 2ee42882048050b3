import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.neurashed import Additive, Multiplicative
from toymodels.neurashed.sparsity import (
    additive_ratio,
    effective_number,
    hoyer,
    participation_ratio,
    predicted_log_ratio,
    train_with_batch_size,
)

RULE = Multiplicative(1.05, 0.98)
values = st.lists(st.floats(0.01, 100), min_size=2, max_size=20)


@given(values, st.floats(1e-200, 1e200))
def test_measures_are_bounded_and_ignore_scale_and_order(values, scale):
    values = np.array(values)
    n = len(values)
    for measure, low, high in ((effective_number, 1, n), (participation_ratio, 1, n), (hoyer, 0, 1)):
        got = measure(values)
        assert low - 1e-9 <= got <= high + 1e-9
        assert_allclose(measure(scale * values[::-1]), got, rtol=1e-9, atol=1e-9)


def test_measures_count_equal_nodes():
    values = [[1.0, 1.0, 1.0, 0.0], [0.0, 5.0, 0.0, 0.0]]
    assert_allclose(effective_number(values), [3, 1], **EXACT)
    assert_allclose(participation_ratio(values), [3, 1], **EXACT)
    assert_allclose(hoyer(values), [2 - np.sqrt(3), 1], **EXACT)


@pytest.mark.parametrize("n_types", [2, 3])
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_the_log_ratio_has_the_predicted_mean(batch_size, n_types):
    run = train_with_batch_size(
        batch_size, RULE, np.random.default_rng(batch_size), n_steps=100, replicates=400, n_types=n_types
    )
    final = run["log_ratio"][-1]
    error = final.std() / np.sqrt(len(final))
    assert abs(final.mean() - run["predicted"][-1]) <= MONTE_CARLO * error + 1e-9
    assert_allclose(run["predicted"][-1], predicted_log_ratio(100, batch_size, RULE, n_types))


def test_small_batches_learn_sparse_pathways_and_large_ones_dense():
    numbers = [
        train_with_batch_size(size, RULE, np.random.default_rng(0))["effective_number"][-1].mean()
        for size in (1, 2, 4, 8)
    ]
    assert numbers[0] < 3.05
    assert numbers[-1] > 8.9
    assert np.all(np.diff(numbers) > 0)


def test_additive_rules_without_decay_never_become_sparse():
    run = train_with_batch_size(1, Additive(0.1), np.random.default_rng(0), n_steps=2000)
    assert_allclose(np.exp(run["log_ratio"][-1]).mean(), additive_ratio(1), atol=0.01)
    assert run["effective_number"][-1].min() > 8
    assert "predicted" not in run.data


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_number([0.0, 0.0]), "not all be 0"),
        (lambda: effective_number([-1.0, 1.0]), "values must be >= 0"),
        (lambda: hoyer([1.0]), "two entries"),
        (lambda: predicted_log_ratio(10, 0, RULE), "batch_size"),
        (lambda: additive_ratio(1, 0), "n_types"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_measures_of_two_unequal_nodes_are_worked_by_hand():
    assert_allclose(effective_number([1.0, 3.0]), 4 / 3**0.75, **EXACT)
    assert_allclose(participation_ratio([1.0, 3.0]), 16 / 10, **EXACT)
    assert_allclose(hoyer([[3.0, 4.0], [5.0, 12.0]]), (np.sqrt(2) - [7 / 5, 17 / 13]) / (np.sqrt(2) - 1), **EXACT)


def test_laws_of_both_rules_are_worked_by_hand():
    """Two draws of three types: one is absent from a batch with probability 4/9."""
    rule = Multiplicative(np.exp(0.3), np.exp(-0.1))
    assert_allclose(predicted_log_ratio([0, 10], 2, rule, 3), [0, -10 * 4 / 9 * 0.4], **EXACT)
    assert_allclose(additive_ratio(2, 3), 5 / 9, **EXACT)
    assert additive_ratio(4, 1) == 1


def test_one_step_with_one_sample_is_worked_by_hand():
    """Its type's own nodes grow as the shared ones do, those of the two other types shrink."""
    run = train_with_batch_size(
        1, RULE, np.random.default_rng(0), n_steps=1, initial=0.2, replicates=5, n_shared=2, n_own=4, n_types=3
    )
    assert_allclose(run["log_ratio"], [[0] * 5, [-2 / 3 * np.log(1.05 / 0.98)] * 5], **EXACT)
    level = [1.05] * 6 + [0.98] * 8
    assert_allclose(run["effective_number"], [[14] * 5, [effective_number(level)] * 5], **EXACT)
    assert_allclose(run["predicted"], [0, -2 / 3 * np.log(1.05 / 0.98)], **EXACT)
    assert run.t.tolist() == [0, 1]


def test_growth_beyond_float64_leaves_the_measures_finite():
    """After 400 steps of a factor 10 the shared nodes are at 1e399; of the own ones nothing is left."""
    run = train_with_batch_size(1, Multiplicative(10.0, 0.1), np.random.default_rng(0), n_steps=400, replicates=3)
    assert_allclose(run["effective_number"][-1], 3, rtol=1e-6)
    assert np.isfinite(run["log_ratio"]).all()
