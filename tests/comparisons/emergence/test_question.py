from dataclasses import replace

import numpy as np
import pytest

from comparisons.emergence import STUDY
from comparisons.emergence.question import curves
from toymodels.metrics.curves import setback
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"].question
T = np.geomspace(1, 1e4, 200)
STAGES = np.column_stack([1 / (1 + (half / T) ** 4) for half in (10, 100, 1000)])


def judged(skills=STAGES, t=T, **meta):
    return STUDY.judge([Trajectory(t, {"skills": skills}, clock="step", meta=meta)], QUICK)


def test_the_score_is_gaps_over_rises():
    verdict = judged(predicted_stage=2.0, predicted_gaps=[1.0, 1.0])
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(4 / np.log10(81), rel=3e-3)  # a gap of a decade, log10(81) / 4 for the rise
    assert verdict.predicted == 2.0
    assert verdict.note.startswith("gaps 1.00, 1.00, rises 0.48, 0.48, 0.48 decades; area between 1.00; predicted gaps")


def test_the_opposite_order_is_negative_and_absent():
    verdict = judged(STAGES[:, ::-1])
    assert verdict.outcome == "absent"
    assert verdict.score == pytest.approx(-4 / np.log10(81), rel=3e-3)


@pytest.mark.parametrize(
    ("skills", "reason"),
    [
        (STAGES * [1, 1, 0.8], "a skill is not learned by the end: 0.80 of its progress"),
        (STAGES + np.array([0.2, 0, 0]), "a skill begins at 0.20 of its progress"),
        (STAGES - 0.5 * (T > 5000)[:, None], "a skill falls back by 0.50 of its progress"),
        (np.column_stack([STAGES[:, 0], T[-2] <= T]).astype(float), "a skill rises in the last two records only"),
    ],
)
def test_conditions_are_named_when_they_decide(skills, reason):
    verdict = judged(skills)
    assert verdict.outcome == "unclear"
    assert verdict.note == reason


def test_coarse_records_are_no_staircase():
    t = np.geomspace(1, 1e4, 9)  # a skill in the middle of every second gap between them
    sudden = np.column_stack([t > half for half in (20, 70)]).astype(float)
    assert "records are too far apart: a stage of 0.00 would look the same" in judged(sudden, t).note
    both = np.column_stack([np.where(t > 20, 1.0, 0.0), np.where(t > 500, 1.0, 0.25 * (t > 20))])
    assert "two skills rise by 0.25 from one to the next" in judged(both, t).note


def test_a_step_from_the_record_at_zero_has_no_logarithm():
    t = np.r_[0.0, T]
    assert judged(np.vstack([0 * STAGES[:1], STAGES]), t).outcome == "shown"
    early = np.vstack([0 * STAGES[:1], STAGES + np.array([0.3, 0, 0])])
    assert judged(early, t).note.startswith("a skill rises between t = 0 and the first record")


def test_runs_without_skills_are_refused():
    with pytest.raises(ValueError, match="runs must hold at least one"):
        STUDY.judge([], QUICK)
    with pytest.raises(ValueError, match="no quantity 'skills'; this run has loss"):
        STUDY.judge([Trajectory(T, {"loss": T}, clock="step")], QUICK)
    with pytest.raises(ValueError, match=r"skills must be \(n_t, n_skills\) of 2 skills or more"):
        judged(STAGES[:, :1])


def test_the_least_stage_is_over_the_rises_of_both_skills():
    """A sudden skill and a slow one 0.6 decades later: records a tenth of a decade apart leave it a stage of 0.9."""
    t = np.geomspace(1, 1e4, 41)
    skills = np.column_stack([1 / (1 + (10**1.03 / t) ** 38), 1 / (1 + (10**1.63 / t) ** 1.908)])
    verdict = judged(skills, t)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(1.07, abs=0.01)


def by(question, skills=STAGES, t=T):
    return STUDY.judge([Trajectory(t, {"skills": skills}, clock="step")], question)


FIRST, LAST = STAGES[0].max(), curves(Trajectory(T, {"skills": STAGES}, clock="step")).max(axis=0).min()
AT_ONCE = np.minimum(np.diff(STAGES[:, 1:], axis=0), np.diff(STAGES[:, :-1], axis=0)).max()
FALLEN = STAGES - 0.0625 * (T > 5000)[:, None]
DEEP = max(setback(skill) for skill in FALLEN.T)


