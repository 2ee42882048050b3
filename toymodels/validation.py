"""Argument checks shared by all models: each names the parameter, the constraint and the value got."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from reprlib import Repr
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LARGEST_COUNT = 2**53
LARGEST_FACTOR = 1e75  # the fourth power of which is a float
_SHORT = Repr()
_SHORT.maxstring, _SHORT.maxother = 200, 100


def described(value: Any) -> str:
    """`value` for an error message: type, dtype and shape of an array or tensor, the start of anything else."""
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape):
        return f"{type(value).__name__} of {getattr(value, 'dtype', 'no dtype')} and shape {tuple(shape)}"
    return _SHORT.repr(value)


def detached(value: Any) -> Any:
    """`value` as numpy can read it: tensors, also in lists, leave their gradient, device and 16-bit floats behind."""
    if hasattr(value, "detach"):
        return _read_tensor(value.detach())
    if isinstance(value, list | tuple) and len(value) and not isinstance(value[0], float | int):
        return [detached(entry) for entry in value]
    return value


def _read_tensor(tensor: Any) -> np.ndarray:
    """A tensor without gradient, of whatever library, as an array; float32 for types that numpy lacks."""
    for name in ("cpu", "resolve_conj", "resolve_neg"):
        tensor = getattr(tensor, name, lambda same=tensor: same)()
    try:
        return np.asarray(tensor)
    except TypeError:
        return np.asarray(tensor.float())


MOST_DIMENSIONS = 64  # of an array


def unmasked(name: str, value: Any) -> Any:
    """`value`, unless it is or lists a masked array with masked entries, which numpy would read as if they counted."""
    for part in parts_of(value):
        if isinstance(part, np.ma.MaskedArray) and (masked := np.ma.count_masked(part)):
            raise ValueError(f"{name} must not be masked, got {masked} masked entries")
    return value


def parts_of(value: Any, level: int = 0) -> Iterator[Any]:
    """What an array may be made of: the value, or all that is listed in it as deep as arrays are, but plain numbers."""
    if isinstance(value, list | tuple):
        for entry in value if level < MOST_DIMENSIONS else ():
            if not isinstance(entry, float | int):
                yield from parts_of(entry, level + 1)
    else:
        yield value


def array_of(name: str, value: Any) -> np.ndarray:
    """`value` as an array of whatever type; tensors leave their gradient behind, masked entries are refused."""
    try:
        return np.asarray(detached(unmasked(name, value)))
    except (TypeError, RuntimeError):
        raise ValueError(f"{name} must be an array, got {described(value)}") from None


def numeric(name: str, value: ArrayLike, dtype=float) -> np.ndarray:
    """`value` as an array of numbers, NaN and infinity included; complex ones only if `dtype` is."""
    unmasked(name, value)
    try:
        array = np.asarray(detached(value))
        if array.dtype.kind == "O" and array.size:
            array = _numbers_of(array)
        if array.dtype.kind in "biuf" or not array.size or (array.dtype.kind == "c" and np.dtype(dtype).kind == "c"):
            return array.astype(dtype, copy=False)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(f"{name} must be numeric, got {described(value)}") from None
    kind = "real" if array.dtype.kind == "c" else "numeric"  # numpy would drop the imaginary part, and read words
    raise ValueError(f"{name} must be {kind}, got {described(value)}")


def _numbers_of(array: np.ndarray) -> np.ndarray:
    """An array of objects (fractions, numbers of sympy, large integers) as numbers; words are none."""
    if any(isinstance(entry, str | bytes) or entry is None for entry in array.flat):
        raise TypeError
    return array.astype(complex) if any(isinstance(entry, complex) for entry in array.flat) else array.astype(float)


def finite(name: str, value: ArrayLike, *, ndim: int | None = None, dtype=float) -> np.ndarray:
    """`value` as a finite, non-empty array of `ndim` dimensions (any, if None)."""
    array = numeric(name, value, dtype)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if np.count_nonzero(np.isfinite(array)) < array.size:  # faster than all() for the small arrays that most are
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)].flat[0]} among its entries")
    return array


def of_ordinary_size(array: np.ndarray) -> np.ndarray:
    """`array`, for results that no unit changes: times a power of two where its squares would overflow or vanish."""
    largest = float(np.abs(array).max(initial=0.0))
    if largest == 0 or 1e-100 < largest < 1e100:
        return array
    exponent = -int(np.frexp(largest)[1])
    half = exponent // 2  # two steps, since 2^1074 is no float
    return np.ldexp(np.ldexp(array, half), exponent - half)


def without_overflow(name: str, function: Callable[[np.ndarray], Any], values: np.ndarray) -> Any:
    """`function(values)`, which has the unit of the values: `ValueError` only if what comes of it is no float."""
    if float(np.abs(values).max(initial=0.0)) < 1e300:
        return function(values)
    with np.errstate(over="ignore"):
        result = function(values / 2**20) * 2.0**20  # exact, and room for sums
    if not np.isfinite(result).all():
        raise ValueError(f"{name} must not be so large that differences overflow, got {np.abs(values).max():g} in size")
    return result


def row_norms(rows: np.ndarray) -> np.ndarray:
    """Euclidean norms (...,) of rows (..., d), also of those whose squares overflow or vanish."""
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(rows, axis=-1)
    low, high = (1e-140, 1e140) if norms.dtype == np.float64 else (1e-15, 1e15)
    far = ~((norms > low) & (norms < high))
    if far.any():
        exponents = np.frexp(np.abs(rows[far]).max(axis=-1))[1]
        scaled = np.linalg.norm(np.ldexp(rows[far], -exponents[..., None]), axis=-1)
        norms[far] = np.ldexp(scaled, exponents)
    return norms


def require_room(**arrays: np.ndarray) -> None:
    """`ValueError` naming the first array so large that products with it overflow."""
    for name, array in arrays.items():
        largest = float(np.abs(array).max(initial=0.0))
        if largest > LARGEST_FACTOR:
            raise ValueError(
                f"{name} must be at most {LARGEST_FACTOR:g} in size, or products overflow, got {largest:g}"
            )


def positive(name: str, value: ArrayLike, *, ndim: int | None = None) -> np.ndarray:
    """`value` as a finite array of `ndim` dimensions (any, if None) with every entry > 0."""
    array = finite(name, value, ndim=ndim)
    if not (array > 0).all():
        raise ValueError(f"{name} must be > 0, got {array.min():g}")
    return array


def non_negative(name: str, value: ArrayLike) -> np.ndarray:
    """`value` as a finite array with every entry >= 0."""
    array = finite(name, value)
    if not (array >= 0).all():
        raise ValueError(f"{name} must be >= 0, got {array.min():g}")
    return array


def positive_int(name: str, value, *, minimum: int = 1) -> int:
    """`value` as an int >= `minimum`, a count < 2^53; floats and bools are refused."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be an integer, got {described(value)}")
    if value < minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {value}")
    if minimum > 0 and value >= LARGEST_COUNT:
        raise ValueError(f"{name} must be < 2^53, got {described(value)}")
    return int(value)


