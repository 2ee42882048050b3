import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn import merge_units, split_unit
from dnn.embedding.heads import HeadedAttention
from tests.dnn.embedding.kinds import HEADS, KINDS, NEURONS, convolutional, encoder, normal, read, seeded
from toymodels.condensation import TwoLayerNetwork, merge

PRECISION = {torch.float64: 1e-12, torch.float32: 1e-6}


def two_layers(w, a, activation, bias=True):
    """Sequential of rows (units, inputs + 1), the bias last, and columns (outputs, units)."""
    w, a = torch.as_tensor(w), torch.as_tensor(a)
    network = nn.Sequential(nn.Linear(w.shape[1] - 1, len(w), bias), activation, nn.Linear(len(w), len(a))).double()
    with torch.no_grad():
        network[0].weight.copy_(w[:, :-1])
        if bias:
            network[0].bias.copy_(w[:, -1])
        network[2].weight.copy_(a)
    return network


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [*((kind, torch.float64) for kind in KINDS), *((kind, torch.float32) for kind in ("norm", "encoder", *HEADS))],
    ids=str,
)
def test_what_was_split_merges_back(kind, dtype):
    make, layer, x = KINDS[kind]
    module, x = seeded(make, dtype=dtype), x.to(dtype) if x.is_floating_point() else x
    wide = split_unit(split_unit(module, layer, 1, 0.3), layer, 0, -1.5)
    back, report = merge_units(wide, layer, 1.0, x=x)
    units = report.after
    assert (report.before, report.groups[:2]) == (units + 2, ((0, units + 1), (1, units)))
    assert report.certified_change == report.measured.certified == 0
    before = read(module, x)
    assert (read(back, x) - before).abs().max() <= PRECISION[dtype] * max(1, float(before.abs().max()))
    assert [(name, type(part)) for name, part in back.named_modules()] == [
        (name, type(part)) for name, part in module.named_modules()
    ]
    for name, value in module.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], value, rtol=PRECISION[dtype], atol=PRECISION[dtype])


@pytest.mark.parametrize("kind", ["relu", "norm", "first convolution 2d", "residual block", "attention of encoder"])
def test_units_that_differ_stay(kind):
    make, layer, x = KINDS[kind]
    module = seeded(make)
    same, report = merge_units(module, layer, 1.0, x=x)
    assert report.groups == tuple((unit,) for unit in range(report.before))
    assert report.certified_change == report.measured.change == report.measured.output_change == 0
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in module.state_dict().items())


@settings(max_examples=25)
@given(st.data())
def test_the_measured_change_is_below_the_certified_one(data):
    kinds = ["relu", "norm", "linear", "positions", "first convolution 1d", "second convolution 2d", "branches"]
    kind = data.draw(st.sampled_from([*kinds, "feed forward", "tanh"]))
    make, layer, x = KINDS[kind]
    module = seeded(make, seed=data.draw(st.integers(0, 99)))
    size = 10 ** data.draw(st.floats(-6, -0.5))
    wide = split_unit(split_unit(module, layer, 0, data.draw(st.floats(-2, 2))), layer, 1, 0.4)
    with torch.no_grad():
        for parameter in wide.get_submodule(layer).parameters():
            parameter += size * normal(*parameter.shape, seed=1)
    x = x * data.draw(st.floats(0.1, 10))
    _, report = merge_units(wide, layer, 0.9, tolerance=0.5, x=x)
    measured = report.measured
    assert measured.change <= measured.certified * (1 + 1e-9) + 1e-11 * float(read(wide, x).abs().max() + 1)
    assert (report.after < report.before) <= (measured.certified > 0)
    assert np.isfinite(measured.certified)


def test_the_bound_is_reached_where_nothing_is_given_away():
    network = two_layers([[1.0, 0.0, 0.0], [1.0, 0.1, 0.0]], [[1.0, 0.0]], nn.Identity(), bias=False)
    with torch.no_grad():
        network[2].weight.copy_(torch.tensor([[10.0, -0.001]]))  # the changes of both units add up
    _, report = merge_units(network, "0", 0.9, x=torch.tensor([[0.0, 1e6], [0.0, 0.0]]).double())
    assert report.after == 1
    assert 0.9 * report.measured.certified <= report.measured.change <= report.measured.certified


