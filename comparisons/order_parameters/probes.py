"""Every theory's own order parameter as a function of snapshots: a number of any model, or the reason why it has none.

A model enters as :class:`toymodels.snapshot.Snapshot`, so the table model x order parameter fills itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comparisons.harness.model import Silent
from comparisons.order_parameters.basins import basin_radii, classes, is_matrix
from toymodels.metrics._samples import integer_labels
from toymodels.metrics.separation import activation_overlap
from toymodels.snapshot import Snapshot
from toymodels.validation import positive_int

SAMPLES = 200  # training and test samples that are looked at
KERNEL_SAMPLES = 100  # training samples of the kernel distance
RIDGE = 1e-3  # of the kernel predictor, relative to the kernel's mean diagonal
NOISE = 0.1  # of the representation, per unit of its root mean square length
DRAWS = 1  # of that noise for each sample, the same at every moment
FLOOR = np.finfo(float).eps ** 2  # of a ratio of variances: below is rounding


@dataclass(frozen=True, eq=False)
class Moment:
    """A model at one moment, beside its start and what its inputs should be called.

    Parameters
    ----------
    now, start : Snapshot
        On the same inputs, training samples first.
    labels : (n,) array
        Classes 0..K-1 of the inputs; of a single output, whether it should be above 0.
    n_train : int
        How many of them are trained on; the others are held out.

    Raises
    ------
    ValueError
        If the snapshots or the labels do not fit together.
    """

    now: Snapshot
    start: Snapshot
    labels: np.ndarray
    n_train: int

    def __post_init__(self):
        n = len(self.now.outputs)
        object.__setattr__(self, "labels", integer_labels(self.labels, n))
        if self.start.outputs.shape != self.now.outputs.shape:
            raise ValueError(
                f"start must have outputs of shape {self.now.outputs.shape}, got {self.start.outputs.shape}"
            )
        if positive_int("n_train", self.n_train) > n:
            raise ValueError(f"n_train must be <= {n}, the number of inputs, got {self.n_train}")
        if self.labels.max() >= self.n_classes:
            raise ValueError(f"labels must be in 0..{self.n_classes - 1}, got {self.labels.max()}")

    @property
    def n_classes(self) -> int:
        """Number of classes, two for a single output."""
        return max(self.now.outputs.shape[1], 2)

    @property
    def train(self) -> np.ndarray:
        """Labels of the training samples."""
        return self.labels[: self.n_train]

    @property
    def features(self) -> np.ndarray:
        """Features of the training samples, in double precision."""
        return _there(self.now.features)[: self.n_train].astype(float)

    @cached_property
    def basins(self) -> dict[str, float]:
        """Radii in sample and weight space."""
        return basin_radii(self.now, self.train)

    def rank_gradient(self, layer: int) -> float:
        """Mean rank gradient of a hidden layer over classes and units."""
        readout = self.now.readouts[layer]
        sign = np.sign(np.vstack([-readout, readout]) if len(readout) == 1 else readout)
        return float(rank_gradient(self.now.hidden[layer][: self.n_train], sign, self.train).mean())


@dataclass(frozen=True)
class OrderParameter:
    """One number of a model at one moment.

    Parameters
    ----------
    theory : str
        Whose order parameter it is; "any" for no theory's own.
    needs : tuple of str
        Fields of a snapshot without which it has no meaning.
    measure : callable (Moment) -> float
    unless : callable (Moment) -> str, optional
        Why it has no meaning though the fields are there; empty if it has.
    """

    theory: str
    needs: tuple[str, ...]
    measure: Callable[[Moment], float]
    unless: Callable[[Moment], str] = lambda moment: ""

    def reason(self, moment: Moment) -> str:
        """Why it has no meaning at this `moment`; empty if it has."""
        missing = [moment.now.reason(name) for name in self.needs if not moment.now.has(name)]
        return missing[0] if missing else self.unless(moment)


def rank_gradient(fields: np.ndarray, sign: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Gradient (K, N) of the rank probability density, as :func:`dnn.reading.rank_densities.rank_gradient` has it.

    Parameters
    ----------
    fields : (n, N) array
        Local fields of one layer.
    sign : (K, N) array
        Sign of what the outputs read of each unit.
    labels : (n,) array
        Integers in 0..K-1, every class among them.
    """
    own = labels == np.arange(len(sign))[:, None]
    total = own @ _middle_ranks(np.ascontiguousarray(fields.T)).T
    return 12 * sign * (total / (len(fields) * own.sum(axis=1, keepdims=True)) - 0.5)


