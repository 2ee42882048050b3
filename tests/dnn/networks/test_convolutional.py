from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.data import load
from dnn.networks.convolutional import (
    ONE_CONVOLUTION_PRESETS,
    RESNET18_PRESETS,
    OneConvolution,
    ResNet18,
    SmallCNN,
    layer_outputs,
    layer_similarity,
)
from dnn.training.config import TrainConfig
from dnn.training.loop import train


def images(n=6, dim=784, seed=0):
    return torch.tensor(np.random.default_rng(seed).random((n, dim)), dtype=torch.float32)


def mean_absolute(similarity):
    return float(np.abs(similarity[np.triu_indices(len(similarity), 1)]).mean())


def networks():
    rng = np.random.default_rng(0)
    return [OneConvolution(4, rng=rng), SmallCNN(4, rng=rng), ResNet18(2, rng=rng)]


@pytest.mark.parametrize("network", networks(), ids=lambda network: type(network).__name__)
def test_flat_images_give_one_row_of_logits_each(network):
    logits = network.eval()(images())
    assert logits.shape == (6, 10)
    torch.testing.assert_close(network(images()[2:3]), logits[2:3], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("build", [OneConvolution, SmallCNN, ResNet18])
def test_other_image_shapes_fit(build):
    network = build(4, n_classes=3, shape=(3, 16, 12), rng=np.random.default_rng(0)).eval()
    assert network(images(dim=3 * 16 * 12)).shape == (6, 3)


@pytest.mark.parametrize("build", [OneConvolution, SmallCNN, ResNet18])
def test_the_generator_decides_the_weights(build):
    first, same, other = (build(4, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    weights = [torch.nn.utils.parameters_to_vector(network.parameters()) for network in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_resnet18_has_eighteen_weighted_layers_and_the_known_number_of_parameters():
    network = ResNet18(64)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(convolutions) + 1 == 18
    assert network.last_convolution is convolutions[-1]
    # 11,173,962 for RGB images of 32 x 32 and ten classes; one channel instead of three saves 2 x 64 x 9
    assert sum(p.numel() for p in network.parameters()) == 11_173_962 - 1152


@given(gamma=st.floats(0.25, 2.0), seed=st.integers(0, 100))
def test_gamma_is_the_exponent_of_the_fan_in_in_the_initial_size_of_every_layer(gamma, seed):
    network = ResNet18(8, gamma=gamma, rng=np.random.default_rng(seed))
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    for layer in layers:
        weight = layer.weight.detach().double()
        size = weight.square().mean().sqrt() * weight[0].numel() ** gamma
        assert abs(float(size) - 1) < 5 / (2 * weight.numel()) ** 0.5
    assert not network.readout.bias.any()


def test_batch_norm_takes_the_initial_scale_of_a_resnet_out_of_what_it_puts_out():
    usual, small = (ResNet18(4, gamma=gamma, rng=np.random.default_rng(0)) for gamma in (0.5, 0.75))
    with torch.no_grad():
        small.readout.weight.copy_(usual.readout.weight)
    torch.testing.assert_close(usual(images()), small(images()), rtol=0.05, atol=0.05)


def test_resnet_halves_the_image_three_times():
    network = ResNet18(2, rng=np.random.default_rng(0))
    assert layer_outputs(network, network.first_convolution, images()).shape == (6, 2, 28, 28)
    assert layer_outputs(network, network.last_convolution, images()).shape == (6, 16, 4, 4)


def test_layer_outputs_are_those_of_the_layer_in_any_chunks():
    network = OneConvolution(4, rng=np.random.default_rng(0))
    direct = network.convolution(images().view(-1, 1, 28, 28)).detach().numpy()
    np.testing.assert_allclose(layer_outputs(network, network.convolution, images(), chunk=4), direct, atol=1e-6)
    assert network.training
    assert not network.convolution._forward_hooks


def test_similarity_of_weights_and_outputs_sees_copied_and_flipped_channels():
    network = OneConvolution(4, rng=np.random.default_rng(0))
    with torch.no_grad():
        network.convolution.weight[1] = 2 * network.convolution.weight[0]
        network.convolution.weight[2] = -network.convolution.weight[0]
    maps = layer_similarity(network, network.convolution, images())
    for similarity in maps.values():
        assert similarity.shape == (4, 4)
        np.testing.assert_allclose(similarity[0, 1:3], [1, -1], atol=1e-5)
        assert abs(similarity[0, 3]) < 0.99


@pytest.mark.parametrize("length", [8, 5, 1])
def test_neurons_of_a_linear_layer_on_a_sequence_are_compared_over_samples_and_positions(length):
    network = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU())
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((10, length, 6))).float()
    outputs = network[0](x).detach().reshape(-1, 8).T
    norms = outputs.norm(dim=1)
    expected = outputs @ outputs.T / torch.outer(norms, norms)
    np.testing.assert_allclose(layer_similarity(network, network[0], x)["outputs"], expected, atol=1e-5)
    with torch.no_grad():
        for parameter in network[0].parameters():
            parameter[:] = parameter[0].clone()
    np.testing.assert_allclose(layer_similarity(network, network[0], x)["outputs"], np.ones((8, 8)), atol=1e-5)


def test_similarity_of_a_layer_without_neurons_is_refused():
    network = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.LayerNorm(8))
    with pytest.raises(ValueError, match="layer must be a convolution or Linear, got LayerNorm"):
        layer_similarity(network, network[1], torch.zeros(2, 6))


def test_one_convolution_condenses_on_digits_from_a_small_initialisation_only():
    split = load("mnist-mini")
    config = TrainConfig(60, batch_size=50, records=(60,), device="cpu")
    after = {}
    for gamma in (2.0, 0.5):
        network = OneConvolution(16, gamma=gamma, rng=np.random.default_rng(0))
        before = layer_similarity(network, network.convolution, split.x_test[:50])
        run = train(
            network,
            split._replace(x_test=split.x_test[:100], y_test=split.y_test[:100]),
            config,
            np.random.default_rng(0),
        )
        assert run["train_accuracy"][-1] > 0.7
        maps = layer_similarity(network, network.convolution, split.x_test[:50])
        after[gamma] = {name: mean_absolute(similarity) for name, similarity in maps.items()}
        assert mean_absolute(before["weights"]) < 0.4
    assert after[2.0]["weights"] > 0.8 > 0.5 > after[0.5]["weights"]
    assert after[2.0]["outputs"] > after[2.0]["weights"]  # condensation shows more in what the channels say


def test_a_layer_of_another_network_is_refused():
    network, other = networks()[:2]
    with pytest.raises(ValueError, match="layer must take part"):
        layer_outputs(network, other.first, images())


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (OneConvolution, {"kernel_size": 28}, "kernel_size must be in 1..27, got 28"),
        (OneConvolution, {"activation": "cube"}, "activation must be one of"),
        (OneConvolution, {"n_channels": 0}, "n_channels must be >= 1"),
        (OneConvolution, {"gamma": np.nan}, "gamma must be finite"),
        (SmallCNN, {"n_channels": 0}, "n_channels must be >= 1"),
        (ResNet18, {"width": 1.5}, "width must be an integer"),
        (ResNet18, {"gamma": np.inf}, "gamma must be finite"),
    ],
)
def test_bad_sizes_are_refused_by_name(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_presets_come_in_a_quick_and_a_paper_size():
    for presets in (ONE_CONVOLUTION_PRESETS, RESNET18_PRESETS):
        assert list(presets) == ["quick", "paper"]
        assert presets["quick"].data == "mnist-mini"
        assert presets["quick"].config.n_steps < presets["paper"].config.n_steps


@pytest.mark.slow
def test_last_layer_of_a_resnet_moves_away_from_orthogonal_kernels_and_the_first_does_not():
    preset, split = RESNET18_PRESETS["quick"], load("mnist-mini")
    network = ResNet18(preset.n_channels, rng=np.random.default_rng(0))
    layers = {"first": network.first_convolution, "last": network.last_convolution}

    def condensed():
        maps = {name: layer_similarity(network, layer, split.x_test[:100]) for name, layer in layers.items()}
        return {name: mean_absolute(similarity["weights"]) for name, similarity in maps.items()}

    before = condensed()
    train(network, split, replace(preset.config, n_steps=120, records=(120,)), np.random.default_rng(0))
    after = condensed()
    assert after["last"] > 2 * before["last"]
    assert abs(after["first"] - before["first"]) < 0.1


@pytest.mark.parametrize("side", [6, 7, 8])
def test_a_last_row_without_a_partner_is_not_pooled(side):
    network = OneConvolution(2, n_classes=3, kernel_size=3, shape=(1, side, side), rng=np.random.default_rng(0))
    assert network.readout.in_features == 2 * ((side - 2) // 2) ** 2
    assert network(torch.zeros(4, side * side)).shape == (4, 3)