@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(-6, -1), st.floats(0.1, 3), st.booleans())
def test_heads_that_nearly_agree_move_the_output_by_less_than_certified(seed, exponent, size, tokens):
    module = seeded(lambda: nn.MultiheadAttention(6, 3, add_bias_kv=tokens, add_zero_attn=tokens), seed)
    wide = split_unit(module, "MultiheadAttention", 1, 0.3)
    with torch.no_grad():
        for name, parameter in wide.named_parameters():
            if not name.startswith("out"):
                parameter += 10**exponent * normal(*parameter.shape, seed=1)
    x = [size * normal(4, 5, 6, seed=seed + part) for part in range(3)]
    merged, report = merge_units(wide, "HeadedAttention", 1.0, tolerance=0.6, x=tuple(x))
    assert report.after < 4
    assert report.certified_change == np.inf
    moved = (merged(*x)[0] - wide(*x)[0]).norm(dim=-1).max().item()
    assert report.measured.change == pytest.approx(moved, rel=1e-9)
    assert 0 < report.measured.change <= report.measured.certified < np.inf


@pytest.mark.parametrize("part", range(3))
def test_a_deviation_of_queries_keys_or_values_alone_is_certified(part):
    module = split_unit(seeded(lambda: nn.MultiheadAttention(4, 2)), "MultiheadAttention", 0, 0.5)
    with torch.no_grad():
        module.in_proj_weight.view(3, 3, 2, 4)[part, 2] *= 1.01
        module.in_proj_bias.view(3, 3, 2)[part, 2] *= 1.01
    measured = merge_units(module, "HeadedAttention", 1.0, tolerance=0.1, x=(normal(3, 1, 4),) * 3)[1].measured
    assert 0 < measured.change <= measured.certified < 100 * measured.change


@pytest.mark.parametrize("token", ["bias_k", "bias_v"])
def test_a_deviation_of_a_learned_token_alone_is_certified(token):
    module = split_unit(seeded(lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True)), "MultiheadAttention", 0, 0.5)
    with torch.no_grad():
        getattr(module, token).view(3, 2)[2] *= 1.05
    measured = merge_units(module, "HeadedAttention", 1.0, tolerance=0.1, x=(normal(3, 1, 4),) * 3)[1].measured
    assert 0 < measured.change <= measured.certified < 1000 * measured.change


