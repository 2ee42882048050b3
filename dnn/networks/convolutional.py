"""Convolutional networks on flat images, and their kernels and channels as vectors for condensation measures.

The experiments are those of section 4 of the condensation overview: one convolution, before and after training, and
ResNet18, first against last layer. The overview's sizes are not recoverable from its text; those of the presets are
ours, and condensation in one convolution is made visible by a small initialisation (gamma = 2). At the quick size of
ResNet18 the last kernels leave orthogonality (mean |cos| .03 to .13 in 120 steps) and the first do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dnn.networks.mlp import ACTIVATIONS, Rng, batch_norm_mode, init_power_, init_uniform_
from dnn.observing.resting import at_rest
from dnn.training.config import TrainConfig
from toymodels.condensation.similarity import cosine_similarity, flatten_kernels, output_similarity
from toymodels.validation import choice, positive_int

MNIST_SHAPE = (1, 28, 28)


class OneConvolution(nn.Module):
    """One convolution, an activation, 2x2 max pooling and a linear readout.

    Parameters
    ----------
    n_channels, kernel_size : int
    activation : str
        A key of `dnn.networks.mlp.ACTIVATIONS`.
    gamma : float
        Weights start as N(0, d_in^(-2 gamma)); large gamma is the small initialisation that condenses.
    n_classes : int
    shape : (channels, height, width)
        Of the images, which arrive flat.
    rng : numpy or torch Generator, optional
    """

    def __init__(
        self,
        n_channels: int = 32,
        kernel_size: int = 3,
        activation: str = "tanh",
        gamma: float = 2.0,
        n_classes: int = 10,
        shape: Sequence[int] = MNIST_SHAPE,
        *,
        rng: Rng = None,
    ):
        super().__init__()
        self.shape = tuple(shape)
        self.activation_name = choice("activation", activation, ACTIVATIONS)
        self.activation = ACTIVATIONS[activation]
        positive_int("n_channels", n_channels)
        smallest = min(self.shape[1:])
        if not 1 <= positive_int("kernel_size", kernel_size) <= smallest - 1:
            raise ValueError(f"kernel_size must be in 1..{smallest - 1}, got {kernel_size}")
        self.convolution = nn.Conv2d(self.shape[0], n_channels, kernel_size)
        height, width = ((side - kernel_size + 1) // 2 for side in self.shape[1:])
        self.readout = nn.Linear(n_channels * height * width, n_classes)
        init_power_(self, gamma, rng)

    def extra_repr(self) -> str:
        """What tells two such modules apart beside their parts; a checkpoint is held against it."""
        return f"activation={self.activation_name!r}"

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, K) of flat images (n, prod(shape))."""
        features = self.activation(self.convolution(x.view(-1, *self.shape)))
        return self.readout(functional.max_pool2d(features, 2).flatten(1))


class SmallCNN(nn.Module):
    """Two 3x3 convolutions with ReLU and 2x2 max pooling, then a linear readout; PyTorch's default weights."""

    def __init__(
        self, n_channels: int = 16, n_classes: int = 10, shape: Sequence[int] = MNIST_SHAPE, *, rng: Rng = None
    ):
        super().__init__()
        self.shape = tuple(shape)
        positive_int("n_channels", n_channels)
        self.first = nn.Conv2d(self.shape[0], n_channels, 3, padding=1)
        self.second = nn.Conv2d(n_channels, 2 * n_channels, 3, padding=1)
        sides = prod(side // 4 for side in self.shape[1:])
        self.readout = nn.Linear(2 * n_channels * sides, n_classes)
        init_uniform_(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, K) of flat images (n, prod(shape))."""
        features = x.view(-1, *self.shape)
        for convolution in (self.first, self.second):
            features = functional.max_pool2d(torch.relu(convolution(features)), 2)
        return self.readout(features.flatten(1))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around a skip connection (He et al., arXiv:1512.03385, fig. 2)."""

    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(n_out)
        projection = [nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)]
        self.skip = nn.Identity() if n_in == n_out and stride == 1 else nn.Sequential(*projection)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(hidden)) + self.skip(x))


