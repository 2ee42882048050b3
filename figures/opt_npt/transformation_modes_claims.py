"""What Figure 1, Section II.B and Section IV.B of the 2025 paper say of the two modes of transformation."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.transformation_modes_runs import ACTIVATIONS, UNITS
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every, median

PAIRS = ("two tanh", "two ReLU", "one tanh")
UNIT = {unit: k for k, unit in enumerate(UNITS)}
NETWORK = {activation: k for k, activation in enumerate(ACTIVATIONS)}


def misplaced(data: Data, pair: str) -> np.ndarray:
    """Ranks (sequences x places,) between wanted and found place of the maximum."""
    return data["pair_misplaced"][PAIRS.index(pair)].ravel().astype(float)


def reordered(data: Data, unit: str) -> np.ndarray:
    """How far each trained unit has changed the order of its samples."""
    return data["unit_reordered"][UNIT[unit]]


def correlation(data: Data, activation: str, name: str, *, size: bool = False) -> np.ndarray:
    """Spearman's correlation over neurons of the rank gradient, or its size, and another measure, every network."""
    from scipy.stats import spearmanr

    gradients, others = (data[f"network_{key}"][NETWORK[activation]] for key in ("gradient", name))
    gradients = np.abs(gradients) if size else gradients
    return np.array([spearmanr(*both)[0] for both in zip(gradients, others, strict=True)])


def steepness(data: Data, activation: str) -> np.ndarray:
    """Size of a hidden neuron's rank gradient, mean over the neurons of every network.

    Its sign is left out: it is that of the readout, which a Gaussian neuron beyond its peak turns round.
    """
    return np.abs(data["network_gradient"][NETWORK[activation]]).mean(1)


def within_classes(data: Data) -> np.ndarray:
    """Mean over classes of Spearman's correlation between a digit's rank gradient and basin, every tanh network.

    Within a class, for a class that attracts noise has wide basins whatever its neurons do.
    """
    from scipy.stats import rankdata

    k, found = NETWORK["tanh"], []
    for run in range(data["network_sample_class"].shape[1]):
        labels = data["network_sample_class"][k, run]
        values = []
        for label in np.unique(labels):
            ranks = [
                rankdata(data[f"network_sample_{name}"][k, run][labels == label]) for name in ("gradient", "radius")
            ]
            if min(np.ptp(rank) for rank in ranks) > 0:
                values.append(np.corrcoef(*ranks)[0, 1])
        found.append(np.mean(values) if values else 0.0)
    return np.array(found)


def _reorders(key: str, place: str, unit: str, statement: str) -> Claim:
    words = "1 - |Kendall's tau| of local fields and trained outputs, 0 where order is kept"
    return Claim(
        f"transformation_modes.{key}",
        place,
        statement,
        Quantity(f"{words}: {unit}", lambda data: reordered(data, unit)),
        median > 0.5,
        why="the best of the starts ends in a monotone unit",
        defence="the paper says that such units can change the order, not that training finds it",
    )


def _placed(key: str, pair: str, statement: str) -> Claim:
    return Claim(
        f"transformation_modes.{key}",
        "Section II.B",
        statement,
        Quantity(
            f"ranks between the wanted and the found place of the maximum, {pair}, constructed for every place",
            lambda data: misplaced(data, pair),
        ),
        every("place").equals(0),
        why="some place cannot be reached",
        defence="other slopes or shifts of the two neurons may reach it",
    )


