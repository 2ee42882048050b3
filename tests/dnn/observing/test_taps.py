import copy
import math

import pytest
import torch
from torch import nn

from dnn import observe, tap
from dnn.observing.layers import Layer
from dnn.observing.resting import undisturbed
from tests.dnn.observing.kinds import Functional, kinds

KINDS = list(kinds())


@pytest.mark.parametrize("name", KINDS)
def test_outputs_are_the_same_with_and_without(name):
    module, x = kinds()[name]
    dtype = next(module.parameters()).dtype
    x = x.to(dtype) if x.is_floating_point() else x
    with torch.no_grad():
        plain = copy.deepcopy(module).eval()(x)
        module.eval()
        with tap(module):
            tapped = module(x)
    for a, b in zip(
        *[(o["logits"],) if isinstance(o, dict) else o if isinstance(o, tuple) else (o,) for o in (plain, tapped)],
        strict=True,
    ):
        assert a is None or torch.allclose(a, b, atol=2e-2 if dtype == torch.bfloat16 else 1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_hooks_are_gone_afterwards_also_after_an_error(name):
    module, _ = kinds()[name]
    with pytest.raises(RuntimeError, match="stop"), tap(module):
        raise RuntimeError("stop")
    assert not any(part._forward_hooks for part in module.modules())
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_field_is_what_a_layer_put_out_before_an_activation_in_place():
    torch.manual_seed(0)
    x = torch.randn(40, 3)
    layers = [nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2)]
    with tap(nn.Sequential(*layers)) as listening:
        nn.Sequential(*layers)(x)
    assert torch.equal(listening.fields["0"], layers[0](x))
    assert (listening.fields["0"] < 0).any()


def test_neurons_are_on_the_last_axis_whatever_the_layer():
    shapes = {}
    for name, (module, x) in kinds().items():
        x = x.to(next(module.parameters()).dtype) if x.is_floating_point() else x
        with tap(module) as listening, undisturbed(module), torch.no_grad():
            module(x)
        shapes[name] = {layer: tuple(values.shape[1:]) for layer, values in listening.fields.items()}
    assert shapes["chain"] == {"0": (16,), "2": (16,), "4": (3,)}
    assert shapes["2-d convolutions"] == {"0": (36, 6), "1": (36, 6), "3": (16, 8), "6": (3,)}
    assert shapes["3-d convolution"]["0"] == (27, 6)
    assert shapes["lstm"] == {"cells": (5, 16), "head": (3,)}
    assert shapes["transformer"]["embedding"] == (5, 16)
    assert shapes["transformer"]["blocks.layers.0.self_attn/queries"] == (5, 16)
    assert shapes["tied"] == {"first": (16,), "middle": (16,), "middle#2": (16,), "last": (3,)}


def test_queries_keys_and_values_are_those_of_the_attention():
    torch.manual_seed(0)
    attention, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(3, 4, 8)
    with tap(attention) as listening, torch.no_grad():
        out, _ = attention(x, x, x)
    fields = {name.rpartition("/")[2]: values for name, values in listening.fields.items()}
    heads = [fields[name].unflatten(-1, (2, 4)).transpose(1, 2) for name in ("queries", "keys", "values")]
    again = nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(-2)
    assert torch.allclose(attention.out_proj(again), out, atol=1e-6)
    assert torch.allclose(fields["MultiheadAttention"], out)


def test_sequences_first_are_turned():
    cells = nn.GRU(3, 4)
    with tap(cells) as listening:
        cells(torch.randn(7, 5, 3))
    assert listening.fields["GRU"].shape == (5, 7, 4)


@pytest.mark.parametrize("wrap", [lambda m: m, nn.DataParallel, lambda m: torch.compile(m, backend="eager")])
def test_wrappers_are_looked_through(wrap):
    module = Functional()
    with tap(wrap(module)) as listening:
        module(torch.randn(5, 12))
    assert list(listening.fields) == ["first", "last"]


def test_layers_are_chosen_by_pattern_and_a_miss_is_named():
    module, _ = kinds()["chain"]
    with tap(module, "2") as listening:
        module(torch.randn(5, 12))
    assert list(listening.fields) == ["2"]
    with (
        pytest.raises(ValueError, match=r"layers must fit a weight-bearing layer \(0, 2, 4\), got 'head'"),
        tap(module, "head"),
    ):
        pass
    with pytest.raises(ValueError, match="none at all"), tap(nn.ReLU()):
        pass


def test_half_precision_is_read_in_full():
    module, x = kinds()["bfloat16"]
    with tap(module) as listening:
        module(x.to(torch.bfloat16))
    assert all(values.dtype == torch.float32 for values in listening.fields.values())


def test_nothing_is_disturbed():
    module = kinds()["batch norm after"][0]
    module[3].eval()  # one part in another mode
    flags = [part.training for part in module.modules()]
    state = torch.get_rng_state()
    with undisturbed(module):
        assert not any(part.training for part in module.modules())
        module(torch.randn(4, 12))
    assert [part.training for part in module.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("module", "shape", "neurons", "positions"),
    [
        (nn.Linear(2, 3), (5, 3), 1, ()),
        (nn.Linear(2, 3), (5, 4, 3), 2, (1,)),
        (nn.Conv1d(2, 3, 2), (5, 3, 4), 1, (2,)),
        (nn.Conv2d(2, 3, 2), (5, 3, 4, 2), 1, (2, 3)),
        (nn.ConvTranspose3d(2, 3, 2), (5, 3, 4, 2, 2), 1, (2, 3, 4)),
        (nn.BatchNorm1d(3), (5, 3), 1, ()),
        (nn.BatchNorm1d(3), (5, 3, 4), 1, (2,)),
        (nn.GroupNorm(1, 3), (5, 3, 4), 1, (2,)),
        (nn.LayerNorm(3), (5, 4, 3), 2, (1,)),
        (nn.GRU(2, 3), (4, 5, 3), 2, (0,)),
        (nn.GRU(2, 3, batch_first=True), (5, 4, 3), 2, (1,)),
    ],
    ids=str,
)
def test_fields_are_arranged_by_sample_position_and_neuron(module, shape, neurons, positions):
    field = torch.arange(float(math.prod(shape))).reshape(shape)
    (samples,) = {0, 1, 2, 3, 4}.intersection(range(field.ndim)) - {neurons, *positions}
    expected = field.permute(samples, *positions, neurons).reshape(5, *((-1,) if positions else ()), 3)
    assert torch.equal(Layer("layer", module).arranged(field), expected)


class Packed(nn.Module):
    """Reads all samples at their full length."""

    def __init__(self):
        super().__init__()
        self.memory, self.readout = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x):
        lengths = torch.full((len(x),), x.shape[1])
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return self.readout(self.memory(packed)[1][0][-1])


def test_packed_sequences_are_refused_by_name():
    x, module = torch.randn(9, 5, 4), Packed()
    with pytest.raises(ValueError, match="memory must put out padded sequences to be observed, got packed ones"):
        observe(module, (x, torch.arange(9) % 3))
    assert module(x).shape == (9, 3)  # nothing listens any more
