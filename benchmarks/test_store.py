"""What the store adds: milliseconds to tell a computation from others once a process, to write a cell, to take one."""

import subprocess
import sys

import numpy as np

from benchmarks.timing import fastest
from toymodels.run.cells import Cell, CellStore, made_by
from toymodels.trajectory import Trajectory

PROGRAM = (
    "import time\n"
    "import {module} as subject\n"
    "from toymodels.run.cells import made_by\n"
    "start = time.perf_counter()\n"
    "how = made_by([subject.{function}])\n"
    "print(1e3 * (time.perf_counter() - start), len(how['sources']))\n"
)
SUBJECTS = [
    ("comparisons.grokking.models", "layerwise"),
    ("comparisons.grokking.models", "digits"),
    ("figures.opt_npt.batch_norm_lag", "compute"),
]


def test_identity_once_a_process():
    for module, function in SUBJECTS:
        program = PROGRAM.format(module=module, function=function)
        runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True) for _ in range(3)]
        milliseconds, n_files = zip(*(run.stdout.split() for run in runs), strict=True)
        print(f"\nidentity of {module}.{function}: {min(map(float, milliseconds)):.1f} ms, {n_files[0]} files", end="")


def test_a_cell_of_a_usual_size(tmp_path):
    rng = np.random.default_rng(0)
    run = Trajectory(np.arange(1.0, 401.0), {name: rng.random(400) for name in "abcdefgh"}, clock="step")
    cell = Cell({"function": "benchmark"}, made_by([test_identity_once_a_process]))
    store = CellStore(tmp_path)
    written = fastest(lambda: store.write(cell, run.arrays(), run.header()), at_least=0.5)
    taken = fastest(lambda: store.find(cell), at_least=0.5)
    print(f"\na run of 8 quantities at 400 times: {1e3 * written:.2f} ms written, {1e3 * taken:.2f} ms taken", end="")
