import numpy as np
import pytest

from comparisons.edge_of_stability import STUDY
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
