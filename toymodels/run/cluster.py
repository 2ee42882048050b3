"""Many independent calls on a Dask cluster: in chunks, under the same versions and code, and never waiting for ever.

Each worker process makes one call at a time, however many threads it has. Results come back in chunks of about half a
second of work, since a task costs a scheduler some milliseconds; a chunk whose calls turn out longer is handed back
unfinished. What was under way when a worker or the scheduler was lost is called again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import re
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from toymodels.run import identity

ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx|ucxx)://)?([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|inproc://\S+")
PATIENCE = 60.0  # seconds without a worker, or without the scheduler; Dask's setting `toymodels.patience`
CONNECTING = 15.0  # seconds for the first answer of a scheduler
CHUNK = 0.5  # seconds of work that a chunk should hold
LARGEST = 1000  # calls in a chunk
_AHEAD = 2  # chunks handed out for every worker, so that none waits for the next
_TICK = 1.0  # seconds between two looks at the cluster
_LOSSES = 3  # of the scheduler in a row, without a call finished in between
_PACKAGES = ("toymodels", "dnn", "comparisons", "figures")
_alone = threading.Lock()  # a worker may have threads; random numbers and numbers of threads belong to the process


class ClusterLost(ConnectionError):
    """A Dask cluster has no workers, or its scheduler does not answer, for longer than we are ready to wait."""

    def __init__(self, message: str):
        super().__init__(message)
        self.strerror = message


class WorkerTraceback(Exception):
    """Where in a worker an exception was raised, as text."""


def parse_address(address: str) -> str:
    """`address`, if it can be that of a scheduler.

    Raises
    ------
    ValueError
        If it is not like `HOST:PORT` or `tcp://HOST:PORT`.

    Examples
    --------
    >>> parse_address("tcp://10.0.0.1:8786")
    'tcp://10.0.0.1:8786'
    """
    if not ADDRESS.fullmatch(address):
        raise ValueError(f"engine must be local, dask, dask:HOST:PORT or dask:tcp://HOST:PORT, got 'dask:{address}'")
    return address


def map_on_cluster(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    address: str = "",
    jobs: int = 1,
    lost: Callable[[Any, int], Any],
) -> Iterator[Any]:
    """Yield `function(item)` as the calls finish, in any order.

    Parameters
    ----------
    function : callable
        Takes one item.
    items : sequence
        What to call it with.
    address : str
        Of a running scheduler; empty starts `jobs` single-threaded workers on this machine.
    jobs : int
        See `address`.
    lost : callable (item, deaths)
        What to yield, or raise, for an item whose worker died each time.

    Raises
    ------
    ValueError
        If no scheduler answers at the address, or its workers have other versions or code, or cannot load `function`.
    ClusterLost
        If there is no worker, or no scheduler any more, for `PATIENCE` seconds (the setting `toymodels.patience` of
        Dask, or `DASK_TOYMODELS__PATIENCE` in the environment).
    """
    import cloudpickle
    import distributed  # noqa: F401  which sets its loggers while it is loaded

    work = _Work(cloudpickle.dumps(function), list(items), lost)
    losses = 0
    with _quiet():
        while work.unfinished:
            before, known = work.unfinished, losses or work.unfinished < len(work.items)
            try:
                with _connected(address, jobs, _patience() if known else CONNECTING, work) as client:
                    yield from work.through(client, address or client.scheduler.address)
            except _SchedulerLost as error:
                losses = 1 if work.unfinished < before else losses + 1
                if losses > _LOSSES or not address:
                    often = f"the Dask scheduler {address} was lost {losses} times ({error}); {work}"
                    raise ClusterLost(often) from None


class _SchedulerLost(Exception):
    """The connection to the scheduler broke."""


def _patience() -> float:
    from dask import config

    return float(config.get("toymodels.patience", PATIENCE))


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask writes to the log while a connection is lost is told once, by us."""
    names = {"distributed", "tornado.application", *logging.root.manager.loggerDict}  # some have a level of their own
    loggers = [
        logging.getLogger(name) for name in names if name.partition(".")[0] == "distributed" or "tornado." in name
    ]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _connected(address: str, jobs: int, seconds: float, work: _Work) -> Iterator[Any]:
    from distributed import Client

    if not address:
        with _without_program():
            client = Client(n_workers=jobs, threads_per_worker=1, dashboard_address=":0")
            try:
                yield client
            finally:
                # on a busy machine a worker may take longer to end than Dask waits for it; what it had to do is done
                with contextlib.suppress(TimeoutError):
                    client.close()
        return
    try:
        client = _answering(partial(Client, address, timeout=seconds, set_as_default=False), seconds + _TICK)
    except (OSError, ValueError, TypeError) as error:
        if work.unfinished < len(work.items):
            raise ClusterLost(f"the Dask scheduler {address} has not come back for {seconds:g} s; {work}") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"engine must be a Dask scheduler that answers, got {address}: {reason}") from None
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # of a scheduler that is gone
            client.close(timeout=2)


