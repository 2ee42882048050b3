import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.metrics.grokking import crossing_time, delay, half_way_time, lag

T = np.geomspace(1e-2, 1e4, 61)


def step(time):
    """A sigmoid in log10 t, 0.5 at `time`."""
    return 1 / (1 + (time / T) ** 4)


@st.composite
def curves(draw):
    n = draw(st.integers(1, 12))
    gaps = draw(st.lists(st.floats(1e-3, 1e3), min_size=n, max_size=n))
    values = draw(st.lists(st.floats(-1e6, 1e6), min_size=n, max_size=n))
    return np.cumsum(gaps), np.array(values)


@st.composite
def scores(draw):
    """Curves that end at most at 1, as an R2 does."""
    t, values = draw(curves())
    return t, np.minimum(values, 1.0)


def test_the_worked_example_is_one_decade():
    assert delay([1, 10, 100], [0, 1, 1], [0, 0, 1]) == 1.0


def test_a_crossing_is_interpolated_linearly_in_log_time():
    assert_allclose(crossing_time([1, 100], [0.0, 1.0], 0.25), 10**0.5, **EXACT)


def test_the_interval_from_time_zero_counts_as_its_end():
    assert crossing_time([0, 5, 50], [0.0, 1.0, 1.0], 0.5) == 5.0


def test_a_level_held_by_the_first_record_is_reached_there():
    assert crossing_time([3, 5], [1.0, 0.0], 0.5) == 3.0


def test_the_first_crossing_counts_even_if_the_curve_falls_back():
    assert crossing_time([1, 2, 3, 4], [0, 1, 0, 1], 1.0) == 2.0


def test_a_level_reached_only_at_infinity_is_never_reached():
    assert crossing_time([1, np.inf], [0.0, 1.0], 0.5) == np.inf
    assert delay([1, 2, np.inf], [0, 1, 1], [0, 0, 1]) == np.inf


@pytest.mark.parametrize("size", [5e-324, 1.0, 1e308])
def test_tiny_and_huge_values_neither_underflow_nor_overflow(size):
    assert crossing_time([1, 100], [-size, size], size) == 100
    assert_allclose(crossing_time([1, 100], [-size, size], 0.0), 10, **EXACT)


def test_each_score_has_its_own_level():
    t, score = [1, 10, 100], [0.0, 0.5, 1.0]
    assert_allclose(delay(t, score, score, level=(0.5, 1.0)), 1.0, **EXACT)
    assert delay(t, score, score, level=0.5) == 0.0


def test_a_test_score_that_never_succeeds_is_infinitely_late():
    assert delay([1, 2], [0, 1], [0, 0.2]) == np.inf


def test_a_training_score_that_never_succeeds_is_refused():
    with pytest.raises(ValueError, match=r"train must reach level 0.95 in finite time, got at most 0.2"):
        delay([1, 2], [0, 0.2], [0, 1])


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ([10, 95, 100], [0.1, 0.2, 1], r"train must be at most 1, a fraction, got 100 \(a percentage\?\)"),
        ([0.1, 1, 1], [10, 10, 95], r"test must be at most 1, a fraction, got 95 \(a percentage\?\)"),
        ([0.1, 1, 1 + 1e-5], [0, 0, 1], "train must be at most 1, a fraction, got 1.00001"),
    ],
)
def test_percentages_are_refused(train, test, message):
    with pytest.raises(ValueError, match=message):
        delay([1, 10, 100], train, test)


def test_scores_may_be_negative_and_above_one_by_rounding():
    assert delay([1, 10, 100], [-50.0, 1 + 1e-7, 1], [-80.0, -3.0, 1]) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("train", "test", "name"), [([1, 1], [0, 1], "train"), ([0, 1], [1, 1], "test")])
def test_success_at_time_zero_has_no_delay(train, test, name):
    with pytest.raises(ValueError, match=f"{name} must reach its level after t = 0"):
        delay([0, 1], train, test)


@given(st.floats(0.1, 10.0), st.floats(1.0, 300.0))
def test_shifting_a_curve_in_log_time_is_its_delay(t_train, ratio):
    measured = delay(T, step(t_train), step(t_train * ratio), level=0.5)
    assert_allclose(measured, np.log10(ratio), atol=0.01)  # a tenth of the record spacing


@given(scores(), scores(), st.floats(1e-3, 1e3))
def test_delay_does_not_depend_on_the_unit_of_time(train, test, unit):
    n = min(len(train[0]), len(test[0]))
    t, train, test = train[0][:n], train[1][:n], test[1][:n]
    level = (float(train.max()), float(test.max()))
    assert_allclose(delay(unit * t, train, test, level), delay(t, train, test, level), rtol=1e-9, atol=1e-9)


@given(scores(), scores())
def test_swapping_the_curves_changes_the_sign(left, right):
    n = min(len(left[0]), len(right[0]))
    t, left, right = left[0][:n], left[1][:n], right[1][:n]
    levels = (float(left.max()), float(right.max()))
    assert delay(t, left, right, levels) == -delay(t, right, left, levels[::-1])


@given(curves(), st.floats(-1e6, 1e6))
def test_a_crossing_lies_between_its_records_and_a_higher_level_is_not_earlier(curve, level):
    t, values = curve
    time = crossing_time(t, values, level)
    assert crossing_time(t, values, level - 1.0) <= time
    if np.isfinite(time):
        k = int((values >= level).argmax())
        assert (t[k - 1] if k else t[0]) <= time <= t[k]
    else:
        assert values.max() < level


