"""Fields of the hidden layers of any module, from which the firing of its units is read."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dnn.observing.batches import as_batch
from dnn.observing.layers import Layer, unwrapped
from dnn.observing.passes import CHUNK, averaged, hidden_names
from dnn.observing.resting import undisturbed
from dnn.observing.taps import tap
from dnn.reading.unfolding import check_finite
from toymodels.metrics._samples import integer_labels
from toymodels.validation import finite

Fields = Mapping[str, np.ndarray]


@torch.no_grad()
def fields_of(network: nn.Module, x: Tensor, layers: str = "*") -> dict[str, np.ndarray]:
    """What the units of every hidden layer put out before their activation.

    Parameters
    ----------
    network : Module
        Any that takes a single tensor; nothing in it is changed.
    x : (n, ...) tensor
    layers : str
        Which hidden layers, as of a shell: "*", "blocks.*".

    Returns
    -------
    dict of str to (n, units) array
        In the order in which the layers run, as :func:`dnn.tap` names them: all but the last. Batch norm that follows
        a layer counts as part of it. Of sequences and images the mean over positions.

    Raises
    ------
    ValueError
        If no hidden layer fits, the network is not finite, or does not take `x`.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> {name: values.shape for name, values in fields_of(network, torch.zeros(5, 3)).items()}
    {'0': (5, 4)}
    """
    inner = unwrapped(network)
    check_finite(inner)
    batch = as_batch((x, torch.zeros(len(x), dtype=torch.long))).placed(inner)
    kept: dict[str, list[np.ndarray]] = {}
    with undisturbed(inner), tap(inner) as listening:
        for start in range(0, len(batch), CHUNK):
            listening.clear()
            _called(inner, batch.x[start : start + CHUNK].clone())  # some modules write into their inputs
            fields = listening.fields
            for name, place in _read_at(listening.owners, fields).items():
                if fnmatch.fnmatchcase(name, layers):
                    kept.setdefault(name, []).append(averaged(fields[place]).double().cpu().numpy())
            known = ", ".join(hidden_names(listening.owners)) or "none"
    if not kept:
        raise ValueError(f"layers must fit a hidden layer ({known}), got {layers!r}")
    return {name: finite(f"field of {name}", np.concatenate(parts)) for name, parts in kept.items()}


def _called(network: nn.Module, x: Tensor) -> None:
    try:
        network(x)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, IndexError, TypeError) as error:
        got = f"{tuple(x.shape)} of {x.dtype}"
        raise ValueError(f"x must have a shape and dtype that network takes, got {got}: {error}") from error


def _read_at(owners: dict[str, Layer], fields: dict[str, Tensor]) -> dict[str, str]:
    """Hidden layer -> where its field is read: at its own output, or at the batch norm that follows."""
    order = list(owners)
    places = {}
    for name in hidden_names(owners):
        after = order[order.index(name) + 1]
        normed = isinstance(owners[after].module, _BatchNorm) and fields[after].shape == fields[name].shape
        places[name] = after if normed else name
    return places


def shuffled(fields: Fields, rng: np.random.Generator, labels: ArrayLike | None = None) -> dict[str, np.ndarray]:
    """Fields of every unit in another order of the samples, each unit by itself: what fires together no longer does.

    Parameters
    ----------
    fields : mapping of str to (n, units) array
    rng : numpy.random.Generator
    labels : (n,) integers, optional
        If given, samples are exchanged within their class only: every unit keeps how often it fires for each class.

    Returns
    -------
    dict of str to (n, units) array

    Examples
    --------
    >>> moved = shuffled({"hidden": np.arange(6.0).reshape(3, 2)}, np.random.default_rng(0))
    >>> sorted(moved["hidden"][:, 1].tolist())
    [1.0, 3.0, 5.0]
    """
    moved = {}
    for name, values in fields.items():
        values = finite(f"field of {name}", values, ndim=2).copy()
        groups = np.zeros(len(values), int) if labels is None else integer_labels(labels, len(values))
        for group in np.unique(groups):
            rows = groups == group
            values[rows] = rng.permuted(values[rows], axis=0)
        moved[name] = values
    return moved
