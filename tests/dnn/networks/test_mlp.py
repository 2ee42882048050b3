import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.networks.mlp import (
    ACTIVATIONS,
    MLP,
    ScaledOutput,
    affine_layers,
    batch_norm_mode,
    init_normal_,
    init_uniform_,
    reestimate_statistics_,
    scale_parameters_,
)
from tests.tolerances import FLOAT32


def inputs(n=32, dim=6, seed=0):
    return torch.tensor(np.random.default_rng(seed).normal(size=(n, dim)), dtype=torch.float32)


def small(**settings):
    return MLP([6, 8, 8, 8, 8, 3], rng=np.random.default_rng(1), **settings)


@given(
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    batch_norm=st.booleans(),
    residual=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_fields_and_activations_are_those_of_the_forward_pass(activation, batch_norm, residual, seed):
    network = small(activation=activation, batch_norm=batch_norm, residual=residual).eval()
    x = inputs(seed=seed)
    fields, activations = network.fields(x), network.activations(x)
    assert [h.shape[1] for h in fields] == list(network.widths[1:])
    assert [a.shape[1] for a in activations] == list(network.widths[:-1])
    assert torch.equal(fields[-1], network(x))
    for layer, outputs in enumerate(activations[1:], start=2):  # x^(l) = f(h^(l)) plus the skip
        expected = network.activation(fields[layer - 2])
        if residual and layer in (4,):
            expected = expected + activations[layer - 3]
        torch.testing.assert_close(outputs, expected)


@pytest.mark.parametrize("method", ["fields", "activations"])
@pytest.mark.parametrize("wrong", [None, "word", 3, np.array(["a"]), np.full((2, 6), np.nan), np.zeros((0, 6))])
def test_layers_are_read_at_samples_only_and_in_the_precision_of_the_network(method, wrong):
    network = small().eval()
    x = inputs()
    for same in (x.double(), x.numpy()):
        for own, other in zip(getattr(network, method)(x), getattr(network, method)(same), strict=True):
            assert torch.equal(own, other)
    with pytest.raises(ValueError, match=r"^x must"):
        getattr(network, method)(wrong)


def test_plain_network_equals_the_same_layers_in_sequence():
    network = small(activation="tanh", batch_norm=True).eval()
    layers = []
    for linear, norm in zip(network.linears[:-1], network.norms, strict=True):
        layers += [linear, norm, torch.nn.Tanh()]
    sequence = torch.nn.Sequential(*layers, network.linears[-1]).eval()
    torch.testing.assert_close(network(inputs()), sequence(inputs()), rtol=0, atol=0)


def test_every_second_hidden_layer_adds_the_one_two_below():
    network = MLP([6, *[8] * 6, 3], residual=True, rng=np.random.default_rng(0))
    with torch.no_grad():
        for layer in affine_layers(network):
            layer.weight.zero_()
            layer.bias.fill_(1.0)
    means = [a.mean().item() for a in network.activations(inputs())[1:]]  # layers 2 .. 7
    assert means == [1, 1, 2, 1, 3, 1]


def test_a_network_without_hidden_layers_is_affine():
    network = MLP([6, 3], rng=np.random.default_rng(0))
    assert [torch.equal(outputs, inputs()) for outputs in network.activations(inputs())] == [True]
    torch.testing.assert_close(network(inputs()), network.linears[0](inputs()))


def test_same_rng_same_weights_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, second = small(), small()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    other = MLP([6, 8, 3], rng=np.random.default_rng(2))
    assert not torch.equal(first.linears[0].weight, other.linears[0].weight)


def test_default_weights_fill_the_uniform_range_of_pytorch():
    network = MLP([400, 300, 10], rng=np.random.default_rng(0))
    for layer, bound in ((network.linears[0], 1 / 20), (network.linears[1], 1 / 300**0.5)):
        assert layer.weight.abs().max() <= bound
        assert layer.weight.abs().max() > 0.99 * bound
        assert abs(layer.weight.std().item() - bound / 3**0.5) < 0.05 * bound
        assert layer.bias.abs().max() <= bound


def test_normal_weights_have_lecun_width_times_scale_and_biases_stay():
    network = MLP([400, 300, 10], rng=np.random.default_rng(0))
    biases = [layer.bias.clone() for layer in network.linears]
    init_normal_(network, 5.0, np.random.default_rng(0))
    assert abs(network.linears[0].weight.std().item() * 20 / 5 - 1) < 0.02
    assert all(torch.equal(layer.bias, bias) for layer, bias in zip(network.linears, biases, strict=True))


def test_scaling_parameters_scales_biases_too_and_relu_outputs_by_the_power_of_depth():
    network = MLP([6, 8, 8, 3], rng=np.random.default_rng(0))
    with torch.no_grad():
        for layer in network.linears:
            layer.bias.zero_()
    before = network(inputs())
    scale_parameters_(network, 2.0)
    torch.testing.assert_close(network(inputs()), 8 * before)
    torch.testing.assert_close(ScaledOutput(network, 0.25)(inputs()), 2 * before)


def test_convolutions_are_initialised_by_their_fan_in():
    layer = torch.nn.Conv2d(3, 64, 5)
    init_uniform_(layer, np.random.default_rng(0))
    assert 0.98 < layer.weight.abs().max().item() * 75**0.5 <= 1


def test_batch_mode_uses_the_batch_and_leaves_buffers_and_flags_as_they_were():
    network = small(batch_norm=True)
    buffers = {name: value.clone() for name, value in network.state_dict().items()}
    with batch_norm_mode(network, "batch"):
        by_batch = network(inputs())
        h = network.norms[0](network.linears[0](inputs()))
    torch.testing.assert_close(h.mean(0), torch.zeros(8), atol=1e-6, rtol=0)
    assert all(torch.equal(value, buffers[name]) for name, value in network.state_dict().items())
    assert network.training
    assert all(norm.training for norm in network.norms)
    assert all(norm.track_running_stats for norm in network.norms)
    with batch_norm_mode(network.eval(), "running"):
        assert not torch.allclose(network(inputs()), by_batch, atol=1e-2)
    assert not network.training


def test_flags_return_even_when_the_evaluation_fails():
    network = small(batch_norm=True)
    with pytest.raises(RuntimeError), batch_norm_mode(network, "batch"):
        network(torch.zeros(4, 5))
    assert network.training
    assert network.norms[0].track_running_stats


def test_momentum_one_keeps_the_unbiased_statistics_of_the_last_batch():
    network = small(batch_norm=True, bn_momentum=1.0).train()
    network(inputs(seed=1))
    x = inputs(n=20, seed=2)
    network(x)
    fields = network.linears[0](x)
    torch.testing.assert_close(network.norms[0].running_mean, fields.mean(0))
    torch.testing.assert_close(network.norms[0].running_var, fields.var(0, unbiased=True))


def test_reestimated_statistics_make_eval_mode_agree_with_the_batch():
    network = small(batch_norm=True, residual=True)
    x = inputs(n=4000)
    with batch_norm_mode(network, "batch"):
        by_batch = network(x)
    assert reestimate_statistics_(network, x) is network
    assert network.norms[0].momentum == 0.1
    with batch_norm_mode(network, "running"):  # up to P / (P - 1) in the variance
        torch.testing.assert_close(network(x), by_batch, rtol=5e-3, atol=5e-3)


def test_double_precision_networks_stay_double():
    network = small(batch_norm=True).double()
    assert network(inputs().double()).dtype == torch.float64
    torch.testing.assert_close(network.eval()(inputs().double()).float(), network.float()(inputs()), **FLOAT32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": [6]}, "widths"),
        ({"widths": [6, 0, 3]}, "widths must be >= 1, got 0"),
        ({"widths": [6, 2.5, 3]}, "widths must be an integer"),
        ({"widths": [6, 8, 3], "activation": "cube"}, "activation must be one of"),
        ({"widths": [6, 8, 3], "bn_momentum": 1.5}, "bn_momentum"),
        ({"widths": [6, 8, 8, 9, 3], "residual": True}, "residual layers 2 and 4, got 8 and 9"),
        ({"widths": [6, 3], "rng": 0}, "rng must be"),
    ],
)
def test_bad_settings_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


def test_unknown_batch_norm_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of running, batch"), batch_norm_mode(small(), "train"):
        pass


@pytest.mark.parametrize(
    ("place", "layers"), [(1, "2 and 4"), (2, None), (3, "2 and 4"), (4, None), (5, "4 and 6"), (6, None)]
)
def test_layers_with_a_skip_between_them_must_be_equally_wide(place, layers):
    widths = [9, 4, 5, 4, 6, 4, 7, 3]  # skips go from the first hidden layer to the third, and from there to the fifth
    assert MLP(widths, residual=True).widths == tuple(widths)
    widths[place] = 8
    if layers is None:
        assert MLP(widths, residual=True).widths == tuple(widths)
    else:
        with pytest.raises(ValueError, match=f"widths must agree between residual layers {layers}"):
            MLP(widths, residual=True)
