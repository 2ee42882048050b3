"""The area under a curve, which numpy calls by another name before 2.0."""

import numpy as np


def area(values: np.ndarray, places: np.ndarray) -> float:
    """Integral of values (n,) over places (n,), by trapezoids."""
    return float((np.diff(places) * (values[1:] + values[:-1]) / 2.0).sum())
