"""What the planes of phase diagrams share."""

from __future__ import annotations

import numpy as np


def cell_edges(values: np.ndarray) -> np.ndarray:
    """Borders (n + 1,) of cells about the values (n,), half-way in the log; a lone cell spans a factor of 2."""
    logs = np.log(values)
    if len(logs) == 1:
        return values * np.sqrt([0.5, 2.0])
    middle = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.r_[2 * logs[0] - middle[0], middle, 2 * logs[-1] - middle[-1]])