def _middle_ranks(rows: np.ndarray) -> np.ndarray:
    """Ascending ranks 1/2..n - 1/2 along each of the rows (N, n); ties share the middle of theirs."""
    order = np.argsort(rows, axis=1)
    ascending = np.take_along_axis(rows, order, axis=1)
    place = np.arange(rows.shape[1])
    is_new = np.zeros(rows.shape, dtype=bool)
    is_new[:, 1:] = ascending[:, 1:] > ascending[:, :-1]
    first = np.maximum.accumulate(np.where(is_new, place, 0), axis=1)
    is_last = np.append(is_new[:, 1:], np.ones((len(rows), 1), dtype=bool), axis=1)
    last = np.minimum.accumulate(np.where(is_last, place, len(place))[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(rows.shape)
    np.put_along_axis(ranks, order, (first + last + 1) / 2, axis=1)
    return ranks


def _kernel_distance(moment: Moment) -> float:
    from toymodels.layerwise.kernels import kernel_distance

    n = min(moment.n_train, KERNEL_SAMPLES)
    return kernel_distance(*(_there(each.kernel)[:n, :n] for each in (moment.start, moment.now)))


def _kernel_predictor(moment: Moment) -> float:
    """Accuracy on held-out samples of ridge regression on one-hot labels with the present kernel."""
    n = moment.n_train
    kernel = _there(moment.now.kernel).astype(float)
    target = np.eye(moment.n_classes)[moment.train]
    ridge = RIDGE * kernel[:n, :n].trace() / n
    dual = np.linalg.solve(kernel[:n, :n] + ridge * np.eye(n), target - target.mean(axis=0))
    predicted = (kernel[n:, :n] @ dual + target.mean(axis=0)).argmax(axis=1)
    return float((predicted == moment.labels[n:]).mean())


def _linear_map_accuracy(moment: Moment) -> float:
    n = moment.n_train
    return float((classes(_there(moment.now.linear_outputs)[n:]) == moment.labels[n:]).mean())


def _clusters(moment: Moment) -> float:
    from toymodels.condensation.grouping import clusters

    return float(clusters(_there(moment.now.neurons), threshold=0.95).max() + 1)


def _effective_rank(moment: Moment) -> float:
    from toymodels.condensation.similarity import effective_rank

    return effective_rank(_there(moment.now.neurons))


def _nc1(moment: Moment) -> float:
    from toymodels.metrics.collapse import nc1

    return _decades(nc1(moment.features, moment.train))


def _within_between(moment: Moment) -> float:
    from toymodels.metrics.collapse import within_between

    return _decades(within_between(moment.features, moment.train))


def _nc2(moment: Moment) -> float:
    from toymodels.metrics.collapse import nc2

    return nc2(moment.features, moment.train)[1]


def _mixture_information(moment: Moment) -> float:
    from toymodels.metrics.information import gaussian_mixture

    length = np.sqrt((moment.features**2).sum(axis=1).mean())
    if length == 0:
        return 0.0
    return gaussian_mixture(moment.features / length, NOISE, np.random.default_rng(0), DRAWS)


def _elasticity(moment: Moment) -> float:
    """Mean over updates on training samples of the decades by which one moves its own class more than others."""
    from toymodels.metrics.elasticity import contrast

    changes = _there(moment.now.changes)[: moment.n_train, : moment.n_train].astype(float)
    still = np.zeros_like(changes[0])
    return float(np.mean([contrast(still, moved, base, moment.train) for base, moved in enumerate(changes)]))


def _weight_norm(moment: Moment) -> float:
    return float(np.sqrt(sum((values.astype(float) ** 2).sum() for values in moment.now.parameters)))


def _all_held_in(moment: Moment) -> str:
    return "no samples are held out" if moment.n_train == len(moment.labels) else ""


def _no_matrix(moment: Moment) -> str:
    if any(map(is_matrix, moment.now.parameters)):
        return ""
    return "its weights are no matrices whose spread could be the unit of noise"


def _one_layer(moment: Moment) -> str:
    return "a single hidden layer is read out, which is also the last" if len(moment.now.hidden) == 1 else ""


def _two_classes(moment: Moment) -> str:
    return "the means of two classes are a simplex whatever they are" if moment.n_classes == 2 else ""


RANKS = ("hidden", "readouts")
FUNCTION = ("inputs", "predict")
KNOWN: Mapping[str, OrderParameter] = {
    "weight_norm": OrderParameter("any", ("parameters",), _weight_norm),
    "kernel_distance": OrderParameter("layerwise", ("kernel",), _kernel_distance),
    "kernel_predictor": OrderParameter("layerwise", ("kernel",), _kernel_predictor, _all_held_in),
    "activation_overlap": OrderParameter(
        "neurashed", ("firing",), lambda m: activation_overlap(_there(m.now.firing)[: m.n_train], m.train)
    ),
    "elasticity": OrderParameter("neurashed", ("changes",), _elasticity),
    "clusters": OrderParameter("condensation", ("neurons",), _clusters),
    "effective_rank": OrderParameter("condensation", ("neurons",), _effective_rank),
    "rank_gradient_first": OrderParameter("dnn", RANKS, lambda m: m.rank_gradient(0), _one_layer),
    "rank_gradient_last": OrderParameter("dnn", RANKS, lambda m: m.rank_gradient(-1)),
    "linear_map_accuracy": OrderParameter("dnn", ("linear_outputs",), _linear_map_accuracy, _all_held_in),
    "sample_basin": OrderParameter("dnn", FUNCTION, lambda m: m.basins["sample"]),
    "weight_basin": OrderParameter("dnn", ("parameters", *FUNCTION), lambda m: m.basins["weight"], _no_matrix),
    "collapse_nc1": OrderParameter("any", ("features",), _nc1),
    "collapse_nc2": OrderParameter("any", ("features",), _nc2, _two_classes),
    "within_between": OrderParameter("any", ("features",), _within_between),
    "mixture_information": OrderParameter("any", ("features",), _mixture_information),
}
THEORY = {name: parameter.theory for name, parameter in KNOWN.items()}


def order_parameters(moment: Moment, names: Collection[str] = tuple(KNOWN)) -> dict[str, float | Silent]:
    """The order parameters of these names: a number each, or why there is none.

    Parameters
    ----------
    moment : Moment
    names : collection of str
        Out of KNOWN; what is measured, each at its own cost.

    Returns
    -------
    dict of str to float or Silent
        `collapse_nc1` and `within_between` are logs to the base of 10, `collapse_nc2` is the deviation of the angles;
        `mixture_information` is I(X;T) in bits of the last hidden layer, normalised to a root mean square length of 1,
        with Gaussian noise of standard deviation NOISE per unit; `elasticity` is in decades.

    Raises
    ------
    ValueError
        For an unknown name, or where a measure has no value at this moment: class means that all coincide, say.
    """
    values: dict[str, float | Silent] = {}
    for name in names:
        if name not in KNOWN:
            raise ValueError(f"names must be out of {', '.join(KNOWN)}, got {name!r}")
        why = KNOWN[name].reason(moment)
        values[name] = Silent(why) if why else float(KNOWN[name].measure(moment))
    return values


def _decades(ratio: float) -> float:
    return float(np.log10(max(ratio, FLOOR)))


def _there(values: np.ndarray | None) -> np.ndarray:
    """A field that `needs` has asked for."""
    assert values is not None
    return values
