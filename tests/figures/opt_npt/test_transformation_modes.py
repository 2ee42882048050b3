"""Which units keep the order of their samples, and how it is measured."""

import numpy as np
import pytest
import torch

from dnn.networks.mlp import MLP
from figures.opt_npt.transformation_modes_claims import CLAIMS, NETWORK, correlation, within_classes
from figures.opt_npt.transformation_modes_runs import (
    TransformationModes,
    alignment,
    folded,
    misplaced_maxima,
    reordered,
    reversed_pairs,
    trained_unit,
)

SETTINGS = TransformationModes(fields=20, unit_steps=300, starts=4)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [([0, 1, 2, 3], 0), ([3, 2, 1, 0], 0), ([0, 0, 1, 1], 0), ([0, 1, 1, 0], 1), ([0, 2, 1, 3], 1 / 3)],
)
def test_reordered_is_one_less_kendalls_tau_without_ties(outputs, expected):
    assert reordered(np.arange(4.0), np.array(outputs, dtype=float)) == pytest.approx(expected)


@pytest.mark.parametrize("pair", ["two tanh", "two ReLU"])
def test_two_neurons_have_their_maximum_anywhere(pair):
    for seed in range(20):
        assert misplaced_maxima(SETTINGS, np.random.default_rng(seed), pair)["misplaced"].max() == 0


def test_one_monotone_neuron_has_it_at_the_end():
    misplaced = misplaced_maxima(SETTINGS, np.random.default_rng(0), "one tanh")["misplaced"]
    assert misplaced.tolist() == list(range(19, -1, -1))


@pytest.mark.parametrize(("unit", "keeps"), [("one tanh", True), ("one Gaussian", False), ("two tanh", False)])
def test_a_trained_unit_keeps_order_if_it_is_monotone(unit, keeps):
    run = trained_unit(SETTINGS, np.random.default_rng(2), unit)
    assert (run["reordered"] == 0) if keeps else (run["reordered"] > 0.3)


def test_a_lone_linear_neuron_orders_as_the_network_does_and_folds_nothing():
    network = MLP([3, 1, 2], "linear", rng=np.random.default_rng(0))
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    assert reversed_pairs(network, x) == pytest.approx([0])
    assert folded(network, x) == pytest.approx([0])


def test_a_gaussian_neuron_that_sees_both_sides_of_its_peak_folds():
    network = MLP([1, 1, 2], "gaussian", rng=np.random.default_rng(0))
    with torch.no_grad():
        network.linears[0].weight.fill_(1.0)
        network.linears[0].bias.zero_()
    assert folded(network, torch.linspace(-1, 1, 41)[:, None]) == pytest.approx([1], abs=0.05)
    assert folded(network, torch.linspace(0, 1, 41)[:, None]) == pytest.approx([0])


def test_alignment_is_the_mean_squared_cosine():
    network = MLP([2, 2, 2], "linear", rng=np.random.default_rng(0))
    with torch.no_grad():
        network.linears[0].weight.copy_(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    assert alignment(network) == pytest.approx(0.5)


def data_of(gradient, other, labels=None):
    k = NETWORK["tanh"]
    shape = (3, 1, *np.shape(gradient))
    arrays = {name: np.zeros(shape) for name in ("gradient", "reversed", "sample_gradient", "sample_radius")}
    arrays["gradient"][k], arrays["reversed"][k] = gradient, other
    arrays["sample_gradient"][k], arrays["sample_radius"][k] = gradient, other
    arrays["sample_class"] = np.broadcast_to(np.zeros(len(gradient)) if labels is None else labels, shape)
    return {f"network_{name}": values for name, values in arrays.items()}


def test_correlations_over_neurons_and_within_classes():
    assert correlation(data_of([1, 2, 3], [3, 2, 1]), "tanh", "reversed") == pytest.approx([-1])
    across = data_of([1, 2, 11, 12], [1, 2, 0.2, 0.1], labels=[0, 0, 1, 1])
    assert within_classes(across) == pytest.approx([0])
    assert within_classes(data_of([1, 2, 3, 4], [5, 5, 5, 5])) == pytest.approx([0])


def test_claims_name_this_figure():
    assert {claim.key.partition(".")[0] for claim in CLAIMS} == {"transformation_modes"}


def test_classes_of_two_digits_have_an_order_and_classes_without_one_do_not_count():
    labels = [0, 0, 1, 1, 2, 2]
    ordered = data_of([1, 2, 11, 12, 5, 5], [0.1, 0.2, 0.4, 0.3, 1, 2], labels=labels)
    assert within_classes(ordered) == pytest.approx([0])
    both = data_of([1, 2, 11, 12, 5, 5], [0.1, 0.2, 0.3, 0.4, 1, 2], labels=labels)
    assert within_classes(both) == pytest.approx([1])
