"""What a unit of a layer is: its row of incoming weights, and its columns in those that consume it.

A unit is a neuron of a linear layer, a channel of a convolution, or a head of attention (:mod:`dnn.embedding.heads`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from dnn.embedding.walking import Consumer, Route, units_of
from dnn.observing.layers import layers_of
from toymodels.validation import text


def find_layer(module: nn.Module, name: str) -> nn.Module:
    """The layer of that name, if its units can be told.

    Parameters
    ----------
    module : Module
    name : str
        As in `named_modules`; the class name for a module that is one layer.

    Raises
    ------
    ValueError
        For what is no module, an unknown name, another kind of layer, grouped channels, or weights that are no plain
        real parameters.
    """
    if not isinstance(module, nn.Module):
        raise ValueError(f"module must be a torch Module, got {type(module).__name__}")
    text("layer", name)
    layers = {layer.name: layer.module for layer in layers_of(module)}
    known = set(layers.values())
    layers |= {path: part for path, part in module.named_modules(remove_duplicate=False) if part in known}
    if name not in layers:
        raise ValueError(f"layer must be one of {', '.join(layers)}, got {name!r}")
    layer = layers[name]
    kinds = nn.Linear | _ConvNd | nn.MultiheadAttention
    if not isinstance(layer, kinds) or isinstance(layer, _ConvTransposeNd):
        raise ValueError(f"layer must be linear, a convolution or attention, got {name!r}, a {type(layer).__name__}")
    if isinstance(layer, _ConvNd) and layer.groups != 1:
        raise ValueError(f"layer must be without groups, got {name!r} with {layer.groups}")
    check_plain(layer)
    return layer


def check_plain(part: nn.Module) -> None:
    """Refuse weights that are computed from others, not yet made, complex, or not finite.

    Parameters
    ----------
    part : Module

    Raises
    ------
    ValueError
        Naming the weights.
    """
    kind = type(part).__name__
    if hasattr(part, "weight") and "weight" not in part._parameters:
        raise ValueError(f"layer must have plain parameters on its way, got a weight of {kind} made from others")
    for name, values in (*part.named_parameters(), *part.named_buffers()):
        if nn.parameter.is_lazy(values):
            raise ValueError(f"layer must have weights, got {kind} that has not seen its input yet")
        if values.is_complex():
            raise ValueError(f"layer must have real parameters on its way, got a complex {name} of {kind}")
        if not torch.isfinite(values).all():
            raise ValueError(f"layer must have finite parameters on its way, got NaN or infinity in {name} of {kind}")


def copied(module: nn.Module) -> nn.Module:
    """A deep copy of a module, without gradients.

    Parameters
    ----------
    module : Module

    Raises
    ------
    ValueError
        If it cannot be copied.
    """
    try:
        twin = copy.deepcopy(module)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"module must be one that copy.deepcopy takes, got: {error}") from error
    for parameter in twin.parameters():
        parameter.grad = None
    return twin


@torch.no_grad()
def rows(route: Route) -> Tensor:
    """Incoming weights (units, inputs + 1) of every unit in float64, the bias last, with batch norm folded in.

    Parameters
    ----------
    route : Route
    """
    weight = doubled(_parameter(route.layer, "weight").flatten(1))
    bias = route.layer.bias
    offset = weight.new_zeros(len(weight)) if bias is None else doubled(bias)  # pyright: ignore
    if route.folded is not None:
        gain, mean, shift = affine(route.folded)
        weight, offset = gain[:, None] * weight, gain * (offset - mean) + shift
    return torch.cat([weight, offset[:, None]], dim=1)


@torch.no_grad()
def affine(norm: _BatchNorm) -> tuple[Tensor, Tensor, Tensor]:
    """Gain, mean and shift (units,) in float64 of batch norm with running statistics: gain (field - mean) + shift.

    Parameters
    ----------
    norm : Module
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = (doubled(norm.running_var) + norm.eps).rsqrt()
    shift = torch.zeros_like(gain)
    if norm.weight is not None:
        gain, shift = gain * doubled(norm.weight), shift + doubled(norm.bias)
    return gain, doubled(norm.running_mean), shift


@torch.no_grad()
def columns(consumer: Consumer, units: int) -> Tensor:
    """Outgoing weights (units, places, neurons) in float64; places are offsets of a kernel or flattened positions.

    Parameters
    ----------
    consumer : Consumer
    units : int
    """
    return doubled(_by_unit(consumer, _parameter(consumer.module, "weight"), units))


@torch.no_grad()
def write_columns(consumer: Consumer, values: Tensor) -> None:
    """Give a consumer other columns (units, places, neurons), of as many units as they are.

    Parameters
    ----------
    consumer : Consumer
        Changed in place.
    values : tensor
    """
    module = consumer.module
    weight = _parameter(module, "weight")
    units, places, neurons = values.shape
    if isinstance(module, _ConvNd):
        made = values.permute(2, 0, 1).reshape(neurons, units, *weight.shape[2:])
        module.in_channels = units
    else:
        order = (2, 1, 0) if consumer.layout == "interleaved" else (2, 0, 1)
        made = values.permute(*order).reshape(neurons, units * places)
        module.in_features = units * places  # pyright: ignore
    put(module, "weight", made)


@torch.no_grad()
def select(route: Route, index: Sequence[int]) -> None:
    """Let the units of a layer be those named, in this order, with all their own parameters.

    Parameters
    ----------
    route : Route
        Its layer and norms are changed in place, its consumers are not.
    index : sequence of int
    """
    before = units_of(route.layer)
    for part in (route.layer, *route.attached, *(() if route.folded is None else (route.folded,))):
        for name, values in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
            if values.ndim and len(values) == before:
                put(part, name, values[list(index)])
        for size in ("out_features", "out_channels", "num_features", "num_parameters"):
            if hasattr(part, size):
                setattr(part, size, len(index))


@torch.no_grad()
def put(part: nn.Module, name: str, values: Tensor) -> None:
    """Replace a parameter or buffer by one of another shape, of the same dtype, device and flags.

    Parameters
    ----------
    part : Module
        Changed in place.
    name : str
    values : tensor

    Raises
    ------
    ValueError
        If they are too large for the dtype.
    """
    old = part._parameters[name] if name in part._parameters else part._buffers[name]
    assert old is not None
    made = values.detach().to(old).contiguous()
    if not torch.isfinite(made).all():
        raise ValueError(f"layer must have new weights that {old.dtype} can hold, got infinity in {name}")
    if name in part._parameters:
        part._parameters[name] = nn.Parameter(made, requires_grad=old.requires_grad)
    else:
        part._buffers[name] = made


def doubled(values: Tensor) -> Tensor:
    """Values in float64, out of every graph, as numpy can hold them.

    Parameters
    ----------
    values : tensor
    """
    return values.detach().to("cpu", torch.float64)


def _by_unit(consumer: Consumer, weight: Tensor, units: int) -> Tensor:
    """Weights as (units, places, neurons)."""
    if consumer.layout == "interleaved":
        return weight.reshape(len(weight), -1, units).permute(2, 1, 0)
    return weight.reshape(len(weight), units, -1).permute(1, 2, 0)


def _parameter(part: nn.Module, name: str) -> nn.Parameter:
    parameter = part._parameters[name]
    assert parameter is not None
    return parameter
