"""The command, also beside a user's own modules of the same names."""

import os
import subprocess
import sys
import types
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


@pytest.fixture
def path_kept(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONSAFEPATH", "")


@pytest.fixture
def dispatched(monkeypatch, path_kept):
    """What is handed to the modules that run things; each returns a code of its own."""
    heard = []

    def module(name):
        def main(*words, **named):
            heard.append((name, *words, named))
            return 10 + len(heard)

        return types.SimpleNamespace(main=main, __doc__=f"words of {name}")

    monkeypatch.setattr(command, "_ours", module)
    return heard


def test_every_name_goes_to_what_runs_it_with_the_words_after_it(dispatched):
    codes = [
        command.main(["grokking", "--seed", "3"]),
        command.main(["comparisons", "a"]),
        command.main(["figures", "b", "c"]),
        command.main(["figures"]),
    ]
    about = {"description": "words of figures.__main__"}
    assert dispatched == [
        ("comparisons.harness.command", "grokking", ["--seed", "3"], {}),
        ("comparisons.__main__", ["a"], {}),
        ("figures.harness.command", ["b", "c"], about),
        ("figures.harness.command", [], about),
    ]
    assert codes == [11, 12, 13, 14]


def test_the_words_of_the_command_line_are_taken_where_none_are_given(dispatched, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["toymodels", "comparisons", "x"])
    assert command.main() == 11
    assert dispatched == [("comparisons.__main__", ["x"], {})]
    assert command.main([]) == command.main(["-h"]) == 0
    assert len(dispatched) == 1
    assert capsys.readouterr().out.count("studies: ") == 2


def test_what_cannot_be_imported_is_one_line_and_a_failure(monkeypatch, path_kept, capsys):
    def missing(name):
        raise ImportError(f"{name} needs more")

    monkeypatch.setattr(command, "_ours", missing)
    for name, module in (("grokking", "comparisons.harness.command"), ("comparisons", "comparisons.__main__")):
        assert command.main([name]) == 1
        assert capsys.readouterr() == ("", f"toymodels: {module} needs more\n")


def test_a_module_that_is_not_the_suite_s_own_is_refused(tmp_path, monkeypatch):
    (tmp_path / "lab_command_stranger.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"^lab_command_stranger must be the suite's own, got .*stranger\.py$"):
        command._ours("lab_command_stranger")
    assert command._ours("toymodels.command") is command


def test_the_working_folder_is_taken_off_the_path_and_no_other(tmp_path, monkeypatch, path_kept):
    (tmp_path / "here").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sys.path[:] = ["", str(tmp_path / "here"), str(tmp_path / "other"), ".", str(tmp_path / "other" / ".." / "here")]
    command._forget_the_working_folder()
    assert sys.path == [str(tmp_path / "other")]
    assert os.environ["PYTHONSAFEPATH"] == "1"


def test_in_the_suite_s_own_folder_the_path_stays(monkeypatch, path_kept):
    monkeypatch.chdir(command.ROOT)
    before = list(sys.path)
    command._forget_the_working_folder()
    assert sys.path == before
    assert os.environ["PYTHONSAFEPATH"] == "1"  # for workers all the same


def test_studies_are_the_folders_with_a_question(tmp_path, monkeypatch):
    for name in ("b", "a", "empty", "deep/inner"):
        (tmp_path / "comparisons" / name).mkdir(parents=True)
        (tmp_path / "comparisons" / name / ("other.py" if name == "empty" else "question.py")).touch()
    monkeypatch.setattr(command, "ROOT", tmp_path)
    assert command.studies() == ["a", "b"]


def test_pages_are_looked_for_in_the_order_of_the_folders(tmp_path, monkeypatch, capsys):
    for folder, names in (("first", "b"), ("second", "ab"), ("third", "c")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.html").touch()
    monkeypatch.setattr(command, "PAGES", (tmp_path / "first", tmp_path / "second"))
    opened = []
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    assert command.explore("b") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'first' / 'b.html'}\n"
    assert command.explore("c") == 2
    assert capsys.readouterr().err.endswith("got 'c'; pages: b, a\n")
    assert opened == [(tmp_path / "first" / "b.html").as_uri()]
