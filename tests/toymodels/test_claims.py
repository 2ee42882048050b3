import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toymodels.claims import (
    AFTER,
    CANNOT_CONTRADICT,
    CONTRADICTED,
    LEFT_OPEN,
    OPEN,
    REPRODUCED,
    SEED_DECIDES,
    Claim,
    Decisive,
    Judged,
    Quantity,
    at_least,
    every,
    every_run,
    mean,
    median,
    median_of_each,
    share_of_runs,
    some_run,
    spread,
    verdict_of,
)

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9)


@given(numbers, st.floats(-1e6, 1e6))
def test_criteria_are_arithmetic(values, bound):
    array = np.array(values)
    assert (every_run > bound).met_by(values) == bool((array > bound).all())
    assert (every_run <= bound).met_by(values) == bool((array <= bound).all())
    assert (some_run < bound).met_by(values) == bool((array < bound).any())
    assert (median >= bound).met_by(values) == bool(np.median(array) >= bound)
    assert (mean < bound).met_by(values) == bool(array.mean() < bound)
    assert (spread <= abs(bound)).met_by(values) == bool(np.ptp(array) <= abs(bound))
    assert every_run.between(-abs(bound), abs(bound)).met_by(values) == bool((abs(array) <= abs(bound)).all())
    assert mean.within(abs(bound), 0).met_by(values) == bool(abs(array.mean()) < abs(bound))
    assert share_of_runs(0.5).equals(bound).met_by(values) == bool((array == bound).mean() >= 0.5)


@given(numbers, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_criteria_compose(values, low, high):
    first, second = every_run > low, median < high
    assert (first & second).met_by(values) == (first.met_by(values) and second.met_by(values))
    assert (first | second).met_by(values) == (first.met_by(values) or second.met_by(values))
    left_open = first.open_if(some_run > high)
    assert left_open.met_by(values) == (None if (np.array(values) > high).any() else first.met_by(values))


def test_undecided_is_neither_met_nor_missed():
    undecided = (every_run > 0).open_if(every_run > -1)
    assert (undecided & (every_run > 5)).met_by([1.0]) is False
    assert (undecided & (every_run > 0)).met_by([1.0]) is None
    assert (undecided | (every_run > 0)).met_by([1.0]) is True
    assert (undecided | (every_run > 5)).met_by([1.0]) is None


def test_infinite_values_are_compared_and_not_refused():
    assert (every_run > 1).met_by([np.inf]) is True
    assert every_run.between(0, 1).met_by([np.inf]) is False


@pytest.mark.parametrize(
    ("criterion", "sentence"),
    [
        (every_run < 0.01, "every run < 0.01"),
        (median.between(1, 2) & (spread < 0.1), "median in [1, 2] and spread < 0.1"),
        (mean.within(0.01, 1), "mean within 0.01 of 1"),
        (some_run.equals(0), "some run = 0"),
        (share_of_runs(0.9) >= 2, "90% of the runs >= 2"),
        (every("layer") > 0, "every layer > 0"),
        (
            (every_run > 1).open_if(some_run < 0, "a network has not fitted"),
            "every run > 1 (open if a network has not fitted)",
        ),
        ((every_run > 1) | (median > 3), "every run > 1 or median > 3"),
    ],
)
def test_a_criterion_prints_its_own_sentence(criterion, sentence):
    assert str(criterion) == sentence


def claim(criterion=every_run > 1, measure=lambda data: data["x"], **more):
    return Claim("toy.large", "Figure 1", "It is large.", Quantity("value of x", measure), criterion, **more)


@pytest.mark.parametrize(
    ("values", "more", "verdict"),
    [
        ([2.0, 3.0], {}, REPRODUCED),
        ([0.0, 1.0], {}, CONTRADICTED),
        ([0.0, 1.0], {"decisive": at_least(n=10)}, OPEN),
        ([2.0, 3.0], {"decisive": at_least(n=10)}, REPRODUCED),
        ([0.0, 1.0], {"decisive": at_least(n=5)}, CONTRADICTED),
        ([0.0, 1.0], {"decisive": Decisive("never", lambda data: False)}, OPEN),
        ([0.0, 1.0], {"decisive": at_least(n=5) & at_least(n=10)}, OPEN),
        ([0.0, 3.0], {}, OPEN),
    ],
)
def test_verdicts_follow_the_criterion_and_the_size(values, more, verdict):
    judged = claim(why="because", defence="a toy", **more).judge({"x": np.array(values), "n": 5})
    assert judged.verdict == verdict
    assert (judged.remark != "") == (verdict == OPEN)
    assert (judged.low, judged.high, judged.replicates) == (min(values), max(values), 2)
    assert (judged.why, judged.defence) == (("", "") if verdict == REPRODUCED else ("because", "a toy"))
    assert Judged.from_dict(judged.to_dict()) == judged


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(-10, 10))
def test_two_or_three_runs_on_both_sides_of_a_bound_leave_a_claim_open(values, bound):
    met = [value > bound for value in values]
    split = 1 < len(values) <= 3 and len(set(met)) == 2
    for statistic in (every_run, mean):
        judged = claim(statistic > bound).judge({"x": np.array(values)})
        assert (judged.verdict == OPEN) == split
        assert judged.remark == (f"the bound lies within the spread of {len(values)} values" if split else "")
    assert claim(every("layer") > bound).judge({"x": np.array(values)}).verdict != OPEN


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.floats(-3, 3))
def test_a_median_is_decided_where_more_than_half_of_the_runs_agree_with_it(values, bound):
    met = [value > bound for value in values]
    judged = claim(median > bound).judge({"x": np.array(values)})
    if 1 < len(values) <= 3 and len(set(met)) == 2:
        assert judged.remark == f"the bound lies within the spread of {len(values)} values"
    elif 2 * sum(met) == len(values):
        assert judged.remark == f"no more than half of {len(values)} values agree with their median"
    else:
        assert judged.verdict == (REPRODUCED if 2 * sum(met) > len(values) else CONTRADICTED)
        assert judged.remark == ""


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.integers(-3, 3), st.integers(0, 3))
def test_a_median_between_runs_that_are_elsewhere_decides_nothing(values, low, width):
    criterion = median.between(low, low + width)
    inside = [low <= value <= low + width for value in values]
    if not criterion.split_by(values):
        assert criterion.met_by(values) == (2 * sum(inside) > len(values))
    same = criterion.met_by(values)
    assert criterion.split_by(values) or 2 * sum(each == same for each in inside) > len(values)


