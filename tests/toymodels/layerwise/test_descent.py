"""What every gradient descent of the layerwise models does alike, on the smallest one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.layerwise import (
    ConnectedNetwork,
    DeepLinearNetwork,
    DeepMode,
    DiagonalNetwork,
    LinearModel,
    LinearNetwork,
    ScalarChain,
    ScalarNetwork,
)
from toymodels.layerwise.descent import GradientDescent
from toymodels.trajectory import SimulationError, Trajectory


class Parabola(GradientDescent):
    """x^2 / 2 from x = 3."""

    def _descend(self, n_steps, lr):
        return {"x": 3.0 * (1 - lr) ** np.arange(n_steps + 1)}


WIRING = np.array([[True, True], [False, True]])
MODELS = (
    ScalarNetwork(a0=[1.2, -0.4], b0=[0.5, 0.7], target=1.7),
    DiagonalNetwork([1.5, -0.7], [0.4, 0.6], [0.9, -0.3], variance=[0.8, 1.7]),
    LinearModel([1.3, -0.6], variance=[0.7, 1.6]),
    LinearNetwork([[0.5, -0.2], [0.3, 0.8]], [[0.7, -0.4], [0.2, 0.6]], [[1.4, 0.3], [-0.5, 0.9]]),
    DeepMode(3, 1.6, 0.4),
    DeepLinearNetwork.aligned(np.diag([2.0, 1.2]), initial=[0.4, 0.3], depth=3, hidden=2),
    ScalarChain([1.2, 0.7, 0.9], target=1.5),
    ConnectedNetwork([1.0, 2.0], 0.4 * WIRING, [0.6, 0.3], WIRING),
)


def test_a_run_counts_its_steps_from_the_start_on():
    run = Parabola().simulate(4, 0.5)
    assert isinstance(run, Trajectory)
    assert_array_equal(run.t, [0, 1, 2, 3, 4])
    assert_allclose(run["x"], [3, 1.5, 0.75, 0.375, 0.1875])
    assert (run.clock, run.meta) == ("step", {"lr": 0.5})
    assert_array_equal(Parabola().simulate(np.int64(1), np.float32(2.0))["x"], [3.0, -3.0])


def test_steps_that_are_too_long_diverge_without_a_warning():
    with pytest.raises(SimulationError, match="x"):
        Parabola().simulate(2000, 11.0)


@pytest.mark.parametrize(
    ("n_steps", "lr", "message"),
    [
        (0, 0.1, "n_steps must be >= 1, got 0"),
        (2.0, 0.1, r"n_steps must be an integer, got 2\.0"),
        (3, 0.0, "lr must be > 0, got 0"),
        (3, -0.5, r"lr must be > 0, got -0\.5"),
        (3, np.inf, "lr must be finite"),
        (3, [0.1], r"lr must have 0 dimension\(s\), got shape \(1,\)"),
    ],
)
def test_bad_arguments_are_refused(n_steps, lr, message):
    with pytest.raises(ValueError, match=message):
        Parabola().simulate(n_steps, lr)


def test_a_model_must_say_how_it_descends():
    with pytest.raises(TypeError, match="_descend"):
        GradientDescent()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_every_quantity_follows_the_flow_for_short_steps(model):
    """Half the step, half the error, and with both runs the error of the step is extrapolated away."""
    flow, half, whole = model.solve([0.0, 0.35, 0.7]), model.simulate(1400, 5e-4), model.simulate(700, 1e-3)
    shared = flow.data.keys() & half.data.keys()
    assert flow.data.keys() <= half.data.keys()
    for name in shared:
        fine, coarse = half[name][::700], whole[name][::350]
        size = np.abs(flow[name]).max()
        assert np.abs(coarse - flow[name]).max() < 5e-3 * size, name
        assert_allclose(2 * fine - coarse, flow[name], rtol=0, atol=1e-5 * size, err_msg=name)
        assert np.abs(flow[name][2] - flow[name][0]).max() > 0.02 * size, name
