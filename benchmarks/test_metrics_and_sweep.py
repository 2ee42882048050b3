"""Seconds of the metrics at the size of real digits, and what a sweep adds to each cell."""

import numpy as np
import pytest

from toymodels.metrics import collapse, elasticity, grokking, information, separation
from toymodels.run.sweep import sweep


@pytest.fixture(scope="module")
def digits_like():
    rng = np.random.default_rng(0)
    labels = np.arange(60_000) % 10
    return rng.standard_normal((10, 256))[labels] + rng.standard_normal((60_000, 256)), labels, rng


@pytest.mark.parametrize("measure", [collapse.nc1, collapse.within_between, collapse.nc2, separation.fuzziness])
def test_collapse(benchmark, digits_like, measure):
    features, labels, _ = digits_like
    benchmark.pedantic(measure, (features, labels), rounds=5)


@pytest.mark.parametrize("measure", [collapse.nc3, collapse.nc4])
def test_classifier(benchmark, digits_like, measure):
    features, labels, rng = digits_like
    benchmark.pedantic(measure, (features, labels, rng.standard_normal((10, 256))), rounds=5)


def test_contrast(benchmark, digits_like):
    _, labels, rng = digits_like
    before, after = rng.standard_normal((2, 60_000, 10))
    benchmark.pedantic(elasticity.contrast, (before, after, 0, labels), rounds=5)


def test_delay(benchmark):
    t = np.geomspace(1e-2, 1e6, 100_000)
    benchmark(grokking.delay, t, t / (1 + t), t / (1e3 + t))


def test_binned(benchmark, digits_like):
    features, labels, _ = digits_like
    edges = np.r_[-np.inf, np.linspace(-3, 3, 31), np.inf]
    benchmark.pedantic(information.binned, (features[:, :20], labels, edges), rounds=5)


@pytest.mark.parametrize(("m", "n"), [(8, 400), (500, 20)])
def test_gaussian_mixture(benchmark, digits_like, m, n):
    features, _, rng = digits_like
    benchmark.pedantic(information.gaussian_mixture, (features[:m, :50], 1.0, rng, n), rounds=5)


@pytest.mark.parametrize("dim", [1, 3])
def test_ksg(benchmark, digits_like, dim):
    features, _, _ = digits_like
    benchmark.pedantic(information.ksg, (features[:2000, :dim], features[:2000, dim : 2 * dim]), rounds=5)


def empty_cell(index, rng):
    return {"value": float(index)}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("cached", [False, True])
def test_thousand_empty_cells(benchmark, tmp_path, jobs, cached):
    """Divide by a thousand for the cost of a cell; the first round with two jobs starts the workers."""
    folders = iter(range(100))

    def run():
        cache = tmp_path / str(next(folders)) if cached else None
        return sweep(empty_cell, {"index": range(1000)}, jobs=jobs, cache=cache)

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


def test_thousand_cells_from_the_cache(benchmark, tmp_path):
    options = {"grid": {"index": range(1000)}, "cache": tmp_path}
    sweep(empty_cell, **options)
    benchmark.pedantic(sweep, (empty_cell,), options, rounds=5)
