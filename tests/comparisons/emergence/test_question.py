import numpy as np
import pytest

from comparisons.emergence import STUDY
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
