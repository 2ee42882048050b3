import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnn import probes
from dnn.networks.mlp import MLP, ScaledOutput, batch_norm_mode
from dnn.reading.basins import sample_basin, weight_basin
from dnn.reading.kernels import tangent_kernel
from dnn.reading.linear_maps import linear_map, linear_map_logits, sign_agreement
from dnn.reading.projection import project
from dnn.reading.unfolding import (
    chain_inputs,
    folded,
    is_elementwise,
    last_hidden,
    moments,
    normalised,
    unfold,
    with_statistics_of,
)
from tests.dnn.blobs import blobs
from tests.tolerances import FLOAT32


def used(network, seed=0, n_inputs=6):
    """`network` after a few batches, so that running statistics mean something; in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        network(1 + 2 * torch.randn(40, n_inputs, generator=generator))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d) and module.affine:
            module.weight.data.uniform_(0.5, 2, generator=generator)
            module.bias.data.uniform_(-1, 1, generator=generator)
    return network.eval()


def sequence():
    return nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.GELU()),
        nn.Dropout(0.5),
        nn.Linear(8, 7),
        nn.Linear(7, 5),
        nn.BatchNorm1d(5, affine=False),
        nn.Tanh(),
        nn.Linear(5, 3),
    )


@given(
    st.integers(0, 100),
    st.sampled_from(["relu", "tanh", "linear", "gaussian"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["running", "batch"]),
)
def test_an_unfolded_network_computes_what_the_network_computes(seed, activation, batch_norm, residual, statistics):
    network = MLP([6, 7, 7, 7, 7, 3], activation, batch_norm, residual, rng=torch.Generator().manual_seed(seed))
    network, x = used(network, seed), torch.randn(20, 6, generator=torch.Generator().manual_seed(seed))
    layers = list(unfold(network).layers(x, statistics))
    with batch_norm_mode(network, statistics):
        torch.testing.assert_close([field for field, _ in layers], network.fields(x), **FLOAT32)
        torch.testing.assert_close([outputs for _, outputs in layers][:-1], network.activations(x)[1:], **FLOAT32)


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_a_sequence_of_named_layers_is_unfolded(statistics):
    network, x = used(sequence()), torch.randn(20, 6)
    unfolded = unfold(network)
    assert (unfolded.depth, unfolded.widths) == (5, (6, 8, 7, 5, 3))
    with batch_norm_mode(network, statistics):
        torch.testing.assert_close(unfolded.logits(x, statistics), network(x), **FLOAT32)


def test_a_scaled_output_scales_the_logits_only():
    network, x = used(MLP([6, 5, 3], batch_norm=True)), torch.randn(4, 6)
    torch.testing.assert_close(unfold(ScaledOutput(network, 3.0)).logits(x), 3 * network(x), **FLOAT32)
    twice = ScaledOutput(ScaledOutput(network, 3.0), 0.5)
    torch.testing.assert_close(unfold(twice).logits(x), 1.5 * network(x), **FLOAT32)


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_the_last_hidden_layer_is_that_of_the_network_and_the_input_where_there_is_none(statistics):
    network, x = used(MLP([6, 5, 7, 3], batch_norm=True)), torch.randn(9, 6)
    features = last_hidden(network, x, statistics)
    with batch_norm_mode(network, statistics):
        torch.testing.assert_close(features, network.activations(x)[-1].detach(), **FLOAT32)
    assert not features.requires_grad
    assert torch.equal(features, last_hidden(unfold(network), x, statistics))
    assert torch.equal(last_hidden(nn.Linear(6, 3), x, statistics), x)


def test_outputs_begin_with_the_input_and_end_with_the_logits():
    network, x = unfold(used(sequence())), torch.randn(4, 6)
    outputs = network.outputs(x)
    assert [layer.shape[1] for layer in outputs] == [*network.widths]
    assert outputs[0] is x
    assert torch.equal(outputs[-1], network.logits(x))


def test_folding_batch_norm_leaves_outputs_in_evaluation_unchanged():
    norm = used(MLP([6, 5, 3], batch_norm=True)).norms[0]
    field = torch.randn(30, 5)
    gain, shift = folded(norm, norm.running_mean, norm.running_var)
    torch.testing.assert_close(gain * field + shift, norm(field), **FLOAT32)


def test_batch_moments_are_those_of_each_draw():
    norm, field = nn.BatchNorm1d(5), torch.randn(3, 40, 5)
    mean, variance = moments(field, norm, "batch")
    assert mean.shape == (3, 1, 5)
    torch.testing.assert_close(variance[:, 0], field.var(1, correction=0), **FLOAT32)
    one_by_one = torch.stack([normalised(draw, norm, "batch") for draw in field])
    torch.testing.assert_close(normalised(field, norm, "batch"), one_by_one, **FLOAT32)


def test_looking_changes_neither_buffers_nor_flags():
    network, x = used(sequence()).train(), torch.randn(20, 6)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    unfold(network).logits(x, "batch")
    assert network.training
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.ReLU(), True),
        (nn.GELU(), True),
        (nn.Softmax(1), False),
        (nn.LayerNorm(6), False),
        (nn.PReLU(), False),
        (nn.MaxPool1d(2), False),
        (nn.Sequential(nn.ReLU()), False),
    ],
)
def test_an_activation_is_a_leaf_that_acts_on_entries_alone(module, expected):
    assert is_elementwise(module) is expected


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)), "LayerNorm as layer '1'"),
        (nn.Sequential(nn.Sequential(nn.Conv2d(1, 1, 3)), nn.Linear(4, 2)), "Conv2d as layer '0.0'"),
        (nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)), "BatchNorm1d as layer '2'"),
        (nn.Sequential(nn.ReLU(), nn.Linear(4, 2)), "ReLU as layer '0'"),
        (nn.Sequential(nn.Linear(4, 2), nn.Sigmoid()), "must end in a Linear layer, got Sigmoid"),
        (nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)), "must end in a Linear layer, got BatchNorm1d"),
        (nn.Sequential(nn.Flatten()), "must have a Linear layer"),
        (nn.LSTM(4, 2), "LSTM as the network"),
    ],
)
def test_what_cannot_be_unfolded_is_named(network, message):
    with pytest.raises(ValueError, match=message):
        unfold(network)


def test_weights_that_are_not_finite_and_unknown_statistics_are_refused():
    network, x = MLP([4, 3, 2], batch_norm=True), torch.zeros(5, 4)
    with pytest.raises(ValueError, match="statistics must be one of running, batch, got 'train'"):
        unfold(network).logits(x, "train")
    with pytest.raises(ValueError, match="statistics must be one of running, batch, got 'bacth'"):
        unfold(MLP([4, 3, 2])).logits(x, "bacth")


def test_a_part_in_two_places_is_unfolded_twice():
    layer, activation = nn.Linear(6, 6), nn.Tanh()
    network, x = nn.Sequential(layer, activation, layer, activation, nn.Linear(6, 3)), torch.randn(9, 6)
    assert unfold(network).depth == 4
    torch.testing.assert_close(unfold(network).logits(x), network(x), **FLOAT32)


class Clipped(nn.Module):
    """In place, without saying so."""

    def forward(self, h):
        return h.clamp_(min=0)


@pytest.mark.parametrize("activation", [nn.ReLU(inplace=True), nn.ELU(inplace=True), Clipped()])
def test_fields_are_those_before_an_activation_in_place(activation):
    network, x = nn.Sequential(nn.Linear(6, 5), activation, nn.Linear(5, 3)), torch.randn(9, 6)
    (field, outputs), _ = unfold(network).layers(x)
    torch.testing.assert_close(field, network[0](x))
    torch.testing.assert_close(outputs, activation(network[0](x)))
    assert field.min() < -0.1


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Skip(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Clear(MLP):
    def forward(self, x):
        return -super().forward(x)


def mixed():
    network = MLP([6, 6, 3])
    network.linears[0] = Doubled(6, 6)
    return network


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (nn.Sequential(Doubled(6, 3)), "Doubled as layer '0'"),
        (nn.Sequential(Skip(nn.Linear(6, 6)), nn.Linear(6, 3)), "Skip as layer '0'"),
        (Clear([6, 6, 3]), "Clear as the network"),
        (mixed(), "MLP as the network"),
        (nn.Sequential(nn.Linear(6, 4), nn.Flatten(), nn.Linear(12, 3)), "Linear as layer '2'"),
    ],
)
def test_a_forward_of_its_own_or_a_width_that_does_not_fit_makes_no_chain(network, words):
    with pytest.raises(ValueError, match=words):
        unfold(network)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda network: torch.compile(network, backend="eager")])
def test_wrappers_are_seen_through(wrap):
    network = MLP([6, 5, 3])
    assert unfold(wrap(network)).linears[1] is network.linears[1]


def test_inputs_of_a_chain_are_behind_its_flatten():
    x = torch.randn(5, 1, 2, 3)
    assert torch.equal(chain_inputs(sequence(), x), x.flatten(1))
    assert chain_inputs(MLP([6, 3]), x) is x


@given(st.integers(0, 50))
def test_statistics_of_samples_are_those_of_a_batch_without_being_one(seed):
    torch.manual_seed(seed)
    layers = [nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(9, 4)]
    network, x = nn.Sequential(*layers, nn.BatchNorm1d(4), nn.LogSoftmax(1)).eval(), torch.randn(11, 2, 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    copy = with_statistics_of(network, x)
    with batch_norm_mode(network, "batch"):
        expected = network(x)
    torch.testing.assert_close(copy(x), expected, **FLOAT32)
    torch.testing.assert_close(copy(x[:2]), expected[:2], **FLOAT32)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    plain = nn.Linear(3, 2)
    assert with_statistics_of(plain, torch.ones(2, 3)) is plain
    twice = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="statistics must be 'running' where a batch norm is called twice"):
        with_statistics_of(nn.Sequential(twice, twice), torch.randn(5, 3))


@pytest.mark.parametrize("shape", [(64, 7), (8,)])
@pytest.mark.parametrize(
    "call",
    [
        lambda network, x: unfold(network).logits(x),
        lambda network, x: project(network, x),
        lambda network, x: tangent_kernel(network, x),
        lambda network, x: linear_map_logits(network, x),
        lambda network, x: sign_agreement(network, x),
        lambda network, x: linear_map(network, 1, x=x, statistics="batch"),
    ],
)
def test_inputs_of_another_width_or_without_a_batch_are_refused(call, shape):
    network = MLP([8, 6, 4], batch_norm=True)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 8\), got \(" + str(shape[0])):
        call(network, torch.zeros(shape))


@pytest.mark.parametrize(
    "name", ["linears.1.weight", "linears.0.bias", "norms.0.weight", "norms.0.running_mean", "norms.0.running_var"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_tensor_that_is_not_finite_is_refused_by_name_everywhere(name, value):
    network, split = MLP([8, 6, 4], batch_norm=True), blobs()
    network.state_dict()[name].view(-1)[0] = value
    x, y = split.x_train, split.y_train
    for call in (
        lambda: unfold(network),
        lambda: linear_map(network, 1, x=x),
        lambda: sign_agreement(network, x),
        lambda: project(network, x),
        lambda: tangent_kernel(network, x),
        lambda: sample_basin(network, x, y, np.random.default_rng(0)),
        lambda: weight_basin(network, x, y, np.random.default_rng(0)),
        lambda: probes.basins(network, split),
    ):
        with pytest.raises(ValueError, match=f"finite parameters and buffers, got NaN or infinity in {name}"):
            call()


def test_running_statistics_that_are_not_kept_are_asked_for_in_vain():
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 2))
    with pytest.raises(ValueError, match="keeps no running estimates"):
        unfold(network).logits(torch.zeros(5, 4))
