"""Rows and columns of units: what they compute, how they are written back, and which layers have them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnn.embedding import units
from dnn.embedding.responses import IDENTITY
from dnn.embedding.walking import Consumer, Route
from tests.dnn.embedding.kinds import normal, seeded


def route_of(layer, folded=None, attached=()):
    return Route(layer, folded, tuple(attached), ())


def patches(x, layer):
    """What a 2-d convolution reads, (n, positions, inputs)."""
    options = {"padding": layer.padding, "stride": layer.stride, "dilation": layer.dilation}
    return nn.functional.unfold(x, layer.kernel_size, **options).transpose(1, 2)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("norm", [None, {}, {"affine": False}, {"eps": 0.3}])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_rows_times_what_is_read_are_the_fields(kind, norm, bias):
    if kind == "linear":
        layer, batch = seeded(lambda: nn.Linear(5, 3, bias)), nn.BatchNorm1d
        x = read = normal(7, 5)
    else:
        layer, batch = seeded(lambda: nn.Conv2d(2, 3, (2, 3), 2, 1, bias=bias)), nn.BatchNorm2d
        x = normal(4, 2, 5, 6)
        read = patches(x, layer)
    folded = None if norm is None else seeded(lambda: batch(3, **norm), seed=1)
    with torch.no_grad():
        if folded is not None:
            folded.running_mean.copy_(torch.tensor([0.5, -2.0, 3.0]))
            folded.running_var.copy_(torch.tensor([0.25, 4.0, 9.0]))
        field = layer(x) if folded is None else folded(layer(x))
    rows = units.rows(route_of(layer, folded))
    assert rows.shape == (3, read.shape[-1] + 1)
    expected = read @ rows[:, :-1].T + rows[:, -1]
    torch.testing.assert_close(expected.transpose(1, -1).reshape(field.shape), field, rtol=1e-12, atol=1e-12)


def test_the_affine_map_of_a_batch_norm_by_hand():
    norm = nn.BatchNorm1d(2, eps=1.0).double().eval()
    norm.running_mean.copy_(torch.tensor([1.0, -2.0]))
    norm.running_var.copy_(torch.tensor([3.0, 24.0]))
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([4.0, -10.0]))
        norm.bias.copy_(torch.tensor([0.5, 7.0]))
    assert [part.tolist() for part in units.affine(norm)] == [[2.0, -2.0], [1.0, -2.0], [0.5, 7.0]]
    plain = nn.BatchNorm1d(2, eps=1.0, affine=False)
    plain.running_var.copy_(torch.tensor([3.0, 24.0]))
    assert [part.tolist() for part in units.affine(plain)] == [[0.5, 0.2], [0.0, 0.0], [0.0, 0.0]]


CONSUMERS = {
    "last": (lambda: nn.Linear(3, 4), 3, 1),
    "channels": (lambda: nn.Conv2d(3, 4, (2, 3)), 3, 6),
    "blocks": (lambda: nn.Linear(3 * 5, 4), 3, 5),
    "interleaved": (lambda: nn.Linear(5 * 3, 4), 3, 5),
}


def fed(layout, values):
    """Values (n, units, places) as a consumer takes them in."""
    if layout == "channels":
        return values.reshape(*values.shape[:2], 2, 3)
    return values.flatten(1) if layout in ("blocks", "last") else values.transpose(1, 2).flatten(1)


@pytest.mark.parametrize("layout", CONSUMERS)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(0, 100))
def test_columns_are_what_a_unit_says_and_are_written_back(layout, index, seed):
    make, count, places = CONSUMERS[layout]
    module = seeded(make, seed)
    bias = module.bias.detach().clone()
    consumer = Consumer(module, layout, IDENTITY)
    columns = units.columns(consumer, count)
    assert columns.shape == (count, places, 4)
    values = normal(6, count, places, seed=seed)
    out = module(fed(layout, values)).detach().reshape(6, 4)
    torch.testing.assert_close(torch.einsum("nup,upk->nk", values, columns) + bias, out)
    scales = torch.arange(1.0, len(index) + 1, dtype=torch.float64)
    written = columns[index] * scales[:, None, None]
    units.write_columns(consumer, written)
    torch.testing.assert_close(units.columns(consumer, len(index)), written, rtol=0, atol=0)
    taken = module.in_channels if layout == "channels" else module.in_features
    assert taken == len(index) * (1 if layout == "channels" else places)
    again = module(fed(layout, values[:, index] / scales[:, None])).detach().reshape(6, 4)
    torch.testing.assert_close(again, torch.einsum("nup,upk->nk", values[:, index], columns[index]) + bias)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7))
def test_selected_units_come_in_their_order_with_all_that_is_theirs(index):
    layer = seeded(lambda: nn.Conv2d(2, 4, 3, groups=1))
    norm, late, slope = (seeded(make, seed=3) for make in (lambda: nn.BatchNorm2d(4),) * 2 + (lambda: nn.PReLU(4),))
    layer.bias.requires_grad_(False)
    norm.num_batches_tracked += 4
    parts = (layer, norm, late, slope)
    x = normal(2, 2, 5, 5)
    before = [part.state_dict() for part in parts]
    before = [{name: value.clone() for name, value in state.items()} for state in before]
    field = norm(layer(x)).detach()
    units.select(route_of(layer, norm, (late, slope)), index)
    for part, state in zip(parts, before, strict=True):
        for name, value in part.state_dict().items():
            assert torch.equal(value, state[name][index] if value.ndim else state[name])
    sizes = (layer.out_channels, norm.num_features, late.num_features, slope.num_parameters)
    assert sizes == (len(index),) * 4
    assert (layer.in_channels, layer.weight.requires_grad, layer.bias.requires_grad) == (2, True, False)
    torch.testing.assert_close(norm(layer(x)).detach(), field[:, index], rtol=1e-12, atol=1e-12)


def test_units_of_a_linear_layer_are_its_rows():
    layer = seeded(lambda: nn.Linear(4, 4, bias=False))  # as many inputs as units
    weight = layer.weight.detach().clone()
    units.select(route_of(layer), (2, 0))
    assert torch.equal(layer.weight, weight[[2, 0]])
    assert (layer.in_features, layer.out_features, layer.bias) == (4, 2, None)


def test_what_is_put_in_keeps_its_kind():
    layer = nn.BatchNorm1d(3).half()
    layer.weight.requires_grad_(False)
    units.put(layer, "weight", torch.tensor([[1.0], [2.0]]).double()[:, 0])
    units.put(layer, "running_var", torch.tensor([0.5, 4.0], requires_grad=True))
    assert (layer.weight.tolist(), layer.weight.dtype, layer.weight.requires_grad) == ([1, 2], torch.float16, False)
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.is_contiguous()
    assert (layer.running_var.tolist(), layer.running_var.requires_grad) == ([0.5, 4.0], False)
    assert "running_var" in layer._buffers
    for name in ("bias", "running_mean"):
        with pytest.raises(ValueError, match=rf"new weights that torch.float16 can hold, got infinity in {name}"):
            units.put(layer, name, torch.tensor([1.0, 7e4]))
    units.put(layer, "bias", torch.tensor([1.0, 65504.0]))
    assert layer.bias.requires_grad


def test_values_are_doubled_out_of_every_graph():
    values = torch.tensor([1.5, -2.0], dtype=torch.bfloat16, requires_grad=True)
    doubled = units.doubled(values)
    assert (doubled.dtype, doubled.requires_grad) == (torch.float64, False)
    assert np.array_equal(doubled.numpy(), [1.5, -2.0])


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.convolution, self.attention = nn.Linear(3, 4), nn.Conv1d(2, 3, 2), nn.MultiheadAttention(4, 2)
        self.grouped, self.transposed = nn.Conv2d(4, 6, 2, groups=2), nn.ConvTranspose1d(2, 3, 2)
        self.norm, self.embedding, self.bilinear = nn.LayerNorm(4), nn.Embedding(3, 4), nn.Bilinear(2, 3, 4)
        self.also, self.act = self.linear, nn.ReLU()
        self.recurrent = nn.GRU(3, 4)


@pytest.mark.parametrize("name", ["linear", "convolution", "attention", "also"])
def test_layers_are_found_by_every_name_they_have(name):
    module = Everything()
    assert units.find_layer(module, name) is getattr(module, name)
    assert units.find_layer(module.linear, "Linear") is module.linear


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grouped", "layer must be without groups, got 'grouped' with 2"),
        ("transposed", "layer must be linear, a convolution or attention, got 'transposed', a ConvTranspose1d"),
        ("norm", "layer must be linear, a convolution or attention, got 'norm', a LayerNorm"),
        ("embedding", "layer must be linear, a convolution or attention, got 'embedding', a Embedding"),
        ("bilinear", "layer must be linear, a convolution or attention, got 'bilinear', a Bilinear"),
        ("recurrent", "layer must be linear, a convolution or attention, got 'recurrent', a GRU"),
        ("act", "layer must be one of linear, convolution, attention, grouped, .*, also, got 'act'"),
        ("attention.out_proj", "layer must be one of .*, got 'attention.out_proj'"),
        ("", "layer must be"),
        (0, "layer must be"),
    ],
)
def test_layers_without_units_to_be_told_are_refused(name, words):
    with pytest.raises(ValueError, match=words):
        units.find_layer(Everything(), name)
    with pytest.raises(ValueError, match="module must be a torch Module, got type"):
        units.find_layer(nn.Linear, "Linear")


def broken(**changes):
    layer = nn.BatchNorm1d(3)
    for name, values in changes.items():
        getattr(layer, name).data = values
    return layer


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), "got a weight of ParametrizedLinear made from others"),
        (nn.LazyLinear(4), "layer must have weights, got LazyLinear that has not seen its input yet"),
        (nn.Linear(3, 4, dtype=torch.complex64), "real parameters on its way, got a complex weight of Linear"),
        (broken(bias=torch.tensor([0.0, torch.nan, 0.0])), "got NaN or infinity in bias of BatchNorm1d"),
        (broken(running_var=torch.tensor([0.0, torch.inf, 0.0])), "got NaN or infinity in running_var of BatchNorm1d"),
    ],
)
def test_weights_that_are_not_plain_are_refused(part, words):
    with pytest.raises(ValueError, match=words):
        units.check_plain(part)


def test_plain_parts_pass_also_without_weights():
    for part in (nn.Linear(3, 4), nn.BatchNorm1d(3, affine=False), nn.ReLU(), nn.MultiheadAttention(4, 2)):
        units.check_plain(part)


def test_copies_are_deep_and_without_gradients():
    module = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    module(torch.ones(1, 3)).sum().backward()
    twin = units.copied(module)
    assert module[0].weight.grad is not None
    assert all(parameter.grad is None for parameter in twin.parameters())
    assert torch.equal(twin[0].weight, module[0].weight)
    assert twin[0].weight is not module[0].weight
    module.computed = module[0].weight * 2  # no leaf of a graph, which torch does not copy
    with pytest.raises(ValueError, match=r"module must be one that copy\.deepcopy takes, got: Only Tensors created"):
        units.copied(module)
