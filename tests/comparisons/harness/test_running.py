"""Which runs a study makes, what each is made of and told apart by, and what becomes of one that fails."""

import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.harness import running
from comparisons.harness.running import Row, execute, load_run, row_seed, run_task, tasks
from comparisons.harness.settings import Settings
from toymodels.run import progress
from toymodels.run.cells import CellStore
from toymodels.trajectory import SimulationError, Trajectory


@dataclass(frozen=True)
class Own(Settings):
    """Settings of a model that computes somewhere."""

    lag: float = 2.0


@dataclass(frozen=True)
class Plain:
    """Settings of a model that does not care where."""

    lag: float = 2.0


def drawn(s, rng):
    return Trajectory([1.0, 2.0], {"x": [s.lag, rng.random()]}, clock="step", meta={"lag": s.lag})


def other(s, rng):
    return drawn(s, rng)


ROW = Row("model", drawn, Own(), "stream")


@pytest.fixture
def made(tmp_path):
    """Tasks of some rows in a store of the test's own."""

    def make(*rows, **changes):
        store = CellStore(tmp_path / "cells", reuse=changes.pop("reuse", True))
        usual = {"seed": 3, "replicates": 1, "scratch": tmp_path / "scratch", "device": "cpu", "loud": False}
        return tasks(rows, store=store, **usual | changes)

    return make


def test_random_numbers_hang_on_seed_replicate_and_the_check_sum_of_the_streams_name():
    assert row_seed(5, 7, "123456789") == (5, 7, 0xCBF43926)  # the check value of CRC-32
    assert row_seed(0, 0, "Wikipedia") == (0, 0, 0xADAAC02E)


def test_there_is_a_task_for_every_row_replicate_and_member(made):
    found = made(ROW, replace(ROW, name="model (off)", settings=Own(0.0), members=3), replicates=2)
    assert [str(task) for task in found] == ["model 1", "model 2"] + [f"model (off) {k}" for k in range(1, 7)]
    assert [task.replicate for task in found] == [0, 1, 0, 1, 2, 3, 4, 5]
    assert {task.seed for task in found} == {3}
    assert len({task.cell.name for task in found}) == len({task.scratch for task in found}) == 8


def test_a_model_is_told_where_it_runs_and_a_folder_for_scratch(made, tmp_path):
    (task,) = made(ROW, device="cuda", loud=True)
    assert task.row.settings == Own(device="cuda", scratch=task.scratch)
    assert task.scratch == tmp_path / "scratch" / task.cell.name.split("/")[1]
    assert task.loud
    assert made(replace(ROW, settings=Plain()))[0].row.settings == Plain()


@pytest.mark.parametrize(
    ("row", "changes", "same"),
    [
        (replace(ROW, name="renamed"), {}, True),
        (ROW, {"loud": True}, True),
        (ROW, {"replicates": 5}, True),
        (replace(ROW, settings=Own(scratch="elsewhere", device="cuda")), {}, True),  # the call says where
        (replace(ROW, members=4), {}, True),
        (ROW, {"device": "auto"}, True),  # no network is reached, so that it is the processor
        (ROW, {"device": "cuda"}, False),
        (ROW, {"seed": 4}, False),
        (replace(ROW, stream="other"), {}, False),
        (replace(ROW, run=other), {}, False),
        (replace(ROW, settings=Own(2.5)), {}, False),
        (replace(ROW, settings=Plain()), {}, False),
        (replace(ROW, settings=Own(data="digits")), {}, False),
    ],
)
def test_a_run_is_the_same_when_function_settings_data_seed_replicate_stream_and_device_are(row, changes, same, made):
    assert (made(row, **changes)[0].cell.name == made(ROW)[0].cell.name) == same


def test_a_model_that_cannot_be_told_from_others_is_computed_in_every_call(made):
    bound = object()

    def closing(s, rng, bound=bound):
        return drawn(s, rng)

    row = replace(ROW, run=closing)
    assert made(row)[0].cell.name != made(row)[0].cell.name
    assert made(row)[0].cell.asked["function"]["name"].endswith("closing")


def test_what_auto_stands_for_is_part_of_the_identity(monkeypatch):
    config = SimpleNamespace(torch_device=lambda name: SimpleNamespace(type={"auto": "cuda"}[name]))
    monkeypatch.setitem(sys.modules, "dnn.training.config", config)
    how = {"device": "auto", "sources": {}}
    assert running.resolved(how) == {"device": "cuda", "sources": {}}
    assert how["device"] == "auto"
    assert running.resolved({"device": "cpu"}) == {"device": "cpu"}


def test_a_run_is_what_its_model_returns_for_its_own_random_numbers(made):
    first, second = made(ROW, replicates=2)
    for task in (second, first):  # in whatever order
        outcome = run_task(task)
        assert (outcome.error, outcome.task) == ("", task)
        assert 0 < outcome.seconds < 60
    for task in (first, second):
        expected = np.random.default_rng(row_seed(3, task.replicate, "stream")).random()
        run = load_run(task)
        assert run["x"].tolist() == [2.0, expected]
        assert (run.clock, run.meta) == ("step", {"lag": 2.0})


