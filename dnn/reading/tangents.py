r"""Tangent kernels and first steps of any torch module, by automatic differentiation.

With :math:`J(x) = \partial f(x) / \partial\theta` over the trainable parameters, the kernel of output k is
:math:`J_k(x) J_k(x')^\top`, and a vanishing step along the gradient of a loss at sample b moves the logits at x by
:math:`J(x) J(b)^\top \partial\ell/\partial f(b)` [1]_. One output, or one sample, is differentiated at a time, so
memory holds a gradient a sample. Half precision is read in float32. Chains of layers have faster exact formulas in
:mod:`dnn.reading.kernels`, over all parameters, frozen ones too.

References
----------
.. [1] Jacot, Gabriel and Hongler (2018). Neural tangent kernel. arXiv:1806.07572.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from dnn.observing.batches import logits_of
from dnn.observing.resting import at_rest, slow_attention
from dnn.observing.taps import in_full
from dnn.reading.replacing import called_with

Parameters = dict[str, Tensor]
Logits = Callable[[Parameters, Tensor], Tensor]


@at_rest
def kernel_by_samples(module: nn.Module, x: Tensor, output: Callable | None = None) -> Tensor:
    """Tangent kernel, averaged over equal outputs.

    Parameters
    ----------
    module : Module
        In evaluation mode; nothing in it is changed.
    x : (n, ...) tensor
    output : callable, optional
        From what the module returns to (n, K) logits.

    Returns
    -------
    (n, n) float64 tensor

    Raises
    ------
    ValueError
        If the module has no trainable parameter.

    Examples
    --------
    A linear map without bias has the kernel x . x':

    >>> kernel_by_samples(nn.Linear(2, 3, bias=False), torch.tensor([[1.0, 0.0], [2.0, 1.0]])).tolist()
    [[1.0, 2.0], [2.0, 5.0]]
    """
    logits, parameters = _by_parameters(module, output)
    with torch.enable_grad():
        n_outputs = logits(parameters, x[:1]).shape[1]
        kernel = torch.zeros(len(x), len(x), dtype=torch.float64, device=x.device)
        for k in range(n_outputs):
            for gradients in _gradients(logits, parameters, x, k).values():
                flat = gradients.flatten(1)
                kernel += inner_products(flat)
    return kernel.detach() / n_outputs


@at_rest
def moves_by_steps(
    module: nn.Module, x: Tensor, direction: Callable[[Tensor, int], Tensor], n_bases: int, output=None
) -> Tensor:
    """Change of all logits by a unit step along J(b)^T d for each of the first samples b.

    Parameters
    ----------
    module, x, output
        As in :func:`kernel_by_samples`.
    direction : callable
        From the logits (K,) of a base and its number to d (K,), a loss's gradient by them up to its size.
    n_bases : int

    Returns
    -------
    (n_bases, n, K) float64 tensor
        Moves uphill; a step of descent moves the other way.

    Raises
    ------
    ValueError
        If the module has no trainable parameter.
    """
    logits, parameters = _by_parameters(module, output)
    moved = []
    with torch.enable_grad():
        for base in range(n_bases):
            sample = x[base : base + 1]

            def along(values, sample=sample, base=base):
                own = logits(values, sample)[0]
                return (own * direction(own.detach(), base)).sum()

            step = torch.func.grad(along)(parameters)
            moved.append(moved_along(step, lambda values: logits(values, x), parameters))
    return torch.stack(moved).double()


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Without fused recurrent and attention kernels, which have no forward derivative."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)  # said on setting the flags back
        warnings.filterwarnings("ignore", ".*torch.jit.script.*", DeprecationWarning)  # of torch's own code
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # of what is not vectorised
        with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), slow_attention():
            yield


def moved_along(step: Parameters, function: Callable[[Parameters], Tensor], parameters: Parameters) -> Tensor:
    """Derivative of a function at some parameters along a step.

    Parameters
    ----------
    step : dict of str to tensor
    function : callable
        From parameters to a tensor. Where an operation has no forward derivative, it is differentiated backwards twice.
    parameters : dict of str to tensor
    """
    with plain_kernels():
        try:
            return torch.func.jvp(function, (parameters,), (step,))[1].detach()
        except NotImplementedError:
            out, back, *_ = torch.func.vjp(function, parameters)
            pull = torch.func.vjp(lambda direction: back(direction)[0], torch.zeros_like(out))[1]
            return pull(step)[0].detach()


def inner_products(rows: Tensor) -> Tensor:
    """(n, n) of rows (n, d) in float64, summed there only where their own precision has no room.

    Parameters
    ----------
    rows : (n, d) tensor
    """
    products = rows @ rows.T
    if not torch.isfinite(products).all() or products.diagonal().max() < 1e-30:
        products = rows.double() @ rows.double().T
    return products.double()


def _by_parameters(module: nn.Module, output: Callable | None) -> tuple[Logits, Parameters]:
    """Logits as a function of the trainable parameters, and these."""
    values = {name: in_full(value.detach()) for name, value in module.named_parameters()}
    parameters = {name: values[name] for name, value in module.named_parameters() if value.requires_grad}
    if not parameters:
        raise ValueError("needs a trainable parameter, got a frozen module: a copy with requires_grad_(True) will do")
    fixed = {**values, **{name: in_full(value) for name, value in module.named_buffers()}}

    def logits(changed: Parameters, x: Tensor) -> Tensor:
        given = in_full(x.clone())  # some modules write into their inputs
        return logits_of(called_with(module, {**fixed, **changed}, (given,)), output)

    return logits, parameters


def _gradients(logits: Logits, parameters: Parameters, x: Tensor, k: int) -> Parameters:
    """Gradient of logit k by every parameter, (n, ...), for every sample; at once where the module allows it."""
    gradient = torch.func.grad(lambda values, sample: logits(values, sample[None])[0, k])
    try:
        with plain_kernels():
            return torch.func.vmap(gradient, in_dims=(None, 0))(parameters, x)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, NotImplementedError):  # modules that branch on values, for one
        rows = [gradient(parameters, sample) for sample in x]
        return {name: torch.stack([row[name] for row in rows]) for name in parameters}
