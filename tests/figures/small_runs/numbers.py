"""A few numbers of an array that move with its values and with their places, and how they are kept."""

import json
from functools import partial
from pathlib import Path

import numpy as np

from figures.harness import registry
from tests.figures.small_runs.sizes import SIZES, TOLERANCE
from toymodels.run.engine import one_thread
from toymodels.run.sweep import sweep

NUMBERS = Path(__file__).with_name("numbers.json")
DIGITS = 7
NOISE = 1e-10  # what rounding makes of a zero
FLOOR = 1e-9  # smaller values are alike on a logarithmic axis


def computed(name):
    """Settings and data of a figure at its small size, with the small parts in place."""
    figure, small = registry.load(name), SIZES[name]
    settings = small.of(figure.presets["quick"])
    with small.in_place(), one_thread():
        data = figure.compute(settings, np.random.default_rng(0), partial(sweep, jobs=1))
    return settings, {key: np.asarray(values) for key, values in data.items()}


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


def changes(name, before, data):
    """What differs between the numbers kept of a figure and those of its data, in words, a line an array."""
    now = {key: numbers_of(values) for key, values in data.items()}
    lines = [f"{key} is gone" for key in before if key not in now]
    lines += [f"{key} is new" for key in now if key not in before]
    for key in before.keys() & now.keys():
        if words := moved(before[key], now[key], SIZES[name].loose.get(key, TOLERANCE)):
            lines.append(f"{key}: {', '.join(words)}")
    return sorted(lines)


def kept():
    """The numbers of every figure, by name and array."""
    return json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}


def keep(numbers):
    """Write the numbers of every figure, in the order of their names, a line an array."""
    figures = []
    for name, arrays in sorted(numbers.items()):
        lines = [f"  {json.dumps(key)}: {json.dumps(values)}" for key, values in arrays.items()]
        figures.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    NUMBERS.write_text("{\n" + ",\n".join(figures) + "\n}\n", encoding="utf-8")
