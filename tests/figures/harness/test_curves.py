"""Moments of curves: first records at a level, crossings between records, the steepest rise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.harness.curves import crossings, first_time, first_times, steepest

CURVES = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(CURVES, st.floats(0, 1))
def test_the_first_time_is_the_first_record_at_the_level(curve, level):
    steps = np.arange(len(curve)) * 3.0
    first = first_time(steps, curve, level)
    if np.isinf(first):
        assert (curve < level).all()
    else:
        assert curve[int(first / 3)] >= level
        assert (curve[: int(first / 3)] < level).all()


def test_first_times_are_those_of_the_rows():
    steps, rows = np.array([1.0, 10, 100]), np.array([[0.0, 0.5, 1], [0, 0, 0.4]])
    assert first_times(steps, rows, 0.5).tolist() == [10, np.inf]


def test_crossings_take_a_level_for_each_curve_or_one_for_all():
    steps, rows = np.array([1.0, 10, 100]), np.array([[0.0, 0.5, 1], [0, 1, 2]])
    assert crossings(steps, rows, [0.5, 2]).tolist() == pytest.approx([10, 100])
    assert crossings(steps, rows, 1).tolist() == pytest.approx([100, 10])


@given(st.integers(1, 8))
def test_the_steepest_place_of_a_step_is_its_middle(k):
    steps = np.arange(10) ** 2.0
    assert steepest(steps, (np.arange(10) >= k).astype(float)) == (steps[k - 1] + steps[k]) / 2
