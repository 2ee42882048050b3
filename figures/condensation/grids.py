"""Grids of runs: how many networks in batches, and what they found as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Batches(Settings):
    """How many networks.

    Parameters
    ----------
    batches : int
        Batches of networks, each computed on its own.
    replicates : int
        Independent networks of a batch, trained at once.
    """

    batches: int = 1
    replicates: int = 5


def arrays_of(runs: xarray.Dataset) -> dict[str, np.ndarray]:
    """Every output by name: the axes of the grid first, then replicates, then its own."""
    return {str(name): values.values for name, values in runs.data_vars.items()}
