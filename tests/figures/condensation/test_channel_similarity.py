import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.networks.convolutional import OneConvolution, layer_outputs
from figures.condensation.channel_similarity import channel_measures, output_chance, patch_gram
from toymodels.condensation import null_cosine


def network_and_images(seed=0, channels=12):
    rng = np.random.default_rng(seed)
    network = OneConvolution(channels, gamma=0.5, n_classes=3, shape=(2, 8, 6), rng=rng)
    return network, torch.tensor(rng.random((7, 96)), dtype=torch.float32), rng


def test_scalar_products_of_outputs_are_those_of_the_patches():
    network, x, _ = network_and_images()
    outputs = np.moveaxis(layer_outputs(network, network.convolution, x), 1, 0).reshape(12, -1)
    kernels = network.convolution.weight.detach().numpy().reshape(12, -1)
    gram = patch_gram(network, network.convolution, x, chunk=3)
    np.testing.assert_allclose(kernels @ gram @ kernels.T, outputs @ outputs.T, rtol=1e-3, atol=1e-3)
    assert not network.convolution._forward_hooks


def test_outputs_are_measured_without_the_bias():
    network, x, _ = network_and_images()
    kernels = network.convolution.weight.detach().numpy().reshape(12, -1)
    gram = patch_gram(network, network.convolution, x)
    found = channel_measures(network, network.convolution, x, np.random.default_rng(1))
    products = kernels @ gram @ kernels.T
    cosines = np.abs(products / np.sqrt(np.outer(np.diag(products), np.diag(products))))
    assert found["mean_outputs"] == pytest.approx(cosines[np.triu_indices(12, 1)].mean(), rel=1e-3)
    for bias in (torch.full((12,), 3.0), torch.linspace(-1, 2, 12)):
        with torch.no_grad():
            network.convolution.bias.copy_(bias)
        biased = channel_measures(network, network.convolution, x, np.random.default_rng(1))
        for name in ("mean_outputs", "excess_outputs", "mean_weights"):
            assert biased[name] == pytest.approx(found[name], rel=1e-4), name


@given(dimension=st.integers(3, 30), count=st.integers(2, 30))
def test_chance_of_kernels_themselves_is_the_closed_form(dimension, count):
    mean, threshold = output_chance(np.eye(dimension), count, np.random.default_rng(0), draws=800)
    directions = np.random.default_rng(1).standard_normal((2000, dimension))
    cosines = directions[:, 0] / np.linalg.norm(directions, axis=1)
    assert mean == pytest.approx(np.abs(cosines).mean(), rel=0.1)
    assert threshold == pytest.approx(null_cosine(count, dimension, signed=False), abs=0.06)


def test_inputs_of_a_single_pattern_make_all_outputs_parallel_by_chance():
    pattern = np.array([1.0, 2.0, -1.0])
    mean, threshold = output_chance(np.outer(pattern, pattern), 5, np.random.default_rng(0), draws=50)
    assert mean == pytest.approx(1)
    assert threshold == pytest.approx(1)


def test_unrelated_channels_are_at_chance_and_parallel_ones_beyond_it():
    network, x, rng = network_and_images(channels=32)
    loose = channel_measures(network, network.convolution, x, rng)
    with torch.no_grad():
        network.convolution.weight[1:24] = (
            network.convolution.weight[0] * torch.linspace(-1, 2, 23)[:, None, None, None]
        )
    close = channel_measures(network, network.convolution, x, rng)
    for name in ("weights", "outputs"):
        assert abs(loose[f"excess_{name}"]) < 0.25
        assert loose[f"share_{name}"] == 1 / 32
        assert close[f"share_{name}"] == pytest.approx(24 / 32, abs=1 / 32)
        assert close[f"excess_{name}"] > loose[f"excess_{name}"] + 0.3
        assert close[f"map_{name}"].shape == (32, 32)
