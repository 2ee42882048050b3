"""What is killed, refused by the disk, or misled by the clock ends in the same bytes as what nothing happens to."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import striking, works

ROOT = Path(__file__).parents[2]
ONCE = [
    "SIGKILL: study, 1",
    "SIGKILL: figure",
    "SIGKILL: sweep, 1",
    "SIGKILL: recorder",
    "SIGKILL of a worker: sweep",
    "files of a few kB: study",
]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="faults are struck by signals and forks")


def struck(only, times):
    """Output of the table, in a process that has run nothing before."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "tests.faults.table", "--times", str(times), "--only", only]
    return subprocess.run(program, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


@pytest.mark.parametrize("only", ONCE)
def test_once_struck_and_resumed_every_byte_is_as_if_nothing_had_happened(only):
    done = struck(only, 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert only.split(":")[0] in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("only", ["SIGKILL: ", "SIGKILL of a worker", "files", "file system", "clock"])
def test_twenty_times_struck_nothing_is_lost(only):
    done = struck(only, 20)
    assert done.returncode == 0, done.stdout + done.stderr


def careless(folder):
    """Adds to what an earlier call left, instead of going on from it."""
    path = folder / "sum.txt"
    for _ in range(20):
        path.write_text((path.read_text() if path.exists() else "") + "x")
        striking.time.sleep(0.01)
    return {"sum": works.digest(path)}


def test_work_that_is_lost_is_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(works.WORKS, "careless", careless)
    tally = striking.killed("careless", 5, tmp_path)
    assert tally.tried == 5
    assert re.match(
        r"careless, place [0-4]: sum ", tally.lost[0]
    )  # which of the blows fall before it begins, the load decides


def test_work_that_fails_is_no_reference(tmp_path, monkeypatch):
    monkeypatch.setitem(works.WORKS, "broken", lambda folder: 1 / 0)
    with pytest.raises(RuntimeError, match=r"broken does not run: .*ZeroDivisionError"):
        striking.undisturbed("broken", tmp_path)
