import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn
from torch.func import functional_call, jacrev

from dnn.data import Split
from dnn.networks.mlp import MLP, ScaledOutput
from dnn.reading.kernels import kernel_accuracy, kernel_predictions, tangent_kernel
from tests.dnn.blobs import blobs
from tests.dnn.reading.test_unfolding import sequence, used
from tests.tolerances import EXACT
from toymodels.layerwise import linear_network_ntk


def jacobian_kernel(network, x, other=None):
    """(K n, K m) from all parameter gradients."""

    def rows(inputs):
        parameters = {name: value.detach() for name, value in network.named_parameters()}
        blocks = jacrev(lambda values: functional_call(network, values, (inputs,)))(parameters)
        return torch.cat([block.flatten(2) for block in blocks.values()], dim=2).transpose(0, 1).flatten(0, 1)

    return rows(x) @ rows(x if other is None else other).T


def trace_of(kernel, n_classes):
    blocks = kernel.unflatten(0, (n_classes, -1)).unflatten(2, (n_classes, -1))
    return blocks.diagonal(dim1=0, dim2=2).mean(-1)


@settings(max_examples=15)
@given(
    st.integers(0, 100),
    st.sampled_from(["relu", "tanh", "linear", "gaussian", "x2tanh"]),
    st.booleans(),
    st.booleans(),
)
def test_the_layerwise_kernel_is_that_of_the_jacobian(seed, activation, batch_norm, residual):
    network = MLP([6, 7, 7, 7, 7, 3], activation, batch_norm, residual, rng=torch.Generator().manual_seed(seed))
    network, x = used(network, seed).double(), torch.randn(5, 6, dtype=torch.float64)
    expected = jacobian_kernel(network, x)
    torch.testing.assert_close(tangent_kernel(network, x), expected, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(tangent_kernel(network, x, trace=True), trace_of(expected, 3), rtol=1e-8, atol=1e-8)


def test_kernels_of_sequences_scaled_outputs_and_two_sets_of_samples():
    x, other = torch.randn(5, 6, dtype=torch.float64), torch.randn(4, 6, dtype=torch.float64)
    for network in (used(sequence()).double(), ScaledOutput(MLP([6, 4, 3]), 2.5).double(), nn.Linear(6, 2).double()):
        expected = jacobian_kernel(network, x, other)
        torch.testing.assert_close(tangent_kernel(network, x, other), expected, rtol=1e-8, atol=1e-8)


@given(st.integers(0, 100))
def test_a_linear_network_without_biases_has_the_kernel_of_its_closed_form(seed):
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(6, 5, bias=False), nn.Linear(5, 3, bias=False)).double()
    w1, w2 = (layer.weight.data.normal_(generator=generator).numpy() for layer in network)
    x = torch.randn(7, 6, dtype=torch.float64, generator=generator)
    assert_allclose(tangent_kernel(network, x), linear_network_ntk(x.numpy(), w1, w2), **EXACT)


def test_a_kernel_is_symmetric_positive_and_leaves_no_gradients():
    network, x = MLP([6, 20, 20, 3]), torch.randn(30, 6)
    kernel = tangent_kernel(network, x)
    torch.testing.assert_close(kernel, kernel.T)
    assert torch.linalg.eigvalsh(kernel.double()).min() > -1e-4 * kernel.trace()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_kernel_of_a_linear_model_predicts_as_ridge_regression_on_its_inputs():
    split = blobs()
    network = nn.Linear(8, 4)
    ridge = 1e-3
    inputs = torch.cat([split.x_train, torch.ones(64, 1)], dim=1).double()
    at = torch.cat([split.x_test, torch.ones(32, 1)], dim=1).double()
    target = nn.functional.one_hot(split.y_train).double()
    penalty = ridge * (inputs @ inputs.T).diagonal().mean() * torch.eye(9, dtype=torch.float64)
    weights = torch.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ (target - target.mean(0)))
    scores = kernel_predictions(network, split.x_train, split.y_train, split.x_test, ridge)
    torch.testing.assert_close(scores, at @ weights + target.mean(0), rtol=1e-4, atol=1e-4)


def test_the_kernel_of_a_random_network_separates_blobs():
    split = blobs()
    network = MLP([8, 64, 4], rng=torch.Generator().manual_seed(0))
    assert kernel_accuracy(network, split) > 0.95
    shuffled = Split(split.x_train, split.y_train.roll(1), split.x_test, split.y_test)
    assert kernel_accuracy(network, shuffled) < 0.3


def test_bad_input_is_refused_by_name():
    network, split = MLP([8, 5, 4]), blobs()
    with pytest.raises(ValueError, match="Conv2d as layer '0'"):
        tangent_kernel(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Linear(8, 4)), split.x_train)
    with pytest.raises(ValueError, match="ridge must be > 0"):
        kernel_accuracy(network, split, ridge=0)
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.3, got 6"):
        kernel_predictions(network, split.x_train, split.y_train * 3, split.x_test)
