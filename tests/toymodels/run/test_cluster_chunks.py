"""How calls are dealt out in chunks to the workers of a cluster, and what becomes of them when something is lost."""

import contextlib
import logging
import types
from itertools import count

import cloudpickle
import pytest
from distributed import CancelledError, KilledWorker

from toymodels.run import cluster
from toymodels.run.cluster import ClusterLost, WorkerTraceback, _Answer, _Result, call_chunk, made_here, map_on_cluster


class Future:
    def __init__(self, key, answer):
        self.key, self.answer = key, answer

    def add_done_callback(self, put):
        put(self)

    def result(self, timeout):
        outcome = self.answer()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Client:
    """A cluster whose workers answer at once in the order in which they are asked: `answer(items, number)`."""

    status = "running"
    scheduler = types.SimpleNamespace(address="tcp://here:1", ncores=object())

    def __init__(self, answer, workers=1):
        self.answer, self.workers, self.chunks, self.waits, self.answers = answer, workers, [], [], count()

    def sync(self, ask, callback_timeout):
        assert ask is self.scheduler.ncores
        assert callback_timeout == cluster._patience()
        return self.ncores()

    def ncores(self):
        return dict.fromkeys(range(self.workers), 4)

    def submit(self, call, function, named, made, pure):
        assert call is call_chunk
        assert made == made_here()
        assert not pure  # the same items are asked for again after a loss
        items = [item for _, item in named]
        self.chunks.append(items)
        return Future(len(self.chunks), lambda: self.answer(items, next(self.answers)))


@pytest.fixture
def run(monkeypatch):
    """Calls that go through a client of ours; answers are of twice the items, `seconds` of work for each."""

    def through(items, answer, *, workers=1, address="here:1", lost=lambda item, deaths: (item, deaths)):
        client = Client(answer, workers)

        @contextlib.contextmanager
        def connected(address, jobs, seconds, work):
            client.waits.append(seconds)
            yield client

        monkeypatch.setattr(cluster, "_connected", connected)
        return client, map_on_cluster(abs, items, address=address, lost=lost)

    return through


def doubled(items, seconds=0.0):
    return _Answer(tuple(_Result(2 * item) for item in items), seconds * len(items))


def test_every_call_is_made_once(run):
    client, results = run(range(50), lambda items, number: doubled(items, 0.125), workers=3)
    assert sorted(results) == [2 * item for item in range(50)]
    assert sorted(item for chunk in client.chunks for item in chunk) == list(range(50))
    assert client.waits == [cluster.CONNECTING]


def test_chunks_are_of_half_a_second_of_work_once_it_is_known_how_long_a_call_takes(run):
    client, results = run(range(100), lambda items, number: doubled(items, 0.03125))
    assert len(list(results)) == 100
    assert [len(chunk) for chunk in client.chunks][:6] == [1, 1, 16, 16, 16, 16]


def test_towards_the_end_two_chunks_are_left_for_every_worker(run):
    client, results = run(range(100), lambda items, number: doubled(items, 1e-9), workers=3)
    assert len(list(results)) == 100
    # six of one call; then a sixth of the 94, 78, 65, 54 and 45 that are left, rounded up
    assert [len(chunk) for chunk in client.chunks][:11] == [1, 1, 1, 1, 1, 1, 16, 13, 11, 9, 8]


@pytest.mark.parametrize("seconds", [0.0, 1e-12])
def test_no_chunk_has_more_than_a_thousand_calls(run, seconds):
    client, results = run(range(5000), lambda items, number: doubled(items, seconds))
    assert len(list(results)) == 5000
    assert max(map(len, client.chunks)) == len(client.chunks[2]) == 1000


def test_calls_longer_than_half_a_second_are_handed_out_alone(run):
    client, results = run(range(7), lambda items, number: doubled(items, 0.75))
    assert len(list(results)) == 7
    assert [len(chunk) for chunk in client.chunks] == [1] * 7


def test_what_a_chunk_leaves_undone_is_next_in_its_order(run):
    def first_two(items, number):
        return doubled(items[:2], 0.03125)

    client, results = run(range(40), first_two)
    assert sorted(results) == [2 * item for item in range(40)]
    assert client.chunks[2] == list(range(2, 18))  # of which two are done
    assert client.chunks[4][:3] == [4, 5, 6]


def test_what_was_under_way_when_workers_died_is_called_alone_and_the_deadly_call_is_lost(run):
    def deadly(items, number):
        return KilledWorker("key", None, 3) if 5 in items else doubled(items, 0.0625)

    client, results = run(range(20), deadly)
    assert set(results) == {2 * item for item in range(20) if item != 5} | {(5, 4)}
    (killed,) = [chunk for chunk in client.chunks if 5 in chunk and len(chunk) > 1]
    assert len(killed) == 8
    for item in killed:
        assert [item] in client.chunks


