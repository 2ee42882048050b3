"""A few numbers of an array that move with its values and with their places, and how they are kept in a file."""

import json

import numpy as np

DIGITS = 7
NOISE = 1e-10  # what rounding makes of a zero
FLOOR = 1e-9  # smaller values are alike on a logarithmic axis


def numbers_of(values):
    """Shape and moments of an array; places are weighted unevenly, so that values that change theirs show.

    Returns
    -------
    dict
        `shape`; `mean` of the finite values, `size` (mean of their magnitude) and `placed` (mean with weights in
        [-1, 1)); `decades`, the mean of their log10 with weights in [1, 2), in which small values count as much as
        large ones; and `not_finite`, the sum of the weights of the others, one, two and three times for NaN, infinity
        and its negative.
    """
    values = np.asarray(values, dtype=float)
    flat = values.ravel()
    places = np.arange(1, flat.size + 1) * (np.sqrt(5) - 1) / 2 % 1
    finite = np.isfinite(flat)
    x, place = flat[finite], places[finite]
    others = np.select([np.isnan(flat), flat > 0], [1, 2], 3)[~finite]
    moments = {
        "mean": x,
        "size": np.abs(x),
        "placed": (2 * place - 1) * x,
        "decades": (1 + place) * np.log10(np.maximum(np.abs(x), FLOOR)),
    }
    rounded = {key: _rounded(each.mean() if x.size else 0.0) for key, each in moments.items()}
    return {"shape": list(values.shape), **rounded, "not_finite": _rounded(((1 + places[~finite]) * others).sum())}


def _rounded(value):
    return float(f"{value:.{DIGITS}g}")


def moved(before, now, tolerance):
    """What differs between the numbers of two arrays by more than `tolerance` of the size of their values, in words."""
    if before["shape"] != now["shape"]:
        return [f"shape was {before['shape']}, is {now['shape']}"]
    size = max(before["size"], now["size"])
    allowed = {"decades": tolerance, "not_finite": 10.0**-DIGITS * (1 + before["not_finite"])}
    words = []
    for key, was in before.items():
        if key != "shape" and abs(now[key] - was) > allowed.get(key, tolerance * size + NOISE):
            words.append(f"{key} was {was:g}, is {now[key]:g}")
    return words


def changes(before, data, tolerance, loose=()):
    """What differs between the numbers kept of some arrays and the arrays, in words, a line an array.

    Parameters
    ----------
    before : mapping of str to numbers
    data : mapping of str to array
    tolerance : float
    loose : mapping of str to float
        Arrays with a tolerance of their own.
    """
    now = {key: numbers_of(values) for key, values in data.items()}
    lines = [f"{key} is gone" for key in before if key not in now]
    lines += [f"{key} is new" for key in now if key not in before]
    for key in before.keys() & now.keys():
        if words := moved(before[key], now[key], dict(loose).get(key, tolerance)):
            lines.append(f"{key}: {', '.join(words)}")
    return sorted(lines)


def kept(place):
    """The numbers of every name, by array."""
    return json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}


def keep(place, numbers):
    """Write the numbers of every name, in the order of their names, a line an array."""
    parts = []
    for name, arrays in sorted(numbers.items()):
        lines = [f"  {json.dumps(key)}: {json.dumps(values)}" for key, values in arrays.items()]
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    place.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
