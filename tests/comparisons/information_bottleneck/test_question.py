from types import SimpleNamespace

from comparisons.information_bottleneck import STUDY
from comparisons.information_bottleneck.question import details
from toymodels.trajectory import Trajectory


def test_a_frozen_representation_loses_no_more_than_the_estimators_noise(tmp_path):
    verdict = STUDY.run(models=["frozen"], out=tmp_path).verdicts["frozen"]
    assert max(verdict.scores) < 0.01


def test_other_estimates_are_printed_where_a_run_has_them():
    curves = {"about_input": [1.0, 3.0, 2.0], "about_label": [0.0, 1.0, 1.0], "binned_input": [4.0, 6.0, 5.0]}
    runs = {"mine": [Trajectory([1.0, 2.0, 3.0], curves, clock="step")]}
    assert "mine: binned I(X;T) 4.00 -> 6.00 -> 5.00" in details(SimpleNamespace(runs=runs))
    note = STUDY.judge(runs["mine"], STUDY.presets["quick"]).note
    assert note == "I(X;T) 1.00 -> 3.00 -> 2.00 bits, I(Y;T) 0.00 -> 1.00"
