import numpy as np
import pytest

from comparisons.harness.checks import told
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
