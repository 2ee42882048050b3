import pytest
import torch
from torch import nn

from dnn import merge_units, split_unit
from dnn.embedding.following import follow
from dnn.networks.convolutional import ResNet18
from dnn.networks.mlp import MLP
from dnn.networks.transformer import Transformer
from tests.dnn.embedding.kinds import normal, read, seeded


class Module(nn.Module):
    """Layers `a`, `b`, `c`, and a forward pass."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in ({name: nn.Linear(4, 4) for name in "abc"} | parts).items():
            setattr(self, name, part)
        self.done = forward

    def forward(self, x):
        return self.done(self, x)


def residual(m, x):
    hidden = torch.relu(m.a(x))
    return m.c(hidden + m.b(hidden))


def gated(m, x):
    return m.c(torch.sigmoid(m.a(x)) * m.b(x))


def tied_call(m, x):
    return m.b(torch.relu(m.a(torch.relu(m.a(x)))))


def tied_consumer(m, x):
    return m.b(torch.relu(m.a(x))) + m.b(x)


def tied_norm(m, x):
    return m.b(m.norm(m.a(x))) + m.norm(x)


def read_weight(m, x):
    return m.b(torch.relu(m.a(x))) + m.a.weight.sum()


def computed(m, x):
    return m.b(torch.relu(nn.functional.linear(x, m.a.weight)))


def put_out(m, x):
    hidden = torch.relu(m.a(x))
    return m.b(hidden), hidden


def mixed(m, x):
    return m.b(m.a(x).softmax(1))


def normed(m, x):
    return m.b(m.norm(m.a(x)))


def sliced(m, x):
    return m.b(m.a(x)[:, :4])


def sized(m, x):
    hidden = m.a(x)
    return m.b(hidden) / hidden.shape[1]


def shaped(m, x):
    return m.b(torch.relu(m.a(x)).view(-1, 4))


def random(m, x):
    return m.b(nn.functional.dropout(m.a(x)))


def joined(m, x):
    return m.b(m.a(x) + m.a.bias)


def last(m, x):
    return m.a(x).sum()


REFUSED = {
    "residual": (Module(residual), "joined by a residual connection"),
    "gated": (Module(gated), "gated by other values"),
    "tied call": (Module(tied_call), r"used more than once \(tied\)"),
    "tied consumer": (Module(tied_consumer), r"used more than once \(tied\)"),
    "tied norm": (Module(tied_norm, norm=nn.BatchNorm1d(4)), r"used more than once \(tied\)"),
    "read weight": (Module(read_weight), "a.weight is also read by itself"),
    "computed": (Module(computed), "does not call it"),
    "put out": (Module(put_out), "part of what Module puts out"),
    "mixed": (Module(mixed), "go into softmax, which mixes them"),
    "layer norm": (Module(normed, norm=nn.LayerNorm(4)), "go into LayerNorm, which mixes them"),
    "recurrent": (Module(lambda m, x: m.b(m.norm(m.a(x))[0]), norm=nn.LSTM(4, 4)), "go into LSTM"),
    "sliced": (Module(sliced), "go into getitem"),
    "sized": (Module(sized), "shape of its units is read"),
    "shaped": (Module(shaped), "would not hold another number"),
    "random": (Module(random), "go into dropout"),
    "joined": (Module(joined), "joined by a residual connection"),
    "turned": (Module(lambda m, x: m.b(m.a(x).T)), "go into getattr"),
    "put out last": (Module(last), "go into sum, which mixes them"),
    "another width": (Module(lambda m, x: m.b(m.norm(m.a(x))), norm=nn.BatchNorm1d(5)), "BatchNorm1d of 5 for 4 units"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_units_that_cannot_be_followed_are_refused_with_the_reason(kind):
    module, message = REFUSED[kind]
    with pytest.raises(ValueError, match=f"layer must have units that can be followed.*'a'.*{message}"):
        split_unit(module, "a", 0, 0.5)
    with pytest.raises(ValueError, match=message):
        merge_units(module, "a", 0.9)


@pytest.mark.parametrize(
    ("make", "layer", "message"),
    [
        (lambda: ResNet18(2, 3, (1, 4, 4)), "blocks.3.second", "residual connection"),
        (lambda: ResNet18(2, 3, (1, 4, 4)), "first_convolution", "residual connection"),
        (lambda: MLP([3, 4, 4, 4, 2], residual=True), "linears.0", "residual connection"),
        (lambda: MLP([3, 4, 2]), "linears.1", "part of what MLP puts out"),
        (lambda: Transformer(5, 4, d_model=8, d_hidden=6), "blocks.0.output", "residual connection"),
        (lambda: Transformer(5, 4, d_model=8, d_hidden=6), "blocks.0.attention.query", "cannot be traced"),
        (lambda: nn.Linear(3, 4), "Linear", "no part of a module that consumes"),
        (lambda: nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), "linear2", "residual connection"),
    ],
)
def test_residual_streams_and_outputs_are_refused(make, layer, message):
    with pytest.raises(ValueError, match=message):
        split_unit(make(), layer, 0, 0.5)


def test_weights_that_two_modules_hold_are_refused():
    for owner in ("a", "b"):
        module = Module(lambda m, x: m.c(m.b(torch.relu(m.a(x)))))
        module.c.weight = getattr(module, owner).weight
        with pytest.raises(ValueError, match=r"weight of Linear is also that of another module \(tied\)"):
            split_unit(module, "a", 0, 0.5)


def test_parts_that_are_called_from_outside_of_their_block_are_refused():
    block = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    alone = Module(lambda m, x: m.block(m.a(x)), block=block)
    assert split_unit(alone, "block.0", 0, 0.5).block[0].out_features == 5
    with pytest.raises(ValueError, match="also used outside of Sequential"):
        split_unit(Module(lambda m, x: m.block(m.block[2](x)), block=block), "block.0", 0, 0.5)
    shared = Module(lambda m, x: m.block(x) + m.other(x), block=block, other=nn.Sequential(block[2], nn.ReLU()))
    with pytest.raises(ValueError, match="used more than once"):
        split_unit(shared, "block.0", 0, 0.5)


def test_a_block_that_is_used_twice_keeps_its_units_to_itself():
    block = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 4))
    module = Module(lambda m, x: m.block(x + m.block(x)), block=block).double()
    wide, x = split_unit(module, "block.0", 2, 0.3), normal(5, 4)
    torch.testing.assert_close(read(wide, x), read(module, x), rtol=1e-12, atol=1e-12)
    assert merge_units(wide, "block.0", 1.0, x=x)[1].measured.change < 1e-12


def test_a_layer_with_two_names_is_one_layer():
    module = seeded(lambda: Module(lambda m, x: m.b(torch.relu(m.a(x)))))
    module.also = module.a
    wide = split_unit(module, "also", 1, 0.3)
    assert wide.also is wide.a
    torch.testing.assert_close(read(wide, normal(5, 4)), read(module, normal(5, 4)), rtol=1e-12, atol=1e-12)


def test_a_sequence_is_followed_past_parts_that_cannot_be_traced():
    class Stubborn(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    module = seeded(lambda: nn.Sequential(Stubborn(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), Stubborn()))
    wide = split_unit(module, "1", 1, 0.3)
    torch.testing.assert_close(read(wide, normal(5, 4)), read(module, normal(5, 4)), rtol=1e-12, atol=1e-12)
    between = nn.Sequential(nn.Linear(4, 3), Stubborn(), nn.Linear(3, 2))
    with pytest.raises(ValueError, match="go into Stubborn, which is not followed"):
        split_unit(between, "0", 0, 0.5)


def test_optional_arguments_of_any_kind_do_no_harm():
    class Optional(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.odd = nn.Linear(4, 3), nn.Linear(3, 2), Odd()

        def forward(self, x, *args, scale=None, **options):
            hidden = self.odd(self.a(x), **options)
            return self.b(hidden if scale is None else scale * hidden)

    class Odd(nn.Module):
        def forward(self, x, **options):
            return torch.tanh(x) if options.get("flat") is None else x

    module = seeded(Optional)
    wide = split_unit(module, "a", 1, 0.3)
    torch.testing.assert_close(read(wide, normal(5, 4)), read(module, normal(5, 4)), rtol=1e-12, atol=1e-12)
    module.forward = lambda x: x
    with pytest.raises(ValueError, match="has a forward of its own"):
        split_unit(module, "a", 1, 0.3)


def test_other_layers_and_weights_are_refused():
    def refused(first, message, second=None):
        with pytest.raises(ValueError, match=message):
            split_unit(nn.Sequential(first, nn.ReLU(), second or nn.Linear(4, 2)), "0", 0, 0.5)

    refused(nn.ConvTranspose1d(2, 4, 3), "must be linear, a convolution or attention")
    refused(nn.Embedding(5, 4), "got '0', a Embedding")
    refused(nn.Conv1d(2, 4, 3, groups=2), "must be without groups")
    refused(nn.Conv1d(2, 4, 3), "transposed or grouped", nn.Conv1d(4, 4, 3, groups=4))
    refused(nn.Conv1d(2, 4, 3), "transposed or grouped", nn.ConvTranspose1d(4, 4, 3))
    refused(nn.Conv1d(2, 4, 3), "reads another axis than that of units")
    refused(nn.LazyLinear(4), "that has not seen its input yet")
    refused(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), "made from others")
    refused(nn.Linear(3, 4), "meet other values in linear", nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))
    refused(nn.Linear(3, 4, dtype=torch.complex64), "must have real parameters")
    spoilt = nn.Linear(3, 4)
    nn.init.constant_(spoilt.bias, torch.nan)
    refused(spoilt, "NaN or infinity in bias")


def test_arguments_of_functions_on_the_way_count():
    module = seeded(lambda: Module(lambda m, x: m.b(nn.functional.leaky_relu(m.a(x), 3.0))))
    (consumer,) = follow(module, module.a, "a").consumers
    assert consumer.response.lipschitz == 3.0
    assert consumer.response.homogeneous


def test_what_can_be_traced_only_with_an_optional_argument_is_traced_with_it():
    class Optional(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x, turned=None):
            if turned is None and x.sum() > 0:
                x = -x
            return self.b(torch.relu(self.a(x)))

    module, x = seeded(Optional), normal(5, 4)
    torch.testing.assert_close(read(split_unit(module, "a", 1, 0.3), x), read(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "operation", [lambda h: 2 * h, lambda h: h / -3, lambda h: 1 + h, lambda h: h - 1, lambda h: 1 - h]
)
def test_numbers_may_be_added_and_multiplied(operation):
    module = seeded(lambda: Module(lambda m, x: m.b(operation(torch.tanh(m.a(x))))))
    wide, x = split_unit(module, "a", 1, 0.3), normal(5, 4)
    torch.testing.assert_close(read(wide, x), read(module, x), rtol=1e-12, atol=1e-12)
    assert (1, 4) in merge_units(wide, "a", 1.0, x=x)[1].groups


@pytest.mark.parametrize("axes", [(2, 3), (-1, -2), (-2, 3)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_means_over_all_positions_are_followed_and_other_means_refused(axes, keepdim):
    def forward(m, x):
        mean = torch.relu(m.a(x)).mean(axes, keepdim=keepdim)
        return m.b(mean.flatten(1))

    module = seeded(lambda: Module(forward, a=nn.Conv2d(2, 3, 2), b=nn.Linear(3, 2)))
    x = normal(5, 2, 4, 4)
    torch.testing.assert_close(read(split_unit(module, "a", 1, 0.3), x), read(module, x), rtol=1e-12, atol=1e-12)
    flat = Module(lambda m, x: m.b(m.a(x).mean(3).flatten(1)), a=nn.Conv2d(2, 3, 2), b=nn.Linear(9, 2))
    with pytest.raises(ValueError, match="only all positions are followed"):
        split_unit(flat, "a", 1, 0.3)


def test_a_block_with_two_names_keeps_its_units_to_itself():
    block = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 4))
    module = Module(lambda m, x: m.block(x + m.also(x)), block=block, also=block).double()
    wide, x = split_unit(module, "block.0", 2, 0.3), normal(5, 4)
    assert wide.also is wide.block
    torch.testing.assert_close(read(wide, x), read(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("units", [2, 3])
def test_one_slope_for_all_units_is_an_activation(units):
    module, x = seeded(lambda: nn.Sequential(nn.Linear(4, units), nn.PReLU(), nn.Linear(units, 2))), normal(5, 4)
    wide = split_unit(module, "0", 1, 0.3)
    assert wide[1].num_parameters == 1
    torch.testing.assert_close(read(wide, x), read(module, x), rtol=1e-12, atol=1e-12)


def test_two_slopes_for_two_units_are_theirs():
    module, x = seeded(lambda: nn.Sequential(nn.Linear(4, 2), nn.PReLU(2), nn.Linear(2, 2))), normal(5, 4)
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([0.2, 0.7]))
    wide = split_unit(module, "0", 1, 0.3)
    assert wide[1].weight.tolist() == pytest.approx([0.2, 0.7, 0.7])
    torch.testing.assert_close(read(wide, x), read(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axes", [(0, -1), (2, -1), (1, 2)])
def test_other_ways_of_flattening_are_refused(axes):
    module = Module(lambda m, x: m.b(m.a(x).flatten(*axes)), a=nn.Conv2d(2, 3, 2))
    with pytest.raises(ValueError, match=f"flattened from axis {axes[0]} to {axes[1]}; only 1 to -1 is followed"):
        split_unit(module, "a", 1, 0.3)


def test_arguments_by_position_count():
    module = seeded(lambda: Module(lambda m, x: m.b(torch.tanh(m.a(x)).pow(2))))
    (consumer,) = follow(module, module.a, "a").consumers
    assert consumer.response.parity == 1


def test_a_call_from_outside_is_seen_beside_a_part_that_cannot_be_traced():
    class Deciding(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3), Deciding())

        def forward(self, x):
            return self.block(x) + self.block[0](x).sum()

    with pytest.raises(ValueError, match=r"Linear is also used outside of Sequential \(tied\)"):
        split_unit(Twice(), "block.0", 1, 0.3)
