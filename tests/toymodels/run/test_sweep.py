import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.toymodels.run import sweep_cells as cells
from toymodels import SimulationError, Trajectory
from toymodels.run import files
from toymodels.run import sweep as module_of_sweep
from toymodels.run.cells import read_head
from toymodels.run.engine import WorkerDied
from toymodels.run.sweep import MAY_BE_NAN, _arrays, seed_sequence, sweep

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
GRID = {"width": [2, 3, 5], "scale": [0.5, 2.0]}


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.02)


@pytest.fixture
def scheduler(tmp_path):
    """Address of a scheduler with two single-threaded workers, all processes of their own on the loopback device."""
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": ENVIRONMENT, "cwd": ROOT}
    note = tmp_path / "scheduler.json"
    alone = ["--no-dashboard", "--host", "127.0.0.1"]
    head = subprocess.Popen([*dask, "scheduler", "--port", "0", "--scheduler-file", str(note), *alone], **quiet)
    processes = [head]
    try:
        wait_for(note.exists)
        wait_for(lambda: note.read_text().strip().endswith("}"))
        address = json.loads(note.read_text())["address"]
        alone += ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)]
        processes += [subprocess.Popen([*dask, "worker", address, *alone], **quiet) for _ in range(2)]
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
        for process in processes:
            process.wait(30)


def test_the_result_is_labelled_by_grid_replicate_and_array_axes():
    runs = sweep(cells.draw, GRID, replicates=4)
    assert dict(runs.sizes) == {"width": 3, "scale": 2, "replicate": 4, "row_0": 2}
    assert runs["norm"].dims == ("width", "scale", "replicate")
    assert runs["row"].dims == ("width", "scale", "replicate", "row_0")
    assert_array_equal(runs["width_seen"].sel(width=5), 5.0)
    assert {str(variable.dtype) for variable in runs.data_vars.values()} == {"float64"}
    assert runs.attrs == {"function": "tests.toymodels.run.sweep_cells.draw", "seed": 0}


def test_every_cell_has_its_own_generator():
    norms = sweep(cells.draw, GRID, replicates=5)["norm"].values.ravel()
    assert len(np.unique(norms)) == norms.size
    assert not np.intersect1d(norms, sweep(cells.draw, GRID, replicates=5, seed=1)["norm"]).size


@given(st.permutations([2, 3, 4, 5]), st.integers(1, 4), st.integers(1, 4))
def test_neither_more_values_nor_their_order_nor_more_replicates_move_a_number(widths, n_widths, replicates):
    all_runs = sweep(cells.draw, {"width": [2, 3, 4, 5], "scale": [2.0, 0.5]}, replicates=4)
    some = sweep(cells.draw, {"scale": [0.5], "width": widths[:n_widths]}, replicates=replicates)
    same = all_runs.sel(width=some.width, scale=some.scale, replicate=some.replicate).transpose(*some["row"].dims)
    xarray.testing.assert_equal(same, some)  # but for their attributes


def test_whole_floats_are_the_points_of_the_integers():
    integers = sweep(cells.draw, {"width": [2], "scale": np.array([1, 2])})
    floats = sweep(cells.draw, {"width": [2], "scale": np.array([1.0, 2.0, 2.5])})
    assert_array_equal(floats["norm"].values[:, :2], integers["norm"].values)


def test_two_workers_give_the_bits_of_one_process():
    serial = sweep(cells.draw, GRID, replicates=3)
    xarray.testing.assert_identical(sweep(cells.draw, GRID, replicates=3, jobs=2), serial)


def test_a_dask_cluster_gives_the_bits_of_one_process(scheduler, tmp_path):
    serial = sweep(cells.draw, GRID, replicates=3)
    engine = f"dask:{scheduler}"
    xarray.testing.assert_identical(sweep(cells.draw, GRID, replicates=3, engine=engine), serial)
    cache = tmp_path / "cache"
    sweep(cells.draw, GRID, engine=engine, cache=cache)
    assert len(list(cache.glob("*/*.npz"))) == 6
    with pytest.raises(SimulationError, match="loss is not finite at step 7, in the cell width=3, replicate 0"):
        sweep(cells.diverge, {"width": [2, 3]}, engine=engine)


