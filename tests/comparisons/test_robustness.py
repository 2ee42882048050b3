import csv
import importlib
import json
import re
import signal
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from comparisons import Model, Verdict, matrix
from comparisons.harness import report
from comparisons.harness.settings import Settings
from comparisons.robustness import command, survey, tables, variations
from comparisons.robustness.variations import cases, nuisance, turned
from tests.comparisons.harness import toy
from toymodels.trajectory import SimulationError

USES_TORCH = variations.uses_torch


@dataclass(frozen=True)
class Frail(Settings):
    """Its verdict needs at least 3 units, 20 refuse the settings, and 2 parts end the run."""

    lag: float = 2.0
    units: int = 5
    parts: float = 4.0
    limit: int = 10
    zero: float = 0.0

    def __post_init__(self):
        if self.limit > 15:
            raise ValueError(f"limit must be at most 15, got {self.limit}")


def frail(s, rng):
    if s.parts < 3:
        raise SimulationError("loss is not finite at step 3")
    return toy.late(toy.Late(lag=s.lag if s.units >= 3 else 0.4 * bool(s.lag)), rng)


def interrupting(s, rng):
    if s.units > 5:
        signal.raise_signal(signal.SIGINT)
    return frail(s, rng)


STUDY = toy.STUDY.adding(
    frail=Model(frail, Frail(), off={"lag": 0.0}), rare=replace(toy.STUDY.models["late"], on_request=True)
)


def asked(study=STUDY, models=("frail",), seeds=3):
    return [case for model in models for case in cases(study, model, seeds)]


def run(tmp_path, *arguments, study=STUDY):
    argv = ["--out", str(tmp_path), "--seeds", "3", "--replicates", "2", *arguments]
    return command.main(argv, lambda names: [study], known=["toy"], default=["toy"])


