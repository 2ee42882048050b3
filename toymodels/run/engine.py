"""Many independent calls at once, on this machine or on a Dask cluster; one thread per worker.

A worker that dies costs the calls under way, which are made again; workers end with the process that started them, and
SIGTERM is Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

from toymodels.run.cluster import map_on_cluster, parse_address
from toymodels.run.loaded_code import loaded_code, require_code
from toymodels.run.source_files import PROGRAM, Program, program, work_for
from toymodels.run.torch_settings import settings_of_one_call, torch_settings, use_torch_settings
from toymodels.run.values import use_values, values_named

THREADS = tuple(f"{library}_NUM_THREADS" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR"))
THREADS += ("VECLIB_MAXIMUM_THREADS",)  # of Apple's Accelerate
PATIENCE = 3  # deaths of a worker in a row, without a call finished in between, before each call is tried alone


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside, so that no number depends on how many there are.

    A library that is first loaded inside (torch) reads its number of threads from the environment then, and keeps it.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        with _one_thread_of_torch(), _thread_pools(len(sys.modules)).limit(limits=1):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _one_thread_of_torch() -> Iterator[None]:
    """Where torch is loaded, by itself: the MKL inside it has a number of its own, which no other library can set."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_num_threads"):
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int):
    """Control of the thread pools in this process, looked up again (milliseconds) when modules have been loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGINT raise `KeyboardInterrupt` inside, also where the parent process had SIGINT ignored.

    Outside of the main thread, where signals cannot be caught, nothing changes.
    """

    def stop(signum, frame):
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def parse_engine(engine: str) -> str | None:
    """None for "local", else the scheduler's address, empty for one started here.

    Raises
    ------
    ValueError
        Anything but `local`, `dask` or `dask:HOST:PORT`, or Dask where it is not installed.
    """
    kind, _, address = str(engine).partition(":")
    if kind == "local" and not address:
        return None
    if kind != "dask":
        raise ValueError(f"engine must be local, dask or dask:ADDRESS, got {engine!r}")
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise ValueError(f"engine {engine} needs Dask, which is not installed: pip install 'toymodels[cluster]'")
    return parse_address(address) if address or str(engine).endswith(":") else address


class WorkerDied(RuntimeError):
    """A worker process ended (killed, or out of memory) each time it made this call."""


def in_words(error: BaseException) -> str:
    """An error in one line: its kind and what it says; a :class:`SimulationError` speaks for itself."""
    kind = type(error).__name__
    text = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name in ("torch", "sklearn"):
        text += ", which the networks need: pip install 'toymodels[dnn]'"
    return text if kind == "SimulationError" and text else f"{kind}: {text}" if text else kind


def parallel_map(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    jobs: int = 1,
    engine: str = "local",
    lost: Callable[[Any, WorkerDied], Any] | None = None,
) -> Iterator[Any]:
    """Yield `function(item)` as the calls finish, in any order.

    Parameters
    ----------
    function : callable
        Takes one item. It must not depend on the worker it runs in.
    items : sequence
        What to call it with.
    jobs : int
        Worker processes; 1 with the local engine stays in this process.
    engine : str
        "local" (joblib's loky), "dask" (a cluster of `jobs` single-threaded workers started here) or "dask:ADDRESS".
    lost : callable (item, error), optional
        What to yield for an item whose worker dies whenever it is called, alone too; without it the error is raised.

    Raises
    ------
    ValueError
        Unknown engine, workers that cannot load what is run, or a cluster of other versions or code.
    WorkerDied
        See `lost`.
    ClusterLost
        See :func:`toymodels.run.cluster.map_on_cluster`.
    """
    address = parse_engine(engine)
    if address is None and jobs == 1:
        yield from (_called_alone(function, item) for item in items)
        return
    _send_program_whole()
    asker = _Asker.here(values_named(function, *items), with_place=address is None)
    function = partial(_called_for, asker, function)
    if address is None:
        yield from _until_done(function, list(items), jobs, lost)
        return

    def died(item: Any, deaths: int) -> Any:
        error = WorkerDied(f"its worker process died (killed, or out of memory) {deaths} times")
        if lost is None:
            raise WorkerDied(f"{error}, in {item}")
        return lost(item, error)

    yield from map_on_cluster(function, items, address=address, jobs=jobs, lost=died)


@dataclass(frozen=True)
class _Asker:
    """What a worker cannot know by itself of the process that asks.

    Parameters
    ----------
    program : Program
        What runs there.
    code : dict of str to str
        State of every file that is loaded there.
    torch : dict of str to str
        Settings that are not the usual ones.
    constants : dict
        Of :func:`toymodels.run.values.values_named`.
    place : (str, dict), optional
        Working folder and environment; None for workers that may be on another machine.
    call : str
        Tells one call of :func:`parallel_map` from all others.
    """

    program: Program
    code: dict[str, str]
    torch: dict[str, str]
    constants: dict[tuple[str, str], Any]
    place: tuple[str, dict[str, str]] | None
    call: str

    @classmethod
    def here(cls, constants: dict[tuple[str, str], Any], *, with_place: bool) -> _Asker:
        by_name = {where: value for where, value in constants.items() if where[0] not in (*PROGRAM, program().name)}
        place = _place() if with_place else None
        return cls(program(), loaded_code(), torch_settings(), by_name, place, os.urandom(8).hex())


def _place() -> tuple[str, dict[str, str]]:
    try:
        folder = os.getcwd()
    except OSError:  # it was deleted
        folder = ""
    return folder, {name: value for name, value in os.environ.items() if name not in THREADS}


