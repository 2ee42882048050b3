"""What a call may do to the results of others: nothing; and what it may take for its own: what is the same."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import comparisons
from comparisons.harness import command
from comparisons.harness.result import digest
from tests.comparisons.harness import toy
from tests.comparisons.harness.toy import STUDY, late

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def contents(folder):
    """Every file under a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def digests(result):
    return {row: [digest(run) for run in runs] for row, runs in result.runs.items()}


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "other",
    [
        {"models": ["late"]},
        {"replicates": 2},
        {"replicates": 4},
        {"seed": 1},
        {"settings": {"late.lag": 1.0}},
        {"preset": "paper"},
        {"settings": {"shown_from": 0.4}},
        {"resume": True, "models": ["mute"]},
    ],
)
def test_a_second_call_touches_nothing_of_the_first(other, tmp_path):
    first = STUDY.run(out=tmp_path)
    (first.folder / "my notes.txt").write_text("mine")
    (tmp_path / "cells" / "mine.npz").write_bytes(b"mine")
    before = contents(tmp_path)
    second = STUDY.run(out=tmp_path, **other)
    after = contents(tmp_path)
    assert {path: after.get(path) for path in before} == before
    assert second.folder != first.folder
    assert digests(comparisons.load(first.folder)) == digests(first)


def test_an_added_model_leaves_the_runs_of_the_others_and_goes_through_a_symlink(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    first = STUDY.run(out=real)
    before = contents(real)
    STUDY.adding(mine=late).run(models=["mine", "late"], out=link)
    after = contents(real)
    assert {path: after.get(path) for path in before} == before
    assert digests(comparisons.load(first.folder)) == digests(first)


def test_the_same_call_again_computes_everything_and_keeps_its_folder(tmp_path):
    messages = []
    first = STUDY.run(out=tmp_path)
    again = STUDY.run(out=tmp_path, log=messages.append)
    assert again.folder == first.folder
    assert len([line for line in messages if " s  (" in line]) == 6
    assert digests(again) == digests(first)


def test_resuming_runs_only_what_is_missing_and_gives_the_same_arrays(tmp_path):
    whole = STUDY.run(out=tmp_path)
    cells = [run["cell"] for run in json.loads((whole.folder / "manifest.json").read_text())["rows"]["late"]]
    (tmp_path / "cells" / f"{cells[1]}.npz").unlink()
    kept = tmp_path / "cells" / f"{cells[0]}.npz"
    stamp = kept.stat().st_mtime_ns
    messages = []
    again = STUDY.run(out=tmp_path, resume=True, log=messages.append)
    assert messages[0] == "5 of 6 runs are there already"
    assert [line.split(":")[0] for line in messages[1:]] == ["late 2"]
    assert kept.stat().st_mtime_ns == stamp
    assert digests(again) == digests(whole)
    assert again.folder == whole.folder


def test_resuming_with_more_replicates_or_models_takes_what_is_the_same(tmp_path):
    STUDY.run(out=tmp_path, replicates=2)
    messages = []
    STUDY.adding(mine=late).run(out=tmp_path, resume=True, log=messages.append)
    assert messages[0] == "4 of 9 runs are there already"


def test_a_missing_run_is_an_error_and_never_a_smaller_sample(tmp_path):
    result = STUDY.run(out=tmp_path)
    run = json.loads((result.folder / "manifest.json").read_text())["rows"]["late"][0]
    (tmp_path / "cells" / f"{run['cell']}.npz").unlink()
    with pytest.raises(ValueError, match=r"a run of .*quick-s0 is missing"):
        comparisons.load(result.folder)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "5", '{"rows": 3}', '{"rows": {}}', '{"rows": {"a": [3]}}', "[" * 100_000]
)
def test_a_damaged_manifest_is_set_aside_and_costs_no_run(text, tmp_path):
    whole = STUDY.run(out=tmp_path)
    (whole.folder / "manifest.json").write_text(text)
    before = contents(tmp_path)
    messages = []
    again = STUDY.run(out=tmp_path, resume=True, log=messages.append)
    assert "manifest.json is damaged" in messages[0]
    assert "set aside as manifest.json.damaged-1" in messages[0]
    assert "6 of 6 runs are there already" in messages
    assert digests(again) == digests(whole)
    assert again.folder.name == "quick-s0@2"  # nobody knows whose table lies in quick-s0
    after = contents(tmp_path)
    renamed = Path("toy/quick-s0/manifest.json")
    assert after[Path("toy/quick-s0/manifest.json.damaged-1")] == before.pop(renamed)
    assert {path: after.get(path) for path in before} == before
    assert STUDY.run(out=tmp_path, resume=True).folder == again.folder