def test_a_dask_cluster_is_started_on_request():
    serial = sweep(cells.draw, GRID)
    xarray.testing.assert_identical(sweep(cells.draw, GRID, jobs=2, engine="dask"), serial)


def test_finished_cells_are_not_computed_again(tmp_path):
    marks, cache = tmp_path / "marks", tmp_path / "cache"
    marks.mkdir()
    function = partial(cells.leave_mark, folder=str(marks))
    first = sweep(function, {"width": [2, 3]}, cache=cache)
    bytes_before = {path: path.read_bytes() for path in cache.glob("*/*.npz")}
    more = sweep(function, {"width": [2, 3, 4]}, cache=cache, jobs=2)
    assert len(list(marks.iterdir())) == 3
    assert {path: path.read_bytes() for path in bytes_before} == bytes_before
    assert len(bytes_before) == 2
    xarray.testing.assert_identical(more.sel(width=[2, 3]), first)
    fresh = sweep(function, {"width": [2, 3, 4]})
    xarray.testing.assert_identical(more, fresh)


def test_cells_have_the_same_bytes_each_time_and_say_what_they_are(tmp_path):
    for folder in ("one", "two"):
        sweep(cells.draw, GRID, cache=tmp_path / folder)
    paths = sorted((tmp_path / "one").glob("*/*.npz"))
    assert len(paths) == 6
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    asked = read_head(paths[0])["identity"]["asked"]
    assert asked["function"]["name"] == "tests.toymodels.run.sweep_cells.draw"
    assert set(asked["point"]) == {"width", "scale"}


def test_seed_replicate_point_function_and_bound_arguments_name_the_file(tmp_path):
    small = partial(cells.configured, settings=cells.Settings())
    placed = partial(cells.configured, settings=cells.Settings(), folder=tmp_path)
    large = partial(cells.configured, settings=cells.Settings(size=4))
    for function, seed in ((small, 0), (small, 1), (large, 0), (placed, 0), (small, 0)):
        sweep(function, {"width": [2]}, replicates=2, seed=seed, cache=tmp_path)
    assert len(list(tmp_path.glob("*/*.npz"))) == 8


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b"",
        lambda b: b"<html>" + b,
        lambda b: b[: len(b) // 2] + bytes([b[len(b) // 2] ^ 1]) + b[len(b) // 2 + 1 :],
    ],
)
def test_a_damaged_cell_is_set_aside_named_and_computed_again(tmp_path, damage):
    whole = sweep(cells.draw, {"width": [2]}, cache=tmp_path)
    (path,) = tmp_path.glob("*/*.npz")
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    messages = []
    xarray.testing.assert_identical(sweep(cells.draw, {"width": [2]}, cache=tmp_path, log=messages.append), whole)
    assert len(messages) == 1
    assert path.name in messages[0]
    assert "set aside as" in messages[0]
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == damaged


def test_a_cell_whose_numbers_were_changed_is_set_aside(tmp_path):
    sweep(cells.draw, {"width": [2]}, cache=tmp_path)
    (path,) = tmp_path.glob("*/*.npz")
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **(arrays | {"a/norm": 1.5 * arrays["a/norm"]}))
    messages = []
    sweep(cells.draw, {"width": [2]}, cache=tmp_path, log=messages.append)
    assert "was altered: its arrays do not fit their checksum" in messages[0]


def test_swapped_cells_are_set_aside(tmp_path):
    whole = sweep(cells.draw, {"width": [2, 3]}, cache=tmp_path)
    cell, other = tmp_path.glob("*/*.npz")
    first, second = cell.read_bytes(), other.read_bytes()
    cell.write_bytes(second)
    other.write_bytes(first)
    messages = []
    xarray.testing.assert_identical(sweep(cells.draw, {"width": [2, 3]}, cache=tmp_path, log=messages.append), whole)
    assert len(messages) == 2
    assert all("holds another cell than its name says" in line for line in messages)


