import numpy as np

from dnn.networks.convolutional import ResNet18
from figures.condensation.resnet_channels import FIGURE, gain

MEANS = {
    "excess_weights_first_end": 0.1,
    "excess_weights_last_end": 3.0,
    "excess_weights_last_start": 0.5,
    "excess_outputs_first_end": 0.6,
    "excess_outputs_last_start": 0.3,
    "excess_outputs_last_end": 0.2,
    "share_weights_last_end": 0.1,
}
DATA = {name: np.full(2, value) for name, value in MEANS.items()}


def verdicts(accuracy):
    return [claim.verdict for claim in FIGURE.judge({**DATA, "accuracy": np.array(accuracy)})]


def test_gains_are_what_training_adds():
    np.testing.assert_allclose(gain(DATA, "weights", "last"), 2.5)
    np.testing.assert_allclose(gain(DATA, "outputs", "last"), -0.1)


def test_networks_that_have_not_fitted_contradict_nothing():
    assert verdicts([1.0, 1.0]) == ["reproduced", "contradicted", "contradicted", "contradicted"]
    assert verdicts([1.0, 0.9]) == ["reproduced", "open", "open", "open"]


def test_the_convolutions_that_are_compared_have_no_bias_that_outputs_could_be_taken_without():
    network = ResNet18(2)
    assert network.first_convolution.bias is None
    assert network.last_convolution.bias is None
