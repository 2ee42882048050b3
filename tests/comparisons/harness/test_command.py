import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from comparisons import Model, Verdict, load
from comparisons.harness import command, running
from comparisons.harness.result import digest
from tests.comparisons.harness import toy
from tests.comparisons.harness.toy import STUDY, late
from toymodels.trajectory import Trajectory


def digests(result):
    return {row: [digest(run) for run in runs] for row, runs in result.runs.items()}


def test_a_call_leaves_cells_manifest_table_and_picture(tmp_path):
    result = STUDY.run(out=tmp_path)
    assert result.folder == tmp_path / "toy" / "quick-s0"
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert {row: len(runs) for row, runs in manifest["rows"].items()} == {"late": 3, "late (off)": 3}
    first = manifest["rows"]["late"][0]
    assert first["digest"] == digest(result.runs["late"][0])
    assert (tmp_path / "cells" / f"{first['cell']}.npz").exists()
    assert {"numpy", "python"} <= manifest["versions"].keys()
    assert (result.folder / "figure.png").read_bytes()[:4] == b"\x89PNG"


def test_a_picture_is_drawn_when_it_is_wanted_and_never_left_stale(tmp_path, capsys):
    assert command.main(STUDY, ["--out", str(tmp_path), "--no-picture"]) == command.ALL_RAN
    picture = tmp_path / "toy" / "quick-s0" / "figure.png"
    assert not picture.exists()
    assert str(picture) not in capsys.readouterr().out
    assert STUDY.run(out=tmp_path, resume=True).folder == picture.parent
    picture.write_bytes(b"of an earlier run")
    STUDY.run(out=tmp_path, picture=False)
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_the_result_of_a_study_of_ones_own_is_drawn_when_it_is_named(tmp_path):
    folder = STUDY.run(out=tmp_path, picture=False).folder
    assert folder is not None
    with pytest.raises(ValueError, match="has no picture: its study is not to be had here"):
        load(folder).figure()
    assert load(folder, STUDY).figure().axes
    with pytest.raises(ValueError, match="study must be the one of the result, toy, got other"):
        load(folder, replace(STUDY, name="other"))


def test_a_call_that_is_stopped_leaves_the_result_of_the_same_call_before(tmp_path, monkeypatch):
    first = STUDY.run(out=tmp_path)
    whole = {path.name: path.read_bytes() for path in first.folder.iterdir() if path.is_file()}

    def stopped(*arguments, **more):
        return running.Finished({}, interrupted=True)

    monkeypatch.setattr(running, "execute", stopped)
    assert STUDY.run(out=tmp_path).interrupted
    assert {path.name: path.read_bytes() for path in first.folder.iterdir() if path.is_file()} == whole
    assert load(first.folder, STUDY).verdicts == first.verdicts

    def killed(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "execute", killed)
    with pytest.raises(KeyboardInterrupt):
        STUDY.run(out=tmp_path)
    assert load(first.folder, STUDY).verdicts == first.verdicts


def test_a_stored_result_is_the_one_that_was_judged(tmp_path):
    result = STUDY.run(settings={"shown_from": 5.0, "absent_below": 0.1}, out=tmp_path)
    kept = load(result.folder, STUDY)
    assert kept.verdicts == result.verdicts
    assert kept.question == result.question
    assert "NaN" not in (result.folder / "manifest.json").read_text()


def test_replicates_of_unlike_length_are_one_data_set(tmp_path):
    def uneven(s, rng):
        n = int(rng.integers(5, 9))
        return Trajectory(np.arange(1.0, n + 1), {"score": np.arange(n), "train": np.ones(n)}, clock="step")

    data = replace(STUDY, models={"uneven": uneven}, presets={"quick": {}}).run(out=tmp_path).dataset("uneven")
    assert dict(data.sizes)["replicate"] == 3
    assert int(data["score"].count()) == sum(int(n) for n in data["t"].count("record"))


def test_the_table_keeps_every_replicate_and_what_the_control_turns(tmp_path):
    import pandas

    result = STUDY.run(out=tmp_path)
    table = pandas.read_csv(result.folder / "verdicts.csv").set_index("model")
    scores = table.loc["late", ["score_1", "score_2", "score_3"]].to_numpy(float)
    assert scores == pytest.approx(result.verdicts["late"].scores, rel=1e-12)
    assert table.loc["late (off)", "note"] == "lag 2 -> 0"
    assert table.loc["late", "shown_from"] == 0.5
    lines = result.table().set_index("model")
    assert list(lines.columns) == ["outcome", "score", "low", "high", "replicates", "predicted", "measured", "note"]
    assert lines.loc["mute", "note"] == "it has no clock"
    assert lines.loc["late", "replicates"] == 3


def test_verdicts_of_model_control_and_silence(tmp_path):
    verdicts = STUDY.run(out=tmp_path).verdicts
    assert verdicts["late"].outcome == "shown"
    assert verdicts["late (off)"].absent_in_every_replicate
    assert verdicts["mute"] == Verdict("silent", note="it has no clock")


