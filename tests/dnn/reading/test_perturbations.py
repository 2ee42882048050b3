import numpy as np
import pytest
import torch

from dnn.reading.perturbations import pixel_noise, predictions, weight_noise
from tests.dnn.reading.test_basins import Opaque, fitted, rng
from toymodels.trajectory import SimulationError

NOISES = {
    "pixels": lambda network, x: pixel_noise(network, x, rng(), 3, 1.0, "running"),
    "weights": lambda network, x: weight_noise(network, x, rng(), 3, "running"),
}
BOTH = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)


@BOTH
@pytest.mark.parametrize("hide", [lambda network: network, Opaque], ids=["chain", "opaque"])
def test_without_amplitude_every_draw_predicts_what_the_network_does(noise, hide):
    network, x, _ = fitted()
    correct = noise(hide(network), x)(np.zeros(len(x)))
    assert correct.shape == (3, len(x))
    assert (correct == network(x).argmax(1).numpy()).all()


@BOTH
def test_each_sample_has_its_own_amplitude(noise):
    network, x, _ = fitted()
    evaluate, small, large = noise(network, x), np.full(len(x), 0.1), np.full(len(x), 2.0)
    mixed = np.where(np.arange(len(x)) < 50, small, large)
    correct = evaluate(mixed)
    assert (correct[:, :50] == evaluate(small)[:, :50]).all()
    assert (correct[:, 50:] == evaluate(large)[:, 50:]).all()
    assert (correct[:, 50:] != evaluate(small)[:, 50:]).any()


def test_logits_that_are_not_finite_name_the_largest_amplitude():
    assert predictions(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), 0.5).tolist() == [1, 0]
    with pytest.raises(SimulationError, match="logits are not finite at noise amplitude 3"):
        predictions(torch.tensor([[0.0, torch.nan]]), np.array([0.5, 3.0]))
