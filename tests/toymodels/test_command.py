"""The command, also beside a user's own modules of the same names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toymodels import command

ROOT = Path(__file__).parents[2]
TRAPS = ("figures", "dnn", "comparisons", "harness", "docs", "toymodels_cli")


def run(folder, *words, path=()):
    """The command as the installed script calls it, in `folder`."""
    code = "import sys\nfrom toymodels.command import main\nraise SystemExit(main(sys.argv[1:]))\n"
    folders = os.pathsep.join([*map(str, path), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": folders, "OMP_NUM_THREADS": "1", "BROWSER": "true"}
    command_line = [sys.executable, "-c", code, *words]
    return subprocess.run(command_line, capture_output=True, text=True, cwd=folder, env=environment)


@pytest.fixture
def trapped(tmp_path):
    for name in TRAPS:
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the user has a module of this name')\n")
    return tmp_path


def test_a_study_runs_beside_modules_of_the_same_names(trapped):
    done = run(trapped, "grokking", "--models", "neurashed", "--replicates", "2", "--jobs", "2", "--no-picture")
    assert done.returncode == 0, done.stderr
    assert "neurashed" in done.stdout
    assert (trapped / "results" / "grokking" / "quick-s0").is_dir()


def test_figures_are_listed_beside_modules_of_the_same_names(trapped):
    done = run(trapped, "figures")
    assert done.returncode == 0, done.stderr
    assert "sigmoidal_modes" in done.stdout


def test_a_folder_on_the_path_is_forgotten_too(trapped):
    done = run(trapped, "figures", path=[trapped])
    assert done.returncode == 0, done.stderr


def test_a_module_elsewhere_on_the_path_is_named(trapped, tmp_path_factory):
    (trapped / "figures.py").write_text("")
    done = run(tmp_path_factory.mktemp("elsewhere"), "figures", path=[trapped])
    assert done.returncode == 1
    assert "figures" in done.stderr
    assert "Traceback" not in done.stderr


def test_explore_opens_the_page_and_prints_where_it_lies(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    assert command.main(["explore"]) == 0
    assert command.main(["explore", "lazy_rich"]) == 0
    pages = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name for path in pages] == ["index.html", "lazy_rich.html"]
    assert opened == [path.as_uri() for path in pages]
    assert all("<!doctype html>" in path.read_text() for path in pages)


@pytest.mark.parametrize("words", [["nowhere"], ["index", "more"]])
def test_explore_refuses_what_is_no_page(words, monkeypatch, capsys):
    monkeypatch.setattr(command.webbrowser, "open", lambda _: pytest.fail("a page was opened"))
    assert command.main(["explore", *words]) == 2
    assert f"explore takes one page, got {' '.join(words)!r}; pages: " in capsys.readouterr().err


def test_explore_says_so_where_no_pages_are_installed(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "PAGES", (tmp_path,))
    assert command.main(["explore"]) == 2
    assert "none is installed" in capsys.readouterr().err


def test_help_lists_every_study(capsys):
    assert command.main([]) == command.main(["--help"]) == 0
    printed = capsys.readouterr().out
    names = sorted(
        path.parent.name for path in (ROOT / "comparisons").glob("*/__main__.py") if path.parent.name != "harness"
    )
    assert set(names) <= set(command.studies())
    assert all(name in printed for name in ("explore", "figures", "grokking", "order_parameters"))


def test_an_unknown_name_is_refused(capsys):
    path, safe = list(sys.path), os.environ.get("PYTHONSAFEPATH")
    try:
        assert command.main(["groking"]) == 2
    finally:
        sys.path[:] = path
        if safe is None:
            os.environ.pop("PYTHONSAFEPATH", None)
    assert "no command 'groking'; known: explore, figures, comparisons, " in capsys.readouterr().err