def test_only_what_a_median_leaves_undecided_is_open():
    tie, low = [0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 0.0, 2.0]
    assert (median > 1).split_by(tie)
    assert (share_of_runs(0.5) > 1).split_by([0, 2])
    assert not (share_of_runs(0.5) > 1).split_by([0, 2, 2, 2])
    assert not (median > 1).split_by(low)
    assert not (every_run > 1).split_by(tie)
    assert not (median.between(0.5, 3) & (every_run > 1)).split_by(tie)  # one run refutes, whatever the median
    assert not ((median > 1) | (some_run > 1)).split_by(tie)
    assert (median.between(0.5, 3) & (spread < 5)).split_by(tie)
    assert not (median > 1).open_if(some_run.equals(2)).split_by(tie)  # its own reason comes first
    assert (median > 1).open_if(some_run.equals(5)).split_by(tie)
    assert median_of_each("network", 2).between(-1, 1).split_by([*tie, 0.0, 0.0, 0.0, 0.0])
    assert not (mean > 0.9).split_by(tie)


def test_runs_of_several_networks_are_looked_at_one_network_after_the_other():
    apart, mixed = [2.0, 3.0, 4.0, 0.0, 0.5, 0.7], [2.0, 3.0, 0.5, 4.0, 5.0, 6.0]
    criterion = median_of_each("network", 2) > 1
    assert criterion.met_by(apart) is False
    assert criterion.met_by(mixed) is True
    assert not criterion.split_by(apart)
    assert criterion.split_by(mixed)
    assert criterion.met_by([2.0]) is True
    with pytest.raises(ValueError, match="parts must be >= 1, got 0"):
        median_of_each("network", 0)


def test_the_sentence_says_what_is_measured_bounded_and_at_which_size():
    assert claim(decisive=at_least(samples=6000)).sentence == (
        "value of x: every run > 1; contradicted only with samples >= 6,000"
    )


