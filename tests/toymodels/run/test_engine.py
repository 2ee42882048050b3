"""Many calls in this process and in workers: threads, signals, and which calls are made again when workers die."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import types
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from pickle import PicklingError

import joblib
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from toymodels import SimulationError
from toymodels.run import engine
from toymodels.run.engine import WorkerDied, in_words, interruptible, one_thread, parallel_map, parse_engine

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mkl", [None, "2"])
def test_a_library_first_loaded_inside_has_one_thread_and_the_environment_is_restored(mkl):
    code = (
        "import os\nfrom toymodels.run.sweep import sweep\n"
        "def cell(x, rng):\n    import torch\n    return {'threads': torch.get_num_threads()}\n"
        "assert (sweep(cell, {'x': [1, 2]})['threads'] == 1).all()\n"
        "assert 'OMP_NUM_THREADS' not in os.environ\n"
        f"assert os.environ.get('MKL_NUM_THREADS') == {mkl!r}\n"
    )
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    free |= {} if mkl is None else {"MKL_NUM_THREADS": mkl}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=free)
    assert done.returncode == 0, done.stderr


def test_a_number_of_threads_that_was_set_is_set_again(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "3"


SPAWNED = """
import json, multiprocessing, os
from dataclasses import dataclass
from toymodels.run.engine import parallel_map
from toymodels.run.cells import made_by
from toymodels.run.identity import function_identity, plain

@dataclass(frozen=True)
class Settings:
    size: int = 3

def doubled(item):
    return 2 * item * Settings().size

def show():
    known = [function_identity(doubled), plain(Settings()), made_by([doubled, Settings()])]
    results = sorted(parallel_map(doubled, [1, 2, 3], jobs=2))
    print(json.dumps([known, results], sort_keys=True), flush=True)

if __name__ == "__main__":
    show()
    child = multiprocessing.get_context("spawn").Process(target=show)
    child.start()
    child.join()
