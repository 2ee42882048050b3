import numpy as np
import pytest
import torch
from torch import nn

from dnn.networks.mlp import MLP
from dnn.reading.kernels import tangent_kernel
from dnn.reading.linear_maps import linear_map, linear_map_logits
from dnn.reading.unfolding import last_hidden
from dnn.training.snapshots import snapshot
from tests.tolerances import FLOAT32
from tests.toymodels.snapshot_oracle import kernel_and_changes
from toymodels.snapshot import BASES, update_direction

LABELS = torch.arange(12) % 3


def network_and_data(widths=(4, 6, 5, 3), **options):
    rng = np.random.default_rng(0)
    return MLP(widths, rng=rng, **options), torch.from_numpy(rng.standard_normal((12, widths[0])).astype(np.float32))


def test_a_snapshot_is_what_the_readings_say():
    network, x = network_and_data()
    now = snapshot(network, x, LABELS)
    np.testing.assert_array_equal(now.outputs, network(x).detach().numpy())
    np.testing.assert_array_equal(now.features, last_hidden(network, x).numpy())
    np.testing.assert_array_equal(now.kernel, tangent_kernel(network, x, trace=True).numpy())
    np.testing.assert_allclose(now.linear_outputs, linear_map_logits(network, x)[0].numpy(), **FLOAT32)
    for layer, readout in zip((2, 3), now.readouts, strict=True):
        np.testing.assert_array_equal(readout, linear_map(network, layer)[0].numpy())
    for field, expected in zip(now.hidden, network.fields(x), strict=False):
        np.testing.assert_array_equal(field, expected.detach().numpy())
    np.testing.assert_array_equal(now.neurons[:, :-1], network.linears[0].weight.detach().numpy())
    np.testing.assert_array_equal(now.neurons[:, -1], network.linears[0].bias.detach().numpy())
    np.testing.assert_array_equal(now.firing, now.features > 0)
    assert not now.silent


def test_kernel_and_updates_are_those_of_the_function():
    network, x = network_and_data((4, 5, 3), activation="tanh")
    now = snapshot(network.double(), x.double(), LABELS)
    kernel, changes = kernel_and_changes(now, update_direction(now.outputs, LABELS)[:BASES])
    np.testing.assert_allclose(now.kernel, kernel, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(now.changes, changes, rtol=1e-6, atol=1e-8)


def test_the_function_takes_other_inputs_and_parameters_and_the_network_keeps_its_own():
    network, x = network_and_data(batch_norm=True)
    now = snapshot(network, x)
    np.testing.assert_allclose(now.predict(now.inputs, now.parameters), now.outputs, **FLOAT32)
    np.testing.assert_allclose(now.predict(now.inputs[:3], now.parameters), now.outputs[:3], **FLOAT32)
    before = [parameter.clone() for parameter in network.parameters()]
    moved = now.predict(now.inputs, [2 * values for values in now.parameters])
    assert np.abs(moved - now.outputs).max() > 0.1
    assert all(map(torch.equal, before, network.parameters()))
    assert network.training


def test_later_training_does_not_reach_a_snapshot():
    network, x = network_and_data(batch_norm=True)
    now = snapshot(network, x)
    outputs, norm = now.outputs.copy(), now.parameters[0].copy()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
        network(x)  # moves the running statistics
    np.testing.assert_array_equal(now.outputs, outputs)
    np.testing.assert_array_equal(now.parameters[0], norm)
    np.testing.assert_allclose(now.predict(now.inputs, now.parameters), outputs, **FLOAT32)


def test_images_in_front_of_a_chain_are_flattened():
    _, x = network_and_data()
    chain = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    flat, image = snapshot(chain, x, LABELS), snapshot(nn.Sequential(nn.Flatten(), chain), x.view(12, 2, 2), LABELS)
    for name in ("outputs", "features", "kernel", "inputs", "changes"):
        np.testing.assert_array_equal(getattr(image, name), getattr(flat, name))


def test_what_a_network_has_not_got_has_a_reason():
    _, x = network_and_data()
    linear = snapshot(nn.Linear(4, 3), x)
    assert linear.has("kernel")
    assert linear.reason("hidden") == linear.reason("neurons") == "the network has no hidden layer"
    assert linear.reason("changes") == "no labels to update on were given"
    tokens = snapshot(nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)), torch.zeros(4, 2).long())
    assert tokens.reason("kernel") == "the network is no chain of affine layers and activations"
    assert tokens.reason("predict") == "its inputs are no real vectors"
    assert tokens.has("parameters")


def test_half_precision_is_read_as_single():
    network, x = network_and_data()
    now = snapshot(network.to(torch.bfloat16), x.to(torch.bfloat16), LABELS)
    assert now.outputs.dtype == now.features.dtype == np.float32


def test_refusals():
    network, x = network_and_data()
    with torch.no_grad():
        network.linears[0].bias[0] = torch.nan
    with pytest.raises(ValueError, match="network must have finite parameters"):
        snapshot(network, x)