def test_scratch_is_removed_after_a_run_and_kept_for_the_next_try_of_one_that_failed(made):
    for run, error in ((drawn, ""), (failing, "loss is not finite at step 3")):
        (task,) = made(replace(ROW, run=run))
        task.scratch.mkdir(parents=True)
        (task.scratch / "checkpoint").touch()
        assert run_task(task).error == error
        assert task.scratch.exists() == bool(error)


def failing(s, rng):
    raise SimulationError("loss is not finite at step 3")


def leaving(s, rng):
    sys.exit(3)


def stopped(s, rng):
    raise KeyboardInterrupt


def untold(s, rng):
    return Trajectory([1.0], {}, clock="step", meta={"what": object()})


@pytest.mark.parametrize(
    ("run", "error"),
    [
        (failing, "loss is not finite at step 3"),
        (leaving, "SystemExit: 3"),
        (untold, "TypeError: meta must be JSON, got object"),
        (lambda s, rng: {"x": 1}, "ValueError: model must return a Trajectory, got dict"),
    ],
)
def test_a_failure_is_told_in_words_and_writes_nothing(run, error, made):
    (task,) = made(replace(ROW, run=run))
    outcome = run_task(task)
    assert outcome.error == error
    assert 0 < outcome.seconds < 60
    with pytest.raises(ValueError, match=r"model 1: its finished run is missing, .*npz"):
        load_run(task)


def test_ctrl_c_is_no_failure_of_a_model(made):
    with pytest.raises(KeyboardInterrupt):
        run_task(made(replace(ROW, run=stopped))[0])


def stepping(s, rng):
    progress.step(300, 1000)
    return drawn(s, rng)


@pytest.mark.parametrize("loud", [False, True])
def test_only_a_loud_run_says_that_it_starts_and_how_far_it_is(loud, made, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    run_task(made(replace(ROW, run=stepping), loud=loud)[0])
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["model 1: started", "model 1: step 300 of 1,000"] * loud
    assert printed.out == ""


def ran(todo, **changes):
    lines = []
    finished = execute(todo, **{"jobs": 1, "engine": "local", "fresh": True, "log": lines.append} | changes)
    return finished, lines


def test_what_the_store_has_is_not_run_again(made):
    todo = made(ROW, replicates=3)
    run_task(todo[1])
    finished, lines = ran(todo)
    assert lines[0] == "1 of 3 runs are there already"
    assert [line.split(": ")[0] for line in lines[1:]] == ["model 1", "model 3"]
    assert [line.rpartition("  ")[2] for line in lines[1:]] == ["(2 of 3)", "(3 of 3)"]
    assert finished.outcomes.keys() == {"model 1", "model 2", "model 3"}
    assert (finished.outcomes["model 2"].seconds, finished.interrupted) == (0.0, False)
    assert ran(todo)[1] == ["3 of 3 runs are there already"]
    assert ran([]) == (running.Finished({}, False), [])


def test_a_store_that_is_not_reused_is_run_anew(made):
    run_task(made(ROW)[0])
    assert len(ran(made(ROW, reuse=False))[1]) == 1


def test_failures_do_not_stop_the_others_and_are_said(made):
    todo = made(ROW, replace(ROW, name="bad", run=failing))
    finished, lines = ran([todo[1], todo[0]])
    assert lines[0] == "bad 1: failed: loss is not finite at step 3  (1 of 2)"
    assert lines[1].endswith(" s  (2 of 2)")
    assert [finished.outcomes[name].error for name in ("bad 1", "model 1")] == ["loss is not finite at step 3", ""]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_new_call_drops_checkpoints_of_what_it_runs_and_a_resumed_one_goes_on_from_them(fresh, made):
    todo = made(replace(ROW, run=remembering), replicates=2)
    run_task(todo[0])
    for task in todo:
        task.scratch.mkdir(parents=True)
        (task.scratch / "checkpoint").touch()
    ran(todo, fresh=fresh)
    assert load_run(todo[1])["remembered"].tolist() == [not fresh]
    assert todo[0].scratch.exists()  # it is not run, so that nothing of it is touched
    assert not todo[1].scratch.exists()


def remembering(s, rng):
    return Trajectory([1.0], {"remembered": [(s.scratch / "checkpoint").exists()]}, clock="step")


def test_an_interrupted_call_tells_what_was_finished(made):
    finished, lines = ran(made(ROW, replace(ROW, name="stop", run=stopped), replace(ROW, name="late")))
    assert finished.interrupted
    assert list(finished.outcomes) == ["model 1"]
    assert len(lines) == 1


def test_a_finished_run_is_read_back_only_if_it_is_that_of_its_task(made, tmp_path):
    first, second = made(ROW, replicates=2)
    run_task(first)
    path = second.store.path(second.cell)
    path.parent.mkdir(exist_ok=True)
    first.store.path(first.cell).rename(path)
    with pytest.raises(ValueError, match="holds another cell than its name says"):
        load_run(second)
