from dataclasses import replace

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
    assert "top eigenvalue of the full batch 0.4, 2/lr = 20" in judged(meta={"top_eigenvalue": 0.4, "edge": 20.0}).note
    assert "top eigenvalue" not in judged(meta={"top_eigenvalue": 0.0, "edge": 20.0}).note
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


TURNS = (-1.0) ** np.arange(40)  # records that lie above and below in turn by a: they scatter by 2.42 a


def by(question, lead=LEAD, small_loss=FITTED, full_loss=FITTED, **meta):
    data = {"small": 50 / 10**lead, "full": np.full(40, 50.0), "small_loss": small_loss, "full_loss": full_loss}
    return STUDY.judge([Trajectory(T, data, clock="step", meta=meta)], question)


LEFT = np.maximum(FITTED, 0.0625)
BACK = LEAD - 0.25 * (T > 900)


@pytest.mark.parametrize(
    ("name", "curves", "at", "beyond", "reason"),
    [
        ("fitted_below", {"small_loss": LEFT, "full_loss": LEFT}, 0.0625, 0.0624, "a training loss ends at 0.06"),
        ("most_apart", {"small_loss": np.maximum(FITTED, 1e-3)}, 1.0001, 0.9999, "training losses end 1.00 decades"),
        ("most_apart", {"full_loss": np.maximum(FITTED, 1e-3)}, 1.0001, 0.9999, "training losses end 1.00 decades"),
        ("start_apart", {"lead": LEAD - 0.05}, 0.0501, 0.0499, "the two do not start alike: 0.05 decades apart"),
        ("most_setback", {"lead": BACK}, 0.35, 0.25, "the lead wanders: it falls back by 0."),  # 0.18 of 0.55
    ],
)
def test_what_lies_just_at_a_condition_passes_it(name, curves, at, beyond, reason):
    assert by(replace(QUICK, **{name: at}), **curves).outcome == "shown"
    verdict = by(replace(QUICK, **{name: beyond}), **curves)
    assert verdict.outcome != "shown"
    assert verdict.note.startswith(reason)


@pytest.mark.parametrize(("small", "full", "told"), [(10.0, 1.0, 0.0), (1.0, 10.0, 0.0), (1.0, 1.0, 10.0)])
def test_losses_are_shares_of_the_largest_start(small, full, told):
    ends = {"small_loss": np.r_[small, np.full(39, 0.5)], "full_loss": np.r_[full, np.full(39, 0.5)]}
    assert by(QUICK, **ends, start_loss=told).outcome == "shown"
    assert by(QUICK, **{name: np.minimum(loss, 1.0) for name, loss in ends.items()}).outcome != "shown"


def test_a_lead_within_five_scatters_is_none():
    verdict = by(QUICK, 0.8 * (T > 300) + 0.07 * TURNS)
    assert verdict.note == "the lead is within 5 scatters of its curve, 0.85"
    assert by(QUICK, 0.8 * (T > 300) + 0.06 * TURNS).outcome == "shown"


def test_a_lead_in_the_last_record_is_seen_in_the_middle_of_the_last_three():
    """The last record counts as 0.27, on the line through 0 and 0.09 before it, whose mean with them is 0.12."""
    late = np.r_[np.zeros(38), 0.09, 0.5]
    assert by(replace(QUICK, shown_from=0.2), late).note == "the lead is seen in the last record only"


def test_numbers_are_medians_over_runs():
    runs = []
    for k, (full, small, error, top, edge) in enumerate(
        ((50, 5, 2, 10, 20), (60, 6, 10, 30, 40), (90, 1, 1000, 80, 99))
    ):
        data = {"small": np.geomspace(full, small, 40), "full": np.full(40, float(full))}
        data |= {"small_error": np.full(40, 0.1), "full_error": np.full(40, 0.1 * error)}
        meta = {"complexity": "parts", "noise": "noise", "top_eigenvalue": top, "edge": edge}
        runs.append(Trajectory(T, data, clock="step", meta=meta | {"predicted": (0.5, 1.5, 4.0)[k]}))
    verdict = STUDY.judge(runs, QUICK)
    assert verdict.note == (
        "parts 60 -> 5, noise, at equal updates, as it has no loss, test error 1.00 decades lower, "
        "top eigenvalue of the full batch 30.0, 2/lr = 40"
    )
    assert (verdict.predicted, verdict.measured) == (1.5, pytest.approx(1.0))
    untold = [Trajectory(T, run.data, clock="step", meta={"edge": 20.0}) for run in runs]
    verdict = STUDY.judge([*runs[:2], untold[2]], QUICK)
    assert verdict.predicted is None
    assert "top eigenvalue" not in verdict.note
    nothing = Trajectory(T, runs[0].data | {"small_error": 0 * T}, clock="step")
    assert "test error" not in STUDY.judge([nothing], QUICK).note
