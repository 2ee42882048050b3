"""One look at a module: every quantity it can have, and why it cannot have the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from torch import nn

from dnn.observing.batches import samples_of
from dnn.observing.layers import unwrapped
from dnn.observing.observation import Observation, check_finite, known, measured
from dnn.observing.passes import View
from dnn.observing.quantities import QUANTITIES
from dnn.observing.resting import undisturbed
from dnn.observing.streaming import observe_stream


def quantities() -> tuple[str, ...]:
    """Names of all quantities that :func:`observe` knows.

    Examples
    --------
    >>> quantities()[:2], {"nc1", "rank_gradient", "clusters"} <= set(quantities())
    (('accuracy', 'loss'), True)
    """
    return tuple(QUANTITIES)


def observe(
    module: nn.Module,
    data: Any,
    quantities: Iterable[str] | None = None,
    *,
    layers: str = "*",
    output: Callable | None = None,
    samples: int | None = 1000,
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
        Whose neurons are looked at, as of a shell: "*", "blocks.*"; the readout is that of the whole module.
    output : callable, optional
        From what the module returns to (n, K) logits, if it is neither these, nor has them as `.logits` or first.
    samples : int or None
        The first so many are looked at. All of them, batch by batch, if None: memory does not grow with their number,
        `rank_gradient` is counted within about 1e-3, and quantities that need all samples at once are refused.
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
    if samples is None:
        return observe_stream(module, data, quantities, layers=layers, output=output)
    asked = known(quantities)
    inner = unwrapped(module)
    check_finite(inner)
    with undisturbed(inner):
        batch = samples_of(data, samples).placed(inner)
        view = View(inner, batch, layers, output, reference, np.random.default_rng(0) if rng is None else rng)
        view.prepare(asked)
        return measured(asked, lambda name: QUANTITIES[name](view))
