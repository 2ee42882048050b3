"""Estimators of information beside those of other libraries, and how their cost grows."""

import importlib
import tracemalloc

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_regression
from sklearn.metrics import mutual_info_score

from benchmarks.machine import bandwidth
from benchmarks.timing import once, together
from toymodels.metrics.information import binned, ksg, mixture_bounds, quantised

EDGES = np.r_[-np.inf, np.linspace(-3, 3, 31), np.inf]


def correlated(n, dim):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, dim))
    return x, 0.8 * x + 0.6 * rng.standard_normal((n, dim))


def labelled(n, dim):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, dim)), rng.integers(0, 10, n)


def beside(record, name, ours, theirs, **goal):
    """A row for each of `theirs`, which is None where it is not installed."""
    for peer, function in theirs.items():
        if function is None:
            record(name, *together(ours), peer, **goal)
        else:
            note = f"{ours():.4f} and {function():.4f} bits"
            mine, others = together(ours, function)
            record(name, mine, peer, others, note=note, **goal)


@pytest.mark.parametrize(
    ("n", "dim", "at_most"), [(10**4, 1, None), (10**5, 1, 5), (10**4, 3, None), (10**4, 10, 20), (10**6, 1, None)]
)
def test_neighbours(record, n, dim, at_most):
    x, y = correlated(n, dim)
    try:
        npeet = importlib.import_module("npeet_plus")
    except ImportError:
        npeet = None
    goal = {"goal": 1 / 1.2} if at_most is None else {"at_most": at_most}
    name = f"ksg of {n:,} x {dim}"
    beside(record, name, lambda: ksg(x, y), {"npeet-plus": npeet and (lambda: npeet.mi(x, y, k=3))}, **goal)
    if dim == 1 and n < 10**6:
        others = lambda: mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0] / np.log(2)  # noqa: E731
        beside(record, name, lambda: ksg(x, y), {"sklearn": others})


@pytest.mark.parametrize(("n", "dim"), [(10**5, 10), (10**6, 10), (10**6, 1)])
def test_cells(record, n, dim):
    x, labels = labelled(n, dim)
    cells = np.searchsorted(EDGES, x)

    def counted():
        symbols = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
        return mutual_info_score(symbols, labels) / np.log(2)

    beside(record, f"quantised, {n:,} x {dim}", lambda: quantised(cells, labels), {"sklearn": counted}, at_most=5)
    record(f"binned, {n:,} x {dim}", *together(lambda: binned(x, labels, EDGES)), at_most=5)


@pytest.mark.parametrize("dim", [10, 100])
def test_bounds(record, dim):
    x, _ = labelled(10**4, dim)
    record(f"mixture_bounds, 10,000 x {dim}", *together(lambda: mixture_bounds(x, 1.0)))


def megabytes(function):
    """Largest memory that numpy held at a time during a call."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def cases(n):
    x, labels = labelled(n, 10)
    cells = np.searchsorted(EDGES, x)
    pairs = {dim: correlated(size, dim) for dim, size in ((1, n), (3, n // 8), (10, n // 16))}
    return {
        "quantised, 10 columns": lambda: quantised(cells, labels),
        "binned, 10 columns": lambda: binned(x, labels, EDGES),
        "ksg, 1 column": lambda: ksg(*pairs[1]),
        "ksg, 3 columns": lambda: ksg(*pairs[3]),
        "ksg, 10 columns": lambda: ksg(*pairs[10]),
        "mixture_bounds, 10 columns": lambda: mixture_bounds(x[: n // 8], 1.0),
    }


SIZES = (20_000, 40_000, 80_000)
SHARES = {"ksg, 3 columns": 8, "ksg, 10 columns": 16, "mixture_bounds, 10 columns": 8}  # of these sizes


def test_growth(record):
    speed = bandwidth()
    tables = [cases(n) for n in SIZES]
    for name in tables[0]:
        sizes = tuple(n // SHARES.get(name, 1) for n in SIZES)
        columns = int(name.split()[1])
        read = tuple(n * columns * 8 for n in sizes)
        taken = tuple(min(once(table[name]) for _ in range(2)) for table in tables)
        record.growth(name, "n", sizes, taken, tuple(one / speed for one in read), "the data, read once")
        held = tuple(megabytes(table[name]) * 2**20 for table in tables)
        numbers = tuple(8 * n for n in sizes)
        record.growth(f"{name}, numpy's memory", "n", sizes, held, numbers, "one number a sample", "bytes")
