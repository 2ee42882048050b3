"""Four curves of a shallow network, and a perceptron trained on its logits."""

import numpy as np
import pytest
import torch

from dnn.data import load
from dnn.networks.mlp import MLP
from dnn.probes import accuracy
from figures.opt_npt.linear_perceptron import (
    CLAIMS,
    CURVES,
    LinearPerceptron,
    early_distance,
    less,
    perceptron_accuracy,
)

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}


def curves(samples=(600, 10_000)):
    """Final accuracies .9, .8, .7, .6, .5 of the largest set, all .5 of the smallest; two replicates."""
    values = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    steps = np.array([0, 1, 10, 100])
    largest = np.tile(values, (2, len(steps), 1))
    return {
        "samples": np.array(samples),
        "early": np.array(50),
        "step": steps,
        "accuracy": np.stack([np.full_like(largest, 0.5), largest]),
    }


def test_few_samples_tell_only_of_networks_that_have_learnt():
    data = curves()
    assert CLAIM["few-samples"].judge(data).verdict == "reproduced"
    data["accuracy"][0, 0, -1, 1] = 0.49
    assert CLAIM["few-samples"].judge(data).verdict == "open"


def test_curves_are_compared_at_the_end():
    assert less("linear perceptron", "linear map")(curves()) == pytest.approx([0.1, 0.1])
    assert less(*CURVES[:2], 0)(curves()) == pytest.approx([0, 0])
    assert early_distance(curves()) == pytest.approx([0.2, 0.2])


@pytest.mark.parametrize(("samples", "verdict"), [((600, 10_000), "open"), ((600, 60_000), "contradicted")])
def test_smaller_sets_than_the_papers_contradict_no_order_of_the_curves(samples, verdict):
    data = curves(samples)
    data["accuracy"] = data["accuracy"][..., ::-1]
    assert CLAIM["tanh-over-linear"].judge(data).verdict == verdict


def test_a_perceptron_learns_the_logits_of_a_linear_network():
    split = load("mnist-mini")
    network = MLP([784, 10], "linear", rng=np.random.default_rng(0))
    with torch.no_grad():
        network.linears[0].weight.mul_(3)
    settings = LinearPerceptron(n_steps=400, device="cpu")
    own = accuracy(network, split.x_test, network(split.x_test).argmax(1))
    taught = split._replace(y_test=network(split.x_test).argmax(1))
    assert own == 1.0
    assert perceptron_accuracy(settings, 1, network, taught) > 0.8