class ResNet18(nn.Module):
    """The 18-layer residual network with a 3x3 stem of stride 1, as used for small images.

    Parameters
    ----------
    width : int
        Channels of the first stage (64 in the original); they double at each of the other three.
    n_classes : int
    shape : (channels, height, width)
        Of the images, which arrive flat.
    gamma : float, optional
        Convolutions and readout start as N(0, d_in^(-2 gamma)) with d_in the fan-in, biases at 0. Batch norm takes the
        scale of the convolutions out of the forward pass, where a smaller start only turns faster. None is PyTorch's
        default, with the standard deviation (3 d_in)^(-1/2).
    rng : numpy or torch Generator, optional

    Attributes
    ----------
    first_convolution, last_convolution : Conv2d

    Raises
    ------
    ValueError
        If `width` is no positive integer or `gamma` no finite number.
    """

    def __init__(
        self,
        width: int = 64,
        n_classes: int = 10,
        shape: Sequence[int] = MNIST_SHAPE,
        gamma: float | None = None,
        *,
        rng: Rng = None,
    ):
        super().__init__()
        self.shape = tuple(shape)
        positive_int("width", width)
        self.first_convolution = nn.Conv2d(self.shape[0], width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        blocks, n_in = [], width
        for stage in range(4):
            n_out = width * 2**stage
            blocks += [ResidualBlock(n_in, n_out, 1 if stage == 0 else 2), ResidualBlock(n_out, n_out, 1)]
            n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.last_convolution = blocks[-1].second
        self.readout = nn.Linear(n_in, n_classes)
        if gamma is None:
            init_uniform_(self, rng)
        else:
            init_power_(self, gamma, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, K) of flat images (n, prod(shape))."""
        features = torch.relu(self.first_norm(self.first_convolution(x.view(-1, *self.shape))))
        return self.readout(self.blocks(features).mean((2, 3)))


@torch.no_grad()
@at_rest
def layer_outputs(network: nn.Module, layer: nn.Module, x: Tensor, chunk: int = 256) -> np.ndarray:
    """What `layer` puts out, (n, channels, ...), when `network` in eval mode is given `x`.

    Raises
    ------
    ValueError
        If `layer` takes no part in the forward pass of `network`.
    """
    parts = []
    hook = layer.register_forward_hook(lambda module, inputs, outputs: parts.append(outputs.cpu()))
    try:
        with batch_norm_mode(network, "running"):
            for start in range(0, len(x), chunk):
                network(x[start : start + chunk])
    finally:
        hook.remove()
    if not parts:
        raise ValueError("layer must take part in the forward pass of network")
    return torch.cat(parts).numpy()


@at_rest
def layer_similarity(network: nn.Module, layer: nn.Conv2d | nn.Linear, x: Tensor) -> dict[str, np.ndarray]:
    """Cosine similarity (channels, channels) of the "weights" of a layer, and of its "outputs" for inputs `x`.

    A neuron of a linear layer is the last axis of its outputs: on a sequence it says something at every position.

    Raises
    ------
    ValueError
        If `layer` is neither a convolution nor linear, or takes no part in the forward pass of `network`.
    """
    if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
        raise ValueError(f"layer must be a convolution or Linear, got {type(layer).__name__}")
    outputs = layer_outputs(network, layer, x)
    return {
        "weights": cosine_similarity(flatten_kernels(layer.weight.detach().cpu().numpy())),
        "outputs": output_similarity(np.moveaxis(outputs, -1, 1) if isinstance(layer, nn.Linear) else outputs),
    }


@dataclass(frozen=True)
class ConvolutionPreset:
    """Size of a condensation experiment: data set, channels (of the first stage), and how to train."""

    data: str
    n_channels: int
    config: TrainConfig


ONE_CONVOLUTION_PRESETS = {
    "quick": ConvolutionPreset("mnist-mini", 32, TrainConfig(100, batch_size=100, records=10)),
    "paper": ConvolutionPreset("mnist", 32, TrainConfig(6000, batch_size=100, records=20, record_samples=10_000)),
}
RESNET18_PRESETS = {
    "quick": ConvolutionPreset("mnist-mini", 8, TrainConfig(600, lr=3e-3, batch_size=50, records=(0, 600))),
    "paper": ConvolutionPreset("mnist", 64, TrainConfig(9000, batch_size=128, records=20, record_samples=10_000)),
}
