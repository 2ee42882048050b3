"""Many independent calls at once, on this machine or on a Dask cluster; one thread per worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside, so that no number depends on how many there are.

    A library that is first loaded inside (torch) reads its number of threads from the environment then, and keeps it.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        with _thread_pools(len(sys.modules)).limit(limits=1):
            yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int):
    """Control of the thread pools in this process, looked up again (milliseconds) when modules have been loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def parse_engine(engine: str) -> str | None:
    """None for "local", else the scheduler's address, empty for one started here.

    Raises
    ------
    ValueError
        Anything but `local`, `dask` or `dask:ADDRESS`.
    """
    kind, _, address = engine.partition(":")
    if kind == "local" and not address:
        return None
    if kind == "dask":
        return address
    raise ValueError(f"engine must be local, dask or dask:ADDRESS, got {engine!r}")


def parallel_map(
    function: Callable[[Any], Any], items: Sequence[Any], *, jobs: int = 1, engine: str = "local"
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

    Raises
    ------
    ValueError
        Unknown engine.
    """
    address = parse_engine(engine)
    if address is not None:
        yield from _on_dask(function, items, address, jobs)
    elif jobs == 1:
        yield from map(function, items)
    else:
        from joblib import Parallel, delayed, parallel_config

        with parallel_config(backend="loky", inner_max_num_threads=1):
            calls = (delayed(function)(item) for item in items)
            yield from Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="all")(calls)


def _on_dask(function: Callable[[Any], Any], items: Sequence[Any], address: str, jobs: int) -> Iterator[Any]:
    """Straight through the client: joblib's Dask backend waits for ever for a task whose worker keeps dying."""
    from dask.distributed import Client, as_completed

    own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    with Client(address) if address else Client(**own) as client:
        for _, result in as_completed(client.map(function, items, pure=False), with_results=True):
            yield result
