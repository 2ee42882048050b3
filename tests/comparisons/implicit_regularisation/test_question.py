import numpy as np
import pytest

from comparisons.implicit_regularisation import STUDY
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"].question
T = np.linspace(0, 1000, 40)
LEAD = 0.8 * T / 1000
FITTED = np.geomspace(1, 1e-4, 40)


def judged(lead=LEAD, small_loss=FITTED, full_loss=FITTED, meta=(), **more):
    data = {"small": 50 / 10**lead, "full": np.full(40, 50.0), "small_loss": small_loss, "full_loss": full_loss}
    return STUDY.judge([Trajectory(T, data | more, clock="step", meta=dict(meta))], QUICK)


def test_the_score_is_the_lead_at_the_end_beside_its_prediction_and_the_test_errors():
    told = {"predicted": 0.75, "complexity": "inputs in use", "noise": "label noise 0.5"}
    errors = {"small_error": np.full(40, 0.1), "full_error": np.full(40, 1.0)}
    verdict = judged(meta=told, **errors)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(0.8)
    assert (verdict.predicted, verdict.measured) == (0.75, pytest.approx(0.8))
    assert verdict.note == "inputs in use 50 -> 7.92, label noise 0.5, test error 1.00 decades lower"


def test_the_edge_and_missing_losses_are_told():
    assert judged(full_loss=np.full(40, 1e-4)).outcome == "shown"  # beside the start of the small batch, which is 1
    note = judged(meta={"top_eigenvalue": 19.8, "edge": 20.0}).note
    assert note.endswith("top eigenvalue of the full batch 19.8, 2/lr = 20")
    run = Trajectory(T, {"small": 50 / 10**LEAD, "full": np.full(40, 50.0)}, clock="step")
    verdict = STUDY.judge([run], QUICK)
    assert verdict.outcome == "shown"
    assert verdict.note.endswith("at equal updates, as it has no loss")


@pytest.mark.parametrize(("height", "outcome"), [(0.05, "absent"), (0.2, "unclear"), (0.4, "shown"), (-0.5, "absent")])
def test_thresholds(height, outcome):
    assert judged(height * T / 1000).outcome == outcome


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lead": LEAD + 0.2}, "the two do not start alike: 0.20 decades apart"),
        ({"small_loss": np.full(40, 1.0)}, "a training loss ends at 1.00 of the start's"),
        ({"small_loss": np.geomspace(1, 1e-2, 40)}, "training losses end 2.00 decades apart"),
        ({"small_loss": 0 * T, "full_loss": 0 * T}, "the start already fits its data"),
        ({"lead": LEAD - 0.5 * (T > 900)}, "the lead wanders: it falls back by 0.4"),
        ({"lead": LEAD - 0.5 * ((T > 300) & (T < 500))}, "the lead wanders: it falls back by 0."),
    ],
)
def test_conditions_are_named_when_they_decide(changes, reason):
    verdict = judged(**changes)
    assert verdict.outcome != "shown"
    assert verdict.note.startswith(reason)


def test_losses_far_below_the_start_are_all_as_good_as_zero():
    assert judged(small_loss=np.geomspace(1, 1e-7, 40), full_loss=np.geomspace(1, 1e-25, 40)).outcome == "shown"
    nothing_left = {"small_loss": 0 * T, "full_loss": 0 * T, "meta": {"start_loss": 1.0}}
    assert judged(**nothing_left).outcome == "shown"


def test_few_records_decide_nothing():
    run = Trajectory(np.arange(5.0), {"small": np.geomspace(50, 5, 5), "full": np.full(5, 50.0)}, clock="step")
    assert STUDY.judge([run], QUICK).note.startswith("5 records are too few")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"small": T + 1}, "no quantity 'full'; this run has small"),
        ({"small": T, "full": T + 1}, "small must be > 0, a complexity, got 0"),
        ({"small": T + 1, "full": T + 1, "small_loss": T}, "no quantity 'full_loss'"),
        ({"small": T + 1, "full": T + 1, "small_error": -T, "full_error": T}, "must be >= 0, got -1000"),
        ({"small": np.ones((40, 2)), "full": T + 1}, "small must be one number a time"),
    ],
)
def test_runs_without_a_pair_of_complexities_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        STUDY.judge([Trajectory(T, data, clock="step")], QUICK)


def test_no_run_is_refused():
    with pytest.raises(ValueError, match="runs must hold at least one"):
        STUDY.judge([], QUICK)
