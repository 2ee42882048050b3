"""Numbers to record while a network trains: each is `probe(network, split)` and returns a float, an array or a dict.

They read any chain of Linear, BatchNorm1d and activations (an `MLP`, an `nn.Sequential`), change nothing in it, and
work inside a user's own loop as well as in `train(..., probes={"gradient": probes.rank_gradients})`. Options are
set with `functools.partial`. Values are finite, as a `Trajectory` wants them. Where not said otherwise a `ValueError`
is raised for a network that is no such chain or has weights that are not finite, and for an unknown option.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from dnn.networks.mlp import batch_norm_mode, checked_logits
from dnn.reading.basins import AMPLITUDES, sample_basin, weight_basin
from dnn.reading.kernels import tangent_kernel
from dnn.reading.linear_maps import pruned_accuracy, tails
from dnn.reading.rank_densities import check_labels, rank_gradient
from dnn.reading.unfolding import Unfolded, check_finite, last_hidden, unfold
from toymodels.condensation.grouping import clusters
from toymodels.condensation.similarity import effective_rank
from toymodels.layerwise.kernels import kernel_distance as distance_of_kernels
from toymodels.metrics import collapse as collapse_metrics
from toymodels.metrics.elasticity import contrast
from toymodels.metrics.information import binned
from toymodels.validation import choice, positive_int

_first_kernels: WeakKeyDictionary[nn.Module, Tensor] = WeakKeyDictionary()


def rank_gradients(network: nn.Module, split, *, part: str = "train", statistics: str = "batch") -> np.ndarray:
    """Gradient of the rank probability density, averaged over classes and neurons, of each hidden layer: (L - 2,).

    Parameters
    ----------
    network, split : Module, Split
        A chain as in :func:`dnn.reading.unfolding.unfold`, of L layers with the input; and the data.
    part : {"train", "test"}
        Which samples are looked at; every class needs one, else `ValueError`.
    statistics : {"running", "batch"}
        Of batch norm; "batch" are those of the samples themselves.
    """
    x, y = _part(split, part)
    return np.array([gradient.mean() for gradient in layer_gradients(network, x, y, statistics)])


@torch.no_grad()
def layer_gradients(network: nn.Module, x: Tensor, y: Tensor, statistics: str = "running") -> list[np.ndarray]:
    """Rank gradients (K, N_l) of every hidden layer 2..L-1.

    Parameters
    ----------
    network, statistics
        As in :func:`rank_gradients`.
    x, y : (P, d) and (P,) tensors
        Samples and labels, each class among them; else `ValueError`.
    """
    unfolded = unfold(network)
    fields = [field for field, _ in unfolded.layers(x, statistics)][:-1]
    maps = tails(unfolded, x, statistics)[1:]
    return [rank_gradient(field, tail.matrix, y) for field, tail in zip(fields, maps, strict=True)]


def basins(
    network: nn.Module,
    split,
    *,
    draws: int = 2,
    samples: int = 1000,
    amplitudes=AMPLITUDES,
    rng: np.random.Generator | None = None,
    statistics: str = "running",
) -> dict[str, float]:
    """Basin radii in "sample" and in "weight" space.

    Where accuracy is one half or less already, both are 0; a basin wider than all amplitudes counts as the largest of
    them, a lower bound.

    Parameters
    ----------
    network, split : Module, Split
        Any classifier, and the data.
    draws, amplitudes, statistics
        As in :func:`dnn.reading.basins.sample_basin`, which also says what is raised.
    samples : int
        The first so many training samples are used.
    rng : numpy Generator, optional
        If None, every call uses the same noise, so that a series shows the network change and not the noise.
    """
    check_finite(network)
    x, y = _first(split, samples)
    options = {"draws": draws, "amplitudes": amplitudes, "statistics": statistics}
    if accuracy(network, x, y, statistics=statistics) <= 0.5:
        return {"sample": 0.0, "weight": 0.0}
    rng = np.random.default_rng(0) if rng is None else rng
    radii = {
        "sample": sample_basin(network, x, y, rng, **options).radius,
        "weight": weight_basin(network, x, y, rng, **options).radius,
    }
    return {name: float(np.minimum(radius, amplitudes[-1])) for name, radius in radii.items()}


def linear_map_accuracy(
    network: nn.Module, split, *, part: str = "test", statistics: str = "running", method: str = "linear_map"
) -> np.ndarray:
    """Accuracy (L - 1,) with all activations from each start layer 2..L on made linear; the last is the network's.

    Parameters
    ----------
    network, split, part, statistics, method
        As in :func:`dnn.reading.linear_maps.pruned_accuracy`.
    """
    return pruned_accuracy(network, split, method, statistics=statistics, part=part)


@torch.no_grad()
def collapse(network: nn.Module, split, *, part: str = "train", statistics: str = "running") -> dict[str, float]:
    """Neural collapse of the last hidden layer: `nc1 within_between nc2_norm nc2_angle nc3 nc4`, 0 when complete.

    Parameters
    ----------
    network, split, part, statistics
        As in :func:`rank_gradients`. `ValueError` also where the class means do not differ.
    """
    x, y = _part(split, part)
    unfolded = unfold(network)
    features, labels = _numpy(last_hidden(unfolded, x, statistics)), y.cpu().numpy()
    weight, bias = _readout(unfolded)
    equinorm, equiangular = collapse_metrics.nc2(features, labels)
    return {
        "nc1": collapse_metrics.nc1(features, labels),
        "within_between": collapse_metrics.within_between(features, labels),
        "nc2_norm": equinorm,
        "nc2_angle": equiangular,
        "nc3": collapse_metrics.nc3(features, labels, weight),
        "nc4": collapse_metrics.nc4(features, labels, weight, bias),
    }


@torch.no_grad()
def condensation(network: nn.Module, split, *, layer: int = 2, threshold: float = 0.99) -> dict[str, float]:
    """How far neurons of a hidden `layer` point the same way, biases included: `clusters effective_rank`.

    Both are at most the number of neurons, and 1 when all are one.

    Parameters
    ----------
    network, split
        As in :func:`rank_gradients`; `split` is not looked at.
    layer : int
        Hidden layer, 2..L-1; `ValueError` if all its weights are zero.
    threshold : float
        Cosine in (0, 1] from which neurons share a cluster.
    """
    unfolded = unfold(network)
    if not 2 <= positive_int("layer", layer) < unfolded.depth:
        raise ValueError(f"layer must be in 2..{unfolded.depth - 1}, got {layer}")
    linear = unfolded.linears[layer - 2]
    rows = _numpy(linear.weight if linear.bias is None else torch.cat([linear.weight, linear.bias[:, None]], dim=1))
    return {
        "clusters": float(clusters(rows, threshold=threshold).max() + 1),
        "effective_rank": effective_rank(rows),
    }


def kernel_distance(network: nn.Module, split, *, reference: nn.Module | None = None, samples: int = 100) -> float:
    """1 minus the cosine between the tangent kernels of `network` and of `reference` on training samples.

    0 for a network that trains as a linear model does.

    Parameters
    ----------
    network, split
        As in :func:`rank_gradients`; batch norm uses its running statistics.
    reference : Module, optional
        If None, the network as it was when first probed in this process; a run that may be interrupted and resumed
        should pass a copy of the initial network.
    samples : int
        The first so many training samples are used, the same number in every call without `reference`.
    """
    x, _ = _first(split, samples)
    kernel = tangent_kernel(network, x, trace=True)
    if reference is None:
        first = _first_kernels.setdefault(network, kernel)
    else:
        first = tangent_kernel(reference, x, trace=True)
    return distance_of_kernels(_numpy(first), _numpy(kernel))


@torch.no_grad()
def elasticity(network: nn.Module, split, *, bases: int = 10, samples: int = 200) -> float:
    """Decades by which a vanishing SGD step on a sample moves its own class more than other classes.

    The step is on the cross-entropy of one base sample; it moves the logits at other samples by the tangent kernel,
    whatever the learning rate. The mean over bases is returned.

    Parameters
    ----------
    network, split
        As in :func:`rank_gradients`; batch norm uses its running statistics.
    bases, samples : int
        The first so many training samples are bases, and are watched. `ValueError` if a base is the only one of its
        class among those watched, or has no other class beside it.
    """
    x, y = _first(split, samples)
    n_bases = min(positive_int("bases", bases), len(x))
    direction = _loss_direction(unfold(network).logits(x[:n_bases]), y[:n_bases])
    n_classes = direction.shape[1]
    kernel = tangent_kernel(network, x, x[:n_bases]).reshape(n_classes, len(x), n_classes, n_bases)
    change = _numpy(torch.einsum("knlb,bl->bnk", kernel, direction))
    still, labels = np.zeros_like(change[0]), y.cpu().numpy()
    return float(np.mean([contrast(still, moved, base, labels) for base, moved in enumerate(change)]))


@torch.no_grad()
def information(
    network: nn.Module, split, *, bins: int = 30, samples: int = 1000, statistics: str = "running"
) -> dict[str, np.ndarray]:
    """Binned information in bits that each hidden layer (L - 2,) carries: `input`, `labels`, `neuron`.

    Wide layers tell all samples apart, `input` is then log2 of their number; `neuron` is the mean over single neurons
    of their information about the labels and does not saturate. A layer that puts out one number is worth 0 bits.

    Parameters
    ----------
    network, split, statistics
        As in :func:`rank_gradients`.
    bins : int
        Equal intervals between a layer's extremes, the same for all its units.
    samples : int
        The first so many training samples are used.
    """
    x, y = _first(split, samples)
    labels = y.cpu().numpy()
    values = {"input": [], "labels": [], "neuron": []}
    for outputs in unfold(network).outputs(x, statistics)[1:-1]:
        layer = _numpy(outputs)
        edges = np.linspace(layer.min(), layer.max(), bins + 1)
        if (np.diff(edges) <= 0).any():  # a dead layer: its outputs differ by rounding at most
            bits = (0.0, 0.0, 0.0)
        else:
            single = _neuron_information(layer, labels, edges).mean()
            bits = (binned(layer, np.arange(len(layer)), edges), binned(layer, labels, edges), single)
        for numbers, number in zip(values.values(), bits, strict=True):
            numbers.append(number)
    return {name: np.array(numbers) for name, numbers in values.items()}


@torch.no_grad()
def accuracy(network: nn.Module, x: Tensor, y: Tensor, *, statistics: str = "running") -> float:
    """Share of samples classified as `y`.

    Parameters
    ----------
    network, x, y : Module, (P, d) and (P,) tensors
        Any classifier, samples and labels.
    statistics : {"running", "batch"}
        Of batch norm.

    Raises
    ------
    ValueError
        For samples that the network does not take, and labels that are not (P,) integers in 0..K-1.
    """
    with batch_norm_mode(network, statistics):
        logits = checked_logits(network, x)
    check_labels(y, len(x), logits.shape[1])
    return float((logits.argmax(1) == y).double().mean())


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


def _loss_direction(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy's gradient by the logits up to its size, which vanishes for samples classified with certainty."""
    own = nn.functional.one_hot(y, logits.shape[1]).bool()
    return torch.softmax(logits.masked_fill(own, -torch.inf), dim=1) - own.to(logits.dtype)


def _readout(unfolded: Unfolded) -> tuple[np.ndarray, np.ndarray | None]:
    last = unfolded.linears[-1]
    return _numpy(last.weight), None if last.bias is None else _numpy(last.bias)


def _first(split, samples: int) -> tuple[Tensor, Tensor]:
    samples = positive_int("samples", samples)
    return split.x_train[:samples], split.y_train[:samples]


def _part(split, part: str) -> tuple[Tensor, Tensor]:
    if choice("part", part, ("train", "test")) == "train":
        return split.x_train, split.y_train
    return split.x_test, split.y_test


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
