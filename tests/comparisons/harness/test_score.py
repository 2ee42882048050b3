"""The score of a model as a function of its settings: one run, judged as the study does."""

import numpy as np
import pytest

from comparisons import Verdict
from comparisons.harness.score import Score
from comparisons.harness.settings import StudySettings
from tests.comparisons.harness.toy import Late, Question, judge, late
from toymodels import sweep
from toymodels.trajectory import Trajectory


def score(judge=judge, run=late, question=None, model="two words"):
    return Score("toy", model, run, Late(lag=3.0), judge, question or Question())


def test_its_name_is_the_call_that_makes_it():
    assert score().label == "toy.score('two words')"


def test_settings_that_are_not_given_are_those_of_the_model():
    def shown(s, rng):
        return Trajectory([1.0], {"score": [s.lag], "n": [s.n_times]}, clock="step")

    seen = []

    def judging(runs, question):
        seen.append((runs, question))
        return judge(runs, question)

    asked = StudySettings(Question(), {}, {})
    assert score(judging, shown, asked)(rng=np.random.default_rng(0), n_times=7)["score"] == 3.0
    ((run,), question) = seen[0]
    assert run["n"].tolist() == [7]
    assert question is asked


def test_it_draws_from_the_generator_that_it_is_given():
    first, second = (score()(rng=np.random.default_rng(seed))["score"] for seed in (5, 6))
    assert first == 3 + 0.01 * np.random.default_rng(5).random()
    assert second == 3 + 0.01 * np.random.default_rng(6).random()


@pytest.mark.parametrize(
    ("verdict", "numbers"),
    [
        (Verdict("shown", (2.0,), measured=3.0, predicted=4.0), (2.0, 3.0, 4.0)),
        (Verdict("shown", (2.0,), measured=0.0), (2.0, 0.0, np.nan)),
        (Verdict.unclear("why", predicted=np.inf), (np.nan, np.nan, np.inf)),
    ],
)
def test_it_says_score_measurement_and_prediction_and_nan_where_there_is_none(verdict, numbers):
    found = score(lambda runs, question: verdict)(rng=np.random.default_rng(0))
    assert list(found) == ["score", "measured", "predicted"]
    np.testing.assert_array_equal(list(found.values()), numbers)


def test_a_sweep_keeps_settings_at_which_there_is_no_score():
    def from_half(runs, question):
        value = runs[0]["score"][-1]
        return Verdict("shown", (value,)) if value > 0.5 else Verdict.unclear("too small")

    scores = sweep(score(from_half), {"lag": [0.0, 2.0]}, replicates=2)["score"]
    assert np.isnan(scores.sel(lag=0.0)).all()
    assert (scores.sel(lag=2.0) >= 2).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="rng must"):
        score()(rng="seed")
    with pytest.raises(ValueError, match=r"no 'two_words\.lga'; did you mean two_words\.lag\?"):
        score()(rng=np.random.default_rng(0), lga=1.0)
