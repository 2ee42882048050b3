"""Which directions of a start can grow, against ranks of matrices of integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise.gram_spectrum import ROUNDING, Spectrum
from toymodels.layerwise.gram_start import Start

seeds = st.integers(0, 10**6)


def modes(singular, inputs=None):
    """The spectrum of modes of these singular values, with more inputs than modes if so told."""
    return Spectrum.of(np.eye(len(singular), inputs or len(singular)) * np.array(singular)[:, None], 0.0, 0.0)


def settled(spectrum, rows, precision=ROUNDING):
    rows = np.asarray(rows, float)
    return Start.settled(spectrum, rows, precision, lambda: np.abs(rows))


def rank(rows):
    return np.linalg.matrix_rank(rows) if rows.size else 0


def independent(rows, order):
    """Of the rows in this order those that no earlier ones combine to."""
    return [i for k, i in enumerate(order) if rank(rows[order[: k + 1]]) > rank(rows[order[:k]])]


def assert_is_a_staircase(start, spectrum, rows):
    """The rows are what they were up to a rotation, with nothing right of the leading ones that grow no slower."""
    assert_allclose(start.rows @ start.rows.T, rows @ rows.T, atol=1e-10 * max(1, np.abs(rows @ rows.T).max()))
    fast = spectrum.rates[start.leading]
    assert (np.diff(fast) <= 0).all()
    for row in np.flatnonzero(spectrum.rates > 0):
        assert (start.rows[row, np.count_nonzero(fast >= spectrum.rates[row]) :] == 0).all()
    assert_inverse(start)


def assert_inverse(start):
    count = len(start.leading)
    block = start.rows[start.leading, :count]
    assert_allclose(start.sizes, np.linalg.norm(block, axis=1), rtol=1e-14)
    assert_allclose(start.inverse @ (block / start.sizes[:, None]), np.eye(count), atol=1e-8)


@st.composite
def short_of_rank(draw):
    """Rows of small integers, products of thin matrices, for 4 modes and one or no input without partner."""
    rng = np.random.default_rng(draw(seeds))
    inputs, hidden = draw(st.sampled_from([4, 5])), draw(st.sampled_from([3, 5, 7, 12]))
    thin = draw(st.integers(1, 4))
    rows = rng.integers(-3, 4, (4 + inputs, thin)) @ rng.integers(-3, 4, (thin, hidden))
    rows[rng.random(len(rows)) < 0.15] = 0
    return inputs, rows.astype(float)


@given(short_of_rank())
def test_the_leading_rows_are_the_fastest_independent_ones(case):
    inputs, rows = case
    spectrum = modes([4.0, 3.0, 2.0, 1.0], inputs)
    start = settled(spectrum, rows)
    assert start.leading.tolist() == independent(rows, list(range(4)))
    if len(start.leading) < min(4, rows.shape[1]):
        assert_is_a_staircase(start, spectrum, rows)
    assert start.rows.shape[1] <= max(1, len(rows))


@given(short_of_rank())
def test_among_rows_of_one_rate_as_many_lead_as_are_independent(case):
    inputs, rows = case
    spectrum = modes([4.0, 2.0, 2.0, 2.0], inputs)
    start = settled(spectrum, rows)
    assert len(start.leading) == rank(rows[:4])
    assert (0 in start.leading) == (rank(rows[:1]) == 1)
    if len(start.leading) < min(4, rows.shape[1]):
        assert_is_a_staircase(start, spectrum, rows)


def test_of_rows_of_one_rate_the_largest_remainder_leads_first():
    spectrum = modes([2.0, 2.0, 1.0])
    rows = np.zeros((6, 3))
    rows[0], rows[1], rows[2] = [1.0, 0.0, 0.0], [3.0, 4.0, 0.0], [3.0, 4.0, 0.0]
    start = settled(spectrum, rows)
    assert start.leading.tolist() == [1, 0]
    assert_allclose(np.abs(start.rows[1]), [5.0, 0.0, 0.0], atol=1e-14)
    assert_allclose(np.abs(start.rows[0]), [0.6, 0.8, 0.0], atol=1e-14)
    assert_allclose(start.rows[2], start.rows[1], atol=1e-14)


@pytest.mark.parametrize(
    ("singular", "alone", "leading"), [([2.0, 2.0, 1.0], 2, [1, 0, 2]), ([3.0, 2.0, 2.0], 0, [0, 2, 1])]
)
def test_rows_of_other_rates_keep_their_turn_beside_those_of_one_rate(singular, alone, leading):
    """The row of its own rate comes first if it is faster and last if it is slower, however large it is."""
    rows = np.zeros((6, 4))
    small, large = (row for row in range(3) if row != alone)
    rows[alone], rows[small], rows[large] = [0.0, 0.0, 50.0, 0.0], [1.0, 0.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0]
    assert settled(modes(singular), rows).leading.tolist() == leading


def test_rows_that_are_plainly_independent_are_left_as_they_are():
    spectrum = modes([3.0, 2.0, 1.0])
    rows = np.random.default_rng(0).standard_normal((6, 2))
    start = settled(spectrum, rows)
    assert_allclose(start.rows, rows, rtol=0, atol=0)
    assert start.leading.tolist() == [0, 1]
    assert_inverse(start)


def test_what_does_not_grow_leads_nothing():
    spectrum = Spectrum.of(np.diag([3.0, 1.0]), 0.0, 2.0)  # the decay is faster than the second mode
    start = settled(spectrum, np.ones((4, 2)))
    assert start.leading.tolist() == [0]
    still = settled(Spectrum.of(np.diag([3.0, 1.0]), 0.0, 4.0), np.ones((4, 2)))
    assert still.leading.size == 0
    assert still.sizes.shape == (0,)
    assert still.inverse.shape == (0, 0)
    assert_allclose(still.rows @ still.rows.T, np.full((4, 4), 2.0), atol=1e-14)
    assert settled(Spectrum.of(np.diag([3.0, 0.0]), 0.0, 0.0), np.eye(4)).leading.tolist() == [0]


@pytest.mark.parametrize("part", [1e-3, 1e-7, 1e-11])
def test_a_small_part_leads_unless_it_is_smaller_than_what_the_weights_are_known_to(part):
    spectrum = modes([3.0, 1.0])
    rows = np.array([[1.0, 2.0], [1.0, 2.0 + part], [0.0, 1.0], [1.0, 0.0]])
    for precision in (ROUNDING, 1e-14, 1e-9, 1e-5, 1e-2):
        start = settled(spectrum, rows, precision)
        if precision < part / 1e3:
            assert start.leading.tolist() == [0, 1]
        elif precision > part:
            assert start.leading.tolist() == [0]
            assert start.rows[1, 1] == 0


@pytest.mark.parametrize("scale", [1e-100, 1e-6, 1e6, 1e100])
@settings(max_examples=10)
@given(case=short_of_rank())
def test_the_unit_of_the_weights_says_nothing(scale, case):
    inputs, rows = case
    spectrum = modes([4.0, 3.0, 2.0, 1.0], inputs)
    start, scaled = settled(spectrum, rows), settled(spectrum, scale * rows)
    assert start.leading.tolist() == scaled.leading.tolist()
    assert_allclose(scaled.sizes, scale * start.sizes, rtol=1e-10)
    assert_allclose((scaled.rows / scale) @ (scaled.rows / scale).T, start.rows @ start.rows.T, atol=1e-9)


def test_a_hidden_unit_of_no_weights_leads_nothing():
    """One unit holds all modes, the other none: the first columns are a triangle with 0 on its diagonal."""
    spectrum = modes([2.0, 1.0])
    start = settled(spectrum, [[0.3, 0.0], [0.3, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert start.leading.tolist() == [0]
    assert_allclose(start.inverse, [[1.0]])


def test_a_direction_known_badly_makes_those_after_it_doubtful():
    """What is left of the second row is uncertain by 1 %, so a third that is 0.1 % of another direction is nothing."""
    spectrum = modes([3.0, 2.0, 1.0])
    rows = np.zeros((6, 3))
    rows[:3] = [[1.0, 0.0, 0.0], [1.0, 1e-6, 0.0], [0.0, 1.0, 1e-3]]
    assert settled(spectrum, rows, 1e-9).leading.tolist() == [0, 1]
    assert settled(spectrum, rows, 1e-13).leading.tolist() == [0, 1, 2]
    rows[2, 2] = 0.3
    assert settled(spectrum, rows, 1e-9).leading.tolist() == [0, 1, 2]


@pytest.mark.parametrize("singular", [[3.0, 2.0, 1.0, 0.5], [3.0, 2.0, 1.0, 1.0]])
@pytest.mark.parametrize(("rest", "count"), [(5e-4, 3), (5e-5, 2)])
def test_the_doubt_of_a_direction_counts_as_much_as_a_row_goes_along_it(singular, rest, count):
    """A direction uncertain by 1.1 %, of which the third row has 0.01: what is left of it must exceed 1.1e-4."""
    rows = np.zeros((8, 3))
    rows[:3] = [[1.0, 0.0, 0.0], [1.0, 1e-6, 0.0], [0.0, 0.01, rest]]
    assert settled(modes(singular), rows, 1e-9).leading.tolist() == list(range(count))


def test_more_hidden_units_than_directions_are_rotated_away():
    rng = np.random.default_rng(0)
    spectrum = modes([2.0, 1.0])
    for hidden in (5, 9):
        rows = rng.standard_normal((4, hidden))
        start = settled(spectrum, rows)
        assert start.rows.shape == (4, 4)
        assert start.leading.tolist() == [0, 1]
        assert_is_a_staircase(start, spectrum, rows)
    nothing = settled(spectrum, np.zeros((4, 9)))
    assert nothing.leading.size == 0
    assert nothing.rows.shape == (4, 1)
    assert (nothing.rows == 0).all()
