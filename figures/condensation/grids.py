"""What a grid of runs found, as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def arrays_of(found: xarray.Dataset) -> dict[str, np.ndarray]:
    """Every output by name: the axes of the grid first, then replicates, then its own."""
    return {str(name): values.values for name, values in found.data_vars.items()}
