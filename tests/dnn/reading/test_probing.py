import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnn.reading.linear_maps import linear_map
from dnn.reading.probing import probed_map
from tests.dnn.reading.test_linear_maps import Module, network, samples, seeds
from tests.tolerances import FLOAT32


@given(seeds, st.booleans(), st.booleans(), st.integers(1, 5))
def test_probing_the_tail_gives_the_recursion(seed, batch_norm, residual, layer):
    mlp, x = network(seed, "tanh", batch_norm, residual), samples(seed)
    matrix, offset = linear_map(mlp, layer)
    probed, probed_offset = linear_map(Module(mlp), layer, x=x)
    torch.testing.assert_close(probed, matrix, rtol=1e-8, atol=1e-8)
    if not residual:
        torch.testing.assert_close(probed_offset, offset, rtol=1e-8, atol=1e-8)


def test_a_convolution_is_probed():
    layers = [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 3)]
    chain, x = nn.Sequential(*layers).eval(), torch.randn(4, 1, 6, 6)
    matrix, offset = linear_map(chain, 2, x=x)
    hidden = chain[2](chain[1](chain[0](x))).flatten(1)
    torch.testing.assert_close(hidden @ matrix.T + offset, chain(x).detach(), **FLOAT32)


class FunctionalSquare(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.activation, self.last = nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)

    def forward(self, x):
        return self.last(self.activation(self.first(x))).square()  # non-linear outside any activation module


class FunctionalRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 4), nn.Linear(4, 3)
        for parameter in self.parameters():
            parameter.data.abs_()  # so that no unit vector, nor their sum, comes to the kink

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda mlp, x: probed_map(nn.Sequential(nn.Linear(6, 4), nn.Softmax(1)), 1, x), "got Softmax as '1'"),
        (lambda mlp, x: probed_map(FunctionalSquare().double(), 2, x), "affine above layer 2"),
        (lambda mlp, x: probed_map(FunctionalRelu().double(), 1, x), "affine above layer 1"),
        (lambda mlp, x: probed_map(Module(mlp), 6, x), r"layer must be in 1\.\.5, got 6"),
    ],
)
def test_what_cannot_be_probed_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(network(), samples())


def test_probing_restores_training_mode_and_hooks():
    module = Module(network(activation="tanh")).train()
    probed_map(module, 3, samples())
    assert module.training
    assert not any(activation._forward_hooks for activation in module.activations)
    assert np.isfinite(module(samples()).detach().numpy()).all()
