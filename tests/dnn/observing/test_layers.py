"""Which layers a module has, where their neurons are, and that rows of weights compute what the neurons put out."""

import numpy as np
import pytest
import torch
from torch import nn

from dnn import observe
from dnn.embedding.heads import HeadedAttention
from dnn.observing.layers import Layer, layers_of, unwrapped
from tests.dnn.embedding.kinds import encoder, normal, seeded


def weights(module):
    return Layer("layer", module).weights()


def times(rows, *parts):
    """What rows of weights make of the values that they read, (n, neurons)."""
    return torch.cat(parts, dim=1) @ rows.T


def ones(n):
    return torch.ones(n, 1, dtype=torch.float64)


@pytest.mark.parametrize("bias", [True, False])
def test_rows_of_linear_layers_compute_their_fields(bias):
    last = [ones(6)] if bias else []
    x, y = normal(6, 4), normal(6, 3, seed=1)
    linear, bilinear = seeded(lambda: nn.Linear(4, 5, bias)), seeded(lambda: nn.Bilinear(4, 3, 5, bias))
    torch.testing.assert_close(times(weights(linear)[""], x, *last), linear(x))
    products = (x[:, :, None] * y[:, None]).flatten(1)
    torch.testing.assert_close(times(weights(bilinear)[""], products, *last), bilinear(x, y))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_rows_of_a_convolution_are_what_its_channels_read(bias, groups):
    module = seeded(lambda: nn.Conv2d(4, 6, (2, 3), groups=groups, bias=bias))
    rows, x = weights(module)[""], normal(5, 4, 2, 3)  # a single position
    assert len(rows) == 6
    own = x.unflatten(1, (groups, -1)).flatten(2)  # what each group reads
    read = torch.cat([own, torch.ones(5, groups, 1)], dim=2).double() if bias else own
    expected = torch.einsum("ngi,goi->ngo", read, rows.unflatten(0, (groups, -1))).flatten(1)
    torch.testing.assert_close(expected, module(x).flatten(1))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_rows_of_a_transposed_convolution_are_what_its_channels_read(bias, groups):
    module = seeded(lambda: nn.ConvTranspose2d(4, 6, (2, 3), groups=groups, bias=bias))
    rows, impulses = weights(module)[""], torch.eye(4).double()[:, :, None, None]
    kernels = module(impulses).detach()  # (inputs, outputs, 2, 3): what a channel makes of one input alone
    offset = module.bias.detach() if bias else torch.zeros(6)
    for neuron in range(6):
        inputs = torch.arange(4).chunk(groups)[neuron // (6 // groups)]  # of its own group
        expected = (kernels[inputs, neuron] - offset[neuron]).flatten()
        torch.testing.assert_close(rows[neuron, : len(expected)], expected)
        assert rows[neuron, len(expected) :].tolist() == [offset[neuron]] * bias


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"kdim": 5, "vdim": 3}, {"batch_first": True}], ids=str)
@pytest.mark.parametrize("heads", [2, 3])
def test_rows_of_attention_compute_what_its_heads_read(options, heads):
    module = seeded(
        lambda: nn.MultiheadAttention(6, 2, **options) if heads == 2 else HeadedAttention(6, 3, 3, **options)
    )
    widths = 6, options.get("kdim", 6), options.get("vdim", 6)
    inputs = [normal(4, 2, width, seed=width) for width in widths]
    layer = Layer("layer", module)
    out = module(*inputs)
    fields = layer.fields(tuple(inputs), {}, out)
    assert list(fields) == ["/queries", "/keys", "/values", ""]  # in the order in which they are computed
    assert fields[""] is out[0]
    by_name = layer.fields(tuple(inputs[:1]), {"value": inputs[2], "key": inputs[1]}, out)
    rows = weights(module)
    assert list(rows) == [f"/{part}.{head}" for part in ("queries", "keys", "values") for head in range(heads)] + [""]
    last = [] if options.get("bias") is False else [ones(8)]
    for part, x in zip(("queries", "keys", "values"), inputs, strict=True):
        field = fields[f"/{part}"]
        assert torch.equal(by_name[f"/{part}"], field)
        for head, own in enumerate(field.flatten(0, 1).chunk(heads, dim=1)):
            torch.testing.assert_close(times(rows[f"/{part}.{head}"], x.flatten(0, 1), *last), own)
    x = normal(8, 3 * heads)
    torch.testing.assert_close(times(rows[""], x, *last), module.out_proj(x))


