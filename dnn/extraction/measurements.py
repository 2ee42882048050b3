"""What a network does, to be held against what its graph says; nothing here sees a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from dnn.checks import bools, shareable
from dnn.extraction.fields import fields_of
from dnn.networks.mlp import classes_of
from dnn.observing.batches import logits_of
from dnn.observing.layers import layers_of, unwrapped
from dnn.observing.resting import undisturbed
from dnn.probes.seeing import as_numpy, seen
from dnn.reading.tangents import moves_by_steps
from toymodels.metrics._samples import integer_labels
from toymodels.metrics.curves import rank_correlation
from toymodels.neurashed.sparsity import participation_ratio
from toymodels.validation import finite, positive

CHUNK = 1000  # samples in one pass


def measure_elasticity(
    network: nn.Module, x: Tensor, y: Tensor, bases: ArrayLike, tests: ArrayLike, output: Callable | None = None
) -> np.ndarray:
    """Change of the logits at test samples relative to that at the base, by a vanishing SGD step on the base.

    The step is on the cross-entropy of the base, as in :func:`dnn.probes.elasticity`.

    Parameters
    ----------
    network : Module
        Nothing in it is changed; batch norm uses its running statistics.
    x, y : (n, ...) and (n,) tensors
    bases, tests : (n_bases,) and (n_tests,) integers
        Samples, by their rows.
    output : callable, optional
        From what the module returns to (n, K) logits.

    Returns
    -------
    (n_bases, n_tests) array

    Raises
    ------
    ValueError
        For samples that the network does not take, or a base whose own logits do not move.
    """
    rows = np.concatenate([np.asarray(bases, dtype=int), np.asarray(tests, dtype=int)])
    n_bases = len(rows) - len(np.asarray(tests))
    with seen(network, x[rows], y[rows], output) as look:
        labels = look.y

        def direction(logits: Tensor, base: int) -> Tensor:
            own = nn.functional.one_hot(labels[base], len(logits)).bool()  # up to a size that may vanish
            return torch.softmax(logits.masked_fill(own, -torch.inf), dim=0) - own.to(logits.dtype)

        moved = moves_by_steps(look.module, look.given, direction, n_bases, look.output)
    size = np.linalg.norm(as_numpy(moved), axis=2)
    still = np.flatnonzero(size[np.arange(n_bases), np.arange(n_bases)] == 0)
    if still.size:
        raise ValueError(f"bases must move their own logits, got none moved at row {rows[still[0]]}")
    return size[:, n_bases:] / size[np.arange(n_bases), np.arange(n_bases)][:, None]


def between_classes(change: ArrayLike, base_labels: ArrayLike, test_labels: ArrayLike) -> np.ndarray:
    """Elasticity from every class to every class: the median over bases of the mean over tests.

    Parameters
    ----------
    change : (n_bases, n_tests) array
        Rows of NaN are bases that say nothing.
    base_labels, test_labels : (n_bases,) and (n_tests,) integers
        Every class has a test, and a base that says something.

    Returns
    -------
    (K, K) array
        From row to column.

    Raises
    ------
    ValueError
        If a class has no base or no test.

    Examples
    --------
    >>> between_classes([[1.0, 0.2], [0.4, 1.0]], [0, 1], [0, 1]).tolist()
    [[1.0, 0.2], [0.4, 1.0]]
    """
    values = np.asarray(change, dtype=float)
    says = ~np.isnan(values).all(axis=1)
    from_, to = integer_labels(base_labels, len(values))[says], integer_labels(test_labels, values.shape[1])
    classes = range(to.max() + 1)
    missing = [k for k in classes if not (from_ == k).any() or not (to == k).any()]
    if missing or from_.max(initial=0) > to.max():
        raise ValueError(f"every class must have a base and a test, got none for {missing or [int(from_.max())]}")
    means = np.stack([values[says][:, to == k].mean(axis=1) for k in classes], axis=1)
    return np.stack([np.median(means[from_ == k], axis=0) for k in classes])


def agreement(predicted: ArrayLike | None, measured: ArrayLike) -> float:
    """Rank correlation of two (K, K) matrices over the ordered pairs of different classes.

    Parameters
    ----------
    predicted : (K, K) array or None
        None, or what does not vary, agrees with nothing: 0.
    measured : (K, K) array
    """
    wanted = finite("measured", measured, ndim=2)
    if predicted is None:
        return 0.0
    apart = ~np.eye(len(wanted), dtype=bool)
    found = rank_correlation(finite("predicted", predicted, ndim=2)[apart], wanted[apart])
    return 0.0 if np.isnan(found) else found


def pair_effect(change: ArrayLike) -> np.ndarray:
    r"""What of the elasticity hangs on the pair of classes, beyond how much each moves others and is moved.

    The remainder :math:`r_{ab}` of :math:`\ln \mathrm{LE}_{ab} = \mu_a + \nu_b + r_{ab}`, fitted by least squares over
    the pairs of different classes.

    Parameters
    ----------
    change : (K, K) array
        Off the diagonal > 0.

    Returns
    -------
    (K, K) array
        0 on the diagonal, which is not fitted.

    Raises
    ------
    ValueError
        If two different classes do not move each other, or the matrix is not square.

    Examples
    --------
    >>> np.abs(pair_effect(np.outer([1.0, 2.0, 3.0], [5.0, 1.0, 1.0]))).max() < 1e-12
    np.True_
    """
    values = finite("change", change, ndim=2)
    n = len(values)
    if values.shape != (n, n):
        raise ValueError(f"change must be square, got shape {values.shape}")
    base, test = np.nonzero(~np.eye(n, dtype=bool))
    logs = np.log(positive("change between classes", values[base, test]))
    design = np.hstack([base[:, None] == np.arange(n), test[:, None] == np.arange(n)]).astype(float)
    rest = np.zeros((n, n))
    rest[base, test] = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    return rest


@torch.no_grad()
def measure_kept(
    network: nn.Module, x: Tensor, y: Tensor, kept: Mapping[str, ArrayLike], output: Callable | None = None
) -> float:
    """Accuracy when only some units of some layers are kept and the fields of all others are 0.

    With batch norm, use a network without it: what is 0 before the norm is a constant after it.

    Parameters
    ----------
    network, x, y, output
        As in :func:`measure_elasticity`.
    kept : mapping of str to (n_units,) bool array
        By the name of the layer, linear or a convolution; an empty mapping keeps everything.

    Raises
    ------
    ValueError
        For a layer that is none, or a wrong number of units.
    """
    inner = unwrapped(network)
    right = 0
    with seen(inner, x, y, output) as look, _cut(look.module, kept):
        for start in range(0, len(look.y), CHUNK):
            rows = slice(start, start + CHUNK)
            logits = logits_of(look.module(look.given[rows].clone()), look.output)
            right += int((classes_of(logits) == look.y[rows]).sum())
    return right / len(y)


@contextmanager
def _cut(network: nn.Module, kept: Mapping[str, ArrayLike]) -> Iterator[None]:
    known = {layer.name: layer.module for layer in layers_of(network)}
    with ExitStack() as stack:
        for name, units in kept.items():
            module = known.get(name)
            if not isinstance(module, nn.Linear | _ConvNd):
                raise ValueError(f"kept must name linear layers and convolutions of {', '.join(known)}, got {name!r}")
            mask = torch.as_tensor(shareable(bools(f"kept[{name!r}]", units)), device=module.weight.device)
            if mask.shape != module.weight.shape[:1]:
                raise ValueError(f"kept must say of {len(module.weight)} units of {name}, got {tuple(mask.shape)}")
            if isinstance(module, _ConvNd):
                mask = mask.reshape(-1, *[1] * (module.weight.ndim - 2))

            def silence(module, inputs, outputs, mask=mask):
                return outputs * mask

            stack.callback(module.register_forward_hook(silence).remove)
        yield


def measure_participation(network: nn.Module, x: Tensor, layers: str = "*") -> np.ndarray:
    """Participation ratio of the mean activity of the units of every hidden layer, (n_layers,).

    Parameters
    ----------
    network : Module
    x : (n, ...) tensor
    layers : str
        As in :func:`dnn.extraction.fields.fields_of`.

    Returns
    -------
    (n_layers,) array
        Between 1, one unit alone, and the number of units.
    """
    with undisturbed(network):
        fields = fields_of(network, x, layers)
    return np.array([participation_ratio(np.maximum(values, 0).mean(axis=0)) for values in fields.values()])
