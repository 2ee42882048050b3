import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn import split_unit
from dnn.embedding.heads import HeadedAttention
from dnn.observing.layers import layers_of
from tests.dnn.embedding.kinds import HEADS, KINDS, NEURONS, MyLinear, ScaledLinear, encoder, normal, read, seeded

PRECISION = {torch.float64: 1e-12, torch.float32: 1e-5}


def units_of(module, layer):
    part = module.get_submodule(layer)
    names = ("num_heads", "out_features", "out_channels")
    return next(getattr(part, name) for name in names if hasattr(part, name))


def cast(x, dtype):
    return x.to(dtype) if x.is_floating_point() else x


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [*((kind, torch.float64) for kind in KINDS), ("norm", torch.float32), ("encoder", torch.float32)],
    ids=str,
)
@settings(max_examples=3)
@given(st.data())
def test_a_split_leaves_the_function(kind, dtype, data):
    make, layer, x = KINDS[kind]
    module, x = seeded(make, dtype=dtype), cast(x, dtype)
    units = units_of(module, layer)
    unit = data.draw(st.integers(0, units - 1))
    wide = split_unit(module, layer, unit, data.draw(st.floats(-3, 3)))
    assert units_of(wide, layer) == units + 1
    before = read(module, x)
    assert (read(wide, x) - before).abs().max() <= PRECISION[dtype] * max(1, float(before.abs().max()))


