"""Samples out of whatever a training loop feeds on: a Split, a pair, a DataLoader, batches that are tuples or dicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dnn.checks import check_finite_values, tensor_of
from dnn.data import Split
from dnn.observing.resting import lent_state
from toymodels.validation import positive_int

LABELS = ("labels", "label", "y", "targets", "target")  # keys under which a batch that is a dict has them


@dataclass(frozen=True)
class Batch:
    """Samples with their labels.

    Parameters
    ----------
    inputs : dict of str to tensor, or tuple of tensors
        Handed to the module by name or by position; the first axis counts samples.
    labels : (n,) tensor
        Integers of classes, or real targets (n,) or (n, k).
    """

    inputs: Mapping[str, Tensor] | tuple[Tensor, ...]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def x(self) -> Tensor:
        """The only input, as most modules have.

        Raises
        ------
        ValueError
            If there are several.
        """
        tensors = list(self.inputs.values()) if isinstance(self.inputs, Mapping) else list(self.inputs)
        if len(tensors) != 1:
            raise ValueError(f"the module must take a single tensor, got batches with {len(tensors)}")
        return tensors[0]

    def part(self, chosen: slice | Tensor) -> Batch:
        """The samples at these places.

        Parameters
        ----------
        chosen : slice or integer tensor
        """
        return Batch(_each(self.inputs, lambda values: values[chosen]), self.labels[chosen])

    def placed(self, module: nn.Module) -> Batch:
        """On the module's device, real inputs in its precision.

        Parameters
        ----------
        module : Module
        """
        parameter = next((p for p in module.parameters() if p.is_floating_point()), torch.zeros(()))

        def moved(values: Tensor) -> Tensor:
            kind = parameter.dtype if values.is_floating_point() else values.dtype
            placed = values.detach().to(device=parameter.device, dtype=kind)
            return check_finite_values("samples", placed)

        labels = self.labels.detach().to(parameter.device)
        return Batch(_each(self.inputs, moved), labels if labels.is_floating_point() else labels.long())

    def call(self, module: nn.Module) -> Any:
        """What the module returns for copies of these inputs, and of its state: some modules write into theirs.

        Parameters
        ----------
        module : Module
        """
        inputs = _each(self.inputs, lambda part: part.clone() if isinstance(part, Tensor) else part)
        try:
            with lent_state(module):
                return module(**inputs) if isinstance(inputs, Mapping) else module(*inputs)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, IndexError, TypeError) as error:
            tensors = inputs.values() if isinstance(inputs, Mapping) else inputs
            got = ", ".join(f"{tuple(part.shape)} of {part.dtype}" for part in tensors)
            raise ValueError(f"samples must have a shape and dtype that module takes, got {got}: {error}") from error

    def digest(self) -> str:
        """SHA-256 over names, types, shapes and bytes: equal for the same samples in the same order."""
        named = sorted(self.inputs.items()) if isinstance(self.inputs, Mapping) else enumerate(self.inputs)
        state = hashlib.sha256()
        for name, values in (*named, ("labels", self.labels)):
            state.update(f"{name} {values.dtype} {tuple(values.shape)} ".encode())
            state.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return state.hexdigest()


def _each(inputs, function):
    if isinstance(inputs, Mapping):
        return {name: function(values) for name, values in inputs.items()}
    return tuple(function(values) for values in inputs)


def samples_of(data: Any, most: int = 1000) -> Batch:
    """The first samples of a data set as one batch.

    Parameters
    ----------
    data : Split, (x, y), mapping, DataLoader or any iterable of batches
        Of a Split the training part; batches are (x, y), (x1, x2, ..., y), or mappings with labels under one of LABELS.
    most : int
        How many samples at most.

    Returns
    -------
    Batch

    Raises
    ------
    ValueError
        If there are no samples, or a batch is none of these, or its parts differ in length.
    """
    most = positive_int("samples", most)
    parts, count = [], 0
    for batch in batches_of(data):
        parts.append(batch.part(slice(0, most - count)))
        count += len(parts[-1])
        if count >= most:
            break
    if not count:
        raise ValueError("data must hold samples, got none")
    if len(parts) == 1:
        return parts[0]
    first = parts[0].inputs
    labels = torch.cat([part.labels for part in parts])
    if isinstance(first, Mapping):
        return Batch({name: torch.cat([part.inputs[name] for part in parts]) for name in first}, labels)
    return Batch(tuple(torch.cat([part.inputs[k] for part in parts]) for k in range(len(first))), labels)


def batches_of(data: Any) -> Iterator[Batch]:
    """All batches of a data set, one after another.

    Parameters
    ----------
    data
        As in :func:`samples_of`.

    Raises
    ------
    ValueError
        If it is none of these, or a batch is not.
    """
    if isinstance(data, Split):
        yield as_batch((data.x_train, data.y_train))
    elif isinstance(data, Batch | Mapping) or _are_arrays(data):
        yield as_batch(data)
    elif isinstance(data, Iterable):
        for batch in data:
            yield as_batch(batch)
    else:
        raise ValueError(f"data must be a Split, a pair (x, y) or an iterable of batches, got {type(data).__name__}")


def _are_arrays(data: Any) -> bool:
    return isinstance(data, tuple) and all(isinstance(part, Tensor | np.ndarray) for part in data)


def as_batch(batch: Any) -> Batch:
    """A batch as a training loop has it; classes of any integer type, and bools, are int64.

    Parameters
    ----------
    batch : Batch, mapping, or sequence of tensors whose last are the labels

    Raises
    ------
    ValueError
        If it is something else, has no labels, or parts of other lengths.
    """
    if isinstance(batch, Batch):
        return batch
    if isinstance(batch, Mapping):
        key = next((key for key in LABELS if key in batch), None)
        if key is None:
            raise ValueError(f"a batch must have labels under one of {', '.join(LABELS)}, got {', '.join(batch)}")
        inputs: Any = {name: tensor_of(str(name), values) for name, values in batch.items() if name != key}
        labels = tensor_of(key, batch[key])
    elif isinstance(batch, list | tuple) and len(batch) >= 2:
        *tensors, last = batch
        inputs, labels = tuple(tensor_of("inputs of a batch", each) for each in tensors), tensor_of("labels", last)
    else:
        raise ValueError(f"a batch must be (inputs, labels) or a mapping with labels, got {type(batch).__name__}")
    for values in inputs.values() if isinstance(inputs, Mapping) else inputs:
        if len(values) != len(labels):
            raise ValueError(f"a batch must have one label a sample, got {len(labels)} and shape {tuple(values.shape)}")
    return Batch(inputs, labels if labels.is_floating_point() else labels.long())


def logits_of(returned: Any, output: Any = None) -> Tensor:
    """The (n, K) logits in what a module returned.

    Parameters
    ----------
    returned : tensor, mapping, tuple or object
        A tensor, or what has one under "logits", as `.logits`, or as its first entry.
    output : callable, optional
        From `returned` to the logits, for anything else.

    Raises
    ------
    ValueError
        If there are no (n, K) logits to be had without `output`.
    """
    if output is not None:
        values = output(returned)
    elif isinstance(returned, Mapping) and "logits" in returned:
        values = returned["logits"]
    elif hasattr(returned, "logits"):
        values = getattr(returned, "logits")  # noqa: B009
    elif isinstance(returned, tuple | list) and returned:
        values = returned[0]
    else:
        values = returned
    if not isinstance(values, Tensor) or values.ndim not in (1, 2):
        shape = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"the module must return (n, K) logits, or output must take them out of it; got {shape}")
    return values if values.ndim == 2 else values[:, None]
