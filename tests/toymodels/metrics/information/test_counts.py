from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from toymodels.metrics.information import _counts
from toymodels.metrics.information._counts import codes, multiplicities, within

COLUMNS = {
    "few": lambda rng, n: rng.integers(-2, 3, n),
    "constant": lambda rng, n: np.full(n, rng.standard_normal()),
    "zeros of both signs": lambda rng, n: rng.choice([0.0, -0.0, 1.0, -1.0], n),
    "halves": lambda rng, n: rng.integers(-3, 4, n) / 2,
    "continuous": lambda rng, n: rng.standard_normal(n),
    "of every size": lambda rng, n: rng.choice([5e-324, -5e-324, 0.0, 1e308, -1e308, 2.0**60], n),
    "wide": lambda rng, n: rng.choice(2**40, 3)[rng.integers(0, 3, n)],
    "signed, to the ends": lambda rng, n: rng.choice([-(2**63), -1, 0, 2**63 - 2, 2**63 - 1], n),
    "unsigned, to the end": lambda rng, n: rng.choice(np.array([0, 2**63, 2**64 - 2, 2**64 - 1], np.uint64), n),
}


@st.composite
def column_lists(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, kinds = draw(st.integers(1, 60)), draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=12))
    return [COLUMNS[kind](rng, n) for kind in kinds]


def numbered(columns):
    """Number of the row in the order in which rows are first met, from a dictionary of rows."""
    seen = {}
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [seen.setdefault(row, len(seen)) for row in rows]


def in_order_met(symbols):
    return numbered([np.asarray(symbols)])


@given(column_lists(), st.sampled_from([2, 60, 1000, 10**9, 2**62]))
def test_codes_are_equal_where_and_only_where_rows_are(columns, largest):
    with mock.patch.object(_counts, "LARGEST_CODE", max(largest, len(columns[0]) ** 2)):
        assert in_order_met(codes(columns, len(columns[0]))) == numbered(columns)


@pytest.mark.parametrize("n_columns", [1, 61, 62, 63, 64, 65, 200])
def test_rows_of_many_columns_do_not_outgrow_the_integers(n_columns):
    rows = np.random.default_rng(n_columns).integers(0, 2, (5, n_columns))[np.arange(40) % 5]
    assert in_order_met(codes(rows.T, 40)) == numbered(rows.T)


@given(st.lists(st.sampled_from([0, 1, 5, -3, 10**12, -(2**61)]), min_size=1, max_size=50))
def test_multiplicities_are_those_of_a_dictionary(symbols):
    expected = [symbols.count(symbol) for symbol in sorted(set(symbols))]
    assert_array_equal(multiplicities(np.array(symbols)), expected)


def by_all_pairs(rows, radius):
    return (np.abs(rows[:, None] - rows).max(axis=-1) <= radius[:, None]).sum(axis=1)


@st.composite
def samples_with_radii(draw):
    """Rows (n, d) with ties, clusters and outliers, and radii (n,), often exactly a distance that occurs."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, dim = draw(st.integers(1, 60)), draw(st.sampled_from([1, 1, 2, 3, 10, 40]))
    rows = rng.standard_normal((n, dim))
    kind = draw(st.sampled_from(["plain", "rounded", "heavy tails", "clusters", "rectified", "constant column"]))
    if kind == "rounded":
        rows = np.round(rows, draw(st.integers(0, 2)))
    elif kind == "heavy tails":
        rows = rows**15
    elif kind == "clusters":  # differences that vanish against the distance between clusters
        rows = 1e-17 * rows + rng.integers(0, 2, (n, 1))
    elif kind == "rectified":
        rows = np.maximum(rows, -0.0)
    elif kind == "constant column":
        rows[:, 0] = 0.3
    distances = np.abs(rows - rows[rng.permutation(n)]).max(axis=1)
    radii = [distances, np.nextafter(distances, 0), np.nextafter(distances, np.inf), rng.random(n), np.zeros(n)]
    return rows, radii[draw(st.integers(0, 4))]


@given(samples_with_radii(), st.integers(1, 12), st.integers(1, 500))
def test_neighbours_within_a_radius_are_those_of_all_pairs(sample, cell, block):
    rows, radius = sample
    with mock.patch.multiple(_counts, CELL=cell, BLOCK=block):
        assert_array_equal(within(rows, radius), by_all_pairs(rows, radius))


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_so_are_those_of_samples_of_many_cells(dim):
    rows = np.random.default_rng(dim).standard_normal((1500, dim))
    rows[::3] = np.round(rows[::3], 1)
    radius = np.sort(np.abs(rows[:, None, :] - rows[:60]).max(axis=-1), axis=1)[:, 4]
    assert_array_equal(within(rows, radius), by_all_pairs(rows, radius))
