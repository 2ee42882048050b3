"""What can go wrong with a Dask cluster is survived, or told in one line; what is finished is kept."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import cloudpickle
import dask
import numpy as np
import pytest
import xarray

from tests.toymodels.run import sweep_cells as cells
from tests.toymodels.run.dask_processes import ROOT, Processes, wait_for
from toymodels.run import cluster
from toymodels.run.cluster import ClusterLost, call_chunk, made_here, parse_address
from toymodels.run.engine import WorkerDied, parallel_map
from toymodels.run.sweep import sweep

GRID = {"width": list(range(2, 14))}


@pytest.fixture
def processes(tmp_path):
    made = Processes(tmp_path / "dask")
    try:
        made.start_scheduler()
        yield made
    finally:
        made.end()


def later(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def finished(folder):
    return len(list(folder.glob("*/*.npz")))


@pytest.mark.parametrize("address", ["nowhere", "", "http://a:1", "a b:1", "host:", "host:port", "tcp://host", "::1:9"])
def test_a_malformed_address_is_refused(address):
    with pytest.raises(ValueError, match=f"engine must be local, dask, dask:HOST:PORT or .*, got 'dask:{address}'"):
        parse_address(address)


@pytest.mark.parametrize("address", ["localhost:8786", "tcp://10.0.0.1:1", "tls://head-1.cluster:8786", "[::1]:8786"])
def test_an_address_of_every_kind_is_taken(address):
    assert parse_address(address) == address


def test_where_nobody_listens_one_line_says_so(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECTING", 1.0)
    with pytest.raises(ValueError, match=r"engine must be a Dask scheduler that answers, got 127.0.0.1:9: ") as raised:
        sweep(cells.draw, GRID, engine="dask:127.0.0.1:9")
    assert len(str(raised.value).splitlines()) == 1


def test_without_workers_the_scheduler_is_named_after_a_stated_patience(processes):
    start = time.monotonic()
    with (
        dask.config.set({"toymodels.patience": 2}),
        pytest.raises(ClusterLost, match=f"{processes.address} has had no worker for 2 s; 0 of 12 calls are finished"),
    ):
        sweep(cells.draw, GRID, engine=f"dask:{processes.address}")
    assert time.monotonic() - start > 2


@pytest.mark.slow
def test_the_only_worker_may_be_killed_in_mid_sweep_if_another_comes(processes, tmp_path):
    function, cache = partial(cells.wait_then_draw, folder=str(tmp_path)), tmp_path / "cache"
    worker = processes.start_worker()

    def replace():
        wait_for(lambda: finished(cache) >= 3)
        processes.kill(worker)
        processes.start_worker()

    thread = later(replace)
    runs = sweep(function, GRID, engine=f"dask:{processes.address}", cache=cache)
    thread.join()
    xarray.testing.assert_identical(runs, sweep(function, GRID))


def test_the_only_worker_may_be_killed_for_good_and_what_is_finished_is_kept(processes, tmp_path):
    function, cache = partial(cells.wait_then_draw, folder=str(tmp_path)), tmp_path / "cache"
    worker = processes.start_worker()
    thread = later(lambda: (wait_for(lambda: finished(cache) >= 3), processes.kill(worker)))
    with dask.config.set({"toymodels.patience": 2}), pytest.raises(ClusterLost, match="has had no worker for 2 s"):
        sweep(function, GRID, engine=f"dask:{processes.address}", cache=cache)
    thread.join()
    kept = finished(cache)
    assert 3 <= kept < 12
    seen = []
    again = sweep(function, GRID, cache=cache, progress=lambda done, total: seen.append(done))
    assert seen[0] == kept
    xarray.testing.assert_identical(again, sweep(function, GRID))


def test_the_scheduler_may_be_killed_and_started_again(processes, tmp_path):
    function, cache = partial(cells.wait_then_draw, folder=str(tmp_path)), tmp_path / "cache"
    address = processes.address
    processes.start_worker()

    def restart():
        wait_for(lambda: finished(cache) >= 3)
        processes.kill(processes.scheduler, *processes.workers)
        processes.workers.clear()
        processes.start_scheduler(address.rpartition(":")[2])
        processes.start_worker()

    thread = later(restart)
    runs = sweep(function, GRID, engine=f"dask:{address}", cache=cache)
    thread.join()
    xarray.testing.assert_identical(runs, sweep(function, GRID))


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_scheduler_that_takes_connections_and_never_answers_is_one_line(processes, tmp_path, caplog):
    function, cache = partial(cells.wait_then_draw, folder=str(tmp_path)), tmp_path / "cache"
    processes.start_worker()
    scheduler = processes.scheduler
    thread = later(lambda: (wait_for(lambda: finished(cache) >= 3), os.kill(scheduler.pid, signal.SIGSTOP)))
    start = time.monotonic()
    with (
        dask.config.set({"toymodels.patience": 2}),
        pytest.raises(ClusterLost, match=f"{processes.address} has not come back for 2 s; .* of 12 calls are finished"),
    ):
        sweep(function, GRID, engine=f"dask:{processes.address}", cache=cache)
    assert time.monotonic() - start < 60
    thread.join()
    os.kill(scheduler.pid, signal.SIGCONT)
    assert not caplog.records


UNGUARDED = """
from toymodels import sweep

def draw(n, rng):
    return {"v": n + rng.random()}

