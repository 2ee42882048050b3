"""A function over a grid of parameters with replicates, as one labelled data set.

Every cell, one point of the grid and one replicate, gets its own generator, made from the seed, the replicate and the
point alone. Neither the number of jobs, nor the engine, nor values added to the grid move a number. With a cache every
finished cell is a netCDF-3 file, so that a stopped sweep goes on where it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toymodels.run import cells as _cells
from toymodels.run.engine import one_thread, parallel_map, parse_engine
from toymodels.trajectory import SimulationError
from toymodels.validation import positive_int

if TYPE_CHECKING:
    import xarray

PATIENCE = 3  # deaths of a worker in a row, without a cell finished in between, before a sweep gives up
EXACT_INTEGERS = 2**53  # beyond it float64 loses units


@dataclass(frozen=True)
class _Cell:
    """One call: where its result goes, what it is called with, and its file, if any."""

    index: tuple[int, ...]
    point: dict[str, Any]
    replicate: int
    seed: int
    path: Path | None
    configuration: str

    def __str__(self):
        point = ", ".join(f"{name}={value!r}" for name, value in self.point.items())
        return f"{point}, replicate {self.replicate}"


def sweep(
    function: Callable[..., Mapping[str, Any]],
    grid: Mapping[str, Any],
    *,
    replicates: int = 1,
    seed: int = 0,
    jobs: int = 1,
    engine: str = "local",
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xarray.Dataset:
    """Call `function` at every point of a grid and gather what it returns.

    Parameters
    ----------
    function : callable
        `function(**point, rng)` returns a dict of real numbers and arrays, with the same names and shapes in every
        cell. With a cache it must be importable by name, or a `functools.partial` of such a function over plain values
        (numbers, strings, paths, arrays, dicts, dataclasses); edits to its body do not change the name of a file, so
        empty the cache after them.
    grid : mapping of str to 1-D values
        Numbers, strings or bools for each swept parameter, without repeats. 1 and 1.0 are the same point.
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

    Returns
    -------
    xarray.Dataset
        float64 variables over the swept names and `replicate`, followed by `NAME_0`, `NAME_1`, ... for the axes of an
        array; attributes `function` and `seed`.

    Raises
    ------
    ValueError
        For a grid, count, seed or engine that is none, a result that is no such dict or differs in shape between cells,
        or a damaged file in the cache.
    SimulationError
        If a cell raises one or returns NaN; the message names the cell. Other exceptions carry the cell in a note.
    RuntimeError
        If worker processes die (killed, or out of memory) three times without a cell finished in between.

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
    parse_engine(engine)
    axes = {name: _axis(name, values) for name, values in _grid(grid).items()}
    _require_arguments(function, axes)
    folder = None if cache is None else _cells.open_folder(cache)
    cells = list(_make_cells(function, axes, replicates, seed, folder))
    results = _run_all(function, cells, jobs, engine, progress or (lambda done, total: None))
    return _assemble(axes, replicates, cells, results, {"function": _cells.display_name(function), "seed": seed})


def _grid(grid: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"grid must be a non-empty mapping of names to values, got {grid!r}")
    for name in grid:
        if not isinstance(name, str) or not name.isidentifier() or name in ("rng", "replicate"):
            raise ValueError(f"grid must name parameters (other than rng and replicate), got {name!r}")
    return grid


def _axis(name: str, values: Any) -> list[Any]:
    """The values of one parameter as built-in numbers, strings or bools."""
    if isinstance(values, str | bytes | Mapping) or np.ndim(values) != 1:
        raise ValueError(f"grid[{name!r}] must be a 1-D list of values, got {values!r}")
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {"number" if type(value) in (int, float) else type(value).__name__ for value in plain}
    if len(kinds) != 1 or not kinds <= {"number", "str", "bool"}:
        raise ValueError(f"grid[{name!r}] must hold only numbers, only strings or only bools, got {plain!r}")
    if kinds == {"number"} and not np.isfinite(plain).all():
        raise ValueError(f"grid[{name!r}] must be finite, got {plain!r}")
    if len(set(plain)) != len(plain):
        raise ValueError(f"grid[{name!r}] must not repeat a value, got {plain!r}")
    return plain


def _require_arguments(function: Callable, axes: Mapping[str, Any]) -> None:
    import inspect

    try:
        inspect.signature(function).bind(**dict.fromkeys([*axes, "rng"]))
    except TypeError as error:
        raise ValueError(f"grid must fit the parameters of {_cells.display_name(function)}: {error}") from None