def test_old_temporary_files_are_removed_and_fresh_ones_left_to_their_writers(tmp_path):
    old, fresh = (tmp_path / part for part in ("aa/a.npz.1.0123abcd.part", "bb/b.npz.2.0123abcd.part"))
    for part in (old, fresh):
        part.parent.mkdir()
        part.touch()
    os.utime(old, (time.time() - 2 * files.STALE,) * 2)
    film = tmp_path / "down" / "film.mkv.part"
    film.parent.mkdir()
    film.touch()
    os.utime(film, (0, 0))
    sweep(cells.draw, {"width": [2]}, cache=tmp_path)
    assert not old.exists()
    assert fresh.exists()
    assert film.exists()


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(source, target):
        if str(target).endswith(".npz"):
            raise OSError("no space left on device")
        replace(source, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        sweep(cells.draw, {"width": [2]}, cache=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_progress_counts_cached_cells_first(tmp_path):
    sweep(cells.draw, {"width": [2]}, cache=tmp_path)
    seen = []
    sweep(cells.draw, {"width": [2, 3, 4]}, cache=tmp_path, progress=lambda *counts: seen.append(counts))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_killed_worker_costs_only_the_cells_under_way(tmp_path):
    function = partial(cells.kill_once, folder=str(tmp_path))
    runs = sweep(function, {"width": [2, 3, 4, 5]}, jobs=2, cache=tmp_path / "cache")
    assert (tmp_path / "killed").exists()
    xarray.testing.assert_identical(runs, sweep(function, {"width": [2, 3, 4, 5]}))


def test_a_cell_that_always_kills_its_worker_is_an_error_that_keeps_the_others(tmp_path):
    with pytest.raises(RuntimeError, match=r"its worker process died .* in the cell width=3, replicate 0"):
        sweep(cells.kill_always, {"width": [2, 3, 4]}, jobs=2, cache=tmp_path)
    assert len(list(tmp_path.glob("*/*.npz"))) == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_keeps_what_is_finished(tmp_path, jobs):
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also where a parent ignores it
        "from functools import partial; from tests.toymodels.run import sweep_cells; from toymodels import sweep\n"
        f"function = partial(sweep_cells.sleep_then_draw, folder={str(tmp_path)!r})\n"
        f"sweep(function, {{'width': [1, 2, 3, 4]}}, jobs={jobs}, cache={str(tmp_path / 'cache')!r})\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT
    )
    wait_for((tmp_path / f"begun-{2 + jobs}").exists)  # every worker sleeps
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert run.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert len(list((tmp_path / "cache").glob("*/*.npz"))) == 2
    assert not list((tmp_path / "cache").rglob("*.part"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_in_a_cell_name_it(jobs):
    with pytest.raises(SimulationError, match=r"^loss is not finite at step 7, in the cell width=3, replicate 0$"):
        sweep(cells.diverge, {"width": [2, 3]}, jobs=jobs)
    with pytest.raises(KeyError, match="no such layer") as raised:
        sweep(cells.misuse, {"width": [2, 3]}, jobs=jobs)
    assert "in the cell width=3, replicate 0" in raised.value.__notes__


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        ({"a": np.nan}, SimulationError, "a is not a number, in the cell x=1, replicate 0"),
        ({"a": 1j}, ValueError, "real numbers"),
        ({"a": "text"}, ValueError, "real numbers"),
        ({"a": []}, ValueError, "real numbers"),
        ({"a": 2**60}, ValueError, r"integers up to 2\*\*53"),
        ({}, ValueError, "non-empty dict"),
        (1.0, ValueError, "non-empty dict"),
        ({"a b": 1.0}, ValueError, "identifiers"),
        ({"x": 1.0}, ValueError, "names other than those of the grid, got 'x'"),
    ],
)
def test_results_that_are_no_real_arrays_are_refused(output, error, message):
    with pytest.raises(error, match=message):
        sweep(lambda x, rng: output, {"x": [1]})


def test_infinite_results_are_kept(tmp_path):
    runs = sweep(cells.never, {"width": [2]}, cache=tmp_path)
    assert runs["delay"].item() == np.inf
    xarray.testing.assert_identical(sweep(cells.never, {"width": [2]}, cache=tmp_path), runs)


def test_results_that_differ_in_shape_name_the_cell():
    with pytest.raises(ValueError, match=r"got a \(2,\) in the cell x=2, replicate 0 but a \(1,\) in the first"):
        sweep(lambda x, rng: {"a": np.ones(x)}, {"x": [1, 2]})


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([], "grid must be a mapping of names to values, or a non-empty list"),
        ([3], "grid must be a list of dicts, got 3 as number 0"),
        ([{"x": 1}, {"x": 1.0}], "grid must not repeat a configuration"),
        ([{"x": 1}, {"y": 1}], "grid must fit the parameters of"),
        ({"configuration": [1]}, "other than rng, replicate and configuration"),
        ({"x": []}, r"grid\['x'\] must be a 1-D list"),
        ({"x": "abc"}, r"grid\['x'\] must be a 1-D list"),
        ({"x": 3}, r"grid\['x'\] must be a 1-D list"),
        ({"x": [[1, 2]]}, r"grid\['x'\] must hold only numbers"),
        ({"x": [(1, np.nan)]}, r"grid\['x'\] must be finite"),
        ({"x": [1, 1.0]}, r"grid\['x'\] must not repeat a value"),
        ({"x": [1, "a"]}, r"grid\['x'\] must hold only numbers, only strings, only bools or only tuples"),
        ({"x": [1, True]}, r"grid\['x'\] must hold only numbers"),
        ({"x": [1, None]}, r"grid\['x'\] must hold only numbers"),
        ({"x": [1, np.inf]}, r"grid\['x'\] must be finite"),
        ({"y": [1]}, "grid must fit the parameters of .*: missing a required argument: 'x'"),
        ({"x": [1], "z": [1]}, "grid must fit the parameters of .*: got an unexpected keyword argument 'z'"),
        ({"rng": [1]}, "other than rng, replicate"),
        ({"x y": [1]}, "grid must name parameters"),
    ],
)
def test_bad_grids_are_refused(grid, message):
    with pytest.raises(ValueError, match=message):
        sweep(lambda x, rng: {"a": x}, grid)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicates": 0}, "replicates must be >= 1"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"jobs": 0.5}, "jobs must be an integer"),
        ({"engine": "slurm"}, "engine must be local, dask or dask:ADDRESS, got 'slurm'"),
        ({"engine": "dask:nowhere"}, "engine must be local, dask, dask:HOST:PORT or .*, got 'dask:nowhere'"),
        ({"engine": "dask:"}, "engine must be local, dask, dask:HOST:PORT or .*, got 'dask:'"),
        ({"cache": __file__}, "the folder of results must be one that can be written, got .*: File exists"),
        ({"cache": "/proc/nowhere"}, "the folder of results must be one that can be written"),
        ({"errors": "skip"}, "errors must be one of raise, nan"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sweep(cells.draw, {"width": [2]}, **options)


def test_lambdas_and_closures_are_told_from_others(tmp_path):
    def scaled(factor):
        return lambda width, rng: {"a": factor * width}

    functions = [scaled(1.0), scaled(2.0), lambda width, rng: {"a": 3.0}, lambda width, rng: {"a": 4.0}]
    for _ in range(2):
        values = [sweep(function, {"width": [1]}, cache=tmp_path)["a"].item() for function in functions]
        assert values == [1.0, 2.0, 3.0, 4.0]
    assert len(list(tmp_path.glob("*/*.npz"))) == 4


def test_functions_bound_to_what_has_no_plain_form_are_not_cached(tmp_path):
    with pytest.raises(ValueError, match="function must be bound to plain values to be told from others, got <object"):
        sweep(partial(cells.draw, scale=object()), {"width": [2]}, cache=tmp_path)


def test_a_cache_that_is_not_to_be_used_is_written_all_the_same(tmp_path):
    marks, cache = tmp_path / "marks", tmp_path / "cache"
    marks.mkdir()
    function = partial(cells.leave_mark, folder=str(marks))
    for reuse in (True, False, True):
        sweep(function, {"width": [2]}, cache=cache, reuse=reuse)
    assert len(list(marks.iterdir())) == 2


def test_cells_without_an_answer_are_nan_where_the_caller_says_so(tmp_path):
    runs = sweep(cells.diverge, {"width": [2, 3, 4]}, errors="nan", jobs=2, cache=tmp_path)
    assert_array_equal(np.isnan(runs["norm"].values.ravel()), [False, True, False])
    assert runs.attrs["errors"] == ["width=3, replicate 0: SimulationError: loss is not finite at step 7"]
    with pytest.raises(SimulationError, match="no cell has a result, the first: width=3"):
        sweep(cells.diverge, {"width": [3]}, errors="nan")
    values = sweep(lambda x, rng: {"a": np.nan if x else 1.0}, {"x": [0, 1]}, errors="nan")["a"].values.ravel()
    assert_array_equal(values, [1.0, np.nan])
    lost = sweep(cells.kill_always, {"width": [2, 3]}, errors="nan", jobs=2)
    assert "its worker process died" in lost.attrs["errors"][0]


def test_a_trajectory_becomes_variables_over_time(tmp_path):
    grid = {"rate": [1.0, 2.0]}
    runs = sweep(cells.decay, grid, replicates=2, cache=tmp_path)
    assert runs["loss"].dims == ("rate", "replicate", "t")
    assert runs["weights"].dims == ("rate", "replicate", "t", "weights_0")
    assert runs.attrs["clock"] == "flow time"
    assert runs["loss"].sel(rate=2.0, t=1.0, replicate=0).item() == np.exp(-2.0)
    xarray.testing.assert_identical(sweep(cells.decay, grid, replicates=2, cache=tmp_path), runs)
    with pytest.raises(ValueError, match="trajectories of the same times in every cell, not in rate=-1"):
        sweep(cells.decay, {"rate": [1.0, -1.0]})


def test_a_list_of_configurations_has_the_cells_of_the_grid():
    both = [{"width": 2, "scale": 0.5}, {"width": 5, "scale": 2.0}]
    runs = sweep(cells.draw, both, replicates=2)
    grid = sweep(cells.draw, GRID, replicates=2)
    assert runs["norm"].dims == ("configuration", "replicate")
    assert runs["width"].values.tolist() == [2, 5]
    for i, point in enumerate(both):
        assert_array_equal(runs["row"].sel(configuration=i), grid["row"].sel(point))


def test_tuples_are_values_and_an_empty_grid_is_plain_replicates():
    runs = sweep(lambda widths, rng: {"n": len(widths)}, {"widths": [(784, 10), (784, 5, 10)]})
    assert runs["n"].sel(widths="(784, 5, 10)").item() == 3
    alone = sweep(lambda rng: {"u": rng.random()}, {}, replicates=3, seed=1)
    assert alone["u"].dims == ("replicate",)
    assert len(set(alone["u"].values)) == 3


def test_a_program_finds_its_own_cells_again(tmp_path):
    """What its main block does may decide what its functions return, so that its importers have cells of their own."""
    arguments = [sys.executable, "-m", "tests.toymodels.run.sweep_cells", str(tmp_path)]
    for _ in range(2):
        subprocess.run(arguments, check=True, env=ENVIRONMENT, cwd=ROOT)
        assert len(list(tmp_path.glob("*/*.npz"))) == 2
    sweep(cells.draw, {"width": [2, 3]}, cache=tmp_path)
    assert len(list(tmp_path.glob("*/*.npz"))) == 4


def test_cells_that_are_nan_are_not_taken_where_nan_is_an_error(tmp_path):
    grid = {"width": [2, 3]}
    assert np.isnan(sweep(cells.undefined, grid, errors="nan", cache=tmp_path)["norm"].values).sum() == 1
    with pytest.raises(SimulationError, match="norm is not a number"):
        sweep(cells.undefined, grid, cache=tmp_path)


def test_outputs_may_be_called_like_anything(tmp_path):
    names = {"file": 1.0, "allow_pickle": 2.0, "cell": 3.0}
    for _ in range(2):
        outputs = sweep(lambda rng: names, {}, cache=tmp_path)
        assert {name: outputs[name].item() for name in names} == names


def test_a_file_that_cannot_be_read_now_is_not_called_damaged(tmp_path, monkeypatch):
    from toymodels.run import cells as store

    sweep(cells.draw, {"width": [2]}, cache=tmp_path)

    def busy(*_, **__):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(store.np, "load", busy)
    with pytest.raises(OSError, match="Too many open files"):
        sweep(cells.draw, {"width": [2]}, cache=tmp_path)
    assert not list(tmp_path.rglob("*.damaged-*"))


@pytest.mark.parametrize("place", range(3))
def test_one_integer_that_is_too_large_is_enough_to_refuse(place):
    values = np.full(3, 2**53)
    assert _arrays({"n": values}, False)["n"].tolist() == [2.0**53] * 3
    values[place] += 1
    for sign in (1, -1):
        with pytest.raises(ValueError, match=r"integers up to 2\*\*53"):
            _arrays({"n": sign * values}, False)
    assert _arrays({"n": np.uint64(2**53)}, False)["n"] == 2.0**53
    with pytest.raises(ValueError, match=r"integers up to 2\*\*53"):
        _arrays({"n": np.uint64(2**64 - 1)}, False)


def test_tensors_are_results_whatever_numpy_makes_of_them():
    torch = pytest.importorskip("torch")
    for made in (torch.tensor([0.5, 2.0], dtype=torch.bfloat16), torch.tensor([0.5, 2.0], requires_grad=True)):
        assert _arrays({"x": made}, False)["x"].tolist() == [0.5, 2.0]
    with pytest.raises(ValueError, match="real numbers and arrays"):
        _arrays({"x": torch.tensor(1j)}, False)


def test_masked_entries_are_no_results():
    with pytest.raises(ValueError, match="without masked entries"):
        _arrays({"x": np.ma.array([1.0, 2.0], mask=[False, True])}, False)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"n": range(10**12)}, "at most 10000000 cells, got 1000000000000 points x 2"),
        ({"n": range(10**30, 0, -3)}, "at most 10000000 cells"),
        ({"n": range(4000), "m": range(4000)}, "at most 10000000 cells, got 16000000 points x 2"),
        (range(10**12), "at most 10000000 cells"),
        ({"n": {1, 2}}, r"grid\['n'\] must be a list, since a set has no order"),
        ({"n": [2**63]}, r"grid\['n'\] must have integers of at most 63 bits"),
        ({"n": [(0, -(2**63) - 1)]}, r"grid\['n'\] must have integers of at most 63 bits"),
        ({"n": np.ma.array([1, 2], mask=[False, True])}, r"grid\['n'\] must have no masked values"),
    ],
)
def test_grids_without_order_or_end_are_refused_before_anything_is_made_of_them(grid, message):
    with pytest.raises(ValueError, match=message):
        sweep(lambda rng, **point: {"v": 1}, grid, replicates=2)


