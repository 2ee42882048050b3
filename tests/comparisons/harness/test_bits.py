"""The same seed gives the same bits: whatever the numbers of threads, workers, engine and surroundings of a process."""

import itertools
import os
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from tests.comparisons.harness.bits import Sum, summed
from toymodels.run.engine import THREADS

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "tests.comparisons.harness.bits"]
LOCALES = {"utf-8": {"LC_ALL": "C.UTF-8"}, "ascii": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}}
SURROUNDINGS = {
    **dict.fromkeys(THREADS, ("unset", "1", "2")),
    "jobs": (1, 2),
    "engine": ("local", "dask"),
    "hash seed": ("0", "1"),
    "locale": tuple(LOCALES),
    "folder": ("repository", "elsewhere"),
    "start": ("none", "fork", "spawn", "forkserver"),  # the last is the default from Python 3.14 on
    "SIGINT": ("heard", "ignored"),
    "torch first": (False, True),
}
PLAIN = {name: values[0] for name, values in SURROUNDINGS.items()}
FEW = [
    {"MKL_NUM_THREADS": "2", "torch first": True, "locale": "ascii", "folder": "elsewhere"},
    {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "1", "jobs": 2, "start": "fork", "SIGINT": "ignored", "hash seed": "1"},
    {"MKL_NUM_THREADS": "2", "jobs": 2, "start": "spawn"},
    {"OMP_NUM_THREADS": "2", "jobs": 2, "start": "forkserver", "hash seed": "1"},
]


def covering(factors, strength):
    """Settings of all factors in which every combination of values of any `strength` of them occurs; greedy."""
    names = list(factors)
    missing = {
        frozenset(zip(some, values, strict=True))
        for some in itertools.combinations(names, strength)
        for values in itertools.product(*(factors[name] for name in some))
    }
    rows = []
    while missing:
        row = dict(min(missing, key=sorted_words))
        for name in names:
            if name not in row:
                gains = {value: _covered(missing, row | {name: value}) for value in factors[name]}
                row[name] = max(gains, key=gains.__getitem__)
        missing = {combination for combination in missing if not combination <= row.items()}
        rows.append(row)
    return rows


def sorted_words(combination):
    return sorted(map(str, combination))


def _covered(missing, row):
    return sum(combination <= row.items() for combination in missing)


def bits(surroundings, folder):
    """The digest that the program prints in these surroundings."""
    asked = PLAIN | surroundings
    environment = {name: value for name, value in os.environ.items() if name not in THREADS and "LC_" not in name}
    environment |= {name: asked[name] for name in THREADS if asked[name] != "unset"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": asked["hash seed"], **LOCALES[asked["locale"]]}
    done = subprocess.run(
        [*PROGRAM, *(str(asked[name]) for name in ("jobs", "engine", "start", "torch first"))],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT if asked["folder"] == "repository" else folder,
        preexec_fn=None if asked["SIGINT"] == "heard" else lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{surroundings}: {done.stderr}"
    return done.stdout.split()[-1]


@lru_cache
def plain_bits():
    return bits({}, ROOT)


@pytest.mark.parametrize("surroundings", FEW, ids=lambda surroundings: ", ".join(map(str, surroundings.values())))
def test_no_bit_depends_on_what_surrounds_a_process(surroundings, tmp_path):
    assert bits(surroundings, tmp_path) == plain_bits()


@pytest.mark.slow
def test_no_three_surroundings_together_move_a_bit(tmp_path):
    rows = covering(SURROUNDINGS, 3)
    assert [row for row in rows if bits(row, tmp_path) != plain_bits()] == []


@pytest.mark.slow
@pytest.mark.parametrize("numbers", list(itertools.product(("unset", "1", "2"), repeat=2)), ids="-".join)
@pytest.mark.parametrize(("jobs", "engine"), [(1, "local"), (2, "local"), (1, "dask"), (2, "dask")])
@pytest.mark.parametrize("torch_first", [False, True])
def test_no_numbers_of_threads_move_a_bit_of_torch(numbers, jobs, engine, torch_first, tmp_path):
    threads = dict(zip(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), numbers, strict=True))
    asked = {**threads, "jobs": jobs, "engine": engine, "torch first": torch_first}
    assert bits(asked, tmp_path) == plain_bits()


def test_the_rows_cover_all_pairs():
    rows = covering({"a": (1, 2), "b": (1, 2), "c": (1, 2)}, 2)
    pairs = {(x, y, row[x], row[y]) for row in rows for x, y in itertools.combinations("abc", 2)}
    assert len(pairs) == 12
    assert len(rows) < 8


def test_the_sum_would_notice_a_second_thread():
    import torch

    before, sums = torch.get_num_threads(), []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        sums.append(summed(Sum(), np.random.default_rng(0)).meta["sum"])
    torch.set_num_threads(before)
    assert sums[0] != sums[1]