def by_gates(module, x, h, c):
    """One step of a recurrent layer (n, inputs) from states (layers and directions, n, hidden), from its rows alone."""
    rows, states = weights(module), []
    for layer in range(module.num_layers):
        found = []
        for end in ("", "_reverse") if module.bidirectional else ("",):
            place = len(states) + len(found)
            last = [ones(len(x))] * 2 if module.bias else []
            values = {
                name.removeprefix("/").partition(".")[0]: times(each, x, h[place], *last)
                for name, each in rows.items()
                if name.endswith(f".{layer}{end}")
            }
            if module.mode == "LSTM":
                assert list(values) == ["input", "forget", "cell", "output"]
                i, f, o = (torch.sigmoid(values[name]) for name in ("input", "forget", "output"))
                found.append(o * torch.tanh(f * c[place] + i * torch.tanh(values["cell"])))
            elif module.mode == "GRU":
                assert list(values) == ["reset", "update", "new"]
                r, z = torch.sigmoid(values["reset"]), torch.sigmoid(values["update"])
                new, n_inputs = rows[f"/new.{layer}{end}"], x.shape[1]
                own = times(new[:, n_inputs:-2], h[place]) + (new[:, -1] if module.bias else 0)
                other = times(new[:, :n_inputs], x) + (new[:, -2] if module.bias else 0)
                found.append((1 - z) * torch.tanh(other + r * own) + z * h[place])
            else:
                assert list(values) == ["hidden"]
                found.append(torch.relu(values["hidden"]))
        states += found
        x = torch.cat(found, dim=1)
    return x


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_rows_of_recurrent_layers_compute_a_step(kind, options):
    if kind is nn.RNN:
        options = options | {"nonlinearity": "relu"}
    elif kind is nn.GRU and options.get("bias") is False:
        options = {"num_layers": 2}
    module = seeded(lambda: kind(3, 4, **options))
    x, places = normal(1, 5, 3), module.num_layers * (1 + module.bidirectional)
    h, c = normal(places, 5, 4, seed=1), normal(places, 5, 4, seed=2)
    out = module(x, (h, c) if kind is nn.LSTM else h)
    assert Layer("layer", module).fields((x,), {}, out)[""] is out[0]
    torch.testing.assert_close(by_gates(module, x[0], h, c), out[0][0])


def test_norms_and_embeddings_have_no_rows():
    for module in (nn.LayerNorm(4), nn.BatchNorm1d(4), nn.RMSNorm(4), nn.Embedding(5, 4), nn.EmbeddingBag(5, 4)):
        assert weights(module) == {}
    norms = [nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.BatchNorm2d(4), nn.InstanceNorm1d(4, affine=True), nn.RMSNorm(4)]
    assert all(Layer("layer", module).is_norm for module in norms)
    assert not any(Layer("layer", module).is_norm for module in (nn.Linear(4, 4), nn.Embedding(5, 4)))


def test_weights_that_are_computed_are_read_as_they_are():
    module = nn.utils.parametrizations.weight_norm(seeded(lambda: nn.Linear(4, 3)))
    with torch.no_grad():
        module.parametrizations.weight.original0 *= 5
    assert torch.equal(weights(module)[""][:, :-1], module.weight)
    half = nn.Linear(4, 3).half()
    half.bias = nn.Parameter(half.bias.float())
    assert weights(half)[""].dtype == torch.float16


def marked(*shape):
    """Every entry says where it is: its digits are its indices."""
    places = np.indices(shape)
    return torch.from_numpy(sum(place * 10 ** (len(shape) - 1 - axis) for axis, place in enumerate(places)))


