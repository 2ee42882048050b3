import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnn.reading.linear_maps import linear_map, linear_map_logits, pruned_accuracy
from dnn.reading.probing import probed_map
from tests.dnn.reading.test_linear_maps import Module, network, random_split, samples, seeds
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


class Bent(nn.Module):
    """Not affine below its activation."""

    def __init__(self):
        super().__init__()
        self.first, self.activation, self.last = nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)
        for parameter in self.parameters():
            parameter.data.abs_()  # so that no unit vector, nor their sum, comes to the kink

    def forward(self, x):
        return self.last(self.activation(self.first(x).abs()))


class Hidden(nn.Module):
    """A chain whose activations are functions, in place or not."""

    def __init__(self, chain, in_place):
        super().__init__()
        self.linears, self.in_place = nn.ModuleList(chain[k] for k in (0, 2, 4)), in_place

    def forward(self, x):
        x = nn.functional.relu(self.linears[0](x), inplace=self.in_place)
        x = self.linears[1](x)
        x = x.tanh_() if self.in_place else torch.tanh(x)
        return self.linears[2](x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda mlp, x: probed_map(nn.Sequential(nn.Linear(6, 4), nn.Softmax(1)), 1, x), "got Softmax as '1'"),
        (lambda mlp, x: probed_map(FunctionalSquare().double(), 2, x), "affine above layer 2"),
        (lambda mlp, x: probed_map(Bent().double(), 1, x), "affine above layer 1"),
        (lambda mlp, x: probed_map(Bent().double(), 2, x), "affine below layer 2, for layers to be counted"),
        (lambda mlp, x: probed_map(Module(mlp), 6, x), r"layer must be in 1\.\.5, got 6"),
    ],
)
def test_what_cannot_be_probed_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(network(), samples())


def chain(in_place=False):
    layers = nn.Linear(6, 9), nn.ReLU(in_place), nn.Linear(9, 8), nn.Tanh(), nn.Linear(8, 4)
    return nn.Sequential(*layers).double()


@given(seeds, st.booleans(), st.integers(1, 3))
def test_functions_count_as_the_activation_modules_do(seed, in_place, layer):
    torch.manual_seed(seed)
    plain, x = chain(), samples(seed)
    hidden, written = Hidden(plain, in_place), chain(in_place=True)
    written.load_state_dict(plain.state_dict())
    matrix, offset = linear_map(plain, layer)
    for twin in (hidden, written):
        probed, shift = linear_map(twin, layer, x=x) if twin is hidden else probed_map(twin, layer, x)
        torch.testing.assert_close((probed, shift), (matrix, offset), rtol=1e-9, atol=1e-9)
    for exact, probed in zip(linear_map_logits(plain, x), linear_map_logits(hidden, x), strict=True):
        torch.testing.assert_close(probed, exact, rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match=r"layer must be in 1\.\.3, got 4"):
        linear_map(hidden, 4, x=x)


def test_a_learned_slope_is_an_activation_and_the_inputs_are_left_alone():
    network, x = nn.Sequential(nn.PReLU(), nn.Linear(6, 4), nn.ReLU(inplace=True), nn.Linear(4, 3)).double(), samples()
    before = x.clone()
    logits = linear_map_logits(network, x)
    assert len(logits) == 3
    torch.testing.assert_close(logits[-1], network(x).detach(), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(logits[0], network[3](network[1](x)).detach(), rtol=1e-9, atol=1e-9)
    assert torch.equal(x, before)


class Doubled(nn.Module):
    """Returns twice the logits, in a dict."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return {"scores": 2 * self.inner(x)}


def test_logits_are_taken_out_of_what_the_network_returns():
    plain, x = chain(), samples()
    matrix, offset = linear_map(Doubled(plain), 2, x=x, output=lambda out: out["scores"])
    expected = linear_map(plain, 2)
    torch.testing.assert_close((matrix, offset), (2 * expected[0], 2 * expected[1]), rtol=1e-9, atol=1e-9)
    halves = linear_map_logits(plain, x, output=lambda out: out[:, :2])
    for half, whole in zip(halves, linear_map_logits(plain, x), strict=True):
        torch.testing.assert_close(half, whole[:, :2], rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match="x must be given beside output"):
        linear_map(plain, 2, output=lambda out: out)
    with pytest.raises(ValueError, match=r"must return \(n, K\) logits"):
        linear_map(Doubled(plain), 2, x=x)


def test_what_has_no_linear_map_is_refused_with_the_way_out():
    split, layers = random_split(), [nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 4)]
    with pytest.raises(ValueError, match=r"got LayerNorm as .1.; dnn\.observe measures"):
        pruned_accuracy(nn.Sequential(*layers).double(), split)
    with pytest.raises(ValueError, match="got LayerNorm as layer '1'; off chains method 'linear_map' may do"):
        pruned_accuracy(nn.Sequential(*layers).double(), split, "perceptron")
    with pytest.raises(ValueError, match=r"got LSTM; dnn\.observe measures"):
        pruned_accuracy(nn.LSTM(6, 4), split)


def test_probing_restores_training_mode_and_hooks():
    module = Module(network(activation="tanh")).train()
    probed_map(module, 3, samples())
    assert module.training
    assert not any(activation._forward_hooks for activation in module.activations)
    assert np.isfinite(module(samples()).detach().numpy()).all()


def test_what_goes_past_a_layer_stays_as_at_the_first_sample():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.d = (nn.Linear(n, m) for n, m in ((3, 4), (4, 5), (5, 2), (4, 2)))

        def forward(self, x):
            low = torch.tanh(self.a(x))
            return self.c(torch.tanh(self.b(low))) + self.d(low)

    network, x = Skip(), torch.randn(6, 3)
    matrix, offset = probed_map(network, 3, x)
    torch.testing.assert_close(matrix, network.c.weight.detach(), rtol=1e-4, atol=1e-5)
    past = network.c.bias + network.d(torch.tanh(network.a(x[0])))
    torch.testing.assert_close(offset, past.detach(), rtol=1e-5, atol=1e-6)