def test_the_largest_integers_are_points():
    found = sweep(lambda n, rng: {"v": n % 10}, {"n": [2**63 - 1, -(2**63)]})
    assert found["v"].values.ravel().tolist() == [7, 2]
    assert found["n"].values.tolist() == [2**63 - 1, -(2**63)]


def drawn(seed, replicate, point):
    return tuple(seed_sequence(seed, replicate, point).generate_state(4))


def test_every_part_of_a_cell_moves_its_numbers_and_the_order_of_its_names_none():
    point = {"x": 1, "name": "a"}
    asked = [(0, 0, point), (1, 0, point), (0, 1, point), (0, 0, {"x": 2, "name": "a"}), (0, 0, {"y": 1, "name": "a"})]
    assert len({drawn(*cell) for cell in asked}) == len(asked)
    assert drawn(0, 0, {"name": "a", "x": 1.0}) == drawn(0, 0, point)


def test_the_generator_of_a_cell_is_that_of_its_seed_sequence():
    runs = sweep(lambda x, rng: {"u": rng.random()}, {"x": [0.5, 2]}, replicates=3, seed=4)
    for x in (0.5, 2):
        for replicate in range(3):
            expected = np.random.default_rng(seed_sequence(4, replicate, {"x": x})).random()
            assert runs["u"].sel(x=x, replicate=replicate).item() == expected


