"""Calling a module with other parameters and buffers, also one that has a part in two places.

`torch.func.functional_call` puts the new values into every place of a tied parameter, and the old ones back in the same
order; where the two places are one module, registered under two names, it leaves the new values behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from dnn.observing.resting import lent_state


def called_with(module: nn.Module, values: Mapping[str, Tensor], args: tuple, kwargs: Mapping | None = None) -> Any:
    """What a module returns with other values of its parameters and buffers; it keeps its own, and writes into copies.

    Parameters
    ----------
    module : Module
    values : mapping of str to tensor
        By names of `named_parameters` and `named_buffers`; a tied one counts under its first.
    args, kwargs : tuple, mapping
        Of the call.

    Raises
    ------
    ValueError
        For a name that is none of these.

    Examples
    --------
    >>> import torch
    >>> part = nn.Linear(1, 1, bias=False)
    >>> twice, before = nn.Sequential(part, part), part.weight.item()
    >>> called_with(twice, {"0.weight": torch.tensor([[3.0]])}, (torch.ones(1, 1),)).item()
    9.0
    >>> part.weight.item() == before
    True
    """
    first, everywhere = {}, {}
    for place, tensor in _places(module):
        everywhere[place] = first.setdefault(id(tensor), place)
    unknown = set(values) - set(everywhere.values())
    if unknown:
        raise ValueError(f"values must be of parameters or buffers of the module, got {', '.join(sorted(unknown))}")
    buffers = {name for name, _ in module.named_buffers()}
    values = {name: value.clone() if name in buffers else value for name, value in values.items()}
    given = {place: values[name] for place, name in everywhere.items() if name in values}
    with lent_state(module):
        return functional_call(module, given, args, dict(kwargs or {}), tie_weights=False)


def _places(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every place of a tensor in every part, named once where a part has two names."""
    for prefix, part in module.named_modules():
        for key, tensor in (*part._parameters.items(), *part._buffers.items()):
            if tensor is not None:
                yield (f"{prefix}.{key}" if prefix else key), tensor
