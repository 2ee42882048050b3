"""Settings in words: digits, lists, and from which length on a list is told by its ends."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from figures.harness.sizes import MANY, settings_in_words


def words(value):
    return settings_in_words({"value": value}).removeprefix("value ")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (999, "999"),
        (1_234_567, "1,234,567"),
        (-60_000, "-60,000"),
        (True, "True"),
        (False, "False"),
        (0.1, "0.1"),
        (1 / 3, "0.3333"),
        (12_345.6, "1.235e+04"),
        (np.float64(1e-5), "1e-05"),
        ("relu", "relu"),
        (None, "None"),
        ((), ""),
        ((7,), "7"),
        ([1000, 2.5], "1,000 and 2.5"),
        (("a", True, 0.5), "a, True and 0.5"),
    ],
)
def test_numbers_have_four_digits_or_thousands_and_lists_an_and(value, expected):
    assert words(value) == expected


@example(list(range(6)))
@example(list(range(7)))
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=3 * MANY))
def test_up_to_six_values_are_all_told_and_more_by_their_ends_and_number(values):
    assert MANY == 6
    told = words(tuple(values))
    if len(values) <= 6:
        assert told.replace(" and ", ", ").split(", ") == [f"{value:,}" for value in values]
    else:
        assert told == f"{values[0]:,} to {values[-1]:,} ({len(values)} values)"


def test_names_lose_their_underscores_and_keep_their_order():
    assert settings_in_words({"n_test_digits": 5, "a": 1}) == "n test digits 5, a 1"
    assert settings_in_words({}) == ""
