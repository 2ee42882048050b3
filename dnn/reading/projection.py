r"""The last hidden layer seen in the plane in which the readout works, and how training and test clouds overlap there.

With :math:`W_L = U S V^\top` the plane is spanned by the two leading right singular vectors, and a sample is shown at
:math:`x^{(L-1)} V_2`; nothing is trained for the picture [1]_. Cosines to class centres follow the first version of the
same paper, with and without the global mean, as ReLU activations are positive and so never orthogonal.

References
----------
.. [1] Order-preserving and non-order-preserving transformations in deep networks, 2025, Figs. 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dnn.checks import samples_for, shareable
from dnn.observing.resting import at_rest
from dnn.reading.rank_densities import check_every_class, check_labels
from dnn.reading.unfolding import chain_inputs, last_hidden, unfold
from toymodels.validation import positive_int


@torch.no_grad()
@at_rest
def project(network: nn.Module, x: Tensor, *, statistics: str = "running") -> Tensor:
    """Samples in the plane of the two leading right singular vectors of the readout: (n, 2).

    Parameters
    ----------
    network : Module
        A chain as in :func:`dnn.reading.unfolding.unfold`, with at least two classes and two neurons in the last hidden
        layer.
    x : (n, d) tensor
    statistics : {"running", "batch"}
        Of batch norm; "batch" are those of `x`.

    Returns
    -------
    (n, 2) tensor
        The largest entry of either singular vector is positive, which fixes its sign.

    Raises
    ------
    ValueError
        If the network is no such chain, or too narrow for a plane.

    Examples
    --------
    The readout stretches the second neuron most, so that it is the first axis of the plane:

    >>> network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    >>> network[0].weight.data, network[2].weight.data = torch.eye(2), torch.diag(torch.tensor([1.0, 3.0]))
    >>> project(network, torch.tensor([[5.0, 7.0]])).tolist()
    [[7.0, 5.0]]
    """
    unfolded = unfold(network)
    x = chain_inputs(network, samples_for(network, x))
    return last_hidden(unfolded, x, statistics) @ leading_directions(unfolded.linears[-1].weight)


def leading_directions(weight: Tensor, n: int = 2) -> Tensor:
    """Leading `n` right singular vectors of `weight` (K, N) as columns (N, n), largest entry of each positive."""
    n = positive_int("n", n)
    if min(weight.shape) < n:
        raise ValueError(f"weight must have at least {n} rows and columns, got shape {tuple(weight.shape)}")
    directions = torch.linalg.svd(weight.detach(), full_matrices=False).Vh[:n].T
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    return directions * largest.sign()


@dataclass(frozen=True)
class Overlap:
    """How the test cloud lies on the training cloud.

    Attributes
    ----------
    plane_accuracy, full_accuracy : float
        Share of test samples nearest to the training centroid of their own class, in the plane and in the whole
        last hidden layer.
    energy_distance : float
        Between both clouds in the plane, divided by twice their mean distance: 0 for equal distributions, at most 1.
    mean_shift : float
        Distance in the plane between training and test centroid of a class, averaged over classes, in units of the
        pooled standard deviation within classes; 0 without a shift, `inf` for a shift of classes without spread.
    spread : float
        Standard deviation of the test cloud over that of the training cloud, in the plane; near 0 when it collapsed,
        `inf` when only the training cloud is a single point.
    """

    plane_accuracy: float
    full_accuracy: float
    energy_distance: float
    mean_shift: float
    spread: float


@torch.no_grad()
@at_rest
def overlap(network: nn.Module, split, *, statistics: tuple[str, str] = ("running", "running")) -> Overlap:
    """Numbers for the overlap of training and test clouds in the plane of :func:`project`.

    Parameters
    ----------
    network : Module
        As in :func:`project`.
    split : Split
        Every class in both parts.
    statistics : pair of {"running", "batch"}
        Of batch norm for the training and the test part.

    Raises
    ------
    ValueError
        As :func:`project`; or for labels outside 0..K-1, a class without samples, or clouds in one single point.
    """
    unfolded = unfold(network)
    n_classes = unfolded.widths[-1]
    for part, y in (("train", split.y_train), ("test", split.y_test)):
        _, counts = check_labels(y, len(y), n_classes)
        check_every_class(counts, f"y_{part}")
    train = last_hidden(unfolded, split.x_train, statistics[0])
    test = last_hidden(unfolded, split.x_test, statistics[1])
    plane = leading_directions(unfolded.linears[-1].weight)
    flat, flat_test = train @ plane, test @ plane
    centers, test_centers = class_means(flat, split.y_train), class_means(flat_test, split.y_test)
    residuals = torch.cat([flat - centers[split.y_train], flat_test - test_centers[split.y_test]])
    return Overlap(
        plane_accuracy=_centroid_accuracy(flat_test, split.y_test, centers),
        full_accuracy=_centroid_accuracy(test, split.y_test, class_means(train, split.y_train)),
        energy_distance=energy_distance(flat, flat_test),
        mean_shift=_ratio((centers - test_centers).norm(dim=1).mean(), _deviation(residuals)),
        spread=_ratio(_deviation(flat_test - flat_test.mean(0)), _deviation(flat - flat.mean(0))),
    )


def energy_distance(points: Tensor, other: Tensor, largest: int = 2000) -> float:
    """Energy distance of two clouds (n, d) and (m, d) over twice their mean distance: in [0, 1], 0 if equal.

    Clouds of more than `largest` points are represented by their first ones.
    """
    points, other = points[:largest].double(), other[:largest].double()
    between, within = torch.cdist(points, other).mean(), torch.cdist(points, points).mean()
    within_other = torch.cdist(other, other).mean()
    if not between > 0:
        raise ValueError("points must not all coincide, got two clouds in a single point")
    return max(0.0, float(1 - (within + within_other) / (2 * between)))


def class_means(features: Tensor, labels: Tensor) -> Tensor:
    """Mean of each class 0..max, (K, d); `ValueError` for one without samples, or features that are not finite."""
    if not torch.isfinite(features).all():
        raise ValueError("features must be finite, got NaN or infinity among their entries")
    labels = torch.from_numpy(shareable(check_labels(labels, len(features), len(features))[0])).to(features.device)
    one_hot = nn.functional.one_hot(labels).to(features.dtype)
    counts = one_hot.sum(0)
    check_every_class(counts)
    return one_hot.T @ features / counts[:, None]


@dataclass(frozen=True, eq=False)
class Cosines:
    """Cosines to class centres by layer, `(L - 1, ...)`, the input first.

    Attributes
    ----------
    own : (L - 1, K) array
        Mean cosine between the samples of a class and its centre; 1 when the class is one direction.
    between : (L - 1,) array
        Mean cosine between two different centres; -1/(K - 1) for a centred simplex, 0 if orthogonal.
    """

    own: np.ndarray
    between: np.ndarray


@torch.no_grad()
@at_rest
def class_cosines(
    network: nn.Module, x: Tensor, y: Tensor, *, centered: bool = False, statistics: str = "running"
) -> Cosines:
    """Cosines of activations to their class centres, and between centres, in layers 1..L-1.

    With `centered` the mean over all samples is subtracted first. `ValueError` for labels that do not fit or a class
    without samples.
    """
    unfolded = unfold(network)
    labels, counts = check_labels(y, len(x), unfolded.widths[-1])
    check_every_class(counts, "y")
    own, between = [], []
    for features in unfolded.outputs(x, statistics)[:-1]:
        cosines, gram = center_cosines(features, y, centered=centered)
        chosen = cosines.gather(1, y[:, None])[:, 0].cpu().numpy()
        own.append(np.bincount(labels, weights=chosen) / counts)
        between.append(float((gram.sum() - gram.trace()) / (gram.numel() - len(gram))))
    return Cosines(np.array(own), np.array(between))


def center_cosines(features: Tensor, labels: Tensor, *, centered: bool = False) -> tuple[Tensor, Tensor]:
    """Cosines (n, K) of samples to class centres, and (K, K) among centres; 0 for a zero vector.

    `ValueError` for a class in 0..max without samples.
    """
    if centered:
        features = features - features.mean(0)
    centers = nn.functional.normalize(class_means(features, labels), dim=1)
    return nn.functional.normalize(features, dim=1) @ centers.T, centers @ centers.T


def _centroid_accuracy(points: Tensor, labels: Tensor, centers: Tensor) -> float:
    return float((torch.cdist(points, centers).argmin(1) == labels).double().mean())


def _ratio(value: Tensor, unit: Tensor) -> float:
    """`value / unit`, and 0 for a value of 0 whatever the unit."""
    return float(value / unit) if value != 0 else 0.0


def _deviation(residuals: Tensor) -> Tensor:
    return residuals.square().mean().sqrt()