CLAIMS = (
    Claim(
        "transformation_modes.monotone-keeps",
        "Figure 1a, Section II.B",
        "A single neuron with a monotone activation keeps the order of its samples, whatever it is trained to.",
        Quantity(
            "1 - |Kendall's tau| of local fields and trained outputs, 0 where order is kept: one tanh",
            lambda data: reordered(data, "one tanh"),
        ),
        every("start").equals(0),
    ),
    _reorders(
        "gaussian-reorders",
        "Section II.B",
        "one Gaussian",
        "A single Gaussian neuron changes the order of its samples.",
    ),
    _reorders("two-tanh-reorder", "Figure 1b, Section II.B", "two tanh", "Two tanh neurons together change the order."),
    _reorders("two-relu-reorder", "Section II.B", "two ReLU", "Two ReLU neurons together change the order."),
    _placed("two-tanh-anywhere", "two tanh", "Two tanh neurons suffice for a maximum at any place of the sequence."),
    _placed("two-relu-anywhere", "two ReLU", "Two ReLU neurons have a similar capability."),
    Claim(
        "transformation_modes.one-tanh-at-the-end",
        "Section II.B",
        "A single tanh neuron has its maximum at the end of the sequence, wherever it is wanted.",
        Quantity(
            "share of the wanted places at which one tanh neuron has its maximum, every sequence",
            lambda data: (data["pair_misplaced"][PAIRS.index("one tanh")] == 0).mean(-1),
        ),
        median < 0.05,
        source=CONTROL,
    ),
    Claim(
        "transformation_modes.flat-when-reordered",
        "Figure 1c, 1d",
        "The more a neuron changes the order of its samples, the flatter the ranks of its classes.",
        Quantity(
            "Spearman's correlation over Gaussian neurons of 1 - |Kendall's tau| of local field and activation and the "
            "size of the rank gradient",
            lambda data: correlation(data, "gaussian", "folded", size=True),
        ),
        median < -0.5,
        fixed=AFTER,
        why="neurons that fold their samples have classes at the ends of their ranks as well",
        defence="1,000 digits are nearly separable: little forces these neurons across their peak",
    ),
    Claim(
        "transformation_modes.flatter-than-linear",
        "Figure 1c, 1d",
        "A layer of neurons that can reorder has flatter ranks than one of linear neurons.",
        Quantity(
            "size of the rank gradient of Gaussian neurons trained on digits, mean over neurons, over the median of "
            "linear ones",
            lambda data: steepness(data, "gaussian") / np.median(steepness(data, "linear")),
        ),
        median < 0.5,
        source=READING,
        fixed=AFTER,
        why="neurons that fold little are as steep as linear ones, and there are enough of them",
        defence="that a neuron can reorder does not say that it does: those that do are flatter",
    ),
    Claim(
        "transformation_modes.aligned-when-kept",
        "Figure 1c, 1d",
        "Weight vectors concentrate in few directions where order is kept, and hardly where it is not.",
        Quantity(
            "mean squared cosine of weight vectors over that at first, Gaussian neurons over the median of linear ones",
            lambda data: (
                data["network_alignment"][NETWORK["gaussian"]] / np.median(data["network_alignment"][NETWORK["linear"]])
            ),
        ),
        median < 0.8,
        why="the weight vectors of Gaussian neurons concentrate as much",
        defence="a drawing of two classes in a plane, not of ten in 784 dimensions",
    ),
    Claim(
        "transformation_modes.neurons",
        "Section II.C",
        "The rank gradient of a neuron tells how far the network keeps its order.",
        Quantity(
            "Spearman's correlation over tanh neurons of the rank gradient and the share of pairs of digits that the "
            "logits order otherwise",
            lambda data: correlation(data, "tanh", "reversed"),
        ),
        median < -0.5,
        source=READING,
        why="which pairs a network orders otherwise depends on more than the ranks of its classes",
        defence="the paper defines the mode of a neuron by no measure of its own",
    ),
    Claim(
        "transformation_modes.samples",
        "Section IV.B",
        "Digits that lie at the top of their neurons' ranks stand more noise, within a class as well.",
        Quantity(
            "Spearman's correlation of a digit's rank gradient and the radius of its basin within its class, mean "
            "over classes, tanh networks",
            within_classes,
        ),
        median > 0.3,
        source=READING,
        why="within a class the basins follow other things than the ranks",
        defence="the paper says it of whole classes, 0 and 2 against 9",
    ),
)
