from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.metrics import mutual_info_score

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.metrics.information import binned, quantised


@st.composite
def tables(draw):
    """Small integer codes (n, d), labels (n,), and the generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    return rng.integers(-2, 3, (n, d)), rng.integers(0, 4, n), rng


def entropy(labels):
    p = np.unique(labels, axis=0, return_counts=True)[1] / len(labels)
    return -(p * np.log2(p)).sum()


def test_worked_examples():
    assert quantised([[0], [1]], [0, 1]) == 1.0
    assert quantised([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]) == 1.0  # parity: each column alone says nothing
    assert quantised([0, 0, 1, 1], [0, 1, 1, 0]) == 0.0
    assert_allclose(quantised([0, 0, 0, 1], [0, 0, 1, 1]), 1 - 0.75 * (np.log2(3) - 2 / 3), **EXACT)  # H(Y) - H(Y|T)


@given(tables())
def test_the_sum_agrees_with_another_library(table):
    codes, labels, _ = table
    symbols = np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    assert_allclose(quantised(codes, labels), mutual_info_score(symbols, labels) / np.log(2), **EXACT)


def by_dictionary(rows, labels):
    """The definition, from counts in dictionaries of rows, of labels and of pairs."""
    rows, labels = [tuple(row) for row in np.asarray(rows).tolist()], np.asarray(labels).tolist()
    pairs, of_rows, of_labels = Counter(zip(rows, labels, strict=True)), Counter(rows), Counter(labels)
    n = len(rows)
    return sum(c / n * np.log2(c * n / (of_rows[row] * of_labels[label])) for (row, label), c in pairs.items())


@given(
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.sampled_from([1, 2, 5, 70]),
    st.sampled_from([[0, 1], [0.0, -0.0, 0.5], [3.0], [-1e300, 1e-300, 2.0**70], [2**62, 2**62 + 1], np.arange(50)]),
    st.sampled_from([[0], [0, 1, 2], [0, 2**53 - 1, 2**53 - 2], np.arange(1000)]),
)
def test_the_sum_agrees_with_its_definition(seed, n, dim, values, names):
    """One column and many, constant ones, both zeros, codes that floats would merge, labels near the largest."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(np.array(values), (4, dim))[rng.integers(0, 4, n)]  # rows repeat however long they are
    labels = rng.choice(names, n)
    assert_allclose(quantised(rows, labels), by_dictionary(rows, labels), rtol=0, atol=1e-12)


@given(tables())
def test_information_lies_between_zero_and_the_entropies(table):
    codes, labels, _ = table
    bits = quantised(codes, labels)
    assert -1e-12 <= bits <= min(entropy(codes), entropy(labels)) + 1e-12
    assert_allclose(quantised(codes, np.arange(len(codes))), entropy(codes), **EXACT)


@given(tables())
def test_names_of_symbols_and_order_of_samples_do_not_matter(table):
    codes, labels, rng = table
    order = rng.permutation(len(codes))
    renamed = np.exp(codes[order][:, ::-1])
    assert_allclose(quantised(renamed, 3 - labels[order]), quantised(codes, labels), **EXACT)


