import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.metrics.information import forgotten, gained, trend_after_peak, trend_to_plateau


@given(st.floats(0, 5), st.floats(0, 5), st.floats(1e-3, 1e3))
def test_shares_of_the_peak_do_not_depend_on_the_unit(start, end, unit):
    bits = unit * np.array([start, 6.0, end])
    assert_allclose(gained(bits), 1 - start / 6)
    assert_allclose(forgotten(bits), 1 - end / 6)


def test_the_gain_is_from_the_lowest_record_before_the_peak():
    assert gained([3.0, 1.0, 4.0, 0.5]) == 0.75


def test_a_spike_is_no_peak():
    bits = np.full(20, 2.0)
    bits[7] = 9.0
    assert (gained(bits), forgotten(bits)) == (0.0, 0.0)


def test_a_steady_fall_is_a_trend_and_noise_is_none():
    t = np.arange(40.0)
    assert trend_after_peak(t, 10 - 0.1 * t) == pytest.approx(-1)
    noise = np.random.default_rng(0).random(40)
    noise[0] = 2.0
    assert abs(trend_after_peak(t, noise)) < 0.7
    assert np.isnan(trend_after_peak([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]))


@pytest.mark.parametrize("function", [gained, forgotten])
def test_nothing_to_lose_is_refused(function):
    with pytest.raises(ValueError, match="about_input must have a peak > 0, got 0"):
        function([0.0, -1.0])


def test_noise_on_a_plateau_does_not_dilute_a_fast_fall():
    rng = np.random.default_rng(0)
    t = np.arange(100.0)
    bits = np.interp(t, [0, 5, 15], [1.0, 6.0, 3.0]) + 0.02 * rng.standard_normal(100)
    assert trend_after_peak(t, bits) > -0.7 > -0.9 > trend_to_plateau(t, bits)
    coming_back = np.where(t > 60, 4.5, bits)
    assert np.isnan(trend_to_plateau(t, coming_back))
    assert np.isnan(trend_to_plateau(t, np.where(t < 10, 6.0, 3.0)))  # nothing is seen on the way down


@pytest.mark.parametrize(
    ("bits", "trend"),
    [
        ([9.0, 3.0, 2.0, 1.0], -1),
        ([9.0, 3.0, 2.0], np.nan),
        ([1.0, 9.0, 9.0, 3.0, 2.0, 1.0], -1),  # from the last record of a flat top
        ([1.0, 9.0, 9.0, 3.0, 2.0], np.nan),
        ([9.0, 1.0, 2.0, 3.0], -0.2),  # ranks 4 1 2 3 against 1 2 3 4
    ],
)
def test_a_trend_needs_three_records_after_the_peak(bits, trend):
    assert_allclose(trend_after_peak(np.arange(len(bits)) + 1.0, bits), trend)


@pytest.mark.parametrize(
    ("bits", "trend"),
    [
        ([9.0, 8.0, 6.0, 2.0, 2.0, 2.0], -1),  # the records after the first that is down do not count
        ([9.0, 6.0, 2.0, 2.0, 2.0, 2.0], np.nan),  # three records on the way down
        ([9.0, 8.0, 6.0, 2.7, 2.0, 2.0, 2.0], -1),  # a tenth of the loss of 7 is left
        ([9.0, 8.0, 6.0, 2.0, 3.3, 2.0, 2.0], -1),  # off by less than a fifth
        ([9.0, 8.0, 6.0, 2.0, 3.5, 2.0, 2.0], np.nan),
        ([9.0, 8.0, 6.0, 0.1, 2.0, 2.0, 2.0], np.nan),
        ([9.0, 6.0, 8.0, 2.0, 2.0, 2.0], -0.8),  # ranks 4 2 3 1
    ],
)
def test_a_fall_is_seen_up_to_its_first_record_on_a_plateau_that_stays(bits, trend):
    assert_allclose(trend_to_plateau(np.arange(len(bits)) + 1.0, bits), trend)


def test_a_larger_share_ends_the_fall_earlier():
    bits = [9.0, 8.0, 6.0, 5.0, 3.0, 2.0, 2.0]
    assert trend_to_plateau(np.arange(7.0), bits, share=0.45) == pytest.approx(-1)
    assert np.isnan(trend_to_plateau(np.arange(7.0), bits, share=0.6))


@pytest.mark.parametrize("function", [trend_after_peak, trend_to_plateau])
def test_every_record_has_a_time(function):
    with pytest.raises(ValueError, match="t must have one entry per value, got 2 for 3 values"):
        function([1.0, 2.0], [3.0, 2.0, 1.0])
