import numpy as np
import pytest

from comparisons import half_times
from toymodels.trajectory import Trajectory

T = np.geomspace(1, 1e4, 200)


def run(**curves):
    jump = 1 / (1 + (1000 / T) ** 6)
    return Trajectory(T, {"test": jump, **curves}, clock="step")


def test_leads_are_measured_in_decades_whatever_the_scale_or_direction():
    early = 3 - 20 / (1 + (100 / T) ** 6)
    leads = half_times.leads(run(early=early), ["early"], 1.0, 1600.0)
    assert leads["early"] == pytest.approx(-1, abs=0.01)


def test_noise_is_left_out():
    noise = np.random.default_rng(0).standard_normal(200)
    assert half_times.leads(run(noise=noise), ["noise"], 1.0, 1600.0) == {}


def test_a_constant_is_left_out():
    assert half_times.leads(run(constant=np.ones(200)), ["constant"], 1.0, 1600.0) == {}


def test_what_does_not_move_and_what_comes_back_is_named():
    bump = run()["test"] + 2 * np.exp(-((np.log10(T) - 2.5) ** 2) / 0.02)
    both = run(bump=bump, constant=np.ones(200))
    assert half_times.comes_back(both, ["test", "bump"], 1.0, 1600.0) == ["bump"]
    leads = [half_times.leads(both, ["bump", "constant"], 1.0, 1600.0)]
    assert half_times.left_out(["bump", "constant"], leads) == ["constant"]


def test_the_baseline_is_the_plateau_and_not_the_start():
    assert half_times.plateau_time(1.0, 100.0) == 10.0
    assert half_times.plateau_time(1.0, 1e6) == 30.0
    with pytest.raises(ValueError, match="0 < t_train < t_test"):
        half_times.plateau_time(2.0, 1.0)