@pytest.mark.parametrize(
    ("module", "shape", "axes"),
    [  # of what is put out: sample, positions, neuron
        (nn.Linear(3, 4), (2, 4), (0, None, 1)),
        (nn.Linear(3, 4), (2, 3, 4), (0, (1,), 2)),
        (nn.Linear(3, 4), (2, 3, 2, 4), (0, (1, 2), 3)),
        (nn.Embedding(5, 4), (2, 3, 4), (0, (1,), 2)),
        (nn.LayerNorm(4), (2, 3, 4), (0, (1,), 2)),
        (nn.RMSNorm(4), (2, 3, 4), (0, (1,), 2)),
        (nn.Conv1d(3, 4, 2), (2, 4, 3), (0, (2,), 1)),
        (nn.Conv2d(3, 4, 2), (2, 4, 3, 2), (0, (2, 3), 1)),
        (nn.ConvTranspose2d(3, 4, 2), (2, 4, 3, 2), (0, (2, 3), 1)),
        (nn.BatchNorm1d(4), (2, 4), (0, None, 1)),
        (nn.BatchNorm1d(4), (2, 4, 3), (0, (2,), 1)),
        (nn.GroupNorm(2, 4), (2, 4, 3, 2), (0, (2, 3), 1)),
        (nn.InstanceNorm2d(4), (2, 4, 3, 2), (0, (2, 3), 1)),
        (nn.MultiheadAttention(4, 2), (3, 2, 4), (1, (0,), 2)),
        (nn.MultiheadAttention(4, 2, batch_first=True), (2, 3, 4), (0, (1,), 2)),
        (nn.MultiheadAttention(4, 2), (3, 4), (0, None, 1)),
        (nn.LSTM(3, 4), (3, 2, 4), (1, (0,), 2)),
        (nn.GRU(3, 4, batch_first=True), (2, 3, 4), (0, (1,), 2)),
        (nn.RNN(3, 4), (3, 4), (0, None, 1)),
    ],
    ids=str,
)
def test_samples_come_first_and_neurons_last(module, shape, axes):
    field, (sample, positions, neuron) = marked(*shape), axes
    arranged = Layer("layer", module).arranged(field)
    order = (sample, *(positions or ()), neuron)
    expected = field.permute(order).reshape(shape[sample], -1, shape[neuron])
    assert torch.equal(arranged, expected if positions else expected[:, 0])


def test_sequences_that_are_packed_are_refused_by_the_layers_name():
    cells = nn.GRU(3, 4)
    packed = nn.utils.rnn.pack_sequence([torch.ones(2, 3)])
    with pytest.raises(ValueError, match=r"encoder\.cells must put out padded sequences to be observed, got"):
        Layer("encoder.cells", cells).fields((packed,), {}, cells(packed))


def named(module, *pattern):
    return [layer.name for layer in layers_of(module, *pattern)]


def test_layers_come_in_the_order_in_which_they_were_made():
    module = nn.Sequential(
        nn.Embedding(9, 6),
        encoder(),
        nn.Sequential(nn.LayerNorm(6, elementwise_affine=False), nn.ReLU(), nn.BatchNorm1d(6)),
        nn.Linear(6, 2),
    )
    block = ["self_attn", "linear1", "linear2", "norm1", "norm2"]
    assert named(module) == ["0", *(f"1.layers.{k}.{part}" for k in range(2) for part in block), "2.2", "3"]
    assert named(module, "1.*.norm?") == [f"1.layers.{k}.norm{n}" for k in range(2) for n in (1, 2)]
    assert [layer.module for layer in layers_of(module, "3")] == [module[3]]
    assert named(nn.Linear(3, 4)) == ["Linear"]
    assert named(nn.Linear(3, 4), "L*") == ["Linear"]


class Aliased(nn.Module):
    """Its layers are listed a second time."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 5), nn.Linear(5, 2)
        self.all = nn.ModuleList([self.body, self.head])

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


def test_a_layer_with_two_names_is_listed_once():
    module = Aliased()
    assert named(module) == ["body", "head"]
    assert named(module, "all.*") == ["all.0", "all.1"]
    assert named(module, "*.1") == ["all.1"]
    seen = observe(module, (torch.randn(12, 3), torch.arange(12) % 2), ["clusters", "rank_gradient"])
    assert list(seen) == ["body/clusters", "body/rank_gradient"]


def test_what_fits_no_layer_is_refused():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    for pattern in ("1", "Linear", "0.*"):
        with pytest.raises(ValueError, match=rf"layers must fit a weight-bearing layer \(0, 2\), got '{pattern}'"):
            layers_of(module, pattern)
    with pytest.raises(ValueError, match=r"weight-bearing layer \(none at all\), got '\*'"):
        layers_of(nn.Sequential(nn.ReLU(), nn.LayerNorm(3, elementwise_affine=False)))
    with pytest.raises(ValueError, match=r"weight-bearing layer .*got 'linear'"):  # names are told apart by case
        layers_of(nn.Linear(3, 4), "linear")
    with pytest.raises(ValueError, match="layers must be"):
        layers_of(module, 0)


def test_wrappers_are_looked_through_however_many_there_are():
    module = nn.Sequential(nn.Linear(3, 4))
    assert unwrapped(module) is module
    assert unwrapped(nn.DataParallel(torch.compile(nn.DataParallel(module), backend="eager"))) is module
    module._orig_mod = "a name of the user's"
    assert unwrapped(module) is module
    owner = Aliased()
    owner.module = module  # has a part of that name and is no wrapper
    assert unwrapped(owner) is owner
    with pytest.raises(ValueError, match="module must be a torch module, got None"):
        unwrapped(None)
