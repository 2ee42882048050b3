"""The only harness: seeds, workers, results folder, resume, progress, command line, exit codes."""

from __future__ import annotations

import argparse
import difflib
import hashlib
import importlib
import shutil
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from comparisons import folder, report, settings
from comparisons.study import OFF, Adapter, Silent, Study, Verdict
from toymodels.run.engine import one_thread, parallel_map, parse_engine
from toymodels.trajectory import SimulationError, Trajectory

ALL_RAN, FAILED, USAGE, DIFFERS, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True)
class Cell:
    """One run of one row: what a worker needs, and the file it leaves."""

    row: str
    replicate: int
    adapter: Adapter
    params: Any
    seed: tuple[int, int, int]
    path: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: its file, or the reason it has none."""

    cell: Cell
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Result:
    """Everything a finished study knows."""

    study: Study
    params: Any
    runs: dict[str, list[Trajectory]]
    verdicts: dict[str, Verdict]
    folder: Path
    seconds: float
    interrupted: bool = False


def model_seed(seed: int, replicate: int, model: str) -> tuple[int, int, int]:
    """Entropy of one run; no number of jobs, engine or new model moves it, and a knob's two rows share it."""
    return seed, replicate, zlib.crc32(model.removesuffix(OFF).encode())


def run(
    study: Study,
    *,
    preset: str = "quick",
    overrides: Sequence[str] = (),
    models: Sequence[str] | None = None,
    seed: int = 0,
    replicates: int = 3,
    jobs: int = 1,
    engine: str = "local",
    device: str = "auto",
    data: str | None = None,
    out: str | Path = "results",
    resume: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Result:
    """Run a study and keep everything under `out`/<study>/<preset>-s<seed>[-<hash of the overrides>].

    Parameters
    ----------
    study : Study
        The question and its models.
    preset, overrides : str, sequence of "KEY=VALUE"
        Parameters.
    models : sequence of str, optional
        Which of the study's models; all but those on request, if None.
    seed, replicates, jobs : int
        Seed of everything, runs per row, worker processes. `jobs` never changes a number.
    engine : str
        "local", "dask" or "dask:ADDRESS".
    device, data : str
        Handed to the models, see :class:`comparisons.study.BaseParams`.
    out : path
        Results folder.
    resume : bool
        Keep the finished runs of an interrupted call with the same parameters.
    tell : callable
        Gets one line per finished run.

    Raises
    ------
    ValueError
        Unknown preset, model or parameter, or numbers that are not positive.
    """
    params = _params(study, preset, list(overrides), device, data)
    for name, value in (("replicates", replicates), ("jobs", jobs)):
        if value < 1:
            raise ValueError(f"{name} must be >= 1, got {value}")
    parse_engine(engine)
    for name in models or ():
        if name not in study.models:
            raise ValueError(f"models must be out of {' '.join(study.models)}, got {name!r}")
    rows = study.rows(models)
    where = Path(out) / study.name / folder.name(preset, seed, overrides)
    book = folder.Book(where, identity={"params": settings.visible(params), "seed": seed}, resume=resume)
    start = time.perf_counter()
    cells = list(_cells(rows, params, seed, replicates, where))
    failures, interrupted = _execute(cells, book, jobs, engine, tell)
    runs, verdicts = _judge(study, rows, params, cells, failures)
    result = Result(study, params, runs, verdicts, where, time.perf_counter() - start, interrupted)
    book.close(result, jobs=jobs)
    return result


def _params(study: Study, preset: str, overrides: list[str], device: str, data: str | None):
    if preset not in study.presets:
        raise ValueError(f"preset must be one of {', '.join(study.presets)}, got {preset!r}")
    return replace(settings.override(study.presets[preset], overrides), device=device, data=data)


def _cells(rows, params, seed: int, replicates: int, where: Path) -> Iterator[Cell]:
    for row, adapter in rows.items():
        if isinstance(adapter, Silent):
            continue
        for replicate in range(replicates):
            path = where / "runs" / f"{row.replace(OFF, '-off').replace(' ', '_')}-{replicate}.npz"
            local = replace(params, scratch=path.with_suffix(".scratch"))
            yield Cell(row, replicate, adapter, local, model_seed(seed, replicate, row), path)


def run_cell(cell: Cell) -> Outcome:
    """Run one cell with one thread and write its file; a SimulationError becomes the outcome's error."""
    start = time.perf_counter()
    try:
        with one_thread():
            cell.adapter(cell.params, np.random.default_rng(cell.seed)).save(cell.path)
            shutil.rmtree(cell.params.scratch, ignore_errors=True)
    except SimulationError as error:
        return Outcome(cell, time.perf_counter() - start, str(error) or "SimulationError")
    return Outcome(cell, time.perf_counter() - start)


def _execute(cells, book: folder.Book, jobs: int, engine: str, tell) -> tuple[dict[str, str], bool]:
    from tqdm import tqdm

    waiting = [cell for cell in cells if not book.has(cell.path)]
    names = list(dict.fromkeys(cell.row.removesuffix(OFF) for cell in cells))
    waiting.sort(
        key=lambda cell: -names.index(cell.row.removesuffix(OFF))
    )  # the last model is the longest: start with it
    failures: dict[str, str] = {}
    bar = tqdm(total=len(cells), initial=len(cells) - len(waiting), disable=None, unit="run", leave=False)
    try:
        for outcome in parallel_map(run_cell, waiting, jobs=jobs, engine=engine):
            bar.update()
            state = f"failed: {outcome.error}" if outcome.error else f"{outcome.seconds:.1f} s"
            line = f"{outcome.cell.row} {outcome.cell.replicate + 1}: {state}"
            if bar.disable:
                tell(line)
            else:
                bar.set_postfix_str(line)
            if outcome.error:
                failures[outcome.cell.row] = outcome.error
            else:
                book.add(outcome.cell.path, outcome.seconds)
    except KeyboardInterrupt:
        return failures, True
    finally:
        bar.close()
    return failures, False


def _judge(study: Study, rows, params, cells, failures):
    runs: dict[str, list[Trajectory]] = {}
    verdicts: dict[str, Verdict] = {}
    for row, adapter in rows.items():
        if isinstance(adapter, Silent):
            verdicts[row] = Verdict("silent", note=adapter.why)
            continue
        runs[row] = [Trajectory.load(cell.path) for cell in cells if cell.row == row and cell.path.exists()]
        if row in failures:
            verdicts[row] = Verdict("failed", note=failures[row])
        elif runs[row]:
            try:
                verdicts[row] = study.judge(runs[row], params)
            except KeyError as error:
                raise ValueError(f"{row} must return what {study.name} judges: {error.args[0]}") from None
    return runs, verdicts


def digest(run: Trajectory) -> str:
    """SHA-256 over names, shapes and bytes of a run's arrays; equal exactly when the numbers are."""
    state = hashlib.sha256()
    for name, values in sorted({"t": run.t, **run.data}.items()):
        state.update(f"{name}{values.dtype}{values.shape}".encode() + np.ascontiguousarray(values).tobytes())
    return state.hexdigest()


class _Parser(argparse.ArgumentParser):
    """Answers a misspelt flag with the nearest one."""

    def error(self, message: str):
        wrong = [word for word in message.split() if word.startswith("--")]
        flags = [flag for action in self._actions for flag in action.option_strings]
        near = difflib.get_close_matches(wrong[0], flags, n=1) if "unrecognized" in message and wrong else []
        super().error(f"{message}; did you mean {near[0]}?" if near else message)


def base_parser(prog: str, description: str, presets: Sequence[str] = ("quick", "paper")) -> argparse.ArgumentParser:
    """The flags that every command which runs studies has."""
    made = _Parser(prog=prog, description=description, allow_abbrev=False)
    made.add_argument("--preset", default="quick", choices=list(presets), help="sizes and horizons")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--replicates", type=int, default=3, help="runs per row")
    made.add_argument("--jobs", type=int, default=1, help="worker processes; never changes a number")
    made.add_argument("--engine", default="local", help="local, dask or dask:ADDRESS")
    made.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    made.add_argument("--data", metavar="DIR", help="folder with data sets, for models that load them")
    made.add_argument("--out", default="results", metavar="DIR")
    made.add_argument("--resume", action="store_true", help="go on where an interrupted call stopped")
    made.add_argument("--check", action="store_true", help="exit 3 when a verdict differs from the committed one")
    return made


def parser(study: Study) -> argparse.ArgumentParser:
    """The command line of one study."""
    made = base_parser(f"python -m comparisons.{study.name}", study.question, list(study.presets))
    made.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help=_known(study))
    made.add_argument("--models", nargs="+", choices=list(study.models), metavar="MODEL", help=_models(study))
    return made


