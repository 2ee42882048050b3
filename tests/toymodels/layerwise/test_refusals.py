"""What all layerwise models refuse alike."""

import numpy as np
import pytest

from toymodels.layerwise import DeepMode, DiagonalNetwork, LinearModel, LinearNetwork, ScalarChain, ScalarNetwork

MODELS = (
    DeepMode(3, 1.0, 0.1),
    DiagonalNetwork([1.0], [0.1], [0.2]),
    LinearModel([1.0], [0.1]),
    LinearNetwork(np.eye(2), np.eye(2), np.eye(2)),
    ScalarChain([0.1, 0.2], 1.0),
    ScalarNetwork([0.1], [0.2], 1.0),
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("lr", [[0.1, 0.2], [0.1], np.array([[0.1]])], ids=str)
def test_a_learning_rate_is_one_number(model, lr):
    with pytest.raises(ValueError, match=r"lr must have 0 dimension\(s\), got shape"):
        model.simulate(3, lr)
    assert len(model.simulate(3, np.array(0.1)).t) == 4


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("t", ["a", [1j], np.array([1.0 + 0j])], ids=str)
def test_times_are_real_numbers(model, t):
    with pytest.raises(ValueError, match=r"t must be (numeric|real), got"):
        model.solve(t)
