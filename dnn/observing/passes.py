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
from dnn.observing.taps import Tap, in_full, tap, undisturbed

CHUNK = 300  # samples in one pass
DIFFERENTIATED = {"rank_gradient", "dead_units"}  # quantities that need gradients of the logits by the fields
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
        Which layers.
    output : callable, optional
        From what the module returns to (n, K) logits.
    reference : Module, optional
        The module at another time, for the kernel distance.
    rng : numpy.random.Generator
    differentiated : bool
        Whether a quantity will ask for the gradients of the logits by the fields.
    tapped : bool
        Whether a quantity will ask for more than the logits.
    """

    module: nn.Module
    batch: Batch
    pattern: str = "*"
    output: Callable | None = None
    reference: nn.Module | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    differentiated: bool = True
    tapped: bool = True

    def prepare(self, quantities: Iterable[str]) -> None:
        """Leave out of the pass what none of these quantities will ask for.

        Parameters
        ----------
        quantities : iterable of str
        """
        names = set(quantities)
        self.differentiated = not names.isdisjoint(DIFFERENTIATED)
        self.tapped = not names <= OF_LOGITS

    @property
    def labels(self) -> np.ndarray:
        """(n,) integers of the classes."""
        if self.batch.labels.is_floating_point() or self.batch.labels.ndim != 1:
            raise Refused("needs integer class labels, got real or structured targets")
        return self.batch.labels.cpu().numpy()

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
        """Name, layer and field of every layer with neurons of its own, but the readout."""
        for name in hidden_names(self.passed.owners):
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


def _passed(view: View) -> Passed:
    kept: dict[str, list[Tensor]] = {}
    features: list[Tensor] = []
    sums: dict[str, Tensor] = {}
    alive: dict[str, Tensor] = {}
    logits: list[Tensor] = []
    owners: dict[str, Layer] = {}
    readout = None
    with (
        undisturbed(view.module),
        tap(view.module, view.pattern, with_graph=True) as listening,
        torch.set_grad_enabled(view.differentiated),
    ):
        for start in range(0, len(view.batch), CHUNK):
            listening.clear()
            part = view.batch.part(slice(start, start + CHUNK))
            out = logits_of(part.call(view.module), view.output)
            owners = dict(listening.owners)
            if view.differentiated:
                _add_slopes(listening, out, sums, alive)
            for name, values in listening.fields.items():
                kept.setdefault(name, []).append(values.detach().cpu())
            linear = [name for name, owner in owners.items() if isinstance(owner.module, nn.Linear)]
            readout = owners[linear[-1]].module if linear else None
            if linear and linear[-1] in listening.inputs:
                features.append(in_full(listening.inputs[linear[-1]].detach()).cpu())
            logits.append(in_full(out.detach()).cpu())
    joined = {name: _joined(parts) for name, parts in kept.items()}
    counts = {name: values.shape[0] * (values.shape[1] if values.ndim > 2 else 1) for name, values in joined.items()}
    return Passed(
        joined,
        owners,
        readout if isinstance(readout, nn.Linear) else None,
        _joined(features) if features else None,
        _joined(logits),
        {name: total / counts[name] for name, total in sums.items()},
        alive,
    )


@torch.no_grad()
def _logits(view: View) -> Tensor:
    with undisturbed(view.module):
        parts = [view.batch.part(slice(start, start + CHUNK)) for start in range(0, len(view.batch), CHUNK)]
        return _joined([in_full(logits_of(part.call(view.module), view.output)).cpu() for part in parts])


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _add_slopes(listening: Tap, logits: Tensor, sums: dict[str, Tensor], alive: dict[str, Tensor]) -> None:
    """Add d logit_k / d field_i of the hidden layers over the samples of a pass."""
    names = [name for name in hidden_names(listening.owners) if listening.raw[name].requires_grad]
    names = [name for name in names if listening.raw[name].is_floating_point()]
    if not names or not logits.requires_grad:
        return
    fields = [listening.raw[name] for name in names]
    n_classes, total = logits.shape[1], logits.sum(0)
    size = max(1, AT_ONCE // sum(values.numel() for values in fields))
    for start in range(0, n_classes, size):
        rows = slice(start, min(start + size, n_classes))
        for name, gradient in zip(names, _gradients(total, fields, rows), strict=True):
            if gradient is None:
                continue
            arranged = _neurons_last(listening.owners[name], gradient)
            summed, moved = arranged.sum(1).cpu(), _any(arranged.flatten(0, 1))
            kind = summed.dtype
            sums.setdefault(name, torch.zeros(n_classes, summed.shape[1], dtype=kind))[rows] += summed
            alive[name] = alive[name] | moved if name in alive else moved


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
