"""Multilayer perceptrons whose layers can be looked into.

Layers are counted as in the order-preserving-neuron papers: layer 1 is the input, layers 2 .. L-1 are hidden
and layer L gives the logits, so `MLP([784, 200, 200, 10])` has depth L = 4. With batch norm the local field is
taken after it,

    h^(l) = BN(W^(l) x^(l-1) + b^(l)),   x^(l) = f(h^(l)),

and the output layer is affine. A residual network adds the activations of two layers below on every second
hidden layer, x^(l) = x^(l-2) + f(h^(l)) for l = 4, 6, ..
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import skip_init

from dnn.checks import network_of, samples_for
from toymodels.validation import choice, described, finite, flag, fraction, positive_int

Rng = np.random.Generator | torch.Generator | None

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "linear": nn.Identity(),
    "gaussian": lambda h: torch.exp(-h.square()),
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "xtanh": lambda h: h * torch.tanh(h),
    "x2tanh": lambda h: h.square() * torch.tanh(h),
}


class MLP(nn.Module):
    """Fully connected network with optional batch norm and residual connections.

    Parameters
    ----------
    widths : sequence of int
        Neurons per layer, input and classes included; at least two entries.
    activation : str
        A key of `ACTIVATIONS`; `gaussian` is exp(-h^2).
    batch_norm : bool
        Batch norm before the activation of every hidden layer, none on the output.
    residual : bool
        Add x^(l-2) to the activations of layers l = 4, 6, ..; those pairs must have equal widths.
    bn_momentum : float in [0, 1]
        Weight of the newest batch in the running statistics; 1 keeps only the last batch.
    rng : numpy or torch Generator, optional
        Source of the initial weights. If None, PyTorch's global generator.

    Attributes
    ----------
    widths : tuple of int
    linears : ModuleList of the L - 1 affine layers
    norms : ModuleList of BatchNorm1d, one per hidden layer; empty without batch norm
    activation : callable on tensors
    activation_name : str
    residual : bool
    bn_momentum : float

    Raises
    ------
    ValueError
        For an unknown activation, bad widths or momentum, or a residual pair of unequal widths.

    Examples
    --------
    |x| from two ReLUs:

    >>> network = MLP([1, 2, 1])
    >>> weights = [[[1.0], [-1.0]], [0.0, 0.0], [[1.0, 1.0]], [0.0]]
    >>> for parameter, values in zip(network.parameters(), weights, strict=True):
    ...     parameter.data = torch.tensor(values)
    >>> x = torch.tensor([[3.0], [-2.0]])
    >>> network(x).tolist(), network.fields(x)[0].tolist(), network.activations(x)[1].tolist()
    ([[3.0], [2.0]], [[3.0, -3.0], [-2.0, 2.0]], [[3.0, 0.0], [0.0, 2.0]])
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str = "relu",
        batch_norm: bool = False,
        residual: bool = False,
        bn_momentum: float = 0.1,
        *,
        rng: Rng = None,
    ):
        super().__init__()
        if not isinstance(widths, Iterable):
            raise ValueError(f"widths must be a sequence of integers, got {described(widths)}")
        self.widths = tuple(positive_int("widths", width) for width in widths)
        if len(self.widths) < 2:
            raise ValueError(f"widths must name at least input and output, got {widths}")
        self.activation_name = choice("activation", activation, ACTIVATIONS)
        self.activation = ACTIVATIONS[activation]
        self.residual = flag("residual", residual)
        if self.residual:
            _check_residual_widths(self.widths)
        self.bn_momentum = fraction("bn_momentum", bn_momentum, closed=True)
        self.linears = nn.ModuleList(skip_init(nn.Linear, n_in, n_out) for n_in, n_out in pairwise(self.widths))
        hidden = self.widths[1:-1] if flag("batch_norm", batch_norm) else ()
        self.norms = nn.ModuleList(nn.BatchNorm1d(width, momentum=self.bn_momentum) for width in hidden)
        init_uniform_(self, rng)

    def extra_repr(self) -> str:
        """What tells two such modules apart beside their parts; a checkpoint is held against it."""
        return f"activation={self.activation_name!r}, residual={self.residual}, bn_momentum={self.bn_momentum}"

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, K) of inputs (n, d)."""
        return deque(self._layers(x), maxlen=1).pop()[0]

    def fields(self, x: Tensor) -> list[Tensor]:
        """Local fields h^(2) .. h^(L-1) (n, N_l), after batch norm, then the logits (n, K), at inputs `x` (n, d)."""
        return [field for field, _ in self._layers(samples_for(self, x))]

    def activations(self, x: Tensor) -> list[Tensor]:
        """Activations x^(1) .. x^(L-1), the input `x` (n, d) first: L - 1 tensors (n, N_l)."""
        x = samples_for(self, x)
        return [x, *(outputs for _, outputs in self._layers(x))][:-1]

    def _layers(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Local field and activation of every layer from layer 2 upwards; the last pair is the logits twice."""
        two_below = below = x
        for index, linear in enumerate(self.linears[:-1]):  # index 0 is layer 2
            field = linear(below)
            if self.norms:
                field = self.norms[index](field)
            outputs = self.activation(field)
            if self.residual and index >= 2 and index % 2 == 0:
                outputs = outputs + two_below
            yield field, outputs
            two_below, below = below, outputs
        logits = self.linears[-1](below)
        yield logits, logits


