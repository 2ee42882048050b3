"""The two-layer ReLU network on 2-parity that condenses under weight decay, looked at along its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comparisons.harness.settings import Settings
from toymodels.trajectory import Trajectory

Observer = Callable[..., dict[str, float]]


@dataclass(frozen=True)
class Parity(Settings):
    """A two-layer ReLU network on 2-parity from a large antisymmetric start.

    Parameters
    ----------
    decay : float
        Weight decay; 1e-6 leaves the network lazy for ever.
    horizon : float
        Flow time of training in units of 1 / 0.02, whatever the decay.
    """

    decay: float = 0.02
    horizon: float = 8.0


USUAL_DECAY = 0.02


def train_parity(s: Parity, rng: np.random.Generator, observe: Observer, n_records: int = 40, **task) -> Trajectory:
    """Train once and record what `observe(x, y, x_test, y_test, a, w)` says.

    Parameters
    ----------
    s : Parity
    rng : numpy Generator
    observe : callable -> mapping of str to float
    n_records : int
    **task
        More of :class:`toymodels.condensation.delayed.DelayedTask`.
    """
    from toymodels.condensation.delayed import DelayedTask

    model = DelayedTask(weight_decay=s.decay, horizon=s.horizon * s.decay / USUAL_DECAY, **task)
    return model.train([rng], n_records=n_records, observe=observe)[0]