def test_what_left_a_claim_open_is_said():
    undecided = claim((every_run > 1).open_if(some_run.equals(0)))
    assert undecided.judge({"x": [0.0]}).remark == LEFT_OPEN
    assert undecided.judge({"x": [0.5]}).remark == ""


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=12))
def test_quartiles_are_values_that_a_quarter_do_not_exceed_and_a_quarter_reach(values):
    judged, ordered = claim().judge({"x": values}), sorted(values)
    place = max(-(-len(values) // 4), 1) - 1
    assert (judged.lower_quartile, judged.upper_quartile) == (ordered[place], ordered[-1 - place])
    if len(values) <= 4:
        assert (judged.lower_quartile, judged.upper_quartile) == (judged.low, judged.high)
    assert Judged.from_dict(judged.to_dict()) == judged


def test_fields_of_an_earlier_ledger_have_the_extremes_for_quartiles():
    judged = claim().judge({"x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    fields = {name: value for name, value in judged.to_dict().items() if "quartile" not in name}
    assert (Judged.from_dict(fields).lower_quartile, Judged.from_dict(fields).upper_quartile) == (1.0, 5.0)
    assert (judged.lower_quartile, judged.upper_quartile) == (2.0, 4.0)


@pytest.mark.parametrize("values", [[], [np.nan], [1.0, np.nan]])
def test_a_claim_that_measures_no_number_is_refused(values):
    with pytest.raises(ValueError, match=r"claim toy\.large must measure numbers"):
        claim().judge({"x": values})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": "rumour"}, "source must be one of paper, reading, control, got 'rumour'"),
        ({"fixed": "never"}, "fixed must be one of before, after exploration, got 'never'"),
    ],
)
def test_bad_claims_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        claim(**fields)
    with pytest.raises(ValueError, match="key must not be empty"):
        Claim(" ", "p", "s", Quantity("q", len), every_run > 0)
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\]"):
        share_of_runs(0)


def test_the_verdict_of_two_seeds_is_theirs_or_open():
    good, bad = (claim(fixed=AFTER).judge({"x": x}) for x in (2.0, 0.0))
    assert verdict_of([good]) == (REPRODUCED, "one seed")
    assert verdict_of([good, good]) == (REPRODUCED, "")
    assert verdict_of([bad, bad]) == (CONTRADICTED, "")
    assert verdict_of([good, bad]) == (OPEN, SEED_DECIDES)
    split = claim().judge({"x": [0.0, 2.0]})
    assert verdict_of([split, split], ["0", "11"]) == (OPEN, "the bound lies within the spread of 2 values")
    small = claim(decisive=at_least(n=10)).judge({"x": 0.0, "n": 5})
    within, missed = "the bound lies within the spread of 2 values", CANNOT_CONTRADICT
    for other in (good, bad):
        assert verdict_of([other, split], ["0", "11"]) == (OPEN, f"at seed 11 {within}")
    assert verdict_of([split, small], ["0", "11"]) == (OPEN, f"at seed 0 {within}; at seed 11 {missed}")
    assert verdict_of([split, small, split], ["0", "5", "11"]) == (
        OPEN,
        f"at seed 0 and seed 11 {within}; at seed 5 {missed}",
    )
    assert verdict_of([good, split, bad]) == (OPEN, SEED_DECIDES)
    assert verdict_of([split, small]) == (OPEN, f"{within}; {missed}")
    with pytest.raises(ValueError, match="seeds must judge one claim"):
        verdict_of([])


def test_a_sentence_says_how_its_parts_belong_together():
    first, second, third = every_run < 2, every_run > 5, spread < 1
    left, right = (first | second) & third, first | (second & third)
    assert str(left) == "(every run < 2 or every run > 5) and spread < 1"
    assert str(right) == "every run < 2 or (every run > 5 and spread < 1)"
    assert (left.met_by([0, 1.5]), right.met_by([0, 1.5])) == (False, True)


def test_a_chain_of_comparisons_is_refused_rather_than_half_taken():
    with pytest.raises(TypeError, match="neither true nor false"):
        0 < every_run < 1  # noqa: B015


def test_bounds_are_printed_as_they_are_compared():
    assert str(every_run < 1234567) == "every run < 1234567.0"
    assert str(share_of_runs(0.125) < 1) == "12.5% of the runs < 1"


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="low must be <= high, got 2 and 1"):
        every_run.between(2, 1)
    with pytest.raises(ValueError, match="values must hold at least one number"):
        (every_run < 1).met_by([])


