"""Sums over parents against loops and scipy."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.special import logsumexp

from tests.tolerances import EXACT
from toymodels.neurashed.sums import apply_rows, log_sums


@pytest.mark.parametrize("lead", [(), (1,), (4,), (2, 3), (2, 1, 3)])
def test_a_matrix_acts_on_the_last_axis_whatever_stands_before_it(lead):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((3, 5)) * (rng.random((3, 5)) < 0.6)
    values = rng.standard_normal((*lead, 5))
    sums = apply_rows(csr_array(matrix), values)
    assert sums.shape == (*lead, 3)
    for at in np.ndindex(*lead):
        for row in range(3):
            assert_allclose(sums[(*at, row)], sum(matrix[row, k] * values[(*at, k)] for k in range(5)), **EXACT)


def test_log_sums_of_a_hand_worked_case():
    values = np.log([[1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 1.0, 1.0, 6.0, 2.0]])
    expected = np.log([[1, 2 + 3 + 4, 5], [5, 1 + 1 + 6, 2]])
    assert_allclose(log_sums(values, np.array([0, 1, 4, 5])), expected, **EXACT)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 3), st.integers(0, 10**6))
def test_log_sums_are_those_of_scipy_also_where_nothing_fires(sizes, n, seed):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-9, 9, (n, sum(sizes)))
    values[rng.random(values.shape) < 0.4] = -np.inf
    starts = np.r_[0, np.cumsum(sizes)]
    got = log_sums(values, starts)
    for group, (low, high) in enumerate(itertools.pairwise(starts)):
        with np.errstate(divide="ignore"):
            assert_allclose(got[:, group], logsumexp(values[:, low:high], axis=1), **EXACT)


@given(st.sampled_from([-900.0, 900.0, 1e6]))
def test_a_common_shift_comes_through_the_logarithm_far_beyond_what_exponentials_hold(shift):
    values, starts = np.array([[0.0, 1.5, -0.25, 3.0]]), np.array([0, 3, 4])
    assert_allclose(log_sums(values + shift, starts) - shift, log_sums(values, starts), atol=1e-9)


def test_what_is_too_small_beside_the_largest_does_not_count():
    assert_array_equal(log_sums(np.array([[0.0, -2000.0, -np.inf]]), np.array([0, 3])), [[0.0]])
