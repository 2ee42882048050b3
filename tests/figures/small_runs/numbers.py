"""The data of a figure at its small size, and what differs between their numbers and those kept."""

from functools import partial
from pathlib import Path

import numpy as np

from figures.harness import registry
from tests import kept_numbers
from tests.figures.small_runs.sizes import SIZES, TOLERANCE
from toymodels.run.engine import one_thread
from toymodels.run.sweep import sweep

NUMBERS = Path(__file__).with_name("numbers.json")


def computed(name):
    """Settings and data of a figure at its small size, with the small parts in place."""
    figure, small = registry.load(name), SIZES[name]
    settings = small.of(figure.presets["quick"])
    with small.in_place(), one_thread():
        data = figure.compute(settings, np.random.default_rng(0), partial(sweep, jobs=1))
    return settings, {key: np.asarray(values) for key, values in data.items()}


def changes(name, before, data):
    """What differs between the numbers kept of a figure and those of its data, in words, a line an array."""
    return kept_numbers.changes(before, data, TOLERANCE, SIZES[name].loose)


def kept():
    """The numbers of every figure, by name and array."""
    return kept_numbers.kept(NUMBERS)


def keep(numbers):
    """Write the numbers of every figure."""
    kept_numbers.keep(NUMBERS, numbers)
