from dataclasses import replace

import numpy as np
import pytest

from comparisons.edge_of_stability import STUDY
from toymodels.metrics.curves import setback
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"].question
T = np.linspace(0, 100, 41)
LR = 0.5
DESCENT = np.minimum(0.1 + T / 40, 1.0)  # in units of the edge, 2 / lr = 4
FLOW = np.minimum(0.1 + T / 40, 1.6)
LOSS = np.exp(-T / 10)


def judged(descent=DESCENT, flow=FLOW, loss=LOSS, t=T, **meta):
    data = {"sharpness": 4 * descent, "flow_sharpness": 4 * flow, "loss": loss}
    return STUDY.judge([Trajectory(t, data, clock="flow time", meta={"lr": LR} | meta)], QUICK)


def test_the_score_is_the_share_of_the_excess_that_is_gone():
    verdict = judged(descent=np.minimum(DESCENT * 1.1, 1.1), predicted_flow=6.6)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(np.log(1.6 / 1.1) / np.log(1.6))
    assert verdict.predicted == 1.0
    assert verdict.measured == pytest.approx(1.1)
    assert verdict.note == (
        "starts at 0.11 of the edge, flow ends at 1.60, loss falls to 1.1e-04 of its start, flow predicted 1.65"
    )


def test_below_the_edge_descent_is_predicted_to_be_as_sharp_as_its_flow():
    verdict = judged(0.4 * DESCENT, 0.4 * DESCENT)
    assert (verdict.outcome, verdict.score) == ("absent", 0.0)
    assert verdict.predicted == pytest.approx(0.4)
    assert verdict.measured == pytest.approx(0.4)


def test_an_overshoot_is_named():
    verdict = judged(np.minimum(DESCENT, 0.88), np.minimum(FLOW, 1.35))
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(1 - np.log(0.88) / np.log(1.35))
    assert verdict.note.endswith(", overshoots")


LATE = T > 80


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"descent": np.maximum(DESCENT, 0.8)}, "starts at 0.80 of the edge, and is thrown off to 1.00"),
        ({"descent": 0 * T + 1, "peak_loss": 7.7}, "thrown off to 1.00, while the loss rises 7.7-fold"),
        ({"flow": np.minimum(FLOW, 1.29), "descent": 0.9 * DESCENT}, "the flow itself ends at 1.29 of the edge"),
        ({"flow": FLOW + 1.5 * (T < 50) * (T > 30)}, "the flow falls back by 1.31 of the edge"),
        ({"descent": np.minimum(DESCENT, 0.84)}, "descent ends at 0.84 of the edge"),
        ({"descent": np.where(LATE, 1.0, 0.5 * DESCENT)}, "descent is late at 0.50 of the edge"),
        ({"descent": np.where((T > 64) & (T < 70), 0.69, DESCENT)}, "descent wanders late, 0.31 from the edge"),
        ({"loss": np.maximum(LOSS, 0.11)}, "the loss only falls to 0.11 of its start"),
    ],
)
def test_conditions_are_named_when_they_decide(changes, reason):
    verdict = judged(**changes)
    assert verdict.outcome == "unclear"
    assert reason in verdict.note
    assert verdict.thresholds == (0.2, 0.6)


def test_a_flow_of_noise_decides_nothing():
    flow = np.r_[0.1, 2 + 0.8 * np.random.default_rng(0).standard_normal(500)]
    t = np.arange(501.0)
    verdict = judged(np.minimum(0.1 + t / 40, 1.0), np.maximum(flow, 0.1), np.exp(-t), t)
    assert verdict.outcome == "unclear"
    assert "the flow" in verdict.note


def test_lone_records_count_nothing():
    spiked = np.where(T[30] == T, 2.0, DESCENT)
    assert judged(spiked).outcome == "shown"


def test_what_has_no_score_says_why():
    verdict = judged(DESCENT - 1.5 * LATE)
    assert verdict.outcome == "unclear"
    assert verdict.note == "descent ends where the loss curves down, at a top eigenvalue of -2"
    assert judged(flow=FLOW - 3 * LATE).note.startswith("flow ends where the loss curves down")
    few = slice(0, 41, 4)
    assert judged(DESCENT[few], FLOW[few], LOSS[few], T[few]).note.startswith("11 records are too few")


def test_runs_that_lack_something_are_refused():
    with pytest.raises(ValueError, match="runs must hold at least one"):
        STUDY.judge([], QUICK)
    with pytest.raises(ValueError, match="no quantity 'sharpness'; this run has loss"):
        STUDY.judge([Trajectory(T, {"loss": T}, clock="step")], QUICK)
    with pytest.raises(ValueError, match=r"meta\['lr'\] must be the learning rate, > 0, got -1"):
        judged(lr=-1)
    with pytest.raises(ValueError, match=r"meta\['lr'\] must be the learning rate, > 0, got None"):
        judged(lr=None)
    with pytest.raises(ValueError, match="loss must be >= 0, got -1"):
        judged(loss=LOSS - LOSS[-1] - 1)


