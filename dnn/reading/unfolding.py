"""Any chain of affine layers, batch norms and activations, seen layer by layer.

`unfold` reads an :class:`~dnn.MLP`, or an `nn.Sequential` of Linear, BatchNorm1d and element-wise activations (Flatten,
Dropout and Identity are passed through, as in evaluation; containers may be nested), into one form on which all
analyses work. `torch.compile` and DataParallel are looked through, a subclass with a `forward` of its own is refused,
an activation that is done in place gets a copy. Nothing here changes the module, its buffers or its training flag.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dnn.networks.mlp import MLP, ScaledOutput, batch_norms, non_finite
from dnn.observing.layers import unwrapped
from dnn.observing.resting import at_rest
from toymodels.validation import choice

_TRANSPARENT = (nn.Identity, nn.Flatten, nn.Dropout, nn.AlphaDropout)
STATISTICS = ("running", "batch")


def _identity(h: Tensor) -> Tensor:
    return h


@dataclass(frozen=True, eq=False)
class Unfolded:
    """A network as affine layers 2..L with, per hidden layer, batch norm (or None), activation and skip.

    Hidden layer `l` computes `x_l = f(norm(W x_{l-1} + b))`, plus `x_{l-2}` where `skips` says so; the logits are
    `scale (W x_{L-1} + b)`. `linears` has one entry more than the other sequences.
    """

    linears: Sequence[nn.Linear]
    norms: Sequence[nn.BatchNorm1d | None]
    activations: Sequence[Callable[[Tensor], Tensor]]
    skips: Sequence[bool]
    scale: float = 1.0

    @property
    def depth(self) -> int:
        """Number of layers L, the input included."""
        return len(self.linears) + 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Neurons of layers 1..L."""
        return (self.linears[0].in_features, *(linear.out_features for linear in self.linears))

    def layers(
        self,
        x: Tensor,
        statistics: str = "running",
        *,
        first: Tensor | None = None,
        weights: Sequence[Tensor] | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Local field and activation of layers 2..L; the logits come last, as both.

        Parameters
        ----------
        x : (..., n, d)
            Inputs. Batch statistics are taken over axis -2.
        statistics : {"running", "batch"}
        first : (..., n, N_2), optional
            W x + b of layer 2, if it is known already; `x` is not looked at then.
        weights : sequence of (..., N_out, N_in), optional
            Weights to use in place of the network's.
        """
        choice("statistics", statistics, STATISTICS)
        if first is None and (x.ndim < 2 or x.shape[-1] != self.widths[0]):
            raise ValueError(f"x must have shape (n, {self.widths[0]}), got {tuple(x.shape)}")
        if first is None and not x.is_floating_point():
            raise ValueError(f"x must be real numbers, which a chain of linear layers takes, got {x.dtype}")
        two_below, below = x, x
        for m, linear in enumerate(self.linears):
            if m == 0 and first is not None:
                field = first
            else:
                field = _affine(below, linear.weight if weights is None else weights[m], linear.bias)
            if m == len(self.linears) - 1:
                yield self.scale * field, self.scale * field
                return
            field = normalised(field, self.norms[m], statistics)
            outputs = self.activations[m](field)
            if self.skips[m]:
                outputs = outputs + two_below
            yield field, outputs
            two_below, below = below, outputs

    def outputs(self, x: Tensor, statistics: str = "running") -> list[Tensor]:
        """What layers 1..L put out: the input first, the logits last; arguments as in :meth:`layers`."""
        return [x, *(outputs for _, outputs in self.layers(x, statistics))]

    def logits(self, x: Tensor, statistics: str = "running", **replaced) -> Tensor:
        """Logits (..., n, K); arguments as in :meth:`layers`."""
        return deque(self.layers(x, statistics, **replaced), maxlen=1).pop()[1]


def unfold(network: nn.Module) -> Unfolded:
    """`network` as affine layers with norms and activations between them.

    Raises
    ------
    ValueError
        For any module outside the chain Linear, BatchNorm1d, activation; the message names it. Also for a
        parameter or buffer that is not finite.
    """
    unfolded = _unfold(unwrapped(network))
    check_finite(network)
    return unfolded


def chain_inputs(network: nn.Module, x: Tensor) -> Tensor:
    """What reaches the first linear layer of a chain: `x` behind the Flatten modules in front of it.

    Parameters
    ----------
    network : Module
        A chain as in :func:`unfold`.
    x : (n, ...) tensor
    """
    for _, module in _leaves(unwrapped(network)):
        if isinstance(module, nn.Flatten):
            x = module(x) if x.ndim > 2 else x
        elif not isinstance(module, _TRANSPARENT):
            break
    return x


@at_rest
def last_hidden(network: nn.Module | Unfolded, x: Tensor, statistics: str = "running") -> Tensor:
    """What the last hidden layer puts out, (n, N); the inputs themselves where there is no hidden layer.

    Parameters
    ----------
    network : Module or Unfolded
        A chain of affine layers, batch norms and activations.
    x : (n, d) tensor
    statistics : {"running", "batch"}
        Of batch norm.
    """
    unfolded = network if isinstance(network, Unfolded) else unfold(network)
    with torch.no_grad():
        return unfolded.outputs(x, statistics)[-2]


def check_finite(network: nn.Module) -> None:
    """`ValueError` naming the first parameter or buffer of `network` that is not finite."""
    if (name := non_finite(network)) is not None:
        raise ValueError(f"network must have finite parameters and buffers, got NaN or infinity in {name}")


def normalised(field: Tensor, norm: nn.BatchNorm1d | None, statistics: str) -> Tensor:
    """Batch norm of `field` (..., n, N) with running statistics, or with those of the field itself."""
    if norm is None:
        return field
    gain, shift = folded(norm, *moments(field, norm, statistics))
    return gain * field + shift


def moments(field: Tensor, norm: nn.BatchNorm1d, statistics: str) -> tuple[Tensor, Tensor]:
    """Mean and variance that `norm` subtracts and divides by, (N,) or (..., 1, N)."""
    if choice("statistics", statistics, STATISTICS) == "batch":
        variance, mean = torch.var_mean(field, dim=-2, correction=0, keepdim=True)
        return mean, variance
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("statistics must be 'batch' where batch norm keeps no running estimates, got 'running'")
    return norm.running_mean, norm.running_var


def folded(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and shift of batch norm as an affine map."""
    gain = torch.rsqrt(variance + norm.eps)
    if norm.weight is not None:
        gain = gain * norm.weight
    shift = -gain * mean
    return gain, shift if norm.bias is None else shift + norm.bias


@torch.no_grad()
def with_statistics_of(network: nn.Module, x: Tensor) -> nn.Module:
    """A copy of any module whose running batch-norm statistics are those of the samples; itself without batch norm.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    x : (n, ...) tensor
        All samples together; layers above a batch norm see it with their statistics, as in training.

    Raises
    ------
    ValueError
        If a batch norm is called twice, with other statistics each time.
    """
    if not batch_norms(network):
        return network
    copy = deepcopy(network)
    called: set[int] = set()

    def measure(norm, args):
        if id(norm) in called:
            raise ValueError("statistics must be 'running' where a batch norm is called twice, got 'batch'")
        called.add(id(norm))
        axes = [axis for axis in range(args[0].ndim) if axis != 1]
        norm.running_var, norm.running_mean = torch.var_mean(args[0], dim=axes, correction=0)

    handles = [norm.register_forward_pre_hook(measure) for norm in batch_norms(copy)]
    copy(x.clone())  # some modules write into their inputs
    for handle in handles:
        handle.remove()
    return copy


@at_rest
def is_elementwise(module: nn.Module) -> bool:
    """Whether `module` is a leaf without parameters that acts on every entry alone, as activations do."""
    if next(module.children(), None) or next(module.parameters(), None) is not None:
        return False
    values = torch.linspace(-2, 2, 6)
    try:
        together = module(values[None].clone())
        alone = torch.cat([module(value.reshape(1, 1).clone()) for value in values], 1)
    except (RuntimeError, TypeError, ValueError):
        return False
    return together.shape == alone.shape and bool(torch.allclose(together, alone))


@at_rest
def _apart(activation: nn.Module) -> Callable[[Tensor], Tensor]:
    """The activation, or where it writes into what it is given, the activation of a copy."""
    before = torch.linspace(-8, 8, 33)
    given = before.clone()
    activation(given)
    return activation if torch.equal(given, before) else lambda h: activation(h.clone())


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    field = x @ weight.mT
    return field if bias is None else field + bias


def _is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether `module` computes what `kind` does: of that class, or of a subclass that inherits its `forward`."""
    return isinstance(module, kind) and type(module).forward is kind.forward and "forward" not in vars(module)


def _unfold(network: nn.Module) -> Unfolded:
    if _is_plain(network, ScaledOutput):
        assert isinstance(network, ScaledOutput)
        inner = _unfold(network.network)
        return Unfolded(inner.linears, inner.norms, inner.activations, inner.skips, network.factor * inner.scale)
    if _is_plain(network, MLP) and all(_is_plain(linear, nn.Linear) for linear in network.linears):  # pyright: ignore
        assert isinstance(network, MLP)
        hidden = len(network.linears) - 1
        skips = [network.residual and m >= 2 and m % 2 == 0 for m in range(hidden)]
        norms = list(network.norms) or [None] * hidden
        return Unfolded(list(network.linears), norms, [network.activation] * hidden, skips)  # pyright: ignore
    return _unfold_sequence(network)


def _unfold_sequence(network: nn.Module) -> Unfolded:
    linears, norms, activations = [], [], []
    for name, module in _leaves(network):
        if isinstance(module, _TRANSPARENT):
            continue
        if _is_plain(module, nn.Linear) and _fits(module, linears):
            linears.append(module)
            norms.append(None)
            activations.append(None)
        elif _is_plain(module, nn.BatchNorm1d) and linears and norms[-1] is None and activations[-1] is None:
            norms[-1] = module
        elif linears and activations[-1] is None and is_elementwise(module):
            activations[-1] = module
        else:
            raise ValueError(_refusal(name, module))
    if not linears:
        raise ValueError(f"network must have a Linear layer, got {type(network).__name__} without one")
    last = activations.pop() or norms.pop()
    if last is not None:
        raise ValueError(f"network must end in a Linear layer, got {type(last).__name__} after it")
    hidden = len(linears) - 1
    functions = [_identity if activation is None else _apart(activation) for activation in activations]
    return Unfolded(linears, norms[:hidden], functions, [False] * hidden)


def _fits(linear: nn.Module, below: Sequence[nn.Linear]) -> bool:
    """Whether a linear layer takes what the one below puts out, as it does not behind a Flatten of sequences."""
    return not below or below[-1].out_features == linear.in_features


def _leaves(network: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    if not _is_plain(network, nn.Sequential):
        yield prefix, network
        return
    for name, module in network._modules.items():  # named_children leaves out what stands there a second time
        assert module is not None
        yield from _leaves(module, f"{prefix}.{name}" if prefix else name)


def _refusal(name: str, module: nn.Module) -> str:
    where = f"layer {name!r}" if name else "the network"
    return f"network must be a chain of Linear, BatchNorm1d and activations, got {type(module).__name__} as {where}"