def _answering(connect: Callable[[], Any], seconds: float) -> Any:
    """What `connect` returns; `TimeoutError` where a scheduler takes connections and never answers."""
    came: queue.SimpleQueue = queue.SimpleQueue()

    def ask():
        try:
            came.put((connect(), None))
        except BaseException as error:
            came.put((None, error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        client, error = came.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer in {seconds:g} s") from None
    if error is not None:
        raise error
    return client


@contextmanager
def _without_program() -> Iterator[None]:
    """Workers that Dask starts, or starts again, do not run the program first: what they need of it comes with a call.

    It may come from the standard input, or start its sweep without asking whether it is the program.
    """
    from multiprocessing import spawn

    prepared = spawn.get_preparation_data

    def without(name: str) -> dict[str, Any]:
        data = prepared(name)
        left_out = ("init_main_from_name", "init_main_from_path") if name.startswith("Dask") else ()
        return {key: value for key, value in data.items() if key not in left_out}

    spawn.get_preparation_data = without
    try:
        yield
    finally:
        spawn.get_preparation_data = prepared


@dataclass
class _Work:
    """The calls that are still to be made, and how long one takes."""

    function: bytes
    items: list[Any]
    lost: Callable[[Any, int], Any]
    waiting: deque[int] = field(init=False)
    alone: set[int] = field(default_factory=set)  # was under way when workers died: called in a chunk of its own
    unfinished: int = field(init=False)
    seconds: float = CHUNK  # of one call, from what has come back

    def __post_init__(self):
        self.waiting, self.unfinished = deque(range(len(self.items))), len(self.items)

    def __str__(self):
        return f"{len(self.items) - self.unfinished} of {len(self.items)} calls are finished"

    def through(self, client: Any, address: str) -> Iterator[Any]:
        """Make the calls on the workers of `client` until none is left."""
        running: dict[Any, list[int]] = {}
        done: queue.SimpleQueue = queue.SimpleQueue()
        crew = _Crew(client, address)
        try:
            while self.unfinished:
                n_workers = crew.count(self)
                while self.waiting and len(running) < _AHEAD * n_workers:
                    chunk = self._next_chunk(n_workers)
                    named = [(index, self.items[index]) for index in chunk]
                    future = client.submit(call_chunk, self.function, named, made_here(), pure=False)
                    running[future.key] = chunk
                    future.add_done_callback(done.put)
                try:
                    future = done.get(timeout=_TICK)
                except queue.Empty:
                    continue
                yield from self._taken(future, running.pop(future.key), address)
        finally:
            for chunk in running.values():
                self.waiting.extend(chunk)

    def _next_chunk(self, n_workers: int) -> list[int]:
        if self.waiting[0] in self.alone:
            return [self.waiting.popleft()]
        fair = -(-len(self.waiting) // (_AHEAD * n_workers))
        size = max(1, min(int(CHUNK / self.seconds), LARGEST, fair))
        return [self.waiting.popleft() for _ in range(size)]

    def _taken(self, future: Any, chunk: list[int], address: str) -> Iterator[Any]:
        """The results of a finished chunk; what it left undone waits again."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            answer = future.result(timeout=_patience())
        except KilledWorker as error:
            if len(chunk) > 1:
                self.alone.update(chunk)
                self.waiting.extendleft(reversed(chunk))
                return
            self.unfinished -= 1
            yield self.lost(self.items[chunk[0]], error.allowed_failures + 1)
            return
        except (CancelledError, CommClosedError, TimeoutError) as error:
            self.waiting.extendleft(reversed(chunk))
            raise _SchedulerLost(" ".join(str(error).split()) or type(error).__name__) from None
        except Exception as error:  # the calls' own errors come back as answers: this one is of the worker
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ValueError(
                f"the workers of {address} cannot load what is run, install the same code there: {reason}"
            ) from error
        if answer.differs:
            raise ValueError(f"engine must be a cluster of the same versions and code, got {address}: {answer.differs}")
        self.waiting.extendleft(reversed(chunk[len(answer.results) :]))
        if answer.results:
            self.seconds = max(answer.seconds / len(answer.results), 1e-6)
        for result in answer.results:
            if result.error is not None:
                raise result.error from WorkerTraceback(f"\n{result.where}")
            self.unfinished -= 1
            yield result.value


@dataclass
class _Crew:
    """How many worker processes a cluster has, asked once a second, and since when there is none."""

    client: Any
    address: str
    known: int = 0
    asked: float = -1e9
    since: float = field(default_factory=time.monotonic)

    def count(self, work: _Work) -> int:
        """The number of workers; `ClusterLost` when there has been none for too long."""
        now = time.monotonic()
        if now - self.asked >= _TICK:
            self.known, self.asked = self._ask(), now
            self.since = now if self.known else self.since
        if now - self.since > _patience():
            raise ClusterLost(f"the Dask scheduler {self.address} has had no worker for {_patience():g} s; {work}")
        return self.known

    def _ask(self) -> int:
        if self.client.status != "running":
            raise _SchedulerLost(f"its client is {self.client.status}")
        try:
            return len(self.client.sync(self.client.scheduler.ncores, callback_timeout=_patience()))
        except Exception as error:  # Dask raises a dozen kinds for a connection that breaks
            raise _SchedulerLost(f"{type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class _Result:
    value: Any = None
    error: Exception | None = None
    where: str = ""


@dataclass(frozen=True)
class _Answer:
    """Results of the first calls of a chunk, or how this worker differs from who asks."""

    results: tuple[_Result, ...] = ()
    seconds: float = 0.0
    differs: str = ""


def call_chunk(function: bytes, items: Sequence[tuple[int, Any]], made: dict[str, str]) -> _Answer:
    """In a worker: make the calls one after the other, until one raises or the chunk is twice as long as it should be.

    Parameters
    ----------
    function : bytes
        Pickled.
    items : sequence of (int, item)
        Numbered.
    made : mapping
        :func:`made_here` of who asks.
    """
    here = made_here()
    if here != made:
        names = sorted(name for name in {*here, *made} if here.get(name) != made.get(name))
        differences = ", ".join(f"{name} {here.get(name)} there and {made.get(name)} here" for name in names)
        return _Answer(differs=f"its workers have {differences}")
    import cloudpickle

    with _alone:
        call = cloudpickle.loads(function)
        start, results = time.perf_counter(), []
        for _, item in items:
            results.append(_called(call, item))
            if results[-1].error is not None or time.perf_counter() - start > 2 * CHUNK:
                break
        return _Answer(tuple(results), time.perf_counter() - start)


def _called(call: Callable[[Any], Any], item: Any) -> _Result:
    import pickle

    try:
        return _Result(call(item))
    except Exception as error:
        where = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # kinds that cannot be sent
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return _Result(error=error, where=where)


@lru_cache(maxsize=1)
def made_here() -> dict[str, str]:
    """Versions of the libraries that compute, and a digest of this suite's code.

    Examples
    --------
    >>> made_here()["code"] == made_here()["code"]
    True
    """
    return {**identity.versions(), "code": _code_digest()}


def _code_digest() -> str:
    """Of every source file of the suite, wherever it is installed."""
    home, state = Path(__file__).parents[2], hashlib.sha256()
    for path in sorted(path for package in _PACKAGES for path in (home / package).rglob("*.py")):
        state.update(path.relative_to(home).as_posix().encode() + path.read_bytes())
    return state.hexdigest()[:12]
