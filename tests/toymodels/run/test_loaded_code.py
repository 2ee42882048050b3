"""A file that is edited between two imports: workers run the code that is loaded here, or say that they cannot."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toymodels.run.dask_processes import Processes
from toymodels.run.loaded_code import OtherCodeError, loaded_code, require_code

ROOT = Path(__file__).parents[3]
BEFORE, AFTER = "def f(x, rng):\n    return {'y': 1.0 * x}\n", "def f(x, rng):\n    return {'y': 10.0 * x, 'new': 0}\n"
ASKING = """
import importlib, sys
import lab_model
from pathlib import Path
from toymodels.run.sweep import sweep

def asked(**how):
    try:
        return sweep(lab_model.f, {"x": [1.0, 2.0]}, **how)["y"].values.ravel().tolist()
    except ValueError as error:
        return str(error)

if __name__ == "__main__":
"""


@pytest.fixture
def ask(tmp_path):
    (tmp_path / "lab_model.py").write_text(BEFORE)

    def asking(*lines):
        (tmp_path / "script.py").write_text(ASKING + "".join(f"    {line}\n" for line in lines))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what was compiled tells of which state an import was
        done = subprocess.run(
            [sys.executable, "script.py"], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return asking


EDIT = f"Path('lab_model.py').write_text({AFTER!r})"


def test_a_module_that_is_loaded_again_is_loaded_again_by_workers_too(ask):
    lines = ask("print(asked(jobs=2))", EDIT, "importlib.reload(lab_model)", "print(asked(jobs=1), asked(jobs=2))")
    assert lines == ["[1.0, 2.0]", "[10.0, 20.0] [10.0, 20.0]"]


def test_new_workers_do_not_mix_an_edited_file_with_the_code_that_is_loaded(ask):
    old, refused, new = ask(
        EDIT, "print(asked(jobs=1))", "print(asked(jobs=2))", "importlib.reload(lab_model)", "print(asked(jobs=2))"
    )
    assert (old, new) == ("[1.0, 2.0]", "[10.0, 20.0]")
    assert "another state of lab_model: load what was edited again" in refused


def test_workers_that_stay_say_that_they_have_the_code_of_before(ask, tmp_path):
    cluster = Processes(tmp_path / "cluster")
    try:
        address = cluster.start_scheduler()
        paths = os.pathsep.join([str(ROOT), str(tmp_path)])
        first = cluster.start_worker(path=paths)
        call = f"print(asked(engine={'dask:' + address!r}))"
        assert ask(call) == ["[1.0, 2.0]"]
        (tmp_path / "lab_model.py").write_text(AFTER)
        (refused,) = ask(call)
        assert "another state of lab_model" in refused
        assert "restart workers" in refused
        cluster.kill(first)
        cluster.start_worker(path=paths)
        assert ask(call) == ["[10.0, 20.0]"]
    finally:
        cluster.end()


def test_modules_are_told_by_their_content_and_only_where_both_have_them():
    code = loaded_code()
    assert "toymodels.run.loaded_code" in code
    assert not {"numpy", "json", "__main__"} & set(code)
    require_code({})
    require_code(code | {"not.loaded.here": "0"})
    importlib.import_module("toymodels.run.sweep")
    with pytest.raises(OtherCodeError, match=r"another state of toymodels\.run\.loaded_code, toymodels\.run\.sweep:"):
        require_code(code | {"toymodels.run.sweep": "0", "toymodels.run.loaded_code": "1"})
