"""What can be measured of a module on samples: quantities of the whole, and quantities of every layer.

Each takes a :class:`dnn.observing.passes.View`, which computes what several need once, and returns a number or a number
a layer. What a module cannot have by its mathematics raises `Refused` with the reason and the way out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from dnn.observing.firing import Firing
from dnn.observing.fitting import accuracy, loss
from dnn.observing.information import Bits, information
from dnn.observing.moments import nc1_of
from dnn.observing.passes import Refused, View, averaged
from dnn.observing.products import product
from dnn.observing.rows import Rows
from dnn.observing.searches import basin_of, curvature_of
from dnn.observing.tangents import elasticity, kernel_alignment, kernel_distance
from dnn.observing.taps import in_full
from dnn.reading.rank_densities import rank_gradient
from toymodels.metrics import collapse

MOST = 200  # samples of quantities whose cost grows with their square


def rank_gradients(view: View) -> dict[str, float]:
    """Mean over classes and neurons of the rank gradient, with the mean slope of the logits as the readout's sign.

    All samples are ranked; of more than 300 of them the slopes are those of 300, always the same.
    """
    labels = view.labels
    counts = np.bincount(labels, minlength=view.logits.shape[1])
    if not counts.all():
        raise Refused(f"needs a sample of every class, got none of class {int(counts.argmin())}; show more samples")
    numbers = {}
    for name, _, values in view.hidden():
        if name in view.passed.slopes:
            slopes = view.passed.slopes[name].numpy()
            try:
                numbers[name] = float(rank_gradient(averaged(values).numpy(), slopes, labels).mean())
            except ValueError as error:
                raise Refused(str(error)) from None
    if not numbers:
        raise Refused("needs a hidden layer that the logits can be differentiated by")
    return numbers


def _rows(view: View) -> dict[str, Rows]:
    if "rows" not in view.shared:
        owners = {owner.name: owner for _, owner, _ in view.hidden()}
        parts = {f"{name}{part}": rows for name, owner in owners.items() for part, rows in owner.weights().items()}
        weights = {name: in_full(rows.detach()).double().cpu().numpy() for name, rows in parts.items()}
        view.shared["rows"] = {name: Rows(rows) for name, rows in weights.items() if len(rows) > 1 and rows.any()}
    return view.shared["rows"]


def _of_rows(function: Callable[[Rows], float]) -> Callable[[View], dict[str, float]]:
    def measured(view: View) -> dict[str, float]:
        numbers = {name: function(rows) for name, rows in _rows(view).items()}
        if not numbers:
            raise Refused("needs a hidden layer whose neurons have incoming weights, and more than a single one")
        return numbers

    return measured


def _information(view: View, labels: np.ndarray | None) -> dict[str, Bits]:
    if "information" not in view.shared:
        own = None if labels is None else labels[:MOST]
        fields = {name: averaged(values[:MOST]).numpy() for name, _, values in view.hidden()}
        view.shared["information"] = {name: information(values, own) for name, values in fields.items()}
    return view.shared["information"]


def information_input(view: View) -> dict[str, float]:
    """Bits about which of at most MOST samples it is, of a layer scaled to rms length 1 with noise NOISE per unit."""
    try:
        labels = view.labels  # so that what they tell is computed along with it
    except Refused:
        labels = None
    return {name: bits.sample for name, bits in _information(view, labels).items()}


def information_labels(view: View) -> dict[str, float]:
    """The same about the class."""
    bits = _information(view, view.labels)
    return {name: float(one.label) for name, one in bits.items() if one.label is not None}


def firing_overlap(view: View) -> dict[str, float]:
    """Mean cosine of firing patterns within classes minus that between classes, positions side by side."""
    labels = view.labels
    numbers = {}
    for name, _, values in view.hidden():
        firing = Firing()
        firing.update(values.flatten(1) > 0, labels)
        try:
            numbers[name] = firing.compute()
        except ValueError as error:
            raise Refused(f"{error}; show more samples") from None
    return numbers


def dead_units(view: View) -> dict[str, float]:
    """Share of the units that no logit depends on at any sample; of the logits, share of those that never vary."""
    numbers = {
        name: float((~view.passed.alive[name]).double().mean())
        for name, _, _ in view.hidden()
        if name in view.passed.alive
    }
    logits = view.logits
    numbers["logits"] = float((logits.max(0).values == logits.min(0).values).double().mean())
    return numbers


def _class_means(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Class means (K, d), and deviations of the features from those of their class, by the root of its count (n, d)."""
    if "means" not in view.shared:
        features, labels = view.features, view.labels
        counts = np.bincount(labels)
        if len(counts) < 2 or not counts.all():
            classes = np.flatnonzero(counts).tolist()
            raise Refused(f"needs classes 0..K-1 that all have samples, got {classes}; show more samples")
        means = product((labels == np.arange(len(counts))[:, None]).astype(float), features) / counts[:, None]
        view.shared["means"] = means, (features - means[labels]) / np.sqrt(counts)[labels, None]
    return view.shared["means"]


