"""What neurons are like: how many directions their weights have, and how much their outputs tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from dnn.observing.batches import as_batch
from dnn.observing.layers import Layer, layers_of, unwrapped
from dnn.observing.resting import at_rest, undisturbed
from dnn.observing.taps import in_full, tap
from dnn.probes.seeing import Seen, as_numpy, first, seen
from dnn.reading.rank_densities import MOST_BINS, check_labels
from dnn.reading.unfolding import STATISTICS, check_finite, unfold
from toymodels.condensation.grouping import clusters
from toymodels.condensation.similarity import effective_rank
from toymodels.metrics.information import binned
from toymodels.validation import choice, finite, positive_int

CHUNK = 300  # samples in one pass


@torch.no_grad()
@at_rest
def condensation(network: nn.Module, split, *, layer: int | str = 2, threshold: float | str = 0.99) -> dict[str, float]:
    """How far neurons of a `layer` point the same way, biases included: `clusters effective_rank`.

    Both are at most the number of neurons, and 1 when all are one.

    Parameters
    ----------
    network, split : Module, Split
        Any module; the first sample shows, off chains, which layers run.
    layer : int or str
        Hidden layer, 2..L-1, off chains counted as they run, heads and gates one by one. Or any layer by its name, as
        :func:`dnn.tap` has it, with the part of an attention or recurrent layer: "blocks.0.attention/queries.1".
        `ValueError` if all its weights are zero.
    threshold : float or "null"
        Cosine in (0, 1] from which neurons share a cluster; "null", the one that unrelated Gaussian neurons of that
        number and dimension exceed with probability 1e-3 in any pair.

    Examples
    --------
    Two of the three hidden neurons point the same way; the entropy of the shares 2/3 and 1/3 says 1.89 directions:

    >>> from dnn.data import Split
    >>> network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2))
    >>> network[0].weight.data = torch.tensor([[1.0, 0], [2, 0], [0, 1]])
    >>> x, y = torch.eye(2), torch.tensor([0, 1])
    >>> {name: round(value, 2) for name, value in condensation(network, Split(x, y, x, y)).items()}
    {'clusters': 2.0, 'effective_rank': 1.89}
    """
    if threshold != "null":
        threshold = float(finite("threshold", threshold, ndim=0))
    rows = _rows_of(network, layer) if isinstance(layer, str) else _rows_at(network, split, layer)
    return {
        "clusters": float(clusters(rows, threshold=threshold).max() + 1),
        "effective_rank": effective_rank(rows),
    }


def _rows_of(network: nn.Module, name: str) -> np.ndarray:
    inner = unwrapped(network)
    check_finite(inner)
    named = _named_rows(layers_of(inner))
    name = name.partition("#")[0]  # of a later call, with the same weights
    if name not in named:
        parts = [other for other in named if other.startswith(f"{name}/")]
        raise ValueError(f"layer must be one of {', '.join(parts or named)}, got {name!r}")
    return named[name]


def _rows_at(network: nn.Module, split, layer: int) -> np.ndarray:
    layer, inner = positive_int("layer", layer), unwrapped(network)
    check_finite(inner)
    try:
        unfolded = unfold(inner)
    except ValueError:
        rows = list(_named_rows(_hidden_layers(inner, split)).values())
    else:
        rows = [_rows(linear) for linear in unfolded.linears[:-1]]
    if not rows:
        raise ValueError("needs a hidden layer whose neurons have incoming weights")
    if not 2 <= layer < len(rows) + 2:
        raise ValueError(f"layer must be in 2..{len(rows) + 1}, got {layer}")
    return rows[layer - 2]


def _rows(linear: nn.Linear) -> np.ndarray:
    rows = linear.weight if linear.bias is None else torch.cat([linear.weight, linear.bias[:, None]], dim=1)
    return as_numpy(in_full(rows))


def _named_rows(layers: list[Layer]) -> dict[str, np.ndarray]:
    """Name and part -> rows (neurons, inputs), with the bias as last entry."""
    return {
        f"{layer.name}{part}": as_numpy(in_full(rows)) for layer in layers for part, rows in layer.weights().items()
    }


def _hidden_layers(network: nn.Module, split) -> list[Layer]:
    """Layers with neurons of their own in the order in which they ran, but the last."""
    sample = as_batch(first(split, 1)).placed(network)
    with undisturbed(network), tap(network) as listening:
        network(sample.x.clone())  # some modules write into their inputs
    last = list(listening.owners)[-1]
    ran = {owner.name: owner for name, owner in listening.owners.items() if name != last and not owner.is_norm}
    return list(ran.values())


@torch.no_grad()
def information(
    network: nn.Module,
    split,
    *,
    bins: int = 30,
    samples: int = 1000,
    statistics: str = "running",
    output: Callable | None = None,
) -> dict[str, np.ndarray]:
    """Binned information in bits that each hidden layer (L - 2,) carries: `input`, `labels`, `neuron`.

    Wide layers tell all samples apart, `input` is then log2 of their number; `neuron` is the mean over single neurons
    of their information about the labels and does not saturate. A layer that puts out one number is worth 0 bits. Off
    chains a hidden layer is what a weight-bearing layer takes in, activation and norm included, averaged over
    positions; the first to run, and those that read the samples themselves, are left out. On chains that is the same.

    Parameters
    ----------
    network, split, statistics, output
        As in :func:`dnn.probes.rank_gradients`.
    bins : int
        Equal intervals between a layer's extremes, the same for all its units.
    samples : int
        The first so many training samples are used.

    Examples
    --------
    A neuron that tells four samples apart carries 2 bits about which it is, and 1 about which of two classes:

    >>> from dnn.data import Split
    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 2))
    >>> network[0].weight.data = torch.tensor([[1.0]])
    >>> x, y = torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([0, 0, 1, 1])
    >>> {name: bits.tolist() for name, bits in information(network, Split(x, y, x, y), bins=4).items()}
    {'input': [2.0], 'labels': [1.0], 'neuron': [1.0]}
    """
    x, y = first(split, samples)
    given = as_numpy(as_batch((x, y)).labels)
    labels = check_labels(given, len(x), max(int(given.max(initial=0)) + 1, 1))[0]
    if positive_int("bins", bins) > MOST_BINS:
        raise ValueError(f"bins must be <= {MOST_BINS}, got {bins}")
    with seen(network, x, y, output) as look:
        if look.chain is None:
            layers = _taken_in(look, statistics)
        else:
            layers = [as_numpy(outputs) for outputs in look.chain.outputs(look.x, statistics)[1:-1]]
    bits = np.array([_bits(layer, labels, bins) for layer in layers]).reshape(-1, 3)
    return dict(zip(("input", "labels", "neuron"), bits.T.copy(), strict=True))


def _taken_in(look: Seen, statistics: str) -> list[np.ndarray]:
    """What the layers take in, (n, units) each, but the samples themselves."""
    choice("statistics", statistics, STATISTICS)
    module, kept = look.view(statistics).module, {}
    with undisturbed(module), tap(module) as listening:
        for start in range(0, len(look.given), CHUNK):
            listening.clear()
            part = look.given[start : start + CHUNK]
            module(part.clone())  # some modules write into their inputs
            for name, values in _between(listening.owners, listening.inputs, part):
                kept.setdefault(name, []).append(values)
    if not kept:
        raise ValueError("needs a hidden layer")
    return [as_numpy(torch.cat(parts)) for parts in kept.values()]


def _between(owners: dict[str, Layer], inputs: dict[str, Tensor], x: Tensor):
    """Name and what it took in, over positions averaged, of every layer that reads hidden ones."""
    own = [name for name, owner in owners.items() if not owner.is_norm]
    first = own[0].partition("/")[0]  # of an attention layer all parts
    for name in own:
        if name.partition("/")[0] == first:
            continue
        values = inputs.get(name)
        if values is not None and not (values.shape == x.shape and torch.equal(values, x)):
            arranged = in_full(owners[name].arranged(values))
            yield name, arranged.mean(1) if arranged.ndim > 2 else arranged


def _bits(layer: np.ndarray, labels: np.ndarray, bins: int) -> tuple[float, float, float]:
    """Information about the sample and about the class, and the mean over neurons of the latter."""
    edges = np.linspace(layer.min(), layer.max(), bins + 1)
    if (np.diff(edges) <= 0).any():  # a dead layer: its outputs differ by rounding at most
        return 0.0, 0.0, 0.0
    single = float(_neuron_information(layer, labels, edges).mean())
    return binned(layer, np.arange(len(layer)), edges), binned(layer, labels, edges), single


def _neuron_information(layer: np.ndarray, labels: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """`binned` of every column of `layer` (n, N) at once: (N,) bits."""
    n_bins, n_classes = len(edges) - 1, labels.max() + 1
    cells = np.clip(np.searchsorted(edges, layer, side="right") - 1, 0, n_bins - 1)
    cells = (cells + n_bins * np.arange(layer.shape[1])) * n_classes + labels[:, None]
    counts = np.bincount(cells.ravel(), minlength=layer.shape[1] * n_bins * n_classes)
    joint = counts.reshape(-1, n_bins, n_classes) / len(layer)
    return _entropy(joint.sum(2)) + _entropy(joint.sum(1)) - _entropy(joint.reshape(len(joint), -1))


def _entropy(p: np.ndarray) -> np.ndarray:
    """Entropy in bits of each row."""
    return -(p * np.log2(p, where=p > 0, out=np.zeros_like(p))).sum(axis=1)
