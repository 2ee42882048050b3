"""The wheel, installed without PyTorch away from the checkout, works; the sdist makes the same wheel."""

import os
import shutil
import subprocess
from email.parser import Parser

import pytest
from filelock import FileLock

from tests.installed.packages import (
    ROOT,
    build,
    environment,
    files_of_sdist,
    files_of_wheel,
    found,
    must,
    run,
    text_in_wheel,
)

PACKAGES = ("toymodels", "dnn", "comparisons", "figures")
TORCH_FREE = ("--models", "layerwise", "neurashed", "condensation")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that the workers of one run share, gone when the last of them leaves."""
    testrun = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    worker_id = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    shared = tmp_path_factory.getbasetemp().parent / f"installed-{testrun}"
    users = shared / "users"
    with FileLock(f"{shared}.lock"):
        users.mkdir(parents=True, exist_ok=True)
        (users / worker_id).touch()
    yield shared
    with FileLock(f"{shared}.lock"):
        (users / worker_id).unlink()
        if not any(users.iterdir()):
            shutil.rmtree(shared)


@pytest.fixture(scope="module")
def built(place):
    """The sdist, the wheel made from it and the wheel made from the checkout."""
    with FileLock(f"{place}.build.lock"):
        ready = found(place)
        return ready if len(ready) == 3 else build(place)


@pytest.fixture(scope="module")
def python(place, built):
    """The interpreter of an environment with nothing but the wheel and what it asks for."""
    _, wheel, _ = built
    folder = place / "environment"
    with FileLock(f"{place}.install.lock"):
        if not folder.exists():
            return environment(folder, "-c", ROOT / "constraints.txt", wheel)
    return folder / "bin" / "python"


@pytest.fixture
def installed(python, tmp_path):
    """Call it with the words after `python -m`."""
    return lambda *words: run(python, "-m", *words, folder=tmp_path)


def tracked():
    """Names of all files of the packages in the checkout."""
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split() if (ROOT / name).exists()}


def test_the_sdist_makes_the_same_wheel_as_the_checkout(built):
    _, from_sdist, from_checkout = built
    assert files_of_wheel(from_sdist) == files_of_wheel(from_checkout)


def test_the_wheel_holds_all_code_and_data_and_nothing_of_tests_and_gallery(built):
    wanted = {name for name in tracked() if not name.startswith("figures/gallery/")}
    pages = {path.name for path in (ROOT / "docs" / "explorer").glob("*.html")}
    files = set(files_of_wheel(built[1]))
    assert {f"{name}/py.typed" for name in PACKAGES} <= wanted
    assert {name for name in files if name.partition("/")[0] in PACKAGES} == wanted
    assert {name.rpartition("/")[2] for name in files if "/share/toymodels/explorer/" in name} == pages
    assert {name.split("/")[0].rpartition(".")[2] for name in files - wanted} == {"dist-info", "data"}


def test_the_sdist_holds_what_the_build_needs(built):
    files = files_of_sdist(built[0])
    needed = {"pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "PKG-INFO", "dnn/data/mnist_mini.md"}
    assert needed <= files
    assert {name for name in tracked() if not name.startswith("figures/gallery/")} <= files
    assert not {name for name in files if name.partition("/")[0] in ("tests", "benchmarks")}


def test_the_metadata_name_licences_and_lower_bounds(built):
    metadata = Parser().parsestr(text_in_wheel(built[1], ".dist-info/METADATA"))
    requirements = metadata.get_all("Requires-Dist")
    plain = [line for line in requirements if "extra ==" not in line]
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("License-File")) == {"LICENSE", "dnn/data/mnist_mini.md"}
    assert metadata["Requires-Python"] == ">=3.11"
    assert 'torch>=2.6; extra == "dnn"' in requirements
    assert not [line for line in plain if line.startswith("torch>")]
    assert not [line for line in requirements if "<" in line or "==" in line.partition(";")[0]]
    assert "CC BY-SA 3.0" in text_in_wheel(built[1], "licenses/dnn/data/mnist_mini.md")
    assert "MIT License" in text_in_wheel(built[1], "licenses/LICENSE")


def test_the_packages_come_from_the_environment_and_torch_is_not_there(python, place, tmp_path):
    program = (
        f"import importlib.util, {', '.join(PACKAGES)}\n"
        f"print(*({', '.join(f'{name}.__file__' for name in PACKAGES)}), sep='\\n')\n"
        "print(importlib.util.find_spec('torch'))"
    )
    *files, torch = must(python, "-c", program, folder=tmp_path).split()
    assert torch == "None"
    assert [file for file in files if not file.startswith(str(place / "environment"))] == []


def test_three_families_grok_in_a_foreign_folder(installed):
    done = installed("comparisons.grokking", *TORCH_FREE, "--replicates", "1", "--no-picture")
    assert done.returncode == 0, done.stderr
    assert [done.stdout.split(f"\n{name} ", 1)[1].split()[0] for name in TORCH_FREE[1:]] == ["shown"] * 3


def test_a_study_is_held_against_the_verdicts_that_come_with_the_wheel(installed):
    done = installed("comparisons.grokking", *TORCH_FREE, "--check", "--no-picture")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "verdicts as committed, scores within 0.01 + 0.1 of the score"


def test_figures_are_listed_and_commands_explained(installed):
    for words in (("figures",), ("figures", "list")):
        listed = installed(*words)
        assert listed.returncode == 0, listed.stderr
        assert "layerwise/sigmoidal_modes" in listed.stdout
    help_ = installed("comparisons", "--help")
    assert (help_.returncode, help_.stdout.split()[0]) == (0, "usage:")


@pytest.mark.parametrize(
    "words",
    [("comparisons", "--write"), ("comparisons", "robustness", "--write"), ("figures", "sigmoidal_modes", "--write")],
    ids=" ".join,
)
def test_nothing_is_written_into_an_installed_package(installed, words):
    done = installed(*words)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert "--write changes the files of a checkout, but this is an installed package" in line


def test_the_gallery_is_not_judged_where_there_is_none(installed):
    done = installed("figures", "judge")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line == "figures: judge needs the data that the gallery of a checkout keeps, got an installed package"


def test_the_explorer_is_found(python, tmp_path):
    program = "from toymodels.command import PAGES; print(*sorted(p.stem for f in PAGES for p in f.glob('*.html')))"
    pages = sorted(path.stem for path in (ROOT / "docs" / "explorer").glob("*.html"))
    assert must(python, "-c", program, folder=tmp_path).split() == pages


def test_the_command_is_installed(python, tmp_path):
    assert "studies:" in must(python.parent / "toymodels", "--help", folder=tmp_path)