def test_what_all_configurations_have_of_one_kind_labels_them():
    points = [{"n": 2, "mode": "a", "odd": 1}, {"n": 2.5, "mode": "b", "odd": "x"}, {"n": 7, "mode": "a", "odd": 2}]
    runs = sweep(lambda n, mode, odd, rng: {"y": 2 * n}, points)
    assert runs["y"].values.ravel().tolist() == [4, 5, 14]
    assert set(runs.coords) == {"configuration", "replicate", "n", "mode"}
    assert runs["n"].values.tolist() == [2, 2.5, 7]
    assert runs["mode"].values.tolist() == ["a", "b", "a"]
    assert runs["configuration"].values.tolist() == [0, 1, 2]
    some = sweep(lambda rng, n=1, m=2: {"y": n * m}, [{"n": 3, "m": 5}, {"n": 4}])
    assert set(some.coords) == {"configuration", "replicate", "n"}
    assert some["y"].values.ravel().tolist() == [15, 8]


def test_the_number_of_cells_is_bounded(monkeypatch):
    monkeypatch.setattr(module_of_sweep, "MOST_CELLS", 6)
    assert sweep(cells.never, {"width": [1, 2, 3]}, replicates=2)["delay"].size == 6
    with pytest.raises(ValueError, match="grid must have at most 6 cells, got 1 points x 7 replicates"):
        sweep(cells.never, {"width": [1]}, replicates=7)


