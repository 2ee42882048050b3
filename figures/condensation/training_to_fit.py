"""Training that stops as soon as every training sample is classified rightly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from dnn.data import Split
    from dnn.training.config import TrainConfig


class _Fitted(Exception):
    """Raised by a probe to end the run."""


def train_to_fit(
    network: nn.Module, split: Split, config: TrainConfig, rng: np.random.Generator, looks: int = 24
) -> tuple[int, float]:
    """Train `network` in place until its training accuracy is 1, or for `config.n_steps` updates.

    Parameters
    ----------
    network : Module
    split : Split
    config : TrainConfig
        Its records are replaced by evenly spaced ones, at which accuracy is looked at.
    rng : numpy Generator
    looks : int
        How many.

    Returns
    -------
    steps : int
        Updates made.
    accuracy : float
        In eval mode, on all training samples.
    """
    from dnn.training.loop import train
    from dnn.training.objectives import evaluate

    steps = tuple(sorted({int(step) for step in np.linspace(0, config.n_steps, looks + 1)[1:]}))
    seen: list[float] = []

    def look(network: nn.Module, split: Split) -> float:
        seen.append(evaluate(network, split.x_train, split.y_train, config.loss, config.target_scale)[1])
        if seen[-1] == 1:
            raise _Fitted
        return seen[-1]

    try:
        train(network, split, replace(config, records=steps, record_samples=1), rng, {"look": look})
    except _Fitted:
        network.eval()
    return steps[len(seen) - 1], seen[-1]
