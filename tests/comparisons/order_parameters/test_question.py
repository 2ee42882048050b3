import numpy as np

from comparisons.order_parameters import STUDY
from toymodels.trajectory import Trajectory

T = np.geomspace(1, 1e4, 200)


def run(**curves):
    jump = 1 / (1 + (1000 / T) ** 6)
    train = 1 - np.exp(-T)
    return Trajectory(T, {"train": train, "test": jump, **curves}, clock="step", meta={"order": list(curves)})


def test_the_earliest_order_parameter_decides():
    early = 3 - 20 / (1 + (300 / T) ** 6)
    verdict = STUDY.judge([run(early=early, late=1 / (1 + (2000 / T) ** 6))], STUDY.presets["quick"])
    assert verdict.outcome == "shown"
    assert verdict.note == "earliest: early"


def test_a_run_without_a_delay_and_one_in_which_nothing_moves_are_unclear():
    quick = STUDY.presets["quick"]
    both = Trajectory(T, {"train": 1 - np.exp(-T), "test": 1 - np.exp(-T)}, clock="step", meta={"order": []})
    assert "no delay to look into" in STUDY.judge([both], quick).note
    assert STUDY.judge([run(still=np.ones(200))], quick).note == "no order parameter moves in every run"


def test_the_picture_names_every_quantity(tmp_path):
    result = STUDY.run(models=["layerwise", "neurashed"], replicates=1, out=tmp_path)
    figure = result.figure()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {"test score", "kernel distance", "participation"} <= set(labels)
