import json
import subprocess
import sys

import numpy as np
import pytest

from comparisons import runner
from comparisons.study import Verdict
from tests.comparisons.toy import STUDY, broken, late
from toymodels.trajectory import Trajectory


def digests(result):
    return {row: [runner.digest(run) for run in runs] for row, runs in result.runs.items()}


def test_a_run_leaves_runs_manifest_table_and_figure(tmp_path):
    result = runner.run(STUDY, out=tmp_path)
    assert result.folder == tmp_path / "toy" / "quick-s0"
    assert sorted(path.name for path in (result.folder / "runs").iterdir()) == [
        *(f"late-{i}.npz" for i in range(3)),
        *(f"late-off-{i}.npz" for i in range(3)),
    ]
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest["identity"]["params"]["lag"] == 2.0
    assert manifest["digests"]["late 0"] == runner.digest(result.runs["late"][0])
    assert {"numpy", "python"} <= manifest["versions"].keys()
    assert (result.folder / "figure.png").read_bytes()[:4] == b"\x89PNG"
    assert "late,shown," in (result.folder / "verdicts.csv").read_text()


def test_verdicts_of_model_knob_and_silence(tmp_path):
    verdicts = runner.run(STUDY, out=tmp_path).verdicts
    assert verdicts["late"].outcome == "shown"
    assert verdicts["late (off)"].absent_in_every_replicate
    assert verdicts["mute"] == Verdict("silent", note="it has no clock")


@pytest.mark.parametrize("jobs", [2])
def test_the_number_of_jobs_never_changes_a_bit(tmp_path, jobs):
    alone = runner.run(STUDY, out=tmp_path / "a")
    together = runner.run(STUDY, out=tmp_path / "b", jobs=jobs)
    assert digests(alone) == digests(together)


def test_seeds_depend_on_seed_replicate_and_model_name_alone(tmp_path):
    base = digests(runner.run(STUDY, out=tmp_path / "a"))
    more = digests(runner.run(STUDY.adding(another=late), out=tmp_path / "b"))
    assert more["late"] == base["late"]
    assert more["another"] != base["late"]
    assert digests(runner.run(STUDY, out=tmp_path / "c", seed=1))["late"] != base["late"]
    assert digests(runner.run(STUDY, out=tmp_path / "d", replicates=2))["late"] == base["late"][:2]


def test_resuming_runs_only_what_is_missing_and_gives_the_same_arrays(tmp_path):
    whole = runner.run(STUDY, out=tmp_path)
    lost = whole.folder / "runs" / "late-1.npz"
    kept = whole.folder / "runs" / "late-0.npz"
    stamp = kept.stat().st_mtime_ns
    lost.unlink()
    told = []
    again = runner.run(STUDY, out=tmp_path, resume=True, tell=told.append)
    assert len(told) == 1
    assert told[0].startswith("late 2: ")
    assert kept.stat().st_mtime_ns == stamp
    assert digests(again) == digests(whole)


def test_without_resume_everything_is_computed_afresh(tmp_path):
    runner.run(STUDY, out=tmp_path)
    told = []
    runner.run(STUDY, out=tmp_path, tell=told.append)
    assert len(told) == 6


def test_an_interruption_keeps_what_is_finished(tmp_path):
    def stop(p, rng):
        raise KeyboardInterrupt

    study = STUDY.adding(stop=stop, first=late)
    assert runner.main(study, ["--out", str(tmp_path)]) == runner.INTERRUPTED
    folder = tmp_path / "toy" / "quick-s0"
    assert (folder / "runs" / "first-2.npz").exists()  # the last model is taken first
    assert not (folder / "runs" / "late-0.npz").exists()
    told = []
    runner.run(STUDY.adding(first=late), out=tmp_path, resume=True, tell=told.append)
    assert [line.split()[0] for line in told] == ["late"] * 6


def test_a_model_that_fails_numerically_is_named_and_the_rest_goes_on(tmp_path, capsys):
    assert runner.main(STUDY.adding(broken=broken), ["--out", str(tmp_path)]) == runner.FAILED
    printed = capsys.readouterr().out
    assert "\nbroken      failed" in printed
    assert "loss is not finite at step 3" in printed
    assert "\nlate        shown" in printed