def test_one_weight_that_is_not_finite_is_enough_to_refuse():
    network = two_layers([[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0]], nn.ReLU())
    network[2].weight.data[0, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in weight of Linear"):
        merge_units(network, "0", 1.0)


@settings(max_examples=15)
@given(st.integers(0, 999), st.sampled_from([0.8, 0.95, 0.999]))
def test_relu_merges_as_in_the_toy_model(seed, threshold):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((3, 4))[rng.integers(3, size=8)] + 0.05 * rng.standard_normal((8, 4))
    w *= rng.uniform(0.2, 3, (8, 1))
    toy = TwoLayerNetwork(rng.standard_normal(8), w, "relu")
    small, (merged, report) = merge(toy, threshold), merge_units(two_layers(w, toy.a[None], nn.ReLU()), "0", threshold)
    network, x = two_layers(w, toy.a[None], nn.ReLU()), rng.standard_normal((20, 3))
    assert report.after == small.width
    merged[2].bias.data.zero_()
    np.testing.assert_allclose(read(merged, torch.from_numpy(x))[:, 0].numpy(), small(x), rtol=1e-10, atol=1e-10)
    assert network[0].out_features == 8


@pytest.mark.parametrize(
    ("activation", "sign", "after"),
    [(nn.Tanh(), -1, 1), (nn.Identity(), -1, 1), (nn.GELU(), -1, 2), (nn.ReLU(), -1, 2), (nn.GELU(), 1, 1)],
)
def test_opposite_units_merge_behind_odd_activations_alone(activation, sign, after):
    w = normal(1, 4)
    network = two_layers(torch.cat([w, sign * w]), normal(2, 2, seed=1), activation)
    merged, report = merge_units(network, "0", 0.99)
    x = normal(9, 3, seed=2)
    assert (report.after, report.certified_change) == (after, 0)
    torch.testing.assert_close(read(merged, x), read(network, x), rtol=1e-12, atol=1e-12)


def test_even_functions_merge_opposite_units_with_the_same_sign():
    class Even(nn.Module):
        def forward(self, x):
            return torch.exp(-x.square())

    w = normal(1, 4)
    network, x = two_layers(torch.cat([w, -w]), normal(2, 2, seed=1), Even()), normal(9, 3, seed=2)
    merged, report = merge_units(network, "0", 0.99)
    assert report.after == 1
    torch.testing.assert_close(read(merged, x), read(network, x), rtol=1e-12, atol=1e-12)


def test_max_pooling_is_not_odd():
    def network(pool):
        module = seeded(lambda: nn.Sequential(nn.Conv1d(2, 2, 3), pool, nn.Flatten(), nn.Linear(4, 2)))
        with torch.no_grad():
            module[0].weight[1], module[0].bias[1] = -module[0].weight[0], -module[0].bias[0]
        return module

    assert merge_units(network(nn.MaxPool1d(2)), "0", 0.99)[1].after == 2
    module, x = network(nn.AvgPool1d(2)), normal(3, 2, 6)
    merged, report = merge_units(module, "0", 0.99)
    assert report.after == 1
    torch.testing.assert_close(read(merged, x), read(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_is_part_of_the_weights(affine):
    def make():
        return nn.Sequential(nn.Linear(3, 2, bias=affine), nn.BatchNorm1d(2, affine=affine), nn.ReLU(), nn.Linear(2, 2))

    module, x = seeded(make), normal(8, 3)
    with torch.no_grad():  # the second unit is twice the first, by other weights
        gain = (module[1].running_var + module[1].eps).rsqrt() * (module[1].weight if affine else 1)
        module[0].weight[1] = 2 * module[0].weight[0] * gain[0] / gain[1]
        bias = module[0].bias if affine else torch.zeros(2)
        first = gain[0] * (bias[0] - module[1].running_mean[0]) + (module[1].bias[0] if affine else 0)
        if affine:
            module[1].bias[1] = 2 * first - gain[1] * (bias[1] - module[1].running_mean[1])
        else:
            module[1].running_mean[1] = -2 * first / gain[1]
    merged, report = merge_units(module, "0", 0.999999, x=x)
    assert (report.after, merged[1].num_features) == (1, 1)
    assert report.certified_change < 1e-12
    torch.testing.assert_close(read(merged, x), read(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "later", [lambda: nn.BatchNorm1d(3), lambda: nn.PReLU(3), lambda: nn.BatchNorm1d(3, track_running_stats=False)]
)
def test_later_parameters_of_a_unit_must_be_equal(later):
    module = seeded(lambda: nn.Sequential(nn.Linear(3, 3), nn.ReLU(), later(), nn.Linear(3, 2)))
    with torch.no_grad():
        module[0].weight[1], module[0].bias[1] = module[0].weight[0], module[0].bias[0]
    assert merge_units(module, "0", 0.9)[1].groups == ((0,), (1,), (2,))
    with torch.no_grad():
        for values in module[2].state_dict().values():
            if values.ndim:
                values[1] = values[0]
    merged, report = merge_units(module, "0", 0.9)
    assert report.groups == ((0, 1), (2,))
    torch.testing.assert_close(read(merged, normal(8, 3)), read(module, normal(8, 3)), rtol=1e-12, atol=1e-12)


def test_data_give_the_change_and_the_gradient():
    make, layer, x = NEURONS["first convolution 2d"]
    module, y = split_unit(seeded(make), layer, 0, 0.3), torch.arange(6) % 2
    merged, report = merge_units(module, layer, 0.999, x=x, y=y)
    norms = []
    for each in (module, merged):
        each.zero_grad()
        nn.functional.cross_entropy(each(x), y).backward()
        norms.append(torch.cat([parameter.grad.flatten() for parameter in each.parameters()]).norm().item())
    assert [report.measured.gradient_norm_before, report.measured.gradient_norm_after] == pytest.approx(norms)
    assert norms[0] != pytest.approx(norms[1], rel=1e-3)
    real = merge_units(module, layer, 0.999, x=x, y=read(module, x))[1].measured
    assert max(real.gradient_norm_before, real.gradient_norm_after) < 1e-12  # a critical point stays one
    own = merge_units(
        module, layer, 0.999, x=x, y=y, loss=lambda outputs, y: 2 * nn.functional.cross_entropy(outputs, y)
    )
    assert own[1].measured.gradient_norm_before == pytest.approx(2 * norms[0])


def test_nothing_of_the_given_module_is_touched():
    make, layer, x = NEURONS["first convolution 2d"]
    module, calls = split_unit(seeded(make), layer, 0, 0.3).train(), []
    for part in module.modules():
        part.register_forward_hook(lambda *given: calls.append(1))
    module[2].eval()
    state, random = copy.deepcopy(module.state_dict()), torch.random.get_rng_state()
    flags = [part.training for part in module.modules()]
    given = x.clone()
    merged, _ = merge_units(module, layer, 0.99, x=x, y=torch.arange(6) % 2)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert not calls
    assert torch.equal(x, given)
    assert flags == [part.training for part in module.modules()] == [part.training for part in merged.modules()]
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for each in (module, merged) for parameter in each.parameters())
    merged(x.clone())
    assert len(calls) == len(flags)


def test_heads_of_attention_become_fewer_than_fit():
    module = seeded(lambda: encoder(norm_first=True))
    attention, x = module.layers[0].self_attn, normal(3, 4, 6)
    with torch.no_grad():
        for values in (attention.in_proj_weight, attention.in_proj_bias):
            values.view(3, 2, 3, *values.shape[1:])[:, 1] = values.view(3, 2, 3, *values.shape[1:])[:, 0]
    merged, report = merge_units(module, "layers.0.self_attn", 1.0, x=x)
    assert (report.groups, report.certified_change, report.measured.certified) == (((0, 1),), 0, 0)
    assert isinstance(merged.layers[0].self_attn, HeadedAttention)
    torch.testing.assert_close(read(merged, x), read(module, x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(read(merged.train().eval(), x), read(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, "threshold must be in"),
        ({"threshold": 1.1}, "threshold must be in"),
        ({"threshold": np.nan}, "threshold must"),
        ({"tolerance": -1e-9}, "tolerance must be in"),
        ({"tolerance": 1.0}, "tolerance must be in"),
        ({"y": torch.zeros(3)}, "x must be given"),
        ({"x": normal(3, 2, 6, 6), "loss": "mse"}, "y must be given"),
        ({"x": normal(3, 5)}, "x must have a shape"),
        ({"x": [[1.0]]}, "x must be a tensor, or a tuple or mapping of them, got list"),
        ({"module": "network"}, "module must be a torch module, got 'network'"),
        ({"layer": "1"}, "layer must be linear, a convolution or attention, got '1', a BatchNorm2d"),
        ({"layer": "9"}, "can be followed"),
    ],
)
def test_what_is_refused(options, message):
    module = seeded(lambda: convolutional(2))
    with pytest.raises(ValueError, match=message):
        merge_units(**({"module": module, "layer": "0", "threshold": 0.9} | options))


def test_with_a_tolerance_of_nothing_only_equal_units_merge():
    network = two_layers([[1.0, 0.0], [1.0, 0.0], [1.0, 1e-9]], [[1.0, 1.0, 1.0]], nn.Sigmoid())
    assert merge_units(network, "0", 1.0, tolerance=0)[1].groups == ((0, 1), (2,))
    assert merge_units(network, "0", 1.0, tolerance=1e-6)[1].groups == ((0, 1, 2),)
