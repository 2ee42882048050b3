"""A verdict's numbers: what a replicate without a score, or one that never gets there, does to them."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import Verdict
from comparisons.harness.verdict import OUTCOMES

numbers = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize("scores", list(itertools.permutations((0.1, 0.2, np.nan))))
def test_a_replicate_without_a_score_leaves_no_median_no_spread_and_no_absence_in_whatever_order(scores):
    verdict = Verdict.from_scores(scores, 0.3, 0.5)
    assert np.isnan([verdict.score, *verdict.spread]).all()
    assert verdict.outcome == "unclear"
    assert not verdict.absent_in_every_replicate


@given(st.permutations([-0.5, 0.25, 2.0, 7.0]))
def test_the_spread_is_from_the_smallest_score_to_the_largest(scores):
    verdict = Verdict("shown", scores)
    assert verdict.spread == (-0.5, 7.0)
    assert verdict.score == 1.125  # half-way between the two in the middle


def test_without_scores_there_is_no_spread():
    assert np.isnan(Verdict("silent").spread).all()


@pytest.mark.parametrize(
    ("scores", "score", "outcome"),
    [
        ((np.inf, -np.inf), np.nan, "unclear"),
        ((-np.inf, -np.inf, 0.0), -np.inf, "unclear"),
        ((np.inf, np.inf), np.inf, "unclear"),
        ((-np.inf, 0.1, np.inf), 0.1, "absent"),
        ((-np.inf, 0.9, np.inf), 0.9, "shown"),
    ],
)
def test_an_infinite_median_decides_nothing_and_infinite_scores_around_a_finite_one_do_not_hide_it(
    scores, score, outcome
):
    verdict = Verdict.from_scores(scores, 0.3, 0.5)
    assert verdict.score == pytest.approx(score, nan_ok=True)
    assert (verdict.outcome, verdict.spread) == (outcome, (min(scores), max(scores)))


@given(
    st.sampled_from(OUTCOMES),
    st.lists(numbers, max_size=4),
    st.tuples(numbers, numbers),
    st.none() | numbers,
    st.none() | numbers,
    st.sampled_from(["", "late", "ä; b\n"]),
)
def test_a_verdict_comes_back_from_standard_json_whatever_its_numbers(
    outcome, scores, thresholds, predicted, measured, note
):
    verdict = Verdict(outcome, scores, thresholds, note, predicted, measured)
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert Verdict.from_dict(json.loads(text)) == verdict


def test_a_condition_is_named_and_keeps_scores_and_measurement():
    verdict = Verdict.unclear("too few records", [1, 3], measured=2)
    assert verdict == Verdict("unclear", (1.0, 3.0), note="too few records", measured=2.0)
    assert np.isnan(verdict.thresholds).all()
    assert isinstance(verdict.measured, float)


def test_scores_of_numpy_become_plain_numbers():
    verdict = Verdict.from_scores(np.array([1, 2], dtype=np.int32), np.float32(0.5), 0.75, predicted=np.float64(3))
    assert {type(value) for value in (*verdict.scores, *verdict.thresholds, verdict.predicted)} == {float}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Verdict("shown", ("a",)), "scores must"),
        (lambda: Verdict("shown", (1j,)), "scores must"),
        (lambda: Verdict("shown", predicted=[1.0]), r"predicted must have 1 dimension\(s\), got shape \(1, 1\)"),
        (lambda: Verdict("shown", measured="soon"), "measured must"),
        (lambda: Verdict("shown", note=3), "note must"),
        (lambda: Verdict.from_scores([1.0], np.nan, 0.5), "absent_below must"),
        (lambda: Verdict.from_scores([1.0], 0.3, np.inf), "shown_from must"),
        (lambda: Verdict.from_scores([1.0], [0.3], 0.5), "absent_below must"),
        (lambda: Verdict.unclear("why", 1.0), "scores must have 1 dimension"),
    ],
)
def test_what_is_no_number_is_named(made, message):
    with pytest.raises(ValueError, match=message):
        made()
