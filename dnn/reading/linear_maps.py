r"""The linear substitution map: what a network reads out of layer `l` once all later activations are the identity.

With batch norm folded, layer `m` is affine, :math:`A_m x + c_m`, and the logits are
:math:`M^{(l)} x^{(l)} + o^{(l)}` with

.. math:: M^{(L-1)} = W_L,\; o^{(L-1)} = b_L,\qquad M^{(m-1)} = M^{(m)} A_m,\; o^{(m-1)} = o^{(m)} + M^{(m)} c_m,

at a cost of K N^2 per layer [1]_. A residual connection adds a second matrix that acts on the layer below. Layers are
counted from the input, which is layer 1, to the logits, layer L. Modules that are no chain of layers but affine apart
from their activations (convolutions, residuals, activations called as functions) are probed instead: their tail with
activations switched off, at the unit vectors and at 0. There layer l is what the (l-1)-th activation puts out as they
run. Attention, recurrence, normalisation over neurons and softmax have no linear map, and are refused.

References
----------
.. [1] Order-preserving and non-order-preserving transformations in deep networks, 2025, Eqs. 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dnn.checks import samples_for, split_of
from dnn.networks.mlp import batch_norms, classes_of
from dnn.observing.layers import unwrapped
from dnn.observing.resting import at_rest
from dnn.reading.probing import linear_logits, probed_map
from dnn.reading.rank_densities import check_labels
from dnn.reading.unfolding import STATISTICS, Unfolded, chain_inputs, check_finite, folded, moments, unfold
from toymodels.validation import choice, positive_int


class Tail(NamedTuple):
    """Logits as an affine map of layer `l`: `matrix x_l + skip x_{l-1} + offset`; `skip` is None without a residual."""

    matrix: Tensor
    skip: Tensor | None
    offset: Tensor


@at_rest
def linear_map(
    network: nn.Module,
    layer: int,
    *,
    x: Tensor | None = None,
    statistics: str = "running",
    output: Callable | None = None,
) -> tuple[Tensor, Tensor]:
    """Matrix (K, N_l) and offset (K,) from the activations of `layer` to the logits, later activations linear.

    Parameters
    ----------
    network : Module
        A chain as in :func:`dnn.reading.unfolding.unfold`; or, with `x` given, any module whose only nonlinearities
        are activations, modules or functions of torch (layer `l` is then what the (l-1)-th activation call puts out).
    layer : int
        1 (the input) to L - 1.
    x : (n, d) tensor, optional
        Samples whose statistics batch norm uses under `statistics="batch"`.
    statistics : {"running", "batch"}
    output : callable, optional
        From what a module that is no chain returns to (n, K) logits, if it is neither these, nor has them as `.logits`
        or first.

    Returns
    -------
    matrix, offset : tensors
        Where a skip connection passes `layer` by, it is not part of the result: `matrix` is the derivative of the
        logits by the activations of `layer`.

    Raises
    ------
    ValueError
        For a layer out of range, weights that are not finite, a module that cannot be unfolded, naming the layer, or
        batch statistics in a module that is no chain.

    Examples
    --------
    Behind the ReLU the readout itself; from the input, with the ReLU the identity, the product of the two matrices:

    >>> network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> network[0].weight.data, network[2].weight.data = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.0, -1]])
    >>> linear_map(network, 2)[0].tolist(), linear_map(network, 1)[0].tolist()
    ([[1.0, -1.0]], [[-2.0, -2.0]])
    """
    layer = positive_int("layer", layer)
    choice("statistics", statistics, STATISTICS)
    check_finite(network)
    x = None if x is None else samples_for(network, x)
    try:
        unfolded = _chain(network, output)
    except ValueError:
        if x is None:
            raise
        if statistics == "batch" and batch_norms(network):
            raise ValueError("statistics must be 'running' in a network that is no chain, got 'batch'") from None
        return probed_map(unwrapped(network), layer, x, output)
    if layer >= unfolded.depth:
        raise ValueError(f"layer must be in 1..{unfolded.depth - 1}, got {layer}")
    tail = tails(unfolded, x, statistics)[layer - 1]
    return tail.matrix, tail.offset


def _chain(network: nn.Module, output: Callable | None) -> Unfolded:
    if output is not None:
        raise ValueError("x must be given beside output, got None")
    return unfold(network)


@torch.no_grad()
def tails(unfolded: Unfolded, x: Tensor | None = None, statistics: str = "running") -> list[Tail]:
    """The affine tail above every layer 1..L-1; arguments as in :func:`linear_map`."""
    choice("statistics", statistics, STATISTICS)
    last = unfolded.linears[-1]
    matrix, skip = unfolded.scale * last.weight, None
    offset = matrix.new_zeros(len(matrix)) if last.bias is None else unfolded.scale * last.bias
    result = [Tail(matrix, skip, offset)]
    blocks = _folded_layers(unfolded, x, statistics)
    for (weight, shift), has_skip in zip(reversed(blocks), reversed(unfolded.skips), strict=True):
        offset = offset + matrix @ shift
        through = matrix @ weight
        matrix, skip = (through if skip is None else through + skip), (matrix if has_skip else None)
        result.append(Tail(matrix, skip, offset))
    return result[::-1]


def _folded_layers(unfolded: Unfolded, x: Tensor | None, statistics: str) -> list[tuple[Tensor, Tensor]]:
    """A_m and c_m of the hidden layers."""
    inputs = None
    if statistics == "batch" and any(unfolded.norms):
        if x is None:
            raise ValueError("x must be given when statistics are those of a batch, got None")
        inputs = unfolded.outputs(x, "batch")
    layers = []
    for m, norm in enumerate(unfolded.norms):
        linear = unfolded.linears[m]
        weight, bias = linear.weight, linear.bias
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        if norm is not None:
            field = bias if inputs is None else inputs[m] @ weight.T + bias
            mean, variance = moments(field, norm, statistics)
            gain, shift = folded(norm, mean.reshape(-1), variance.reshape(-1))
            weight, bias = gain[:, None] * weight, gain * bias + shift
        layers.append((weight, bias))
    return layers


@torch.no_grad()
@at_rest
def pruned_accuracy(
    network: nn.Module,
    split,
    method: str = "linear_map",
    *,
    statistics: str = "running",
    part: str = "test",
    output: Callable | None = None,
) -> np.ndarray:
    """Accuracy with all activations from a start layer on made linear, for every start layer, in one forward pass.

    Parameters
    ----------
    network : Module
        A chain as in :func:`dnn.reading.unfolding.unfold`; for "linear_map" any that :func:`linear_map` takes.
    split : Split
        With `x_train, y_train, x_test, y_test`.
    method : {"linear_map", "perceptron"}
        "perceptron" fits the tail anew: least squares from activations to the network's own logits on the
        training part.
    statistics : {"running", "batch"}
        Of batch norm.
    part : {"test", "train"}
        Where accuracy is measured.
    output : callable, optional
        As in :func:`linear_map`.

    Returns
    -------
    (L - 1,) array
        Entry 0 keeps no activation (start at layer 2); the last entry is the network itself (start at layer L). Off
        chains L - 2 is the number of activation calls.

    Raises
    ------
    ValueError
        For labels that do not fit, an unknown option, and a network that is not affine without its activations; the
        message names the module at fault, and the way out.

    Examples
    --------
    Without its activation |x| = relu(x) + relu(-x) is 0, and never above the threshold:

    >>> from dnn.data import Split
    >>> network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 2))
    >>> network[0].weight.data = torch.tensor([[1.0], [-1.0]])
    >>> network[2].weight.data, network[2].bias.data = torch.tensor([[0.0, 0], [1, 1]]), torch.tensor([0.5, 0])
    >>> x, y = torch.tensor([[-1.0], [0.0], [0.1], [1.0]]), torch.tensor([1, 0, 0, 1])
    >>> pruned_accuracy(network, Split(x, y, x, y)).tolist()
    [0.5, 1.0]
    """
    choice("method", method, ("linear_map", "perceptron"))
    choice("part", part, ("test", "train"))
    split_of(split)
    x, y = (split.x_test, split.y_test) if part == "test" else (split.x_train, split.y_train)
    if method == "perceptron":
        logits = perceptron_logits(network, split.x_train, x, statistics=statistics)
    else:
        logits = linear_map_logits(network, x, statistics=statistics, output=output)
    check_labels(y, len(x), max(logits[-1].shape[1], 2))
    return np.array([float((classes_of(row) == y).double().mean()) for row in logits])


@torch.no_grad()
@at_rest
def linear_map_logits(
    network: nn.Module, x: Tensor, *, statistics: str = "running", output: Callable | None = None
) -> list[Tensor]:
    """Logits (n, K) of the network made linear from every start layer 2..L on; arguments as in :func:`linear_map`."""
    choice("statistics", statistics, STATISTICS)
    check_finite(network)
    x = samples_for(network, x)
    try:
        unfolded = _chain(network, output)
    except ValueError:
        return _probed_logits(unwrapped(network), x, statistics, output)
    x = chain_inputs(network, x)
    below, logits = x, []
    for inputs, tail in zip(unfolded.outputs(x, statistics)[:-1], tails(unfolded, x, statistics), strict=True):
        direct = inputs @ tail.matrix.T + tail.offset
        logits.append(direct if tail.skip is None else direct + below @ tail.skip.T)
        below = inputs
    return logits


def _probed_logits(network: nn.Module, x: Tensor, statistics: str, output: Callable | None) -> list[Tensor]:
    if statistics == "batch" and batch_norms(network):
        raise ValueError("statistics must be 'running' in a network that is no chain, got 'batch'")
    return linear_logits(network, x, output)


@torch.no_grad()
@at_rest
def perceptron_logits(
    network: nn.Module, x_train: Tensor, x: Tensor, *, statistics: str = "running", ridge: float = 1e-6
) -> list[Tensor]:
    """Logits at `x` of linear perceptrons fitted, at every layer, to the network's own logits on `x_train`.

    The normal equations are solved in float64 with `ridge` times their mean diagonal added, for dead neurons.
    """
    try:
        unfolded = unfold(network)
    except ValueError as error:
        raise ValueError(f"{error}; off chains method 'linear_map' may do") from None
    x_train, x = (chain_inputs(network, samples_for(network, each)) for each in (x_train, x))
    *train, target = unfolded.outputs(x_train, statistics)
    return [
        _least_squares(inputs, target, ridge, at).to(target.dtype)
        for inputs, at in zip(train, unfolded.outputs(x, statistics)[:-1], strict=True)
    ]


def _least_squares(inputs: Tensor, target: Tensor, ridge: float, at: Tensor) -> Tensor:
    inputs, target = inputs.double(), target.double()
    center, mean = inputs.mean(0), target.mean(0)
    inputs = inputs - center
    gram = inputs.T @ inputs
    gram.diagonal().add_(ridge * gram.diagonal().mean() + torch.finfo(gram.dtype).tiny)
    weights = torch.linalg.solve(gram, inputs.T @ (target - mean))
    return (at.double() - center) @ weights + mean


@at_rest
def mean_jacobian(network: nn.Module, x: Tensor, *, statistics: str = "running") -> list[Tensor]:
    """Derivative of the logits by the activations of layers 2..L-1, averaged over `x`: (K, N_l) each."""
    unfolded = unfold(network)
    with torch.enable_grad():
        activations, logits = _with_gradients(unfolded, x, statistics)
        rows = [
            torch.autograd.grad(total, activations, retain_graph=True) for total in logits.mean(0)
        ]  # K lists of (n, N_l)
    return [torch.stack([row[m].sum(0) for row in rows]) for m in range(len(activations))]


def _with_gradients(unfolded: Unfolded, x: Tensor, statistics: str) -> tuple[list[Tensor], Tensor]:
    x = x.detach().requires_grad_(True)  # so that every activation is part of the graph
    _, *hidden, logits = unfolded.outputs(x, statistics)
    return hidden, logits


@at_rest
def sign_agreement(network: nn.Module, x: Tensor, *, statistics: str = "running") -> np.ndarray:
    """Share of entries, per hidden layer (L - 2,), where the linear map and the mean Jacobian over `x` agree in sign.

    1 for a linear network, about 1/2 if the linear map says nothing about the true direction. `ValueError` for inputs
    that are not finite.
    """
    if not torch.isfinite(x).all():
        raise ValueError("x must be finite, got NaN or infinity among its entries")
    maps = tails(unfold(network), x, statistics)[1:]
    jacobians = mean_jacobian(network, x, statistics=statistics)
    pairs = zip(maps, jacobians, strict=True)
    return np.array([float((tail.matrix.sign() == jac.sign()).double().mean()) for tail, jac in pairs])
