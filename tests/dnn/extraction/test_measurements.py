from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from dnn.extraction.measurements import (
    agreement,
    between_classes,
    measure_elasticity,
    measure_kept,
    measure_participation,
    pair_effect,
)
from dnn.networks.convolutional import SmallCNN
from dnn.networks.mlp import MLP
from tests.dnn.blobs import blobs
from toymodels.metrics.elasticity import relative_change


def test_elasticity_is_that_of_a_small_sgd_step():
    split = blobs(n_train=24)
    network = MLP([8, 16, 12, 4], rng=np.random.default_rng(0)).double()
    x, y = split.x_train.double(), split.y_train
    bases, tests = np.arange(4), np.arange(4, 24)
    found = measure_elasticity(network, x, y, bases, tests)
    before = network(x).detach().numpy()
    for base in bases:
        moved = deepcopy(network)
        nn.functional.cross_entropy(moved(x[base : base + 1]), y[base : base + 1]).backward()
        with torch.no_grad():
            for parameter in moved.parameters():
                assert parameter.grad is not None
                parameter -= 1e-6 * parameter.grad
        wanted = relative_change(before, moved(x).detach().numpy(), int(base))[tests]
        assert_allclose(found[base], wanted, rtol=1e-4)


def test_a_base_that_does_not_move_is_named():
    network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    with pytest.raises(ValueError, match="bases must move their own logits, got none moved at row 0"):
        measure_elasticity(network, torch.zeros(3, 2), torch.tensor([0, 1, 0]), [0], [1, 2])


def test_classes_are_medians_over_bases_of_means_over_tests_without_silent_bases():
    change = np.array([[1.0, 3.0, 5.0], [np.nan] * 3, [9.0, 9.0, 7.0], [2.0, 4.0, 6.0]])
    assert_allclose(between_classes(change, [0, 0, 0, 1], [0, 0, 1]), [[(2 + 9) / 2, 6.0], [3.0, 6.0]])
    with pytest.raises(ValueError, match="every class must have a base and a test, got none for"):
        between_classes(change[:2], [0, 1], [0, 0, 1])


def test_agreement_leaves_the_diagonal_out_and_counts_silence_as_none():
    measured = np.arange(9.0).reshape(3, 3)
    assert agreement(measured**3 - 100 * np.eye(3), measured) == pytest.approx(1.0)
    assert agreement(-measured, measured) == pytest.approx(-1.0)
    assert agreement(np.ones((3, 3)), measured) == agreement(None, measured) == 0.0


def test_the_effect_of_the_pair_is_what_rows_and_columns_leave():
    rng = np.random.default_rng(0)
    logs, rows, columns = rng.normal(size=(6, 6)), rng.normal(size=(6, 1)), rng.normal(size=(1, 6))
    rest = pair_effect(np.exp(logs))
    assert_allclose(pair_effect(np.exp(logs + rows + columns)), rest, atol=1e-12)
    assert_allclose(np.diag(rest), 0)
    assert_allclose([rest.sum(axis=0), rest.sum(axis=1)], 0, atol=1e-12)
    assert (rest**2).sum() < (logs[~np.eye(6, dtype=bool)] ** 2).sum()
    with pytest.raises(ValueError, match="change between classes must be > 0, got 0"):
        pair_effect(np.eye(3))
    with pytest.raises(ValueError, match="change must be square"):
        pair_effect(np.ones((2, 3)))


def test_cutting_units_is_cutting_their_outgoing_weights():
    split = blobs()
    network = MLP([8, 10, 6, 4], rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    kept = {"linears.0": rng.random(10) < 0.5, "linears.1": rng.random(6) < 0.5}
    smaller = deepcopy(network)
    with torch.no_grad():
        for name, mask in kept.items():
            smaller.get_parameter(f"linears.{int(name[-1]) + 1}.weight")[:, ~torch.from_numpy(mask)] = 0
        wanted = (smaller(split.x_test).argmax(1) == split.y_test).double().mean().item()
        whole = (network(split.x_test).argmax(1) == split.y_test).double().mean().item()
    assert measure_kept(network, split.x_test, split.y_test, kept) == pytest.approx(wanted)
    assert measure_kept(network, split.x_test, split.y_test, {}) == pytest.approx(whole)
    assert not network.linears[0]._forward_hooks


def test_channels_can_be_cut_and_wrong_masks_are_named():
    network, x, y = SmallCNN(2, rng=np.random.default_rng(0)), torch.rand(20, 784), torch.arange(20) % 10
    nothing = {"first": np.zeros(2, bool), "second": np.zeros(4, bool)}
    bias_only = int(network.readout.bias.argmax())
    assert measure_kept(network, x, y, nothing) == pytest.approx((y == bias_only).double().mean().item())
    with pytest.raises(ValueError, match="kept must say of 2 units of first, got \\(3,\\)"):
        measure_kept(network, x, y, {"first": np.ones(3, bool)})
    with pytest.raises(ValueError, match="kept must name linear layers and convolutions of first"):
        measure_kept(network, x, y, {"third": np.ones(3, bool)})


def test_participation_counts_the_units_that_are_active():
    hidden = nn.Linear(2, 4)
    network = nn.Sequential(hidden, nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        hidden.weight.zero_()
        hidden.bias.copy_(torch.tensor([1.0, 1.0, -1.0, 0.0]))
    assert_allclose(measure_participation(network, torch.zeros(5, 2)), [2.0])


def test_one_class_moves_itself():
    assert between_classes([[1.0, 3.0]], [0], [0, 0]).tolist() == [[2.0]]
    with pytest.raises(ValueError, match=r"every class must have a base and a test, got none for \[1\]"):
        between_classes([[1.0], [1.0]], [0, 1], [0])


def test_masks_may_be_arrays_that_torch_cannot_share():
    network, x = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2)), torch.ones(4, 1)
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[2].weight.copy_(torch.eye(2))  # each class has a unit of its own
        network[2].bias.zero_()
    mask = np.array([False, True])
    assert measure_kept(network, x, torch.ones(4).long(), {"0": mask}) == 1
    assert measure_kept(network, x, torch.zeros(4).long(), {"0": mask[::-1]}) == 1
    assert measure_kept(network, x, torch.ones(4).long(), {"0": np.broadcast_to(mask, (3, 2))[0]}) == 1
