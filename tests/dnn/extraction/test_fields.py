import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn

from dnn.extraction.fields import fields_of, shuffled
from dnn.networks.mlp import MLP
from tests.dnn.observing.kinds import kinds

KINDS = kinds()


@pytest.mark.parametrize("widths", [[5, 7, 6, 3], [5, 7, 7, 7]])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_fields_are_those_before_the_activation_and_after_batch_norm(batch_norm, widths):
    network = MLP(widths, batch_norm=batch_norm, rng=np.random.default_rng(0))
    x = torch.randn(400, 5, generator=torch.Generator().manual_seed(0))
    network.train()
    network(x)
    found = list(fields_of(network, x).values())
    assert network.training
    network.eval()
    for values, wanted in zip(found, network.fields(x)[:-1], strict=True):
        assert_allclose(values, wanted.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_module_has_fields(kind):
    network, x = KINDS[kind]
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    try:
        found = fields_of(network, x)
    except ValueError as refused:
        assert "hidden layer" in str(refused)  # noqa: PT017
        return
    finally:
        assert network.training
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(values.ndim == 2 and len(values) == len(x) for values in found.values())


def test_layers_are_chosen_by_name():
    network = MLP([5, 7, 6, 3], rng=np.random.default_rng(0))
    assert list(fields_of(network, torch.zeros(2, 5), "*.1")) == ["linears.1"]
    with pytest.raises(ValueError, match="layers must fit a hidden layer"):
        fields_of(network, torch.zeros(2, 5), "linears.2")


def test_what_a_network_does_not_take_is_refused():
    with pytest.raises(ValueError, match="x must have a shape"):
        fields_of(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), torch.zeros(2, 5))


@given(st.integers(0, 10_000))
def test_shuffling_keeps_every_unit_and_within_classes_every_class(seed):
    rng = np.random.default_rng(seed)
    given_, labels = {"a": rng.normal(size=(30, 4)), "b": rng.normal(size=(30, 2))}, rng.integers(3, size=30)
    copy = {name: values.copy() for name, values in given_.items()}
    everywhere, inside = shuffled(given_, rng), shuffled(given_, rng, labels)
    for name, values in given_.items():
        assert_allclose(values, copy[name])
        assert_allclose(np.sort(everywhere[name], axis=0), np.sort(values, axis=0))
        assert (everywhere[name] != values).any()
        for label in np.unique(labels):
            rows = labels == label
            assert_allclose(np.sort(inside[name][rows], axis=0), np.sort(values[rows], axis=0))


def test_the_layers_there_are_are_named():
    with pytest.raises(ValueError, match=r"layers must fit a hidden layer \(linears.0, linears.1\), got 'x'"):
        fields_of(MLP([5, 7, 6, 3], rng=np.random.default_rng(0)), torch.zeros(2, 5), "x")
    with pytest.raises(ValueError, match=r"layers must fit a hidden layer \(none\), got '\*'"):
        fields_of(nn.Linear(5, 3), torch.zeros(2, 5))
