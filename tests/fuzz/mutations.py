"""What a careless or hostile caller may put in the place of a good argument."""

import numpy as np

NUMBERS = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "-infinity": -float("inf"),
    "0": 0,
    "-1": -1,
    "1e-310": 1e-310,
    "1e200": 1e200,
    "1e-9": 1e-9,
    "1e9": 10**9,
    "complex": 1 + 1j,
    "string": "1",
    "None": None,
    "empty list": [],
    "list": [1, 2],
    "True": True,
    "2^70": 2**70,
}
WORDS = {"unknown word": "---", "empty word": "", "None": None, "number": 3, "list": ["a"]}
GENERATORS = {"None": None, "seed": 0, "word": "rng"}
OTHERS = {"None": None, "number": 3, "word": "abc", "object": object()}


def of_array(array):
    """Spoiled copies of an array of numbers."""
    spoiled = {
        "empty": array[:0],
        "one more axis": array[None],
        "complex": array + 1j,
        "strings": array.astype(str),
        "None": None,
        "word": "abc",
        "objects": np.full(array.shape, None),
        "scalar": 3,
        "reversed": array[::-1].copy(),
        "zeros": np.zeros_like(array),
    }
    if array.size and array.dtype.kind in "iuf":
        for name, value in {"NaN": np.nan, "infinity": np.inf, "-1": -1.0, "1e9": 1e9, "half": 0.5}.items():
            changed = array.astype(float).copy()
            changed.flat[0] = value
            spoiled[f"{name} inside"] = changed
        for factor in (1e-310, 1e-200, 1e200, 0.0):
            with np.errstate(all="ignore"):
                scaled = array.astype(float) * factor
            if np.isfinite(scaled).all():
                spoiled[f"times {factor:g}"] = scaled
    return spoiled


def of(value):
    """Name -> what to put in the place of `value`."""
    if isinstance(value, np.random.Generator):
        return GENERATORS
    if isinstance(value, str):
        return WORDS
    if hasattr(value, "_fields"):
        return OTHERS | _of_parts(value)
    if isinstance(value, bool):
        return {"None": None, "word": "abc", "array": np.zeros(2)}
    if isinstance(value, int | float | np.number):
        return NUMBERS
    if hasattr(value, "detach"):
        import torch

        spoiled = of_array(value.detach().numpy())
        return {
            name: torch.from_numpy(np.ascontiguousarray(each))
            if isinstance(each, np.ndarray) and each.dtype.kind in "iufc"
            else each
            for name, each in spoiled.items()
        }
    if isinstance(value, np.ndarray | list | tuple):
        try:
            array = np.asarray(value)
        except ValueError:
            return OTHERS
        if array.dtype.kind in "biuf" and array.ndim:
            return of_array(array.astype(float) if array.dtype.kind == "b" else array)
    return OTHERS


def _of_parts(record):
    """Named tuples with one part spoiled, as far as they can be made at all."""
    made = {}
    for name in record._fields:
        for mutation, spoiled in of(getattr(record, name)).items():
            parts = {**record._asdict(), name: spoiled}
            try:
                made[f"{name} {mutation}"] = type(record)(**parts)
            except (TypeError, ValueError):  # refused by itself, which is tried where it is the one called
                continue
    return made
