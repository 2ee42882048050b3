from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import Model, Silent, Verdict
from comparisons.harness.result import digest
from comparisons.harness.settings import difference
from tests.comparisons.harness.toy import STUDY, Late, late
from toymodels import sweep
from toymodels.trajectory import Trajectory

scores = st.lists(st.floats(-5, 5), min_size=1, max_size=7)


@given(scores)
def test_the_median_decides_and_the_three_outcomes_partition(values):
    verdict = Verdict.from_scores(values, 0.3, 0.5)
    median = np.median(values)
    assert verdict.outcome == ("shown" if median >= 0.5 else "absent" if median < 0.3 else "unclear")
    assert verdict.score == median
    assert verdict.absent_in_every_replicate == (max(values) < 0.3)
    assert Verdict.from_dict(verdict.to_dict()) == verdict


def test_a_model_that_never_gets_there_is_unclear():
    assert Verdict.from_scores([np.inf, 1.0, np.inf], 0.3, 0.5).outcome == "unclear"


def test_bad_verdicts_are_refused():
    with pytest.raises(ValueError, match="outcome must be one of"):
        Verdict("maybe")
    with pytest.raises(ValueError, match="scores must not be empty"):
        Verdict.from_scores([], 0.3, 0.5)
    with pytest.raises(ValueError, match="absent_below must be <= shown_from"):
        Verdict.from_scores([1.0], 0.6, 0.5)


def test_a_control_gives_a_row_of_its_own_and_says_what_it_turns():
    assert list(STUDY.rows()) == ["late", "late (off)", "mute"]
    assert STUDY.is_control("late (off)")
    assert not STUDY.is_control("late")
    assert STUDY.models["late"].knob == "lag 2 -> 0"


def test_a_control_that_changes_no_setting_of_its_model_is_refused():
    with pytest.raises(ValueError, match="no 'lga'; did you mean lag"):
        Model(late, Late(), off={"lga": 0.0})
    with pytest.raises(ValueError, match="lag must be of type float"):
        Model(late, Late(), off={"lag": "none"})


@pytest.mark.parametrize("model", [3, None, "late"])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(ValueError, match="a model must be a Model, a Silent or a callable"):
        STUDY.adding(wrong=model)


def test_a_plain_callable_is_a_model():
    assert STUDY.adding(mine=late).models["mine"].run is late


def test_models_need_names_that_differ_on_the_command_line():
    with pytest.raises(ValueError, match="models must have names of their own"):
        replace(STUDY, models={"a b": late, "a-b": late})
    with pytest.raises(ValueError, match="models must have plain names"):
        replace(STUDY, models={"a.b": late})


@given(st.floats(-1e6, 1e6), st.integers(1, 100), st.booleans())
def test_changed_settings_reach_model_and_control(lag, n_times, loud):
    changes = {"late.lag": lag, "late.n_times": n_times, "toy.late.loud": loud, "late.sizes": [3, 4], "shown_from": 4}
    asked = STUDY.settings(changes)
    assert asked.models["late"] == Late(lag=lag, n_times=n_times, loud=loud, sizes=(3, 4))
    assert asked.off["late"] == Late(lag=0.0, n_times=n_times, loud=loud, sizes=(3, 4))
    assert asked.question.shown_from == asked.shown_from == 4.0


def test_a_control_can_be_set_alone():
    asked = STUDY.settings({"late.off.lag": 0.1})
    assert (asked.models["late"].lag, asked.off["late"].lag) == (2.0, 0.1)
    assert STUDY.presets["paper"].off["late"].label == "b"
    assert STUDY.presets["paper"].models["late"].label == "a"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"late.lga": 1}, "no 'late.lga'; did you mean late.lag"),
        ({"shown": 1}, "no 'shown'; did you mean shown_from"),
        ({"nobody.lag": 1}, "models must be out of late, mute, got 'nobody'"),
        ({"late.n_times": 2.5}, "late.n_times must be of type int"),
        ({"late.loud": 3}, "late.loud must be of type bool"),
        ({"late.lag": float("nan")}, "late.lag must be a number, got nan"),
        ({"late.lag": None}, "late.lag must be of type float"),
        ({"mute.x": 1}, "mute is silent"),
        ({"a.b.c": 1}, "keys are NAME, MODEL.NAME or MODEL.off.NAME"),
        ({"late.device": "cuda"}, "no 'late.device'"),
    ],
)
def test_bad_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        STUDY.settings(changes)