"""


@pytest.mark.parametrize("program", [["script.py"], ["-m", "script"]])
def test_what_a_script_defines_is_the_same_in_a_process_that_was_spawned(program, tmp_path):
    (tmp_path / "script.py").write_text(SPAWNED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    done = subprocess.run(
        [sys.executable, *program], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.endswith("[6, 12, 18]]")
    assert "__m" not in first


@pytest.mark.parametrize(("name", "address"), [("local", None), ("dask", ""), ("dask:h:1", "h:1")])
def test_an_engine_is_this_machine_or_a_cluster_with_its_address(name, address):
    assert parse_engine(name) == address


@pytest.mark.parametrize("name", ["", "local:h:1", "Dask", "threads", "daskh:1", 3])
def test_other_engines_are_refused(name):
    with pytest.raises(ValueError, match=f"engine must be local, dask or dask:ADDRESS, got {name!r}"):
        parse_engine(name)


@pytest.mark.parametrize("address", ["", "nowhere", "h:port"])
def test_an_address_of_no_scheduler_is_refused(address):
    with pytest.raises(ValueError, match=f"engine must be local, dask, dask:HOST:PORT or .*, got 'dask:{address}'"):
        parse_engine(f"dask:{address}")


def test_a_cluster_needs_dask(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: {"distributed": None}[name])
    for name in ("dask", "dask:h:1"):
        with pytest.raises(ValueError, match=f"engine {name} needs Dask, which is not installed: pip install"):
            parse_engine(name)
    assert parse_engine("local") is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (KeyError(), "KeyError"),
        (SimulationError("loss is not finite"), "loss is not finite"),
        (SimulationError(), "SimulationError"),
        (ModuleNotFoundError("No module named 'lab'", name="lab"), "ModuleNotFoundError: No module named 'lab'"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            "ModuleNotFoundError: No module named 'torch', which the networks need: pip install 'toymodels[dnn]'",
        ),
        (ImportError("no torch", name="torch"), "ImportError: no torch"),
    ],
)
def test_an_error_in_one_line(error, words):
    assert in_words(error) == words


def test_one_job_calls_here_one_after_the_other_when_asked():
    called = []
    results = parallel_map(lambda item: called.append(item) or os.getpid(), [1, 2, 3])
    assert called == []
    assert next(results) == os.getpid()
    assert called == [1]
    assert list(results) == [os.getpid()] * 2
    assert called == [1, 2, 3]


def threads_of_environment():
    return {name: value for name, value in os.environ.items() if name.endswith("_THREADS")}


def test_threads_of_torch_and_of_the_environment_are_one_inside_and_as_before_after(monkeypatch):
    threads = [7]
    torch = types.ModuleType("torch")
    torch.get_num_threads, torch.set_num_threads = lambda: threads[-1], threads.append
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "5")
    monkeypatch.delenv("VECLIB_MAXIMUM_THREADS", raising=False)
    before = threads_of_environment()

    def inside():
        with one_thread():
            assert threads[-1] == 1
            inner = threads_of_environment()
            assert {inner[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")} == {"1"}
            assert inner["VECLIB_MAXIMUM_THREADS"] == "1"
            raise KeyError

    with pytest.raises(KeyError):
        inside()
    assert threads == [7, 1, 7]
    assert threads_of_environment() == before


def test_every_pool_of_threads_has_one_inside_and_what_it_had_after():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info()]

    with threadpool_limits(2):
        before = threads()
        with one_thread():
            assert threads() == [1] * len(before)
        assert threads() == before


@pytest.mark.parametrize("module", [None, types.ModuleType("torch")])
def test_a_torch_that_is_not_there_or_not_yet_has_no_threads(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", module)
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_inside_and_has_its_own_handler_again_after(kind):
    heard = []
    before = signal.signal(kind, lambda *_: heard.append("own"))
    own = signal.getsignal(kind)
    try:
        with pytest.raises(KeyboardInterrupt), interruptible():
            os.kill(os.getpid(), kind)
        assert signal.getsignal(kind) is own
        os.kill(os.getpid(), kind)
        assert heard == ["own"]
    finally:
        signal.signal(kind, before)


def test_in_another_thread_signals_stay_as_they_are():
    handlers = []

    def inside():
        with interruptible():
            handlers.extend(signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT))

    before = [signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)]
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert handlers == before


@pytest.fixture
def workers(monkeypatch):
    """Workers that die in a batch with one of `deadly`, so many times, after the first `finished` calls."""
    made = types.SimpleNamespace(batches=[], deadly={}, finished=iter([]))

    def on_loky(function, batch, jobs):
        made.batches.append(([item for _, item in batch], jobs))
        killing = [item for _, item in batch if made.deadly.get(item, 0) > 0]
        for item in killing:
            made.deadly[item] -= 1
        if killing:
            batch = batch[: next(made.finished, 0)]
        return (function(numbered) for numbered in batch)

    monkeypatch.setattr(engine, "_on_loky", on_loky)
    monkeypatch.setattr(engine, "_end_with", lambda parent: None)
    return made


def test_what_no_worker_dies_of_is_called_once(workers):
    assert sorted(parallel_map(abs, [-3, 1, -2], jobs=4)) == [1, 2, 3]
    assert workers.batches == [([-3, 1, -2], 4)]


def test_after_three_deaths_in_a_row_each_call_is_made_alone_and_the_one_that_kills_twice_is_lost(workers):
    workers.deadly = {-3: 99}
    results = list(parallel_map(abs, [-1, -2, -3, -4], jobs=2, lost=lambda item, error: (item, str(error))))
    assert results == [1, 2, (-3, "its worker process died (killed, or out of memory) 5 times"), 4]
    together = [([-1, -2, -3, -4], 2)] * 3
    assert workers.batches == [*together, ([-1], 1), ([-2], 1), ([-3], 1), ([-3], 1), ([-4], 1)]


def test_without_a_substitute_a_lost_call_is_an_error_that_names_it(workers):
    workers.deadly = {-3: 99}
    results = parallel_map(abs, [-1, -3, -4], jobs=2)
    assert next(results) == 1
    with pytest.raises(WorkerDied, match=r"its worker process died \(.*\) 5 times, in -3"):
        next(results)


def test_a_call_that_kills_its_worker_alone_only_once_has_its_result(workers):
    workers.deadly = {-3: 4}
    assert list(parallel_map(abs, [-3, -4], jobs=2)) == [3, 4]
    assert workers.batches == [([-3, -4], 2)] * 3 + [([-3], 1)] * 2 + [([-4], 1)]


def test_each_of_two_deadly_calls_is_tried_alone_twice(workers):
    workers.deadly = {-1: 99, -3: 99}
    assert list(parallel_map(abs, [-1, -3, -4], jobs=2, lost=lambda item, error: item)) == [-1, -3, 4]
    assert workers.batches[3:] == [([-1], 1)] * 2 + [([-3], 1)] * 2 + [([-4], 1)]


def test_while_calls_are_finished_in_between_all_that_is_left_is_made_together(workers):
    workers.deadly, workers.finished = {-9: 5}, iter([1] * 5)
    assert list(parallel_map(abs, [-1, -2, -3, -4, -5, -9], jobs=2)) == [1, 2, 3, 4, 5, 9]
    assert [jobs for _, jobs in workers.batches] == [2] * 6
    assert [len(batch) for batch, _ in workers.batches] == [6, 5, 4, 3, 2, 1]


def test_a_call_that_is_finished_in_between_starts_the_count_of_deaths_again(workers):
    workers.deadly, workers.finished = {-9: 99}, iter([0, 0, 1])
    assert list(parallel_map(abs, [-1, -2, -9], jobs=2, lost=lambda item, error: item)) == [1, 2, -9]
    together, left = [([-1, -2, -9], 2)] * 3, [([-2, -9], 2)] * 3
    assert workers.batches == [*together, *left, ([-2], 1), ([-9], 1), ([-9], 1)]


def test_idle_workers_are_ended_when_a_module_is_in_another_state_than_when_they_were_asked(monkeypatch):
    ended, code = [], {}
    monkeypatch.setattr(engine, "_CODE_OF_WORKERS", {})
    monkeypatch.setattr(engine, "_end_loky_workers", lambda: ended.append(dict(code)))
    monkeypatch.setattr(engine, "loaded_code", lambda: dict(code))
    for now, ends in (
        ({"a": "1"}, 0),
        ({"a": "1", "b": "1"}, 0),
        ({"a": "1", "b": "2"}, 1),
        ({"a": "1", "b": "2"}, 1),
        ({"b": "2"}, 1),
        ({"a": "3"}, 2),
        ({"b": "9"}, 2),  # the workers that are left have never been asked for it
    ):
        code.clear()
        code.update(now)
        engine._end_outdated_loky_workers()
        assert len(ended) == ends


@pytest.fixture
def pool(monkeypatch):
    """What joblib is asked for, with an error after so many results; `ended` says how its workers were ended."""
    made = types.SimpleNamespace(asked=[], ended=[], error=None, after=1)

    class Parallel:
        def __init__(self, *, n_jobs, return_as, pre_dispatch):
            made.asked.append(n_jobs)
            assert (return_as, pre_dispatch) == ("generator_unordered", "all")

        def __call__(self, calls):
            for number, (function, arguments, _) in enumerate(calls):
                if made.error is not None and number == made.after:
                    raise made.error
                yield function(*arguments)

    def config(**how):
        assert how == {"backend": "loky", "inner_max_num_threads": 1}
        return contextlib.nullcontext()

    monkeypatch.setattr(joblib, "parallel_config", config)
    monkeypatch.setattr(joblib, "Parallel", Parallel)
    monkeypatch.setattr(engine, "_end_loky_workers", lambda *, kill=False: made.ended.append(kill))
    monkeypatch.setattr(engine, "_end_outdated_loky_workers", lambda: None)
    return made


@pytest.mark.parametrize(("jobs", "n_items", "n_workers"), [(2, 5, 2), (4, 3, 3), (4, 4, 4), (1, 3, 2), (4, 1, 2)])
def test_there_are_as_many_workers_as_calls_and_at_least_two_which_stay(jobs, n_items, n_workers, pool):
    assert list(engine._on_loky(abs, range(-n_items, 0), jobs)) == list(range(n_items, 0, -1))
    assert (pool.asked, pool.ended) == ([n_workers], [])


def test_the_death_of_a_worker_ends_the_results_and_not_the_others(pool):
    pool.error = BrokenProcessPool("a worker died")
    assert list(engine._on_loky(abs, [-3, -4, -5], 2)) == [3]
    assert pool.ended == []


@pytest.mark.parametrize(
    ("error", "cause", "message"),
    [
        (
            BrokenProcessPool("A task has failed to un-serialize."),
            ModuleNotFoundError("No module named 'lab'", name="lab"),
            r"with jobs > 1 workers must be able to import what is run, use jobs=1: ModuleNotFoundError: No module",
        ),
        (
            BrokenProcessPool("A task has failed to un-serialize."),
            None,
            "use jobs=1: A task has failed to un-serialize",
        ),
        (PicklingError("no lock"), None, "with jobs > 1 what is run must be sent to workers, but no lock; use jobs=1"),
    ],
)
def test_what_cannot_be_sent_to_workers_is_said_to_run_in_one_process(error, cause, message, pool):
    error.__cause__ = cause
    pool.error = error
    with pytest.raises(ValueError, match=message) as raised:
        list(engine._on_loky(abs, [-3, -4], 2))
    assert raised.value.__cause__ is error


def test_after_an_error_or_where_nobody_takes_the_rest_workers_are_killed(pool):
    pool.error = KeyError("no such layer")
    with pytest.raises(KeyError, match="no such layer"):
        list(engine._on_loky(abs, [-3, -4], 2))
    assert pool.ended == [True]
    pool.error = None
    results = engine._on_loky(abs, [-3, -4, -5], 2)
    assert next(results) == 3
    results.close()
    assert pool.ended == [True, True]


def test_a_worker_ends_when_the_process_that_started_it_is_gone(monkeypatch):
    ended, started, naps, parents = [], [], [], iter([7, 7, 7, 1])

    def thread(target, *, daemon):
        started.append(daemon)
        return types.SimpleNamespace(start=target)

    monkeypatch.setattr(engine.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(engine.os, "_exit", ended.append)
    monkeypatch.setattr(engine.time, "sleep", naps.append)
    monkeypatch.setattr(engine.threading, "Thread", thread)
    engine._end_with.__wrapped__(7)
    assert (ended, started) == ([1], [True])  # the thread itself keeps no worker alive
    assert len(naps) == 2
    parents = iter([3])
    engine._end_with.__wrapped__(7)
    assert (ended, started) == ([1], [True])  # in the process itself there is nothing to watch


@pytest.mark.parametrize("how", [{}, {"kill": True}])
def test_workers_are_left_to_end_what_they_do_unless_they_are_killed(how, monkeypatch):
    asked = []
    workers = types.SimpleNamespace(
        shutdown=lambda *, wait, kill_workers: asked.append((wait, kill_workers)),
        terminate=lambda *, kill_workers: asked.append(kill_workers),
    )

    def those_there_are(*, reuse):
        assert reuse is True  # and not new ones
        return workers

    monkeypatch.setattr("joblib.externals.loky.get_reusable_executor", those_there_are)
    engine._end_loky_workers(**how)
    assert asked == [(True, "kill" in how), "kill" in how]
    del workers.terminate  # of an executor that is not joblib's
    engine._end_loky_workers(**how)
    assert len(asked) == 3
