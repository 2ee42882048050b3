"""Every variation is run once, judged as its study does, and taken from the store by the next call."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from comparisons import Model, Verdict
from comparisons.harness import folder as folders
from comparisons.robustness import survey
from tests.comparisons.harness import toy
from tests.comparisons.robustness.frail import STUDY, Frail, asked


def test_the_base_is_the_run_of_the_study_itself(tmp_path):
    lines = []
    result = STUDY.run(models=["frail"], replicates=2, out=tmp_path)
    came = survey.survey(asked(seeds=1)[:2], replicates=2, out=tmp_path, log=lines.append)
    assert [answer.verdict for answer in came.answers] == list(result.verdicts.values())
    assert lines[0] == "4 of 4 runs are there already"
    assert lines[-1] == "2 of 2: toy frail (off) base: absent 0"


def test_workers_change_nothing(tmp_path):
    alone, together = (survey.survey(asked(), jobs=n, replicates=1, out=tmp_path / str(n)).answers for n in (1, 2))
    assert [answer.verdict for answer in alone] == [answer.verdict for answer in together]


def test_no_network_is_begun_after_the_hours(tmp_path, monkeypatch):
    """A clock that reads 0 where the call begins, then 3600 and half a second more: one run is in time for an hour."""
    readings = iter([0.0, 3600.0])
    monkeypatch.setattr(survey, "uses_torch", lambda study, name: True)
    monkeypatch.setattr(survey, "time", SimpleNamespace(time=lambda: next(readings, 3600.5)))
    came = survey.survey(asked(models=["late"])[:4], replicates=1, out=tmp_path, hours=1)
    assert [answer.left_out for answer in came.answers] == [False, True, True, True]
    assert came.answers[1].verdict.note == "not begun: the time was up"
    assert not came.interrupted


def test_nothing_asked_is_nothing_answered(tmp_path):
    came = survey.survey([], out=tmp_path)
    assert (came.answers, came.interrupted) == ([], False)


def test_every_case_is_answered_in_its_place_and_heard_of_once(tmp_path):
    lines, cases = [], asked(seeds=2)
    came = survey.survey(cases, replicates=2, out=tmp_path, log=lines.append)
    assert [answer.case for answer in came.answers] == cases
    heard = [line for line in lines if f" of {len(cases)}: toy frail" in line]
    assert [line.partition(" ")[0] for line in heard] == [str(place + 1) for place in range(len(cases))]
    assert sorted(line.split(": ")[1] for line in heard) == sorted(map(str, cases))
    assert "0 of 28 runs are there already" in lines
    by_what = {(answer.case.row, answer.case.what): answer for answer in came.answers}
    refused = by_what["frail", "limit 10 -> 20"]
    assert (refused.verdict.note, refused.code) == ("refused: limit must be at most 15, got 20", "")
    lost = by_what["frail", "parts 4 -> 2"]
    assert lost.verdict.note == "loss is not finite at step 3 (2 of 2 runs)"
    assert len({answer.code for answer in came.answers if answer is not refused and answer.code}) == 1
    assert not any(answer.left_out for answer in came.answers)


def test_the_next_call_computes_what_is_missing_only(tmp_path):
    cases, lines = asked(seeds=1)[:4], []
    first = survey.survey(cases, replicates=1, out=tmp_path)
    again = survey.survey(cases, replicates=3, out=tmp_path, log=lines.append)
    assert lines[0] == "4 of 12 runs are there already"
    for one, other in zip(first.answers, again.answers, strict=True):
        assert one.verdict.scores[0] == other.verdict.scores[0]
        assert (len(one.verdict.scores), len(other.verdict.scores)) == (1, 3)


def partly(s, rng):
    """One of its runs fails."""
    if rng.random() < 0.4:
        raise toy.SimulationError("no luck")
    return toy.late(toy.Late(lag=s.lag), rng)


def test_one_run_that_fails_is_enough_and_is_counted(tmp_path):
    study = STUDY.adding(partly=Model(partly, Frail()))
    base = asked(study, ["partly"], seeds=1)[:1]
    answer = survey.survey(base, replicates=6, out=tmp_path).answers[0]
    failed = int(answer.verdict.note.split("(")[1].split()[0])
    assert 0 < failed < 6
    assert (answer.verdict.outcome, answer.verdict.note) == ("failed", f"no luck ({failed} of 6 runs)")


def test_networks_in_torch_come_last_one_variation_of_each_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "uses_torch", lambda study, name: name != "frail")
    cases = asked(models=["late", "frail", "rare"], seeds=2)
    order = []
    survey.survey(cases, replicates=1, out=tmp_path, log=lambda line: order.append(line.split(": ")[1:2]))
    heard = [line[0].removeprefix("toy ") for line in order if line and line[0].startswith("toy ")]
    refused = [place for place, name in enumerate(heard) if name.endswith("limit 10 -> 20")]
    assert refused == [0, 1]  # known before anything runs
    theory = [name for name in heard if name.startswith("frail")]
    assert heard[: len(theory)] == theory
    late = heard[len(theory) :]
    assert late[:8] == [f"{row} {what}" for what in ("base", "seed 1") for row in ROWS]
    assert len(late) == len([case for case in cases if case.model != "frail"])


ROWS = ("late", "late (off)", "rare", "rare (off)")


def test_a_lost_worker_and_a_damaged_run_are_reasons(tmp_path):
    case = asked(seeds=1)[0]
    task = SimpleNamespace()
    lost = survey._lost((task, None), survey.WorkerDied("a worker died: killed"))
    assert (lost.task, lost.error) == (task, "a worker died: killed")
    came = survey.survey([case], replicates=1, out=tmp_path)
    assert came.answers[0].verdict.outcome == "shown"
    (stored,) = (tmp_path / "cells").glob("*/*.npz")
    stored.write_bytes(stored.read_bytes()[:200])
    lines = []
    again = survey.survey([case], replicates=1, out=tmp_path, log=lines.append)
    assert again.answers[0].verdict == came.answers[0].verdict  # it is computed once more
    assert any("damaged" in line or "set aside" in line for line in lines)


def test_a_call_names_its_runs_beside_those_of_earlier_ones(tmp_path):
    def named():
        rows = folders.read_manifest(tmp_path / "robustness" / "toy")["rows"]
        return {row: [run["cell"] for run in runs] for row, runs in rows.items()}

    survey.survey(asked(seeds=1)[:2], replicates=1, out=tmp_path)
    first = named()
    assert {row: len(cells) for row, cells in first.items()} == {"frail": 1, "frail (off)": 1}
    survey.survey(asked(models=["late"], seeds=1)[:1], replicates=2, out=tmp_path)
    both = named()
    assert {row: both[row] for row in first} == first
    assert len(both["late"]) == 2
    survey.survey(asked(seeds=1)[:1], replicates=2, out=tmp_path)
    after = named()
    assert set(after["frail"]) > set(first["frail"])
    assert len(after["frail"]) == len(set(after["frail"])) == 2
    cells = tmp_path / "cells"
    stored = {path.relative_to(cells).with_suffix("").as_posix() for path in cells.glob("*/*.npz")}
    assert stored == {cell for names in after.values() for cell in names}


def test_a_damaged_manifest_is_set_aside_and_said(tmp_path):
    survey.survey(asked(seeds=1)[:1], replicates=1, out=tmp_path)
    manifest = tmp_path / "robustness" / "toy" / folders.MANIFEST
    manifest.write_text("{")
    lines = []
    survey.survey(asked(seeds=1)[:1], replicates=1, out=tmp_path, log=lines.append)
    assert any("set aside as" in line for line in lines)
    assert json.loads(manifest.read_text())["state"] == "varied"
    assert len([path for path in manifest.parent.iterdir() if path.read_text() == "{"]) == 1


def test_short_words_for_what_came():
    case = asked(seeds=1)[0]
    answer = survey.Answer(case, Verdict("shown", (1.0, 2.5, 4.0)))
    assert survey._in_short(answer) == "shown 2.5"
    assert survey._in_short(replace(answer, verdict=Verdict("unclear", note="flat"))) == "unclear"
    assert survey._in_short(replace(answer, verdict=Verdict("failed", note="no luck"))) == "failed: no luck"
    assert survey._in_short(replace(answer, left_out=True)) == "left out"


def test_two_calls_at_once_are_refused(tmp_path):
    with folders.locked(tmp_path / "robustness"), pytest.raises(ValueError, match="another call is at work in"):
        survey.survey(asked(seeds=1)[:1], out=tmp_path)
