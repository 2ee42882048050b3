"""The linear map of modules that are no chain of layers, by switching their activations off and probing the tail.

An activation is a call of an element-wise module, of PReLU, or of one of torch's own activation functions
(`torch.relu(h)`, `functional.gelu(h)`, `h.tanh()`); they are counted in the order in which they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.overrides import TorchFunctionMode

from dnn.networks.mlp import batch_norm_mode
from dnn.observing.batches import logits_of
from dnn.observing.resting import at_rest
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
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
)
_NAMES = (
    *("relu", "relu6", "leaky_relu", "rrelu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish"),
    *("tanh", "hardtanh", "sigmoid", "hardsigmoid", "softplus", "logsigmoid", "softsign", "threshold"),
    *("tanhshrink", "softshrink", "hardshrink"),
)
_HOMES = (functional, torch, Tensor)
_FUNCTIONS = {
    getattr(home, f"{name}{end}")
    for home in _HOMES
    for name in _NAMES
    for end in ("", "_")
    if hasattr(home, name + end)
}
WAY_OUT = "dnn.observe measures the rank gradients of any module, without a linear map"
_CHECKS = 3  # sums of the unit vectors with random signs, at which the tail must be what the matrix says

Replace = Callable[[int, Tensor, Tensor], Tensor]  # number of the call from 1, what it got, what it put out -> instead


@torch.no_grad()
@at_rest
def probed_map(network: nn.Module, layer: int, x: Tensor, output: Callable | None = None) -> tuple[Tensor, Tensor]:
    """Matrix (K, N_l) and offset (K,) as T(I) - T(0) and T(0), T being the tail above `layer` made linear.

    Parameters
    ----------
    network : Module
        Affine layers and activations, connected in any way. Running batch-norm statistics are used.
    layer : int
        1 for the input, otherwise the output of the (layer - 1)-th activation call. A skip connection that passes
        this layer by keeps the value it has at the first sample of `x`, in the offset.
    x : (n, ...) tensor
        At least one input.
    output : callable, optional
        From what the network returns to (n, K) logits.

    Raises
    ------
    ValueError
        For a layer out of range, or a network that is not affine without its activations; the message names the module
        at fault, or the layer above or below which something else bends.
    """
    modules = _activation_modules(network)
    with batch_norm_mode(network, "running"):
        shapes = [x[:1].shape, *_output_shapes(network, modules, x[:1])]
        if layer > len(shapes):
            raise ValueError(f"layer must be in 1..{len(shapes)}, got {layer}")
        shape = shapes[layer - 1][1:]
        width = shape.numel()
        zero = x.new_zeros(1, width)
        signs = 2 * torch.randint(2, (_CHECKS, width), generator=torch.Generator().manual_seed(0)).to(x) - 1
        rows = torch.cat([zero, torch.eye(width, dtype=x.dtype, device=x.device), signs])
        outputs = logits_of(_tail(network, modules, layer, x[:1], rows.reshape(-1, *shape)), output)
        offset, sums = outputs[0], outputs[-_CHECKS:]
        matrix = (outputs[1:-_CHECKS] - offset).T
        largest = float(matrix.abs().sum(1).max())
        if not torch.allclose(sums, offset + signs @ matrix.T, rtol=1e-3, atol=1e-4 * largest):
            got = type(network).__name__
            raise ValueError(f"network must be affine above layer {layer} without activations, got {got}; {WAY_OUT}")
        if layer > 1:
            _refuse_other_bends(network, modules, x[:1], output, f"below layer {layer}, for layers to be counted,")
    return matrix, offset


@torch.no_grad()
@at_rest
def linear_logits(network: nn.Module, x: Tensor, output: Callable | None = None) -> list[Tensor]:
    """Logits (n, K) of a network made linear from every start layer 2..L on, L - 2 being its activation calls.

    Parameters
    ----------
    network, output
        As in :func:`probed_map`.
    x : (n, ...) tensor

    Raises
    ------
    ValueError
        As in :func:`probed_map`.
    """
    modules = _activation_modules(network)
    with batch_norm_mode(network, "running"):
        n_calls = len(_output_shapes(network, modules, x[:1]))
        _refuse_other_bends(network, modules, x[:1], output, "everywhere")

        def logits(start: int) -> Tensor:
            with _activations(modules, lambda call, given, out: given if call >= start - 1 else out):
                return logits_of(network(x.clone()), output)  # some modules write into their inputs

        return [logits(start) for start in range(2, n_calls + 3)]


def _activation_modules(network: nn.Module) -> list[nn.Module]:
    activations = []
    for name, module in network.named_modules():
        if next(module.children(), None) is not None or isinstance(module, _AFFINE + _CONTAINERS):
            continue
        if not isinstance(module, nn.PReLU) and not is_elementwise(module):
            got = f"{type(module).__name__} as {name!r}" if name else type(module).__name__
            raise ValueError(f"network must be affine apart from activations, got {got}; {WAY_OUT}")
        activations.append(module)
    return activations


def _output_shapes(network: nn.Module, modules: list[nn.Module], x: Tensor) -> list[torch.Size]:
    shapes = []

    def note(call, given, output):
        shapes.append(output.shape)
        return output

    with _activations(modules, note):
        network(x.clone())
    return shapes


def _tail(network: nn.Module, modules: list[nn.Module], layer: int, x: Tensor, rows: Tensor) -> Any:
    """What comes out if `layer` puts out `rows` (n, ...), whatever is below, and later activations are the identity."""

    def replace(call, given, output):
        if call < layer - 1:
            return output
        return rows.clone() if call == layer - 1 else given

    with _activations(modules, replace):
        return network(rows.clone() if layer == 1 else x.expand(len(rows), *x.shape[1:]).clone())


def _refuse_other_bends(network: nn.Module, modules: list[nn.Module], x: Tensor, output, where: str) -> None:
    """`ValueError` if anything but the activations is not affine: T(u + v) = T(u) + T(v) - T(0) for random u, v."""
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, _CHECKS, *x.shape[1:], generator=generator).to(x)
    rows = torch.cat([torch.zeros_like(first), first, second, first + second])
    offset, one, other, both = logits_of(_tail(network, modules, 1, x, rows), output).chunk(4)
    largest = float(torch.stack([one, other]).abs().max())
    if not torch.allclose(both, one + other - offset, rtol=1e-3, atol=1e-4 * largest):
        got = type(network).__name__
        raise ValueError(f"network must be affine {where} without activations, got {got}; {WAY_OUT}")


class _Functions(TorchFunctionMode):
    """Hands every call of torch's activation functions to `act(function, args, kwargs)`."""

    def __init__(self, act: Callable):
        super().__init__()
        self.act = act

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        return self.act(func, args, kwargs) if func in _FUNCTIONS else func(*args, **kwargs)


@contextmanager
def _activations(modules: list[nn.Module], replace: Replace) -> Iterator[None]:
    """What every activation puts out is replaced; what one does inside itself is its own affair."""
    calls, inside = 0, []

    def enter(module, args):
        inside.append(args[0].clone())

    def leave(module, args, output):
        nonlocal calls
        calls += 1
        return replace(calls, inside.pop(), output)

    def act(function, args, kwargs):
        nonlocal calls
        if inside:
            return function(*args, **kwargs)
        values = args[0] if args else kwargs["input"]
        given = values.clone()
        output = function(*args, **kwargs)
        calls += 1
        replaced = replace(calls, given, output)
        return values.copy_(replaced) if output is values else replaced

    handles = [module.register_forward_pre_hook(enter) for module in modules]
    handles += [module.register_forward_hook(leave) for module in modules]
    try:
        with _Functions(act):
            yield
    finally:
        for handle in handles:
            handle.remove()
