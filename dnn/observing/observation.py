"""What an observation is: numbers by name, and the reasons of those that are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dnn.networks.mlp import non_finite
from dnn.observing.passes import Refused
from dnn.observing.quantities import QUANTITIES
from toymodels.validation import described

if TYPE_CHECKING:
    import pandas


class Observation(Mapping[str, float]):
    """Numbers by "layer/quantity" or "quantity".

    Parameters
    ----------
    numbers : mapping of str to float
    refused : mapping of str to str
        Quantity -> why the module cannot have it, and what to do about it.
    """

    def __init__(self, numbers: Mapping[str, float], refused: Mapping[str, str]):
        self._numbers = dict(numbers)
        self.refused = dict(refused)

    def __getitem__(self, name: str) -> float:
        if name not in self._numbers:
            why = self.refused.get(name.rpartition("/")[2])
            raise KeyError(f"{name}: {why}" if why else f"{name}; there are {', '.join(self._numbers)}")
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, quantity: str) -> dict[str, float]:
        """A quantity of every layer that has it, by the layer's name.

        Parameters
        ----------
        quantity : str
        """
        return {name.rpartition("/")[0]: v for name, v in self._numbers.items() if name.rpartition("/")[2] == quantity}

    def to_dataframe(self) -> pandas.DataFrame:
        """One line a number: layer ("" for the whole module), quantity, value."""
        import pandas

        lines = [(*_split(name), value) for name, value in self._numbers.items()]
        return pandas.DataFrame(lines, columns=["layer", "quantity", "value"])

    def __repr__(self) -> str:
        lines = [f"{name:32} {value:.4g}" for name, value in self._numbers.items()]
        return "\n".join([*lines, *(f"{name:32} refused: {why}" for name, why in self.refused.items())])


def _split(name: str) -> tuple[str, str]:
    layer, _, quantity = name.rpartition("/")
    return layer, quantity


def known(quantities: Iterable[str] | None) -> list[str]:
    """The quantities asked for, all if None; `ValueError` for one that there is not."""
    if isinstance(quantities, str) or not isinstance(quantities, Iterable | None):
        raise ValueError(f"quantities must be names, got {described(quantities)}")
    asked = list(QUANTITIES) if quantities is None else list(quantities)
    unknown = [name for name in asked if not isinstance(name, str) or name not in QUANTITIES]
    if unknown:
        raise ValueError(f"quantities must be out of {', '.join(QUANTITIES)}, got {', '.join(map(str, unknown))}")
    return asked


def check_finite(module: nn.Module) -> None:
    """`ValueError` for a parameter or buffer that is not finite; entries are looked at only where their sum is not."""
    sums = [values.sum() for values in (*module.parameters(), *module.buffers())]
    if not all(bool(torch.isfinite(value)) for value in sums):
        broken = non_finite(module)
        if broken:
            raise ValueError(f"module must have finite parameters, got {broken}")


def measured(asked: Iterable[str], value_of: Callable[[str], float | dict[str, float]]) -> Observation:
    """What a function gives for every quantity asked for; reasons where it raises `Refused` or is not finite."""
    numbers: dict[str, float] = {}
    refused: dict[str, str] = {}
    for name in asked:
        try:
            value = value_of(name)
        except Refused as error:
            refused[name] = str(error)
            continue
        if isinstance(value, dict) and not value:
            refused[name] = "needs a hidden layer"
        parts = (
            {f"{layer}/{name}": number for layer, number in value.items()} if isinstance(value, dict) else {name: value}
        )
        for key, number in parts.items():
            if np.isfinite(number):
                numbers[key] = float(number)
            else:
                refused[name] = f"is not finite here ({key}: {number})"
    return Observation(numbers, refused)
