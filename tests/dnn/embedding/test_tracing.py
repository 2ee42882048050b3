"""Graphs compute what their modules do, and say who called whom."""

import copy
import types

import pytest
import torch
from torch import fx, nn

from dnn.embedding.tracing import TracingError, keeps_forward, silent, trace
from tests.dnn.embedding.kinds import NEURONS, FeedForward, MyLinear, ScaledLinear, convolutional, normal, read, seeded


def layer_of(module, name):
    return module.get_submodule(name)


@pytest.mark.parametrize("kind", sorted(set(NEURONS) - {"feed forward", "encoder", "transformer"}))
def test_a_graph_computes_what_its_module_does(kind):
    make, layer, x = NEURONS[kind]
    module = seeded(make)
    graph = trace(module, layer_of(module, layer))
    assert graph.root is module
    again = fx.GraphModule(module, graph.graph)
    torch.testing.assert_close(read(again, x), read(module, x), rtol=0, atol=0)
    called = [each for each, _ in graph.calls]
    assert called.count(layer_of(module, layer)) == 1


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.act = nn.Linear(3, 4), nn.Tanh()

    def forward(self, x):
        return self.act(self.first(x))


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.last = Inner(), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.inner(x)) - self.last(self.inner(2 * x))


def test_every_call_is_noted_with_the_modules_around_it():
    module = Outer()
    inner, once = module.inner, [module.inner, module.inner.first, module.inner.act, module.last]
    graph = trace(module, inner.first)
    assert [part for part, _ in graph.calls] == once * 2
    around = {id(inner): (module,), id(module.last): (module,), id(inner.first): (module, inner)}
    around[id(inner.act)] = (module, inner)
    assert all(within == around[id(part)] for part, within in graph.calls)
    assert [node.op for node in graph.graph.nodes].count("call_module") == 6  # layers whole, Inner opened


class Choosing(nn.Module):
    """Doubles, or not: optional arguments decide what is computed."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x, doubled=True, *more, shift=None, **rest):
        hidden = self.layer(x)
        if doubled:
            hidden = 2 * hidden
        return hidden if shift is None else hidden + shift


def test_optional_arguments_are_taken_at_their_defaults():
    module = seeded(Choosing)
    graph = trace(module, module.layer).graph
    assert [node.name for node in graph.nodes if node.op == "placeholder"] == ["x"]
    x = normal(5, 3)
    torch.testing.assert_close(read(fx.GraphModule(module, graph), x), 2 * read(module.layer, x))


class Needing(nn.Module):
    """Without its optional argument it cannot be called."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x, shift=None):
        return self.layer(x) + shift.mean()


class Placed(Needing):
    def forward(self, x, /):
        return 3 * self.layer(x)


def test_optional_arguments_that_are_needed_are_symbolic_too():
    module, x = seeded(Needing), normal(5, 3)
    again = fx.GraphModule(module, trace(module, module.layer).graph)
    torch.testing.assert_close(again(x, torch.tensor([6.0, 8.0])), module.layer(x) + 7)
    placed = seeded(Placed)
    again = fx.GraphModule(placed, trace(placed, placed.layer).graph)
    torch.testing.assert_close(again(x), 3 * placed.layer(x))


class Deciding(nn.Module):
    """Its operations depend on values."""

    def __init__(self, part=None):
        super().__init__()
        self.part = part or nn.Linear(3, 3)

    def forward(self, x):
        x = self.part(x)
        return x if x.sum() > 0 else -x


class Torn(Deciding):
    """It fails for another reason when its option is not at the default."""

    def forward(self, x, strict=True):
        if strict:
            raise RuntimeError("strictly no symbols")
        return self.part(x)


def test_what_cannot_be_traced_is_said_with_the_first_reason():
    module = Torn()
    with pytest.raises(TracingError, match=r"^Torn cannot be traced: strictly no symbols"):
        trace(module, module.part)
    module = Deciding()
    with pytest.raises(TracingError, match=r"^Deciding cannot be traced: symbolically traced variables cannot be used"):
        trace(module, module.part)
    module.forward = types.MethodType(lambda self, x: self.part(x), module)
    with pytest.raises(TracingError, match=r"^Deciding has a forward of its own, beside that of its class"):
        trace(module, module.part)