def test_the_number_of_jobs_never_changes_a_bit(tmp_path):
    alone = STUDY.run(out=tmp_path / "a")
    together = STUDY.run(out=tmp_path / "b", jobs=2)
    assert digests(alone) == digests(together)


def test_the_first_rows_are_seen_first_and_the_last_start_first_with_two_workers(tmp_path):
    messages = []
    STUDY.adding(second=late).run(out=tmp_path, log=messages.append)
    assert [line.split(":")[0] for line in messages] == [
        *(f"late {i}" for i in (1, 2, 3)),
        *(f"late (off) {i}" for i in (1, 2, 3)),
        *(f"second {i}" for i in (1, 2, 3)),
    ]


def test_a_start_and_the_steps_of_a_long_run_are_told(tmp_path, capsys, monkeypatch):
    from toymodels.run import progress

    monkeypatch.setattr(progress, "_EVERY", 0.0)

    def stepping(s, rng):
        progress.step(3, 10)
        return late(toy.Late(), rng)

    assert command.main(STUDY.adding(stepping=stepping), ["--models", "stepping", "--out", str(tmp_path)]) == 0
    messages = capsys.readouterr()
    assert "stepping 1: started\nstepping 1: step 3 of 10\nstepping 1: " in messages.err
    assert messages.out.rstrip().endswith("quick-s0/figure.png")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (toy.broken, "loss is not finite at step 3"),
        (toy.singular, "LinAlgError: Singular matrix"),
        (toy.overflowing, "OverflowError"),
        (toy.runtime, "RuntimeError: no luck"),
        (toy.number, "ValueError: wrong must return a Trajectory, got float"),
        (toy.bare, "wrong must return what toy judges: no quantity 'score'; this run has other"),
    ],
)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_model_that_fails_is_a_row_with_its_reason_and_the_rest_goes_on(run, message, jobs, tmp_path, capsys):
    if run is toy.bare and jobs == "2":
        jobs = "1"  # it fails in judging, which is here
    study = STUDY.adding(wrong=run)
    assert command.main(study, ["--out", str(tmp_path), "--jobs", jobs]) == command.FAILED
    printed = capsys.readouterr().out
    assert "\nwrong       failed" in printed
    assert message in printed
    assert "\nlate        shown" in printed


def test_a_failed_row_names_seed_and_settings(tmp_path):
    study = STUDY.adding(wrong=Model(toy.broken, toy.Late()))
    result = study.run(models=["wrong"], seed=5, out=tmp_path)
    assert "(3 of 3 runs, seed 5; lag=2.0, n_times=20" in result.verdicts["wrong"].note
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest["rows"]["wrong"][0]["error"] == "loss is not finite at step 3"
    assert manifest["rows"]["wrong"][0]["settings"]["lag"] == "2.0"


def test_a_row_of_which_one_run_failed_has_no_verdict_of_the_others(tmp_path):
    def sometimes(s, rng):
        if rng.random() < 0.5:
            raise RuntimeError("no luck")
        return late(toy.Late(), rng)

    verdict = STUDY.adding(sometimes=sometimes).run(models=["sometimes"], replicates=8, out=tmp_path).verdicts
    assert verdict["sometimes"].outcome == "failed"
    assert "of 8 runs" in verdict["sometimes"].note


def test_a_worker_that_dies_costs_its_own_row(tmp_path, capsys):
    study = STUDY.adding(killed=toy.killed)
    assert command.main(study, ["--out", str(tmp_path), "--jobs", "2", "--replicates", "1"]) == command.FAILED
    printed = capsys.readouterr().out
    assert "killed      failed" in printed
    assert "worker process died" in printed
    assert "\nlate        shown" in printed


def test_other_settings_get_a_folder_of_their_own_and_say_that_the_criterion_changed(tmp_path):
    STUDY.run(out=tmp_path)
    result = STUDY.run(settings={"late.lag": 0.4, "shown_from": 0.35}, out=tmp_path)
    assert result.folder.name == "quick-s0@2"
    assert result.verdicts["late"].outcome == "shown"
    assert "criterion changed: shown from 0.5 -> 0.35" in str(result)
    assert "shown from 0.35" in str(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "late.lga=1"], "did you mean late.lag"),
        (["--set", "late.lag"], "KEY=VALUE"),
        (["--set", "late.lag=1", "--set", "late.lag=2"], "takes every key once"),
        (["--set", "late.n_times=2.5"], "must be of type int"),
        (["--set", "late.loud=3"], "must be of type bool"),
        (["--replicates", "0"], "replicates must be >= 1"),
        (["--replicates", "100000000"], "replicates must be <= 10000, got 100000000"),
        (["--jobs", "0"], "jobs must be >= 1"),
        (["--seed", "-1"], "seed must be >= 0"),
        (["--engine", "slurm"], "engine must be local"),
        (["--set", "late.lag=1", "--set", "toy.late.lag=2"], "late.lag must be given once"),
        (["--set", "absent_below=0.9"], "absent_below must be in [0, shown_from], got 0.9 and shown_from 0.5"),
        (["--set", "absent_below=-1"], "absent_below must be in [0, shown_from], got -1"),
        (["--models", "lat"], "models must be out of late, mute, got 'lat'"),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_why(tmp_path, capsys, arguments, message):
    assert command.main(STUDY, ["--out", str(tmp_path), *arguments]) == command.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.parametrize("arguments", [["--preset", "huge"], ["--repliactes", "2"], ["--repl", "2"]])