def test_a_chunk_of_two_is_taken_apart_too(run):
    def deadly(items, number):
        return KilledWorker("key", None, 2) if 3 in items else doubled(items, 0.25)

    client, results = run(range(7), deadly)
    assert set(results) == {0, 2, 4, 8, 10, 12, (3, 3)}
    assert client.chunks == [[0], [1], [2, 3], [4, 5], [2], [3], [6]]


def test_an_error_of_a_call_is_raised_with_where_it_was(run):
    def failing(items, number):
        return _Answer((_Result(1), _Result(error=KeyError("no such layer"), where="in line 7")), 0.1)

    _, results = run(range(4), failing)
    assert next(results) == 1
    with pytest.raises(KeyError, match="no such layer") as raised:
        next(results)
    assert isinstance(raised.value.__cause__, WorkerTraceback)
    assert "in line 7" in str(raised.value.__cause__)


def test_workers_of_other_versions_are_refused(run):
    _, results = run(range(4), lambda items, number: _Answer(differs="its workers have less"))
    with pytest.raises(ValueError, match=r"of the same versions and code, got here:1: its workers have less"):
        list(results)


def test_workers_that_cannot_load_what_is_run_say_why(run):
    _, results = run(range(4), lambda items, number: ModuleNotFoundError("No module\n named 'lab'"))
    message = "the workers of here:1 cannot load what is run, .*: ModuleNotFoundError: No module named 'lab'$"
    with pytest.raises(ValueError, match=message):
        list(results)


def test_workers_started_here_go_by_the_address_of_their_scheduler(run):
    _, results = run(range(4), lambda items, number: _Answer(differs="x"), address="")
    with pytest.raises(ValueError, match="got tcp://here:1: x"):
        list(results)


@pytest.mark.parametrize("error", [CancelledError("gone"), TimeoutError("gone")])
def test_a_scheduler_may_be_lost_three_times_in_a_row(run, error):
    client, results = run(range(4), lambda items, number: error if number < 3 else doubled(items, 1.0))
    assert sorted(results) == [0, 2, 4, 6]
    assert client.waits == [cluster.CONNECTING, *[cluster.PATIENCE] * 3]


def test_a_scheduler_that_is_lost_a_fourth_time_is_given_up(run):
    client, results = run(range(4), lambda items, number: CancelledError("gone"))
    message = r"the Dask scheduler here:1 was lost 4 times \(.*gone.*\); 0 of 4 calls are finished"
    with pytest.raises(ClusterLost, match=message) as raised:
        list(results)
    assert client.waits == [cluster.CONNECTING, *[cluster.PATIENCE] * 3]
    assert raised.value.strerror == str(raised.value)


def test_a_call_that_is_finished_in_between_starts_the_count_again(run):
    def now_and_then(items, number):
        return doubled(items, 1.0) if number % 4 == 3 else CancelledError("gone")

    client, results = run(range(4), now_and_then)
    assert sorted(results) == [0, 2, 4, 6]
    assert len(client.waits) == 1 + 4 * 3


def test_a_cluster_that_was_started_here_is_not_waited_for(run):
    client, results = run(range(4), lambda items, number: TimeoutError(), address="")
    with pytest.raises(ClusterLost, match=r"was lost 1 times \(TimeoutError\); 0 of 4"):
        list(results)
    assert client.waits == [cluster.CONNECTING]


@pytest.fixture
def clock(monkeypatch):
    now = [500.0]
    monkeypatch.setattr(cluster.time, "monotonic", lambda: now[0])
    return now


def crew_of(workers, clock):
    client = types.SimpleNamespace(status="running", asked=0, workers=workers)

    def ncores():
        client.asked += 1
        return dict.fromkeys(range(client.workers), 8)

    client.scheduler = types.SimpleNamespace(ncores=ncores)
    client.sync = lambda ask, callback_timeout: ask()
    return client, cluster._Crew(client, "here:1", since=clock[0])


def test_the_number_of_workers_is_asked_once_a_second(clock):
    client, crew = crew_of(3, clock)
    counts = []
    for seconds in (0, 0.25, 0.75, 1, 1.5, 2):
        clock[0], client.workers = 500 + seconds, 3 + seconds
        client.workers = int(client.workers)
        counts.append(crew.count("work"))
    assert (counts, client.asked) == ([3, 3, 3, 4, 4, 5], 3)


def test_without_a_worker_for_longer_than_we_are_ready_to_wait_the_cluster_is_lost(clock):
    client, crew = crew_of(2, clock)
    clock[0] += 100
    assert crew.count("work") == 2
    client.workers = 0
    for seconds in (30, 30):
        clock[0] += seconds
        assert crew.count("work") == 0
    clock[0] += 1
    with pytest.raises(ClusterLost, match="scheduler here:1 has had no worker for 60 s; work"):
        crew.count("work")


