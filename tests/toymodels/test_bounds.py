"""Bounds on the values of all runs: three-valued logic, what a share of runs means, and which runs decide nothing."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toymodels.bounds import (
    Criterion,
    Statistic,
    every,
    every_run,
    mean,
    median,
    median_of_each,
    share_of_runs,
    some_run,
    spread,
    value,
)

RANK = {False: 0, None: 1, True: 2}  # and is the lower, or the higher one
levels = st.lists(st.integers(-2, 2), min_size=1, max_size=8)


def constant(answer, agreed="as tested"):
    return Criterion("c", lambda values: answer, 0, None if agreed == "as tested" else lambda values: agreed)


@pytest.mark.parametrize(("first", "second"), list(itertools.product([True, False, None], repeat=2)))
def test_three_valued_logic_takes_the_lower_and_the_higher_of_two(first, second):
    both, either = constant(first) & constant(second), constant(first) | constant(second)
    assert both.met_by([1]) is min(first, second, key=RANK.get)
    assert either.met_by([1]) is max(first, second, key=RANK.get)
    opened = constant(first).open_if(constant(second))
    assert opened.met_by([1]) is (None if second else first)


@pytest.mark.parametrize("other", [True, False, None])
def test_a_median_without_a_majority_leaves_open_what_it_decides(other):
    torn = constant(True, None)
    assert (torn & constant(other)).split_by([1, 2, 3, 4]) is (other is True)
    assert (torn | constant(other)).split_by([1, 2, 3, 4]) is (other is not True)
    assert torn.open_if(constant(other)).split_by([1, 2, 3, 4]) is (other is not True)
    assert not constant(other).open_if(torn).split_by([1, 2, 3, 4])


def test_how_runs_disagree_is_said_with_their_number():
    assert (mean > 1).split([0, 2, 3]) == "the bound lies within the spread of 3 values"
    assert (median > 1).split([0, 0, 2, 2]) == "no more than half of 4 values agree with their median"
    assert (mean > 1).split([0, 0, 2, 2]) == "" == (mean > 1).split([2, 2, 3])
    assert (median_of_each("network", 2) > 1).split([0, 2, 0, 0]) == "the bound lies within the spread of 4 values"


@pytest.mark.parametrize("statistic", [every_run, mean, median, share_of_runs(0.5)])
def test_up_to_three_runs_on_both_sides_decide_nothing_and_four_do(statistic):
    assert (statistic > 1).split_by([0, 2])
    assert (statistic > 1).split_by([0, 2, 2])
    assert not (statistic > 1).split_by([0, 2, 2, 2])
    assert not (statistic > 1).split_by([2])


@pytest.mark.parametrize("statistic", [value, some_run, spread, every("layer")])
def test_where_values_are_not_runs_or_one_is_enough_none_are_split(statistic):
    assert not (statistic > 1).split_by([0, 2])


def test_an_exact_value_of_every_run_is_missed_by_a_single_one():
    assert not every_run.equals(2).split_by([2, 3])
    assert every_run.equals(2).met_by([2, 3]) is False
    assert every_run.equals(2).met_by([2, 2]) is True
    assert mean.equals(2).split_by([2, 3])
    assert share_of_runs(0.5).equals(2).split_by([2, 3])


@given(levels, st.integers(-2, 2))
def test_the_median_of_one_part_is_the_median(values, bound):
    first, second = median_of_each("network", 1) > bound, median > bound
    assert first.met_by(values) is second.met_by(values)
    assert first.split(values) == second.split(values)


@given(
    st.lists(levels, min_size=2, max_size=2).filter(lambda parts: len(parts[0]) == len(parts[1])), st.integers(-2, 2)
)
def test_medians_of_parts_are_those_of_each_part_alone(parts, bound):
    met = (median_of_each("network", 2) > bound).met_by([*parts[0], *parts[1]])
    assert met is all(np.median(part) > bound for part in parts)


@given(levels, st.integers(1, 4), st.integers(-2, 2))
def test_a_share_of_runs_is_reached_when_so_many_pass(values, quarters, bound):
    passing = sum(entry < bound for entry in values)
    assert (share_of_runs(quarters / 4) < bound).met_by(values) is (4 * passing >= quarters * len(values))


@given(levels, st.integers(-2, 2))
def test_turning_all_signs_turns_the_comparison(values, bound):
    turned = [-entry for entry in values]
    for statistic in (every_run, some_run, median, mean, share_of_runs(0.5)):
        for one, other in ((statistic > bound, statistic < -bound), (statistic >= bound, statistic <= -bound)):
            assert one.met_by(values) is other.met_by(turned)
            assert one.split(values) == other.split(turned)


def test_within_leaves_its_ends_out_and_between_has_them():
    assert every_run.within(0.5, 2).met_by([1.75, 2.25]) is True
    assert every_run.within(0.5, 2).met_by([2.5]) is False
    assert every_run.within(0.5, 2).met_by([1.5]) is False
    assert every_run.between(1.5, 2.5).met_by([1.5, 2.5]) is True
    assert every_run.between(2, 2).met_by([2]) is True
    assert every_run.between(2, 2).met_by([2, 2.25]) is False


def test_runs_are_of_a_part_where_either_side_of_a_criterion_says_so():
    networks, runs, layers = median_of_each("network", 2) > 1, every_run > 1, every("layer") > 1
    assert (networks & runs).of_runs == (runs & networks).of_runs == (runs | networks).of_runs == 2
    assert (runs & layers).of_runs == (layers | runs).of_runs == 1
    assert (layers & layers).of_runs == 0
    assert networks.open_if(runs).of_runs == 2


def test_sentences_are_put_in_brackets_only_where_they_would_be_read_apart():
    first, second = every("layer") > 0.125, median.between(1, 2)
    assert str((first & second) & first) == "every layer > 0.125 and median in [1, 2] and every layer > 0.125"
    assert str((first | second) | first) == "every layer > 0.125 or median in [1, 2] or every layer > 0.125"
    assert str(first.open_if(second)) == "every layer > 0.125 (open if median in [1, 2])"
    assert str(median_of_each("network", 3) <= 1 / 3) == f"median of each network <= {1 / 3!r}"
    assert str(Statistic("rate", np.max).within(1e-9, 1e7)) == "rate within 1e-09 of 1e+07"


@pytest.mark.parametrize("share", [0, -0.5, 1.25, float("nan")])
def test_a_share_of_none_or_of_more_than_all_is_refused(share):
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\], got "):
        share_of_runs(share)
    assert (share_of_runs(1) > 0).met_by([1, 0]) is False


def test_a_single_number_is_one_value():
    assert (every_run > 1).met_by(2.5) is True
    assert not (median > 1).split_by(2.5)


def test_each_statistic_is_compared_as_it_is_called():
    runs = [1, 3.5, 2, 5]
    for statistic, number in ((spread, 4), (mean, 2.875), (median, 2.75)):
        assert statistic.equals(number).met_by(runs) is True
        assert (statistic > number).met_by(runs) is False
        assert (statistic >= number).met_by(runs) is True
    assert (some_run > 3.5).met_by(runs) is True
    assert (some_run > 5).met_by(runs) is False
    assert (every_run >= 1).met_by(runs) is True
    assert (every_run > 1).met_by(runs) is False