def test_a_cut_off_manifest_is_damaged_and_cannot_be_loaded(tmp_path):
    result = STUDY.run(out=tmp_path)
    path = result.folder / "manifest.json"
    path.write_text(path.read_text()[:300])
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        comparisons.load(result.folder)
    with pytest.raises(FileNotFoundError, match="holds no result of a study"):
        comparisons.load(tmp_path)


def damage_by_swapping(first, second):
    swapped, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(swapped)


def damage_by_cutting(first, second):
    first.write_bytes(first.read_bytes()[:100])


def damage_by_one_bit(first, second):
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(bytes(content))


def damage_by_other_numbers(first, second):
    with np.load(first) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(first, **{name: 1.5 * a if name.startswith("a/data/") else a for name, a in arrays.items()})


@pytest.mark.parametrize("damage", [damage_by_swapping, damage_by_cutting, damage_by_one_bit, damage_by_other_numbers])
def test_a_run_file_that_was_altered_is_never_taken_and_never_lost(damage, tmp_path):
    whole = STUDY.run(out=tmp_path)
    runs = json.loads((whole.folder / "manifest.json").read_text())["rows"]["late"]
    first, second = (tmp_path / "cells" / f"{run['cell']}.npz" for run in runs[:2])
    damage(first, second)
    damaged = first.read_bytes()
    with pytest.raises(ValueError, match=r"is damaged|was altered|holds another cell"):
        comparisons.load(whole.folder)
    messages = []
    again = STUDY.run(out=tmp_path, resume=True, log=messages.append)
    assert digests(again) == digests(whole)
    assert "set aside as" in messages[0]
    assert first.with_name(f"{first.name}.damaged-1").read_bytes() == damaged


MODULE = """
from comparisons import Model
import numpy as np
from toymodels import Trajectory
from {helper} import level
CONSTANT = 1.0

def unused(): return 3

def run(s, rng):
    return Trajectory([1.0, 2.0], {{"score": np.full(2, CONSTANT * level()) + 0 * rng.random()}}, clock="step")
"""


@pytest.mark.parametrize(
    ("edit", "computed"),
    [
        (None, False),
        (("module", "CONSTANT = 1.0", "CONSTANT = 2.0"), True),
        (("module", "np.full(2", "1 + np.full(2"), True),
        (("helper", "return 1.0", "return 2.0"), True),
        (("module", "return 3", "return 4"), False),
    ],
)
def test_resuming_after_an_edit_never_shows_the_old_numbers(edit, computed, tmp_path):
    """The adapter, a constant it uses, and a module of the user's that it imports; what it does not use is free."""
    source, helper = tmp_path / "code" / "adapter.py", tmp_path / "code" / "helper.py"
    source.parent.mkdir()
    source.write_text(MODULE.format(helper="helper"))
    helper.write_text("def level():\n    return 1.0\n")
    program = (
        "import sys, adapter\nfrom tests.comparisons.harness.toy import STUDY\n"
        f"result = STUDY.adding(mine=adapter.run).run(models=['mine'], replicates=1, out={str(tmp_path / 'out')!r},\n"
        "    resume=True, log=print)\n"
        "print('score', result.verdicts['mine'].score)\n"
    )

    def call():
        environment = {**ENVIRONMENT, "PYTHONPATH": f"{ROOT}{os.pathsep}{source.parent}"}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "score 1.0" in call()
    if edit:
        path = {"module": source, "helper": helper}[edit[0]]
        path.write_text(path.read_text().replace(*edit[1:]))
    printed = call()
    assert ("score 2.0" in printed) == computed
    assert ("1 of 1 runs are there already" in printed) != computed
    if computed:
        assert f"computed again: the code of {'helper' if edit[0] == 'helper' else 'adapter:run'} changed" in printed


@pytest.mark.parametrize("changed", ["numpy", "scipy", "torch", "python"])
def test_another_version_of_a_library_is_another_identity(changed, tmp_path, monkeypatch):
    from toymodels.run import identity

    STUDY.run(models=["late"], replicates=1, out=tmp_path)
    real = identity.versions()
    monkeypatch.setattr(identity, "versions", lambda: {**real, changed: "0.0.1"})
    messages = []
    STUDY.run(models=["late"], replicates=1, out=tmp_path, resume=True, log=messages.append)
    assert messages[0] == f"2 finished runs are computed again: {changed} {real[changed]} -> 0.0.1"


