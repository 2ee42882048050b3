import numpy as np

from dnn.networks.convolutional import ResNet18
from figures.condensation.resnet_channels import FIGURE, condensed, gain

MEANS = {
    "mean_weights_first_end": 0.99,  # of a chance of .9: .9 of the way
    "mean_weights_last_end": 0.4,  # of a chance of .1: a third of it
    "mean_outputs_first_end": 0.8,  # of a chance of .5: .6 of it
    "mean_outputs_last_end": 0.72,  # of a chance of .6: .3 of it
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


def test_a_layer_of_few_weights_can_be_the_more_condensed_one_though_its_excess_over_chance_is_smaller():
    np.testing.assert_allclose(condensed(DATA, "weights", "first"), 0.9)
    np.testing.assert_allclose(condensed(DATA, "weights", "last"), 1 / 3)


def test_networks_that_have_not_fitted_decide_nothing():
    assert verdicts([1.0, 1.0]) == ["contradicted"] * 4
    assert verdicts([1.0, 0.9]) == ["open"] * 4


def test_the_convolutions_that_are_compared_have_no_bias_that_outputs_could_be_taken_without():
    network = ResNet18(2)
    assert network.first_convolution.bias is None
    assert network.last_convolution.bias is None