def _collapse(function: Callable[[View, np.ndarray], float]) -> Callable[[View], float]:
    """A function of the view and the class means, where there are such."""

    def measured(view: View) -> float:
        try:
            return float(function(view, _class_means(view)[0]))
        except ValueError as error:
            raise error if isinstance(error, Refused) else Refused(str(error)) from None

    return measured


def _nc1(view: View, means: np.ndarray) -> float:
    deviations = _class_means(view)[1]
    return nc1_of(means, lambda directions: float((product(deviations, directions) ** 2).sum()) / len(means))


def _within_between(view: View, means: np.ndarray) -> float:
    spread = np.sqrt((_class_means(view)[1] ** 2).sum() / len(means)) * np.eye(1, means.shape[1])
    pairs = np.concatenate([means + spread, means - spread])  # with as much spread in every class
    return collapse.within_between(pairs, np.tile(np.arange(len(means)), 2))


def _nc2(which: int) -> Callable[[View, np.ndarray], float]:
    def measured(view: View, means: np.ndarray) -> float:
        if "nc2" not in view.shared:
            view.shared["nc2"] = collapse.nc2(means, np.arange(len(means)))
        return view.shared["nc2"][which]

    return measured


def readout_weight(readout: nn.Linear, means: np.ndarray) -> np.ndarray:
    """Weight of the readout in double precision; `Refused` if it has not the shape of the (K, d) class means."""
    weight = in_full(readout.weight.detach()).double().cpu().numpy()
    if weight.shape != means.shape:
        raise Refused(f"needs a readout with a row for each of {len(means)} classes, got shape {weight.shape}")
    return weight


def _nc3(view: View, means: np.ndarray) -> float:
    return collapse.nc3(means, np.arange(len(means)), readout_weight(view.readout, means))


def _nc4(view: View, means: np.ndarray) -> float:
    """As :func:`toymodels.metrics.collapse.nc4`, with the class means that are there."""
    logits, bias = product(view.features, readout_weight(view.readout, means).T), view.readout.bias
    centre = means.mean(axis=0)
    if bias is not None:
        logits = logits + in_full(bias.detach()).double().cpu().numpy()
    distances = ((means - centre) ** 2).sum(axis=1) - 2 * product(view.features - centre, (means - centre).T)
    return float((logits.argmax(axis=1) != distances.argmin(axis=1)).mean())


def weight_norm(view: View) -> float:
    """Euclidean norm of all parameters."""
    lengths = [
        torch.linalg.vector_norm(in_full(values.detach()), dtype=torch.float64) for values in view.module.parameters()
    ]
    return math.hypot(*map(float, lengths))


QUANTITIES: dict[str, Callable[[View], float | dict[str, float]]] = {
    "accuracy": accuracy,
    "loss": loss,
    "weight_norm": weight_norm,
    "rank_gradient": rank_gradients,
    "nc1": _collapse(_nc1),
    "within_between": _collapse(_within_between),
    "nc2_norm": _collapse(_nc2(0)),
    "nc2_angle": _collapse(_nc2(1)),
    "nc3": _collapse(_nc3),
    "nc4": _collapse(_nc4),
    "clusters": _of_rows(Rows.clusters),
    "effective_rank": _of_rows(Rows.effective_rank),
    "cosine_excess": _of_rows(Rows.excess),
    "information_input": information_input,
    "information_labels": information_labels,
    "firing_overlap": firing_overlap,
    "dead_units": dead_units,
    "kernel_distance": kernel_distance,
    "kernel_alignment": kernel_alignment,
    "elasticity": elasticity,
    "basin_sample": basin_of("sample"),
    "basin_weight": basin_of("weight"),
    "sharpness": curvature_of("sharpness"),
    "hessian_trace": curvature_of("trace"),
}