@pytest.mark.parametrize(
    ("sizes", "data", "words", "holds"),
    [
        ({"n": 5}, {"n": 5}, "n >= 5", True),
        ({"n": 5}, {"n": [7, 4]}, "n >= 5", False),
        ({"n": 5}, {"n": np.array([[7, 5]])}, "n >= 5", True),
        ({"n_steps": 12000, "runs": 2}, {"n_steps": 12000, "runs": 3}, "n steps >= 12,000 and runs >= 2", True),
        ({"n_steps": 12000, "runs": 2}, {"n_steps": 11999, "runs": 3}, "n steps >= 12,000 and runs >= 2", False),
        ({"n_steps": 12000, "runs": 2}, {"n_steps": 12000, "runs": 1}, "n steps >= 12,000 and runs >= 2", False),
    ],
)
def test_data_are_large_enough_when_each_of_their_sizes_is(sizes, data, words, holds):
    assert at_least(**sizes).words == words
    assert at_least(**sizes).holds(data) is holds


def test_data_that_decide_fulfil_both_of_two_conditions():
    both = at_least(n=5) & Decisive("even", lambda data: data["n"] % 2 == 0)
    assert both.words == "n >= 5 and even"
    assert [both.holds({"n": n}) for n in (4, 5, 6)] == [False, False, True]


def test_what_is_measured_is_said_with_its_spread_where_there_is_one():
    assert claim().judge({"x": 2.34567}).measured == "2.346"
    assert claim().judge({"x": [3.0, 1.23456, 12345.678]}).measured == "3 [1.235, 1.235e+04], 3 values"
    assert claim().judge({"x": [1.5, 1.5]}).measured == "1.5 [1.5, 1.5], 2 values"


def test_numbers_without_end_survive_a_file():
    judged = claim().judge({"x": [2.0, np.inf, np.inf, np.inf, np.inf]})
    fields = judged.to_dict()
    assert (fields["median"], fields["low"], fields["high"], fields["lower_quartile"]) == ("inf", 2.0, "inf", "inf")
    assert Judged.from_dict(fields) == judged
    assert claim().judge({"x": -np.inf}).to_dict()["low"] == "-inf"


def test_a_claim_is_judged_with_all_that_it_says():
    full = claim(fixed=AFTER, source="reading", why="because", defence="a toy")
    judged = full.judge({"x": [0.0, 0.5, 0.25]})
    assert (judged.key, judged.place, judged.statement) == ("toy.large", "Figure 1", "It is large.")
    assert (judged.source, judged.fixed, judged.criterion) == (
        "reading",
        "after exploration",
        "value of x: every run > 1",
    )
    assert (judged.median, judged.low, judged.high, judged.replicates) == (0.25, 0.0, 0.5, 3)
    assert (judged.why, judged.defence, judged.verdict) == ("because", "a toy", CONTRADICTED)


@pytest.mark.parametrize("name", ["key", "place", "statement"])
def test_a_claim_has_words_for_everything(name):
    words = {"key": "k", "place": "p", "statement": "s"} | {name: " "}
    with pytest.raises(ValueError, match=f"{name} must not be empty, got ' '"):
        Claim(**words, quantity=Quantity("q", len), criterion=every_run > 0)
    with pytest.raises(ValueError, match="quantity must say in words what is measured"):
        Claim("k", "p", "s", Quantity(" ", len), every_run > 0)
    with pytest.raises(ValueError, match="criterion must be a Criterion, got 3"):
        Claim("k", "p", "s", Quantity("q", len), 3)


def test_seeds_that_judge_different_claims_have_no_verdict():
    first = claim().judge({"x": 2.0})
    other = Claim("toy.other", "p", "s", Quantity("q", lambda data: data["x"]), every_run > 1).judge({"x": 2.0})
    with pytest.raises(ValueError, match=r"seeds must judge one claim, got toy\.large, toy\.other"):
        verdict_of([other, first])
    with pytest.raises(ValueError, match="got none"):
        verdict_of([])