class ScaledOutput(nn.Module):
    """`network` with its output multiplied by `factor`: the output scale of lazy training."""

    def __init__(self, network: nn.Module, factor: float):
        super().__init__()
        self.network = network
        self.factor = float(finite("factor", factor, ndim=0))

    def extra_repr(self) -> str:
        """What tells two such modules apart beside their parts; a checkpoint is held against it."""
        return f"factor={self.factor}"

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.network(x)


def as_torch_generator(rng: Rng, device: torch.device | str = "cpu") -> torch.Generator | None:
    """A torch generator seeded from `rng` (a torch generator or None is passed through).

    Raises
    ------
    ValueError
        If `rng` is none of these.
    """
    if rng is None or isinstance(rng, torch.Generator):
        return rng
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy or torch Generator, got {type(rng).__name__}")
    return torch.Generator(device).manual_seed(int(rng.integers(2**63)))


@torch.no_grad()
def init_uniform_(network: nn.Module, rng: Rng) -> nn.Module:
    """Draw weights and biases of all affine layers from U(-1/sqrt(fan_in), 1/sqrt(fan_in)).

    PyTorch's own default, which the papers call Kaiming. `rng` may be None for PyTorch's global generator.
    """
    generator = as_torch_generator(rng)
    for layer in affine_layers(network):
        bound = 1 / math.sqrt(_fan_in(layer))
        layer.weight.uniform_(-bound, bound, generator=generator)
        if layer.bias is not None:
            layer.bias.uniform_(-bound, bound, generator=generator)
    return network


@torch.no_grad()
def init_normal_(network: nn.Module, scale: float, rng: Rng) -> nn.Module:
    """Draw the weights of all affine layers from N(0, (scale / sqrt(fan_in))^2); biases stay as they are."""
    scale = float(finite("scale", scale, ndim=0))
    generator = as_torch_generator(rng)
    for layer in affine_layers(network):
        layer.weight.normal_(0, abs(scale) / math.sqrt(_fan_in(layer)), generator=generator)
    return network