def answers(width, rng):
    return {"delay": np.nan if width == 3 else width}


def test_a_function_may_say_that_nan_is_an_answer_which_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(answers, MAY_BE_NAN, True, raising=False)
    seen = []
    for _ in range(2):
        runs = sweep(answers, {"width": [2, 3]}, cache=tmp_path, progress=lambda *counts: seen.append(counts))
        assert_array_equal(runs["delay"].values.ravel(), [2, np.nan])
        assert "errors" not in runs.attrs
    assert seen == [(0, 2), (1, 2), (2, 2), (2, 2)]


def test_a_result_that_is_nan_where_it_may_not_be_is_not_kept(tmp_path):
    runs = sweep(answers, {"width": [2, 3]}, cache=tmp_path, errors="nan")
    assert_array_equal(runs["delay"].values.ravel(), [2, np.nan])
    assert len(list(tmp_path.glob("*/*.npz"))) == 1


def test_why_cells_are_not_taken_is_printed_where_nobody_listens(tmp_path, capsys):
    sweep(cells.never, {"width": [2]}, cache=tmp_path)
    (path,) = tmp_path.glob("*/*.npz")
    path.write_bytes(b"")
    sweep(cells.never, {"width": [2]}, cache=tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    assert "set aside as" in err
    assert len(err.splitlines()) == 1


def test_a_function_may_have_a_label_of_its_own(monkeypatch):
    monkeypatch.setattr(answers, "label", "answers of mine", raising=False)
    assert sweep(answers, {"width": [2]}, seed=3).attrs == {"function": "answers of mine", "seed": 3}


@pytest.mark.parametrize(
    ("name", "output", "taken"),
    [
        ("replicate", 1.0, "replicate"),
        ("x", 1.0, "x"),
        ("y", [1.0, 2.0], None),
        ("x.y", 1.0, None),
        ("_x2", 1.0, None),
    ],
)
def test_results_are_called_like_nothing_of_the_grid(name, output, taken):
    if taken is None:
        assert (
            sweep(lambda x, rng: {name: output}, {"x": [1]})[name].values.ravel().tolist() == np.ravel(output).tolist()
        )
    else:
        with pytest.raises(ValueError, match=f"names other than those of the grid, got {taken!r}"):
            sweep(lambda x, rng: {name: output}, {"x": [1]})


@pytest.mark.parametrize("name", ["2x", "x y", "", 3, "x-y"])
def test_results_have_names_that_are_identifiers(name):
    with pytest.raises(ValueError, match=f"must return names that are identifiers, got {name!r}"):
        sweep(lambda rng: {name: 1.0}, {})


def test_an_axis_of_a_result_may_not_be_called_like_the_grid():
    with pytest.raises(ValueError, match="names other than those of the grid, got 'y_0'"):
        sweep(lambda y_0, rng: {"y": [1.0, 2.0]}, {"y_0": [1]})
    with pytest.raises(ValueError, match="names other than those of the grid, got 't'"):
        sweep(lambda t, rng: Trajectory([0.0], {"y": [1.0]}, clock="step"), {"t": [1]})


def test_a_trajectory_among_plain_results_is_refused():
    def mixed(x, rng):
        return Trajectory([0.0, 1.0], {"y": [1.0, 2.0]}, clock="step") if x == 1 else {"t": [0, 1], "y": [1.0, 2.0]}

    for order in ([1, 2], [2, 1]):
        with pytest.raises(ValueError, match="must return the same names and shapes in every cell"):
            sweep(mixed, {"x": order})


def test_results_of_other_names_or_times_are_refused():
    with pytest.raises(ValueError, match=r"got a \(\), b \(\) in the cell x=2, replicate 0 but a \(\) in the first"):
        sweep(lambda x, rng: {"b": 2.0, "a": 1.0} if x == 2 else {"a": 1.0}, {"x": [1, 2]})


def test_arrays_of_several_axes_lie_behind_those_of_the_grid():
    runs = sweep(
        lambda x, s, rng: {"m": [[x, 2 * x, 3], [s, 0, 1]], "n": x + s}, {"x": [5, 7], "s": [11, 13]}, replicates=2
    )
    assert runs["m"].dims == ("x", "s", "replicate", "m_0", "m_1")
    assert runs["m"].shape == (2, 2, 2, 2, 3)
    for x in (5, 7):
        for s in (11, 13):
            expected = np.array([[x, 2 * x, 3], [s, 0, 1]], float)
            assert_array_equal(runs["m"].sel(x=x, s=s), np.stack([expected, expected]), strict=True)
            assert_array_equal(runs["n"].sel(x=x, s=s), [x + s] * 2)


def test_what_is_left_out_of_a_grid_is_the_default_of_the_function():
    runs = sweep(lambda rng, x=3, y=4: {"z": x * y}, {"y": [5, np.int64(6)]})
    assert runs["z"].values.ravel().tolist() == [15, 18]
    with pytest.raises(ValueError, match="must hold only numbers"):
        sweep(lambda x, rng: {"z": 1}, {"x": np.array([object()])})
    with pytest.raises(ValueError, match="must be a 1-D list"):
        sweep(lambda x, rng: {"z": 1}, {"x": np.ones((1, 2))})


def test_one_configuration_is_a_list_too():
    runs = sweep(lambda n, rng: {"y": 2 * n}, [{"n": 3}], replicates=2)
    assert runs["y"].dims == ("configuration", "replicate")
    assert runs["y"].values.tolist() == [[6, 6]]
    assert runs["n"].values.tolist() == [3]


def test_a_cell_that_kills_its_worker_is_an_error_or_nan_as_the_caller_says(monkeypatch):
    def some_die(worker, calls, *, jobs, engine, lost):
        return (lost(call, WorkerDied("its worker died")) if call.point["x"] == 2 else worker(call) for call in calls)

    monkeypatch.setattr(module_of_sweep, "parallel_map", some_die)
    runs = sweep(lambda x, rng: {"y": 3 * x}, {"x": [1, 2, 3]}, jobs=2, errors="nan")
    assert_array_equal(runs["y"].values.ravel(), [3, np.nan, 9])
    assert runs.attrs["errors"] == ["x=2, replicate 0: its worker died"]
    message = r"^its worker died, in the cell x=2, replicate 0; 1 of 3 cells are finished and kept$"
    with pytest.raises(WorkerDied, match=message):
        sweep(lambda x, rng: {"y": 3 * x}, {"x": [1, 2, 3]}, jobs=2)