print(sweep(draw, {"n": [1, 2, 3]}, jobs=2, engine="ENGINE")["v"].values.ravel().tolist())
"""


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_workers_started_here_do_not_run_the_program(way, tmp_path):
    (tmp_path / "program.py").write_text(UNGUARDED.replace("ENGINE", "dask"))
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "program.py" if way == "file" else "-"],
        input=(tmp_path / "program.py").read_text(),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    expected = sweep(lambda n, rng: {"v": n + rng.random()}, {"n": [1, 2, 3]})["v"].values.ravel().tolist()
    assert done.stdout == f"{expected}\n"


@pytest.mark.slow
def test_a_scheduler_that_stays_away_is_one_line(processes, tmp_path):
    function, cache = partial(cells.wait_then_draw, folder=str(tmp_path)), tmp_path / "cache"
    processes.start_worker()
    thread = later(lambda: (wait_for(lambda: finished(cache) >= 3), processes.kill(processes.scheduler)))
    with (
        dask.config.set({"toymodels.patience": 3}),
        pytest.raises(ClusterLost, match=r"has not come back for 3 s; .* of 12 calls are finished"),
    ):
        sweep(function, GRID, engine=f"dask:{processes.address}", cache=cache)
    thread.join()
    assert finished(cache) >= 3


def test_a_worker_that_cannot_import_what_is_run_says_what_it_lacks(processes, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def double(number):\n    return 2 * number\n")
    monkeypatch.syspath_prepend(tmp_path)
    from only_here import double  # pyright: ignore[reportMissingImports]

    processes.start_worker()
    message = f"the workers of {processes.address} cannot load what is run, install the same code there: .*only_here"
    with pytest.raises(ValueError, match=message):
        list(parallel_map(double, [1, 2], engine=f"dask:{processes.address}"))


def test_a_worker_of_other_versions_is_refused(processes, tmp_path):
    old = tmp_path / "old.py"
    old.write_text(
        "from toymodels.run import identity\nhere = identity.versions()\n"
        "identity.versions = lambda: {**here, 'numpy': '1.0'}\n"
    )
    processes.start_worker("--preload", str(old))
    here = made_here()["numpy"]
    with pytest.raises(ValueError, match=f"same versions and code, got .*: .* numpy 1.0 there and {here} here"):
        sweep(cells.draw, GRID, engine=f"dask:{processes.address}")


def test_a_worker_with_threads_makes_one_call_at_a_time(processes):
    processes.start_worker(threads=4, OMP_NUM_THREADS="2")
    assert max(parallel_map(cells.count_together, range(8), engine=f"dask:{processes.address}")) == 1


@pytest.mark.slow
def test_a_call_that_always_kills_its_worker_is_lost_and_the_others_are_made(processes):
    for _ in range(6):  # Dask gives a call up when it has killed four
        processes.start_worker()
    kept = list(
        parallel_map(
            cells.kill_at_three, [2, 3, 4], engine=f"dask:{processes.address}", lost=lambda item, error: str(error)
        )
    )
    assert sorted(map(str, kept)) == ["2", "4", "its worker process died (killed, or out of memory) 4 times"]


def test_without_a_substitute_such_a_call_is_an_error(processes):
    for _ in range(4):
        processes.start_worker()
    with pytest.raises(WorkerDied, match=r"its worker process died .* 4 times, in 3"):
        list(parallel_map(cells.kill_at_three, [3], engine=f"dask:{processes.address}"))


def test_a_chunk_ends_with_an_error_or_when_it_takes_too_long(monkeypatch):
    import cloudpickle

    calls = [(i, i) for i in range(5)]
    answer = call_chunk(cloudpickle.dumps(lambda i: 1 / (i - 2)), calls, made_here())
    assert [result.value for result in answer.results] == [-0.5, -1.0, None]
    assert isinstance(answer.results[-1].error, ZeroDivisionError)
    assert "in <lambda>" in answer.results[-1].where  # its source too, up to cloudpickle 3.1.2
    monkeypatch.setattr(cluster, "CHUNK", 0.0)
    answer = call_chunk(cloudpickle.dumps(lambda i: i), calls, made_here())
    assert [result.value for result in answer.results] == [0]


def test_an_error_that_cannot_be_sent_comes_back_in_words():
    import cloudpickle

    def fail(_):
        raise type("Odd", (Exception,), {"__reduce__": lambda self: 1 / 0})("so odd")

    (result,) = call_chunk(cloudpickle.dumps(fail), [(0, 0)], made_here()).results
    assert str(result.error) == "Odd: so odd"


@pytest.mark.slow
def test_cells_of_ten_milliseconds_cost_little_more_on_a_cluster(processes):
    processes.start_worker()
    engine = f"dask:{processes.address}"
    list(parallel_map(cells.ten_milliseconds, range(10), engine=engine))  # the worker has loaded what it needs
    start = time.perf_counter()
    slept = list(parallel_map(cells.ten_milliseconds, range(1000), engine=engine))
    total = time.perf_counter() - start
    assert len(slept) == 1000
    assert total < 1.05 * np.sum(slept) + 1.0  # to connect and part


LATE = """
from distributed import Client
from toymodels.run.engine import parallel_map

close = Client.close

def late(client, *args, **kwargs):
    close(client, *args, **kwargs)
    print("closed", flush=True)
    raise TimeoutError

if __name__ == "__main__":
    Client.close = late
    print(sorted(parallel_map(abs, [-1, -2], engine="dask", jobs=2)))
"""


def test_workers_that_take_long_to_end_cost_no_result(tmp_path):
    (tmp_path / "script.py").write_text(LATE)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.splitlines()[:2] == ["closed", "[1, 2]"], done.stderr  # at the end it is tried again


def test_a_chunk_says_how_long_its_calls_took():
    def wait(seconds):
        time.sleep(seconds)
        return seconds

    answer = call_chunk(cloudpickle.dumps(wait), [(0, 0.05), (1, 0.02)], made_here())
    assert [result.value for result in answer.results] == [0.05, 0.02]
    assert 0.07 <= answer.seconds < 5
