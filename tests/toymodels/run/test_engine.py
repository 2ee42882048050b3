import os
import subprocess
import sys
from pathlib import Path

import pytest

from toymodels.run.engine import one_thread

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mkl", [None, "2"])
def test_a_library_first_loaded_inside_has_one_thread_and_the_environment_is_restored(mkl):
    code = (
        "import os\nfrom toymodels.run.sweep import sweep\n"
        "def cell(x, rng):\n    import torch\n    return {'threads': torch.get_num_threads()}\n"
        "assert (sweep(cell, {'x': [1, 2]})['threads'] == 1).all()\n"
        "assert 'OMP_NUM_THREADS' not in os.environ\n"
        f"assert os.environ.get('MKL_NUM_THREADS') == {mkl!r}\n"
    )
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    free |= {} if mkl is None else {"MKL_NUM_THREADS": mkl}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=free)
    assert done.returncode == 0, done.stderr


def test_a_number_of_threads_that_was_set_is_set_again(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "3"


SPAWNED = """
import json, multiprocessing, os
from dataclasses import dataclass
from toymodels.run.engine import parallel_map
from toymodels.run.cells import made_by
from toymodels.run.identity import function_identity, plain

@dataclass(frozen=True)
class Settings:
    size: int = 3

def doubled(item):
    return 2 * item * Settings().size

def show():
    known = [function_identity(doubled), plain(Settings()), made_by([doubled, Settings()])]
    results = sorted(parallel_map(doubled, [1, 2, 3], jobs=2))
    print(json.dumps([known, results], sort_keys=True), flush=True)

if __name__ == "__main__":
    show()
    child = multiprocessing.get_context("spawn").Process(target=show)
    child.start()
    child.join()
"""


@pytest.mark.parametrize("program", [["script.py"], ["-m", "script"]])
def test_what_a_script_defines_is_the_same_in_a_process_that_was_spawned(program, tmp_path):
    (tmp_path / "script.py").write_text(SPAWNED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    done = subprocess.run(
        [sys.executable, *program], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.endswith("[6, 12, 18]]")
    assert "__m" not in first
