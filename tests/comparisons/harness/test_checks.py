from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.harness.checks import commonest, require_not_negative, require_scores, require_shares, told, too_few
from toymodels.trajectory import Trajectory


def run(**meta):
    return Trajectory(np.arange(3.0), {"train": np.zeros(3)}, clock="step", meta=meta)


def test_a_run_tells_its_own_numbers():
    assert told(run(train_level=0.8), "train_level", 0.95) == 0.8
    assert told(run(), "train_level", 0.95) == told(run(train_level=None), "train_level", 0.95) == 0.95


@pytest.mark.parametrize("value", ["0.9", [0.9], float("nan"), {"a": 1}])
def test_what_is_no_number_is_named(value):
    with pytest.raises(ValueError, match=r"meta\['train_level'\] must be a finite number, got"):
        told(run(train_level=value), "train_level", 0.95)


def scores(*values, n=3):
    return [Trajectory(np.arange(float(n)), {"train": np.resize(values, n)}, clock="step")]


def test_scores_are_at_most_1_but_for_rounding():
    require_scores(scores(0.5, 1 + 5e-7), "train")
    for value, hint in ((1.00001, r" \(a percentage\?\)$"), (100.0, r" \(a percentage\?\)$"), (100.5, "$")):
        with pytest.raises(ValueError, match=rf"train must be at most 1, a fraction, got {value:g}{hint}"):
            require_scores(scores(0.5, value), "train")


def test_what_must_not_be_negative_may_be_zero():
    require_not_negative(scores(0.0, 1.0), "train")
    with pytest.raises(ValueError, match="train must be >= 0, got -1"):
        require_not_negative(scores(1.0, -1.0), "train")


def test_shares_may_be_none_and_all():
    require_shares(SimpleNamespace(level=0.0, share=1.0), "level", "share")
    with pytest.raises(ValueError, match="level must be in"):
        require_shares(SimpleNamespace(level=1.1), "level")


def test_twelve_records_are_enough():
    assert too_few(scores(1.0, n=12)[0]) == ""
    assert too_few(scores(1.0, n=11)[0]) == "11 records are too few to tell a change from noise, 12 do"


@pytest.mark.parametrize(
    ("flaws", "said"),
    [
        (["falls by 0.2"], "falls by 0.2"),
        (["", "falls by 0.2"], "falls by 0.2 (1 of 2 runs)"),
        (["late", "falls by 0.2", "falls by -1.5e-03"], "falls by 0.2 (2 of 3 runs)"),
        (["late", "falls by 0.2"], "late (1 of 2 runs)"),
    ],
)
def test_the_commonest_condition_is_counted_whatever_its_numbers(flaws, said):
    assert commonest(flaws) == said