@torch.no_grad()
def init_power_(network: nn.Module, gamma: float, rng: Rng) -> nn.Module:
    """Draw every weight matrix from N(0, d_in^(-2 gamma)) and set biases to zero.

    gamma = 1/2 is LeCun's initialisation, larger values are the small ones that condense. d_in is the fan-in, and
    for an embedding the length of its vectors.
    """
    gamma = float(finite("gamma", gamma, ndim=0))
    generator = as_torch_generator(rng)
    for layer in affine_layers(network):
        layer.weight.normal_(0, _fan_in(layer) ** -gamma, generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()
    for module in network.modules():
        if isinstance(module, nn.Embedding):
            module.weight.normal_(0, module.embedding_dim**-gamma, generator=generator)
    return network


@torch.no_grad()
def scale_parameters_(network: nn.Module, factor: float) -> nn.Module:
    """Multiply every parameter, biases included, by `factor` (large initialisation, arXiv:2210.01117)."""
    factor = float(finite("factor", factor, ndim=0))
    for parameter in network.parameters():
        parameter.mul_(factor)
    return network


def affine_layers(network: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    """Linear and convolution layers of any module, in the order of registration."""
    return [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]


def checked_logits(network: nn.Module, x: Tensor, name: str = "x") -> Tensor:
    """Logits (n, K) of `network`; `ValueError` where `x`, called `name`, has no shape or dtype for them."""
    try:
        logits = network(x)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, IndexError) as error:
        got = f"{tuple(x.shape)} of {x.dtype}"
        raise ValueError(f"{name} must have a shape and dtype that network takes, got {got}: {error}") from error
    if logits.ndim != 2:
        raise ValueError(f"network must put out logits of shape (n, K), got {tuple(logits.shape)}")
    return logits


def classes_of(logits: Tensor) -> Tensor:
    """Classes (n,) of logits (n, K): that of the largest one; of two classes that a single logit tells by its sign."""
    return logits.argmax(1) if logits.shape[1] > 1 else (logits[:, 0] > 0).long()


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """Batch-norm layers of any module, in the order of registration."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def non_finite(network: nn.Module) -> str | None:
    """Name of the first parameter or buffer with an entry that is not finite; None if there is none."""
    tensors = chain(network_of("network", network).named_parameters(), network.named_buffers())
    return next((name for name, value in tensors if not torch.isfinite(value).all()), None)


@contextmanager
def batch_norm_mode(network: nn.Module, mode: str) -> Iterator[nn.Module]:
    """Evaluate `network` with a stated kind of batch-norm statistics; all flags are as before on leaving.

    Parameters
    ----------
    network : Module
    mode : {"running", "batch"}
        "running" uses the running estimates (eval mode). "batch" uses the statistics of the very batch that
        passes, and leaves the running estimates untouched. The third honest mode, statistics of the last
        training batch, is "running" in a network built with `bn_momentum=1`.

    Raises
    ------
    ValueError
        For any other mode.
    """
    choice("mode", mode, ("running", "batch"))
    flags = {"training": True, "track_running_stats": False} if mode == "batch" else {}
    with _norms_set_to(network, flags):
        yield network


@torch.no_grad()
def reestimate_statistics_(network: nn.Module, x: Tensor) -> nn.Module:
    """Replace all running statistics by those of `x`, one batch with batch statistics below each layer.

    As in PyTorch the running variance is the unbiased one. A network without batch norm is left alone.
    """
    with _norms_set_to(network, {"training": True, "momentum": 1.0}):
        network(x)
    return network


@contextmanager
def _norms_set_to(network: nn.Module, flags: dict[str, Any]) -> Iterator[None]:
    """Eval mode, with the attributes `flags` on every batch-norm layer; everything is restored on leaving."""
    training = [(module, module.training) for module in network.modules()]
    before = [(norm, name, getattr(norm, name)) for norm in batch_norms(network) for name in flags]
    network.eval()
    for norm, name, _ in before:
        setattr(norm, name, flags[name])
    try:
        yield
    finally:
        for norm, name, value in before:
            setattr(norm, name, value)
        for module, value in training:
            module.training = value


def _fan_in(layer: nn.Linear | nn.Conv2d) -> int:
    return layer.weight[0].numel()


def _check_residual_widths(widths: tuple[int, ...]) -> None:
    for layer in range(4, len(widths), 2):  # the output layer has no skip
        below, here = widths[layer - 3], widths[layer - 1]
        if below != here:
            layers = f"residual layers {layer - 2} and {layer}"
            raise ValueError(f"widths must agree between {layers}, got {below} and {here}")
