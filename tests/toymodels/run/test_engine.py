import os
import subprocess
import sys

import pytest

from toymodels.run.engine import one_thread


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
