"""What a network withstands: noise on its inputs and weights, and the loss of its activations."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from dnn.checks import draws_of, random_of
from dnn.data import Split
from dnn.networks.mlp import batch_norm_mode, checked_logits, classes_of
from dnn.observing.batches import as_batch
from dnn.probes.seeing import first, part_of, seen
from dnn.reading.basins import AMPLITUDES, sample_basin, weight_basin
from dnn.reading.linear_maps import pruned_accuracy
from dnn.reading.perturbations import readable
from dnn.reading.rank_densities import check_labels
from toymodels.validation import positive, times


def basins(
    network: nn.Module,
    split,
    *,
    draws: int = 2,
    samples: int = 1000,
    amplitudes=AMPLITUDES,
    rng: np.random.Generator | None = None,
    statistics: str = "running",
    output: Callable | None = None,
) -> dict[str, float]:
    """Basin radii in "sample" and in "weight" space.

    Where accuracy is one half or less already, both are 0; a basin wider than all amplitudes counts as the largest of
    them, a lower bound.

    Parameters
    ----------
    network, split : Module, Split
        Any classifier, and the data. `ValueError` for integer inputs, which take no noise.
    draws, amplitudes, statistics
        As in :func:`dnn.reading.basins.sample_basin`, which also says what is raised.
    samples : int
        The first so many training samples are used.
    rng : numpy Generator, optional
        If None, every call uses the same noise, so that a series shows the network change and not the noise.
    output : callable, optional
        From what the module returns to (n, K) logits.

    Examples
    --------
    Ten classes, each with a pixel of its own that the readout hands on. Noise is in units of the range of the pixels
    and of the spread of the weights: three times the contrast and three times the weights withstand as much.

    >>> network = nn.Linear(10, 10, bias=False)
    >>> network.weight.data = torch.eye(10)
    >>> x, y = torch.eye(10).repeat(50, 1), torch.arange(10).repeat(50)
    >>> once = basins(network, Split(x, y, x, y), draws=50)
    >>> network.weight.data *= 3
    >>> thrice = basins(network, Split(3 * x, y, 3 * x, y), draws=50)
    >>> [round(radius, 1) for radius in (*once.values(), *thrice.values())]
    [0.7, 2.4, 0.7, 2.4]
    """
    x, y = first(split, samples)
    if not x.is_floating_point():
        raise ValueError(
            "needs real inputs, to which noise can be added, got integers: embed them first, or take dnn.weight_basin"
        )
    amplitudes = times(positive("amplitudes", amplitudes), name="amplitudes")
    options = {"draws": draws_of("draws", draws), "amplitudes": amplitudes, "statistics": statistics}
    with seen(network, x, y, output) as look:
        x, y = look.given, look.y
        classifier = look.classifier()
        if look.repeats:
            classifier = deepcopy(classifier)  # torch's functional_call leaves other weights in a part with two names
        if _accuracy(classifier, x, y, statistics) <= 0.5:
            return {"sample": 0.0, "weight": 0.0}
        rng = random_of("rng", rng)
        radii = {
            "sample": sample_basin(classifier, x, y, rng, **options).radius,
            "weight": weight_basin(classifier, x, y, rng, **options).radius,
        }
    return {name: float(np.minimum(radius, amplitudes[-1])) for name, radius in radii.items()}


def linear_map_accuracy(
    network: nn.Module,
    split,
    *,
    part: str = "test",
    statistics: str = "running",
    method: str = "linear_map",
    output: Callable | None = None,
) -> np.ndarray:
    """Accuracy (L - 1,) with all activations from each start layer 2..L on made linear; the last is the network's.

    For chains, and for modules that are affine but for their activations, L - 2 being how many of these run:
    convolutions, residuals, activations called as functions. Attention, recurrence and norms other than batch norm have
    no linear map and raise `ValueError`.

    Parameters
    ----------
    network, split, part, statistics, method
        As in :func:`dnn.reading.linear_maps.pruned_accuracy`.
    output : callable, optional
        From what the module returns to (n, K) logits.

    Examples
    --------
    Without its activation |x| = relu(x) + relu(-x) is 0, and never above the threshold:

    >>> network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 2))
    >>> network[0].weight.data = torch.tensor([[1.0], [-1.0]])
    >>> network[2].weight.data, network[2].bias.data = torch.tensor([[0.0, 0], [1, 1]]), torch.tensor([0.5, 0])
    >>> x, y = torch.tensor([[-1.0], [0.0], [0.1], [1.0]]), torch.tensor([1, 0, 0, 1])
    >>> linear_map_accuracy(network, Split(x, y, x, y)).tolist()
    [0.5, 1.0]
    """
    with seen(network, *part_of(split, part), output) as look:
        read, _ = readable(look.module, look.given)
        train, test = (as_batch(part_of(split, name)).placed(read) for name in ("train", "test"))
        placed = Split(train.x, train.labels, test.x, test.labels)
        return pruned_accuracy(read, placed, method, statistics=statistics, part=part, output=output)


@torch.no_grad()
def accuracy(
    network: nn.Module, x: Tensor, y: Tensor, *, statistics: str = "running", output: Callable | None = None
) -> float:
    """Share of samples classified as `y`, by the largest logit, or by the sign of a single one.

    Parameters
    ----------
    network, x, y : Module, (P, ...) and (P,) tensors
        Any classifier, samples and labels.
    statistics : {"running", "batch"}
        Of batch norm.
    output : callable, optional
        From what the module returns to (n, K) logits.

    Raises
    ------
    ValueError
        For samples that the network does not take, and labels that are not (P,) integers in 0..K-1.

    Examples
    --------
    A single logit is read by its sign; this one says class 1 from x = 1 on:

    >>> network = nn.Linear(1, 1)
    >>> network.weight.data, network.bias.data = torch.tensor([[1.0]]), torch.tensor([-1.0])
    >>> accuracy(network, torch.tensor([[0.0], [0.5], [2.0], [3.0]]), torch.tensor([0, 1, 1, 1]))
    0.75
    """
    with seen(network, x, y, output) as look:
        return _accuracy(look.classifier(), look.given, look.y, statistics)


@torch.no_grad()
def _accuracy(classifier: nn.Module, x: Tensor, y: Tensor, statistics: str) -> float:
    with batch_norm_mode(classifier, statistics):
        logits = checked_logits(classifier, x.clone())  # some modules write into their inputs
    check_labels(y, len(x), max(logits.shape[1], 2))
    return float((classes_of(logits) == y).double().mean())