def _make_cells(function: Callable, axes: dict, replicates: int, seed: int, folder: Path | None) -> Iterator[_Cell]:
    name = None if folder is None else _cells.identity(function)
    ranges = [range(len(values)) for values in axes.values()]
    for *where, replicate in itertools.product(*ranges, range(replicates)):
        point = {key: values[i] for (key, values), i in zip(axes.items(), where, strict=True)}
        configuration = _cells.canonical({"function": name, "point": point, "replicate": replicate, "seed": seed})
        path = None if folder is None else _cells.file_of(folder, configuration)
        yield _Cell((*where, replicate), point, replicate, seed, path, configuration)


def _run_all(function: Callable, cells: list[_Cell], jobs: int, engine: str, progress: Callable) -> dict:
    """Results by index of the cell; when a worker dies what is left is tried again."""
    from concurrent.futures.process import BrokenProcessPool

    results, deaths = _from_cache(cells), 0
    progress(len(results), len(cells))
    while waiting := [cell for cell in cells if cell.index not in results]:
        try:
            for index, outputs in parallel_map(partial(_run, function), waiting, jobs=jobs, engine=engine):
                results[index] = outputs
                progress(len(results), len(cells))
        except BrokenProcessPool as error:
            results |= _from_cache([cell for cell in waiting if cell.index not in results])
            deaths = deaths + 1 if len(results) + len(waiting) == len(cells) else 0
            if deaths == PATIENCE:
                raise RuntimeError(
                    f"worker processes die (killed, or out of memory) in one of {len(waiting)} unfinished cells, "
                    f"the first of them {waiting[0]}"
                ) from error
    return results


def _from_cache(cells: list[_Cell]) -> dict:
    return {
        cell.index: _cells.read(cell.path, cell.configuration)
        for cell in cells
        if cell.path is not None and cell.path.exists()
    }


def _run(function: Callable, cell: _Cell) -> tuple[tuple[int, ...], dict[str, np.ndarray]]:
    """Compute one cell, in a worker or here, and write its file."""
    rng = np.random.default_rng(_cells.seed_sequence(cell.seed, cell.replicate, cell.point))
    try:
        with one_thread():
            outputs = _checked(function(**cell.point, rng=rng))
    except SimulationError as error:
        raise SimulationError(f"{error}, in the cell {cell}") from error
    except Exception as error:
        error.add_note(f"in the cell {cell}")
        raise
    if cell.path is not None:
        _cells.write(cell.path, outputs, cell.configuration)
    return cell.index, outputs


def _checked(outputs: Any) -> dict[str, np.ndarray]:
    if not isinstance(outputs, Mapping) or not outputs:
        raise ValueError(f"function must return a non-empty dict of numbers and arrays, got {outputs!r}")
    arrays = {}
    for name, value in outputs.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"function must return names that are identifiers, got {name!r}")
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" or array.size == 0:
            raise ValueError(f"function must return real numbers and arrays, got {value!r} for {name}")
        if array.dtype.kind in "iu" and (abs(array.astype(float)) > EXACT_INTEGERS).any():
            raise ValueError(f"function must return integers up to 2**53, got {value!r} for {name}")
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise SimulationError(f"{name} is not a number")
        arrays[name] = array.astype(float)
    return arrays


def _assemble(axes: dict, replicates: int, cells: list[_Cell], results: dict, attributes: dict) -> xarray.Dataset:
    import xarray

    first = results[cells[0].index]
    dims = (*axes, "replicate")
    shape = (*map(len, axes.values()), replicates)
    inner = {name: tuple(f"{name}_{i}" for i in range(array.ndim)) for name, array in first.items()}
    for taken in set(dims) & {*first, *itertools.chain.from_iterable(inner.values())}:
        raise ValueError(f"function must return names other than those of the grid, got {taken!r}")
    variables = {name: np.empty(shape + array.shape) for name, array in first.items()}
    for cell in cells:
        outputs = results[cell.index]
        if {name: array.shape for name, array in outputs.items()} != {name: a.shape for name, a in first.items()}:
            raise ValueError(
                f"function must return the same names and shapes in every cell, got "
                f"{_shapes(outputs)} in the cell {cell} but {_shapes(first)} in the first"
            )
        for name, array in outputs.items():
            variables[name][cell.index] = array
    data = {name: (dims + inner[name], values) for name, values in variables.items()}
    return xarray.Dataset(data, {**axes, "replicate": np.arange(replicates)}, attributes)


def _shapes(outputs: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in sorted(outputs.items()))