_SENT: dict[str, str] = {}  # environment of the process that asked last
_LAST_CALL: list[str] = [""]


def _take_place(folder: str, environment: dict[str, str]) -> None:
    """Work in the folder and the environment of the process that asks, which may have changed them since."""
    with contextlib.suppress(OSError):
        if folder and os.getcwd() != folder:
            os.chdir(folder)
    if environment != _SENT:
        for name in _SENT.keys() - environment.keys():
            os.environ.pop(name, None)
        for name, value in environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        _SENT.clear()
        _SENT.update(environment)


def _called_for(asker: _Asker, function: Callable[[Any], Any], item: Any) -> Any:
    """The call of a worker."""
    work_for(asker.program)
    require_code(asker.code)
    if asker.place is not None:
        _take_place(*asker.place)
    if asker.call != _LAST_CALL[-1]:
        use_values(asker.constants)
        _LAST_CALL[:] = [asker.call]
    use_torch_settings(asker.torch)
    return _called_alone(function, item)


def _called_alone(function: Callable[[Any], Any], item: Any) -> Any:
    with settings_of_one_call():
        return function(item)


def _send_program_whole() -> None:
    """What a script defines is sent to workers as it is, not by name, also from a process that was spawned."""
    program = sys.modules.get("__mp_main__")
    for name in ("cloudpickle", "joblib.externals.cloudpickle"):  # the second in joblib before 1.6
        with contextlib.suppress(ImportError):
            if program is not None:
                import_module(name).register_pickle_by_value(program)


def _until_done(function, items: list, jobs: int, lost) -> Iterator[Any]:
    """Call again what was under way when a worker died; what kills its worker alone, twice, is lost."""
    waiting, deaths = dict(enumerate(items)), 0
    while waiting:
        alone = deaths >= PATIENCE
        batch = [next(iter(waiting.items()))] if alone else list(waiting.items())
        before = len(waiting)
        for index, outcome in _on_loky(partial(_numbered, function, os.getpid()), batch, 1 if alone else jobs):
            del waiting[index]
            yield outcome
        if len(waiting) < before:
            deaths = PATIENCE if alone else 0
            continue
        deaths += 1
        if alone and deaths >= PATIENCE + 2:
            index, item = batch[0]
            error = WorkerDied(f"its worker process died (killed, or out of memory) {deaths} times")
            if lost is None:
                raise WorkerDied(f"{error}, in {item}")
            del waiting[index]
            deaths = PATIENCE
            yield lost(item, error)


def _numbered(function: Callable[[Any], Any], parent: int, numbered: tuple[int, Any]) -> tuple[int, Any]:
    _end_with(parent)
    index, item = numbered
    return index, function(item)


@lru_cache(maxsize=1)
def _end_with(parent: int) -> None:
    """End this worker when the process that started it is gone, however it went."""
    if os.getppid() != parent:
        return

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_loky(function: Callable[[Any], Any], items: Sequence[Any], jobs: int) -> Iterator[Any]:
    """Results until all are there or a worker dies."""
    import warnings
    from concurrent.futures.process import BrokenProcessPool
    from pickle import PicklingError

    from joblib import Parallel, delayed, parallel_config

    finished = False
    _end_loky_workers_with(os.getpid())
    _end_outdated_loky_workers()
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1), warnings.catch_warnings():
            # loky replaces, and warns of, a worker that has grown by 300 MB; with torch loaded all do, nothing is lost
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)
            calls = (delayed(function)(item) for item in items)  # with one job joblib would make them in this process
            yield from Parallel(
                n_jobs=max(min(jobs, len(items)), 2), return_as="generator_unordered", pre_dispatch="all"
            )(calls)
        finished = True
    except BrokenProcessPool as error:
        finished = True  # what is left is tried again
        if "failed to un-serialize" in str(error):
            reason = in_words(error.__cause__) if error.__cause__ else str(error)
            raise ValueError(
                f"with jobs > 1 workers must be able to import what is run, use jobs=1: {reason}"
            ) from error
    except PicklingError as error:
        raise ValueError(f"with jobs > 1 what is run must be sent to workers, but {error}; use jobs=1") from error
    finally:
        if not finished:
            _end_loky_workers(kill=True)


@lru_cache(maxsize=1)
def _end_loky_workers_with(process: int) -> None:
    """A child of multiprocessing waits for its own children at its end; idle workers would keep it for five minutes."""
    from multiprocessing import parent_process, util

    if parent_process() is not None:
        util.Finalize(None, _end_loky_workers, exitpriority=100)  # before the queues that feed them close


_CODE_OF_WORKERS: dict[str, str] = {}  # of what was loaded here when the workers that are left were asked


def _end_outdated_loky_workers() -> None:
    """Workers stay for later calls; where a module was loaded again since, they have it in its old state."""
    code = loaded_code()
    if any(_CODE_OF_WORKERS.get(name, digest) != digest for name, digest in code.items()):
        _end_loky_workers()
        _CODE_OF_WORKERS.clear()
    _CODE_OF_WORKERS.update(code)


def _end_loky_workers(*, kill: bool = False) -> None:
    """Their folder for large arrays goes with them; after an error or Ctrl-C they are killed, for nobody waits."""
    from joblib.externals.loky import get_reusable_executor

    with contextlib.suppress(Exception):
        workers = get_reusable_executor(reuse=True)  # pyright: ignore[reportArgumentType]
        workers.shutdown(wait=True, kill_workers=kill)
        # only joblib's have such a folder
        workers.terminate(kill_workers=kill)  # pyright: ignore[reportAttributeAccessIssue]