def test_other_parameters_get_a_folder_of_their_own(tmp_path):
    result = runner.run(STUDY, out=tmp_path, overrides=["lag=0.4"])
    assert result.folder.name.startswith("quick-s0-")
    assert result.verdicts["late"].outcome == "unclear"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "lga=1"], "did you mean lag"),
        (["--set", "lag"], "KEY=VALUE"),
        (["--set", "n_times=2.5"], "must be of type int"),
        (["--set", "loud=3"], "must be of type bool"),
        (["--replicates", "0"], "replicates must be >= 1"),
        (["--jobs", "0"], "jobs must be >= 1"),
        (["--engine", "slurm"], "engine must be local"),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_why(tmp_path, capsys, arguments, message):
    assert runner.main(STUDY, ["--out", str(tmp_path), *arguments]) == runner.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--models", "lat"], ["--preset", "huge"], ["--repliactes", "2"]])
def test_unknown_words_exit_with_2(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        runner.main(STUDY, ["--out", str(tmp_path), *arguments])
    assert caught.value.code == runner.USAGE


def test_a_misspelt_flag_is_answered_with_the_nearest_one(capsys):
    with pytest.raises(SystemExit):
        runner.main(STUDY, ["--repliactes", "2"])
    assert "did you mean --replicates" in capsys.readouterr().err


def test_check_compares_with_the_committed_verdicts(tmp_path, monkeypatch):
    committed = tmp_path / "verdicts.json"
    monkeypatch.setattr("comparisons.report.COMMITTED", committed)
    good = {"late": "shown", "late (off)": "absent", "mute": "silent"}
    committed.write_text(json.dumps({"toy": {"quick": good}}))
    assert runner.main(STUDY, ["--out", str(tmp_path), "--check"]) == runner.ALL_RAN
    committed.write_text(json.dumps({"toy": {"quick": good | {"late": "absent"}}}))
    assert runner.main(STUDY, ["--out", str(tmp_path), "--check"]) == runner.DIFFERS


def test_check_names_rows_without_a_committed_verdict(tmp_path, monkeypatch, capsys):
    committed = tmp_path / "verdicts.json"
    monkeypatch.setattr("comparisons.report.COMMITTED", committed)
    committed.write_text(json.dumps({"toy": {"quick": {"late": "shown", "late (off)": "absent"}}}))
    assert runner.main(STUDY, ["--out", str(tmp_path), "--check"]) == runner.ALL_RAN
    assert "mute: no committed verdict, now silent" in capsys.readouterr().err


def test_a_model_that_lacks_an_array_is_named(tmp_path, capsys):
    def bare(p, rng):
        return Trajectory([1.0, 2.0], {"other": [0.0, 1.0]}, clock="step")

    assert runner.main(STUDY.adding(bare=bare), ["--models", "bare", "--out", str(tmp_path)]) == runner.USAGE
    assert "bare must return what toy judges: no quantity 'score'; this run has other" in capsys.readouterr().err


def test_a_control_that_is_not_absent_is_called_out(tmp_path, capsys):
    from dataclasses import replace

    runner.main(replace(STUDY.adding(control=late), controls=("control",)), ["--out", str(tmp_path)])
    assert "negative control not absent in every replicate: control" in capsys.readouterr().out


def test_help_is_quick_because_torch_and_matplotlib_stay_outside():
    code = (
        "import sys\nfrom comparisons.runner import main\n"
        "try:\n    main('grokking', ['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'matplotlib', 'sympy', 'sklearn', 'networkx', 'xarray', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--resume" in done.stdout


def test_digest_sees_every_bit(tmp_path):
    run = runner.run(STUDY, out=tmp_path).runs["late"][0]
    changed = {name: values.copy() for name, values in run.data.items()}
    changed["score"][0] = np.nextafter(changed["score"][0], 9)
    assert runner.digest(type(run)(run.t, changed, clock=run.clock)) != runner.digest(run)
