"""The ensembles in which a second skill emerges: every curve of a run, computed again by other means."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from comparisons.emergence.models import JITTER
from comparisons.forerunners.emergence import Condensation, Layerwise, condensation, layerwise
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.parity_skills import ParitySkills

PAIR = Layerwise(start=1e-3, ratio=4.0, start_spread=1.0, ratio_spread=1.0, records=5)
SIGNS = Condensation(width=6, ratio=2.0, start=0.04, steps=50, records=6, lr=0.1, start_spread=1.0, ratio_spread=1.0)


@pytest.mark.parametrize("imbalance", [0.0, 1.5])
def test_skills_and_loss_follow_the_flow_from_a_start_of_this_product_and_imbalance(imbalance):
    run = layerwise(replace(PAIR, imbalance=imbalance), np.random.default_rng(4))
    rng = np.random.default_rng(4)
    rng.random(2)  # the spreads, which are none
    jitter = rng.uniform(*JITTER, (2, 2))
    large = np.sqrt((imbalance + np.sqrt(imbalance**2 + 4 * 1e-6)) / 2)  # large^2 - small^2 is the imbalance
    small = 1e-3 / large
    assert large**2 - small**2 == pytest.approx(imbalance, abs=1e-15)
    a, b = large * jitter[0], small * jitter[1]
    variance = np.array([1.0, 0.25])

    def flow(_, state):
        a, b = state[:2], state[2:]
        pull = variance * (1 - a * b)
        return np.r_[pull * b, pull * a]

    solved = solve_ivp(flow, (0, run.t[-1]), np.r_[a, b], "DOP853", t_eval=run.t, rtol=1e-11, atol=1e-13).y.T
    products = solved[:, :2] * solved[:, 2:]
    np.testing.assert_allclose(run["train"], products[:, 0], rtol=1e-7)
    np.testing.assert_allclose(run["test"], products[:, 1], rtol=1e-7)
    np.testing.assert_allclose(run["loss"], ((1 - products) ** 2 @ variance) / 2, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(run["weight_norm"], np.linalg.norm(solved, axis=1), rtol=1e-7)
    half = solve_ivp(flow, (0, 2 * run.t[0]), np.r_[a, b], "DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    assert half[0] * half[2] == pytest.approx(half_way(a[0] * b[0]), abs=1e-6)  # a run begins at half that time
    late = solve_ivp(flow, (0, run.t[-1] / 2), np.r_[a, b], "DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    assert late[1] * late[3] == pytest.approx(half_way(a[1] * b[1]), abs=1e-6)  # and ends at twice that of the second


def half_way(start):
    return (1 + start) / 2


def test_times_are_evenly_spaced_in_the_log_and_the_levels_are_told():
    run = layerwise(replace(PAIR, records=9), np.random.default_rng(0))
    assert len(run.t) == 9
    np.testing.assert_allclose(np.diff(np.log(run.t), n=2), 0, atol=1e-12)
    assert (run.meta["train_level"], run.meta["test_level"]) == (0.9, 0.5)
    assert run.meta["order"][0] == "loss"
    assert np.all(run["train"] > run["test"])


def test_a_second_skill_of_less_variance_comes_later_by_the_ratio():
    """Of equal starts the half-times are those of one sigmoid, in time times variance."""
    late = []
    for ratio in (2.0, 8.0):
        run = layerwise(replace(PAIR, ratio=ratio), np.random.default_rng(1))
        late.append(run.t[-1] / run.t[0] / 4)  # from half the first half-time to twice the second
    assert late[1] / late[0] == pytest.approx(4)


@pytest.mark.parametrize(("made", "settings"), [(layerwise, PAIR), (condensation, SIGNS)])
def test_spreads_are_those_of_start_and_ratio(made, settings):
    same = [made(settings, np.random.default_rng(seed)).t for seed in (1, 2)]
    spread = [made(replace(settings, ratio_spread=9.0, records=2), np.random.default_rng(k)).t for k in range(6)]
    if made is condensation:  # a run is as much longer as its second skill is weaker
        assert [t[-1] for t in same] == [100.0, 100.0]
        lengths = np.array([t[-1] for t in spread])
        drawn = np.array([9.0 ** (np.random.default_rng(k).random(2)[1] - 0.5) for k in range(6)])
        np.testing.assert_allclose(lengths, 100 * drawn, atol=0.5)
    assert max(t[-1] / t[0] for t in spread) > 4 * min(t[-1] / t[0] for t in spread)


@pytest.mark.parametrize(("start", "rate"), [(0.04, 0.1), (0.3, 0.1 / 9)])
def test_the_network_learns_its_skills_by_descent_with_a_smaller_rate_from_a_large_start(start, rate):
    run = condensation(replace(SIGNS, start=start), np.random.default_rng(2))
    rng = np.random.default_rng(2)
    rng.random(2)
    skills = ParitySkills(2, 2.0, 6, start)
    network, x, y = skills.network(rng), skills.inputs, skills.targets
    updates = np.unique(np.rint(np.geomspace(30, 100, 6)).astype(int))
    assert run.t.tolist() == updates.tolist()
    found = {"train": [], "test": [], "loss": [], "weight_norm": []}
    for update in range(1, 101):
        slope_a, slope_w = network.gradient(x, y)[:2]
        network = TwoLayerNetwork(network.a - rate * slope_a, network.w - rate * slope_w, "xtanh")
        if update in updates:
            outputs = network(x)
            found["train"].append((outputs * x[:, 0] * x[:, 1]).mean())
            found["test"].append((outputs * x[:, 2] * x[:, 3]).mean() * 2)
            found["loss"].append(((outputs - y) ** 2).mean() / 2)
            found["weight_norm"].append(np.sqrt((network.a**2).sum() + (network.w**2).sum()))
    for name, values in found.items():
        np.testing.assert_allclose(run[name], values, rtol=1e-7, atol=1e-12, err_msg=name)
    assert run.clock == "step"
    assert run.meta["order"][0] == "loss"


@pytest.mark.parametrize("kind", [Layerwise, Condensation])
def test_a_second_skill_is_needed(kind):
    assert kind(skills=2).skills == 2
    with pytest.raises(ValueError, match="skills must be >= 2, got 1"):
        kind(skills=1)