def by(question, descent=DESCENT, flow=FLOW, loss=LOSS):
    data = {"sharpness": 4 * descent, "flow_sharpness": 4 * flow, "loss": loss}
    return STUDY.judge([Trajectory(T, data, clock="flow time", meta={"lr": LR})], question)


BACK = FLOW + 0.25 * (T < 50) * (T > 30)
AWAY = np.where((T > 64) & (T < 70), 0.75, DESCENT)


@pytest.mark.parametrize(
    ("name", "curves", "at", "beyond", "reason"),
    [
        ("flow_from", {}, 1.6, np.nextafter(1.6, 2), "the flow itself ends at 1.60"),
        ("most_wander", {"flow": BACK}, setback(BACK), setback(BACK) - 1e-9, "the flow falls back"),
        ("most_wander", {"descent": AWAY}, 0.25, 0.2499, "descent wanders late, 0.25"),
        ("tolerance", {"descent": np.minimum(DESCENT, 0.875)}, 0.125, 0.1249, "descent ends at 0.88"),
        ("most_loss", {"loss": np.maximum(4 * LOSS, 0.5)}, 0.125, 0.1249, "the loss only falls to 0.12"),
    ],
)
def test_what_lies_just_at_a_condition_passes_it(name, curves, at, beyond, reason):
    assert by(replace(QUICK, **{name: at}), **curves).outcome == "shown"
    assert by(replace(QUICK, **{name: beyond}), **curves).note.startswith(reason)


def test_the_loss_is_compared_with_that_of_the_start():
    verdict = judged(loss=np.maximum(4 * LOSS, 0.36))  # 9 % of the 4 it starts at, 12 % of the second record
    assert verdict.outcome == "shown"
    assert "loss falls to 9.0e-02 of its start" in verdict.note


def test_the_start_is_the_first_record():
    assert judged(np.where(T == 0, 0.75, np.maximum(DESCENT, 0.85))).outcome == "shown"


def test_a_low_sharpness_has_a_score_and_none_has_not():
    assert judged(0.2 * DESCENT, 0.2 * DESCENT).scores == (0.0,)
    assert judged(DESCENT * (T < 80)).note == "descent ends where the loss curves down, at a top eigenvalue of 0"


@pytest.mark.parametrize(
    ("meta", "words"),
    [({}, ""), ({"peak_loss": 1.0}, ""), ({"peak_loss": 1.5}, ", while the loss rises 1.5-fold")],
)
def test_a_loss_that_rises_on_the_way_is_told(meta, words):
    note = judged(np.maximum(DESCENT, 0.8), **meta).note
    assert note == f"starts at 0.80 of the edge, and is thrown off to 1.00{words}"


@pytest.mark.parametrize("start", [1.0, 1.5])
def test_nothing_is_predicted_of_a_start_at_the_edge_or_above(start):
    assert judged(np.maximum(DESCENT, 1.0) + (start - 1) * (T < 50)).predicted is None


def test_what_descent_does_before_the_last_two_fifths_is_no_wandering():
    assert judged(np.where((T > 45) & (T < 58), 0.5, DESCENT)).outcome == "shown"


def test_a_rise_of_the_flow_within_five_scatters_is_none():
    """0.13 above and below in turn: five scatters are 5 x 1.4826 x 0.52 / sqrt(6) = 1.57, the flow rises by 1.5."""
    turns = (-1.0) ** np.arange(T.size)
    verdict = judged(flow=np.maximum(FLOW, 0.3) + 0.13 * turns)
    assert verdict.note == "the rise of the flow is within 5 scatters of its curve"
    assert judged(flow=np.maximum(FLOW, 0.3) + 0.11 * turns).outcome == "shown"


def test_numbers_are_medians_over_runs():
    runs = []
    for start, end, left in ((0.1, 1.5, 0.01), (0.2, 1.6, 0.02), (0.6, 2.2, 0.09)):
        rising = np.maximum(0.1 + T / 40, start)
        data = {"sharpness": 4 * np.minimum(rising, 1.0), "flow_sharpness": 4 * np.minimum(rising, end)}
        meta = {"lr": LR, "predicted_flow": 4.0 * end}
        runs.append(Trajectory(T, data | {"loss": 2 * np.maximum(LOSS, left)}, clock="flow time", meta=meta))
    note = STUDY.judge(runs, QUICK).note
    assert note == (
        "starts at 0.20 of the edge, flow ends at 1.60, loss falls to 2.0e-02 of its start, flow predicted 1.60"
    )


def test_one_of_three_that_overshoots_is_not_named():
    """Scores of 1.24, 1.24 and 1.50, whose mean is 1.33."""
    runs = []
    for end in (0.93, 0.93, 0.86):
        data = {"sharpness": 4 * np.minimum(DESCENT, end), "flow_sharpness": 4 * np.minimum(FLOW, 1.35), "loss": LOSS}
        runs.append(Trajectory(T, data, clock="flow time", meta={"lr": LR}))
    assert "overshoots" not in STUDY.judge(runs, QUICK).note