def test_a_client_that_is_not_connected_or_breaks_off_has_lost_its_scheduler(clock):
    client, crew = crew_of(2, clock)
    client.status = "closing"
    with pytest.raises(cluster._SchedulerLost, match="its client is closing"):
        crew.count("work")
    client.status = "running"
    client.scheduler.ncores = lambda: {}[3]
    with pytest.raises(cluster._SchedulerLost, match="KeyError: 3"):
        crew.count("work")


@pytest.mark.parametrize("error", [OSError("timed\n out"), ValueError("timed out")])
def test_where_no_scheduler_answers_it_depends_on_whether_one_has(error, monkeypatch):
    def refuse(address, *, timeout, set_as_default):
        assert (address, timeout, set_as_default) == ("here:1", 7.5, False)
        raise error

    monkeypatch.setattr("distributed.Client", refuse)
    work = cluster._Work(b"", [1, 2, 3], lambda item, deaths: None)
    for finished, kind, message in (
        (0, ValueError, "engine must be a Dask scheduler that answers, got here:1: timed out$"),
        (1, ClusterLost, r"scheduler here:1 has not come back for 7\.5 s; 1 of 3 calls are finished$"),
    ):
        work.unfinished = 3 - finished
        with pytest.raises(kind, match=message), cluster._connected("here:1", 1, 7.5, work):
            pass


def test_dask_is_silent_inside_and_as_loud_as_before_afterwards():
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado.application")]
    before = [logger.level for logger in loggers]
    try:
        loggers[0].setLevel(logging.INFO)
        loggers[1].setLevel(logging.ERROR)
        with contextlib.suppress(KeyError), cluster._quiet():
            assert [logger.level for logger in loggers] == [logging.CRITICAL] * 2
            raise KeyError
        assert [logger.level for logger in loggers] == [logging.INFO, logging.ERROR]
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def test_a_worker_of_other_versions_names_each_that_differs_and_calls_nothing():
    here = made_here()
    made = {**here, "numpy": "1.0", "lab": "3"}
    del made["python"]
    answer = call_chunk(cloudpickle.dumps(abs), [(0, -1)], made)
    assert answer.results == ()
    assert answer.differs == (
        f"its workers have lab None there and 3 here, numpy {here['numpy']} there and 1.0 here, "
        f"python {here['python']} there and None here"
    )


def test_the_code_of_the_suite_is_told_by_the_names_and_bytes_of_its_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "__file__", str(tmp_path / "toymodels" / "run" / "cluster.py"))

    def digest(**texts):
        for path in tmp_path.rglob("*.*"):
            path.unlink()
        for name, text in texts.items():
            path = tmp_path / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return cluster._code_digest()

    first = digest(toymodels__run__a_py="1", dnn__b_py="2")
    assert len(first) == 12
    assert digest(toymodels__run__a_py="1", dnn__b_py="2", dnn__c_txt="3", other__d_py="4") == first
    others = {
        digest(toymodels__run__a_py="1", dnn__b_py="3"),
        digest(toymodels__run__a_py="1", dnn__c_py="2"),
        digest(toymodels__run__a_py="1", figures__b_py="2"),
        digest(toymodels__run__a_py="1", comparisons__b_py="2"),
        digest(toymodels__run__a_py="1"),
    }
    assert len(others - {first}) == 5


@pytest.mark.parametrize("error", [None, TimeoutError])
def test_as_many_workers_are_started_here_as_there_are_jobs_each_of_one_thread(error, monkeypatch):
    closed = []

    def close():
        closed.append(True)
        if error is not None:  # they take longer to end than anybody waits
            raise error

    def start(*, n_workers, threads_per_worker, dashboard_address):
        assert (n_workers, threads_per_worker) == (3, 1)
        assert dashboard_address == ":0"  # any port that is free
        return types.SimpleNamespace(close=close)

    monkeypatch.setattr("distributed.Client", start)
    work = cluster._Work(b"", [1], lambda item, deaths: None)
    with cluster._connected("", 3, 7.5, work) as client:
        assert client.close is close
        assert closed == []
    assert closed == [True]


def test_a_client_of_a_scheduler_that_is_gone_is_closed_in_silence(monkeypatch):
    waits = []

    def close(timeout):
        waits.append(timeout)
        raise OSError

    monkeypatch.setattr("distributed.Client", lambda *_, **__: types.SimpleNamespace(close=close))
    work = cluster._Work(b"", [1], lambda item, deaths: None)
    with pytest.raises(KeyError), cluster._connected("here:1", 1, 7.5, work):
        raise KeyError
    assert len(waits) == 1
    assert waits[0] < 10
