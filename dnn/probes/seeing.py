"""How every probe sees a network: inside its wrappers, at rest, and as a chain of layers where it is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dnn.checks import split_of
from dnn.observing.batches import Batch, as_batch, logits_of
from dnn.observing.layers import unwrapped
from dnn.observing.quantities import View
from dnn.observing.resting import undisturbed
from dnn.reading.perturbations import readable
from dnn.reading.unfolding import STATISTICS, Unfolded, chain_inputs, check_finite, unfold, with_statistics_of
from toymodels.validation import choice, positive_int


@dataclass(frozen=True, eq=False)
class Seen:
    """A network with samples.

    Attributes
    ----------
    module : Module
        Without wrappers, in evaluation mode; a chain in half precision is a copy in float32.
    x, y : (n, ...) and (n,) tensors
        On its device, real inputs in its precision; for a chain what reaches its first linear layer, (n, d).
    chain : Unfolded or None
    output : callable or None
        From what the module returns to (n, K) logits.
    returns_logits : bool
        Whether the module returns (n, K) logits and nothing else.
    given : (n, ...) tensor
        The samples in their own shape.
    """

    module: nn.Module
    x: Tensor
    y: Tensor
    chain: Unfolded | None
    output: Callable | None
    returns_logits: bool
    given: Tensor

    @property
    def is_tied(self) -> bool:
        """Whether a chain uses a parameter twice, which the formulas of its tangent kernel do not know."""
        if self.chain is None:
            return False
        used = [id(parameter) for linear in self.chain.linears for parameter in linear.parameters()]
        return len(set(used)) < len(used)

    @property
    def repeats(self) -> bool:
        """Whether a part stands in two places of the module."""
        parts = [id(part) for _, part in self.module.named_modules(remove_duplicate=False)]
        return len(set(parts)) < len(parts)

    def view(self, statistics: str = "running") -> View:
        """What the quantities of :func:`dnn.observe` are computed from.

        Parameters
        ----------
        statistics : {"running", "batch"}
            Of batch norm; "batch" are those of all the samples.
        """
        module = self.module
        if choice("statistics", statistics, STATISTICS) == "batch":
            module = with_statistics_of(module, self.given)
        given = self.given.clone()  # some modules write into their inputs
        return View(module, Batch((given,), self.y), output=self.output)

    def classifier(self) -> nn.Module:
        """The module itself, or one that returns its logits and nothing else."""
        return self.module if self.returns_logits else _Classifier(self.module, self.output)


class _Classifier(nn.Module):
    """A module that returns its logits and nothing else."""

    def __init__(self, module: nn.Module, output: Callable | None):
        super().__init__()
        self.module, self.output = module, output

    def forward(self, x: Tensor) -> Tensor:
        return logits_of(self.module(x), self.output)


@contextmanager
def seen(network: nn.Module, x: Tensor, y: Tensor, output: Callable | None = None) -> Iterator[Seen]:
    """A network at rest, with samples; all that looking disturbs is as before afterwards.

    Parameters
    ----------
    network : Module
        Any; wrappers are looked through.
    x, y : (n, ...) and (n,) tensors
    output : callable, optional
        From what the module returns to (n, K) logits, if it is neither these, nor has them as `.logits` or first.

    Raises
    ------
    ValueError
        For parameters or buffers that are not finite, and samples that the network does not take.
    """
    inner = unwrapped(network)
    check_finite(inner)
    batch = as_batch((x, y)).placed(inner)
    with undisturbed(inner):
        chain = _chain(inner, batch.x) if output is None else None
        if chain is not None:
            read, given = readable(inner, batch.x)
            chain = chain if read is inner else unfold(read)
            yield Seen(read, chain_inputs(read, given), batch.labels, chain, None, True, given)
        else:
            plain = _returns_logits(inner, batch.x, output)
            yield Seen(inner, batch.x, batch.labels, None, output, plain, batch.x)


def _chain(network: nn.Module, x: Tensor) -> Unfolded | None:
    """A network as a chain, None if it is none or samples are sequences to it."""
    try:
        unfolded = unfold(network)
    except ValueError:
        return None
    return unfolded if chain_inputs(network, x).ndim <= 2 else None


@torch.no_grad()
def _returns_logits(network: nn.Module, x: Tensor, output: Callable | None) -> bool:
    """Whether (n, K) logits come out as they are; `ValueError` if there are none to be had."""
    try:
        returned = network(x[:1].clone())
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, IndexError, TypeError) as error:
        got = f"{tuple(x.shape)} of {x.dtype}"
        raise ValueError(f"x must have a shape and dtype that network takes, got {got}: {error}") from error
    logits_of(returned, output)
    return output is None and isinstance(returned, Tensor) and returned.ndim == 2


def first(split, samples: int) -> tuple[Tensor, Tensor]:
    """The first training samples with their labels.

    Parameters
    ----------
    split : Split
    samples : int
        How many at most.
    """
    samples = positive_int("samples", samples)
    split_of(split)
    return split.x_train[:samples], split.y_train[:samples]


def part_of(split, part: str) -> tuple[Tensor, Tensor]:
    """Samples and labels of a part of a split.

    Parameters
    ----------
    split : Split
    part : {"train", "test"}
    """
    split_of(split)
    if choice("part", part, ("train", "test")) == "train":
        return split.x_train, split.y_train
    return split.x_test, split.y_test


def as_numpy(values: Tensor) -> np.ndarray:
    """An array of the values, without gradients.

    Parameters
    ----------
    values : tensor
    """
    return values.detach().cpu().numpy()
