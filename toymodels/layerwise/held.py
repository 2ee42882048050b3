"""Arrays that a model keeps: read once, copied, and closed to changes from either side."""

from __future__ import annotations

from typing import Any

import numpy as np

from toymodels.validation import finite, parts_of, unmasked


def plain(name: str, value: Any) -> Any:
    """`value`, unless it is or lists masked entries or a tensor with a gradient: either would be lost unseen."""
    if any(getattr(part, "requires_grad", False) for part in parts_of(value)):
        raise ValueError(f"{name} must not require a gradient, which would be lost: pass {name}.detach()")
    return unmasked(name, value)


def held(name: str, value: Any, *, ndim: int | None = None) -> np.ndarray:
    """`value` as a finite read-only float array of its own, of `ndim` dimensions (any, if None), if :func:`plain`."""
    array = np.array(finite(name, plain(name, value), ndim=ndim), dtype=float)
    array.flags.writeable = False
    return array


def held_number(name: str, value: Any) -> float:
    """`value` as a finite float, refused as :func:`held` refuses."""
    return float(held(name, value, ndim=0))
