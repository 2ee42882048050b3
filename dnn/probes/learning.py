"""What one more step would do: how far the tangent kernel has turned, and how local an update is."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from dnn.observing.layers import unwrapped
from dnn.probes.seeing import Seen, as_numpy, first, seen
from dnn.reading.kernels import tangent_kernel
from dnn.reading.rank_densities import check_labels
from dnn.reading.tangents import kernel_by_samples, moves_by_steps
from toymodels.layerwise.kernels import kernel_distance as distance_of_kernels
from toymodels.metrics.elasticity import contrast
from toymodels.validation import positive_int

_first_kernels: WeakKeyDictionary[nn.Module, np.ndarray] = WeakKeyDictionary()


def kernel_distance(
    network: nn.Module,
    split,
    *,
    reference: nn.Module | None = None,
    samples: int = 100,
    output: Callable | None = None,
) -> float:
    """1 minus the cosine between the tangent kernels of `network` and of `reference` on training samples.

    0 for a network that trains as a linear model does. The kernel is that of all parameters in a chain of linear
    layers, of the trainable ones in any other module.

    Parameters
    ----------
    network, split, output
        As in :func:`dnn.probes.rank_gradients`; batch norm uses its running statistics.
    reference : Module, optional
        If None, the network as it was when first probed in this process; a run that may be interrupted and resumed
        should pass a copy of the initial network.
    samples : int
        The first so many training samples are used, the same number in every call without `reference`.

    Examples
    --------
    A step in one weight of the first layer changes the kernel 2 I of two orthogonal samples into diag(2, 1); the cosine
    between them is 6/(sqrt(8) sqrt(5)).

    >>> from dnn.data import Split
    >>> start = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    >>> start[0].weight.data, start[1].weight.data = torch.eye(2), torch.tensor([[1.0, 0.0]])
    >>> end = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    >>> end[0].weight.data, end[1].weight.data = torch.diag(torch.tensor([1.0, 0.0])), torch.tensor([[1.0, 0.0]])
    >>> split = Split(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), torch.tensor([0, 1]))
    >>> round(kernel_distance(end, split, reference=start), 4), round(1 - 6 / 40**0.5, 4)
    (0.0513, 0.0513)
    """
    x, y = first(split, samples)
    kernel = _kernel(network, x, y, output)
    if reference is None:
        start = _first_kernels.setdefault(unwrapped(network), kernel)
    else:
        start = _kernel(reference, x, y, output)
    return distance_of_kernels(start, kernel)


def _kernel(network: nn.Module, x: Tensor, y: Tensor, output: Callable | None) -> np.ndarray:
    with seen(network, x, y, output) as look:
        if look.chain is None or look.is_tied:
            return as_numpy(kernel_by_samples(look.module, look.given, output))
        return as_numpy(tangent_kernel(look.module, look.x, trace=True))


@torch.no_grad()
def elasticity(
    network: nn.Module, split, *, bases: int = 10, samples: int = 200, output: Callable | None = None
) -> float:
    """Decades by which a vanishing SGD step on a sample moves its own class more than other classes.

    The step is on the cross-entropy of one base sample; it moves the logits at other samples by the tangent kernel,
    whatever the learning rate. The mean over bases is returned.

    Parameters
    ----------
    network, split, output
        As in :func:`dnn.probes.rank_gradients`; batch norm uses its running statistics.
    bases, samples : int
        The first so many training samples are bases, and are watched. `ValueError` if a base is the only one of its
        class among those watched, or has no other class beside it, or moves nothing of its class or of others.

    Examples
    --------
    With x = (1, 0) for one class, (0, 1) for the other and a bias the kernel of a linear readout is 2 within a class,
    1 between them: log10(2) decades.

    >>> from dnn.data import Split
    >>> x, y = torch.eye(2).repeat(2, 1), torch.tensor([0, 1, 0, 1])
    >>> round(elasticity(nn.Linear(2, 2), Split(x, y, x, y)), 3)
    0.301
    """
    x, y = first(split, samples)
    n_bases = min(positive_int("bases", bases), len(x))
    with seen(network, x, y, output) as look:
        change = _moves(look, n_bases)
    still, labels = np.zeros_like(change[0]), y.cpu().numpy()
    decades = [contrast(still, moved, base, labels) for base, moved in enumerate(change)]
    if not np.isfinite(decades).all():
        base = int(np.isfinite(decades).argmin())
        raise ValueError(f"needs steps that move samples of every kind, got {decades[base]} decades for base {base}")
    return float(np.mean(decades))


def _moves(look: Seen, n_bases: int) -> np.ndarray:
    """Change of all logits (n_bases, n, K) by a step on each base."""
    if look.chain is None or look.is_tied:
        n_classes = look.classifier()(look.given[:1].clone()).shape[1]
        _check_classes(look, n_classes)
        labels = look.y
        return as_numpy(
            moves_by_steps(
                look.module,
                look.given,
                lambda logits, base: _loss_direction(logits[None], labels[base : base + 1])[0],
                n_bases,
                look.output,
            )
        )
    _check_classes(look, look.chain.widths[-1])
    direction = _loss_direction(look.chain.logits(look.x[:n_bases]), look.y[:n_bases])
    n_classes = direction.shape[1]
    kernel = tangent_kernel(look.module, look.x, look.x[:n_bases])
    kernel = kernel.reshape(n_classes, len(look.x), n_classes, n_bases)
    return as_numpy(torch.einsum("knlb,bl->bnk", kernel, direction))


def _check_classes(look: Seen, n_classes: int) -> None:
    if n_classes < 2:
        raise ValueError("needs two logits or more, got a single one: return its negative beside it")
    check_labels(look.y, len(look.x), n_classes)


def _loss_direction(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy's gradient by the logits up to its size, which vanishes for samples classified with certainty."""
    own = nn.functional.one_hot(y, logits.shape[1]).bool()
    return torch.softmax(logits.masked_fill(own, -torch.inf), dim=1) - own.to(logits.dtype)