@pytest.mark.parametrize(
    ("name", "skills", "at", "beyond", "reason"),
    [
        ("begins_below", STAGES, np.nextafter(FIRST, 1), FIRST, "a skill begins at"),
        ("learned_from", STAGES, LAST, np.nextafter(LAST, 2), "a skill is not learned by the end"),
        ("most_setback", FALLEN, DEEP, np.nextafter(DEEP, 0), "a skill falls back"),
        ("most_at_once", STAGES, AT_ONCE, np.nextafter(AT_ONCE, 0), "records are too far apart: two skills"),
    ],
)
def test_what_lies_just_at_a_condition_passes_it(name, skills, at, beyond, reason):
    assert by(replace(QUICK, **{name: at}), skills).outcome == "shown"
    assert by(replace(QUICK, **{name: beyond}), skills).note.startswith(reason)


def ramp(n, *values, since):
    """0 up to the record `since`, then these values, then 1."""
    return np.r_[np.zeros(since + 1), values, np.ones(n - since - 1 - len(values))]


SLOW, UNEVEN = (0.25, 0.5, 0.75), (0.2, 0.6, 0.65, 0.8)  # 3.2 and 4 gaps from 10 to 90 %


@pytest.mark.parametrize(
    ("skills", "least"),
    [
        ([ramp(20, *SLOW, since=1), ramp(20, *UNEVEN, since=5)], "0.83"),  # from record 3 to 6: 3 / 3.6
        (
            [
                ramp(30, *SLOW, since=1),
                ramp(30, *UNEVEN, since=5),
                ramp(30, *SLOW, since=10),  # from 7 to 11: 4 / 3.6
                ramp(30, *SLOW, since=22),  # from 12 to 23: 11 / 3.2
            ],
            "1.11",
        ),
    ],
)
def test_the_least_stage_is_from_the_half_of_a_skill_to_the_record_before_that_of_the_next(skills, least):
    skills = np.column_stack(skills)
    asked = replace(QUICK, absent_below=1.15 if least == "1.11" else 0.9, shown_from=1.0 + 0.15 * (least == "1.11"))
    words = f"records are too far apart: a stage of {least} would look the same"
    assert by(asked, skills, 10.0 ** np.arange(len(skills))).note == words


def test_a_rise_within_five_scatters_is_none():
    """Records that lie 0.09 above and below in turn scatter by 1.4826 x 0.36 / sqrt(6) = 0.218 of the progress."""
    turns = (-1.0) ** np.arange(T.size)[:, None]
    assert judged(STAGES + 0.09 * turns).note == "a skill's rise is within 5 scatters of its curve"
    assert judged(STAGES + 0.07 * turns).outcome == "shown"


def test_eight_records_tell_a_rise_in_the_last_two():
    first = [0, 0.3, 0.95, 1, 1, 1, 1, 1]
    late = np.column_stack([first, [0, 0, 0, 0, 0, 0, 0.95, 1]])
    assert judged(late, T[::28]).note == "a skill rises in the last two records only"
    half = np.column_stack([np.r_[first, np.ones(12)], np.r_[np.zeros(15), 0.1, 0.25, 0.5, 0.95, 1]])
    assert "last two records" not in judged(half, T[::10]).note
    half[-3, 1] = 0.49
    assert judged(half, T[::10]).note == "a skill rises in the last two records only"


def test_a_rise_by_the_first_record_after_zero_is_that_of_this_record():
    t, skills = np.r_[0.0, T], np.vstack([0 * STAGES[:1], STAGES])
    reason = "a skill rises between t = 0 and the first record that has a logarithm"
    assert by(replace(QUICK, begins_below=FIRST), skills, t).note == reason
    assert by(replace(QUICK, begins_below=(FIRST + STAGES[1].max()) / 2), skills, t).outcome == "shown"


def test_numbers_are_medians_over_runs():
    runs = []
    for gap, power, predicted in ((10, 4, 1.0), (100, 8, 2.0), (200, 2, 6.0)):
        skills = np.column_stack([1 / (1 + (half / T) ** power) for half in (10, 10 * gap)])
        runs.append(Trajectory(T, {"skills": skills}, clock="step", meta={"predicted_stage": predicted}))
    verdict = STUDY.judge(runs, QUICK)
    assert verdict.note.startswith("gaps 2.00, rises 0.48, 0.48 decades; area between")
    assert verdict.predicted == 2.0
    assert verdict.measured == verdict.score == pytest.approx(2 * np.log10(200) / np.log10(81), rel=0.01)
    untold = replace(runs[0], meta={})
    assert STUDY.judge([untold, *runs[1:]], QUICK).predicted is None
