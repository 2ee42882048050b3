import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import settings
from comparisons.study import Verdict
from tests.comparisons.toy import STUDY, Params

scores = st.lists(st.floats(-5, 5), min_size=1, max_size=7)


@given(scores)
def test_the_median_decides_and_the_three_outcomes_partition(values):
    verdict = Verdict.from_scores(values, 0.3, 0.5)
    median = np.median(values)
    assert verdict.outcome == ("shown" if median >= 0.5 else "absent" if median < 0.3 else "unclear")
    assert verdict.score == median
    assert verdict.absent_in_every_replicate == (max(values) < 0.3)


def test_a_model_that_never_gets_there_is_unclear():
    assert Verdict.from_scores([np.inf, 1.0, np.inf], 0.3, 0.5).outcome == "unclear"


def test_bad_verdicts_are_refused():
    with pytest.raises(ValueError, match="outcome must be one of"):
        Verdict("maybe")
    with pytest.raises(ValueError, match="scores must not be empty"):
        Verdict.from_scores([], 0.3, 0.5)
    with pytest.raises(ValueError, match="absent_below must be <= shown_from"):
        Verdict.from_scores([1.0], 0.6, 0.5)


def test_controls_must_be_models():
    from dataclasses import replace

    with pytest.raises(ValueError, match="controls must name models"):
        replace(STUDY, controls=("nobody",))


def test_a_knob_gives_two_rows_and_its_off_row_is_a_control():
    assert list(STUDY.rows()) == ["late", "late (off)", "mute"]
    assert STUDY.is_control("late (off)")
    assert not STUDY.is_control("late")


@given(st.floats(-1e6, 1e6), st.integers(1, 100), st.booleans())
def test_overrides_arrive_with_their_types(lag, n_times, loud):
    params = settings.override(
        Params(), [f"lag={lag}", f"n_times={n_times}", f"loud={loud}", "label=b c", "sizes=(3, 4)"]
    )
    assert params == Params(lag=lag, n_times=n_times, loud=loud, label="b c", sizes=(3, 4))


def test_an_integer_is_a_fine_float_but_not_the_other_way_round():
    assert settings.override(Params(), ["lag=3"]).lag == 3.0
    with pytest.raises(ValueError, match="n_times must be of type int"):
        settings.override(Params(), ["n_times=3.0"])


def test_surroundings_are_not_parameters():
    assert "device" not in settings.visible(Params())
    with pytest.raises(ValueError, match="no parameter 'device'"):
        settings.override(Params(), ["device=cuda"])