def plain_fields(record: Any) -> None:
    """The numbers of numpy among the fields of a frozen dataclass as Python's own, which do not wrap."""
    for name, value in list(vars(record).items()):
        if isinstance(value, np.generic):
            object.__setattr__(record, name, value.item())


def counts(name: str, values: Any, *, minimum: int = 1, at_least: int = 1) -> tuple[int, ...]:
    """`values` as ints >= `minimum`, `at_least` so many of them."""
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str | bytes) or np.ndim(values) != 1:
        raise ValueError(f"{name} must be a sequence of integers, got {described(values)}")
    if len(values) < at_least:
        raise ValueError(f"{name} must be at least {at_least} integer(s), got {len(values)}")
    return tuple(positive_int(name, value, minimum=minimum) for value in values)


def generator(name: str, value: Any) -> np.random.Generator:
    """`value` if it draws as a numpy Generator does."""
    if not hasattr(value, "standard_normal") or isinstance(value, np.random.RandomState | type):
        raise ValueError(f"{name} must be a numpy Generator, as numpy.random.default_rng(0), got {described(value)}")
    return value


def fraction(name: str, value: float, *, closed: bool = False) -> float:
    """`value` as a float in (0, 1), or in [0, 1] when `closed`."""
    number = float(finite(name, value, ndim=0))
    inside = 0 <= number <= 1 if closed else 0 < number < 1
    if not inside:
        raise ValueError(f"{name} must be in {'[0, 1]' if closed else '(0, 1)'}, got {number:g}")
    return number


def times(t: ArrayLike, *, name: str = "t") -> np.ndarray:
    """Times as a (n_t,) array: non-negative, strictly increasing, `inf` allowed as the last entry."""
    array = np.atleast_1d(numeric(name, t))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty 1-D array, got shape {array.shape}")
    if not (array >= 0).all():
        raise ValueError(f"{name} must be >= 0 and not NaN, got {array[~(array >= 0)][0]:g} among its entries")
    if not np.all(array[1:] > array[:-1]):
        late = int((array[1:] <= array[:-1]).argmax())
        raise ValueError(f"{name} must be strictly increasing, got {array[late + 1]:g} after {array[late]:g}")
    return array


def choice(name: str, value, allowed) -> str:
    """`value` if it is one of `allowed`."""
    if not isinstance(value, Hashable) or value not in tuple(allowed):
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, got {described(value)}")
    return value  # pyright: ignore[reportReturnType]


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; an array, a word or None is none."""
    if not isinstance(value, bool | np.bool_ | int) or value not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {described(value)}")
    return bool(value)


def path(name: str, value: Any) -> Path:
    """`value` as the path of a file or folder."""
    if not isinstance(value, str | os.PathLike):
        raise ValueError(f"{name} must be a path, got {described(value)}")
    return Path(value)


def text(name: str, value: Any) -> str:
    """`value` if it is a str."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a str, got {described(value)}")
    return value
