"""Many independent calls at once, on this machine or on a Dask cluster; one thread per worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


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
    if address is None and jobs == 1:
        yield from map(function, items)
        return
    from joblib import Parallel, delayed

    with _backend(address, jobs):
        calls = (delayed(function)(item) for item in items)
        yield from Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="all")(calls)


@contextmanager
def _backend(address: str | None, jobs: int):
    from joblib import parallel_config

    if address is None:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield
        return
    from dask.distributed import Client

    own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    with Client(address) if address else Client(**own), parallel_config(backend="dask"):
        yield