@pytest.fixture(autouse=True)
def theories(monkeypatch):
    """No model of the toy study counts as a network in torch, though this module reaches the harness and so torch."""
    for module in (variations, survey):
        monkeypatch.setattr(module, "uses_torch", lambda study, name: False)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own to write to."""
    monkeypatch.setattr(matrix, "ROBUSTNESS", tmp_path / "robustness.json")
    monkeypatch.setattr(matrix, "GALLERY", tmp_path / "gallery")
    monkeypatch.setattr(report, "COMMITTED", tmp_path / "verdicts.json")
    return tmp_path


@pytest.mark.parametrize(
    ("value", "doubled", "halved"),
    [
        (50, 100, 25),
        (5, 10, 2),
        (1, 2, None),
        (-3, -6, -2),
        (0.02, 0.04, 0.01),
        (0, None, None),
        (0.0, None, None),
        (True, None, None),
        ("relu", None, None),
        (float("inf"), None, None),
        (None, None, None),
        ((784, 200), (1568, 400), (392, 100)),
        ((1, 0.0), (2, 0.0), None),
        ((), None, None),
        (("a", 1), None, None),
    ],
)
def test_numbers_are_doubled_and_halved_and_nothing_else_is(value, doubled, halved):
    assert turned(value, 2) == doubled
    assert turned(value, 0.5) == halved
    assert type(turned(value, 2)) in (type(value), type(None))


def test_nuisance_parameters_are_the_numbers_without_the_knob():
    late = STUDY.models["late"]
    assert nuisance(late, late.settings) == {"n_times": [40, 10], "sizes": [(2, 4), (1, 1)]}
    assert list(nuisance(STUDY.models["frail"], Frail())) == ["units", "parts", "limit"]
    knobless = replace(late, off=None)
    assert "lag" in nuisance(knobless, late.settings)


def test_model_and_control_are_varied_alike_and_keep_their_knob():
    both = [case for case in asked(models=["late"]) if case.what == "n times 20 -> 40"]
    assert [case.row for case in both] == ["late", "late (off)"]
    assert [(case.run.settings.lag, case.run.settings.n_times) for case in both] == [(2.0, 40), (0.0, 40)]
    seeds = [(case.row, case.seed) for case in asked(models=["late"]) if case.what in ("base", "seed 1", "seed 2")]
    assert seeds == [(row, seed) for seed in range(3) for row in ("late", "late (off)")]


def test_flips_refusals_and_failures_are_listed_and_only_flips_count(tmp_path):
    came = survey.survey(asked(), replicates=2, out=tmp_path)
    rows = tables.entries(came.answers, replicates=2, seeds=3)["toy"]
    own = rows["frail"]
    assert (own["base"], own["n"], own["m"]) == ("shown", 5, 6)  # two seeds, units twice, parts and limit once
    assert own["at_seeds"] == ["shown"] * 3
    assert (own["replicates"], own["seeds"], own["left_out"]) == (2, 3, 0)
    flip = own["flips"][0]
    assert (flip["changed"], flip["outcome"]) == ("units 5 -> 2", "unclear")
    assert flip["score"] == pytest.approx(0.4, abs=0.01)
    assert [(each["changed"], each["reason"]) for each in own["not_counted"]] == [
        ("parts 4 -> 2", "loss is not finite at step 3 (2 of 2 runs)"),
        ("limit 10 -> 20", "refused: limit must be at most 15, got 20"),
    ]
    control = rows["frail (off)"]
    assert (control["base"], control["n"], control["m"], control["flips"]) == ("absent", 6, 6, [])
    assert len(control["not_counted"]) == 2


def test_a_base_that_fails_says_nothing_of_its_variations(tmp_path):
    study = STUDY.adding(broken=Model(toy.broken, Frail()))
    came = survey.survey(asked(study, ["broken"]), replicates=1, out=tmp_path)
    entry = tables.entries(came.answers, replicates=1, seeds=3)["toy"]["broken"]
    assert (entry["base"], entry["score"], entry["n"], entry["m"]) == ("failed", None, 0, 0)


def test_the_base_is_the_run_of_the_study_itself(tmp_path):
    lines = []
    result = STUDY.run(models=["frail"], replicates=2, out=tmp_path)
    came = survey.survey(asked(seeds=1)[:2], replicates=2, out=tmp_path, log=lines.append)
    assert [answer.verdict for answer in came.answers] == list(result.verdicts.values())
    assert lines[0] == "4 of 4 runs are there already"
    assert lines[-1] == "2 of 2: toy frail (off) base: absent 0"


def test_finished_runs_are_taken_by_the_next_call_and_prune_leaves_them(tmp_path, checkout, capsys):
    from comparisons.keeping import pruned

    assert run(tmp_path, "--models", "frail") == 0
    assert "0 of 32 runs are there already" in capsys.readouterr().err
    assert run(tmp_path, "--models", "frail", "late") == 0
    assert "28 of 60 runs are there already" in capsys.readouterr().err  # those that failed are tried again
    assert pruned(tmp_path, delete=False).startswith("nothing to prune")


def test_workers_change_nothing(tmp_path):
    alone, together = (survey.survey(asked(), jobs=n, replicates=1, out=tmp_path / str(n)).answers for n in (1, 2))
    assert [answer.verdict for answer in alone] == [answer.verdict for answer in together]


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


def test_networks_in_torch_come_last_and_are_left_out_when_the_time_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "uses_torch", lambda study, name: name == "late")
    came = survey.survey(asked(models=["late", "frail"]), replicates=1, out=tmp_path, hours=1e-9)
    rows = tables.entries(came.answers, replicates=1, seeds=3)["toy"]
    assert (rows["late"]["base"], rows["late"]["m"], rows["late"]["not_counted"]) == ("left out", 0, [])
    assert rows["late"]["left_out"] == len([case for case in asked(models=["late"]) if case.row == "late"])
    assert rows["frail"]["m"] == 6
    assert "Left out, the time was up" in tables.plain({"toy": rows})
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps({"toy": {"late": rows["frail"]}}))
    assert tables.merged({"toy": rows}, came.answers, earlier)["toy"]["late"] == rows["frail"]


def test_networks_in_torch_are_told_by_their_code():
    study = importlib.import_module("comparisons.neural_collapse").STUDY
    assert {name: USES_TORCH(study, name) for name in ("layerwise", "condensation", "dnn")} == {
        "layerwise": False,
        "condensation": False,
        "dnn": True,
    }


def test_networks_and_models_on_request_are_asked_by_flag_or_by_name(monkeypatch):
    monkeypatch.setattr(variations, "uses_torch", lambda study, name: name == "late")
    assert variations.chosen(STUDY, None, with_dnn=False) == ["frail"]
    assert variations.chosen(STUDY, None, with_dnn=True) == ["late", "frail"]
    assert variations.chosen(STUDY, ["rare", "late", "mute", "of another study"], with_dnn=False) == ["late", "rare"]


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


def test_the_command_is_one_of_the_comparisons(capsys):
    from comparisons.__main__ import main

    with pytest.raises(SystemExit):
        main(["robustness", "--help"])
    assert "grokking" in capsys.readouterr().out


@pytest.mark.parametrize("hours", ["0", "inf", "nan"])
def test_hours_are_positive_and_finite(tmp_path, capsys, hours):
    assert run(tmp_path, "--hours", hours) == 2
    assert "hours must be positive and finite" in capsys.readouterr().err


def test_no_network_is_begun_after_the_hours(tmp_path, monkeypatch):
    """A clock that reads 0 where the call begins, then 3600 and half a second more: one run is in time for an hour."""
    readings = iter([0.0, 3600.0])
    monkeypatch.setattr(survey, "uses_torch", lambda study, name: True)
    monkeypatch.setattr(survey, "time", SimpleNamespace(time=lambda: next(readings, 3600.5)))
    came = survey.survey(asked(models=["late"])[:4], replicates=1, out=tmp_path, hours=1)
    assert [answer.left_out for answer in came.answers] == [False, True, True, True]
    assert came.answers[1].verdict.note == "not begun: the time was up"
    assert not came.interrupted


def answers():
    """A base, two seeds of which one flips, a failure, and what there was no time for; a row of which nothing ran."""

    def answer(row, what, verdict, seed=0, **more):
        return survey.Answer(variations.Case(STUDY, "late", row, what, seed), verdict, **more)

    shown, late = Verdict("shown", (1.5, 2.0, 9.0)), Verdict("failed", note="not begun")
    return [
        answer("late", "base", shown),
        answer("late", "seed 1", shown, 1),
        answer("late", "seed 2", Verdict("absent", (0.1,), note="flat"), 2),
        answer("late", "n 1 -> 2", Verdict("failed", note="no luck")),
        answer("late", "m 1 -> 2", Verdict("failed", note="no luck")),
        answer("late", "n 1 -> 0.5", late, left_out=True),
        answer("late (off)", "base", late, left_out=True),
        answer("late (off)", "seed 1", Verdict("absent", (0.0,)), 1),
    ]


def test_what_came_of_a_row_is_counted():
    content = tables.entries(answers(), replicates=2, seeds=3)
    assert content == {
        "toy": {
            "late": {
                "base": "shown",
                "score": 2.0,
                "n": 1,
                "m": 2,
                "at_seeds": ["shown", "shown", "absent"],
                "flips": [{"changed": "seed 2", "outcome": "absent", "score": 0.1, "note": "flat"}],
                "not_counted": [{"changed": name, "reason": "no luck"} for name in ("n 1 -> 2", "m 1 -> 2")],
                "left_out": 1,
                "replicates": 2,
                "seeds": 3,
            },
            "late (off)": {
                "base": "left out",
                "score": None,
                "n": 0,
                "m": 0,
                "at_seeds": ["absent"],
                "flips": [],
                "not_counted": [],
                "left_out": 1,
                "replicates": 2,
                "seeds": 3,
            },
        }
    }
    assert tables.plain(content).splitlines() == [
        "study  row         base      holds in           seeds alike",
        "toy    late        shown 2   1 of 2 variations  2 of 3, 2 replicates each",
        "toy    late (off)  left out  0 of 0 variations  0 of 1, 2 replicates each",
        "",
        "Flips:",
        "  toy, late: seed 2: shown -> absent 0.1: flat",
        "",
        "Refused or failed, counted neither for nor against:",
        "  toy, late: n 1 -> 2, m 1 -> 2: no luck",
        "",
        "Left out, the time was up:",
        "  toy, late: 1 variations",
        "  toy, late (off): 1 variations",
    ]
    page = tables.markdown(content).splitlines()
    assert page[6:9] == [
        "| study | row | base | holds in | seeds alike |",
        "|---|---|---|---|---|",
        "| toy | late | shown 2 | 1 of 2 variations | 2 of 3, 2 replicates each |",
    ]
    assert page[-2:] == ["- toy, late: 1 variations", "- toy, late (off): 1 variations"]


def test_every_variation_is_a_line_of_the_file():
    assert tables.comma_separated(answers()).splitlines()[1:] == [
        "toy,late,base,0,shown,shown,0,,2.0,1.5,9.0,3,,",
        "toy,late,seed 1,1,shown,shown,1,1,2.0,1.5,9.0,3,,",
        "toy,late,seed 2,2,absent,shown,1,0,0.1,0.1,0.1,1,,flat",
        "toy,late,n 1 -> 2,0,failed,shown,0,,,,,,,no luck",
        "toy,late,m 1 -> 2,0,failed,shown,0,,,,,,,no luck",
        "toy,late,n 1 -> 0.5,0,left out,shown,0,,,,,,,not begun",
        "toy,late (off),base,0,left out,failed,0,,,,,,,not begun",
        "toy,late (off),seed 1,1,absent,failed,0,,0.0,0.0,0.0,1,,",
    ]


def test_numbers_are_written_where_they_are_told_to_be(tmp_path):
    content = tables.entries(answers(), replicates=2, seeds=3)
    tables.commit(content, answers(), tmp_path / "numbers.json", tmp_path)
    text = (tmp_path / "numbers.json").read_text()
    assert text.startswith('{\n "toy": {\n  "late": {\n   "base": "shown",')
    assert json.loads(text) == content
    assert (tmp_path / "ROBUSTNESS.md").read_text() == tables.markdown(content)
