"""What every gradient descent of the layerwise models does alike, on the smallest one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.layerwise.descent import GradientDescent
from toymodels.trajectory import SimulationError, Trajectory


class Parabola(GradientDescent):
    """x^2 / 2 from x = 3."""

    def _descend(self, n_steps, lr):
        return {"x": 3.0 * (1 - lr) ** np.arange(n_steps + 1)}


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
