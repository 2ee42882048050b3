"""The command: lists, judges pages and pairs, and says what is wrong with them."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from docs.check.command import main
from docs.check.sheets import SHEETS, problems

ROOT = Path(__file__).parents[3]


def test_a_page_of_answers_is_judged(tmp_path, capsys):
    page = tmp_path / "mine.md"
    page.write_text('My page.\n\n```toml\nspeed = "u (S - u)"\n```\n\nMore.\n\n```toml\nstages = "1.55"\n```\n')
    assert main(["sigmoid", "--from", str(page)]) == 1
    out = capsys.readouterr().out
    assert "speed: wrong: off by a factor 1/2 (yours over the answer)" in out
    assert "stages: wrong: the number is right, but the unit is missing" in out
    assert "0 of 7 right, 5 not answered" in out


def test_pairs_are_judged_and_go_before_the_page(tmp_path, capsys):
    page = tmp_path / "mine.toml"
    page.write_text('speed = "u"\n')
    assert main(["sigmoid", "speed=2 u (S - u)", "--from", str(page)]) == 1
    assert "speed: right" in capsys.readouterr().out


def test_without_answers_the_problems_are_listed(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["noise"]) == 1
    out = capsys.readouterr().out
    assert all(f"{key}: " in out for key in problems("noise"))


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_blank_page_names_every_problem(sheet, capsys, tmp_path):
    assert main([sheet, "--blank"]) == 0
    blank = capsys.readouterr().out
    filled = "\n".join(line.removeprefix("# ") for line in blank.splitlines() if line.endswith('""'))
    (tmp_path / "blank.toml").write_text(filled)
    main([sheet, "--from", str(tmp_path / "blank.toml")])
    assert "0 not answered" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "answer must be PROBLEM=ANSWER"),
        (["spead=1"], "problem must be one of speed"),
        (["--from", "missing.toml"], "there is none at missing.toml"),
    ],
)
def test_bad_calls_say_why(words, message, capsys):
    assert main(["sigmoid", *words]) == 2
    assert message in capsys.readouterr().err


def test_broken_pages_say_why(tmp_path, capsys):
    (tmp_path / "page.toml").write_text("speed = \n")
    assert main(["sigmoid", "--from", str(tmp_path / "page.toml")]) == 2
    assert "answers must be TOML" in capsys.readouterr().err


def test_misspelt_sheets_are_answered():
    with pytest.raises(ValueError, match="did you mean sigmoid"):
        problems("sigmoyd")


def test_it_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "docs.check", "sigmoid", "half-time=log(S/u0 - 1)/S"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "off by a factor 2" in run.stdout, run.stderr