class Around(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.first, self.inside, self.last = nn.Linear(3, 3), inside, nn.Linear(3, 3)

    def forward(self, x):
        return self.last(self.inside(self.first(x)))


def test_a_part_that_cannot_be_traced_is_one_operation_unless_it_holds_the_layer():
    inside = nn.Sequential(nn.Linear(3, 3), Deciding())
    module = seeded(lambda: Around(inside))
    graph = trace(module, module.first)
    assert [str(node.target) for node in graph.graph.nodes if node.op == "call_module"] == [
        "first",
        "inside.0",
        "inside.1",
        "last",
    ]
    assert [part for part, _ in graph.calls] == [module.first, inside, inside[0], inside[1], module.last]
    assert graph.calls[2][1] == graph.calls[3][1] == (module, inside)
    assert graph.calls[4][1] == (module,)
    x = normal(5, 3)
    torch.testing.assert_close(read(fx.GraphModule(module, graph.graph), x), read(module, x))
    with pytest.raises(TracingError, match=r"^Around cannot be traced: symbolically traced"):
        trace(module, inside[1].part)
    assert len(trace(module, inside[0]).calls) == 5


class Weighing(nn.Module):
    """Reads a weight by itself before it decides by values."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        x = x @ self.layer.weight
        return x if x.sum() > 0 else -x


def test_a_part_that_failed_leaves_nothing_but_the_weights_that_it_read():
    module = seeded(lambda: Around(Weighing()))
    graph = trace(module, module.first)
    operations = [(node.op, str(node.target)) for node in graph.graph.nodes]
    assert ("call_module", "inside") in operations
    assert not [each for each in operations if each[0] in ("call_function", "call_method")]
    graph.graph.lint()
    x = normal(5, 3)
    torch.testing.assert_close(read(fx.GraphModule(module, graph.graph), x), read(module, x))


def test_attention_and_layers_of_pytorch_are_whole_and_what_holds_parts_is_opened():
    block = nn.TransformerEncoderLayer(6, 2, 7, batch_first=True)
    module = nn.Sequential(nn.MultiheadAttention(6, 2), nn.Sequential(nn.Linear(6, 6), nn.GELU()), ScaledLinear(6, 6))

    class Calling(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts, self.block = module, block

        def forward(self, x):
            attended = self.parts[0](x, x, x)[0]
            return self.parts[2](self.parts[1](attended))

    root = Calling().eval()
    targets = [str(n.target) for n in trace(root, module[1][0]).graph.nodes if n.op == "call_module"]
    assert targets == ["parts.0", "parts.1.0", "parts.1.1"]  # ScaledLinear shows its operations
    functions = [n.target for n in trace(root, module[1][0]).graph.nodes if n.op == "call_function"]
    assert nn.functional.linear in functions


def test_tracing_leaves_the_module_as_it_was():
    module = seeded(lambda: convolutional(2)).train()
    module[2].eval()
    flags, state = [part.training for part in module.modules()], copy.deepcopy(module.state_dict())
    random = torch.random.get_rng_state()
    trace(module, module[0])
    assert flags == [part.training for part in module.modules()]
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


def test_who_keeps_the_forward_of_pytorch():
    own = nn.Linear(3, 4)
    own.forward = types.MethodType(lambda self, x: x, own)
    assert keeps_forward(nn.Linear(3, 4))
    assert keeps_forward(MyLinear(3, 4))
    assert not keeps_forward(ScaledLinear(3, 4))
    assert not keeps_forward(FeedForward())
    assert not keeps_forward(own)


def hooked(calls):
    module = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 2)))
    for name, part in module.named_modules():
        for when, register in (
            ("before", part.register_forward_pre_hook),
            ("after", part.register_forward_hook),
            ("back", part.register_full_backward_hook),
            ("before back", part.register_full_backward_pre_hook),
        ):
            register(lambda *_, name=name, when=when: calls.append((when, name)))
        part.register_forward_hook(lambda *_, name=name, **__: calls.append(("words", name)), with_kwargs=True)
        part.register_forward_pre_hook(lambda *_, name=name, **__: calls.append(("pre", name)), with_kwargs=True)
        part.register_forward_hook(lambda *_, name=name: calls.append(("always", name)), always_call=True)
    return module


def test_hooks_are_silent_inside_and_the_same_afterwards():
    calls = []
    modules = hooked(calls), hooked(calls)

    def heard():
        calls.clear()
        for module in modules:
            module(torch.ones(2, 3, requires_grad=True)).sum().backward()
        return list(calls)

    before = heard()
    kinds, places = {when for when, _ in before}, {name for _, name in before}
    assert kinds == {"before", "after", "back", "before back", "words", "pre", "always"}
    assert places == {"", "0", "1", "1.0", "1.1"}
    assert len(before) == 2 * len(kinds) * len(places)
    with silent(*modules):
        assert heard() == []
    assert heard() == before
    with pytest.raises(RuntimeError, match="of the user"), silent(*modules):
        raise RuntimeError("of the user")
    assert heard() == before
    with silent(modules[0][1]):
        inside = heard()
    assert ("after", "1") in inside  # of the other module
    assert len(inside) < len(before)
    assert heard() == before
