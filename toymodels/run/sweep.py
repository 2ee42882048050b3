"""A function over a grid of parameters with replicates, as one labelled data set.

Every cell, one point of the grid and one replicate, gets its own generator, made from the seed, the replicate and the
point alone. Neither the number of jobs, nor the engine, nor values added to the grid move a number. With a cache every
finished cell is a file of the store, so that a stopped sweep goes on where it was.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toymodels.run import identity
from toymodels.run.cells import Cell, CellStore, Stored, made_by
from toymodels.run.engine import WorkerDied, one_thread, parallel_map, parse_engine
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import choice, flag, path, positive_int

if TYPE_CHECKING:
    import xarray

MOST_CELLS = 10**7  # more are several sweeps
EXACT_INTEGERS = 2**53  # beyond it float64 loses units
MAY_BE_NAN = "nan_is_an_answer"  # attribute of a function that returns NaN where there is no answer


@dataclass(frozen=True)
class _Call:
    """One cell: where its result goes, what it is called with, and its identity in the store, if any."""

    index: tuple[int, ...]
    point: dict[str, Any]
    replicate: int
    seed: int
    cell: Cell | None

    def __str__(self):
        point = "".join(f"{name}={value!r}, " for name, value in self.point.items())
        return f"{point}replicate {self.replicate}"


@dataclass(frozen=True)
class _Outcome:
    """The arrays of one cell, or why it has none."""

    index: tuple[int, ...]
    arrays: dict[str, np.ndarray] | None
    clock: str | None = None
    error: str = ""


def sweep(
    function: Callable[..., Mapping[str, Any] | Trajectory],
    grid: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    replicates: int = 1,
    seed: int = 0,
    jobs: int = 1,
    engine: str = "local",
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    errors: str = "raise",
    reuse: bool = True,
    log: Callable[[str], None] | None = None,
) -> xarray.Dataset:
    """Call `function` at every point of a grid and gather what it returns.

    Parameters
    ----------
    function : callable
        `function(**point, rng)` returns a dict of real numbers and arrays, with the same names and shapes in every
        cell, or a :class:`~toymodels.trajectory.Trajectory`, all of the same times, which become the coordinate `t`.
        With a cache it must be bound to plain values only (numbers, strings, paths, arrays, dicts, dataclasses,
        functions); whenever its code, or code of yours or of this suite that it can reach, is edited, or a plain
        constant that this code names has another value, its cells are computed again. What else decides its numbers,
        as files that it reads do, must be among its parameters.
    grid : mapping of str to 1-D values, or sequence of mappings
        Numbers, strings, bools or tuples for each swept parameter, without repeats; 1 and 1.0 are the same point, and
        tuples become strings in the coordinate. A sequence of mappings is a list of configurations. An empty mapping
        gives plain replicates.
    replicates : int
        Cells per point, each with its own generator.
    seed : int
        Seed of the whole sweep, >= 0.
    jobs : int
        Worker processes on this machine, one thread each; 1 stays in this process. A cluster has its own number.
    engine : str
        "local", "dask" (a cluster of `jobs` workers started here) or "dask:ADDRESS" of a running scheduler, whose
        workers must see `cache` under the same path.
    cache : path, optional
        Folder of the finished cells; made if missing.
    progress : callable, optional
        Called in this process as `progress(done, total)`: once with the cells found in the cache, then for every cell.
    errors : {"raise", "nan"}
        What becomes of a cell that raises or returns NaN: an error of the sweep, or NaN in the result, with the
        messages in its attribute `errors`.
    reuse : bool
        Whether cells in the cache are taken; if not they are computed again.
    log : callable (line), optional
        Hears why cells in the cache are not taken; without it this is printed to the standard error.

    Returns
    -------
    xarray.Dataset
        float64 variables over the swept names (or `configuration`) and `replicate`, followed by `t` for trajectories
        and `NAME_0`, `NAME_1`, ... for the axes of an array; attributes `function` and `seed`.

    Raises
    ------
    ValueError
        For a grid, count, seed or engine that is none, or a result that is no such dict or differs in shape between
        cells.
    SimulationError
        If a cell raises one or returns NaN; the message names the cell. Other exceptions carry the cell in a note.
    RuntimeError
        If worker processes die (killed, or out of memory) whenever they compute a certain cell.

    Notes
    -----
    A worker that dies loses the cells under way, which are computed again; Ctrl-C keeps what is in the cache. A library
    that a cell is the first to load in this process (torch) keeps the one thread of the cells.

    Examples
    --------
    >>> def walk(n_steps, step, rng):
    ...     return {"end": step * rng.choice([-1, 1], n_steps).sum()}
    >>> runs = sweep(walk, {"n_steps": [10, 20], "step": [0.5, 1.0, 2.0]}, replicates=4)
    >>> dict(runs.sizes)
    {'n_steps': 2, 'step': 3, 'replicate': 4}
    """
    replicates, seed = positive_int("replicates", replicates), positive_int("seed", seed, minimum=0)
    jobs = positive_int("jobs", jobs)
    choice("errors", errors, ("raise", "nan"))
    reuse = flag("reuse", reuse)
    cache = None if cache is None else path("cache", cache)
    parse_engine(engine)
    _require_few(grid, replicates)
    axes, points = _points(grid)
    for point in points:
        _require_arguments(function, point.values)
    store = None if cache is None else CellStore(cache, reuse=reuse, log=log or _to_stderr)
    calls = list(_calls(function, points, replicates, seed, store))
    worker = partial(_run, function, store, errors == "nan" or getattr(function, MAY_BE_NAN, False), errors)
    results = _run_all(worker, calls, store, jobs, engine, progress or (lambda done, total: None), errors)
    about = {"function": getattr(function, "label", None) or identity.display_name(function), "seed": seed}
    return _assemble(axes, replicates, calls, results, about)


def _to_stderr(line: str) -> None:
    import sys

    print(line, file=sys.stderr)


@dataclass(frozen=True)
class _Point:
    index: tuple[int, ...]
    values: dict[str, Any]


def _require_few(grid: Any, replicates: int) -> None:
    """Before anything is made of a grid: what has a length may be longer than any memory."""
    n_points = math.prod(map(_length, grid.values())) if isinstance(grid, Mapping) else _length(grid)
    if n_points * replicates > MOST_CELLS:
        raise ValueError(f"grid must have at most {MOST_CELLS} cells, got {n_points} points x {replicates} replicates")


def _length(values: Any) -> int:
    if isinstance(values, range):  # len() of one may be too large for it
        return max(0, -((values.start - values.stop) // values.step))
    return len(values) if hasattr(values, "__len__") and getattr(values, "ndim", 1) else 1


def _points(grid: Any) -> tuple[dict[str, Any], list[_Point]]:
    """Coordinates by dimension, and every point with its place along them."""
    if isinstance(grid, Mapping):
        axes = {_name(name): _axis(name, values) for name, values in grid.items()}
        ranges = [range(len(values)) for values in axes.values()]
        points = [
            _Point(where, {name: values[i] for (name, values), i in zip(axes.items(), where, strict=True)})
            for where in itertools.product(*ranges)
        ]
        return {name: (name, [_label(value) for value in values]) for name, values in axes.items()}, points
    if isinstance(grid, str | bytes) or not isinstance(grid, Sequence) or not len(grid):
        raise ValueError(f"grid must be a mapping of names to values, or a non-empty list of such points, got {grid!r}")
    points = [_Point((i,), _configuration(i, entry)) for i, entry in enumerate(grid)]
    seen = [identity.canonical(point.values) for point in points]
    if len(set(seen)) != len(seen):
        raise ValueError("grid must not repeat a configuration")
    coordinates: dict[str, Any] = {"configuration": ("configuration", list(range(len(points))))}
    for name in points[0].values:
        values = [point.values[name] for point in points if name in point.values]
        kinds = {"number" if type(value) in (int, float) else type(value).__name__ for value in values}
        if len(values) == len(points) and len(kinds) == 1:
            coordinates[name] = ("configuration", [_label(value) for value in values])
    return coordinates, points


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier() or name in ("rng", "replicate", "configuration"):
        raise ValueError(f"grid must name parameters (other than rng, replicate and configuration), got {name!r}")
    return name


def _configuration(number: int, point: Any) -> dict[str, Any]:
    if not isinstance(point, Mapping):
        raise ValueError(f"grid must be a list of dicts, got {point!r} as number {number}")
    return {_name(name): _axis(name, [value])[0] for name, value in point.items()}


def _axis(name: str, values: Any) -> list[Any]:
    """The values of one parameter as built-in numbers, strings, bools or tuples of them."""
    if isinstance(values, str | bytes | Mapping) or not _is_list(values):
        raise ValueError(f"grid[{name!r}] must be a 1-D list of values, got {values!r}")
    if isinstance(values, Set):
        raise ValueError(f"grid[{name!r}] must be a list, since a set has no order, got {values!r}")
    if np.ma.is_masked(values):
        raise ValueError(f"grid[{name!r}] must have no masked values, got {values!r}")
    built_in = [_built_in(value) for value in values]
    kinds = {"number" if type(value) in (int, float) else type(value).__name__ for value in built_in}
    if len(kinds) != 1 or not kinds <= {"number", "str", "bool", "tuple"}:
        raise ValueError(
            f"grid[{name!r}] must hold only numbers, only strings, only bools or only tuples, got {built_in!r}"
        )
    numbers = [part for value in built_in for part in (value if isinstance(value, tuple) else (value,))]
    if not all(math.isfinite(part) for part in numbers if type(part) is float):
        raise ValueError(f"grid[{name!r}] must be finite, got {built_in!r}")
    if any(not -(2**63) <= part < 2**63 for part in numbers if type(part) is int):
        raise ValueError(f"grid[{name!r}] must have integers of at most 63 bits, got {built_in!r}")
    if len(set(built_in)) != len(built_in):
        raise ValueError(f"grid[{name!r}] must not repeat a value, got {built_in!r}")
    return built_in


def _is_list(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 1
    return hasattr(values, "__len__") and hasattr(values, "__iter__") and len(values) > 0


def _built_in(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return tuple(_built_in(part) for part in value)
    return value


def _label(value: Any) -> Any:
    return str(value) if isinstance(value, tuple) else value


def _require_arguments(function: Callable, point: Mapping[str, Any]) -> None:
    import inspect

    try:
        inspect.signature(function).bind(**dict.fromkeys([*point, "rng"]))
    except TypeError as error:
        raise ValueError(f"grid must fit the parameters of {identity.display_name(function)}: {error}") from None


def seed_sequence(seed: int, replicate: int, point: Mapping[str, Any]) -> np.random.SeedSequence:
    """Entropy of one cell, from nothing but its seed, replicate and point."""
    digest = hashlib.sha256(identity.canonical(point).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.SeedSequence(seed, spawn_key=(replicate, *words))


def _calls(function, points: list[_Point], replicates: int, seed: int, store: CellStore | None) -> Iterator[_Call]:
    how = {} if store is None else made_by([function])
    what = {} if store is None else identity.function_identity(function)
    for point in points:
        for replicate in range(replicates):
            asked = {"function": what, "point": point.values, "replicate": replicate, "seed": seed}
            cell = None if store is None else Cell(asked, how)
            yield _Call((*point.index, replicate), point.values, replicate, seed, cell)


def _run_all(worker, calls: list[_Call], store, jobs: int, engine: str, progress: Callable, errors: str) -> dict:
    """Outcomes by index of the cell, those in the cache first."""
    results = {} if store is None else _from_cache(calls, store)
    if store is not None:
        store.report()
    progress(len(results), len(calls))
    waiting = [call for call in calls if call.index not in results]

    def lost(call: _Call, error: WorkerDied) -> _Outcome:
        if errors == "raise":
            raise WorkerDied(f"{error}, in the cell {call}; {len(results)} of {len(calls)} cells are finished and kept")
        return _Outcome(call.index, None, error=f"{call}: {error}")

    for outcome in parallel_map(worker, waiting, jobs=jobs, engine=engine, lost=lost):
        results[outcome.index] = outcome
        progress(len(results), len(calls))
    return results


def _from_cache(calls: list[_Call], store: CellStore) -> dict[tuple[int, ...], _Outcome]:
    values = {}
    for call in calls:
        stored = store.find(call.cell) if call.cell is not None else None
        if stored is not None:
            values[call.index] = _of_stored(call, stored)
    return values


def _of_stored(call: _Call, stored: Stored) -> _Outcome:
    return _Outcome(call.index, dict(stored.arrays), stored.header.get("clock"))


def _run(function: Callable, store: CellStore | None, nan_passes: bool, errors: str, call: _Call) -> _Outcome:
    """Compute one cell, in a worker or here, and write its file."""
    rng = np.random.default_rng(seed_sequence(call.seed, call.replicate, call.point))
    try:
        with one_thread():
            value = function(**call.point, rng=rng)
        outcome = _checked(value, call, nan_passes)
    except Exception as error:
        if errors == "nan":
            return _Outcome(call.index, None, error=f"{call}: {type(error).__name__}: {error}")
        if isinstance(error, SimulationError):
            raise SimulationError(f"{error}, in the cell {call}") from error
        error.add_note(f"in the cell {call}")
        raise
    keeps_nan = getattr(function, MAY_BE_NAN, False)
    sound = keeps_nan or not any(np.isnan(values).any() for values in (outcome.arrays or {}).values())
    if store is not None and call.cell is not None and outcome.arrays is not None and sound:
        store.write(call.cell, outcome.arrays, {} if outcome.clock is None else {"clock": outcome.clock})
    return outcome


def _checked(value: Any, call: _Call, nan_passes: bool) -> _Outcome:
    if isinstance(value, Trajectory):
        return _Outcome(call.index, {"t": value.t, **_arrays(value.data, nan_passes)}, value.clock)
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"function must return a non-empty dict of numbers and arrays, or a Trajectory, got {value!r}")
    return _Outcome(call.index, _arrays(value, nan_passes))


def _arrays(outputs: Mapping[str, Any], nan_passes: bool) -> dict[str, np.ndarray]:
    arrays = {}
    for name, value in outputs.items():
        if not isinstance(name, str) or not name.replace(".", "_").isidentifier():
            raise ValueError(f"function must return names that are identifiers, got {name!r}")
        array = _array(value)
        if array.dtype.kind not in "biuf" or array.size == 0:
            raise ValueError(f"function must return real numbers and arrays, got {value!r} for {name}")
        if np.ma.is_masked(value):
            raise ValueError(f"function must return arrays without masked entries, got {value!r} for {name}")
        if array.dtype.kind in "iu" and ((array > EXACT_INTEGERS) | (array < -EXACT_INTEGERS)).any():
            raise ValueError(f"function must return integers up to 2**53, got {value!r} for {name}")
        if not nan_passes and array.dtype.kind == "f" and np.isnan(array).any():
            raise SimulationError(f"{name} is not a number")
        arrays[name] = array.astype(float)
    return arrays


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor, which numpy may not read as it is
        value = value.detach().cpu()
        value = value.double() if value.is_floating_point() else value
    return np.asarray(value)


def _assemble(axes: dict, replicates: int, calls: list[_Call], results: dict, about: dict) -> xarray.Dataset:
    import xarray

    good = [call for call in calls if results[call.index].arrays is not None]
    failed = [results[call.index].error for call in calls if results[call.index].arrays is None]
    if not good:
        raise SimulationError(f"no cell has a result, the first: {failed[0]}")
    first = results[good[0].index]
    times = first.arrays["t"] if first.clock is not None else None
    names = [name for name in first.arrays if times is None or name != "t"]
    dims = (*dict.fromkeys(dimension for dimension, _ in axes.values()), "replicate")
    shape = tuple(max(call.index[i] for call in calls) + 1 for i in range(len(dims)))
    along = () if times is None else ("t",)
    inner = {name: (*along, *(f"{name}_{i}" for i in range(first.arrays[name].ndim - len(along)))) for name in names}
    for taken in {*dims, *axes} & {*names, *itertools.chain.from_iterable(inner.values())}:
        raise ValueError(f"function must return names other than those of the grid, got {taken!r}")
    variables = {name: np.full(shape + first.arrays[name].shape, np.nan) for name in names}
    for call in good:
        outcome = results[call.index]
        if _shapes(outcome.arrays) != _shapes(first.arrays) or (outcome.clock is None) != (times is None):
            raise ValueError(
                f"function must return the same names and shapes in every cell, got "
                f"{_shapes(outcome.arrays)} in the cell {call} but {_shapes(first.arrays)} in the first"
            )
        if times is not None and not np.array_equal(outcome.arrays["t"], times):
            raise ValueError(f"function must return trajectories of the same times in every cell, not in {call}")
        for name in names:
            variables[name][call.index] = outcome.arrays[name]
    data = {name: (dims + inner[name], values) for name, values in variables.items()}
    coordinates = axes | {"replicate": ("replicate", np.arange(replicates))}
    if times is not None:
        coordinates["t"] = ("t", times)
        about = about | {"clock": first.clock}
    return xarray.Dataset(data, coordinates, about | ({"errors": failed} if failed else {}))


def _shapes(outputs: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in sorted(outputs.items()))
