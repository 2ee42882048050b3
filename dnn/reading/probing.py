"""The linear map of modules that are no chain of layers, by switching their activations off and probing the tail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from dnn.networks.mlp import batch_norm_mode
from dnn.reading.unfolding import is_elementwise

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_AFFINE = (
    nn.Linear,
    _ConvNd,
    _BatchNorm,
    nn.Identity,
    nn.Flatten,
    nn.Unflatten,
    nn.Dropout,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
)


_CHECKS = 3  # sums of the unit vectors with random signs, at which the tail must be what the matrix says


@torch.no_grad()
def probed_map(network: nn.Module, layer: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """Matrix (K, N_l) and offset (K,) as T(I) - T(0) and T(0), T being the tail above `layer` made linear.

    Parameters
    ----------
    network : Module
        Affine layers and element-wise activations, connected in any way. Running batch-norm statistics are used.
    layer : int
        1 for the input, otherwise the output of the (layer - 1)-th activation call. A skip connection that passes
        this layer by keeps the value it has at the first sample of `x`, in the offset.
    x : (n, ...) tensor
        At least one input.

    Raises
    ------
    ValueError
        For a layer out of range, or a tail that is not affine; the message names the module at fault.
    """
    activations = _activation_modules(network)
    with batch_norm_mode(network, "running"):
        shapes = [x[:1].shape, *_output_shapes(network, activations, x[:1])]
        if layer > len(shapes):
            raise ValueError(f"layer must be in 1..{len(shapes)}, got {layer}")
        shape = shapes[layer - 1][1:]
        width = shape.numel()
        zero = x.new_zeros(1, width)
        signs = 2 * torch.randint(2, (_CHECKS, width), generator=torch.Generator().manual_seed(0)).to(x) - 1
        rows = torch.cat([zero, torch.eye(width, dtype=x.dtype, device=x.device), signs])
        outputs = _tail(network, activations, layer, x[:1], rows.reshape(-1, *shape))
    offset, sums = outputs[0], outputs[-_CHECKS:]
    matrix = (outputs[1:-_CHECKS] - offset).T
    largest = float(matrix.abs().sum(1).max())
    if not torch.allclose(sums, offset + signs @ matrix.T, rtol=1e-3, atol=1e-4 * largest):
        raise ValueError(
            f"network must be affine above layer {layer} without activations, got {type(network).__name__}"
        )
    return matrix, offset


def _activation_modules(network: nn.Module) -> list[nn.Module]:
    activations = []
    for name, module in network.named_modules():
        if next(module.children(), None) is not None or isinstance(module, _AFFINE + _CONTAINERS):
            continue
        if not is_elementwise(module):
            raise ValueError(f"network must be affine apart from activations, got {type(module).__name__} as {name!r}")
        activations.append(module)
    return activations


def _output_shapes(network: nn.Module, activations: list[nn.Module], x: Tensor) -> list[torch.Size]:
    shapes = []
    with _hooked(activations, lambda module, inputs, output: shapes.append(output.shape)):
        network(x)
    return shapes


def _tail(network: nn.Module, activations: list[nn.Module], layer: int, x: Tensor, rows: Tensor) -> Tensor:
    """Outputs when `layer` puts out `rows` (n, ...), whatever is below, and later activations are the identity."""
    calls = 1

    def replace(module, inputs, output):
        nonlocal calls
        calls += 1
        if calls < layer:
            return output
        return rows if calls == layer else inputs[0]

    with _hooked(activations, replace):
        return network(rows if layer == 1 else x.expand(len(rows), *x.shape[1:]))


@contextmanager
def _hooked(modules: list[nn.Module], hook) -> Iterator[None]:
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