@pytest.mark.parametrize("kind", ["norm", "late norm", "first convolution 2d", "residual block"])
def test_a_split_leaves_the_function_in_training_too(kind):
    make, layer, x = KINDS[kind]
    module = seeded(make)
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    wide = split_unit(module.train(), layer, 1, 0.3)
    assert all(part.training for part in wide.modules())
    torch.testing.assert_close(read(wide, x), read(module, x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", ["norm", "first convolution 2d", "attention of encoder"])
def test_the_twins_share_the_gradient(kind):
    make, layer, x = KINDS[kind]
    module = seeded(make)
    wide = split_unit(module, layer, 0, 0.3)
    norms = []
    for each in (module, wide):
        each(x.clone()).square().sum().backward()
        norms.append(torch.cat([part.grad.flatten() for part in each.get_submodule(layer).parameters()]).norm())
    weight = "in_proj_weight" if kind in HEADS else "weight"
    old, new = (each.get_submodule(layer).get_parameter(weight).grad for each in (module, wide))
    if kind in HEADS:
        old, new = old.unflatten(0, (3, 2, -1))[:, 0], new.unflatten(0, (3, 3, -1))[:, [0, 2]]
        torch.testing.assert_close(new.sum(1), old)
        torch.testing.assert_close(new[:, 0], 0.3 * old)
    else:
        torch.testing.assert_close(new[0], 0.3 * old[0])
        torch.testing.assert_close(new[-1], 0.7 * old[0])


@pytest.mark.parametrize("kind", ["norm", "residual block", "encoder", "attention of encoder"])
def test_nothing_of_the_given_module_is_touched(kind):
    make, layer, x = KINDS[kind]
    module, calls = seeded(make), []
    module.train()
    module.get_submodule(layer).eval()
    module.get_submodule(layer).register_forward_hook(lambda *given: calls.append(1))
    module.register_forward_pre_hook(lambda *given: calls.append(1))
    module.eval()(x.clone()).sum().backward()
    next(module.parameters()).requires_grad_(False)
    calls.clear()
    state = copy.deepcopy(module.state_dict())
    gradients = [None if each.grad is None else each.grad.clone() for each in module.parameters()]
    flags = [(part.training, type(part)) for part in module.modules()]
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    wide = split_unit(module, layer, 0, 0.5)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert not calls
    assert flags == [(part.training, type(part)) for part in module.modules()]
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        assert gradient is parameter.grad is None or torch.equal(gradient, parameter.grad)
    assert all(parameter.grad is None for parameter in wide.parameters())
    assert not next(wide.parameters()).requires_grad
    shared = {each.data_ptr() for each in module.parameters()} & {each.data_ptr() for each in wide.parameters()}
    assert not shared
    read(wide, x)
    assert len(calls) == 2  # its hooks went along


def test_a_subclass_stays_what_it_is_unless_it_computes_something_else():
    network = nn.Sequential(MyLinear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    wide = split_unit(network, "0", 0, 0.5)
    assert wide[0].extra() == "mine"
    assert split_unit(network, "0", 3, 0.5)[0].out_features == 5
    for other in (ScaledLinear(3, 4), nn.Linear(3, 4)):
        consumer = nn.Linear(4, 2) if isinstance(other, ScaledLinear) else ScaledLinear(4, 2)
        with pytest.raises(ValueError, match="can be followed"):
            split_unit(nn.Sequential(other, nn.ReLU(), consumer), "0", 0, 0.5)


def test_wrappers_are_looked_through():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    assert isinstance(split_unit(torch.compile(network, backend="eager"), "0", 0, 0.5), nn.Sequential)
    assert split_unit(nn.DataParallel(network), "0", 0, 0.5)[0].out_features == 5


def test_a_module_that_is_one_attention_layer():
    module = seeded(lambda: nn.MultiheadAttention(6, 3, add_bias_kv=True, kdim=4, vdim=5))
    x = normal(3, 2, 6), normal(4, 2, 4, seed=1), normal(4, 2, 5, seed=2)
    wide = split_unit(module, "MultiheadAttention", 2, -0.7)
    assert isinstance(wide, HeadedAttention)
    assert (wide.num_heads, wide.head_dim) == (4, 2)
    old, new = module(*x), wide(*x)
    torch.testing.assert_close(new[0], old[0])
    twice = split_unit(wide, "HeadedAttention", 0, 2.0)
    torch.testing.assert_close(twice(*x)[0], old[0])
    again = pickle.loads(pickle.dumps(twice))
    assert torch.equal(again(*x)[0], twice(*x)[0])
    assert len(layers_of(twice)[0].weights()) == 3 * 5 + 1  # observers see every head


def test_masks_go_through_an_encoder_with_another_number_of_heads():
    module, x = seeded(encoder), normal(3, 4, 6)
    wide = split_unit(module, "layers.0.self_attn", 1, 0.4)
    hidden = torch.ones(4, 4, dtype=torch.bool).triu(1)
    padding = torch.tensor([[False] * 4, [False] * 3 + [True], [False] * 4])
    options = {"mask": hidden, "src_key_padding_mask": padding}
    for training in (False, True):
        for each in (module, wide):
            each.train(training)
            for part in each.modules():
                if isinstance(part, nn.Dropout):
                    part.p = 0.0
                if isinstance(part, nn.MultiheadAttention):
                    part.dropout = 0.0
        torch.testing.assert_close(wide(x, **options), module(x, **options))


@pytest.mark.parametrize("kind", ["relu", "attention of encoder"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "nothing"}, "layer must be one of .* got 'nothing'"),
        ({"unit": 99}, r"unit must be in 0\.\.\d+, got 99"),
        ({"unit": -1}, "unit must be >= 0, got -1"),
        ({"unit": 1.0}, "unit must be an integer"),
        ({"fraction": np.nan}, "fraction must"),
        ({"fraction": np.inf}, "fraction must"),
        ({"fraction": "half"}, "fraction must"),
    ],
)
def test_what_is_refused(kind, options, message):
    make, layer, _ = KINDS[kind]
    with pytest.raises(ValueError, match=message):
        split_unit(seeded(make), **({"layer": layer, "unit": 0, "fraction": 0.5} | options))


def test_weights_that_no_longer_fit_their_dtype_are_refused():
    make, layer, _ = NEURONS["relu"]
    with pytest.raises(ValueError, match="can hold"):
        split_unit(seeded(make, dtype=torch.float32), layer, 0, 1e60)
