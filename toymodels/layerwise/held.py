"""Arrays that a model keeps: read once, copied, and closed to changes from either side."""

from __future__ import annotations

from typing import Any

import numpy as np

from toymodels.validation import finite


def plain(name: str, value: Any) -> Any:
    """`value`, unless it is or lists a masked array or a tensor with a gradient: either would be lost unseen."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} must not be a masked array, got {np.ma.count_masked(value)} masked entries")
    if getattr(value, "requires_grad", False):
        raise ValueError(f"{name} must not require a gradient, which would be lost: pass {name}.detach()")
    if isinstance(value, list | tuple):
        for entry in value:
            if not isinstance(entry, float | int):
                plain(name, entry)
    return value


def held(name: str, value: Any, *, ndim: int | None = None) -> np.ndarray:
    """`value` as a finite read-only float array of its own, of `ndim` dimensions (any, if None), if :func:`plain`."""
    array = np.array(finite(name, plain(name, value), ndim=ndim), dtype=float)
    array.flags.writeable = False
    return array


def held_number(name: str, value: Any) -> float:
    """`value` as a finite float, refused as :func:`held` refuses."""
    return float(held(name, value, ndim=0))
