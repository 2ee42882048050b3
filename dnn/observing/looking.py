"""One look at a module: every quantity it can have, and why it cannot have the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from dnn.networks.mlp import non_finite
from dnn.observing.batches import samples_of
from dnn.observing.layers import unwrapped
from dnn.observing.passes import Refused, View
from dnn.observing.quantities import DIFFERENTIATED, OF_LOGITS, QUANTITIES

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


def quantities() -> tuple[str, ...]:
    """Names of all quantities that :func:`observe` knows."""
    return tuple(QUANTITIES)


def observe(
    module: nn.Module,
    data: Any,
    quantities: Iterable[str] | None = None,
    *,
    layers: str = "*",
    output: Callable | None = None,
    samples: int = 1000,
    reference: nn.Module | None = None,
    rng: np.random.Generator | None = None,
) -> Observation:
    """Measure quantities of any torch module on samples; nothing in the module is changed.

    Parameters
    ----------
    module : Module
        Any; `torch.compile`, DataParallel and the like are looked through.
    data : Split, (x, y), DataLoader or any iterable of batches
        Batches are (x, y), (x1, x2, ..., y), or mappings that have labels under "labels", "label", "y" or "target".
    quantities : iterable of str, optional
        Which; all that :func:`quantities` lists, if None.
    layers : str
        Which layers, as of a shell: "*", "blocks.*".
    output : callable, optional
        From what the module returns to (n, K) logits, if it is neither these, nor has them as `.logits` or first.
    samples : int
        The first so many are looked at.
    reference : Module, optional
        A copy of the module at the start, for the kernel distance.
    rng : numpy.random.Generator, optional
        For the quantities that draw; if None, every call draws the same.

    Returns
    -------
    Observation
        A mapping "layer/quantity" or "quantity" -> float, with `.refused` (quantity -> why).

    Raises
    ------
    ValueError
        For unknown quantities, parameters that are not finite, data without samples, or an output that gives no logits.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> seen = observe(network, (torch.eye(3), torch.tensor([0, 1, 1])), ["accuracy", "effective_rank"])
    >>> sorted(seen)
    ['0/effective_rank', 'accuracy']
    """
    asked = list(QUANTITIES) if quantities is None else list(quantities)
    unknown = [name for name in asked if name not in QUANTITIES]
    if unknown:
        raise ValueError(f"quantities must be out of {', '.join(QUANTITIES)}, got {', '.join(unknown)}")
    inner = unwrapped(module)
    broken = _not_finite(inner)
    if broken:
        raise ValueError(f"module must have finite parameters, got {broken}")
    batch = samples_of(data, samples).placed(inner)
    rng = np.random.default_rng(0) if rng is None else rng
    differentiated, tapped = not set(asked).isdisjoint(DIFFERENTIATED), not set(asked) <= set(OF_LOGITS)
    view = View(inner, batch, layers, output, reference, rng, differentiated, tapped)
    numbers: dict[str, float] = {}
    refused: dict[str, str] = {}
    for name in asked:
        try:
            value = QUANTITIES[name](view)
        except Refused as error:
            refused[name] = str(error)
            continue
        measured = (
            {f"{layer}/{name}": number for layer, number in value.items()} if isinstance(value, dict) else {name: value}
        )
        for key, number in measured.items():
            if np.isfinite(number):
                numbers[key] = float(number)
            else:
                refused[name] = f"is not finite here ({key}: {number})"
    return Observation(numbers, refused)


def _not_finite(module: nn.Module) -> str | None:
    """As :func:`dnn.networks.mlp.non_finite`, which is asked only where a sum is not finite: that is faster."""
    sums = [values.sum() for values in (*module.parameters(), *module.buffers())]
    return None if all(bool(torch.isfinite(value)) for value in sums) else non_finite(module)