def _models(study: Study) -> str:
    asked = f"; only when named: {', '.join(study.on_request)}" if study.on_request else ""
    return ", ".join(name for name in study.models if name not in study.on_request) + asked


def _known(study: Study) -> str:
    return "parameters: " + ", ".join(settings.visible(study.presets["quick"]))


def main(study: str | Study, argv: Sequence[str] | None = None) -> int:
    """Run a study from the command line and return its exit code; a name stands for `comparisons.<name>.STUDY`."""
    if isinstance(study, str):  # by name, so that workers import it rather than get a copy of __main__
        study = importlib.import_module(f"comparisons.{study}").STUDY
    assert isinstance(study, Study)
    options = vars(parser(study).parse_args(argv))
    check = options.pop("check")
    try:
        result = run(study, **options, tell=lambda line: print(line, file=sys.stderr, flush=True))
    except (ValueError, FileNotFoundError) as error:
        print(f"{study.name}: {error}", file=sys.stderr)
        return USAGE
    print(report.table(result))
    if result.interrupted:
        print("interrupted; what is finished is kept, --resume goes on", file=sys.stderr)
        return INTERRUPTED
    return exit_code(result, check, options["preset"])


def exit_code(result: Result, check: bool, preset: str) -> int:
    """1 when a model failed, 3 when `check` finds a verdict that differs from the committed one, else 0."""
    if any(verdict.outcome == "failed" for verdict in result.verdicts.values()):
        return FAILED
    differences = report.differences(result, preset) if check else []
    if check:
        lines = [*differences, *report.unknown(result, preset)]
        print("\n".join(lines) or "verdicts as committed", file=sys.stderr)
    return DIFFERS if differences else ALL_RAN
