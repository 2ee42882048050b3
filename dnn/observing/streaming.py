"""Quantities of any number of samples, batch by batch, in memory that does not grow with them.

An accumulator has `update(view)`, `compute()` and `reset()`. What it gives depends neither on how samples are cut into
batches nor on their order, up to rounding; counts are exact, sums are taken in double precision, moments are merged as
by Chan et al. (1983). Classes may be absent from a batch; what needs all of them is refused at the end if one never
came. Rank gradients come from counts in intervals, see :mod:`dnn.observing.ranks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from dnn.observing.batches import batches_of
from dnn.observing.firing import Firing
from dnn.observing.fitting import n_correct, total_loss
from dnn.observing.layers import unwrapped
from dnn.observing.moments import ClassMoments, Moments
from dnn.observing.observation import Observation, check_finite, known, measured
from dnn.observing.passes import CHUNK, Refused, View, averaged
from dnn.observing.quantities import QUANTITIES, readout_weight
from dnn.observing.ranks import RankHistogram
from dnn.observing.resting import undisturbed

SCATTER = 2**24  # numbers in the scatter matrices of all classes
PATTERNS = 2**24  # numbers in the sums of firing patterns of all classes
OF_WEIGHTS = ("weight_norm", "clusters", "effective_rank", "cosine_excess")  # the same whatever the samples
NEEDS_ALL = "needs all samples at once; give samples=, so that only the first of them are looked at"

Numbers = float | dict[str, float]


class Accumulator(Protocol):
    """What is asked of a quantity that can be added up."""

    def update(self, view: View) -> None:
        """Add the samples of a view."""

    def compute(self) -> Numbers:
        """The quantity of all samples together; `Refused` where they do not have it."""
        ...

    def reset(self) -> None:
        """Forget all samples."""


class Mean:
    """A mean over samples of what a function sums.

    Parameters
    ----------
    total : callable
        Of a view to the sum over its samples.
    """

    def __init__(self, total: Callable[[View], float]):
        self.total = total
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._sum, self._count = 0.0, 0

    def update(self, view: View) -> None:
        """Add the samples of a `view`."""
        self._sum += self.total(view)
        self._count += len(view.batch)

    def compute(self) -> float:
        """The mean."""
        return self._sum / self._count


class OfWeights:
    """A quantity that no sample matters to.

    Parameters
    ----------
    name : str
        Of the quantity.
    """

    def __init__(self, name: str):
        self.name = name
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self._value: Numbers | None = None

    def update(self, view: View) -> None:
        """See the layers of a `view`, the first time."""
        if self._value is None:
            self._value = QUANTITIES[self.name](view)

    def compute(self) -> Numbers:
        """The quantity."""
        assert self._value is not None
        return self._value


class Collapse:
    """A measure of neural collapse, from the moments of the features.

    Parameters
    ----------
    measure : callable
        From the moments, and a function of them that gives the readout's weight, to the number.
    moments : ClassMoments, optional
        That other measures of the same views share; one of its own with the scatter, if None.
    """

    def __init__(
        self,
        measure: Callable[[Moments, Callable[[np.ndarray], np.ndarray]], float],
        moments: ClassMoments | None = None,
    ):
        self.measure = measure
        self._moments = ClassMoments() if moments is None else moments
        self._readout: nn.Linear | None = None

    def reset(self) -> None:
        """Forget all samples."""
        self._moments.reset()

    def update(self, view: View) -> None:
        """Add the samples of a `view`, unless another measure has done so."""
        self._readout = view.readout
        added = view.shared.setdefault("moments", [])
        if any(moments is self._moments for moments in added):
            return
        labels, d = view.labels, view.features.shape[1]
        n_classes = max(int(labels.max()) + 1, view.logits.shape[1])
        if self._moments.scatter and n_classes * d**2 > SCATTER:
            self._moments.drop_scatter()
        try:
            self._moments.update(view.features, labels)
        except ValueError as error:
            raise Refused(str(error)) from None
        added.append(self._moments)

    def compute(self) -> float:
        """The measure."""
        readout = self._readout
        assert readout is not None
        try:
            return float(self.measure(self._moments.compute(), lambda means: readout_weight(readout, means)))
        except ValueError as error:
            raise error if isinstance(error, Refused) else Refused(f"{error}; show more samples") from None


class FiringOverlap:
    """Overlap of firing patterns, by layer."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._layers: dict[str, Firing] = {}

    def update(self, view: View) -> None:
        """Add the samples of a `view`."""
        labels = view.labels
        for name, _, values in view.hidden():
            patterns = values.flatten(1) > 0
            if patterns.shape[1] * (int(labels.max()) + 1) > PATTERNS:
                raise Refused(f"needs sums of {patterns.shape[1]} units for every class, more than {PATTERNS} numbers")
            self._layers.setdefault(name, Firing()).update(patterns, labels)

    def compute(self) -> dict[str, float]:
        """The overlap of every layer."""
        try:
            return {name: firing.compute() for name, firing in self._layers.items()}
        except ValueError as error:
            raise Refused(f"{error}; show more samples") from None


