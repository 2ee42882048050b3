"""Estimators of information beside those of other libraries, and how their cost grows. Nothing is asserted.

Run with `make bench`; seconds are processor time of one thread, memory is what numpy holds above the data.
"""

import importlib
import time
import tracemalloc

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_regression
from sklearn.metrics import mutual_info_score

from benchmarks.timing import fastest
from toymodels.metrics.information import binned, ksg, mixture_bounds, quantised

EDGES = np.r_[-np.inf, np.linspace(-3, 3, 31), np.inf]


def seconds(function, rounds=2):
    return fastest(function, rounds, clock=time.process_time)


def correlated(n, dim):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, dim))
    return x, 0.8 * x + 0.6 * rng.standard_normal((n, dim))


def labelled(n, dim):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, dim)), rng.integers(0, 10, n)


def described(name, ours, **theirs):
    """One line: our seconds and bits, then those of others with the ratio of theirs to ours."""
    taken = seconds(ours)
    line = f"\n{name}: {taken:.2f} s for {ours():.4f} bits"
    for library, function in theirs.items():
        line += f", {library} "
        line += "is not installed" if function is None else f"x{seconds(function) / taken:.2f} for {function():.4f}"
    print(line)


@pytest.mark.parametrize(("n", "dim"), [(10**4, 1), (10**5, 1), (10**4, 3), (10**4, 10)])
def test_neighbours(n, dim):
    x, y = correlated(n, dim)
    try:
        npeet = importlib.import_module("npeet_plus")
    except ImportError:
        npeet = None
    theirs = {"npeet_plus": npeet and (lambda: npeet.mi(x, y, k=3))}
    if dim == 1:
        theirs["sklearn"] = lambda: mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0] / np.log(2)
    described(f"ksg of {n} x {dim}", lambda: ksg(x, y), **theirs)


@pytest.mark.parametrize(("n", "dim"), [(10**5, 10), (10**6, 10), (10**6, 1)])
def test_cells(n, dim):
    x, labels = labelled(n, dim)
    cells = np.searchsorted(EDGES, x)

    def counted():
        symbols = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
        return mutual_info_score(symbols, labels) / np.log(2)

    described(f"quantised, {n} x {dim}", lambda: quantised(cells, labels), sklearn=counted)
    described(f"binned, {n} x {dim}", lambda: binned(x, labels, EDGES))


@pytest.mark.parametrize("dim", [10, 100])
def test_bounds(dim):
    x, _ = labelled(10**4, dim)
    described(f"mixture_bounds, {10**4} x {dim}, lower one", lambda: mixture_bounds(x, 1.0)[0])


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


def test_growth():
    """Exponents between n and 4 n: time as n^a, memory as n^b."""
    n = 20_000
    smaller, larger = cases(n), cases(4 * n)
    print()
    for name in smaller:
        slower = np.log(seconds(larger[name]) / seconds(smaller[name], 3)) / np.log(4)
        memory = megabytes(larger[name])
        more = np.log(memory / megabytes(smaller[name])) / np.log(4)
        print(f"{name:28} time n^{slower:.2f}, memory n^{more:.2f}, {memory:.1f} MB at the larger n")