def test_another_device_is_another_identity(tmp_path):
    STUDY.run(models=["late"], replicates=1, out=tmp_path, device="cpu")
    messages = []
    STUDY.run(models=["late"], replicates=1, out=tmp_path, resume=True, device="cuda", log=messages.append)
    assert messages[0] == "2 finished runs are computed again: device cpu -> cuda"
    STUDY.run(models=["late"], replicates=1, out=tmp_path, resume=True, device="auto", log=messages.append)
    assert messages[-1] == "2 of 2 runs are there already"


CALL = (
    "import sys\nfrom comparisons import Model\nfrom comparisons.harness import command\n"
    "from tests.comparisons.harness.toy import STUDY, Slow, slow\n"
    "study = STUDY.adding(slow=Model(slow, Slow(marks={marks!r})))\n"
    "raise SystemExit(command.main(study, ['--models', 'slow', '--replicates', '6', '--jobs', '{jobs}',\n"
    "    '--out', {out!r}, *sys.argv[1:]]))\n"
)


def start(tmp_path, jobs=2, seconds=0.5, *flags):
    (tmp_path / "marks").mkdir(exist_ok=True)
    program = CALL.format(marks=str(tmp_path / "marks"), out=str(tmp_path / "out"), jobs=jobs)
    return subprocess.Popen(
        [sys.executable, "-c", program, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "SLOW_SECONDS": str(seconds)},
        cwd=ROOT,
    )


def marks(tmp_path, kind):
    return len(list((tmp_path / "marks").glob(f"*.{kind}")))


def children(pid):
    """Process ids of everything that a process has started, by its parent's number."""
    pids = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            pids.append(int(status.parent.name))
    return pids


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_two_calls_at_once_in_one_folder_the_second_is_refused(tmp_path):
    first = start(tmp_path, 1, 0.5)
    wait_for(lambda: marks(tmp_path, "started"))
    second = start(tmp_path, 1, 0.5)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == command.USAGE
    assert "another call is at work in" in errors
    printed, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    assert "(6)" in printed
    assert marks(tmp_path, "ended") == 6


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("jobs", [1, 2])
def test_sigterm_and_ctrl_c_keep_what_is_finished_and_end_the_workers(kind, jobs, tmp_path):
    run = start(tmp_path, jobs, 1.0)
    wait_for(lambda: marks(tmp_path, "ended") >= 1)
    wait_for(lambda: list((tmp_path / "out" / "cells").glob("*/*.npz")))
    workers = children(run.pid)
    run.send_signal(kind)
    _, errors = run.communicate(timeout=30)
    assert run.returncode == command.INTERRUPTED
    assert "interrupted; what is finished is kept, --resume goes on" in errors
    assert "Traceback" not in errors
    wait_for(lambda: not any(is_alive(pid) for pid in workers), 10)
    stored = len(list((tmp_path / "out" / "cells").glob("*/*.npz")))
    assert 1 <= stored < 6
    again = start(tmp_path, jobs, 0.0, "--resume")
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"{stored} of 6 runs are there already" in errors


def test_workers_end_when_their_parent_is_killed_and_its_finished_runs_are_kept(tmp_path):
    run = start(tmp_path, 2, 0.7)
    wait_for(lambda: len(list((tmp_path / "out" / "cells").glob("*/*.npz"))) >= 2)
    workers = children(run.pid)
    assert workers
    run.kill()
    run.communicate(timeout=30)
    wait_for(lambda: not any(is_alive(pid) for pid in workers), 20)
    stored = len(list((tmp_path / "out" / "cells").glob("*/*.npz")))
    again = start(tmp_path, 2, 0.0, "--resume")
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"{stored} of 6 runs are there already" in errors


@pytest.mark.parametrize("make", [lambda p: p.write_text(""), lambda p: (p.mkdir(), p.chmod(0o500), os.rmdir(p))])
def test_an_out_that_cannot_be_written_is_one_clear_line(make, tmp_path, capsys):
    place = tmp_path / "out"
    make(place)
    out = place if place.exists() else Path("/proc/nowhere")
    assert command.main(STUDY, ["--out", str(out)]) == command.USAGE
    error = capsys.readouterr().err
    assert "the folder of results must be one that can be written, got" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_is_one_clear_line_and_keeps_what_is_finished(jobs, tmp_path):
    """A real one: a file system of 64 kB that the second big run does not fit on."""
    program = (
        "import errno, os, sys\nfrom tests.comparisons.harness import full_disk\n"
        f"raise SystemExit(full_disk.main({str(tmp_path)!r}, {jobs!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT)
    assert done.returncode == command.FAILED, done.stderr
    assert "No space left on device" in done.stderr
    assert "what is finished is kept, --resume goes on" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "cells").glob("*/*.npz"))) >= 1
    assert not list((tmp_path / "cells").rglob("*.part"))