@given(tables())
def test_processing_never_adds_information(table):
    codes, labels, _ = table
    for less in (codes[:, :1], codes // 2, abs(codes)):
        assert quantised(less, labels) <= quantised(codes, labels) + 1e-12


def test_integers_too_large_for_floats_are_not_merged():
    codes = 2**60 + np.arange(4)
    assert quantised(codes, [0, 0, 1, 1]) == 1.0
    assert quantised(np.column_stack([codes, codes[::-1]]), np.arange(4)) == 2.0
    assert quantised(codes.astype(np.uint64) + 2**63, np.arange(4)) == 2.0
    with pytest.raises(ValueError, match=r"labels must be < 2\^53"):
        quantised([0, 1], [2**53, 2**53 + 1])


@pytest.mark.parametrize(
    "codes",
    [
        [2**64, 2**64 + 1],
        [-(2**64), -(2**64) - 1],
        np.array([2**60, 2**60 + 1], dtype=object),
        [[2**60, 0.5], [2**60 + 1, 0.5]],
        [[2**63, -1], [2**63 + 1, -1]],
        [Fraction(1, 3), Fraction(10**30 + 1, 3 * 10**30)],
        np.array([2**60, 2**60 + 1], dtype=np.longdouble),
        torch.tensor([2**60, 2**60 + 1]),
        [torch.tensor(2**60), torch.tensor(2**60 + 1)],
    ],
)
def test_codes_of_any_type_are_kept_apart(codes):
    assert quantised(codes, [0, 1]) == 1.0


def test_equal_codes_of_different_types_are_equal():
    assert quantised([2**64, 2.0**64, 2**64, 2**64], [0, 1, 2, 3]) == 0.0
    assert quantised([Fraction(1, 2), 0.5], [0, 1]) == 0.0


def test_integers_that_no_float_holds_are_not_put_into_bins():
    assert binned([2**60, 2**60 + 256], [0, 1], [0, 2**60 + 256, 2**61]) == 1.0
    with pytest.raises(ValueError, match=f"x must be numbers that floats hold, got {2**60 - 1}"):
        binned([2**60 - 1, 2**60], [0, 1], [0, 2**60, 2**61])
    with pytest.raises(ValueError, match=f"edges must be numbers that floats hold, got {2**60 + 1}"):
        binned([2**60, 2**60], [0, 1], [0, 2**60 + 1, 2**61])


def test_labels_may_be_sparse():
    assert quantised([0, 1], [0, 10**12]) == 1.0


def test_huge_and_tiny_representations_have_bins_too():
    for unit in (1e-300, 1e300):
        assert binned(unit * np.array([-0.9, -0.1, 0.2, 1.0]), [0, 0, 1, 1], unit * np.array([-1.0, 0, 1])) == 1.0


def test_the_two_zeros_are_one_symbol():
    assert quantised([0.0, -0.0], [0, 1]) == 0.0


@given(st.integers(0, 2**32), st.integers(1, 50), st.integers(1, 3), st.integers(1, 8))
def test_bins_are_those_of_numpy(seed, n, dim, n_bins):
    rng = np.random.default_rng(seed)
    x = np.r_[rng.integers(-8, 9, (n, dim)) / 8, np.full((1, dim), 1.0)]  # many values fall on edges
    edges = np.linspace(-1, 1, n_bins + 1)
    labels = rng.integers(0, 3, n + 1)
    cells = [[int(np.histogram(value, edges)[0].argmax()) for value in row] for row in x]
    assert_allclose(binned(x, labels, edges), quantised(cells, labels), **EXACT)
    assert_allclose(binned(x, labels, edges), by_dictionary(cells, labels), rtol=0, atol=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_coarser_bins_hold_less_information(seed, n):
    rng = np.random.default_rng(seed)
    x, labels = rng.standard_normal((n, 2)), rng.integers(0, 3, n)
    edges = np.r_[-np.inf, np.linspace(-2, 2, 9), np.inf]
    assert binned(x, labels, edges[[0, 2, 4, 6, 8, 10]]) <= binned(x, labels, edges) + 1e-12
    assert_allclose(binned(x, labels, [-np.inf, np.inf]), 0, atol=1e-12)


@pytest.mark.parametrize(("n", "n_bins"), [(300, 5), (3000, 10)])
def test_the_bias_for_independent_variables_is_that_of_miller(n, n_bins):
    rng, n_draws = np.random.default_rng(0), 200
    edges = np.linspace(0, 1, n_bins + 1)
    bits = [binned(rng.random(n), rng.integers(0, n_bins, n), edges) for _ in range(n_draws)]
    predicted = (n_bins - 1) ** 2 / (2 * n * np.log(2))
    error = np.std(bits) / np.sqrt(n_draws)
    assert abs(np.mean(bits) - predicted) < MONTE_CARLO * error + 0.05 * predicted  # the next order is 1/n smaller


@pytest.mark.parametrize(
    ("x", "labels", "edges", "message"),
    [
        ([0.0, 2.0], [0, 1], [-1, 1], "x must lie between the edges -1 and 1, got 2"),
        ([0.0], [0], [1, -1], "edges must be an increasing 1-D array"),
        ([0.0], [0], [0, 1, 0.5, 0.2], "increasing 1-D array of at least 2 numbers, got 0.5 after 1"),
        ([0.0], [0], [1], "edges must be an increasing 1-D array"),
        ([0.0], [0], [0, np.nan, 1], "edges must be an increasing 1-D array"),
        ([np.nan], [0], [-1, 1], "x must be finite"),
        ([[[0.0]]], [0], [-1, 1], "x must have 1 or 2 dimensions"),
        ([0.0], [0, 1], [-1, 1], "labels must have one entry per row"),
        ([0.0], [0.5], [-1, 1], "labels must be integers >= 0"),
    ],
)
def test_bad_samples_are_refused(x, labels, edges, message):
    with pytest.raises(ValueError, match=message):
        binned(x, labels, edges)
