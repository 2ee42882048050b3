"""The tests of toymodels on other Pythons and libraries: python -m tests.versions.table [--all] [--jobs 2].

For the oldest and the newest Python that is here (`--all`: every one of 3.11 to 3.14), the wheel is installed without
PyTorch, once with every library at its lower bound (numpy 1.26) and once with the newest, and the tests that need
nothing more are run against it. Pythons that are not on the machine are named, and so are libraries not to be had.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

from tests.installed.packages import ROOT, build, environment, install, run

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LOWEST, NEWEST = "lowest", "newest"
TESTERS = ("pytest>=8", "hypothesis>=6.100", "pytest-xdist>=3.5")
SHOWN = ("numpy", "scipy", "xarray", "sympy")
ASK = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
OTHERS = ("torch", "safetensors", "sklearn", "quickjs", "dask", "distributed", "pandas")  # what a test may need
SUITE = {"dnn"}  # installed, but it needs torch
LINE = "{:8} {:8} {:38} {:>7} {:>7} {:>8}"


def interpreters():
    """Version -> path of an interpreter that starts, for those that are on the machine."""
    return {version: path for version in PYTHONS if (path := interpreter(version))}


def interpreter(version):
    """Path of a Python of this version, on PATH or among those of pyenv; None without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))]
    return next((str(path) for path in places if path and answers(path, version)), None)


def answers(path, version):
    """Whether an interpreter starts and is of this version: a shim may do neither."""
    done = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def lower_bounds(text):
    """`name==bound.*` for every `name>=bound` that a pyproject.toml asks for, without extras and in "cluster"."""
    project = tomllib.loads(text)["project"]
    entries = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    bounds = [entry.split(">=") for entry in entries]
    return [f"{name}=={bound if '.' in bound else f'{bound}.0'}.*" for name, bound in bounds]


def names(tree):
    """Top names of all modules imported anywhere below a node."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def texts(tree):
    """All words of the strings below a node, such as programs that a test starts."""
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {word for string in strings for word in re.findall(r"\w+", string)}


def needing(source, modules):
    """What of a test file needs one of these modules: True for all of it, else the names of its tests.

    A file needs what it imports at its top; a test what it imports, and what the strings in it name.
    """
    body = ast.parse(source).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    if any(names(node) & modules for node in body if node not in functions):
        return True
    return [node.name for node in functions if node.name[:5] == "test_" and (names(node) | texts(node)) & modules]


def copy_of_tests(place):
    """The tests of toymodels and what they share, with pytest's settings but without the packages."""
    shutil.copytree(ROOT / "tests" / "toymodels", place / "tests" / "toymodels")
    for name in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py", "tests/tolerances.py"):
        shutil.copy2(ROOT / name, place / name)


def lacking(python, place):
    """The modules of `OTHERS` that an interpreter lacks."""
    program = f"from importlib.util import find_spec; print(*(n for n in {OTHERS} if find_spec(n) is None))"
    return set(run(python, "-c", program, folder=place).stdout.split()) | SUITE


def left_out(place, modules):
    """Words for pytest that leave out what needs these modules, and how many tests and whole files that are."""
    words, n_tests, n_files = [], 0, 0
    for path in sorted((place / "tests" / "toymodels").rglob("test_*.py")):
        needs = needing(path.read_text(), modules)
        name = path.relative_to(place)
        words += [f"--ignore={name}"] if needs is True else [f"--deselect={name}::{test}" for test in needs]
        n_files += needs is True
        n_tests += 0 if needs is True else len(needs)
    return words, f"left out: {n_files} files and {n_tests} tests that need {', '.join(sorted(modules))}"


def versions(python, place):
    """`numpy 2.4.6, scipy 1.17.1, ...` of an environment."""
    program = f"from importlib.metadata import version; print(*(f'{{n}} {{version(n)}}' for n in {SHOWN}), sep=', ')"
    return run(python, "-c", program, folder=place).stdout.strip()


def counts(output):
    """How many tests passed and failed (or could not be collected), by the last line of pytest."""
    last = output.strip().splitlines()[-1]
    number = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error)", last)}
    return number.get("passed", 0), number.get("failed", 0) + number.get("error", 0)


def row(version, path, libraries, wheel, place, jobs):
    """Test one environment and print its line, then what failed.

    Returns
    -------
    int
        How many tests failed; 0 where the libraries are not to be had for that Python.
    """
    folder, bounds = place / f"{version}-{libraries}", []
    if libraries == LOWEST:
        bounds = lower_bounds((ROOT / "pyproject.toml").read_text())
    try:
        python = environment(folder, "--only-binary=:all:", f"{wheel}[cluster]", *bounds, python=path)
        install(folder, *TESTERS)
    except AssertionError as error:
        why = next((line for line in str(error).splitlines() if line.startswith("ERROR")), str(error)[-200:])
        print(LINE.format(version, libraries, "not to be had", "", "", "") + f"\n  {why}", flush=True)
        return 0
    words, remark = left_out(place, lacking(python, place))
    start = time.monotonic()
    if libraries == LOWEST:  # old libraries on younger ones: their own deprecations are no failure of ours
        words += ["-W", "default::DeprecationWarning", "-W", "default::PendingDeprecationWarning"]
    done = run(
        python, "-m", "pytest", "tests/toymodels", "-q", "-n", jobs, "-p", "no:cacheprovider", "--tb=short", *words,
        folder=place, timeout=3600,
    )  # fmt: skip
    passed, failed = counts(done.stdout or "0 error")
    print(LINE.format(version, libraries, versions(python, place), passed, failed, f"{time.monotonic() - start:.0f}"))
    print("".join(f"  {line}\n" for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), end="")
    (place / f"{version}-{libraries}.txt").write_text(done.stdout + done.stderr)
    print(f"  {remark}", flush=True)
    shutil.rmtree(folder)
    return failed or int(done.returncode not in (0, 1))


def main(argv=None):
    """Print the table; 1 where a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every Python that is here, not only oldest and newest")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes of pytest")
    parser.add_argument("--keep", action="store_true", help="keep the folder with what pytest printed")
    options = parser.parse_args(argv)
    place = Path(tempfile.mkdtemp(prefix="versions-"))
    here = interpreters()
    asked = list(here) if options.all else sorted({*[*here][:1], *[*here][-1:]}, key=PYTHONS.index)
    copy_of_tests(place)
    _, wheel, _ = build(place)
    print(LINE.format("python", "libraries", "versions", "passed", "failed", "seconds"), flush=True)
    failed = 0
    for version in PYTHONS:
        if version not in asked:
            print(
                LINE.format(version, "", "here, not asked" if version in here else "not here", "", "", ""), flush=True
            )
            continue
        failed += sum(row(version, here[version], which, wheel, place, options.jobs) for which in (LOWEST, NEWEST))
    print(place if options.keep else "", end="\n" if options.keep else "")
    if not options.keep:
        shutil.rmtree(place)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
