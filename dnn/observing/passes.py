"""A module seen on samples: one pass forward, and one back for the readout of every neuron, that quantities share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from dnn.observing.batches import Batch, logits_of
from dnn.observing.layers import Layer
from dnn.observing.resting import undisturbed
from dnn.observing.taps import Tap, in_full, tap

CHUNK = 300  # samples in one pass
SLOPED = 300  # samples, always the same at random, over which slopes of the logits are averaged
SLOPE = "rank_gradient"  # the quantity that needs the slope of every logit by every field
ALIVE = "dead_units"  # the quantity that needs to know whether any logit depends on a field
OF_LOGITS = {"accuracy", "loss", "weight_norm"}  # quantities that need nothing that happens inside
AT_ONCE = 2**24  # numbers in the gradients of several logits that are computed together


class Refused(ValueError):
    """A quantity that this module cannot have; the message says why, and what to do about it."""


@dataclass
class View:
    """A module seen on samples; what several quantities need is computed when the first of them asks.

    Parameters
    ----------
    module : Module
        Without wrappers.
    batch : Batch
        On its device.
    pattern : str
        Which layers' neurons are looked at.
    output : callable, optional
        From what the module returns to (n, K) logits.
    reference : Module, optional
        The module at another time, for the kernel distance.
    rng : numpy.random.Generator
    sloped : bool
        Whether a quantity will ask for the slopes of the logits by the fields.
    enlivened : bool
        Whether a quantity will ask which neurons any logit depends on.
    tapped : bool
        Whether a quantity will ask for more than the logits.
    """

    module: nn.Module
    batch: Batch
    pattern: str = "*"
    output: Callable | None = None
    reference: nn.Module | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    sloped: bool = True
    enlivened: bool = True
    tapped: bool = True

    def prepare(self, quantities: Iterable[str]) -> None:
        """Leave out of the pass what none of these quantities will ask for.

        Parameters
        ----------
        quantities : iterable of str
        """
        names = set(quantities)
        self.sloped, self.enlivened = SLOPE in names, ALIVE in names
        self.tapped = not names <= OF_LOGITS

    @property
    def labels(self) -> np.ndarray:
        """(n,) integers of the classes."""
        if self.batch.labels.is_floating_point() or self.batch.labels.ndim != 1:
            raise Refused("needs integer class labels, got real or structured targets")
        labels = self.batch.labels.cpu().numpy()
        if labels.min(initial=0) < 0:
            raise Refused(f"needs class labels from 0 on, got {labels.min()}")
        return labels

    @cached_property
    def shared(self) -> dict:
        """What quantities leave for one another, by a key of their own."""
        return {}

    @cached_property
    def passed(self) -> Passed:
        """Fields, logits, and gradients of the logits by the fields."""
        return _passed(self)

    @cached_property
    def logits(self) -> Tensor:
        """(n, K) in float32 or better."""
        return self.passed.logits if self.tapped else _logits(self)

    @property
    def readout(self) -> nn.Linear:
        """The last linear layer that ran, whose inputs are the features."""
        if self.passed.readout is None:
            raise Refused("needs a Linear layer as the readout, got a module without")
        return self.passed.readout

    @cached_property
    def features(self) -> np.ndarray:
        """(n, d) inputs of the readout; the mean over positions on sequences."""
        self.readout  # noqa: B018  # refuses a module without
        if self.passed.features is None:
            raise Refused("needs a readout that is called with its inputs by position")
        values = self.passed.features
        values = values.flatten(1, -2).mean(1) if values.ndim > 2 else values
        return values.double().numpy()

    def hidden(self) -> Iterator[tuple[str, Layer, Tensor]]:
        """Name, layer and field of every layer with neurons of its own that fits the pattern, but the last."""
        for name in hidden_names(self.passed.owners):
            if name in self.passed.fields:
                yield name, self.passed.owners[name], self.passed.fields[name]


def hidden_names(owners: dict[str, Layer]) -> list[str]:
    """Names of all layers that ran, but the last and those that only rescale.

    Parameters
    ----------
    owners : dict of str to Layer
        In the order in which they ran.
    """
    return [name for name in list(owners)[:-1] if not owners[name].is_norm]


@dataclass
class Passed:
    """What a forward and backward pass over all samples left."""

    fields: dict[str, Tensor]
    owners: dict[str, Layer]
    readout: nn.Linear | None
    features: Tensor | None
    logits: Tensor
    slopes: dict[str, Tensor]  # mean over samples and positions of d logit_k / d field_i, (K, neurons)
    alive: dict[str, Tensor]  # whether any logit depends on a neuron at any sample, (neurons,)


class Slopes:
    """Means over samples and positions of d logit_k / d field_i, and which neurons any logit depends on."""

    def __init__(self) -> None:
        self.alive: dict[str, Tensor] = {}
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def means(self) -> dict[str, Tensor]:
        """(K, neurons) by layer."""
        return {name: total / self._counts[name] for name, total in self._sums.items()}

    def add(self, listening: Tap, logits: Tensor) -> None:
        """Add the samples of a pass.

        Parameters
        ----------
        listening : Tap
            That heard the pass.
        logits : (n, K) tensor
            What it gave.
        """
        names, fields = _differentiable(listening, logits)
        n_classes, total = logits.shape[1], logits.sum(0)
        size = max(1, AT_ONCE // max(1, sum(values.numel() for values in fields)))
        for start in range(0, n_classes if fields else 0, size):
            rows = slice(start, min(start + size, n_classes))
            for name, gradient in zip(names, _gradients(total, fields, rows), strict=True):
                if gradient is None:
                    continue
                arranged = _neurons_last(listening.owners[name], gradient)
                summed = arranged.sum(1).cpu()
                if name not in self._sums:
                    self._sums[name] = torch.zeros(n_classes, summed.shape[1], dtype=summed.dtype)
                self._sums[name][rows] += summed
                if not start:
                    self._counts[name] = self._counts.get(name, 0) + arranged.shape[1]
                self._mark(name, arranged)

    def enliven(self, listening: Tap, logits: Tensor) -> None:
        """Only mark the neurons on which any logit depends, by those on which a random mixture of the logits does.

        Parameters
        ----------
        listening, logits
            As in :meth:`add`.
        """
        names, fields = _differentiable(listening, logits)
        if fields:
            shares = 1 + torch.rand(logits.shape[1], generator=torch.Generator().manual_seed(0))
            mixture = (logits * shares.to(logits)).sum()
            gradients = torch.autograd.grad(mixture, fields, allow_unused=True)
            for name, gradient in zip(names, gradients, strict=True):
                if gradient is not None:
                    self._mark(name, _neurons_last(listening.owners[name], gradient[None]))

    def _mark(self, name: str, gradients: Tensor) -> None:
        moved = _any(gradients.flatten(0, 1))
        self.alive[name] = self.alive[name] | moved if name in self.alive else moved


def _passed(view: View) -> Passed:
    kept: dict[str, list[Tensor]] = {}
    features: list[Tensor] = []
    logits: list[Tensor] = []
    owners: dict[str, Layer] = {}
    readout, few, slopes = None, len(view.batch) <= SLOPED, Slopes()
    differentiated = view.enlivened or (view.sloped and few)
    with (
        undisturbed(view.module),
        tap(view.module, view.pattern, with_graph=True, others=True) as listening,
        torch.set_grad_enabled(differentiated),
    ):
        for out in _passes(view, view.batch, listening):
            owners = dict(listening.owners)
            if differentiated:
                (slopes.add if few else slopes.enliven)(listening, out)
            for name, values in listening.fields.items():
                if len(values) == len(out):
                    kept.setdefault(name, []).append(values.detach().cpu())
            linear = [name for name, owner in owners.items() if isinstance(owner.module, nn.Linear)]
            readout = owners[linear[-1]].module if linear else None
            if linear and linear[-1] in listening.inputs:
                features.append(in_full(listening.inputs[linear[-1]].detach()).cpu())
            logits.append(in_full(out.detach()).cpu())
        means = slopes.means() if few or not view.sloped else _drawn_slopes(view, listening)
    # what is the same for all samples, as an embedding of positions, is no field of theirs
    kept = {name: parts for name, parts in kept.items() if sum(map(len, parts)) == len(view.batch)}
    return Passed(
        {name: _joined(parts) for name, parts in kept.items()},
        owners,
        readout if isinstance(readout, nn.Linear) else None,
        _joined(features) if features else None,
        _joined(logits),
        means,
        slopes.alive,
    )


def _passes(view: View, batch: Batch, listening: Tap) -> Iterator[Tensor]:
    """Logits of a batch, CHUNK samples at a time, each heard by `listening`."""
    for start in range(0, len(batch), CHUNK):
        listening.clear()
        yield logits_of(batch.part(slice(start, start + CHUNK)).call(view.module), view.output)


def _drawn_slopes(view: View, listening: Tap) -> dict[str, Tensor]:
    """Mean slopes over SLOPED of the samples, drawn by a generator of their own."""
    slopes = Slopes()
    drawn = torch.randperm(len(view.batch), generator=torch.Generator().manual_seed(0))[:SLOPED].sort().values
    with torch.enable_grad():
        for out in _passes(view, view.batch.part(drawn), listening):
            slopes.add(listening, out)
    return slopes.means()


@torch.no_grad()
def _logits(view: View) -> Tensor:
    with undisturbed(view.module):
        parts = [view.batch.part(slice(start, start + CHUNK)) for start in range(0, len(view.batch), CHUNK)]
        return _joined([in_full(logits_of(part.call(view.module), view.output)).cpu() for part in parts])


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _differentiable(listening: Tap, logits: Tensor) -> tuple[list[str], list[Tensor]]:
    """Names and values of the hidden fields by which logits can be differentiated."""
    raw = listening.raw
    names = [name for name in hidden_names(listening.owners) if name in raw and raw[name].requires_grad]
    names = [name for name in names if raw[name].is_floating_point()] if logits.requires_grad else []
    return names, [raw[name] for name in names]


def _gradients(total: Tensor, fields: list[Tensor], rows: slice) -> list[Tensor | None]:
    """Gradients of some entries of `total` by every field, (entries, ...); all at once where the module allows it."""
    choices = torch.eye(len(total), dtype=total.dtype, device=total.device)[rows]
    options = {"retain_graph": True, "allow_unused": True}
    if len(choices) > 1:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
                return list(torch.autograd.grad(total, fields, choices, is_grads_batched=True, **options))
        except (RuntimeError, NotImplementedError):  # of what has no derivative for several at once
            pass
    single = [torch.autograd.grad(total, fields, choice, **options) for choice in choices]
    return [None if parts[0] is None else torch.stack(parts) for parts in zip(*single, strict=True)]


def _any(rows: Tensor) -> Tensor:
    """Which columns have an entry that is not 0; of torch and numpy the faster."""
    if rows.device.type == "cpu":
        return torch.from_numpy(rows.numpy().any(axis=0))
    return (rows != 0).any(0).cpu()


def _neurons_last(owner: Layer, gradient: Tensor) -> Tensor:
    """Gradients (k, ...) by a field in the module's shape as (k, samples and positions, neurons)."""
    if gradient.ndim > 3:
        single = owner.arranged(gradient[0]).flatten(0, -2)
        rest = [owner.arranged(part).flatten(0, -2) for part in gradient[1:]]
        gradient = torch.stack([single, *rest]) if rest else single[None]
    return in_full(gradient)


def averaged(values: Tensor) -> Tensor:
    """(n, neurons): the mean over positions.

    Parameters
    ----------
    values : (n, neurons) or (n, positions, neurons) tensor
    """
    return values.mean(1) if values.ndim > 2 else values
