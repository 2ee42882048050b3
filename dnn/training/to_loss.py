"""Plain stochastic descent that is looked at when its training loss has fallen to given levels, and then stops.

Runs of different batches need different numbers of updates; at the levels they have learned their data equally well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dnn.training.loop import training_numerics
from toymodels.trajectory import SimulationError
from toymodels.validation import positive, positive_int

EVERY_STEP = 50  # first updates, after each of which the whole training loss is computed
LOOKS = 0.01  # later it is after so many more, as a share of those made


def half_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the squared error of a sample, summed over outputs, averaged over samples."""
    return ((outputs - targets) ** 2).sum(dim=1).mean() / 2


def train_to_losses(
    network: nn.Module,
    x: Tensor,
    targets: Tensor,
    levels: Sequence[float],
    lr: float,
    batch_size: int | None,
    rng: np.random.Generator,
    look: Callable[[nn.Module], dict[str, Any]],
    most_steps: int = 100_000,
) -> dict[str, np.ndarray]:
    """Train `network` in place on :func:`half_squares` by plain descent, and look at it at falling losses.

    Parameters
    ----------
    network : Module
        Maps x (n, ...) to outputs (n, K); on the device of the data.
    x : (n, ...) tensor
    targets : (n, K) tensor
    levels : sequence of float
        Training losses > 0, strictly falling; a level is passed when the loss over all samples is first at most as
        large. One that the start has passed is looked at before any update.
    lr : float
        Learning rate > 0.
    batch_size : int or None
        Samples a step, in a new order every epoch, the last batch perhaps smaller; None is all of them.
    rng : numpy Generator
        Seeds the order.
    look : callable (network) -> dict of numbers
        Asked at every level.
    most_steps : int
        Updates after which it is an error.

    Returns
    -------
    dict of (n_levels,) arrays
        `step`, `loss`, and what `look` says.

    Raises
    ------
    ValueError
        If a number is out of range, or levels do not fall.
    SimulationError
        If the loss is not finite, or the last level is not reached.
    """
    falling = positive("levels", levels)
    if falling.ndim != 1 or not (np.diff(falling) < 0).all():
        raise ValueError(f"levels must be strictly falling, got {levels!r}")
    positive("lr", lr)
    size = len(x) if batch_size is None else positive_int("batch_size", batch_size)
    if size > len(x):
        raise ValueError(f"batch_size must be at most the {len(x)} samples, got {batch_size}")
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    optimiser = torch.optim.SGD(network.parameters(), lr=lr, fused=True)
    rows: list[dict[str, Any]] = []
    order, step, next_look = torch.empty(0, dtype=torch.int64), 0, 0
    with training_numerics(x.device):
        while True:
            if step == next_look:
                with torch.no_grad():
                    loss = half_squares(network(x), targets).item()
                if not np.isfinite(loss):
                    raise SimulationError(f"training loss is not finite at step {step}")
                passed = int((falling[len(rows) :] >= loss).sum())
                if passed:
                    rows += [{"step": step, "loss": loss, **look(network)}] * passed
                if len(rows) == len(falling):
                    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
                next_look += 1 if step < EVERY_STEP else max(1, int(LOOKS * step))
            if step == most_steps:
                raise SimulationError(f"training loss is still {loss:g} after {step} steps, {falling[-1]:g} was asked")
            if size == len(x):
                inputs, wanted = x, targets
            else:
                if not len(order):
                    order = torch.randperm(len(x), generator=generator).to(x.device)
                inputs, wanted, order = x[order[:size]], targets[order[:size]], order[size:]
            optimiser.zero_grad()
            half_squares(network(inputs), wanted).backward()
            optimiser.step()
            step += 1
