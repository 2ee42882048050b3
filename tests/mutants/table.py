"""Which planted mutants the tests kill: python -m tests.mutants.table [--only WORD]. The survivors are printed.

Every mutant is put into a copy of the checkout, and its tests are run there until the first that fails.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.mutants.planted import MUTANTS

ROOT = Path(__file__).parents[2]
KILLED, SURVIVED, NONE_RAN = 1, 0, 5  # exit codes of pytest
AIM = 0.9
PATIENCE = 1200  # seconds for the tests of one mutant; a mutant that hangs is noticed


def copy_of_checkout(root=ROOT):
    """All tracked files, in a folder of their own."""
    place = Path(tempfile.mkdtemp(prefix="mutants-"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, place / name)
    return place


def planted(mutant, place):
    """What becomes of a mutant in a copy of the checkout: "killed", "survived", or why neither can be said."""
    path = place / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return f"stands {text.count(mutant.old)} times"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        code = run_tests(mutant.tests, place)
    finally:
        path.write_text(text)
    return {KILLED: "killed", SURVIVED: "survived"}.get(code, f"pytest ends with {code}")


def run_tests(tests, place):
    """Exit code of pytest over these tests, stopped at the first failure."""
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"OMP_NUM_THREADS": "1", "CI": "1"}
    program = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *shlex.split(tests)]
    try:
        done = subprocess.run(program, cwd=place, env=environment, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return KILLED
    return done.returncode


def main(argv=None):
    """Print a line a mutant, then how many were killed in every package; 1 where that is fewer than 9 of 10."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutants with that in their words or file")
    options = parser.parse_args(argv)
    place, tried, killed, survivors = copy_of_checkout(), Counter(), Counter(), []
    for mutant in MUTANTS:
        if options.only not in f"{mutant.what} {mutant.file}":
            continue
        start = time.monotonic()
        fate = planted(mutant, place)
        tried[mutant.package] += 1
        killed[mutant.package] += fate == "killed"
        line = f"{fate:10} {time.monotonic() - start:5.0f} s  {mutant.file}: {mutant.what}"
        survivors += [line] if fate != "killed" else []
        print(line, flush=True)
    shutil.rmtree(place)
    print("\n".join(["", "survivors:", *survivors] if survivors else ["", "no survivors"]))
    for package, count in tried.items():
        print(f"{package:12} {killed[package]} of {count} killed")
    return int(any(killed[package] < AIM * count for package, count in tried.items()))


if __name__ == "__main__":
    raise SystemExit(main())