def test_dask_that_is_not_installed_is_one_clear_line(tmp_path, capsys, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "distributed" else real(name, *a))
    assert command.main(STUDY, ["--out", str(tmp_path), "--engine", "dask"]) == command.USAGE
    assert "engine dask needs Dask, which is not installed: pip install 'toymodels[cluster]'" in capsys.readouterr().err


def test_a_result_is_saved_whole_and_loaded_elsewhere(tmp_path):
    result = STUDY.run(out=tmp_path / "out")
    saved = result.save(tmp_path / "saved")
    (tmp_path / "saved").rename(tmp_path / "moved")
    loaded = comparisons.load(tmp_path / "moved")
    assert str(loaded.verdicts) == str(result.verdicts)
    assert digests(loaded) == digests(result)
    assert loaded.table().equals(result.table())
    with pytest.raises(ValueError, match="must not hold another result"):
        result.save(tmp_path / "moved")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "verdicts.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"must not hold another result, got .* with a verdicts.csv"):
        result.save(tmp_path / "mine")
    runs = sorted((tmp_path / "moved" / "runs").iterdir())
    runs[0].write_bytes(runs[1].read_bytes())
    with pytest.raises(ValueError, match="is not the one that its verdicts were made of"):
        comparisons.load(tmp_path / "moved")
    assert saved == tmp_path / "saved"


def test_a_result_of_which_runs_failed_is_loaded_with_those_that_did_not(tmp_path):
    def sometimes(s, rng):
        if rng.random() < 0.5:
            raise RuntimeError("no luck")
        return late(toy.Late(), rng)

    result = STUDY.adding(sometimes=sometimes, never=toy.broken).run(replicates=8, out=tmp_path)
    assert 0 < len(result.runs["sometimes"]) < 8
    loaded = comparisons.load(result.folder)
    assert loaded.verdicts == result.verdicts
    assert digests(loaded) == {row: runs for row, runs in digests(result).items() if runs}


def test_a_loaded_result_of_the_suite_draws_its_picture(tmp_path):
    from comparisons import grokking

    result = grokking.run(models=["neurashed"], replicates=1, out=tmp_path)
    loaded = comparisons.load(result.folder)
    assert len(loaded.figure().axes) == len(result.figure().axes)
    assert loaded.verdicts == result.verdicts
    assert "image/png" in loaded._repr_html_()
    data = loaded.dataset("neurashed")
    assert {"replicate", "t"} <= set(data.dims)
    with pytest.raises(ValueError, match="row must be one with runs"):
        loaded.dataset("nobody")


def test_a_study_that_is_not_here_has_no_picture_but_everything_else(tmp_path):
    result = STUDY.run(out=tmp_path)
    loaded = comparisons.load(result.folder)
    assert str(loaded.table()) == str(result.table())
    with pytest.raises(ValueError, match="toy has no picture: its study is not to be had here"):
        loaded.figure()


def test_runs_of_different_times_are_labelled_by_record(tmp_path):
    def random_times(s, rng):
        return replace(late(toy.Late(n_times=2), rng), t=np.cumsum(rng.random(2)))

    result = STUDY.adding(mine=random_times).run(models=["mine"], out=tmp_path)
    assert result.dataset("mine")["t"].dims == ("replicate", "record")


def test_prune_deletes_only_stored_runs_that_no_manifest_names(tmp_path, capsys):
    from comparisons.__main__ import main

    result = STUDY.run(out=tmp_path)
    STUDY.run(out=tmp_path, seed=1)
    for path in (tmp_path / "toy" / "quick-s1").iterdir():
        path.unlink()
    (tmp_path / "cells" / "mine.npz").write_bytes(b"mine")
    assert main(["prune", "--out", str(tmp_path)]) == 0
    assert "6 of 12 stored runs" in capsys.readouterr().out
    before = contents(tmp_path)
    assert main(["prune", "--out", str(tmp_path), "--yes"]) == 0
    assert "6 of tests.comparisons.harness.toy.late" in capsys.readouterr().out
    assert len(before) - len(contents(tmp_path)) == 6
    assert (tmp_path / "cells" / "mine.npz").exists()
    assert digests(comparisons.load(result.folder)) == digests(result)
    assert main(["prune", "--out", str(tmp_path / "nowhere")]) == 2
    assert main(["prune", "--out", str(tmp_path)]) == 0
    assert "nothing to prune" in capsys.readouterr().out
    assert main(["show", str(tmp_path)]) == 2
    assert "holds no result" in capsys.readouterr().err
    assert main(["show", str(result.folder)]) == 0
    assert "late 1: " in capsys.readouterr().out
    (result.folder / "manifest.json").write_text("{}")
    assert main(["prune", "--out", str(tmp_path), "--yes"]) == 2


