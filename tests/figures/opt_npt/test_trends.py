"""Numbers taken from rows: rank correlations, first steps, values at the best record."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from figures.opt_npt.trends import at_best, first_step, kendall, rank_correlation

ROWS = st.lists(st.integers(-50, 50), min_size=3, max_size=12, unique=True)


@given(ROWS)
def test_correlations_with_the_index_are_those_of_the_ranks(row):
    values, index = np.array(row, dtype=float), np.arange(len(row))
    assert rank_correlation(values[None])[0] == pytest.approx(np.corrcoef(index, np.argsort(np.argsort(values)))[0, 1])
    assert kendall(values) == pytest.approx(kendalltau(index, values)[0])


def test_correlations_keep_the_leading_axes():
    values = np.random.default_rng(0).standard_normal((2, 3, 6))
    assert rank_correlation(values)[1, 2] == pytest.approx(rank_correlation(values[1, 2:])[0])
    assert rank_correlation(values).shape == kendall(values).shape == (2, 3)


def test_ties_count_as_neither_rise_nor_fall():
    assert kendall(np.array([1.0, 1.0, 1.0])) == 0
    assert rank_correlation(np.ones(3)) == 0  # and no NaN
    assert kendall(np.array([1.0, 1.0, 2.0])) == pytest.approx(2 / 3)


def test_the_first_step_is_the_last_one_where_nothing_is_reached():
    steps = np.array([0, 1, 4, 9])
    reached = np.array([[False, False, True, False], [False] * 4])
    assert first_step(steps, reached).tolist() == [4, 9]


def test_values_are_taken_at_the_record_of_the_best_accuracy():
    accuracy = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.3]])
    assert at_best(accuracy, np.arange(6).reshape(2, 3)).tolist() == [1, 3]
