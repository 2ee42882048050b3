"""The command asks what it is told to, keeps what is finished, and says what it leaves out."""

import csv
import json
import re

import pytest

from comparisons import Model, matrix
from comparisons.harness import report
from comparisons.robustness import command, variations
from tests.comparisons.harness import toy
from tests.comparisons.robustness.frail import STUDY, Frail, interrupting, run


def test_finished_runs_are_taken_by_the_next_call_and_prune_leaves_them(tmp_path, checkout, capsys):
    from comparisons.keeping import pruned

    assert run(tmp_path, "--models", "frail") == 0
    assert "0 of 32 runs are there already" in capsys.readouterr().err
    assert run(tmp_path, "--models", "frail", "late") == 0
    assert "28 of 60 runs are there already" in capsys.readouterr().err  # those that failed are tried again
    assert pruned(tmp_path, delete=False).startswith("nothing to prune")


def test_the_command_prints_the_table_and_keeps_every_variation(tmp_path, checkout, capsys):
    assert run(tmp_path) == 0
    printed, errors = capsys.readouterr()
    assert re.search(r"^toy +frail +shown 2 +5 of 6 variations +3 of 3, 2 replicates each$", printed, re.MULTILINE)
    assert "toy, frail: units 5 -> 2: shown -> unclear 0.4" in printed
    assert "toy, frail: limit 10 -> 20: refused: limit must be at most 15, got 20" in printed
    assert "toy: without rare; --with-dnn or --models asks them" in errors
    assert ": toy frail limit 10 -> 20: failed: refused: limit must be at most 15, got 20" in errors
    assert "of 32: toy frail units 5 -> 10: shown 2" in errors
    with open(tmp_path / "robustness" / "robustness.csv") as file:
        table = {(line["row"], line["changed"]): line for line in csv.DictReader(file)}
    assert table["frail", "units 5 -> 2"]["holds"] == "0"
    assert table["frail", "limit 10 -> 20"]["counts"] == "0"
    assert table["frail", "base"]["counts"] == "0"
    assert ("rare", "base") not in table
    assert not (checkout / "robustness.json").exists()


def test_a_call_with_fewer_seeds_keeps_the_lines_and_the_runs_of_the_others(tmp_path, checkout):
    from comparisons.keeping import pruned

    def lines():
        with open(tmp_path / "robustness" / "robustness.csv") as file:
            return {(line["row"], line["changed"]): line["runs"] for line in csv.DictReader(file)}

    assert run(tmp_path, "--models", "frail", "--seeds", "4") == 0
    before = lines()
    assert ("frail", "seed 3") in before
    assert run(tmp_path, "--models", "frail", "--seeds", "2", "--replicates", "1") == 0
    after = lines()
    assert after.keys() == before.keys()
    assert after["frail", "seed 3"] == before["frail", "seed 3"] == "2"
    assert after["frail", "seed 1"] == "1"
    with open(tmp_path / "robustness" / "robustness.csv") as file:
        assert {len(line["code"]) for line in csv.DictReader(file) if line["runs"]} == {20}
    assert pruned(tmp_path, delete=False).startswith("nothing to prune")


def test_a_call_on_another_row_keeps_the_lines_of_the_others(tmp_path, checkout, capsys):
    def rows():
        with open(tmp_path / "robustness" / "robustness.csv") as file:
            return [(line["row"], line["changed"]) for line in csv.DictReader(file)]

    assert run(tmp_path) == 0
    both = rows()
    assert len({row for row, _ in both}) > 1
    assert run(tmp_path, "--models", "frail") == 0
    assert sorted(rows()) == sorted(both)
    (tmp_path / "robustness" / "robustness.csv").write_text("my,own\ntable,1\n")
    assert run(tmp_path, "--models", "frail") == 1
    assert "must be the columns of an earlier table, got my,own" in capsys.readouterr().err
    assert (tmp_path / "robustness" / "robustness.csv").read_text() == "my,own\ntable,1\n"


def test_an_interruption_keeps_what_is_finished(tmp_path, checkout, capsys):
    study = STUDY.adding(frail=Model(interrupting, Frail(), off={"lag": 0.0}))
    assert run(tmp_path, "--models", "frail", study=study) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert len(list((tmp_path / "cells").glob("*/*.npz"))) == 12  # the base and two seeds, model and control
    assert not (tmp_path / "robustness" / "robustness.csv").exists()


