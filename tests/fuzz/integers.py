"""What a caller may hand in instead of an int, and what must come of it: the same."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from toymodels.trajectory import Trajectory


class Unchecked(int):
    """An int that no sum or product takes: a function must compute with the plain int that its check returns."""


def _refuse(*values):
    raise ArithmeticError("an integer was computed with as it was given, not as it was checked")


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "divmod",
    "pow",
    "lshift",
    "rshift",
    "and",
    "or",
    "xor",
):
    for _side in ("", "r"):
        setattr(Unchecked, f"__{_side}{_name}__", _refuse)
for _name in ("neg", "abs", "invert"):
    setattr(Unchecked, f"__{_name}__", _refuse)


def whole(value):
    """Whether a value is an int, or a list or tuple of them."""
    if type(value) in (list, tuple):
        return len(value) > 0 and all(map(whole, value))
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def of_type(kind, value):
    """An int, or a list or tuple of them, in another type; as it is where that type cannot hold it."""
    if type(value) in (list, tuple):
        return type(value)(of_type(kind, entry) for entry in value)
    try:
        return kind(int(value))
    except OverflowError:
        return value


def parts(value):
    """All numbers, arrays and words inside a result, and the types of what holds them."""
    if isinstance(value, Trajectory):
        value = {"t": value.t, **value.data, **value.meta}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, Mapping):
        return [part for name in sorted(value, key=str) for part in (name, *parts(value[name]))]
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(part for entry in value for part in parts(entry))]
    if isinstance(value, np.ndarray):
        return [value.dtype.name, value.shape, value.tolist()]
    return [type(value).__name__, value] if isinstance(value, str | int | float | complex | np.generic) else []