def test_the_headline_takes_its_thresholds_from_the_question():
    assert STUDY.headline == "Is it late? Score: decades; shown from 0.5, absent below 0.3."
    assert replace(STUDY, question=replace(STUDY.question, shown_from=0.7)).headline.endswith(
        "shown from 0.7, absent below 0.3."
    )


def test_difference_is_written_in_words():
    assert difference(Late(), {"lag": 0.5, "n_times": 3}) == "lag 2 -> 0.5, n times 20 -> 3"


def test_the_score_of_a_model_is_a_function_of_its_settings_for_a_sweep(tmp_path):
    result = STUDY.run(models=["late"], out=tmp_path)
    assert STUDY.score("late")(rng=np.random.default_rng(0), lag=1.5)["score"] == pytest.approx(1.5, abs=0.02)
    grid = {"lag": [0.0, 1.0, 2.0], "n_times": [5, 10]}
    scores = sweep(STUDY.score("late"), grid, replicates=2, cache=tmp_path / "cells")
    assert scores["score"].shape == (3, 2, 2)
    assert scores.attrs["function"] == "toy.score('late')"
    assert np.isnan(scores["predicted"]).all()
    again = sweep(STUDY.score("late"), grid, replicates=2, jobs=2, cache=tmp_path / "cells")
    assert again.identical(scores)
    assert np.all(scores["score"].sel(lag=0.0) < min(result.verdicts["late"].scores))


def test_a_score_refuses_settings_and_models_that_there_are_not():
    with pytest.raises(ValueError, match=r"did you mean late\.lag"):
        STUDY.score("late")(rng=np.random.default_rng(0), lga=1.0)
    with pytest.raises(ValueError, match="mute is silent: it has no clock"):
        STUDY.score("mute")
    with pytest.raises(ValueError, match="models must be out of late, mute, got 'soon'"):
        STUDY.score("soon")


def test_runs_of_anyone_can_be_judged():
    run = Trajectory([1.0, 2.0], {"score": [0.0, 0.7]}, clock="step")
    assert STUDY.judge([run], STUDY.presets["quick"]).outcome == "shown"


def test_spellings_of_a_model_are_alike():
    study = replace(STUDY, models={"two words": late, "with-hyphen": Silent("no")}, presets={"quick": {}})
    assert study.chosen(["two_words"]) == study.chosen("two words") == ["two words"]
    assert study.chosen(["with_hyphen", "two-words"]) == ["two words", "with-hyphen"]
    with pytest.raises(ValueError, match="models must name at least one"):
        study.chosen([])


def test_seeds_depend_on_seed_replicate_and_stream_alone(tmp_path):
    def digests(study, **options):
        return [digest(run) for run in study.run(models=["late"], out=tmp_path, **options).runs["late"]]

    base = digests(STUDY)
    assert digests(STUDY.adding(another=late)) == base
    assert digests(STUDY, replicates=2) == base[:2]
    assert digests(STUDY, seed=1) != base
    new = replace(STUDY.models["late"], stream="late")
    renamed = replace(STUDY, models={"new": new}, presets={"quick": {}})
    assert [digest(run) for run in renamed.run(out=tmp_path).runs["new"]] == base


def test_a_model_asked_as_an_ensemble_runs_its_members_in_every_replicate(tmp_path):
    study = STUDY.adding(many=Model(late, Late(), members=3))
    result = study.run(models=["many"], replicates=2, out=tmp_path)
    assert len({digest(run) for run in result.runs["many"]}) == len(result.verdicts["many"].scores) == 6