class DeadUnits:
    """Shares of units that no logit depends on, and of logits that never vary."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._alive: dict[str, Tensor] = {}
        self._extremes: tuple[Tensor, Tensor] | None = None

    def update(self, view: View) -> None:
        """Add the samples of a `view`."""
        names = [name for name, _, _ in view.hidden() if name in view.passed.alive]
        for name in names:
            alive = view.passed.alive[name]
            self._alive[name] = alive | self._alive[name] if name in self._alive else alive
        low, high = view.logits.min(0).values, view.logits.max(0).values
        before = self._extremes
        self._extremes = (low, high) if before is None else (low.minimum(before[0]), high.maximum(before[1]))

    def compute(self) -> dict[str, float]:
        """The shares."""
        assert self._extremes is not None
        low, high = self._extremes
        numbers = {name: float((~alive).double().mean()) for name, alive in self._alive.items()}
        return numbers | {"logits": float((low == high).double().mean())}


class RankGradients:
    """Mean rank gradient of every layer, from counts in intervals; `errors` bounds what they leave open."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._histograms: dict[str, RankHistogram] = {}
        self._slopes: dict[str, np.ndarray] = {}
        self.errors: dict[str, float] = {}

    def update(self, view: View) -> None:
        """Add the samples of a `view`."""
        labels, slopes = view.labels, view.passed.slopes
        for name, _, values in view.hidden():
            if name in slopes:
                fields, slope = averaged(values).numpy(), slopes[name].double().numpy() * len(labels)
                try:
                    if name not in self._histograms:
                        self._histograms[name] = RankHistogram(len(slope), fields.shape[1])
                    self._histograms[name].update(fields, labels)
                except ValueError as error:
                    raise Refused(str(error)) from None
                self._slopes[name] = self._slopes.get(name, 0) + slope

    def compute(self) -> dict[str, float]:
        """The mean over classes and neurons, by layer."""
        if not self._histograms:
            raise Refused("needs a hidden layer that the logits can be differentiated by")
        numbers = {}
        for name, histogram in self._histograms.items():
            try:
                gradient, error = histogram.compute(self._slopes[name])
            except ValueError as error:
                raise Refused(f"{error}; show more samples") from None
            numbers[name], self.errors[name] = float(gradient.mean()), float(error.mean())
        return numbers


COLLAPSE: dict[str, Callable[[Moments, Callable[[np.ndarray], np.ndarray]], float]] = {
    "nc1": lambda moments, _: moments.nc1(),
    "within_between": lambda moments, _: moments.within_between(),
    "nc2_norm": lambda moments, _: moments.nc2()[0],
    "nc2_angle": lambda moments, _: moments.nc2()[1],
    "nc3": lambda moments, weight: moments.nc3(weight(moments.means)),
}
OTHERS: dict[str, Callable[[], Accumulator]] = {
    "accuracy": lambda: Mean(n_correct),
    "loss": lambda: Mean(total_loss),
    "rank_gradient": RankGradients,
    "firing_overlap": FiringOverlap,
    "dead_units": DeadUnits,
}


def accumulators(names: Iterable[str]) -> dict[str, Accumulator]:
    """One accumulator for each of these quantities that can be added up.

    Parameters
    ----------
    names : iterable of str
    """
    names = list(names)
    moments = ClassMoments("nc1" in names)
    running: dict[str, Accumulator] = {}
    for name in names:
        if name in COLLAPSE:
            running[name] = Collapse(COLLAPSE[name], moments)
        elif name in OTHERS:
            running[name] = OTHERS[name]()
        elif name in OF_WEIGHTS:
            running[name] = OfWeights(name)
    return running


def observe_stream(
    module: nn.Module,
    batches: Any,
    quantities: Iterable[str] | None = None,
    *,
    layers: str = "*",
    output: Callable | None = None,
) -> Observation:
    """Measure quantities of any torch module on all samples of a data set, however many; nothing in it is changed.

    Parameters
    ----------
    module : Module
        As in :func:`dnn.observe`.
    batches : DataLoader or any iterable of batches, Split, (x, y)
        All of it is looked at, once, a part of at most 300 samples at a time.
    quantities : iterable of str, optional
        Of :func:`dnn.quantities`; all that can be added up over batches, if None.
    layers, output
        As in :func:`dnn.observe`.

    Returns
    -------
    Observation
        The numbers that :func:`dnn.observe` has on the same samples, up to rounding; `rank_gradient` is counted in
        2048 intervals a neuron, within about 1e-3, with slopes over all samples instead of 300. What cannot be added
        up is in `.refused`.

    Raises
    ------
    ValueError
        As :func:`dnn.observe`.

    Examples
    --------
    >>> import torch
    >>> network = nn.Linear(3, 2)
    >>> batches = [(torch.eye(3), torch.tensor([0, 1, 1])), (torch.ones(1, 3), torch.tensor([0]))]
    >>> sorted(observe_stream(network, batches, ["accuracy", "weight_norm"]))
    ['accuracy', 'weight_norm']
    """
    asked = known(quantities)
    inner = unwrapped(module)
    check_finite(inner)
    running = accumulators(asked)
    refused = {name: NEEDS_ALL for name in asked if name not in running}
    count = 0
    with undisturbed(inner):
        for batch in batches_of(batches):
            for start in range(0, len(batch), CHUNK):
                part = batch.part(slice(start, start + CHUNK)).placed(inner)
                view = View(inner, part, layers, output)
                view.prepare(running)
                refused |= _added(running, view)
                running = {name: one for name, one in running.items() if name not in refused}
                count += len(part)
    if not count:
        raise ValueError("batches must hold samples, got none")

    def value_of(name: str) -> Numbers:
        if name in refused:
            raise Refused(refused[name])
        return running[name].compute()

    return measured(asked, value_of)


def _added(running: dict[str, Accumulator], view: View) -> dict[str, str]:
    """Add a view to all accumulators; those that refuse it, with the reason."""
    refused = {}
    for name, accumulator in running.items():
        try:
            accumulator.update(view)
        except Refused as error:
            refused[name] = str(error)
    return refused
