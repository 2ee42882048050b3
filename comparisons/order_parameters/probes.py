"""Every theory's own order parameter, read off any trained multilayer perceptron: one dict of numbers per record."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from toymodels.metrics.separation import activation_overlap

if TYPE_CHECKING:
    from torch import nn

    from dnn.data import Split

THEORY = {
    "weight_norm": "any",
    "kernel_distance": "layerwise",
    "kernel_predictor": "layerwise",
    "activation_overlap": "neurashed",
    "clusters": "condensation",
    "effective_rank": "condensation",
    "rank_gradient_first": "dnn",
    "rank_gradient_last": "dnn",
    "linear_map_accuracy": "dnn",
    "sample_basin": "dnn",
    "weight_basin": "dnn",
    "collapse_nc1": "any",
    "mixture_information": "any",
}
SAMPLES = 200  # training and test samples that the probes look at
NOISE = 0.1  # of the representation, per unit of its root mean square length


def order_parameters(
    network: nn.Module, split: Split, reference: nn.Module, names: Collection[str] = tuple(THEORY)
) -> dict[str, float]:
    """The order parameters of these names; those of THEORY are known.

    Parameters
    ----------
    network : Module
        A chain of Linear layers and activations without batch norm.
    split : Split
        Its data; the first SAMPLES of each part are looked at.
    reference : Module
        The network at the start, for the kernel distance.
    names : collection of str
        What is measured, each at its own cost; `rank_gradient_first` is left out where one hidden layer is both.

    Returns
    -------
    dict of str to float
        `collapse_nc1` is log10 of NC1; `mixture_information` is I(X;T) in bits of the last hidden layer, normalised to
        a root mean square length of 1, with Gaussian noise of standard deviation NOISE per unit.
    """
    from dnn import probes
    from dnn.reading.kernels import kernel_accuracy
    from dnn.reading.unfolding import last_hidden

    part = type(split)(*(values[:SAMPLES] for values in split))
    features = last_hidden(network, part.x_train).double().cpu().numpy()
    gradients = cache(lambda: probes.rank_gradients(network, part))
    condensation = cache(lambda: probes.condensation(network, part, threshold=0.95))
    basins = cache(lambda: probes.basins(network, part, draws=1))
    known: dict[str, Callable[[], float]] = {
        "weight_norm": lambda: float(sum(w.detach().square().sum() for w in network.parameters())) ** 0.5,
        "kernel_distance": lambda: probes.kernel_distance(network, part, reference=reference),
        "kernel_predictor": lambda: kernel_accuracy(network, part, ridge=1e-3),
        "activation_overlap": lambda: activation_overlap(features > 0, part.y_train.cpu().numpy()),
        "clusters": lambda: condensation()["clusters"],
        "effective_rank": lambda: condensation()["effective_rank"],
        "rank_gradient_first": lambda: float(gradients()[0]),
        "rank_gradient_last": lambda: float(gradients()[-1]),
        "linear_map_accuracy": lambda: float(probes.linear_map_accuracy(network, part)[0]),
        "sample_basin": lambda: basins()["sample"],
        "weight_basin": lambda: basins()["weight"],
        "collapse_nc1": lambda: float(np.log10(probes.collapse(network, part)["nc1"])),
        "mixture_information": lambda: _mixture_information(features),
    }
    twice = "rank_gradient_first" in names and len(gradients()) == 1
    return {name: known[name]() for name in names if not (twice and name == "rank_gradient_first")}


def _mixture_information(features: np.ndarray) -> float:
    from toymodels.metrics.information import gaussian_mixture

    unit = features / np.sqrt((features**2).sum(axis=1).mean())
    return gaussian_mixture(unit, NOISE, np.random.default_rng(0), 4)  # the same noise at every record