def test_prune_sees_through_links_and_stops_where_it_cannot_know(tmp_path, capsys):
    from comparisons.__main__ import main

    result = STUDY.run(out=tmp_path / "results")
    (tmp_path / "results" / "toy").rename(tmp_path / "elsewhere")
    (tmp_path / "results" / "toy").symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path)
    assert main(["prune", "--out", str(tmp_path / "results"), "--yes"]) == 0
    assert contents(tmp_path) == before
    manifest = tmp_path / "elsewhere" / "quick-s0" / "manifest.json"
    manifest.rename(manifest.with_name("manifest.json.damaged-1"))
    assert main(["prune", "--out", str(tmp_path / "results"), "--yes"]) == 2
    assert "holds a damaged manifest" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "cells").symlink_to(tmp_path / "results" / "cells")
    assert main(["prune", "--out", str(tmp_path / "other"), "--yes"]) == 2
    assert len(list((tmp_path / "results" / "cells").glob("*/*.npz"))) == 6
    assert result.folder.name == "quick-s0"


def test_a_result_is_loaded_from_inside_its_folder(tmp_path, monkeypatch):
    result = STUDY.run(out=tmp_path)
    monkeypatch.chdir(result.folder)
    assert digests(comparisons.load(".")) == digests(result)
    monkeypatch.chdir(result.folder.parent)
    assert digests(comparisons.load("quick-s0")) == digests(result)


@pytest.mark.parametrize("key", ["study", "headline", "knobs", "details", "controls", "criterion", "seconds", "state"])
def test_a_manifest_that_lacks_something_is_damaged_and_no_traceback(key, tmp_path, capsys):
    from comparisons.__main__ import main

    result = STUDY.run(out=tmp_path)
    content = json.loads((result.folder / "manifest.json").read_text())
    del content[key]
    (result.folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="is damaged"):
        comparisons.load(result.folder)
    assert main(["show", str(result.folder)]) == 2


def test_settings_of_one_name_in_two_modules_and_settings_with_methods_are_told_apart(tmp_path):
    from comparisons import Model
    from tests.comparisons.harness import full_disk

    class Late(toy.Settings):  # another class of that name
        pass

    assert full_disk.Big.__module__ != toy.Late.__module__
    runs = [
        STUDY.adding(mine=Model(fixed, kind())).run(models=["mine"], replicates=1, out=tmp_path, resume=True)
        for kind in (One, Two)
    ]
    assert [result.verdicts["mine"].score for result in runs] == [1.0, 2.0]


class One(toy.Settings):
    level = property(lambda self: 1.0)


class Two(toy.Settings):
    level = property(lambda self: 2.0)


def fixed(s, rng):
    return replace(late(toy.Late(n_times=2), rng), data={"score": np.full(2, s.level)})


def test_a_model_that_leaves_the_program_is_a_failed_row(tmp_path, capsys):
    def leaving(s, rng):
        sys.exit(0)

    assert command.main(STUDY.adding(leaving=leaving), ["--out", str(tmp_path)]) == command.FAILED
    printed = capsys.readouterr().out
    assert "leaving     failed" in printed
    assert "SystemExit" in printed
    assert "\nlate        shown" in printed


def test_a_judge_and_a_picture_that_go_wrong_are_said(tmp_path):
    wrong = replace(STUDY, judge=lambda runs, asked: 3.0).run(models=["late"], out=tmp_path / "a")
    assert wrong.verdicts["late"].note == "late must return what toy judges: judge must return a Verdict, got float"
    torn = replace(STUDY, picture=lambda result: 1 / 0).run(models=["late"], out=tmp_path / "b")
    assert "the picture could not be drawn: ZeroDivisionError" in str(torn)
    assert torn.verdicts["late"].outcome == "shown"


@pytest.mark.parametrize("name", ["", "a/b", "../x", "/x", "cells", "figures", "two words"])
def test_a_study_needs_a_name_of_its_own(name):
    with pytest.raises(ValueError, match="name must be an identifier"):
        replace(STUDY, name=name)


@pytest.mark.parametrize("name", ["", "/x", "../x", "a\0b", "x" * 300, "late (off)"])
def test_models_need_plain_names(name):
    with pytest.raises(ValueError, match="models must have plain names"):
        STUDY.adding(**{name: late})
