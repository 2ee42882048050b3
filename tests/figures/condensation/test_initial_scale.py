import numpy as np
import pytest

from figures.condensation import initial_scale
from figures.condensation.initial_scale import FIGURE, InitialScale, trained
from toymodels.trajectory import Trajectory

DATA = {
    "directions": np.array([[9, 9], [2, 2]]),
    "axes": np.array([[1, 1], [1, 1]]),
    "rank": np.array([[1.9, 1.8], [1.1, 1.0]]),
}


def verdicts(**changes):
    """Of the pair, of the pair from larger starts, of that it is not in every case, and of the order."""
    return [claim.verdict for claim in FIGURE.judge({**DATA, **changes})]


def test_runs_off_the_pair_or_against_the_order_refute():
    holds, fails = "reproduced", "contradicted"
    assert verdicts() == [holds, holds, fails, holds]
    assert verdicts(directions=np.array([[9, 9], [1, 1]])) == [fails, holds, fails, holds]
    assert verdicts(axes=np.array([[2, 2], [1, 1]])) == [holds, fails, holds, holds]
    assert verdicts(rank=np.array([[1.9, 1.8], [1.95, 1.9]])) == [holds, holds, fails, fails]


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_a_pair_of_opposite_neurons_is_measured_at_the_end_of_the_start_asked_for(power, monkeypatch):
    """Two networks of four neurons; that of the end counts, two directions that are one axis, of rank one."""
    asked = []

    def figure_two(rng, power, replicates):
        asked.append((power, replicates))
        end = np.array([[3.0, 4.0], [3.0, 4.0], [-3.0, -4.0], [-6.0, -8.0]])
        w = np.stack([np.broadcast_to(np.eye(4, 2), (2, 4, 2)), np.broadcast_to(end, (2, 4, 2))])
        a = np.broadcast_to([1.0, -1.0, 1.0, 0.5], (2, 2, 4))
        return Trajectory([0.0, 1.0], {"a": a, "w": w, "loss": [[1.0, 1.0], [0.1, 0.2]]}, clock="step")

    monkeypatch.setattr(initial_scale, "figure_two", figure_two)
    found = trained(InitialScale(replicates=2), np.random.default_rng(0), power)
    assert asked == [(power, 2)]
    assert found["directions"] == [2, 2]
    assert found["axes"] == [1, 1]
    assert found["rank"] == pytest.approx([1.0, 1.0])
    np.testing.assert_allclose(found["mass"], [5, 5, 5, 5])
    assert found["loss"].tolist() == [0.1, 0.2]