@given(curves(), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0.1, 10), st.floats(-10, 10))
def test_half_way_is_the_same_for_a_shifted_scaled_or_negated_quantity(curve, baseline, final, scale, shift):
    assume(abs(baseline - final) > 1e-3)
    t, values = curve
    middle = (baseline + final) / 2
    assume((abs(values - middle) > 1e-6).all())  # on the middle rounding decides the side
    time = half_way_time(t, values, baseline, final)
    for factor in (scale, -scale):
        same = half_way_time(t, factor * values + shift, factor * baseline + shift, factor * final + shift)
        assert_allclose(same, time, rtol=1e-6)


def test_half_way_takes_the_callers_baseline_not_the_first_value():
    t, values = [1, 2, 4, 8], [0.0, 1.0, 1.0, 3.0]
    assert_allclose(half_way_time(t, values, baseline=1.0, final=3.0), 4 * 2**0.5, **EXACT)
    assert_allclose(half_way_time(t, values, baseline=0.0, final=3.0), 4 * 2**0.25, **EXACT)


def test_half_way_without_a_way_is_refused():
    with pytest.raises(ValueError, match="baseline must differ from final, got 1 for both"):
        half_way_time([1, 2], [1, 2], 1.0, 1.0)


@pytest.mark.parametrize(
    ("t", "values", "level", "message"),
    [
        ([1, 2], [0.0], 1.0, "one value per time"),
        ([2, 1], [0.0, 1.0], 1.0, "t must be strictly increasing"),
        ([-1, 1], [0.0, 1.0], 1.0, "t must be >= 0"),
        ([1, 2], [0.0, np.nan], 1.0, "values must be finite"),
        ([1, 2], [0.0, 1.0], np.nan, "level must be finite"),
        ([], [], 1.0, "must"),
    ],
)
def test_bad_curves_are_refused(t, values, level, message):
    with pytest.raises(ValueError, match=message):
        crossing_time(t, values, level)


def test_a_level_is_one_number_or_two():
    with pytest.raises(ValueError, match=r"level must be a number or a \(train, test\) pair"):
        delay([1, 2], [0, 1], [0, 1], level=(0.1, 0.2, 0.3))  # pyright: ignore[reportArgumentType]


def rising(t, half):
    return 1 / (1 + (half / t) ** 4)


@given(st.floats(0.5, 3), st.floats(1e-3, 1e3), st.floats(0.1, 5), st.floats(-3, 3))
def test_a_lag_is_the_shift_of_equal_curves_whatever_the_units(decades, unit, size, origin):
    t = np.geomspace(1e-4, 1e8, 400)
    train, test = rising(t, 1.0), origin + size * rising(t, 10**decades)
    assert_allclose(lag(unit * t, train, test), decades, atol=1e-3)
    assert_allclose(lag(unit * t, test, train), -decades, atol=1e-3)


@given(st.floats(0.3, 3))
def test_a_lag_grows_with_the_power_of_the_clock(power):
    t = np.geomspace(1e-4, 1e8, 400)
    assert_allclose(lag(t**power, rising(t, 1.0), rising(t, 100.0)), 2 * power, rtol=1e-3)


@given(st.floats(0.01, 1), st.floats(-1, 1))
def test_a_score_proportional_to_the_other_does_not_lag(share, origin):
    t = np.geomspace(1, 1e4, 60)
    assert_allclose(lag(t, rising(t, 10.0), origin + share * rising(t, 10.0)), 0, atol=1e-9)


def test_earlier_and_later_records_add_nothing():
    t = np.geomspace(1, 1e4, 60)
    train, test = (t >= 10.0).astype(float), (t >= 1000.0).astype(float)
    longer = np.concatenate([[0.0, 0.01], t, [1e9]])
    padded = (np.concatenate([[0.0, 0.0], values, [1.0]]) for values in (train, test))
    assert_allclose(lag(longer, *padded), lag(t, train, test), atol=1e-12)


def test_a_lag_of_a_curve_that_ends_where_it_began_is_refused():
    with pytest.raises(ValueError, match=r"test must end elsewhere than it began, got 0\.3 at both ends"):
        lag([1.0, 2.0], [0.0, 1.0], [0.3, 0.3])
    with pytest.raises(ValueError, match="t must be finite"):
        lag([1.0, np.inf], [0.0, 1.0], [0.0, 1.0])


def test_two_positive_times_are_enough_for_a_lag_and_one_is_not():
    assert lag([1, 100], [0, 1], [0, 1]) == 0
    assert lag([0, 1, 100], [0, 1, 1], [0, 0, 1]) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least two times > 0, got 1"):
        lag([0, 1], [0, 1], [0, 1])


def test_a_crossing_between_times_of_any_ratio_is_found():
    assert crossing_time([1e-200, 1e200], [0.0, 1.0], 0.5) == pytest.approx(1.0, rel=1e-12)
    assert crossing_time([5e-324, 1e308], [0.0, 1.0], 0.25) == pytest.approx(10 ** (0.75 * -323.306215 + 0.25 * 308))
    assert crossing_time([1e-200, 1e200], [0.0, 1.0], 1.0) == 1e200


def test_half_of_the_smallest_number_is_half_way():
    assert half_way_time([1, 100], [0.0, 5e-324], 0.0, 5e-324) == pytest.approx(10.0)
    assert half_way_time([1, 100], [5e-324, 0.0], 5e-324, 0.0) == pytest.approx(10.0)
    assert half_way_time([1, 10, 100], [0.0, 1e-300, 1e308], 0.0, 1e-300) == pytest.approx(10**0.5)


def test_a_rise_that_overflows_is_a_rise_and_a_vanishing_one_is_refused():
    assert lag([1, 10, 100], [-1.7e308, 1.7e308, 1.7e308], [0.0, 0.0, 1.0]) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="train must not go beyond 1e\\+75 times its rise, got a rise of 1e-300"):
        lag([1, 10, 100], [0.0, 1e300, 1e-300], [0.0, 0.0, 1.0])
