from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.edge_of_stability import STUDY
from comparisons.edge_of_stability.models import MODELS
from comparisons.edge_of_stability.question import in_units_of_the_edge
from comparisons.harness.model import Model
from comparisons.harness.settings import visible
from toymodels.neurashed import Multiplicative, graphs
from toymodels.trajectory import SimulationError

ASKED = {name: model for name, model in MODELS.items() if isinstance(model, Model)}
SHORT = {
    "layerwise": {"time": 35.0, "records": 21},
    "layerwise catapult": {"time": 30.0, "records": 21},
    "condensation": {"time": 30.0, "records": 13},
    "condensation catapult": {"time": 10.0, "records": 13},
    "dnn": {"time": 4.0, "records": 3, "samples": 30, "hidden": (5, 5), "flow_lr": 0.2},
}


def run(name, off=False, seed=0, **changes):
    model = ASKED[name]
    return model.run(replace(model.settings_off if off else model.settings, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("name", ASKED)
def test_the_control_turns_the_learning_rate_alone(name):
    on, off = visible(ASKED[name].settings), visible(ASKED[name].settings_off)
    assert [key for key in on if on[key] != off[key]] == ["lr"]


@pytest.mark.parametrize("name", ASKED)
def test_every_family_has_both_sharpnesses_from_one_start_at_the_same_times(name):
    trajectory = run(name, **SHORT[name])
    assert_allclose(np.diff(trajectory.t), SHORT[name]["time"] / (SHORT[name]["records"] - 1), rtol=0.2)
    assert trajectory["sharpness"][0] == pytest.approx(trajectory["flow_sharpness"][0], rel=1e-6)
    assert trajectory["loss"][0] > 0
    assert trajectory.meta["lr"] == ASKED[name].settings.lr


@pytest.mark.parametrize("name", ASKED)
def test_descent_of_a_small_step_is_as_sharp_as_the_flow(name):
    off = run(name, off=True, **SHORT[name])
    assert_allclose(off["sharpness"], off["flow_sharpness"], rtol=0.1)


def test_the_small_steps_of_condensation_stand_for_its_flow():
    fine, finer = (run("condensation", time=100.0, records=5, flow_lr=lr)["flow_sharpness"] for lr in (0.05, 0.01))
    assert_allclose(fine, finer, rtol=2e-3)


@pytest.mark.parametrize("depth", [3, 5])
def test_the_flow_of_the_chain_ends_as_sharp_as_its_closed_form_says(depth):
    trajectory = run("layerwise", depth=depth, lr=0.01, time=200.0, records=13)
    assert trajectory["flow_sharpness"][-1] == pytest.approx(trajectory.meta["predicted_flow"], rel=1e-8)
    assert trajectory["sharpness"][-1] == pytest.approx(trajectory.meta["predicted_flow"], rel=1e-3)


@pytest.mark.parametrize("name", ["layerwise", "condensation"])
def test_shown_with_the_knob_and_absent_without(name):
    verdicts = [STUDY.judge([run(name, off)], STUDY.question) for off in (False, True)]
    assert [verdict.outcome for verdict in verdicts] == ["shown", "absent"]
    assert verdicts[0].measured == pytest.approx(1, abs=0.1)
    assert verdicts[1].measured == pytest.approx(verdicts[1].predicted, rel=0.01)


@pytest.mark.parametrize("name", ["layerwise catapult", "condensation catapult"])
def test_what_starts_above_the_edge_is_thrown_off_it(name):
    for seed in range(2):
        trajectory = run(name, seed=seed)
        edge, _ = in_units_of_the_edge(trajectory)
        assert edge[0] > 1 > edge[-1]
        assert trajectory.meta["peak_loss"] > 2
        assert STUDY.judge([trajectory], STUDY.question).note.startswith("starts at")


def test_the_score_is_a_function_of_the_settings():
    score = STUDY.score("layerwise")
    at_edge, below = (score(rng=np.random.default_rng(0), lr=lr, records=41) for lr in (0.35, 0.1))
    assert_allclose([at_edge["score"], at_edge["measured"], at_edge["predicted"]], 1, atol=0.02)
    assert abs(below["score"]) < 0.02
    assert below["measured"] == pytest.approx(below["predicted"], rel=0.01)


def test_a_chain_whose_flow_ends_at_two_and_a_half_times_the_edge_breaks():
    with pytest.raises(SimulationError, match="is not finite at step"):
        run("layerwise", lr=0.6)


def test_neurashed_has_no_critical_step():
    task, n_steps = graphs.three_class(), 2000
    order = [np.arange(len(task.inputs))] * n_steps
    more = {"n_steps": n_steps, "initial": 1.0, "order": order, "every": 100, "scale": "log"}
    for grow in (1.01, 1.5, 100.0):
        rule = Multiplicative(grow, 0.6)
        run = task.model.train(task.inputs, task.labels, rule, rng=np.random.default_rng(0), **more)
        logs = np.hstack([run["log_amplification"], run["log_edge_weights"]])
        assert np.abs(logs[-1]).min() > 10
        assert np.abs(np.diff(logs, 2, axis=0)).max() < 2e-13 * np.abs(logs).max()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("layerwise", {"lr": 0.0}, "lr must be > 0, got 0"),
        ("condensation", {"time": -1.0}, "time must be > 0, got -1"),
        ("condensation", {"flow_lr": 0.0}, "flow_lr must be > 0"),
        ("dnn", {"records": 1}, "records must be >= 2, got 1"),
    ],
)
def test_settings_out_of_range_are_refused(name, change, message):
    with pytest.raises(ValueError, match=message):
        replace(ASKED[name].settings, **change)


def test_a_step_of_the_digits_is_one_on_half_the_sum_of_squares():
    """From one record to the next, a single small step, the loss falls by the rate times the squared gradient."""
    import torch

    from dnn.data import load
    from dnn.networks.mlp import MLP

    settings = replace(ASKED["dnn"].settings, hidden=(5,), samples=30, lr=1e-3, flow_lr=1e-3, time=1e-3, records=2)
    trajectory = ASKED["dnn"].run(settings, np.random.default_rng(0))
    x, y = (part[:30] for part in load("mnist-mini")[:2])
    network = MLP([784, 5, 10], activation="tanh", rng=np.random.default_rng(0))
    loss = (network(x - x.mean(0)) - torch.nn.functional.one_hot(y, 10)).square().sum(1).mean() / 2
    loss.backward()
    squared = sum(float(parameter.grad.square().sum()) for parameter in network.parameters())
    assert trajectory["loss"][0] == pytest.approx(loss.item(), rel=1e-5)
    assert trajectory["loss"][0] - trajectory["loss"][1] == pytest.approx(1e-3 * squared, rel=0.02)
