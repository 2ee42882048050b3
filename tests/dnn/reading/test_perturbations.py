import numpy as np
import pytest
import torch
from torch import nn

from dnn.reading.perturbations import _units, pixel_noise, predictions, readable, weight_noise
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


def incoming(module, weight):
    """Rows of incoming weights of every output channel, read off the module's response to single inputs."""
    module = type(module)(*module.args, **module.options)
    module.weight.data = weight
    rows = []
    for k in range(module.in_channels):
        x = torch.zeros(1, module.in_channels, *[1] * (weight.ndim - 2))
        x[0, k] = 1
        rows.append(module(x)[0].flatten(1))
    return torch.stack(rows, 1).flatten(1)


class Transposed(nn.ConvTranspose2d):
    args, options = (4, 6, 3), {"groups": 2, "bias": False}


class Plain(nn.Conv2d):
    args, options = (4, 6, 1), {"groups": 2, "bias": False}


@torch.no_grad()
@pytest.mark.parametrize("kind", [Plain, Transposed])
def test_filter_noise_has_the_length_of_the_incoming_weights_of_every_channel(kind):
    module = kind(*kind.args, **kind.options)
    module.weight.mul_(torch.arange(1, 1 + len(module.weight))[:, None, None, None])
    z = torch.randn(module.weight.shape, generator=torch.Generator().manual_seed(0))
    shift = _units(module, "filter")[id(module.weight)](z)
    lengths = [incoming(module, values).norm(dim=1) for values in (shift, module.weight.data)]
    torch.testing.assert_close(*lengths)
    assert lengths[0].shape == (6,)
    layer = _units(module, "layer")[id(module.weight)](z)
    torch.testing.assert_close(layer.norm(), module.weight.data.norm())
    torch.testing.assert_close(layer / layer.norm(), z / z.norm())
    assert torch.equal(_units(module, "none")[id(module.weight)](z), z)
    assert torch.equal(_units(module, "std")[id(module.weight)](z), z * module.weight.std())


def test_weights_of_length_zero_stay_where_they_are():
    module = nn.Linear(3, 2)
    module.weight.data[0] = 0
    shift = _units(module, "filter")[id(module.weight)](torch.ones(2, 3))
    assert (shift[0] == 0).all()
    assert torch.isfinite(_units(module, "filter")[id(module.weight)](torch.zeros(2, 3))).all()


def test_only_half_precision_is_copied():
    network, x, _ = fitted()
    same, values = readable(network, x.requires_grad_())
    assert same is network
    assert not values.requires_grad
    single, values = readable(network.bfloat16(), x.half())
    assert {value.dtype for value in single.parameters()} == {values.dtype} == {torch.float32}
    assert {value.dtype for value in network.parameters()} == {torch.bfloat16}


def test_norms_and_biases_are_not_perturbed():
    block = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    network = nn.Sequential(nn.LayerNorm((2, 4)), block, nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(8, 4))
    attention = block.self_attn
    weights = [attention.in_proj_weight, attention.out_proj.weight, block.linear1.weight, block.linear2.weight]
    assert list(_units(network, "std")) == [id(weight) for weight in [*weights, network[4].weight]]


def test_two_entries_have_a_standard_deviation_and_one_has_none():
    assert len(_units(nn.Linear(2, 1), "std")) == 1
    with pytest.raises(ValueError, match="single entry"):
        _units(nn.Linear(1, 1), "std")
