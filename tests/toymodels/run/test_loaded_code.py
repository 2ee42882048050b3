"""A file that is edited between two imports: workers run the code that is loaded here, or say that they cannot."""

import hashlib
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toymodels.run.dask_processes import Processes
from toymodels.run import loaded_code as module_of_code
from toymodels.run import source_files
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


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Loads a module of the user's, and what is known of modules is forgotten before and afterwards."""
    monkeypatch.setattr(module_of_code, "_LOOKED_AT", {})
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"lab_loaded_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    path = tmp_path / f"{name}.py"
    path.write_text(BEFORE)
    module_of_code._own_modules.cache_clear()
    yield name, path, importlib.import_module(name)
    sys.modules.pop(name)
    module_of_code._own_modules.cache_clear()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_a_module_is_told_by_its_bytes_when_it_was_loaded(loaded):
    name, path, module = loaded
    assert loaded_code()[name] == digest(BEFORE)
    path.write_text(AFTER)
    assert loaded_code()[name] == digest(BEFORE)  # which is still what runs
    importlib.reload(module)
    assert loaded_code()[name] == digest(AFTER)


def test_a_module_that_was_edited_before_anybody_looked_equals_no_other(loaded):
    name, path, _ = loaded
    path.write_text(AFTER)
    assert loaded_code()[name] == "edited"
    with pytest.raises(OtherCodeError, match=name):
        require_code({name: digest(AFTER)})


def test_a_module_without_a_file_any_more_or_unloaded_is_left_out(loaded, monkeypatch):
    name, path, module = loaded
    path.unlink()
    assert name not in loaded_code()
    path.write_text(BEFORE)
    importlib.reload(module)
    assert loaded_code()[name] == digest(BEFORE)
    monkeypatch.delitem(sys.modules, name)
    assert name not in loaded_code()
    sys.modules[name] = module


def test_where_nothing_compiled_is_kept_only_older_files_are_told(loaded, monkeypatch):
    name, path, _ = loaded
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(source_files, "_STARTED", path.stat().st_ctime - 100)
    assert name not in loaded_code()
    module_of_code._LOOKED_AT.clear()
    monkeypatch.setattr(source_files, "_STARTED", path.stat().st_ctime + 100)
    assert loaded_code()[name] == digest(BEFORE)