def test_what_is_written_keeps_rows_that_were_not_asked(tmp_path, checkout, monkeypatch):
    monkeypatch.setattr(matrix, "require_checkout", lambda: None)
    assert run(tmp_path, "--models", "frail", "--write") == 0
    earlier = json.loads(matrix.ROBUSTNESS.read_text())
    earlier["toy"]["gone"] = earlier["toy"]["frail"]
    earlier["other"] = {"a": earlier["toy"]["frail"]}
    matrix.ROBUSTNESS.write_text(json.dumps(earlier))
    assert run(tmp_path, "--models", "late", "--write") == 0
    content = json.loads(matrix.ROBUSTNESS.read_text())
    assert {study: list(rows) for study, rows in content.items()} == {
        "toy": ["late", "late (off)", "frail", "frail (off)"],
        "other": ["a"],
    }
    page = (checkout / "gallery" / "ROBUSTNESS.md").read_text()
    assert "| toy | frail | shown 2 | 5 of 6 variations | 3 of 3, 2 replicates each |" in page
    assert "- toy, frail: units 5 -> 2: shown -> unclear 0.402" in page


def test_an_installed_package_is_never_written(tmp_path, monkeypatch, capsys):
    def refuse():
        matrix_of_package(tmp_path)

    matrix_of_package = matrix.require_checkout
    monkeypatch.setattr(matrix, "require_checkout", refuse)
    assert run(tmp_path, "--write") == 2
    assert "this is an installed package" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "lat"], "models must be ones that toy runs, got 'lat'"),
        (["--models", "mute"], "models must be ones that toy runs, got 'mute'"),
        (["--seeds", "0"], "seeds must be"),
        (["--jobs", "0"], "jobs must be"),
        (["--replicates", "0"], "replicates must be"),
        (["--hours", "-1"], "hours must be positive"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, capsys, arguments, message):
    assert run(tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_base_that_is_not_the_committed_verdict_is_said(tmp_path, checkout, capsys):
    report.COMMITTED.write_text(json.dumps({"toy": {"quick": {"frail": {"outcome": "absent"}}}}))
    assert run(tmp_path, "--models", "frail") == 0
    assert "toy frail: committed absent, now shown" in capsys.readouterr().err
    committed = {"outcome": "shown", "score": 99.0}  # another score is no other verdict
    report.COMMITTED.write_text(json.dumps({"toy": {"quick": {"frail": committed}}}))
    assert run(tmp_path, "--models", "frail") == 0
    assert "committed" not in capsys.readouterr().err


def test_models_that_are_left_aside_are_said_unless_models_were_named(tmp_path, checkout, capsys, monkeypatch):
    monkeypatch.setattr(variations, "uses_torch", lambda study, name: name == "late")
    few = ["--seeds", "1", "--replicates", "1"]
    assert run(tmp_path, "--models", "frail", *few) == 0
    assert "without" not in capsys.readouterr().err
    assert run(tmp_path, *few) == 0
    assert "toy: without late, rare; --with-dnn or --models asks them" in capsys.readouterr().err
    assert run(tmp_path, "--with-dnn", *few) == 0
    assert "toy: without rare; --models asks them" in capsys.readouterr().err
    assert run(tmp_path, *few, study=toy.STUDY) == 0
    assert "toy: without late; --with-dnn" in capsys.readouterr().err
    monkeypatch.setattr(variations, "uses_torch", lambda study, name: False)
    assert run(tmp_path, *few, study=toy.STUDY) == 0
    assert "without" not in capsys.readouterr().err


def test_numbers_of_the_call_are_in_its_table(tmp_path, checkout, capsys):
    assert run(tmp_path, "--models", "frail", "--seeds", "2", "--replicates", "1") == 0
    printed = capsys.readouterr().out
    assert re.search(r"^toy +frail +shown 2 +4 of 5 variations +2 of 2, 1 replicates each$", printed, re.MULTILINE)
    assert re.search(r"robustness.robustness\.csv  \(\d+ s\)$", printed, re.MULTILINE)


def test_a_study_named_twice_is_asked_once(tmp_path, checkout, capsys):
    asked = []
    argv = ["--out", str(tmp_path), "--studies", "toy", "toy", "--seeds", "1", "--replicates", "1"]

    def load(names):
        asked.append(list(names))
        return [STUDY]

    assert command.main(argv, load, known=["toy", "other"], default=["other"]) == 0
    assert command.main(argv[:2] + argv[5:], load, known=["toy", "other"], default=["other"]) == 0
    assert asked == [["toy"], ["other"]]
    capsys.readouterr()


def test_a_folder_that_cannot_be_written_is_a_failure_in_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code = run(tmp_path / "file", "--models", "frail")
    errors = capsys.readouterr().err
    assert code in (1, 2)
    assert errors.startswith("robustness: ")
    assert len(errors.splitlines()) == 1


def test_the_command_is_one_of_the_comparisons(capsys):
    from comparisons.__main__ import main

    with pytest.raises(SystemExit):
        main(["robustness", "--help"])
    assert "grokking" in capsys.readouterr().out


@pytest.mark.parametrize("hours", ["0", "inf", "nan"])
def test_hours_are_positive_and_finite(tmp_path, capsys, hours):
    assert run(tmp_path, "--hours", hours) == 2
    assert "hours must be positive and finite" in capsys.readouterr().err
