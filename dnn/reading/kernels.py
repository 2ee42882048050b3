r"""Empirical tangent kernels of multilayer perceptrons, layer by layer.

The gradient of a logit by a weight matrix is an outer product, so its inner products factor,

.. math:: \Theta_{kk'}(x, x') = \sum_l \big(\delta^l_k(x)\cdot\delta^l_{k'}(x')\big)
    \big(x^{l-1}(x)\cdot x^{l-1}(x') + 1\big),\qquad \delta^l_k = \partial f_k/\partial(W^l x^{l-1} + b^l),

with the 1 for the bias [1]_. No Jacobian by parameters is ever formed. Gains and shifts of batch norm, evaluated with
running statistics, add a term each.

References
----------
.. [1] Jacot, Gabriel and Hongler (2018). Neural tangent kernel. arXiv:1806.07572.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from dnn.observing.resting import at_rest
from dnn.reading.rank_densities import check_labels
from dnn.reading.unfolding import Unfolded, folded, moments, unfold
from toymodels.validation import positive


class _Factor(NamedTuple):
    """Gradients of a layer's parameters as products of `back` (n, K, N) and `forward` (n, d); None for all ones."""

    back: Tensor
    forward: Tensor | None


@torch.no_grad()
@at_rest
def tangent_kernel(network: nn.Module, x: Tensor, other: Tensor | None = None, *, trace: bool = False) -> Tensor:
    """Inner products of parameter gradients of the logits.

    Parameters
    ----------
    network : Module
        A chain as in :func:`dnn.reading.unfolding.unfold`; batch norm with running statistics.
    x : (n, d) tensor
    other : (m, d) tensor, optional
        `x` itself if None.
    trace : bool
        Average over equal outputs k = k' instead of keeping all pairs.

    Returns
    -------
    (K n, K m) tensor, the output index slow; (n, m) with `trace`
        Not divided by the number of samples or parameters.

    Raises
    ------
    ValueError
        If the network is no such chain.
    """
    unfolded = unfold(network)
    left = _factors(unfolded, x)
    right = left if other is None else _factors(unfolded, other)
    kernel: Tensor | None = None
    for (back, forward), (back_other, forward_other) in zip(left, right, strict=True):
        part = _inner(back, back_other, trace)
        if forward is not None and forward_other is not None:
            gram = forward @ forward_other.T
            part *= gram if trace else gram.repeat(back.shape[1], back.shape[1])
        kernel = part if kernel is None else kernel.add_(part)
    assert kernel is not None
    return kernel / unfolded.widths[-1] if trace else kernel


@torch.no_grad()
@at_rest
def kernel_predictions(network: nn.Module, x_train: Tensor, y_train: Tensor, x: Tensor, ridge: float = 1e-4) -> Tensor:
    """Ridge regression on one-hot labels with the network's present tangent kernel, averaged over outputs.

    Parameters
    ----------
    network, x_train, x
        As in :func:`tangent_kernel`.
    y_train : (n,) integers in 0..K-1
    ridge : float
        Added to the diagonal, in units of the kernel's mean diagonal.

    Returns
    -------
    (m, K) float64 tensor
        Scores of the classes at `x`, the mean label included; their argmax is the prediction.
    """
    ridge = float(positive("ridge", ridge))
    check_labels(y_train, len(x_train), n_classes := unfold(network).widths[-1])
    kernel = tangent_kernel(network, x_train, trace=True).double()
    kernel.diagonal().add_(ridge * kernel.diagonal().mean())
    target = nn.functional.one_hot(y_train, n_classes).double()
    weights = torch.cholesky_solve(target - target.mean(0), torch.linalg.cholesky(kernel))
    return tangent_kernel(network, x, x_train, trace=True).double() @ weights + target.mean(0)


@at_rest
def kernel_accuracy(network: nn.Module, split, ridge: float = 1e-4) -> float:
    """Test accuracy of :func:`kernel_predictions` fitted to the training part of `split`.

    What the network would reach if features froze now: far above its own accuracy, the kernel has learnt more
    than the readout; far below, the network is not in the kernel regime.
    """
    scores = kernel_predictions(network, split.x_train, split.y_train, split.x_test, ridge)
    check_labels(split.y_test, len(split.x_test), scores.shape[1])
    return float((scores.argmax(1) == split.y_test).double().mean())


def _inner(back: Tensor, other: Tensor, trace: bool) -> Tensor:
    if trace:
        return back.flatten(1) @ other.flatten(1).T
    return back.transpose(0, 1).flatten(0, 1) @ other.transpose(0, 1).flatten(0, 1).T


def _factors(unfolded: Unfolded, x: Tensor) -> list[_Factor]:
    """Factors of the gradients of all parameters, from the output layer down."""
    inputs, fields = [x], []
    for field, outputs in unfolded.layers(x):
        inputs.append(outputs)
        fields.append(field)
    n, n_classes = len(x), unfolded.widths[-1]
    back = unfolded.scale * torch.eye(n_classes, dtype=x.dtype, device=x.device).expand(n, -1, -1)
    factors = _linear_factors(unfolded.linears[-1], back, inputs[-2])
    back, skipped = back @ unfolded.linears[-1].weight, None  # by the activations of the layer, of the one below
    for m in reversed(range(len(unfolded.norms))):
        linear, norm = unfolded.linears[m], unfolded.norms[m]
        delta = back * _slope(unfolded.activations[m], fields[m])[:, None]
        if norm is not None:
            mean, variance = moments(fields[m], norm, "running")
            gain = folded(norm, mean, variance)[0]
            if norm.weight is not None:
                field = linear(inputs[m])
                factors.append(_Factor(delta * ((field - mean) * torch.rsqrt(variance + norm.eps))[:, None], None))
                factors.append(_Factor(delta, None))
            delta = delta * gain
        factors += _linear_factors(linear, delta, inputs[m])
        through = delta @ linear.weight
        back, skipped = (through if skipped is None else through + skipped), (back if unfolded.skips[m] else None)
    return factors


def _linear_factors(linear: nn.Linear, delta: Tensor, inputs: Tensor) -> list[_Factor]:
    if linear.bias is not None:
        inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)
    return [_Factor(delta, inputs)]


def _slope(activation, field: Tensor) -> Tensor:
    with torch.enable_grad():
        field = field.detach().requires_grad_(True)
        return torch.autograd.grad(activation(field).sum(), field)[0]