def test_unknown_words_exit_with_2(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        command.main(STUDY, ["--out", str(tmp_path), *arguments])
    assert caught.value.code == command.USAGE


def test_a_misspelt_flag_is_answered_with_the_nearest_one(capsys):
    with pytest.raises(SystemExit):
        command.main(STUDY, ["--repliactes", "2"])
    assert "did you mean --replicates" in capsys.readouterr().err


def test_check_compares_with_the_committed_verdicts(tmp_path, monkeypatch, capsys):
    committed = tmp_path / "verdicts.json"
    monkeypatch.setattr("comparisons.harness.report.COMMITTED", committed)
    good = {"late": {"outcome": "shown"}, "late (off)": {"outcome": "absent"}, "mute": {"outcome": "silent"}}
    committed.write_text(json.dumps({"toy": {"quick": good}}))
    assert command.main(STUDY, ["--out", str(tmp_path), "--check"]) == command.ALL_RAN
    assert "late: no committed score, now 2." in capsys.readouterr().err
    committed.write_text(json.dumps({"toy": {"quick": good | {"late": {"outcome": "absent"}}}}))
    assert command.main(STUDY, ["--out", str(tmp_path), "--check"]) == command.DIFFERS
    assert "late: committed absent, now shown" in capsys.readouterr().err
    del good["mute"]
    committed.write_text(json.dumps({"toy": {"quick": good}}))
    assert command.main(STUDY, ["--out", str(tmp_path), "--check"]) == command.ALL_RAN
    assert "mute: no committed verdict, now silent" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("committed", "code", "said"),
    [
        (2.0, command.ALL_RAN, "scores within 0.01 + 0.1 of the score"),
        (1.8, command.DIFFERS, "late: committed 1.8, now 2.003, 0.203 apart, tolerance 0.19"),
        (2.3, command.DIFFERS, "late: committed 2.3, now 2.003, 0.297 apart, tolerance 0.24"),
    ],
)
def test_check_compares_scores_within_the_stated_tolerance(committed, code, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("comparisons.harness.report.COMMITTED", tmp_path / "verdicts.json")
    rows = {"late": {"outcome": "shown", "score": committed}, "late (off)": {"outcome": "absent", "score": 0.0}}
    content = {"toy": {"quick": rows | {"mute": {"outcome": "silent"}}}}
    (tmp_path / "verdicts.json").write_text(json.dumps(content))
    assert command.main(STUDY, ["--out", str(tmp_path), "--check"]) == code
    assert said in capsys.readouterr().err
    for other in (["--seed", "1"], ["--replicates", "2"], ["--set", "late.n_times=21"]):
        assert command.main(STUDY, ["--out", str(tmp_path), "--check", *other]) == command.ALL_RAN
        assert "scores not compared" in capsys.readouterr().err


def test_a_control_that_is_not_absent_is_called_out(tmp_path):
    result = STUDY.adding(control=Model(late, toy.Late(), control=True)).run(out=tmp_path)
    assert "negative control not absent in every replicate: control" in str(result)


def test_help_lists_the_settings_and_loads_nothing_heavy():
    code = (
        "import sys\nfrom comparisons.harness.command import main\n"
        "try:\n    main('grokking', ['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'matplotlib', 'sympy', 'sklearn', 'networkx', 'xarray', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--resume" in done.stdout
    assert "layerwise.scale=3.0" in done.stdout
    assert "control: scale 3 -> 0.03" in done.stdout


def test_digest_sees_every_bit(tmp_path):
    run = STUDY.run(out=tmp_path).runs["late"][0]
    changed = {name: values.copy() for name, values in run.data.items()}
    changed["score"][0] = np.nextafter(changed["score"][0], 9)
    assert digest(replace(run, data=changed)) != digest(run)


def test_a_misspelt_command_gets_a_hint(capsys):
    from comparisons.__main__ import main as all_studies

    assert all_studies(["shw", "results"]) == 2
    assert "no command 'shw'; did you mean show?" in capsys.readouterr().err
    assert all_studies(["xyz"]) == 2
    assert "known: show, prune, robustness, adversaries" in capsys.readouterr().err


def test_a_home_folder_is_one_and_no_folder_called_so(monkeypatch, tmp_path):
    from comparisons.harness.command import base_parser

    monkeypatch.setenv("HOME", str(tmp_path))
    assert base_parser("x", "", ["quick"]).parse_args(["--out", "~/results"]).out == str(tmp_path / "results")


def test_a_reader_that_goes_ends_a_command_without_a_word():
    root = Path(__file__).parents[3]
    listing = subprocess.Popen(
        [sys.executable, "-m", "figures", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    )
    listing.stdout.close()
    said = listing.stderr.read()
    listing.stderr.close()
    assert listing.wait(200) == command.NOBODY_READS
    assert said == b""
