import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import spearmanr

from toymodels.metrics.curves import despiked, rank_correlation, scatter, setback, settled_from

numbers = st.floats(-1e3, 1e3)
curves = st.lists(numbers, min_size=8, max_size=40).map(np.array)


@given(curves)
def test_monotone_curves_keep_all_but_their_last_record(values):
    values = np.sort(values)
    assert_allclose(despiked(values)[:-1], values[:-1], rtol=0, atol=0)
    assert values[-2] <= despiked(values)[-1] <= values[-1]


@given(st.integers(8, 40), st.floats(-5, 5), st.floats(-5, 5))
def test_straight_lines_are_kept_and_have_no_scatter(n, slope, start):
    line = start + slope * np.arange(n)
    assert_allclose(despiked(line), line, atol=1e-12)
    assert scatter(line) < 1e-9


@given(curves, st.integers(1, 100))
def test_a_lone_record_on_a_constant_is_gone_wherever_it_is_but_at_the_start(values, where):
    flat = np.full(len(values), 2.0)
    flat[1 + where % (len(flat) - 1)] = 50.0
    assert_allclose(despiked(flat), 2.0)


def test_a_short_curve_is_returned_as_it_is():
    assert despiked([0.0, 9.0, 0.0]).tolist() == [0.0, 9.0, 0.0]


def test_scatter_is_the_standard_deviation_of_noise_on_a_smooth_curve():
    noise = 0.1 * np.random.default_rng(0).standard_normal(20_000)
    assert_allclose(scatter(np.linspace(0, 50, 20_000) + noise), 0.1, rtol=0.05)
    assert scatter([1.0, 5.0]) == 0.0


@given(curves)
def test_a_setback_is_none_for_a_rise_and_bounded_by_the_range(values):
    assert setback(np.sort(values)) == 0.0
    assert 0 <= setback(values) <= np.ptp(values)


def test_a_setback_is_the_largest_fall_from_a_height():
    assert setback([0.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 4.5, 4.5, 4.5]) == 1.0
    assert setback([3.0]) == 0.0


@given(curves, numbers, st.floats(0, 10))
def test_from_where_a_level_is_kept_it_is_kept(values, level, tolerance):
    start = settled_from(values, level, tolerance)
    if start is None:
        below = np.flatnonzero(values < level - tolerance)
        assert not (values[below[-1] + 1 if below.size else 0 :] >= level).any()
    else:
        assert values[start] >= level
        assert (values[start:] >= level - tolerance).all()


def test_oscillations_are_setbacks_and_noise_is_none():
    rng, t = np.random.default_rng(0), np.arange(500.0)
    assert setback(t / 500 + 0.02 * rng.standard_normal(500)) < 0.1
    assert setback(t / 500 + 0.3 * np.sin(2 * np.pi * t / 12)) > 0.5
    assert setback([0.0, 2.0, 1.0, 3.0]) == 1.0  # of few records each counts


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=30))
def test_rank_correlation_is_spearmans_with_ties(pairs):
    first, second = np.array(pairs, dtype=float).T
    if np.ptp(first) and np.ptp(second):
        assert_allclose(rank_correlation(first, second), spearmanr(first, second).statistic, atol=1e-12)
    else:
        assert np.isnan(rank_correlation(first, second))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: despiked([[1.0]]), "values"),
        (lambda: despiked([1.0, np.nan]), "values"),
        (lambda: scatter([np.inf]), "values"),
        (lambda: setback([[1.0]]), "values"),
        (lambda: settled_from([1.0], np.nan), "level"),
        (lambda: settled_from([1.0], 1.0, -1.0), "tolerance"),
        (lambda: rank_correlation([1.0, 2.0], [1.0]), "one length >= 2, got 2 and 1"),
        (lambda: rank_correlation([1.0], [1.0]), "one length >= 2"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("last", [1, 2, 3])
def test_what_is_lost_in_the_last_records_is_lost(last):
    values = np.concatenate([np.linspace(0, 1, 40), np.full(20, 1.0), np.full(last, 0.25)])
    assert setback(values) == 0.75
    assert setback(1 - values[::-1]) == 0.75


@pytest.mark.parametrize("n", [7, 8, 9, 20])
def test_a_loss_in_the_last_record_counts_in_curves_of_any_length(n):
    values = np.ones(n)
    values[0], values[-1] = 0.0, 0.5
    assert setback(values) == 0.5


@pytest.mark.parametrize(("n", "gone"), [(7, False), (8, True)])
def test_a_spike_is_told_from_eight_records_on(n, gone):
    values = np.zeros(n)
    values[3] = 6.0
    assert despiked(values).max() == (0 if gone else 6)
    assert setback(values) == (0 if gone else 6)


@pytest.mark.parametrize(("n", "size"), [(11, 0.0), (12, 4 * 1.4826 / np.sqrt(6))])
def test_scatter_is_told_from_twelve_records_on(n, size):
    """Records that alternate by 1 have second differences of 4 units of 1/2 each way, of size 4."""
    assert_allclose(scatter(np.tile([-1.0, 1.0], 6)[:n]), size, atol=1e-12)


def test_a_rise_in_the_last_record_is_cut_to_the_line_through_the_two_before():
    assert despiked([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 20.0])[-1] == 8
    assert despiked([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -9.0])[-2:].tolist() == [5, 5]


def test_a_fall_of_two_records_is_a_setback_and_one_of_a_single_record_is_not():
    values = np.ones(20)
    values[0], values[8:10] = 0.0, 0.5
    assert setback(values) == 0.5
    values[9] = 1.0
    assert setback(values) == 0


def test_two_records_have_a_rank_correlation():
    assert rank_correlation([1.0, 2.0], [5.0, 3.0]) == -1


@pytest.mark.parametrize("measure", [despiked, scatter, setback])
def test_curves_near_the_largest_number_are_measured_like_others(measure):
    values = np.random.default_rng(0).uniform(0.1, 1.0, 24)
    wanted = np.multiply(measure(values), 2.0**1023)
    np.testing.assert_array_equal(measure(values * 2.0**1023), wanted)
    np.testing.assert_array_equal(measure(np.full(8, 1e308)), measure(np.full(8, 1.0)) * 1e308)


@pytest.mark.parametrize("measure", [scatter, setback])
def test_what_no_number_holds_is_refused(measure):
    with pytest.raises(ValueError, match="values must not be so large that differences overflow, got 1e\\+308 in size"):
        measure([1e308] * 6 + [-1e308] * 6 + [1e308, -1e308] * 6)
